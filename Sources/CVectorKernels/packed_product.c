#include "CVectorKernels.h"
#include "lanes.h"
#include "lane_math.h"

#pragma clang fp contract(fast)

enum { ROWS = 8, WIDTH = TESSERA_PACKED_COLUMNS / LANES };

int tessera_has_wide_lanes(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512dq");
#else
  return 0;
#endif
}

size_t tessera_packed_count(size_t k, size_t n) { return k * ((n + LANES - 1) / LANES) * LANES; }

/// Registers of the next panel where so many are left: as many as a tile has, but never one alone behind full ones.
static inline size_t panel_width(size_t left) {
  if (left == WIDTH + 1) return (WIDTH + 1) / 2;
  return left < WIDTH ? left : WIDTH;
}

void tessera_pack_right(const float *b, size_t k, size_t n, size_t row_stride, size_t column_stride, float *packed) {
  for (size_t first = 0, width; first < n; first += width) {
    width = panel_width((n - first + LANES - 1) / LANES) * LANES;
    size_t present = n - first < width ? n - first : width;
    for (size_t p = 0; p < k; p++, packed += width) {
      const float *source = b + p * row_stride + first * column_stride;
      if (column_stride == 1 && present == width) {
        memcpy(packed, source, width * sizeof(float));
        continue;
      }
      for (size_t j = 0; j < width; j++) packed[j] = j < present ? source[j * column_stride] : 0;
    }
  }
}

/// What one tile of the result is computed from.
typedef struct {
  /// A transposed factor's columns lie in runs of ROWS.
  const float *a;
  /// Between rows of a left factor that is not transposed.
  size_t stride;
  const float *panel;
  size_t k;
  const float *bias;
  int activation;
  float *c;
  size_t c_stride;
  /// Columns that are written; the others are padding.
  size_t columns;
} tile;

// Without it the compiler keeps the sums of a full tile in memory, to zero them there by a call.
#define UNROLLED _Pragma("clang loop unroll(full)")

/// One tile of `rows` × `width` registers. Inlined with constant extents, so that all sums stay in registers; a row's
/// sums run over k in order whatever the number of rows, so that a row does not depend on the others.
static inline __attribute__((always_inline)) void multiply_tile(const tile *t, const int rows, const int width,
                                                                const int transposed) {
  lanes sums[ROWS][WIDTH];
  UNROLLED for (int r = 0; r < rows; r++) {
    UNROLLED for (int w = 0; w < width; w++) {
      sums[r][w] = (lanes){0};
      // The result is seldom in a cache: to wait for it behind a short sum costs a third of the time.
      __builtin_prefetch(t->c + r * t->c_stride + w * LANES, 1);
    }
  }
  const float *panel = t->panel;
  for (size_t p = 0; p < t->k; p++, panel += width * LANES) {
    lanes right[WIDTH];
    UNROLLED for (int w = 0; w < width; w++) LOAD(right[w], panel + w * LANES);
    __builtin_prefetch(panel + 24 * WIDTH * LANES);
    UNROLLED for (int r = 0; r < rows; r++) {
      lanes left = (transposed ? t->a[p * ROWS + r] : t->a[r * t->stride + p]) - (lanes){0};
      UNROLLED for (int w = 0; w < width; w++) sums[r][w] += left * right[w];
    }
  }
  if (t->columns == (size_t)width * LANES) {
    UNROLLED for (int w = 0; w < width; w++) {
      lanes bias = {0};
      if (t->bias) LOAD(bias, t->bias + w * LANES);
      UNROLLED for (int r = 0; r < rows; r++) {
        lanes value = sums[r][w] + bias, former = {0};
        if (transposed) LOAD(former, t->c + r * t->c_stride + w * LANES);
        value += former;
        memcpy(t->c + r * t->c_stride + w * LANES, &value, sizeof(value));
      }
    }
    return;
  }
  UNROLLED for (int r = 0; r < rows; r++) {
    float row[WIDTH * LANES];
    UNROLLED for (int w = 0; w < width; w++) memcpy(row + w * LANES, &sums[r][w], sizeof(lanes));
    for (size_t j = 0; j < t->columns; j++) {
      float *target = t->c + r * t->c_stride + j;
      *target = row[j] + (t->bias ? t->bias[j] : 0) + (transposed ? *target : 0);
    }
  }
}

