/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Building frames byte by byte.
 */
#include "packets.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
#define IPV4_BYTES     20
#define IPV6_BYTES     40
#define TCP_BYTES      20

static void put8(struct frame *frame, unsigned value)
{
	assert(frame->size < FRAME_SIZE_MAX);
	frame->bytes[frame->size++] = (uint8_t)value;
}

static void put16(struct frame *frame, unsigned value)
{
	put8(frame, value >> 8);
	put8(frame, value);
}

static void put32(struct frame *frame, uint32_t value)
{
	put16(frame, value >> 16);
	put16(frame, value);
}

static void put_bytes(struct frame *frame, const void *bytes, size_t size)
{
	const uint8_t *from = bytes;

	for (size_t i = 0; i < size; i++)
		put8(frame, from[i]);
}

static void put_fill(struct frame *frame, unsigned value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		put8(frame, value);
}

static unsigned said(const struct lie *lie, size_t truth)
{
	return lie->told ? lie->value : (unsigned)truth;
}

struct sa_address address_of(const char *text)
{
	struct sa_address address;
	uint8_t bytes[16] = { [10] = 0xff, [11] = 0xff };
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;
	int done = inet_pton(family, text, family == AF_INET6 ? bytes : bytes + 12);

	assert(done == 1);
	(void)done;
	memcpy(&address, bytes, sizeof(address));
	return address;
}

static void build_ethernet(const struct packet_spec *spec, struct frame *frame)
{
	static const uint8_t macs[12] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2 };
	unsigned ethertype = spec->family == 4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6;

	put_bytes(frame, macs, sizeof(macs));
	for (size_t i = 0; i < FRAME_TAGS_MAX && spec->tags[i]; i++) {
		put16(frame, spec->tags[i]);
		put16(frame, 0x2000 + (unsigned)i);
	}
	put16(frame, spec->ethertype ? spec->ethertype : ethertype);
}

static size_t transport_bytes(const struct packet_spec *spec)
{
	size_t header = spec->protocol == NEXT_TCP ? TCP_BYTES + spec->tcp_option_words * 4U : 8;

	return header + spec->payload;
}

static void build_ipv4(const struct packet_spec *spec, struct frame *frame)
{
	size_t header = IPV4_BYTES + spec->ip_option_words * 4U;
	const struct sa_address source = address_of(spec->source);
	const struct sa_address destination = address_of(spec->destination);

	put8(frame, said(&spec->version, 4) << 4 | (said(&spec->ihl, header / 4) & 15));
	put8(frame, 0);
	put16(frame, said(&spec->total_length, header + transport_bytes(spec)));
	put16(frame, 0x1234);
	put16(frame, (spec->more_fragments ? 0x2000U : 0) | spec->fragment_offset);
	put8(frame, 64);
	put8(frame, spec->protocol);
	put16(frame, 0);
	put_bytes(frame, (const uint8_t *)&source + 12, 4);
	put_bytes(frame, (const uint8_t *)&destination + 12, 4);
	put_fill(frame, 1, spec->ip_option_words * 4U);
}

static size_t extension_bytes(const struct extension_spec *extension)
{
	if (extension->kind == NEXT_FRAGMENT)
		return 8;
	if (extension->kind == NEXT_AH)
		return extension->bytes ? extension->bytes : 24;
	return extension->bytes ? extension->bytes : 8;
}

static unsigned extension_length_field(const struct extension_spec *extension)
{
	size_t bytes = extension_bytes(extension);

	if (extension->kind == NEXT_FRAGMENT)
		return 0;
	return (unsigned)(extension->kind == NEXT_AH ? bytes / 4 - 2 : bytes / 8 - 1);
}

static unsigned next_of(const struct packet_spec *spec, size_t i)
{
	return i < spec->chain_length ? spec->chain[i].kind : spec->protocol;
}

static void build_chain(const struct packet_spec *spec, struct frame *frame)
{
	for (size_t i = 0; i < spec->chain_length; i++) {
		const struct extension_spec *extension = &spec->chain[i];
		unsigned more = spec->more_fragments ? 1 : 0;

		put8(frame, next_of(spec, i + 1));
		put8(frame, extension_length_field(extension));
		if (extension->kind == NEXT_FRAGMENT) {
			put16(frame, (unsigned)spec->fragment_offset << 3 | more);
			put32(frame, 0x12345678);
		} else {
			put_fill(frame, 0, extension_bytes(extension) - 2);
		}
	}
}

static void build_ipv6(const struct packet_spec *spec, struct frame *frame)
{
	const struct sa_address source = address_of(spec->source);
	const struct sa_address destination = address_of(spec->destination);
	size_t chain = 0;

	for (size_t i = 0; i < spec->chain_length; i++)
		chain += extension_bytes(&spec->chain[i]);
	put32(frame, said(&spec->version, 6) << 28);
	put16(frame, said(&spec->total_length, chain + transport_bytes(spec)));
	put8(frame, next_of(spec, 0));
	put8(frame, 64);
	put_bytes(frame, &source, 16);
	put_bytes(frame, &destination, 16);
	build_chain(spec, frame);
}

static void build_tcp(const struct packet_spec *spec, struct frame *frame)
{
	size_t words = TCP_BYTES / 4 + spec->tcp_option_words;

	put16(frame, spec->source_port);
	put16(frame, spec->destination_port);
	put32(frame, spec->sequence);
	put32(frame, 0);
	put8(frame, said(&spec->data_offset, words) << 4);
	put8(frame, spec->flags);
	put16(frame, 64240);
	put32(frame, 0);
	put_fill(frame, 1, spec->tcp_option_words * 4U);
}

void frame_build(const struct packet_spec *spec, struct frame *ret_frame)
{
	ret_frame->size = 0;
	build_ethernet(spec, ret_frame);
	ret_frame->network = ret_frame->size;
	if (spec->family == 4)
		build_ipv4(spec, ret_frame);
	else
		build_ipv6(spec, ret_frame);
	ret_frame->transport = ret_frame->size;
	if (spec->protocol == NEXT_TCP)
		build_tcp(spec, ret_frame);
	else
		put_fill(ret_frame, 0x19, 8);
	ret_frame->headers = ret_frame->size;
	put_fill(ret_frame, 0x55, spec->payload);
}

void frame_set_sequence(struct frame *frame, uint32_t sequence)
{
	const uint32_t wire = htonl(sequence);

	memcpy(frame->bytes + frame->transport + 4, &wire, sizeof(wire));
}

void frame_set_source_port(struct frame *frame, uint16_t port)
{
	const uint16_t wire = htons(port);

	memcpy(frame->bytes + frame->transport, &wire, sizeof(wire));
}

void frame_set_source(struct frame *frame, const struct sa_address *source)
{
	uint8_t *ip = frame->bytes + frame->network;

	if (ip[0] >> 4 == 4)
		memcpy(ip + 12, (const uint8_t *)source + 12, 4);
	else
		memcpy(ip + 8, source, 16);
}
