#include "CBaseline.h"

#include <math.h>
#include <oneapi/dnnl/dnnl.h>
#include <stdlib.h>
#include <string.h>

#include "int8.h"

#if defined(__x86_64__)
__attribute__((target("avx2,fma")))
#endif
float quantize(const float *x, size_t count, uint8_t *target, int offset, int most) {
  typedef float v8 __attribute__((vector_size(32), aligned(4)));
  typedef int32_t i8 __attribute__((vector_size(32)));
  float top = 0;
  v8 tops = {0};
  size_t k = 0;
  for (; k + 8 <= count; k += 8) {
    const v8 v = *(const v8 *)(x + k);
    const v8 a = (v8)((i8)v & 0x7FFFFFFF);
    const i8 greater = a > tops;
    tops = (v8)(((i8)a & greater) | ((i8)tops & ~greater));
  }
  for (int i = 0; i < 8; i++) top = tops[i] > top ? tops[i] : top;
  for (; k < count; k++) top = fabsf(x[k]) > top ? fabsf(x[k]) : top;
  const float scale = top > 0 ? top / (float)most : 1, steps = 1 / scale;
  for (k = 0; k < count; k++) {
    // Adding 1.5 * 2^23 rounds.
    const float shifted = x[k] * steps + 12582912.0f;
    int32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    target[k] = (uint8_t)(bits + offset);
  }
  return scale;
}

// Of the set that SOTTO_ISA names, so that a set is compared with what is written for it; else the best that there is.
static const struct int8_kernels *kernels(void) {
#if defined(__x86_64__)
  const char *forced = getenv("SOTTO_ISA");
  const int is_avx2 = forced && strcmp(forced, "avx2") == 0, is_avxvnni = forced && strcmp(forced, "avxvnni") == 0;
  __builtin_cpu_init();
  if (!is_avx2 && !is_avxvnni && __builtin_cpu_supports("avx512vnni")) return &int8_avx512vnni;
  if (!is_avx2 && __builtin_cpu_supports("avxvnni")) return &int8_avxvnni;
  if (__builtin_cpu_supports("avx2")) return &int8_avx2;
#endif
  return NULL;
}

const char *baseline_name(void) { return kernels() ? kernels()->name : "none"; }

size_t baseline_packed_bytes(size_t rows, size_t inputs) {
  return kernels() ? kernels()->packed_bytes(rows, inputs) : 0;
}

void baseline_pack(const int8_t *weights, size_t rows, size_t inputs, uint8_t *packed) {
  if (kernels()) kernels()->pack(weights, rows, inputs, packed);
}

size_t baseline_scratch_bytes(size_t inputs, size_t columns) { return columns * (inputs + sizeof(float)); }

void baseline_product(const uint8_t *packed, const float *scales, size_t rows, size_t inputs, const float *x,
                      size_t columns, uint8_t *scratch, float *y) {
  if (kernels()) kernels()->product(packed, scales, rows, inputs, x, columns, scratch, y);
}

void onednn_product(const int8_t *weights, const float *scales, size_t rows, size_t inputs, const float *x,
                    size_t columns, uint8_t *scratch, float *y) {
  int32_t *sums = (int32_t *)(scratch + (columns * inputs + 63) / 64 * 64);
  float x_scales[256];
  // Without VNNI pairs of products are added in 16 bits, which columns of 7 bits do not leave.
  const int wide = kernels() && strcmp(kernels()->name, "avx2") != 0, offset = wide ? 128 : 64;
  for (size_t c = 0; c < columns; c++)
    x_scales[c] = quantize(x + c * inputs, inputs, scratch + c * inputs, offset, offset - 1);
  const int32_t none = 0;
  dnnl_gemm_u8s8s32('N', 'T', 'F', (dnnl_dim_t)columns, (dnnl_dim_t)rows, (dnnl_dim_t)inputs, 1, scratch,
                    (dnnl_dim_t)inputs, (uint8_t)offset, weights, (dnnl_dim_t)inputs, 0, 0, sums, (dnnl_dim_t)rows, &none);
  for (size_t c = 0; c < columns; c++)
    for (size_t r = 0; r < rows; r++) y[c * rows + r] = (float)sums[c * rows + r] * (scales[r] * x_scales[c]);
}
