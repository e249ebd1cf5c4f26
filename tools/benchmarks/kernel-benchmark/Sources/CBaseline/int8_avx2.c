// The packed 8-bit product for AVX2: columns have 7 bits, so that pairs of products stay in 16.

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#include "int8.h"

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)

#define LANES 8
#define OFFSET 64
#define MOST 63
#define AT_ONCE 2
typedef float vec __attribute__((vector_size(LANES * 4)));
typedef int32_t ivec __attribute__((vector_size(LANES * 4)));
typedef int32_t ivec_unaligned __attribute__((vector_size(LANES * 4), aligned(1)));

INLINE ivec add_fours(ivec sums, ivec columns, ivec weights) {
  const __m256i pairs = _mm256_maddubs_epi16((__m256i)columns, (__m256i)weights);
  return sums + (ivec)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

#include "int8.inc"

#pragma clang attribute pop

const struct int8_kernels int8_avx2 = {"avx2", packed_bytes, pack, product};

#endif
