/* Signed notes and checkpoints; see note.h. */
#include "common/merkle/note.h"

#include "common/base/text.h"

#include <stdio.h>
#include <string.h>

#define DASH     "\xe2\x80\x94 " /* U+2014 and a space: the beginning of a signature line */
#define DASH_LEN 4
#define NEXT_KEY "next-key "
#define ID_SIG   (4 + WARD_ED25519_SIG)

/* The text consists of lines of printable characters. Bytes beyond ASCII are permitted, control
 * characters are not, because a terminal must show exactly the signed text. */
static bool text_fits(const char *p, size_t n)
{
    if (n == 0 || n > WARD_NOTE_MAX || p[n - 1] != '\n')
        return false;
    for (size_t i = 0; i < n; i++)
        if (((unsigned char)p[i] < ' ' && p[i] != '\n') || p[i] == 0x7f)
            return false;
    return true;
}

/* One signature line without its newline. */
static bool parse_sig(const char *p, size_t n, struct ward_note_sig *out)
{
    uint8_t raw[512];
    const char *space;
    size_t name_len, raw_len;

    if (n < DASH_LEN || memcmp(p, DASH, DASH_LEN) != 0)
        return false;
    p += DASH_LEN;
    n -= DASH_LEN;
    space = memchr(p, ' ', n);
    name_len = space == NULL ? 0 : (size_t)(space - p);
    if (name_len < 1 || name_len > WARD_NAME_MAX || memchr(p, '+', name_len) != NULL)
        return false;
    if (!ward_unbase64(space + 1, n - name_len - 1, raw, sizeof(raw), &raw_len) || raw_len < 5)
        return false;
    *out = (struct ward_note_sig){.usable = raw_len == ID_SIG};
    memcpy(out->name, p, name_len);
    memcpy(out->id, raw, sizeof(out->id));
    if (out->usable)
        memcpy(out->sig, raw + sizeof(out->id), WARD_ED25519_SIG);
    return true;
}

enum ward_code ward_note_parse(const char *in, size_t len, struct ward_note *out,
                               struct ward_err *err)
{
    struct ward_note note = {.text = in};
    size_t at = len;

    if (!text_fits(in, len))
        return WARD_FAIL(err, INVALID_ARGUMENT,
                         "not a signed note: control characters, or no "
                         "newline at the end");
    /* The last empty line separates text and signatures; the text may have others. */
    while (at >= 2 && !(in[at - 1] == '\n' && in[at - 2] == '\n'))
        at--;
    if (at < 2)
        return WARD_FAIL(err, INVALID_ARGUMENT, "not a signed note: no empty line");
    note.len = at - 1;
    while (at < len) {
        const char *end = memchr(in + at, '\n', len - at);
        size_t n = (size_t)(end - (in + at));

        if (note.n == WARD_NOTE_SIGS)
            return WARD_FAIL(err, INVALID_ARGUMENT, "more than %d signatures", WARD_NOTE_SIGS);
        if (!parse_sig(in + at, n, &note.sigs[note.n++]))
            return WARD_FAIL(err, INVALID_ARGUMENT, "signature line %d is malformed", note.n);
        at += n + 1;
    }
    if (note.n == 0)
        return WARD_FAIL(err, INVALID_ARGUMENT, "not a signed note: no signature");
    *out = note;
    return WARD_OK;
}

enum ward_code ward_note_check(const struct ward_note *note, const struct ward_vkey *key,
                               struct ward_err *err)
{
    for (int i = 0; i < note->n; i++) {
        const struct ward_note_sig *s = &note->sigs[i];

        if (strcmp(s->name, key->name) != 0 || memcmp(s->id, key->id, sizeof(s->id)) != 0)
            continue;
        if (!s->usable || !ward_verify(key->pub, note->text, note->len, s->sig))
            return WARD_FAIL(err, FAILED_PRECONDITION, "the signature of %s is invalid",
                             key->name);
        return WARD_OK;
    }
    return WARD_FAIL(err, FAILED_PRECONDITION, "not signed by this key of %s", key->name);
}

/* Reads the next line from *p; false at the end. */
static bool line(const char **p, size_t *n, const char **out, size_t *len)
{
    const char *end = *n == 0 ? NULL : memchr(*p, '\n', *n);

    if (end == NULL)
        return false;
    *out = *p;
    *len = (size_t)(end - *p);
    *n -= *len + 1;
    *p = end + 1;
    return true;
}

