/* watch.h - searches charted doses for workarounds, every watch_s seconds, on one replica at a
 * time.
 *
 * Threads: has its own thread. Memory: its own. Errors: those of watch_open.
 */
#ifndef DOSAGE_TRACK_WATCH_H
#define DOSAGE_TRACK_WATCH_H

#include "services/dosage/dosage.h"

WARD_MUST enum ward_code watch_open(struct dosage *dos, struct watcher **out,
                                    struct ward_err *err);
void watch_close(struct watcher *w); /* NULL is fine */
/* Scans once and writes the findings. Called by the thread and by tests. */
WARD_MUST enum ward_code watch_once(struct worker *w, int64_t now_us, struct ward_err *err);

#endif
