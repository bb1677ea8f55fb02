/* wardctl release - creates the key of releases, and signs a release. */
#include "cli/core/cli.h"
#include "cli/release/folder.h"
#include "common/base/crypto.h"
#include "common/merkle/note.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SIGN_ARENA ((size_t)32 << 20)

struct asked {
    const char *key, *name, *version, *commit, *dir;
};

/* ---- the key ---- */

static enum ward_code public_key(const struct ward_sign_key *key, const char *name,
                                 struct ward_vkey *out, struct ward_err *err)
{
    return ward_vkey_make(name, ward_sign_key_public(key), out, err);
}

static enum ward_code make_key(const char *name, const char *file, struct ward_vkey *out,
                               struct ward_err *err)
{
    uint8_t seed[WARD_ED25519_SEED];
    struct ward_sign_key *key;
    enum ward_code code;

    ward_random(seed, sizeof(seed));
    code = ward_sign_key_new(seed, &key, err);
    ward_wipe(seed, sizeof(seed));
    if (code != WARD_OK)
        return code;
    /* checked first, so that an invalid name leaves no file */
    code = public_key(key, name, out, err);
    if (code == WARD_OK)
        code = ward_sign_key_save(key, file, err);
    ward_sign_key_free(key);
    return code;
}

static int release_key(const struct cli *cli, int argc, char **argv)
{
    const char *name = NULL;
    const struct cli_opt opts[] = {{"--name", &name, NULL, "name of the key"}, {0}};
    char text[WARD_VKEY_MAX];
    struct ward_err err = {0};
    struct ward_vkey vkey;
    enum ward_code code = cli_options(opts, &argc, argv, 1, &err);

    if (code == WARD_OK && (name == NULL || argc != 2))
        code = WARD_FAIL(&err, INVALID_ARGUMENT, "--name and the key's file are required");
    if (code != WARD_OK)
        return cli_usage(cli, &err);
    if (make_key(name, argv[1], &vkey, &err) != WARD_OK)
        return cli_fail(cli, &err);
    ward_vkey_print(&vkey, text);
    if (cli->json) {
        struct cli_json j = {.to = stdout};

        cli_json_open(&j, NULL, '{');
        cli_json_text(&j, "vkey", text);
        cli_json_close(&j, '}');
    } else {
        printf("%s\n", text);
    }
    return fflush(stdout) == 0 ? 0 : 1;
}

/* ---- the list ---- */

struct listing {
    const char *dir;
    struct release list;
};

static enum ward_code add_file(void *arg, const char *path, bool regular, struct ward_err *err)
{
    struct listing *l = arg;
    struct release_item *item;

    if (!regular)
        return WARD_FAIL(err, FAILED_PRECONDITION, "%.100s is not a regular file", path);
    if (strcmp(path, RELEASE_NOTE) == 0 ||
        strncmp(path, RELEASE_IMAGES "/", sizeof(RELEASE_IMAGES)) == 0)
        return WARD_OK;
    if (!release_path_fits(path))
        return WARD_FAIL(err, INVALID_ARGUMENT,
                         "%.100s: a release must not have this file name", path);
    if (l->list.n_files == RELEASE_MOST)
        return WARD_FAIL(err, INVALID_ARGUMENT, "a release has at most %d files", RELEASE_MOST);
    item = &l->list.files[l->list.n_files];
    snprintf(item->name, sizeof(item->name), "%s", path);
    WARD_TRY(folder_hash(l->dir, path, item->sha256, &item->size, err));
    l->list.n_files++;
    return WARD_OK;
}

static enum ward_code add_images(struct listing *l, struct ward_arena *mem,
                                 struct ward_err *err)
{
    const struct ward_json *index, *list;

    WARD_TRY(folder_json(l->dir, RELEASE_IMAGES "/index.json", mem, &index, err));
    list = ward_json_get(index, "manifests");
    for (const struct ward_json *m = list == NULL ? NULL : list->first; m != NULL;
         m = m->next) {
        struct release_item *item = &l->list.images[l->list.n_images];
        const char *hex = folder_digest(ward_json_get(m, "digest"));
        const char *name = ward_json_string(ward_json_get(ward_json_get(m, "annotations"),
                                                          "org.opencontainers.image.ref.name"));

        if (hex == NULL || name == NULL || !release_name_fits(name) ||
            l->list.n_images == RELEASE_MOST)
            return WARD_FAIL(err, INVALID_ARGUMENT,
                             "images/index.json has an image that a release must not have");
        snprintf(item->sha256, sizeof(item->sha256), "%s", hex);
        snprintf(item->name, sizeof(item->name), "%s", name);
        l->list.n_images++;
    }
    return WARD_OK;
}

