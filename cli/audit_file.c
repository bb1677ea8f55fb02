#include "cli/audit_file.h"

#include "cli/cli.h"
#include "common/base/text.h"

#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_tree.h>

static enum ward_code bad(struct ward_err *err, const char *field)
{
    return WARD_FAIL(err, INVALID_ARGUMENT, "%s is missing or cannot be read", field);
}

static yajl_val get(yajl_val obj, const char *field)
{
    const char *path[] = {field, NULL};

    return yajl_tree_get(obj, path, yajl_t_any);
}

/* A parsed text that lives as long as the arena's reset. */
static void drop(void *tree)
{
    yajl_tree_free(tree);
}

#define DEPTH  4  /* of our files, and one to spare */
#define FIELDS 16 /* of one object: more than any of them has */

/* What yajl takes and others read otherwise, or not at all, is refused before it sees it: a
 * comment, and a NUL, at which its strings end. It frees by recursion, so depth is bounded. */
static bool is_plain(const char *text)
{
    bool quoted = false;
    int depth = 0;

    for (; *text != '\0'; text++) {
        if (*text == '"')
            quoted = !quoted;
        else if (*text == '\\' && strncmp(text, "\\u0000", 6) == 0)
            return false;
        else if (*text == '\\' && text[1] != '\0')
            text++;
        else if (!quoted && *text == '/')
            return false;
        else if (!quoted && (*text == '{' || *text == '[') && ++depth > DEPTH)
            return false;
        else if (!quoted && (*text == '}' || *text == ']'))
            depth--;
    }
    return true;
}

/* One field twice: we would check the first and another program show the last. */
static bool has_twins(yajl_val v)
{
    size_t n = YAJL_IS_OBJECT(v) ? YAJL_GET_OBJECT(v)->len : 0;

    if (n > FIELDS)
        return true;
    for (size_t i = 0; i < n; i++) {
        if (has_twins(YAJL_GET_OBJECT(v)->values[i]))
            return true;
        for (size_t k = 0; k < i; k++)
            if (strcmp(YAJL_GET_OBJECT(v)->keys[i], YAJL_GET_OBJECT(v)->keys[k]) == 0)
                return true;
    }
    for (size_t i = 0; YAJL_IS_ARRAY(v) && i < YAJL_GET_ARRAY(v)->len; i++)
        if (has_twins(YAJL_GET_ARRAY(v)->values[i]))
            return true;
    return false;
}

static enum ward_code parse(const char *text, const char *mark, struct ward_arena *mem,
                            yajl_val *out, struct ward_err *err)
{
    char words[128] = "";
    yajl_val tree = is_plain(text) ? yajl_tree_parse(text, words, sizeof(words)) : NULL,
             version;

    if (tree == NULL)
        return WARD_FAIL(err, INVALID_ARGUMENT, "not JSON");
    if (!ward_defer(mem, drop, tree))
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "the file needs too much memory");
    if (!YAJL_IS_OBJECT(tree))
        return WARD_FAIL(err, INVALID_ARGUMENT, "not a JSON object");
    if (has_twins(tree))
        return WARD_FAIL(err, INVALID_ARGUMENT, "a field is there twice, or too many are");
    version = mark == NULL ? NULL : get(tree, mark);
    if (mark != NULL && (!YAJL_IS_INTEGER(version) || YAJL_GET_INTEGER(version) != 1))
        return WARD_FAIL(err, INVALID_ARGUMENT, "no file of this kind: \"%s\":1 is not there",
                         mark);
    *out = tree;
    return WARD_OK;
}

static enum ward_code take_size(yajl_val obj, const char *field, uint64_t *out,
                                struct ward_err *err)
{
    yajl_val v = get(obj, field);

    if (!YAJL_IS_INTEGER(v) || YAJL_GET_INTEGER(v) < 0)
        return bad(err, field);
    *out = (uint64_t)YAJL_GET_INTEGER(v);
    return WARD_OK;
}

static enum ward_code take_note(yajl_val v, const char *field, const char **out,
                                struct ward_err *err)
{
    const char *text = YAJL_GET_STRING(v);

    if (text == NULL || strlen(text) > WARD_NOTE_MAX)
        return bad(err, field);
    *out = text;
    return WARD_OK;
}

static enum ward_code take_bytes(yajl_val v, const char *field, bool may_be_null,
                                 struct ward_arena *mem, struct file_bytes *out,
                                 struct ward_err *err)
{
    const char *text = YAJL_GET_STRING(v);
    uint8_t *p;
    size_t n;

