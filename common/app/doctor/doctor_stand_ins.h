/* doctor_stand_ins.h - stand-ins for the doctor, in unit tests of a process without a database
 * and a bus. tests/contract/app/doctor.test.js tests the doctor itself.
 *
 * Threads, memory: a test's. Errors: none. */
#ifndef WARD_APP_DOCTOR_DOCTOR_STAND_INS_H
#define WARD_APP_DOCTOR_DOCTOR_STAND_INS_H

#include "common/app/doctor/doctor.h"

struct ward_doctor *ward_doctor_new(const struct ward_app *app, const struct ward_opt *opts,
                                    const void *cfg)
{
    (void)app, (void)opts, (void)cfg;
    return NULL;
}

void ward_doctor_free(struct ward_doctor *d)
{
    (void)d;
}

void ward_doctor_schema(struct ward_doctor *d, const struct ward_schema *schema)
{
    (void)d, (void)schema;
}

int ward_doctor_run(struct ward_doctor *d)
{
    (void)d;
    return 0;
}

void ward_doctor_refused(const struct ward_app *app, const struct ward_err *err)
{
    (void)app, (void)err;
}

#endif
