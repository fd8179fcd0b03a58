/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two network namespaces of the whole-path benchmark, and what their counters say.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "cleanup.h"
#include "path.h"

static int namespace_open(const char *name)
{
	_cleanup_free_ char *path = NULL;
	int fd;

	if (asprintf(&path, "/run/netns/%s", name) < 0)
		return -ENOMEM;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int namespace_enter(int fd)
{
	return setns(fd, CLONE_NEWNET) ? -errno : 0;
}

int lab_enter_clients(const struct lab *lab)
{
	return namespace_enter(lab->clients_ns);
}

int lab_enter_mail(const struct lab *lab)
{
	return namespace_enter(lab->mail_ns);
}

static int mac_read(const char *device, uint8_t mac[6])
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { 0 };

	strncpy(request.ifr_name, device, IFNAMSIZ - 1);
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &request))
		return -errno;
	memcpy(mac, request.ifr_hwaddr.sa_data, 6);
	return 0;
}

static int device_find(int namespace, const char *name, char device[PATH_DEVICE_SIZE],
		       unsigned *ret_ifindex, uint8_t mac[6])
{
	int error = namespace < 0 ? namespace : namespace_enter(namespace);

	if (error)
		return error;
	if (strlen(name) >= PATH_DEVICE_SIZE)
		return -ENAMETOOLONG;
	memcpy(device, name, strlen(name) + 1);
	*ret_ifindex = if_nametoindex(name);
	return *ret_ifindex ? mac_read(name, mac) : -errno;
}

int lab_open(struct lab *ret_lab, char *const names[5])
{
	struct lab lab = { .clients_ns = namespace_open(names[0]),
			   .mail_ns = namespace_open(names[2]) };
	int error = device_find(lab.clients_ns, names[1], lab.clients_device, &lab.clients_ifindex,
				lab.clients_mac);

	if (!error)
		error = device_find(lab.mail_ns, names[3], lab.mail_device, &lab.mail_ifindex,
				    lab.mail_mac);
	if (!error && inet_pton(AF_INET, names[4], &lab.mail_address_be) != 1)
		error = -EINVAL;
	*ret_lab = lab;
	return error;
}

int lab_received(const struct lab *lab, uint64_t *ret_frames)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/thread-self/net/dev", "re");
	char line[512], name[PATH_DEVICE_SIZE];
	uint64_t frames;

	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, " %15[^:]: %*u %" SCNu64, name, &frames) != 2)
			continue;
		if (strcmp(name, lab->mail_device) != 0)
			continue;
		*ret_frames = frames;
		return 0;
	}
	return -ENODEV;
}

/* The chain alone, tersely: other forms of "nft list" fetch every element of every set first. */
int lab_passed(uint64_t *ret_frames)
{
	FILE *pipe = popen("nft -t list chain ip path_sink sink", "re");
	int error = -EPROTO;
	char line[512];

	if (!pipe)
		return -errno;
	while (fgets(line, sizeof(line), pipe))
		if (sscanf(line, " tcp dport 25 counter packets %" SCNu64, ret_frames) == 1)
			error = 0;
	return pclose(pipe) ? -EPROTO : error;
}
