/* up.h - the running embedded default: MariaDB and the services as child processes.
 *
 * Threads: main's only (common/app/proc.h). Memory: the local's arena. Errors: as proc.h and
 * local.h; up_stop stops started processes in every case.
 */
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
    bool running;           /* all services were ready once */
    struct ward_proc *died; /* the first service that ended before that, */
    char why[160];          /* and the last error in any log */
};

/* Progress messages. */
void up_say_starting(struct up *up, const char *what);
void up_say_done(struct up *up, const char *what, const char *result, int64_t since_ns);

/* Starts everything and waits until all services are ready, with progress messages. */
WARD_MUST enum ward_code up_start(struct up *up, struct ward_err *err);
/* Stops the processes, newest first. */
void up_stop(struct up *up);

#endif
