/* driver.h - what NVIDIA's driver says of the GPUs here, without linking to it: a machine that
 * has none is the usual case. Threads: safe. Memory: the driver stays loaded. Errors: the
 * reason in words, for a log.
 */
#ifndef WARD_PLUGINS_GPU_DRIVER_H
#define WARD_PLUGINS_GPU_DRIVER_H

#include <stddef.h>
#include <stdint.h>

/* How many GPUs the driver offers; 0 and why not. */
uint32_t driver_count(char *why, size_t cap);
/* The name of GPU i, "" where the driver does not say. */
void driver_name(uint32_t i, char *name, size_t cap);

#endif
