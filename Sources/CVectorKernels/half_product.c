#include "CVectorKernels.h"
#include "lanes.h"
#include "lane_math.h"

#pragma clang fp contract(fast)

#if defined(__x86_64__) && defined(__clang__)
#include <immintrin.h>
#define HALF_PRODUCTS 1
#define WITH_HALVES __attribute__((target("arch=sapphirerapids")))
#else
#define HALF_PRODUCTS 0
#endif

enum {
  ROWS = 12,
  HALVES = 32,
  WIDTH = TESSERA_HALF_COLUMNS / HALVES,
  /// Products that are summed in half precision before the sum goes on in single precision. Factors below 16 each, as
  /// they are scaled to be, reach a quarter of the largest half.
  CHUNK = 64
};

int tessera_has_half_products(void) {
#if HALF_PRODUCTS
  __builtin_cpu_init();
  return tessera_has_wide_lanes() && __builtin_cpu_supports("avx512fp16");
#else
  return 0;
#endif
}

size_t tessera_half_count(size_t k, size_t n) { return k * ((n + HALVES - 1) / HALVES) * HALVES; }

size_t tessera_half_scratch(size_t m, size_t k) { return m * (k + LANES + 1); }

#if HALF_PRODUCTS

// Intrinsics rather than vector types: with those, clang rounds each operation through single precision unless the
// whole file is compiled for the processor.

/// The power of two that brings a number into [8, 16): 1 for what is not finite, which must stay so, and for what is too
/// small to have a power of its own.
static float scale_of(float largest) {
  uint32_t bits;
  memcpy(&bits, &largest, sizeof(bits));
  int exponent = (int)(bits >> 23 & 0xFF);
  if (exponent == 0xFF || exponent < 20) return 1;
  bits = (uint32_t)(127 + 3 - (exponent - 127)) << 23;
  memcpy(&largest, &bits, sizeof(bits));
  return largest;
}

WITH_HALVES
static float largest_of(const float *a, size_t count, float largest) {
  __m512 top = _mm512_set1_ps(largest);
  size_t i = 0;
  for (; i + LANES <= count; i += LANES) top = _mm512_max_ps(_mm512_abs_ps(_mm512_loadu_ps(a + i)), top);
  __mmask16 rest = (__mmask16)((1u << (count - i)) - 1);
  top = _mm512_max_ps(_mm512_abs_ps(_mm512_maskz_loadu_ps(rest, a + i)), top);
  return _mm512_reduce_max_ps(top);
}

float tessera_half_scale(const float *a, size_t rows, size_t count, size_t stride) {
  float largest = 0;
  for (size_t row = 0; row < rows; row++) largest = largest_of(a + row * stride, count, largest);
  return scale_of(largest);
}

WITH_HALVES
static uint16_t rounded(float x) {
  return (uint16_t)_mm_extract_epi16(_mm_cvtps_ph(_mm_set_ss(x), _MM_FROUND_TO_NEAREST_INT), 0);
}

