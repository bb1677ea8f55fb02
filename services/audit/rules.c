/* Decides which events may enter the log. Pure. */
#include "services/audit/audit.h"

#include <string.h>

/* 2000-01-01: the clock of a service is not before this time */
#define EARLIEST_US INT64_C(946684800000000)
/* a day: more than any clock drift, less than a wrong date */
#define AHEAD_US     INT64_C(86400000000)
#define MOST_DETAILS 32

enum shape {
    TEXT,   /* any UTF-8 without control characters */
    WORD,   /* printable ASCII without space */
    NAME,   /* name of a service: a-z 0-9 - */
    DETAIL, /* key of a detail: a-z A-Z 0-9 _ . - */
};

static bool among(char c, const char *extra)
{
    return c != '\0' && strchr(extra, c) != NULL;
}

static bool lower(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool fits(char c, enum shape shape)
{
    switch (shape) {
    case TEXT:
        return (unsigned char)c >= ' ' && c != 0x7f;
    case WORD:
        return c > ' ' && c <= '~';
    case NAME:
        return lower(c) || c == '-';
    case DETAIL:
        return lower(c) || (c >= 'A' && c <= 'Z') || among(c, "_.-");
    }
    return false;
}

/* Whether s begins with a C1 control character, which has two bytes in UTF-8: 0xc2 0x80..0x9f.
 * Terminals obey C1 controls. */
static bool is_c1(const char *s)
{
    return (unsigned char)s[0] == 0xc2 && (unsigned char)s[1] >= 0x80 &&
           (unsigned char)s[1] <= 0x9f;
}

static enum ward_code text(const char *field, const char *s, size_t least, size_t most,
                           enum shape shape, struct ward_err *err)
{
    size_t n = strnlen(s, most + 1);

    if (n < least || n > most)
        return WARD_FAIL_FIELD(err, field, "must be %zu to %zu bytes", least, most);
    for (size_t i = 0; i < n; i++)
        if (!fits(s[i], shape) || is_c1(s + i))
            return WARD_FAIL_FIELD(err, field, "contains a character that is not permitted");
    return WARD_OK;
}

bool audit_text_fits(const char *s, size_t most)
{
    return text("", s, 0, most, TEXT, NULL) == WARD_OK;
}

static enum ward_code trace(const char *s, struct ward_err *err)
{
    size_t n = strspn(s, "0123456789abcdef");

    if (s[n] != '\0' || (n != 0 && n != 32))
        return WARD_FAIL_FIELD(err, "trace_id", "must be 32 lower-case hex digits or empty");
    return WARD_OK;
}

static enum ward_code details(const struct audit_event *e, struct ward_err *err)
{
    if (e->n_detail > MOST_DETAILS)
        return WARD_FAIL_FIELD(err, "detail", "has more than %d entries", MOST_DETAILS);
    for (size_t i = 0; i < e->n_detail; i++) {
        WARD_TRY(text("detail", e->detail[i].key, 1, 64, DETAIL, err));
        WARD_TRY(text("detail", e->detail[i].value, 0, 512, TEXT, err));
        for (size_t k = 0; k < i; k++)
            if (strcmp(e->detail[i].key, e->detail[k].key) == 0)
                return WARD_FAIL_FIELD(err, "detail", "has the same key twice");
    }
    return WARD_OK;
}

enum ward_code audit_event_check(const struct audit_event *e, const char *sender,
                                 int64_t now_us, struct ward_err *err)
{
    if (e->id == NULL)
        return WARD_FAIL_FIELD(err, "event_id", "must be a UUID in lower case");
    if (e->occurred_at_us < EARLIEST_US || e->occurred_at_us > now_us + AHEAD_US)
        return WARD_FAIL_FIELD(
            err, "occurred_at_us",
            "must be in microseconds since 1970, between the year 2000 and tomorrow");
    WARD_TRY(text("service", e->service, 1, WARD_LEAF_SERVICE, NAME, err));
    if (*sender != '\0' && strcmp(e->service, sender) != 0)
        return WARD_FAIL_REASON(err, PERMISSION_DENIED, "SERVICE_NOT_SENDER",
                                "a service may append only its own events");
    WARD_TRY(text("action", e->action, 1, 128, WORD, err));
    if (e->outcome < 1 || e->outcome > 3)
        return WARD_FAIL_FIELD(err, "outcome", "must be success, failure or refused");
    WARD_TRY(text("code", e->code, 0, 128, WORD, err));
    WARD_TRY(text("actor", e->actor, 0, 128, TEXT, err));
    WARD_TRY(text("peer", e->peer, 0, 128, TEXT, err));
    WARD_TRY(text("patient", e->patient, 0, 128, TEXT, err));
    WARD_TRY(text("purpose", e->purpose, 0, 64, TEXT, err));
    WARD_TRY(text("place", e->place, 0, 128, TEXT, err));
    WARD_TRY(trace(e->trace_id, err));
    return details(e, err);
}
