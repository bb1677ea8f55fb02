/* SetBirthYear, and the check whether a face may be used at the subject's age. */
#include "common/base/clock.h"
#include "services/identity/subject/about.h"

#include <string.h>
#include <time.h>

typedef Ward__Identity__V1__SetBirthYearRequest BornRequest;
typedef Ward__Identity__V1__SetBirthYearResponse BornResponse;

int face_this_year(void)
{
    time_t now = (time_t)(ward_wall_us() / 1000000);
    struct tm t = {0};

    return gmtime_r(&now, &t) == NULL ? 9999 : t.tm_year + 1900;
}

/* While two packs are in use, a face may be compared with either pack: the higher minimum age
 * counts. */
static int least_age(const struct identity *id)
{
    int now = id->now.calibration.least_age, former = id->former.calibration.least_age;

    return id->former.pack != NULL && former > now ? former : now;
}

bool face_age_known(int kind, int birth_year)
{
    return kind == SUBJECT_STAFF || birth_year != 0;
}

enum ward_code face_needs_age(int kind, int birth_year, struct ward_err *err)
{
    if (face_age_known(kind, birth_year))
        return WARD_OK;
    return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "BIRTH_YEAR_NEEDED",
                            "this subject's year of birth is unknown: set it, or identify this "
                            "person by wristband and a second identifier");
}

enum ward_code face_of_age(const struct identity *id, int kind, int birth_year,
                           struct ward_err *err)
{
    if (birth_year == 0)
        return id->ask_age ? face_needs_age(kind, birth_year, err) : WARD_OK;
    if (!rule_is_child(birth_year, least_age(id), face_this_year()))
        return WARD_OK;
    return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "FACE_NOT_FOR_CHILDREN",
                            "faces of children are not compared, because they are too similar: "
                            "identify this child by wristband and a second identifier");
}

int face_born_before(const struct identity *id)
{
    return face_this_year() - least_age(id);
}

enum ward_code birth_year_check(int birth_year, struct ward_err *err)
{
    if (birth_year != 0 && (birth_year < 1900 || birth_year > face_this_year()))
        return WARD_FAIL_FIELD(err, "birth_year", "must be 1900 to this year, or 0");
    return WARD_OK;
}

/* ---- SetBirthYear ---- */

struct setting {
    struct about about;
    int birth_year;
    bool refused;
};

static enum ward_code set_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct setting *s = arg;
    struct about *a = &s->about;
    const struct identity *id = ((struct worker *)a->call->wrk)->id;
    struct ward_event event = a->event;
    struct ward_err why = {0};

    WARD_TRY(subject_hold(db, a->call->mem, a->id, &a->subject, err));
    s->refused = face_of_age(id, a->subject.kind, s->birth_year, &why) != WARD_OK;
    WARD_TRY(subject_born(db, a->call->mem, a->id, s->birth_year, err));
    ward_event_note(&event, "birth_year", s->birth_year == 0 ? "not known" : "set");
    ward_event_note(&event, "face", s->refused ? "refused" : "allowed");
    if (s->birth_year == a->subject.birth_year)
        ward_event_note(&event, "already", "yes");
    return ward_event_write(&event, db, err);
}

static enum ward_code set_birth_year(struct ward_call *c, const BornRequest *req,
                                     BornResponse *resp)
{
    struct setting s = {.birth_year = req->birth_year};

    WARD_TRY(about_begin(&s.about, c, req->subject_id));
    WARD_TRY(birth_year_check(req->birth_year, c->err));
    WARD_TRY(ward_call_copy(c, s.about.event.event_text, &resp->event_id));
    WARD_TRY(ward_db_tx(about_db(c), set_in_tx, &s, c->err));
    resp->face_refused = s.refused;
    return WARD_OK;
}

enum ward_code set_birth_year_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                  ProtobufCMessage *r)
{
    return set_birth_year(c, (const BornRequest *)q, (BornResponse *)r);
}
