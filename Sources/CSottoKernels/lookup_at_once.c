// Small products by look-up, from columns to results in one call, with the tables on the stack: for 384 x 384 the allocation of
// tables and the calls around them took as long as two planes.

#include "kernels.h"

enum { MOST_TABLE_BYTES = 1 << 15 };

int sotto_lookup_at_once(const struct sotto_kernels *kernels, const struct sotto_binary_matrix *matrices, size_t segments,
                         int precision, const float *x, size_t ld_x, size_t columns, float *y, size_t ld_y) {
  _Alignas(64) uint8_t tables[MOST_TABLE_BYTES];
  const size_t inputs = matrices->inputs;
  const size_t stride = (kernels->lookup_table_bytes(inputs, precision) + 63) & ~(size_t)63;
  if (stride == 0 || columns > MOST_TABLE_BYTES / stride) return 0;
  for (size_t c = 0; c < columns; c++) kernels->lookup_build(x + c * ld_x, inputs, precision, tables + c * stride);
  const struct sotto_columns prepared = {
      .x = x, .ld = ld_x, .count = columns, .prepared = tables, .prepared_stride = stride};
  for (size_t s = 0; s < segments; y += matrices[s].rows, s++) {
    const size_t tiles = (matrices[s].rows + kernels->tile_rows - 1) / kernels->tile_rows;
    kernels->lookup_product(&matrices[s], precision, 0, tiles, &prepared, y, ld_y);
  }
  return 1;
}
