#include "common/app/doctor/doctor.h"

#include "common/base/log.h"

#include <stdlib.h>
#include <string.h>

#define DOCTOR_ARENA ((size_t)1 << 20)

struct ward_doctor *ward_doctor_new(const struct ward_app *app, const struct ward_opt *opts,
                                    const void *cfg)
{
    struct ward_doctor *d = calloc(1, sizeof(*d));

    WARD_ASSERT(d != NULL);
    *d = (struct ward_doctor){.app = app, .opts = opts, .cfg = cfg};
    ward_arena_init(&d->mem, DOCTOR_ARENA);
    return d;
}

void ward_doctor_free(struct ward_doctor *d)
{
    if (d == NULL)
        return;
    ward_bus_hangup(d->bus);
    ward_db_close(d->db);
    ward_arena_done(&d->mem);
    free(d);
}

void ward_doctor_schema(struct ward_doctor *d, const struct ward_schema *schema)
{
    if (schema != NULL && d->n_sets < WARD_DOCTOR_SETS)
        d->sets[d->n_sets++] = schema;
}

const char *ward_doctor_option(const struct ward_doctor *d, const char *env)
{
    const char *value = NULL;

    for (const struct ward_opt *o = d->opts; o != NULL && o->env != NULL; o++)
        if (o->type == WARD_STR && strcmp(o->env, env) == 0)
            memcpy(&value, (const char *)d->cfg + o->offset, sizeof(value));
    return value == NULL ? "" : value;
}

/* ---- the report ---- */

static void quoted(const char *s)
{
    putchar('"');
    for (; *s != '\0'; s++) {
        unsigned char c = (unsigned char)*s;

        if (c == '"' || c == '\\')
            printf("\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            printf("\\u%04x", c);
        else
            putchar(c);
    }
    putchar('"');
}

static void member(const char *key, const char *value)
{
    printf("%s:", key);
    quoted(value);
}

static void begin(const struct ward_app *app)
{
    if (!app->doctor.json)
        return;
    printf("{");
    member("\"service\"", app->name);
    printf(",\"findings\":[");
}

static void finding(const struct ward_app *app, int before, const char *name, const char *what,
                    const char *means, const char *todo)
{
    if (!app->doctor.json) {
        printf("%s: %s: %s\n  means: %s\n  do:    %s\n", app->name, name, what, means, todo);
        return;
    }
    printf(before > 0 ? ",{" : "{");
    member("\"check\"", name);
    member(",\"what\"", what);
    member(",\"means\"", means);
    member(",\"do\"", todo);
    printf("}");
}

static void end(const struct ward_app *app, int checks, int findings)
{
    if (app->doctor.json)
        printf("],\"checks\":%d}\n", checks);
    else
        printf("%s: %d checks, %d findings\n", app->name, checks, findings);
    fflush(stdout);
}

/* A person with access to this machine reads the report, so it includes the log's detail. */
static void found(struct ward_doctor *d, const struct ward_doctor_check *check,
                  enum ward_code code, const struct ward_err *err)
{
    char what[sizeof(err->msg) + sizeof(err->detail) + 8];

    snprintf(what, sizeof(what), "%s%s%s%s",
             *err->msg == '\0' ? ward_code_name(code) : err->msg,
             *err->detail == '\0' ? "" : " (", err->detail, *err->detail == '\0' ? "" : ")");
    finding(d->app, d->findings++, check->name, what, check->means, check->todo);
}

static void run(struct ward_doctor *d, const struct ward_doctor_check *checks, void *arg)
{
    for (; checks != NULL && checks->name != NULL; checks++) {
        struct ward_err err = {0};
        enum ward_code code;

        if (checks->needs_db && d->db == NULL)
            continue;
        code = checks->fn(arg, d->db, &err);
        d->checks++;
        if (code != WARD_OK)
            found(d, checks, code, &err);
    }
}

int ward_doctor_run(struct ward_doctor *d)
{
    ward_log_level(WARD_LOG_ERROR);
    begin(d->app);
    run(d, ward_doctor_files, d);
    run(d, ward_doctor_database, d);
    run(d, ward_doctor_network, d);
    run(d, d->own, d->own_arg);
    end(d->app, d->checks, d->findings);
    return d->findings;
}

void ward_doctor_refused(const struct ward_app *app, const struct ward_err *err)
{
    begin(app);
    finding(app, 0, "configuration", err->msg,
            "The service does not start with these options. The other checks did not run.",
            "Correct the option (docs/config.md) and run this check again.");
    end(app, 1, 1);
}
