// The packed 8-bit product for AVX-512 VNNI.

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#include "int8.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni"))), apply_to = function)

#define LANES 16
#define OFFSET 128
#define MOST 127
#define AT_ONCE 4
typedef float vec __attribute__((vector_size(LANES * 4)));
typedef int32_t ivec __attribute__((vector_size(LANES * 4)));
typedef int32_t ivec_unaligned __attribute__((vector_size(LANES * 4), aligned(1)));

INLINE ivec add_fours(ivec sums, ivec columns, ivec weights) {
  return (ivec)_mm512_dpbusd_epi32((__m512i)sums, (__m512i)columns, (__m512i)weights);
}

#include "int8.inc"

#pragma clang attribute pop

const struct int8_kernels int8_avx512vnni = {"avx512vnni", packed_bytes, pack, product};

#endif
