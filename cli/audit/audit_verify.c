/* wardctl audit verify - verifies files offline, with a public key that the auditor trusts. */
#include "cli/audit/audit_check.h"

#include <stdlib.h>
#include <string.h>

struct asked {
    const char *log, *key, *checkpoint, *receipt, *head;
};

/* Results of the verified files, for the output. */
struct seen {
    const char *origin;
    bool log, older, receipt, two_heads;
    struct ward_checkpoint old;
    struct file_receipt rec;
};

static enum ward_code usage(const struct asked *a, struct ward_err *err)
{
    if (a->key == NULL)
        return WARD_FAIL(err, INVALID_ARGUMENT,
                         "--key is needed: your stored copy of the log's public key");
    if (a->log == NULL && a->receipt == NULL && a->head == NULL)
        return WARD_FAIL(err, INVALID_ARGUMENT, "--log, --receipt or --head FILE is needed");
    if (a->head != NULL && a->checkpoint == NULL)
        return WARD_FAIL(err, INVALID_ARGUMENT,
                         "--head also needs the older head: --checkpoint FILE");
    return WARD_OK;
}

/* A PEM key has no name, so the log's own origin line is its name. */
static enum ward_code pin(struct check *c, const char *key, const char *note,
                          struct ward_err *err)
{
    char origin[WARD_NAME_MAX + 1] = {0};
    size_t n = strcspn(note, "\n");
    struct ward_vkey vkey;

    memcpy(origin, note, n < WARD_NAME_MAX ? n : WARD_NAME_MAX);
    WARD_TRY(file_key(key, origin, &c->mem, &vkey, err));
    ward_log_keys_pin(&c->keys, &vkey);
    return WARD_OK;
}

static enum ward_code read_text(struct check *c, const char *path, char **out,
                                struct ward_err *err)
{
    size_t n;

    WARD_TRY(cli_read(path, FILE_LINE_MAX, &c->mem, out, &n, err));
    if (strlen(*out) !=
        n) /* this program ignores bytes after a NUL, but another program might read them */
        return WARD_FAIL(err, INVALID_ARGUMENT, "%.100s is not a text file", path);
    return WARD_OK;
}

/* ---- one receipt ---- */

static void check_receipt(struct check *c, const struct file_receipt *r)
{
    struct ward_checkpoint head;
    struct ward_hash hash;
    struct ward_leaf leaf;
    bool ok;

    if (!check_head(c, "the receipt", r->checkpoint, &r->handovers, &head))
        return;
    check_entry(c, &r->entry, &leaf, &ok);
    if (r->entry.event.p == NULL && !r->entry.erased)
        check_wrong(c, "CONTENT", (int64_t)r->entry.index, "the receipt has no content");
    ward_leaf_hash(r->entry.leaf.p, r->entry.leaf.n, &hash);
    if (!ward_check_inclusion(&hash, r->entry.index, head.size, r->proof, r->n_proof,
                              &head.root))
        check_wrong(c, "INCLUSION", (int64_t)r->entry.index,
                    "the tree of the signed head does not contain the receipt's event at %llu",
                    (unsigned long long)r->entry.index);
}

static enum ward_code load_receipt(struct check *c, const struct asked *a, struct seen *s,
                                   struct ward_err *err)
{
    char *text;
    size_t n;

    WARD_TRY(cli_read(a->receipt, FILE_LINE_MAX, &c->mem, &text, &n, err));
    if (n > 0 && *text == '{') {
        WARD_TRY(read_text(c, a->receipt, &text, err));
        WARD_TRY(file_receipt_parse(text, &c->mem, &s->rec, err));
    } else {
        WARD_TRY(file_receipt_message(text, n, &c->mem, &s->rec, err));
    }
    s->receipt = true;
    return WARD_OK;
}

/* ---- two heads ---- */

static enum ward_code check_two(struct check *c, const struct asked *a, struct seen *s,
                                struct ward_err *err)
{
    struct file_head h, older;
    struct ward_checkpoint now;
    char *text, *old_text;

    WARD_TRY(read_text(c, a->head, &text, err));
    WARD_TRY(file_head_parse(text, &c->mem, &h, err));
    WARD_TRY(read_text(c, a->checkpoint, &old_text, err));
    WARD_TRY(file_head_parse(old_text, &c->mem, &older, err));
    WARD_TRY(pin(c, a->key, h.checkpoint, err));
    s->two_heads = true;
    if (!check_head(c, "the head", h.checkpoint, &h.handovers, &now) ||
        !check_head(c, "the older head", older.checkpoint, NULL, &s->old))
        return WARD_OK;
    c->head = now;
    c->have_head = true;
    if (!ward_check_consistency(s->old.size, &s->old.root, now.size, &now.root, h.proof,
                                h.n_proof))
        check_wrong(c, "HISTORY", -1,
                    "the log with %llu entries does not begin with the log with %llu entries",
                    (unsigned long long)now.size, (unsigned long long)s->old.size);
    return WARD_OK;
}

