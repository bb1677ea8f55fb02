/* Dates and times. The first byte says which type, the second how far to shift: a value that is
 * read covers an interval in range, shifts there and back unchanged, and its moments print to
 * values that cover them.
 * max_len: 64 */
#include "common/measure/fhirtime.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TYPES 4

static void check(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void shift(enum ward_fhirtime_type type, const char *s, size_t n, int days,
                  const struct ward_fhirtime *t)
{
    char there[WARD_FHIRTIME_SIZE], back[WARD_FHIRTIME_SIZE];
    struct ward_fhirtime moved;

    if (ward_fhirtime_shift(type, s, n, days, there, NULL) != WARD_OK)
        return;
    check(strlen(there) == n, "a shift of another length");
    check(ward_fhirtime_parse(type, there, n, 0, &moved, NULL) == WARD_OK,
          "shifted to no date");
    check(moved.precision == t->precision && moved.offset_min == t->offset_min &&
              moved.hour == t->hour && moved.fraction_digits == t->fraction_digits,
          "more than the day moved");
    if (t->precision < WARD_TO_DAY)
        return; /* by days, a month moves only roughly */
    check(moved.from_us - t->from_us == days * WARD_US_PER_DAY, "not as far as asked");
    check(ward_fhirtime_shift(type, there, n, -days, back, NULL) == WARD_OK &&
              memcmp(back, s, n) == 0,
          "a shift that does not come back");
}

static void print(int64_t us, int offset_min)
{
    char text[WARD_FHIRTIME_SIZE];
    struct ward_fhirtime t;

    if (ward_fhirtime_print(us, offset_min, 6, text, NULL) != WARD_OK)
        return;
    check(ward_fhirtime_parse(WARD_FHIR_INSTANT, text, strlen(text), 0, &t, NULL) == WARD_OK,
          "printed no instant");
    check(t.from_us == us && t.to_us == us + 1, "printed another moment");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct ward_fhirtime today = {
        .year = 2021, .month = 6, .day = 15, .precision = WARD_TO_DAY};
    enum ward_fhirtime_type type;
    struct ward_fhirtime t;
    int least, most;
    const char *s;
    size_t n;

    if (size < 2)
        return 0;
    type = (enum ward_fhirtime_type)(data[0] % TYPES);
    s = (const char *)data + 2;
    n = size - 2;
    if (ward_fhirtime_parse(type, s, n, 0, &t, NULL) != WARD_OK)
        return 0;
    check(n <= WARD_FHIRTIME_MAX && t.from_us < t.to_us, "an empty interval");
    check(t.to_us - t.from_us <= 366 * WARD_US_PER_DAY, "a long interval");
    check(t.offset_min >= -840 && t.offset_min <= 840, "a far zone");
    print(t.from_us, t.offset_min);
    if (type == WARD_FHIR_TIME)
        return 0;
    check(t.year >= 1 && t.year <= 9999, "another calendar");
    shift(type, s, n, (data[1] - 128) * 37, &t);
    if (ward_fhirtime_age(&t, &today, &least, &most, NULL) == WARD_OK)
        check(least >= 0 && most >= least && most <= least + 1 && most < 2022, "an absurd age");
    return 0;
}
