/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interface list. Its order of work when an interface appears: settings first, so that its
 * packets are counted under its name from the first one on, then the link.
 */
#include "interfaces.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include "attachment.h"
#include "bpf_object.h"
#include "daemon.h"
#include "log.h"
#include "settings.h"

const char *interface_mode_name(enum interface_mode mode)
{
	switch (mode) {
	case INTERFACE_NATIVE:
		return "native";
	case INTERFACE_GENERIC:
		return "generic";
	case INTERFACE_DETACHED:
		break;
	}
	return NULL;
}

static const struct interface *find(const struct interfaces *interfaces, const char *name)
{
	for (size_t i = 0; interfaces && i < interfaces->count; i++)
		if (strcmp(interfaces->items[i].name, name) == 0)
			return &interfaces->items[i];
	return NULL;
}

bool interfaces_concern(const struct interfaces *interfaces, const char *name, uint32_t ifindex)
{
	for (size_t i = 0; i < interfaces->count; i++)
		if (interfaces->items[i].ifindex == ifindex ||
		    strcmp(interfaces->items[i].name, name) == 0)
			return true;
	return false;
}

int interfaces_plan(const struct config *config, const struct interfaces *now,
		    struct interfaces *ret_wanted, struct explanation *reterr_why)
{
	struct interfaces wanted = {};
	int error;

	for (size_t i = 0; i < config->interface_count && i < SA_INTERFACE_SLOTS; i++) {
		const struct interface *known = find(now, config->interfaces[i]);
		struct interface *item = &wanted.items[wanted.count++];

		if (known) {
			*item = *known;
			continue;
		}
		*item = (struct interface){ .link = -1 };
		strncpy(item->name, config->interfaces[i], sizeof(item->name) - 1);
		item->ifindex = if_nametoindex(item->name);
		error = item->ifindex ? attachment_check(item->name, item->ifindex, reterr_why) : 0;
		if (error)
			return explain_parameter(reterr_why, error, "interfaces");
	}
	*ret_wanted = wanted;
	return 0;
}

bool interfaces_place(const struct interfaces *interfaces, struct sa_settings *settings)
{
	bool changed = false;

	for (size_t i = 0; i < interfaces->count; i++)
		if (settings_interface_place(settings, interfaces->items[i].name,
					     interfaces->items[i].ifindex))
			changed = true;
	return changed;
}

static void warn_missing(struct interface *interface)
{
	if (!interface->warned)
		log_warning("interface %s does not exist: it is attached as soon as it appears",
			    interface->name);
	interface->warned = true;
}

static int attach(struct interface *interface, enum config_xdp_mode mode, int program,
		  struct explanation *reterr_why)
{
	struct attachment attachment = { .link = -1 };
	int error = attachment_make(interface->name, interface->ifindex, mode, program, &attachment,
				    reterr_why);

	if (error)
		return error;
	interface->link = attachment.link;
	interface->mode = attachment.mode;
	interface->adopted = attachment.adopted;
	interface->warned = false;
	if (reterr_why->text[0])
		log_warning("%s", reterr_why->text);
	log_info("interface %s: %s in %s mode", interface->name,
		 attachment.adopted ? "adopted" : "attached", interface_mode_name(interface->mode));
	return 0;
}

int interfaces_attach(struct interfaces *interfaces, enum config_xdp_mode mode, int program,
		      struct explanation *reterr_why)
{
	int error = 0;

	for (size_t i = 0; i < interfaces->count && !error; i++) {
		struct interface *interface = &interfaces->items[i];

		if (!interface->ifindex)
			warn_missing(interface);
		else if (!interface_attached(interface))
			error = attach(interface, mode, program, reterr_why);
	}
	return explain_parameter(reterr_why, error, "interfaces");
}

static void detach(struct interface *interface)
{
	if (!interface_attached(interface))
		return;
	attachment_remove(interface->ifindex, interface->link);
	interface->link = -1;
	interface->mode = INTERFACE_DETACHED;
}

void interfaces_detach(struct interfaces *gone, const struct interfaces *kept)
{
	for (size_t i = 0; i < gone->count; i++) {
		struct interface *interface = &gone->items[i];

		if (!interface_attached(interface) || find(kept, interface->name))
			continue;
		detach(interface);
		log_info("interface %s: detached", interface->name);
	}
}

void interfaces_detach_own(struct interfaces *interfaces)
{
	for (size_t i = 0; i < interfaces->count; i++)
		if (!interfaces->items[i].adopted)
			detach(&interfaces->items[i]);
}

void interfaces_close(struct interfaces *interfaces)
{
	for (size_t i = 0; i < interfaces->count; i++) {
		if (interfaces->items[i].link >= 0)
			(void)close(interfaces->items[i].link);
		interfaces->items[i].link = -1;
	}
	interfaces->count = 0;
}

int interfaces_remove_others(const struct interfaces *interfaces, int pins)
{
	uint32_t kept[SA_INTERFACE_SLOTS];

	for (size_t i = 0; i < interfaces->count; i++)
		kept[i] = interfaces->items[i].ifindex;
	return attachment_remove_others(pins, kept, interfaces->count);
}

/* What the kernel says of one interface now. */
static void look(struct interface *interface)
{
	uint32_t ifindex = if_nametoindex(interface->name);

	if (interface_attached(interface) &&
	    (ifindex != interface->ifindex || !attachment_holds(interface->link, ifindex))) {
		log_warning("interface %s %s", interface->name,
			    ifindex == interface->ifindex
				    ? "lost its link to the packet path: attaching again"
				    : "is gone: it is attached again when it returns");
		detach(interface);
		interface->warned = !ifindex;
	}
	if (ifindex && ifindex != interface->ifindex)
		interface->warned = false;
	interface->ifindex = ifindex;
}

void interfaces_follow(struct daemon *daemon)
{
	struct interfaces *interfaces = &daemon->interfaces;
	struct sa_settings settings = daemon->settings;
	int error = 0;

	for (size_t i = 0; i < interfaces->count; i++)
		look(&interfaces->items[i]);
	if (interfaces_place(interfaces, &settings)) {
		error = tables_settings_switch(&daemon->tables, &settings);
		if (!error)
			daemon->settings = settings;
		else
			log_error("cannot write the settings of the packet path: %s",
				  strerror(-error));
	}
	for (size_t i = 0; i < interfaces->count && !error; i++) {
		struct interface *interface = &interfaces->items[i];
		struct explanation why;

		if (!interface->ifindex || interface_attached(interface))
			continue;
		if (attach(interface, daemon->xdp_mode, bpf_object_program_fd(daemon->program),
			   &why) == 0)
			continue;
		if (!interface->warned)
			log_error("%s", why.text);
		interface->warned = true;
	}
}
