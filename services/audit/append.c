/* One append transaction. It locks the head's row, so another replica's next transaction
 * continues from the head that this transaction stores. Stored data that is read here is first
 * verified against the signed head. */
#include "services/audit/append.h"

#include "common/base/clock.h"
#include "common/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct row { /* a row of the table node */
    int level;
    uint64_t pos;
    struct ward_hash hash;
};

struct work {
    struct audit *a;
    struct ward_arena *mem;
    struct audit_batch *group;
    bool dedupe; /* look up the ids of all events first */
    struct audit_head head;
    size_t n_new;
    struct row *nodes;
    size_t n_nodes;
    struct audit_new_key *next_key;
};

static const double BATCH_SIZES[] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 0};

static struct ward_family appended = {
    .name = "ward_audit_appended_total",
    .help = "Number of events appended to the log.",
    .type = WARD_COUNTER,
};
WARD_METRIC_LISTED(appended)

static struct ward_family duplicates = {
    .name = "ward_audit_duplicates_total",
    .help = "Number of events that arrived again and were already in the log.",
    .type = WARD_COUNTER,
};
WARD_METRIC_LISTED(duplicates)

static struct ward_family batch_events = {
    .name = "ward_audit_commit_events",
    .help = "Number of events in one commit.",
    .type = WARD_HISTOGRAM,
    .bounds = BATCH_SIZES,
};
WARD_METRIC_LISTED(batch_events)

static struct ward_family commit_seconds = {
    .name = "ward_audit_commit_seconds",
    .help = "Duration of an append transaction.",
    .type = WARD_HISTOGRAM,
    .bounds = WARD_SECONDS,
};
WARD_METRIC_LISTED(commit_seconds)

static enum ward_code spoiled(struct ward_err *err, const char *what)
{
    return WARD_FAIL_REASON(err, DATA_LOSS, "LOG_TAMPERED", "%s", what);
}

static bool in(const struct audit_batch *b)
{
    return b->code == WARD_OK && !b->stale;
}

static void redo(struct audit_batch *b)
{
    b->stale = true;
    b->code = WARD_FAIL(&b->err, ABORTED, "the event must be sealed again");
}

static void clear_results(struct work *w)
{
    for (struct audit_batch *b = w->group; b != NULL; b = b->next) {
        b->code = WARD_OK;
        b->err = (struct ward_err){0};
        b->stale = false;
        for (size_t i = 0; i < b->n; i++) {
            b->items[i].duplicate = b->items[i].conflict = false;
            if (b->items[i].epoch != w->head.epoch)
                redo(b);
        }
    }
}

/* ---- duplicates ---- */

static bool same_event(const struct audit_entry *e, const struct audit_item *it)
{
    if (strcmp(e->leaf.service, it->service) != 0)
        return false;
    return e->erased ||
           (e->event_len == it->event_len && memcmp(e->event, it->event, it->event_len) == 0);
}

static void found(struct work *w, const struct audit_entry *e)
{
    for (struct audit_batch *b = w->group; b != NULL; b = b->next) {
        for (size_t i = 0; i < b->n; i++) {
            struct audit_item *it = &b->items[i];

            if (memcmp(it->event_id, e->leaf.event_id, 16) != 0)
                continue;
            it->duplicate = same_event(e, it);
            it->conflict = !it->duplicate;
            it->index = e->index;
        }
    }
}

static enum ward_code find_known(struct work *w, struct ward_db *db, struct ward_err *err)
{
    const uint8_t *ids[AUDIT_ASKED];
    size_t n = 0;

    for (struct audit_batch *b = w->group; b != NULL; b = b->next) {
        for (size_t i = 0; i < b->n; i++) {
            struct audit_entry *entries;
            size_t n_entries;

            ids[n++] = b->items[i].event_id;
            if (n < AUDIT_ASKED && !(b->next == NULL && i + 1 == b->n))
                continue;
            WARD_TRY(
                entry_known(audit_vault(w->a), db, w->mem, ids, n, &entries, &n_entries, err));
            for (size_t k = 0; k < n_entries; k++)
                found(w, &entries[k]);
            n = 0;
        }
    }
    return WARD_OK;
}

struct place {
    struct audit_item *item;
    struct audit_batch *batch;
    size_t order;
};

static int by_id(const void *x, const void *y)
{
    const struct place *a = x, *b = y;
    int c = memcmp(a->item->event_id, b->item->event_id, 16);

    return c != 0 ? c : (a->order > b->order) - (a->order < b->order);
}

/* Finds equal event ids in different batches of a group. The later batch waits for the next
 * group, which finds the stored event. Within one batch, a repeated id is an error of that
 * batch. */
static enum ward_code find_twins(struct work *w, struct ward_err *err)
{
    struct place *all;
    size_t n = 0, k = 0;

