/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded, makes bpf(2) answer as Linux 5.15 does to what came with 5.18: a program that wants
 * frames in several parts is refused for its flag, a call of bpf_xdp_load_bytes for its number.
 */
#include <dlfcn.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ARGUMENTS 6

static void *pointer(uint64_t value)
{
	return (void *)(uintptr_t)
		value; /* NOLINT(performance-no-int-to-ptr): as bpf(2) passes it */
}

static int calls_load_bytes(const union bpf_attr *attr)
{
	const struct bpf_insn *code = pointer(attr->insns);

	for (uint32_t i = 0; i < attr->insn_cnt; i++)
		if (code[i].code == (BPF_JMP | BPF_CALL) && code[i].src_reg == 0 &&
		    code[i].imm == BPF_FUNC_xdp_load_bytes)
			return 1;
	return 0;
}

static int refuses(const union bpf_attr *attr)
{
	if (attr->prog_flags & BPF_F_XDP_HAS_FRAGS)
		return 1;
	if (!calls_load_bytes(attr))
		return 0;
	if (attr->log_buf && attr->log_size)
		(void)snprintf(pointer(attr->log_buf), attr->log_size, "invalid func unknown#%d\n",
			       BPF_FUNC_xdp_load_bytes);
	return 1;
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
