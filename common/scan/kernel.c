#include "common/scan/kernel.h"

#include <stdatomic.h>
#include <string.h>

/* Kernels, best first. */
static const struct {
    const char *name;
    scan_dots_fn *(*here)(void);
} KERNELS[] = {
    {"avx512vnni", ward_scan_avx512vnni},
    {"avx512bw", ward_scan_avx512bw},
    {"avx2", ward_scan_avx2},
    {"neondot", ward_scan_neondot},
    {"neon", ward_scan_neon},
    {"portable", ward_scan_portable},
};
#define N_KERNELS ((int)WARD_COUNT(KERNELS))

/* index in KERNELS plus one; 0: the best available one */
static atomic_int wanted;

int ward_scan_kernels(const char **names, int cap)
{
    int n = 0;

    for (int i = 0; i < N_KERNELS && n < cap; i++) {
        if (KERNELS[i].here() != NULL)
            names[n++] = KERNELS[i].name;
    }
    return n;
}

bool ward_scan_use_kernel(const char *name)
{
    if (name == NULL) {
        atomic_store(&wanted, 0);
        return true;
    }
    for (int i = 0; i < N_KERNELS; i++) {
        if (strcmp(KERNELS[i].name, name) == 0 && KERNELS[i].here() != NULL) {
            atomic_store(&wanted, i + 1);
            return true;
        }
    }
    return false;
}

struct scan_kernel ward_scan_kernel_now(void)
{
    int i = atomic_load(&wanted) - 1;

    /* The last kernel runs on every processor. */
    for (i = i < 0 ? 0 : i; KERNELS[i].here() == NULL; i++) {
    }
    return (struct scan_kernel){KERNELS[i].name, KERNELS[i].here()};
}
