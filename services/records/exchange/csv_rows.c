#include "services/records/exchange/csv_rows.h"

#include "common/rpc/wire.h"

#include <csv.h>
#include <string.h>

static const char MARK[] = "\xef\xbb\xbf"; /* U+FEFF, the byte-order mark */

struct csv_rows {
    struct csv_parser parser;
    csv_row_fn *fn;
    void *arg;
    struct ward_arena mem; /* memory of the current row */
    const char *field[CSV_FIELDS];
    size_t n;
    size_t size;   /* bytes of the current row */
    int64_t line;  /* line number of the next byte */
    int64_t begin; /* line number of the row's first byte */
    bool in_row;
    size_t marked;       /* matched bytes of MARK; 4: decided */
    int ends;            /* rows that ended in this line */
    enum ward_code code; /* the first failure, which all later calls return */
    struct ward_err why;
};

static enum ward_code fail(struct csv_rows *r, const char *what)
{
    r->code = WARD_FAIL_REASON(&r->why, INVALID_ARGUMENT, "CSV_INVALID", "line %lld: %s",
                               (long long)r->begin, what);
    return r->code;
}

static void on_field(void *bytes, size_t n, void *arg)
{
    struct csv_rows *r = arg;
    char *copy;

    if (r->code != WARD_OK)
        return;
    if (r->n == CSV_FIELDS) {
        (void)fail(r, "too many fields");
        return;
    }
    if (!ward_wire_utf8(bytes, n)) {
        (void)fail(r, "a field is not UTF-8, or contains a NUL");
        return;
    }
    copy = ward_alloc(&r->mem, n + 1);
    if (copy == NULL) {
        (void)fail(r, "too long");
        return;
    }
    if (n > 0)
        memcpy(copy, bytes, n);
    r->field[r->n++] = copy;
}

static void on_row(int end, void *arg)
{
    struct csv_rows *r = arg;
    const struct csv_row row = {.field = r->field, .n = r->n, .line = r->begin, .mem = &r->mem};

    (void)end;
    if (r->code != WARD_OK)
        return;
    if (++r->ends > 1) {
        (void)fail(r, "lines must end with CR LF or LF");
        return;
    }
    r->code = r->fn(r->arg, &row, &r->why);
    ward_arena_reset(&r->mem);
    r->n = 0;
    r->in_row = false;
    r->size = 0;
}

static int no_space(unsigned char c)
{
    (void)c;
    return 0;
}

enum ward_code csv_rows_open(struct ward_arena *mem, char separator, csv_row_fn *fn, void *arg,
                             struct csv_rows **out, struct ward_err *err)
{
    struct csv_rows *r = ward_new(mem, struct csv_rows);

    if (r == NULL || csv_init(&r->parser, CSV_STRICT | CSV_STRICT_FINI) != 0)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a table");
    csv_set_delim(&r->parser, (unsigned char)separator);
    csv_set_space_func(&r->parser, no_space);
    ward_arena_init(&r->mem, 4 * CSV_ROW);
    r->fn = fn;
    r->arg = arg;
    r->line = r->begin = 1;
    *out = r;
    return WARD_OK;
}

void csv_rows_close(struct csv_rows *r)
{
    if (r == NULL)
        return;
    csv_free(&r->parser);
    ward_arena_done(&r->mem);
}

static enum ward_code pass_up(const struct csv_rows *r, struct ward_err *err)
{
    if (r->code != WARD_OK && err != NULL)
        *err = r->why;
    return r->code;
}

/* Parses at most one line, including its end. */
static enum ward_code feed_line(struct csv_rows *r, const char *p, size_t n)
{
    bool ends = p[n - 1] == '\n';

    if (!r->in_row)
        r->begin = r->line;
    r->size += n;
    if (r->size > CSV_ROW)
        return fail(r, "a row has more than 1 MiB");
    r->in_row = true;
    if (csv_parse(&r->parser, p, n, on_field, on_row, r) != n && r->code == WARD_OK)
        return fail(r, "a quote at a place where quotes are not allowed; double the quotes "
                       "within a quoted field");
    if (ends) {
        r->line++;
        r->ends = 0;
        /* an empty line outside a quoted field is not a row */
        if (r->in_row && r->size <= 2 && r->n == 0)
            r->in_row = false, r->size = 0;
    }
    return r->code;
}

/* Skips the byte-order mark, which may arrive in several pieces. If only the first bytes match,
 * the matching bytes are parsed as content. */
static enum ward_code past_mark(struct csv_rows *r, const char **p, size_t *n)
{
    size_t seen;

    while (r->marked < 3 && *n > 0 && **p == MARK[r->marked]) {
        r->marked++;
        (*p)++;
        (*n)--;
    }
    if (r->marked == 3) {
        r->marked = 4;
        return WARD_OK;
    }
    if (*n == 0)
        return WARD_OK;
    seen = r->marked;
    r->marked = 4;
    return seen > 0 ? feed_line(r, MARK, seen) : WARD_OK;
}

enum ward_code csv_rows_feed(struct csv_rows *r, const void *bytes, size_t n,
                             struct ward_err *err)
{
    const char *p = bytes;

    if (r->code == WARD_OK && r->marked < 4)
        r->code = past_mark(r, &p, &n);
    while (n > 0 && r->code == WARD_OK) {
        const char *end = memchr(p, '\n', n);
        size_t line = end == NULL ? n : (size_t)(end - p) + 1;

        r->code = feed_line(r, p, line);
        p += line;
        n -= line;
    }
    return pass_up(r, err);
}

enum ward_code csv_rows_end(struct csv_rows *r, struct ward_err *err)
{
    if (r->code == WARD_OK && r->marked > 0 && r->marked < 3)
        r->code = feed_line(r, MARK, r->marked);
    if (r->code == WARD_OK && csv_fini(&r->parser, on_field, on_row, r) != 0 &&
        r->code == WARD_OK)
        (void)fail(r, "the file ends within a quoted field");
    return pass_up(r, err);
}
