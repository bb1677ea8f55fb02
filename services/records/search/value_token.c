/* Reads requested codes, identifiers, references and names. Source: HL7 FHIR R4, 3.1.1.4.8
 * string, 3.1.1.4.10 token, 3.1.1.4.12 reference. */
#include "services/records/search/search_own.h"

#include <string.h>

/* Allocates groups with room for `each` tokens. */
static bool room(const struct search_reader *r, struct value *out, size_t groups, size_t each)
{
    out->group = ward_alloc(r->mem, groups * sizeof(*out->group));
    if (out->group == NULL)
        return false;
    for (size_t i = 0; i < groups; i++) {
        out->group[i].at = ward_alloc(r->mem, each * sizeof(*out->group[i].at));
        if (out->group[i].at == NULL)
            return false;
    }
    out->n_groups = groups;
    return true;
}

static enum ward_code add(const struct search_reader *r, struct tokens *to, enum param p,
                          const char *text)
{
    WARD_TRY(param_hash(r->keys, p, text, strlen(text), to->at[to->n].hash, r->err));
    to->at[to->n++].param = p;
    return WARD_OK;
}

/* Adds the hash of a text for each of the parameter's tokens. */
static enum ward_code add_each(const struct search_reader *r, const struct filter *f,
                               struct tokens *to, const char *text)
{
    for (size_t i = 0; i < WARD_COUNT(f->param->token) && f->param->token[i] != 0; i++)
        WARD_TRY(add(r, to, f->param->token[i], text));
    return WARD_OK;
}

static enum ward_code text_alone(const struct search_reader *r, const struct filter *f,
                                 const char *text, struct value *out)
{
    if (!room(r, out, 1, WARD_COUNT(f->param->token)))
        return search_no_memory(r);
    return add_each(r, f, &out->group[0], text);
}

/* ---- codes ---- */

/* Reads "system|code", or "code" of any system. FHIR's "|code", without a system, is rejected:
 * tokens do not distinguish a coding without a system from other codings. */
enum ward_code value_code(const struct search_reader *r, const struct filter *f,
                          const char *text, struct value *out)
{
    const char *rest, *none, *whole;
    char *first = search_piece(r->mem, text, &rest), *code;

    if (first == NULL)
        return search_no_memory(r);
    code = rest == NULL ? first : search_piece(r->mem, rest, &none);
    if (code == NULL)
        return search_no_memory(r);
    if (rest != NULL && *first == '\0')
        return search_bad(r, f, "codings without a system cannot be searched: omit the bar");
    if (*code == '\0')
        return search_bad(r, f, "needs a code: all codes of a system cannot be searched");
    whole = ward_printf(r->mem, "%s|%s", rest == NULL ? "" : first, code);
    if (whole == NULL)
        return search_no_memory(r);
    return text_alone(r, f, whole, out);
}

enum ward_code value_identifier(const struct search_reader *r, const struct filter *f,
                                const char *text, struct value *out)
{
    const char *rest, *none;
    char *first = search_piece(r->mem, text, &rest), *whole;

    whole = rest == NULL ? first : search_piece(r->mem, rest, &none);
    if (first == NULL || whole == NULL)
        return search_no_memory(r);
    if (rest != NULL && *first == '\0')
        return search_bad(r, f,
                          "identifiers without a system cannot be searched: omit the bar");
    if (*whole == '\0')
        return search_bad(r, f, "needs a value after the bar");
    whole = ward_printf(r->mem, "%s|%s", rest == NULL ? "" : first, whole);
    if (whole == NULL)
        return search_no_memory(r);
    return text_alone(r, f, whole, out);
}

/* ---- references ---- */

