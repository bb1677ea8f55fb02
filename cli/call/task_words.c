/* Converts the arguments of a command line. */
#include "cli/call/task.h"

#include "common/base/crypto.h"
#include "common/base/text.h"

#include <stdio.h>
#include <string.h>

char *task_text(const char *s)
{
    return (char *)(uintptr_t)(s == NULL ? "" : s);
}

enum ward_code task_wrong(struct task *t, const char *words)
{
    return WARD_FAIL(&t->err, INVALID_ARGUMENT, "%s", words);
}

static enum ward_code no_memory(struct task *t)
{
    return WARD_FAIL(&t->err, RESOURCE_EXHAUSTED, "no memory for the command line");
}

/* Returns whether argv[i] is this option. *value is its value, and *n the number of arguments
 * that it occupies. */
static bool is_option(const char *name, int argc, char **argv, int i, const char **value,
                      int *words)
{
    size_t len = strlen(name);

    if (strncmp(argv[i], name, len) != 0 || (argv[i][len] != '\0' && argv[i][len] != '='))
        return false;
    *words = argv[i][len] == '=' ? 1 : 2;
    *value = *words == 1 ? argv[i] + len + 1 : i + 1 < argc ? argv[i + 1] : NULL;
    return true;
}

static enum ward_code split(struct task *t, const char *name, char separator, const char *value,
                            struct task_list *out)
{
    char *word = ward_strdup(&t->mem, value);

    for (char *next; word != NULL; word = next) {
        next = separator == '\0' ? NULL : strchr(word, separator);
        if (next != NULL)
            *next++ = '\0';
        if (*word == '\0')
            return WARD_FAIL(&t->err, INVALID_ARGUMENT, "%s has an empty value", name);
        if (out->n == TASK_LIST_MOST)
            return WARD_FAIL(&t->err, INVALID_ARGUMENT, "%s may be given at most %d times",
                             name, TASK_LIST_MOST);
        out->at[out->n++] = word;
    }
    return WARD_OK;
}

enum ward_code task_list(struct task *t, const char *name, char separator, int *argc,
                         char **argv, struct task_list *out)
{
    const char *value = NULL;
    int kept = 0, words = 1;
    bool options = true;

    out->n = 0;
    for (int i = 0; i < *argc; i += words) {
        words = 1;
        if (i > 0 && strcmp(argv[i], "--") == 0)
            options = false;
        if (i == 0 || !options || !is_option(name, *argc, argv, i, &value, &words)) {
            argv[kept++] = argv[i];
            continue;
        }
        if (value == NULL)
            return WARD_FAIL(&t->err, INVALID_ARGUMENT, "%s needs a value", name);
        WARD_TRY(split(t, name, separator, value, out));
    }
    *argc = kept;
    return WARD_OK;
}

enum ward_code task_key(struct task *t, const char *given, char **out)
{
    uint8_t id[16];
    char *text = ward_alloc(&t->mem, 37);

    if (given != NULL) {
        *out = task_text(given);
        return WARD_OK;
    }
    if (text == NULL)
        return no_memory(t);
    ward_uuid7(id);
    ward_uuid_text(id, text);
    *out = text;
    return WARD_OK;
}

enum ward_code task_secret(struct task *t, const char *given, const char **out)
{
    char line[4096];
    char *copy;

    if (strcmp(given, "-") != 0) {
        *out = given;
        return WARD_OK;
    }
    if (fgets(line, sizeof(line), stdin) == NULL)
        return task_wrong(t, "\"-\" reads a line of standard input, but there is none");
    line[strcspn(line, "\r\n")] = '\0';
    copy = ward_strdup(&t->mem, line);
    ward_wipe(line, sizeof(line));
    if (copy == NULL)
        return no_memory(t);
    *out = copy;
    return WARD_OK;
}

/* ---- times ---- */

/* Reads exactly `n` digits at *s and advances *s. */
static bool digits(const char **s, int n, int lo, int hi, int *out)
{
    int v = 0;

    for (int i = 0; i < n; i++) {
        if ((*s)[i] < '0' || (*s)[i] > '9')
            return false;
        v = v * 10 + ((*s)[i] - '0');
    }
    *s += n;
    *out = v;
    return v >= lo && v <= hi;
}

static bool sign(const char **s, char c)
{
    if (**s != c)
        return false;
    (*s)++;
    return true;
}

static int days_of(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

/* Returns the number of days since 1970-01-01. */
static int64_t days_to(int year, int month, int day)
{
    int64_t days = day - 1;

    for (int y = 1970; y < year; y++)
        days += days_of(y, 2) + 337;
    for (int m = 1; m < month; m++)
        days += days_of(year, m);
    return days;
}

/* Reads a time zone: "", "Z" or "+01:00". *minutes is its difference from UTC. */
static bool zone(const char **s, int *minutes)
{
    bool west = **s == '-';
    int h = 0, m = 0;

    *minutes = 0;
    if (sign(s, 'Z'))
        return true;
    if (!sign(s, '+') && !sign(s, '-'))
        return false;
    if (!digits(s, 2, 0, 14, &h) || !sign(s, ':') || !digits(s, 2, 0, 59, &m))
        return false;
    *minutes = west ? -(h * 60 + m) : h * 60 + m;
    return true;
}

bool task_time(const char *text, int64_t *us)
{
    int year, month, day, hour = 0, minute = 0, second = 0, ahead = 0;
    const char *s = text;

    if (s == NULL || !digits(&s, 4, 1970, 9999, &year) || !sign(&s, '-') ||
        !digits(&s, 2, 1, 12, &month) || !sign(&s, '-') || !digits(&s, 2, 1, 31, &day) ||
        day > days_of(year, month))
        return false;
    if (sign(&s, 'T')) {
        if (!digits(&s, 2, 0, 23, &hour) || !sign(&s, ':') || !digits(&s, 2, 0, 59, &minute))
            return false;
        if (sign(&s, ':') && !digits(&s, 2, 0, 59, &second))
            return false;
        if (!zone(&s, &ahead))
            return false;
    }
    if (*s != '\0')
        return false;
    *us = (days_to(year, month, day) * 86400 + hour * 3600 + (minute - ahead) * 60 + second) *
          INT64_C(1000000);
    return true;
}
