/* globals.h - finds the command for a command line. Only for main.c and its tests.
 *
 * Threads: one. Memory: none retained. Errors: exit status 2 and a line on stderr.
 */
#ifndef WARD_CLI_GLOBALS_H
#define WARD_CLI_GLOBALS_H

#include "cli/core/cli.h"

/* Removes the options of every command (--json, --data DIR, --token FILE) from argv, at any
 * place before `--`. Returns NULL after a message if one lacks its value. */
const struct cli *cli_begin(struct cli *cli, int *argc, char **argv);

/* Returns the command whose words are the longest match for argv[1..], and their number in
 * *words. NULL for none. */
const struct cli_command *cli_find(const struct cli_command *const *tables, int argc,
                                   char **argv, int *words);

/* Reads the common options, then runs the command or prints the list: all commands, or those
 * that begin with argv[1]. Returns the exit status. */
int cli_main(const struct cli_command *const *tables, int argc, char **argv);

#endif
