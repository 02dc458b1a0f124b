#include "CVectorKernels.h"

#if defined(__x86_64__)
#define PER_INSTRUCTION_SET __attribute__((target_clones("avx512f", "avx2,fma", "default")))
#else
#define PER_INSTRUCTION_SET
#endif

PER_INSTRUCTION_SET
float tessera_squared_distance(const float *a, const float *b, size_t count) {
#pragma clang fp reassociate(on) contract(fast)
  float sum = 0;
  for (size_t i = 0; i < count; i++) {
    float difference = a[i] - b[i];
    sum += difference * difference;
  }
  return sum;
}
