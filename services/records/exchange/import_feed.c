/* Splits bytes into bundles, bundles into entries, and stages the entries. */
#include "services/records/exchange/import_feed.h"
#include "services/records/exchange/import_ids.h"

#include <stdio.h>
#include <string.h>

/* Whether staged entries may be written before the rest of their bundle arrives. */
static bool goes_in_parts(const struct import *im)
{
    return *im->split.type != '\0' && *im->split.resource_type != '\0' && !im->stage.atomic;
}

static bool is_full(const struct import *im)
{
    return im->stage.n >= IMPORT_BATCH || im->stage.mem->used > IMPORT_STAGED / 2;
}

/* ---- entries ---- */

static void note_unmodelled(void *arg, const char *path)
{
    struct import *im = arg;

    /* A failure is reported by read_resource. */
    if (im->tally_code == WARD_OK)
        im->tally_code = tally_add(&im->count.unmodelled, im->call->mem, path, &im->tally_err);
}

static enum ward_code stage_text(struct import *im, const char *text, size_t n, int number,
                                 struct staged **out, struct ward_err *err)
{
    struct staged *e;
    char *copy = ward_alloc(im->stage.mem, n + 1);

    if (copy == NULL)
        return WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "ARENA_FULL",
                                "the bundle needs too much memory: send smaller bundles");
    if (n > 0)
        memcpy(copy, text, n);
    WARD_TRY(stage_add(&im->stage, &e, err));
    e->text = copy;
    e->n = n;
    e->full_url = "";
    e->number = number;
    snprintf(e->position, sizeof(e->position), "bundle %d, entry %d", im->bundle, number);
    *out = e;
    return WARD_OK;
}

/* Reads an entry's condition. A Patient may be requested by identifier:
 * "identifier=system|value" in ifNoneExist, and after "Patient?" in the url of a PUT. An entry
 * with any other condition is quarantined. */
static enum ward_code check_condition(struct import *im, const struct ward_json *entry,
                                      struct staged *e, struct ward_err *err)
{
    static const char PATIENT[] = "Patient?";
    const struct ward_json *request = ward_json_get(entry, "request");
    const struct ward_json *none = ward_json_get(request, "ifNoneExist");
    const char *type =
        ward_json_string(ward_json_get(ward_json_get(entry, "resource"), "resourceType"));
    const char *method = ward_json_string(ward_json_get(request, "method"));
    const char *url = ward_json_string(ward_json_get(request, "url")), *query = NULL;
    bool by_url = url != NULL && strchr(url, '?') != NULL;
    bool is_put = method != NULL && strcmp(method, "PUT") == 0;
    char *text = NULL;

    if (!by_url && none == NULL)
        return WARD_OK;
    if (by_url && none == NULL && is_put && strncmp(url, PATIENT, strlen(PATIENT)) == 0)
        query = url + strlen(PATIENT);
    else if (!by_url && !is_put)
        query = ward_json_string(none);
    if (query != NULL && type != NULL && strcmp(type, "Patient") == 0)
        WARD_TRY(known_query(im->stage.mem, query, &text, err));
    if (text == NULL)
        return problem_add(im->stage.mem, &e->in.problems, "BUNDLE_INVALID",
                           by_url ? "request.url" : "request.ifNoneExist",
                           "only a Patient is matched, and only by identifier=system|value",
                           NULL, err);
    e->condition = by_url ? CONDITION_UPDATE : CONDITION_CREATE;
    return known_hash(im->stage.w, text, e->wanted, err);
}

/* Adds a problem for an unsupported request method or condition. */
static enum ward_code check_request(struct import *im, const struct ward_json *entry,
                                    struct staged *e, struct ward_err *err)
{
    const struct ward_json *request = ward_json_get(entry, "request");
    const struct ward_json *method = ward_json_get(request, "method");
    const char *name = ward_json_string(method);

    if (method != NULL &&
        (name == NULL || (strcmp(name, "POST") != 0 && strcmp(name, "PUT") != 0)))
        return problem_add(im->stage.mem, &e->in.problems, "BUNDLE_INVALID", "request.method",
                           "only POST and PUT are supported", NULL, err);
    return check_condition(im, entry, e, err);
}

static enum ward_code settle(void *im, struct ward_err *err)
{
    return records_import_wait(im, err);
}

static enum ward_code read_resource(struct import *im, const struct ward_json *entry,
                                    struct staged *e, bool again, struct ward_err *err)
{
    const struct ward_json *resource = ward_json_get(entry, "resource");
    const char *url = ward_json_string(ward_json_get(entry, "fullUrl"));
    char place[128 + QUARANTINE_POSITION + 2];
    const struct entry what = {.source = im->source,
                               .full_url = url == NULL ? "" : url,
                               .json = resource,
                               .near = &im->stage.ids,
                               .settle = settle,
                               .settle_arg = im,
                               .place = place};

