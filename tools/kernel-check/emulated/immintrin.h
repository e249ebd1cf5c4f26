// The compiler's intrinsics, with those of AVX-512 replaced by SIMDe's plain C: what they compute can be checked on
// processors that do not have them.
#ifndef SOTTO_EMULATED_IMMINTRIN_H
#define SOTTO_EMULATED_IMMINTRIN_H

#include_next <immintrin.h>

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>

// SIMDe 0.7.4 gives this name four arguments.
#undef _mm512_madd_epi16
#define _mm512_madd_epi16(a, b) simde_mm512_madd_epi16(a, b)

#endif
