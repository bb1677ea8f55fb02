/* chart_own.h - declarations shared by the files of this folder.
 *
 * Threads: keep and merges have their own locks, the times are atomic; only the follower uses
 * the other members.
 */
#ifndef DOSAGE_CHART_CHART_OWN_H
#define DOSAGE_CHART_CHART_OWN_H

#include "services/dosage/chart/chart.h"
#include "services/dosage/chart/merges.h"
#include "services/dosage/store/keep.h"
#include "ward/records/v1/feed.pb-c.h"

#include <pthread.h>

#define FEED_TOKEN   256
#define CHARTS_MOVED 65536

struct charts {
    struct ward_arena own;
    struct dosage *dos;
    struct keep *keep;
    struct merges *merges;
    _Atomic int64_t heard_ns, heard_us; /* when the feed last reported its end; 0: never */
    _Atomic int64_t hung_ns;            /* when a call to records last timed out */
    /* One bit for each patient; several patients share a bit. Set: an Encounter changed, and
     * the ward was not read since the change. */
    _Atomic uint64_t moved[CHARTS_MOVED / 64];
    /* Used only by the follower. */
    pthread_t thread;
    bool started;
    pthread_mutex_t lock; /* protects stop and stream */
    pthread_cond_t halt;
    bool stop;
    struct ward_client_stream *stream;
    struct worker w;
    struct ward_arena mem;      /* memory of one message */
    char token[FEED_TOKEN + 1]; /* "": from the beginning of the feed */
    int64_t saved_ns, keys_ns;
    bool loaded, lost, keys_lost;
};

/* ---- chart.c ---- */
void charts_moved(struct charts *ch, const uint8_t id[DOSAGE_ID]);

/* ---- follow.c ---- */
void *charts_follow(void *charts);

/* ---- apply.c: applies the feed to this service's tables ---- */

/* Loads the stored position and the current merges. */
WARD_MUST enum ward_code feed_load(struct charts *ch, struct ward_err *err);
/* Deletes the position and the merges up to it, because the position and the merges belong to
 * another feed. The new feed reports its merges from the beginning. */
WARD_MUST enum ward_code feed_reset(struct charts *ch, struct ward_err *err);
/* Writes the changes of a message and the position after it. Every replica calls this for every
 * message; the first replica writes each change. */
WARD_MUST enum ward_code feed_apply(struct charts *ch,
                                    const Ward__Records__V1__FollowResponse *msg,
                                    struct ward_err *err);
/* Stores the ward of each known patient whose encounter changed. After a failure, the message
 * stays unacknowledged and the feed sends it again. */
WARD_MUST enum ward_code feed_transfers(struct charts *ch,
                                        const Ward__Records__V1__FollowResponse *msg,
                                        struct ward_err *err);
/* The first of a merge's two changes names the surviving record. The rule applies in memory and
 * in the tables. */
bool feed_is_merge(const Ward__Records__V1__Change *change);

#endif
