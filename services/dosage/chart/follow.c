/* The follower: applies records' feed, message by message, during the life of the process. */
#include "services/dosage/chart/chart_own.h"
#include "services/dosage/order/lately.h"

#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/base/log.h"

#include <string.h>
#include <time.h>

#define KEYS_NS       (1000 * WARD_NS_PER_MS)
#define FIRST_MS      250 /* delay before the next attempt, which doubles up to MOST_MS */
#define MOST_MS       4000
#define AT_ONCE       500 /* changes of one message, unless the message is the last of its batch */
#define KIND_OF(name) WARD__RECORDS__V1__KIND__KIND_##name
#define ACT(name)     WARD__RECORDS__V1__ACT__ACT_##name

typedef Ward__Records__V1__Change Change;
typedef Ward__Records__V1__FollowResponse Message;

static struct ward_family heard_at = {
    .name = "ward_dosage_chart_feed_heard_timestamp_seconds",
    .help = "Unix time at which this replica was last known to be in sync with records' feed.",
    .type = WARD_GAUGE,
};
WARD_METRIC_LISTED(heard_at)
static struct ward_family changes = {
    .name = "ward_dosage_chart_changes_total",
    .help = "Number of processed changes from records' feed.",
    .type = WARD_COUNTER,
};
WARD_METRIC_LISTED(changes)

/* ---- in memory ---- */

static void merge_of(struct charts *ch, const Change *c, const uint8_t id[DOSAGE_ID])
{
    uint8_t other[DOSAGE_ID], into[DOSAGE_ID];

    if (!ward_uuid_parse(c->other_patient_id, other))
        return;
    keep_forget(ch->keep, other, KEEP_ALL);
    if (merges_into(ch->merges, id, into) && memcmp(into, other, DOSAGE_ID) == 0) {
        if (c->act == ACT(UNMERGED))
            merges_unset(ch->merges, id);
        return; /* this is the second of a merge's two changes */
    }
    if (c->act == ACT(MERGED))
        merges_set(ch->merges, other, id);
    else if (merges_into(ch->merges, other, into) && memcmp(into, id, DOSAGE_ID) == 0)
        merges_unset(ch->merges, other);
}

/* Access to a patient depends only on the Patient, encounters and consents. The facts depend on
 * all resources. */
static void forget(struct charts *ch, const Change *c)
{
    uint8_t id[DOSAGE_ID], root[DOSAGE_ID];
    enum keep_forget what = KEEP_ALL;

    if (!ward_uuid_parse(c->patient_id, id))
        return;
    if (c->kind == KIND_OF(OBSERVATION) || c->kind == KIND_OF(ALLERGY_INTOLERANCE) ||
        c->kind == KIND_OF(CONDITION) || c->kind == KIND_OF(MEDICATION_STATEMENT))
        what = KEEP_FACTS;
    else if (c->kind == KIND_OF(DOCUMENT_REFERENCE) || c->kind == KIND_OF(DIAGNOSTIC_REPORT) ||
             c->kind == KIND_OF(OTHER))
        return; /* other kinds of resources are not part of the facts */
    merges_root(ch->merges, id, root);
    keep_forget(ch->keep, root, what);
    keep_forget(ch->keep, id, what);
    if (c->kind == KIND_OF(ENCOUNTER))
        charts_moved(ch, root);
    if (feed_is_merge(c)) {
        merge_of(ch, c, id);
        merges_root(ch->merges, id, root);
        keep_forget(ch->keep, root, what);
    }
}

/* The eviction follows the write to the tables. After an earlier eviction, the old state could
 * be read again. */
static void forget_erased(struct charts *ch, const Change *c)
{
    uint8_t id[DOSAGE_ID];

    if (c->kind == KIND_OF(PATIENT) && ward_uuid_parse(c->patient_id, id))
        lately_forget(ch->dos, id);
}

static void heard(struct charts *ch)
{
    int64_t now_us = ward_wall_us();

    atomic_store(&ch->heard_us, now_us);
    atomic_store(&ch->heard_ns, ward_mono_ns());
    ward_gauge(&heard_at, (double)now_us / 1e6);
    if (ch->lost)
        WARD_LOG(INFO, "records' feed is being followed again");
    ch->lost = false;
}

/* The eviction comes first: no outdated chart is returned, even if writing to the tables
 * fails. */
static enum ward_code deal(struct charts *ch, const Message *msg, struct ward_err *err)
{
    size_t n;

    for (size_t i = 0; i < msg->n_changes; i++)
        forget(ch, msg->changes[i]);
    WARD_TRY(feed_transfers(ch, msg, err));
    WARD_TRY(feed_apply(ch, msg, err));
    for (size_t i = 0; i < msg->n_changes; i++)
        forget_erased(ch, msg->changes[i]);
    n = strlen(msg->resume_token);
    if (n <= FEED_TOKEN && n > 0)
        memcpy(ch->token, msg->resume_token, n + 1);
    ward_count(&changes, (double)msg->n_changes);
    if (msg->n_changes < AT_ONCE)
        heard(ch);
    return WARD_OK;
}

