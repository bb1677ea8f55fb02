#include "common/host/select.h"

#include "common/base/metrics.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* A folder of plugins. Each plugin is a copy of mean with another name. The device check `ask`
 * fails for the calls that `broken` lists. */
static struct {
    char dir[64];
    char broken[64]; /* such as "<1><3>" */
    atomic_int asked;
} t;

static const char *mean_so(void)
{
    static char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 32);

    assert_true(n > 0);
    path[n] = '\0';
    for (int i = 0; i < 4; i++) /* build/test/common/host/select_test -> build */
        *strrchr(path, '/') = '\0';
    memcpy(path + strlen(path), "/plugins/mean.so", sizeof("/plugins/mean.so"));
    return path;
}

static void install(const char *name)
{
    char path[128], block[4096];
    FILE *from = fopen(mean_so(), "rb"), *to;
    size_t n;

    snprintf(path, sizeof(path), "%s/%s.so", t.dir, name);
    to = fopen(path, "wb");
    assert_non_null(from);
    assert_non_null(to);
    while ((n = fread(block, 1, sizeof(block), from)) > 0)
        assert_int_equal(fwrite(block, 1, n, to), n);
    fclose(from);
    fclose(to);
    chmod(path, 0755);
}

static int folder(void **state)
{
    (void)state;
    memcpy(t.dir, "/tmp/ward-select-XXXXXX", sizeof("/tmp/ward-select-XXXXXX"));
    t.broken[0] = '\0';
    t.asked = 0;
    return mkdtemp(t.dir) == NULL;
}

static int no_folder(void **state)
{
    static const char *const name[] = {"a", "b", "c"};
    char path[128];

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(name); i++) {
        snprintf(path, sizeof(path), "%s/%s.so", t.dir, name[i]);
        unlink(path);
    }
    return rmdir(t.dir);
}

/* Every copy reports the name mean, so the test identifies a copy by the order of the calls.
 * `broken` lists the numbers of the calls that fail. */
static enum ward_code ask(void *arg, struct ward_backend *b, const struct ward_device *d,
                          struct ward_err *err)
{
    char number[16];

    (void)arg, (void)b;
    assert_int_equal(d->ordinal, -1);
    snprintf(number, sizeof(number), "<%d>", ++t.asked);
    if (strstr(t.broken, number) != NULL)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "KNOWN_ANSWER", "it is wrong");
    return WARD_OK;
}

static struct ward_chooser *chooser(const char *names, const char *fallback)
{
    struct ward_chooser *c = NULL;
    struct ward_order o;
    struct ward_err err = {0};

    assert_int_equal(ward_order_parse(names, fallback, &o, &err), WARD_OK);
    assert_int_equal(ward_chooser_open(t.dir, &o, ask, NULL, &c, &err), WARD_OK);
    return c;
}

static void an_order_is_names_and_a_fall_back(void **state)
{
    static const char *const bad[] = {
        "",          ",",      "npu,",    ",npu",
        "npu,,cpu",  "NPU",    "npu,npu", "a b",
        "a,b,c,d,e", "../cpu", "cpu ",    "123456789012345678901234567890123"};
    struct ward_order o = {0};

    (void)state;
    assert_int_equal(ward_order_parse("npu,gpu,cpu", "degraded", &o, NULL), WARD_OK);
    assert_int_equal(o.n, 3);
    assert_string_equal(o.name[0], "npu");
    assert_string_equal(o.name[2], "cpu");
    assert_int_equal(o.fallback, WARD_FALLBACK_DEGRADED);
    assert_int_equal(ward_order_parse("cpu", "deny", &o, NULL), WARD_OK);
    assert_int_equal(o.n, 1);
    assert_int_equal(o.fallback, WARD_FALLBACK_DENY);
    for (size_t i = 0; i < WARD_COUNT(bad); i++)
        assert_int_equal(ward_order_parse(bad[i], "deny", &o, NULL), WARD_INVALID_ARGUMENT);
    assert_int_equal(ward_order_parse("cpu", "", &o, NULL), WARD_INVALID_ARGUMENT);
    assert_int_equal(ward_order_parse("cpu", "allow", &o, NULL), WARD_INVALID_ARGUMENT);
    assert_int_equal(o.n, 1); /* a rejected order leaves the previous order unchanged */
}

static void the_wished_one_is_used_and_nothing_else_is_touched(void **state)
{
    struct ward_candidate found[WARD_ORDER_MAX];
    struct ward_choice choice, same;
    struct ward_chooser *c;

    (void)state;
    install("a");
    install("b");
    c = chooser("a,b", "degraded");
    assert_int_equal(ward_choose_now(c, &choice, NULL), WARD_UNAVAILABLE);
    assert_true(ward_choose_due(c, 3600 * 1000)); /* no back end was tried yet */
    assert_int_equal(ward_choose(c, &choice, NULL), WARD_OK);
    assert_int_equal(choice.rank, 0);
    assert_false(choice.degraded);
    assert_int_equal(choice.device.kind, WARD_CPU);
    assert_int_equal(t.asked, 1);
    assert_int_equal(ward_chooser_report(c, found), 2);
    assert_true(found[0].ready);
    assert_string_equal(found[0].backend, "a");
    assert_string_equal(found[0].why, "");
    assert_false(found[1].ready);
    assert_int_equal(found[1].device.kind, 0);
    assert_string_equal(found[1].why, "not tried, because an earlier back end is used");
    assert_false(ward_choose_due(c, 0)); /* the preferred back end is in use */
    assert_int_equal(ward_choose_now(c, &same, NULL), WARD_OK);
    assert_true(ward_choice_same(&choice, &same));
    assert_int_equal(t.asked, 1);
    ward_chooser_close(c);
}

