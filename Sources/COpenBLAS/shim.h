#ifndef TESSERA_COPENBLAS_SHIM_H
#define TESSERA_COPENBLAS_SHIM_H

#include <cblas.h>

// Debian's lapacke.h declares complex types that the Clang importer rejects,
// so the one LAPACK routine in use is declared here as Fortran exports it.
void ssyevd_(const char *jobz, const char *uplo, const int *n, float *a, const int *lda, float *w, float *work,
             const int *lwork, int *iwork, const int *liwork, int *info);

#endif
