#include "cli/pki/pki.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CA_HOURS (10L * 365 * 24)

struct pair {
    X509 *cert;
    EVP_PKEY *key;
};

static void pair_done(struct pair *p)
{
    X509_free(p->cert);
    EVP_PKEY_free(p->key);
    *p = (struct pair){0};
}

static enum ward_code path_of(char *out, size_t cap, const char *dir, const char *name,
                              const char *suffix, struct ward_err *err)
{
    if (snprintf(out, cap, "%s/%s%s", dir, name, suffix) >= (int)cap)
        return WARD_FAIL(err, FAILED_PRECONDITION, "the path is too long: %.100s", dir);
    return WARD_OK;
}

/* Writes a temporary file and renames it, so that a reader sees either the old or the new file,
 * never a part. */
static enum ward_code write_pem(const char *path, X509 *cert, EVP_PKEY *key,
                                struct ward_err *err)
{
    char tmp[4096];
    int fd;
    FILE *f;
    bool ok;

    if (snprintf(tmp, sizeof(tmp), "%s.%d.new", path, (int)getpid()) >= (int)sizeof(tmp))
        return WARD_FAIL(err, FAILED_PRECONDITION, "the path is too long: %.100s", path);
    fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, key == NULL ? 0644 : 0600);
    f = fd < 0 ? NULL : fdopen(fd, "w");
    if (f == NULL)
        return WARD_FAIL(err, FAILED_PRECONDITION, "cannot write %.120s", path);
    ok = key == NULL ? PEM_write_X509(f, cert) == 1
                     : PEM_write_PKCS8PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1;
    ok = fflush(f) == 0 && fsync(fd) == 0 && ok;
    ok = fclose(f) == 0 && ok;
    if (ok && rename(tmp, path) == 0)
        return WARD_OK;
    unlink(tmp);
    return WARD_FAIL(err, FAILED_PRECONDITION, "cannot write %.120s", path);
}

static bool add_ext(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *ext;
    bool ok;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    ok = ext != NULL && X509_add_ext(cert, ext, -1) == 1;
    X509_EXTENSION_free(ext);
    return ok;
}

/* Creates a key and an unsigned certificate for `name`. */
static bool fill(struct pair *p, const char *name, long hours)
{
    unsigned char serial[16];
    X509_NAME *subject;
    BIGNUM *bn;
    bool ok;

    p->key = EVP_EC_gen("P-256");
    p->cert = X509_new();
    if (p->key == NULL || p->cert == NULL || RAND_bytes(serial, sizeof(serial)) != 1)
        return false;
    serial[0] &= 0x7f; /* positive, at most 20 octets: RFC 5280, 4.1.2.2 */
    bn = BN_bin2bn(serial, sizeof(serial), NULL);
    ok = bn != NULL && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(p->cert)) != NULL;
    BN_free(bn);
    subject = X509_get_subject_name(p->cert);
    return ok && X509_set_version(p->cert, X509_VERSION_3) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(p->cert), -3600) != NULL &&
           X509_gmtime_adj(X509_getm_notAfter(p->cert), hours * 3600) != NULL &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name,
                                      -1, -1, 0) == 1 &&
           X509_set_pubkey(p->cert, p->key) == 1;
}

static bool sign(struct pair *p, const struct pair *ca)
{
    return X509_set_issuer_name(p->cert, X509_get_subject_name(ca->cert)) == 1 &&
           add_ext(p->cert, ca->cert, NID_subject_key_identifier, "hash") &&
           add_ext(p->cert, ca->cert, NID_authority_key_identifier, "keyid:always") &&
           X509_sign(p->cert, ca->key, EVP_sha256()) > 0;
}

static X509 *read_cert(const char *path)
{
    FILE *f = fopen(path, "re");
    X509 *cert = f == NULL ? NULL : PEM_read_X509(f, NULL, NULL, NULL);

    if (f != NULL)
        fclose(f);
    return cert;
}

static enum ward_code read_ca(const char *dir, struct pair *out, struct ward_err *err)
{
    char cert[4096], key[4096];
    FILE *f;

