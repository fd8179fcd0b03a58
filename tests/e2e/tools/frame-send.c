/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sends raw frames as they are, however broken: frame-send INTERFACE HEX...
 *
 * AF_PACKET refuses frames below the length of an Ethernet header, so the shortest that can be sent
 * has 14 bytes.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAME_MAX 9216

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static size_t decode(const char *hex, uint8_t *frame)
{
	size_t size = strlen(hex) / 2;

	if (strlen(hex) % 2 || size > FRAME_MAX)
		return 0;
	for (size_t i = 0; i < size; i++) {
		int high = digit(hex[2 * i]);
		int low = digit(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return 0;
		frame[i] = (uint8_t)(high << 4 | low);
	}
	return size;
}

int main(int argc, char **argv)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_halen = ETH_ALEN };
	uint8_t frame[FRAME_MAX];
	int fd;

	if (argc < 3) {
		fprintf(stderr, "usage: frame-send INTERFACE HEX...\n");
		return 2;
	}
	to.sll_ifindex = (int)if_nametoindex(argv[1]);
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	if (!to.sll_ifindex || fd < 0) {
		fprintf(stderr, "frame-send: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	for (int i = 2; i < argc; i++) {
		size_t size = decode(argv[i], frame);

		if (!size) {
			fprintf(stderr, "frame-send: not a frame: %s\n", argv[i]);
			return 2;
		}
		if (sendto(fd, frame, size, 0, (struct sockaddr *)&to, sizeof(to)) !=
		    (ssize_t)size) {
			fprintf(stderr, "frame-send: frame %d: %s\n", i - 1, strerror(errno));
			return 1;
		}
	}
	close(fd);
	return 0;
}
