#include "CVectorKernels.h"
#include "lanes.h"

// Pillow's fixed point (Resample.c): 8 bits of a sample, 2 of overshoot, and the sign leave 22 for the fraction.
enum { FRACTION_BITS = 22 };

typedef int32_t pixel_lanes __attribute__((vector_size(16)));

static inline uint8_t rounded(int32_t sum) {
  int32_t value = sum >> FRACTION_BITS;
  return value < 0 ? 0 : value > 255 ? 255 : (uint8_t)value;
}

PER_INSTRUCTION_SET
void tessera_resample_line(const uint8_t *line, size_t width, const int32_t *weights, const int32_t *starts,
                           size_t taps, uint8_t *output, size_t output_width, int32_t *scratch) {
  for (size_t x = 0; x < width; x++) {
    for (int channel = 0; channel < 3; channel++) scratch[4 * x + channel] = line[3 * x + channel];
    scratch[4 * x + 3] = 0;
  }
  for (size_t x = 0; x < output_width; x++) {
    pixel_lanes sum = {0};
    sum += 1 << (FRACTION_BITS - 1);
    const int32_t *source = scratch + 4 * (size_t)starts[x];
    for (size_t tap = 0; tap < taps; tap++) {
      pixel_lanes pixel;
      memcpy(&pixel, source + 4 * tap, sizeof(pixel));
      sum += pixel * weights[x * taps + tap];
    }
    for (int channel = 0; channel < 3; channel++) output[3 * x + channel] = rounded(sum[channel]);
  }
}

PER_INSTRUCTION_SET
void tessera_resample_rows(const uint8_t *first, size_t stride, const int32_t *weights, size_t taps, uint8_t *output,
                           size_t count) {
  enum { BLOCK = 64 };
  for (size_t start = 0; start < count; start += BLOCK) {
    size_t length = count - start < BLOCK ? count - start : BLOCK;
    int32_t sums[BLOCK];
    for (int i = 0; i < BLOCK; i++) sums[i] = 1 << (FRACTION_BITS - 1);
    for (size_t tap = 0; tap < taps; tap++) {
      const uint8_t *source = first + tap * stride + start;
      int32_t weight = weights[tap];
      if (length == BLOCK) {
        for (int i = 0; i < BLOCK; i++) sums[i] += source[i] * weight;
      } else {
        for (size_t i = 0; i < length; i++) sums[i] += source[i] * weight;
      }
    }
    for (size_t i = 0; i < length; i++) output[start + i] = rounded(sums[i]);
  }
}
