/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Links of the packet path. Link creation tells no more than an errno, so what else is known of an
 * interface (another program, its MTU) is asked for here to say more.
 */
#include "attachment.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cleanup.h"
#include "pins.h"

#define LINK_PREFIX    "link-"
#define LINK_NAME_SIZE 32

/*
 * What fits into one page beside the packet's headroom and the kernel's bookkeeping: drivers that
 * can't spread a frame over pages in native mode refuse a larger MTU. Some stop a few bytes earlier
 * or later.
 */
#define ONE_PAGE_MTU 3498

static void link_name(uint32_t ifindex, char name[static LINK_NAME_SIZE])
{
	(void)snprintf(name, LINK_NAME_SIZE, LINK_PREFIX "%" PRIu32, ifindex);
}

static int link_info(int link, struct bpf_link_info *ret_info)
{
	struct bpf_link_info info = {};
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(link, &info, &size))
		return -errno;
	if (info.type != BPF_LINK_TYPE_XDP)
		return -EINVAL;
	*ret_info = info;
	return 0;
}

bool attachment_holds(int link, uint32_t ifindex)
{
	struct bpf_link_info info = {};

	return link_info(link, &info) == 0 && info.xdp.ifindex == ifindex;
}

static int query(uint32_t ifindex, struct bpf_xdp_query_opts *ret_found)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, found);
	int error = bpf_xdp_query((int)ifindex, 0, &found);

	if (error)
		return error;
	*ret_found = found;
	return 0;
}

static uint32_t found_program(const struct bpf_xdp_query_opts *found)
{
	if (found->attach_mode == XDP_ATTACHED_DRV)
		return found->drv_prog_id;
	if (found->attach_mode == XDP_ATTACHED_SKB)
		return found->skb_prog_id;
	return found->hw_prog_id ? found->hw_prog_id : found->prog_id;
}

/*
 * The pinned link of this interface, or -ENOENT. A link that lost its interface, or that belongs to
 * one of the same index in another network namespace, is none.
 */
static int link_find(uint32_t ifindex, const struct bpf_xdp_query_opts *found)
{
	char name[LINK_NAME_SIZE];
	struct bpf_link_info info = {};
	_cleanup_close_ int link = -1;

	link_name(ifindex, name);
	link = pins_get(name);
	if (link < 0)
		return -ENOENT;
	if (link_info(link, &info) || info.xdp.ifindex != ifindex ||
	    found_program(found) != info.prog_id)
		return -ENOENT;
	return TAKE_FD(link);
}

/* The name needs CAP_SYS_ADMIN: it is there at the start, and left out when an interface appears
 * later. */
static int explain_other(const char *interface, uint32_t id, struct explanation *reterr_why)
{
	_cleanup_close_ int program = bpf_prog_get_fd_by_id(id);
	struct bpf_prog_info info = {};
	uint32_t size = sizeof(info);

	if (program >= 0 && bpf_obj_get_info_by_fd(program, &info, &size) == 0 && info.name[0])
		return explain(reterr_why, -EBUSY,
			       "interface %s already has another XDP program, %.15s (id %" PRIu32
			       "); it stays there, detach it first",
			       interface, info.name, id);
	return explain(reterr_why, -EBUSY,
		       "interface %s already has another XDP program (id %" PRIu32
		       "); it stays there, detach it first",
		       interface, id);
}

/* The packet path reads Ethernet headers: on a tunnel without them it would attach, and see no
 * attempt. */
static int ethernet_check(const char *name, struct explanation *reterr_why)
{
	_cleanup_close_ int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {};

	strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
	if (any < 0 || ioctl(any, SIOCGIFHWADDR, &request) ||
	    request.ifr_hwaddr.sa_family == ARPHRD_ETHER ||
	    request.ifr_hwaddr.sa_family == ARPHRD_LOOPBACK)
		return 0;
	return explain(reterr_why, -EMEDIUMTYPE,
		       "interface %s has no Ethernet headers: it cannot be protected", name);
}

