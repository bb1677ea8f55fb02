/* Converts a row of a table to FHIR JSON. */
#include "services/records/exchange/csv_map.h"

#include "common/base/text.h"
#include "common/json/write.h"
#include "common/measure/decimal.h"
#include "common/measure/ucum.h"

#include <stdio.h>
#include <string.h>

#define LOINC "http://loinc.org"
#define ID    32 /* hexadecimal digits of an id */

/* ---- cells ---- */

static const char *cell(const struct csv_map *m, const struct csv_row *row, enum csv_field f)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->of_file[i]->field == f)
            return row->field[i];
    return "";
}

static const struct csv_column *column(const struct csv_map *m, enum csv_field f)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->of_file[i]->field == f)
            return m->of_file[i];
    return NULL;
}

struct csv_subject csv_subject_of(const struct csv_map *m, const struct csv_row *row)
{
    struct csv_subject s = {.system = "", .value = "", .reference = ""};
    enum csv_field f = m->patients ? CSV_IDENTIFIER : CSV_PATIENT;

    for (size_t i = 0; i < m->n; i++)
        if (m->of_file[i]->field == f && *row->field[i] != '\0') {
            s.system = m->of_file[i]->of;
            s.value = row->field[i];
            break;
        }
    return s;
}

/* ---- blanks around identifiers ---- */

/* Returns the bytes of a blank at s: a space, a tab, a line break, a no-break space or a
 * full-width space. 0: no blank. */
static size_t blank(const char *s)
{
    static const char *const blanks[] = {" ", "\t", "\r", "\n", "\xc2\xa0", "\xe3\x80\x80"};

    for (size_t i = 0; i < WARD_COUNT(blanks); i++)
        if (strncmp(s, blanks[i], strlen(blanks[i])) == 0)
            return strlen(blanks[i]);
    return 0;
}

static const char *trimmed(struct ward_arena *mem, const char *s)
{
    size_t end = 0;
    char *copy;

    while (blank(s) > 0)
        s += blank(s);
    for (size_t i = 0; s[i] != '\0';) {
        size_t n = blank(s + i);

        i += n > 0 ? n : 1;
        end = n > 0 ? end : i;
    }
    copy = ward_strdup(mem, s);
    if (copy != NULL)
        copy[end] = '\0';
    return copy;
}

enum ward_code csv_row_trim(const struct csv_map *m, const struct csv_row *row,
                            struct csv_row *out, struct ward_err *err)
{
    const char **field = ward_alloc(row->mem, m->n * sizeof(*field));

    if (field == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a row");
    for (size_t i = 0; i < m->n; i++) {
        enum csv_field f = m->of_file[i]->field;

        field[i] = row->field[i];
        if (f == CSV_IDENTIFIER || f == CSV_PATIENT)
            field[i] = trimmed(row->mem, field[i]);
        if (field[i] == NULL)
            return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a row");
    }
    *out = *row;
    out->field = field;
    return WARD_OK;
}

/* ---- ids: equal content has an equal id ---- */

static enum ward_code hash_id(struct ward_arena *mem, const char *text, char out[65],
                              struct ward_err *err)
{
    uint8_t sum[WARD_SHA256_SIZE];

    (void)mem;
    if (text == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a row");
    ward_sha256(text, strlen(text), sum);
    ward_hex(sum, ID / 2, out);
    return WARD_OK;
}

enum ward_code csv_patient_id(struct ward_arena *mem, const struct csv_subject *s, char out[65],
                              struct ward_err *err)
{
    return hash_id(mem, ward_printf(mem, "csv patient\n%s\n%s", s->system, s->value), out, err);
}

/* ---- writing ---- */

static enum ward_code finish(struct ward_json_out *w, struct ward_arena *mem,
                             struct csv_resource *out, struct ward_err *err)
{
    const struct ward_json *v;

    WARD_TRY(ward_json_done(w, &out->text, &out->n, err));
    WARD_TRY(ward_json_parse(out->text, out->n, NULL, mem, &v, err));
    out->json = ward_json_get(v, "resource");
    return WARD_OK;
}

static void begin(struct ward_json_out *w, const char *type, const char *id)
{
    ward_json_object_begin(w);
    ward_json_key(w, "resource");
    ward_json_object_begin(w);
    ward_json_put_text(w, "resourceType", type);
    ward_json_put_text(w, "id", id);
}

/* Writes the texts of all columns of a field as a list under a key. Writes nothing if all texts
 * are empty. */
static void texts(struct ward_json_out *w, const struct csv_map *m, const struct csv_row *row,
                  enum csv_field f, const char *key)
{
    bool any = false;

