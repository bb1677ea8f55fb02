/* csv_map.h - maps the columns of a table, and converts rows to FHIR JSON.
 *
 * Nothing is guessed. The request names every column once, and states the format of dates and
 * the zone of times without a zone. Numbers are FHIR decimals. An unreadable value is stored in
 * the JSON as text, with a problem, so that a person can correct it.
 *
 * Threads: a map is constant once open. Memory: the arena. Errors: INVALID_ARGUMENT with the
 * field of CsvStart; CSV_COLUMNS if the map does not match the first line; RESOURCE_EXHAUSTED.
 */
#ifndef RECORDS_EXCHANGE_CSV_MAP_H
#define RECORDS_EXCHANGE_CSV_MAP_H

#include "services/records/exchange/csv_rows.h"
#include "services/records/exchange/csv_zone.h"
#include "services/records/exchange/quarantine.h"

typedef Ward__Records__V1__CsvStart CsvStart;

enum csv_field {
    CSV_LEFT_OUT,
    CSV_IDENTIFIER, /* `of` is the system */
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
    CSV_PATIENT, /* `of` is the system */
    CSV_LOINC,
    CSV_VALUE,
    CSV_UNIT,
    CSV_EFFECTIVE,
    CSV_VALUE_OF /* `of` is the LOINC code, `unit` the unit */
};
enum csv_date { CSV_YMD, CSV_DMY_DOTS, CSV_MDY_SLASHES, CSV_YMD_TIGHT };

struct csv_column {
    const char *name;
    enum csv_field field;
    const char *of, *unit;
    enum csv_date date;
};
struct csv_map {
    bool patients; /* false: the table has observations */
    char separator;
    struct csv_zone *zone; /* NULL: no time zone was given */
    struct csv_column *column;
    size_t n;
    /* n columns in the file's order; set by csv_map_header */
    const struct csv_column **of_file;
};
WARD_MUST enum ward_code csv_map_open(struct ward_arena *mem, const CsvStart *start,
                                      struct csv_map *out, struct ward_err *err);
/* Reads the first line.   INVALID_ARGUMENT  CSV_COLUMNS */
WARD_MUST enum ward_code csv_map_header(struct csv_map *m, struct ward_arena *mem,
                                        const struct csv_row *row, struct ward_err *err);

/* ---- csv_json.c: converts a row to resources ---- */

/* The patient of a row. csv_subject_of sets the identifier; the caller finds the patient and
 * sets the reference. */
struct csv_subject {
    const char *system, *value; /* "" for a row without an identifier */
    const char *reference;      /* "Patient/..." */
};
struct csv_resource {
    const char *text; /* {"resource":{...}} */
    size_t n;
    const struct ward_json *json; /* `text`, parsed */
    struct problems problems;
};
/* Returns the first identifier of the row, which identifies its patient or the patient of its
 * observations. */
struct csv_subject csv_subject_of(const struct csv_map *m, const struct csv_row *row);
/* Computes the id of the source's patient with this identifier. The id is equal in every
 * table. */
WARD_MUST enum ward_code csv_patient_id(struct ward_arena *mem, const struct csv_subject *s,
                                        char out[65], struct ward_err *err);
/* Copies the row, with trimmed identifiers. */
WARD_MUST enum ward_code csv_row_trim(const struct csv_map *m, const struct csv_row *row,
                                      struct csv_row *out, struct ward_err *err);
WARD_MUST enum ward_code csv_patient(const struct csv_map *m, const struct csv_row *row,
                                     struct ward_arena *mem, struct csv_resource *out,
                                     struct ward_err *err);
/* Merges a row into the existing patient; elements that the row lacks are unchanged. `into`
 * then contains pointers into `row`. csv_merge.c */
WARD_MUST enum ward_code csv_patient_merge(struct ward_arena *mem,
                                           const Ward__Records__V1__Patient *row,
                                           Ward__Records__V1__Patient *into,
                                           struct ward_err *err);
/* Returns the maximum number of observations of a row: the number of CSV_VALUE_OF columns, or 1
 * in a table without such columns. */
size_t csv_observations(const struct csv_map *m);
/* csv_seen_before counts equal measurements (patient, code, time, value, unit) earlier in this
 * table. The count distinguishes equal measurements, and does not depend on their line numbers,
 * which may differ in the next file. After CSV_SEEN different measurements, the line number is
 * returned instead. csv_seen.c */
#define CSV_SEEN ((size_t)1 << 22)
struct csv_seen;
WARD_MUST enum ward_code csv_seen_open(struct ward_arena *mem, struct csv_seen **out,
                                       struct ward_err *err);
void csv_seen_close(struct csv_seen *s); /* accepts NULL */
int64_t csv_seen_before(struct csv_seen *s, const uint8_t hash[16], int64_t line);
/* Converts the row's i-th observation. out->text is NULL if the cell is empty. */
WARD_MUST enum ward_code csv_observation(const struct csv_map *m, const struct csv_row *row,
                                         size_t i, const struct csv_subject *subject,
                                         struct csv_seen *seen, struct ward_arena *mem,
                                         struct csv_resource *out, struct ward_err *err);

/* ---- csv_time.c ---- */

/* Convert a text to a FHIR date, or to a date and time. false: the text does not have the
 * format. *problem: why the time of day is ambiguous or invalid, or NULL. out has room for 48
 * bytes. */
bool csv_date_text(enum csv_date format, const char *text, char out[48]);
bool csv_time_text(const struct csv_map *m, enum csv_date format, const char *text,
                   char out[48], const char **problem);

#endif
