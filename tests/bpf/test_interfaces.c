/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a packet is counted: in the row of its interface, service and family, unparsed ones by
 * interface. In a network namespace of its own, with devices that exist for this test only.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "lab.h"

#define SLOT_FIRST  3
#define SLOT_SECOND 15 /* the last one */
#define SLOT_OTHERS 0  /* of interfaces that the settings do not name */

struct where {
	uint32_t interface_slot;
	uint32_t service_slot;
	uint32_t family;
};

static uint32_t device_new(const char *name)
{
	char command[128];
	uint32_t index;

	(void)snprintf(command, sizeof(command), "ip link add %s type veth peer name %s-peer", name,
		       name);
	assert_int_equal(system(command), 0);
	index = if_nametoindex(name);
	assert_true(index > 0);
	return index;
}

static void place(struct lab *lab, uint32_t slot, const char *name)
{
	struct sa_interface *interface = &lab->settings.interfaces[slot];

	*interface = (struct sa_interface){ .ifindex = device_new(name), .slot = slot };
	memcpy(interface->name, name, strlen(name));
}

static void send_on(const struct lab *lab, uint32_t ifindex, const struct packet_spec *spec)
{
	_cleanup_free_ struct frame *frame = malloc(sizeof(*frame));
	struct xdp_md context = { .ingress_ifindex = ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = &context, .ctx_size_in = sizeof(context),
		    .repeat = 1);

	assert_non_null(frame);
	frame_build(spec, frame);
	context.data_end = (uint32_t)frame->size;
	options.data_in = frame->bytes;
	options.data_size_in = (uint32_t)frame->size;
	assert_int_equal(bpf_prog_test_run_opts(lab->program, &options), 0);
	assert_int_equal(options.retval, LAB_PASS);
}

static uint64_t row_packets(const struct lab *lab, const struct where *where)
{
	_cleanup_free_ struct sa_counters *rows = calloc(SA_COUNTER_ROWS, sizeof(*rows));

	assert_non_null(rows);
	assert_int_equal(tables_counters_read(&lab->tables, rows), 0);
	return rows[SA_COUNTER_ROW(where->interface_slot, where->service_slot, where->family)]
		.packets[SA_REASON_WITHIN_LIMIT];
}

static void check_row(struct lab *lab, uint32_t ifindex, const struct packet_spec *spec,
		      struct where where)
{
	struct lab_totals before, after;
	uint64_t row = row_packets(lab, &where);

	lab_forget(lab);
	lab_totals(lab, &before);
	send_on(lab, ifindex, spec);
	lab_totals(lab, &after);
	assert_int_equal(row_packets(lab, &where) - row, 1);
	assert_int_equal(after.packets - before.packets, 1);
}

static uint64_t unparsed(const struct lab *lab, uint32_t slot)
{
	struct sa_totals totals;

	assert_int_equal(tables_totals_read(&lab->tables, &totals), 0);
	return totals.unparsed[slot];
}

static void check_unparsed(struct lab *lab, uint32_t ifindex, uint32_t slot)
{
	const struct packet_spec spec = { SYN_IPV4, .ihl = { true, 4 } };
	uint64_t before = unparsed(lab, slot);

	send_on(lab, ifindex, &spec);
	assert_int_equal(unparsed(lab, slot) - before, 1);
}

static void test_rows(void **state)
{
	const struct packet_spec ipv4 = { SYN_IPV4 }, ipv6 = { SYN_IPV6 };
	const struct packet_spec to_587 = { SYN_IPV6, .destination_port = 587 };
	struct lab *lab = *state;
	uint32_t first, second, other;

	assert_int_equal(unshare(CLONE_NEWNET), 0);
	place(lab, SLOT_FIRST, "first");
	place(lab, SLOT_SECOND, "second");
	other = device_new("other");
	lab_service(lab, NULL, 587, LAB_LIMIT)->slot = SA_SERVICE_SLOTS - 1;
	lab_apply(lab);
	first = lab->settings.interfaces[SLOT_FIRST].ifindex;
	second = lab->settings.interfaces[SLOT_SECOND].ifindex;

	check_row(lab, first, &ipv4, (struct where){ SLOT_FIRST, 0, SA_FAMILY_IPV4 });
	check_row(lab, first, &ipv6, (struct where){ SLOT_FIRST, 0, SA_FAMILY_IPV6 });
	check_row(lab, second, &ipv4, (struct where){ SLOT_SECOND, 0, SA_FAMILY_IPV4 });
	check_row(lab, second, &to_587,
		  (struct where){ SLOT_SECOND, SA_SERVICE_SLOTS - 1, SA_FAMILY_IPV6 });
	check_row(lab, other, &ipv4, (struct where){ SLOT_OTHERS, 0, SA_FAMILY_IPV4 });
	check_unparsed(lab, first, SLOT_FIRST);
	check_unparsed(lab, second, SLOT_SECOND);
	check_unparsed(lab, other, SLOT_OTHERS);
}

/* All zero, as before the agent wrote anything: nothing is protected. */
static void test_no_settings(void **state)
{
	const struct packet_spec ipv4 = { SYN_IPV4 };
	struct lab *lab = *state;

	memset(&lab->settings, 0, sizeof(lab->settings));
	lab_apply(lab);
	for (unsigned i = 0; i < 10; i++)
		lab_assert_judgement("not protected", lab_judge_spec(lab, &ipv4), LAB_PASS,
				     LAB_NOT_OURS);
}

int main(void)
{
	struct CMUnitTest tests[] = { LAB_TEST(test_no_settings), LAB_TEST(test_rows) };

	return LAB_RUN("interfaces", tests);
}
