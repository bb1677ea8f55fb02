/* doctor.h - finds misconfigurations of an installation: `SERVICE --doctor`.
 *
 * The program reads its options as at a start. Then the program checks the files, names and
 * addresses in the options, and the database. The program serves nothing and changes nothing.
 * Each check finds at most one fault and reports the cause, the consequence and the remedy. A
 * check that another finding makes impossible is not run, and does not count.
 *
 * Threads: main's. Memory: the doctor's arena. Errors: a check's error is a finding.
 */
#ifndef WARD_APP_DOCTOR_DOCTOR_H
#define WARD_APP_DOCTOR_DOCTOR_H

#include "common/app/app.h"
#include "common/bus/bus.h"

#define WARD_DOCTOR_SETS 8 /* maximum number of schemas of one service */

struct ward_doctor {
    const struct ward_app *app;
    const struct ward_opt *opts; /* the service's own options; may be NULL */
    const void *cfg;
    const struct ward_schema *sets[WARD_DOCTOR_SETS];
    int n_sets;
    const struct ward_doctor_check *own; /* the service's own checks; may be NULL */
    void *own_arg;
    struct ward_arena mem;
    struct ward_db *db;          /* NULL: not reached */
    struct ward_bus_client *bus; /* NULL: not reached */
    int checks, findings;
};

struct ward_doctor *ward_doctor_new(const struct ward_app *app, const struct ward_opt *opts,
                                    const void *cfg);
void ward_doctor_free(struct ward_doctor *d); /* accepts NULL */

/* Adds a schema that the database must have. */
void ward_doctor_schema(struct ward_doctor *d, const struct ward_schema *schema);

/* Runs all checks and prints a report to stdout. Returns the number of findings. */
int ward_doctor_run(struct ward_doctor *d);
/* Prints a report whose one finding is that the options are invalid. */
void ward_doctor_refused(const struct ward_app *app, const struct ward_err *err);

/* Returns the text of an option of the service itself; "" if it is not set or does not exist.
 */
const char *ward_doctor_option(const struct ward_doctor *d, const char *env);

/* The checks of each file. A row without a name ends each table. The argument of each check is
 * a ward_doctor. A check with `needs_db` is not run without a database. */
extern const struct ward_doctor_check ward_doctor_files[], ward_doctor_network[],
    ward_doctor_database[];
enum ward_code ward_doctor_connect(void *doctor, struct ward_db *db, struct ward_err *err);

#endif
