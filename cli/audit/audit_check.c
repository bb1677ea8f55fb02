#include "cli/audit/audit_check.h"

#include "common/rpc/wire.h"
#include "ward/audit/v1/event.pb-c.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define MEM_CAP  ((size_t)64 << 20)
#define LINE_CAP ((size_t)16 << 20)

void check_begin(struct check *c, const struct cli *cli)
{
    memset(c, 0, sizeof(*c));
    c->cli = cli;
    ward_arena_init(&c->mem, MEM_CAP);
    ward_arena_init(&c->line, LINE_CAP);
}

void check_done(struct check *c)
{
    free(c->ids);
    ward_arena_done(&c->line);
    ward_arena_done(&c->mem);
}

void check_wrong(struct check *c, const char *what, int64_t index, const char *fmt, ...)
{
    struct check_finding *f;
    va_list ap;

    if (c->n_findings++ >= CHECK_SHOWN)
        return;
    f = &c->findings[c->n_findings - 1];
    f->what = what;
    f->index = index;
    va_start(ap, fmt);
    vsnprintf(f->words, sizeof(f->words), fmt, ap);
    va_end(ap);
}

bool check_head(struct check *c, const char *name, const char *note,
                const struct file_notes *handovers, struct ward_checkpoint *out)
{
    struct ward_err err = {0};

    for (size_t i = 0; handovers != NULL && i < handovers->n; i++) {
        const char *h = handovers->at[i];

        if (ward_log_keys_follow(&c->keys, h, strlen(h), &err) != WARD_OK) {
            check_wrong(c, "HANDOVER", -1, "%s: the rotation to key %zu: %s", name, i + 1,
                        err.msg);
            return false;
        }
    }
    if (ward_log_keys_check(&c->keys, note, strlen(note), out, &err) == WARD_OK)
        return true;
    check_wrong(c, "SIGNATURE", -1, "%s: %s", name, err.msg);
    return false;
}

/* Whether the event's id and service equal those of the leaf. */
static bool event_fits(struct check *c, const struct file_entry *e,
                       const struct ward_leaf *leaf)
{
    ProtobufCMessage *msg = NULL;
    const Ward__Audit__V1__Event *event;
    char id[37];

    if (ward_wire_unpack(&ward__audit__v1__event__descriptor, e->event.p, e->event.n, &c->line,
                         &msg, NULL) != WARD_OK)
        return false;
    event = (const Ward__Audit__V1__Event *)msg;
    ward_uuid_text(leaf->event_id, id);
    return strcmp(event->event_id, id) == 0 && strcmp(event->service, leaf->service) == 0;
}

static void check_content(struct check *c, const struct file_entry *e,
                          const struct ward_leaf *leaf, bool *ok)
{
    const int64_t i = (int64_t)e->index;

    /* the content was not requested, was erased, or cannot be decrypted */
    if (e->event.p == NULL)
        return;
    *ok = false;
    if (e->salt.p == NULL || e->salt.n != WARD_SALT_SIZE ||
        !ward_leaf_holds(leaf, e->salt.p, e->event.p, e->event.n))
        check_wrong(c, "CONTENT", i, "entry %lld: the content does not match the leaf",
                    (long long)i);
    else if (!event_fits(c, e, leaf))
        check_wrong(c, "CONTENT", i,
                    "entry %lld: the content belongs to a different event than the leaf",
                    (long long)i);
    else
        *ok = true;
}

void check_entry(struct check *c, const struct file_entry *e, struct ward_leaf *leaf, bool *ok)
{
    *ok = ward_leaf_parse(e->leaf.p, e->leaf.n, leaf);
    if (*ok)
        check_content(c, e, leaf, ok);
    else
        check_wrong(c, "LEAF", (int64_t)e->index, "entry %lld: the leaf is unreadable",
                    (long long)e->index);
}

/* ---- the whole log ---- */

struct walk {
    struct check *c;
    const struct check_against *known;
    struct ward_frontier frontier;
    uint64_t size;
    bool contents_asked; /* at least one entry has content, so all entries should have it */
    uint64_t absent, first_absent;
};

static void at_marks(struct walk *w)
{
    struct ward_hash root;
    bool have = false;

    for (size_t i = 0; i < w->known->n_marks; i++) {
        const struct check_mark *m = &w->known->marks[i];

        if (m->size != w->frontier.size)
            continue;
        if (!have)
            ward_frontier_root(&w->frontier, &root);
        have = true;
        if (!ward_hash_equal(&root, &m->root))
            check_wrong(w->c, "HISTORY", -1,
                        "the first %llu entries differ from %s: an entry before %llu was "
                        "changed, reordered, added or removed",
                        (unsigned long long)m->size, m->name, (unsigned long long)m->size);
    }
}

static void at_leaves(struct walk *w, uint64_t index, const struct ward_hash *leaf)
{
    for (size_t i = 0; i < w->known->n_leaves; i++) {
        const struct check_leaf *l = &w->known->leaves[i];

        if (l->index == index && !ward_hash_equal(&l->leaf, leaf))
            check_wrong(w->c, "RECEIPT", (int64_t)index, "entry %llu is not the event of %s",
                        (unsigned long long)index, l->name);
    }
}

