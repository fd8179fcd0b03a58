/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * synanvil, the command line tool: see synanvil(1). Everything happens in cli_run.
 */
#include <fcntl.h>
#include <unistd.h>

#include "cli.h"
#include "control_client.h"

/*
 * With a standard stream closed, the next descriptor would take its place and get what is printed.
 * A stand-in that cannot be written to makes printing fail, as it should.
 */
static int fill_standard_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	return fd < 0 ? -1 : close(fd);
}

int main(int argc, char **argv)
{
	struct cli cli = { .out = stdout, .err = stderr, .timeout_ms = CLIENT_TIMEOUT_MS };

	if (fill_standard_streams())
		return CLI_FAILED;
	return cli_finish(&cli, cli_run(&cli, argc, argv));
}
