/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See oracle.h. A cursor that narrows: every length that the packet states cuts the bytes that are
 * left, so that nothing is read beyond the frame or beyond the datagram.
 */
#include "oracle.h"

#include <string.h>

struct bytes {
	const uint8_t *at;
	size_t frame;    /* left in the frame */
	size_t datagram; /* left in the datagram, as it states itself; may exceed the frame */
};

static unsigned get16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

static void skip(struct bytes *bytes, size_t size)
{
	bytes->at += size <= bytes->frame ? size : bytes->frame;
	bytes->frame -= size <= bytes->frame ? size : bytes->frame;
	bytes->datagram -= size <= bytes->datagram ? size : bytes->datagram;
}

static enum oracle_kind judge_tcp(struct bytes tcp, struct oracle_view *view)
{
	enum oracle_kind damage = ORACLE_UNPARSED;
	unsigned flags, header;

	if (tcp.frame < 20 || tcp.datagram < 20)
		return ORACLE_UNPARSED;
	flags = tcp.at[13];
	header = (tcp.at[12] >> 4) * 4U;
	if (!(flags & 0x02) || flags & (0x01 | 0x04 | 0x10))
		damage = ORACLE_DAMAGED;
	if (header < 20 || header > tcp.frame || header > tcp.datagram)
		return damage;
	if (damage == ORACLE_DAMAGED)
		return ORACLE_OTHER;
	view->source_port = (uint16_t)get16(tcp.at);
	view->destination_port = (uint16_t)get16(tcp.at + 2);
	view->sequence = get16(tcp.at + 4) << 16 | get16(tcp.at + 6);
	return ORACLE_ATTEMPT;
}

static enum oracle_kind judge_ipv4(struct bytes ip, struct oracle_view *view)
{
	size_t header, total;

	if (ip.frame < 20 || ip.at[0] >> 4 != 4)
		return ORACLE_UNPARSED;
	header = (ip.at[0] & 15U) * 4U;
	total = get16(ip.at + 2);
	if (header < 20 || total < header)
		return ORACLE_UNPARSED;
	if (ip.at[9] != 6 || get16(ip.at + 6) & 0x1fff)
		return header > ip.frame ? ORACLE_DAMAGED : ORACLE_OTHER;
	view->ipv6 = false;
	memset(view->source, 0, 10);
	memset(view->source + 10, 0xff, 2);
	memcpy(view->destination, view->source, 12);
	memcpy(view->source + 12, ip.at + 12, 4);
	memcpy(view->destination + 12, ip.at + 16, 4);
	if (header > ip.frame)
		return ORACLE_UNPARSED;
	ip.datagram = total;
	skip(&ip, header);
	return judge_tcp(ip, view);
}

static bool extends(unsigned next)
{
	static const uint8_t kinds[] = { 0, 43, 44, 51, 60, 135, 139, 140 };

	return memchr(kinds, (int)next, sizeof(kinds));
}

/* Up to eight extension headers. Returns ORACLE_ATTEMPT for "go on": *next is what follows them. */
static enum oracle_kind skip_extensions(struct bytes *ip, unsigned *next, bool *ret_beyond)
{
	for (int i = 0; i < 8 && extends(*next); i++) {
		unsigned kind = *next;
		size_t size;

		if (ip->frame < 8)
			return ORACLE_UNPARSED;
		if (kind == 44 && get16(ip->at + 2) >> 3)
			return *ret_beyond ? ORACLE_DAMAGED : ORACLE_OTHER;
		size = kind == 44 ? 8 : kind == 51 ? (ip->at[1] + 2U) * 4 : (ip->at[1] + 1U) * 8;
		*next = ip->at[0];
		*ret_beyond = *ret_beyond || size > ip->datagram || size > ip->frame;
		skip(ip, size);
	}
	return extends(*next) ? ORACLE_UNPARSED : ORACLE_ATTEMPT;
}

static enum oracle_kind judge_ipv6(struct bytes ip, struct oracle_view *view)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	enum oracle_kind kind;
	bool beyond = false;
	unsigned next;

	if (ip.frame < 40 || ip.at[0] >> 4 != 6)
		return ORACLE_UNPARSED;
	view->ipv6 = true;
	memcpy(view->source, ip.at + 8, 16);
	memcpy(view->destination, ip.at + 24, 16);
	next = ip.at[6];
	ip.datagram = 40 + get16(ip.at + 4);
	/* Linux: hop-by-hop options may hold the length, and the frame does where they do not. */
	if (next == 0 && get16(ip.at + 4) == 0)
		ip.datagram = SIZE_MAX;
	skip(&ip, 40);
	kind = skip_extensions(&ip, &next, &beyond);
	if (kind != ORACLE_ATTEMPT)
		return kind;
	if (next != 6)
		return beyond ? ORACLE_DAMAGED : ORACLE_OTHER;
	if (beyond)
		return ORACLE_UNPARSED;
	if (!memcmp(view->source, mapped, sizeof(mapped)))
		return ORACLE_UNPARSED;
	return judge_tcp(ip, view);
}

enum oracle_kind oracle_judge(const uint8_t *frame, size_t size, struct oracle_view *ret_view)
{
	struct bytes bytes = { frame, size, SIZE_MAX };
	unsigned type;

	if (size < 14)
		return ORACLE_UNPARSED;
	type = get16(frame + 12);
	skip(&bytes, 14);
	for (int tags = 0; type == 0x8100 || type == 0x88a8; tags++) {
		if (tags == 2 || bytes.frame < 4)
			return ORACLE_UNPARSED;
		type = get16(bytes.at + 2);
		skip(&bytes, 4);
	}
	if (type == 0x0800)
		return judge_ipv4(bytes, ret_view);
	if (type == 0x86dd)
		return judge_ipv6(bytes, ret_view);
	return ORACLE_OTHER;
}
