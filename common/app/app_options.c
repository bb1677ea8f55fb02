/* The options of every service, and the output of the command line. */
#include "common/app/app_core.h"
#include "common/app/metrics_text.h"
#include "common/app/version.h"
#include "common/base/log.h"
#include "common/base/text.h"

#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(struct ward_app_config, field)
#define STR(env, field, def, help)                                                             \
    {                                                                                          \
        env, WARD_STR, AT(field), def, 0, 0, "", help, false                                   \
    }
#define INT(env, field, def, min, max, unit, help)                                             \
    {                                                                                          \
        env, WARD_INT, AT(field), def, min, max, unit, help, false                             \
    }

static const struct ward_opt OPTIONS[] = {
    STR("WARD_LISTEN", listen, "0.0.0.0:50051", "gRPC address: host:port or unix:/path"),
    STR("WARD_TRANSPORT", transport, "h2",
        "transport for calls: h2 (libnghttp2 and OpenSSL), or core (gRPC's C core)"),
    STR("WARD_ADMIN_LISTEN", admin_listen, "0.0.0.0:9090",
        "address of /metrics, /livez, /readyz and /loglevel"),
    STR("WARD_LOG_LEVEL", log_level, "info", "error, warn, info or debug"),
    INT("WARD_WORKERS", workers, "4", 1, 256, "",
        "number of calls that the service handles concurrently"),
    INT("WARD_STREAMS", streams, "4", 0, 256, "",
        "number of streams that the service handles concurrently"),
    INT("WARD_POLLERS", pollers, "0", 0, 64, "",
        "number of poll threads; 0: half the cores, from 1 to 4"),
    INT("WARD_QUEUE", queue, "256", 1, 65536, "",
        "maximum number of calls that wait for a worker"),
    INT("WARD_ARENA_KIB", arena_kib, "256", 16, 1048576, "KiB", "memory limit of one call"),
    INT("WARD_MAX_MESSAGE_KIB", max_message_kib, "0", 0, 1048576, "KiB",
        "largest message; 0: the memory limit of one call"),
    INT("WARD_DRAIN_MS", drain_ms, "5000", 0, 600000, "ms",
        "at shutdown: time for calls in progress to end"),
    INT("WARD_LAME_MS", lame_ms, "2000", 0, 60000, "ms",
        "at shutdown: time between becoming unready and rejecting calls"),
    INT("WARD_MAX_AGE_MS", max_age_ms, "300000", 0, 86400000, "ms",
        "age of a connection at which the service asks the client to reconnect; 0: never"),
    INT("WARD_MAX_AGE_GRACE_MS", max_age_grace_ms, "30000", 0, 86400000, "ms",
        "time for calls in progress to end after the service asks a connection to reconnect"),
    INT("WARD_HANDSHAKE_MS", handshake_ms, "5000", 100, 120000, "ms",
        "time limit for a TLS handshake"),
    INT("WARD_WATCHDOG_RSS_MIB", watchdog_rss_mib, "0", 0, 1048576, "MiB",
        "resident memory above which the watchdog ends the process; 0: no limit"),
    STR("WARD_TLS_CERT", tls.cert, "", "PEM file with the service's certificate chain"),
    STR("WARD_TLS_KEY", tls.key, "", "PEM file with the private key"),
    STR("WARD_TLS_CA", tls.ca, "", "PEM file with the certificate authority of all peers"),
    STR("WARD_JWKS", jwks, "",
        "JWKS file with the keys that sign bearer tokens; without this file, no person can "
        "call"),
    STR("WARD_ISSUER", issuer, "", "issuer that bearer tokens must name"),
    STR("WARD_AUDIENCE", audience, "ward", "audience that bearer tokens must name"),
    INT("WARD_TOKEN_MAX_S", token_max_s, "86400", 60, 31536000, "s",
        "longest lifetime of a bearer token, from iat (or from now, if iat is missing) to exp"),
    STR("WARD_CLAIM_SUBJECT", claims.subject, "sub",
        "claim with the person's id: a name, or a path with dots"),
    STR("WARD_CLAIM_ROLES", claims.roles, "roles",
        "claim with the array of roles; for Keycloak's realm roles: realm_access.roles"),
    STR("WARD_CLAIM_WARD", claims.ward, "ward", "claim with the person's ward"),
    STR("WARD_CLAIM_PURPOSE", claims.purpose, "purpose", "claim with the purpose of use"),
    STR("WARD_ROLE_NAMES", claims.role_names, "",
        "accepted roles, comma-separated: ROLE, or NAME=ROLE for a role that the issuer calls "
        "NAME; empty: all roles under the issuer's names"),
    STR("WARD_PURPOSE_ABSENT", claims.purpose_absent, "",
        "purpose of use for tokens that do not name a purpose, such as TREAT"),
    STR("WARD_CALLERS", callers, "",
        "additional certificate names with the rights of a caller, comma-separated: "
        "lab-x=gateway, pump-*=devices, pacs=inference"),
    STR("WARD_DB_SOCKET", db.socket, "", "unix socket of the database; empty: connect by TCP"),
    STR("WARD_DB_HOST", db.host, "mariadb", "host name of the database"),
    INT("WARD_DB_PORT", db.port, "3306", 1, 65535, "", "port of the database"),
    STR("WARD_DB_NAME", db.name, "", "name of the database; empty: the service's name"),
    STR("WARD_DB_USER", db.user, "", "user of the database; empty: the service's name"),
    {"WARD_DB_PASSWORD", WARD_STR, AT(db.password), "", 0, 0, "",
     "password of the database user", true},
    STR("WARD_DB_TLS_CA", db.tls_ca, "",
        "PEM file with the certificate authority of the database server"),
    STR("WARD_DB_TLS_CERT", db.tls_cert, "",
        "PEM file with the client certificate for the database"),
    STR("WARD_DB_TLS_KEY", db.tls_key, "", "PEM file with the private key"),
    INT("WARD_DB_PLAIN", db_plain, "0", 0, 1, "",
        "1: permit TCP without TLS to any database; 0: permit TCP without TLS only to a "
        "database on this machine"),
    STR("WARD_AUDIT_BUS", audit_bus, "",
        "address of audit's intake: ipc:///path or tls+tcp://host:port; a host name means all "
        "its addresses"),
    STR("WARD_OTLP_ENDPOINT", otlp.endpoint, "",
        "host:port of an OpenTelemetry collector (OTLP over gRPC) that receives a span for "
        "each sampled call; on another machine, its certificate names spiffe://ward/otlp; "
        "empty: no spans"),
    INT("WARD_OTLP_SAMPLE_PERMILLE", otlp.permille, "1000", 0, 1000, "per mille",
        "share of the calls without a traceparent that are sampled; with a traceparent, the "
        "caller decides"),
    INT("WARD_UNREADY_HELD", unready_held, "0", 0, 1, "",
        "1: the service is unready while audit events are held or audit's log is broken; 0: "
        "the service stays ready, and only metrics report the fault"),
    INT("WARD_NOFILE", nofile, "65536", 256, 1048576, "",
        "limit of open files that the service requests from the system"),
    WARD_OPT_END,
};

