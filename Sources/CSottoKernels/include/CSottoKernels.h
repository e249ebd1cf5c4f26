// The hot loops of sotto, in C: one table of functions for each instruction set, chosen once at run time.
//
// Conventions: matrices are row-major, `ld` is the distance between rows in elements. A "column" of a product is one
// input vector, as in the BiQGEMM paper (arXiv 2005.09904); columns are the rows of the activation matrices.
// Nothing here allocates, keeps state or reports errors: the Swift side checks sizes before it calls.
#ifndef CSOTTO_KERNELS_H
#define CSOTTO_KERNELS_H

#include <stddef.h>
#include <stdint.h>

// Most planes of a binary-coded matrix.
#define SOTTO_MAX_PLANES 8
// Most rows of a tile of a packed matrix, on any instruction set.
#define SOTTO_MOST_TILE_ROWS 64
// Inputs whose bits are one byte of a stored plane; groups are a multiple of it.
#define SOTTO_BYTE_INPUTS 8

// How exactly a product with a binary-coded matrix is computed.
//
//   fast      tables of 8 bits and, for many columns, 8-bit integers where they are faster: relative error (of the
//             norm, Gaussian inputs) at most 1.2e-2
//   accurate  tables of 14 bits, 16-bit integers or floats: at most 5e-4
enum { SOTTO_FAST = 0, SOTTO_ACCURATE = 1 };

// A binary-coded matrix, packed for an instruction set by its `binary_pack`: W[r][k] = sum_p scale[r][k / group][p] *
// (bit[p][r][k] ? 1 : -1). Rows are padded to a multiple of `tile_rows` with zero scales; `group` is a multiple of
// `group_step`. The layout of `bits` is drawn where it is packed (binary_pack.inc, binary_pack_vbmi.inc).
//
//   scales: [tile][group][plane][rows of a tile]   float16, rows in order
struct sotto_binary_matrix {
  size_t rows;
  size_t inputs;
  size_t group;
  size_t planes;
  const uint8_t *bits;
  const uint16_t *scales;
};

// The input vectors of a product.
struct sotto_columns {
  const float *x;
  size_t ld;
  size_t count;
  // What `lookup_build` or `wide_prepare` made of each column, `prepared_stride` bytes apart.
  const uint8_t *prepared;
  size_t prepared_stride;
};

struct sotto_kernels {
  const char *name;
  // Rows that one panel of a dense product holds: panels are [depth][panel_rows].
  size_t panel_rows;
  // y[c][r] = (accumulate ? y[c][r] : 0) + sum_k x[c][k] * panel[k][r], for r < rows <= panel_rows.
  // `ld_panel` is the distance between the panel's rows.
  void (*panel_product)(const float *x, size_t ld_x, size_t columns, const float *panel, size_t ld_panel,
                        size_t depth, float *y, size_t ld_y, size_t rows, int accumulate);

  // Rows of a tile of a packed matrix, and what a group of its scales must be a multiple of.
  size_t tile_rows;
  size_t group_step;
  size_t (*binary_bits_bytes)(size_t rows, size_t inputs, size_t planes);
  // Packs stored planes [planes][rows][ceil(inputs / 8)] with their scales [rows][groups][planes].
  void (*binary_pack)(const uint8_t *planes_bits, const float *row_scales, size_t rows, size_t inputs, size_t group,
                      size_t planes, uint8_t *bits, uint16_t *scales);
  // y[k] = W[row][k], exactly but for the rounding of sums.
  void (*binary_row)(const struct sotto_binary_matrix *matrix, size_t row, float *y);

  // Few columns: tables of the 16 signed sums of every 4 inputs. Bytes of one column's tables; 0 where the instruction
  // set has no look-up.
  size_t (*lookup_table_bytes)(size_t inputs, int precision);
  void (*lookup_build)(const float *x, size_t inputs, int precision, uint8_t *table);
  // y[c][r] = W[r] . x[c] for the rows of tiles [tile, tile_end), from the columns' tables of the same precision.
  void (*lookup_product)(const struct sotto_binary_matrix *matrix, int precision, size_t tile, size_t tile_end,
                         const struct sotto_columns *columns, float *y, size_t ld_y);
  // Up to this many columns look-up is faster than expansion, by planes - 1 and precision.
  const uint16_t (*most_lookup_columns)[2];

