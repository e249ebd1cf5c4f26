// Which table of functions this processor gets.

#include "kernels.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
#if defined(__x86_64__)
    "avx512vnni", "avx512", "avxvnni", "avx2",
#elif defined(__aarch64__)
    "neon",
#endif
    "portable", NULL};

const char *const *sotto_kernel_names(void) { return names; }

#if defined(__x86_64__)
// The compiler's test asks the operating system too, whether it saves the registers.
#define HAS(feature) (__builtin_cpu_supports(feature) != 0)

static int has_avx2(void) {
  __builtin_cpu_init();
  return HAS("avx2") && HAS("fma") && HAS("f16c");
}

static int has_avx512(void) {
#if defined(SOTTO_EMULATED)
  return 1;
#else
  return has_avx2() && HAS("avx512f") && HAS("avx512bw") && HAS("avx512dq") && HAS("avx512vl");
#endif
}

static int has_avx512vnni(void) {
#if defined(SOTTO_EMULATED)
  return 1;
#else
  return has_avx512() && HAS("avx512vbmi") && HAS("avx512vnni");
#endif
}

static const struct sotto_kernels *vector_kernels_named(const char *name) {
  if (strcmp(name, "avx512vnni") == 0) return has_avx512vnni() ? &sotto_kernels_avx512vnni : NULL;
  if (strcmp(name, "avx512") == 0) return has_avx512() ? &sotto_kernels_avx512 : NULL;
  if (strcmp(name, "avxvnni") == 0) return has_avx2() && HAS("avxvnni") ? &sotto_kernels_avxvnni : NULL;
  if (strcmp(name, "avx2") == 0) return has_avx2() ? &sotto_kernels_avx2 : NULL;
  return NULL;
}
#elif defined(__aarch64__)
static const struct sotto_kernels *vector_kernels_named(const char *name) {
  return strcmp(name, "neon") == 0 ? &sotto_kernels_neon : NULL;
}
#else
static const struct sotto_kernels *vector_kernels_named(const char *name) {
  (void)name;
  return NULL;
}
#endif

const struct sotto_kernels *sotto_kernels_named(const char *name) {
  return strcmp(name, "portable") == 0 ? &sotto_kernels_portable : vector_kernels_named(name);
}

const struct sotto_kernels *sotto_kernels_default(void) {
  const char *forced = getenv("SOTTO_ISA");
  const struct sotto_kernels *chosen = forced ? sotto_kernels_named(forced) : NULL;
  for (const char *const *name = names; !chosen && *name; name++) chosen = sotto_kernels_named(*name);
  return chosen;
}
