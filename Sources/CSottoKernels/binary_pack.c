// From the planes as they are stored to the packed layout of an instruction set (drawn at `sotto_binary_matrix`).

#include "CSottoKernels.h"

static size_t tiles_of(size_t rows) { return (rows + SOTTO_TILE_ROWS - 1) / SOTTO_TILE_ROWS; }
static size_t blocks_of(size_t inputs) { return (inputs + SOTTO_BLOCK_INPUTS - 1) / SOTTO_BLOCK_INPUTS; }
static size_t groups_of(size_t inputs, size_t group) { return (inputs + group - 1) / group; }

size_t sotto_binary_bits_bytes(size_t rows, size_t inputs, size_t planes) {
  return tiles_of(rows) * blocks_of(inputs) * planes * SOTTO_TILE_ROWS;
}

size_t sotto_binary_scales_count(size_t rows, size_t inputs, size_t group, size_t planes) {
  return tiles_of(rows) * groups_of(inputs, group) * planes * SOTTO_TILE_ROWS;
}

void sotto_binary_pack(const struct sotto_kernels *kernels, const uint8_t *planes_bits, const float *row_scales,
                       size_t rows, size_t inputs, size_t group, size_t planes, uint8_t *bits, uint16_t *scales) {
  const size_t blocks = blocks_of(inputs), groups = groups_of(inputs, group);
  for (size_t tile = 0; tile < tiles_of(rows); tile++) {
    uint8_t *tile_bits = bits + tile * blocks * planes * SOTTO_TILE_ROWS;
    uint16_t *tile_scales = scales + tile * groups * planes * SOTTO_TILE_ROWS;
    for (size_t byte = 0; byte < SOTTO_TILE_ROWS; byte++) {
      const size_t row = tile * SOTTO_TILE_ROWS + kernels->row_of_byte[byte];
      for (size_t plane = 0; plane < planes; plane++) {
        const uint8_t *source = planes_bits + (plane * rows + row) * blocks;
        uint8_t *target = tile_bits + plane * SOTTO_TILE_ROWS + byte;
        for (size_t block = 0; block < blocks; block++)
          target[block * planes * SOTTO_TILE_ROWS] = row < rows ? source[block] : 0;
      }
    }
    for (size_t lane = 0; lane < SOTTO_TILE_ROWS; lane++) {
      const size_t row = tile * SOTTO_TILE_ROWS + lane;
      for (size_t g = 0; g < groups; g++)
        for (size_t plane = 0; plane < planes; plane++)
          tile_scales[(g * planes + plane) * SOTTO_TILE_ROWS + lane] =
              row < rows ? sotto_float_to_half(row_scales[(row * groups + g) * planes + plane]) : 0;
    }
  }
}
