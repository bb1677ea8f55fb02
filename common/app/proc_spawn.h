/* proc_spawn.h - fork and exec, with all settings that a child needs.
 *
 * Threads: main's (see proc.h). Memory: none retained. Errors: as ward_proc_start.
 */
#ifndef WARD_APP_PROC_SPAWN_H
#define WARD_APP_PROC_SPAWN_H

#include "common/app/proc.h"

/* Starts the program of spec. *out_fd is the non-blocking read end of its output. Returns when
 * the program runs, or with the cause of the failure. */
WARD_MUST enum ward_code ward_spawn(const struct ward_proc_spec *spec, pid_t *pid, int *out_fd,
                                    struct ward_err *err);

#endif
