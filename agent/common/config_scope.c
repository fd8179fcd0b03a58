/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a name means at one place: -o of the service, main.cf, Postfix' default; and before these,
 * where that is wanted, what the configuration file itself sets.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config_postfix.h"

#define BUCKETS 1024

/* A setting that was asked for, with a name of its own. */
struct scope_name {
	struct scope_name *next;
	struct config_parameter parameter;
	struct config_setting setting;
	char name[];
};

struct config_scope {
	struct config_values *values;
	enum scope_rule rule;
	const struct postfix_instance *instance;
	const struct postfix_service *service;
	struct scope_name *names[BUCKETS];
};

/* main.cf may have thousands of names, and a value may ask for each of them. */
static size_t bucket_of(const char *name, size_t size)
{
	size_t hash = 5381;

	for (size_t i = 0; i < size; i++)
		hash = hash * 33 + (unsigned char)name[i];
	return hash % BUCKETS;
}

static const struct {
	const char *name;
	const char *preset;
} presets[] = {
	{ "smtpd_client_connection_count_limit", "50" },
	{ "default_process_limit", "100" },
	{ "smtpd_client_event_limit_exceptions",
	  "${smtpd_client_connection_limit_exceptions:$mynetworks}" },
	{ "smtpd_client_connection_limit_exceptions", "" },
	{ "smtpd_authorized_xclient_hosts", "" },
	{ "smtpd_upstream_proxy_protocol", "" },
	{ "postscreen_upstream_proxy_protocol", "" },
	{ "postscreen_pre_queue_limit", "$default_process_limit" },
	{ "smtpd_service_name", "smtpd" },
	{ "inet_interfaces", "all" },
	{ "master_service_disable", "" },
	{ "compatibility_level", "0" },
	{ "stress", "" },
	{ "mail_owner", "postfix" },
	{ "data_directory", "/var/lib/postfix" },
	{ "smtpd_restriction_classes", "" },
	{ "smtpd_client_restrictions", "" },
	{ "smtpd_helo_restrictions", "" },
	{ "smtpd_sender_restrictions", "" },
	{ "smtpd_relay_restrictions", "" },
	{ "smtpd_recipient_restrictions", "" },
	{ "smtpd_etrn_restrictions", "" },
	{ "smtpd_data_restrictions", "" },
	{ "smtpd_end_of_data_restrictions", "" },
	{ "smtpd_milters", "" },
	{ "milter_default_action", "tempfail" },
	{ "smtpd_policy_service_default_action", "451 4.3.5 Server configuration problem" },
	{ "smtpd_policy_service_timeout", "100s" },
	{ "smtpd_policy_service_try_limit", "2" },
	{ "smtpd_policy_service_retry_delay", "1s" },
};

const char *postfix_preset(const char *name)
{
	const struct config_parameter *parameter = config_parameter_find(name, strlen(name));

	for (size_t i = 0; i < sizeof(presets) / sizeof(presets[0]); i++) {
		if (strcmp(presets[i].name, name) == 0)
			return presets[i].preset;
	}
	return parameter && parameter->in_postfix ? parameter->preset : NULL;
}

struct config_scope *config_scope_new(struct config_values *values, enum scope_rule rule,
				      const struct postfix_instance *instance,
				      const struct postfix_service *service)
{
	struct config_scope *scope = calloc(1, sizeof(*scope));

	if (scope)
		*scope = (struct config_scope){ values, rule, instance, service, { NULL } };
	return scope;
}

static void name_free(struct scope_name *name)
{
	free(name->setting.raw);
	free(name->setting.value.data);
	free(name->setting.spans);
	free(name);
}

struct config_scope *config_scope_free(struct config_scope *scope)
{
	for (size_t i = 0; scope && i < BUCKETS; i++) {
		while (scope->names[i]) {
			struct scope_name *name = scope->names[i];

			scope->names[i] = name->next;
			name_free(name);
		}
	}
	free(scope);
	return NULL;
}

