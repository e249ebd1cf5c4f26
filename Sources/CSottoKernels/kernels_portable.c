// Every instruction set that Clang compiles for: vectors of four floats (SSE2, NEON), no look-up kernel.

#include "kernels.h"

#pragma clang fp contract(fast)
#define VL 4
#include "simd.inc"
#include "dense_product.inc"
#include "elementwise.inc"
#include "attention.inc"
#include "recurrent.inc"

static const uint8_t row_of_byte[SOTTO_TILE_ROWS] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                                     16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};

static void half_to_float(const uint16_t *x, size_t count, float *y) {
  for (size_t i = 0; i < count; i++) y[i] = sotto_half_to_float(x[i]);
}

static void binary_expand(const struct sotto_binary_matrix *matrix, size_t tile, size_t input, size_t depth,
                          float *panels) {
  const size_t planes = matrix->planes, group_blocks = matrix->group / SOTTO_BLOCK_INPUTS;
  const size_t blocks = (matrix->inputs + SOTTO_BLOCK_INPUTS - 1) / SOTTO_BLOCK_INPUTS;
  const size_t groups = (blocks + group_blocks - 1) / group_blocks;
  float scales[SOTTO_MAX_PLANES * SOTTO_TILE_ROWS];
  size_t scaled_group = SIZE_MAX;
  for (size_t k = 0; k < depth; k += SOTTO_BLOCK_INPUTS) {
    const size_t block = (input + k) / SOTTO_BLOCK_INPUTS;
    const uint8_t *bits = matrix->bits + ((tile * blocks + block) * planes) * SOTTO_TILE_ROWS;
    if (block / group_blocks != scaled_group) {
      scaled_group = block / group_blocks;
      half_to_float(matrix->scales + (tile * groups + scaled_group) * planes * SOTTO_TILE_ROWS,
                    planes * SOTTO_TILE_ROWS, scales);
    }
    for (size_t j = 0; j < SOTTO_BLOCK_INPUTS; j++)
      for (size_t r = 0; r < SOTTO_TILE_ROWS; r++) {
        float sum = 0;
        for (size_t p = 0; p < planes; p++) {
          const float scale = scales[p * SOTTO_TILE_ROWS + r];
          sum += (bits[p * SOTTO_TILE_ROWS + r] >> j) & 1 ? scale : -scale;
        }
        panels[(r / PANEL) * depth * PANEL + (k + j) * PANEL + r % PANEL] = sum;
      }
  }
}

static size_t lookup_table_bytes(size_t inputs) {
  (void)inputs;
  return 0;
}

const struct sotto_kernels sotto_kernels_portable = {
    .name = "portable",
    .panel_rows = PANEL,
    .row_of_byte = row_of_byte,
    .panel_product = panel_product,
    .binary_expand = binary_expand,
    .lookup_table_bytes = lookup_table_bytes,
    .attention_pack_keys = attention_pack_keys,
    .attention_pack_values = attention_pack_values,
    .attention = attention,
    .attention_indexed = attention_indexed,
    .layer_norm = layer_norm,
    .gelu = gelu,
    .add = add,
    .fill_rows = fill_rows,
    .log_sum_exp = log_sum_exp,
    .lstm_cell = lstm_cell,
    .dot = dot,
    .half_to_float = half_to_float,
};
