/* Checks of the names and addresses that the options contain. */
#include "common/app/doctor/doctor.h"

#include "common/base/clock.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define BUS_MS 10000 /* longest wait for a connection to audit, enough for a busy machine */

/* Copies the host of "tls+tcp://host:port", "dns:///host:port" or "host:port"; "" for a path on
 * this machine. */
static void host_of(const char *address, size_t len, char *out, size_t cap)
{
    char text[512];
    char *host = text, *end;

    snprintf(text, sizeof(text), "%.*s", (int)len, address);
    *out = '\0';
    if (strncmp(text, "ipc:", 4) == 0 || strncmp(text, "unix:", 5) == 0)
        return;
    end = strstr(text, "://");
    if (end != NULL)
        host = end + 3;
    host += strspn(host, "/ ");
    if (*host == '[') {
        host++;
        end = strchr(host, ']');
    } else {
        end = strrchr(host, ':');
    }
    if (end != NULL)
        *end = '\0';
    snprintf(out, cap, "%s", host);
}

static enum ward_code resolves(const char *option, const char *host, struct ward_err *err)
{
    struct addrinfo want = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    int why = *host == '\0' ? 0 : getaddrinfo(host, NULL, &want, &found);

    if (found != NULL)
        freeaddrinfo(found);
    if (why == 0)
        return WARD_OK;
    return WARD_FAIL(err, UNAVAILABLE, "the name %.80s in %s does not resolve: %.60s", host,
                     option, gai_strerror(why));
}

static enum ward_code names(void *arg, struct ward_db *db, struct ward_err *err)
{
    static const char *const options[] = {"WARD_RECORDS", "WARD_IDENTITY", "WARD_AUDIT"};
    const struct ward_doctor *d = arg;
    const char *bus = d->app->cfg.audit_bus;
    char host[256];

    (void)db;
    for (size_t i = 0; i < WARD_COUNT(options); i++) {
        const char *value = ward_doctor_option(d, options[i]);

        host_of(value, strlen(value), host, sizeof(host));
        WARD_TRY(resolves(options[i], host, err));
    }
    host_of(bus, strlen(bus), host, sizeof(host));
    return resolves("WARD_AUDIT_BUS", host, err);
}

static enum ward_code hint_peers(void *arg, struct ward_db *db, struct ward_err *err)
{
    const char *at = ward_doctor_option(arg, "WARD_HINT_PEERS");
    char host[256];

    (void)db;
    while (*at != '\0') {
        size_t n = strcspn(at, ",");

        host_of(at, n, host, sizeof(host));
        WARD_TRY(resolves("WARD_HINT_PEERS", host, err));
        at += n + (at[n] == ',');
    }
    return WARD_OK;
}

static enum ward_code audit_bus(void *arg, struct ward_db *db, struct ward_err *err)
{
    struct ward_doctor *d = arg;
    const struct ward_app_config *c = &d->app->cfg;
    const struct ward_bus_tls tls = {c->tls.cert, c->tls.key, c->tls.ca};
    int64_t until = ward_mono_ns() + BUS_MS * WARD_NS_PER_MS;

    (void)db;
    if (*c->audit_bus == '\0' || *ward_doctor_option(d, "WARD_AUDIT_BUS_LISTEN") != '\0')
        return WARD_OK; /* audit itself sends no events to a bus */
    WARD_TRY(ward_bus_dial(c->audit_bus, &tls, &d->bus, err));
    while (!ward_bus_connected(d->bus) && ward_left_ms(until) > 0)
        nanosleep(&(struct timespec){.tv_nsec = 20 * WARD_NS_PER_MS}, NULL);
    if (ward_bus_connected(d->bus))
        return WARD_OK;
    ward_bus_hangup(d->bus);
    d->bus = NULL;
    return WARD_FAIL(err, UNAVAILABLE, "no connection to audit at %.100s within %d s",
                     c->audit_bus, BUS_MS / 1000);
}

/* audit stores the newest row of each service's outbox. Reporting a `sent` of 0 does not change
 * the stored row. */
static enum ward_code database_age(void *arg, struct ward_db *db, struct ward_err *err)
{
    struct ward_doctor *d = arg;
    int64_t sent, next;

    if (d->bus == NULL)
        return WARD_OK;
    WARD_TRY(ward_outbox_age(db, &sent, &next, err));
    return ward_bus_mark(d->bus, d->app->name, 0, (uint64_t)(next > 0 ? next - 1 : 0), BUS_MS,
                         err);
}

const struct ward_doctor_check ward_doctor_network[] = {
    {"names", names, false,
     "This service cannot reach the named service. Calls that need the named service fail with "
     "UNAVAILABLE.",
     "Correct the name, or create the Service or DNS record."},
    {"hint-peers", hint_peers, false,
     "This replica finds the other replicas' changes only by polling the database. A face that "
     "another replica enrolled or erased takes effect here later.",
     "Name the headless Service of identity in WARD_HINT_PEERS."},
    {"audit", audit_bus, false,
     "Audit events wait in the service's database. Recent events have no proof yet, and the "
     "database grows until audit can be reached.",
     "Start audit, and check WARD_AUDIT_BUS, WARD_AUDIT_BUS_LISTEN of audit, the certificates "
     "and the network policy."},
    {"database-age", database_age, true,
     "The database was restored from a backup, or this service used another database before. "
     "Acknowledged changes are missing.",
     "Follow docs/runbooks/WardDatabaseRestored.md before anybody works with the data."},
    {0},
};
