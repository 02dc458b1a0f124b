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

/// x = x * Phi(x) = max(x, 0) - |x| * (1 - Phi(|x|)), with 1 - Phi on [0, 5.4] by a polynomial of degree 16, fitted for
/// the least error of the product: below 2e-7 everywhere, and of Phi as well. Beyond 5.4 the second part stays what it is
/// there, 2e-7. Even and odd powers are summed apart, so that each waits for half as many.
#define GAUSSIAN_ERROR_UNIT(x) \
  do { \
    lanes size_ = __builtin_elementwise_abs(x); \
    lanes near_ = __builtin_elementwise_min(size_, 5.4f - (lanes){0}); \
    lanes t_ = near_ * 0.370370370f - 1.0f, square_ = t_ * t_; \
    lanes even_ = 6.884041287e-4f * square_ + 3.701649471e-3f; \
    lanes odd_ = -5.726194834e-3f * square_ + 2.720526759e-2f; \
    even_ = even_ * square_ - 3.948555528e-2f; \
    odd_ = odd_ * square_ - 3.755298367e-2f; \
    even_ = even_ * square_ + 1.184817357e-1f; \
    odd_ = odd_ * square_ - 4.721163775e-2f; \
    even_ = even_ * square_ - 1.346517681e-1f; \
    odd_ = odd_ * square_ + 2.113189274e-1f; \
    even_ = even_ * square_ - 7.205821825e-2f; \
    odd_ = odd_ * square_ - 1.548885206e-1f; \
    even_ = even_ * square_ + 2.673002794e-1f; \
    odd_ = odd_ * square_ - 2.150079591e-1f; \
    even_ = even_ * square_ + 1.025565325e-1f; \
    odd_ = odd_ * square_ - 2.813692058e-2f; \
    even_ = even_ * square_ + 3.466983373e-3f; \
    (x) = 0.5f * ((x) + size_) - near_ * (odd_ * t_ + even_); \
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
