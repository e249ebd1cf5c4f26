int sotto_kernels_version(void) { return 1; }
