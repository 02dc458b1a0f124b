#ifndef TESSERA_CVECTORKERNELS_H
#define TESSERA_CVECTORKERNELS_H

#include <stddef.h>
#include <stdint.h>

// Loops that neither BLAS nor oneDNN has and that must be compiled per instruction set.
// Every function here has a plain Swift reference in the tests.
// Sums run over sixteen lanes in a fixed order, so a result depends on the operands alone, never on their neighbors.

// MARK: Rows (rows.c)

/// Sum over i of (a[i] - b[i])^2.
float tessera_squared_distance(const float *a, const float *b, size_t count);

/// Sum over i of a[i]^2.
float tessera_squared_norm(const float *a, size_t count);

/// row[i] -= other[i]; returns the squared norm of the result.
float tessera_subtract(float *row, const float *other, size_t count);

/// sum[i] += weight * row[i], in double precision.
void tessera_accumulate(double *sum, const float *row, double weight, size_t count);

/// 1 when no element is a NaN or an infinity, else 0.
int tessera_all_finite(const float *a, size_t count);

// MARK: Memory (memory.c)

/// Whether the C library keeps memory that is freed, of any size, for the next allocation. Where it shall no longer, what
/// it kept goes back to the system. Does nothing with another library than glibc.
void tessera_keep_freed_memory(int keeps);

// MARK: Images (depthwise.c, resample.c)

/// One output row of a depthwise convolution, channels last, with bias, cut to 0...6 (MobileNet's ReLU6).
/// `rows`: the `kernel` input rows under the window, each `width * channels`; null for a row of padding, above the
/// others or below them. `padding`: columns of zeros to the left; to the right there are as many as the window needs.
/// `weights`: [kernel][kernel][channels]. `bias`, `zeros`: [channels]. `output`: [output_width][channels].
/// Kernels are 3 or 5, strides 1 or 2, and channels a multiple of 16: returns 0 and does nothing otherwise.
/// A sum runs over the window's rows and then its columns, padding left out, wherever in the row its column lies.
int tessera_depthwise_row(const float *const *rows, size_t width, size_t channels, size_t kernel, size_t stride,
                          size_t padding, const float *weights, const float *bias, const float *zeros, float *output,
                          size_t output_width);

/// Resamples one line of `width` RGB pixels to `output_width`, as Pillow does: output x is the sum over t < taps of
/// weights[x * taps + t] * pixel[starts[x] + t], in 22-bit fixed point, rounded and cut to a byte.
/// starts[x] + taps is at most `width`, and `scratch` has room for 4 * width integers.
void tessera_resample_line(const uint8_t *line, size_t width, const int32_t *weights, const int32_t *starts,
                           size_t taps, uint8_t *output, size_t output_width, int32_t *scratch);

/// The weighted sum of `taps` lines of `count` bytes, `stride` bytes apart, rounded likewise.
void tessera_resample_rows(const uint8_t *first, size_t stride, const int32_t *weights, size_t taps, uint8_t *output,
                           size_t count);

// MARK: Scores of one row, from single-precision products (scores.c)

/// Overwrites products with scores, scores[i] = offsets[i] - 2 * scores[i], and returns the lowest.
float tessera_scores(float *scores, const float *offsets, size_t count);

/// The lowest of `count` values; infinity for none.
float tessera_minimum(const float *values, size_t count);

/// The first index in start..<count whose value is at most `threshold`, or `count`.
size_t tessera_first_at_most(const float *values, size_t start, size_t count, float threshold);

// MARK: Scores of a panel of rows, from 8-bit products (int8_scores.c)

/// Rows of a panel, and centroids of a tile.
enum { TESSERA_PANEL_ROWS = 64, TESSERA_TILE_CENTROIDS = 6 };

/// 1 when this processor multiplies bytes four at a time (AVX-512 VNNI); the three functions below need it.
int tessera_has_int8_products(void);

/// Rounds up to 64 rows of `dimensions` floats to bytes: q = round(r / scale) + 128 with scale = max|r| / 127.
/// `packed`: [groups of four dimensions][64 rows][4], padded with zeros (128).
/// `facts`: three times 64 floats: scales, norms of the rounded rows, norms of what rounding took away.
void tessera_pack_panel(const float *rows, size_t count, size_t dimensions, uint8_t *packed, float *facts);

