/* driver.h - asks NVIDIA's driver for GPUs without linking to it, because most machines have
 * none. Threads: any. Memory: the driver stays loaded. Errors: as text for a log. */
#ifndef WARD_PLUGINS_GPU_DRIVER_H
#define WARD_PLUGINS_GPU_DRIVER_H

#include <stddef.h>
#include <stdint.h>

/* Returns the number of GPUs. If the number is 0, `why` contains the cause. */
uint32_t driver_count(char *why, size_t cap);
/* Returns the name of GPU i, or "" if the driver does not report a name. */
void driver_name(uint32_t i, char *name, size_t cap);

#endif
