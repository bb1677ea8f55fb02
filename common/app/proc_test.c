#include "common/app/proc.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define LONG 20000 /* ms; a working test needs less */

#define SH(script)                                                                             \
    (const char *const[])                                                                      \
    {                                                                                          \
        "/bin/sh", "-c", script, NULL                                                          \
    }

struct seen {
    char lines[8][64];
    int n_lines, n_ready, n_exits, status;
    pid_t pids[8];
    struct ward_procs *quit_after; /* quit when ready for the n-th time (quit_at) */
    int quit_at;
};

static void on_line(void *arg, struct ward_proc *p, const char *line)
{
    struct seen *s = arg;

    (void)p;
    if (s->n_lines < 8)
        snprintf(s->lines[s->n_lines++], 64, "%s", line);
}

static void on_ready(void *arg, struct ward_proc *p, const char *line)
{
    struct seen *s = arg;

    (void)line;
    if (s->n_ready < 8)
        s->pids[s->n_ready] = ward_proc_pid(p);
    if (++s->n_ready == s->quit_at)
        ward_procs_quit(s->quit_after);
}

static void on_exit_seen(void *arg, struct ward_proc *p, int status)
{
    struct seen *s = arg;

    (void)p;
    s->n_exits++;
    s->status = status;
}

static int open_group(void **state)
{
    struct ward_err err = {0};

    return ward_procs_open((struct ward_procs **)state, &err) == WARD_OK ? 0 : -1;
}

static int close_group(void **state)
{
    ward_procs_close(*state);
    return 0;
}

static void a_child_has_the_environment_given_and_no_other(void **state)
{
    static const char *const env[] = {"A=1", "B=two words", NULL};
    struct seen s = {0};
    struct ward_proc *p;
    struct ward_err err = {0};
    int status = -1;

    setenv("WARD_LEAK", "secret", 1);
    assert_int_equal(ward_proc_start(*state,
                                     &(struct ward_proc_spec){
                                         .name = "env",
                                         .argv = (const char *const[]){"/usr/bin/env", NULL},
                                         .env = env,
                                         .on_line = on_line,
                                         .arg = &s},
                                     &p, &err),
                     WARD_OK);
    assert_int_equal(ward_proc_join(p, LONG, &status, &err), WARD_OK);
    unsetenv("WARD_LEAK");
    assert_int_equal(status, 0);
    assert_int_equal(s.n_lines, 2);
    assert_string_equal(s.lines[0], "A=1");
    assert_string_equal(s.lines[1], "B=two words");
}

static void a_child_inherits_no_descriptor(void **state)
{
    struct seen s = {0};
    struct ward_proc *p;
    struct ward_err err = {0};
    int status = -1, fd = dup(0); /* a descriptor without close-on-exec */

    assert_true(fd > 2);
    assert_int_equal(
        ward_proc_start(*state,
                        &(struct ward_proc_spec){
                            .name = "fds",
                            .argv = SH("for f in 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$f ] && "
                                       "echo open $f; done; readlink /proc/$$/fd/0"),
                            .on_line = on_line,
                            .arg = &s},
                        &p, &err),
        WARD_OK);
    assert_int_equal(ward_proc_join(p, LONG, &status, &err), WARD_OK);
    close(fd);
    assert_string_equal(s.lines[s.n_lines - 1], "/dev/null");
    for (int i = 0; i + 1 < s.n_lines; i++)
        assert_string_equal(s.lines[i], "open 9"); /* dash's own descriptor of its script */
}

