/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel_double.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "connection_program.h"

struct kernel_double kernel_double;

/* A client's connection to port 25. */
static struct sock_diag_socket socket_of(uint64_t cookie)
{
	struct sock_diag_socket socket = { .cookie = cookie, .local_port_be = htons(25) };
	uint8_t address[16] = { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = (uint8_t)cookie };

	memcpy(&socket.remote, address, sizeof(address));
	return socket;
}

int kernel_double_list(void)
{
	int error = kernel_double.fail;

	kernel_double.fail = 0;
	for (size_t i = 0; i < kernel_double.count / (error ? 2 : 1); i++) {
		struct sock_diag_socket socket = socket_of(kernel_double.listed[i]);

		kernel_double.listener.found(&socket, kernel_double.listener.context);
	}
	return error;
}

int sock_diag_new(struct event_base *loop, const struct sock_diag_listener *listener,
		  struct sock_diag **ret_diag)
{
	(void)loop;
	kernel_double.listener = *listener;
	*ret_diag = (struct sock_diag *)&kernel_double;
	return 0;
}

struct sock_diag *sock_diag_free(struct sock_diag *diag)
{
	(void)diag;
	return NULL;
}

int sock_diag_start(struct sock_diag *diag)
{
	(void)diag;
	kernel_double.under_way = true;
	return 0;
}

int sock_diag_run(struct sock_diag *diag)
{
	(void)diag;
	return kernel_double_list();
}

int connection_program_attach(const struct bpf_program_set *packet_path, int *ret_link,
			      struct explanation *reterr_why)
{
	(void)packet_path;
	if (!kernel_double.counts)
		return explain(reterr_why, -EPERM, "the test says so");
	kernel_double.pinned = true;
	*ret_link = -1;
	return 0;
}

bool connection_program_is_pinned(void)
{
	return kernel_double.pinned;
}

int connection_program_unpin(void)
{
	kernel_double.pinned = false;
	return 0;
}