static void degraded_goes_on_and_says_why(void **state)
{
    struct ward_candidate found[WARD_ORDER_MAX];
    struct ward_choice choice;
    struct ward_chooser *c;

    (void)state;
    install("b");
    install("c");
    /* the first call is for b, because a has no library */
    snprintf(t.broken, sizeof(t.broken), "<1>");
    c = chooser("a,b,c", "degraded");
    assert_int_equal(ward_choose(c, &choice, NULL), WARD_OK);
    assert_int_equal(choice.rank, 2);
    assert_true(choice.degraded);
    assert_int_equal(ward_chooser_report(c, found), 3);
    assert_string_equal(found[0].why, "no plugin a");
    assert_int_equal(found[0].device.kind, 0);
    assert_string_equal(found[1].why, "it is wrong");
    assert_int_equal(found[1].device.kind, WARD_CPU); /* the device exists, but is not used */
    assert_true(found[2].ready);
    assert_true(ward_choose_due(c, 0));
    assert_false(ward_choose_due(c, 3600 * 1000));
    ward_chooser_close(c);
}

static void deny_goes_no_further(void **state)
{
    struct ward_candidate found[WARD_ORDER_MAX];
    struct ward_choice untouched = {.rank = 4711}, choice = untouched;
    struct ward_err err = {0};
    struct ward_chooser *c;

    (void)state;
    install("a");
    install("b");
    snprintf(t.broken, sizeof(t.broken), "<1>");
    c = chooser("a,b", "deny");
    assert_int_equal(ward_choose(c, &choice, &err), WARD_UNAVAILABLE);
    assert_string_equal(err.reason, "DEVICE_NOT_READY");
    assert_string_equal(err.msg,
                        "a has no usable device, and the fallback policy is deny: it is wrong");
    assert_string_equal(err.detail, "a: it is wrong");
    assert_memory_equal(&choice, &untouched, sizeof(choice));
    assert_int_equal(t.asked, 1);
    assert_int_equal(ward_chooser_report(c, found), 2);
    assert_string_equal(found[1].why, "not tried, because the fallback policy is deny");
    ward_chooser_close(c);
}

static double ready_of_a;

static void read_metric(const struct ward_family *f, void *arg)
{
    (void)arg;
    for (int i = 0; strcmp(f->name, "ward_host_device_ready") == 0 && i < f->n; i++)
        if (strcmp(f->series[i]->label[0], "a") == 0)
            ready_of_a = f->series[i]->value;
}

static void the_choice_follows_what_is_there(void **state)
{
    struct ward_choice first, second, third;
    struct ward_err err = {0};
    struct ward_chooser *c;

    (void)state;
    install("b");
    c = chooser("a,b", "degraded");
    assert_int_equal(ward_choose(c, &first, NULL), WARD_OK);
    assert_int_equal(first.rank, 1);
    ward_metric_each(read_metric, NULL);
    assert_true(ready_of_a == 0);

    install("a"); /* the preferred back end is installed */
    assert_int_equal(ward_choose(c, &second, NULL), WARD_OK);
    assert_int_equal(second.rank, 0);
    assert_false(second.degraded);
    assert_false(ward_choice_same(&first, &second));
    ward_metric_each(read_metric, NULL);
    assert_true(ready_of_a == 1);

    snprintf(t.broken, sizeof(t.broken), "<3>"); /* a fails, so b is chosen again */
    assert_int_equal(ward_choose(c, &third, NULL), WARD_OK);
    assert_true(ward_choice_same(&first, &third));
    assert_true(third.degraded);

    snprintf(t.broken, sizeof(t.broken), "<5><6>"); /* a and b fail, so no back end is usable */
    assert_int_equal(ward_choose(c, &third, &err), WARD_UNAVAILABLE);
    assert_string_equal(err.reason, "DEVICE_NOT_READY");
    assert_string_equal(err.detail, "a: it is wrong; b: it is wrong");
    assert_int_equal(ward_choose_now(c, &third, &err), WARD_UNAVAILABLE);
    assert_true(ward_choose_due(c, 0));
    ward_chooser_close(c);
    ward_chooser_close(NULL);
}

static void *choose_often(void *arg)
{
    struct ward_choice choice;

    for (int i = 0; i < 100; i++)
        if (ward_choose(arg, &choice, NULL) != WARD_OK || choice.rank != 0)
            return arg;
    return NULL;
}

static void many_may_choose_and_look_at_once(void **state)
{
    struct ward_candidate found[WARD_ORDER_MAX];
    struct ward_choice choice;
    struct ward_chooser *c;
    pthread_t thread[3];
    void *wrong = NULL;

    (void)state;
    install("a");
    c = chooser("a", "deny");
    assert_int_equal(ward_choose(c, &choice, NULL), WARD_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, choose_often, c), 0);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(ward_choose_now(c, &choice, NULL), WARD_OK);
        assert_int_equal(ward_chooser_report(c, found), 1);
        assert_true(found[0].ready);
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(thread[i], &wrong), 0);
        assert_null(wrong);
    }
    assert_int_equal(t.asked, 301);
    ward_chooser_close(c);
}

#define IN_FOLDER(f) cmocka_unit_test_setup_teardown(f, folder, no_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_is_names_and_a_fall_back),
        IN_FOLDER(the_wished_one_is_used_and_nothing_else_is_touched),
        IN_FOLDER(degraded_goes_on_and_says_why),
        IN_FOLDER(deny_goes_no_further),
        IN_FOLDER(the_choice_follows_what_is_there),
        IN_FOLDER(many_may_choose_and_look_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
