#include "CVectorKernels.h"
#include "lanes.h"
#include "lane_math.h"

#pragma clang fp contract(fast)

#if defined(__x86_64__) && defined(__clang__)
#include <immintrin.h>
#define BRAIN_PRODUCTS 1
#define WITH_BRAINS __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")))
#else
#define BRAIN_PRODUCTS 0
#endif

enum { ROWS = 12, WIDTH = TESSERA_BRAIN_COLUMNS / LANES };

int tessera_has_brain_products(void) {
#if BRAIN_PRODUCTS
  __builtin_cpu_init();
  return tessera_has_wide_lanes() && __builtin_cpu_supports("avx512bf16");
#else
  return 0;
#endif
}

/// Pairs of numbers in `k` of them; the last one's second half may be a zero.
static size_t pairs(size_t k) { return (k + 1) / 2; }

/// Between rows of the rounded left factor: a line of the cache apart from a power of two, or the rows of a tile fall on
/// the same few places of the cache.
static size_t row_words(size_t k) { return pairs(k) + LANES; }

size_t tessera_brain_count(size_t k, size_t n) { return pairs(k) * ((n + LANES - 1) / LANES) * LANES; }

size_t tessera_brain_scratch(size_t m, size_t k) { return m * row_words(k); }

#if BRAIN_PRODUCTS

/// The nearest bfloat16, of two equally near ones the even. A NaN stays one.
static uint32_t rounded(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof(bits));
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return bits >> 16 | 0x40u;
  return (bits + 0x7FFFu + (bits >> 16 & 1)) >> 16;
}

void tessera_pack_brain(const float *b, size_t k, size_t n, size_t row_stride, size_t column_stride, uint32_t *packed) {
  for (size_t first = 0; first < n; first += TESSERA_BRAIN_COLUMNS) {
    size_t present = n - first < TESSERA_BRAIN_COLUMNS ? n - first : TESSERA_BRAIN_COLUMNS;
    size_t width = (present + LANES - 1) / LANES * LANES;
    for (size_t p = 0; p < k; p += 2, packed += width) {
      const float *source = b + p * row_stride + first * column_stride;
      for (size_t j = 0; j < width; j++) {
        uint32_t low = j < present ? rounded(source[j * column_stride]) : 0;
        uint32_t high = j < present && p + 1 < k ? rounded(source[j * column_stride + row_stride]) : 0;
        packed[j] = low | high << 16;
      }
    }
  }
}

WITH_BRAINS
static void round_row(const float *a, size_t count, uint32_t *target) {
  size_t i = 0;
  for (; i + LANES <= count; i += LANES)
    _mm256_storeu_si256((__m256i *)(target + i / 2), (__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(a + i)));
  for (; i < count; i += 2) target[i / 2] = rounded(a[i]) | (i + 1 < count ? rounded(a[i + 1]) << 16 : 0);
}

/// One tile of `rows` × `width` registers, summed over k in order. All loops over the tile are unrolled, or its sums live
/// in memory.
WITH_BRAINS static inline __attribute__((always_inline)) void multiply_tile(
    const uint32_t *a, size_t stride, const uint32_t *panel, size_t count, float sums[ROWS][TESSERA_BRAIN_COLUMNS],
    const int rows, const int width) {
  __m512 partial[ROWS][WIDTH];
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
    for (int w = 0; w < width; w++) partial[r][w] = _mm512_setzero_ps();
  for (size_t p = 0; p < count; p++, panel += width * LANES) {
    __m512bh right[WIDTH];
#pragma clang loop unroll(full)
    for (int w = 0; w < width; w++) right[w] = (__m512bh)_mm512_loadu_si512(panel + w * LANES);
    __builtin_prefetch(panel + 24 * WIDTH * LANES);
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
      __m512bh left = (__m512bh)_mm512_set1_epi32((int)a[r * stride + p]);
#pragma clang loop unroll(full)
      for (int w = 0; w < width; w++) partial[r][w] = _mm512_dpbf16_ps(partial[r][w], left, right[w]);
    }
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
    for (int w = 0; w < width; w++) _mm512_storeu_ps(&sums[r][w * LANES], partial[r][w]);
}

