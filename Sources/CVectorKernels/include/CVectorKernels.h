#ifndef TESSERA_CVECTORKERNELS_H
#define TESSERA_CVECTORKERNELS_H

#include <stddef.h>
#include <stdint.h>

// Loops that neither BLAS nor oneDNN has and that must be compiled per instruction set.
// Every function here has a plain Swift reference in the tests.

/// Sum over i of (a[i] - b[i])^2.
float tessera_squared_distance(const float *a, const float *b, size_t count);

#endif
