/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The contenders of the decision benchmark, loaded and filled.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "decision.h"
#include "synanvil/live.h"
#include "tick.h"

void frame_ipv4(struct frame *frame)
{
	struct ethhdr ethernet = { .h_proto = htobe16(ETH_P_IP) };
	struct iphdr ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = 6 };
	struct tcphdr tcp = { .syn = 1, .doff = 5, .dest = htobe16(25) };

	ip.tot_len = htobe16(sizeof(ip) + sizeof(tcp));
	ip.daddr = htobe32(0x0a000001);
	memcpy(frame->bytes, &ethernet, sizeof(ethernet));
	memcpy(frame->bytes + sizeof(ethernet), &ip, sizeof(ip));
	memcpy(frame->bytes + sizeof(ethernet) + sizeof(ip), &tcp, sizeof(tcp));
	frame->size = sizeof(ethernet) + sizeof(ip) + sizeof(tcp);
}

void frame_ipv6(struct frame *frame)
{
	struct ethhdr ethernet = { .h_proto = htobe16(ETH_P_IPV6) };
	struct ipv6hdr ip = { .version = 6, .nexthdr = 6, .hop_limit = 64 };
	struct tcphdr tcp = { .syn = 1, .doff = 5, .dest = htobe16(25) };

	ip.payload_len = htobe16(sizeof(tcp));
	ip.saddr.s6_addr[0] = 0x20;
	ip.saddr.s6_addr[1] = 0x01;
	ip.daddr.s6_addr[0] = 0x20;
	memcpy(frame->bytes, &ethernet, sizeof(ethernet));
	memcpy(frame->bytes + sizeof(ethernet), &ip, sizeof(ip));
	memcpy(frame->bytes + sizeof(ethernet) + sizeof(ip), &tcp, sizeof(tcp));
	frame->size = sizeof(ethernet) + sizeof(ip) + sizeof(tcp);
}

/* Frames of the "10,000 exceptions" row: prefixes beside the sources, so that no source is exempt.
 */
static void exceptions_make(struct exception_entry *entries)
{
	uint32_t number = 1;

	for (size_t i = 0; i < EXCEPTIONS; i++) {
		struct sa_address address;
		uint32_t words[4] = { 0, 0, htobe32(0xffff), 0 };

		number = number * 1664525 + 1013904223;
		words[3] = htobe32(0x20000000 + (number >> 3 & 0x7fffff00));
		if (i % 4 == 0) {
			words[0] = htobe32(0x2a000000 + (number >> 8));
			words[1] = words[2] = words[3] = 0;
		}
		memcpy(&address, words, sizeof(address));
		prefix_of(&address, i % 4 ? 120 : 32, &entries[i].prefix);
		entries[i].value = SA_EXCEPTION_EXEMPT;
	}
}

static int tables_of(struct synanvil_bpf *object, struct tables *tables)
{
	*tables = (struct tables){
		.active = bpf_map__fd(object->maps.active),
		.settings = bpf_map__fd(object->maps.settings),
		.configured = bpf_map__fd(object->maps.configured),
		.runtime = bpf_map__fd(object->maps.runtime),
		.blocks = bpf_map__fd(object->maps.blocks),
		.filters = bpf_map__fd(object->maps.filters),
		.generation = bpf_map__fd(object->maps.generation),
		.sources = bpf_map__fd(object->maps.sources),
		.blocked_sources = bpf_map__fd(object->maps.blocked_sources),
		.counters = bpf_map__fd(object->maps.counters),
		.totals = bpf_map__fd(object->maps.totals),
		.events = bpf_map__fd(object->maps.events),
		.cpus = (unsigned)libbpf_num_possible_cpus(),
		.source_capacity = TABLE,
	};
	return 0;
}

struct sa_settings settings_make(void)
{
	struct sa_settings settings = {
		.mask_ipv4 = { ~0ULL, ~0ULL },
		.rate_unit_ms = UNIT_MS,
		.enforcement = SA_ENFORCE,
		.service_count = 1,
		.cache_classification = 1,
		.services[0] = { .port_be = htobe16(25),
				 .any_address = 1,
				 .id = 1,
				 .rate_limit = 1 },
	};
	uint32_t mask6[4] = { ~0U, ~0U, htobe32(0xfffff000), 0 };

	memcpy(&settings.mask_ipv6, mask6, sizeof(mask6));
	return settings;
}

/*
 * Limits of connections hold, and a thousand sources that send nothing now have one each: most
 * others then miss the counts in front of the table, some do not.
 */
static int connections_make(const struct synanvil_bpf *object)
{
	static struct sa_live_totals totals = { .seed = 1,
						.note = 1,
						.holds_until_ms = SA_LIVE_ALWAYS };
	int live = bpf_map__fd(object->maps.live);
	uint32_t zero = 0;

	for (uint32_t i = 0; i < 1000; i++) {
		const struct sa_source_key key = {
			.address = { 0x20, [14] = (uint8_t)(i >> 8), [15] = (uint8_t)i },
			.service = 1
		};
		struct sa_live_place place = sa_live_place(totals.seed, &key, 0);
		struct sa_live_bucket bucket;

		if (bpf_map_lookup_elem(live, &place.bucket, &bucket))
			return -errno;
		if (!sa_live_add(&bucket, place.digest))
			continue;
		sa_live_hint_raise(sa_live_hint(&totals, place.bucket), place.digest);
		if (bpf_map_update_elem(live, &place.bucket, &bucket, BPF_ANY))
			return -errno;
	}
	return bpf_map_update_elem(bpf_map__fd(object->maps.live_totals), &zero, &totals, BPF_ANY)
		       ? -errno
		       : 0;
}

int synanvil_load(struct synanvil_bpf **ret_object, struct tables *ret_tables, size_t exceptions)
{
	const struct sa_settings settings = settings_make();
	struct exception_entry *entries = calloc(EXCEPTIONS, sizeof(*entries));
	struct synanvil_bpf *object = synanvil_bpf__open();
	struct tick tick;
	int error;

	if (!object || !entries)
		return -ENOMEM;
	bpf_map__set_max_entries(object->maps.sources,
				 SA_SOURCE_ENTRIES(TABLE, (uint32_t)libbpf_num_possible_cpus()));
	if (!tick_measure(&tick)) {
		object->rodata->tick_scale = tick.scale;
		object->rodata->tick_offset_ms = tick.offset_ms;
	}
	error = synanvil_bpf__load(object);
	if (error)
		return error;
	tables_of(object, ret_tables);
	exceptions_make(entries);
	error = tables_configuration_switch(ret_tables, &settings, entries, exceptions);
	free(entries);
	*ret_object = object;
	return error ? error : connections_make(object);
}

int textbook_load(struct textbook_bpf **ret_object)
{
	struct textbook_bpf *object = textbook_bpf__open();

	if (!object)
		return -ENOMEM;
	object->rodata->textbook_limit = 1;
	object->rodata->textbook_unit_ns = UNIT_MS * 1000000ULL;
	*ret_object = object;
	return textbook_bpf__load(object);
}
