#include "CVectorKernels.h"
#include "lanes.h"

#pragma clang fp contract(fast)

// Output columns whose sums stay in registers while the window passes: with three weights and an input, seven sums
// fit sixteen registers too. 7 divides the widths that an image of 224 pixels passes through.
enum { COLUMNS = 7 };

#define UNROLL _Pragma("clang loop unroll(full)")

// Sixteen channels of seven output columns. INPUT(row, column) points to the input's channels, `column` counted from
// the window of the first output column.
#define SUM_TILE(K, S, INPUT) \
  do { \
    UNROLL for (int j = 0; j < COLUMNS; j++) LOAD(sums[j], bias + c); \
    for (int row = first_row; row < end_row; row++) { \
      const float *kernel_row = weights + (size_t)row * (K) * channels + c; \
      UNROLL for (int i = 0; i < (COLUMNS - 1) * (S) + (K); i++) { \
        lanes input; \
        LOAD(input, INPUT(row, i) + c); \
        UNROLL for (int j = 0; j < COLUMNS; j++) { \
          int tap = i - j * (S); \
          if (tap >= 0 && tap < (K)) { \
            lanes weight; \
            LOAD(weight, kernel_row + (size_t)tap * channels); \
            sums[j] += input * weight; \
          } \
        } \
      } \
    } \
  } while (0)

// The comparison picks lanes as a maximum and a minimum do, NaN aside.
#define CLAMP(value) \
  do { \
    mask_lanes low = (value) > zero, high = (value) < six; \
    (value) = (lanes)(low & (mask_lanes)(value)); \
    (value) = (lanes)((high & (mask_lanes)(value)) | (~high & (mask_lanes)six)); \
  } while (0)

#define DIRECT(row, column) (inside[row] + (size_t)(column) * channels)
#define THROUGH_POINTERS(row, column) (columns[row][column])

#define DEFINE_ROW(NAME, K, S) \
  PER_INSTRUCTION_SET \
  static void NAME(const float *const *rows, size_t width, size_t channels, size_t padding, const float *weights, \
                   const float *bias, const float *zeros, float *output, size_t output_width) { \
    const lanes zero = {0}, six = zero + 6; \
    int first_row = 0, end_row = (K); \
    while (first_row < end_row && !rows[first_row]) first_row++; \
    while (end_row > first_row && !rows[end_row - 1]) end_row--; \
    for (size_t column = 0; column < output_width; column += COLUMNS) { \
      size_t count = output_width - column < COLUMNS ? output_width - column : COLUMNS; \
      ptrdiff_t start = (ptrdiff_t)(column * (S)) - (ptrdiff_t)padding; \
      int is_inside = start >= 0 && (size_t)start + (COLUMNS - 1) * (S) + (K) <= width && count == COLUMNS; \
      const float *inside[K] = {0}, *columns[K][(COLUMNS - 1) * (S) + (K)]; \
      for (int row = first_row; row < end_row; row++) { \
        inside[row] = rows[row] + start * (ptrdiff_t)channels; \
        for (int i = 0; i < (COLUMNS - 1) * (S) + (K); i++) { \
          ptrdiff_t place = start + i; \
          columns[row][i] = place >= 0 && (size_t)place < width ? rows[row] + (size_t)place * channels : zeros; \
        } \
      } \
      for (size_t c = 0; c < channels; c += LANES) { \
        lanes sums[COLUMNS]; \
        if (is_inside) \
          SUM_TILE(K, S, DIRECT); \
        else \
          SUM_TILE(K, S, THROUGH_POINTERS); \
        UNROLL for (int j = 0; j < COLUMNS; j++) { \
          CLAMP(sums[j]); \
          if ((size_t)j < count) memcpy(output + (column + j) * channels + c, &sums[j], sizeof(lanes)); \
        } \
      } \
    } \
  }

DEFINE_ROW(depthwise_3_1, 3, 1)
DEFINE_ROW(depthwise_3_2, 3, 2)
DEFINE_ROW(depthwise_5_1, 5, 1)
DEFINE_ROW(depthwise_5_2, 5, 2)

int tessera_depthwise_row(const float *const *rows, size_t width, size_t channels, size_t kernel, size_t stride,
                          size_t padding, const float *weights, const float *bias, const float *zeros, float *output,
                          size_t output_width) {
  if (channels % LANES != 0) return 0;
  if (kernel == 3 && stride == 1)
    depthwise_3_1(rows, width, channels, padding, weights, bias, zeros, output, output_width);
  else if (kernel == 3 && stride == 2)
    depthwise_3_2(rows, width, channels, padding, weights, bias, zeros, output, output_width);
  else if (kernel == 5 && stride == 1)
    depthwise_5_1(rows, width, channels, padding, weights, bias, zeros, output, output_width);
  else if (kernel == 5 && stride == 2)
    depthwise_5_2(rows, width, channels, padding, weights, bias, zeros, output, output_width);
  else
    return 0;
  return 1;
}
