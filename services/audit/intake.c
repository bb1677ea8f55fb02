#include "services/audit/intake.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "services/audit/wire.h"

#include <stdio.h>
#include <string.h>

#define ARENA_CAP ((size_t)192 << 20)
/* maximum time for a delivery; shorter than a relay waits for its acknowledgement */
#define WAIT_MS 8000
#define TRIES   3

struct worker {
    struct audit *a;
    struct ward_db *db;
    struct ward_arena mem;
};

struct audit_intake {
    struct audit *a;
    struct ward_bus_server *server;
};

static struct ward_family quarantined = {
    .name = "ward_audit_quarantined_total",
    .help = "Number of invalid events from the message bus that audit quarantined.",
    .type = WARD_COUNTER,
};
WARD_METRIC_LISTED(quarantined)

/* State of a delivery. */
struct delivery {
    struct audit *a;
    struct ward_db *db;
    struct ward_arena *mem;
    const char *peer;
    const struct ward_bus_item *items;
    size_t n;
    bool *bad; /* bad[i]: items[i] goes to quarantine */
    struct ward_err *why;
    struct audit_raw *raws; /* the events to append ... */
    /* index of each event's item; n for an event about the quarantine */
    size_t *from;
    size_t n_raws;
};

/* ---- quarantine ---- */

/* Derives an event id (UUID version 8) from the item, so that a repeated item is recorded
 * once. */
static void quarantine_id(const struct delivery *d, const struct ward_bus_item *it,
                          uint8_t out[16])
{
    static const char PURPOSE[] = "ward quarantine";
    uint8_t h[WARD_SHA256_SIZE];
    const struct ward_bytes parts[] = {{PURPOSE, sizeof(PURPOSE)},
                                       {d->peer, strlen(d->peer) + 1},
                                       {it->id, 16},
                                       {it->p, it->n}};

    ward_sha256_parts(parts, 4, h);
    memcpy(out, h, 16);
    out[6] = (uint8_t)((out[6] & 0x0f) | 0x80);
    out[8] = (uint8_t)((out[8] & 0x3f) | 0x80);
}

