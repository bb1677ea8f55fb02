/* globals.h - finds the command for a command line. Only for main.c and its tests.
 *
 * Threads: one. Memory: none retained. Errors: exit status 2, and a message on stderr. */
#ifndef WARD_CLI_GLOBALS_H
#define WARD_CLI_GLOBALS_H

#include "cli/core/cli.h"

/* Removes the common options (--json, --data DIR, --token FILE) from argv, wherever they are
 * before `--`. If an option lacks its value, prints a message and returns NULL. */
const struct cli *cli_begin(struct cli *cli, int *argc, char **argv);

/* Finds the command whose words are the longest match for argv[1..]. *words is the number of
 * these words. Returns NULL if no command matches. */
const struct cli_command *cli_find(const struct cli_command *const *tables, int argc,
                                   char **argv, int *words);

/* Reads the common options. Then runs the command, or prints the list of all commands, or of
 * those that begin with argv[1]. Returns the exit status. */
int cli_main(const struct cli_command *const *tables, int argc, char **argv);

#endif
