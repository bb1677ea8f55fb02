/* fhirtime.h - FHIR's date, dateTime, instant and time: what they say, and which moments they
 * cover.
 *
 * The text is what is stored, so nothing is lost; this reads it. A value covers a half-open
 * interval [from_us, to_us) in microseconds since 1970-01-01T00:00:00Z (negative before):
 * "2021" is a whole year, "2021-03-04T05:06:07.5Z" a tenth of a second. What names no zone is
 * read in the zone the caller gives.
 *
 * Taken: YYYY, YYYY-MM, YYYY-MM-DD, YYYY-MM-DDThh:mm:ss[.f](Z|+hh:mm|-hh:mm), years 0001 to
 * 9999, offsets up to 14:00, seconds to 60 (a leap second is the first of the next minute).
 * Refused: the 30th of February, hour 24, a time without seconds or zone. Source: HL7 FHIR R4,
 * datatypes.
 *
 * Threads: pure functions. Memory: the caller's. Errors: INVALID_ARGUMENT (DATE_MALFORMED,
 * DATE_IMPOSSIBLE), OUT_OF_RANGE (DATE_OUT_OF_RANGE), outputs untouched.
 */
#ifndef WARD_MEASURE_FHIRTIME_H
#define WARD_MEASURE_FHIRTIME_H

#include "common/base/status.h"

#include <stddef.h>

#define WARD_FHIRTIME_MAX  48 /* bytes of the longest text that is read */
#define WARD_FHIRTIME_SIZE 49

#define WARD_US_PER_SECOND INT64_C(1000000)
#define WARD_US_PER_DAY    (INT64_C(86400) * WARD_US_PER_SECOND)

/* What may be written where. TIME ("13:28:17.5") has no day: microseconds since midnight. */
enum ward_fhirtime_type {
    WARD_FHIR_DATE,
    WARD_FHIR_DATETIME,
    WARD_FHIR_INSTANT,
    WARD_FHIR_TIME
};

enum ward_fhirtime_precision {
    WARD_TO_YEAR,
    WARD_TO_MONTH,
    WARD_TO_DAY,
    WARD_TO_SECOND,
    WARD_TO_FRACTION /* fraction_digits of it; the interval is never finer than 1 us */
};

struct ward_fhirtime {
    int64_t from_us, to_us;
    enum ward_fhirtime_precision precision;
    int year, month, day; /* as written, in its own zone; 0 for what is not said */
    int hour, minute, second;
    int fraction_digits;
    int offset_min;        /* east of UTC: as written, or the caller's for what names none */
    bool has_offset, zulu; /* an offset was written; it was written "Z" */
};

/* `default_offset_min` (-840..840) is the zone of a value that names none. */
WARD_MUST enum ward_code ward_fhirtime_parse(enum ward_fhirtime_type type, const char *s,
                                             size_t n, int default_offset_min,
                                             struct ward_fhirtime *out, struct ward_err *err);

/* Days since 1970-01-01 of a day of the proleptic Gregorian calendar, and back. */
int64_t ward_days_of(int year, int month, int day);
void ward_days_to(int64_t days, int *year, int *month, int *day);
int ward_days_in_month(int year, int month);

/* Whole years from a birth date to a day, least and most: they differ by one where the birth
 * date (or `at`) says no day. Who was born on 29 February is a year older on 1 March.
 * OUT_OF_RANGE when the birth lies after `at`. */
WARD_MUST enum ward_code ward_fhirtime_age(const struct ward_fhirtime *birth,
                                           const struct ward_fhirtime *at, int *least,
                                           int *most, struct ward_err *err);

/* The same value `days` later (or earlier), written as it was written: precision, time of day,
 * fraction and offset stay, character for character. Of a year alone the 1st of July moves, of
 * a month the 15th: what is not said cannot move by days, and so stays within half of itself.
 * DATE and DATETIME and INSTANT only. Returns the text in out[WARD_FHIRTIME_SIZE]. */
WARD_MUST enum ward_code ward_fhirtime_shift(enum ward_fhirtime_type type, const char *s,
                                             size_t n, int days, char out[WARD_FHIRTIME_SIZE],
                                             struct ward_err *err);

/* A moment as a FHIR instant in a zone: "2021-03-04T05:06:07.500+08:00" with `digits` (0..6) of
 * fraction, the rest cut off. */
WARD_MUST enum ward_code ward_fhirtime_print(int64_t us, int offset_min, int digits,
                                             char out[WARD_FHIRTIME_SIZE],
                                             struct ward_err *err);

#endif