    for (struct audit_batch *b = w->group; b != NULL; b = b->next)
        n += b->n;
    all = ward_alloc(w->mem, n * sizeof(*all));
    if (all == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "too many events in one transaction");
    for (struct audit_batch *b = w->group; b != NULL; b = b->next)
        for (size_t i = 0; i < b->n; i++, k++)
            all[k] = (struct place){&b->items[i], b, k};
    qsort(all, n, sizeof(*all), by_id);
    for (size_t i = 1; i < n; i++) {
        if (memcmp(all[i].item->event_id, all[i - 1].item->event_id, 16) != 0 ||
            all[i].item->duplicate)
            continue;
        if (all[i].batch == all[i - 1].batch)
            all[i].item->conflict = true;
        else
            redo(all[i].batch);
    }
    return WARD_OK;
}

static enum ward_code sort_out(struct work *w, struct ward_db *db, struct ward_err *err)
{
    if (w->dedupe) {
        WARD_TRY(find_known(w, db, err));
        WARD_TRY(find_twins(w, err));
    }
    w->n_new = 0;
    for (struct audit_batch *b = w->group; b != NULL; b = b->next) {
        for (size_t i = 0; i < b->n && in(b); i++)
            if (b->items[i].conflict)
                b->code = WARD_FAIL_REASON(&b->err, ALREADY_EXISTS, "EVENT_ID_CONFLICT",
                                           "the log contains a different event with this id");
        for (size_t i = 0; i < b->n && in(b); i++)
            w->n_new += !b->items[i].duplicate;
    }
    return WARD_OK;
}

/* ---- rows ---- */

#define COLUMNS 11
static const char ADD_ENTRY[] =
    "INSERT INTO entry (idx, event_id, occurred_at_us, outcome, service, patient, actor, "
    "action,"
    " key_id, leaf, content) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
static const char ADD_NODE[] = "INSERT INTO node (level, pos, hash) VALUES (?, ?, ?)";

static void keep_node(void *arg, int level, uint64_t pos, const struct ward_hash *hash)
{
    struct work *w = arg;

    if (level == 0 || level % 4 != 0)
        return;
    w->nodes[w->n_nodes++] = (struct row){level, pos, *hash};
}

static void put(struct work *w, struct audit_item *it, int64_t now_us, struct ward_val *v)
{
    struct ward_leaf leaf = {.appended_at_us = now_us};
    uint8_t *bytes = ward_alloc(w->mem, WARD_LEAF_MAX);
    struct ward_hash hash;
    size_t n;

    if (bytes == NULL)
        return;
    memcpy(leaf.event_id, it->event_id, sizeof(leaf.event_id));
    snprintf(leaf.service, sizeof(leaf.service), "%s", it->service);
    memcpy(leaf.commitment, it->commitment, sizeof(leaf.commitment));
    n = ward_leaf_pack(&leaf, bytes);
    it->index = w->head.frontier.size;
    ward_leaf_hash(bytes, n, &hash);
    ward_frontier_add(&w->head.frontier, &hash, keep_node, w);
    v[0] = ward_int(w->mem, (int64_t)it->index);
    v[1] = ward_blob(it->event_id, sizeof(it->event_id));
    v[2] = ward_int(w->mem, it->occurred_at_us);
    v[3] = ward_int(w->mem, it->outcome);
    v[4] = ward_text(it->service);
    v[5] = it->has_patient ? ward_blob(it->patient, AUDIT_SEARCH) : ward_text(NULL);
    v[6] = it->has_actor ? ward_blob(it->actor, AUDIT_SEARCH) : ward_text(NULL);
    v[7] = ward_blob(it->action, AUDIT_SEARCH);
    v[8] = ward_int(w->mem, (int64_t)it->key_id);
    v[9] = ward_blob(bytes, n);
    v[10] = ward_blob(it->content, it->content_len);
}

static enum ward_code add_nodes(struct work *w, struct ward_db *db, struct ward_err *err)
{
    struct ward_val *v = ward_alloc(w->mem, w->n_nodes * 3 * sizeof(*v));

    for (size_t i = 0; v != NULL && i < w->n_nodes; i++) {
        v[3 * i] = ward_int(w->mem, w->nodes[i].level);
        v[3 * i + 1] = ward_int(w->mem, (int64_t)w->nodes[i].pos);
        v[3 * i + 2] = ward_blob(w->nodes[i].hash.b, sizeof(w->nodes[i].hash.b));
    }
    if (w->mem->full)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "too many events in one transaction");
    return ward_db_bulk(db, ADD_NODE, v, 3, w->n_nodes, err);
}

static enum ward_code add_entries(struct work *w, struct ward_db *db, struct ward_err *err)
{
    struct ward_val *v = ward_alloc(w->mem, w->n_new * COLUMNS * sizeof(*v));
    const int64_t now_us = ward_wall_us();
    size_t k = 0;

