/* it.h - what integration tests share: a database of their own on the server that with-db runs.
 *
 * Threads: set up from one. Memory: statics. Errors: a test that cannot be set up fails.
 */
#ifndef WARD_TESTS_INTEGRATION_IT_H
#define WARD_TESTS_INTEGRATION_IT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

#include "common/base/arena.h"
#include "common/db/db.h"

/* How to reach the database `it_fresh` made. */
extern struct ward_db_config it_cfg;

/* Drops and makes the database `name`, and runs the common migrations in it. */
void it_fresh(const char *name);
struct ward_db *it_open(void);
/* Runs a statement that must work; the first cell as text, or NULL. */
const char *it_sql(struct ward_db *db, const char *sql);
int64_t it_count(struct ward_db *db, const char *sql);
/* SIGSTOP, and waits until every thread of the process has stopped; SIGCONT wakes it. */
void it_freeze(pid_t pid);
/* Takes the words along when a code is not the one expected. */
void it_expect(enum ward_code got, enum ward_code want, const struct ward_err *err);

#endif
