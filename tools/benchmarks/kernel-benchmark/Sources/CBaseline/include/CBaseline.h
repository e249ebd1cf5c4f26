// Products of 8-bit weights to measure against: a straightforward packed one for the instruction set at hand, and that
// of oneDNN. Columns are float, and quantized as part of the product; results are float.
#ifndef CBASELINE_H
#define CBASELINE_H

#include <stddef.h>
#include <stdint.h>

// "avx2" (vpmaddubsw, columns of 7 bits so that nothing saturates), "avx512vnni" (vpdpbusd), or "none".
const char *baseline_name(void);
// `inputs` must be a multiple of 4. Weights are [rows][inputs] with one scale a row.
size_t baseline_packed_bytes(size_t rows, size_t inputs);
void baseline_pack(const int8_t *weights, size_t rows, size_t inputs, uint8_t *packed);
size_t baseline_scratch_bytes(size_t inputs, size_t columns);
void baseline_product(const uint8_t *packed, const float *scales, size_t rows, size_t inputs, const float *x,
                      size_t columns, uint8_t *scratch, float *y);

// The same by oneDNN's dnnl_gemm_u8s8s32, with columns of 7 bits where there is no VNNI. `scratch` holds columns * (inputs + 4 * rows) bytes.
void onednn_product(const int8_t *weights, const float *scales, size_t rows, size_t inputs, const float *x,
                    size_t columns, uint8_t *scratch, float *y);

#endif
