#include "common/worker/worker_testing.h"

/* ---- restrictions of a worker ---- */

static void a_worker_reaches_neither_files_nor_network_nor_other_processes(void **state)
{
    struct heard h;
    struct ward_worker *w = started(&h);
    struct ward_worker_slot *s = slot_of(w);
    struct ward_answer a;
    uint32_t could;

    (void)state;
    assert_int_equal(call(s, TRIAL_TRY, "x", 1, NULL, &a, NULL), WARD_OK);
    memcpy(&could, a.data, sizeof(could));
    assert_int_equal(could, 0);
    ward_worker_slot_close(s);
    ward_worker_close(w);
}

static void a_device_s_worker_reaches_no_files_of_the_service(void **state)
{
    struct heard h;
    struct ward_worker *w =
        started_with((struct ward_worker_config){.args = "devices", .n_args = 7}, &h);
    struct ward_worker_slot *s = slot_of(w);
    struct ward_answer a;
    uint32_t could;

    (void)state;
    assert_int_equal(call(s, TRIAL_TRY, "x", 1, NULL, &a, NULL), WARD_OK);
    memcpy(&could, a.data, sizeof(could));
    assert_int_equal(could & ~TRIAL_MADE_CODE, 0); /* a driver may compile code */
    ward_worker_slot_close(s);
    ward_worker_close(w);
}

static void a_worker_that_starts_a_program_is_ended_by_the_kernel(void **state)
{
    (void)state;
    ends(TRIAL_EXEC, "signal 31 (SIGSYS)");
}

/* ---- the end of the service ---- */

/* Returns whether a process exists and is not a zombie. */
static bool lives(int pid)
{
    char path[48], line[256] = "";
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    f = fopen(path, "re");
    if (f == NULL)
        return false;
    if (fgets(line, sizeof(line), f) == NULL)
        line[0] = '\0';
    fclose(f);
    return strstr(line, ") Z") == NULL;
}

static void a_worker_dies_with_its_service(void **state)
{
    int ends_of[2], pid = 0, service;

    (void)state;
    assert_int_equal(pipe(ends_of), 0);
    service = fork();
    if (service == 0) { /* this process is the service that is killed */
        struct heard h;
        int worker = ward_worker_pid(started(&h));

        if (write(ends_of[1], &worker, sizeof(worker)) < 0)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(ends_of[0], &pid, sizeof(pid)), sizeof(pid));
    assert_true(lives(pid));
    kill(service, SIGKILL);
    waitpid(service, NULL, 0);
    while (lives(pid))
        nap(1);
    close(ends_of[0]);
    close(ends_of[1]);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_reaches_neither_files_nor_network_nor_other_processes),
        cmocka_unit_test(a_device_s_worker_reaches_no_files_of_the_service),
        cmocka_unit_test(a_worker_that_starts_a_program_is_ended_by_the_kernel),
        cmocka_unit_test(a_worker_dies_with_its_service),
    };

    ward_worker_enter(argc, argv, trial_jobs);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
