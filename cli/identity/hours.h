/* hours.h - the text form of a zone's rule, "icu-nurse=mon-fri 07:00-19:00;sun 20:00-06:00".
 *
 * Without "=", the rule applies at all times. Days are mon..sun, ranges ("fri-mon" continues
 * over the weekend), lists ("mon,wed"), or "daily". A span without a time is the whole day.
 *
 * Threads: pure functions. Memory: the arena. Errors: INVALID_ARGUMENT, RESOURCE_EXHAUSTED. */
#ifndef WARD_CLI_HOURS_H
#define WARD_CLI_HOURS_H

#include "common/base/arena.h"
#include "ward/identity/v1/access.pb-c.h"

#include <stdio.h>

WARD_MUST enum ward_code hours_rule(const char *text, struct ward_arena *mem,
                                    Ward__Identity__V1__ZoneRule **out, struct ward_err *err);
/* Prints "  mon,tue 07:00-19:00", or "  at all times". */
void hours_print(FILE *to, const Ward__Identity__V1__ZoneRule *rule);

#endif
