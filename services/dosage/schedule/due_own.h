/* due_own.h - what the files of this folder share.
 *
 * Threads: as each says. Memory: as each says. Errors: db.h's.
 */
#ifndef DOSAGE_SCHEDULE_DUE_OWN_H
#define DOSAGE_SCHEDULE_DUE_OWN_H

#include "services/dosage/schedule/due.h"
#include "services/dosage/schedule/slots.h"

#include <pthread.h>

/* Zones that were asked for, kept until the process ends. */
struct zones {
    pthread_mutex_t lock;
    struct ward_arena mem;
    struct zone_kept *first;
};
WARD_MUST enum ward_code zones_open(struct zones *z, const char *usual, struct ward_err *err);
void zones_close(struct zones *z);

struct due_watch {
    struct ward_arena keep; /* this struct's */
    struct dosage *dos;
    struct zones zones;
};

#endif
