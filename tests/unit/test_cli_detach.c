/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `detach` after an agent that is gone, with real links and pins, in a network and a mount
 * namespace of the test's own. Needs root; skipped without.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>

#include "cli_lab.h"

#define RETURN_PASS                                                                     \
	{                                                                               \
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = XDP_PASS }, \
			{ .code = BPF_JMP | BPF_EXIT },                                 \
	}

struct pinned {
	struct lab *lab;
	char directory[80]; /* a BPF file system of the test's own */
	char pins[128];     /* bpf_directory */
	char file[128];     /* configuration */
	int link;           /* on lo; kept, to be asked after its pin is gone */
};

static void write_configuration(struct pinned *pinned)
{
	_cleanup_fclose_ FILE *file = NULL;

	(void)snprintf(pinned->file, sizeof(pinned->file), "%s/synanvil.cf",
		       pinned->lab->directory);
	file = fopen(pinned->file, "we");
	assert_non_null(file);
	assert_true(fprintf(file, "interfaces = lo\nbpf_directory = %s\n", pinned->pins) > 0);
}

static int pinned_open(void **state)
{
	struct pinned *pinned = calloc(1, sizeof(*pinned));
	void *lab;

	assert_non_null(pinned);
	assert_int_equal(lab_open(&lab), 0);
	pinned->lab = lab;
	pinned->link = -1;
	(void)snprintf(pinned->directory, sizeof(pinned->directory), "%s/bpf",
		       pinned->lab->directory);
	(void)snprintf(pinned->pins, sizeof(pinned->pins), "%s/synanvil", pinned->directory);
	write_configuration(pinned);
	*state = pinned;
	if (geteuid() != 0)
		return 0;
	assert_int_equal(unshare(CLONE_NEWNET | CLONE_NEWNS), 0);
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	assert_int_equal(mkdir(pinned->directory, 0700), 0);
	assert_int_equal(mount("bpf", pinned->directory, "bpf", 0, NULL), 0);
	assert_int_equal(mkdir(pinned->pins, 0700), 0);
	return 0;
}

static int pinned_close(void **state)
{
	struct pinned *pinned = *state;
	void *lab = pinned->lab;

	if (pinned->link >= 0)
		(void)close(pinned->link);
	if (geteuid() == 0) {
		assert_int_equal(umount(pinned->directory), 0);
		assert_int_equal(rmdir(pinned->directory), 0);
	}
	assert_int_equal(unlink(pinned->file), 0);
	free(pinned);
	return lab_close(&lab);
}

static void require_root(void)
{
	if (geteuid() != 0)
		skip();
}

static void pin(const struct pinned *pinned, int fd, const char *name)
{
	_cleanup_free_ char *path = NULL;

	assert_true(asprintf(&path, "%s/%s", pinned->pins, name) > 0);
	assert_int_equal(bpf_obj_pin(fd, path), 0);
}

static void pin_map(const struct pinned *pinned, const char *name)
{
	_cleanup_close_ int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "test", 4, 4, 1, NULL);

	assert_true(map >= 0);
	pin(pinned, map, name);
}

static void pin_link(struct pinned *pinned)
{
	const struct bpf_insn program[] = RETURN_PASS;
	_cleanup_close_ int loaded =
		bpf_prog_load(BPF_PROG_TYPE_XDP, "test", "GPL", program, 2, NULL);
	unsigned loopback = if_nametoindex("lo");
	char name[32];
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_SKB_MODE);

	assert_true(loaded >= 0);
	pinned->link = bpf_link_create(loaded, (int)loopback, BPF_XDP, &options);
	assert_true(pinned->link >= 0);
	(void)snprintf(name, sizeof(name), "link-%u", loopback);
	pin(pinned, pinned->link, name);
}

/* The interface that the link is attached to; 0 once it is severed. */
static unsigned link_interface(const struct pinned *pinned)
{
	struct bpf_link_info info = { 0 };
	unsigned size = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(pinned->link, &info, &size), 0);
	return info.xdp.ifindex;
}

static struct outcome detach(const struct pinned *pinned)
{
	_cleanup_free_ char *text = NULL;

	assert_true(asprintf(&text, "detach -c %s", pinned->file) > 0);
	return run(pinned->lab, text);
}

static void test_all_goes(void **state)
{
	struct pinned *pinned = *state;
	_cleanup_outcome_ struct outcome first = { 0 };
	_cleanup_outcome_ struct outcome again = { 0 };

	require_root();
	pin_link(pinned);
	pin_map(pinned, "abi");
	pin_map(pinned, "sources");
	assert_int_not_equal(link_interface(pinned), 0);
	first = detach(pinned);
	expect(&first, CLI_DONE, "detached; there was no agent\n", "");
	assert_int_equal(link_interface(pinned), 0);
	assert_int_equal(access(pinned->pins, F_OK), -1);
	again = detach(pinned);
	expect(&again, CLI_DONE, "nothing was attached, and there is no agent\n", "");
}

/* A link whose interface went away, or that somebody detached by hand, is no obstacle. */
static void test_severed_link(void **state)
{
	struct pinned *pinned = *state;
	_cleanup_outcome_ struct outcome got = { 0 };

	require_root();
	pin_link(pinned);
	assert_int_equal(bpf_link_detach(pinned->link), 0);
	got = detach(pinned);
	expect(&got, CLI_DONE, "detached; there was no agent\n", "");
	assert_int_equal(access(pinned->pins, F_OK), -1);
}

static void test_agent_in_the_way(void **state)
{
	struct pinned *pinned = *state;
	_cleanup_outcome_ struct outcome got = { 0 };
	_cleanup_close_ int lock = -1;

	require_root();
	pin_link(pinned);
	lock = open(pinned->pins, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(lock >= 0);
	assert_int_equal(flock(lock, LOCK_EX), 0);
	got = detach(pinned);
	assert_int_equal(got.status, CLI_FAILED);
	assert_non_null(strstr(got.err, " in use but does not answer on "));
	assert_int_not_equal(link_interface(pinned), 0);
}

/* A bpf_directory that is, by mistake, the place of others' pins. */
static void test_others_pins(void **state)
{
	const struct pinned *pinned = *state;
	_cleanup_outcome_ struct outcome got = { 0 };
	_cleanup_free_ char *path = NULL;

	require_root();
	pin_map(pinned, "somebody_elses");
	got = detach(pinned);
	expect(&got, CLI_DONE, "nothing was attached, and there is no agent\n", "");
	assert_true(asprintf(&path, "%s/somebody_elses", pinned->pins) > 0);
	assert_int_equal(access(path, F_OK), 0);
}

#define PINNED_TEST(function) cmocka_unit_test_setup_teardown(function, pinned_open, pinned_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PINNED_TEST(test_all_goes),
		PINNED_TEST(test_severed_link),
		PINNED_TEST(test_agent_in_the_way),
		PINNED_TEST(test_others_pins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