static void what_cannot_be_started_says_why(void **state)
{
    struct ward_err err = {0};
    struct ward_proc *p = NULL;

    assert_int_equal(
        ward_proc_start(*state,
                        &(struct ward_proc_spec){
                            .name = "ghost", .argv = (const char *const[]){"/no/such", NULL}},
                        &p, &err),
        WARD_NOT_FOUND);
    assert_string_equal(err.msg,
                        "cannot start ghost: program /no/such: No such file or directory");
    assert_int_equal(
        ward_proc_start(
            *state, &(struct ward_proc_spec){.name = "lost", .argv = SH(":"), .dir = "/no/dir"},
            &p, &err),
        WARD_NOT_FOUND);
    assert_non_null(strstr(err.msg, "directory /no/dir"));
    assert_int_equal(ward_proc_start(*state,
                                     &(struct ward_proc_spec){
                                         .name = "mute", .argv = SH(":"), .log = "/no/dir/log"},
                                     &p, &err),
                     WARD_FAILED_PRECONDITION);
    assert_null(p);
}

static void a_child_is_ready_once_it_says_so(void **state)
{
    struct ward_proc *p;
    struct ward_err err = {0};
    const char *line = NULL;

    assert_int_equal(
        ward_proc_start(*state,
                        &(struct ward_proc_spec){
                            .name = "svc",
                            .argv = SH("echo first; echo '{\"msg\":\"serving\",\"port\":7}'; "
                                       "echo later; exec sleep 1000"),
                            .ready = "\"msg\":\"serving\""},
                        &p, &err),
        WARD_OK);
    assert_int_equal(ward_proc_await(p, LONG, &line, &err), WARD_OK);
    assert_string_equal(line, "{\"msg\":\"serving\",\"port\":7}");
    assert_int_equal(ward_proc_await(p, 0, NULL, &err), WARD_OK); /* the child stays ready */
    ward_proc_stop(p, LONG);
    assert_int_equal(ward_proc_pid(p), 0);
}

static void a_child_that_ends_early_is_told_with_its_last_line(void **state)
{
    struct ward_proc *p;
    struct ward_err err = {0};

    assert_int_equal(ward_proc_start(*state,
                                     &(struct ward_proc_spec){
                                         .name = "svc",
                                         .argv = SH("echo WARD_DB_PORT is wrong >&2; exit 3"),
                                         .ready = "serving"},
                                     &p, &err),
                     WARD_OK);
    assert_int_equal(ward_proc_await(p, LONG, NULL, &err), WARD_FAILED_PRECONDITION);
    assert_string_equal(err.msg, "svc ended with status 3 before it was ready");
    assert_string_equal(err.detail, "last line of its log: WARD_DB_PORT is wrong");
}

static void a_child_that_is_never_ready_runs_into_the_limit(void **state)
{
    struct ward_proc *p;
    struct ward_err err = {0};
    int status;

    assert_int_equal(ward_proc_start(*state,
                                     &(struct ward_proc_spec){.name = "slow",
                                                              .argv = SH("exec sleep 1000"),
                                                              .ready = "serving"},
                                     &p, &err),
                     WARD_OK);
    assert_int_equal(ward_proc_await(p, 20, NULL, &err), WARD_DEADLINE_EXCEEDED);
    assert_int_equal(ward_proc_join(p, 20, &status, &err), WARD_DEADLINE_EXCEEDED);
    assert_true(ward_proc_pid(p) > 0);
}

static void a_child_that_falls_is_started_again(void **state)
{
    struct seen s = {.quit_after = *state, .quit_at = 3};
    struct ward_proc *p;
    struct ward_err err = {0};

    assert_int_equal(ward_proc_start(*state,
                                     &(struct ward_proc_spec){.name = "svc",
                                                              .argv = SH("echo up; kill -9 $$"),
                                                              .restart = true,
                                                              .ready = "up",
                                                              .on_ready = on_ready,
                                                              .on_exit = on_exit_seen,
                                                              .arg = &s},
                                     &p, &err),
                     WARD_OK);
    assert_int_equal(ward_procs_run(*state), 0);
    assert_int_equal(ward_proc_starts(p), 3);
    assert_int_equal(s.status, 128 + SIGKILL);
    assert_int_not_equal(s.pids[0], s.pids[1]);
    ward_proc_stop(p, LONG);
    assert_true(ward_procs_turn(*state, 150)); /* longer than the first restart delay */
    assert_int_equal(ward_proc_pid(p), 0);
    assert_int_equal(ward_proc_starts(p), 3); /* no start after the stop */
}

