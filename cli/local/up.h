/* up.h - the running embedded default: MariaDB and the services as child processes.
 *
 * Threads: only the main thread (common/app/proc.h). Memory: the arena of struct local. Errors:
 * those of proc.h and local.h; up_stop stops all started processes in every case. */
#ifndef WARD_CLI_UP_H
#define WARD_CLI_UP_H

#include "cli/core/cli.h"
#include "cli/local/local.h"
#include "common/app/proc.h"

struct up {
    const struct cli *cli;
    struct local *l;
    struct ward_procs *procs;
    struct ward_proc *db, *service[LOCAL_MOST];
    bool running;           /* all services were ready at least once */
    struct ward_proc *died; /* the first service that ended before all were ready */
    char why[160];          /* the last error in any log before all were ready */
};

/* Prints progress messages. */
void up_say_starting(struct up *up, const char *what);
void up_say_done(struct up *up, const char *what, const char *result, int64_t since_ns);

/* Starts everything and waits until all services are ready, with progress messages. */
WARD_MUST enum ward_code up_start(struct up *up, struct ward_err *err);
/* Stops the processes, newest first. */
void up_stop(struct up *up);

#endif
