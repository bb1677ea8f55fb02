/* The database and the relay to audit, for every service that uses a database or sends audit
 * events. */
#include "common/app/app_core.h"
#include "common/base/clock.h"
#include "common/base/log.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COMING_UP_MS    30000
#define PING_MS         1500
#define DRAIN_SLACK_MS  5000 /* time for the statements before and after a delivery */
#define EXPIRE_EVERY_MS INT64_C(600000)

/* Waits for `ms` milliseconds. Returns false if the process must stop. */
static bool nap(struct ward_core *c, int ms)
{
    int64_t end = ward_mono_ns() + ms * WARD_NS_PER_MS;
    struct timespec until = {.tv_sec = (time_t)(end / 1000000000), .tv_nsec = end % 1000000000};
    bool go;

    pthread_mutex_lock(&c->lock);
    while (c->stop == WARD_STOP_NONE &&
           pthread_cond_timedwait(&c->changed, &c->lock, &until) == 0)
        ;
    go = c->stop == WARD_STOP_NONE;
    pthread_mutex_unlock(&c->lock);
    return go;
}

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
           strncmp(host, "127.", 4) == 0;
}

enum ward_code ward_database_sealed(const struct ward_app *app, struct ward_err *err)
{
    const struct ward_app_config *c = &app->cfg;

    if (*c->db.socket != '\0' || *c->db.tls_ca != '\0' || c->db_plain != 0 ||
        is_loopback(c->db.host))
        return WARD_OK;
    return WARD_FAIL(err, INVALID_ARGUMENT,
                     "a database over TCP needs TLS: set WARD_DB_TLS_CA, or set "
                     "WARD_DB_PLAIN=1 for connections without TLS");
}

enum ward_code ward_database_open(struct ward_app *app, const struct ward_schema *schema,
                                  struct ward_err *err)
{
    const struct ward_schema *const sets[] = {&ward_schema_common, schema};
    int64_t until = ward_mono_ns() + COMING_UP_MS * WARD_NS_PER_MS;
    enum ward_code code;
    bool said = false;

    WARD_TRY(ward_database_sealed(app, err));
    for (;;) {
        code = ward_db_migrate(&app->cfg.db, sets, schema == NULL ? 1 : 2, err);
        if (code != WARD_UNAVAILABLE || ward_left_ms(until) == 0)
            return code;
        if (!said)
            ward_log_err(WARD_LOG_WARN, "waiting for the database", err);
        said = true;
        if (!nap(app->core, 500))
            return code;
    }
}

enum ward_code ward_database_check(void *arg, struct ward_err *err)
{
    struct ward_app *app = arg;
    struct ward_db **db = &app->core->check_db;

    if (*db == NULL)
        WARD_TRY(ward_db_open(&app->cfg.db, db, err));
    ward_db_deadline(*db, ward_mono_ns() + PING_MS * WARD_NS_PER_MS);
    return ward_db_ping(*db, err);
}

/* Runs after ward_database_check, on the same connection. ward_database_check reports an
 * unavailable database. */
enum ward_code ward_database_writers(void *arg, struct ward_err *err)
{
    struct ward_core *c = ((struct ward_app *)arg)->core;
    struct ward_err away = {0};
    enum ward_code code;

    if (c->check_db == NULL)
        return WARD_OK;
    ward_db_deadline(c->check_db, ward_mono_ns() + PING_MS * WARD_NS_PER_MS);
    code = ward_db_writers(c->check_db, &c->writers, &away);
    if (code != WARD_FAILED_PRECONDITION)
        return WARD_OK;
    *err = away;
    return code;
}

/* ---- outbox: callbacks of the relay, on its thread ---- */

struct carrier {
    const char *name; /* name of the service */
    struct ward_db *db;
    int64_t expire_ns; /* time of the next search for expired idempotency keys */
    struct ward_bus_item items[WARD_BUS_MAX_ITEMS];
};

struct delivery {
    struct carrier *carrier;
    struct ward_bus_client *to;
    int timeout_ms;
};

static enum ward_code carrier_open(void *svc, void **wrk, struct ward_err *err)
{
    const struct ward_app *app = svc;
    struct carrier *k = calloc(1, sizeof(*k));
    enum ward_code code;

