/* Splits the text of the configuration file into pairs; config.h has the format. Pure; fuzzed.
 */
#include "common/app/config.h"

#include <string.h>

#define PREFIX "WARD_"

static bool name_fits(const char *name, size_t n)
{
    if (n <= strlen(PREFIX) || strncmp(name, PREFIX, strlen(PREFIX)) != 0)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!(name[i] >= 'A' && name[i] <= 'Z') && !(name[i] >= '0' && name[i] <= '9') &&
            name[i] != '_')
            return false;
    return true;
}

/* A value must be printable, without a blank or quote at either end. A blank or quote at an end
 * is nearly always a mistake that is hard to find. */
static const char *value_fault(const char *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)v[i] < 0x20 || v[i] == 0x7f)
            return v[i] == '\r' ? "ends in a carriage return" : "contains a control character";
    if (n == 0)
        return NULL;
    if (v[0] == ' ' || v[n - 1] == ' ')
        return "has a blank around its value";
    if (v[0] == '"' || v[0] == '\'')
        return "has quotes; values have no quotes";
    return NULL;
}

static enum ward_code take_line(char *s, size_t n, int line, struct ward_config_pair *out,
                                size_t *count, struct ward_err *err)
{
    char *eq = memchr(s, '=', n);
    const char *fault;

    if (eq == NULL)
        return WARD_FAIL(err, INVALID_ARGUMENT, "line %d must have the form NAME=value", line);
    if (!name_fits(s, (size_t)(eq - s)))
        return WARD_FAIL(err, INVALID_ARGUMENT,
                         "line %d: a name must be WARD_ and upper-case letters, digits or _, "
                         "without a blank before the =",
                         line);
    *eq = '\0';
    fault = value_fault(eq + 1, n - (size_t)(eq + 1 - s));
    if (fault != NULL)
        return WARD_FAIL(err, INVALID_ARGUMENT, "line %d: %.60s %s", line, s, fault);
    for (size_t i = 0; i < *count; i++)
        if (strcmp(out[i].name, s) == 0)
            return WARD_FAIL(err, INVALID_ARGUMENT, "line %d: %.60s is already set in line %d",
                             line, s, out[i].line);
    if (*count == WARD_CONFIG_MAX_PAIRS)
        return WARD_FAIL(err, INVALID_ARGUMENT, "line %d: more than %d values", line,
                         WARD_CONFIG_MAX_PAIRS);
    out[(*count)++] = (struct ward_config_pair){.name = s, .value = eq + 1, .line = line};
    return WARD_OK;
}

enum ward_code ward_config_parse(char *text, size_t n, struct ward_config_pair *out,
                                 size_t *count, struct ward_err *err)
{
    char *end = text + n;
    size_t found = 0;
    int line = 1;

    for (char *s = text, *eol; s < end; s = eol + 1, line++) {
        size_t len;

        eol = memchr(s, '\n', (size_t)(end - s));
        if (eol == NULL)
            eol = end;
        len = (size_t)(eol - s);
        if (memchr(s, '\0', len) != NULL)
            return WARD_FAIL(err, INVALID_ARGUMENT, "line %d contains a NUL byte", line);
        if (len > WARD_CONFIG_MAX_LINE)
            return WARD_FAIL(err, INVALID_ARGUMENT, "line %d is longer than %d bytes", line,
                             (int)WARD_CONFIG_MAX_LINE);
        *eol = '\0';
        if (len > 0 && s[0] != '#')
            WARD_TRY(take_line(s, len, line, out, &found, err));
    }
    *count = found;
    return WARD_OK;
}
