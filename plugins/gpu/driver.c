#include "plugins/gpu/driver.h"

#include <dlfcn.h>
#include <stdio.h>

#define CUDA_SUCCESS         0
#define CUDA_ERROR_NO_DEVICE 100

/* Functions of the driver. In its ABI, CUresult and CUdevice are int. */
struct driver {
    int (*init)(unsigned flags);
    int (*count)(int *n);
    int (*device)(int *device, int ordinal);
    int (*name)(char *name, int cap, int device);
};

static int find(void *so, const char *name, void *fn)
{
    *(void **)fn = dlsym(so, name);
    return *(void **)fn != NULL;
}

static int load(struct driver *d, char *why, size_t cap)
{
    void *so = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);

    if (so == NULL) {
        snprintf(why, cap, "no NVIDIA driver (libcuda.so.1)");
        return 0;
    }
    if (find(so, "cuInit", &d->init) && find(so, "cuDeviceGetCount", &d->count) &&
        find(so, "cuDeviceGet", &d->device) && find(so, "cuDeviceGetName", &d->name))
        return 1;
    snprintf(why, cap, "libcuda.so.1 is not an NVIDIA driver");
    return 0;
}

uint32_t driver_count(char *why, size_t cap)
{
    struct driver d;
    int n = 0, rc;

    if (!load(&d, why, cap))
        return 0;
    rc = d.init(0);
    if (rc == CUDA_SUCCESS)
        rc = d.count(&n);
    if (rc == CUDA_ERROR_NO_DEVICE || (rc == CUDA_SUCCESS && n < 1))
        snprintf(why, cap, "the NVIDIA driver sees no GPU");
    else if (rc != CUDA_SUCCESS)
        snprintf(why, cap, "the NVIDIA driver failed with code %d", rc);
    return rc == CUDA_SUCCESS && n > 0 ? (uint32_t)n : 0;
}

void driver_name(uint32_t i, char *name, size_t cap)
{
    struct driver d;
    char why[64];
    int device = 0;

    if (!load(&d, why, sizeof(why)) || d.device(&device, (int)i) != CUDA_SUCCESS ||
        d.name(name, (int)cap, device) != CUDA_SUCCESS)
        snprintf(name, cap, "%s", "");
}
