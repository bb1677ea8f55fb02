/* Tables: any bytes are refused, or become the same rows in whatever pieces they come, and rows
 * become resources that are read.
 * links: records
 * max_len: 8192 */
#include "services/records/exchange/csv_map.h"
#include "services/records/fhir/fhir.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static struct ward_arena mem;

static void check(bool ok)
{
    if (!ok)
        abort();
}

/* ---- rows, twice ---- */

struct sum {
    uint8_t hash[WARD_SHA256_SIZE];
    int64_t rows;
};

static enum ward_code add(void *arg, const struct csv_row *row, struct ward_err *err)
{
    struct sum *s = arg;

    (void)err;
    check(row->n > 0 && row->line > 0);
    for (size_t i = 0; i < row->n; i++) {
        const struct ward_bytes parts[] = {{s->hash, sizeof(s->hash)},
                                           {row->field[i], strlen(row->field[i]) + 1}};
        uint8_t next[WARD_SHA256_SIZE];

        ward_sha256_parts(parts, 2, next);
        memcpy(s->hash, next, sizeof(next));
    }
    s->rows++;
    return WARD_OK;
}

static enum ward_code read_rows(char separator, csv_row_fn *fn, void *arg, const char *p,
                                size_t n, size_t piece)
{
    struct csv_rows *r;
    enum ward_code code = csv_rows_open(&mem, separator, fn, arg, &r, NULL);

    for (size_t at = 0; at < n && code == WARD_OK; at += piece)
        code = csv_rows_feed(r, p + at, n - at < piece ? n - at : piece, NULL);
    if (code == WARD_OK)
        code = csv_rows_end(r, NULL);
    csv_rows_close(r);
    return code;
}

/* ---- rows to resources ---- */

#define COLUMN(name, of)                                                                       \
    {                                                                                          \
        PROTOBUF_C_MESSAGE_INIT(&ward__records__v1__csv_column__descriptor), (char *)name,     \
            (char *)of, (char *)""                                                             \
    }

static Ward__Records__V1__CsvColumn patient_columns[] = {
    COLUMN("a", "identifier:http://x"), COLUMN("b", "family"), COLUMN("c", "given"),
    COLUMN("d", "birth_date"),          COLUMN("e", "gender"), COLUMN("f", "phone"),
    COLUMN("g", "postal_code"),
};
static Ward__Records__V1__CsvColumn observation_columns[] = {
    COLUMN("a", "patient:http://x"),
    COLUMN("b", "loinc"),
    COLUMN("c", "value"),
    COLUMN("d", "unit"),
    COLUMN("e", "effective"),
};

struct reading {
    struct csv_seen *seen;
    struct csv_map map;
    bool has_header;
};

static void read_resource(const struct csv_resource *r)
{
    Resource *res;

    if (r->text == NULL)
        return;
    check(r->json != NULL);
    if (fhir_of_json(&mem, r->json, NULL, NULL, &res, NULL) == WARD_OK)
        (void)!fhir_check(&mem, res, NULL);
}

static enum ward_code map_row(void *arg, const struct csv_row *row, struct ward_err *err)
{
    struct reading *g = arg;
    struct csv_subject s;
    struct csv_resource r;
    struct csv_row own;

    if (!g->has_header) {
        g->has_header = true;
        return csv_map_header(&g->map, &mem, row, err);
    }
    if (row->n != g->map.n)
        return WARD_INVALID_ARGUMENT;
    WARD_TRY(csv_row_trim(&g->map, row, &own, err));
    s = csv_subject_of(&g->map, &own);
    s.reference = "Patient/01890000-0000-7000-8000-000000000000";
    if (g->map.patients)
        WARD_TRY(csv_patient(&g->map, &own, &mem, &r, err));
    else
        WARD_TRY(csv_observation(&g->map, &own, 0, &s, g->seen, &mem, &r, err));
    read_resource(&r);
    return WARD_OK;
}

static void map_all(bool patients, char separator, const char *p, size_t n)
{
    Ward__Records__V1__CsvColumn *columns[WARD_COUNT(patient_columns)];
    CsvStart start = WARD__RECORDS__V1__CSV_START__INIT;
    struct reading g = {0};
    char text[2] = {separator, '\0'};

    start.kind = patients ? WARD__RECORDS__V1__CSV_KIND__CSV_KIND_PATIENTS
                          : WARD__RECORDS__V1__CSV_KIND__CSV_KIND_OBSERVATIONS;
    start.n_columns = patients ? WARD_COUNT(patient_columns) : WARD_COUNT(observation_columns);
    for (size_t i = 0; i < start.n_columns; i++)
        columns[i] = patients ? &patient_columns[i] : &observation_columns[i];
    start.columns = columns;
    start.separator = text;
    start.time_zone = (char *)"Europe/Berlin";
    check(csv_map_open(&mem, &start, &g.map, NULL) == WARD_OK);
    check(csv_seen_open(&mem, &g.seen, NULL) == WARD_OK);
    (void)!read_rows(separator, map_row, &g, p, n, n + 1);
    csv_seen_close(g.seen);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const char *p = (const char *)data + 1;
    struct sum whole = {0}, pieces = {0};
    char separator;
    enum ward_code code;

    if (n < 1)
        return 0;
    separator = ",;\t"[data[0] % 3];
    ward_arena_init(&mem, (size_t)64 << 20);
    code = read_rows(separator, add, &whole, p, n - 1, n);
    check(read_rows(separator, add, &pieces, p, n - 1, 1 + data[0] % 7) == code);
    check(whole.rows == pieces.rows &&
          memcmp(whole.hash, pieces.hash, sizeof(whole.hash)) == 0);
    map_all((data[0] & 0x80) == 0, separator, p, n - 1);
    ward_arena_done(&mem);
    return 0;
}