static bool parse_size(const char *p, size_t n, uint64_t *out)
{
    char text[20] = {0};
    int64_t v;

    if (n < 1 || n >= sizeof(text) || (p[0] == '0' && n > 1))
        return false;
    memcpy(text, p, n);
    if (!ward_i64(text, 0, (INT64_C(1) << 62) - 1, &v))
        return false;
    *out = (uint64_t)v;
    return true;
}

static enum ward_code parse_extensions(const char *p, size_t n, struct ward_checkpoint *cp,
                                       struct ward_err *err)
{
    const size_t mark = strlen(NEXT_KEY);
    const char *l;
    size_t len;

    while (line(&p, &n, &l, &len)) {
        if (len == 0)
            return WARD_FAIL(err, INVALID_ARGUMENT, "the checkpoint has an empty line");
        if (len < mark || memcmp(l, NEXT_KEY, mark) != 0)
            continue;
        if (cp->hands_over)
            return WARD_FAIL(err, INVALID_ARGUMENT, "the checkpoint names two next keys");
        WARD_TRY(ward_vkey_parse(l + mark, len - mark, &cp->next, err));
        cp->hands_over = true;
    }
    return WARD_OK;
}

enum ward_code ward_checkpoint_parse(const struct ward_note *note, struct ward_checkpoint *out,
                                     struct ward_err *err)
{
    struct ward_checkpoint cp = {0};
    const char *p = note->text, *l;
    size_t left = note->len, len, got;

    if (!line(&p, &left, &l, &len) || len < 1 || len > WARD_NAME_MAX)
        return WARD_FAIL(err, INVALID_ARGUMENT, "the checkpoint's origin is empty or too long");
    memcpy(cp.origin, l, len);
    if (!line(&p, &left, &l, &len) || !parse_size(l, len, &cp.size))
        return WARD_FAIL(err, INVALID_ARGUMENT, "the checkpoint's size is not a number");
    if (!line(&p, &left, &l, &len) ||
        !ward_unbase64(l, len, cp.root.b, sizeof(cp.root), &got) || got != sizeof(cp.root))
        return WARD_FAIL(err, INVALID_ARGUMENT, "the checkpoint's root is not a SHA-256");
    WARD_TRY(parse_extensions(p, left, &cp, err));
    *out = cp;
    return WARD_OK;
}

enum ward_code ward_note_sign(const char *text, size_t text_len,
                              const struct ward_signer *signers, int n, char out[WARD_NOTE_MAX],
                              size_t *len, struct ward_err *err)
{
    size_t at = text_len + 1;
    uint8_t raw[ID_SIG];
    char printed[WARD_BASE64_SIZE(ID_SIG)];

    if (!text_fits(text, text_len) || n < 1 || n > WARD_NOTE_SIGS ||
        text_len + 1 + (size_t)n * (DASH_LEN + WARD_NAME_MAX + sizeof(printed) + 2) >=
            WARD_NOTE_MAX)
        return WARD_FAIL(err, INVALID_ARGUMENT,
                         "the note is too long or malformed and cannot be signed");
    memcpy(out, text, text_len);
    out[text_len] = '\n';
    for (int i = 0; i < n; i++) {
        memcpy(raw, signers[i].vkey.id, 4);
        WARD_TRY(ward_sign(signers[i].key, text, text_len, raw + 4, err));
        ward_base64(raw, sizeof(raw), printed);
        at += (size_t)snprintf(out + at, WARD_NOTE_MAX - at, DASH "%s %s\n",
                               signers[i].vkey.name, printed);
    }
    *len = at;
    return WARD_OK;
}

enum ward_code ward_checkpoint_sign(const struct ward_checkpoint *cp,
                                    const struct ward_signer *signers, int n,
                                    char out[WARD_NOTE_MAX], size_t *len, struct ward_err *err)
{
    char text[WARD_NAME_MAX + WARD_VKEY_MAX + 128], root[WARD_BASE64_SIZE(WARD_SHA256_SIZE)];
    char next[WARD_VKEY_MAX] = "";
    int k;

    ward_base64(cp->root.b, sizeof(cp->root.b), root);
    if (cp->hands_over)
        ward_vkey_print(&cp->next, next);
    k = snprintf(text, sizeof(text), "%s\n%llu\n%s\n%s%s%s", cp->origin,
                 (unsigned long long)cp->size, root, cp->hands_over ? NEXT_KEY : "", next,
                 cp->hands_over ? "\n" : "");
    return ward_note_sign(text, (size_t)k, signers, n, out, len, err);
}
