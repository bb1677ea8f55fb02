#include "services/records/exchange/csv_map.h"

#include "common/measure/ucum.h"

#include <stdio.h>
#include <string.h>

#define NAME_MOST   256
#define SYSTEM_MOST 256

typedef Ward__Records__V1__CsvColumn WireColumn;

/* ---- permitted columns ---- */

/* A name that ends with ':' is a prefix; the text after the ':' is part of the column's
 * name. */
static const struct known {
    const char *name;
    enum csv_field field;
    bool patients;
    bool several; /* the map may have several such columns */
} known[] = {
    {"identifier:", CSV_IDENTIFIER, true, true},
    {"family", CSV_FAMILY, true, false},
    {"given", CSV_GIVEN, true, true},
    {"text", CSV_TEXT, true, false},
    {"birth_date", CSV_BIRTH_DATE, true, false},
    {"gender", CSV_GENDER, true, false},
    {"phone", CSV_PHONE, true, true},
    {"email", CSV_EMAIL, true, true},
    {"line", CSV_LINE, true, true},
    {"city", CSV_CITY, true, false},
    {"postal_code", CSV_POSTAL_CODE, true, false},
    {"patient:", CSV_PATIENT, false, false},
    {"loinc", CSV_LOINC, false, false},
    {"value", CSV_VALUE, false, false},
    {"unit", CSV_UNIT, false, false},
    {"effective", CSV_EFFECTIVE, false, false},
    {"value:", CSV_VALUE_OF, false, true},
};
static const char *const formats[] = {"YYYY-MM-DD", "DD.MM.YYYY", "MM/DD/YYYY", "YYYYMMDD"};

static enum ward_code wrong(struct ward_err *err, size_t i, const char *field, const char *why)
{
    char path[64];

    snprintf(path, sizeof(path), "start.columns[%zu].%s", i, field);
    return WARD_FAIL_FIELD(err, path, "%s", why);
}

static const struct known *find(const char *field, bool patients)
{
    for (size_t i = 0; i < WARD_COUNT(known); i++) {
        const char *name = known[i].name;
        size_t n = strlen(name);
        bool same =
            name[n - 1] == ':' ? strncmp(field, name, n) == 0 : strcmp(field, name) == 0;

        if (same && known[i].patients == patients)
            return &known[i];
    }
    return NULL;
}

/* Reads the text after the first ':' of "value:8867-4:/min". */
static enum ward_code read_value_of(struct ward_arena *mem, const char *rest, size_t i,
                                    struct csv_column *out, struct ward_err *err)
{
    const char *colon = strchr(rest, ':');
    char code[WARD_UCUM_SIZE], *loinc;
    struct ward_ucum unit;

