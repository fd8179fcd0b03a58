/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab_sockets.h"

#include <arpa/inet.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connections.skel.h"
#include "root_cgroup.h"
#include "synanvil.skel.h"

#define BACKLOG 64

static uint64_t net_cookie(void)
{
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);
	int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_equal(getsockopt(any, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size), 0);
	(void)close(any);
	return cookie;
}

static int root_cgroup(void)
{
	int cgroup = -1;

	return root_cgroup_open(MOUNTS_OF_THIS_PROCESS, &cgroup) ? -1 : cgroup;
}

bool looks_are_possible(enum looks looks)
{
	const int cgroup = looks == LOOKS_TRACED_TWICE ? -1 : root_cgroup();

	if (cgroup >= 0)
		(void)close(cgroup);
	return looks == LOOKS_TRACED_TWICE || cgroup >= 0;
}

static void looks_attach(struct connections_bpf *program, enum looks looks)
{
	if (looks == LOOKS_TRACED_TWICE) {
		program->links.synanvil_connections =
			bpf_program__attach(program->progs.synanvil_connections);
		assert_non_null(program->links.synanvil_connections);
	} else {
		const int cgroup = root_cgroup();

		program->links.synanvil_connections_told = bpf_program__attach_cgroup(
			program->progs.synanvil_connections_told, cgroup);
		assert_non_null(program->links.synanvil_connections_told);
		(void)close(cgroup);
	}
	if (looks != LOOKS_TOLD) {
		program->links.synanvil_connections_again =
			bpf_program__attach(program->progs.synanvil_connections_again);
		assert_non_null(program->links.synanvil_connections_again);
	}
}

struct connections_bpf *counting_attach(const struct lab *lab, enum looks looks)
{
	struct connections_bpf *program = connections_bpf__open();
	uint32_t tick_scale;
	uint64_t tick_offset_ms;
	struct bpf_map *map;

	assert_non_null(program);
	lab_clock_start(&tick_scale, &tick_offset_ms);
	program->rodata->tick_scale = tick_scale;
	program->rodata->tick_offset_ms = tick_offset_ms;
	program->rodata->net_cookie = net_cookie();
	bpf_object__for_each_map(map, program->obj)
	{
		if (!bpf_map__is_internal(map))
			assert_int_equal(bpf_map__reuse_fd(map, bpf_object__find_map_fd_by_name(
									lab->skeleton->obj,
									bpf_map__name(map))),
					 0);
	}
	assert_int_equal(connections_bpf__load(program), 0);
	looks_attach(program, looks);
	return program;
}

void loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_equal(ioctl(any, SIOCSIFFLAGS, &request), 0);
	(void)close(any);
}

/* IPv4 text for an IPv6 socket is mapped. */
static socklen_t address_for(int family, const char *text, uint16_t port,
			     struct sockaddr_storage *ret_address)
{
	struct sockaddr_in *ipv4 = (struct sockaddr_in *)ret_address;
	struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)ret_address;

	memset(ret_address, 0, sizeof(*ret_address));
	if (family == AF_INET) {
		*ipv4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
		assert_int_equal(inet_pton(AF_INET, text, &ipv4->sin_addr), 1);
		return sizeof(*ipv4);
	}
	*ipv6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port) };
	assert_int_equal(inet_pton(AF_INET6, text, &ipv6->sin6_addr), 1);
	return sizeof(*ipv6);
}

static int socket_bound(int protocol, int family, const char *text, uint16_t port)
{
	struct sockaddr_storage address;
	socklen_t size = address_for(family, text, port, &address);
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, protocol), on = 1;

	if (fd < 0)
		return -1;
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
	return fd;
}

int listen_with(int protocol, int family, const char *address, uint16_t port)
{
	int fd = socket_bound(protocol, family, address, port);

	if (fd >= 0)
		assert_int_equal(listen(fd, BACKLOG), 0);
	return fd;
}

int connect_with(int protocol, int family, const char *from, const char *to, uint16_t port)
{
	struct sockaddr_storage address;
	socklen_t size = address_for(family, to, port, &address);
	int fd = socket_bound(protocol, family, from, 0);

	if (fd >= 0)
		assert_int_equal(connect(fd, (struct sockaddr *)&address, size), 0);
	return fd;
}

int listen_at(int family, const char *address, uint16_t port)
{
	return listen_with(IPPROTO_TCP, family, address, port);
}

int connect_from(int family, const char *from, const char *to, uint16_t port)
{
	return connect_with(IPPROTO_TCP, family, from, to, port);
}

int connect_fast(const char *from, const char *to, uint16_t port)
{
	struct sockaddr_storage address;
	socklen_t size = address_for(AF_INET, to, port, &address);
	int fd = socket_bound(IPPROTO_TCP, AF_INET, from, 0);

	assert_int_equal(sendto(fd, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&address, size), 1);
	return fd;
}

struct pair pair_at(int listener, const char *from)
{
	struct pair pair = { .client = connect_from(AF_INET, from, "127.0.0.1", 25) };

	pair.server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(pair.server >= 0);
	return pair;
}

void pair_close(struct pair pair)
{
	(void)close(pair.server);
	(void)close(pair.client);
}

void reset(int fd)
{
	const struct linger now = { .l_onoff = 1 };

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	(void)close(fd);
}
