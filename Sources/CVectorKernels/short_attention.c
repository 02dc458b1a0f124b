#include "CVectorKernels.h"
#include "lanes.h"
#include "lane_math.h"

#pragma clang fp contract(fast)

enum { MOST_KEYS = TESSERA_SHORT_ATTENTION_KEYS };

// With a `width` that the caller states as a constant, what follows runs from registers alone.
#define INLINE static inline __attribute__((always_inline))

/// products[j] = <x, rows[j]>, four at once: their sums run side by side.
INLINE void inner_products(const float *x, const float *rows, size_t stride, size_t count, size_t width,
                           float *products) {
  size_t j = 0;
  for (; j + 4 <= count; j += 4) {
    const float *row = rows + j * stride;
    lanes sums[4] = {0};
    for (size_t p = 0; p < width; p += LANES) {
      lanes own;
      LOAD(own, x + p);
      for (size_t i = 0; i < 4; i++) {
        lanes other;
        LOAD(other, row + i * stride + p);
        sums[i] += own * other;
      }
    }
    for (size_t i = 0; i < 4; i++) SUM_LANES(products[j + i], sums[i]);
  }
  for (; j < count; j++) {
    lanes sum = {0};
    for (size_t p = 0; p < width; p += LANES) {
      lanes own, other;
      LOAD(own, x + p);
      LOAD(other, rows + j * stride + p);
      sum += own * other;
    }
    SUM_LANES(products[j], sum);
  }
}

/// y = the sum of factors[j] * rows[j].
INLINE void weighted_sum(const float *factors, const float *rows, size_t stride, size_t count, size_t width, float *y) {
  for (size_t p = 0; p < width; p += LANES) {
    lanes sum = {0};
    for (size_t j = 0; j < count; j++) {
      lanes row;
      LOAD(row, rows + j * stride + p);
      sum += factors[j] * row;
    }
    memcpy(y + p, &sum, sizeof(sum));
  }
}

/// rows[j] += factors[j] * x.
INLINE void add_outer(const float *factors, const float *x, float *rows, size_t stride, size_t count, size_t width) {
  for (size_t p = 0; p < width; p += LANES) {
    lanes own;
    LOAD(own, x + p);
    for (size_t j = 0; j < count; j++) {
      lanes row;
      LOAD(row, rows + j * stride + p);
      row += factors[j] * own;
      memcpy(rows + j * stride + p, &row, sizeof(row));
    }
  }
}

/// scores := the softmax of `count` of them times `scale`. What stands behind them in the last lanes is overwritten.
/// As tessera_attention_weights of one row, whose call for every query and head would cost 3 to 5 % of an aligner's step.
INLINE void softmax(float *scores, size_t count, float scale) {
  for (size_t i = count; i % LANES; i++) scores[i] = -__builtin_inff();
  lanes highest = -__builtin_inff() - (lanes){0}, sums = {0}, x;
  for (size_t i = 0; i < count; i += LANES) {
    LOAD(x, scores + i);
    highest = __builtin_elementwise_max(highest, x);
  }
  float top, total;
  HIGHEST_LANE(top, highest);
  for (size_t i = 0; i < count; i += LANES) {
    LOAD(x, scores + i);
    x = (x - top) * scale;
    EXPONENTIAL(x);
    memcpy(scores + i, &x, sizeof(x));
  }
  // The exponential clamps: what stands for no score is not zero behind it.
  for (size_t i = count; i % LANES; i++) scores[i] = 0;
  for (size_t i = 0; i < count; i += LANES) {
    LOAD(x, scores + i);
    sums += x;
  }
  SUM_LANES(total, sums);
  float factor = 1.0f / total;
  for (size_t i = 0; i < count; i++) scores[i] *= factor;
}

INLINE void attend(const tessera_attention *a, size_t width, float *output, size_t output_stride) {
  float scores[MOST_KEYS];
  for (size_t head = 0; head < a->heads; head++) {
    size_t column = head * width;
    for (size_t i = 0; i < a->query_count; i++) {
      size_t visible = (size_t)a->visible[i];
      inner_products(a->queries + i * a->query_stride + column, a->keys + column, a->key_stride, visible, width, scores);
      softmax(scores, visible, a->scale);
      weighted_sum(scores, a->values + column, a->value_stride, visible, width, output + i * output_stride + column);
    }
  }
}

INLINE void add_gradients(const tessera_attention *a, size_t width, const float *outer, size_t outer_stride,
                          const tessera_attention_gradients *g) {
  float scores[MOST_KEYS], slopes[MOST_KEYS];
  for (size_t head = 0; head < a->heads; head++) {
    size_t column = head * width;
    for (size_t i = 0; i < a->query_count; i++) {
      size_t visible = (size_t)a->visible[i];
      const float *query = a->queries + i * a->query_stride + column, *dy = outer + i * outer_stride + column;
      inner_products(query, a->keys + column, a->key_stride, visible, width, scores);
      softmax(scores, visible, a->scale);
      inner_products(dy, a->values + column, a->value_stride, visible, width, slopes);
      add_outer(scores, dy, g->values + column, g->value_stride, visible, width);
      float mean = 0;
      for (size_t j = 0; j < visible; j++) mean += scores[j] * slopes[j];
      for (size_t j = 0; j < visible; j++) scores[j] *= (slopes[j] - mean) * a->scale;
      weighted_sum(scores, a->keys + column, a->key_stride, visible, width, g->queries + i * g->query_stride + column);
      add_outer(scores, query, g->keys + column, g->key_stride, visible, width);
    }
  }
}

PER_INSTRUCTION_SET
void tessera_short_attention(const tessera_attention *a, float *output, size_t output_stride) {
  switch (a->head_width) {
    case 16: attend(a, 16, output, output_stride); break;
    case 32: attend(a, 32, output, output_stride); break;
    default: attend(a, a->head_width, output, output_stride); break;
  }
}

PER_INSTRUCTION_SET
void tessera_short_attention_gradients(const tessera_attention *a, const float *outer, size_t outer_stride,
                                       const tessera_attention_gradients *g) {
  switch (a->head_width) {
    case 16: add_gradients(a, 16, outer, outer_stride, g); break;
    case 32: add_gradients(a, 32, outer, outer_stride, g); break;
    default: add_gradients(a, a->head_width, outer, outer_stride, g); break;
  }
}
