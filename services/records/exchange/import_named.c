/* Reads identifiers by which entries name patients, and the systems whose identifiers a site
 * trusts.
 */
#include "services/records/exchange/import.h"

#include <string.h>

typedef Ward__Records__V1__Reference Reference;

#define QUERY "identifier="

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "ARENA_FULL", "the resource is too large");
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Decodes %7C to |, in place. Returns false for an invalid escape, and for %00. */
static bool unescape(char *s)
{
    char *to = s;

    for (; *s != '\0'; s++) {
        int high, low;

        if (*s != '%') {
            *to++ = *s;
            continue;
        }
        high = hex_digit(s[1]);
        low = high < 0 ? -1 : hex_digit(s[2]);
        if (low < 0 || high * 16 + low == 0)
            return false;
        *to++ = (char)(high * 16 + low);
        s += 2;
    }
    *to = '\0';
    return true;
}

enum ward_code known_query(struct ward_arena *mem, const char *query, char **out,
                           struct ward_err *err)
{
    const char *bar;
    char *text;

    *out = NULL;
    if (strncmp(query, QUERY, strlen(QUERY)) != 0 || strpbrk(query, "&,") != NULL)
        return WARD_OK;
    text = ward_strdup(mem, query + strlen(QUERY));
    if (text == NULL)
        return no_memory(err);
    if (!unescape(text))
        return WARD_OK;
    bar = strchr(text, '|');
    if (bar != NULL && bar != text && bar[1] != '\0')
        *out = text;
    return WARD_OK;
}

enum ward_code known_hash(struct worker *w, const char *text, uint8_t out[RECORDS_ID],
                          struct ward_err *err)
{
    return param_hash(w->rec->keys, PARAM_IDENTIFIER, text, strlen(text), out, err);
}

/* The reference contains the identifier's hash instead of an id, until import_known inserts the
 * patient's id. */
enum ward_code known_read(struct worker *w, struct ward_arena *mem, struct staged *s,
                          struct ward_err *err)
{
    static const char BY[] = "Patient?";
    const char *field;
    Reference *to = resource_subject(s->in.res, &field);
    uint8_t hash[RECORDS_ID];
    char *text = NULL, id[37];

    s->subject = to;
    if (to == NULL)
        return WARD_OK;
    if (strncmp(to->reference, BY, strlen(BY)) == 0) {
        WARD_TRY(known_query(mem, to->reference + strlen(BY), &text, err));
    } else if (*to->reference == '\0' && to->identifier != NULL &&
               *to->identifier->system != '\0' && *to->identifier->value != '\0') {
        text = ward_printf(mem, "%s|%s", to->identifier->system, to->identifier->value);
        if (text == NULL)
            return no_memory(err);
    }
    if (text != NULL) {
        WARD_TRY(known_hash(w, text, hash, err));
        ward_uuid_text(hash, id);
        to->reference = ward_printf(mem, "Patient/%s", id);
        if (to->reference == NULL)
            return no_memory(err);
        s->by_identifier = true;
    }
    s->subject_text = to->reference;
    return WARD_OK;
}

bool known_trusts(const struct stage *s, const char *system)
{
    const char *list = s->w->rec->cfg.trusted_systems;
    size_t n = strlen(system);

    while (n > 0 && *list != '\0') {
        size_t skip = strspn(list, ", "), len;

        list += skip;
        len = strcspn(list, ",");
        while (len > 0 && list[len - 1] == ' ')
            len--;
        if (len == n && memcmp(list, system, n) == 0)
            return true;
        list += strcspn(list, ",");
    }
    return false;
}
