/* wardctl access - commands for zones, doors and entries. */
#include "cli/identity/identity_call.h"

#include "common/base/text.h"
#include "ward/identity/v1/access.pb-c.h"

#include "cli/identity/hours.h"

#include <stdio.h>
#include <string.h>

typedef Ward__Identity__V1__Zone Zone;
typedef Ward__Identity__V1__ZoneRule ZoneRule;
typedef Ward__Identity__V1__Door Door;
typedef Ward__Identity__V1__ListZonesResponse ZonesResponse;
typedef Ward__Identity__V1__RequestEntryRequest EntryRequest;
typedef Ward__Identity__V1__RequestEntryResponse EntryResponse;
typedef Ward__Identity__V1__GetOfflinePackRequest PackRequest;
typedef Ward__Identity__V1__GetOfflinePackResponse PackResponse;

static const char *const SECURITY[] = {"security-officer", NULL};

#define DOORS_MOST 64

/* ---- zones ---- */

static enum ward_code read_rules(struct task *t, const struct task_list *given, Zone *zone)
{
    zone->rules = ward_alloc(&t->mem, given->n * sizeof(*zone->rules));
    if (zone->rules == NULL)
        return WARD_FAIL(&t->err, RESOURCE_EXHAUSTED, "no memory for the rules");
    for (size_t i = 0; i < given->n; i++)
        WARD_TRY(hours_rule(given->at[i], &t->mem, &zone->rules[i], &t->err));
    zone->n_rules = given->n;
    return WARD_OK;
}

static enum ward_code zone_put(struct task *t, int argc, char **argv)
{
    Ward__Identity__V1__PutZoneRequest req = WARD__IDENTITY__V1__PUT_ZONE_REQUEST__INIT;
    Zone zone = WARD__IDENTITY__V1__ZONE__INIT;
    const char *liveness = "attended", *minutes = "0";
    bool passback = false;
    const struct cli_opt opts[] = {
        {"--liveness", &liveness, NULL, "none, passive or attended"},
        {"--anti-passback", NULL, &passback, "permit a second entry only after an exit"},
        {"--passback-minutes", &minutes, NULL, "minutes after which a missing exit is ignored"},
        {0},
    };
    struct task_list rules;
    ProtobufCMessage *msg;
    int64_t m = 0;
    int value = 0;

    WARD_TRY(task_list(t, "--rule", '\0', &argc, argv, &rules));
    WARD_TRY(cli_options(opts, &argc, argv, 1, &t->err));
    if (argc != 2)
        return task_wrong(t, "ZONE is needed");
    if (!message_enum_of(&ward__identity__v1__liveness_policy__descriptor, liveness, &value))
        return task_wrong(t, "--liveness must be none, passive or attended");
    if (!ward_i64(minutes, 0, 100000, &m))
        return task_wrong(t, "--passback-minutes must be a number");
    WARD_TRY(read_rules(t, &rules, &zone));
    zone.zone = argv[1];
    zone.anti_passback = passback;
    zone.passback_minutes = (int32_t)m;
    zone.liveness = (Ward__Identity__V1__LivenessPolicy)value;
    req.zone = &zone;
    WARD_TRY(task_ask(t, ACCESS_PATH("PutZone"), SECURITY, &req.base,
                      &ward__identity__v1__put_zone_response__descriptor, &msg));
    if (!task_json(t, msg))
        printf("the rules of the zone now apply%s\nevent      %s\n",
               zone.n_rules == 0 ? "; nobody may enter, because there is no --rule" : "",
               ((const Ward__Identity__V1__PutZoneResponse *)msg)->event_id);
    return WARD_OK;
}

static void print_zone(const Zone *z)
{
    printf("%s  liveness %s%s\n", z->zone,
           message_enum(&ward__identity__v1__liveness_policy__descriptor, (int)z->liveness),
           z->anti_passback ? ", a second entry only after an exit" : "");
    if (z->n_rules == 0)
        printf("  nobody may enter\n");
    for (size_t i = 0; i < z->n_rules; i++) {
        printf("  %s", z->rules[i]->role);
        hours_print(stdout, z->rules[i]);
        printf("\n");
    }
}

static enum ward_code zone_list(struct task *t, int argc, char **argv)
{
    Ward__Identity__V1__ListZonesRequest req = WARD__IDENTITY__V1__LIST_ZONES_REQUEST__INIT;
    const struct cli_opt none[] = {{0}};
    const ZonesResponse *resp;
    ProtobufCMessage *msg;

    WARD_TRY(cli_options(none, &argc, argv, 0, &t->err));
    WARD_TRY(task_ask(t, ACCESS_PATH("ListZones"), SECURITY, &req.base,
                      &ward__identity__v1__list_zones_response__descriptor, &msg));
    resp = (const ZonesResponse *)msg;
    if (task_json(t, msg))
        return WARD_OK;
    for (size_t i = 0; i < resp->n_zones; i++)
        print_zone(resp->zones[i]);
    for (size_t i = 0; i < resp->n_doors; i++)
        printf("door %s: %s -> %s\n", resp->doors[i]->door,
               *resp->doors[i]->from_zone == '\0' ? "(outside)" : resp->doors[i]->from_zone,
               resp->doors[i]->to_zone);
    return WARD_OK;
}