    for (size_t i = 0; i < m->n; i++) {
        if (m->of_file[i]->field != f || *row->field[i] == '\0')
            continue;
        if (!any) {
            ward_json_key(w, key);
            ward_json_array_begin(w);
        }
        any = true;
        ward_json_text(w, row->field[i]);
    }
    if (any)
        ward_json_array_end(w);
}

static void put(struct ward_json_out *w, const char *key, const char *text)
{
    if (*text != '\0')
        ward_json_put_text(w, key, text);
}

static bool any_of(const struct csv_map *m, const struct csv_row *row, enum csv_field a,
                   enum csv_field b, enum csv_field c)
{
    for (size_t i = 0; i < m->n; i++) {
        enum csv_field f = m->of_file[i]->field;

        if ((f == a || f == b || f == c) && *row->field[i] != '\0')
            return true;
    }
    return false;
}

/* ---- patients ---- */

static void identifiers(struct ward_json_out *w, const struct csv_map *m,
                        const struct csv_row *row)
{
    ward_json_key(w, "identifier");
    ward_json_array_begin(w);
    for (size_t i = 0; i < m->n; i++) {
        if (m->of_file[i]->field != CSV_IDENTIFIER || *row->field[i] == '\0')
            continue;
        ward_json_object_begin(w);
        ward_json_put_text(w, "system", m->of_file[i]->of);
        ward_json_put_text(w, "value", row->field[i]);
        ward_json_object_end(w);
    }
    ward_json_array_end(w);
}

static void name(struct ward_json_out *w, const struct csv_map *m, const struct csv_row *row)
{
    if (!any_of(m, row, CSV_FAMILY, CSV_GIVEN, CSV_TEXT))
        return;
    ward_json_key(w, "name");
    ward_json_array_begin(w);
    ward_json_object_begin(w);
    put(w, "text", cell(m, row, CSV_TEXT));
    put(w, "family", cell(m, row, CSV_FAMILY));
    texts(w, m, row, CSV_GIVEN, "given");
    ward_json_object_end(w);
    ward_json_array_end(w);
}

static void telecom(struct ward_json_out *w, const struct csv_map *m, const struct csv_row *row)
{
    if (!any_of(m, row, CSV_PHONE, CSV_EMAIL, CSV_EMAIL))
        return;
    ward_json_key(w, "telecom");
    ward_json_array_begin(w);
    for (size_t i = 0; i < m->n; i++) {
        enum csv_field f = m->of_file[i]->field;

        if ((f != CSV_PHONE && f != CSV_EMAIL) || *row->field[i] == '\0')
            continue;
        ward_json_object_begin(w);
        ward_json_put_text(w, "system", f == CSV_PHONE ? "phone" : "email");
        ward_json_put_text(w, "value", row->field[i]);
        ward_json_object_end(w);
    }
    ward_json_array_end(w);
}

static void address(struct ward_json_out *w, const struct csv_map *m, const struct csv_row *row)
{
    if (!any_of(m, row, CSV_LINE, CSV_CITY, CSV_POSTAL_CODE))
        return;
    ward_json_key(w, "address");
    ward_json_array_begin(w);
    ward_json_object_begin(w);
    texts(w, m, row, CSV_LINE, "line");
    put(w, "city", cell(m, row, CSV_CITY));
    put(w, "postalCode", cell(m, row, CSV_POSTAL_CODE));
    ward_json_object_end(w);
    ward_json_array_end(w);
}

/* Converts FHIR's codes and their unambiguous synonyms. */
static const char *gender(const char *text)
{
    static const char *const words[][2] = {{"M", "male"},   {"m", "male"},   {"男", "male"},
                                           {"F", "female"}, {"f", "female"}, {"女", "female"}};

    for (size_t i = 0; i < WARD_COUNT(words); i++)
        if (strcmp(words[i][0], text) == 0)
            return words[i][1];
    return text;
}

enum ward_code csv_patient(const struct csv_map *m, const struct csv_row *row,
                           struct ward_arena *mem, struct csv_resource *out,
                           struct ward_err *err)
{
    const struct csv_subject s = csv_subject_of(m, row);
    const struct csv_column *birth = column(m, CSV_BIRTH_DATE);
    const char *given = cell(m, row, CSV_BIRTH_DATE);
    struct ward_json_out w = {.mem = mem};
    char id[65], date[48];

