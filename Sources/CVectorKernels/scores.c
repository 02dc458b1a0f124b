#include "CVectorKernels.h"
#include "lanes.h"

#pragma clang fp contract(fast)

#define LOWEST_LANE(lowest, vector) \
  do { \
    float parts[LANES]; \
    memcpy(parts, &(vector), sizeof(parts)); \
    for (int i = 0; i < LANES; i++) \
      if (parts[i] < (lowest)) (lowest) = parts[i]; \
  } while (0)

PER_INSTRUCTION_SET
float tessera_scores(float *scores, const float *offsets, size_t count) {
  float lowest = __builtin_inff();
  lanes running = lowest - (lanes){0};
  size_t i = 0;
  for (; i + LANES <= count; i += LANES) {
    lanes product, offset;
    LOAD(product, scores + i);
    LOAD(offset, offsets + i);
    lanes score = offset - 2 * product;
    memcpy(scores + i, &score, sizeof(score));
    running = __builtin_elementwise_min(running, score);
  }
  LOWEST_LANE(lowest, running);
  for (; i < count; i++) {
    scores[i] = offsets[i] - 2 * scores[i];
    if (scores[i] < lowest) lowest = scores[i];
  }
  return lowest;
}

PER_INSTRUCTION_SET
float tessera_minimum(const float *values, size_t count) {
  float lowest = __builtin_inff();
  lanes running = lowest - (lanes){0};
  size_t i = 0;
  for (; i + LANES <= count; i += LANES) {
    lanes value;
    LOAD(value, values + i);
    running = __builtin_elementwise_min(running, value);
  }
  LOWEST_LANE(lowest, running);
  for (; i < count; i++)
    if (values[i] < lowest) lowest = values[i];
  return lowest;
}

PER_INSTRUCTION_SET
size_t tessera_first_at_most(const float *values, size_t start, size_t count, float threshold) {
  size_t i = start;
  for (; i + LANES <= count; i += LANES) {
    lanes value;
    LOAD(value, values + i);
    mask_lanes low = value <= threshold - (lanes){0};
    if (__builtin_reduce_or(low)) break;
  }
  for (; i < count; i++)
    if (values[i] <= threshold) return i;
  return count;
}
