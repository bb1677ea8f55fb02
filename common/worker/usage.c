/* Reads a process's memory and CPU time from the kernel. */
#include "common/worker/own.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool line_of(const char *path, char *line, int n)
{
    FILE *f = fopen(path, "re");
    bool got = f != NULL && fgets(line, n, f) != NULL;

    if (f != NULL)
        fclose(f);
    return got;
}

/* Source: proc(5). After the name in parentheses, utime and stime are fields 12 and 13, and the
 * resident set is field 22. */
bool usage_of(pid_t pid, struct usage *out)
{
    const double tick = (double)sysconf(_SC_CLK_TCK);
    unsigned long long field[23] = {0};
    char path[48], line[1024], *at;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    if (!line_of(path, line, sizeof(line)) || (at = strrchr(line, ')')) == NULL ||
        at[1] == '\0' || at[2] == 'Z')
        return false;
    at += 3; /* skips the state */
    for (int i = 1; i <= 21; i++)
        field[i] = strtoull(at, &at, 10);
    out->cpu_s = (double)(field[11] + field[12]) / tick;
    out->resident_bytes = (size_t)field[21] * (size_t)sysconf(_SC_PAGESIZE);
    return true;
}

unsigned long usage_oom_kills(void)
{
    FILE *f = fopen("/sys/fs/cgroup/memory.events", "re");
    unsigned long n = 0;
    char line[128];

    if (f == NULL)
        return 0;
    while (fgets(line, sizeof(line), f) != NULL)
        if (strncmp(line, "oom_kill ", 9) == 0)
            n = strtoul(line + 9, NULL, 10);
    fclose(f);
    return n;
}