    if (colon == NULL || colon == rest)
        return wrong(err, i, "field", "must be value:<LOINC code>:<unit>");
    loinc = ward_strdup(mem, rest);
    out->unit = ward_strdup(mem, colon + 1);
    if (loinc == NULL || out->unit == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the columns");
    loinc[colon - rest] = '\0';
    out->of = loinc;
    if (strlen(out->unit) > WARD_UCUM_MAX ||
        ward_ucum_normalise(out->unit, strlen(out->unit), code, NULL, NULL) != WARD_OK ||
        ward_ucum_parse(code, strlen(code), &unit, NULL) != WARD_OK)
        return wrong(err, i, "field", "has an unknown unit");
    return WARD_OK;
}

static enum ward_code read_format(const char *format, size_t i, struct csv_column *out,
                                  struct ward_err *err)
{
    if (*format == '\0')
        return WARD_OK;
    if (out->field != CSV_BIRTH_DATE && out->field != CSV_EFFECTIVE)
        return wrong(err, i, "date_format", "is permitted only for dates");
    for (size_t k = 0; k < WARD_COUNT(formats); k++)
        if (strcmp(formats[k], format) == 0) {
            out->date = (enum csv_date)k;
            return WARD_OK;
        }
    return wrong(err, i, "date_format",
                 "must be YYYY-MM-DD, DD.MM.YYYY, MM/DD/YYYY or YYYYMMDD");
}

static enum ward_code read_column(struct ward_arena *mem, const WireColumn *wire, size_t i,
                                  bool patients, struct csv_column *out, struct ward_err *err)
{
    const struct known *k = find(wire->field, patients);
    size_t n = k == NULL ? 0 : strlen(k->name);

    out->name = ward_strdup(mem, wire->column);
    if (out->name == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the columns");
    if (*wire->column == '\0' || strlen(wire->column) > NAME_MOST)
        return wrong(err, i, "column", "must be 1 to 256 bytes");
    if (strcmp(wire->field, "-") == 0)
        return *wire->date_format == '\0'
                   ? WARD_OK
                   : wrong(err, i, "date_format", "is permitted only for dates");
    if (k == NULL)
        return wrong(err, i, "field", "is not permitted for a column of this kind");
    out->field = k->field;
    if (k->field == CSV_VALUE_OF)
        return read_value_of(mem, wire->field + n, i, out, err);
    if (k->name[n - 1] == ':') {
        out->of = ward_strdup(mem, wire->field + n);
        if (out->of == NULL)
            return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the columns");
        if (*out->of == '\0' || strlen(out->of) > SYSTEM_MOST)
            return wrong(err, i, "field", "must name a system of 1 to 256 bytes");
    }
    return read_format(wire->date_format, i, out, err);
}

/* ---- required columns ---- */

static size_t count(const struct csv_map *m, enum csv_field f)
{
    size_t n = 0;

    for (size_t i = 0; i < m->n; i++)
        n += m->column[i].field == f;
    return n;
}

static enum ward_code check_several(const struct csv_map *m, struct ward_err *err)
{
    for (size_t i = 0; i < WARD_COUNT(known); i++)
        if (known[i].patients == m->patients && !known[i].several &&
            count(m, known[i].field) > 1)
            return WARD_FAIL_FIELD(err, "start.columns", "more than one column is %s",
                                   known[i].name);
    for (size_t i = 0; i < m->n; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(m->column[i].name, m->column[k].name) == 0)
                return wrong(err, i, "column", "is listed twice");
    return WARD_OK;
}

static enum ward_code check_whole(const struct csv_map *m, struct ward_err *err)
{
    bool tall = count(m, CSV_LOINC) == 1 && count(m, CSV_VALUE) == 1;
    bool none = count(m, CSV_LOINC) + count(m, CSV_VALUE) + count(m, CSV_UNIT) == 0;

    if (m->patients)
        return count(m, CSV_IDENTIFIER) > 0
                   ? WARD_OK
                   : WARD_FAIL_FIELD(err, "start.columns", "no column is an identifier");
    if (count(m, CSV_PATIENT) == 0)
        return WARD_FAIL_FIELD(err, "start.columns", "no column is the patient");
    if (count(m, CSV_EFFECTIVE) == 0)
        return WARD_FAIL_FIELD(err, "start.columns", "no column is effective");
    if (tall && count(m, CSV_VALUE_OF) == 0)
        return WARD_OK;
    if (none && count(m, CSV_VALUE_OF) > 0)
        return WARD_OK;
    return WARD_FAIL_FIELD(err, "start.columns",
                           "must be loinc and value, or value:<LOINC code>:<unit>");
}

enum ward_code csv_map_open(struct ward_arena *mem, const CsvStart *start, struct csv_map *out,
                            struct ward_err *err)
{
    struct csv_map m = {.patients =
                            start->kind == WARD__RECORDS__V1__CSV_KIND__CSV_KIND_PATIENTS,
                        .separator = ',',
                        .n = start->n_columns};

    if (!m.patients && start->kind != WARD__RECORDS__V1__CSV_KIND__CSV_KIND_OBSERVATIONS)
        return WARD_FAIL_FIELD(err, "start.kind", "must be patients or observations");
    if (*start->separator != '\0')
        m.separator = *start->separator;
    if (strchr(",;\t", m.separator) == NULL || strlen(start->separator) > 1)
        return WARD_FAIL_FIELD(err, "start.separator", "must be a comma, a semicolon or a tab");
    if (m.n == 0 || m.n > CSV_FIELDS)
        return WARD_FAIL_FIELD(err, "start.columns", "must be 1 to %d", CSV_FIELDS);
    m.column = ward_alloc(mem, m.n * sizeof(*m.column));
    if (m.column == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the columns");
    for (size_t i = 0; i < m.n; i++)
        WARD_TRY(read_column(mem, start->columns[i], i, m.patients, &m.column[i], err));
    WARD_TRY(check_several(&m, err));
    WARD_TRY(check_whole(&m, err));
    if (*start->time_zone != '\0')
        WARD_TRY(csv_zone_open(mem, start->time_zone, &m.zone, err));
    *out = m;
    return WARD_OK;
}

/* ---- the first line ---- */

static const struct csv_column *named(const struct csv_map *m, const char *name)
{
    for (size_t i = 0; i < m->n; i++)
        if (strcmp(m->column[i].name, name) == 0)
            return &m->column[i];
    return NULL;
}

enum ward_code csv_map_header(struct csv_map *m, struct ward_arena *mem,
                              const struct csv_row *row, struct ward_err *err)
{
    m->of_file = ward_alloc(mem, m->n * sizeof(*m->of_file));
    if (m->of_file == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the columns");
    if (row->n != m->n)
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "CSV_COLUMNS",
                                "the first line has %zu columns, but the map has %zu", row->n,
                                m->n);
    for (size_t i = 0; i < row->n; i++) {
        m->of_file[i] = named(m, row->field[i]);
        if (m->of_file[i] == NULL)
            return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "CSV_COLUMNS",
                                    "column %zu of the first line is not in the map", i + 1);
        for (size_t k = 0; k < i; k++)
            if (m->of_file[k] == m->of_file[i])
                return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "CSV_COLUMNS",
                                        "column %zu of the first line is duplicated", i + 1);
    }
    return WARD_OK;
}
