/* globals.h - from a command line to a command. main.c's alone, and its tests'.
 *
 * Threads: one. Memory: none kept. Errors: exit status 2 and a line on stderr.
 */
#ifndef WARD_CLI_GLOBALS_H
#define WARD_CLI_GLOBALS_H

#include "cli/cli.h"

/* Takes the options of every command (--json, --data DIR, --token FILE) out of argv, wherever
 * they stand before `--`. Returns NULL, having said why, when one lacks its value. */
const struct cli *cli_begin(struct cli *cli, int *argc, char **argv);

/* The command whose words are the longest match for argv[1..]; its words are counted in *words.
 * NULL for none. */
const struct cli_command *cli_find(const struct cli_command *const *tables, int argc,
                                   char **argv, int *words);

/* Takes the options of all, then runs the command or prints the list: all of it, or the part
 * that begins with argv[1]. Returns the exit status. */
int cli_main(const struct cli_command *const *tables, int argc, char **argv);

#endif