/// Rounds one tile of up to six centroids likewise, to signed bytes.
/// `packed`: [groups][6][4]. `corrections`: -128 times the sum of a centroid's bytes. `facts`: as for a panel, times 6.
void tessera_pack_tile(const float *centroids, size_t count, size_t dimensions, int8_t *packed, int32_t *corrections,
                       float *facts);

/// Centroids in tiles, `tiles * 6` of them; those beyond the last real one have an infinite offset.
typedef struct {
  size_t tiles;
  size_t groups;
  const int8_t *packed;
  const int32_t *corrections;
  /// -2 times the centroid's scale.
  const float *factors;
  /// What is added to the product: ‖c‖² and the price.
  const float *offsets;
} tessera_int8_centroids;

/// scores[k][row] = offsets[k] + factors[k] * scale[row] * product, and each row's lowest score and its first index.
/// `first` is added to the indices, and `lowest` and `index` carry on from the centroids before: start them with
/// infinity and zero.
void tessera_panel_scores(const uint8_t *packed, const float *scales, const tessera_int8_centroids *centroids,
                          uint32_t first, float *scores, float *lowest, uint32_t *index);

/// For each of the first `count` rows, the centroids whose score is at most thresholds[row] are measured in single
/// precision, ‖r − c‖² + price; `distances` and `codes` are replaced where one is lower, or equal with a lower index.
/// `prices` may be null. `first` is the index of the first centroid, whose row is at `centroids`.
void tessera_decide(const float *scores, const float *thresholds, const float *rows, size_t count,
                    const float *centroids, const float *prices, size_t centroid_count, size_t dimensions,
                    uint32_t first, float *distances, uint32_t *codes);

/// Each row's lowest score among centroids other than index[row]; carries on from `second`.
void tessera_second_scores(const float *scores, size_t centroid_count, uint32_t first, const uint32_t *index,
                           float *second);

// MARK: Products with packed weights (packed_product.c)

/// Columns of one packed panel.
enum { TESSERA_PACKED_COLUMNS = 48 };

/// What is done to each element of a product.
enum {
  TESSERA_IDENTITY,
  TESSERA_GELU,
  TESSERA_QUICK_GELU,
  TESSERA_RELU,
  TESSERA_RELU6,
  TESSERA_TANH,
  TESSERA_SILU,
  TESSERA_SIGMOID
};

/// 1 when this processor has registers of sixteen floats; without them, oneDNN is faster than the loops below.
int tessera_has_wide_lanes(void);

/// Floats of a packed k x n factor.
size_t tessera_packed_count(size_t k, size_t n);

/// Packs b[p * row_stride + j * column_stride], p < k, j < n, into panels of up to 48 columns, each [k][width] with a
/// width of whole sixteens, the last one padded with zeros. Panels of any kind are read fastest from the start of a line
/// of the cache on.
void tessera_pack_right(const float *b, size_t k, size_t n, size_t row_stride, size_t column_stride, float *packed);

/// c[i * c_stride + j] = activation(sum over p of a[i * a_stride + p] * b[p][j], plus bias[j]). `bias` may be null.
void tessera_packed_product(const float *a, size_t m, size_t k, size_t a_stride, const float *packed, size_t n,
                            const float *bias, int activation, float *c, size_t c_stride);

/// Floats of scratch memory for the function below.
size_t tessera_transposed_scratch(size_t k, size_t m);

/// c[i * c_stride + j] += sum over p < k of a[p * a_stride + i] * b[p][j], i < m.
void tessera_add_transposed(const float *a, size_t k, size_t m, size_t a_stride, const float *packed, size_t n, float *c,
                            size_t c_stride, float *scratch);

// MARK: Products in half precision (half_product.c)

/// Columns of one packed panel of halves.
enum { TESSERA_HALF_COLUMNS = 64 };

/// 1 when this processor multiplies halves 32 at a time (AVX-512 FP16); the functions below trap without it.
///
/// Factors are scaled by powers of two before they are rounded, so that the largest is from 8 to 16: nothing overflows,
/// and what is lost below is at most 2^-28 of the largest. The result is scaled back, which is exact.
int tessera_has_half_products(void);

