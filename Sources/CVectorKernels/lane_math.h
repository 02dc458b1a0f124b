#ifndef TESSERA_LANE_MATH_H
#define TESSERA_LANE_MATH_H

#include "lanes.h"

typedef int integer_lanes __attribute__((vector_size(64)));

// Elementwise functions of sixteen floats, each in place.

/// x = e^x, within 2 units in the last place for -87 < x < 88; clamped outside.
/// Range reduction to |f| <= ln(2) / 2 and a polynomial of degree 6 (Cephes' expf).
#define EXPONENTIAL(x) \
  do { \
    lanes clamped_ = __builtin_elementwise_max((x), -87.0f - (lanes){0}); \
    clamped_ = __builtin_elementwise_min(clamped_, 88.0f - (lanes){0}); \
    /* Adding 1.5 * 2^23 rounds to an integer, which then stands in the low bits. */ \
    lanes shifted_ = clamped_ * 1.44269504f + 12582912.0f; \
    lanes rounded_ = shifted_ - 12582912.0f; \
    lanes rest_ = clamped_ - rounded_ * 0.693359375f; \
    rest_ = rest_ + rounded_ * 2.12194440e-4f; \
    lanes sum_ = 1.9875691500e-4f * rest_ + 1.3981999507e-3f; \
    sum_ = sum_ * rest_ + 8.3334519073e-3f; \
    sum_ = sum_ * rest_ + 4.1665795894e-2f; \
    sum_ = sum_ * rest_ + 1.6666665459e-1f; \
    sum_ = sum_ * rest_ + 5.0000001201e-1f; \
    sum_ = sum_ * rest_ * rest_ + rest_ + 1.0f; \
    integer_lanes power_; \
    memcpy(&power_, &shifted_, sizeof(power_)); \
    power_ = (power_ - 0x4B400000 + 127) << 23; \
    lanes scale_; \
    memcpy(&scale_, &power_, sizeof(scale_)); \
    (x) = sum_ * scale_; \
  } while (0)

/// x = x * Phi(x), through erf by Abramowitz and Stegun's 7.1.26: an absolute error below 2e-7 of Phi.
#define GAUSSIAN_ERROR_UNIT(x) \
  do { \
    lanes input_ = (x); \
    lanes size_ = __builtin_elementwise_abs(input_) * 0.70710678f; \
    lanes t_ = 1.0f / (1.0f + 0.3275911f * size_); \
    lanes tail_ = ((((1.061405429f * t_ - 1.453152027f) * t_ + 1.421413741f) * t_ - 0.284496736f) * t_ + 0.254829592f) * t_; \
    lanes decay_ = -size_ * size_; \
    EXPONENTIAL(decay_); \
    lanes erf_ = 1.0f - tail_ * decay_; \
    (x) = 0.5f * (input_ + __builtin_elementwise_abs(input_) * erf_); \
  } while (0)

#define QUICK_GAUSSIAN_ERROR_UNIT(x) \
  do { \
    lanes decay_ = -1.702f * (x); \
    EXPONENTIAL(decay_); \
    (x) = (x) / (1.0f + decay_); \
  } while (0)

#define SIGMOID(x) \
  do { \
    lanes decay_ = -(x); \
    EXPONENTIAL(decay_); \
    (x) = 1.0f / (1.0f + decay_); \
  } while (0)

#define SIGMOID_UNIT(x) \
  do { \
    lanes decay_ = -(x); \
    EXPONENTIAL(decay_); \
    (x) = (x) / (1.0f + decay_); \
  } while (0)

#define HYPERBOLIC_TANGENT(x) \
  do { \
    lanes growth_ = 2.0f * (x); \
    EXPONENTIAL(growth_); \
    (x) = 1.0f - 2.0f / (growth_ + 1.0f); \
  } while (0)

#define ACTIVATE(x, activation) \
  switch (activation) { \
    case TESSERA_GELU: GAUSSIAN_ERROR_UNIT(x); break; \
    case TESSERA_QUICK_GELU: QUICK_GAUSSIAN_ERROR_UNIT(x); break; \
    case TESSERA_RELU: (x) = __builtin_elementwise_max((x), (lanes){0}); break; \
    case TESSERA_RELU6: \
      (x) = __builtin_elementwise_min(__builtin_elementwise_max((x), (lanes){0}), 6.0f - (lanes){0}); \
      break; \
    case TESSERA_TANH: HYPERBOLIC_TANGENT(x); break; \
    case TESSERA_SILU: SIGMOID_UNIT(x); break; \
    case TESSERA_SIGMOID: SIGMOID(x); break; \
    default: break; \
  }

#endif
