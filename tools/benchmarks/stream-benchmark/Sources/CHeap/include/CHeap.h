// Bytes that malloc has given out and not got back.
#include <malloc.h>

static inline unsigned long long heap_allocated_bytes(void) {
  struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}
