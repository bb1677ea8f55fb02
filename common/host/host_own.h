/* host_own.h - what the files of common/host share. Threads, memory, errors: host.h. */
#ifndef WARD_HOST_HOST_OWN_H
#define WARD_HOST_HOST_OWN_H

#include "common/base/metrics.h"
#include "common/host/host.h"

#include <pthread.h>
#include <stddef.h>

struct ward_backend {
    const struct ward_plugin *p;
    struct ward_host host;
    void *plugin;
    const struct ward_option *options;
    int n_options;
    pthread_mutex_t lock; /* model_*, instance_new, instance_free are never concurrent */
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
};

/* A plugin's code, or INTERNAL if it is not one of ours; its words go to the log only, because
 * a plugin's author may forget what must not cross the wire. */
enum ward_code ward_plugin_said(int code, const struct ward_plugin *p,
                                const struct ward_plugin_err *perr, struct ward_err *err);
void ward_model_observe(struct ward_model *m, bool failed, double seconds,
                        const struct ward_run_times *times);
/* Whether the plugin's table has this member, which was appended to 1.0's, and fills it. */
#define WARD_PLUGIN_HAS(p, member)                                                             \
    ((p)->size >= offsetof(struct ward_plugin, member) + sizeof((p)->member) &&                \
     (p)->member != NULL)

#endif
