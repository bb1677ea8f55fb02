/* bench.h - what the parts of records_load share: a place as the service has one, resources as
 * they come in a hospital, and percentiles.
 *
 * Threads: each its own `place`. Memory: the place's arena. Errors: none are survived: `must`
 * ends the program.
 */
#ifndef BENCH_RECORDS_H
#define BENCH_RECORDS_H

#include "services/records/api.h"

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

void must(enum ward_code code, const struct ward_err *err, const char *what);
int64_t number(const char *s, int64_t most);

/* ---- made of a number: the same number, the same resource ---- */

#define WARDS 40
/* Patient n, everyone of the first `in` of them has an open encounter in ward n % WARDS. */
void uuid_of(uint64_t n, uint8_t out[16]);
Resource *make_patient(struct ward_arena *mem, uint64_t n);
Resource *make_encounter(struct ward_arena *mem, uint64_t n, bool open);
/* One of some 20 laboratory values and vital signs, `days` before now. */
Resource *make_observation(struct ward_arena *mem, uint64_t n, uint64_t k, int64_t now_us);
Resource *make_condition(struct ward_arena *mem, uint64_t n, uint64_t k);
/* The code of make_observation's kind k. */
const char *observation_code(uint64_t k);
const char *family_of(uint64_t n);

/* ---- times ---- */

struct times {
    double *ms;
    size_t n, cap;
};
void times_add(struct times *t, double ms);
double times_at(struct times *t, double quantile); /* sorts; 0 without any */
void times_free(struct times *t);

/* ---- modes: argv behind the mode's name; each prints one JSON object ---- */

int mode_fill(int argc, char **argv);
int mode_bare(int argc, char **argv);
int mode_write(int argc, char **argv);
int mode_versions(int argc, char **argv);
int mode_search(int argc, char **argv);

/* record.c: between record_begin and record_end this thread's SQL is kept. */
struct recorded {
    const char *sql;
    struct ward_val *v; /* rows * n */
    size_t n, rows;     /* rows 1: a statement; more or 0: array-bound (bulk) */
    bool bulk;
};
struct recording {
    struct ward_arena mem;
    struct recorded at[128];
    size_t n;
};
void record_begin(struct recording *r);
void record_end(struct recording *r);

#endif
