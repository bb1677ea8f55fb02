#include "cli/audit/audit_file.h"

#include "cli/core/cli.h"
#include "common/base/text.h"
#include "common/json/json.h"

#include <stdlib.h>
#include <string.h>

static enum ward_code bad(struct ward_err *err, const char *field)
{
    return WARD_FAIL(err, INVALID_ARGUMENT, "%s is missing or unreadable", field);
}

#define DEPTH  4  /* maximum depth of nested values; no file has more than 3 levels */
#define FIELDS 16 /* limit of fields in one object; no file has more */

static bool has_many_fields(const struct ward_json *v)
{
    if (ward_json_is(v, WARD_JSON_OBJECT) && v->count > FIELDS)
        return true;
    for (const struct ward_json *child = v->first; child != NULL; child = child->next)
        if (has_many_fields(child))
            return true;
    return false;
}

/* Parses an object. A repeated field is rejected, because another program might use the other
 * value. */
static enum ward_code parse(const char *text, const char *mark, struct ward_arena *mem,
                            const struct ward_json **out, struct ward_err *err)
{
    static const struct ward_json_limits limits = {.depth = DEPTH};
    const struct ward_json *v = NULL;
    struct ward_err why = {0};
    enum ward_code code = ward_json_parse(text, strlen(text), &limits, mem, &v, &why);
    int64_t version = 0;

    if (code == WARD_RESOURCE_EXHAUSTED)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "the file needs too much memory");
    if (strcmp(why.reason, "JSON_DUPLICATE_KEY") == 0 || (v != NULL && has_many_fields(v)))
        return WARD_FAIL(err, INVALID_ARGUMENT,
                         "a field occurs twice, or there are too many fields");
    if (code != WARD_OK)
        return WARD_FAIL(err, INVALID_ARGUMENT, "not JSON");
    if (!ward_json_is(v, WARD_JSON_OBJECT))
        return WARD_FAIL(err, INVALID_ARGUMENT, "not a JSON object");
    if (mark != NULL && (!ward_json_i64(ward_json_get(v, mark), &version) || version != 1))
        return WARD_FAIL(err, INVALID_ARGUMENT,
                         "the file is of another kind: \"%s\":1 is missing", mark);
    *out = v;
    return WARD_OK;
}

static enum ward_code take_size(const struct ward_json *obj, const char *field, uint64_t *out,
                                struct ward_err *err)
{
    int64_t n = 0;

    if (!ward_json_i64(ward_json_get(obj, field), &n) || n < 0)
        return bad(err, field);
    *out = (uint64_t)n;
    return WARD_OK;
}

static enum ward_code take_note(const struct ward_json *v, const char *field, const char **out,
                                struct ward_err *err)
{
    const char *text = ward_json_string(v);

    if (text == NULL || strlen(text) > WARD_NOTE_MAX)
        return bad(err, field);
    *out = text;
    return WARD_OK;
}

static enum ward_code take_bytes(const struct ward_json *v, const char *field, bool may_be_null,
                                 struct ward_arena *mem, struct file_bytes *out,
                                 struct ward_err *err)
{
    const char *text = ward_json_string(v);
    uint8_t *p;
    size_t n;

    if (may_be_null && ward_json_is(v, WARD_JSON_NULL)) {
        *out = (struct file_bytes){0};
        return WARD_OK;
    }
    if (text == NULL)
        return bad(err, field);
    n = strlen(text);
    p = ward_alloc(mem, n);
    if (p == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "the file needs too much memory");
    if (!ward_unbase64(text, n, p, n, &out->n))
        return bad(err, field);
    out->p = p;
    return WARD_OK;
}

static enum ward_code take_entry(const struct ward_json *obj, struct ward_arena *mem,
                                 struct file_entry *out, struct ward_err *err)
{
    const struct ward_json *erased = ward_json_get(obj, "erased");

    WARD_TRY(take_size(obj, "index", &out->index, err));
    WARD_TRY(take_bytes(ward_json_get(obj, "leaf"), "leaf", false, mem, &out->leaf, err));
    WARD_TRY(take_bytes(ward_json_get(obj, "salt"), "salt", true, mem, &out->salt, err));
    WARD_TRY(take_bytes(ward_json_get(obj, "event"), "event", true, mem, &out->event, err));
    out->erased = ward_json_is(erased, WARD_JSON_TRUE);
    if (!out->erased && !ward_json_is(erased, WARD_JSON_FALSE))
        return bad(err, "erased");
    return WARD_OK;
}

static enum ward_code take_proof(const struct ward_json *obj, struct ward_arena *mem,
                                 struct ward_hash *out, size_t *n, struct ward_err *err)
{
    const struct ward_json *list = ward_json_get(obj, "proof"), *v;
    size_t i = 0;

    if (!ward_json_is(list, WARD_JSON_ARRAY) || list->count > WARD_PROOF_MAX)
        return bad(err, "proof");
    *n = list->count;
    for (v = list->first; v != NULL; v = v->next, i++) {
        struct file_bytes b;

        WARD_TRY(take_bytes(v, "proof", false, mem, &b, err));
        if (b.n != sizeof(out[i].b))
            return bad(err, "proof");
        memcpy(out[i].b, b.p, sizeof(out[i].b));
    }
    return WARD_OK;
}

/* Reads an array of notes, or of objects with a note in the field `inside`. Empty notes are
 * skipped. */
static enum ward_code take_notes(const struct ward_json *obj, const char *field,
                                 const char *inside, struct ward_arena *mem,
                                 struct file_notes *out, struct ward_err *err)
{
    const struct ward_json *list = ward_json_get(obj, field), *v;

