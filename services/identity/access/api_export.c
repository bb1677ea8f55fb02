/* ExportAttendance: sends the report in pieces, one person after the other. Memory use does not
 * depend on the size of the export: one person's days, one page of rows and one piece of
 * CSV. */
#include "common/zone/zone.h"
#include "services/identity/access/access.h"
#include "services/identity/access/attendance.h"
#include "services/identity/access/csv.h"

#include "common/base/clock.h"

#include <string.h>

typedef Ward__Identity__V1__ExportAttendanceRequest ExportAttendanceRequest;
typedef Ward__Identity__V1__ExportAttendanceResponse ExportAttendanceResponse;

#define PEOPLE_PAGE 200
#define ROWS_PAGE   1000
#define PIECE       ((size_t)64 << 10)
#define LINE_MOST   512 /* bytes */
#define PAGE_MEM    ((size_t)4 << 20)
#define MINUTE_US   INT64_C(60000000)
#define LEAD_US     (REPORT_PRESENCE_H * 60 * MINUTE_US)

struct export
{
    struct ward_call *call;
    struct ward_db *db;
    struct ward_event event;
    int64_t from_day;
    int n_days;
    bool one; /* the export is for one person */
    uint8_t id[IDENTITY_ID];
    /* beginnings of the days, and the end of the last day: n_days + 1 values */
    int64_t *begins;
    struct day_line *days; /* n_days lines of the current person */
    struct csv csv;
    struct ward_arena page; /* memory for one page of rows */
};

static enum ward_code no_memory(struct ward_call *c)
{
    return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the report");
}

/* ---- sending ---- */

static enum ward_code send_piece(struct export *x, const char *event_id)
{
    ExportAttendanceResponse resp = WARD__IDENTITY__V1__EXPORT_ATTENDANCE_RESPONSE__INIT;

    resp.csv.data = (uint8_t *)x->csv.at;
    resp.csv.len = x->csv.n;
    resp.event_id = api_text(event_id);
    x->csv.n = 0;
    return ward_send(x->call, &resp.base);
}

static void heading(struct csv *c)
{
    static const char *const NAMES[] = {"subject",  "external_ref", "date",
                                        "first_in", "last_out",     "minutes_present",
                                        "events",   "corrections",  "open"};

    for (size_t i = 0; i < WARD_COUNT(NAMES); i++)
        csv_text(c, NAMES[i]);
    csv_end_line(c);
}

static const struct ward_zone *zone_of(const struct export *x)
{
    return ((struct worker *)x->call->wrk)->id->zone;
}

static void moment(struct export *x, int64_t at_us)
{
    char text[WARD_ZONE_STAMP] = "";

    if (at_us != 0)
        ward_zone_stamp(zone_of(x), at_us, text);
    csv_text(&x->csv, text);
}

static void line(struct export *x, const struct attendee *who, int day)
{
    const struct day_line *d = &x->days[day];
    char id[37], date[WARD_DATE];

    ward_uuid_text(who->id, id);
    ward_date_print(x->from_day + day, date);
    csv_text(&x->csv, id);
    csv_text(&x->csv, who->external_ref);
    csv_text(&x->csv, date);
    moment(x, d->first_in_us);
    moment(x, d->last_out_us);
    csv_int(&x->csv, d->present_us / MINUTE_US);
    csv_int(&x->csv, d->events);
    csv_int(&x->csv, d->corrections);
    csv_text(&x->csv, d->open ? "yes" : "no");
    csv_end_line(&x->csv);
}

/* ---- one person ---- */

static enum ward_code gather(struct export *x, const struct attendee *who)
{
    struct attendance_page page = {.from_us = x->begins[0] - LEAD_US,
                                   .until_us = x->begins[x->n_days] + LEAD_US};
    struct coming *list = NULL;
    struct report report;
    size_t n = ROWS_PAGE;

    report_begin(&report, x->begins, x->n_days, x->days);
    while (n == ROWS_PAGE) {
        ward_arena_reset(&x->page);
        WARD_TRY(
            attendance_of(x->db, &x->page, who->id, &page, ROWS_PAGE, &list, &n, x->call->err));
        for (size_t i = 0; i < n; i++)
            report_add(&report, &list[i]);
    }
    report_end(&report);
    return WARD_OK;
}

static enum ward_code person(struct export *x, const struct attendee *who)
{
    WARD_TRY(gather(x, who));
    for (int day = 0; day < x->n_days; day++) {
        if (!report_has(&x->days[day]))
            continue;
        if (x->csv.cap - x->csv.n < LINE_MOST)
            WARD_TRY(send_piece(x, ""));
        line(x, who, day);
    }
    return x->csv.full ? WARD_FAIL(x->call->err, INTERNAL, "a line of the export is too long")
                       : WARD_OK;
}

/* ---- everyone ---- */

static enum ward_code still_wanted(struct ward_call *c)
{
    if (!ward_call_cancelled(c))
        return WARD_OK;
    return ward_left_ms(c->deadline_ns) == 0
               ? WARD_FAIL(c->err, DEADLINE_EXCEEDED, "the deadline passed")
               : WARD_FAIL(c->err, CANCELLED, "the caller disconnected");
}

