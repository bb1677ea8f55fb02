/* ucum - common/measure for tests that are not in C: a question a line on standard input, its
 * parts apart by tabs, an answer a line on standard output. atoms                  every atom's
 * code, "+" after one that takes a prefix canonical UNIT         the unit it comes down to, and
 * how much of it 1 UNIT is convert X FROM TO      exactly round X FROM TO EXP    to nearest, a
 * half to even normalise UNIT A failure is "!" and its reason. */
#include "common/measure/ucum.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARTS 5

static enum ward_code unit(const char *s, struct ward_ucum *out, struct ward_err *err)
{
    return ward_ucum_parse(s, strlen(s), out, err);
}

static enum ward_code canonical(const char *s, struct ward_err *err)
{
    const struct ward_decimal one = {.coef = 1};
    char text[WARD_UCUM_SIZE];
    struct ward_ucum u;

    WARD_TRY(unit(s, &u, err));
    ward_ucum_canonical(&u, text);
    printf("%s\t%.17g\n", text, ward_ucum_to_canonical(&one, &u));
    return WARD_OK;
}

static enum ward_code convert(char *const part[PARTS], struct ward_err *err)
{
    struct ward_ucum from, to;
    struct ward_decimal x;
    char text[WARD_DECIMAL_SIZE];

    WARD_TRY(ward_decimal_parse(part[1], strlen(part[1]), &x, err));
    WARD_TRY(unit(part[2], &from, err));
    WARD_TRY(unit(part[3], &to, err));
    if (strcmp(part[0], "convert") == 0)
        WARD_TRY(ward_ucum_convert(&x, &from, &to, &x, err));
    else
        WARD_TRY(ward_ucum_convert_round(&x, &from, &to, (int)strtol(part[4], NULL, 10),
                                         WARD_ROUND_HALF_EVEN, &x, NULL, err));
    ward_decimal_print(&x, text);
    puts(text);
    return WARD_OK;
}

static enum ward_code normalise(const char *s, struct ward_err *err)
{
    char text[WARD_UCUM_SIZE];

    WARD_TRY(ward_ucum_normalise(s, strlen(s), text, NULL, err));
    puts(text);
    return WARD_OK;
}

static enum ward_code answer(char *const part[PARTS], struct ward_err *err)
{
    bool takes_prefix = false;

    if (strcmp(part[0], "canonical") == 0)
        return canonical(part[1], err);
    if (strcmp(part[0], "normalise") == 0)
        return normalise(part[1], err);
    if (strcmp(part[0], "atoms") != 0)
        return convert(part, err);
    for (size_t i = 0; ward_ucum_atom(i, &takes_prefix) != NULL; i++)
        printf("%s%s\t", ward_ucum_atom(i, &takes_prefix), takes_prefix ? "+" : "");
    puts("");
    return WARD_OK;
}

int main(void)
{
    char line[4096];

    while (fgets(line, sizeof(line), stdin) != NULL) {
        static char none[] = "";
        char *part[PARTS] = {none, none, none, none, none}, *p = line;
        struct ward_err err = {0};

        line[strcspn(line, "\n")] = '\0';
        for (int i = 0; i < PARTS && p != NULL; i++)
            part[i] = strsep(&p, "\t");
        if (answer(part, &err) != WARD_OK)
            printf("!%s\n", err.reason);
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
