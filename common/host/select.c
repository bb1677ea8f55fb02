#include "common/host/select.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/metrics.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEVICES_MAX 16

struct ward_chooser {
    char *dir;
    struct ward_order order;
    const struct ward_option *options;
    int n_options;
    struct ward_opener opener; /* open is NULL: back ends run in this process and stay open */
    ward_try_device *fn;
    void *arg;

    pthread_mutex_t choosing; /* held while devices are tried; guards backend */
    struct ward_backend *backend[WARD_ORDER_MAX];

    pthread_mutex_t lock; /* guards all members below; held only briefly */
    struct ward_candidate found[WARD_ORDER_MAX];
    struct ward_choice choice; /* backend is NULL if there is no choice */
    int64_t tried_ns;
};

static struct ward_family device_ready = {
    .name = "ward_host_device_ready",
    .help = "1 if the back end's device was usable when last tried, otherwise 0.",
    .type = WARD_GAUGE,
    .label = {"backend"},
};
WARD_METRIC_LISTED(device_ready)

static bool is_name(const char *s, size_t n)
{
    return n > 0 && n <= 32 && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_") >= n;
}

enum ward_code ward_order_parse(const char *order, const char *fallback, struct ward_order *out,
                                struct ward_err *err)
{
    struct ward_order o = {0};

    if (strcmp(fallback, "deny") != 0 && strcmp(fallback, "degraded") != 0)
        return WARD_FAIL(err, INVALID_ARGUMENT, "the fallback policy must be deny or degraded");
    o.fallback = strcmp(fallback, "deny") == 0 ? WARD_FALLBACK_DENY : WARD_FALLBACK_DEGRADED;
    for (;; order++) {
        size_t n = strcspn(order, ",");

        if (!is_name(order, n))
            return WARD_FAIL(
                err, INVALID_ARGUMENT,
                "the order of back ends must be names of a-z, 0-9 and _, separated by commas");
        if (o.n == WARD_ORDER_MAX)
            return WARD_FAIL(err, INVALID_ARGUMENT, "the order has more than %d back ends",
                             WARD_ORDER_MAX);
        memcpy(o.name[o.n], order, n);
        for (int i = 0; i < o.n; i++)
            if (strcmp(o.name[i], o.name[o.n]) == 0)
                return WARD_FAIL(err, INVALID_ARGUMENT, "the order names %s twice", o.name[i]);
        o.n++;
        order += n;
        if (*order == '\0')
            break;
    }
    *out = o;
    return WARD_OK;
}

