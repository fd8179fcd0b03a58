/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where an instance listens by its main.cf: the addresses of inet_interfaces, and services that
 * master_service_disable keeps from listening. What master(8) would not start with is an error.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cleanup.h"
#include "config_postfix.h"

#define INTERFACES "inet_interfaces"
#define DISABLED   "master_service_disable"

/* Each is compared with each row, each pattern with each service. */
#define ADDRESSES_MAX      1000
#define DISABLED_BYTES_MAX 65536

static void refuse(struct config_loader *loader, const struct config_setting *setting,
		   const char *reason)
{
	config_error(loader, &setting->origin, INTERFACES, CONFIG_QUOTED ": %s",
		     config_quoted(setting->value.data, setting->value.size), reason);
}

static bool is_wildcard(const struct sa_address *address)
{
	static const char *const texts[] = { "0.0.0.0", "::" };
	struct sa_address wildcard;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (address_parse(texts[i], &wildcard) == 0 &&
		    memcmp(&wildcard, address, sizeof(wildcard)) == 0)
			return true;
	}
	return false;
}

static int address_add(struct postfix_instance *instance, const struct sa_address *address)
{
	struct sa_address *grown =
		reallocarray(instance->addresses, instance->address_count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	instance->addresses = grown;
	grown[instance->address_count++] = *address;
	return 0;
}

static int interface_add(struct config_loader *loader, struct postfix_instance *instance,
			 const struct config_setting *setting, const char *text)
{
	struct sa_address address;

	if (strcasecmp(text, "localhost") == 0)
		text = "127.0.0.1";
	if (address_parse(text, &address) < 0) {
		instance->unknown_interfaces = true;
		return 0;
	}
	if (is_wildcard(&address)) {
		refuse(loader, setting, "Postfix takes no wildcard here; write all");
		return 0;
	}
	if (instance->address_count == ADDRESSES_MAX) {
		config_error(loader, &setting->origin, INTERFACES, "more than %d addresses",
			     ADDRESSES_MAX);
		return -EINVAL;
	}
	return address_add(instance, &address);
}

/* "all" and "loopback-only" stand alone: in a list Postfix takes them for names of hosts. */
static int keyword_add(struct config_loader *loader, struct postfix_instance *instance,
		       const struct config_setting *setting, bool alone, const char *text)
{
	struct sa_address address;
	int r;

	if (!alone) {
		refuse(loader, setting,
		       "\"all\" and \"loopback-only\" stand alone and in lower case, Postfix "
		       "refuses this");
		return 0;
	}
	instance->all_interfaces = strcmp(text, "all") == 0;
	if (instance->all_interfaces)
		return 0;
	(void)address_parse("127.0.0.1", &address);
	r = address_add(instance, &address);
	(void)address_parse("::1", &address);
	return r == 0 ? address_add(instance, &address) : r;
}

static bool is_keyword(const char *text)
{
	return strcasecmp(text, "all") == 0 || strcasecmp(text, "loopback-only") == 0;
}

/* The host's own names have defaults that only the host knows. */
static bool names_the_host(struct config_scope *scope, const struct config_setting *setting)
{
	static const char *const names[] = { "myhostname", "mydomain" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (setting->raw && strstr(setting->raw, names[i]) &&
		    !config_scope_find(scope, names[i], strlen(names[i])))
			return true;
	}
	return false;
}

static int interfaces_read(struct config_loader *loader, struct postfix_instance *instance,
			   struct config_scope *scope)
{
	const struct config_setting *setting;
	const char *cursor, *end;
	struct config_word word;
	size_t count = 0;
	int r = config_scope_value(loader, scope, INTERFACES, &setting);

	if (r < 0)
		return r;
	cursor = setting->value.data;
	end = cursor + setting->value.size;
	instance->unknown_interfaces = names_the_host(scope, setting);
	while (r == 0 && !config_hopeless(loader) && config_word_next(&cursor, end, &word)) {
		_cleanup_free_ char *name = strndup(word.text, word.size);
		const char *after = cursor;
		struct config_word more;

		if (!name)
			return -ENOMEM;
		if (is_keyword(name))
			r = keyword_add(loader, instance, setting,
					count == 0 &&
						(strcmp(name, "all") == 0 ||
						 strcmp(name, "loopback-only") == 0) &&
						!config_word_next(&after, end, &more),
					name);
		else
			r = interface_add(loader, instance, setting, name);
		count++;
	}
	if (count == 0 && !instance->unknown_interfaces)
		refuse(loader, setting, "Postfix needs an address to listen on; write all");
	return r;
}

/* name/type or type, as master(8) compares them. */
static bool is_meant(const struct postfix_service *service, const struct config_word *pattern)
{
	const size_t name_size = strlen(service->name);
	const size_t type_size = strlen(service->type);
	const char *text = pattern->text;

	if (pattern->size == type_size)
		return strncasecmp(text, service->type, type_size) == 0;
	return pattern->size == name_size + 1 + type_size &&
	       strncasecmp(text, service->name, name_size) == 0 && text[name_size] == '/' &&
	       strncasecmp(text + name_size + 1, service->type, type_size) == 0;
}

/* The first match decides. */
static bool is_disabled(const struct postfix_service *service, const struct config_setting *list)
{
	const char *cursor = list->value.data;
	struct config_word pattern;

	while (config_word_next(&cursor, list->value.data + list->value.size, &pattern)) {
		bool disabled = true;

		for (; pattern.size > 0 && *pattern.text == '!'; pattern.text++, pattern.size--)
			disabled = !disabled;
		if (is_meant(service, &pattern))
			return disabled;
	}
	return false;
}

static int disabled_read(struct config_loader *loader, struct postfix_instance *instance,
			 struct config_scope *scope)
{
	const struct config_setting *list;
	const int r = config_scope_value(loader, scope, DISABLED, &list);

	if (r == 0 && list->value.size > DISABLED_BYTES_MAX) {
		config_error(loader, &list->origin, DISABLED, "longer than %d bytes",
			     DISABLED_BYTES_MAX);
		return 0;
	}
	for (size_t i = 0; i < instance->service_count && r == 0; i++) {
		struct postfix_service *service = &instance->services[i];

		if (is_disabled(service, list)) {
			service->inet = false;
			service->role = POSTFIX_OTHER;
		}
	}
	return r;
}

int postfix_interfaces_read(struct config_loader *loader, struct postfix_instance *instance)
{
	struct config_scope *scope =
		config_scope_new(loader->config->values, SCOPE_POSTFIX, instance, NULL);
	int r;

	if (!scope)
		return -ENOMEM;
	r = interfaces_read(loader, instance, scope);
	if (r != -ENOMEM)
		r = disabled_read(loader, instance, scope);
	config_scope_free(scope);
	return r == -ENOMEM ? r : 0;
}
