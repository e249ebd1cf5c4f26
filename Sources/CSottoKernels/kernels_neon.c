// NEON of AArch64: vectors of four floats, look-up by `tbl`. Many columns are multiplied as floats: a product of 16-bit
// integers is no faster there.

#if defined(__aarch64__)

#include "kernels.h"

#include <arm_neon.h>
#include <math.h>
#include <string.h>

#pragma clang fp contract(fast)

#define VL 4
#define ROWS 16
#define GROUP_STEP SOTTO_BYTE_INPUTS
#include "simd.inc"
#include "dense_product.inc"
#include "elementwise.inc"
#include "attention.inc"
#include "recurrent.inc"
#include "half_vector.inc"
#include "binary_pack.inc"

typedef uint8_t bytes __attribute__((vector_size(ROWS)));

INLINE bytes broadcast_table(const uint8_t *table) { return (bytes)vld1q_u8(table); }

INLINE bytes look_up(bytes table, bytes keys) { return (bytes)vqtbl1q_u8((uint8x16_t)table, (uint8x16_t)keys); }

#include "lookup.inc"
#include "wide_float.inc"

// Not measured: qemu tells nothing about speed.
static const uint16_t most_lookup_columns[SOTTO_MAX_PLANES][2] = {
    {UINT16_MAX, UINT16_MAX}, {64, 48}, {48, 24}, {32, 16}, {24, 12}, {16, 8}, {12, 8}, {12, 8}};

#define MOST_FAST_PLANES SOTTO_MAX_PLANES
#define WIDE(operation) float_##operation
const struct sotto_kernels sotto_kernels_neon = {
    .name = "neon",
#include "kernels_table.inc"
};

#endif
