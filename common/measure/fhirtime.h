/* fhirtime.h - FHIR's date, dateTime, instant and time: their fields and the moments that they
 * cover.
 *
 * Services store the text, so nothing is lost. This module reads the text. A value covers a
 * half-open interval [from_us, to_us) in microseconds since 1970-01-01T00:00:00Z (negative
 * before): "2021" is a whole year, "2021-03-04T05:06:07.5Z" a tenth of a second. A value
 * without a zone is read in the caller's zone.
 *
 * Accepted: YYYY, YYYY-MM, YYYY-MM-DD, YYYY-MM-DDThh:mm:ss[.f](Z|+hh:mm|-hh:mm), years 0001 to
 * 9999, offsets up to 14:00, seconds to 60 (a leap second is the first second of the next
 * minute). Rejected: 30 February, hour 24, a time without seconds or zone. Source: HL7 FHIR R4,
 * datatypes.
 *
 * Threads: pure functions. Memory: the caller's. Errors: INVALID_ARGUMENT (DATE_MALFORMED,
 * DATE_IMPOSSIBLE), OUT_OF_RANGE (DATE_OUT_OF_RANGE), outputs unchanged.
 */
#ifndef WARD_MEASURE_FHIRTIME_H
#define WARD_MEASURE_FHIRTIME_H

#include "common/base/status.h"

#include <stddef.h>

#define WARD_FHIRTIME_MAX  48 /* maximum length of a parsed text */
#define WARD_FHIRTIME_SIZE 49

#define WARD_US_PER_SECOND INT64_C(1000000)
#define WARD_US_PER_DAY    (INT64_C(86400) * WARD_US_PER_SECOND)

/* The forms that a field permits. TIME ("13:28:17.5") has no day: microseconds since midnight.
 */
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
    WARD_TO_FRACTION /* with fraction_digits; the interval is never shorter than 1 us */
};

struct ward_fhirtime {
    int64_t from_us, to_us;
    enum ward_fhirtime_precision precision;
    int year, month, day; /* as written, in its own zone; 0 for absent fields */
    int hour, minute, second;
    int fraction_digits;
    int offset_min; /* minutes east of UTC: as written, or the caller's if the value names no
                       zone */
    bool has_offset, zulu; /* the text has an offset; the offset is "Z" */
};

/* `default_offset_min` (-840..840) is the zone of a value without one. */
WARD_MUST enum ward_code ward_fhirtime_parse(enum ward_fhirtime_type type, const char *s,
                                             size_t n, int default_offset_min,
                                             struct ward_fhirtime *out, struct ward_err *err);

/* Converts between a day of the proleptic Gregorian calendar and the days since 1970-01-01. */
int64_t ward_days_of(int year, int month, int day);
void ward_days_to(int64_t days, int *year, int *month, int *day);
int ward_days_in_month(int year, int month);

/* Whole years from a birth date to a day, minimum and maximum. Minimum and maximum differ by
 * one if the birth date (or `at`) has no day. A person born on 29 February is a year older on 1
 * March. OUT_OF_RANGE if the birth is after `at`. */
WARD_MUST enum ward_code ward_fhirtime_age(const struct ward_fhirtime *birth,
                                           const struct ward_fhirtime *at, int *least,
                                           int *most, struct ward_err *err);

/* The same value `days` later (or earlier). Precision, time of day, fraction and offset stay
 * unchanged, character for character. For a year alone, 1 July is moved, and for a month, the
 * 15th, because an absent field cannot move by days; the error is at most half of the period.
 * DATE, DATETIME and INSTANT only. Writes the text to out[WARD_FHIRTIME_SIZE]. */
WARD_MUST enum ward_code ward_fhirtime_shift(enum ward_fhirtime_type type, const char *s,
                                             size_t n, int days, char out[WARD_FHIRTIME_SIZE],
                                             struct ward_err *err);

/* A moment as a FHIR instant in a zone: "2021-03-04T05:06:07.500+08:00" with `digits` (0..6) of
 * fraction; further digits are truncated. */
WARD_MUST enum ward_code ward_fhirtime_print(int64_t us, int offset_min, int digits,
                                             char out[WARD_FHIRTIME_SIZE],
                                             struct ward_err *err);

#endif