/* ---- doors, staff ---- */

static enum ward_code door_put(struct task *t, int argc, char **argv)
{
    Ward__Identity__V1__PutDoorRequest req = WARD__IDENTITY__V1__PUT_DOOR_REQUEST__INIT;
    Door door = WARD__IDENTITY__V1__DOOR__INIT;
    const char *from = NULL, *to = NULL;
    const struct cli_opt opts[] = {
        {"--from", &from, NULL, "zone from which the door leads; outside by default"},
        {"--to", &to, NULL, "a zone"},
        {0},
    };
    ProtobufCMessage *msg;

    WARD_TRY(cli_options(opts, &argc, argv, 1, &t->err));
    if (argc != 2 || to == NULL)
        return task_wrong(t, "DOOR and --to ZONE are needed");
    door.door = argv[1];
    door.from_zone = task_text(from);
    door.to_zone = task_text(to);
    req.door = &door;
    WARD_TRY(task_ask(t, ACCESS_PATH("PutDoor"), SECURITY, &req.base,
                      &ward__identity__v1__put_door_response__descriptor, &msg));
    if (!task_json(t, msg))
        printf("the door is stored\nevent      %s\n",
               ((const Ward__Identity__V1__PutDoorResponse *)msg)->event_id);
    return WARD_OK;
}

static enum ward_code staff_roles(struct task *t, int argc, char **argv)
{
    Ward__Identity__V1__SetStaffRolesRequest req =
        WARD__IDENTITY__V1__SET_STAFF_ROLES_REQUEST__INIT;
    bool none = false;
    const struct cli_opt opts[] = {{"--none", NULL, &none, "remove all roles"}, {0}};
    ProtobufCMessage *msg;

    WARD_TRY(cli_options(opts, &argc, argv, 1 + TASK_LIST_MOST, &t->err));
    if (argc < 2 || (argc == 2) != none)
        return task_wrong(t, "SUBJECT and all ROLEs, or --none, are needed; the new roles "
                             "replace the previous roles");
    req.subject_id = argv[1];
    req.roles = argv + 2;
    req.n_roles = (size_t)argc - 2;
    WARD_TRY(task_ask(t, ACCESS_PATH("SetStaffRoles"), SECURITY, &req.base,
                      &ward__identity__v1__set_staff_roles_response__descriptor, &msg));
    if (!task_json(t, msg))
        printf("the new roles now apply\nevent      %s\n",
               ((const Ward__Identity__V1__SetStaffRolesResponse *)msg)->event_id);
    return WARD_OK;
}

static enum ward_code forget(struct task *t, int argc, char **argv)
{
    Ward__Identity__V1__ForgetPresenceRequest req =
        WARD__IDENTITY__V1__FORGET_PRESENCE_REQUEST__INIT;
    const Ward__Identity__V1__ForgetPresenceResponse *resp;
    const char *zone = NULL;
    const struct cli_opt opts[] = {
        {"--zone", &zone, NULL, "zone to clear; all zones by default"}, {0}};
    ProtobufCMessage *msg;

    WARD_TRY(cli_options(opts, &argc, argv, 1, &t->err));
    if (argc != 2)
        return task_wrong(t, "SUBJECT is needed");
    req.subject_id = argv[1];
    req.zone = task_text(zone);
    WARD_TRY(task_ask(t, ACCESS_PATH("ForgetPresence"), SECURITY, &req.base,
                      &ward__identity__v1__forget_presence_response__descriptor, &msg));
    resp = (const Ward__Identity__V1__ForgetPresenceResponse *)msg;
    if (!task_json(t, msg))
        printf("cleared    %d\nevent      %s\n", (int)resp->forgotten, resp->event_id);
    return WARD_OK;
}

/* ---- enter ---- */

static void print_entry(struct task *t, const EntryResponse *r)
{
    bool allow = r->decision == WARD__IDENTITY__V1__DECISION__DECISION_ALLOW;

    printf("%s%s%s  %s\n", cli_paint(t->cli, allow ? CLI_GOOD : CLI_BAD),
           message_enum(&ward__identity__v1__decision__descriptor, (int)r->decision),
           cli_paint(t->cli, CLI_PLAIN), r->reason);
    id_print_reasons(r->reasons, r->n_reasons);
    if (*r->subject_id != '\0')
        printf("subject    %s\n", r->subject_id);
    task_print_time("decided", r->decided_at_us);
    printf("event      %s\n", r->event_id);
}