static void remember_id(struct walk *w, const struct ward_leaf *leaf, uint64_t index)
{
    struct check *c = w->c;

    if (c->entries == c->ids_cap) {
        c->ids_cap = c->ids_cap == 0 ? 4096 : 2 * c->ids_cap;
        c->ids = realloc(c->ids, c->ids_cap * sizeof(*c->ids));
        WARD_ASSERT(c->ids != NULL);
    }
    memcpy(c->ids[c->entries].id, leaf->event_id, 16);
    c->ids[c->entries].index = index;
    c->entries++;
}

static void step(struct walk *w, const struct file_entry *e)
{
    struct check *c = w->c;
    struct ward_leaf leaf;
    struct ward_hash hash;
    bool ok;

    if (e->index != w->frontier.size)
        check_wrong(c, "INDEX", (int64_t)e->index, "found entry %llu instead of entry %llu",
                    (unsigned long long)e->index, (unsigned long long)w->frontier.size);
    check_entry(c, e, &leaf, &ok);
    ward_leaf_hash(e->leaf.p, e->leaf.n, &hash);
    at_leaves(w, w->frontier.size, &hash);
    if (ok)
        remember_id(w, &leaf, e->index);
    c->erased += e->erased;
    c->contents += ok && e->event.p != NULL;
    if (e->event.p != NULL)
        w->contents_asked = true;
    else if (!e->erased && w->absent++ == 0)
        w->first_absent = e->index;
    ward_frontier_add(&w->frontier, &hash, NULL, NULL);
    at_marks(w);
}

static int by_id(const void *x, const void *y)
{
    const struct check_id *a = x, *b = y;
    int k = memcmp(a->id, b->id, 16);

    return k != 0 ? k : (a->index > b->index) - (a->index < b->index);
}

static void check_twice(struct check *c)
{
    if (c->entries > 0)
        qsort(c->ids, c->entries, sizeof(*c->ids), by_id);
    for (uint64_t i = 1; i < c->entries; i++)
        if (memcmp(c->ids[i].id, c->ids[i - 1].id, 16) == 0)
            check_wrong(c, "TWICE", (int64_t)c->ids[i].index,
                        "entries %llu and %llu are the same event",
                        (unsigned long long)c->ids[i - 1].index,
                        (unsigned long long)c->ids[i].index);
}

static void conclude(struct walk *w)
{
    struct check *c = w->c;
    struct ward_hash root;

    if (w->frontier.size != w->size)
        check_wrong(c, "CUT", -1, "the file has %llu entries, but its head covers %llu",
                    (unsigned long long)w->frontier.size, (unsigned long long)w->size);
    for (size_t i = 0; i < w->known->n_marks; i++)
        if (w->known->marks[i].size > w->frontier.size)
            check_wrong(c, "CUT", -1, "the log has %llu entries, but %s covers %llu",
                        (unsigned long long)w->frontier.size, w->known->marks[i].name,
                        (unsigned long long)w->known->marks[i].size);
    for (size_t i = 0; i < w->known->n_leaves; i++)
        if (w->known->leaves[i].index >= w->frontier.size)
            check_wrong(c, "CUT", (int64_t)w->known->leaves[i].index,
                        "the log ends before the event of %s", w->known->leaves[i].name);
    if (w->contents_asked && w->absent > 0)
        check_wrong(
            c, "CONTENT", (int64_t)w->first_absent,
            "%llu entries have lost their content without an erasure; the first is entry %llu",
            (unsigned long long)w->absent, (unsigned long long)w->first_absent);
    ward_frontier_root(&w->frontier, &root);
    if (c->have_head && c->head.size == w->frontier.size &&
        !ward_hash_equal(&root, &c->head.root))
        check_wrong(c, "ROOT", -1,
                    "the entries do not match the signed head: an entry was changed, "
                    "reordered, added or removed");
    check_twice(c);
}

static enum ward_code parse_line(const char *line, size_t n, struct ward_arena *mem,
                                 struct file_entry *out, struct ward_err *err)
{
    if (n > FILE_LINE_MAX || strlen(line) != n)
        return WARD_FAIL(err, INVALID_ARGUMENT, "the line is too long or contains a NUL");
    return file_entry_parse(line, mem, out, err);
}

void check_entries(struct check *c, FILE *f, uint64_t size, const struct check_against *known)
{
    struct walk w = {.c = c, .known = known, .size = size};
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;

    while ((n = getline(&line, &cap, f)) > 0) {
        struct file_entry e;
        struct ward_err err = {0};

        if (line[n - 1] == '\n')
            line[--n] = '\0';
        if (parse_line(line, (size_t)n, &c->line, &e, &err) == WARD_OK)
            step(&w, &e);
        else
            check_wrong(c, "LINE", (int64_t)w.frontier.size, "the line of entry %llu: %s",
                        (unsigned long long)w.frontier.size, err.msg);
        ward_arena_reset(&c->line);
        cli_progress(c->cli, "checking entries", (int64_t)w.frontier.size, (int64_t)size);
    }
    cli_progress_end(c->cli);
    free(line);
    conclude(&w);
}
