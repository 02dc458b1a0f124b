#include "CVectorKernels.h"
#include "lanes.h"
#include "lane_math.h"

#pragma clang fp contract(fast)

PER_INSTRUCTION_SET
void tessera_layer_norm(float *row, const float *residual, const float *scale, const float *shift, float epsilon,
                        float *output, size_t count) {
  lanes sums = {0};
  float total = 0, mean, variance, rest = 0;
  size_t i = 0;
  for (; i + LANES <= count; i += LANES) {
    lanes x;
    LOAD(x, row + i);
    if (residual) {
      lanes other;
      LOAD(other, residual + i);
      x += other;
      memcpy(row + i, &x, sizeof(x));
    }
    sums += x;
  }
  for (; i < count; i++) {
    if (residual) row[i] += residual[i];
    rest += row[i];
  }
  SUM_LANES(total, sums);
  mean = (total + rest) / (float)count;
  // The variance around the mean, in a second pass: the row is in the cache, and nothing cancels.
  lanes squares = {0};
  rest = 0;
  for (i = 0; i + LANES <= count; i += LANES) {
    lanes x;
    LOAD(x, row + i);
    x -= mean;
    squares += x * x;
  }
  for (; i < count; i++) rest += (row[i] - mean) * (row[i] - mean);
  SUM_LANES(total, squares);
  variance = (total + rest) / (float)count;
  float factor = 1.0f / __builtin_sqrtf(variance + epsilon);
  for (i = 0; i + LANES <= count; i += LANES) {
    lanes x, gain, offset;
    LOAD(x, row + i);
    LOAD(gain, scale + i);
    LOAD(offset, shift + i);
    x = (x - mean) * factor * gain + offset;
    memcpy(output + i, &x, sizeof(x));
  }
  for (; i < count; i++) output[i] = (row[i] - mean) * factor * scale[i] + shift[i];
}

PER_INSTRUCTION_SET
void tessera_softmax(float *row, size_t count, float scale) {
  lanes highest = -__builtin_inff() - (lanes){0};
  size_t i = 0;
  float top, total = 0, parts[LANES];
  for (; i + LANES <= count; i += LANES) {
    lanes x;
    LOAD(x, row + i);
    highest = __builtin_elementwise_max(highest, x);
  }
  HIGHEST_LANE(top, highest);
  for (; i < count; i++)
    if (row[i] > top) top = row[i];
  lanes sums = {0};
  float rest = 0;
  FOR_LANES(i, count) {
    lanes x;
    LOAD_SOME(x, row + i);
    x = (x - top) * scale;
    EXPONENTIAL(x);
    STORE_SOME(row + i, x);
    if (present == LANES) {
      sums += x;
    } else {
      memcpy(parts, &x, sizeof(parts));
      for (size_t j = 0; j < present; j++) rest += parts[j];
    }
  }
  SUM_LANES(total, sums);
  float factor = 1.0f / (total + rest);
  for (i = 0; i < count; i++) row[i] *= factor;
}
