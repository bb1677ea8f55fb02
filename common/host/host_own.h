/* host_own.h - declarations shared only by the files of common/host. Threads, memory, errors:
 * host.h. */
#ifndef WARD_HOST_HOST_OWN_H
#define WARD_HOST_HOST_OWN_H

#include "common/base/metrics.h"
#include "common/host/host.h"

#include <limits.h>
#include <pthread.h>
#include <stddef.h>

/* Resolves dir/name.so and checks that it is inside dir. */
WARD_MUST enum ward_code ward_plugin_find(const char *dir, const char *name,
                                          char path[PATH_MAX], struct ward_err *err);

struct ward_backend {
    const struct ward_plugin *p;
    struct ward_host host;
    void *plugin;
    const struct ward_option *options;
    int n_options;
    ward_backend_said *said; /* NULL: struct ward_plugin_err contains the error's text */
    pthread_mutex_t lock;    /* model_*, instance_new, instance_free are never concurrent */
};

struct ward_model {
    struct ward_backend *b;
    void *model;
    const char *name;
    char sha256[65];
    bool has_io;
    struct ward_model_io io;
    struct ward_series *seconds, *failures, *step[3]; /* copy in, compute, copy out */
};

struct ward_engine {
    struct ward_model *m;
    void *instance;
    struct ward_run_times times;
};

/* Returns a plugin's code, or INTERNAL if the code is invalid. The plugin's text goes only to
 * the log, because it may contain data that a caller must not see. */
enum ward_code ward_plugin_said(int code, const struct ward_backend *b,
                                const struct ward_plugin_err *perr, struct ward_err *err);
void ward_model_observe(struct ward_model *m, bool failed, double seconds,
                        const struct ward_run_times *times);
/* Returns whether the plugin's table has this member, which a version after 1.0 appended, and
 * whether it is set. */
#define WARD_PLUGIN_HAS(p, member)                                                             \
    ((p)->size >= offsetof(struct ward_plugin, member) + sizeof((p)->member) &&                \
     (p)->member != NULL)

#endif