    if (!ward_json_is(list, WARD_JSON_ARRAY) || list->count > WARD_KEYS_MAX)
        return bad(err, field);
    out->n = 0;
    out->at = ward_alloc(mem, list->count * sizeof(*out->at));
    if (out->at == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "the file needs too much memory");
    for (v = list->first; v != NULL; v = v->next) {
        WARD_TRY(take_note(inside == NULL ? v : ward_json_get(v, inside), field,
                           &out->at[out->n], err));
        out->n += *out->at[out->n] != '\0';
    }
    return WARD_OK;
}

enum ward_code file_header_parse(const char *text, struct ward_arena *mem,
                                 struct file_header *out, struct ward_err *err)
{
    struct file_header h = {0};
    const struct ward_json *tree = NULL;

    WARD_TRY(parse(text, "ward_export", mem, &tree, err));
    WARD_TRY(take_size(tree, "size", &h.size, err));
    WARD_TRY(take_note(ward_json_get(tree, "checkpoint"), "checkpoint", &h.checkpoint, err));
    WARD_TRY(take_notes(tree, "keys", "handover", mem, &h.handovers, err));
    *out = h;
    return WARD_OK;
}

enum ward_code file_entry_parse(const char *text, struct ward_arena *mem,
                                struct file_entry *out, struct ward_err *err)
{
    struct file_entry e = {0};
    const struct ward_json *tree = NULL;

    WARD_TRY(parse(text, NULL, mem, &tree, err));
    WARD_TRY(take_entry(tree, mem, &e, err));
    *out = e;
    return WARD_OK;
}

enum ward_code file_receipt_parse(const char *text, struct ward_arena *mem,
                                  struct file_receipt *out, struct ward_err *err)
{
    struct file_receipt r = {0};
    const struct ward_json *tree = NULL;

    WARD_TRY(parse(text, "ward_receipt", mem, &tree, err));
    WARD_TRY(take_entry(tree, mem, &r.entry, err));
    WARD_TRY(take_proof(tree, mem, r.proof, &r.n_proof, err));
    WARD_TRY(take_note(ward_json_get(tree, "checkpoint"), "checkpoint", &r.checkpoint, err));
    WARD_TRY(take_notes(tree, "handovers", NULL, mem, &r.handovers, err));
    *out = r;
    return WARD_OK;
}

enum ward_code file_head_parse(const char *text, struct ward_arena *mem, struct file_head *out,
                               struct ward_err *err)
{
    struct file_head h = {0};
    const struct ward_json *tree = NULL;

    if (*text != '{') { /* a checkpoint as plain text */
        if (strlen(text) > WARD_NOTE_MAX)
            return bad(err, "checkpoint");
        *out = (struct file_head){.checkpoint = text};
        return WARD_OK;
    }
    WARD_TRY(parse(text, "ward_head", mem, &tree, err));
    WARD_TRY(take_note(ward_json_get(tree, "checkpoint"), "checkpoint", &h.checkpoint, err));
    WARD_TRY(take_size(tree, "old_size", &h.old_size, err));
    WARD_TRY(take_proof(tree, mem, h.proof, &h.n_proof, err));
    WARD_TRY(take_notes(tree, "handovers", NULL, mem, &h.handovers, err));
    *out = h;
    return WARD_OK;
}

/* ---- keys ---- */

#define PEM_BEGIN "-----BEGIN PUBLIC KEY-----\n"

/* An Ed25519 SubjectPublicKeyInfo consists of these bytes and the key (RFC 8410). */
static bool from_pem(const char *text, uint8_t pub[WARD_ED25519_PUB])
{
    static const uint8_t SPKI[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                   0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
    const char *body = text + strlen(PEM_BEGIN);
    uint8_t der[sizeof(SPKI) + WARD_ED25519_PUB];
    size_t n;

    if (strncmp(text, PEM_BEGIN, strlen(PEM_BEGIN)) != 0 ||
        !ward_unbase64(body, strcspn(body, "\r\n"), der, sizeof(der), &n) || n != sizeof(der) ||
        memcmp(der, SPKI, sizeof(SPKI)) != 0)
        return false;
    memcpy(pub, der + sizeof(SPKI), WARD_ED25519_PUB);
    return true;
}

enum ward_code file_key(const char *text_or_path, const char *origin, struct ward_arena *mem,
                        struct ward_vkey *out, struct ward_err *err)
{
    uint8_t pub[WARD_ED25519_PUB];
    char *text;
    size_t n;

    if (ward_vkey_parse(text_or_path, strlen(text_or_path), out, NULL) == WARD_OK)
        return WARD_OK;
    WARD_TRY(cli_read(text_or_path, 4096, mem, &text, &n, err));
    if (from_pem(text, pub))
        return ward_vkey_make(origin, pub, out, err);
    return ward_vkey_parse(text, strcspn(text, "\r\n"), out, err);
}

/* ---- printing ---- */

static void print_bytes(FILE *to, const char *key, const struct file_bytes *b)
{
    char text[256], *p = text;

    if (b->p == NULL) {
        fprintf(to, ",\"%s\":null", key);
        return;
    }
    if (WARD_BASE64_SIZE(b->n) > sizeof(text))
        p = malloc(WARD_BASE64_SIZE(b->n));
    WARD_ASSERT(p != NULL);
    ward_base64(b->p, b->n, p);
    fprintf(to, ",\"%s\":\"%s\"", key, p);
    if (p != text)
        free(p);
}

void file_entry_print(FILE *to, const struct file_entry *e)
{
    fprintf(to, "{\"index\":%llu", (unsigned long long)e->index);
    print_bytes(to, "leaf", &e->leaf);
    print_bytes(to, "salt", &e->salt);
    print_bytes(to, "event", &e->event);
    fprintf(to, ",\"erased\":%s}\n", e->erased ? "true" : "false");
}
