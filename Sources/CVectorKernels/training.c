#include "CVectorKernels.h"
#include "lanes.h"
#include "lane_math.h"

#pragma clang fp contract(fast)

PER_INSTRUCTION_SET
void tessera_activate(const float *x, float *y, size_t count, int activation) {
  FOR_LANES(i, count) {
    lanes value;
    LOAD_SOME(value, x + i);
    ACTIVATE(value, activation);
    STORE_SOME(y + i, value);
  }
}

/// 1 where the comparison holds, else 0.
#define ONES_WHERE(target, comparison) \
  do { \
    mask_lanes bits_ = (comparison); \
    bits_ &= 0x3F800000; \
    memcpy(&(target), &bits_, sizeof(lanes)); \
  } while (0)

/// slope = activation'(value).
#define ACTIVATION_SLOPE(slope, value, activation) \
  switch (activation) { \
    case TESSERA_GELU: { \
      lanes cumulative_ = __builtin_elementwise_abs(value) * 0.70710678f; \
      lanes t_ = 1.0f / (1.0f + 0.3275911f * cumulative_); \
      lanes tail_ = ((((1.061405429f * t_ - 1.453152027f) * t_ + 1.421413741f) * t_ - 0.284496736f) * t_ + 0.254829592f) * t_; \
      lanes density_ = -0.5f * (value) * (value); \
      EXPONENTIAL(density_); \
      lanes positive_; \
      ONES_WHERE(positive_, (value) > 0.0f); \
      tail_ = 0.5f * tail_ * density_; \
      (slope) = positive_ - (2.0f * positive_ - 1.0f) * tail_ + (value) * density_ * 0.39894228f; \
      break; \
    } \
    case TESSERA_QUICK_GELU: { \
      lanes share_ = 1.702f * (value); \
      SIGMOID(share_); \
      (slope) = share_ * (1.0f + 1.702f * (value) * (1.0f - share_)); \
      break; \
    } \
    case TESSERA_SILU: { \
      lanes share_ = (value); \
      SIGMOID(share_); \
      (slope) = share_ * (1.0f + (value) * (1.0f - share_)); \
      break; \
    } \
    case TESSERA_SIGMOID: { \
      lanes share_ = (value); \
      SIGMOID(share_); \
      (slope) = share_ * (1.0f - share_); \
      break; \
    } \
    case TESSERA_TANH: { \
      lanes bent_ = (value); \
      HYPERBOLIC_TANGENT(bent_); \
      (slope) = 1.0f - bent_ * bent_; \
      break; \
    } \
    case TESSERA_RELU: ONES_WHERE(slope, (value) > 0.0f); break; \
    case TESSERA_RELU6: ONES_WHERE(slope, ((value) > 0.0f) & ((value) < 6.0f)); break; \
    default: (slope) = 1.0f - (lanes){0}; \
  }

PER_INSTRUCTION_SET
void tessera_activation_gradient(const float *x, const float *dy, float *dx, size_t count, int activation) {
  FOR_LANES(i, count) {
    lanes value, slope, outer;
    LOAD_SOME(value, x + i);
    LOAD_SOME(outer, dy + i);
    ACTIVATION_SLOPE(slope, value, activation);
    outer *= slope;
    STORE_SOME(dx + i, outer);
  }
}

PER_INSTRUCTION_SET
void tessera_gated(const float *gate, const float *value, float *y, size_t count) {
  FOR_LANES(i, count) {
    lanes g, v;
    LOAD_SOME(g, gate + i);
    LOAD_SOME(v, value + i);
    SIGMOID_UNIT(g);
    g *= v;
    STORE_SOME(y + i, g);
  }
}

PER_INSTRUCTION_SET
void tessera_gated_gradient(const float *gate, const float *value, const float *dy, float *dgate, float *dvalue,
                            size_t count) {
  FOR_LANES(i, count) {
    lanes g, v, outer, share;
    LOAD_SOME(g, gate + i);
    LOAD_SOME(v, value + i);
    LOAD_SOME(outer, dy + i);
    share = g;
    SIGMOID(share);
    v *= outer * share * (1.0f + g * (1.0f - share));
    g *= share * outer;
    STORE_SOME(dgate + i, v);
    STORE_SOME(dvalue + i, g);
  }
}

