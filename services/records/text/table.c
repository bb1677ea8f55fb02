#include "services/records/text/table.h"

#include "services/records/text/doc.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FILE_CAP (8L << 20)

enum ward_code text_table_fail(struct ward_err *err, const char *file, int row,
                               const char *at_file, int at_line, const char *fmt, ...)
{
    char why[100];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    return ward_err_reason(err, WARD_FAILED_PRECONDITION, "TEXT_DATA", at_file, at_line,
                           "%s:%d: %s", file, row, why);
}

static enum ward_code slurp(struct ward_arena *mem, const char *dir, const char *file,
                            char **text, size_t *n, struct ward_err *err)
{
    char *path = ward_printf(mem, "%s/%s", dir, file);
    FILE *f = path == NULL ? NULL : fopen(path, "re");
    char *bytes = NULL;
    long size = -1;

    if (f == NULL)
        return WARD_FAIL(err, NOT_FOUND, "cannot open %s of the text data", file);
    if (fseek(f, 0, SEEK_END) == 0)
        size = ftell(f);
    if (size >= 0 && size <= FILE_CAP && fseek(f, 0, SEEK_SET) == 0)
        bytes = ward_alloc(mem, (size_t)size + 1);
    *n = bytes == NULL ? 0 : fread(bytes, 1, (size_t)size, f);
    fclose(f);
    if (bytes == NULL || *n != (size_t)size)
        return WARD_FAIL(err, FAILED_PRECONDITION, "cannot read %s of the text data", file);
    *text = bytes;
    return WARD_OK;
}

static bool padded(const char *s)
{
    size_t n = strlen(s);

    return n == 0 || s[0] == ' ' || s[n - 1] == ' ';
}

/* Splits one line into its columns, in place. */
static enum ward_code cut(const struct text_table *t, char *line, int columns,
                          struct text_row *row, struct ward_err *err)
{
    uint32_t cp = 0;
    int n = 0;

    for (size_t i = 0, len, left = strlen(line); i < left; i += len) {
        len = text_decode(line + i, left - i, &cp);
        if (len == 0)
            return TEXT_DATA_FAIL(err, t, row, "not UTF-8");
    }
    for (char *s = line, *next; s != NULL && n < TEXT_COLUMNS_MAX; s = next) {
        next = strchr(s, '\t');
        if (next != NULL)
            *next++ = '\0';
        if (padded(s))
            return TEXT_DATA_FAIL(err, t, row, "column %d is empty or padded", n + 1);
        row->col[n++] = strcmp(s, "-") == 0 ? "" : s;
        if (next == NULL && n == columns)
            return WARD_OK;
    }
    return TEXT_DATA_FAIL(err, t, row, "the line does not have %d columns", columns);
}

/* Checks that the header names the source of the rows; otherwise the rows may not be used. */
static enum ward_code header(const struct text_table *t, const char *text, struct ward_err *err)
{
    static const char *const must[] = {"\n# source: ", "\n# licence: ", "\n# checked: "};
    const struct text_row first = {.line = 1};

    for (size_t i = 0; i < WARD_COUNT(must); i++)
        if (strstr(text, must[i]) == NULL)
            return TEXT_DATA_FAIL(err, t, &first, "no line '%s'", must[i] + 1);
    return WARD_OK;
}

enum ward_code text_table_read(struct ward_arena *mem, const char *dir, const char *file,
                               int columns, struct text_table *out, struct ward_err *err)
{
    struct text_table t = {.file = file};
    struct text_row *rows;
    char *text = NULL;
    size_t n = 0, lines = 1;
    int line = 0;

    WARD_TRY(slurp(mem, dir, file, &text, &n, err));
    ward_sha256(text, n, t.sha256);
    text[n] = '\0';
    WARD_TRY(header(&t, text, err));
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '\0')
            return text_table_fail(err, file, 1, __FILE__, __LINE__, "contains a NUL");
        lines += text[i] == '\n';
    }
    rows = ward_alloc(mem, lines * sizeof(*rows));
    if (rows == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "the dictionaries need more memory");
    for (char *s = text, *next; s != NULL; s = next) {
        next = strchr(s, '\n');
        if (next != NULL)
            *next++ = '\0';
        line++;
        if (*s == '#' || (*s == '\0' && next == NULL))
            continue;
        rows[t.n].line = line;
        WARD_TRY(cut(&t, s, columns, &rows[t.n], err));
        t.n++;
    }
    t.row = rows;
    *out = t;
    return WARD_OK;
}

enum ward_code text_table_word(const struct text_table *t, const struct text_row *row,
                               int column, const char *const *names, int *out,
                               struct ward_err *err)
{
    for (int i = 0; names[i] != NULL; i++)
        if (strcmp(row->col[column], names[i]) == 0) {
            *out = i;
            return WARD_OK;
        }
    return TEXT_DATA_FAIL(err, t, row, "column %d: unknown word", column + 1);
}
