/* The type of each string field, and its validation. */
#include "services/records/fhir/fhir_own.h"

#include "common/measure/decimal.h"
#include "common/measure/fhirtime.h"
#include "common/rpc/wire.h"

#include <string.h>

/* The type of each string field. type NULL: all messages. If two messages use the name
 * differently, the row with the message's type applies. */
static const struct row {
    const char *field, *type;
    enum fhir_string what;
} table[] = {
    {"abatement_date_time", NULL, STRING_DATETIME},
    {"abatement_string", NULL, STRING_TEXT},
    {"alias", NULL, STRING_TEXT},
    {"author_string", NULL, STRING_TEXT},
    {"authored_on", NULL, STRING_DATETIME},
    {"authority", NULL, STRING_URI},
    {"availability_exceptions", NULL, STRING_TEXT},
    {"birth_date", NULL, STRING_DATE},
    {"city", NULL, STRING_TEXT},
    {"closing_time", NULL, STRING_TIME},
    {"code", NULL, STRING_CODE},
    {"comment", NULL, STRING_TEXT},
    {"comparator", NULL, STRING_CODE},
    {"conclusion", NULL, STRING_NOTE},
    {"content_type", NULL, STRING_CODE},
    {"country", NULL, STRING_TEXT},
    {"creation", NULL, STRING_DATETIME},
    {"data", NULL, STRING_NOTE},
    {"date", "Reaction", STRING_DATETIME},
    {"date", NULL, STRING_INSTANT},
    {"date_asserted", NULL, STRING_DATETIME},
    {"date_time", NULL, STRING_DATETIME},
    {"deceased_date_time", NULL, STRING_DATETIME},
    {"description", NULL, STRING_TEXT},
    {"display", NULL, STRING_TEXT},
    {"district", NULL, STRING_TEXT},
    {"div", NULL, STRING_NOTE},
    {"document_type", NULL, STRING_TEXT},
    {"dose_number_string", NULL, STRING_TEXT},
    {"effective_date_time", NULL, STRING_DATETIME},
    {"effective_instant", NULL, STRING_INSTANT},
    {"end", NULL, STRING_DATETIME},
    {"event", NULL, STRING_DATETIME},
    {"expiration_date", NULL, STRING_DATE},
    {"family", NULL, STRING_TEXT},
    {"given", NULL, STRING_TEXT},
    {"id", NULL, STRING_UUID},
    {"implicit_rules", NULL, STRING_URI},
    {"instantiates_canonical", NULL, STRING_URI},
    {"instantiates_uri", NULL, STRING_URI},
    {"issued", NULL, STRING_INSTANT},
    {"json", NULL, STRING_JSON},
    {"language", NULL, STRING_CODE},
    {"last_occurrence", NULL, STRING_DATETIME},
    {"last_updated", NULL, STRING_INSTANT},
    {"line", NULL, STRING_TEXT},
    {"lot_number", NULL, STRING_TEXT},
    {"meaning", NULL, STRING_CODE},
    {"more_json", NULL, STRING_MORE},
    {"name", NULL, STRING_TEXT},
    {"occurrence_date_time", NULL, STRING_DATETIME},
    {"occurrence_string", NULL, STRING_TEXT},
    {"onset", NULL, STRING_DATETIME},
    {"onset_date_time", NULL, STRING_DATETIME},
    {"onset_string", NULL, STRING_TEXT},
    {"opening_time", NULL, STRING_TIME},
    {"patient_instruction", NULL, STRING_TEXT},
    {"performed_date_time", NULL, STRING_DATETIME},
    {"performed_string", NULL, STRING_TEXT},
    {"postal_code", NULL, STRING_TEXT},
    {"prefix", NULL, STRING_TEXT},
    {"presentation_date", NULL, STRING_DATETIME},
    {"profile", NULL, STRING_URI},
    {"publication_date", NULL, STRING_DATETIME},
    {"recorded", NULL, STRING_DATETIME},
    {"recorded_date", NULL, STRING_DATETIME},
    {"reference", "Education", STRING_URI},
    {"reference", NULL, STRING_TEXT},
    {"series", NULL, STRING_TEXT},
    {"series_doses_string", NULL, STRING_TEXT},
    {"source", NULL, STRING_URI},
    {"start", NULL, STRING_DATETIME},
    {"state", NULL, STRING_TEXT},
    {"subject_member", NULL, STRING_CODE},
    {"suffix", NULL, STRING_TEXT},
    {"system", NULL, STRING_URI},
    {"text", "Annotation", STRING_NOTE},
    {"text", NULL, STRING_TEXT},
    {"time", NULL, STRING_DATETIME},
    {"time_of_day", NULL, STRING_TIME},
    {"title", NULL, STRING_TEXT},
    {"type", "Other", STRING_CODE},
    {"type", NULL, STRING_URI},
    {"unit", NULL, STRING_TEXT},
    {"uri", NULL, STRING_URI},
    {"url", NULL, STRING_URI},
    {"value", "Decimal", STRING_DECIMAL},
    {"value", NULL, STRING_TEXT},
    {"value_code", NULL, STRING_CODE},
    {"value_date", NULL, STRING_DATE},
    {"value_date_time", NULL, STRING_DATETIME},
    {"value_id", NULL, STRING_ID},
    {"value_instant", NULL, STRING_INSTANT},
    {"value_markdown", NULL, STRING_NOTE},
    {"value_string", NULL, STRING_TEXT},
    {"value_time", NULL, STRING_TIME},
    {"value_uri", NULL, STRING_URI},
    {"value_url", NULL, STRING_URI},
    {"verification_date", NULL, STRING_DATETIME},
    {"version", NULL, STRING_TEXT},
    {"version_id", NULL, STRING_ID},
    {"when", NULL, STRING_CODE},
};