static enum ward_code chooser_new(const struct ward_order *order, ward_try_device *fn,
                                  void *arg, struct ward_chooser **out, struct ward_err *err)
{
    struct ward_chooser *c;

    if (order->n < 1 || order->n > WARD_ORDER_MAX)
        return WARD_FAIL(err, INVALID_ARGUMENT, "the order must name 1 to %d back ends",
                         WARD_ORDER_MAX);
    c = calloc(1, sizeof(*c));
    if (c == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a chooser");
    c->order = *order;
    c->fn = fn;
    c->arg = arg;
    pthread_mutex_init(&c->choosing, NULL);
    pthread_mutex_init(&c->lock, NULL);
    for (int i = 0; i < order->n; i++) {
        memcpy(c->found[i].backend, order->name[i], sizeof(c->found[i].backend));
        snprintf(c->found[i].why, sizeof(c->found[i].why), "not tried yet");
    }
    *out = c;
    return WARD_OK;
}

enum ward_code ward_chooser_open(const char *plugins_dir, const struct ward_order *order,
                                 ward_try_device *fn, void *arg, struct ward_chooser **out,
                                 struct ward_err *err)
{
    return ward_chooser_open_with(plugins_dir, order, NULL, 0, fn, arg, out, err);
}

enum ward_code ward_chooser_open_with(const char *plugins_dir, const struct ward_order *order,
                                      const struct ward_option *options, int n,
                                      ward_try_device *fn, void *arg, struct ward_chooser **out,
                                      struct ward_err *err)
{
    struct ward_chooser *c = NULL;
    char *dir;

    WARD_TRY(chooser_new(order, fn, arg, &c, err));
    dir = strdup(plugins_dir);
    if (dir == NULL) {
        ward_chooser_close(c);
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a chooser");
    }
    c->dir = dir;
    c->options = options;
    c->n_options = n;
    *out = c;
    return WARD_OK;
}

enum ward_code ward_chooser_open_by(const struct ward_opener *opener,
                                    const struct ward_order *order, ward_try_device *fn,
                                    void *arg, struct ward_chooser **out, struct ward_err *err)
{
    struct ward_chooser *c = NULL;

    WARD_TRY(chooser_new(order, fn, arg, &c, err));
    c->opener = *opener;
    *out = c;
    return WARD_OK;
}

/* Tries the devices of one back end in its order and returns the first device that is ready and
 * answers correctly. */
static enum ward_code try_devices(const struct ward_chooser *c, struct ward_backend *b,
                                  struct ward_device *out, struct ward_err *err)
{
    struct ward_device d[DEVICES_MAX];
    enum ward_code code = WARD_UNAVAILABLE;
    uint32_t n = DEVICES_MAX;
    char said[sizeof(err->detail)];

    WARD_TRY(ward_backend_devices(b, d, &n, err));
    if (n == 0) {
        snprintf(said, sizeof(said), "%s", err->detail);
        WARD_FAIL(err, UNAVAILABLE, "no device is present");
        ward_err_detail(err, "%s", said);
        return WARD_UNAVAILABLE;
    }
    for (uint32_t i = 0; i < n && code != WARD_OK; i++) {
        *out = d[i];
        code = d[i].ready == 1
                   ? c->fn(c->arg, b, &d[i], err)
                   : WARD_FAIL(err, UNAVAILABLE, "the back end's device is not ready");
    }
    return code;
}

/* Tries a back end. Without an opener, a back end is opened once and stays open. If
 * opening fails, the next try opens the back end again. */
static enum ward_code try_backend(struct ward_chooser *c, int i, struct ward_candidate *now,
                                  struct ward_backend **used, struct ward_err *err)
{
    const bool anew = c->opener.open != NULL;
    struct ward_backend *b = c->backend[i];
    enum ward_code code = WARD_OK;

    memcpy(now->backend, c->order.name[i], sizeof(now->backend));
    if (anew)
        code = c->opener.open(c->opener.arg, c->order.name[i], &b, err);
    else if (b == NULL)
        code =
            ward_backend_open_with(c->dir, c->order.name[i], c->options, c->n_options, &b, err);
    if (!anew)
        c->backend[i] = b;
    if (code == WARD_OK) {
        code = try_devices(c, b, &now->device, err);
        if (anew && code != WARD_OK)
            ward_backend_close(b);
    }
    now->ready = code == WARD_OK;
    if (code != WARD_OK) {
        snprintf(now->why, sizeof(now->why), "%s", err->msg);
        snprintf(now->detail, sizeof(now->detail), "%.191s", err->detail);
    }
    *used = b;
    return code;
}

/* Marks a back end as not tried. Its device remains that of the last try. */
static void leave_out(struct ward_candidate *was, const char *why)
{
    was->ready = false;
    snprintf(was->why, sizeof(was->why), "%s", why);
    was->detail[0] = '\0';
}

static void publish(struct ward_chooser *c, const struct ward_candidate *now, int tried,
                    const struct ward_choice *choice)
{
    pthread_mutex_lock(&c->lock);
    for (int i = 0; i < c->order.n; i++) {
        if (i < tried)
            c->found[i] = now[i];
        else
            leave_out(&c->found[i], choice->backend != NULL
                                        ? "not tried, because an earlier back end is used"
                                        : "not tried, because the fallback policy is deny");
    }
    c->choice = *choice;
    c->tried_ns = ward_mono_ns();
    pthread_mutex_unlock(&c->lock);
    for (int i = 0; i < tried; i++)
        ward_metric_set(ward_series_of(&device_ready, c->order.name[i], NULL, NULL),
                        now[i].ready);
}

/* Logs the state of an unusable back end, but only when the state has changed. */
static void tell(struct ward_chooser *c, int i, const struct ward_candidate *now)
{
    bool same;

    pthread_mutex_lock(&c->lock);
    same =
        strcmp(c->found[i].why, now->why) == 0 && strcmp(c->found[i].detail, now->detail) == 0;
    pthread_mutex_unlock(&c->lock);
    if (same)
        return;
    WARD_LOG(WARN, "a back end is unusable", WARD_KV("backend", now->backend),
             WARD_KV("why", now->why), WARD_KV("detail", now->detail));
}

static void tell_choice(const struct ward_choice *was, const struct ward_choice *is,
                        const char *backend)
{
    if (ward_choice_same(was, is))
        return;
    ward_log_write(
        is->degraded ? WARD_LOG_WARN : WARD_LOG_INFO, __FILE__, __LINE__, "a device was chosen",
        (struct ward_field[]){WARD_KV("backend", backend), WARD_KV("device", is->device.name),
                              WARD_KN("degraded", is->degraded)},
        3);
}

/* Fails with the list of tried back ends, for the log. */
static enum ward_code none(const struct ward_chooser *c, const struct ward_candidate *now,
                           int tried, struct ward_err *err)
{
    char all[320] = "";
    size_t used = 0;

    for (int i = 0; i < tried && used < sizeof(all); i++) {
        bool more = now[i].detail[0] != '\0';

        used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s: %s%s%s%s",
                                 i == 0 ? "" : "; ", now[i].backend, now[i].why,
                                 more ? " (" : "", now[i].detail, more ? ")" : "");
    }
    if (c->order.fallback == WARD_FALLBACK_DENY)
        WARD_FAIL_REASON(err, UNAVAILABLE, "DEVICE_NOT_READY",
                         "%s has no usable device, and the fallback policy is deny: %.80s",
                         c->order.name[0], now[0].why);
    else
        WARD_FAIL_REASON(err, UNAVAILABLE, "DEVICE_NOT_READY",
                         "no device is usable; %s: %.100s", c->order.name[tried - 1],
                         now[tried - 1].why);
    ward_err_detail(err, "%s", all);
    return WARD_UNAVAILABLE;
}

