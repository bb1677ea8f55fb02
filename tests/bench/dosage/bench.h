/* bench.h - what the parts of dosage_load share: a place as the service has one, and orders as
 * they are in a hospital.
 *
 * Threads: each its own `place`. Memory: the place's arena. Errors: none are survived: `must`
 * ends the program.
 */
#ifndef BENCH_DOSAGE_H
#define BENCH_DOSAGE_H

#include "services/dosage/api.h"
#include "services/dosage/give/give.h"
#include "tests/bench/load.h"

/* SOCKET USER KEK: the service's database and root key. */
#define BENCH_DB_ARGS 3
/* The service's process without its server and its threads: keys alone. */
struct dosage *bench_keys(char **argv);
/* All of it: `records` is its address, certs the folder of the certificates. */
struct dosage *bench_whole(char **argv, const char *certs, const char *records);

struct place {
    struct dosage *dos;
    struct worker *w;
    struct ward_arena mem;
    struct ward_err err;
    struct ward_principal who;
    struct ward_call call;
};
/* As the physician of ward n, whose bearer token this is. */
void place_open(struct place *p, struct dosage *dos, uint64_t ward, const char *token);
void place_close(struct place *p);
/* A fresh call of that method; the arena is emptied. */
void place_call(struct place *p, const char *method);

#define WARDS 40
/* Patient n is uuid_of(n); those who are in a ward are in ward n % WARDS. */
#define KINDS 10
/* One of KINDS usual orders. */
Ward__Dosage__V1__Prescription *make_prescription(struct ward_arena *mem, uint64_t kind,
                                                  int64_t starts_us, int64_t ends_us);
/* What is checked: an eleventh drug. */
Ward__Dosage__V1__Prescription *make_asked(struct ward_arena *mem);

/* TOKENS: one bearer token a line, of the physician of ward 0, 1... */
const char *token_of(const char *tokens, uint64_t ward);

/* ---- modes: argv behind the mode's name; each prints one JSON object ---- */

int mode_fill(int argc, char **argv);
int mode_bare(int argc, char **argv);
int mode_rules(int argc, char **argv);
int mode_closed(int argc, char **argv);
int mode_once(int argc, char **argv);
int mode_open(int argc, char **argv);

#endif
