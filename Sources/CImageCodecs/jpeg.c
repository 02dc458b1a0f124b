#include "CImageCodecs.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

// What both directions share: libjpeg's error manager and the place that it jumps back to.
struct escape {
  struct jpeg_error_mgr manager;
  jmp_buf target;
  int32_t status;
  char *message;
};

struct decoder {
  struct jpeg_decompress_struct info;
  struct escape escape;
  struct jpeg_progress_mgr progress;
  struct jpeg_source_mgr source;
  int32_t scan_limit;
  // True once nothing but the single scan of a sequential Huffman file is left to read: only then can a missing end
  // marker be told from missing data, because the entropy decoder warns as soon as it runs out of bits.
  int end_marker_is_optional;
  int has_ended;
};

static void leave(struct escape *escape, int32_t status, const char *message) {
  escape->status = status;
  if (message) snprintf(escape->message, TESSERA_IMAGE_MESSAGE_SIZE, "%s", message);
  longjmp(escape->target, 1);
}

static int32_t status_of(int code) {
  switch (code) {
    case JERR_OUT_OF_MEMORY:
    case JERR_NO_BACKING_STORE:
    case JERR_IMAGE_TOO_BIG:
    case JERR_WIDTH_OVERFLOW:
      return TESSERA_IMAGE_TOO_LARGE;
    case JERR_BAD_PRECISION:
    case JERR_SOF_UNSUPPORTED:
    case JERR_ARITH_NOTIMPL:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_CCIR601_NOTIMPL:
    case JERR_NOT_COMPILED:
      return TESSERA_IMAGE_UNSUPPORTED;
    default:
      return TESSERA_IMAGE_DAMAGED;
  }
}

static void exit_with_error(j_common_ptr common) {
  struct escape *escape = (struct escape *)common->err;
  char text[JMSG_LENGTH_MAX];
  common->err->format_message(common, text);
  leave(escape, status_of(common->err->msg_code), text);
}

// A warning about lost or unreadable coefficients means that what would be drawn is not the picture: an error here.
// Other warnings (stray bytes between segments, an odd JFIF version) do no harm.
static void note_message(j_common_ptr common, int level) {
  if (level >= 0) return;
  switch (common->err->msg_code) {
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_BOGUS_PROGRESSION:
    case JWRN_MUST_RESYNC:
      break;
    default:
      return;
  }
  struct escape *escape = (struct escape *)common->err;
  char text[JMSG_LENGTH_MAX];
  common->err->format_message(common, text);
  int has_ended = common->is_decompressor && ((struct decoder *)common)->has_ended;
  leave(escape, has_ended ? TESSERA_IMAGE_TRUNCATED : TESSERA_IMAGE_DAMAGED, text);
}

static void print_nothing(j_common_ptr common) { (void)common; }

static void prepare(struct escape *escape, char *message) {
  jpeg_std_error(&escape->manager);
  escape->manager.error_exit = exit_with_error;
  escape->manager.emit_message = note_message;
  escape->manager.output_message = print_nothing;
  escape->status = TESSERA_IMAGE_OK;
  escape->message = message;
  message[0] = 0;
}

static void start_source(j_decompress_ptr info) { (void)info; }

static boolean fill_at_end(j_decompress_ptr info) {
  static const JOCTET end_marker[2] = {0xFF, JPEG_EOI};
  struct decoder *decoder = (struct decoder *)info;
  if (!decoder->end_marker_is_optional) {
    leave(&decoder->escape, TESSERA_IMAGE_TRUNCATED, "the data ends before the end marker");
  }
  decoder->has_ended = 1;
  info->src->next_input_byte = end_marker;
  info->src->bytes_in_buffer = sizeof end_marker;
  return TRUE;
}

static void skip_bytes(j_decompress_ptr info, long count) {
  if (count <= 0) return;
  if ((size_t)count > info->src->bytes_in_buffer) {
    leave(&((struct decoder *)info)->escape, TESSERA_IMAGE_TRUNCATED, "the data ends within a segment");
  }
  info->src->next_input_byte += count;
  info->src->bytes_in_buffer -= (size_t)count;
}

static void stop_source(j_decompress_ptr info) { (void)info; }

static void check_scans(j_common_ptr common) {
  struct decoder *decoder = (struct decoder *)common;
  if (decoder->info.input_scan_number <= decoder->scan_limit) return;
  char text[96];
  snprintf(text, sizeof text, "more than %d scans", decoder->scan_limit);
  leave(&decoder->escape, TESSERA_IMAGE_TOO_LARGE, text);
}

static void attach_source(struct decoder *decoder, const uint8_t *bytes, size_t count) {
  decoder->source.next_input_byte = bytes;
  decoder->source.bytes_in_buffer = count;
  decoder->source.init_source = start_source;
  decoder->source.fill_input_buffer = fill_at_end;
  decoder->source.skip_input_data = skip_bytes;
  decoder->source.resync_to_restart = jpeg_resync_to_restart;
  decoder->source.term_source = stop_source;
  decoder->info.src = &decoder->source;
}

// (255 - c) × (255 - k) / 255 for ink amounts c and k, rounded.
static uint8_t without_ink(unsigned paper, unsigned key_paper) { return (uint8_t)((paper * key_paper + 127) / 255); }

// Adobe writes CMYK inverted (255 = no ink); a file without its marker holds ink amounts.
static void convert_cmyk(const uint8_t *row, uint8_t *pixels, uint32_t width, int is_inverted) {
  const unsigned flip = is_inverted ? 0 : 255;
  for (uint32_t x = 0; x < width; x++, row += 4, pixels += 3) {
    const unsigned key = row[3] ^ flip;
    for (int channel = 0; channel < 3; channel++) pixels[channel] = without_ink(row[channel] ^ flip, key);
  }
}

