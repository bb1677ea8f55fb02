/* Checks of the files that the options name: certificates, keys, the issuer's keys. */
#include "common/app/doctor/doctor.h"

#include "common/base/x509/cert.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOUR_S INT64_C(3600)

static const struct ward_tls *tls_of(const struct ward_doctor *d)
{
    return &d->app->cfg.tls;
}

/* Reads the service's certificate. The check `certificate` reports a failure; the other checks
 * then find nothing. */
static enum ward_code read_own(const struct ward_doctor *d, struct ward_cert *out)
{
    const struct ward_tls *t = tls_of(d);

    return ward_cert_read(t->cert, t->key, t->ca, out, NULL);
}

static enum ward_code certificate(void *arg, struct ward_db *db, struct ward_err *err)
{
    const struct ward_doctor *d = arg;
    const struct ward_tls *t = tls_of(d);
    struct ward_cert c;

    (void)db;
    if (*t->cert == '\0')
        return WARD_FAIL(err, FAILED_PRECONDITION, "WARD_TLS_CERT is not set");
    WARD_TRY(ward_cert_read(t->cert, t->key, t->ca, &c, err));
    if (!c.key_fits)
        return WARD_FAIL(err, FAILED_PRECONDITION,
                         "the key of WARD_TLS_KEY does not belong to the certificate");
    if (!c.trusted)
        return WARD_FAIL(err, FAILED_PRECONDITION,
                         "the authority of WARD_TLS_CA did not issue the certificate for "
                         "servers and clients");
    return WARD_OK;
}

static enum ward_code certificate_name(void *arg, struct ward_db *db, struct ward_err *err)
{
    const struct ward_doctor *d = arg;
    struct ward_cert c;
    char want[128];

    (void)db;
    snprintf(want, sizeof(want), "spiffe://ward/%s", d->app->name);
    if (read_own(d, &c) != WARD_OK || strcmp(c.uri, want) == 0)
        return WARD_OK;
    return WARD_FAIL(err, FAILED_PRECONDITION, "the certificate has the URI \"%.60s\", not %s",
                     c.uri, want);
}

static enum ward_code certificate_life(void *arg, struct ward_db *db, struct ward_err *err)
{
    const struct ward_doctor *d = arg;
    struct ward_cert c;

    (void)db;
    if (read_own(d, &c) != WARD_OK)
        return WARD_OK;
    if (c.since_s < 0)
        return WARD_FAIL(err, FAILED_PRECONDITION,
                         "the certificate becomes valid in %" PRId64 " hours",
                         1 - c.since_s / HOUR_S);
    if (c.left_s < 0)
        return WARD_FAIL(err, FAILED_PRECONDITION,
                         "the certificate expired %" PRId64 " hours ago",
                         1 - c.left_s / HOUR_S);
    /* certificates are usually renewed when a third of the lifetime is left */
    if (c.left_s < (c.since_s + c.left_s) / 10)
        return WARD_FAIL(err, FAILED_PRECONDITION,
                         "the certificate expires in %" PRId64 " hours, and less than a tenth "
                         "of its lifetime is left",
                         c.left_s / HOUR_S);
    return WARD_OK;
}

static enum ward_code root_key(void *arg, struct ward_db *db, struct ward_err *err)
{
    static const char *const names[] = {"WARD_KEK", "WARD_KEK_OLD", "WARD_AUDIT_KEK"};
    const struct ward_doctor *d = arg;
    uint8_t key[WARD_KEY_SIZE];

    (void)db;
    for (size_t i = 0; i < WARD_COUNT(names); i++) {
        const char *path = ward_doctor_option(d, names[i]);
        enum ward_code code;

        if (*path == '\0' || strncmp(path, "pkcs11:", 7) == 0)
            continue;
        code = ward_key_load(path, key, err);
        ward_wipe(key, sizeof(key));
        WARD_TRY(code);
    }
    return WARD_OK;
}

static enum ward_code private_key(void *arg, struct ward_db *db, struct ward_err *err)
{
    const struct ward_doctor *d = arg;
    const char *const paths[] = {tls_of(d)->key, d->app->cfg.db.tls_key};
    struct stat st;

    (void)db;
    for (size_t i = 0; i < WARD_COUNT(paths); i++)
        if (*paths[i] != '\0' && stat(paths[i], &st) == 0 &&
            !ward_is_private(st.st_mode, st.st_uid, geteuid()))
            return WARD_FAIL(err, FAILED_PRECONDITION,
                             "other users can read %.100s (mode %03o)", paths[i],
                             (unsigned)st.st_mode & 0777);
    return WARD_OK;
}

static enum ward_code issuer_keys(void *arg, struct ward_db *db, struct ward_err *err)
{
    const struct ward_app_config *c = &((const struct ward_doctor *)arg)->app->cfg;
    struct ward_jwks *j;

    (void)db;
    if (*c->jwks == '\0')
        return WARD_FAIL(err, FAILED_PRECONDITION, "WARD_JWKS is not set");
    WARD_TRY(ward_jwks_open(
        &(struct ward_jwks_config){
            .path = c->jwks, .issuer = c->issuer, .audience = c->audience, .claims = c->claims},
        &j, err));
    ward_jwks_close(j);
    return WARD_OK;
}

const struct ward_doctor_check ward_doctor_files[] = {
    {"certificate", certificate, false,
     "No other service, device or gateway can call this service, and this service can call no "
     "other.",
     "Give the service a certificate, its key and the authority that issued the certificate "
     "(docs/deploy.md, step 3)."},
    {"certificate-name", certificate_name, false,
     "Peers read the name of a service from this URI. Peers refuse this service.",
     "Issue the certificate again with this URI as a subject alternative name."},
    {"certificate-life", certificate_life, false,
     "Before and after the certificate's validity, all calls to and from the service fail at "
     "once.",
     "Renew the certificate, find out why nobody renewed it, and check this machine's clock. A "
     "running service reads a new file without a restart."},
    {"root-key", root_key, false,
     "The root key opens every other key of the service. Without the file the service does not "
     "start, and a person who has the file and the database can read all patients' data.",
     "Restore the key file from its paper copy, or run `chmod 600` on the file. If other users "
     "could read the file, replace the root key (RotateKeys)."},
    {"private-key", private_key, false,
     "A person who copies this key can call other services under this service's name.",
     "Run `chmod 600` on the key file. If other users could read the file, issue a new "
     "certificate."},
    {"issuer-keys", issuer_keys, false,
     "No person can call the service, because no bearer token can be verified.",
     "Fetch the keys with `wardctl jwks fetch`, and check WARD_JWKS and WARD_ISSUER."},
    {0},
};
