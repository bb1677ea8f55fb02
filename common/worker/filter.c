/* The system calls that a worker process may make, by seccomp. Only this file uses
 * <seccomp.h>. */
#include "common/worker/channel.h"
#include "common/worker/sandbox.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#define EPERM_    SCMP_ACT_ERRNO(EPERM)
#define SYS(name) SCMP_SYS(name)

static bool rule(scmp_filter_ctx f, uint32_t action, int call)
{
    /* -EDOM: this architecture does not have the call. */
    int rc = call == __NR_SCMP_ERROR ? 0 : seccomp_rule_add(f, action, call, 0);

    /* EACCES: the action is the filter's default. */
    return rc == 0 || rc == -EDOM || rc == -EACCES;
}

static bool rules(scmp_filter_ctx f, uint32_t action, const int *calls, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!rule(f, action, calls[i]))
            return false;
    return true;
}

/* System calls for network, new programs, other processes and privileges. */
static const int NEVER[] = {
    SYS(socket),
    SYS(socketpair),
    SYS(connect),
    SYS(bind),
    SYS(listen),
    SYS(accept),
    SYS(accept4),
    SYS(execve),
    SYS(execveat),
    SYS(fork),
    SYS(vfork),
    SYS(ptrace),
    SYS(kcmp),
    SYS(process_vm_readv),
    SYS(process_vm_writev),
    SYS(process_madvise),
    SYS(pidfd_open),
    SYS(pidfd_getfd),
    SYS(pidfd_send_signal),
    SYS(mount),
    SYS(umount2),
    SYS(pivot_root),
    SYS(chroot),
    SYS(setns),
    SYS(unshare),
    SYS(bpf),
    SYS(perf_event_open),
    SYS(userfaultfd),
    SYS(io_uring_setup),
    SYS(io_uring_enter),
    SYS(io_uring_register),
    SYS(keyctl),
    SYS(add_key),
    SYS(request_key),
    SYS(init_module),
    SYS(finit_module),
    SYS(delete_module),
    SYS(kexec_load),
    SYS(kexec_file_load),
    SYS(reboot),
    SYS(swapon),
    SYS(swapoff),
    SYS(open_by_handle_at),
    SYS(personality),
    SYS(setuid),
    SYS(setgid),
    SYS(setreuid),
    SYS(setregid),
    SYS(setresuid),
    SYS(setresgid),
    SYS(setgroups),
    SYS(setpriority),
    SYS(tkill),
    SYS(rt_sigqueueinfo),
    SYS(rt_tgsigqueueinfo),
    SYS(move_pages),
    SYS(migrate_pages),
    SYS(sched_setscheduler),
    SYS(sched_setparam),
    SYS(sched_setattr),
};

/* Permits threads but not processes, and signals and limits only for the process itself. A
 * filter cannot read the flags of clone3, so clone3 returns ENOSYS, and glibc then uses
 * clone. */
static bool own_alone(scmp_filter_ctx f)
{
    const scmp_datum_t self = (scmp_datum_t)getpid();

    return seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SYS(clone3), 0) == 0 &&
           seccomp_rule_add(f, EPERM_, SYS(clone), 1,
                            SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0)) == 0 &&
           seccomp_rule_add(f, EPERM_, SYS(kill), 1, SCMP_A0(SCMP_CMP_NE, self, 0)) == 0 &&
           seccomp_rule_add(f, EPERM_, SYS(tgkill), 1, SCMP_A0(SCMP_CMP_NE, self, 0)) == 0 &&
           seccomp_rule_add(f, EPERM_, SYS(prlimit64), 1, SCMP_A0(SCMP_CMP_NE, 0, 0)) == 0;
}

bool filter_begin(void)
{
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
    bool done;

    if (f == NULL)
        return false;
    done = rules(f, EPERM_, NEVER, WARD_COUNT(NEVER)) && own_alone(f) && seccomp_load(f) == 0;
    seccomp_release(f);
    return done;
}

/* ---- after the job has opened ---- */

static const int MEMORY_AND_THREADS[] = {
    SYS(brk), SYS(munmap), SYS(mremap), SYS(madvise), SYS(mlock), SYS(munlock), SYS(membarrier),
    SYS(futex), SYS(futex_waitv), SYS(set_robust_list), SYS(get_robust_list), SYS(rseq),
    SYS(set_tid_address), SYS(sched_yield), SYS(sched_getaffinity), SYS(getcpu),
    SYS(rt_sigaction), SYS(rt_sigprocmask), SYS(rt_sigreturn), SYS(sigaltstack),
    SYS(restart_syscall), SYS(exit), SYS(exit_group), SYS(clock_gettime), SYS(clock_getres),
    SYS(clock_nanosleep), SYS(nanosleep), SYS(gettimeofday), SYS(time), SYS(times),
    SYS(getrusage), SYS(sysinfo), SYS(uname), SYS(getpid), SYS(getppid), SYS(gettid),
    SYS(getuid), SYS(geteuid), SYS(getgid), SYS(getegid), SYS(getrandom), SYS(arch_prctl),
    SYS(getrlimit),
    /* For open files: the channel, slots, models, /dev/null. */
    SYS(read), SYS(write), SYS(writev), SYS(close), SYS(fstat), SYS(lseek), SYS(pread64),
    SYS(recvmsg), SYS(sendmsg), SYS(poll), SYS(ppoll), SYS(kill), SYS(tgkill), SYS(prlimit64),
    SYS(clone), SYS(clone3), /* the first filter restricts these */
};

/* Calls that only an attacker makes. These calls end the process with SIGSYS. */
static const int HOSTILE[] = {
    SYS(execve),
    SYS(execveat),
    SYS(fork),
    SYS(vfork),
    SYS(ptrace),
    SYS(process_vm_readv),
    SYS(process_vm_writev),
    SYS(bpf),
    SYS(userfaultfd),
    SYS(io_uring_setup),
    SYS(open_by_handle_at),
    SYS(mount),
    SYS(setns),
    SYS(unshare),
    SYS(kexec_load),
};

/* Memory is writable or executable, and cannot be made executable later. */
static bool no_new_code(scmp_filter_ctx f)
{
    return seccomp_rule_add(f, SCMP_ACT_ALLOW, SYS(mmap), 1,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) == 0 &&
           seccomp_rule_add(f, SCMP_ACT_ALLOW, SYS(mprotect), 1,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) == 0;
}

bool filter_close(void)
{
    scmp_filter_ctx f = seccomp_init(EPERM_);
    bool done;

    if (f == NULL)
        return false;
    done = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1) == 0 &&
           rules(f, SCMP_ACT_ALLOW, MEMORY_AND_THREADS, WARD_COUNT(MEMORY_AND_THREADS)) &&
           rules(f, SCMP_ACT_KILL_PROCESS, HOSTILE, WARD_COUNT(HOSTILE)) && no_new_code(f) &&
           seccomp_load(f) == 0;
    seccomp_release(f);
    return done;
}
