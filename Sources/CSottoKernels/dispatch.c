// Which table of functions this processor gets.

#include "kernels.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
#if defined(__x86_64__)
    "avx2",
#endif
    "portable", NULL};

const char *const *sotto_kernel_names(void) { return names; }

const struct sotto_kernels *sotto_kernels_named(const char *name) {
#if defined(__x86_64__)
  if (strcmp(name, "avx2") == 0) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c")
               ? &sotto_kernels_avx2
               : NULL;
  }
#endif
  return strcmp(name, "portable") == 0 ? &sotto_kernels_portable : NULL;
}

const struct sotto_kernels *sotto_kernels_default(void) {
  const char *forced = getenv("SOTTO_ISA");
  const struct sotto_kernels *chosen = forced ? sotto_kernels_named(forced) : NULL;
  for (const char *const *name = names; !chosen && *name; name++) chosen = sotto_kernels_named(*name);
  return chosen;
}
