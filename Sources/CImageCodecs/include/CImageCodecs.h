#ifndef TESSERA_CIMAGECODECS_H
#define TESSERA_CIMAGECODECS_H

#include <stddef.h>
#include <stdint.h>

// libjpeg and libpng report errors by longjmp, which must never cross a Swift frame. These functions catch it, turn
// it into a status and a message, and own nothing when they return. All of them may run on many threads at once.

enum {
  TESSERA_IMAGE_OK = 0,
  TESSERA_IMAGE_DAMAGED = 1,
  TESSERA_IMAGE_TRUNCATED = 2,
  TESSERA_IMAGE_UNSUPPORTED = 3,
  TESSERA_IMAGE_TOO_LARGE = 4
};

/// Bytes that every `message` argument must have room for.
enum { TESSERA_IMAGE_MESSAGE_SIZE = 256 };

/// Decodes a JPEG of `width` × `height` stored pixels at `scale`/8 of its size into packed RGB.
/// `memory_limit` bounds what libjpeg itself may allocate, `scan_limit` the scans of a progressive file.
int32_t tessera_jpeg_decode(
  const uint8_t *bytes, size_t count, uint32_t width, uint32_t height, int32_t scale, int32_t scan_limit,
  size_t memory_limit, uint8_t *pixels, size_t capacity, char *message);

/// Encodes packed RGB. `*output` is the caller's to hand to `tessera_image_free`.
int32_t tessera_jpeg_encode(
  const uint8_t *pixels, uint32_t width, uint32_t height, int32_t quality, uint8_t **output, size_t *count,
  char *message);

/// Decodes a PNG of `width` × `height` pixels into packed RGB, alpha over white.
/// `pixels` must hold 4 bytes a pixel; the first 3 × width × height are the result.
int32_t tessera_png_decode(
  const uint8_t *bytes, size_t count, uint32_t width, uint32_t height, size_t memory_limit, uint8_t *pixels,
  size_t capacity, char *message);

/// Encodes packed RGB with zlib's `level`. `*output` is the caller's to hand to `tessera_image_free`.
int32_t tessera_png_encode(
  const uint8_t *pixels, uint32_t width, uint32_t height, int32_t level, uint8_t **output, size_t *count,
  char *message);

void tessera_image_free(uint8_t *bytes);

#endif
