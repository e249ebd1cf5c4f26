// AVX2, FMA and F16C: vectors of eight floats, and the look-up product with tables in registers.

#if defined(__x86_64__)

#include "kernels.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

#pragma clang fp contract(fast)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

#define VL 8
#include "simd.inc"
#include "dense_product.inc"
#include "elementwise.inc"
#include "attention.inc"
#include "recurrent.inc"
#include "binary_product_avx2.inc"

static void half_to_float(const uint16_t *x, size_t count, float *y) {
  size_t i = 0;
  for (; i + 8 <= count; i += 8)
    _mm256_storeu_ps(y + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(x + i))));
  for (; i < count; i++) y[i] = sotto_half_to_float(x[i]);
}

#pragma clang attribute pop

const struct sotto_kernels sotto_kernels_avx2 = {
    .name = "avx2",
    .panel_rows = PANEL,
    .row_of_byte = row_of_byte,
    .panel_product = panel_product,
    .binary_expand = binary_expand,
    .lookup_table_bytes = lookup_table_bytes,
    .lookup_build = lookup_build,
    .lookup_product = lookup_product,
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

#endif
