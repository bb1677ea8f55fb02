/* Creates certificates and keys for the embedded default and for tests. Not for production: a
 * hospital uses its own authority. */
#include "cli/core/cli.h"

#include "cli/pki/pki.h"
#include "common/app/version.h"
#include "common/base/crypto.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define CERT_HOURS (30 * 24)

static enum ward_code certs(const char *dir, char **names, struct ward_err *err)
{
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return WARD_FAIL(err, FAILED_PRECONDITION, "cannot create the folder %.100s", dir);
    WARD_TRY(ward_pki_ca(dir, err));
    for (; *names != NULL; names++)
        WARD_TRY(ward_pki_issue(dir, *names, CERT_HOURS, err));
    return WARD_OK;
}

static int dev_certs(const struct cli *cli, int argc, char **argv)
{
    struct ward_err err = {0};
    const struct cli_opt none[] = {{0}};

    if (cli_options(none, &argc, argv, 64, &err) != WARD_OK)
        return cli_usage(cli, &err);
    if (argc < 2) {
        (void)WARD_FAIL(&err, INVALID_ARGUMENT, "DIR is needed");
        return cli_usage(cli, &err);
    }
    return certs(argv[1], argv + 2, &err) == WARD_OK ? 0 : cli_fail(cli, &err);
}

static enum ward_code key_new(const char *path, struct ward_err *err)
{
    uint8_t seed[WARD_ED25519_SEED];
    struct ward_sign_key *key;
    enum ward_code code;

    ward_random(seed, sizeof(seed));
    code = ward_sign_key_new(seed, &key, err);
    ward_wipe(seed, sizeof(seed));
    WARD_TRY(code);
    code = ward_sign_key_save(key, path, err);
    ward_sign_key_free(key);
    return code;
}

static int dev_key(const struct cli *cli, int argc, char **argv)
{
    struct ward_err err = {0};
    const struct cli_opt none[] = {{0}};

    if (cli_options(none, &argc, argv, 1, &err) != WARD_OK)
        return cli_usage(cli, &err);
    if (argc < 2) {
        (void)WARD_FAIL(&err, INVALID_ARGUMENT, "FILE is needed");
        return cli_usage(cli, &err);
    }
    return key_new(argv[1], &err) == WARD_OK ? 0 : cli_fail(cli, &err);
}

static int version(const struct cli *cli, int argc, char **argv)
{
    struct cli_json j = {.to = stdout};

    (void)argc, (void)argv;
    if (!cli->json)
        return printf("wardctl %s\n", ward_version) < 0;
    cli_json_open(&j, NULL, '{');
    cli_json_text(&j, "version", ward_version);
    cli_json_close(&j, '}');
    return 0;
}

const struct cli_command cli_dev_commands[] = {
    {"dev-certs", "DIR [NAME...]",
     "create a certificate authority in DIR and a certificate for each NAME", dev_certs},
    {"dev-key", "FILE", "create an Ed25519 signing key (PKCS#8 PEM, mode 0600)", dev_key},
    {"version", "", "print the version of this build", version},
    {0},
};
