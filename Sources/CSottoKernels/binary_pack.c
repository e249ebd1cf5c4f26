// Sizes of packed matrices that do not depend on the layout of their bits.

#include "CSottoKernels.h"

size_t sotto_binary_scales_count(const struct sotto_kernels *kernels, size_t rows, size_t inputs, size_t group,
                                 size_t planes) {
  return (rows + kernels->tile_rows - 1) / kernels->tile_rows * ((inputs + group - 1) / group) * planes *
         kernels->tile_rows;
}
