#ifndef TESSERA_CONEDNN_SHIM_H
#define TESSERA_CONEDNN_SHIM_H

#include <oneapi/dnnl/dnnl.h>

// oneDNN's Debian build runs on OpenMP, whose thread count is a property of the calling thread.
// omp.h is not on every compiler's path; these are the runtime's stable entry points.
extern void omp_set_num_threads(int count);
extern int omp_get_max_threads(void);

#endif