static int compare_names(const void *name, const void *item)
{
	return strcmp(name, ((const struct postfix_assignment *)item)->name);
}

/* Where Postfix would read it, NULL if nothing sets it. */
static const struct postfix_assignment *assignment_find(const struct config_scope *scope,
							const char *name)
{
	const struct postfix_assignments *main = &scope->instance->parameters;

	/* The last of several -o counts. */
	for (size_t i = scope->service ? scope->service->options.count : 0; i > 0; i--) {
		const struct postfix_assignment *option = &scope->service->options.items[i - 1];

		if (strcmp(option->name, name) == 0)
			return option;
	}
	return main->count == 0 ? NULL
				: bsearch(name, main->items, main->count, sizeof(*main->items),
					  compare_names);
}

/* Of what the installation or the service itself decides. */
static const char *default_of(const struct config_scope *scope, const char *name)
{
	if (strcmp(name, "config_directory") == 0)
		return scope->instance->directory;
	if (strcmp(name, "service_name") == 0 && scope->service)
		return scope->service->name;
	return postfix_preset(name);
}

static struct config_setting *name_add(struct config_scope *scope, struct scope_name *entry)
{
	const struct postfix_assignment *assignment = assignment_find(scope, entry->name);
	const char *preset = default_of(scope, entry->name);
	size_t bucket;

	if (!assignment && !preset)
		return NULL;
	entry->parameter =
		(struct config_parameter){ .name = entry->name, .preset = preset ? preset : "" };
	entry->setting = (struct config_setting){ .parameter = &entry->parameter };
	/* For messages about defaults that cannot be right where this main.cf is read. */
	entry->setting.origin.file = scope->instance->main_cf;
	if (assignment) {
		entry->setting.raw = strdup(assignment->value);
		entry->setting.origin = assignment->origin;
		if (!entry->setting.raw)
			return NULL;
	}
	bucket = bucket_of(entry->name, strlen(entry->name));
	entry->next = scope->names[bucket];
	scope->names[bucket] = entry;
	return &entry->setting;
}

/* The file's own setting, where that is what counts. */
static struct config_setting *file_setting(const struct config_scope *scope, const char *name,
					   size_t size)
{
	const struct config_parameter *parameter = config_parameter_find(name, size);
	struct config_setting *setting;

	if (!parameter || scope->rule == SCOPE_POSTFIX)
		return NULL;
	setting = &scope->values->settings[parameter - config_parameters];
	return scope == scope->values->postfix->base || setting->origin.kind == CONFIG_FROM_FILE ||
			       !parameter->in_postfix
		       ? setting
		       : NULL;
}

struct config_setting *config_scope_find(struct config_scope *scope, const char *name, size_t size)
{
	struct config_setting *setting = file_setting(scope, name, size);
	struct scope_name *entry;

	if (setting)
		return setting;
	for (entry = scope->names[bucket_of(name, size)]; entry; entry = entry->next) {
		if (strlen(entry->name) == size && memcmp(entry->name, name, size) == 0)
			return &entry->setting;
	}
	entry = calloc(1, sizeof(*entry) + size + 1);
	if (!entry)
		return NULL;
	memcpy(entry->name, name, size);
	setting = name_add(scope, entry);
	if (!setting)
		free(entry);
	return setting;
}

int config_scope_value(struct config_loader *loader, struct config_scope *scope, const char *name,
		       const struct config_setting **ret_setting)
{
	struct config_setting *setting = config_scope_find(scope, name, strlen(name));
	struct config_scope *outer = loader->scope;
	int r;

	if (!setting)
		return -ENOMEM;
	/* One message says that the budget is used up, not one for each name. */
	if (setting->state != CONFIG_EXPANDED && loader->expansion_left == 0)
		return -EINVAL;
	loader->scope = scope;
	r = config_expand_setting(loader, setting);
	loader->scope = outer;
	*ret_setting = setting;
	return r == 0 && setting->failed ? -EINVAL : r;
}