/// sums + bias, activated, to where they belong.
WITH_BRAINS
static void finish_tile(float sums[ROWS][TESSERA_BRAIN_COLUMNS], size_t rows, size_t columns, const float *bias,
                        int activation, float *c, size_t c_stride) {
  for (size_t j = 0; j < columns; j += LANES) {
    __mmask16 present = columns - j >= LANES ? 0xFFFF : (__mmask16)((1u << (columns - j)) - 1);
    __m512 offset = bias ? _mm512_maskz_loadu_ps(present, bias + j) : _mm512_setzero_ps();
    for (size_t r = 0; r < rows; r++) {
      __m512 sum = _mm512_add_ps(_mm512_loadu_ps(&sums[r][j]), offset);
      if (activation != TESSERA_IDENTITY) {
        lanes x = (lanes)sum;
        ACTIVATE(x, activation);
        sum = (__m512)x;
      }
      _mm512_mask_storeu_ps(c + r * c_stride + j, present, sum);
    }
  }
}

#define TILE_OF_ROWS(rows, width) \
  case rows: multiply_tile(left, stride, packed, pairs(k), sums, rows, width); break;
#define TILE_OF_WIDTH(width) \
  switch (rows) { \
    TILE_OF_ROWS(12, width) \
    TILE_OF_ROWS(11, width) \
    TILE_OF_ROWS(10, width) \
    TILE_OF_ROWS(9, width) \
    TILE_OF_ROWS(8, width) \
    TILE_OF_ROWS(7, width) \
    TILE_OF_ROWS(6, width) \
    TILE_OF_ROWS(5, width) \
    TILE_OF_ROWS(4, width) \
    TILE_OF_ROWS(3, width) \
    TILE_OF_ROWS(2, width) \
    TILE_OF_ROWS(1, width) \
  }

WITH_BRAINS
void tessera_brain_product(const float *a, size_t m, size_t k, const uint32_t *packed, size_t n, const float *bias,
                           int activation, float *c, size_t c_stride, uint32_t *scratch) {
  size_t stride = row_words(k);
  float sums[ROWS][TESSERA_BRAIN_COLUMNS];
  for (size_t row = 0; row < m; row++) round_row(a + row * k, k, scratch + row * stride);
  for (size_t first = 0; first < n; first += TESSERA_BRAIN_COLUMNS) {
    size_t columns = n - first < TESSERA_BRAIN_COLUMNS ? n - first : TESSERA_BRAIN_COLUMNS;
    size_t width = (columns + LANES - 1) / LANES;
    for (size_t row = 0; row < m; row += ROWS) {
      size_t rows = m - row < ROWS ? m - row : ROWS;
      const uint32_t *left = scratch + row * stride;
      if (width == 2) {
        TILE_OF_WIDTH(2)
      } else {
        TILE_OF_WIDTH(1)
      }
      finish_tile(sums, rows, columns, bias ? bias + first : NULL, activation, c + row * c_stride + first, c_stride);
    }
    packed += pairs(k) * width * LANES;
  }
}

#else

void tessera_pack_brain(const float *b, size_t k, size_t n, size_t row_stride, size_t column_stride, uint32_t *packed) {
  (void)b, (void)k, (void)n, (void)row_stride, (void)column_stride, (void)packed;
  __builtin_trap();
}

void tessera_brain_product(const float *a, size_t m, size_t k, const uint32_t *packed, size_t n, const float *bias,
                           int activation, float *c, size_t c_stride, uint32_t *scratch) {
  (void)a, (void)m, (void)k, (void)packed, (void)n, (void)bias, (void)activation, (void)c, (void)c_stride, (void)scratch;
  __builtin_trap();
}

#endif
