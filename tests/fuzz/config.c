/* The configuration file's parser: any bytes give pairs within their text, or one clear error.
 * max_len: 6000 */
#include "common/app/config.h"

#include <stdlib.h>
#include <string.h>

static void check(bool ok)
{
    if (!ok)
        abort();
}

static void check_pair(const struct ward_config_pair *p, const char *text, size_t n)
{
    check(p->name >= text && p->value <= text + n);
    check(strncmp(p->name, "WARD_", 5) == 0 && p->name[5] != '\0');
    check(p->value == p->name + strlen(p->name) + 1);
    check(strlen(p->name) + 1 + strlen(p->value) <= WARD_CONFIG_MAX_LINE);
    check(strpbrk(p->value, "\n\r\t") == NULL);
    check(p->line >= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ward_config_pair pairs[WARD_CONFIG_MAX_PAIRS];
    char *text = malloc(size + 1);
    struct ward_err err = {0};
    size_t n = 12345;
    enum ward_code code;

    check(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    code = ward_config_parse(text, size, pairs, &n, &err);
    if (code == WARD_OK) {
        check(n <= WARD_CONFIG_MAX_PAIRS);
        for (size_t i = 0; i < n; i++) {
            check_pair(&pairs[i], text, size);
            check(i == 0 || pairs[i].line > pairs[i - 1].line);
        }
    } else {
        check(code == WARD_INVALID_ARGUMENT && n == 12345); /* outputs untouched */
        check(strncmp(err.msg, "line ", 5) == 0);
    }
    free(text);
    return 0;
}
