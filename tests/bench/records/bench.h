/* bench.h - what the parts of records_load share: a place as the service has one, resources as
 * they come in a hospital, and percentiles.
 *
 * Threads: each its own `place`. Memory: the place's arena. Errors: none are survived: `must`
 * ends the program.
 */
#ifndef BENCH_RECORDS_H
#define BENCH_RECORDS_H

#include "services/records/api.h"
#include "tests/bench/load.h"

struct bench_db {
    const char *socket, *user, *name, *kek;
};
/* The service's process, without its server: keyring, no audit, no text. */
struct records *bench_service(const struct bench_db *db);

struct place {
    struct records *rec;
    struct worker *w;
    struct ward_arena mem;
    struct ward_err err;
    struct ward_principal who;
    struct ward_call call;
};
/* As a person of this role who works in this ward, calling this method. */
void place_open(struct place *p, struct records *rec, const char *role, const char *ward);
void place_close(struct place *p);
/* A fresh call of that method; the arena is emptied. */
void place_call(struct place *p, const char *method);

/* ---- made of a number: the same number, the same resource ---- */

#define WARDS 40
/* Patient n (uuid_of), everyone of the first `in` of them has an open encounter in ward n %
 * WARDS. */
Resource *make_patient(struct ward_arena *mem, uint64_t n);
Resource *make_encounter(struct ward_arena *mem, uint64_t n, bool open);
/* One of some 20 laboratory values and vital signs, `days` before now. */
Resource *make_observation(struct ward_arena *mem, uint64_t n, uint64_t k, int64_t now_us);
Resource *make_condition(struct ward_arena *mem, uint64_t n, uint64_t k);
/* The code of make_observation's kind k. */
const char *observation_code(uint64_t k);
const char *family_of(uint64_t n);

/* ---- modes: argv behind the mode's name; each prints one JSON object ---- */

int mode_fill(int argc, char **argv);
int mode_bare(int argc, char **argv);
int mode_write(int argc, char **argv);
int mode_versions(int argc, char **argv);
int mode_search(int argc, char **argv);

#endif
