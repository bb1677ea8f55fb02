/* SetIdentifiers, and how identifiers are normalized and hashed. */
#include "services/identity/token/identifiers.h"

#include <string.h>

typedef Ward__Identity__V1__SecondIdentifier Second;
typedef Ward__Identity__V1__SetIdentifiersRequest SetIdentifiersRequest;
typedef Ward__Identity__V1__SetIdentifiersResponse SetIdentifiersResponse;

#define SECONDS_MOST 16

/* ---- the hash of an identifier ---- */

enum ward_code wristband_check(struct ward_call *c, const char *wristband)
{
    if (!rule_is_label(wristband, true) || strlen(wristband) < WRISTBAND_LEAST)
        return WARD_FAIL_FIELD(c->err, "wristband", "must be 4 to 64 visible ASCII characters");
    return WARD_OK;
}

void second_fold(const char *value, char *out)
{
    for (; *value != '\0'; value++) {
        char ch = *value;

        if (ch >= 'A' && ch <= 'Z')
            ch = (char)(ch - 'A' + 'a');
        if ((ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') || (unsigned char)ch >= 0x80)
            *out++ = ch;
    }
    *out = '\0';
}

static enum ward_code wrong(struct ward_call *c, const char *at, const char *part,
                            const char *why)
{
    const char *field = ward_printf(c->mem, "%s.%s", at, part);

    return WARD_FAIL_FIELD(c->err, field == NULL ? at : field, "%s", why);
}

enum ward_code second_check(struct ward_call *c, const char *at, const Second *second,
                            bool may_remove)
{
    char folded[SECOND_VALUE_MOST + 1];

    if (second == NULL)
        return WARD_FAIL_FIELD(c->err, at, "is missing");
    if (!rule_is_word(second->type) || strlen(second->type) > SECOND_TYPE_MOST)
        return wrong(c, at, "type", "must be 1 to 32 characters of a-z, 0-9 and -");
    if (may_remove && *second->value == '\0')
        return WARD_OK;
    if (*second->value == '\0' || strlen(second->value) > SECOND_VALUE_MOST)
        return wrong(c, at, "value", "must be 1 to 64 bytes");
    second_fold(second->value, folded);
    if (*folded == '\0')
        return wrong(c, at, "value", "must have a letter or a digit");
    return WARD_OK;
}

enum ward_code wristband_hash(struct keys *k, const char *wristband,
                              uint8_t out[WARD_SHA256_SIZE], struct ward_err *err)
{
    return ward_keyring_hash(keys_ring(k), "wristband", wristband, strlen(wristband), out, err);
}

/* Hashes subject | type | NUL | normalized value. No two identifiers give equal bytes. */
enum ward_code second_hash(struct keys *k, const uint8_t subject[IDENTITY_ID], const char *type,
                           const char *value, uint8_t out[WARD_SHA256_SIZE],
                           struct ward_err *err)
{
    uint8_t data[IDENTITY_ID + SECOND_TYPE_MOST + 1 + SECOND_VALUE_MOST + 1];
    size_t n = strlen(type) + 1;
    enum ward_code code;

    memcpy(data, subject, IDENTITY_ID);
    memcpy(data + IDENTITY_ID, type, n);
    second_fold(value, (char *)data + IDENTITY_ID + n);
    n += IDENTITY_ID + strlen((char *)data + IDENTITY_ID + n);
    code = ward_keyring_hash(keys_ring(k), "second", data, n, out, err);
    ward_wipe(data, sizeof(data));
    return code;
}

/* ---- SetIdentifiers ---- */

struct setting {
    struct ward_call *call;
    struct ward_event event;
    uint8_t id[IDENTITY_ID];
    char text[37];
    const SetIdentifiersRequest *req;
    SetIdentifiersResponse *resp;
};

static enum ward_code check(struct ward_call *c, const SetIdentifiersRequest *req)
{
    if (*req->wristband != '\0')
        WARD_TRY(wristband_check(c, req->wristband));
    if (*req->wristband != '\0' && req->remove_wristband)
        return WARD_FAIL_FIELD(c->err, "remove_wristband",
                               "and a new wristband must not be set together");
    if (req->n_second > SECONDS_MOST)
        return WARD_FAIL_FIELD(c->err, "second", "are more than %d", SECONDS_MOST);
    for (size_t i = 0; i < req->n_second; i++) {
        const char *at = ward_printf(c->mem, "second[%zu]", i);

        WARD_TRY(second_check(c, at == NULL ? "second" : at, req->second[i], true));
        for (size_t k = 0; k < i; k++)
            if (strcmp(req->second[i]->type, req->second[k]->type) == 0)
                return wrong(c, at == NULL ? "second" : at, "type", "is listed twice");
    }
    return WARD_OK;
}

static enum ward_code take_away(struct ward_db *db, const uint8_t id[IDENTITY_ID],
                                const char *type, struct ward_err *err)
{
    static const char SQL[] = "DELETE FROM identifier_hash WHERE subject_id = ? AND type = ?";

    return ward_db_run(db, NULL, SQL, WARD_PARAMS(id_val(id), ward_text(type)), NULL, err);
}

/* Deletes and inserts. ON DUPLICATE KEY could change the row of another subject with an equal
 * wristband. */
static enum ward_code put(struct ward_db *db, const uint8_t id[IDENTITY_ID], const char *type,
                          const uint8_t hash[WARD_SHA256_SIZE], struct ward_err *err)
{
    static const char SQL[] = "INSERT INTO identifier_hash (subject_id, type, hash, wristband)"
                              " VALUES (?, ?, ?, ?)";
    struct ward_val h = ward_blob(hash, WARD_SHA256_SIZE);

    WARD_TRY(take_away(db, id, type, err));
    return ward_db_run(
        db, NULL, SQL,
        WARD_PARAMS(id_val(id), ward_text(type), h, *type == '\0' ? h : ward_text(NULL)), NULL,
        err);
}

static enum ward_code put_wristband(struct setting *s, struct ward_db *db, struct ward_err *err)
{
    struct keys *keys = ((struct worker *)s->call->wrk)->id->keys;
    uint8_t hash[WARD_SHA256_SIZE];
    enum ward_code code;

    if (s->req->remove_wristband)
        return take_away(db, s->id, "", err);
    if (*s->req->wristband == '\0')
        return WARD_OK;
    WARD_TRY(wristband_hash(keys, s->req->wristband, hash, err));
    code = put(db, s->id, "", hash, err);
    if (code == WARD_ALREADY_EXISTS)
        return WARD_FAIL_REASON(err, ALREADY_EXISTS, "WRISTBAND_TAKEN",
                                "another subject has this wristband");
    return code;
}

static enum ward_code put_second(struct setting *s, struct ward_db *db, const Second *second,
                                 struct ward_err *err)
{
    struct keys *keys = ((struct worker *)s->call->wrk)->id->keys;
    uint8_t hash[WARD_SHA256_SIZE];

    if (*second->value == '\0')
        return take_away(db, s->id, second->type, err);
    WARD_TRY(second_hash(keys, s->id, second->type, second->value, hash, err));
    return put(db, s->id, second->type, hash, err);
}

static enum ward_code set_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct setting *s = arg;
    struct ward_arena *mem = s->call->mem;
    struct ward_event event = s->event;
    struct subject subject;
    bool has = false;

    WARD_TRY(subject_hold(db, mem, s->id, &subject, err));
    WARD_TRY(put_wristband(s, db, err));
    for (size_t i = 0; i < s->req->n_second; i++)
        WARD_TRY(put_second(s, db, s->req->second[i], err));
    WARD_TRY(identifiers_of(db, mem, s->id, &s->resp->second_types, &s->resp->n_second_types,
                            &has, err));
    s->resp->has_wristband = has;
    ward_event_note(&event, "wristband",
                    s->req->remove_wristband     ? "removed"
                    : *s->req->wristband != '\0' ? "set"
                                                 : "left");
    ward_event_note_int(&event, "second", (int64_t)s->req->n_second);
    return ward_event_write(&event, db, err);
}

enum ward_code set_identifiers_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                   ProtobufCMessage *r)
{
    struct setting s = {.call = c,
                        .req = (const SetIdentifiersRequest *)q,
                        .resp = (SetIdentifiersResponse *)r};
    struct worker *w = c->wrk;

    ward_event_begin(&s.event, c, api_event_ctx(c), NULL);
    ward_db_deadline(w->db, c->deadline_ns);
    WARD_TRY(api_subject_id(c, s.req->subject_id, s.id, s.text));
    ward_event_begin(&s.event, c, api_event_ctx(c), s.text);
    WARD_TRY(check(c, s.req));
    WARD_TRY(ward_call_copy(c, s.event.event_text, &s.resp->event_id));
    return ward_db_tx(w->db, set_in_tx, &s, c->err);
}
