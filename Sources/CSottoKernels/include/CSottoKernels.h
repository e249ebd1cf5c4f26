int sotto_kernels_version(void);