PER_INSTRUCTION_SET
void tessera_sum(const float *a, const float *b, float factor, float *y, size_t count) {
  for (size_t i = 0; i < count; i++) y[i] = a[i] + factor * b[i];
}

PER_INSTRUCTION_SET
void tessera_add_scaled(float *y, const float *x, float factor, size_t count) {
  for (size_t i = 0; i < count; i++) y[i] += factor * x[i];
}

PER_INSTRUCTION_SET
void tessera_multiply(float *y, const float *x, size_t count) {
  for (size_t i = 0; i < count; i++) y[i] *= x[i];
}

PER_INSTRUCTION_SET
float tessera_dot(const float *a, const float *b, size_t count) {
  lanes sums = {0};
  FOR_LANES(i, count) {
    lanes x, y;
    LOAD_SOME(x, a + i);
    LOAD_SOME(y, b + i);
    sums += x * y;
  }
  float total;
  SUM_LANES(total, sums);
  return total;
}

typedef uint32_t word_lanes __attribute__((vector_size(64)));

PER_INSTRUCTION_SET
void tessera_dropout(const float *x, float *y, size_t count, uint64_t seed, uint64_t first, float rate, int adds) {
  const float factor = 1.0f / (1.0f - rate);
  const float bound = rate * 16777216.0f;
  const uint32_t low = (uint32_t)seed, high = (uint32_t)(seed >> 32);
  const word_lanes steps = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  FOR_LANES(i, count) {
    uint64_t position = first + i;
    // Two rounds of MurmurHash3's finalizer, keyed by both halves of the seed.
    word_lanes hash = ((uint32_t)position + steps) ^ low;
    hash = (hash ^ (hash >> 16)) * 0x85EBCA6Bu;
    hash = (hash ^ (hash >> 13)) * 0xC2B2AE35u;
    hash ^= (hash >> 16) ^ high ^ (uint32_t)(position >> 32) * 0x9E3779B9u;
    hash = (hash ^ (hash >> 16)) * 0x85EBCA6Bu;
    hash = (hash ^ (hash >> 13)) * 0xC2B2AE35u;
    hash ^= hash >> 16;
    lanes value, kept, former = {0};
    mask_lanes drawn;
    hash >>= 8;
    memcpy(&drawn, &hash, sizeof(drawn));
    ONES_WHERE(kept, __builtin_convertvector(drawn, lanes) >= bound);
    LOAD_SOME(value, x + i);
    if (adds) LOAD_SOME(former, y + i);
    value = former + value * kept * factor;
    STORE_SOME(y + i, value);
  }
}

PER_INSTRUCTION_SET
void tessera_norm_gradient(const float *x, const float *dy, const float *scale, float epsilon, int centers, float *dx,
                           float *dscale, float *dshift, size_t count) {
  lanes sums = {0}, squares = {0};
  float mean = 0, total;
  if (centers) {
    FOR_LANES(i, count) {
      lanes value;
      LOAD_SOME(value, x + i);
      sums += value;
    }
    SUM_LANES(total, sums);
    mean = total / (float)count;
  }
  float rest = 0;
  size_t whole = count / LANES * LANES;
  for (size_t i = 0; i < whole; i += LANES) {
    lanes value;
    LOAD(value, x + i);
    value -= mean;
    squares += value * value;
  }
  for (size_t i = whole; i < count; i++) rest += (x[i] - mean) * (x[i] - mean);
  SUM_LANES(total, squares);
  float factor = 1.0f / __builtin_sqrtf((total + rest) / (float)count + epsilon);
  // With n = (x - mean) * factor and g = dy * scale: dx = factor * (g - mean(g) - n * mean(g * n)).
  lanes first = {0}, second = {0};
  FOR_LANES(i, count) {
    lanes value, outer, gain;
    LOAD_SOME(value, x + i);
    LOAD_SOME(outer, dy + i);
    LOAD_SOME(gain, scale + i);
    lanes normalized = (value - mean) * factor, inner = outer * gain;
    first += inner;
    second += inner * normalized;
    lanes sum;
    LOAD_SOME(sum, dscale + i);
    sum += outer * normalized;
    STORE_SOME(dscale + i, sum);
    if (dshift) {
      LOAD_SOME(sum, dshift + i);
      sum += outer;
      STORE_SOME(dshift + i, sum);
    }
  }
  float level, slope;
  SUM_LANES(level, first);
  SUM_LANES(slope, second);
  level = centers ? level / (float)count : 0;
  slope /= (float)count;
  FOR_LANES(i, count) {
    lanes value, outer, gain;
    LOAD_SOME(value, x + i);
    LOAD_SOME(outer, dy + i);
    LOAD_SOME(gain, scale + i);
    lanes normalized = (value - mean) * factor;
    value = factor * (outer * gain - level - normalized * slope);
    STORE_SOME(dx + i, value);
  }
}

