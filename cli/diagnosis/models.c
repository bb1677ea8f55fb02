/* wardctl models - creates keys for models, and signs and verifies the files of a model. Needs
 * no running service. */
#include "cli/core/cli.h"

#include "common/base/crypto.h"
#include "common/base/text.h"
#include "common/json/json.h"
#include "common/serve/release.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MOST   ((size_t)2 << 30) /* maximum size of a file of a model, in bytes */
#define FOLDERS_MAX 64

struct job {
    const struct cli *cli;
    const char *key, *name, *keys;
    struct ward_arena mem;
    struct ward_err err;
    struct ward_sign_key *pair;
    struct ward_signer signer;
    struct ward_release_keys trusted;
};

/* ---- a model's folder ---- */

static enum ward_code hash_file(struct job *j, const char *dir, const char *name, char hex[65])
{
    const char *path = ward_printf(&j->mem, "%s/%s", dir, name);
    uint8_t sum[WARD_SHA256_SIZE];
    char *bytes;
    size_t n;

    if (path == NULL)
        return WARD_FAIL(&j->err, RESOURCE_EXHAUSTED, "no memory for a path");
    WARD_TRY(cli_read(path, FILE_MOST, &j->mem, &bytes, &n, &j->err));
    ward_sha256(bytes, n, sum);
    ward_hex(sum, sizeof(sum), hex);
    return WARD_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Lists the names of the folder's regular files except the signature, sorted. */
static enum ward_code list_files(struct job *j, const char *dir,
                                 char *names[WARD_RELEASE_FILES], int *n)
{
    DIR *d = opendir(dir);
    const struct dirent *e;
    enum ward_code code = WARD_OK;

    if (d == NULL)
        return WARD_FAIL(&j->err, NOT_FOUND, "%.100s cannot be opened", dir);
    *n = 0;
    while (code == WARD_OK && (e = readdir(d)) != NULL) {
        const char *path = ward_printf(&j->mem, "%s/%s", dir, e->d_name);
        struct stat st;

        if (path == NULL || lstat(path, &st) != 0 || !S_ISREG(st.st_mode) ||
            strcmp(e->d_name, WARD_RELEASE_FILE) == 0)
            continue;
        if (*n == WARD_RELEASE_FILES || strlen(e->d_name) > 95 || strchr(e->d_name, ' '))
            code = WARD_FAIL(&j->err, INVALID_ARGUMENT,
                             "%.60s has more than %d files, or a file name that is too long or "
                             "contains a space",
                             dir, WARD_RELEASE_FILES);
        else
            names[(*n)++] = ward_strdup(&j->mem, e->d_name);
    }
    closedir(d);
    if (code == WARD_OK && *n > 0)
        qsort(names, (size_t)*n, sizeof(*names), by_name);
    return code;
}

/* Reads a model's folder. The model's name is that in the manifest. */
static enum ward_code read_folder(struct job *j, const char *dir, struct ward_release *out)
{
    const char *path = ward_printf(&j->mem, "%s/manifest.json", dir), *name, *version;
    char *names[WARD_RELEASE_FILES], *bytes;
    const struct ward_json *v;
    size_t n;

    if (path == NULL)
        return WARD_FAIL(&j->err, RESOURCE_EXHAUSTED, "no memory for a path");
    WARD_TRY(cli_read(path, (size_t)1 << 20, &j->mem, &bytes, &n, &j->err));
    WARD_TRY(ward_json_parse(bytes, n, NULL, &j->mem, &v, &j->err));
    name = ward_json_string(ward_json_get(v, "name"));
    version = ward_json_string(ward_json_get(v, "version"));
    if (name == NULL || version == NULL || strlen(name) > 64 || strlen(version) > 64)
        return WARD_FAIL(&j->err, INVALID_ARGUMENT, "%.100s must name a model and a version",
                         path);
    *out = (struct ward_release){.n = 0};
    snprintf(out->model, sizeof(out->model), "%s/%s", name, version);
    WARD_TRY(list_files(j, dir, names, &out->n));
    for (int i = 0; i < out->n; i++) {
        snprintf(out->file[i].name, sizeof(out->file[i].name), "%s", names[i]);
        WARD_TRY(hash_file(j, dir, names[i], out->file[i].sha256));
    }
    return WARD_OK;
}

/* ---- keygen, sign ---- */

static enum ward_code new_key(struct job *j)
{
    uint8_t seed[WARD_ED25519_SEED];
    enum ward_code code;

