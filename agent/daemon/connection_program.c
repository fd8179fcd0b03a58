/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading and attaching the counting program. Its own object: what it asks of the kernel (types of
 * kernel structs, tracing) is more than the packet path does, and may fail by itself.
 */
#include "connection_program.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "cleanup.h"
#include "connections.skel.h"
#include "log.h"
#include "pins.h"
#include "privileges.h"
#include "root_cgroup.h"
#include "tick.h"

#define COUNTING_PIN "counting"
#define AGAIN_PIN    "counting-again"

static void skeleton_free(struct connections_bpf **skeleton)
{
	connections_bpf__destroy(*skeleton);
}

/* A number that the kernel gives to no other network namespace, unlike an inode. */
static int net_cookie_read(uint64_t *ret_cookie)
{
	_cleanup_close_ int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);

	if (any < 0 || getsockopt(any, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size))
		return -errno;
	*ret_cookie = cookie;
	return 0;
}

static int maps_join(struct connections_bpf *skeleton, const struct bpf_program_set *packet_path)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, skeleton->obj)
	{
		int error;

		if (bpf_map__is_internal(map))
			continue;
		error = bpf_map__reuse_fd(map, bpf_object_map_fd(packet_path, bpf_map__name(map)));
		if (error)
			return error;
	}
	return 0;
}

static bool types_are_told(void)
{
	struct btf *types = btf__load_vmlinux_btf();

	btf__free(types);
	return types != NULL;
}

static int explain_load(int error, struct explanation *reterr_why)
{
	if (!types_are_told())
		return explain(reterr_why, error,
			       "the kernel does not tell its types (no /sys/kernel/btf/vmlinux)");
	if (!privileges_may_trace())
		return explain(reterr_why, error, "CAP_PERFMON is missing");
	if (error == -EPERM || error == -EACCES)
		return explain(reterr_why, error,
			       "the kernel does not allow tracing programs here (lockdown)");
	return explain(reterr_why, error,
		       "the kernel refused the program: %s (-v shows its "
		       "reasons)",
		       strerror(-error));
}

static int load(struct connections_bpf *skeleton, const struct bpf_program_set *packet_path,
		struct explanation *reterr_why)
{
	uint64_t cookie = 0;
	struct tick tick;
	int error = net_cookie_read(&cookie);

	if (error)
		return explain(reterr_why, error,
			       "the kernel does not tell its network namespaces apart: %s",
			       strerror(-error));
	skeleton->rodata->net_cookie = cookie;
	/* Where this fails the program reads the slower clock. */
	if (tick_measure(&tick) == 0) {
		skeleton->rodata->tick_scale = tick.scale;
		skeleton->rodata->tick_offset_ms = tick.offset_ms;
	}
	error = maps_join(skeleton, packet_path);
	if (error)
		return explain(reterr_why, error, "cannot share the packet path's tables: %s",
			       strerror(-error));
	error = connections_bpf__load(skeleton);
	return error ? explain_load(error, reterr_why) : 0;
}

/* -1 where there is none to attach to, or a kernel without such programs. */
static int cgroup_find(void)
{
	int cgroup = -1, error = root_cgroup_open(MOUNTS_OF_THIS_PROCESS, &cgroup);

	if (error) {
		log_debug("counting by tracing alone: the root of the cgroups: %s",
			  strerror(-error));
		return -1;
	}
	if (libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_SOCK_OPS, NULL) != 1) {
		log_debug("counting by tracing alone: this kernel has no programs for cgroups");
		(void)close(cgroup);
		return -1;
	}
	return cgroup;
}

static int tracing_attach(const struct bpf_program *program, int *ret_link,
			  struct explanation *reterr_why)
{
	int link = bpf_raw_tracepoint_open(NULL, bpf_program__fd(program));

	if (link < 0)
		return explain(reterr_why, link, "cannot attach to inet_sock_set_state: %s",
			       strerror(-link));
	*ret_link = link;
	return 0;
}

/* The first look: by the sockets themselves, where they can be asked to. */
static int first_attach(const struct connections_bpf *skeleton, int cgroup, int *ret_link,
			struct explanation *reterr_why)
{
	int link;

	if (cgroup >= 0) {
		link = bpf_link_create(bpf_program__fd(skeleton->progs.synanvil_connections_told),
				       cgroup, BPF_CGROUP_SOCK_OPS, NULL);
		if (link >= 0) {
			*ret_link = link;
			return 0;
		}
		log_debug("counting by tracing alone: attaching to the root of the cgroups: %s",
			  strerror(-link));
	}
	return tracing_attach(skeleton->progs.synanvil_connections, ret_link, reterr_why);
}

static int pin(const char *name, int link, struct explanation *reterr_why)
{
	const int error = pins_put(name, link);

	return error ? explain(reterr_why, error, "cannot pin its link: %s", strerror(-error)) : 0;
}

/* Both are attached before either takes an earlier one's pin: where one is refused, nothing has
 * changed. */
static int attach(const struct connections_bpf *skeleton, int cgroup, int *ret_link,
		  struct explanation *reterr_why)
{
	_cleanup_close_ int first = -1, again = -1;
	int error = first_attach(skeleton, cgroup, &first, reterr_why);

	if (!error)
		error = tracing_attach(skeleton->progs.synanvil_connections_again, &again,
				       reterr_why);
	/* Its pin is all that holds the second. */
	if (!error)
		error = pin(AGAIN_PIN, again, reterr_why);
	if (!error)
		error = pin(COUNTING_PIN, first, reterr_why);
	if (error)
		return error;
	*ret_link = TAKE_FD(first);
	return 0;
}

/* cgroup: -1 where all is to be traced. */
static int load_and_attach(const struct bpf_program_set *packet_path, int cgroup, int *ret_link,
			   struct explanation *reterr_why)
{
	_cleanup_(skeleton_free) struct connections_bpf *skeleton = connections_bpf__open();
	int error;

	if (!skeleton)
		return explain(reterr_why, -errno, "cannot open the program: %s", strerror(errno));
	(void)bpf_program__set_autoload(skeleton->progs.synanvil_connections_told, cgroup >= 0);
	error = load(skeleton, packet_path, reterr_why);
	return error ? error : attach(skeleton, cgroup, ret_link, reterr_why);
}

int connection_program_attach(const struct bpf_program_set *packet_path, int *ret_link,
			      struct explanation *reterr_why)
{
	const _cleanup_close_ int cgroup = cgroup_find();
	int error = load_and_attach(packet_path, cgroup, ret_link, reterr_why);

	if (!error || cgroup < 0 || !privileges_may_trace())
		return error;
	log_debug("counting by tracing alone, if at all: %s", reterr_why->text);
	return load_and_attach(packet_path, -1, ret_link, reterr_why);
}

bool connection_program_is_pinned(void)
{
	_cleanup_close_ int link = pins_get(COUNTING_PIN);

	return link >= 0;
}

int connection_program_unpin(void)
{
	const int error = pins_remove(AGAIN_PIN), first = pins_remove(COUNTING_PIN);

	return first ? first : error;
}
