#include "CVectorKernels.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <math.h>
#include <string.h>

#define WITH_INT8_PRODUCTS __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))
#define UNROLLED _Pragma("clang loop unroll(full)")

enum { ROWS = TESSERA_PANEL_ROWS, TILE = TESSERA_TILE_CENTROIDS, REGISTERS = ROWS / 16 };

int tessera_has_int8_products(void) {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vnni");
}

/// Rounds one vector to words of four bytes and reports its scale, the norm of the rounded vector and of the error.
/// Lanes past the end are masked to zero, and `words` has room for a multiple of sixteen floats.
WITH_INT8_PRODUCTS
static int round_vector(const float *vector, size_t dimensions, int8_t *bytes, float *scale, float *norm,
                        float *error) {
  __m512 highest = _mm512_setzero_ps();
  for (size_t i = 0; i < dimensions; i += 16) {
    __mmask16 valid = dimensions - i < 16 ? (__mmask16)((1u << (dimensions - i)) - 1) : 0xFFFF;
    highest = _mm512_max_ps(highest, _mm512_abs_ps(_mm512_maskz_loadu_ps(valid, vector + i)));
  }
  *scale = _mm512_reduce_max_ps(highest) / 127;
  // A denormal scale has no reciprocal; such a vector is rounded to zero and all of it counts as error.
  float inverse = *scale > 1e-36f ? 1 / *scale : 0;
  __m512 squares = _mm512_setzero_ps(), errors = _mm512_setzero_ps();
  __m512i sum = _mm512_setzero_si512();
  for (size_t i = 0; i < dimensions; i += 16) {
    __mmask16 valid = dimensions - i < 16 ? (__mmask16)((1u << (dimensions - i)) - 1) : 0xFFFF;
    __m512 values = _mm512_maskz_loadu_ps(valid, vector + i);
    __m512i rounded = _mm512_cvtps_epi32(_mm512_mul_ps(values, _mm512_set1_ps(inverse)));
    __m512 restored = _mm512_mul_ps(_mm512_cvtepi32_ps(rounded), _mm512_set1_ps(*scale));
    __m512 difference = _mm512_sub_ps(values, restored);
    squares = _mm512_fmadd_ps(restored, restored, squares);
    errors = _mm512_fmadd_ps(difference, difference, errors);
    sum = _mm512_add_epi32(sum, rounded);
    _mm_storeu_si128((__m128i *)(bytes + i), _mm512_cvtsepi32_epi8(rounded));
  }
  *norm = sqrtf(_mm512_reduce_add_ps(squares));
  *error = sqrtf(_mm512_reduce_add_ps(errors));
  return _mm512_reduce_add_epi32(sum);
}

WITH_INT8_PRODUCTS
void tessera_pack_panel(const float *rows, size_t count, size_t dimensions, uint8_t *packed, float *facts) {
  size_t groups = (dimensions + 3) / 4;
  int8_t bytes[(groups * 4 + 15) / 16 * 16];
  memset(packed, 128, groups * 4 * ROWS);
  memset(facts, 0, 3 * ROWS * sizeof(float));
  for (size_t row = 0; row < count; row++) {
    round_vector(rows + row * dimensions, dimensions, bytes, facts + row, facts + ROWS + row, facts + 2 * ROWS + row);
    for (size_t group = 0; group < groups; group++) {
      uint32_t word;
      memcpy(&word, bytes + group * 4, 4);
      word ^= 0x80808080u;
      memcpy(packed + (group * ROWS + row) * 4, &word, 4);
    }
  }
}

WITH_INT8_PRODUCTS
void tessera_pack_tile(const float *centroids, size_t count, size_t dimensions, int8_t *packed, int32_t *corrections,
                       float *facts) {
  size_t groups = (dimensions + 3) / 4;
  int8_t bytes[(groups * 4 + 15) / 16 * 16];
  memset(packed, 0, groups * 4 * TILE);
  memset(corrections, 0, TILE * sizeof(int32_t));
  memset(facts, 0, 3 * TILE * sizeof(float));
  for (size_t row = 0; row < count; row++) {
    int sum = round_vector(centroids + row * dimensions, dimensions, bytes, facts + row, facts + TILE + row,
                           facts + 2 * TILE + row);
    corrections[row] = -128 * sum;
    for (size_t group = 0; group < groups; group++) memcpy(packed + (group * TILE + row) * 4, bytes + group * 4, 4);
  }
}

