#include "common/base/x509/cert.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#define DAY_S INT64_C(86400)

struct parts {
    X509 *leaf;
    STACK_OF(X509) * rest; /* the chain's other certificates */
    EVP_PKEY *key;
    X509_STORE *store;
};

static void parts_done(struct parts *p)
{
    X509_free(p->leaf);
    sk_X509_pop_free(p->rest, X509_free);
    EVP_PKEY_free(p->key);
    X509_STORE_free(p->store);
    ERR_clear_error();
}

static enum ward_code open_file(const char *path, FILE **out, struct ward_err *err)
{
    *out = fopen(path, "re");
    return *out != NULL ? WARD_OK : WARD_FAIL(err, NOT_FOUND, "cannot read %.120s", path);
}

static enum ward_code read_chain(const char *path, struct parts *p, struct ward_err *err)
{
    FILE *f;
    X509 *more;

    WARD_TRY(open_file(path, &f, err));
    p->leaf = PEM_read_X509(f, NULL, NULL, NULL);
    p->rest = sk_X509_new_null();
    while (p->leaf != NULL && p->rest != NULL &&
           (more = PEM_read_X509(f, NULL, NULL, NULL)) != NULL) {
        if (sk_X509_push(p->rest, more) <= 0)
            X509_free(more);
    }
    fclose(f);
    if (p->leaf == NULL || p->rest == NULL)
        return WARD_FAIL(err, FAILED_PRECONDITION, "%.120s contains no certificate", path);
    return WARD_OK;
}

static enum ward_code read_key(const char *path, struct parts *p, struct ward_err *err)
{
    FILE *f;

    WARD_TRY(open_file(path, &f, err));
    p->key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
    fclose(f);
    if (p->key == NULL)
        return WARD_FAIL(err, FAILED_PRECONDITION, "%.120s contains no private key", path);
    return WARD_OK;
}

static enum ward_code read_ca(const char *path, struct parts *p, struct ward_err *err)
{
    FILE *f;

    WARD_TRY(open_file(path, &f, err));
    fclose(f);
    p->store = X509_STORE_new();
    if (p->store == NULL || X509_STORE_load_file(p->store, path) != 1)
        return WARD_FAIL(err, FAILED_PRECONDITION, "%.120s contains no authority", path);
    return WARD_OK;
}

static enum ward_code read_all(const char *chain, const char *key, const char *ca,
                               struct parts *p, struct ward_err *err)
{
    WARD_TRY(read_chain(chain, p, err));
    WARD_TRY(read_key(key, p, err));
    return read_ca(ca, p, err);
}

static void read_uri(X509 *leaf, char *out, size_t cap)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);

    *out = '\0';
    for (int i = 0; *out == '\0' && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);

        if (n->type == GEN_URI)
            snprintf(out, cap, "%.*s", ASN1_STRING_length(n->d.uniformResourceIdentifier),
                     (const char *)ASN1_STRING_get0_data(n->d.uniformResourceIdentifier));
    }
    GENERAL_NAMES_free(names);
}

static bool issued(const struct parts *p, int purpose)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    bool ok = ctx != NULL && X509_STORE_CTX_init(ctx, p->store, p->leaf, p->rest) == 1;

    if (ok) {
        X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_NO_CHECK_TIME);
        ok = X509_STORE_CTX_set_purpose(ctx, purpose) == 1 && X509_verify_cert(ctx) == 1;
    }
    X509_STORE_CTX_free(ctx);
    return ok;
}

/* Computes the seconds from now until t. */
static bool until(const ASN1_TIME *t, int64_t *out)
{
    int days, seconds;

    if (ASN1_TIME_diff(&days, &seconds, NULL, t) != 1)
        return false;
    *out = days * DAY_S + seconds;
    return true;
}

enum ward_code ward_cert_read(const char *chain, const char *key, const char *ca,
                              struct ward_cert *out, struct ward_err *err)
{
    struct parts p = {0};
    enum ward_code code = read_all(chain, key, ca, &p, err);
    struct ward_cert c = {0};

    if (code == WARD_OK && (!until(X509_get0_notBefore(p.leaf), &c.since_s) ||
                            !until(X509_get0_notAfter(p.leaf), &c.left_s)))
        code = WARD_FAIL(err, FAILED_PRECONDITION, "%.120s has an invalid date", chain);
    if (code == WARD_OK) {
        c.since_s = -c.since_s;
        c.key_fits = X509_check_private_key(p.leaf, p.key) == 1;
        c.trusted = issued(&p, X509_PURPOSE_SSL_SERVER) && issued(&p, X509_PURPOSE_SSL_CLIENT);
        read_uri(p.leaf, c.uri, sizeof(c.uri));
        *out = c;
    }
    parts_done(&p);
    return code;
}
