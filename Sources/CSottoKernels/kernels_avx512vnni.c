// AVX-512 with VBMI and VNNI: vectors of sixteen floats, look-up by `vpermb` with `vpdpbusd` for the sums, many columns
// by `vpdpbusd` (fast) or `vpdpwssd` (accurate).

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
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vnni,fma,f16c"))), apply_to = function)
#endif

#define VL 16
#define ROWS 64
#define GROUP_STEP 32
#include "simd.inc"
#include "dense_product.inc"
#include "elementwise.inc"
#include "attention.inc"
#include "recurrent.inc"
#include "half_vector.inc"
#include "binary_pack_vbmi.inc"

typedef uint8_t bytes __attribute__((vector_size(ROWS)));

INLINE bytes look_up_64(bytes tables, bytes keys) {
  return (bytes)_mm512_permutexvar_epi8((__m512i)keys, (__m512i)tables);
}

INLINE ivec add_fours(ivec sums, bytes a, bytes b) {
  return (ivec)_mm512_dpbusd_epi32((__m512i)sums, (__m512i)a, (__m512i)b);
}

INLINE ivec add_pairs(ivec sums, ivec a, ivec b) {
#if defined(SOTTO_EMULATED)
  return (ivec)_mm512_dpwssd_epi32((__m512i)sums, (__m512i)a, (__m512i)b);
#else
  // The compiler would make two instructions of the intrinsic, for their latency; these sums do not wait for each other.
  __asm__("vpdpwssd %2, %1, %0" : "+v"(sums) : "v"(a), "v"(b));
  return sums;
#endif
}

typedef int16_t int_pairs __attribute__((vector_size(ROWS)));

INLINE int_pairs narrow_words(ivec a, ivec b) { return (int_pairs)_mm512_packs_epi32((__m512i)a, (__m512i)b); }
INLINE bytes narrow_bytes(int_pairs a, int_pairs b) { return (bytes)_mm512_packs_epi16((__m512i)a, (__m512i)b); }

#include "lookup_vbmi.inc"
#define WIDE_EXPANSION "expand_int16_vbmi.inc"
#include "wide_int16.inc"
#define BYTE_EXPANSION "expand_int8_vbmi.inc"
#include "wide_int8.inc"

#if !defined(SOTTO_EMULATED)
#pragma clang attribute pop
#endif

// Between what was measured on Zen 4 and on Zen 5.
static const uint16_t most_lookup_columns[SOTTO_MAX_PLANES][2] = {
    {UINT16_MAX, UINT16_MAX}, {96, UINT16_MAX}, {19, 28}, {80, 15}, {55, 11}, {35, 9}, {25, 8}, {19, 7}};

#define MOST_FAST_PLANES 3
#define WIDE(operation) int8_or_16_##operation
const struct sotto_kernels sotto_kernels_avx512vnni = {
    .name = "avx512vnni",
#include "kernels_table.inc"
};

#endif
