// BiQGEMM as in the paper (arXiv 2005.09904, section 3): the inputs are cut into vectors of mu = 8, all 2^8 signed sums
// of each are tabulated once by dynamic programming, and each byte of a plane is a key into its table.

#include "CSottoKernels.h"

enum { mu = 8, entries = 1 << mu };

// table[key] = sum_j (bit j of key ? 1 : -1) * x[j]. Setting the highest bit of a key adds twice that input.
static void build_table(const float *x, size_t count, float *table) {
  float all_negative = 0;
  for (size_t j = 0; j < count; j++) all_negative -= x[j];
  table[0] = all_negative;
  for (size_t j = 0; j < mu; j++) {
    const float step = j < count ? 2 * x[j] : 0;
    for (size_t key = 0; key < ((size_t)1 << j); key++) table[((size_t)1 << j) + key] = table[key] + step;
  }
}

void sotto_binary_product_reference(const uint8_t *planes_bits, const float *row_scales, size_t rows,
                                    size_t inputs, size_t group, size_t planes, const float *x, size_t ld_x,
                                    size_t columns, float *table, float *y, size_t ld_y) {
  const size_t blocks = (inputs + mu - 1) / mu, groups = (inputs + group - 1) / group, group_blocks = group / mu;
  for (size_t c = 0; c < columns; c++) {
    for (size_t block = 0; block < blocks; block++) {
      const size_t first = block * mu, count = inputs - first < mu ? inputs - first : mu;
      build_table(x + c * ld_x + first, count, table + block * entries);
    }
    for (size_t row = 0; row < rows; row++) {
      float sum = 0;
      for (size_t g = 0; g < groups; g++) {
        const size_t begin = g * group_blocks, end = begin + group_blocks < blocks ? begin + group_blocks : blocks;
        for (size_t plane = 0; plane < planes; plane++) {
          const uint8_t *keys = planes_bits + (plane * rows + row) * blocks;
          float partial = 0;
          for (size_t block = begin; block < end; block++) partial += table[block * entries + keys[block]];
          sum += row_scales[(row * groups + g) * planes + plane] * partial;
        }
      }
      y[c * ld_y + row] = sum;
    }
  }
}
