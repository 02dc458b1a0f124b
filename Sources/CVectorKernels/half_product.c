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
  ROWS = 8,
  HALVES = 32,
  WIDTH = TESSERA_HALF_COLUMNS / HALVES,
  /// Products that are summed in half precision before the sum goes on in single precision.
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

#if HALF_PRODUCTS

// Intrinsics rather than vector types: with those, clang rounds each operation through single precision unless the
// whole file is compiled for the processor.

WITH_HALVES
static uint16_t rounded(float x) {
  return (uint16_t)_mm_extract_epi16(_mm_cvtps_ph(_mm_set_ss(x), _MM_FROUND_TO_NEAREST_INT), 0);
}

WITH_HALVES
void tessera_pack_half(const float *b, size_t k, size_t n, size_t row_stride, size_t column_stride, uint16_t *packed) {
  for (size_t first = 0; first < n; first += TESSERA_HALF_COLUMNS) {
    size_t present = n - first < TESSERA_HALF_COLUMNS ? n - first : TESSERA_HALF_COLUMNS;
    size_t width = (present + HALVES - 1) / HALVES * HALVES;
    for (size_t p = 0; p < k; p++, packed += width) {
      const float *source = b + p * row_stride + first * column_stride;
      for (size_t j = 0; j < width; j++) packed[j] = j < present ? rounded(source[j * column_stride]) : 0;
    }
  }
}

/// Every half twice in 32 bits: a load broadcasts those to a register without a shuffle, which halves alone need.
WITH_HALVES
static void round_row(const float *a, size_t count, uint32_t *target) {
  size_t i = 0;
  for (; i + LANES <= count; i += LANES) {
    __m512i bits = _mm512_cvtepu16_epi32(_mm512_cvtps_ph(_mm512_loadu_ps(a + i), _MM_FROUND_TO_NEAREST_INT));
    _mm512_storeu_si512(target + i, _mm512_or_si512(bits, _mm512_slli_epi32(bits, 16)));
  }
  for (; i < count; i++) target[i] = rounded(a[i]) * 0x10001u;
}

/// Adds one chunk's sums, of `rows` × `width` registers, to `sums`.
WITH_HALVES static inline __attribute__((always_inline)) void multiply_chunk(
    const uint32_t *a, size_t stride, const uint16_t *panel, size_t count, float sums[ROWS][TESSERA_HALF_COLUMNS],
    const int rows, const int width) {
  __m512h partial[ROWS][WIDTH];
  for (int r = 0; r < rows; r++)
    for (int w = 0; w < width; w++) partial[r][w] = _mm512_setzero_ph();
  for (size_t p = 0; p < count; p++, panel += width * HALVES) {
    __m512h right[WIDTH];
    for (int w = 0; w < width; w++) right[w] = _mm512_loadu_ph(panel + w * HALVES);
    __builtin_prefetch(panel + 24 * WIDTH * HALVES);
    for (int r = 0; r < rows; r++) {
      __m512h left = _mm512_castsi512_ph(_mm512_set1_epi32((int)a[r * stride + p]));
      for (int w = 0; w < width; w++) partial[r][w] = _mm512_fmadd_ph(left, right[w], partial[r][w]);
    }
  }
  // Unrolled, or the sums live in memory throughout the loop above.
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
    for (int w = 0; w < width; w++) {
      __m512i bits = _mm512_castph_si512(partial[r][w]);
      float *low = &sums[r][w * HALVES], *high = low + LANES;
      __m512 first = _mm512_cvtph_ps(_mm512_castsi512_si256(bits));
      __m512 second = _mm512_cvtph_ps(_mm512_extracti64x4_epi64(bits, 1));
      _mm512_storeu_ps(low, _mm512_add_ps(_mm512_loadu_ps(low), first));
      _mm512_storeu_ps(high, _mm512_add_ps(_mm512_loadu_ps(high), second));
    }
  }
}

#define CHUNK_OF_ROWS(width) \
  switch (rows) { \
    case 8: multiply_chunk(left, k, right, count, sums, 8, width); break; \
    case 7: multiply_chunk(left, k, right, count, sums, 7, width); break; \
    case 6: multiply_chunk(left, k, right, count, sums, 6, width); break; \
    case 5: multiply_chunk(left, k, right, count, sums, 5, width); break; \
    case 4: multiply_chunk(left, k, right, count, sums, 4, width); break; \
    case 3: multiply_chunk(left, k, right, count, sums, 3, width); break; \
    case 2: multiply_chunk(left, k, right, count, sums, 2, width); break; \
    default: multiply_chunk(left, k, right, count, sums, 1, width); \
  }

/// sums + bias, activated, to where they belong.
WITH_HALVES
static void finish_tile(float sums[ROWS][TESSERA_HALF_COLUMNS], size_t rows, size_t columns, const float *bias,
                        int activation, float *c, size_t c_stride) {
  for (size_t r = 0; r < rows; r++)
    for (size_t j = 0; j < columns; j += LANES) {
      size_t present = columns - j < LANES ? columns - j : LANES;
      lanes x, offset = {0};
      LOAD(x, &sums[r][j]);
      if (bias) memcpy(&offset, bias + j, present * sizeof(float));
      x += offset;
      ACTIVATE(x, activation);
      if (present == LANES)
        memcpy(c + r * c_stride + j, &x, sizeof(x));
      else
        memcpy(c + r * c_stride + j, &x, present * sizeof(float));
    }
}

WITH_HALVES
void tessera_half_product(const float *a, size_t m, size_t k, const uint16_t *packed, size_t n, const float *bias,
                          int activation, float *c, size_t c_stride, uint32_t *scratch) {
  for (size_t row = 0; row < m; row++) round_row(a + row * k, k, scratch + row * k);
  for (size_t first = 0; first < n; first += TESSERA_HALF_COLUMNS) {
    size_t columns = n - first < TESSERA_HALF_COLUMNS ? n - first : TESSERA_HALF_COLUMNS;
    size_t width = (columns + HALVES - 1) / HALVES;
    for (size_t row = 0; row < m; row += ROWS) {
      size_t rows = m - row < ROWS ? m - row : ROWS;
      float sums[ROWS][TESSERA_HALF_COLUMNS] = {0};
      for (size_t p = 0; p < k; p += CHUNK) {
        size_t count = k - p < CHUNK ? k - p : CHUNK;
        const uint32_t *left = scratch + row * k + p;
        const uint16_t *right = packed + p * width * HALVES;
        if (width == 3) {
          CHUNK_OF_ROWS(3)
        } else if (width == 2) {
          CHUNK_OF_ROWS(2)
        } else {
          CHUNK_OF_ROWS(1)
        }
      }
      finish_tile(sums, rows, columns, bias ? bias + first : NULL, activation, c + row * c_stride + first, c_stride);
    }
    packed += k * width * HALVES;
  }
}

#else

void tessera_pack_half(const float *b, size_t k, size_t n, size_t row_stride, size_t column_stride, uint16_t *packed) {
  (void)b, (void)k, (void)n, (void)row_stride, (void)column_stride, (void)packed;
  __builtin_trap();
}

void tessera_half_product(const float *a, size_t m, size_t k, const uint16_t *packed, size_t n, const float *bias,
                          int activation, float *c, size_t c_stride, uint32_t *scratch) {
  (void)a, (void)m, (void)k, (void)packed, (void)n, (void)bias, (void)activation, (void)c, (void)c_stride, (void)scratch;
  __builtin_trap();
}

#endif
