// AVX2, FMA and F16C: vectors of eight floats, look-up by `vpshufb`, 16-bit products by `vpmaddwd`.

#if defined(__x86_64__)

#include "kernels.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

#pragma clang fp contract(fast)
// Functions that return vectors of several registers are inlined: no calling convention is concerned.
#pragma clang diagnostic ignored "-Wpsabi"
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

#define VL 8
#define ROWS 32
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
  return (bytes)_mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)table));
}

INLINE bytes look_up(bytes table, bytes keys) { return (bytes)_mm256_shuffle_epi8((__m256i)table, (__m256i)keys); }

INLINE ivec add_pairs(ivec sums, ivec a, ivec b) {
  return sums + (ivec)_mm256_madd_epi16((__m256i)a, (__m256i)b);
}

#include "lookup.inc"
#define WIDE_EXPANSION "expand_int16.inc"
#include "wide_int16.inc"

#pragma clang attribute pop

// Measured on Zen 3 and 4.
static const uint16_t most_lookup_columns[SOTTO_MAX_PLANES][2] = {
    {UINT16_MAX, UINT16_MAX}, {UINT16_MAX, 40}, {64, 10}, {28, 8}, {18, 6}, {12, 5}, {10, 4}, {8, 4}};

#define MOST_FAST_PLANES SOTTO_MAX_PLANES
#define WIDE(operation) int16_##operation
const struct sotto_kernels sotto_kernels_avx2 = {
    .name = "avx2",
#include "kernels_table.inc"
};

#endif
