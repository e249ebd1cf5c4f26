// The packed 8-bit product for AVX2 with AVX-VNNI.

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#include "int8.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,avxvnni"))), apply_to = function)

#define LANES 8
#define OFFSET 128
#define MOST 127
#define AT_ONCE 2
typedef float vec __attribute__((vector_size(LANES * 4)));
typedef int32_t ivec __attribute__((vector_size(LANES * 4)));
typedef int32_t ivec_unaligned __attribute__((vector_size(LANES * 4), aligned(1)));

INLINE ivec add_fours(ivec sums, ivec columns, ivec weights) {
  return (ivec)_mm256_dpbusd_avx_epi32((__m256i)sums, (__m256i)columns, (__m256i)weights);
}

#include "int8.inc"

#pragma clang attribute pop

const struct int8_kernels int8_avxvnni = {"avxvnni", packed_bytes, pack, product};

#endif
