#include "common/serve/release.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define HEAD      "ward.model/v1 "
#define KEYS_SIZE ((size_t)64 << 10) /* limit of a file of keys, in bytes */

/* ---- keys ---- */

enum ward_code ward_release_keys_parse(const char *text, size_t n,
                                       struct ward_release_keys *out, struct ward_err *err)
{
    struct ward_release_keys keys = {0};
    const char *end = text + n;
    int line = 0;

    while (text < end) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        size_t len = (size_t)((stop == NULL ? end : stop) - text);

        line++;
        if (len > 0 && text[len - 1] == '\r')
            len--;
        if (len > 0 && *text != '#') {
            if (keys.n == WARD_RELEASE_KEYS ||
                ward_vkey_parse(text, len, &keys.at[keys.n], NULL) != WARD_OK)
                return WARD_FAIL(
                    err, INVALID_ARGUMENT,
                    "line %d is not a verifier key, or the file has more than %d keys", line,
                    WARD_RELEASE_KEYS);
            keys.n++;
        }
        text = stop == NULL ? end : stop + 1;
    }
    *out = keys;
    return WARD_OK;
}

enum ward_code ward_release_keys_read(const char *path, struct ward_release_keys *out,
                                      struct ward_err *err)
{
    char text[KEYS_SIZE];
    FILE *f = fopen(path, "re");
    size_t n;

    if (f == NULL) {
        WARD_FAIL(err, NOT_FOUND, "the file of trusted model keys cannot be opened");
        ward_err_detail(err, "%.200s: errno %d", path, errno);
        return WARD_NOT_FOUND;
    }
    n = fread(text, 1, sizeof(text), f);
    fclose(f);
    if (n == sizeof(text))
        return WARD_FAIL(err, INVALID_ARGUMENT, "the file of trusted model keys is too large");
    return ward_release_keys_parse(text, n, out, err);
}

/* ---- reading ---- */

static enum ward_code no(struct ward_err *err, const char *what)
{
    return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "MODEL_SIGNATURE",
                            "the model's " WARD_RELEASE_FILE " %s", what);
}

/* Returns the next line without its newline; NULL at the end. */
static const char *line_of(const char **at, const char *end, size_t *len)
{
    const char *line = *at, *stop;

    if (line >= end)
        return NULL;
    stop = memchr(line, '\n', (size_t)(end - line));
    if (stop == NULL)
        return NULL;
    *len = (size_t)(stop - line);
    *at = stop + 1;
    return line;
}

static bool copy(char *to, size_t cap, const char *from, size_t n)
{
    if (n == 0 || n >= cap || memchr(from, '\0', n) != NULL)
        return false;
    memcpy(to, from, n);
    to[n] = '\0';
    return true;
}

static bool read_file(const char *line, size_t len, struct ward_release *r)
{
    const char *space = memchr(line, ' ', len);
    size_t n = space == NULL ? 0 : (size_t)(space - line);

    if (r->n == WARD_RELEASE_FILES || n == 0 || len - n != 65 ||
        !copy(r->file[r->n].name, sizeof(r->file[0].name), line, n) ||
        !copy(r->file[r->n].sha256, sizeof(r->file[0].sha256), space + 1, 64) ||
        strspn(r->file[r->n].sha256, "0123456789abcdef") != 64)
        return false;
    r->n++;
    return true;
}

static bool read_text(const struct ward_note *note, struct ward_release *r)
{
    const char *at = note->text, *end = note->text + note->len, *line;
    size_t len = 0;

    line = line_of(&at, end, &len);
    if (line == NULL || len <= sizeof(HEAD) - 1 || memcmp(line, HEAD, sizeof(HEAD) - 1) != 0 ||
        !copy(r->model, sizeof(r->model), line + sizeof(HEAD) - 1, len - (sizeof(HEAD) - 1)))
        return false;
    while ((line = line_of(&at, end, &len)) != NULL)
        if (!read_file(line, len, r))
            return false;
    return r->n > 0;
}

enum ward_code ward_release_open(const char *text, size_t len,
                                 const struct ward_release_keys *keys, struct ward_release *out,
                                 struct ward_err *err)
{
    struct ward_release r = {.n = 0};
    struct ward_note note;

    if (ward_note_parse(text, len, &note, NULL) != WARD_OK)
        return no(err, "is not a signed note");
    for (int i = 0; i < keys->n; i++)
        if (ward_note_check(&note, &keys->at[i], NULL) == WARD_OK) {
            if (!read_text(&note, &r))
                return no(err, "does not list a model's files");
            memcpy(r.signer, keys->at[i].name, sizeof(r.signer));
            *out = r;
            return WARD_OK;
        }
    return no(err, "is not signed by a trusted key");
}

enum ward_code ward_release_lists(const struct ward_release *r, const char *model,
                                  const char *file, const char *sha256, struct ward_err *err)
{
    if (strcmp(r->model, model) != 0)
        return no(err, "belongs to another model");
    for (int i = 0; i < r->n; i++)
        if (strcmp(r->file[i].name, file) == 0)
            return strcmp(r->file[i].sha256, sha256) == 0
                       ? WARD_OK
                       : no(err, "lists a different hash of a file");
    return no(err, "does not list a file");
}

/* ---- signing ---- */

enum ward_code ward_release_sign(const struct ward_release *r, const struct ward_signer *signer,
                                 char out[WARD_NOTE_MAX], size_t *len, struct ward_err *err)
{
    char text[WARD_NOTE_MAX];
    size_t n = (size_t)snprintf(text, sizeof(text), HEAD "%s\n", r->model);

    for (int i = 0; i < r->n && n < sizeof(text); i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s %s\n", r->file[i].name,
                              r->file[i].sha256);
    if (n >= sizeof(text))
        return WARD_FAIL(err, INVALID_ARGUMENT, "too many files for one signature");
    return ward_note_sign(text, n, signer, 1, out, len, err);
}