static enum ward_code save(const char *dir, const char *note, size_t n, struct ward_arena *mem,
                           struct ward_err *err)
{
    const char *path = ward_printf(mem, "%s/" RELEASE_NOTE, dir);
    const char *fresh = ward_printf(mem, "%s/" RELEASE_NOTE ".new", dir);
    FILE *f = path == NULL || fresh == NULL ? NULL : fopen(fresh, "w");
    bool ok =
        f != NULL && fwrite(note, 1, n, f) == n && fflush(f) == 0 && fsync(fileno(f)) == 0;

    if (f != NULL && fclose(f) != 0)
        ok = false;
    if (ok && rename(fresh, path) == 0)
        return WARD_OK;
    if (fresh != NULL)
        unlink(fresh);
    return WARD_FAIL(err, FAILED_PRECONDITION, "cannot write " RELEASE_NOTE " in %.100s", dir);
}

static enum ward_code sign_list(const struct asked *a, const struct ward_sign_key *key,
                                const char *text, struct ward_arena *mem, struct ward_err *err)
{
    static char note[WARD_NOTE_MAX];
    struct ward_signer signer = {.key = key};
    size_t n;

    WARD_TRY(public_key(key, a->name, &signer.vkey, err));
    WARD_TRY(ward_note_sign(text, strlen(text), &signer, 1, note, &n, err));
    return save(a->dir, note, n, mem, err);
}

static enum ward_code sign(const struct asked *a, struct ward_arena *mem, struct ward_err *err)
{
    static struct listing l;
    struct ward_sign_key *key;
    enum ward_code code;
    char *text;

    l = (struct listing){.dir = a->dir};
    if (strlen(a->version) >= sizeof(l.list.version) ||
        strlen(a->commit) >= sizeof(l.list.commit))
        return WARD_FAIL(err, INVALID_ARGUMENT, "--version or --commit is too long");
    snprintf(l.list.version, sizeof(l.list.version), "%s", a->version);
    snprintf(l.list.commit, sizeof(l.list.commit), "%s", a->commit);
    WARD_TRY(folder_walk(a->dir, add_file, &l, err));
    WARD_TRY(add_images(&l, mem, err));
    WARD_TRY(release_print(&l.list, mem, &text, err));
    WARD_TRY(ward_sign_key_load(a->key, &key, err));
    code = sign_list(a, key, text, mem, err);
    ward_sign_key_free(key);
    return code;
}

static int release_sign(const struct cli *cli, int argc, char **argv)
{
    struct asked a = {0};
    const struct cli_opt opts[] = {
        {"--key", &a.key, NULL, "file with the private key"},
        {"--name", &a.name, NULL, "name of the key"},
        {"--version", &a.version, NULL, "version of the release"},
        {"--commit", &a.commit, NULL, "commit that the release was built from"},
        {0},
    };
    struct ward_err err = {0};
    struct ward_arena mem;
    enum ward_code code = cli_options(opts, &argc, argv, 1, &err);

    if (code == WARD_OK &&
        (a.key == NULL || a.name == NULL || a.version == NULL || a.commit == NULL || argc != 2))
        code = WARD_FAIL(&err, INVALID_ARGUMENT,
                         "--key, --name, --version, --commit and the folder are required");
    if (code != WARD_OK)
        return cli_usage(cli, &err);
    a.dir = argv[1];
    ward_arena_init(&mem, SIGN_ARENA);
    code = sign(&a, &mem, &err);
    ward_arena_done(&mem);
    return code == WARD_OK ? 0 : cli_fail(cli, &err);
}

const struct cli_command cli_release_commands[] = {
    {"release key", "--name NAME FILE",
     "create a key that signs releases, and print the public half of the key", release_key},
    {"release sign", "--key FILE --name NAME --version VERSION --commit COMMIT DIR",
     "list a release's files and images in release.note, and sign the list", release_sign},
    {0},
};
