#include "CVectorKernels.h"

#include <stdlib.h>

#if defined(__GLIBC__)
#include <malloc.h>

void tessera_keep_freed_memory(int keeps) {
  if (keeps) {
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_TRIM_THRESHOLD, INT32_MAX);
    mallopt(M_TOP_PAD, 64 << 20);
    return;
  }
  // What the library's own thresholds, which these calls freeze, reach by themselves.
  mallopt(M_MMAP_MAX, 65536);
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
  mallopt(M_TOP_PAD, 128 << 10);
  malloc_trim(0);
}
#else
void tessera_keep_freed_memory(int keeps) { (void)keeps; }
#endif
