// AVX2 with AVX-VNNI: as AVX2, but sums of 16-bit products take one instruction (`vpdpwssd`), and many columns may be multiplied
// in bytes (`vpdpbusd`).

#if defined(__x86_64__)

#include "kernels.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

#pragma clang fp contract(fast)
// Functions that return vectors of several registers are inlined: no calling convention is concerned.
#pragma clang diagnostic ignored "-Wpsabi"
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,avxvnni"))), apply_to = function)

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
  return (ivec)_mm256_dpwssd_avx_epi32((__m256i)sums, (__m256i)a, (__m256i)b);
}

INLINE ivec add_fours(ivec sums, bytes a, bytes b) {
  return (ivec)_mm256_dpbusd_avx_epi32((__m256i)sums, (__m256i)a, (__m256i)b);
}

INLINE bytes four_times(const uint8_t *keys, int half) {
  const __m256i rows = _mm256_setr_epi8(0, 0, 0, 0, 2, 2, 2, 2, 4, 4, 4, 4, 6, 6, 6, 6, 8, 8, 8, 8, 10, 10, 10, 10, 12, 12,
                                        12, 12, 14, 14, 14, 14);
  return (bytes)_mm256_shuffle_epi8((__m256i)broadcast_table(keys), _mm256_or_si256(rows, _mm256_set1_epi8((char)half)));
}

#include "lookup.inc"
#define WIDE_EXPANSION "expand_int16.inc"
#include "wide_int16.inc"
#define BYTE_EXPANSION "expand_int8.inc"
#include "wide_int8.inc"

#pragma clang attribute pop

// Measured on Zen 5.
static const uint16_t most_lookup_columns[SOTTO_MAX_PLANES][2] = {
    {UINT16_MAX, UINT16_MAX}, {19, 24}, {10, 10}, {22, 7}, {16, 6}, {12, 5}, {10, 4}, {8, 4}};

#define MOST_FAST_PLANES 3
#define WIDE(operation) int8_or_16_##operation
const struct sotto_kernels sotto_kernels_avxvnni = {
    .name = "avxvnni",
#include "kernels_table.inc"
};

#endif