    if (may_be_null && YAJL_IS_NULL(v)) {
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

static enum ward_code take_entry(yajl_val obj, struct ward_arena *mem, struct file_entry *out,
                                 struct ward_err *err)
{
    yajl_val erased = get(obj, "erased");

    WARD_TRY(take_size(obj, "index", &out->index, err));
    WARD_TRY(take_bytes(get(obj, "leaf"), "leaf", false, mem, &out->leaf, err));
    WARD_TRY(take_bytes(get(obj, "salt"), "salt", true, mem, &out->salt, err));
    WARD_TRY(take_bytes(get(obj, "event"), "event", true, mem, &out->event, err));
    if (!YAJL_IS_TRUE(erased) && !YAJL_IS_FALSE(erased))
        return bad(err, "erased");
    out->erased = YAJL_IS_TRUE(erased);
    return WARD_OK;
}

static enum ward_code take_proof(yajl_val obj, struct ward_arena *mem, struct ward_hash *out,
                                 size_t *n, struct ward_err *err)
{
    yajl_val list = get(obj, "proof");

    if (!YAJL_IS_ARRAY(list) || YAJL_GET_ARRAY(list)->len > WARD_PROOF_MAX)
        return bad(err, "proof");
    *n = YAJL_GET_ARRAY(list)->len;
    for (size_t i = 0; i < *n; i++) {
        struct file_bytes b;

        WARD_TRY(take_bytes(YAJL_GET_ARRAY(list)->values[i], "proof", false, mem, &b, err));
        if (b.n != sizeof(out[i].b))
            return bad(err, "proof");
        memcpy(out[i].b, b.p, sizeof(out[i].b));
    }
    return WARD_OK;
}

/* An array of notes, or of objects that have one in `inside`; empty ones are left out. */
static enum ward_code take_notes(yajl_val obj, const char *field, const char *inside,
                                 struct ward_arena *mem, struct file_notes *out,
                                 struct ward_err *err)
{
    yajl_val list = get(obj, field);
    size_t n;

    if (!YAJL_IS_ARRAY(list) || YAJL_GET_ARRAY(list)->len > WARD_KEYS_MAX)
        return bad(err, field);
    n = YAJL_GET_ARRAY(list)->len;
    out->n = 0;
    out->at = ward_alloc(mem, n * sizeof(*out->at));
    if (out->at == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "the file needs too much memory");
    for (size_t i = 0; i < n; i++) {
        yajl_val v = YAJL_GET_ARRAY(list)->values[i];

        if (inside != NULL)
            v = YAJL_IS_OBJECT(v) ? get(v, inside) : NULL;
        WARD_TRY(take_note(v, field, &out->at[out->n], err));
        out->n += *out->at[out->n] != '\0';
    }
    return WARD_OK;
}

enum ward_code file_header_parse(const char *text, struct ward_arena *mem,
                                 struct file_header *out, struct ward_err *err)
{
    struct file_header h = {0};
    yajl_val tree = NULL;

    WARD_TRY(parse(text, "ward_export", mem, &tree, err));
    WARD_TRY(take_size(tree, "size", &h.size, err));
    WARD_TRY(take_note(get(tree, "checkpoint"), "checkpoint", &h.checkpoint, err));
    WARD_TRY(take_notes(tree, "keys", "handover", mem, &h.handovers, err));
    *out = h;
    return WARD_OK;
}

enum ward_code file_entry_parse(const char *text, struct ward_arena *mem,
                                struct file_entry *out, struct ward_err *err)
{
    struct file_entry e = {0};
    yajl_val tree = NULL;

    WARD_TRY(parse(text, NULL, mem, &tree, err));
    WARD_TRY(take_entry(tree, mem, &e, err));
    *out = e;
    return WARD_OK;
}

enum ward_code file_receipt_parse(const char *text, struct ward_arena *mem,
                                  struct file_receipt *out, struct ward_err *err)
{
    struct file_receipt r = {0};
    yajl_val tree = NULL;

    WARD_TRY(parse(text, "ward_receipt", mem, &tree, err));
    WARD_TRY(take_entry(tree, mem, &r.entry, err));
    WARD_TRY(take_proof(tree, mem, r.proof, &r.n_proof, err));
    WARD_TRY(take_note(get(tree, "checkpoint"), "checkpoint", &r.checkpoint, err));
    WARD_TRY(take_notes(tree, "handovers", NULL, mem, &r.handovers, err));
    *out = r;
    return WARD_OK;
}

enum ward_code file_head_parse(const char *text, struct ward_arena *mem, struct file_head *out,
                               struct ward_err *err)
{
    struct file_head h = {0};
    yajl_val tree = NULL;

    if (*text != '{') { /* a checkpoint as it is */
        if (strlen(text) > WARD_NOTE_MAX)
            return bad(err, "checkpoint");
        *out = (struct file_head){.checkpoint = text};
        return WARD_OK;
    }
    WARD_TRY(parse(text, "ward_head", mem, &tree, err));
    WARD_TRY(take_note(get(tree, "checkpoint"), "checkpoint", &h.checkpoint, err));
    WARD_TRY(take_size(tree, "old_size", &h.old_size, err));
    WARD_TRY(take_proof(tree, mem, h.proof, &h.n_proof, err));
    WARD_TRY(take_notes(tree, "handovers", NULL, mem, &h.handovers, err));
    *out = h;
    return WARD_OK;
}

/* ---- keys ---- */

#define PEM_BEGIN "-----BEGIN PUBLIC KEY-----\n"

/* An Ed25519 SubjectPublicKeyInfo is these bytes and the key (RFC 8410). */
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
