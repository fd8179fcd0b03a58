/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The seccomp filter, in a child for each call: what the agent lives from works, what it has no
 * business with ends it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "system_calls.h"

/* A number that no libseccomp knows yet, and one beyond all tables. */
#define NUMBER_OF_THE_FUTURE 1000

static long bpf(int command)
{
	return syscall(SYS_bpf, command, NULL, 0);
}

static long do_execve(void)
{
	return execl("/bin/true", "true", NULL);
}

static long do_fork(void)
{
	return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static long do_clone3(void)
{
	return syscall(SYS_clone3, NULL, 0) != -1 || errno != ENOSYS;
}

static void *nothing(void *context)
{
	return context;
}

static long do_thread(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, nothing, NULL) || pthread_join(thread, NULL);
}

static long do_ptrace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static long do_load_program(void)
{
	return bpf(BPF_PROG_LOAD);
}

static long do_packet_socket(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0);
}

static long do_crypto_socket(void)
{
	return socket(AF_ALG, SOCK_SEQPACKET, 0);
}

/* The kernel looks at the lower half of a family alone. */
static long do_packet_socket_in_disguise(void)
{
	return syscall(SYS_socket, 0x100000000UL + AF_PACKET, SOCK_RAW, 0);
}

static long do_setuid(void)
{
	return syscall(SYS_setuid, getuid());
}

static long do_mount(void)
{
	return syscall(SYS_mount, "none", "/mnt", "tmpfs", 0, NULL);
}

static long do_unshare(void)
{
	return unshare(CLONE_NEWUSER);
}

static long do_writable_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0) == MAP_FAILED;
}

static long do_memory_to_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static long do_set_limit(void)
{
	const struct rlimit limit = { 10, 10 };

	return setrlimit(RLIMIT_NOFILE, &limit);
}

static long do_io_uring(void)
{
	return syscall(SYS_io_uring_setup, 1, NULL);
}

static long do_socket(void)
{
	const int families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };

	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		const int fd = socket(families[i], SOCK_DGRAM | SOCK_CLOEXEC, 0);

		if (fd < 0 || close(fd))
			return -1;
	}
	return 0;
}

/* The kernel answers, however it does. */
static long do_bpf(void)
{
	(void)bpf(BPF_MAP_LOOKUP_ELEM);
	(void)bpf(BPF_LINK_CREATE);
	return 0;
}

static long do_files(void)
{
	const int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	char byte;

	return fd < 0 || read(fd, &byte, 1) != 1 || close(fd);
}

static long do_memory(void)
{
	void *much = malloc(1 << 24);

	free(much);
	return much == NULL;
}

static long do_get_limit(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit);
}

static long do_future(void)
{
	return syscall(NUMBER_OF_THE_FUTURE) != -1 || errno != ENOSYS;
}

static const struct row {
	const char *name;
	long (*call)(void);
	int signal; /* that ends it; 0: it works */
} rows[] = {
	{ "execve", do_execve, SIGSYS },
	{ "a process", do_fork, SIGSYS },
	{ "ptrace", do_ptrace, SIGSYS },
	{ "another program for the kernel", do_load_program, SIGSYS },
	{ "a packet socket", do_packet_socket, SIGSYS },
	{ "a packet socket in disguise", do_packet_socket_in_disguise, SIGSYS },
	{ "a crypto socket", do_crypto_socket, SIGSYS },
	{ "setuid", do_setuid, SIGSYS },
	{ "mount", do_mount, SIGSYS },
	{ "unshare", do_unshare, SIGSYS },
	{ "writable code", do_writable_code, SIGSYS },
	{ "memory that becomes code", do_memory_to_code, SIGSYS },
	{ "setrlimit", do_set_limit, SIGSYS },
	{ "io_uring", do_io_uring, SIGSYS },
	{ "a process by clone3", do_clone3, 0 },
	{ "a thread", do_thread, 0 },
	{ "sockets", do_socket, 0 },
	{ "maps and links", do_bpf, 0 },
	{ "files", do_files, 0 },
	{ "memory", do_memory, 0 },
	{ "getrlimit", do_get_limit, 0 },
	{ "calls of the future", do_future, 0 },
};

static _Noreturn void child(const struct row *row)
{
	const struct rlimit no_core = { 0, 0 };
	struct explanation why;

	(void)setrlimit(RLIMIT_CORE, &no_core);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (system_calls_limit(&why))
		_exit(100);
	_exit(row->call() ? 1 : 0);
}

static void each_call_in_a_child(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const pid_t pid = fork();
		int status;

		if (pid == 0)
			child(&rows[i]);
		assert_true(pid > 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (rows[i].signal ? !WIFSIGNALED(status) || WTERMSIG(status) != rows[i].signal
				   : status != 0)
			fail_msg("%s: wait status %#x", rows[i].name, (unsigned)status);
	}
}

static void without_the_filter_they_work(void **state)
{
	(void)state;
	/* Otherwise the rows above would show nothing. */
	assert_int_equal(do_set_limit(), 0);
	assert_int_equal(do_writable_code(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_call_in_a_child),
		cmocka_unit_test(without_the_filter_they_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