/* ---- the whole log ---- */

static void add_mark(struct check_against *k, const char *name, uint64_t size,
                     const struct ward_hash *root)
{
    if (k->n_marks < CHECK_MARKS)
        k->marks[k->n_marks++] = (struct check_mark){name, size, *root};
}

static enum ward_code know_older(struct check *c, const struct asked *a, struct seen *s,
                                 struct check_against *known, struct ward_err *err)
{
    struct file_head older;
    char *text;

    if (a->checkpoint == NULL)
        return WARD_OK;
    WARD_TRY(read_text(c, a->checkpoint, &text, err));
    WARD_TRY(file_head_parse(text, &c->mem, &older, err));
    s->older = true;
    if (check_head(c, "the older head", older.checkpoint, &older.handovers, &s->old))
        add_mark(known, "the older head", s->old.size, &s->old.root);
    return WARD_OK;
}

static void know_receipt(struct check *c, struct seen *s, struct check_against *known)
{
    struct ward_checkpoint head;

    if (!s->receipt)
        return;
    check_receipt(c, &s->rec);
    if (check_head(c, "the receipt", s->rec.checkpoint, NULL, &head))
        add_mark(known, "the receipt's head", head.size, &head.root);
    known->leaves[known->n_leaves].name = "the receipt";
    known->leaves[known->n_leaves].index = s->rec.entry.index;
    ward_leaf_hash(s->rec.entry.leaf.p, s->rec.entry.leaf.n,
                   &known->leaves[known->n_leaves++].leaf);
}

static enum ward_code check_log(struct check *c, const struct asked *a, struct seen *s, FILE *f,
                                struct ward_err *err)
{
    static struct check_against known;
    struct file_header h;
    char *line = NULL, *text;
    size_t cap = 0;
    ssize_t n = getline(&line, &cap, f);

    text = n > 0 && (size_t)n <= FILE_LINE_MAX && strlen(line) == (size_t)n
               ? ward_strdup(&c->mem, line)
               : NULL;
    free(line);
    if (text == NULL)
        return WARD_FAIL(err, INVALID_ARGUMENT, "%.100s is not an exported log", a->log);
    WARD_TRY(file_header_parse(text, &c->mem, &h, err));
    WARD_TRY(pin(c, a->key, h.checkpoint, err));
    s->log = true;
    c->have_head = check_head(c, "the head", h.checkpoint, &h.handovers, &c->head);
    if (c->have_head && c->head.size != h.size)
        check_wrong(c, "CUT", -1, "the file has %llu entries, but its signed head covers %llu",
                    (unsigned long long)h.size, (unsigned long long)c->head.size);
    WARD_TRY(know_older(c, a, s, &known, err));
    know_receipt(c, s, &known);
    for (int i = 0; i + 1 < c->keys.n; i++)
        add_mark(&known, "a key rotation", c->keys.at[i].last_size, &c->keys.at[i].root);
    check_entries(c, f, h.size, &known);
    return WARD_OK;
}

static enum ward_code check_all(struct check *c, const struct asked *a, struct seen *s,
                                struct ward_err *err)
{
    enum ward_code code;
    FILE *f;

    WARD_TRY(usage(a, err));
    if (a->receipt != NULL)
        WARD_TRY(load_receipt(c, a, s, err));
    if (a->head != NULL)
        WARD_TRY(check_two(c, a, s, err));
    if (a->log == NULL) {
        if (!s->receipt)
            return WARD_OK;
        WARD_TRY(pin(c, a->key, s->rec.checkpoint, err));
        check_receipt(c, &s->rec);
        return WARD_OK;
    }
    f = fopen(a->log, "re");
    if (f == NULL)
        return WARD_FAIL(err, NOT_FOUND, "cannot read %.100s", a->log);
    code = check_log(c, a, s, f, err);
    fclose(f);
    return code;
}

/* ---- the answer ---- */

/* Prints the event of the leaf, because a receipt of another event would also verify. */
static void say_receipt(const struct file_entry *e)
{
    struct ward_leaf leaf;
    char id[37];

    printf("receipt    of entry %llu", (unsigned long long)e->index);
    if (ward_leaf_parse(e->leaf.p, e->leaf.n, &leaf)) {
        ward_uuid_text(leaf.event_id, id);
        printf(", event %s of %s", id, leaf.service);
    }
    printf("%s\n", e->event.p == NULL ? ", without its content" : "");
}