PER_INSTRUCTION_SET
void tessera_rms_norm(const float *x, float *y, const float *scale, float epsilon, size_t count) {
  lanes squares = {0};
  FOR_LANES(i, count) {
    lanes value;
    LOAD_SOME(value, x + i);
    squares += value * value;
  }
  float total;
  SUM_LANES(total, squares);
  float factor = 1.0f / __builtin_sqrtf(total / (float)count + epsilon);
  for (size_t i = 0; i < count; i++) y[i] = x[i] * factor * scale[i];
}

PER_INSTRUCTION_SET
void tessera_softmax_gradient(float *scores, const float *dp, size_t count, float scale) {
  lanes sums = {0};
  FOR_LANES(i, count) {
    lanes p, outer;
    LOAD_SOME(p, scores + i);
    LOAD_SOME(outer, dp + i);
    sums += p * outer;
  }
  float total;
  SUM_LANES(total, sums);
  for (size_t i = 0; i < count; i++) scores[i] *= (dp[i] - total) * scale;
}

PER_INSTRUCTION_SET
float tessera_log_sum_exp(const float *row, size_t count) {
  float top;
  lanes highest = -__builtin_inff() - (lanes){0};
  size_t next = 0;
  for (; next + LANES <= count; next += LANES) {
    lanes value;
    LOAD(value, row + next);
    highest = __builtin_elementwise_max(highest, value);
  }
  HIGHEST_LANE(top, highest);
  for (; next < count; next++) top = row[next] > top ? row[next] : top;
  if (!(top > -__builtin_inff())) return top;
  lanes sums = {0};
  float rest = 0, total;
  FOR_LANES(i, count) {
    lanes value;
    LOAD_SOME(value, row + i);
    value -= top;
    EXPONENTIAL(value);
    if (present == LANES) {
      sums += value;
    } else {
      float parts[LANES];
      memcpy(parts, &value, sizeof(parts));
      for (size_t j = 0; j < present; j++) rest += parts[j];
    }
  }
  SUM_LANES(total, sums);
  return top + __builtin_logf(total + rest);
}

PER_INSTRUCTION_SET
void tessera_exponentials(float *row, size_t count, float shift, float factor) {
  FOR_LANES(i, count) {
    lanes value, kept;
    LOAD_SOME(value, row + i);
    value -= shift;
    // Zero rather than a denormal number, which processors multiply a hundred times more slowly.
    ONES_WHERE(kept, value > -60.0f);
    EXPONENTIAL(value);
    value *= kept * factor;
    STORE_SOME(row + i, value);
  }
}

PER_INSTRUCTION_SET
void tessera_adamw(float *weights, const float *gradient, float *m, float *v, size_t count,
                   const tessera_adamw_step *step) {
  const tessera_adamw_step s = *step;
  for (size_t i = 0; i < count; i++) {
    float g = gradient[i] * s.factor;
    float mean = s.b1 * m[i] + (1.0f - s.b1) * g;
    float square = s.b2 * v[i] + (1.0f - s.b2) * g * g;
    m[i] = mean;
    v[i] = square;
    weights[i] -= s.decay * weights[i] + s.rate * mean / (__builtin_sqrtf(square) * s.correction + s.epsilon);
  }
}
