/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded, makes bpf(2) refuse the program that sockets call, though Linux has such programs: it
 * takes those that do nothing.
 */
#include <dlfcn.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ARGUMENTS 6

/* What libbpf asks with whether there are such programs. */
#define OF_NO_EFFECT 2

static const void *pointer(uint64_t value)
{
	return (const void *)(uintptr_t)
		value; /* NOLINT(performance-no-int-to-ptr): as bpf(2) passes it */
}

static int refuses(const union bpf_attr *attr)
{
	return attr->prog_type == BPF_PROG_TYPE_SOCK_OPS && attr->insn_cnt > OF_NO_EFFECT;
}

/* libc's has no prototype that a definition could repeat without its variable arguments. */
long syscall(long number, ...)
{
	long (*next)(long number, ...) = NULL;
	long arguments[ARGUMENTS];
	va_list list;
	void *found = dlsym(RTLD_NEXT, "syscall");

	memcpy(&next, &found, sizeof(next));
	va_start(list, number);
	for (int i = 0; i < ARGUMENTS; i++)
		arguments[i] = va_arg(list, long);
	va_end(list);
	if (number == SYS_bpf && arguments[0] == BPF_PROG_LOAD &&
	    refuses(pointer((uint64_t)arguments[1]))) {
		errno = EINVAL;
		return -1;
	}
	return next(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
		    arguments[5]);
}
