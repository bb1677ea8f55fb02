/* gallery_it.h - what the galleries' integration tests share: people with random faces in a
 * real database, and one or two galleries on it.
 *
 * Threads: one test at a time. Memory: statics. Errors: a failed assertion.
 */
#ifndef WARD_TESTS_INTEGRATION_GALLERY_IT_H
#define WARD_TESTS_INTEGRATION_GALLERY_IT_H

#include "tests/integration/it.h"

#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/scan/scan_testing.h"
#include "services/identity/gallery/gallery.h"
#include "services/identity/subject/subject.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIM    512
#define MODEL  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define FORMER "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* dir/snaps/gallery.snapshot; hint: an ipc address. */
extern char dir[32], snaps[64], file[96], hint[64];
extern struct keys *keys;
extern struct gallery *g, *other; /* closed after each test */
extern struct ward_db *db;
extern struct ward_arena mem;
extern struct ward_err err;
extern uint64_t dice;

struct person {
    uint8_t id[KEYS_ID];
    int kind;
    float face[DIM];
};
struct person someone(int kind);
struct ward_val id_of(const uint8_t id[KEYS_ID]);
void run(const char *sql, const struct ward_val *params, size_t n);
void consent(const struct person *p, const char *purpose);
void add_subject(const struct person *p, uint8_t key[WARD_KEY_SIZE]);
void add_template(const struct person *p, const uint8_t *key, const char *model, const float *v,
                  int dim);
void put(const struct person *p); /* into the tables, and nobody is told */
void tell(struct person *p);      /* as the handlers do, after what they did */
void enrol(struct person *p);
void erase(struct person *p);
void join(struct person *p, const char *name);

struct gallery *open_with(const char *folder, const char *listen, const char *peers);
void close_both(void);
bool in_time(int64_t since); /* sleeps a little; false after what no machine needs */
void wait_ready(struct gallery *on);
int64_t head(void);
struct gallery_state state_of(struct gallery *on);
void wait_level(struct gallery *on);    /* it has followed every change there is */
void wait_snapshot(struct gallery *on); /* that holds every change there is */
enum ward_code search(struct gallery *on, const char *name, const float *v,
                      struct gallery_found *out);
bool finds(struct gallery *on, const char *name, const struct person *p);
void wait_finds(struct gallery *on, const char *name, const struct person *p, bool want);

int set_up(void **state);
int tear_down(void **state);
int clean(void **state); /* before each test: nobody is there */
int stop(void **state);  /* after it */
void open_keys(void);

#define TEST(name) cmocka_unit_test_setup_teardown(name, clean, stop)

#endif
