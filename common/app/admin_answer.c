/* The answers of the admin port. */
#include "common/app/admin.h"
#include "common/app/metrics_text.h"
#include "common/base/log.h"

#include <string.h>

static const char *const LEVELS[] = {"error", "warn", "info", "debug"};

static int get_metrics(struct ward_app *app, const struct ward_admin_request *r, FILE *to)
{
    struct ward_core *c = app->core;
    bool closing;

    (void)r;
    pthread_mutex_lock(&c->scrape);
    closing = c->closing;
    if (!closing)
        ward_metrics_print(to);
    pthread_mutex_unlock(&c->scrape);
    if (closing)
        fprintf(to, "stopping\n");
    return closing ? 503 : 200;
}

/* The event loop answers, so the process is alive. /readyz reports whether the process can
 * serve. An unavailable database must not cause a restart. */
static int get_livez(struct ward_app *app, const struct ward_admin_request *r, FILE *to)
{
    (void)app, (void)r;
    fprintf(to, "alive\n");
    return 200;
}

static int get_readyz(struct ward_app *app, const struct ward_admin_request *r, FILE *to)
{
    (void)r;
    return ward_ready_print(app, to) ? 200 : 503;
}

static int get_loglevel(struct ward_app *app, const struct ward_admin_request *r, FILE *to)
{
    (void)app, (void)r;
    fprintf(to, "%s\n", LEVELS[ward_log_level_now()]);
    return 200;
}

static int put_loglevel(struct ward_app *app, const struct ward_admin_request *r, FILE *to)
{
    char name[sizeof(r->body)];
    enum ward_level level;

    if (!r->ours) {
        fprintf(
            to,
            "only root and this service's user, on the same machine, may set the log level\n");
        return 403;
    }
    memcpy(name, r->body, sizeof(name));
    if (r->n_body > 0 && name[r->n_body - 1] == '\n')
        name[r->n_body - 1] = '\0';
    if (strlen(name) + 1 < r->n_body || !ward_log_level_parse(name, &level)) {
        fprintf(to, "the body must be error, warn, info or debug\n");
        return 400;
    }
    ward_log_level(level);
    return get_loglevel(app, r, to);
}

static const struct {
    const char *method, *path;
    int (*fn)(struct ward_app *app, const struct ward_admin_request *r, FILE *to);
} ROUTES[] = {
    {"GET", "/metrics", get_metrics},   {"GET", "/livez", get_livez},
    {"GET", "/readyz", get_readyz},     {"GET", "/loglevel", get_loglevel},
    {"PUT", "/loglevel", put_loglevel},
};

int ward_admin_answer(struct ward_app *app, const struct ward_admin_request *r, FILE *to)
{
    bool path = false;

    for (size_t i = 0; i < WARD_COUNT(ROUTES); i++) {
        if (strcmp(ROUTES[i].path, r->path) != 0)
            continue;
        path = true;
        if (strcmp(ROUTES[i].method, r->method) == 0)
            return ROUTES[i].fn(app, r, to);
    }
    fprintf(to, path ? "this HTTP method is not allowed for this path\n"
                     : "unknown path; use /metrics, /livez, /readyz or /loglevel\n");
    return path ? 405 : 404;
}