    /* At most every 16th leaf completes stored nodes, and then at most 15 of them. */
    w->nodes = ward_alloc(w->mem, (w->n_new / 8 + 16) * sizeof(*w->nodes));
    w->n_nodes = 0;
    if (v == NULL || w->nodes == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "too many events in one transaction");
    for (struct audit_batch *b = w->group; b != NULL; b = b->next)
        for (size_t i = 0; in(b) && i < b->n; i++)
            if (!b->items[i].duplicate)
                put(w, &b->items[i], now_us, v + COLUMNS * k++);
    if (w->mem->full)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "too many events in one transaction");
    WARD_TRY(ward_db_bulk(db, ADD_ENTRY, v, COLUMNS, w->n_new, err));
    return add_nodes(w, db, err);
}

/* ---- the new head ---- */

static enum ward_code sign_head(struct work *w, struct ward_db *db, struct ward_err *err)
{
    struct audit_head *h = &w->head;
    const struct audit_signer_row *row = signers_row(audit_signers(w->a), h->signer);
    struct ward_checkpoint cp = {.size = h->frontier.size};
    struct ward_signer by[2];
    const int n = w->next_key == NULL ? 1 : 2;

    if (row == NULL)
        return spoiled(err, "the signing key is missing");
    ward_frontier_root(&h->frontier, &h->root);
    memcpy(cp.origin, h->origin, sizeof(cp.origin));
    cp.root = h->root;
    by[0] = row->signer;
    if (w->next_key != NULL) {
        by[1] = w->next_key->signer;
        cp.hands_over = true;
        cp.next = by[1].vkey;
    }
    WARD_TRY(ward_checkpoint_sign(&cp, by, n, h->note, &h->note_len, err));
    if (w->next_key != NULL)
        WARD_TRY(signers_store(db, w->mem, w->next_key, ++h->signer, cp.size + 1, h->note,
                               h->note_len, err));
    return head_write(db, w->mem, h, err);
}

static enum ward_code operate(struct work *w, struct ward_db *db, struct ward_err *err)
{
    struct audit_turn turn = {.head = &w->head};

    w->next_key = NULL;
    if (w->group->op == NULL || !in(w->group))
        return WARD_OK;
    WARD_TRY(w->group->op->run(db, w->mem, &turn, w->group->op->arg, err));
    w->next_key = turn.next_key;
    return WARD_OK;
}

static enum ward_code transaction(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct work *w = arg;
    struct audit_seen before = audit_seen(w->a);
    uint64_t stored;

    ward_arena_reset(w->mem);
    WARD_TRY(head_read(db, w->mem, true, &w->head, err));
    WARD_TRY(audit_head_take(w->a, db, w->mem, &before, &w->head, err));
    WARD_TRY(entry_count(db, w->mem, &stored, err));
    if (stored != w->head.frontier.size)
        return spoiled(err, "the log has fewer entries than its signed head");
    clear_results(w);
    WARD_TRY(sort_out(w, db, err));
    WARD_TRY(operate(w, db, err));
    if (w->n_new == 0 && w->next_key == NULL)
        return WARD_OK;
    WARD_TRY(add_entries(w, db, err));
    return sign_head(w, db, err);
}

static void settle(struct work *w, enum ward_code code, const struct ward_err *err)
{
    size_t dup = 0;

    for (struct audit_batch *b = w->group; b != NULL; b = b->next) {
        b->size = w->head.frontier.size;
        if (code != WARD_OK) {
            b->code = code;
            b->err = *err;
            b->stale = false;
        }
        for (size_t i = 0; in(b) && i < b->n; i++)
            dup += b->items[i].duplicate;
    }
    if (code != WARD_OK)
        return;
    audit_saw(w->a, w->head.frontier.size, &w->head.root);
    ward_count(&appended, (double)w->n_new);
    ward_count(&duplicates, (double)dup);
    ward_observe(&batch_events, (double)w->n_new);
}

void append_group(struct audit *a, struct ward_db *db, struct ward_arena *mem,
                  struct audit_batch *group)
{
    struct work w = {.a = a, .mem = mem, .group = group};
    const int64_t began = ward_mono_ns();
    struct ward_err err = {0};
    enum ward_code code = audit_sound(a, &err);

    if (code == WARD_OK)
        code = ward_db_tx(db, transaction, &w, &err);
    if (code ==
        /* id conflicts are rare, so a query for known ids before each insert would cost more */
        WARD_ALREADY_EXISTS) {
        w.dedupe = true;
        err = (struct ward_err){0};
        code = ward_db_tx(db, transaction, &w, &err);
        if (code == WARD_ALREADY_EXISTS)
            code =
                spoiled(&err, "the log contains entries that its signed head does not cover");
    }
    if (code == WARD_DATA_LOSS)
        audit_broke(a, &err);
    settle(&w, code, &err);
    ward_observe(&commit_seconds, (double)(ward_mono_ns() - began) / 1e9);
}