    ward_random(seed, sizeof(seed));
    code = ward_sign_key_new(seed, &j->pair, &j->err);
    explicit_bzero(seed, sizeof(seed));
    return code;
}

static enum ward_code name_key(struct job *j)
{
    j->signer.key = j->pair;
    return ward_vkey_make(j->name == NULL ? "ward-models" : j->name,
                          ward_sign_key_public(j->pair), &j->signer.vkey, &j->err);
}

static void print_vkey(const struct job *j)
{
    char text[WARD_VKEY_MAX];
    struct cli_json out;

    ward_vkey_print(&j->signer.vkey, text);
    if (!j->cli->json) {
        printf("%s\n", text);
        return;
    }
    out = (struct cli_json){.to = stdout};
    cli_json_open(&out, NULL, '{');
    cli_json_text(&out, "vkey", text);
    cli_json_close(&out, '}');
}

static enum ward_code keygen(struct job *j, int argc, char **argv)
{
    if (argc != 2)
        return WARD_FAIL(&j->err, INVALID_ARGUMENT, "FILE for the new key is needed");
    WARD_TRY(new_key(j));
    WARD_TRY(name_key(j));
    WARD_TRY(ward_sign_key_save(j->pair, argv[1], &j->err));
    print_vkey(j);
    return WARD_OK;
}

static enum ward_code write_file(struct job *j, const char *path, const char *bytes, size_t n)
{
    const char *fresh = ward_printf(&j->mem, "%s.new", path);
    FILE *f = fresh == NULL ? NULL : fopen(fresh, "we");
    bool ok =
        f != NULL && fwrite(bytes, 1, n, f) == n && fflush(f) == 0 && fsync(fileno(f)) == 0;

    if (f != NULL && fclose(f) != 0)
        ok = false;
    if (ok && rename(fresh, path) == 0)
        return WARD_OK;
    return WARD_FAIL(&j->err, FAILED_PRECONDITION, "%.100s cannot be written", path);
}

static enum ward_code sign_one(struct job *j, const char *dir)
{
    const char *path = ward_printf(&j->mem, "%s/" WARD_RELEASE_FILE, dir);
    char note[WARD_NOTE_MAX];
    struct ward_release r;
    size_t n;

    if (path == NULL)
        return WARD_FAIL(&j->err, RESOURCE_EXHAUSTED, "no memory for a path");
    WARD_TRY(read_folder(j, dir, &r));
    WARD_TRY(ward_release_sign(&r, &j->signer, note, &n, &j->err));
    return write_file(j, path, note, n);
}

/* Signs models. Without --key, a key is created and not saved: nobody can sign with it
 * again. */
static enum ward_code sign(struct job *j, int argc, char **argv)
{
    if (argc < 2)
        return WARD_FAIL(&j->err, INVALID_ARGUMENT, "one or more model folders are needed");
    WARD_TRY(j->key == NULL ? new_key(j) : ward_sign_key_load(j->key, &j->pair, &j->err));
    WARD_TRY(name_key(j));
    for (int i = 1; i < argc; i++) {
        WARD_TRY(sign_one(j, argv[i]));
        ward_arena_reset(&j->mem);
    }
    print_vkey(j);
    return WARD_OK;
}

/* ---- verify ---- */

static enum ward_code verify_one(struct job *j, const char *dir, struct ward_release *signed_is)
{
    const char *path = ward_printf(&j->mem, "%s/" WARD_RELEASE_FILE, dir);
    struct ward_release lies;
    char *note;
    size_t n;