  // Many columns: tiles are expanded one after another, each once for all columns. Bytes that a prepared column takes
  // (0: columns are used as they are), and bytes of scratch that a product needs. Matrices of more than
  // `most_fast_planes` planes must be multiplied accurately: the roundings of their scales to 8 bits would add up.
  size_t most_fast_planes;
  size_t (*wide_column_bytes)(size_t inputs, int precision);
  void (*wide_prepare)(const float *x, size_t inputs, int precision, uint8_t *prepared);
  size_t (*wide_scratch_bytes)(size_t inputs, int precision);
  void (*wide_product)(const struct sotto_binary_matrix *matrix, int precision, size_t tile, size_t tile_end,
                       const struct sotto_columns *columns, uint8_t *scratch, float *y, size_t ld_y);

  // Packs keys [count][ld] of one head into panels of keys, [ceil(count / panel_rows)][dim][panel_rows], tail zero.
  void (*attention_pack_keys)(const float *keys, size_t ld, size_t count, size_t dim, float *packed);
  // Packs values [count][ld] of one head into panels of dimensions, [ceil(dim / panel_rows)][count][panel_rows].
  void (*attention_pack_values)(const float *values, size_t ld, size_t count, size_t dim, float *packed);
  // out[i] = softmax(scale * q[i] . K + bias) V for `queries` rows of one head (Vaswani et al. 2017, equation 1).
  // `bias` is [count] or null. `weights` is scratch of at least [queries][ld_weights >= count padded to panel_rows]
  // and holds the normalised attention weights afterwards.
  void (*attention)(const float *q, size_t ld_q, size_t queries, const float *packed_keys,
                    const float *packed_values, size_t count, size_t dim, float scale, const float *bias,
                    float *weights, size_t ld_weights, float *out, size_t ld_out);
  // The same for one query and all heads over keys and values that lie in rows `index[0..<count]` of [.][heads * dim];
  // `weights` is scratch of [count].
  void (*attention_indexed)(const float *q, const float *keys, const float *values, size_t ld, const int32_t *index,
                            size_t count, size_t heads, size_t dim, float scale, float *weights, float *out);

  // y[c] = (x[c] - mean) / sqrt(variance + 1e-5) * gain + bias for each of `columns` vectors of `width`.
  void (*layer_norm)(const float *x, size_t columns, size_t width, const float *gain, const float *bias, float *y);
  // x = x / 2 (1 + erf(x / sqrt 2)), the exact form (Hendrycks and Gimpel 2016), within 2e-7 of the value's scale.
  void (*gelu)(float *x, size_t count);
  void (*add)(float *y, const float *x, size_t count);
  void (*fill_rows)(float *y, size_t columns, size_t width, size_t ld_y, const float *row);
  // log sum exp of x, and its largest element.
  float (*log_sum_exp)(const float *x, size_t count, float *largest);
  // One step of an LSTM of `width` cells. The gates before their activations are the sums of two vectors of [4 * width]:
  // input, forget, cell, output, as in PyTorch. Replaces `cell` and `hidden` [width].
  void (*lstm_cell)(const float *from_input, const float *from_hidden, size_t width, float *cell, float *hidden);
  float (*dot)(const float *a, const float *b, size_t count);
  void (*half_to_float)(const uint16_t *x, size_t count, float *y);
};

// The functions for the best instruction set of this processor, or for the one that the environment variable SOTTO_ISA
// names (`sotto_kernel_names`) if the processor has it.
const struct sotto_kernels *sotto_kernels_default(void);
// The functions for a named instruction set; null where this processor lacks it.
const struct sotto_kernels *sotto_kernels_named(const char *name);
// The names that this build knows, best first; null after the last.
const char *const *sotto_kernel_names(void);

// Elements of `scales` that a packed matrix takes.
size_t sotto_binary_scales_count(const struct sotto_kernels *kernels, size_t rows, size_t inputs, size_t group,
                                 size_t planes);

// The paper's form of the product, the reference for all others: tables of 256 floats for every 8 inputs, keys read
// straight from stored planes. y[c][r] = W[r] . x[c]. `table` is scratch of [ceil(inputs / 8)][256] floats.
void sotto_binary_product_reference(const uint8_t *planes_bits, const float *row_scales, size_t rows,
                                    size_t inputs, size_t group, size_t planes, const float *x, size_t ld_x,
                                    size_t columns, float *table, float *y, size_t ld_y);

// y[c] = W x[c] by look-up for the rows of `segments` matrices after one another, which share their inputs and were packed for
// `kernels`. Returns 0, and does nothing, where the columns' tables are more than fits on the stack, or there is no look-up.
int sotto_lookup_at_once(const struct sotto_kernels *kernels, const struct sotto_binary_matrix *matrices, size_t segments,
                         int precision, const float *x, size_t ld_x, size_t columns, float *y, size_t ld_y);

// Tells the processor that this thread waits in a loop.
static inline void sotto_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

float sotto_half_to_float(uint16_t half);
uint16_t sotto_float_to_half(float value);

#endif
