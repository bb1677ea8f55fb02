#include "cli/globals.h"

#include "common/base/log.h"

#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *default_folder(void)
{
    static char path[4096];
    const char *xdg = getenv("XDG_DATA_HOME");
    const char *home = getenv("HOME");

    if (xdg != NULL && *xdg == '/')
        snprintf(path, sizeof(path), "%s/ward", xdg);
    else
        snprintf(path, sizeof(path), "%s/.local/share/ward", home == NULL ? "" : home);
    return path;
}

static bool ends_options(const char *arg)
{
    return strcmp(arg, "--") == 0;
}

/* Returns whether argv[i] is this option; *value is its value, and *n the number of arguments
 * that it occupies. */
static bool valued(const char *name, int argc, char **argv, int i, const char **value, int *n)
{
    size_t len = strlen(name);

    if (strncmp(argv[i], name, len) != 0)
        return false;
    if (argv[i][len] == '=') {
        *value = argv[i] + len + 1;
        *n = 1;
        return true;
    }
    if (argv[i][len] != '\0')
        return false;
    *n = i + 1 < argc ? 2 : 0;
    if (*n == 2)
        *value = argv[i + 1];
    return true;
}

/* Reads an option for remote services. It is only permitted before the command, because some
 * commands have an option --at of their own. */
static bool elsewhere(struct cli *cli, int argc, char **argv, int i, int *n)
{
    return valued("--at", argc, argv, i, &cli->at, n) ||
           valued("--tls", argc, argv, i, &cli->tls, n);
}

const struct cli *cli_begin(struct cli *cli, int *argc, char **argv)
{
    int kept = 1, n = 1;
    const char *folder = default_folder();

    setlocale(LC_ALL, "C");
    signal(SIGPIPE, SIG_IGN);
    ward_log_begin("wardctl");
    ward_log_level(WARD_LOG_ERROR);
    *cli = (struct cli){.data = folder, .self = argv[0], .terminal = isatty(2) == 1};
    cli->colour = isatty(1) == 1 && getenv("NO_COLOR") == NULL;
    for (int i = 1; i < *argc; i += n) {
        n = 1;
        if (ends_options(argv[i])) {
            while (i < *argc)
                argv[kept++] = argv[i++];
            break;
        }
        if (strcmp(argv[i], "--json") == 0)
            cli->json = true;
        else if (!valued("--data", *argc, argv, i, &cli->data, &n) &&
                 !valued("--token", *argc, argv, i, &cli->token, &n) &&
                 (kept > 1 || !elsewhere(cli, *argc, argv, i, &n)))
            argv[kept++] = argv[i];
        if (n == 0) {
            fprintf(stderr, "wardctl: %s needs a value\n", argv[i]);
            return NULL;
        }
    }
    cli->data_given = strcmp(cli->data, folder) != 0;
    *argc = kept;
    argv[kept] = NULL;
    return cli;
}

/* Returns how many of argv[1..] match these words; 0 if argv[1..] does not begin with all of
 * them. */
static int match(const char *words, int argc, char **argv)
{
    int n = 0;

    while (*words != '\0') {
        size_t len = strcspn(words, " ");

        if (n + 1 >= argc || strlen(argv[n + 1]) != len || memcmp(argv[n + 1], words, len) != 0)
            return 0;
        n++;
        words += len + (words[len] == ' ');
    }
    return n;
}

const struct cli_command *cli_find(const struct cli_command *const *tables, int argc,
                                   char **argv, int *words)
{
    const struct cli_command *best = NULL;

    *words = 0;
    for (; *tables != NULL; tables++) {
        for (const struct cli_command *c = *tables; c->words != NULL; c++) {
            int n = match(c->words, argc, argv);

            if (n > *words) {
                *words = n;
                best = c;
            }
        }
    }
    return best;
}

/* Returns whether the first argument, if any, is this command's first word. */
static bool listed(const struct cli_command *c, int argc, char **argv)
{
    size_t len = strcspn(c->words, " ");

    return argc < 2 || (strlen(argv[1]) == len && memcmp(argv[1], c->words, len) == 0);
}

static int list(const struct cli_command *const *tables, int argc, char **argv, FILE *to)
{
    int n = 0;

    fprintf(
        to,
        "usage: wardctl [--json] [--data DIR] [--token FILE] COMMAND ...\n"
        "       wardctl [--json] --at NAME=ADDRESS,... --tls DIR --token FILE COMMAND ...\n\n");
    for (; *tables != NULL; tables++) {
        for (const struct cli_command *c = *tables; c->words != NULL; c++) {
            if (!listed(c, argc, argv))
                continue;
            fprintf(to, "  %s %s\n      %s\n", c->words, c->args, c->help);
            n++;
        }
    }
    return n;
}

int cli_main(const struct cli_command *const *tables, int argc, char **argv)
{
    struct cli cli;
    const struct cli_command *c;
    bool help;
    int words;

    if (cli_begin(&cli, &argc, argv) == NULL)
        return 2;
    c = cli_find(tables, argc, argv, &words);
    if (c != NULL && argc > words + 1 && strcmp(argv[words + 1], "--help") == 0)
        return printf("usage: wardctl %s %s\n  %s\n", c->words, c->args, c->help) < 0;
    if (c != NULL)
        return c->fn(&cli, argc - words, argv + words);
    help = argc < 2 || strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0;
    if (help && argc > 1) /* skips the word "help" */
        argc--, argv++;
    if (list(tables, argc, argv, help ? stdout : stderr) > 0)
        return help ? 0 : 2;
    fprintf(stderr, "  no command begins with \"%s\"; try: wardctl help\n", argv[1]);
    return 2;
}
