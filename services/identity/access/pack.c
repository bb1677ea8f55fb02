#include "services/identity/access/pack.h"

#include "common/json/write.h"

#include <string.h>

static void begin_list(struct ward_json_out *w, const char *key)
{
    ward_json_key(w, key);
    ward_json_array_begin(w);
}

static const char *liveness_name(int policy)
{
    return policy == LIVENESS_NONE       ? "NONE"
           : policy == LIVENESS_PASSIVE  ? "PASSIVE"
           : policy == LIVENESS_ATTENDED ? "ATTENDED"
                                         : "ACTIVE";
}

static void say_hours(struct ward_json_out *w, const struct hours *h)
{
    ward_json_object_begin(w);
    begin_list(w, "weekdays");
    for (int d = 0; d < 7; d++)
        if ((h->weekdays >> d & 1) != 0)
            ward_json_int(w, d + 1);
    ward_json_array_end(w);
    ward_json_put_int(w, "start_minute", h->start);
    ward_json_put_int(w, "end_minute", h->end);
    ward_json_object_end(w);
}

static void say_zone(struct ward_json_out *w, const struct zone *z)
{
    ward_json_object_begin(w);
    ward_json_put_text(w, "zone", z->zone);
    ward_json_put_bool(w, "anti_passback", z->anti_passback);
    ward_json_put_int(w, "passback_minutes", z->passback_minutes);
    ward_json_put_text(w, "liveness", liveness_name(z->liveness));
    begin_list(w, "rules");
    for (size_t i = 0; i < z->n_rules; i++) {
        ward_json_object_begin(w);
        ward_json_put_text(w, "role", z->rules[i].role);
        begin_list(w, "hours");
        for (size_t k = 0; k < z->rules[i].n_hours; k++)
            say_hours(w, &z->rules[i].hours[k]);
        ward_json_array_end(w);
        ward_json_object_end(w);
    }
    ward_json_array_end(w);
    ward_json_object_end(w);
}

static void say_door(struct ward_json_out *w, const struct door *d)
{
    ward_json_object_begin(w);
    ward_json_put_text(w, "door", d->door);
    ward_json_put_text(w, "from_zone", d->from_zone == NULL ? "" : d->from_zone);
    ward_json_put_text(w, "to_zone", d->to_zone);
    ward_json_object_end(w);
}

bool pack_asks(const struct pack *p, const char *role)
{
    for (size_t i = 0; i < p->n_zones; i++)
        for (size_t k = 0; k < p->zones[i]->n_rules; k++)
            if (strcmp(p->zones[i]->rules[k].role, role) == 0)
                return true;
    return false;
}

static void say_staff(struct ward_json_out *w, const struct pack *p)
{
    begin_list(w, "staff");
    for (size_t i = 0; i < p->n_staff; i++) {
        bool first = i == 0 || strcmp(p->staff[i].id, p->staff[i - 1].id) != 0;
        bool last = i + 1 == p->n_staff || strcmp(p->staff[i].id, p->staff[i + 1].id) != 0;

        if (first) {
            ward_json_object_begin(w);
            ward_json_put_text(w, "subject_id", p->staff[i].id);
            begin_list(w, "roles");
        }
        ward_json_text(w, p->staff[i].role);
        if (last) {
            ward_json_array_end(w);
            ward_json_object_end(w);
        }
    }
    ward_json_array_end(w);
}

static void say(struct ward_json_out *w, const struct pack *p)
{
    ward_json_object_begin(w);
    ward_json_put_text(w, "iss", WARD_PPID_ISSUER);
    ward_json_put_int(w, "iat", p->issued_at);
    ward_json_put_int(w, "exp", p->expires_at);
    ward_json_put_text(w, "time_zone", p->time_zone);
    begin_list(w, "doors");
    for (size_t i = 0; i < p->n_doors; i++)
        say_door(w, &p->doors[i]);
    ward_json_array_end(w);
    begin_list(w, "zones");
    for (size_t i = 0; i < p->n_zones; i++)
        say_zone(w, p->zones[i]);
    ward_json_array_end(w);
    say_staff(w, p);
    ward_json_object_end(w);
}

enum ward_code pack_json(const struct pack *p, struct ward_arena *mem, const char **out,
                         struct ward_err *err)
{
    struct ward_json_out w = {.mem = mem};

    say(&w, p);
    return ward_json_done(&w, out, NULL, err);
}
