#include "CImageCodecs.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

struct input {
  const uint8_t *bytes;
  size_t left;
  int32_t status;
  char *message;
};

struct output {
  uint8_t *bytes;
  size_t count;
  size_t capacity;
  char *message;
};

static void leave_reading(png_structp png, png_const_charp text) {
  struct input *input = png_get_error_ptr(png);
  if (input->status == TESSERA_IMAGE_OK) input->status = TESSERA_IMAGE_DAMAGED;
  snprintf(input->message, TESSERA_IMAGE_MESSAGE_SIZE, "%s", text);
  png_longjmp(png, 1);
}

static void leave_writing(png_structp png, png_const_charp text) {
  struct output *output = png_get_error_ptr(png);
  snprintf(output->message, TESSERA_IMAGE_MESSAGE_SIZE, "%s", text);
  png_longjmp(png, 1);
}

static void ignore_warning(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

static void read_bytes(png_structp png, png_bytep target, size_t count) {
  struct input *input = png_get_io_ptr(png);
  if (count > input->left) {
    input->status = TESSERA_IMAGE_TRUNCATED;
    png_error(png, "the data ends before the end chunk");
  }
  memcpy(target, input->bytes, count);
  input->bytes += count;
  input->left -= count;
}

// Text, profiles and dates play no part in the pixels; skipped unread, they cannot be bombs either.
static void skip_metadata(png_structp png) {
  static const png_byte names[] = "tEXt\0zTXt\0iTXt\0iCCP\0eXIf\0sPLT\0hIST\0tIME\0pCAL\0sCAL\0cHRM\0gAMA\0sRGB";
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, names, (int)(sizeof names / 5));
}

// Everything becomes 8-bit RGB or RGBA: palettes, gray and 1 to 4 bits are expanded, 16 bits are scaled.
static int request_rgb(png_structp png, png_infop info) {
  const int has_alpha =
    (png_get_color_type(png, info) & PNG_COLOR_MASK_ALPHA) || png_get_valid(png, info, PNG_INFO_tRNS);
  png_set_expand(png);
  png_set_scale_16(png);
  png_set_gray_to_rgb(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  return has_alpha ? 4 : 3;
}

// Safe in place: a pixel is written no later than it is read.
static void composite_over_white(uint8_t *pixels, size_t count) {
  const uint8_t *source = pixels;
  for (size_t i = 0; i < count; i++, source += 4, pixels += 3) {
    const unsigned alpha = source[3], white = 255 * (255 - alpha);
    for (int channel = 0; channel < 3; channel++) {
      pixels[channel] = (uint8_t)((source[channel] * alpha + white + 127) / 255);
    }
  }
}

static void read_image(png_structp png, png_infop info, struct input *input, size_t memory_limit, uint32_t width,
                       uint32_t height, uint8_t *pixels) {
  png_set_read_fn(png, input, read_bytes);
  png_set_user_limits(png, width, height);
  png_set_chunk_malloc_max(png, memory_limit);
  skip_metadata(png);
  png_read_info(png, info);
  if (png_get_image_width(png, info) != width || png_get_image_height(png, info) != height) {
    png_error(png, "two headers that differ in size");
  }
  const size_t channels = (size_t)request_rgb(png, info);
  const size_t stride = channels * width;
  if (png_get_rowbytes(png, info) != stride) png_error(png, "an unexpected row size");
  const int passes = png_get_interlace_type(png, info) == PNG_INTERLACE_ADAM7 ? PNG_INTERLACE_ADAM7_PASSES : 1;
  for (int pass = 0; pass < passes; pass++) {
    for (uint32_t y = 0; y < height; y++) png_read_row(png, pixels + y * stride, NULL);
  }
  png_read_end(png, NULL);
  if (channels == 4) composite_over_white(pixels, (size_t)width * height);
}

int32_t tessera_png_decode(
  const uint8_t *bytes, size_t count, uint32_t width, uint32_t height, size_t memory_limit, uint8_t *pixels,
  size_t capacity, char *message) {
  struct input input = {bytes, count, TESSERA_IMAGE_OK, message};
  message[0] = 0;
  if (capacity / 4 / width < height) return TESSERA_IMAGE_TOO_LARGE;
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &input, leave_reading, ignore_warning);
  if (!png) return TESSERA_IMAGE_TOO_LARGE;
  png_infop info = png_create_info_struct(png);
  if (!info) {
    png_destroy_read_struct(&png, NULL, NULL);
    return TESSERA_IMAGE_TOO_LARGE;
  }
  if (setjmp(png_jmpbuf(png)) == 0) read_image(png, info, &input, memory_limit, width, height, pixels);
  png_destroy_read_struct(&png, &info, NULL);
  return input.status;
}

static void append_bytes(png_structp png, png_bytep source, size_t count) {
  struct output *output = png_get_io_ptr(png);
  if (count > output->capacity - output->count) {
    const size_t capacity = (output->count + count) * 2;
    uint8_t *bytes = realloc(output->bytes, capacity);
    if (!bytes) png_error(png, "out of memory");
    output->bytes = bytes;
    output->capacity = capacity;
  }
  memcpy(output->bytes + output->count, source, count);
  output->count += count;
}

static void flush_nothing(png_structp png) { (void)png; }

static void write_image(png_structp png, png_infop info, struct output *output, const uint8_t *pixels, uint32_t width,
                        uint32_t height, int32_t level) {
  png_set_write_fn(png, output, append_bytes, flush_nothing);
  png_set_IHDR(png, info, width, height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  png_set_compression_level(png, level);
  // Trying all filters on every row costs more than it saves at the fast levels.
  png_set_filter(png, PNG_FILTER_TYPE_BASE, level < 6 ? PNG_FILTER_SUB : PNG_ALL_FILTERS);
  png_write_info(png, info);
  for (uint32_t y = 0; y < height; y++) png_write_row(png, pixels + (size_t)y * width * 3);
  png_write_end(png, NULL);
}

int32_t tessera_png_encode(
  const uint8_t *pixels, uint32_t width, uint32_t height, int32_t level, uint8_t **bytes, size_t *count,
  char *message) {
  struct output output = {NULL, 0, 0, message};
  message[0] = 0;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &output, leave_writing, ignore_warning);
  if (!png) return TESSERA_IMAGE_TOO_LARGE;
  png_infop info = png_create_info_struct(png);
  if (!info) {
    png_destroy_write_struct(&png, NULL);
    return TESSERA_IMAGE_TOO_LARGE;
  }
  // volatile: it is set on both sides of the jump.
  volatile int32_t status = TESSERA_IMAGE_DAMAGED;
  if (setjmp(png_jmpbuf(png)) == 0) {
    write_image(png, info, &output, pixels, width, height, level);
    status = TESSERA_IMAGE_OK;
  }
  png_destroy_write_struct(&png, &info);
  if (status != TESSERA_IMAGE_OK) {
    free(output.bytes);
    return status;
  }
  *bytes = output.bytes;
  *count = output.count;
  return TESSERA_IMAGE_OK;
}