WITH_HALVES
static void round_line(const float *source, size_t count, float scale, uint16_t *target, size_t padded) {
  for (size_t j = 0; j < padded; j += LANES) {
    __mmask16 present = j + LANES <= count ? 0xFFFF : j >= count ? 0 : (__mmask16)((1u << (count - j)) - 1);
    __m512 x = _mm512_mul_ps(_mm512_maskz_loadu_ps(present, source + j), _mm512_set1_ps(scale));
    _mm256_storeu_si256((__m256i *)(target + j), _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
  }
}

WITH_HALVES
void tessera_pack_half(const float *b, size_t k, size_t n, size_t row_stride, size_t column_stride, float scale,
                       uint16_t *packed) {
  for (size_t first = 0; first < n; first += TESSERA_HALF_COLUMNS) {
    size_t present = n - first < TESSERA_HALF_COLUMNS ? n - first : TESSERA_HALF_COLUMNS;
    size_t width = (present + HALVES - 1) / HALVES * HALVES;
    for (size_t p = 0; p < k; p++, packed += width) {
      const float *source = b + p * row_stride + first * column_stride;
      if (column_stride == 1) {
        round_line(source, present, scale, packed, width);
        continue;
      }
      for (size_t j = 0; j < width; j++) packed[j] = j < present ? rounded(scale * source[j * column_stride]) : 0;
    }
  }
}

/// Sixteen halves, each twice in 32 bits: a load broadcasts those to a register without a shuffle, which halves alone
/// need.
WITH_HALVES static inline __attribute__((always_inline)) __m512i doubled(__m512 x, float scale) {
  x = _mm512_mul_ps(x, _mm512_set1_ps(scale));
  __m512i bits = _mm512_cvtepu16_epi32(_mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
  return _mm512_or_si512(bits, _mm512_slli_epi32(bits, 16));
}

/// Rounds a row at a scale of its own, and returns what undoes that.
WITH_HALVES
static float round_row(const float *a, size_t count, uint32_t *target) {
  float scale = scale_of(largest_of(a, count, 0));
  size_t i = 0;
  for (; i + LANES <= count; i += LANES) _mm512_storeu_si512(target + i, doubled(_mm512_loadu_ps(a + i), scale));
  for (; i < count; i++) target[i] = rounded(scale * a[i]) * 0x10001u;
  return 1 / scale;
}

/// Adds one chunk's sums, of `rows` × `width` registers, to `sums`, which the first one fills. `across` is between rows of the left factor, `along`
/// between its columns.
WITH_HALVES static inline __attribute__((always_inline)) void multiply_chunk(
    const uint32_t *a, size_t across, size_t along, const uint16_t *panel, size_t count,
    int is_first, float sums[ROWS][TESSERA_HALF_COLUMNS], const int rows, const int width) {
  __m512h partial[ROWS][WIDTH];
  // All loops over a tile are unrolled, or the sums live in memory.
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
    for (int w = 0; w < width; w++) partial[r][w] = _mm512_setzero_ph();
  for (size_t p = 0; p < count; p++, panel += width * HALVES) {
    __m512h right[WIDTH];
#pragma clang loop unroll(full)
    for (int w = 0; w < width; w++) right[w] = _mm512_loadu_ph(panel + w * HALVES);
    __builtin_prefetch(panel + 24 * WIDTH * HALVES);
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
      __m512h left = _mm512_castsi512_ph(_mm512_set1_epi32((int)a[r * across + p * along]));
#pragma clang loop unroll(full)
      for (int w = 0; w < width; w++) partial[r][w] = _mm512_fmadd_ph(left, right[w], partial[r][w]);
    }
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
    for (int w = 0; w < width; w++) {
      __m512i bits = _mm512_castph_si512(partial[r][w]);
      float *low = &sums[r][w * HALVES], *high = low + LANES;
      __m512 first = _mm512_cvtph_ps(_mm512_castsi512_si256(bits));
      __m512 second = _mm512_cvtph_ps(_mm512_extracti64x4_epi64(bits, 1));
      if (!is_first) {
        first = _mm512_add_ps(_mm512_loadu_ps(low), first);
        second = _mm512_add_ps(_mm512_loadu_ps(high), second);
      }
      _mm512_storeu_ps(low, first);
      _mm512_storeu_ps(high, second);
    }
  }
}

#define CHUNK_OF_ROWS(count_of_rows, width) \
  case count_of_rows: multiply_chunk(left, across, along, right, count, p == 0, sums, count_of_rows, width); break;
#define CHUNK_OF_WIDTH(width) \
  switch (rows) { \
    CHUNK_OF_ROWS(12, width) \
    CHUNK_OF_ROWS(11, width) \
    CHUNK_OF_ROWS(10, width) \
    CHUNK_OF_ROWS(9, width) \
    CHUNK_OF_ROWS(8, width) \
    CHUNK_OF_ROWS(7, width) \
    CHUNK_OF_ROWS(6, width) \
    CHUNK_OF_ROWS(5, width) \
    CHUNK_OF_ROWS(4, width) \
    CHUNK_OF_ROWS(3, width) \
    CHUNK_OF_ROWS(2, width) \
    CHUNK_OF_ROWS(1, width) \
  }

/// One tile's sums over all of k.
WITH_HALVES
static void multiply_tile(const uint32_t *a, size_t across, size_t along, const uint16_t *panel, size_t k, size_t rows,
                          size_t width, float sums[ROWS][TESSERA_HALF_COLUMNS]) {
  for (size_t p = 0; p < k; p += CHUNK) {
    size_t count = k - p < CHUNK ? k - p : CHUNK;
    const uint32_t *left = a + p * along;
    const uint16_t *right = panel + p * width * HALVES;
    if (width == 2) {
      CHUNK_OF_WIDTH(2)
    } else {
      CHUNK_OF_WIDTH(1)
    }
  }
}

/// sums · factors + bias, activated, to where they belong.
WITH_HALVES
static void finish_tile(float sums[ROWS][TESSERA_HALF_COLUMNS], size_t rows, size_t columns, const float *factors,
                        float factor, const float *bias, int activation, float *c, size_t c_stride) {
  for (size_t j = 0; j < columns; j += LANES) {
    __mmask16 present = columns - j >= LANES ? 0xFFFF : (__mmask16)((1u << (columns - j)) - 1);
    __m512 offset = bias ? _mm512_maskz_loadu_ps(present, bias + j) : _mm512_setzero_ps();
    for (size_t r = 0; r < rows; r++) {
      __m512 sum = _mm512_fmadd_ps(_mm512_loadu_ps(&sums[r][j]), _mm512_set1_ps(factors[r] * factor), offset);
      if (activation != TESSERA_IDENTITY) {
        lanes x = (lanes)sum;
        ACTIVATE(x, activation);
        sum = (__m512)x;
      }
      _mm512_mask_storeu_ps(c + r * c_stride + j, present, sum);
    }
  }
}

WITH_HALVES
void tessera_half_product(const float *a, size_t m, size_t k, const uint16_t *packed, size_t n, float scale,
                          const float *bias, int activation, float *c, size_t c_stride, uint32_t *scratch) {
  // A line of the cache apart from a multiple of k, or the rows of a tile fall on the same few places of it.
  size_t stride = k + LANES;
  float sums[ROWS][TESSERA_HALF_COLUMNS], *factors = (float *)(scratch + m * stride);
  for (size_t row = 0; row < m; row++) factors[row] = round_row(a + row * k, k, scratch + row * stride);
  for (size_t first = 0; first < n; first += TESSERA_HALF_COLUMNS) {
    size_t columns = n - first < TESSERA_HALF_COLUMNS ? n - first : TESSERA_HALF_COLUMNS;
    size_t width = (columns + HALVES - 1) / HALVES;
    for (size_t row = 0; row < m; row += ROWS) {
      size_t rows = m - row < ROWS ? m - row : ROWS;
      multiply_tile(scratch + row * stride, stride, 1, packed, k, rows, width, sums);
      finish_tile(sums, rows, columns, factors + row, 1 / scale, bias ? bias + first : NULL, activation,
                  c + row * c_stride + first, c_stride);
    }
    packed += k * width * HALVES;
  }
}

size_t tessera_half_transposed_scratch(size_t k, size_t m) { return k * ((m + ROWS - 1) / ROWS) * ROWS; }

/// Columns of `a` in tiles of twelve, each [k][12]; what a tile has beyond `m` is zeros.
WITH_HALVES
static void round_columns(const float *a, size_t k, size_t m, size_t stride, float scale, uint32_t *target) {
  const __mmask16 tile = (1u << ROWS) - 1;
  for (size_t first = 0; first < m; first += ROWS) {
    __mmask16 present = m - first >= ROWS ? tile : (__mmask16)((1u << (m - first)) - 1);
    for (size_t p = 0; p < k; p++, target += ROWS)
      _mm512_mask_storeu_epi32(target, tile,
                               doubled(_mm512_maskz_loadu_ps(present, a + p * stride + first), scale));
  }
}

WITH_HALVES
void tessera_add_half_transposed(const float *a, size_t k, size_t m, size_t a_stride, const uint16_t *packed, size_t n,
                                 float scale, float *c, size_t c_stride, uint32_t *scratch) {
  float sums[ROWS][TESSERA_HALF_COLUMNS], own = tessera_half_scale(a, k, m, a_stride), factor = 1 / own / scale;
  round_columns(a, k, m, a_stride, own, scratch);
  for (size_t first = 0; first < n; first += TESSERA_HALF_COLUMNS) {
    size_t columns = n - first < TESSERA_HALF_COLUMNS ? n - first : TESSERA_HALF_COLUMNS;
    size_t width = (columns + HALVES - 1) / HALVES;
    for (size_t row = 0; row < m; row += ROWS) {
      size_t rows = m - row < ROWS ? m - row : ROWS;
      multiply_tile(scratch + row * k, 1, ROWS, packed, k, rows, width, sums);
      for (size_t r = 0; r < rows; r++) {
        float *target = c + (row + r) * c_stride + first;
        for (size_t j = 0; j < columns; j += LANES) {
          __mmask16 present = columns - j >= LANES ? 0xFFFF : (__mmask16)((1u << (columns - j)) - 1);
          __m512 former = _mm512_maskz_loadu_ps(present, target + j);
          __m512 sum = _mm512_fmadd_ps(_mm512_loadu_ps(&sums[r][j]), _mm512_set1_ps(factor), former);
          _mm512_mask_storeu_ps(target + j, present, sum);
        }
      }
    }
    packed += k * width * HALVES;
  }
}

#else

float tessera_half_scale(const float *a, size_t rows, size_t count, size_t stride) {
  (void)a, (void)rows, (void)count, (void)stride;
  __builtin_trap();
}

void tessera_pack_half(const float *b, size_t k, size_t n, size_t row_stride, size_t column_stride, float scale,
                       uint16_t *packed) {
  (void)b, (void)k, (void)n, (void)row_stride, (void)column_stride, (void)scale, (void)packed;
  __builtin_trap();
}

void tessera_half_product(const float *a, size_t m, size_t k, const uint16_t *packed, size_t n, float scale,
                          const float *bias, int activation, float *c, size_t c_stride, uint32_t *scratch) {
  (void)a, (void)m, (void)k, (void)packed, (void)n, (void)scale, (void)bias, (void)activation, (void)c;
  (void)c_stride, (void)scratch;
  __builtin_trap();
}

size_t tessera_half_transposed_scratch(size_t k, size_t m) { return k * m; }

void tessera_add_half_transposed(const float *a, size_t k, size_t m, size_t a_stride, const uint16_t *packed, size_t n,
                                 float scale, float *c, size_t c_stride, uint32_t *scratch) {
  (void)a, (void)k, (void)m, (void)a_stride, (void)packed, (void)n, (void)scale, (void)c, (void)c_stride, (void)scratch;
  __builtin_trap();
}

#endif