/* Returns whether the service's own table has a row of this name. That row replaces the common
 * row. */
static bool replaced(const struct ward_opt *opts, const char *env)
{
    for (; opts != NULL && opts->env != NULL; opts++)
        if (strcmp(opts->env, env) == 0)
            return true;
    return false;
}

static void help(const struct ward_app *app, const struct ward_opt *opts)
{
    printf("%s %s\n\n"
           "usage: %s [--config FILE | --help | --version | --docs common|config|metrics]\n"
           "       %s [--config FILE] --outbox list|release [--json] [ID]\n"
           "       %s [--config FILE] --outbox accept ROW\n"
           "       %s [--config FILE] --migrate\n"
           "       %s [--config FILE] --doctor [--json]\n\n"
           "--outbox lists or releases events that audit refused. It runs instead of the\n"
           "service, with the service's options for the database.\n"
           "--outbox accept accepts a restored database that is older than the audit log.\n"
           "/readyz shows ROW.\n"
           "--migrate updates the database's schema and exits, for a job that runs before\n"
           "the service.\n"
           "--doctor looks for misconfigurations, changes nothing, and exits with status 1\n"
           "if it finds any.\n\n"
           "Options are environment variables, or lines NAME=value in FILE (WARD_CONFIG=FILE\n"
           "also sets FILE). The environment takes precedence.\n\n",
           app->name, ward_version, app->name, app->name, app->name, app->name, app->name);
    if (opts != NULL && opts->env != NULL) {
        printf("Of %s:\n", app->name);
        ward_config_help(opts, stdout);
        printf("\n");
    }
    printf("Options of every service:\n");
    for (const struct ward_opt *o = OPTIONS; o->env != NULL; o++)
        if (!replaced(opts, o->env))
            ward_config_help((const struct ward_opt[]){*o, WARD_OPT_END}, stdout);
}

/* Returns false for an unknown page. */
static bool docs(const char *page, const struct ward_opt *opts)
{
    if (strcmp(page, "common") == 0)
        ward_config_markdown(OPTIONS, stdout);
    else if (strcmp(page, "config") == 0)
        ward_config_markdown(opts, stdout);
    else if (strcmp(page, "metrics") == 0)
        ward_metrics_markdown(stdout);
    else
        return false;
    return true;
}

