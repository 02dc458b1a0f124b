#include "CVectorKernels.h"
#include "lanes.h"

#pragma clang fp contract(fast)

// Two accumulators hide the latency of the additions. The last elements, fewer than sixteen, are summed one by one.
// TERM sets `term` to sixteen elements from `position`; TAIL is one element at `position`.
#define SUM_OF_SQUARES(total, count, TERM, TAIL) \
  do { \
    lanes even = {0}, odd = {0}, term; \
    size_t position = 0; \
    for (; position + 2 * LANES <= (count); position += LANES) { \
      TERM; \
      even += term * term; \
      position += LANES; \
      TERM; \
      odd += term * term; \
    } \
    if (position + LANES <= (count)) { \
      TERM; \
      even += term * term; \
      position += LANES; \
    } \
    even += odd; \
    SUM_LANES(total, even); \
    for (; position < (count); position++) { \
      float element = TAIL; \
      (total) += element * element; \
    } \
  } while (0)

PER_INSTRUCTION_SET
float tessera_squared_distance(const float *a, const float *b, size_t count) {
  float total;
  lanes other;
  SUM_OF_SQUARES(
      total, count, LOAD(term, a + position); LOAD(other, b + position); term -= other, a[position] - b[position]);
  return total;
}

PER_INSTRUCTION_SET
float tessera_squared_norm(const float *a, size_t count) {
  float total;
  SUM_OF_SQUARES(total, count, LOAD(term, a + position), a[position]);
  return total;
}

PER_INSTRUCTION_SET
float tessera_subtract(float *row, const float *other, size_t count) {
  for (size_t i = 0; i < count; i++) row[i] -= other[i];
  float total;
  SUM_OF_SQUARES(total, count, LOAD(term, row + position), row[position]);
  return total;
}

PER_INSTRUCTION_SET
void tessera_accumulate(double *sum, const float *row, double weight, size_t count) {
  for (size_t i = 0; i < count; i++) sum[i] += weight * row[i];
}

PER_INSTRUCTION_SET
int tessera_all_finite(const float *a, size_t count) {
  // An exponent of all ones; integers, since a compiler may assume away what it knows of comparisons with NaN.
  const uint32_t *bits = (const uint32_t *)a;
  uint32_t found = 0;
  for (size_t i = 0; i < count; i++) found |= (bits[i] & 0x7F800000u) == 0x7F800000u;
  return found == 0;
}