    *out = (struct csv_resource){0};
    WARD_TRY(csv_patient_id(mem, &s, id, err));
    if (*s.value == '\0')
        WARD_TRY(problem_add(mem, &out->problems, "FIELD_REQUIRED", "Patient.identifier",
                             "the line has no identifier", NULL, err));
    if (*given != '\0' && !csv_date_text(birth->date, given, date)) {
        WARD_TRY(problem_add(mem, &out->problems, "DATE_MALFORMED", "Patient.birthDate",
                             "is not a date in the format of the request", NULL, err));
    } else if (*given != '\0') {
        given = date;
    }
    begin(&w, "Patient", id);
    if (*s.value != '\0')
        identifiers(&w, m, row);
    name(&w, m, row);
    telecom(&w, m, row);
    put(&w, "gender", gender(cell(m, row, CSV_GENDER)));
    put(&w, "birthDate", given);
    address(&w, m, row);
    ward_json_object_end(&w);
    ward_json_object_end(&w);
    return finish(&w, mem, out, err);
}

/* ---- observations ---- */

size_t csv_observations(const struct csv_map *m)
{
    size_t n = 0;

    for (size_t i = 0; i < m->n; i++)
        n += m->column[i].field == CSV_VALUE_OF;
    return n == 0 ? 1 : n;
}

struct measured {
    const char *loinc, *value, *unit;
};

static struct measured measured_of(const struct csv_map *m, const struct csv_row *row, size_t i)
{
    size_t n = 0;

    for (size_t k = 0; k < m->n; k++) {
        const struct csv_column *c = m->of_file[k];

        if (c->field == CSV_VALUE_OF && n++ == i)
            return (struct measured){c->of, row->field[k], c->unit};
    }
    return (struct measured){cell(m, row, CSV_LOINC), cell(m, row, CSV_VALUE),
                             cell(m, row, CSV_UNIT)};
}

static bool is_known_unit(const char *unit)
{
    char code[WARD_UCUM_SIZE];
    struct ward_ucum u;
    size_t n = strlen(unit);

    return n <= WARD_UCUM_MAX && ward_ucum_normalise(unit, n, code, NULL, NULL) == WARD_OK &&
           ward_ucum_parse(code, strlen(code), &u, NULL) == WARD_OK;
}

/* Writes a quantity such as "<0.5": the comparator and the number. */
static enum ward_code quantity(struct ward_json_out *w, const struct measured *v,
                               struct ward_arena *mem, struct csv_resource *out,
                               struct ward_err *err)
{
    static const char *const signs[] = {"<=", ">=", "<", ">"};
    const char *number = v->value, *sign = "";
    struct ward_decimal x;