    snprintf(place, sizeof(place), "%s %s", im->stage.import_id, e->position);
    if (resource == NULL)
        return problem_add(im->stage.mem, &e->in.problems, "BUNDLE_INVALID", "resource",
                           "the entry has no resource", NULL, err);
    WARD_TRY(check_request(im, entry, e, err));
    e->full_url = ward_strdup(im->stage.mem, what.full_url);
    if (e->full_url == NULL)
        return WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "ARENA_FULL",
                                "the bundle exceeds the memory of a call");
    WARD_TRY(entry_read(im->stage.w, im->stage.mem, &what, again ? NULL : note_unmodelled, im,
                        e, err));
    return im->tally_code == WARD_OK ? WARD_OK : (*err = im->tally_err, im->tally_code);
}

/* Computes the index of an entry while the batch before is written. A failure is ignored,
 * because the write computes a missing index and reports the failure. The limits leave the
 * memory of large bundles to their entries. */
static void index_early(struct import *im, struct staged *e)
{
    struct stage *s = &im->stage;
    size_t used = s->mem->used;

    if (e->in.res == NULL || e->in.problems.n > 0 || e->in.nobodys || e->n > IMPORT_SMALL ||
        s->indexed > IMPORT_INDEXED)
        return;
    if (index_of(s->w->rec->keys, s->mem, e->in.res, &e->index, NULL) == WARD_OK)
        e->indexed = e->in.res;
    s->indexed += s->mem->used - used;
}

/* Indexes an entry by id. stage_entry writes the batch before a second entry with the same id.
 * In an atomic bundle, the second entry gets a problem. */
static enum ward_code index_entry(struct import *im, struct staged *e, struct ward_err *err)
{
    if (stage_index(&im->stage, e))
        return WARD_OK;
    return problem_add(im->stage.mem, &e->in.problems, "BUNDLE_INVALID", "id",
                       "two entries of one transaction have this id", NULL, err);
}

/* Whether a staged entry has the entry's converted id. */
static enum ward_code is_twice(struct import *im, const struct ward_json *entry, bool *out,
                               struct ward_err *err)
{
    const struct ward_json *resource = ward_json_get(entry, "resource");
    const char *type = ward_json_string(ward_json_get(resource, "resourceType"));
    const char *id = ward_json_string(ward_json_get(resource, "id"));
    const char *url = ward_json_string(ward_json_get(entry, "fullUrl"));
    const struct id_source from = {.keys = im->stage.w->rec->keys,
                                   .source = im->source,
                                   .full_url = url == NULL ? "" : url,
                                   .place = ""};
    uint8_t key[RECORDS_ID];
    char *ours;

    *out = false;
    if (type == NULL || (id == NULL && url == NULL))
        return WARD_OK;
    WARD_TRY(import_id_of(&from, im->stage.mem, type, id == NULL ? "" : id, &ours, err));
    *out = ward_uuid_parse(ours, key) && id_map_get(&im->stage.ids, key) != NULL;
    return WARD_OK;
}

static enum ward_code stage_entry(struct import *im, const struct ward_json *entry,
                                  const char *text, size_t n, int number, bool again,
                                  struct ward_err *err)
{
    struct staged *e;
    bool twice;

    WARD_TRY(is_twice(im, entry, &twice, err));
    if ((is_full(im) || twice) && goes_in_parts(im))
        WARD_TRY(records_import_hand_over(im, err));
    WARD_TRY(stage_text(im, text, n, number, &e, err));
    WARD_TRY(read_resource(im, entry, e, again, err));
    index_early(im, e);
    return index_entry(im, e, err);
}

/* Whether a string has a control character other than a line break. A line break may mean that
 * a quotation mark is missing, and then the entry's end is uncertain. */
static bool has_control(const char *p, size_t n)
{
    bool in_string = false;

    for (size_t i = 0; i < n; i++) {
        if (in_string && p[i] == '\\')
            i++;
        else if (p[i] == '"')
            in_string = !in_string;
        else if (in_string && (unsigned char)p[i] < 0x20 && p[i] != '\n' && p[i] != '\r')
            return true;
    }
    return false;
}

/* Whether an error in an entry leaves the entry's end certain. */
static bool is_put_aside(const struct ward_json_element *x, const struct ward_err *why)
{
    static const char *const reasons[] = {"JSON_TOO_LARGE", "JSON_BAD_STRING", "JSON_TOO_DEEP"};

    for (size_t i = 0; i < WARD_COUNT(reasons); i++)
        if (strcmp(why->reason, reasons[i]) == 0)
            return true;
    return strcmp(why->reason, "JSON_MALFORMED") == 0 && has_control(x->text, x->n);
}

/* Stages an unreadable entry with its position and problem but without content. The patient is
 * unknown, so an erasure could not find the content. */
static enum ward_code stage_unreadable(struct import *im, int number,
                                       const struct ward_err *why, struct ward_err *err)
{
    struct staged *e;

    WARD_TRY(stage_text(im, "", 0, number, &e, err));
    return problem_of(im->stage.mem, why, &e->in.problems, err);
}

static enum ward_code on_entry(void *arg, const struct ward_json_element *x,
                               const struct ward_err *why, struct ward_err *err)
{
    struct import *im = arg;
    int number = x->index < INT32_MAX ? (int)x->index + 1 : INT32_MAX;

    if (x->value != NULL)
        return stage_entry(im, x->value, x->text, x->n, number, false, err);
    if (is_put_aside(x, why))
        return stage_unreadable(im, number, why, err);
    *err = *why;
    return why->code;
}

