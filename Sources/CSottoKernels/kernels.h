// The tables of functions that this build holds, one a file `kernels_*.c`.
#ifndef SOTTO_KERNELS_INTERNAL_H
#define SOTTO_KERNELS_INTERNAL_H

#include "CSottoKernels.h"

extern const struct sotto_kernels sotto_kernels_portable;
#if defined(__x86_64__)
extern const struct sotto_kernels sotto_kernels_avx512vnni;
extern const struct sotto_kernels sotto_kernels_avx512;
extern const struct sotto_kernels sotto_kernels_avxvnni;
extern const struct sotto_kernels sotto_kernels_avx2;
#elif defined(__aarch64__)
extern const struct sotto_kernels sotto_kernels_neon;
#endif

#endif