    for (size_t i = 0; i < WARD_COUNT(signs) && *sign == '\0'; i++)
        if (strncmp(number, signs[i], strlen(signs[i])) == 0)
            sign = signs[i];
    number += strlen(sign);
    ward_json_key(w, "valueQuantity");
    ward_json_object_begin(w);
    if (ward_decimal_parse(number, strlen(number), &x, NULL) == WARD_OK) {
        ward_json_key(w, "value");
        ward_json_decimal(w, number, strlen(number));
        put(w, "comparator", sign);
    } else {
        /* the value is written as text, which a replay rejects until a person has corrected
         * it */
        ward_json_put_text(w, "value", v->value);
        WARD_TRY(problem_add(mem, &out->problems, "DECIMAL_INVALID",
                             "Observation.valueQuantity.value",
                             "is not a number with a decimal point, such as 1.5", NULL, err));
    }
    put(w, "unit", v->unit);
    ward_json_object_end(w);
    if (*v->unit != '\0' && !is_known_unit(v->unit))
        return problem_add(mem, &out->problems, "UNIT_UNKNOWN",
                           "Observation.valueQuantity.unit", "is not a known unit", NULL, err);
    return WARD_OK;
}

static void coded(struct ward_json_out *w, const char *code)
{
    ward_json_key(w, "code");
    ward_json_object_begin(w);
    ward_json_key(w, "coding");
    ward_json_array_begin(w);
    ward_json_object_begin(w);
    ward_json_put_text(w, "system", LOINC);
    put(w, "code", code);
    ward_json_object_end(w);
    ward_json_array_end(w);
    ward_json_object_end(w);
}

static void subject(struct ward_json_out *w, const struct csv_subject *s)
{
    ward_json_key(w, "subject");
    ward_json_object_begin(w);
    put(w, "reference", s->reference);
    if (*s->value != '\0') {
        ward_json_key(w, "identifier");
        ward_json_object_begin(w);
        ward_json_put_text(w, "system", s->system);
        ward_json_put_text(w, "value", s->value);
        ward_json_object_end(w);
    }
    ward_json_object_end(w);
}

/* Whether a code has LOINC's form: digits, a minus, a check digit. */
static bool is_loinc(const char *s)
{
    size_t n = strspn(s, "0123456789");

    return n >= 1 && n <= 7 && s[n] == '-' && s[n + 1] >= '0' && s[n + 1] <= '9' &&
           s[n + 2] == '\0';
}

static enum ward_code when(const struct csv_map *m, const struct csv_row *row,
                           struct ward_arena *mem, char out[48], struct csv_resource *res,
                           const char **text, struct ward_err *err)
{
    const char *given = cell(m, row, CSV_EFFECTIVE), *problem;

    *text = given;
    if (*given == '\0')
        return problem_add(mem, &res->problems, "FIELD_REQUIRED",
                           "Observation.effectiveDateTime", "the line has no time", NULL, err);
    if (csv_time_text(m, column(m, CSV_EFFECTIVE)->date, given, out, &problem)) {
        *text = out;
        return WARD_OK;
    }
    return problem_add(mem, &res->problems, "DATE_MALFORMED", "Observation.effectiveDateTime",
                       problem != NULL ? problem : "is not a date in the format of the request",
                       NULL, err);
}

static enum ward_code check(const struct measured *v, const struct csv_subject *s,
                            struct ward_arena *mem, struct csv_resource *out,
                            struct ward_err *err)
{
    if (*s->value == '\0')
        WARD_TRY(problem_add(mem, &out->problems, "FIELD_REQUIRED", "Observation.subject",
                             "the line names no patient", NULL, err));
    if (!is_loinc(v->loinc))
        WARD_TRY(problem_add(mem, &out->problems, "CODE_UNKNOWN", "Observation.code",
                             "is not a LOINC code", NULL, err));
    if (*v->value == '\0')
        return problem_add(mem, &out->problems, "FIELD_REQUIRED", "Observation.value",
                           "the line has no value", NULL, err);
    return WARD_OK;
}

/* Computes the id of an observation. An equal measurement in another file has the same id. A
 * measurement with another value has another id, so that it replaces no observation. */
static enum ward_code observation_id(const struct csv_row *row, const struct measured *v,
                                     const struct csv_subject *s, const char *effective,
                                     struct csv_seen *seen, struct ward_arena *mem, char id[65],
                                     struct ward_err *err)
{
    const char *what = ward_printf(mem, "csv observation\n%s\n%s\n%s\n%s\n%s\n%s", s->system,
                                   s->value, v->loinc, effective, v->value, v->unit);
    uint8_t sum[WARD_SHA256_SIZE];
    int64_t before;

    if (what == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a row");
    ward_sha256(what, strlen(what), sum);
    before = csv_seen_before(seen, sum, row->line);
    return hash_id(mem, ward_printf(mem, "%s\n%lld", what, (long long)before), id, err);
}

enum ward_code csv_observation(const struct csv_map *m, const struct csv_row *row, size_t i,
                               const struct csv_subject *s, struct csv_seen *seen,
                               struct ward_arena *mem, struct csv_resource *out,
                               struct ward_err *err)
{
    const struct measured v = measured_of(m, row, i);
    struct ward_json_out w = {.mem = mem};
    char id[65], at[48];
    const char *effective;

    *out = (struct csv_resource){0};
    if (*v.value == '\0' && column(m, CSV_VALUE_OF) != NULL)
        return WARD_OK; /* an empty cell of a wide table is not a measurement */
    WARD_TRY(check(&v, s, mem, out, err));
    WARD_TRY(when(m, row, mem, at, out, &effective, err));
    WARD_TRY(observation_id(row, &v, s, effective, seen, mem, id, err));
    begin(&w, "Observation", id);
    ward_json_put_text(&w, "status", "final");
    coded(&w, v.loinc);
    subject(&w, s);
    put(&w, "effectiveDateTime", effective);
    if (*v.value != '\0')
        WARD_TRY(quantity(&w, &v, mem, out, err));
    ward_json_object_end(&w);
    ward_json_object_end(&w);
    return finish(&w, mem, out, err);
}
