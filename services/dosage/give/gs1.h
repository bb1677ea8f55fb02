/* gs1.h - GS1 element strings and GTINs.
 *
 * Source: GS1 General Specifications, Release 25.0 (2025): 3 (application identifiers), 5.10
 * (symbology identifiers), 7.8.5 (element strings of predefined length), 7.9 (check digits),
 * 7.11 (character sets), 7.12 (century of a date). https://ref.gs1.org/standards/genspecs
 *
 * Threads: pure. Memory: the caller's. Errors: false, and outputs are not to be used.
 */
#ifndef DOSAGE_GIVE_GS1_H
#define DOSAGE_GIVE_GS1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GS1_GTIN 15 /* 14 digits and a NUL */
#define GS1_TEXT 21 /* 1 to 20 characters of a lot or serial number, and a NUL */
#define GS1_DATE 11 /* "2027-03-31" and a NUL */

/* The content of an element string; "" for missing elements. */
struct gs1 {
    char gtin[GS1_GTIN];
    char lot[GS1_TEXT];
    char expires_on[GS1_DATE];
    char serial[GS1_TEXT];
    /* possible expiry inside a lot or serial number that ended the text, if no element has an
     * expiry */
    char hidden[GS1_DATE];
};

/* Whether the last of n digits is the check digit of the others. */
bool gs1_check_digit(const char *digits, size_t n);
/* Extends 8, 12, 13 or 14 digits, which include the check digit, to 14 digits. */
bool gs1_gtin(const char *digits, size_t n, char out[GS1_GTIN]);
/* Converts YYMMDD. The present year determines the century. Day 00 is the month's last day. */
bool gs1_date(const char *yymmdd, int year_now, char out[GS1_DATE]);
/* Whether a text is a trace code: 20 digits that begin with 8. Source: NMPAB/T 1002-2019; the
 * codes in use begin with 8. */
bool gs1_is_trace(const char *s, size_t n);
/* Parses a sequence of elements. FNC1 is 0x1D between elements without a predefined length (and
 * tolerated after others). Alternatively, application identifiers are in brackets. A GTIN (01)
 * is required; no element may appear twice with different values. */
bool gs1_elements(const char *s, size_t n, int year_now, struct gs1 *out);

#endif