/* ---- the stream ---- */

static bool hold(struct charts *ch, struct ward_client_stream *s)
{
    bool stop;

    pthread_mutex_lock(&ch->lock);
    ch->stream = s;
    stop = ch->stop;
    pthread_mutex_unlock(&ch->lock);
    return !stop;
}

/* An unavailable root key does not stop the follower; readiness reports the key. */
static void follow_keys(struct charts *ch)
{
    int64_t now = ward_mono_ns();
    struct ward_err err = {0};
    enum ward_code code;

    if (now - ch->keys_ns < KEYS_NS)
        return;
    ch->keys_ns = now;
    ward_db_deadline(ch->w.event_ctx.db, WARD_NO_DEADLINE);
    code = ward_keyring_follow(ch->dos->keys, ch->w.event_ctx.db, &err);
    if (code != WARD_OK && !ch->keys_lost)
        ward_log_err(WARD_LOG_WARN, "keys cannot be read again", &err);
    ch->keys_lost = code != WARD_OK;
}

static enum ward_code read_on(struct charts *ch, struct ward_client_stream *s, bool *some,
                              struct ward_err *err)
{
    for (;;) {
        ProtobufCMessage *msg = NULL;

        ward_arena_reset(&ch->mem);
        WARD_TRY(ward_client_recv(s, &ch->mem, &msg, err));
        if (msg == NULL)
            return WARD_OK;
        WARD_TRY(deal(ch, (const Message *)msg, err));
        *some = true;
        follow_keys(ch);
    }
}

static enum ward_code follow(struct charts *ch, bool *some, struct ward_err *err)
{
    static const char PATH[] = "/ward.records.v1.Feed/Follow";
    Ward__Records__V1__FollowRequest req = WARD__RECORDS__V1__FOLLOW_REQUEST__INIT;
    struct ward_client_stream *s = NULL;
    struct ward_out with = {0};
    enum ward_code code;

    req.resume_token = ch->token;
    WARD_TRY(ward_client_open_stream(ch->dos->records, PATH, &with,
                                     &ward__records__v1__follow_response__descriptor, &s, err));
    code = WARD_OK;
    if (hold(ch, s)) {
        code = ward_client_send(s, &req.base, err);
        if (code == WARD_OK)
            code = ward_client_send_end(s, err);
        if (code == WARD_OK)
            code = read_on(ch, s, some, err);
    }
    hold(ch, NULL);
    ward_client_close_stream(s);
    return code;
}

/* ---- the thread ---- */

/* The feed belongs to another database: all data derived from the old feed may be wrong. */
static enum ward_code start_over(struct charts *ch, struct ward_err *err)
{
    WARD_LOG(ERROR, "records' feed belongs to another database and is read from the beginning");
    keep_forget_all(ch->keep);
    ch->loaded = false;
    return feed_reset(ch, err);
}

static enum ward_code once(struct charts *ch, bool *some, struct ward_err *err)
{
    enum ward_code code;

    if (ch->w.event_ctx.db == NULL)
        WARD_TRY(ward_db_open(ch->dos->db, &ch->w.event_ctx.db, err));
    if (!ch->loaded) {
        ward_db_deadline(ch->w.event_ctx.db, WARD_NO_DEADLINE);
        WARD_TRY(feed_load(ch, err));
        ch->loaded = true;
    }
    follow_keys(ch);
    code = follow(ch, some, err);
    /* The token is the only argument, so the token is invalid: from another database, or
     * malformed. */
    if (code == WARD_OUT_OF_RANGE || (code == WARD_INVALID_ARGUMENT && *ch->token != '\0'))
        return start_over(ch, err);
    return code;
}

/* Waits about ms, with a random variation, so that replicas do not reconnect at the same
 * time. */
static bool rest(struct charts *ch, int ms)
{
    struct timespec until;
    uint32_t dice;
    int64_t ns;
    bool stop;

    ward_random(&dice, sizeof(dice));
    ns = ward_mono_ns() + (ms / 2 + (int64_t)(dice % (unsigned)ms)) * WARD_NS_PER_MS;
    until = (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    pthread_mutex_lock(&ch->lock);
    while (!ch->stop && pthread_cond_timedwait(&ch->halt, &ch->lock, &until) == 0)
        ;
    stop = ch->stop;
    pthread_mutex_unlock(&ch->lock);
    return !stop;
}

void *charts_follow(void *arg)
{
    struct charts *ch = arg;
    int ms = FIRST_MS;

    do {
        struct ward_err err = {0};
        bool some = false;
        enum ward_code code = once(ch, &some, &err);

        ms = some ? FIRST_MS : ms * 2 > MOST_MS ? MOST_MS : ms * 2;
        if (code == WARD_OK || code == WARD_DEADLINE_EXCEEDED)
            continue; /* the normal end of a stream */
        if (!ch->lost)
            ward_log_err(WARD_LOG_WARN, "records' feed is lost", &err);
        ch->lost = true;
    } while (rest(ch, ms));
    return NULL;
}
