/* chart_own.h - what the files of this folder share.
 *
 * Threads: keep, merges and the times lock themselves; the rest is the follower's own.
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
    _Atomic int64_t heard_ns, heard_us; /* when the feed last said that this is all; 0 never */
    _Atomic int64_t hung_ns;            /* when records last let a call run out of time */
    /* A bit for each patient, which some share: an Encounter changed, and nobody read since
     * where they lie. */
    _Atomic uint64_t moved[CHARTS_MOVED / 64];
    /* The follower's. */
    pthread_t thread;
    bool started;
    pthread_mutex_t lock; /* of stop and stream */
    pthread_cond_t halt;
    bool stop;
    struct ward_client_stream *stream;
    struct worker w;
    struct ward_arena mem;      /* of one message */
    char token[FEED_TOKEN + 1]; /* "": from the beginning */
    int64_t saved_ns, keys_ns;
    bool loaded, lost, keys_lost;
};

/* ---- chart.c ---- */
void charts_moved(struct charts *ch, const uint8_t id[DOSAGE_ID]);

/* ---- follow.c ---- */
void *charts_follow(void *charts);

/* ---- apply.c: the feed in this service's tables ---- */

/* Where to go on, and the merges that stand. */
WARD_MUST enum ward_code feed_load(struct charts *ch, struct ward_err *err);
/* Forgets the position and the merges that were told up to it: they are of another feed, and
 * this one tells its own from the beginning. */
WARD_MUST enum ward_code feed_reset(struct charts *ch, struct ward_err *err);
/* What of a message has to be written, and the position behind it. Every replica comes by here
 * with every message; each change is written by the first. */
WARD_MUST enum ward_code feed_apply(struct charts *ch,
                                    const Ward__Records__V1__FollowResponse *msg,
                                    struct ward_err *err);
/* Notes the ward of each known patient whose encounter changed. A failure leaves the message
 * unacknowledged: the feed sends it again. */
WARD_MUST enum ward_code feed_transfers(struct charts *ch,
                                        const Ward__Records__V1__FollowResponse *msg,
                                        struct ward_err *err);
/* In memory and in the tables the same: the first of a merge's two changes is of who stays. */
bool feed_is_merge(const Ward__Records__V1__Change *change);

#endif