static enum ward_code enter(struct task *t, int argc, char **argv)
{
    EntryRequest req = WARD__IDENTITY__V1__REQUEST_ENTRY_REQUEST__INIT;
    const char *photo = NULL, *token = NULL, *device = NULL, *direction = "in";
    bool attended = false;
    const struct cli_opt opts[] = {
        {"--photo", &photo, NULL, "JPEG or PNG"},
        {"--spend", &token, NULL, "a PPID token with the purpose \"door\" instead"},
        {"--direction", &direction, NULL, "in or out"},
        {"--device", &device, NULL, "camera or reader"},
        {"--attended", NULL, &attended,
         "confirm that you see the person in front of the camera"},
        {0},
    };
    ProtobufCMessage *msg;
    int way = 0;

    WARD_TRY(cli_options(opts, &argc, argv, 1, &t->err));
    if (argc != 2 || (photo == NULL) == (token == NULL))
        return task_wrong(t, "DOOR, and either --photo FILE or --spend TOKEN, are needed");
    if (!message_enum_of(&ward__identity__v1__direction__descriptor, direction, &way))
        return task_wrong(t, "--direction must be in or out");
    if (token != NULL)
        WARD_TRY(task_secret(t, token, &token));
    else
        WARD_TRY(id_photo(t, photo, &req.photograph));
    req.door = argv[1];
    req.direction = (Ward__Identity__V1__Direction)way;
    req.token = task_text(token);
    req.device = task_text(device);
    req.attended = attended;
    WARD_TRY(task_ask(t, ACCESS_PATH("RequestEntry"), SECURITY, &req.base,
                      &ward__identity__v1__request_entry_response__descriptor, &msg));
    if (!task_json(t, msg))
        print_entry(t, (const EntryResponse *)msg);
    return WARD_OK;
}

/* ---- offline pack ---- */

static enum ward_code save(struct task *t, const char *path, const PackResponse *r)
{
    struct cli_json j = {.to = stdout};
    FILE *f;

    WARD_TRY(task_create(t, path, &f));
    fprintf(f, "%s\n", r->pack);
    WARD_TRY(task_created(t, path, f, WARD_OK));
    if (!t->cli->json) {
        printf("in %s\n", path);
        task_print_time("good until", r->expires_at_us);
        printf("event      %s\n", r->event_id);
        return WARD_OK;
    }
    cli_json_open(&j, NULL, '{');
    cli_json_text(&j, "file", path);
    cli_json_int(&j, "expires_at_us", r->expires_at_us);
    cli_json_text(&j, "event_id", r->event_id);
    cli_json_close(&j, '}');
    return WARD_OK;
}

static enum ward_code offline_pack(struct task *t, int argc, char **argv)
{
    PackRequest req = WARD__IDENTITY__V1__GET_OFFLINE_PACK_REQUEST__INIT;
    const char *out = NULL;
    const struct cli_opt opts[] = {{"--out", &out, NULL, "output file"}, {0}};
    ProtobufCMessage *msg;

    WARD_TRY(cli_options(opts, &argc, argv, DOORS_MOST, &t->err));
    if (argc < 2 || out == NULL)
        return task_wrong(t, "DOORs and --out FILE are needed");
    req.doors = argv + 1;
    req.n_doors = (size_t)argc - 1;
    WARD_TRY(task_ask(t, ACCESS_PATH("GetOfflinePack"), SECURITY, &req.base,
                      &ward__identity__v1__get_offline_pack_response__descriptor, &msg));
    return save(t, out, (const PackResponse *)msg);
}

ID_COMMAND(zone_put)
ID_COMMAND(zone_list)
ID_COMMAND(door_put)
ID_COMMAND(staff_roles)
ID_COMMAND(forget)
ID_COMMAND(enter)
ID_COMMAND(offline_pack)

const struct cli_command cli_access_commands[] = {
    {"access zone put",
     "ZONE [--rule \"ROLE[=DAYS HH:MM-HH:MM;...]\"]... [--liveness none|passive|attended]\n"
     "      [--anti-passback [--passback-minutes N]]",
     "set who may enter a zone and when: --rule \"icu-nurse=mon-fri 07:00-19:00;sun "
     "20:00-06:00\"",
     zone_put_command},
    {"access zone list", "", "list the zones with their rules, and the doors",
     zone_list_command},
    {"access door put", "DOOR --to ZONE [--from ZONE]",
     "create or change a door into a zone, from another zone or from outside",
     door_put_command},
    {"access staff-roles", "SUBJECT ROLE... | --none",
     "replace all roles of a member of staff; the rules of zones use these roles",
     staff_roles_command},
    {"access forget", "SUBJECT [--zone ZONE]",
     "clear the presence of a person, so that anti-passback lets the person enter",
     forget_command},
    {"access enter",
     "DOOR --photo FILE | --spend TOKEN|- [--direction in|out] [--attended] [--device NAME]",
     "decide whether the person at a door may enter", enter_command},
    {"access offline-pack", "DOOR... --out FILE",
     "write the signed rules for door controllers without a network", offline_pack_command},
    {0},
};