    WARD_TRY(path_of(cert, sizeof(cert), dir, "ca", ".pem", err));
    WARD_TRY(path_of(key, sizeof(key), dir, "ca", ".key", err));
    f = fopen(key, "re");
    out->key = f == NULL ? NULL : PEM_read_PrivateKey(f, NULL, NULL, NULL);
    if (f != NULL)
        fclose(f);
    out->cert = read_cert(cert);
    if (out->cert != NULL && out->key != NULL &&
        X509_check_private_key(out->cert, out->key) == 1)
        return WARD_OK;
    pair_done(out);
    return WARD_FAIL(err, FAILED_PRECONDITION, "no usable certificate authority in %.100s",
                     dir);
}

/* Writes the key first, because a certificate without its key would look complete. */
static enum ward_code save(const char *dir, const char *name, const struct pair *p,
                           struct ward_err *err)
{
    char path[4096];

    WARD_TRY(path_of(path, sizeof(path), dir, name, ".key", err));
    WARD_TRY(write_pem(path, NULL, p->key, err));
    WARD_TRY(path_of(path, sizeof(path), dir, name, ".pem", err));
    return write_pem(path, p->cert, NULL, err);
}

enum ward_code ward_pki_ca(const char *dir, struct ward_err *err)
{
    struct pair ca = {0};
    enum ward_code code;

    if (read_ca(dir, &ca, NULL) == WARD_OK) {
        pair_done(&ca);
        return WARD_OK;
    }
    if (fill(&ca, "Ward development CA", CA_HOURS) &&
        add_ext(ca.cert, ca.cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
        add_ext(ca.cert, ca.cert, NID_key_usage, "critical,keyCertSign,cRLSign") &&
        X509_set_issuer_name(ca.cert, X509_get_subject_name(ca.cert)) == 1 &&
        add_ext(ca.cert, ca.cert, NID_subject_key_identifier, "hash") &&
        X509_sign(ca.cert, ca.key, EVP_sha256()) > 0)
        code = save(dir, "ca", &ca, err);
    else
        code = WARD_FAIL(err, INTERNAL, "cannot create a certificate authority");
    pair_done(&ca);
    return code;
}

static bool name_is_safe(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

    return n > 0 && n < 64 && name[n] == '\0';
}

enum ward_code ward_pki_issue(const char *dir, const char *name, int hours,
                              struct ward_err *err)
{
    struct pair ca = {0}, leaf = {0};
    char san[512];
    enum ward_code code;

    if (!name_is_safe(name))
        return WARD_FAIL(err, INVALID_ARGUMENT,
                         "a service's name must have 1 to 63 characters of [a-z0-9-]");
    WARD_TRY(read_ca(dir, &ca, err));
    snprintf(san, sizeof(san),
             "URI:spiffe://ward/%s,DNS:%s,DNS:localhost,IP:127.0.0.1,IP:0:0:0:0:0:0:0:1", name,
             name);
    if (fill(&leaf, name, hours) &&
        add_ext(leaf.cert, ca.cert, NID_basic_constraints, "critical,CA:FALSE") &&
        add_ext(leaf.cert, ca.cert, NID_key_usage, "critical,digitalSignature") &&
        add_ext(leaf.cert, ca.cert, NID_ext_key_usage, "serverAuth,clientAuth") &&
        add_ext(leaf.cert, ca.cert, NID_subject_alt_name, san) && sign(&leaf, &ca))
        code = save(dir, name, &leaf, err);
    else
        code = WARD_FAIL(err, INTERNAL, "cannot create a certificate for %s", name);
    pair_done(&leaf);
    pair_done(&ca);
    return code;
}

double ward_pki_hours_left(const char *dir, const char *name)
{
    char path[4096];
    int days = 0, seconds = 0;
    X509 *cert;
    bool ok;

    if (path_of(path, sizeof(path), dir, name, ".pem", NULL) != WARD_OK)
        return -1;
    cert = read_cert(path);
    ok = cert != NULL && ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(cert)) == 1;
    X509_free(cert);
    return ok ? days * 24.0 + seconds / 3600.0 : -1;
}