/* Parses list|release [--json] [ID] and accept ROW after --outbox; *i is the index of `what`.
 * Returns false for other words. */
static bool outbox(struct ward_app *app, const char *what, int argc, char **argv, int *i)
{
    int at = *i + 1;

    if (strcmp(what, "list") == 0)
        app->outbox.what = WARD_OUTBOX_LIST;
    else if (strcmp(what, "release") == 0)
        app->outbox.what = WARD_OUTBOX_RELEASE;
    else if (strcmp(what, "accept") == 0)
        app->outbox.what = WARD_OUTBOX_ACCEPT;
    else
        return false;
    if (at < argc && strcmp(argv[at], "--json") == 0) {
        app->outbox.json = true;
        at++;
    }
    if (at < argc && ward_i64(argv[at], 1, INT64_MAX, &app->outbox.id))
        at++;
    *i = at;
    return app->outbox.what != WARD_OUTBOX_ACCEPT || app->outbox.id > 0;
}

static enum ward_code arguments(struct ward_app *app, const struct ward_opt *opts, int argc,
                                char **argv, const char **file)
{
    int i = 1;

    while (i < argc && !app->exited) {
        const char *arg = argv[i++], *next = i < argc ? argv[i] : NULL;

        app->exited = true;
        if (strcmp(arg, "--help") == 0)
            help(app, opts);
        else if (strcmp(arg, "--version") == 0)
            printf("%s %s\n", app->name, ward_version);
        else if (strcmp(arg, "--docs") != 0 || next == NULL || !docs(next, opts))
            app->exited = false;
        if (app->exited)
            break;
        if (strcmp(arg, "--migrate") == 0) {
            app->migrate_only = true;
            continue;
        }
        if (strcmp(arg, "--doctor") == 0) {
            app->doctor.on = true;
            app->doctor.json = next != NULL && strcmp(next, "--json") == 0;
            i += app->doctor.json;
            continue;
        }
        if (strcmp(arg, "--outbox") == 0 && next != NULL && outbox(app, next, argc, argv, &i))
            continue;
        if (strcmp(arg, "--config") != 0 || next == NULL)
            return WARD_FAIL(&app->err, INVALID_ARGUMENT, "unknown argument %.60s; see --help",
                             arg);
        *file = next;
        i++;
    }
    return WARD_OK;
}

/* Checks options that depend on each other. A table cannot express these checks. */
static enum ward_code consistent(struct ward_app *app)
{
    struct ward_app_config *c = &app->cfg;
    int tls = (*c->tls.cert != '\0') + (*c->tls.key != '\0') + (*c->tls.ca != '\0');
    enum ward_level level;

    if (!ward_log_level_parse(c->log_level, &level))
        return WARD_FAIL(&app->err, INVALID_ARGUMENT,
                         "WARD_LOG_LEVEL must be error, warn, info or debug");
    if (tls != 0 && tls != 3)
        return WARD_FAIL(&app->err, INVALID_ARGUMENT,
                         "WARD_TLS_CERT, WARD_TLS_KEY and WARD_TLS_CA must be set together");
    if (*c->jwks != '\0' && (*c->issuer == '\0' || *c->audience == '\0'))
        return WARD_FAIL(&app->err, INVALID_ARGUMENT,
                         "WARD_JWKS needs WARD_ISSUER and WARD_AUDIENCE");
    if ((*c->db.tls_cert != '\0') != (*c->db.tls_key != '\0') ||
        (*c->db.tls_cert != '\0' && *c->db.tls_ca == '\0'))
        return WARD_FAIL(
            &app->err, INVALID_ARGUMENT,
            "WARD_DB_TLS_CERT, WARD_DB_TLS_KEY and WARD_DB_TLS_CA must be set together");
    if (*c->db.name == '\0')
        c->db.name = app->name;
    if (*c->db.user == '\0')
        c->db.user = app->name;
    ward_log_level(level);
    return WARD_OK;
}

enum ward_code ward_app_options(struct ward_app *app, const struct ward_opt *opts, void *cfg,
                                int argc, char **argv)
{
    const struct ward_config_part parts[] = {{opts, cfg}, {OPTIONS, &app->cfg}};
    const char *file = getenv("WARD_CONFIG");

    WARD_TRY(arguments(app, opts, argc, argv, &file));
    if (app->exited)
        return WARD_OK;
    if (file != NULL && *file == '\0')
        file = NULL;
    WARD_TRY(ward_config_load_parts(parts, 2, file, &app->err));
    return consistent(app);
}
