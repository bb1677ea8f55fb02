/* Barcodes as scanners send them: what is read has a GTIN whose check digit is right, a date
 * that is one, a lot and a serial number that stand in what was sent; or it is a trace code of
 * 20 digits. A date that may hide in a lot is there with its warning, and never alone.
 *
 * links: dosage
 * max_len: 600 */
#include "services/dosage/give/give.h"
#include "services/dosage/give/gs1.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void check_date(const char *s)
{
    static const char SHAPE[] = "9999-99-99";

    check(*s == '\0' || strlen(s) == strlen(SHAPE), "a date that is none");
    for (size_t i = 0; s[i] != '\0'; i++)
        check(SHAPE[i] == '-' ? s[i] == '-' : s[i] >= '0' && s[i] <= '9', "no date's shape");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Ward__Dosage__V1__Scanned *s = NULL;
    struct ward_err err = {0};
    struct ward_arena mem;
    char *text = malloc(size + 1);
    enum ward_code code;

    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    ward_arena_init(&mem, 4096);
    code = scan_parse(text, &mem, &s, &err);
    check(code == WARD_OK || strcmp(err.reason, "SCAN_UNREADABLE") == 0, "another failure");
    if (code == WARD_OK) {
        if (strcmp(s->kind, "trace") == 0)
            check(*s->gtin == '\0' && gs1_is_trace(s->code, strlen(s->code)) &&
                      strstr(text, s->code) != NULL,
                  "a trace code of its own");
        else
            check(*s->code == '\0' && strlen(s->gtin) == 14 && gs1_check_digit(s->gtin, 14),
                  "a wrong GTIN");
        check((*s->warning == '\0') == (*s->may_expire_on == '\0'), "a warning of nothing");
        check(*s->warning == '\0' || *s->expires_on == '\0', "two expiries");
        check_date(s->may_expire_on);
        check(strlen(s->lot) <= 20 && strstr(text, s->lot) != NULL, "a lot of its own");
        check(strlen(s->serial) <= 20 && strstr(text, s->serial) != NULL,
              "a serial number of its own");
        check_date(s->expires_on);
    }
    ward_arena_done(&mem);
    free(text);
    return 0;
}