static enum ward_code put_aside(const struct delivery *d, const struct ward_bus_item *it,
                                const uint8_t id[16], const char *reason, struct ward_err *err)
{
    static const char SQL[] = "INSERT IGNORE INTO quarantine"
                              " (event_id, item_id, peer, at_us, reason, key_id, sealed)"
                              " VALUES (?, ?, ?, ?, ?, ?, ?)";
    uint8_t *sealed = ward_alloc(d->mem, it->n + WARD_SEAL_EXTRA), subject[1][16];
    struct audit_content_key key = {0};

    if (sealed == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for this delivery");
    vault_search(audit_vault(d->a), "service", AUDIT_NAME " quarantine", subject[0]);
    WARD_TRY(vault_keys(audit_vault(d->a), d->db, d->mem, (const uint8_t(*)[16])subject, 1,
                        &key, err));
    WARD_TRY(ward_seal(key.key, id, 16, it->p, it->n, sealed, err));
    return ward_db_run(d->db, d->mem, SQL,
                       WARD_PARAMS(ward_blob(id, 16), ward_blob(it->id, 16), ward_text(d->peer),
                                   ward_int(d->mem, ward_wall_us()), ward_text(reason),
                                   ward_int(d->mem, (int64_t)key.id),
                                   ward_blob(sealed, it->n + WARD_SEAL_EXTRA)),
                       NULL, err);
}

static enum ward_code say_so(struct delivery *d, const struct ward_bus_item *it,
                             const uint8_t id[16], const struct ward_err *why,
                             struct ward_err *err)
{
    uint8_t hash[WARD_SHA256_SIZE];
    char hex[2 * WARD_SHA256_SIZE + 1], item[37];
    struct own o = {.action = "audit.event.quarantined",
                    .outcome = WARD__AUDIT__V1__OUTCOME__OUTCOME_FAILURE,
                    .code = ward_code_name(why->code),
                    .peer = d->peer,
                    .event_id = id};

    ward_sha256(it->p, it->n, hash);
    ward_hex(hash, sizeof(hash), hex);
    ward_uuid_text(it->id, item);
    own_detail(&o, "item_id", item);
    own_detail(&o, "sha256", hex);
    own_detail(&o, "bytes", ward_printf(d->mem, "%zu", it->n));
    own_detail(&o, "reason", why->msg);
    WARD_TRY(own_build(&o, d->mem, &d->raws[d->n_raws], err));
    d->from[d->n_raws++] = d->n;
    return WARD_OK;
}

static enum ward_code quarantine(struct delivery *d, size_t i, struct ward_err *err)
{
    const struct ward_bus_item *it = &d->items[i];
    struct audit_entry there;
    uint8_t id[16];
    enum ward_code code;

    quarantine_id(d, it, id);
    WARD_TRY(put_aside(d, it, id, d->why[i].msg, err));
    code = entry_find(audit_vault(d->a), d->db, d->mem, id, &there, err);
    if (code != WARD_NOT_FOUND)
        return code; /* the item was already recorded */
    if (err != NULL)
        *err = (struct ward_err){0};
    ward_count(&quarantined, 1);
    ward_log_err(WARD_LOG_WARN, "an item from the bus is not a valid event", &d->why[i]);
    return say_so(d, it, id, &d->why[i], err);
}

/* ---- receiving ---- */

static enum ward_code admit(const struct delivery *d, const struct ward_bus_item *it,
                            struct audit_raw *raw, struct ward_err *why)
{
    Event *msg;

    if (it->n > AUDIT_EVENT_MAX)
        return WARD_FAIL(why, INVALID_ARGUMENT, "the event is larger than %d bytes",
                         AUDIT_EVENT_MAX);
    WARD_TRY(event_read(it->p, it->n, d->mem, &msg, why));
    WARD_TRY(event_admit(msg, it->p, it->n, d->peer, d->mem, raw, why));
    if (memcmp(raw->e->id, it->id, 16) != 0)
        return WARD_FAIL(why, INVALID_ARGUMENT, "event_id is not the item's id");
    return WARD_OK;
}

static bool ours(enum ward_code code)
{
    return code == WARD_RESOURCE_EXHAUSTED || code == WARD_INTERNAL;
}

static enum ward_code gather(struct delivery *d, struct ward_err *err)
{
    d->n_raws = 0;
    for (size_t i = 0; i < d->n; i++) {
        enum ward_code code = WARD_OK;

        if (!d->bad[i])
            code = admit(d, &d->items[i], &d->raws[d->n_raws], &d->why[i]);
        /* lack of memory, or another failure here, is not a fault of the item */
        if (ours(code)) {
            *err = d->why[i];
            return code;
        }
        d->bad[i] = d->bad[i] || code != WARD_OK;
        if (d->bad[i])
            WARD_TRY(quarantine(d, i, err));
        else
            d->from[d->n_raws++] = i;
    }
    return WARD_OK;
}

/* Marks items whose id belongs to a different event in the log: they go to quarantine, and the
 * rest is tried again. If the conflict is in an event about the quarantine, another replica has
 * just recorded that event. */
static void mark(struct delivery *d, const struct audit_item *items)
{
    for (size_t k = 0; k < d->n_raws; k++) {
        size_t i = d->from[k];

        if (!items[k].conflict || i == d->n)
            continue;
        d->bad[i] = true;
        (void)WARD_FAIL_REASON(&d->why[i], ALREADY_EXISTS, "EVENT_ID_CONFLICT",
                               "the log contains a different event with this id");
    }
}

enum ward_code intake_take(struct audit *a, struct ward_db *db, struct ward_arena *mem,
                           const char *peer, const struct ward_bus_item *items, size_t n,
                           struct ward_err *err)
{
    const int64_t deadline_ns = ward_mono_ns() + WAIT_MS * WARD_NS_PER_MS;
    struct delivery d = {.a = a, .db = db, .mem = mem, .peer = peer, .items = items, .n = n};
    struct audit_item *appended = NULL;
    enum ward_code code = WARD_OK;
    uint64_t size;

    d.bad = ward_alloc(mem, n * sizeof(*d.bad));
    d.why = ward_alloc(mem, n * sizeof(*d.why));
    d.raws = ward_alloc(mem, n * sizeof(*d.raws));
    d.from = ward_alloc(mem, n * sizeof(*d.from));
    if (mem->full)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for this delivery");
    ward_db_deadline(db, deadline_ns);
    for (int i = 0; i < TRIES; i++) {
        WARD_TRY(gather(&d, err));
        if (d.n_raws == 0)
            return WARD_OK;
        code =
            log_append(a, db, mem, d.raws, d.n_raws, deadline_ns, NULL, &appended, &size, err);
        if (code != WARD_ALREADY_EXISTS)
            break;
        mark(&d, appended);
    }
    return code;
}

/* ---- the bus ---- */

static enum ward_code worker_open(void *svc, void **wrk, struct ward_err *err)
{
    struct audit_intake *in = svc;
    struct ward_arena mem;
    struct worker *w;
    enum ward_code code;

    ward_arena_init(&mem, ARENA_CAP);
    w = ward_new(&mem, struct worker);
    if (w == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory");
    w->a = in->a;
    code = ward_db_open(audit_cfg(in->a)->db, &w->db, err);
    if (code != WARD_OK) {
        ward_arena_done(&mem);
        return code;
    }
    w->mem = mem; /* the worker is stored in its own arena */
    *wrk = w;
    return WARD_OK;
}

static void worker_close(void *wrk)
{
    struct worker *w = wrk;
    struct ward_arena mem = w->mem;

    ward_db_close(w->db);
    ward_arena_done(&mem);
}

static enum ward_code take(void *svc, void *wrk, const char *peer,
                           const struct ward_bus_item *items, size_t n, struct ward_err *err)
{
    struct worker *w = wrk;
    struct ward_arena mem;
    enum ward_code code;

    (void)svc;
    ward_arena_init(&mem, ARENA_CAP);
    code = intake_take(w->a, w->db, &mem, peer, items, n, err);
    ward_arena_done(&mem);
    return code;
}

static enum ward_code take_mark(void *svc, void *wrk, const char *peer, const char *service,
                                uint64_t sent, uint64_t last, struct ward_err *err)
{
    struct worker *w = wrk;
    struct ward_arena mem;
    enum ward_code code;

    (void)svc;
    ward_arena_init(&mem, (size_t)64 << 10);
    ward_db_deadline(w->db, ward_mono_ns() + WAIT_MS * WARD_NS_PER_MS);
    code = intake_mark(w->db, &mem, peer, service, sent, last, err);
    ward_arena_done(&mem);
    return code;
}

enum ward_code intake_start(struct audit *a, struct ward_arena *keep, struct audit_intake **out,
                            struct ward_err *err)
{
    struct audit_intake *in = ward_new(keep, struct audit_intake);
    const struct audit_config *cfg = audit_cfg(a);

    if (in == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory");
    in->a = a;
    if (*cfg->bus_listen != '\0')
        WARD_TRY(ward_bus_listen(
            &(struct ward_bus_server_config){
                .url = cfg->bus_listen,
                .tls = *cfg->bus_tls,
                .threads = cfg->bus_threads,
                .svc = in,
                .wrk_open = worker_open,
                .wrk_close = worker_close,
                .take = take,
                .mark = take_mark,
            },
            &in->server, err));
    *out = in;
    return WARD_OK;
}

void intake_stop(struct audit_intake *in)
{
    if (in != NULL && in->server != NULL)
        ward_bus_stop(in->server);
}