static enum ward_code add_reference(const struct search_reader *r, struct tokens *to,
                                    const char *text)
{
    uint8_t id[RECORDS_ID];
    char uuid[37];
    enum kind kind;
    const char *whole;

    if (ward_uuid_parse(text, id) || reference_parse(text, &kind, id)) {
        ward_uuid_text(id, uuid);
        text = uuid;
    }
    whole = ward_printf(r->mem, "|%s", text);
    if (whole == NULL)
        return search_no_memory(r);
    return add(r, to, PARAM_REFERENCE, whole);
}

/* Reads "Practitioner/17" as written, or "17" of any type to which the parameter may refer. A
 * UUID is also searched without a type, because references to stored resources are indexed
 * without a type. */
enum ward_code value_reference(const struct search_reader *r, const struct filter *f,
                               const char *text, const char *target, struct value *out)
{
    const char *types = target == NULL ? f->param->targets : target;
    struct tokens *to;

    if (!room(r, out, 1, 16))
        return search_no_memory(r);
    to = &out->group[0];
    if (target == NULL)
        WARD_TRY(add_reference(r, to, text));
    if (strpbrk(text, "/:") != NULL)
        return target == NULL ? WARD_OK : search_bad(r, f, "has a type twice");
    while (*types != '\0' && to->n < 16) {
        int n = (int)strcspn(types, " ");
        const char *whole = ward_printf(r->mem, "%.*s/%s", n, types, text);

        if (whole == NULL)
            return search_no_memory(r);
        WARD_TRY(add_reference(r, to, whole));
        types += n + (types[n] == ' ');
    }
    return WARD_OK;
}

/* Reads a ward: "Location/ward-3" or "ward-3". An invalid ward name is read as a reference. */
enum ward_code value_ward(const struct search_reader *r, const struct filter *f,
                          const char *text, const char *target, struct value *out)
{
    static const char CHARS[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    static const char TYPE[] = "Location/";
    const char *name = strncmp(text, TYPE, strlen(TYPE)) == 0 ? text + strlen(TYPE) : text;
    const char *whole;

    if (*name == '\0' || strlen(name) > 64 || name[strspn(name, CHARS)] != '\0')
        return value_reference(r, f, text, target, out);
    whole = ward_printf(r->mem, "|%s", name);
    if (whole == NULL)
        return search_no_memory(r);
    return text_alone(r, f, whole, out);
}

/* ---- a person's name and contacts ---- */

/* Reads a name. Every word must be a prefix of a word of the patient's name. With :exact, a
 * part of the patient's name must equal the text. */
enum ward_code value_name(const struct search_reader *r, const struct filter *f,
                          const char *text, struct value *out)
{
    size_t n = 0, exact = f->modifier == MOD_EXACT;
    char **words;

    WARD_TRY(param_words(r->mem, text, &words, &n, r->err));
    if (n == 0 && !exact)
        return search_bad(r, f, "contains no letter");
    if (n > SEARCH_WORDS_MOST)
        return search_bad(r, f, "has too many words");
    if (!room(r, out, n + exact, 2 * WARD_COUNT(f->param->token)))
        return search_no_memory(r);
    if (exact)
        WARD_TRY(add(r, &out->group[0], PARAM_NAME_EXACT, text));
    for (size_t i = 0; i < n; i++) {
        char *plain;

        WARD_TRY(add_each(r, f, &out->group[i + exact], words[i]));
        WARD_TRY(param_plain(r->mem, words[i], &plain, r->err));
        if (strcmp(plain, words[i]) != 0)
            WARD_TRY(add_each(r, f, &out->group[i + exact], plain));
    }
    return WARD_OK;
}

enum ward_code value_telecom(const struct search_reader *r, const struct filter *f,
                             const char *text, struct value *out)
{
    char *plain;

    WARD_TRY(param_telecom(r->mem, text, &plain, r->err));
    if (*plain == '\0')
        return search_bad(r, f, "is empty");
    return text_alone(r, f, plain, out);
}

enum ward_code value_postal(const struct search_reader *r, const struct filter *f,
                            const char *text, struct value *out)
{
    return text_alone(r, f, text, out);
}
