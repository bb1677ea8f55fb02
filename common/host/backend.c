#include "common/base/log.h"
#include "common/host/host_own.h"

#include <dlfcn.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The table of version 1.0 ends after instance_free. A plugin with a shorter table was built
 * with another header.
 */
#define TABLE_1_0 (offsetof(struct ward_plugin, instance_free) + sizeof(void (*)(void *)))

const char *ward_plugin_unfit(const struct ward_plugin *p)
{
    if (p == NULL)
        return "entry returned NULL";
    if (p->major != WARD_PLUGIN_MAJOR)
        return "built for another major version";
    if (p->minor > WARD_PLUGIN_MINOR)
        return "built for a newer host";
    if (p->size < TABLE_1_0)
        return "table is too short";
    if (p->name == NULL || p->version == NULL || *p->name == '\0' || *p->version == '\0')
        return "no name or version";
    if (p->devices == NULL || p->model_load == NULL || p->model_info == NULL ||
        p->model_free == NULL || p->instance_new == NULL || p->run == NULL ||
        p->instance_free == NULL)
        return "a required function is missing";
    if ((p->open == NULL) != (p->close == NULL))
        return "open and close must be set together";
    return NULL;
}

static struct ward_family events = {
    .name = "ward_plugin_events_total",
    .help = "Counters of the inference plugins, by plugin and event.",
    .type = WARD_COUNTER,
    .label = {"event"},
};
WARD_METRIC_LISTED(events)

/* Logs a plugin's line. The plugin's text is a field and never the message. */
static void host_log(void *ctx, int level, const char *msg)
{
    const struct ward_backend *b = ctx;
    struct ward_field f[] = {WARD_KV("plugin", b->p->name), WARD_KV("said", msg)};

    if (msg != NULL && level >= WARD_LOG_ERROR && level <= WARD_LOG_DEBUG)
        ward_log_write((enum ward_level)level, __FILE__, __LINE__, "plugin", f, 2);
}

void ward_plugin_event(const char *name, double add)
{
    ward_metric_add(ward_series_of(&events, name, NULL, NULL), add);
}

static void host_metric(void *ctx, const char *name, double add)
{
    (void)ctx;
    if (name != NULL && add >= 0)
        ward_plugin_event(name, add);
}

static const char *host_option(void *ctx, const char *key)
{
    const struct ward_backend *b = ctx;

    for (int i = 0; key != NULL && i < b->n_options; i++)
        if (strcmp(b->options[i].key, key) == 0)
            return b->options[i].value;
    return NULL;
}

enum ward_code ward_plugin_said(int code, const struct ward_backend *b,
                                const struct ward_plugin_err *perr, struct ward_err *err)
{
    enum ward_code c = code > 0 && code < WARD_N_CODES ? (enum ward_code)code : WARD_INTERNAL;

    if (b->said != NULL)
        return b->said(b->plugin, code, err);
    ward_err_set(err, c, __FILE__, __LINE__, "the %s back end failed", b->p->name);
    ward_err_detail(err, "code %d: %.*s", code, (int)sizeof(perr->msg), perr->msg);
    return c;
}

static bool good_name(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");

    return n > 0 && n <= 32 && name[n] == '\0';
}

enum ward_code ward_plugin_find(const char *dir, const char *name, char path[PATH_MAX],
                                struct ward_err *err)
{
    char folder[PATH_MAX], want[PATH_MAX + 64];
    struct stat st, st_dir;

    if (!good_name(name))
        return WARD_FAIL(err, INVALID_ARGUMENT,
                         "a plugin's name must consist of a-z, 0-9 and _");
    if (realpath(dir, folder) == NULL || stat(folder, &st_dir) != 0)
        return WARD_FAIL(err, NOT_FOUND, "no plugin folder %.100s", dir);
    snprintf(want, sizeof(want), "%s/%s.so", folder, name);
    if (realpath(want, path) == NULL || stat(path, &st) != 0)
        return WARD_FAIL(err, NOT_FOUND, "no plugin %s", name);
    if (strncmp(path, folder, strlen(folder)) != 0 || path[strlen(folder)] != '/')
        return WARD_FAIL(err, FAILED_PRECONDITION, "plugin %s is outside its folder", name);
    if (!S_ISREG(st.st_mode) || ((st.st_mode | st_dir.st_mode) & S_IWOTH) != 0)
        return WARD_FAIL(err, FAILED_PRECONDITION,
                         "every user can write plugin %s or its folder", name);
    return WARD_OK;
}

