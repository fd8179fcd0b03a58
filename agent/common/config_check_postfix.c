/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Our ports against Postfix' services, our limits against Postfix' own.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "config_audit.h"
#include "parse.h"

static const char *const limits[] = {
	"smtpd_client_connection_rate_limit",
	"smtpd_client_connection_count_limit",
	"smtpd_client_message_rate_limit",
	"smtpd_client_recipient_rate_limit",
};

#define LIMITS (sizeof(limits) / sizeof(limits[0]))

static bool is_rate(const char *name)
{
	return strcmp(name, "smtpd_client_connection_count_limit") != 0;
}

/* Limits by the address on the wire, which hold nothing behind a proxy. */
static bool is_of_packets(const char *name)
{
	return strstr(name, "_connection_") != NULL;
}

/* --- ports --- */

static const struct postfix_service *other_server(const struct postfix *postfix, uint16_t port)
{
	for (size_t i = 0; i < postfix->count; i++) {
		const struct postfix_instance *instance = &postfix->instances[i];

		for (size_t j = 0; j < instance->service_count; j++) {
			if (instance->services[j].inet && instance->services[j].port == port)
				return &instance->services[j];
		}
	}
	return NULL;
}

static void check_row(const struct audit *audit, size_t index)
{
	const struct postfix *postfix = audit->config->values->postfix;
	const struct config_service *service = &audit->config->services[index];
	const struct postfix_service *other = other_server(postfix, service->port);

	if (postfix->rows[index].owner)
		return;
	if (other)
		warn(audit, "protected_ports",
		     "%s: its service (%s:%u) is no smtpd or postscreen that these packets reach, "
		     "so "
		     "limits are those of main.cf; correct the row or leave it out",
		     service->label, other->origin.file, other->origin.line);
	else
		warn(audit, "protected_ports",
		     "%s: no service in %s listens there; leave it out, or name its Postfix in "
		     "postfix_config_directory",
		     service->label, postfix->instances[0].master_cf);
}

static bool is_loopback(const struct sa_address *address)
{
	struct config_service any = { .any_address = true, .port = 1 };
	const struct postfix_service service = { .inet = true,
						 .port = 1,
						 .role = POSTFIX_SMTPD,
						 .host = POSTFIX_ADDRESS,
						 .address = *address };

	return postfix_fit(&any, NULL, &service) == 1;
}

/* Whether no packet from a network reaches the service. */
static bool is_local(const struct postfix_instance *instance, const struct postfix_service *service)
{
	if (service->host != POSTFIX_INTERFACES)
		return service->host == POSTFIX_ADDRESS && is_loopback(&service->address);
	for (size_t i = 0; i < instance->address_count; i++) {
		if (!is_loopback(&instance->addresses[i]))
			return false;
	}
	return !instance->all_interfaces && !instance->unknown_interfaces;
}

/* The row that packets to the service meet, if there is one; own: and whose limits are the
 * service's. */
static const struct config_service *row_of(const struct audit *audit,
					   const struct postfix_instance *instance,
					   const struct postfix_service *service, bool *ret_own)
{
	const struct config_service *found = NULL;

	*ret_own = false;
	for (size_t i = 0; i < audit->config->service_count; i++) {
		const struct config_service *row = &audit->config->services[i];

		*ret_own = *ret_own || audit->config->values->postfix->rows[i].owner == service;
		if (postfix_fit(row, instance, service) > 0)
			found = row;
	}
	return found;
}

static void check_service(const struct audit *audit, const struct postfix_instance *instance,
			  const struct postfix_service *service)
{
	const struct config_service *row;
	bool own;

	if (!service->inet || is_local(instance, service) ||
	    (service->role != POSTFIX_SMTPD && service->role != POSTFIX_POSTSCREEN))
		return;
	row = row_of(audit, instance, service, &own);
	if (!row)
		warn_at(audit, &service->origin, "protected_ports",
			"service %s listens on port %u, which is not protected; add %s to "
			"protected_ports",
			service->name, service->port, service->name);
	else if (!own)
		warn_at(audit, &service->origin, "protected_ports",
			"service %s meets the row %s, which has the limits of another service; add "
			"ADDRESS:%u to protected_ports",
			service->name, row->label, service->port);
}

/* --- limits --- */

/* What is in force for a row. */
static const struct config_setting *effective(const struct audit *audit, size_t index,
					      const char *name)
{
	const struct config_values *values = audit->config->values;
	const struct config_setting *general = audit_setting(audit, name);

	for (size_t i = 0; i < values->override_count; i++) {
		if (values->overrides[i].parameter == general->parameter &&
		    values->overrides[i].service == index)
			return &values->overrides[i];
	}
	return general;
}

