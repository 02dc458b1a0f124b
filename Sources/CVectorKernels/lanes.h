#ifndef TESSERA_LANES_H
#define TESSERA_LANES_H

#include <stddef.h>
#include <string.h>

#if defined(__x86_64__)
#define PER_INSTRUCTION_SET __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define PER_INSTRUCTION_SET
#endif

/// Sixteen floats: one AVX-512 register, two of AVX2, four of the baseline.
typedef float lanes __attribute__((vector_size(64)));
typedef int mask_lanes __attribute__((vector_size(64)));

enum { LANES = 16 };

// Macros, not functions: a function that takes a 64-byte vector has another calling convention per instruction set.
#define LOAD(target, source) memcpy(&(target), (source), sizeof(lanes))
/// Halves the lanes until one is left, always in the same order.
#define SUM_LANES(total, vector) \
  do { \
    float parts[LANES]; \
    memcpy(parts, &(vector), sizeof(parts)); \
    for (int half = LANES / 2; half > 0; half /= 2) \
      for (int i = 0; i < half; i++) parts[i] += parts[i + half]; \
    (total) = parts[0]; \
  } while (0)

#endif
