/* csv_map.h - the meaning of a table's columns, and a row as FHIR JSON.
 *
 * Nothing is guessed: every column is named once, dates have the stated format, numbers are
 * FHIR decimals, times without a zone are in the stated zone. An unreadable value is stored in
 * the JSON as text, with a problem, so that a person can correct it.
 *
 * Threads: a map is constant once open. Memory: the arena. Errors: INVALID_ARGUMENT with the
 * field of CsvStart; CSV_COLUMNS if map and first line differ; RESOURCE_EXHAUSTED.
 */
#ifndef RECORDS_EXCHANGE_CSV_MAP_H
#define RECORDS_EXCHANGE_CSV_MAP_H

#include "services/records/exchange/csv_rows.h"
#include "services/records/exchange/csv_zone.h"
#include "services/records/exchange/quarantine.h"

typedef Ward__Records__V1__CsvStart CsvStart;

enum csv_field {
    CSV_LEFT_OUT,
    CSV_IDENTIFIER, /* of: the system */
    CSV_FAMILY,
    CSV_GIVEN,
    CSV_TEXT,
    CSV_BIRTH_DATE,
    CSV_GENDER,
    CSV_PHONE,
    CSV_EMAIL,
    CSV_LINE,
    CSV_CITY,
    CSV_POSTAL_CODE,
    CSV_PATIENT, /* of: the system */
    CSV_LOINC,
    CSV_VALUE,
    CSV_UNIT,
    CSV_EFFECTIVE,
    CSV_VALUE_OF /* of: the LOINC code, unit: its unit */
};
enum csv_date { CSV_YMD, CSV_DMY_DOTS, CSV_MDY_SLASHES, CSV_YMD_TIGHT };

struct csv_column {
    const char *name;
    enum csv_field field;
    const char *of, *unit;
    enum csv_date date;
};
struct csv_map {
    bool patients; /* else observations */
    char separator;
    struct csv_zone *zone; /* NULL: not stated */
    struct csv_column *column;
    size_t n;
    const struct csv_column **of_file; /* in the file's order, n of them: csv_map_header */
};
WARD_MUST enum ward_code csv_map_open(struct ward_arena *mem, const CsvStart *start,
                                      struct csv_map *out, struct ward_err *err);
/* The first line.   INVALID_ARGUMENT  CSV_COLUMNS */
WARD_MUST enum ward_code csv_map_header(struct csv_map *m, struct ward_arena *mem,
                                        const struct csv_row *row, struct ward_err *err);

/* ---- csv_json.c: a row as resources ---- */

/* The patient of a row, by identifier; the caller looks the patient up. */
struct csv_subject {
    const char *system, *value; /* "" if the row has none */
    const char *reference;      /* "Patient/..." */
};
struct csv_resource {
    const char *text; /* {"resource":{...}} */
    size_t n;
    const struct ward_json *json; /* of text */
    struct problems problems;
};
/* The identifier of the row: its patient, or the patient of its observations. The first one. */
struct csv_subject csv_subject_of(const struct csv_map *m, const struct csv_row *row);
/* The id of the source's patient with this identifier, equal in every table. */
WARD_MUST enum ward_code csv_patient_id(struct ward_arena *mem, const struct csv_subject *s,
                                        char out[65], struct ward_err *err);
/* The row's own copy, with trimmed identifiers. */
WARD_MUST enum ward_code csv_row_trim(const struct csv_map *m, const struct csv_row *row,
                                      struct csv_row *out, struct ward_err *err);
WARD_MUST enum ward_code csv_patient(const struct csv_map *m, const struct csv_row *row,
                                     struct ward_arena *mem, struct csv_resource *out,
                                     struct ward_err *err);
/* Merges a row into the existing patient; elements that the row lacks are unchanged. `into`
 * contains pointers into `row`. csv_merge.c */
WARD_MUST enum ward_code csv_patient_merge(struct ward_arena *mem,
                                           const Ward__Records__V1__Patient *row,
                                           Ward__Records__V1__Patient *into,
                                           struct ward_err *err);
/* The maximum number of observations of a row: one, or one for each CSV_VALUE_OF column. */
size_t csv_observations(const struct csv_map *m);
/* The number of equal measurements (patient, code, time, value, unit) earlier in this table: it
 * distinguishes equal ones, on whatever lines they are in the next file. After CSV_SEEN
 * different ones, the line number is used. csv_seen.c */
#define CSV_SEEN ((size_t)1 << 22)
struct csv_seen;
WARD_MUST enum ward_code csv_seen_open(struct ward_arena *mem, struct csv_seen **out,
                                       struct ward_err *err);
void csv_seen_close(struct csv_seen *s); /* NULL is fine */
int64_t csv_seen_before(struct csv_seen *s, const uint8_t hash[16], int64_t line);
/* The i-th; out->text NULL: its cell is empty. */
WARD_MUST enum ward_code csv_observation(const struct csv_map *m, const struct csv_row *row,
                                         size_t i, const struct csv_subject *subject,
                                         struct csv_seen *seen, struct ward_arena *mem,
                                         struct csv_resource *out, struct ward_err *err);

/* ---- csv_time.c ---- */

/* A FHIR date, or a date and time; false: not in that format. *problem: NULL, or why the time
 * of day is ambiguous or invalid. out needs 48 bytes. */
bool csv_date_text(enum csv_date format, const char *text, char out[48]);
bool csv_time_text(const struct csv_map *m, enum csv_date format, const char *text,
                   char out[48], const char **problem);

#endif
