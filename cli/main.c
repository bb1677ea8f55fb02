/* wardctl - the person's door to everything. Each command is a row in a table of its own file.
 */
#include "cli/cli.h"
#include "cli/globals.h"

#include <stddef.h>

static const struct cli_command *const tables[] = {
    cli_dev_commands,
    NULL,
};

int main(int argc, char **argv)
{
    struct cli cli;

    return cli_run(cli_begin(&cli, &argc, argv), tables, argc, argv);
}
