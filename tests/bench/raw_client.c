/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "raw_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cleanup.h"

#define DEVICE     "mail0"
#define NETMASK    "255.255.255.0"
#define PORT_FIRST 1024
#define PORT_LAST  65000
#define TIMEOUT_MS 1000

/* The packets that are sent have no options and no content. */
struct packet {
	struct iphdr ip;
	struct tcphdr tcp;
};

/* Of RFC 1071, over fields that are in the network's byte order and stay so. */
struct pseudo_header {
	uint32_t source_be;
	uint32_t destination_be;
	uint16_t protocol_be;
	uint16_t size_be;
};

static int device_open(void)
{
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	_cleanup_close_ int device = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (device < 0)
		return -errno;
	(void)strcpy(request.ifr_name, DEVICE);
	return ioctl(device, TUNSETIFF, &request) < 0 ? -errno : TAKE_FD(device);
}

static int address_set(int any, unsigned long what, const char *text)
{
	struct ifreq request = { .ifr_name = DEVICE };
	struct sockaddr_in address = { .sin_family = AF_INET };

	if (inet_pton(AF_INET, text, &address.sin_addr) != 1)
		return -EINVAL;
	memcpy(&request.ifr_addr, &address, sizeof(address));
	return ioctl(any, what, &request) < 0 ? -errno : 0;
}

static int device_up(void)
{
	struct ifreq request = { .ifr_name = DEVICE, .ifr_flags = IFF_UP };
	_cleanup_close_ int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int error;

	if (any < 0)
		return -errno;
	error = address_set(any, SIOCSIFADDR, RAW_CLIENT_HOST);
	if (!error)
		error = address_set(any, SIOCSIFNETMASK, NETMASK);
	if (!error && ioctl(any, SIOCSIFFLAGS, &request) < 0)
		error = -errno;
	return error;
}

int raw_client_init(struct raw_client *ret_client)
{
	_cleanup_close_ int device = -1;
	int error;

	if (unshare(CLONE_NEWNET) < 0)
		return -errno;
	device = device_open();
	if (device < 0)
		return device;
	error = device_up();
	if (!error)
		*ret_client = (struct raw_client){ .device = TAKE_FD(device), .port = PORT_LAST };
	return error;
}

static uint32_t sum(uint32_t before, const void *bytes, size_t size)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i + 1 < size; i += 2) {
		uint16_t word;

		memcpy(&word, at + i, sizeof(word));
		before += word;
	}
	return before;
}

static uint16_t checksum(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~((sum & 0xffff) + (sum >> 16));
}

static struct packet packet_to_host(const struct raw_client *client)
{
	struct packet packet = {
		.ip = { .version = 4,
			.ihl = sizeof(packet.ip) / 4,
			.tot_len = htons(sizeof(packet)),
			.ttl = 64,
			.protocol = IPPROTO_TCP },
		.tcp = { .source = htons(client->port),
			 .dest = htons(RAW_CLIENT_PORT),
			 .doff = sizeof(packet.tcp) / 4,
			 .window = htons(65535) },
	};

	(void)inet_pton(AF_INET, RAW_CLIENT_SELF, &packet.ip.saddr);
	(void)inet_pton(AF_INET, RAW_CLIENT_HOST, &packet.ip.daddr);
	return packet;
}

static int send_packet(const struct raw_client *client, struct packet *packet)
{
	const struct pseudo_header pseudo = {
		.source_be = packet->ip.saddr,
		.destination_be = packet->ip.daddr,
		.protocol_be = htons(IPPROTO_TCP),
		.size_be = htons(sizeof(packet->tcp)),
	};

	packet->ip.check = checksum(sum(0, &packet->ip, sizeof(packet->ip)));
	packet->tcp.check =
		checksum(sum(sum(0, &pseudo, sizeof(pseudo)), &packet->tcp, sizeof(packet->tcp)));
	return write(client->device, packet, sizeof(*packet)) < 0 ? -errno : 0;
}

static int receive(const struct raw_client *client, uint8_t *bytes, size_t room)
{
	struct pollfd device = { .fd = client->device, .events = POLLIN };
	ssize_t size = read(client->device, bytes, room);

	if (size < 0 && errno == EAGAIN) {
		if (poll(&device, 1, TIMEOUT_MS) == 0)
			return -ETIMEDOUT;
		size = read(client->device, bytes, room);
	}
	return size < 0 ? -errno : (int)size;
}

/* The host's answer to the SYN; what else the kernel sends (router solicitations) is passed over.
 */
static int receive_syn_ack(const struct raw_client *client, uint32_t *ret_sequence)
{
	uint8_t bytes[2048];
	struct packet answer;

	for (;;) {
		const int size = receive(client, bytes, sizeof(bytes));

		if (size < 0)
			return size;
		if ((size_t)size < sizeof(answer))
			continue;
		memcpy(&answer, bytes, sizeof(answer));
		if (answer.ip.version != 4 || answer.ip.protocol != IPPROTO_TCP ||
		    answer.tcp.dest != htons(client->port))
			continue;
		if (!answer.tcp.syn || !answer.tcp.ack)
			return -ECONNREFUSED;
		*ret_sequence = ntohl(answer.tcp.seq);
		return 0;
	}
}

int raw_client_open(struct raw_client *client)
{
	struct packet packet;
	uint32_t host_sequence;
	int error;

	client->port = client->port == PORT_LAST ? PORT_FIRST : (uint16_t)(client->port + 1);
	client->sequence += 100000;
	packet = packet_to_host(client);
	packet.tcp.syn = 1;
	packet.tcp.seq = htonl(client->sequence);
	error = send_packet(client, &packet);
	if (!error)
		error = receive_syn_ack(client, &host_sequence);
	if (error)
		return error;
	packet = packet_to_host(client);
	packet.tcp.ack = 1;
	packet.tcp.seq = htonl(client->sequence + 1);
	packet.tcp.ack_seq = htonl(host_sequence + 1);
	return send_packet(client, &packet);
}

int raw_client_reset(const struct raw_client *client)
{
	struct packet packet = packet_to_host(client);

	packet.tcp.rst = 1;
	packet.tcp.seq = htonl(client->sequence + 1);
	return send_packet(client, &packet);
}