static void children_are_stopped_newest_first(void **state)
{
    char path[] = "/tmp/ward-proc-XXXXXX";
    struct ward_proc *p;
    struct ward_err err = {0};
    char text[64] = {0};
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    for (int i = 0; i < 3; i++) {
        char script[256];

        snprintf(script, sizeof(script),
                 "trap 'echo %d >>%s; exit 0' TERM; echo up; while :; do sleep 0.01; done", i,
                 path);
        assert_int_equal(
            ward_proc_start(*state,
                            &(struct ward_proc_spec){
                                .name = "svc",
                                .argv = SH(script),
                                .env = (const char *const[]){"PATH=/bin:/usr/bin", NULL},
                                .ready = "up"},
                            &p, &err),
            WARD_OK);
        assert_int_equal(ward_proc_await(p, LONG, NULL, &err), WARD_OK);
    }
    ward_procs_stop(*state, LONG);
    assert_true(read(fd, text, sizeof(text) - 1) > 0);
    assert_string_equal(text, "2\n1\n0\n");
    close(fd);
    unlink(path);
}

static void a_child_deaf_to_sigterm_is_killed_after_its_grace(void **state)
{
    struct seen s = {0};
    struct ward_proc *p;
    struct ward_err err = {0};

    assert_int_equal(
        ward_proc_start(*state,
                        &(struct ward_proc_spec){
                            .name = "deaf",
                            .argv = SH("trap '' TERM; echo up; while :; do sleep 0.01; done"),
                            .env = (const char *const[]){"PATH=/bin:/usr/bin", NULL},
                            .ready = "up",
                            .on_exit = on_exit_seen,
                            .arg = &s},
                        &p, &err),
        WARD_OK);
    assert_int_equal(ward_proc_await(p, LONG, NULL, &err), WARD_OK);
    ward_proc_stop(p, 50);
    assert_int_equal(s.status, 128 + SIGKILL);
}

static bool alive(pid_t pid)
{
    char path[64], line[256] = {0};
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    f = fopen(path, "r");
    if (f == NULL)
        return false;
    if (fgets(line, sizeof(line), f) == NULL)
        line[0] = '\0';
    fclose(f);
    return strstr(line, ") Z ") == NULL && line[0] != '\0';
}

static void what_a_child_leaves_behind_ends_with_it(void **state)
{
    struct seen s = {0};
    struct ward_proc *p;
    struct ward_err err = {0};
    int status;
    pid_t orphan;

    assert_int_equal(
        ward_proc_start(*state,
                        &(struct ward_proc_spec){.name = "parent",
                                                 .argv = SH("/bin/sleep 1000 >&- 2>&- & "
                                                            "echo $!"),
                                                 .on_line = on_line,
                                                 .arg = &s},
                        &p, &err),
        WARD_OK);
    assert_int_equal(ward_proc_join(p, LONG, &status, &err), WARD_OK);
    orphan = (pid_t)strtol(s.lines[0], NULL, 10);
    assert_true(orphan > 1);
    for (int i = 0; i < 2000 && alive(orphan); i++)
        usleep(1000); /* the kernel needs a moment after SIGKILL */
    assert_false(alive(orphan));
}

