// AVX-512 (F, BW, DQ, VL) without its later extensions: vectors of sixteen floats, look-up by `vpshufb`, 16-bit
// products by `vpmaddwd`.

#if defined(__x86_64__)

#include "kernels.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

#pragma clang fp contract(fast)
// Functions that return vectors of several registers are inlined: no calling convention is concerned.
#pragma clang diagnostic ignored "-Wpsabi"
// SOTTO_EMULATED: compiled for whatever the compiler is given, with emulated intrinsics (tools/check-kernels).
#if !defined(SOTTO_EMULATED)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma,f16c"))), apply_to = function)
#endif

#define VL 16
#define ROWS 64
#define GROUP_STEP SOTTO_BYTE_INPUTS
#include "simd.inc"
#include "dense_product.inc"
#include "elementwise.inc"
#include "attention.inc"
#include "recurrent.inc"
#include "half_vector.inc"
#include "binary_pack.inc"

typedef uint8_t bytes __attribute__((vector_size(ROWS)));

INLINE bytes broadcast_table(const uint8_t *table) {
  return (bytes)_mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)table));
}

INLINE bytes look_up(bytes table, bytes keys) { return (bytes)_mm512_shuffle_epi8((__m512i)table, (__m512i)keys); }

INLINE ivec add_pairs(ivec sums, ivec a, ivec b) {
  return sums + (ivec)_mm512_madd_epi16((__m512i)a, (__m512i)b);
}

#include "lookup.inc"
#define WIDE_EXPANSION "expand_int16.inc"
#include "wide_int16.inc"

#if !defined(SOTTO_EMULATED)
#pragma clang attribute pop
#endif

// Measured on Zen 4.
static const uint16_t most_lookup_columns[SOTTO_MAX_PLANES][2] = {
    {UINT16_MAX, UINT16_MAX}, {UINT16_MAX, 36}, {64, 7}, {20, 5}, {11, 4}, {9, 3}, {7, 3}, {7, 3}};

#define MOST_FAST_PLANES SOTTO_MAX_PLANES
#define WIDE(operation) int16_##operation
const struct sotto_kernels sotto_kernels_avx512 = {
    .name = "avx512",
#include "kernels_table.inc"
};

#endif