    if (path == NULL)
        return WARD_FAIL(&j->err, RESOURCE_EXHAUSTED, "no memory for a path");
    WARD_TRY(read_folder(j, dir, &lies));
    if (access(path, F_OK) != 0)
        return WARD_FAIL_REASON(&j->err, FAILED_PRECONDITION, "MODEL_SIGNATURE",
                                "the model has no " WARD_RELEASE_FILE);
    WARD_TRY(cli_read(path, WARD_NOTE_MAX, &j->mem, &note, &n, &j->err));
    WARD_TRY(ward_release_open(note, n, &j->trusted, signed_is, &j->err));
    for (int i = 0; i < lies.n; i++)
        WARD_TRY(ward_release_lists(signed_is, lies.model, lies.file[i].name,
                                    lies.file[i].sha256, &j->err));
    if (lies.n != signed_is->n)
        return WARD_FAIL_REASON(&j->err, FAILED_PRECONDITION, "MODEL_SIGNATURE",
                                "a signed file is missing");
    return WARD_OK;
}

static enum ward_code verify(struct job *j, int argc, char **argv)
{
    struct cli_json out;

    if (argc < 2 || j->keys == NULL)
        return WARD_FAIL(&j->err, INVALID_ARGUMENT,
                         "--keys FILE and one or more model folders are needed");
    WARD_TRY(ward_release_keys_read(j->keys, &j->trusted, &j->err));
    out = (struct cli_json){.to = stdout};
    if (j->cli->json)
        cli_json_open(&out, NULL, '{');
    for (int i = 1; i < argc; i++) {
        struct ward_release r;
        enum ward_code code = verify_one(j, argv[i], &r);

        if (code != WARD_OK) {
            if (!j->cli->json)
                fprintf(stderr, "%s: ", argv[i]);
            return code;
        }
        if (j->cli->json)
            cli_json_text(&out, r.model, r.signer);
        else
            printf("%s  signed by %s  %d files\n", r.model, r.signer, r.n);
        ward_arena_reset(&j->mem);
    }
    if (j->cli->json)
        cli_json_close(&out, '}');
    return WARD_OK;
}

/* ---- the commands ---- */

static int run(const struct cli *cli, int argc, char **argv,
               enum ward_code (*fn)(struct job *j, int argc, char **argv))
{
    struct job j = {.cli = cli};
    const struct cli_opt opts[] = {
        {"--key", &j.key, NULL, "the signing key, made by `wardctl models keygen`"},
        {"--name", &j.name, NULL, "the key's name in signatures; ward-models by default"},
        {"--keys", &j.keys, NULL, "the file of trusted verifier keys"},
        {0},
    };
    enum ward_code code;
    int status;

    ward_arena_init(&j.mem, FILE_MOST + ((size_t)64 << 20));
    code = cli_options(opts, &argc, argv, FOLDERS_MAX, &j.err);
    if (code == WARD_OK)
        code = fn(&j, argc, argv);
    status = code == WARD_OK                 ? 0
             : code == WARD_INVALID_ARGUMENT ? cli_usage(cli, &j.err)
                                             : cli_fail(cli, &j.err);
    ward_sign_key_free(j.pair);
    ward_arena_done(&j.mem);
    return status;
}

static int keygen_command(const struct cli *cli, int argc, char **argv)
{
    return run(cli, argc, argv, keygen);
}

static int sign_command(const struct cli *cli, int argc, char **argv)
{
    return run(cli, argc, argv, sign);
}

static int verify_command(const struct cli *cli, int argc, char **argv)
{
    return run(cli, argc, argv, verify);
}

const struct cli_command cli_models_commands[] = {
    {"models keygen", "[--name NAME] FILE",
     "create a key for signing models, and print the verifier key", keygen_command},
    {"models sign", "[--key FILE] [--name NAME] FOLDER...",
     "sign each model's files; without --key, sign with a new key and then destroy that key",
     sign_command},
    {"models verify", "--keys FILE FOLDER...",
     "check each model's signature and files against trusted keys", verify_command},
    {0},
};