static void read_rows(struct decoder *decoder, uint8_t *pixels) {
  j_decompress_ptr info = &decoder->info;
  const size_t stride = (size_t)info->output_width * 3;
  JSAMPARRAY inks = NULL;
  if (info->out_color_space == JCS_CMYK) {
    inks = info->mem->alloc_sarray((j_common_ptr)info, JPOOL_IMAGE, info->output_width * 4, 1);
  }
  while (info->output_scanline < info->output_height) {
    uint8_t *row = pixels + info->output_scanline * stride;
    if (inks) {
      jpeg_read_scanlines(info, inks, 1);
      convert_cmyk(inks[0], row, info->output_width, info->saw_Adobe_marker);
    } else {
      jpeg_read_scanlines(info, &row, 1);
    }
  }
}

static void choose_color_space(struct decoder *decoder) {
  j_decompress_ptr info = &decoder->info;
  switch (info->jpeg_color_space) {
    case JCS_GRAYSCALE:
    case JCS_RGB:
    case JCS_YCbCr:
      info->out_color_space = JCS_RGB;
      break;
    case JCS_CMYK:
    case JCS_YCCK:
      info->out_color_space = JCS_CMYK;
      break;
    default:
      leave(&decoder->escape, TESSERA_IMAGE_UNSUPPORTED, "an unknown number of color components");
  }
}

// The frame that calls setjmp changes no variable of its own afterwards, so none can be lost by the jump.
static int32_t decode(
  struct decoder *decoder, uint32_t width, uint32_t height, int32_t scale, uint8_t *pixels, size_t capacity) {
  if (setjmp(decoder->escape.target)) return decoder->escape.status;
  j_decompress_ptr info = &decoder->info;
  jpeg_read_header(info, TRUE);
  if (info->image_width != width || info->image_height != height) {
    leave(&decoder->escape, TESSERA_IMAGE_DAMAGED, "two headers that differ in size");
  }
  choose_color_space(decoder);
  info->scale_num = (unsigned)scale;
  info->scale_denom = 8;
  jpeg_calc_output_dimensions(info);
  if ((size_t)info->output_width * info->output_height * 3 != capacity) {
    leave(&decoder->escape, TESSERA_IMAGE_DAMAGED, "an output size other than the header's");
  }
  jpeg_start_decompress(info);
  decoder->end_marker_is_optional = !jpeg_has_multiple_scans(info) && !info->arith_code;
  read_rows(decoder, pixels);
  return TESSERA_IMAGE_OK;
}

int32_t tessera_jpeg_decode(
  const uint8_t *bytes, size_t count, uint32_t width, uint32_t height, int32_t scale, int32_t scan_limit,
  size_t memory_limit, uint8_t *pixels, size_t capacity, char *message) {
  struct decoder decoder;
  memset(&decoder, 0, sizeof decoder);
  prepare(&decoder.escape, message);
  decoder.info.err = &decoder.escape.manager;
  if (setjmp(decoder.escape.target)) return TESSERA_IMAGE_TOO_LARGE;
  jpeg_create_decompress(&decoder.info);
  decoder.info.mem->max_memory_to_use = (long)memory_limit;
  attach_source(&decoder, bytes, count);
  decoder.scan_limit = scan_limit;
  decoder.progress.progress_monitor = check_scans;
  decoder.info.progress = &decoder.progress;
  const int32_t status = decode(&decoder, width, height, scale, pixels, capacity);
  jpeg_destroy_decompress(&decoder.info);
  return status;
}

struct encoder {
  struct jpeg_compress_struct info;
  struct escape escape;
  unsigned char *bytes;
  unsigned long count;
};

static int32_t encode(
  struct encoder *encoder, const uint8_t *pixels, uint32_t width, uint32_t height, int32_t quality) {
  if (setjmp(encoder->escape.target)) return encoder->escape.status;
  j_compress_ptr info = &encoder->info;
  jpeg_create_compress(info);
  jpeg_mem_dest(info, &encoder->bytes, &encoder->count);
  info->image_width = width;
  info->image_height = height;
  info->input_components = 3;
  info->in_color_space = JCS_RGB;
  jpeg_set_defaults(info);
  jpeg_set_quality(info, quality, TRUE);
  jpeg_start_compress(info, TRUE);
  while (info->next_scanline < height) {
    JSAMPROW row = (JSAMPROW)(pixels + (size_t)info->next_scanline * width * 3);
    jpeg_write_scanlines(info, &row, 1);
  }
  jpeg_finish_compress(info);
  return TESSERA_IMAGE_OK;
}

int32_t tessera_jpeg_encode(
  const uint8_t *pixels, uint32_t width, uint32_t height, int32_t quality, uint8_t **output, size_t *count,
  char *message) {
  struct encoder encoder;
  memset(&encoder, 0, sizeof encoder);
  prepare(&encoder.escape, message);
  encoder.info.err = &encoder.escape.manager;
  const int32_t status = encode(&encoder, pixels, width, height, quality);
  jpeg_destroy_compress(&encoder.info);
  if (status != TESSERA_IMAGE_OK) {
    free(encoder.bytes);
    return status;
  }
  *output = encoder.bytes;
  *count = encoder.count;
  return TESSERA_IMAGE_OK;
}

void tessera_image_free(uint8_t *bytes) { free(bytes); }