/// The power of two by which rows of `count` numbers are scaled.
float tessera_half_scale(const float *a, size_t rows, size_t count, size_t stride);

/// Halves of a packed k x n factor.
size_t tessera_half_count(size_t k, size_t n);

/// Words of scratch memory for a product of m rows.
size_t tessera_half_scratch(size_t m, size_t k);

/// As tessera_pack_right, times `scale`, rounded to halves, in panels of up to 64 columns, the last one padded to a
/// multiple of 32.
void tessera_pack_half(const float *b, size_t k, size_t n, size_t row_stride, size_t column_stride, float scale,
                       uint16_t *packed);

/// As tessera_packed_product with both factors rounded to halves, each row of the left one at a scale of its own: 64
/// products at a time are summed in half precision, their sums in single precision. `scale` is what the right factor was
/// packed with. `scratch` holds tessera_half_scratch(m, k) words.
void tessera_half_product(const float *a, size_t m, size_t k, size_t a_stride, const uint16_t *packed, size_t n, float scale,
                          const float *bias, int activation, float *c, size_t c_stride, uint32_t *scratch);

/// Words of scratch memory for the function below.
size_t tessera_half_transposed_scratch(size_t k, size_t m);

/// c[i * c_stride + j] += sum over p < k of a[p * a_stride + i] * b[p][j], i < m, with both factors rounded to halves, as
/// above but for one scale of all of `a`.
void tessera_add_half_transposed(const float *a, size_t k, size_t m, size_t a_stride, const uint16_t *packed, size_t n,
                                 float scale, float *c, size_t c_stride, uint32_t *scratch);

// MARK: Products in bfloat16 (brain_product.c)

/// Columns of one packed panel of bfloat16 numbers.
enum { TESSERA_BRAIN_COLUMNS = 32 };

/// 1 when this processor multiplies pairs of bfloat16 numbers (AVX-512 BF16); the two products below trap without it.
int tessera_has_brain_products(void);

/// Words, a pair each, of a packed k x n factor.
size_t tessera_brain_count(size_t k, size_t n);

/// Words of scratch memory for a product of m rows.
size_t tessera_brain_scratch(size_t m, size_t k);

/// As tessera_pack_right, rounded to bfloat16, in panels of up to 32 columns, the last one padded to a multiple of 16.
/// A word holds two numbers of a column, one below the other.
void tessera_pack_brain(const float *b, size_t k, size_t n, size_t row_stride, size_t column_stride, uint32_t *packed);

/// As tessera_packed_product with both factors rounded to bfloat16 and sums in single precision. `scratch` holds
/// tessera_brain_scratch(m, k) words. Numbers below 2^-126 count as zeros, as the instruction has it.
void tessera_brain_product(const float *a, size_t m, size_t k, const uint32_t *packed, size_t n, const float *bias,
                           int activation, float *c, size_t c_stride, uint32_t *scratch);

// MARK: Layers (layers.c)

/// row += residual, which may be null; output = (row, less its mean, over its deviation) * scale + shift. `output` may be
/// `row`.
void tessera_layer_norm(float *row, const float *residual, const float *scale, const float *shift, float epsilon,
                        float *output, size_t count);

/// row[i] = exp(scale * row[i]) over the sum of them.
void tessera_softmax(float *row, size_t count, float scale);

// MARK: Attention and choices (attention.c)

/// The softmax of `rows` rows of scores, `stride` apart, times `scale`: of the first `visible` scores of the first row,
/// `growth` more in each that follows. What is behind them becomes zeros. `stride` is a multiple of 16, and all of it may
/// be written to.
void tessera_attention_weights(float *scores, size_t rows, size_t stride, size_t visible, size_t growth, float scale);

/// y[i] = the inner product of `x` with row rows[i] of a table of `width` columns, plus offsets[rows[i]].
void tessera_chosen_products(const float *x, size_t width, const float *table, const float *offsets,
                             const uint16_t *rows, size_t count, float *y);

// MARK: Attention to few keys (short_attention.c)