enum fhir_string fhir_string_of(const MessageType *type, const char *field)
{
    size_t lo = 0, hi = WARD_COUNT(table);

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;

        if (strcmp(table[mid].field, field) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < WARD_COUNT(table) && strcmp(table[lo].field, field) == 0; lo++)
        if (table[lo].type == NULL || strcmp(table[lo].type, type->short_name) == 0)
            return table[lo].what;
    return STRING_UNKNOWN;
}

/* ---- validation by type ---- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Checks a text: valid UTF-8, without control characters except tab, carriage return and line
 * feed. */
static enum ward_code plain(const struct fhir_path *p, const char *s, size_t n, size_t most,
                            struct ward_err *err)
{
    if (n == 0)
        return FHIR_FAIL(err, p, "FIELD_INVALID", "is empty: omit the element");
    if (n > most)
        return FHIR_FAIL(err, p, "RESOURCE_TOO_LARGE", "is longer than %zu bytes", most);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];

        if (c == 0x7f || (c < 0x20 && c != '\t' && c != '\r' && c != '\n'))
            return FHIR_FAIL(err, p, "FIELD_INVALID", "has a control character");
    }
    if (!ward_wire_utf8((const uint8_t *)s, n))
        return FHIR_FAIL(err, p, "TEXT_NOT_UTF8", "is not UTF-8");
    return WARD_OK;
}

/* checks a uri: \S* */
static enum ward_code uri(const struct fhir_path *p, const char *s, struct ward_err *err)
{
    for (; *s != '\0'; s++)
        if (is_space(*s))
            return FHIR_FAIL(err, p, "FIELD_INVALID", "is a URI that contains white space");
    return WARD_OK;
}

/* checks a code: [^\s]+(\s[^\s]+)* */
static enum ward_code code(const struct fhir_path *p, const char *s, struct ward_err *err)
{
    bool space = true;

    for (; *s != '\0'; s++) {
        if (is_space(*s) && space)
            break;
        space = is_space(*s);
    }
    if (*s != '\0' || space)
        return FHIR_FAIL(
            err, p, "FIELD_INVALID",
            "is a code with white space at either end, or with consecutive white space");
    return WARD_OK;
}

/* checks an id: [A-Za-z0-9\-\.]{1,64} */
static enum ward_code id(const struct fhir_path *p, const char *s, size_t n,
                         struct ward_err *err)
{
    static const char ID[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.";

    if (n > 64 || strspn(s, ID) != n)
        return FHIR_FAIL(err, p, "FIELD_INVALID",
                         "must be 1 to 64 characters of A-Z a-z 0-9 - .");
    return WARD_OK;
}

static enum ward_code date(const struct fhir_path *p, enum ward_fhirtime_type type,
                           const char *s, size_t n, struct ward_err *err)
{
    struct ward_fhirtime t;
    struct ward_err why = {0};

    if (ward_fhirtime_parse(type, s, n, 0, &t, &why) == WARD_OK)
        return WARD_OK;
    if (strcmp(why.reason, "DATE_MALFORMED") == 0)
        return FHIR_FAIL(err, p, "FIELD_INVALID",
                         "is not a date or time in the format that FHIR requires");
    return FHIR_FAIL(err, p, "DATE_IMPOSSIBLE", "is a day or time that does not exist");
}

static enum ward_code decimal(const struct fhir_path *p, const char *s, size_t n,
                              struct ward_err *err)
{
    struct ward_decimal d;

    if (ward_decimal_parse(s, n, &d, NULL) != WARD_OK)
        return FHIR_FAIL(err, p, "DECIMAL_INVALID", "is not a decimal of at most 38 digits");
    return WARD_OK;
}

enum ward_code fhir_string_check(const struct fhir_path *p, enum fhir_string what,
                                 const char *s, struct ward_err *err)
{
    size_t n = strlen(s);
    uint8_t uuid[RECORDS_ID];

    if (what == STRING_JSON) /* the limit of the resource's size applies */
        return WARD_OK;
    WARD_TRY(plain(p, s, n, what == STRING_NOTE ? FHIR_NOTE : FHIR_STRING, err));
    switch (what) {
    case STRING_URI:
        return uri(p, s, err);
    case STRING_CODE:
        return code(p, s, err);
    case STRING_ID:
        return id(p, s, n, err);
    case STRING_UUID:
        return ward_uuid_parse(s, uuid) ? WARD_OK
                                        : FHIR_FAIL(err, p, "FIELD_INVALID", "must be a UUID");
    case STRING_DATE:
        return date(p, WARD_FHIR_DATE, s, n, err);
    case STRING_DATETIME:
        return date(p, WARD_FHIR_DATETIME, s, n, err);
    case STRING_INSTANT:
        return date(p, WARD_FHIR_INSTANT, s, n, err);
    case STRING_TIME:
        return date(p, WARD_FHIR_TIME, s, n, err);
    case STRING_DECIMAL:
        return decimal(p, s, n, err);
    default:
        return WARD_OK;
    }
}