/* *ret_link is the pinned link or -1; *ret_found what is attached. */
static int inspect(const char *name, uint32_t ifindex, struct bpf_xdp_query_opts *ret_found,
		   int *ret_link, struct explanation *reterr_why)
{
	int link, error = ethernet_check(name, reterr_why);

	if (error)
		return error;
	error = query(ifindex, ret_found);
	if (error)
		return explain(reterr_why, error, "cannot ask interface %s for its XDP program: %s",
			       name, strerror(-error));
	link = link_find(ifindex, ret_found);
	if (link < 0 && ret_found->attach_mode != XDP_ATTACHED_NONE)
		return explain_other(name, found_program(ret_found), reterr_why);
	*ret_link = link < 0 ? -1 : link;
	return 0;
}

int attachment_check(const char *name, uint32_t ifindex, struct explanation *reterr_why)
{
	struct bpf_xdp_query_opts found = {};
	_cleanup_close_ int link = -1;

	return inspect(name, ifindex, &found, &link, reterr_why);
}

static unsigned interface_mtu(const char *name)
{
	_cleanup_close_ int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {};

	strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
	if (any < 0 || ioctl(any, SIOCGIFMTU, &request) || request.ifr_mtu < 0)
		return 0;
	return (unsigned)request.ifr_mtu;
}

static int explain_native(const char *name, int error, const char *consequence,
			  struct explanation *why)
{
	unsigned mtu = interface_mtu(name);

	if (mtu > ONE_PAGE_MTU)
		return explain(why, error,
			       "interface %s does not take XDP programs natively (%s), maybe for "
			       "its MTU of %u: many "
			       "drivers can do no more than %d; %s",
			       name, strerror(-error), mtu, ONE_PAGE_MTU, consequence);
	return explain(why, error, "interface %s does not take XDP programs natively (%s); %s",
		       name, strerror(-error), consequence);
}

static int link_create(uint32_t ifindex, int program, enum interface_mode mode)
{
	LIBBPF_OPTS(bpf_link_create_opts, options,
		    .flags = mode == INTERFACE_NATIVE ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE);
	int link = bpf_link_create(program, (int)ifindex, BPF_XDP, &options);

	return link < 0 ? -errno : link;
}

static bool means_other_program(int error)
{
	return error == -EBUSY || error == -EEXIST;
}

/* A link in the wanted mode; in auto mode native if the driver can. */
static int link_make(const char *name, uint32_t ifindex, enum config_xdp_mode wanted, int program,
		     enum interface_mode *ret_mode, struct explanation *ret_note)
{
	enum interface_mode mode =
		wanted == CONFIG_XDP_GENERIC ? INTERFACE_GENERIC : INTERFACE_NATIVE;
	int link = link_create(ifindex, program, mode);

	if (link < 0 && mode == INTERFACE_NATIVE && !means_other_program(link) && link != -ENODEV) {
		if (wanted == CONFIG_XDP_NATIVE)
			return explain_native(name, link, "xdp_mode = native asks for it",
					      ret_note);
		(void)explain_native(name, link, "going on in generic mode", ret_note);
		mode = INTERFACE_GENERIC;
		link = link_create(ifindex, program, mode);
	}
	if (means_other_program(link))
		return explain(ret_note, link, "interface %s already has another XDP program",
			       name);
	if (link < 0)
		return explain(ret_note, link, "cannot attach to interface %s: %s", name,
			       strerror(-link));
	*ret_mode = mode;
	return link;
}

static bool mode_suits(enum interface_mode mode, enum config_xdp_mode wanted)
{
	if (wanted == CONFIG_XDP_NATIVE)
		return mode == INTERFACE_NATIVE;
	if (wanted == CONFIG_XDP_GENERIC)
		return mode == INTERFACE_GENERIC;
	return true;
}

