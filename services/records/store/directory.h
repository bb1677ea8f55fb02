/* directory.h - resources without a patient: Practitioner, Organization, Location, and
 * uninterpreted kinds such as Device and Medication. They are stored beside the chart:
 * encrypted under keys of their own, versioned, and not subject to denials; the three
 * interpreted kinds are found by the table directory_token.
 *
 * Imports write them (exchange/import_stage.c), and people who may read an Other of their
 * patients may read them. chart_open and chart_record decrypt their versions like those of the
 * chart.
 *
 * Threads: a worker's own connection. Memory: the arena. Errors: as each says, and db.h's.
 */
#ifndef RECORDS_STORE_DIRECTORY_H
#define RECORDS_STORE_DIRECTORY_H

#include "services/records/store/chart.h"

/* A current version in the form for version_of, for "... WHERE d.resource_id IN (...)". */
#define DIRECTORY_VERSION                                                                      \
    "SELECT v.resource_id, v.owner_id, v.kind, v.version, v.act, v.written_at_us, v.actor,"    \
    " v.purpose, v.peer, v.device, '', '', v.event_id, v.sealed, NULL, vk.kek, vk.wrapped"     \
    " FROM directory d JOIN directory_version v ON v.resource_id = d.resource_id"
#define DIRECTORY_KEY     " LEFT JOIN owner_key vk ON vk.owner_id = v.owner_id"
#define DIRECTORY_CURRENT DIRECTORY_VERSION " AND v.version = d.version" DIRECTORY_KEY
/* Of such a row. */
void directory_version_of(const struct ward_val *row, struct version *out);
/* Whether a resource belongs there and not in a chart: its kind has no patient, or it is an
 * Other without one. */
bool resource_is_nobodys(const Resource *res);
/* Whether the view may read it. */
bool directory_opens(const struct view *view);
/* version 0: the current one.   NOT_FOUND  RESOURCE_NOT_FOUND, VERSION_NOT_FOUND */
WARD_MUST enum ward_code directory_find(struct worker *w, struct ward_arena *mem,
                                        const uint8_t id[RECORDS_ID], int version,
                                        struct version *out, struct ward_err *err);
/* After chart_find found none and set *err: the current version in the directory, if the view
 * may read it.   NOT_FOUND  as chart_find's */
WARD_MUST enum ward_code directory_instead(struct worker *w, struct ward_arena *mem,
                                           const struct view *view, enum kind kind,
                                           const uint8_t id[RECORDS_ID], struct version *out,
                                           struct ward_err *err);
/* In chart_tx; what->res has its id.
 *   ABORTED           VERSION_CONFLICT: another version exists than expected
 *   INVALID_ARGUMENT  RESOURCE_TOO_LARGE */
WARD_MUST enum ward_code directory_write(struct worker *w, struct ward_call *c,
                                         const struct write *what, struct version *out,
                                         struct ward_err *err);

#endif
