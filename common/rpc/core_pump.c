#include "common/rpc/core.h"

#include <signal.h>

/* Core reads sockets only while a thread waits on a completion queue. All waiting threads take
 * turns at one shared epoll. In a process whose server runs on core, the poll threads read for
 * the clients too. If another transport serves, this file's thread reads for the clients. The
 * thread runs while a client or a server holds a reference. */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int holders;
static grpc_completion_queue *cq;
static pthread_t thread;

static void *pump(void *arg)
{
    gpr_timespec never = gpr_inf_future(GPR_CLOCK_MONOTONIC);
    grpc_event ev;

    pthread_setname_np(pthread_self(), "rpc-pump");
    while ((ev = grpc_completion_queue_next(arg, never, NULL)).type != GRPC_QUEUE_SHUTDOWN)
        tag_run(ev.tag, ev.success != 0);
    return NULL;
}

grpc_completion_queue *core_pump_hold(void)
{
    sigset_t all, was;

    pthread_mutex_lock(&lock);
    if (holders++ == 0) {
        grpc_init();
        cq = grpc_completion_queue_create_for_next(NULL);
        sigfillset(&all); /* only the main thread handles signals */
        pthread_sigmask(SIG_SETMASK, &all, &was);
        WARD_ASSERT(pthread_create(&thread, NULL, pump, cq) == 0);
        pthread_sigmask(SIG_SETMASK, &was, NULL);
    }
    pthread_mutex_unlock(&lock);
    return cq;
}

void core_pump_drop(void)
{
    pthread_mutex_lock(&lock);
    if (--holders == 0) {
        grpc_completion_queue_shutdown(cq);
        pthread_join(thread, NULL);
        grpc_completion_queue_destroy(cq);
        grpc_shutdown();
    }
    pthread_mutex_unlock(&lock);
}