static int postfix_number(struct audit *audit, struct config_scope *scope, const char *name,
			  long *ret_number, const struct config_setting **ret_setting)
{
	int r = config_scope_value(&audit->loader, scope, name, ret_setting);
	int seconds = 0;

	*ret_number = 0;
	if (r < 0)
		return r == -EINVAL ? 0 : r;
	if (strcmp(name, "anvil_rate_time_unit") != 0) {
		(void)parse_long((*ret_setting)->value.data, ret_number);
		*ret_number = *ret_number > INT_MAX ? INT_MAX : *ret_number;
		return 0;
	}
	(void)parse_time((*ret_setting)->value.data, 's', &seconds);
	*ret_number = seconds;
	return 0;
}

/* limit a unit of ours against Postfix'. */
static bool is_laxer(long ours, long our_unit, long theirs, long their_unit)
{
	__extension__ typedef __int128 wide;

	return theirs > 0 && (ours <= 0 || (wide)ours * their_unit > (wide)theirs * our_unit);
}

struct comparison {
	const char *name;
	const struct config_setting *ours;
	const struct config_setting *theirs;
	long our_number;
	long their_number;
	long our_unit; /* seconds; of what is no rate 1 */
	long their_unit;
};

static void report_laxer(const struct audit *audit, size_t index, const struct comparison *c)
{
	const struct config_setting *unit = audit_setting(audit, "anvil_rate_time_unit");
	const bool limit_is_ours = c->ours->origin.kind == CONFIG_FROM_FILE;
	const long most = c->their_number * c->our_unit / c->their_unit;
	char our_unit[48] = "";
	char their_unit[48] = "";
	char place[PATH_MAX + 32] = "its default";

	if (is_rate(c->name)) {
		(void)snprintf(our_unit, sizeof(our_unit), " in %ld s", c->our_unit);
		(void)snprintf(their_unit, sizeof(their_unit), " in %ld s", c->their_unit);
	}
	if (c->theirs->origin.kind != CONFIG_FROM_DEFAULT)
		(void)snprintf(place, sizeof(place), "%s:%u", c->theirs->origin.file,
			       c->theirs->origin.line);
	warn_at(audit, limit_is_ours ? &c->ours->origin : &unit->origin,
		limit_is_ours ? config_setting_name(c->ours) : unit->parameter->name,
		"%s: %s %ld%s is laxer than Postfix' %ld%s (%s), which refuses what passes here; "
		"write at most %ld, or raise Postfix'",
		audit->config->services[index].label, c->name, c->our_number, our_unit,
		c->their_number, their_unit, place, most > 0 ? most : 1);
}

static int check_limit(struct audit *audit, size_t index, struct config_scope *scope,
		       const char *name)
{
	const struct config_setting *unit = audit_setting(audit, "anvil_rate_time_unit");
	struct comparison c = { .name = name, .our_unit = 1, .their_unit = 1 };
	int r = 0;

	c.ours = effective(audit, index, name);
	/* What comes from Postfix is the same. */
	if (c.ours->origin.kind != CONFIG_FROM_FILE &&
	    (!is_rate(name) || unit->origin.kind != CONFIG_FROM_FILE))
		return 0;
	if (audit->config->services[index].behind_proxy && is_of_packets(name))
		return 0;
	if (is_rate(name)) {
		c.our_unit = (long)audit->config->rate_time_unit_s;
		r = postfix_number(audit, scope, unit->parameter->name, &c.their_unit, &c.theirs);
	}
	if (r == 0)
		r = postfix_number(audit, scope, name, &c.their_number, &c.theirs);
	(void)parse_long(c.ours->value.data, &c.our_number);
	if (r == 0 && is_laxer(c.our_number, c.our_unit, c.their_number, c.their_unit))
		report_laxer(audit, index, &c);
	return r;
}

static int check_limits(struct audit *audit, size_t index)
{
	const struct postfix_row *row = &audit->config->values->postfix->rows[index];
	struct config_scope *scope;
	int r = 0;

	if (!row->owner)
		return 0;
	scope = config_scope_new(audit->config->values, SCOPE_POSTFIX, row->instance, row->smtpd);
	if (!scope)
		return -ENOMEM;
	for (size_t i = 0; i < LIMITS && r == 0; i++)
		r = check_limit(audit, index, scope, limits[i]);
	config_scope_free(scope);
	return r;
}

int audit_postfix(struct audit *audit)
{
	const struct postfix *postfix = audit->config->values->postfix;
	int r = 0;

	if (!postfix)
		return 0;
	for (size_t i = 0; i < audit->config->service_count && r == 0; i++) {
		check_row(audit, i);
		r = check_limits(audit, i);
	}
	for (size_t i = 0; i < postfix->count; i++) {
		for (size_t j = 0; j < postfix->instances[i].service_count; j++)
			check_service(audit, &postfix->instances[i],
				      &postfix->instances[i].services[j]);
	}
	return r;
}
