/* csv_map.h - which column of a table is what, and a row of it as FHIR's JSON.
 *
 * Nothing is guessed: every column is named once, dates are in the format that is said, numbers
 * are FHIR's decimals, times without a zone are of the zone that is said. What cannot be read
 * is put into the JSON as it stands, with a problem, so that a person sees it and puts it
 * right.
 *
 * Threads: a map is constant once open. Memory: the arena. Errors: INVALID_ARGUMENT with the
 * field of CsvStart; CSV_COLUMNS where map and first line differ; RESOURCE_EXHAUSTED.
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
    struct csv_zone *zone; /* NULL: none was said */
    struct csv_column *column;
    size_t n;
    const struct csv_column **of_file; /* by the file's order, n of them: csv_map_header */
};
WARD_MUST enum ward_code csv_map_open(struct ward_arena *mem, const CsvStart *start,
                                      struct csv_map *out, struct ward_err *err);
/* The first line.   INVALID_ARGUMENT  CSV_COLUMNS */
WARD_MUST enum ward_code csv_map_header(struct csv_map *m, struct ward_arena *mem,
                                        const struct csv_row *row, struct ward_err *err);

/* ---- csv_json.c: a row as resources ---- */

/* Whose it is, by identifier; found out by the caller. */
struct csv_subject {
    const char *system, *value; /* "" where the row says none */
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
/* The id by which the source's patient with this identifier is known in every table. */
WARD_MUST enum ward_code csv_patient_id(struct ward_arena *mem, const struct csv_subject *s,
                                        char out[65], struct ward_err *err);
/* The row's own copy, its identifiers without the blanks around them. */
WARD_MUST enum ward_code csv_row_trim(const struct csv_map *m, const struct csv_row *row,
                                      struct csv_row *out, struct ward_err *err);
WARD_MUST enum ward_code csv_patient(const struct csv_map *m, const struct csv_row *row,
                                     struct ward_arena *mem, struct csv_resource *out,
                                     struct ward_err *err);
/* What a row says, put into what is there; what it does not say stays. `into` keeps pointers
 * into `row`. csv_merge.c */
WARD_MUST enum ward_code csv_patient_merge(struct ward_arena *mem,
                                           const Ward__Records__V1__Patient *row,
                                           Ward__Records__V1__Patient *into,
                                           struct ward_err *err);
/* How many observations a row may be: one, or one of each CSV_VALUE_OF column. */
size_t csv_observations(const struct csv_map *m);
/* How often the same measurement (patient, code, time, value, unit) stood in this table before:
 * what tells two equal ones apart, whatever lines they are on in the next file. Past CSV_SEEN
 * different ones, the line does. csv_seen.c */
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

/* A date as FHIR's, or a date and time; false: it is none of that format. *problem: NULL, or
 * why a time of day cannot be placed. out takes 48 bytes. */
bool csv_date_text(enum csv_date format, const char *text, char out[48]);
bool csv_time_text(const struct csv_map *m, enum csv_date format, const char *text,
                   char out[48], const char **problem);

#endif
