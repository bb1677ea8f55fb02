/* Gives a fuzzer's target each input of a corpus once, in a build without libFuzzer: make
 * fuzz-replay. Usage: <target> FILE... */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INPUT_MOST ((size_t)16 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *now; /* the input that is tried */

static void tell(int sig)
{
    ssize_t ignored = write(STDERR_FILENO, now, strlen(now));

    (void)ignored;
    (void)signal(sig, SIG_DFL);
    (void)raise(sig);
}

static void try_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data = malloc(INPUT_MOST), *exact;
    size_t n;

    if (f == NULL || data == NULL) {
        perror(path);
        exit(1);
    }
    n = fread(data, 1, INPUT_MOST, f);
    if (fclose(f) != 0)
        perror(path);
    exact = malloc(n + 1);
    if (exact == NULL)
        exit(1);
    memcpy(exact, data, n);
    free(data);
    now = path;
    LLVMFuzzerTestOneInput(exact, n);
    free(exact);
}

int main(int argc, char **argv)
{
    (void)signal(SIGSEGV, tell);
    (void)signal(SIGABRT, tell);
    for (int i = 1; i < argc; i++)
        try_file(argv[i]);
    printf("%d\n", argc - 1);
    return 0;
}
