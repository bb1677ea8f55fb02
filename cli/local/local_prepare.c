/* Creates keys, certificates, passwords and configuration of the embedded default. */
#include "cli/local/local.h"

#include "cli/pki/pki.h"
#include "common/auth/auth.h"
#include "common/base/crypto.h"
#include "common/base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CERT_HOURS  (30 * 24)
#define RENEW_HOURS (7 * 24)

static enum ward_code folders(struct local *l, struct ward_err *err)
{
    static const char *const names[] = {"run",     "tmp", "pki",    "keys",
                                        "secrets", "log", "gallery"};

    for (size_t i = 0; i < WARD_COUNT(names); i++) {
        const char *path = local_path(l, "%s", names[i]);

        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return WARD_FAIL(err, FAILED_PRECONDITION, "cannot create %.100s: %s", path,
                             strerror(errno));
    }
    return WARD_OK;
}

static enum ward_code renew(const char *pki, const char *name, int *n, struct ward_err *err)
{
    if (ward_pki_hours_left(pki, name) > RENEW_HOURS)
        return WARD_OK;
    ++*n;
    return ward_pki_issue(pki, name, CERT_HOURS, err);
}

enum ward_code local_renew(struct local *l, int *n, struct ward_err *err)
{
    const char *pki = local_path(l, "pki");

    *n = 0;
    WARD_TRY(ward_pki_ca(pki, err));
    for (int i = 0; i < l->n_services; i++)
        WARD_TRY(renew(pki, l->service[i].name, n, err));
    return renew(pki, "wardctl", n, err);
}

static void random_hex(char out[2 * WARD_KEY_SIZE + 1])
{
    uint8_t bytes[WARD_KEY_SIZE];

    ward_random(bytes, sizeof(bytes));
    ward_hex(bytes, sizeof(bytes), out);
    ward_wipe(bytes, sizeof(bytes));
}

/* Creates the root key of a service, if its local.env names one. */
static enum ward_code kek(struct local *l, const char *name, struct ward_err *err)
{
    const char *file = ward_printf(&l->mem, "%s.env", name);
    const char *env = file == NULL ? NULL : local_text(file);
    char text[2 * WARD_KEY_SIZE + 2];
    enum ward_code code;

    if (env == NULL || strstr(env, ward_printf(&l->mem, "/keys/%s.kek", name)) == NULL)
        return WARD_OK;
    random_hex(text);
    memcpy(text + strlen(text), "\n", 2);
    code = local_keep(local_path(l, "keys/%s.kek", name), text, err);
    ward_wipe(text, sizeof(text));
    return code;
}

static enum ward_code signing_key(const char *path, struct ward_err *err)
{
    uint8_t seed[WARD_ED25519_SEED];
    struct ward_sign_key *key;
    enum ward_code code;

    if (access(path, F_OK) == 0)
        return WARD_OK;
    ward_random(seed, sizeof(seed));
    code = ward_sign_key_new(seed, &key, err);
    ward_wipe(seed, sizeof(seed));
    WARD_TRY(code);
    code = ward_sign_key_save(key, path, err);
    ward_sign_key_free(key);
    return code;
}

static enum ward_code jwks(struct local *l, struct ward_err *err)
{
    struct ward_sign_key *key;
    char *text = NULL;
    enum ward_code code;

    WARD_TRY(ward_sign_key_load(local_path(l, "keys/issuer.pem"), &key, err));
    code = ward_jwks_print((const struct ward_sign_key *const[]){key}, 1, &l->mem, &text, err);
    ward_sign_key_free(key);
    WARD_TRY(code);
    return local_write(local_path(l, "keys/jwks.json"), text, err);
}

static enum ward_code keys(struct local *l, struct ward_err *err)
{
    WARD_TRY(signing_key(local_path(l, "keys/issuer.pem"), err));
    for (int i = 0; i < l->n_services; i++)
        WARD_TRY(kek(l, l->service[i].name, err));
    return jwks(l, err);
}

static enum ward_code password(struct local *l, const char *service, char out[65],
                               struct ward_err *err)
{
    const char *path = local_path(l, "secrets/%s.db", service);
    FILE *f;
    bool ok;

    random_hex(out);
    WARD_TRY(local_keep(path, out, err));
    f = fopen(path, "re");
    ok = f != NULL && fgets(out, 65, f) != NULL && strlen(out) == 64;
    if (f != NULL)
        fclose(f);
    for (const char *c = out; ok && *c != '\0'; c++)
        /* only hexadecimal digits, because the password is quoted in SQL */
        ok = strchr("0123456789abcdef", *c) != NULL;
    return ok ? WARD_OK : WARD_FAIL(err, FAILED_PRECONDITION, "%.120s is damaged", path);
}

/* Writes init.sql, which MariaDB runs at every start, before it accepts connections. */
static enum ward_code users(struct local *l, struct ward_err *err)
{
    char *sql = ward_strdup(&l->mem, "");

    for (int i = 0; i < l->n_services; i++) {
        const char *name = l->service[i].name;
        char secret[65];

        WARD_TRY(password(l, name, secret, err));
        sql = ward_printf(&l->mem,
                          "%sCREATE DATABASE IF NOT EXISTS %s;\n"
                          "CREATE OR REPLACE USER %s@localhost IDENTIFIED BY '%s';\n"
                          "GRANT ALL ON %s.* TO %s@localhost;\n",
                          sql, name, name, secret, name, name);
        ward_wipe(secret, sizeof(secret));
    }
    return local_write(local_path(l, "secrets/init.sql"), sql, err);
}

enum ward_code local_prepare(struct local *l, struct ward_err *err)
{
    char *cnf;
    int n;

    WARD_TRY(folders(l, err));
    WARD_TRY(local_renew(l, &n, err));
    WARD_TRY(keys(l, err));
    WARD_TRY(users(l, err));
    WARD_TRY(local_expand(l, NULL, "my.cnf", &cnf, err));
    return local_write(local_path(l, "my.cnf"), cnf, err);
}