static enum ward_code choose(struct ward_chooser *c, struct ward_choice *out,
                             struct ward_err *err)
{
    int most = c->order.fallback == WARD_FALLBACK_DENY ? 1 : c->order.n, tried = 0;
    struct ward_candidate now[WARD_ORDER_MAX] = {0};
    struct ward_choice is = {0}, was;

    while (tried < most && is.backend == NULL) {
        struct ward_backend *used = NULL;
        struct ward_err why = {0};
        int i = tried++;

        if (try_backend(c, i, &now[i], &used, &why) == WARD_OK)
            is = (struct ward_choice){
                .backend = used, .device = now[i].device, .degraded = i > 0, .rank = i};
        else
            tell(c, i, &now[i]);
    }
    pthread_mutex_lock(&c->lock);
    was = c->choice;
    pthread_mutex_unlock(&c->lock);
    publish(c, now, tried, &is);
    if (is.backend == NULL)
        return none(c, now, tried, err);
    tell_choice(&was, &is, c->order.name[is.rank]);
    *out = is;
    return WARD_OK;
}

enum ward_code ward_choose(struct ward_chooser *c, struct ward_choice *out,
                           struct ward_err *err)
{
    enum ward_code code;

    pthread_mutex_lock(&c->choosing);
    code = choose(c, out, err);
    pthread_mutex_unlock(&c->choosing);
    return code;
}

enum ward_code ward_choose_now(struct ward_chooser *c, struct ward_choice *out,
                               struct ward_err *err)
{
    struct ward_choice now;

    pthread_mutex_lock(&c->lock);
    now = c->choice;
    pthread_mutex_unlock(&c->lock);
    if (now.backend == NULL)
        return WARD_FAIL_REASON(err, UNAVAILABLE, "DEVICE_NOT_READY", "no device was chosen");
    *out = now;
    return WARD_OK;
}

bool ward_choose_due(struct ward_chooser *c, int recheck_ms)
{
    bool wanting;
    int64_t age_ns;

    pthread_mutex_lock(&c->lock);
    wanting = c->choice.backend == NULL || c->choice.degraded;
    age_ns = c->tried_ns == 0 ? INT64_MAX : ward_mono_ns() - c->tried_ns;
    pthread_mutex_unlock(&c->lock);
    return wanting && age_ns >= recheck_ms * WARD_NS_PER_MS;
}

bool ward_choice_same(const struct ward_choice *a, const struct ward_choice *b)
{
    return (a->backend == NULL) == (b->backend == NULL) && a->rank == b->rank &&
           a->device.kind == b->device.kind && a->device.ordinal == b->device.ordinal;
}

int ward_chooser_report(struct ward_chooser *c, struct ward_candidate out[WARD_ORDER_MAX])
{
    pthread_mutex_lock(&c->lock);
    memcpy(out, c->found, sizeof(c->found));
    pthread_mutex_unlock(&c->lock);
    return c->order.n;
}

void ward_chooser_close(struct ward_chooser *c)
{
    if (c == NULL)
        return;
    for (int i = 0; i < c->order.n; i++)
        ward_backend_close(c->backend[i]);
    pthread_mutex_destroy(&c->choosing);
    pthread_mutex_destroy(&c->lock);
    free(c->dir);
    free(c);
}
