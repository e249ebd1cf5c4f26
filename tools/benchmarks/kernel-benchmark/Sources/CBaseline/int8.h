// What the files of single instruction sets share.
#ifndef CBASELINE_INT8_H
#define CBASELINE_INT8_H

#include <stddef.h>
#include <stdint.h>

#define UNROLLED _Pragma("clang loop unroll(full)")
#define INLINE static inline __attribute__((always_inline))

struct int8_kernels {
  const char *name;
  size_t (*packed_bytes)(size_t rows, size_t inputs);
  void (*pack)(const int8_t *weights, size_t rows, size_t inputs, uint8_t *packed);
  void (*product)(const uint8_t *packed, const float *scales, size_t rows, size_t inputs, const float *x, size_t columns,
                  uint8_t *scratch, float *y);
};

extern const struct int8_kernels int8_avx2, int8_avxvnni, int8_avx512vnni;

// target = offset + the nearest integers of x / scale, of magnitude at most `most`; returns the scale.
float quantize(const float *x, size_t count, uint8_t *target, int offset, int most);

#endif
