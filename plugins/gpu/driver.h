/* driver.h - asks NVIDIA's driver for GPUs without linking to it, because most machines have
 * none. Threads: safe. Memory: the driver stays loaded. Errors: the cause as text, for a log.
 */
#ifndef WARD_PLUGINS_GPU_DRIVER_H
#define WARD_PLUGINS_GPU_DRIVER_H

#include <stddef.h>
#include <stdint.h>

/* Returns the number of GPUs; for 0, also the cause. */
uint32_t driver_count(char *why, size_t cap);
/* Returns the name of GPU i, "" if the driver has none. */
void driver_name(uint32_t i, char *name, size_t cap);

#endif
