/* proc_spawn.h - fork and exec, with everything set that a child of ours must have.
 *
 * Threads: main's (proc.h says why). Memory: none kept. Errors: as ward_proc_start.
 */
#ifndef WARD_APP_PROC_SPAWN_H
#define WARD_APP_PROC_SPAWN_H

#include "common/app/proc.h"

/* Starts spec's program; *out_fd is the reading end of its output, not blocking. Returns once
 * it runs, or with the reason why it does not. */
WARD_MUST enum ward_code ward_spawn(const struct ward_proc_spec *spec, pid_t *pid, int *out_fd,
                                    struct ward_err *err);

#endif