static void say_receipt_json(struct cli_json *j, const struct file_entry *e)
{
    struct ward_leaf leaf;
    char id[37];

    cli_json_open(j, "receipt", '{');
    cli_json_int(j, "index", (int64_t)e->index);
    if (ward_leaf_parse(e->leaf.p, e->leaf.n, &leaf)) {
        ward_uuid_text(leaf.event_id, id);
        cli_json_text(j, "event_id", id);
        cli_json_text(j, "service", leaf.service);
    }
    cli_json_bool(j, "content", e->event.p != NULL);
    cli_json_close(j, '}');
}

static void say(const struct check *c, const struct seen *s)
{
    const struct cli *cli = c->cli;
    char vkey[WARD_VKEY_MAX];

    ward_vkey_print(&c->keys.at[0].key, vkey);
    printf("key        %s\n", vkey);
    if (c->keys.n > 1)
        printf("           and %d later keys after rotations\n", c->keys.n - 1);
    if (s->log)
        printf("log        %s, %llu entries, %llu with verified content, %llu erased\n",
               c->keys.at[0].key.name, (unsigned long long)c->entries,
               (unsigned long long)c->contents, (unsigned long long)c->erased);
    if (s->older || s->two_heads)
        printf("older head with %llu entries\n", (unsigned long long)s->old.size);
    if (s->receipt)
        say_receipt(&s->rec.entry);
    for (size_t i = 0; i < c->n_findings && i < CHECK_SHOWN; i++)
        printf("%s%-10s%s %s\n", cli_paint(cli, CLI_BAD), c->findings[i].what,
               cli_paint(cli, CLI_PLAIN), c->findings[i].words);
    if (c->n_findings > CHECK_SHOWN)
        printf("           and %zu more\n", c->n_findings - CHECK_SHOWN);
    if (c->n_findings == 0)
        printf("%sverified%s   signature, root, inclusion and consistency are valid\n",
               cli_paint(cli, CLI_GOOD), cli_paint(cli, CLI_PLAIN));
    else
        printf("%sNOT VERIFIED%s: %zu findings\n", cli_paint(cli, CLI_BAD),
               cli_paint(cli, CLI_PLAIN), c->n_findings);
}

static void say_json(const struct check *c, const struct seen *s)
{
    struct cli_json j = {.to = stdout};
    char vkey[WARD_VKEY_MAX];

    ward_vkey_print(&c->keys.at[0].key, vkey);
    cli_json_open(&j, NULL, '{');
    cli_json_bool(&j, "verified", c->n_findings == 0);
    cli_json_text(&j, "key", vkey);
    cli_json_int(&j, "keys", c->keys.n);
    if (c->have_head)
        cli_json_int(&j, "size", (int64_t)c->head.size);
    if (s->log) {
        cli_json_int(&j, "entries", (int64_t)c->entries);
        cli_json_int(&j, "contents", (int64_t)c->contents);
        cli_json_int(&j, "erased", (int64_t)c->erased);
    }
    if (s->receipt)
        say_receipt_json(&j, &s->rec.entry);
    cli_json_int(&j, "n_findings", (int64_t)c->n_findings);
    cli_json_open(&j, "findings", '[');
    for (size_t i = 0; i < c->n_findings && i < CHECK_SHOWN; i++) {
        cli_json_open(&j, NULL, '{');
        cli_json_text(&j, "what", c->findings[i].what);
        if (c->findings[i].index >= 0)
            cli_json_int(&j, "index", c->findings[i].index);
        cli_json_text(&j, "text", c->findings[i].words);
        cli_json_close(&j, '}');
    }
    cli_json_close(&j, ']');
    cli_json_close(&j, '}');
}

static int verify(const struct cli *cli, int argc, char **argv)
{
    struct asked a = {0};
    const struct cli_opt opts[] = {
        {"--log", &a.log, NULL, "an export"},
        {"--key", &a.key, NULL, "trusted key: a vkey, or a file with a vkey or a PEM"},
        {"--checkpoint", &a.checkpoint, NULL, "an older head"},
        {"--receipt", &a.receipt, NULL, "a receipt"},
        {"--head", &a.head, NULL, "a newer head with a consistency proof"},
        {0},
    };
    static struct check c;
    struct seen s = {0};
    struct ward_err err = {0};
    int status;

    if (cli_options(opts, &argc, argv, 0, &err) != WARD_OK || usage(&a, &err) != WARD_OK)
        return cli_usage(cli, &err);
    check_begin(&c, cli);
    if (check_all(&c, &a, &s, &err) != WARD_OK) {
        status = cli_fail(cli, &err);
    } else {
        (cli->json ? say_json : say)(&c, &s);
        status = c.n_findings == 0 ? 0 : 1;
    }
    check_done(&c);
    return status;
}

const struct cli_command cli_audit_offline_commands[] = {
    {"audit verify",
     "--key KEY [--log FILE] [--receipt FILE] [--head FILE] [--checkpoint OLDER]",
     "verify signature, root, contents, history and receipt offline", verify},
    {0},
};