enum { TESSERA_SHORT_ATTENTION_KEYS = 64 };

/// Some queries and the keys and values that they see, from the first row of each on. Head h of a row begins at
/// h * head_width, a multiple of 16.
typedef struct {
  const float *queries, *keys, *values;
  /// From a row to the next.
  size_t query_stride, key_stride, value_stride;
  size_t query_count, heads, head_width;
  /// For each query, how many keys it sees, counted from the first: 1 to TESSERA_SHORT_ATTENTION_KEYS.
  const int32_t *visible;
  /// What scores are multiplied by.
  float scale;
} tessera_attention;

/// Where their gradients go: those of queries are written, those of keys and values added.
typedef struct {
  float *queries, *keys, *values;
  size_t query_stride, key_stride, value_stride;
} tessera_attention_gradients;

/// output[i] = for each head, the mean of the values by the softmax of the query's products with the keys.
void tessera_short_attention(const tessera_attention *attention, float *output, size_t output_stride);

/// The gradients for `outer`, that of the output.
void tessera_short_attention_gradients(const tessera_attention *attention, const float *outer, size_t outer_stride,
                                       const tessera_attention_gradients *gradients);

// MARK: Training (training.c)

/// y[i] = activation(x[i]); `x` and `y` may be the same.
void tessera_activate(const float *x, float *y, size_t count, int activation);

/// dx[i] = dy[i] * activation'(x[i]); `dy` and `dx` may be the same.
void tessera_activation_gradient(const float *x, const float *dy, float *dx, size_t count, int activation);

/// y[i] = silu(gate[i]) * value[i].
void tessera_gated(const float *gate, const float *value, float *y, size_t count);

/// The two gradients of that for the gradient `dy` of y.
void tessera_gated_gradient(const float *gate, const float *value, const float *dy, float *dgate, float *dvalue,
                            size_t count);

/// y[i] = a[i] + factor * b[i].
void tessera_sum(const float *a, const float *b, float factor, float *y, size_t count);

/// y[i] += factor * x[i].
void tessera_add_scaled(float *y, const float *x, float factor, size_t count);

/// y[i] *= x[i].
void tessera_multiply(float *y, const float *x, size_t count);

/// Sum over i of a[i] * b[i].
float tessera_dot(const float *a, const float *b, size_t count);

/// y[i] = x[i] / (1 - rate) or 0, with probability `rate`: a hash of (seed, first + i) decides, so that the same call
/// drops the same elements. `x` and `y` may be the same; where `adds`, it is added to y[i].
void tessera_dropout(const float *x, float *y, size_t count, uint64_t seed, uint64_t first, float rate, int adds);

/// One row's part of a layer normalization's gradients: dx = its gradient; dscale += dy * normalized; dshift += dy.
/// With `centers` 0 the row is divided by its root mean square only (Zhang and Sennrich, 2019), and `dshift` may be null.
void tessera_norm_gradient(const float *x, const float *dy, const float *scale, float epsilon, int centers, float *dx,
                           float *dscale, float *dshift, size_t count);

/// y = x / sqrt(mean(x^2) + epsilon) * scale.
void tessera_rms_norm(const float *x, float *y, const float *scale, float epsilon, size_t count);

/// scores := p * (dp - sum(p * dp)) * scale, for the probabilities p in `scores`: the gradient of a softmax's inputs.
void tessera_softmax_gradient(float *scores, const float *dp, size_t count, float scale);

/// log(sum(exp(row[i]))).
float tessera_log_sum_exp(const float *row, size_t count);

/// row[i] = exp(row[i] - shift) * factor; 0 where row[i] - shift is below -60.
void tessera_exponentials(float *row, size_t count, float shift, float factor);

/// One step of AdamW (Loshchilov and Hutter, 2019, algorithm 2) with `gradient` multiplied by `factor` before:
/// m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2, w = w - decay * w - rate * m / (sqrt(v) * correction + epsilon).
typedef struct {
  float factor, b1, b2, rate, correction, epsilon, decay;
} tessera_adamw_step;
void tessera_adamw(float *weights, const float *gradient, float *m, float *v, size_t count,
                   const tessera_adamw_step *step);

#endif