static void output_goes_to_the_log_and_long_lines_come_in_pieces(void **state)
{
    char path[] = "/tmp/ward-proc-XXXXXX";
    struct seen s = {0};
    struct ward_proc *p;
    struct ward_err err = {0};
    struct stat st;
    int status, fd = mkstemp(path);

    close(fd);
    unlink(path); /* the group creates the file */
    assert_int_equal(ward_proc_start(*state,
                                     &(struct ward_proc_spec){
                                         .name = "loud",
                                         .argv = SH("printf '%020000d' 7; echo; printf end"),
                                         .log = path,
                                         .on_line = on_line,
                                         .arg = &s},
                                     &p, &err),
                     WARD_OK);
    assert_int_equal(ward_proc_join(p, LONG, &status, &err), WARD_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 20000 + 1 + 3);
    assert_int_equal(st.st_mode & 0777, 0600);
    /* pieces of 8191 bytes, 8191 bytes and the rest; then a line without newline */
    assert_int_equal(s.n_lines, 4);
    assert_string_equal(s.lines[3], "end");
    assert_string_equal(ward_proc_last(p), "end");
    unlink(path);
}

static void a_signal_ends_every_wait(void **state)
{
    struct ward_proc *p;
    struct ward_err err = {0};

    assert_int_equal(ward_proc_start(*state,
                                     &(struct ward_proc_spec){.name = "slow",
                                                              .argv = SH("exec sleep 1000"),
                                                              .ready = "serving"},
                                     &p, &err),
                     WARD_OK);
    kill(getpid(), SIGTERM);
    assert_int_equal(ward_proc_await(p, LONG, NULL, &err), WARD_CANCELLED);
    assert_int_equal(ward_procs_run(*state), SIGTERM);
    assert_false(ward_procs_turn(*state, 0));
}

/* Runs in its own process: starts a child, waits until the child is ready, reports the child's
 * process number, and waits to be killed. The child writes nothing more, so that no broken pipe
 * ends the child. */
static void keeper(int to)
{
    struct ward_proc_spec quiet = {.name = "child",
                                   .argv = SH("echo up; exec sleep 1000"),
                                   .env = (const char *const[]){"PATH=/bin:/usr/bin", NULL},
                                   .ready = "up"};
    struct ward_procs *g = NULL;
    struct ward_proc *p = NULL;
    struct ward_err err = {0};
    pid_t pid = 0;

    if (ward_procs_open(&g, &err) == WARD_OK &&
        ward_proc_start(g, &quiet, &p, &err) == WARD_OK &&
        ward_proc_await(p, LONG, NULL, &err) == WARD_OK)
        pid = ward_proc_pid(p);
    if (write(to, &pid, sizeof(pid)) != sizeof(pid))
        _exit(1);
    for (;;)
        pause();
}

static void children_die_with_us_even_by_kill_9(void **state)
{
    int fds[2], status;
    pid_t us, child = 0;

    (void)state;
    assert_int_equal(pipe(fds), 0);
    us = fork();
    if (us == 0)
        keeper(fds[1]);
    assert_true(us > 0);
    assert_int_equal(read(fds[0], &child, sizeof(child)), sizeof(child));
    assert_true(child > 0);
    assert_true(alive(child));
    kill(us, SIGKILL);
    assert_int_equal(waitpid(us, &status, 0), us);
    for (int i = 0; i < 5000 && alive(child); i++)
        usleep(1000);
    assert_false(alive(child));
    close(fds[0]);
    close(fds[1]);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, open_group, close_group)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_child_has_the_environment_given_and_no_other),
        T(a_child_inherits_no_descriptor),
        T(what_cannot_be_started_says_why),
        T(a_child_is_ready_once_it_says_so),
        T(a_child_that_ends_early_is_told_with_its_last_line),
        T(a_child_that_is_never_ready_runs_into_the_limit),
        T(a_child_that_falls_is_started_again),
        T(children_are_stopped_newest_first),
        T(a_child_deaf_to_sigterm_is_killed_after_its_grace),
        T(what_a_child_leaves_behind_ends_with_it),
        T(output_goes_to_the_log_and_long_lines_come_in_pieces),
        T(a_signal_ends_every_wait),
        cmocka_unit_test(children_die_with_us_even_by_kill_9),
    };

    return cmocka_run_group_tests_name("proc", tests, NULL, NULL);
}