static int pin(const char *name, uint32_t ifindex, int link, struct explanation *reterr_why)
{
	char pin_name[LINK_NAME_SIZE];
	int error;

	link_name(ifindex, pin_name);
	error = pins_put(pin_name, link);
	if (error)
		return explain(reterr_why, error, "cannot pin the link of interface %s: %s", name,
			       strerror(-error));
	return 0;
}

static int make_new(const char *name, uint32_t ifindex, enum config_xdp_mode wanted, int program,
		    struct attachment *ret_attachment, struct explanation *ret_note)
{
	_cleanup_close_ int link = -1;
	enum interface_mode mode = INTERFACE_DETACHED;
	int error;

	link = link_make(name, ifindex, wanted, program, &mode, ret_note);
	if (link < 0)
		return link;
	error = pin(name, ifindex, link, ret_note);
	if (error)
		return error;
	*ret_attachment = (struct attachment){ .link = TAKE_FD(link), .mode = mode };
	return 0;
}

/*
 * The one change that no update in place can make: the kernel keeps an interface from having both
 * modes. It happens only when the administrator asks for another mode; if that fails the former one
 * comes back.
 */
static int change_mode(const char *name, uint32_t ifindex, enum config_xdp_mode wanted, int program,
		       int link, struct attachment *ret_attachment, struct explanation *ret_note)
{
	enum config_xdp_mode former =
		wanted == CONFIG_XDP_NATIVE ? CONFIG_XDP_GENERIC : CONFIG_XDP_NATIVE;
	struct attachment back = { .link = -1 };
	struct explanation ignored;
	int error;

	attachment_remove(ifindex, link);
	error = make_new(name, ifindex, wanted, program, ret_attachment, ret_note);
	if (error && make_new(name, ifindex, former, program, &back, &ignored) == 0)
		(void)close(back.link);
	return error;
}

int attachment_make(const char *name, uint32_t ifindex, enum config_xdp_mode wanted, int program,
		    struct attachment *ret_attachment, struct explanation *ret_note)
{
	_cleanup_close_ int link = -1;
	struct bpf_xdp_query_opts found = {};
	enum interface_mode mode;
	int error;

	ret_note->text[0] = '\0';
	error = inspect(name, ifindex, &found, &link, ret_note);
	if (error)
		return error;
	if (link < 0)
		return make_new(name, ifindex, wanted, program, ret_attachment, ret_note);
	mode = found.attach_mode == XDP_ATTACHED_SKB ? INTERFACE_GENERIC : INTERFACE_NATIVE;
	if (!mode_suits(mode, wanted))
		return change_mode(name, ifindex, wanted, program, TAKE_FD(link), ret_attachment,
				   ret_note);
	if (bpf_link_update(link, program, NULL))
		return explain(ret_note, -errno, "cannot replace the program of interface %s: %s",
			       name, strerror(errno));
	*ret_attachment =
		(struct attachment){ .link = TAKE_FD(link), .mode = mode, .adopted = true };
	return 0;
}

void attachment_remove(uint32_t ifindex, int link)
{
	char name[LINK_NAME_SIZE];

	link_name(ifindex, name);
	(void)pins_remove(name);
	if (link >= 0)
		(void)close(link);
}

struct kept {
	const uint32_t *ifindexes;
	size_t count;
};

static int remove_unless_kept(const char *name, void *context)
{
	const struct kept *kept = context;
	char kept_name[LINK_NAME_SIZE];

	for (size_t i = 0; i < kept->count; i++) {
		link_name(kept->ifindexes[i], kept_name);
		if (kept->ifindexes[i] && strcmp(name, kept_name) == 0)
			return 0;
	}
	return pins_remove(name);
}

int attachment_remove_others(int pins, const uint32_t *ifindexes, size_t count)
{
	struct kept kept = { ifindexes, count };

	return pins_each(pins, LINK_PREFIX, remove_unless_kept, &kept);
}
