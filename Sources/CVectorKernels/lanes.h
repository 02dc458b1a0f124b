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
typedef float half_lanes __attribute__((vector_size(32)));
typedef float quarter_lanes __attribute__((vector_size(16)));

// Elementwise loops work on sixteen floats at a time; the last few pass through a padded register, so that an element's
// value does not depend on where it lies. Whole registers have copies of their own: one of a length that is known only
// when it runs is a call, and what is read behind it waits for it.

#define FOR_LANES(i, count) for (size_t i = 0, present = 0; (present = (count) - i < LANES ? (count) - i : LANES), i < (count); i += LANES)
#define LOAD_SOME(target, source) \
  do { \
    if (present == LANES) { \
      LOAD(target, source); \
    } else { \
      (target) = (lanes){0}; \
      memcpy(&(target), (source), present * sizeof(float)); \
    } \
  } while (0)
#define STORE_SOME(target, value) \
  do { \
    if (present == LANES) \
      memcpy((target), &(value), sizeof(lanes)); \
    else \
      memcpy((target), &(value), present * sizeof(float)); \
  } while (0)

/// Halves the lanes until one is left, always in the same order.
#define SUM_LANES(total, vector) \
  do { \
    lanes whole_ = (vector); \
    half_lanes half_ = __builtin_shufflevector(whole_, whole_, 0, 1, 2, 3, 4, 5, 6, 7) + \
                       __builtin_shufflevector(whole_, whole_, 8, 9, 10, 11, 12, 13, 14, 15); \
    quarter_lanes quarter_ = __builtin_shufflevector(half_, half_, 0, 1, 2, 3) + \
                             __builtin_shufflevector(half_, half_, 4, 5, 6, 7); \
    quarter_ += __builtin_shufflevector(quarter_, quarter_, 2, 3, 2, 3); \
    (total) = quarter_[0] + quarter_[1]; \
  } while (0)

/// The highest of the lanes; a NaN counts only where all are.
#define HIGHEST_LANE(highest, vector) \
  do { \
    lanes whole_ = (vector); \
    half_lanes half_ = __builtin_elementwise_max(__builtin_shufflevector(whole_, whole_, 0, 1, 2, 3, 4, 5, 6, 7), \
                                                 __builtin_shufflevector(whole_, whole_, 8, 9, 10, 11, 12, 13, 14, 15)); \
    quarter_lanes quarter_ = __builtin_elementwise_max(__builtin_shufflevector(half_, half_, 0, 1, 2, 3), \
                                                       __builtin_shufflevector(half_, half_, 4, 5, 6, 7)); \
    quarter_ = __builtin_elementwise_max(quarter_, __builtin_shufflevector(quarter_, quarter_, 2, 3, 2, 3)); \
    (highest) = __builtin_elementwise_max(quarter_[0], quarter_[1]); \
  } while (0)

#endif
