/* wardctl release verify - verifies a release's folder offline, with the public key that the
 * user noted down before. */
#include "cli/audit/audit_file.h"
#include "cli/core/cli.h"
#include "cli/release/check.h"

#include <stdlib.h>
#include <string.h>

#define VERIFY_ARENA ((size_t)64 << 20)

/* Reads the list. It is parsed only after its signature was verified, so that the parser reads
 * no untrusted text. */
static enum ward_code read_list(struct release_check *c, struct ward_err *err)
{
    char *path = ward_printf(&c->mem, "%s/" RELEASE_NOTE, c->dir), *text;
    struct ward_note note;
    size_t n;

    if (path == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a path");
    WARD_TRY(cli_read(path, WARD_NOTE_MAX, &c->mem, &text, &n, err));
    if (ward_note_parse(text, n, &note, err) != WARD_OK ||
        ward_note_check(&note, &c->key, err) != WARD_OK) {
        release_wrong(c, "SIGNATURE", RELEASE_NOTE ": %s", err->msg);
        return WARD_OK;
    }
    if (release_parse(note.text, note.len, &c->list, err) != WARD_OK)
        release_wrong(c, "LIST", RELEASE_NOTE ": %s", err->msg);
    return WARD_OK;
}

static enum ward_code check(struct release_check *c, struct ward_err *err)
{
    WARD_TRY(read_list(c, err));
    if (c->n_findings > 0)
        return WARD_OK;
    WARD_TRY(release_check_images(c, err));
    return release_check_files(c, err);
}

static void say(const struct cli *cli, const struct release_check *c)
{
    char vkey[WARD_VKEY_MAX];

    ward_vkey_print(&c->key, vkey);
    printf("key        %s\n", vkey);
    if (*c->list.version != '\0')
        printf("release    %s, commit %s\n", c->list.version, c->list.commit);
    for (size_t i = 0; i < c->list.n_images; i++)
        printf("image      %s@sha256:%s\n", c->list.images[i].name, c->list.images[i].sha256);
    for (size_t i = 0; i < c->n_findings && i < RELEASE_FINDINGS; i++)
        printf("%s%-15s%s %s\n", cli_paint(cli, CLI_BAD), c->findings[i].what,
               cli_paint(cli, CLI_PLAIN), c->findings[i].words);
    if (c->n_findings > RELEASE_FINDINGS)
        printf("                and %zu more\n", c->n_findings - RELEASE_FINDINGS);
    if (c->n_findings == 0)
        printf("%sverified%s   the signature, %zu images and %zu files\n",
               cli_paint(cli, CLI_GOOD), cli_paint(cli, CLI_PLAIN), c->list.n_images,
               c->list.n_files);
    else
        printf("%sNOT VERIFIED%s: %zu findings. Do not install this release.\n",
               cli_paint(cli, CLI_BAD), cli_paint(cli, CLI_PLAIN), c->n_findings);
}

static void say_json(const struct release_check *c)
{
    struct cli_json j = {.to = stdout};
    char vkey[WARD_VKEY_MAX];

    ward_vkey_print(&c->key, vkey);
    cli_json_open(&j, NULL, '{');
    cli_json_bool(&j, "verified", c->n_findings == 0);
    cli_json_text(&j, "key", vkey);
    cli_json_text(&j, "version", c->list.version);
    cli_json_text(&j, "commit", c->list.commit);
    cli_json_int(&j, "files", (int64_t)c->list.n_files);
    cli_json_open(&j, "images", '[');
    for (size_t i = 0; i < c->list.n_images; i++) {
        cli_json_open(&j, NULL, '{');
        cli_json_text(&j, "name", c->list.images[i].name);
        cli_json_text(&j, "sha256", c->list.images[i].sha256);
        cli_json_close(&j, '}');
    }
    cli_json_close(&j, ']');
    cli_json_int(&j, "n_findings", (int64_t)c->n_findings);
    cli_json_open(&j, "findings", '[');
    for (size_t i = 0; i < c->n_findings && i < RELEASE_FINDINGS; i++) {
        cli_json_open(&j, NULL, '{');
        cli_json_text(&j, "what", c->findings[i].what);
        cli_json_text(&j, "text", c->findings[i].words);
        cli_json_close(&j, '}');
    }
    cli_json_close(&j, ']');
    cli_json_close(&j, '}');
}

static int verify(const struct cli *cli, int argc, char **argv)
{
    const char *key = NULL, *name = NULL;
    const struct cli_opt opts[] = {
        {"--key", &key, NULL, "trusted key: a vkey, or a file with a vkey or a PEM"},
        {"--name", &name, NULL, "name of a PEM key"},
        {0},
    };
    static struct release_check c;
    struct ward_err err = {0};
    enum ward_code code = cli_options(opts, &argc, argv, 1, &err);

    if (code == WARD_OK && (key == NULL || argc != 2))
        code = WARD_FAIL(&err, INVALID_ARGUMENT, "--key and the release's folder are required");
    if (code != WARD_OK)
        return cli_usage(cli, &err);
    c = (struct release_check){.dir = argv[1]};
    ward_arena_init(&c.mem, VERIFY_ARENA);
    code = file_key(key, name == NULL ? "ward" : name, &c.mem, &c.key, &err);
    if (code == WARD_OK)
        code = check(&c, &err);
    if (code == WARD_OK) {
        if (cli->json)
            say_json(&c);
        else
            say(cli, &c);
    }
    ward_arena_done(&c.mem);
    if (code != WARD_OK)
        return cli_fail(cli, &err);
    return c.n_findings == 0 && fflush(stdout) == 0 ? 0 : 1;
}

const struct cli_command cli_release_verify_commands[] = {
    {"release verify", "--key KEY [--name NAME] DIR",
     "check a release's signature, files and images, without a network", verify},
    {0},
};
