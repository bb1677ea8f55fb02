#include "cli/pki/pki.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

static char dir[64];

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/ward-pki-XXXXXX");
    return mkdtemp(dir) == NULL ? -1 : 0;
}

static const char *in_dir(const char *name)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static int drop_dir(void **state)
{
    static const char *const files[] = {"ca.pem", "ca.key", "audit.pem", "audit.key"};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(files); i++)
        unlink(in_dir(files[i]));
    return rmdir(dir);
}

static X509 *load(const char *name)
{
    FILE *f = fopen(in_dir(name), "r");
    X509 *cert;

    assert_non_null(f);
    cert = PEM_read_X509(f, NULL, NULL, NULL);
    fclose(f);
    assert_non_null(cert);
    return cert;
}

/* Verifies the certificate chain with OpenSSL's verifier, which is independent of Ward's
 * code. */
static void an_issued_certificate_verifies_and_names_its_service(void **state)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    GENERAL_NAMES *names;
    X509 *ca, *leaf;

    (void)state;
    assert_int_equal(ward_pki_ca(dir, NULL), WARD_OK);
    assert_int_equal(ward_pki_issue(dir, "audit", 24, NULL), WARD_OK);
    ca = load("ca.pem");
    leaf = load("audit.pem");
    X509_STORE_add_cert(store, ca);
    X509_STORE_CTX_init(ctx, store, leaf, NULL);
    X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER);
    assert_int_equal(X509_verify_cert(ctx), 1);
    assert_int_equal(X509_check_host(leaf, "localhost", 0, 0, NULL), 1);
    names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    assert_non_null(names);
    assert_string_equal((const char *)ASN1_STRING_get0_data(
                            sk_GENERAL_NAME_value(names, 0)->d.uniformResourceIdentifier),
                        "spiffe://ward/audit");
    GENERAL_NAMES_free(names);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    X509_free(ca);
    X509_free(leaf);
}

static void keys_are_private_and_the_authority_is_kept(void **state)
{
    struct stat before, after, key;

    (void)state;
    assert_int_equal(stat(in_dir("ca.pem"), &before), 0);
    assert_int_equal(ward_pki_ca(dir, NULL), WARD_OK);
    assert_int_equal(stat(in_dir("ca.pem"), &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(stat(in_dir("audit.key"), &key), 0);
    assert_int_equal(key.st_mode & 0777, 0600);
    assert_true(ward_pki_hours_left(dir, "audit") > 22);
    assert_true(ward_pki_hours_left(dir, "nobody") < 0);
}

static void a_name_that_could_leave_the_folder_is_refused(void **state)
{
    struct ward_err err = {0};

    (void)state;
    assert_int_equal(ward_pki_issue(dir, "../audit", 24, &err), WARD_INVALID_ARGUMENT);
    assert_int_equal(ward_pki_issue(dir, "a,URI:spiffe://ward/audit", 24, &err),
                     WARD_INVALID_ARGUMENT);
    assert_int_equal(ward_pki_issue("/nonexistent", "audit", 24, &err),
                     WARD_FAILED_PRECONDITION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_issued_certificate_verifies_and_names_its_service),
        cmocka_unit_test(keys_are_private_and_the_authority_is_kept),
        cmocka_unit_test(a_name_that_could_leave_the_folder_is_refused),
    };

    return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
