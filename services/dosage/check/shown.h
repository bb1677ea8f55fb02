/* shown.h - amounts in a sentence, in the notation for nurses.
 *
 * Source: Institute for Safe Medication Practices, List of Error-Prone Abbreviations, Symbols,
 * and Dose Designations (2021), and The Joint Commission's official "Do Not Use" list: no
 * trailing zero, commas in numbers of 10,000 and above, "mcg", "units" and never "U". Chinese:
 * 微克 and 单位. Checked 2026-11-22.
 *
 * Threads: pure. Memory: the arena. Errors: NULL if the arena is full.
 */
#ifndef DOSAGE_CHECK_SHOWN_H
#define DOSAGE_CHECK_SHOWN_H

#include "common/base/arena.h"

#include <stdbool.h>

/* Marks a number and its UCUM unit in a sentence that is not yet localized. */
#define SHOWN_FROM '\x01'
#define SHOWN_TO   '\x02'

/* Replaces the marked amounts of a sentence by the words of a language. */
char *shown(struct ward_arena *mem, const char *sentence, bool zh);

#endif