/// Applied to a tile right behind its product, while it is in the first-level cache.
static inline __attribute__((always_inline)) void activate_tile(const tile *t, size_t rows) {
  for (size_t r = 0; r < rows; r++) {
    float *row = t->c + r * t->c_stride;
    for (size_t j = 0; j < t->columns; j += LANES) {
      lanes x = {0};
      if (t->columns - j >= LANES) {
        LOAD(x, row + j);
        ACTIVATE(x, t->activation);
        memcpy(row + j, &x, sizeof(x));
      } else {
        size_t present = (t->columns - j) * sizeof(float);
        memcpy(&x, row + j, present);
        ACTIVATE(x, t->activation);
        memcpy(row + j, &x, present);
      }
    }
  }
}

#define TILE_OF_ROWS(width, transposed) \
  switch (rows) { \
    case 8: multiply_tile(&t, 8, width, transposed); break; \
    case 7: multiply_tile(&t, 7, width, transposed); break; \
    case 6: multiply_tile(&t, 6, width, transposed); break; \
    case 5: multiply_tile(&t, 5, width, transposed); break; \
    case 4: multiply_tile(&t, 4, width, transposed); break; \
    case 3: multiply_tile(&t, 3, width, transposed); break; \
    case 2: multiply_tile(&t, 2, width, transposed); break; \
    default: multiply_tile(&t, 1, width, transposed); \
  }

/// Floats of the left factor that are multiplied with all panels before the next ones: half of a second-level cache.
enum { BLOCK = 1 << 18 };

/// All panels with one block of the left factor. A transposed one's product is added to what `c` holds.
#define MULTIPLY_BLOCK(transposed) \
  for (size_t first = 0, width; first < n; first += width * LANES) { \
    width = panel_width((n - first + LANES - 1) / LANES); \
    size_t columns = n - first < width * LANES ? n - first : width * LANES; \
    for (size_t row = 0; row < m; row += ROWS) { \
      size_t rows = m - row < ROWS ? m - row : ROWS; \
      tile t = {a + row * a_stride, a_stride, packed, k, bias ? bias + first : NULL, activation, \
                c + row * c_stride + first, c_stride, columns}; \
      if (width == 3) { \
        TILE_OF_ROWS(3, transposed) \
      } else if (width == 2) { \
        TILE_OF_ROWS(2, transposed) \
      } else { \
        TILE_OF_ROWS(1, transposed) \
      } \
      if (activation != TESSERA_IDENTITY) activate_tile(&t, rows); \
    } \
    packed += k * width * LANES; \
  }

PER_INSTRUCTION_SET
static void multiply_block(const float *a, size_t m, size_t k, size_t a_stride, const float *packed, size_t n,
                           const float *bias, int activation, float *c, size_t c_stride) {
  MULTIPLY_BLOCK(0)
}

/// `a` in runs of ROWS columns.
PER_INSTRUCTION_SET
static void add_transposed_block(const float *a, size_t m, size_t k, const float *packed, size_t n, float *c,
                                 size_t c_stride) {
  enum { activation = TESSERA_IDENTITY };
  const float *bias = NULL;
  size_t a_stride = k;
  MULTIPLY_BLOCK(1)
}

/// Rows of the left factor in one block.
static size_t block_rows(size_t k, size_t n) { return BLOCK / (k + n) / ROWS * ROWS + ROWS; }

void tessera_packed_product(const float *a, size_t m, size_t k, size_t a_stride, const float *packed, size_t n,
                            const float *bias, int activation, float *c, size_t c_stride) {
  size_t block = block_rows(k, n);
  for (size_t row = 0; row < m; row += block) {
    size_t rows = m - row < block ? m - row : block;
    multiply_block(a + row * a_stride, rows, k, a_stride, packed, n, bias, activation, c + row * c_stride, c_stride);
  }
}

size_t tessera_transposed_scratch(size_t k, size_t m) { return k * ((m + ROWS - 1) / ROWS) * ROWS; }

/// Columns of a row-major factor in runs of ROWS: read where they are, each run is as many pages as the sum is long.
static void gather_columns(const float *a, size_t k, size_t m, size_t stride, float *runs) {
  for (size_t p = 0; p < k; p++) {
    const float *source = a + p * stride;
    size_t i = 0;
    for (; i + ROWS <= m; i += ROWS) memcpy(runs + i * k + p * ROWS, source + i, ROWS * sizeof(float));
    memcpy(runs + i * k + p * ROWS, source + i, (m - i) * sizeof(float));
  }
}

void tessera_add_transposed(const float *a, size_t k, size_t m, size_t a_stride, const float *packed, size_t n, float *c,
                            size_t c_stride, float *scratch) {
  size_t block = block_rows(k, n);
  for (size_t row = 0; row < m; row += block) {
    size_t rows = m - row < block ? m - row : block;
    gather_columns(a + row, k, rows, a_stride, scratch);
    add_transposed_block(scratch, rows, k, packed, n, c + row * c_stride, c_stride);
  }
}
