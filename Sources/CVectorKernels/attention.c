#include "CVectorKernels.h"
#include "lanes.h"
#include "lane_math.h"

#pragma clang fp contract(fast)

/// Keeps the first `present` lanes; the others become `rest`.
#define KEEP_LANES(x, present, rest) \
  do { \
    const mask_lanes places_ = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}; \
    mask_lanes kept_ = places_ < (int)(present), bits_, others_; \
    lanes rest_lanes_ = (rest) - (lanes){0}; \
    memcpy(&bits_, &(x), sizeof(bits_)); \
    memcpy(&others_, &rest_lanes_, sizeof(others_)); \
    bits_ = (bits_ & kept_) | (others_ & ~kept_); \
    memcpy(&(x), &bits_, sizeof(bits_)); \
  } while (0)

PER_INSTRUCTION_SET
void tessera_attention_weights(float *scores, size_t rows, size_t stride, size_t visible, size_t growth, float scale) {
  for (size_t r = 0; r < rows; r++, scores += stride, visible += growth) {
    size_t whole = visible / LANES * LANES, rest = visible - whole;
    lanes highest = -__builtin_inff() - (lanes){0}, x, sums = {0};
    for (size_t i = 0; i < whole; i += LANES) {
      LOAD(x, scores + i);
      highest = __builtin_elementwise_max(highest, x);
    }
    if (rest > 0) {
      LOAD(x, scores + whole);
      KEEP_LANES(x, rest, -__builtin_inff());
      highest = __builtin_elementwise_max(highest, x);
    }
    float top, total;
    HIGHEST_LANE(top, highest);
    for (size_t i = 0; i < whole; i += LANES) {
      LOAD(x, scores + i);
      x = (x - top) * scale;
      EXPONENTIAL(x);
      sums += x;
      memcpy(scores + i, &x, sizeof(x));
    }
    if (rest > 0) {
      LOAD(x, scores + whole);
      x = (x - top) * scale;
      EXPONENTIAL(x);
      KEEP_LANES(x, rest, 0.0f);
      sums += x;
      memcpy(scores + whole, &x, sizeof(x));
    }
    SUM_LANES(total, sums);
    float factor = 1.0f / total;
    size_t i = 0;
    for (; i < visible; i += LANES) {
      LOAD(x, scores + i);
      x *= factor;
      memcpy(scores + i, &x, sizeof(x));
    }
    for (x = (lanes){0}; i < stride; i += LANES) memcpy(scores + i, &x, sizeof(x));
  }
}

/// The inner products of `x` with some rows of a table, `of_them` at once: their sums run side by side.
#define INNER_PRODUCTS(of_them) \
  do { \
    lanes sums[of_them] = {0}; \
    float totals[of_them]; \
    for (size_t p = 0; p < whole; p += LANES) { \
      lanes own; \
      LOAD(own, x + p); \
      for (int i = 0; i < of_them; i++) { \
        lanes other; \
        LOAD(other, table + chosen[i] * width + p); \
        sums[i] += own * other; \
      } \
    } \
    for (int i = 0; i < of_them; i++) SUM_LANES(totals[i], sums[i]); \
    for (int i = 0; i < of_them; i++) { \
      for (size_t p = whole; p < width; p++) totals[i] += x[p] * table[chosen[i] * width + p]; \
      y[i] = totals[i] + offsets[chosen[i]]; \
    } \
  } while (0)

PER_INSTRUCTION_SET
void tessera_chosen_products(const float *x, size_t width, const float *table, const float *offsets,
                             const uint16_t *rows, size_t count, float *y) {
  size_t whole = width / LANES * LANES, done = 0, chosen[4];
  for (; done + 4 <= count; done += 4, y += 4) {
    for (int i = 0; i < 4; i++) chosen[i] = rows[done + i];
    INNER_PRODUCTS(4);
  }
  for (; done < count; done++, y++) {
    chosen[0] = rows[done];
    INNER_PRODUCTS(1);
  }
}
