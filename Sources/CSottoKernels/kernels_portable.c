// Every instruction set that Clang compiles for: vectors of four floats (SSE2, NEON), no look-up.

#include "kernels.h"

#pragma clang fp contract(fast)
#define VL 4
#define ROWS 32
#define GROUP_STEP SOTTO_BYTE_INPUTS
#include "simd.inc"
#include "dense_product.inc"
#include "elementwise.inc"
#include "attention.inc"
#include "recurrent.inc"

static void half_to_float(const uint16_t *x, size_t count, float *y) {
  for (size_t i = 0; i < count; i++) y[i] = sotto_half_to_float(x[i]);
}

#include "binary_pack.inc"
#include "wide_float.inc"

static size_t lookup_table_bytes(size_t inputs, int precision) {
  (void)inputs, (void)precision;
  return 0;
}

static void lookup_build(const float *x, size_t inputs, int precision, uint8_t *table) {
  (void)x, (void)inputs, (void)precision, (void)table;
}

static void lookup_product(const struct sotto_binary_matrix *matrix, int precision, size_t tile, size_t tile_end,
                           const struct sotto_columns *columns, float *y, size_t ld_y) {
  (void)matrix, (void)precision, (void)tile, (void)tile_end, (void)columns, (void)y, (void)ld_y;
}

static const uint16_t most_lookup_columns[SOTTO_MAX_PLANES][2] = {{0}};

#define MOST_FAST_PLANES SOTTO_MAX_PLANES
#define WIDE(operation) float_##operation
const struct sotto_kernels sotto_kernels_portable = {
    .name = "portable",
#include "kernels_table.inc"
};
