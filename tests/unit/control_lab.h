/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An agent's control socket from the outside: a client sends bytes, the loop runs, bytes come back.
 * What stands behind the tables is a double; the rest is the agent's own.
 */
#ifndef TESTS_UNIT_CONTROL_LAB_H
#define TESTS_UNIT_CONTROL_LAB_H

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent_double.h"
#include "control_server.h"
#include "log.h"
#include "metrics_server.h"
#include "state.h"
#include "tables_double.h"

#define REPLY_MAX (4 * 1024 * 1024)

struct lab {
	char directory[64];
	char path[96];
	struct daemon daemon;
	struct config config;
	struct config_pattern pattern;
	char *reply;
	const char *group; /* one that this process may give away to */
};

static inline struct sa_address address(const char *text)
{
	struct sa_address parsed;

	assert_int_equal(address_parse(text, &parsed), 0);
	return parsed;
}

static inline void configure(struct lab *lab)
{
	struct config *config = &lab->config;

	lab->pattern = (struct config_pattern){ .is_prefix = true,
						.origin = { CONFIG_FROM_FILE, 7, "/etc/x.cf" } };
	assert_int_equal(prefix_parse("10.0.0.0/8", 10, PREFIX_ANY, &lab->pattern.prefix),
			 PREFIX_OK);
	*config = (struct config){
		.file = (char *)"/etc/x.cf",
		.exceptions = { &lab->pattern, 1 },
		.service_count = 1,
		.enforce = true,
		.ipv4_prefix_length = 32,
		.ipv6_prefix_length = 84,
		.services = { { .any_address = true,
				.port = 25,
				.label = "25",
				.name = "smtp",
				.connection_rate_limit = 3 } },
	};
	lab->daemon.config = config;
	lab->daemon.settings = (struct sa_settings){
		.mask_ipv4 = { ~0ULL, ~0ULL },
		.mask_ipv6 = { ~0ULL, htobe64(0xfffff00000000000ULL) },
		.rate_unit_ms = 60000,
		.service_count = 1,
		.services = { { .port_be = htons(25),
				.any_address = 1,
				.id = 7,
				.slot = 1,
				.rate_limit = 3 } },
	};
	lab->daemon.tables.source_capacity = 1024;
	lab->daemon.interfaces.count = 1;
	lab->daemon.interfaces.items[0] =
		(struct interface){ .name = "eth0", .mode = INTERFACE_NATIVE };
}

static inline int setup(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));

	assert_non_null(getgrgid(getegid()));
	lab->group = getgrgid(getegid())->gr_name;
	strcpy(lab->directory, "/tmp/synanvil-control-XXXXXX");
	assert_non_null(mkdtemp(lab->directory));
	(void)snprintf(lab->path, sizeof(lab->path), "%s/socket", lab->directory);
	lab->reply = calloc(1, REPLY_MAX);
	tables_double_reset();
	agent_double = (struct agent_double){ 0 };
	log_set_level(LOG_LEVEL_ERROR);
	configure(lab);
	lab->daemon.loop = event_base_new();
	assert_int_equal(state_new(&lab->daemon, lab->directory, &lab->daemon.state), 0);
	assert_int_equal(
		control_server_new(&lab->daemon, lab->path, lab->group, &lab->daemon.control), 0);
	*state = lab;
	return 0;
}

static inline int teardown(void **state)
{
	struct lab *lab = *state;
	char command[128];

	(void)metrics_server_free(lab->daemon.metrics);
	(void)control_server_free(lab->daemon.control);
	(void)state_free(lab->daemon.state);
	event_base_free(lab->daemon.loop);
	assert_null(agent_double.followers);
	history_done(&agent_double.history);
	/* The socket was unlinked. */
	assert_int_equal(access(lab->path, F_OK), -1);
	(void)snprintf(command, sizeof(command), "rm -rf %s", lab->directory);
	assert_int_equal(system(command), 0);
	free(lab->reply);
	free(lab);
	return 0;
}

static inline int dial(const char *path)
{
	struct sockaddr_un peer = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	strcpy(peer.sun_path, path);
	assert_int_equal(connect(fd, (const struct sockaddr *)&peer, sizeof(peer)), 0);
	return fd;
}

/* Runs the loop until the server has closed; the reply is in lab->reply. */
static inline void finish(struct lab *lab, int fd)
{
	size_t used = 0;

	for (;;) {
		const ssize_t got = recv(fd, lab->reply + used, REPLY_MAX - used - 1, 0);

		if (got > 0) {
			used += (size_t)got;
			continue;
		}
		if (got == 0 || errno != EAGAIN)
			break;
		assert_int_equal(event_base_loop(lab->daemon.loop, EVLOOP_ONCE), 0);
	}
	lab->reply[used] = '\0';
	(void)close(fd);
}

/* Runs the loop until a whole line was received. */
static inline void receive_line(struct lab *lab, int fd)
{
	size_t used = 0;

	while (!used || lab->reply[used - 1] != '\n') {
		const ssize_t got = recv(fd, lab->reply + used, 1, 0);

		if (got == 1)
			used++;
		else
			assert_int_equal(event_base_loop(lab->daemon.loop, EVLOOP_ONCE), 0);
	}
	lab->reply[used] = '\0';
}

static inline void ask(struct lab *lab, const char *command, const char *arguments)
{
	const int fd = dial(lab->path);
	char request[1024];
	const int size = snprintf(request, sizeof(request),
				  "{\"version\":1,\"command\":\"%s\",\"arguments\":%s}\n", command,
				  arguments);

	assert_int_equal(send(fd, request, (size_t)size, 0), size);
	finish(lab, fd);
}

#define assert_has(lab, text)                                                 \
	do {                                                                  \
		if (!strstr((lab)->reply, text))                              \
			fail_msg("\"%s\" is not in: %s", text, (lab)->reply); \
	} while (0)

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

#endif