    if (k == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the relay");
    k->name = app->name;
    code = ward_db_open(&app->cfg.db, &k->db, err);
    if (code != WARD_OK) {
        free(k);
        return code;
    }
    *wrk = k;
    return WARD_OK;
}

static void carrier_close(void *wrk)
{
    struct carrier *k = wrk;

    if (k == NULL)
        return;
    ward_db_close(k->db);
    free(k);
}

static enum ward_code deliver(void *arg, const struct ward_outbox_item *items, size_t n,
                              struct ward_err *err)
{
    const struct delivery *d = arg;

    if (n > WARD_BUS_MAX_ITEMS)
        return WARD_FAIL(err, INTERNAL, "a batch exceeds the size of a frame");
    for (size_t i = 0; i < n; i++) {
        struct ward_bus_item *to = &d->carrier->items[i];

        memcpy(to->id, items[i].event_id, sizeof(to->id));
        to->p = items[i].event;
        to->n = items[i].n;
    }
    return ward_bus_deliver(d->to, d->carrier->items, n, d->timeout_ms, err);
}

static enum ward_code drain(void *wrk, size_t most, struct ward_bus_client *to, int timeout_ms,
                            size_t *n, struct ward_err *err)
{
    struct carrier *k = wrk;
    struct delivery d = {.carrier = k, .to = to, .timeout_ms = timeout_ms};

    if (most > WARD_BUS_MAX_ITEMS)
        most = WARD_BUS_MAX_ITEMS;
    ward_db_deadline(k->db, ward_mono_ns() + (timeout_ms + DRAIN_SLACK_MS) * WARD_NS_PER_MS);
    return ward_outbox_drain(k->db, most, deliver, &d, n, err);
}

/* audit stores the newest row number that it has received. If the database's next row number is
 * not larger than the stored number, the database was restored or replaced. Only delivered rows
 * are reported. Delivered rows are committed, so no crash undoes them. */
static enum ward_code mark(void *wrk, struct ward_bus_client *to, int timeout_ms,
                           struct ward_err *err)
{
    struct carrier *k = wrk;
    int64_t sent, next;

    ward_db_deadline(k->db, ward_mono_ns() + DRAIN_SLACK_MS * WARD_NS_PER_MS);
    WARD_TRY(ward_outbox_age(k->db, &sent, &next, err));
    return ward_bus_mark(to, k->name, (uint64_t)sent, (uint64_t)(next > 0 ? next - 1 : 0),
                         timeout_ms, err);
}

static enum ward_code backlog(void *wrk, int64_t *rows, int64_t *held, double *age_s,
                              struct ward_err *err)
{
    struct carrier *k = wrk;

    ward_db_deadline(k->db, ward_mono_ns() + DRAIN_SLACK_MS * WARD_NS_PER_MS);
    if (ward_mono_ns() >=
        k->expire_ns) { /* housekeeping; a failure is retried after EXPIRE_EVERY_MS */
        k->expire_ns = ward_mono_ns() + EXPIRE_EVERY_MS * WARD_NS_PER_MS;
        (void)!ward_idem_expire(k->db, NULL);
    }
    return ward_outbox_backlog(k->db, rows, held, age_s, err);
}

static void wake(void *relay)
{
    ward_relay_wake(relay);
}

enum ward_code ward_outbox_open(void *arg, struct ward_err *err)
{
    struct ward_app *app = arg;
    const struct ward_app_config *c = &app->cfg;

    if (*c->audit_bus == '\0')
        return WARD_FAIL(err, INVALID_ARGUMENT,
                         "WARD_AUDIT_BUS is required, because %s sends audit events",
                         app->name);
    WARD_TRY(ward_relay_start(
        &(struct ward_relay_config){
            .url = c->audit_bus,
            .tls = {.cert = c->tls.cert, .key = c->tls.key, .ca = c->tls.ca},
            .svc = app,
            .open = carrier_open,
            .close = carrier_close,
            .drain = drain,
            .mark = mark,
            .backlog = backlog},
        &app->relay, err));
    ward_outbox_on_commit(wake, app->relay);
    return WARD_OK;
}

void ward_outbox_close(void *arg)
{
    struct ward_app *app = arg;

    ward_outbox_on_commit(NULL, NULL);
    ward_relay_stop(app->relay, app->cfg.drain_ms);
    app->relay = NULL;
}

enum ward_code ward_outbox_check(void *arg, struct ward_err *err)
{
    const struct ward_app *app = arg;

    return ward_relay_check(app->relay, err);
}

enum ward_code ward_outbox_age_check(void *arg, struct ward_err *err)
{
    const struct ward_app *app = arg;

    return ward_relay_age(app->relay, err);
}
