/* backoff.h - the delay before a process that ended is started again. Pure.
 *
 * Threads: none shared. Memory: the caller's. Errors: none.
 */
#ifndef WARD_WORKER_BACKOFF_H
#define WARD_WORKER_BACKOFF_H

#include <stdint.h>

/* Initialise with zeros. */
struct ward_backoff {
    int ends;         /* consecutive short lives */
    int64_t began_ns; /* time of the last start */
    int64_t until_ns; /* earliest next start */
};

void ward_backoff_started(struct ward_backoff *b, int64_t now_ns);
/* The next start has no delay after 30 s of life. Otherwise the delay is 0.1 s at the second
 * end and doubles with each end, up to 10 s. */
void ward_backoff_ended(struct ward_backoff *b, int64_t now_ns);
/* Returns the milliseconds until the next start; 0: start now. */
int ward_backoff_ms(const struct ward_backoff *b, int64_t now_ns);

#endif