/* `who` is a copy, because the rows of the first person reuse the memory of the page. */
static enum ward_code some_people(struct export *x, struct attendee *who, char (*refs)[65],
                                  const uint8_t after[IDENTITY_ID], size_t *n)
{
    struct attendee *list = NULL;

    ward_arena_reset(&x->page);
    WARD_TRY(attendees_after(x->db, &x->page, after, PEOPLE_PAGE, &list, n, x->call->err));
    for (size_t i = 0; i < *n; i++) {
        size_t len = strnlen(list[i].external_ref, 64);

        memcpy(refs[i], list[i].external_ref, len);
        refs[i][len] = '\0';
        memcpy(who[i].id, list[i].id, IDENTITY_ID);
        who[i].external_ref = refs[i];
    }
    return WARD_OK;
}

static enum ward_code everyone(struct export *x)
{
    struct attendee *who = ward_alloc(x->call->mem, PEOPLE_PAGE * sizeof(*who));
    char(*refs)[65] = ward_alloc(x->call->mem, PEOPLE_PAGE * sizeof(*refs));
    uint8_t after[IDENTITY_ID] = {0};
    size_t n = PEOPLE_PAGE;

    if (who == NULL || refs == NULL)
        return no_memory(x->call);
    while (n == PEOPLE_PAGE) {
        WARD_TRY(some_people(x, who, refs, after, &n));
        for (size_t i = 0; i < n; i++) {
            WARD_TRY(still_wanted(x->call));
            WARD_TRY(person(x, &who[i]));
            memcpy(after, who[i].id, IDENTITY_ID);
        }
    }
    return WARD_OK;
}

/* Exports erased subjects too, because their working times are still reported. */
static enum ward_code one_person(struct export *x)
{
    struct attendee who;
    struct subject s;

    WARD_TRY(subject_find(x->db, x->call->mem, x->id, false, &s, x->call->err));
    memcpy(who.id, x->id, IDENTITY_ID);
    who.external_ref = s.external_ref;
    return person(x, &who);
}

/* ---- the call ---- */

static enum ward_code begin(struct export *x, const ExportAttendanceRequest *req)
{
    struct ward_call *c = x->call;
    char text[37] = "";
    int64_t to_day;

    x->one = *req->subject_id != '\0';
    if (x->one)
        WARD_TRY(api_subject_id(c, req->subject_id, x->id, text));
    ward_event_begin(&x->event, c, api_event_ctx(c), x->one ? ward_strdup(c->mem, text) : NULL);
    if (!ward_date_parse(req->from_date, &x->from_day))
        return WARD_FAIL_FIELD(c->err, "from_date", "is not a date such as 2026-03-01");
    if (!ward_date_parse(req->to_date, &to_day))
        return WARD_FAIL_FIELD(c->err, "to_date", "is not a date such as 2026-03-01");
    if (to_day < x->from_day || to_day - x->from_day >= REPORT_DAYS_MOST)
        return WARD_FAIL_FIELD(
            c->err, "to_date",
            "must not be before from_date; the span must have at most %d days",
            REPORT_DAYS_MOST);
    x->n_days = (int)(to_day - x->from_day) + 1;
    x->begins = ward_alloc(c->mem, ((size_t)x->n_days + 1) * sizeof(*x->begins));
    x->days = ward_alloc(c->mem, (size_t)x->n_days * sizeof(*x->days));
    x->csv = (struct csv){.at = ward_alloc(c->mem, PIECE), .cap = PIECE};
    if (x->begins == NULL || x->days == NULL || x->csv.at == NULL)
        return no_memory(c);
    for (int i = 0; i <= x->n_days; i++)
        x->begins[i] = ward_zone_begin(zone_of(x), x->from_day + i);
    ward_event_note(&x->event, "from", req->from_date);
    ward_event_note(&x->event, "to", req->to_date);
    ward_event_note(&x->event, "of", x->one ? "one" : "everyone");
    return WARD_OK;
}

static enum ward_code write_act(struct ward_db *db, void *arg, struct ward_err *err)
{
    return ward_event_write(arg, db, err);
}

/* The audit event is written first, because sent data cannot be recalled. */
static enum ward_code export_attendance(struct export *x)
{
    if (x->one) { /* an empty page reports nobody, so it writes no event */
        struct subject s;

        WARD_TRY(subject_find(x->db, x->call->mem, x->id, false, &s, x->call->err));
    }
    WARD_TRY(ward_db_tx(x->db, write_act, &x->event, x->call->err));
    heading(&x->csv);
    WARD_TRY(x->one ? one_person(x) : everyone(x));
    return send_piece(x, x->event.event_text);
}

enum ward_code export_attendance_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                     ProtobufCMessage *r)
{
    struct export x = {.call = c, .db = ((struct worker *)c->wrk)->db};
    enum ward_code code;

    (void)r;
    ward_event_begin(&x.event, c, api_event_ctx(c), NULL);
    ward_db_deadline(x.db, c->deadline_ns);
    WARD_TRY(begin(&x, (const ExportAttendanceRequest *)q));
    ward_arena_init(&x.page, PAGE_MEM);
    code = export_attendance(&x);
    ward_arena_done(&x.page);
    return code;
}
