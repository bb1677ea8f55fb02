#include "cli/release/list.h"

#include "common/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST "ward-release/1"
#define LINE  512

static bool all_of(const char *s, const char *more)
{
    for (; *s != '\0'; s++) {
        bool plain = (*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9');

        if (!plain && strchr(more, *s) == NULL)
            return false;
    }
    return true;
}

#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

bool release_path_fits(const char *path)
{
    const char *part = path;
    size_t n = strlen(path);

    if (n == 0 || n >= RELEASE_PATH || !all_of(path, CAPITALS "._-/"))
        return false;
    for (;;) {
        size_t len = strcspn(part, "/");

        /* the part is "", "." or ".." */
        if (len == 0 || (len <= 2 && strspn(part, ".") == len))
            return false;
        if (part[len] == '\0')
            return true;
        part += len + 1;
    }
}

bool release_name_fits(const char *name)
{
    return *name != '\0' && strlen(name) < RELEASE_PATH && all_of(name, "-");
}

static bool version_fits(const char *version)
{
    return *version != '\0' && strlen(version) < RELEASE_PATH &&
           all_of(version, CAPITALS "._-+~");
}

static bool hex_fits(const char *s, size_t n)
{
    return strlen(s) == n && strspn(s, "0123456789abcdef") == n;
}

/* Splits a line without its newline at single blanks, into at most `most` words. */
static size_t words(char *line, char **out, size_t most)
{
    size_t n = 0;

    for (char *at = line; at != NULL && n < most; n++) {
        out[n] = at;
        at = n + 1 < most ? strchr(at, ' ') : NULL;
        if (at != NULL)
            *at++ = '\0';
    }
    return n;
}

static bool add(struct release_item *items, size_t *n, const struct release_item *item)
{
    if (*n == RELEASE_MOST || (*n > 0 && strcmp(items[*n - 1].name, item->name) >= 0))
        return false;
    items[(*n)++] = *item;
    return true;
}

static bool take_file(struct release *r, char **w, size_t n)
{
    struct release_item item = {0};
    int64_t size;

    if (n != 4 || !hex_fits(w[1], 64) || !ward_i64(w[2], 0, INT64_MAX, &size) ||
        !release_path_fits(w[3]))
        return false;
    snprintf(item.sha256, sizeof(item.sha256), "%s", w[1]);
    snprintf(item.name, sizeof(item.name), "%s", w[3]);
    item.size = (uint64_t)size;
    return add(r->files, &r->n_files, &item);
}

static bool take_image(struct release *r, char **w, size_t n)
{
    struct release_item item = {0};

    if (n != 3 || !hex_fits(w[1], 64) || !release_name_fits(w[2]))
        return false;
    snprintf(item.sha256, sizeof(item.sha256), "%s", w[1]);
    snprintf(item.name, sizeof(item.name), "%s", w[2]);
    return add(r->images, &r->n_images, &item);
}

static bool take(struct release *r, int line, char *text)
{
    char *w[4] = {0};
    size_t n;

    if (line == 1)
        return strcmp(text, FIRST) == 0;
    n = words(text, w, WARD_COUNT(w));
    if (line == 2 || line == 3) {
        bool version = line == 2;
        bool fits = n == 2 && strcmp(w[0], version ? "version" : "commit") == 0 &&
                    (version ? version_fits(w[1]) : hex_fits(w[1], 40));

        if (fits)
            snprintf(version ? r->version : r->commit,
                     version ? sizeof(r->version) : sizeof(r->commit), "%s", w[1]);
        return fits;
    }
    if (strcmp(w[0], "file") == 0)
        return r->n_images == 0 && take_file(r, w, n);
    return strcmp(w[0], "image") == 0 && take_image(r, w, n);
}

enum ward_code release_parse(const char *text, size_t len, struct release *out,
                             struct ward_err *err)
{
    const char *end = text + len;
    struct release r = {0};
    char copy[LINE];
    int line = 0;

    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t n = newline == NULL ? LINE : (size_t)(newline - text);

        line++;
        if (n < sizeof(copy)) {
            memcpy(copy, text, n);
            copy[n] = '\0';
        }
        if (n >= sizeof(copy) || strlen(copy) != n || !take(&r, line, copy))
            return WARD_FAIL(err, INVALID_ARGUMENT, "line %d of the release is not valid",
                             line);
        text = newline + 1;
    }
    if (line < 3)
        return WARD_FAIL(err, INVALID_ARGUMENT, "the release has no version and commit");
    *out = r;
    return WARD_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct release_item *)a)->name,
                  ((const struct release_item *)b)->name);
}

enum ward_code release_print(struct release *r, struct ward_arena *mem, char **out,
                             struct ward_err *err)
{
    struct release back;
    char *text;

    qsort(r->files, r->n_files, sizeof(*r->files), by_name);
    qsort(r->images, r->n_images, sizeof(*r->images), by_name);
    text = ward_printf(mem, FIRST "\nversion %s\ncommit %s\n", r->version, r->commit);
    for (size_t i = 0; i < r->n_files && text != NULL; i++)
        text = ward_printf(mem, "%sfile %s %llu %s\n", text, r->files[i].sha256,
                           (unsigned long long)r->files[i].size, r->files[i].name);
    for (size_t i = 0; i < r->n_images && text != NULL; i++)
        text =
            ward_printf(mem, "%simage %s %s\n", text, r->images[i].sha256, r->images[i].name);
    if (text == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the release's list");
    /* checks that the list can be read, before it is signed */
    WARD_TRY(release_parse(text, strlen(text), &back, err));
    *out = text;
    return WARD_OK;
}
