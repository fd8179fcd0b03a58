/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lists come from strace over all end-to-end tests, from the point at which the filter is set;
 * in the same row stand the calls that another libc, or another architecture, uses for the same.
 * Name services (getaddrinfo, getgrnam at a reload) are modules of the host: what their sockets and
 * libraries need is in the lists, whichever host it is.
 */
#include "system_calls.h"

#include <errno.h>
#include <linux/bpf.h>
#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

/* Numbers up to here that libseccomp has no name for are calls newer than itself. */
#define NUMBER_MAX 1023

/* Where clone(2) has its flags. */
#ifdef __s390__
#define CLONE_FLAGS_PLACE 1
#else
#define CLONE_FLAGS_PLACE 0
#endif

static const char *const allowed[] = {
	/* the loop, descriptors and clocks */
	"epoll_ctl",
	"epoll_wait",
	"epoll_pwait",
	"epoll_pwait2",
	"epoll_create1",
	"poll",
	"ppoll",
	"select",
	"pselect6",
	"timerfd_create",
	"timerfd_settime",
	"eventfd2",
	"pipe2",
	"read",
	"readv",
	"pread64",
	"write",
	"writev",
	"pwrite64",
	"lseek",
	"close",
	"fcntl",
	"ioctl",
	"dup",
	"clock_gettime",
	"clock_getres",
	"clock_nanosleep",
	"nanosleep",
	"gettimeofday",
	"time",
	/* files: configuration and the lists that it names, state, pins, sockets, /proc */
	"open",
	"openat",
	"stat",
	"fstat",
	"lstat",
	"newfstatat",
	"statx",
	"statfs",
	"fstatfs",
	"access",
	"faccessat",
	"faccessat2",
	"readlink",
	"readlinkat",
	"getcwd",
	"getdents64",
	"mkdir",
	"mkdirat",
	"rmdir",
	"unlink",
	"unlinkat",
	"rename",
	"renameat",
	"renameat2",
	"fsync",
	"fdatasync",
	"ftruncate",
	"flock",
	"umask",
	"chmod",
	"fchmod",
	"fchmodat",
	"chown",
	"fchown",
	"fchownat",
	"lchown",
	/* sockets; which families see below */
	"accept",
	"accept4",
	"bind",
	"listen",
	"connect",
	"shutdown",
	"getsockname",
	"getpeername",
	"getsockopt",
	"setsockopt",
	"sendto",
	"sendmsg",
	"sendmmsg",
	"recvfrom",
	"recvmsg",
	"recvmmsg",
	/* memory */
	"brk",
	"munmap",
	"mremap",
	"madvise",
	/* this process: who it is, what it uses, its signals and its end */
	"getpid",
	"getppid",
	"gettid",
	"getuid",
	"geteuid",
	"getgid",
	"getegid",
	"getgroups",
	"getrusage",
	"getrlimit",
	"sysinfo",
	"uname",
	"getrandom",
	"sched_yield",
	"sched_getaffinity",
	"getcpu",
	"futex",
	"set_robust_list",
	"rseq",
	"membarrier",
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"sigaltstack",
	"restart_syscall",
	"tgkill",
	"exit",
	"exit_group",
};

/* No program is loaded any more, nor a type description for one. */
static const uint64_t bpf_commands[] = {
	BPF_MAP_CREATE,       BPF_MAP_LOOKUP_ELEM,  BPF_MAP_UPDATE_ELEM,    BPF_MAP_DELETE_ELEM,
	BPF_MAP_GET_NEXT_KEY, BPF_MAP_LOOKUP_BATCH, BPF_MAP_UPDATE_BATCH,   BPF_MAP_DELETE_BATCH,
	BPF_OBJ_PIN,          BPF_OBJ_GET,          BPF_OBJ_GET_INFO_BY_FD, BPF_PROG_GET_FD_BY_ID,
	BPF_LINK_CREATE,      BPF_LINK_UPDATE,      BPF_LINK_DETACH,
};

static const uint64_t socket_families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };

static int allow(scmp_filter_ctx filter, const char *name)
{
	const int number = seccomp_syscall_resolve_name(name);
	int error;

	/* Not every architecture has every call; libseccomp numbers those below zero. */
	if (number < 0)
		return 0;
	error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
	return error == -EEXIST ? 0 : error;
}

/* A call whose argument at this place is one of values. Kernel and caller see 32 bits of it. */
static int allow_with(scmp_filter_ctx filter, int number, unsigned place, const uint64_t *values,
		      size_t count)
{
	int error = 0;

	for (size_t i = 0; i < count && !error; i++) {
		const struct scmp_arg_cmp wanted =
			SCMP_CMP64(place, SCMP_CMP_MASKED_EQ, UINT32_MAX, values[i]);

		error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, 1, &wanted);
	}
	return error;
}

/* Memory may hold code, or be written to, but not become code that was written here. */
static int allow_memory(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp no_code = SCMP_CMP64(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	const struct scmp_arg_cmp not_written = SCMP_CMP64(2, SCMP_CMP_MASKED_EQ, PROT_WRITE, 0);
	int error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, &no_code);

	if (!error)
		error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, &no_code);
	if (!error)
		error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
					       &not_written);
	return error;
}

/*
 * A name of policy_listen is looked up in a thread (name_lookup.c), which is under this filter as
 * well; no process is made. The flags of clone3 are in memory, where no filter sees them: without
 * it libc takes clone.
 */
static int allow_threads(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp thread =
		SCMP_CMP64(CLONE_FLAGS_PLACE, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD);
	int error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, &thread);

	if (!error)
		error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return error;
}

/* Limits are read, never set: prlimit64 without a new value (the third argument). */
static int allow_reading_limits(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp reading = SCMP_CMP64(2, SCMP_CMP_EQ, 0);

	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, &reading);
}

static int refuse_unknown(scmp_filter_ctx filter)
{
	int error = 0;

	for (int number = 0; number <= NUMBER_MAX && !error; number++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);

		if (!name)
			error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), number, 0);
		free(name);
	}
	return error;
}

static int build(scmp_filter_ctx filter)
{
	/* As a search tree: the loop's calls must not pay for the length of the list. */
	int error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);

	for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed) && !error; i++)
		error = allow(filter, allowed[i]);
	if (!error)
		error = allow_with(filter, SCMP_SYS(bpf), 0, bpf_commands,
				   sizeof(bpf_commands) / sizeof(*bpf_commands));
	if (!error)
		error = allow_with(filter, SCMP_SYS(socket), 0, socket_families,
				   sizeof(socket_families) / sizeof(*socket_families));
	if (!error)
		error = allow_memory(filter);
	if (!error)
		error = allow_threads(filter);
	if (!error)
		error = allow_reading_limits(filter);
	if (!error)
		error = refuse_unknown(filter);
	return error;
}

int system_calls_limit(struct explanation *reterr_why)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int error = filter ? build(filter) : -ENOMEM;

	if (!error)
		error = seccomp_load(filter);
	seccomp_release(filter);
	if (error)
		return explain(reterr_why, error, "cannot limit system calls (seccomp): %s",
			       strerror(-error));
	return 0;
}