/* Processes the waiting entries a last time. */
static enum ward_code release(struct import *im, struct ward_err *err)
{
    struct held *h = im->held;
    struct ward_arena mem;
    enum ward_code code = WARD_OK;

    if (h == NULL)
        return WARD_OK;
    im->held = NULL;
    im->last_held = &im->held;
    im->n_held = 0;
    im->stage.last = true;
    ward_arena_init(&mem, 12 * IMPORT_ENTRY);
    for (; h != NULL && code == WARD_OK; h = h->next) {
        const struct ward_json *v;

        code = ward_json_parse(h->text, h->n, NULL, &mem, &v, err);
        if (code == WARD_OK)
            code = stage_entry(im, v, h->text, h->n, h->number, true, err);
        ward_arena_reset(&mem);
    }
    ward_arena_done(&mem);
    if (code == WARD_OK)
        code = import_flush(im, err);
    im->stage.last = false;
    ward_arena_reset(&im->waiting);
    return code;
}

/* Called if too many entries wait: writes waiting entries whose patient has arrived, and
 * quarantines the others, which can be replayed. */
static enum ward_code give_up_waiting(struct import *im, struct ward_err *err)
{
    WARD_TRY(import_flush(im, err));
    return release(im, err);
}

/* ---- bundles ---- */

static enum ward_code begin_bundle(struct import *im, struct ward_err *err)
{
    const struct ward_json_stream_config cfg = {.key = "entry",
                                                .element_bytes = IMPORT_ENTRY,
                                                .element_arena = 12 * IMPORT_ENTRY,
                                                .element = on_entry,
                                                .ctx = im};

    im->stage.atomic = im->refuse;
    im->bundle++;
    return ward_json_stream_open(&cfg, &im->stream, err);
}

static enum ward_code invalid(struct ward_err *err, const char *what)
{
    return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "BUNDLE_INVALID", "%s", what);
}

static enum ward_code judge(const struct ward_json *rest, struct ward_err *err)
{
    static const char *const TYPES[] = {"transaction", "batch",    "collection",
                                        "searchset",   "document", "message"};
    const char *is = ward_json_string(ward_json_get(rest, "resourceType"));
    const char *type = ward_json_string(ward_json_get(rest, "type"));
    const struct ward_json *entry = ward_json_get(rest, "entry");

    if (is == NULL || strcmp(is, "Bundle") != 0)
        return invalid(err, "resourceType is not Bundle");
    if (entry != NULL && entry->kind != WARD_JSON_ARRAY)
        return invalid(err, "entry is not a list");
    for (size_t i = 0; type != NULL && i < WARD_COUNT(TYPES); i++)
        if (strcmp(type, TYPES[i]) == 0)
            return WARD_OK;
    return invalid(err, "type must be transaction, batch, collection, searchset, document or "
                        "message");
}

static void close_bundle(struct import *im)
{
    ward_json_stream_close(im->stream);
    im->stream = NULL;
}

static enum ward_code end_bundle(struct import *im, struct ward_err *err)
{
    const struct ward_json *rest;

    WARD_TRY(ward_json_stream_end(im->stream, &rest, err));
    WARD_TRY(judge(rest, err));
    close_bundle(im);
    if (im->stage.atomic && !im->stage.dry_run && im->stage.n > 0) {
        im->stage.ends_bundle = true;
        return records_import_hand_over(im, err); /* no entry of an atomic bundle waits */
    }
    WARD_TRY(import_flush(im, err));
    WARD_TRY(release(im, err));
    im->count.p.bundles++;
    return WARD_OK;
}

/* Makes a transaction bundle atomic. Entries are staged until the type was read, unless there
 * are more entries than may wait. */
static void know_type(struct import *im)
{
    if (strcmp(im->split.type, "transaction") == 0)
        im->stage.atomic = true;
}

enum ward_code import_feed(struct import *im, const void *bytes, size_t n, struct ward_err *err)
{
    const char *p = bytes;

    while (n > 0) {
        size_t skip, took;
        bool ends;

        took = bundle_split(&im->split, p, n, &skip, &ends);
        if (took > skip) {
            if (im->stream == NULL)
                WARD_TRY(begin_bundle(im, err));
            know_type(im);
            WARD_TRY(ward_json_stream_feed(im->stream, p + skip, took - skip, err));
        }
        im->count.p.bytes += (int64_t)took;
        if (ends)
            WARD_TRY(end_bundle(im, err));
        else if (im->n_held >= IMPORT_HELD || im->waiting.used > IMPORT_WAITING / 2)
            WARD_TRY(give_up_waiting(im, err));
        p += took;
        n -= took;
    }
    return WARD_OK;
}

enum ward_code import_feed_end(struct import *im, struct ward_err *err)
{
    if (im->stream != NULL)
        WARD_TRY(end_bundle(im, err));
    WARD_TRY(records_import_wait(im, err));
    if (im->count.p.bundles == 0)
        return invalid(err, "there is no bundle");
    return WARD_OK;
}
