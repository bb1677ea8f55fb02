/* directory.h - resources without a patient: Practitioner, Organization, Location, and
 * uninterpreted kinds such as Device and Medication. These resources are stored outside the
 * charts: versioned, and each encrypted under its own key. Denials do not apply. Searches find
 * the three interpreted kinds by the table directory_token.
 *
 * Only imports write these resources (exchange/import_stage.c). Callers may read them if they
 * may read an Other of a patient. chart_open and chart_record decrypt versions of the directory
 * and of charts.
 *
 * Threads: call from a worker's thread, which has its own connection. Memory: the arena.
 * Errors: as each function says, and those of db.h.
 */
#ifndef RECORDS_STORE_DIRECTORY_H
#define RECORDS_STORE_DIRECTORY_H

#include "services/records/store/chart.h"

/* Selects a current version with the columns of version_of, for "... WHERE d.resource_id IN
 * (...)". */
#define DIRECTORY_VERSION                                                                      \
    "SELECT v.resource_id, v.owner_id, v.kind, v.version, v.act, v.written_at_us, v.actor,"    \
    " v.purpose, v.peer, v.device, '', '', v.event_id, v.sealed, NULL, vk.kek, vk.wrapped"     \
    " FROM directory d JOIN directory_version v ON v.resource_id = d.resource_id"
#define DIRECTORY_KEY     " LEFT JOIN owner_key vk ON vk.owner_id = v.owner_id"
#define DIRECTORY_CURRENT DIRECTORY_VERSION " AND v.version = d.version" DIRECTORY_KEY
/* Converts a row of DIRECTORY_VERSION. */
void directory_version_of(const struct ward_val *row, struct version *out);
/* Whether a resource belongs in the directory and not in a chart: its kind has no patient, or
 * the resource is an Other without a patient. */
bool resource_is_nobodys(const Resource *res);
/* Whether the view may read the directory. */
bool directory_opens(const struct view *view);
/* version 0: the current version.
 *   NOT_FOUND  RESOURCE_NOT_FOUND, VERSION_NOT_FOUND */
WARD_MUST enum ward_code directory_find(struct worker *w, struct ward_arena *mem,
                                        const uint8_t id[RECORDS_ID], int version,
                                        struct version *out, struct ward_err *err);
/* After chart_find found no resource and set *err: finds the current version in the directory,
 * if the view may read the directory.
 *   NOT_FOUND  as for chart_find */
WARD_MUST enum ward_code directory_instead(struct worker *w, struct ward_arena *mem,
                                           const struct view *view, enum kind kind,
                                           const uint8_t id[RECORDS_ID], struct version *out,
                                           struct ward_err *err);
/* Writes one version, in chart_tx; what->res has its id.
 *   ABORTED           VERSION_CONFLICT: the current version is not expected_version
 *   INVALID_ARGUMENT  RESOURCE_TOO_LARGE */
WARD_MUST enum ward_code directory_write(struct worker *w, struct ward_call *c,
                                         const struct write *what, struct version *out,
                                         struct ward_err *err);
/* Writes many new resources by array binding, in chart_tx; each resource has its id, and
 * expected_version is 0.
 *   ALREADY_EXISTS    ID_TAKEN
 *   INVALID_ARGUMENT  RESOURCE_TOO_LARGE */
WARD_MUST enum ward_code records_directory_write_new(struct worker *w, struct ward_call *c,
                                                     const struct write *what, size_t n,
                                                     struct ward_err *err);

#endif