static enum ward_code load(const char *path, const char *name, const struct ward_plugin **out,
                           struct ward_err *err)
{
    const struct ward_plugin *(*entry)(void);
    const char *unfit;
    void *so;

    so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (so == NULL) {
        WARD_FAIL(err, NOT_FOUND, "plugin %s or a library it needs cannot be loaded", name);
        ward_err_detail(err, "%s", dlerror());
        return WARD_NOT_FOUND;
    }
    *(void **)&entry = dlsym(so, WARD_PLUGIN_ENTRY);
    if (entry == NULL)
        return WARD_FAIL(err, FAILED_PRECONDITION, "plugin %s: no %s", name, WARD_PLUGIN_ENTRY);
    unfit = ward_plugin_unfit(entry());
    if (unfit != NULL)
        return WARD_FAIL(err, FAILED_PRECONDITION, "plugin %s: %s", name, unfit);
    *out = entry();
    return WARD_OK;
}

enum ward_code ward_backend_open(const char *dir, const char *name, struct ward_backend **out,
                                 struct ward_err *err)
{
    return ward_backend_open_with(dir, name, NULL, 0, out, err);
}

enum ward_code ward_backend_open_with(const char *dir, const char *name,
                                      const struct ward_option *options, int n,
                                      struct ward_backend **out, struct ward_err *err)
{
    struct ward_plugin_err perr = {0};
    const struct ward_plugin *p = NULL;
    struct ward_backend *b;
    char path[PATH_MAX];
    int rc;

    WARD_TRY(ward_plugin_find(dir, name, path, err));
    WARD_TRY(load(path, name, &p, err));
    b = calloc(1, sizeof(*b));
    if (b == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a back end");
    b->p = p;
    b->options = options;
    b->n_options = n;
    b->host = (struct ward_host){.size = sizeof(b->host),
                                 .major = WARD_PLUGIN_MAJOR,
                                 .minor = WARD_PLUGIN_MINOR,
                                 .ctx = b,
                                 .log = host_log,
                                 .metric = host_metric,
                                 .option = host_option};
    pthread_mutex_init(&b->lock, NULL);
    rc = p->open == NULL ? 0 : p->open(&b->host, &b->plugin, &perr);
    if (rc != 0) {
        enum ward_code code = ward_plugin_said(rc, b, &perr, err);

        pthread_mutex_destroy(&b->lock);
        free(b);
        return code;
    }
    *out = b;
    return WARD_OK;
}

enum ward_code ward_backend_of(const struct ward_plugin *table, void *plugin,
                               ward_backend_said *said, struct ward_backend **out,
                               struct ward_err *err)
{
    const char *unfit = ward_plugin_unfit(table);
    struct ward_backend *b;

    if (unfit != NULL)
        return WARD_FAIL(err, FAILED_PRECONDITION, "the back end's table: %s", unfit);
    b = calloc(1, sizeof(*b));
    if (b == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a back end");
    *b = (struct ward_backend){.p = table, .plugin = plugin, .said = said};
    pthread_mutex_init(&b->lock, NULL);
    *out = b;
    return WARD_OK;
}

void *ward_backend_plugin(const struct ward_backend *b, ward_backend_said *said)
{
    return b->said == said ? b->plugin : NULL;
}

void ward_backend_close(struct ward_backend *b)
{
    if (b == NULL)
        return;
    if (b->p->close != NULL)
        b->p->close(b->plugin);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

const char *ward_backend_name(const struct ward_backend *b)
{
    return b->p->name;
}

enum ward_code ward_backend_devices(struct ward_backend *b, struct ward_device *out,
                                    uint32_t *n, struct ward_err *err)
{
    struct ward_plugin_err perr = {0};
    uint32_t found = 0;
    int rc;

    pthread_mutex_lock(&b->lock);
    rc = b->p->devices(b->plugin, out, *n, &found, &perr);
    pthread_mutex_unlock(&b->lock);
    if (rc != 0)
        return ward_plugin_said(rc, b, &perr, err);
    if (found > *n)
        return WARD_FAIL(err, INTERNAL, "the %s back end returned too many devices",
                         b->p->name);
    /* adds the cause; an empty list of devices is not a failure */
    if (found == 0 && perr.msg[0] != '\0')
        ward_err_detail(err, "%.*s", (int)sizeof(perr.msg), perr.msg);
    for (uint32_t i = 0; i < found; i++)
        out[i].name[sizeof(out[i].name) - 1] = '\0';
    *n = found;
    return WARD_OK;
}