// Sixty-four rows lie in the lanes of four registers, and six centroids are broadcast: 24 accumulators, and ten loads for
// 24 products. Measured against 32 × 12 and 48 × 8, which load more.
WITH_INT8_PRODUCTS
void tessera_panel_scores(const uint8_t *packed, const float *scales, const tessera_int8_centroids *centroids,
                          uint32_t first, float *scores, float *lowest, uint32_t *index) {
  __m512 row_scales[REGISTERS], best[REGISTERS];
  __m512i best_index[REGISTERS];
  UNROLLED for (int r = 0; r < REGISTERS; r++) {
    row_scales[r] = _mm512_loadu_ps(scales + 16 * r);
    best[r] = _mm512_loadu_ps(lowest + 16 * r);
    best_index[r] = _mm512_loadu_si512(index + 16 * r);
  }
  const int8_t *bytes = centroids->packed;
  for (size_t tile = 0; tile < centroids->tiles; tile++) {
    __m512i sums[TILE][REGISTERS];
    const int32_t *corrections = centroids->corrections + tile * TILE;
    UNROLLED for (int t = 0; t < TILE; t++) {
      UNROLLED for (int r = 0; r < REGISTERS; r++) sums[t][r] = _mm512_set1_epi32(corrections[t]);
    }
    for (size_t group = 0; group < centroids->groups; group++, bytes += TILE * 4) {
      __m512i rows[REGISTERS];
      UNROLLED for (int r = 0; r < REGISTERS; r++) rows[r] = _mm512_loadu_si512(packed + (group * ROWS + 16 * r) * 4);
      UNROLLED for (int t = 0; t < TILE; t++) {
        int32_t word;
        memcpy(&word, bytes + t * 4, 4);
        __m512i centroid = _mm512_set1_epi32(word);
        UNROLLED for (int r = 0; r < REGISTERS; r++) sums[t][r] = _mm512_dpbusd_epi32(sums[t][r], rows[r], centroid);
      }
    }
    UNROLLED for (int t = 0; t < TILE; t++) {
      size_t k = tile * TILE + t;
      __m512 factor = _mm512_set1_ps(centroids->factors[k]), offset = _mm512_set1_ps(centroids->offsets[k]);
      __m512i code = _mm512_set1_epi32((int)(first + k));
      UNROLLED for (int r = 0; r < REGISTERS; r++) {
        __m512 product = _mm512_mul_ps(_mm512_cvtepi32_ps(sums[t][r]), row_scales[r]);
        __m512 score = _mm512_fmadd_ps(product, factor, offset);
        _mm512_storeu_ps(scores + k * ROWS + 16 * r, score);
        __mmask16 lower = _mm512_cmp_ps_mask(score, best[r], _CMP_LT_OQ);
        best[r] = _mm512_min_ps(score, best[r]);
        best_index[r] = _mm512_mask_mov_epi32(best_index[r], lower, code);
      }
    }
  }
  UNROLLED for (int r = 0; r < REGISTERS; r++) {
    _mm512_storeu_ps(lowest + 16 * r, best[r]);
    _mm512_storeu_si512(index + 16 * r, best_index[r]);
  }
}

WITH_INT8_PRODUCTS
void tessera_decide(const float *scores, const float *thresholds, const float *rows, size_t count,
                    const float *centroids, const float *prices, size_t centroid_count, size_t dimensions,
                    uint32_t first, float *distances, uint32_t *codes) {
  __m512 limits[REGISTERS];
  uint64_t valid = count < 64 ? (1ull << count) - 1 : ~0ull;
  UNROLLED for (int r = 0; r < REGISTERS; r++) limits[r] = _mm512_loadu_ps(thresholds + 16 * r);
  for (size_t k = 0; k < centroid_count; k++) {
    uint64_t candidates = 0;
    UNROLLED for (int r = 0; r < REGISTERS; r++) {
      __mmask16 low = _mm512_cmp_ps_mask(_mm512_loadu_ps(scores + k * ROWS + 16 * r), limits[r], _CMP_LE_OQ);
      candidates |= (uint64_t)low << (16 * r);
    }
    for (candidates &= valid; candidates; candidates &= candidates - 1) {
      int row = __builtin_ctzll(candidates);
      uint32_t code = first + (uint32_t)k;
      if (code == codes[row]) continue;
      float distance = tessera_squared_distance(rows + row * dimensions, centroids + k * dimensions, dimensions);
      if (prices) distance += prices[k];
      if (distance < distances[row] || (distance == distances[row] && code < codes[row])) {
        distances[row] = distance;
        codes[row] = code;
      }
    }
  }
}

WITH_INT8_PRODUCTS
void tessera_second_scores(const float *scores, size_t centroid_count, uint32_t first, const uint32_t *index,
                           float *second) {
  UNROLLED for (int r = 0; r < REGISTERS; r++) {
    __m512 lowest = _mm512_loadu_ps(second + 16 * r);
    __m512i own = _mm512_loadu_si512(index + 16 * r);
    for (size_t k = 0; k < centroid_count; k++) {
      __mmask16 other = _mm512_cmpneq_epi32_mask(own, _mm512_set1_epi32((int)(first + k)));
      lowest = _mm512_mask_min_ps(lowest, other, lowest, _mm512_loadu_ps(scores + k * ROWS + 16 * r));
    }
    _mm512_storeu_ps(second + 16 * r, lowest);
  }
}

#else

int tessera_has_int8_products(void) { return 0; }

// Never called where `tessera_has_int8_products` says no; they exist so that the library links.
void tessera_pack_panel(const float *rows, size_t count, size_t dimensions, uint8_t *packed, float *facts) {
  __builtin_trap();
}
void tessera_pack_tile(const float *centroids, size_t count, size_t dimensions, int8_t *packed, int32_t *corrections,
                       float *facts) {
  __builtin_trap();
}
void tessera_panel_scores(const uint8_t *packed, const float *scales, const tessera_int8_centroids *centroids,
                          uint32_t first, float *scores, float *lowest, uint32_t *index) {
  __builtin_trap();
}
void tessera_decide(const float *scores, const float *thresholds, const float *rows, size_t count,
                    const float *centroids, const float *prices, size_t centroid_count, size_t dimensions,
                    uint32_t first, float *distances, uint32_t *codes) {
  __builtin_trap();
}
void tessera_second_scores(const float *scores, size_t centroid_count, uint32_t first, const uint32_t *index,
                           float *second) {
  __builtin_trap();
}

#endif
