/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * master.cf: eight fields a logical line; what master(8) refuses is refused.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cleanup.h"
#include "config_lines.h"
#include "config_postfix.h"
#include "parse.h"

#define FIELDS 7 /* before the command */

enum {
	FIELD_NAME,
	FIELD_TYPE,
	FIELD_PRIVATE,
	FIELD_UNPRIVILEGED,
	FIELD_CHROOT,
	FIELD_WAKEUP,
	FIELD_LIMIT
};

static const char *const field_names[FIELDS] = {
	"service name", "type", "private", "unprivileged", "chroot", "wakeup", "process_limit",
};

struct line {
	struct config_loader *loader;
	struct config_origin origin;
	char *fields[FIELDS];
	const char *command; /* and its arguments */
	const char *end;
	bool broken; /* reported */
};

static void refuse(const struct line *line, size_t field)
{
	config_error(line->loader, &line->origin, "postfix_config_directory",
		     "invalid %s field \"%.60s\": Postfix refuses this file", field_names[field],
		     line->fields[field]);
}

static bool one_of(const char *text, const char *const *known)
{
	for (; *known; known++) {
		if (strcmp(text, *known) == 0)
			return true;
	}
	return false;
}

/* "-", or digits; the wakeup time may have a "?" behind. */
static bool is_number(const char *text, bool question_mark)
{
	size_t size = strlen(text);
	uint32_t number;

	if (strcmp(text, "-") == 0)
		return true;
	if (question_mark && size > 1 && text[size - 1] == '?')
		size--;
	return parse_digits(text, size, INT_MAX, &number) == 0;
}

static bool fields_valid(const struct line *line)
{
	static const char *const types[] = { "inet", "unix", "unix-dgram", "fifo", "pass", NULL };
	static const char *const booleans[] = { "y", "n", "-", NULL };
	bool valid = true;

	for (size_t i = FIELD_TYPE; i < FIELDS; i++) {
		const char *text = line->fields[i];
		const bool good = i == FIELD_TYPE    ? one_of(text, types)
				  : i < FIELD_WAKEUP ? one_of(text, booleans)
						     : is_number(text, i == FIELD_WAKEUP);

		if (!good)
			refuse(line, i);
		valid = valid && good;
	}
	if (valid && strcmp(line->fields[FIELD_TYPE], "inet") == 0 &&
	    strcmp(line->fields[FIELD_PRIVATE], "n") != 0) {
		config_error(line->loader, &line->origin, "postfix_config_directory",
			     "private field \"%s\": a service of type inet cannot be private, "
			     "Postfix refuses this file; write n",
			     line->fields[FIELD_PRIVATE]);
		return false;
	}
	return valid;
}

/* Cuts the line into its fields; false if there are too few, reported. */
static bool line_split(struct line *line, char *text)
{
	line->end = text + strlen(text);
	for (size_t i = 0; i < FIELDS; i++) {
		line->fields[i] = text;
		text += strcspn(text, " \t\n\v\f\r");
		if (*text != '\0')
			*text++ = '\0';
		text += strspn(text, " \t\n\v\f\r");
	}
	line->command = text;
	if (*text != '\0')
		return true;
	config_error(line->loader, &line->origin, "postfix_config_directory",
		     "bad field count: a service has eight fields");
	return false;
}

/* The next argument: blanks separate, braces protect. */
static bool argument_next(struct line *line, const char **ret_text, size_t *ret_size)
{
	const char *p = line->command;

	while (p < line->end && config_blank(*p))
		p++;
	if (p == line->end)
		return false;
	if (*p == '{') {
		line->command = p;
		if (config_braces(&line->command, line->end, ret_text, ret_size) &&
		    (line->command == line->end || config_blank(*line->command)))
			return true;
		config_error(line->loader, &line->origin, "postfix_config_directory",
			     "a brace has no partner, or text behind it: \"%.60s\"", p);
		line->command = line->end;
		line->broken = true;
		return false;
	}
	*ret_text = p;
	for (size_t level = 0; p < line->end && (level > 0 || !config_blank(*p)); p++) {
		if (*p == '{')
			level++;
		else if (*p == '}' && level > 0)
			level--;
	}
	*ret_size = (size_t)(p - *ret_text);
	line->command = p;
	return true;
}

static int option_add(struct line *line, struct postfix_service *service, const char *text,
		      size_t size)
{
	_cleanup_free_ char *copy = strndup(text, size);
	const char *problem;
	char *value;

	if (!copy)
		return -ENOMEM;
	if (service->options.count == POSTFIX_OPTIONS_MAX) {
		config_error(line->loader, &line->origin, "postfix_config_directory",
			     "more than %d -o", POSTFIX_OPTIONS_MAX);
		line->command = line->end;
		return 0;
	}
	problem = config_assignment_split(copy, &value);
	if (!problem)
		return postfix_assignment_add(&service->options, copy, value, &line->origin);
	config_error(line->loader, &line->origin, "postfix_config_directory",
		     "-o " CONFIG_QUOTED ": %s", config_quoted(text, size), problem);
	return 0;
}

/* Where the value of an option begins in its argument: behind the letters before it, which have
 * none. NULL: this argument has no -o. *ret_skips: the next argument is the value of another one.
 */
static const char *option_find(const char *text, size_t size, bool *ret_skips)
{
	static const char with_value[] = "imnst";

	*ret_skips = false;
	if (size < 2 || text[0] != '-')
		return NULL;
	for (size_t i = 1; i < size; i++) {
		if (text[i] == 'o')
			return text + i + 1;
		if (memchr(with_value, text[i], sizeof(with_value) - 1)) {
			*ret_skips = i + 1 == size;
			return NULL;
		}
	}
	return NULL;
}

/* -o name=value, -oname=value, -o { name = value }, -vo name=value; other options are Postfix' own.
 */
static int options_parse(struct line *line, struct postfix_service *service)
{
	const char *text, *value;
	size_t size;
	bool skips;
	int r = 0;

	while (r == 0 && argument_next(line, &text, &size)) {
		value = option_find(text, size, &skips);
		if (skips)
			(void)argument_next(line, &text, &size);
		if (!value)
			continue;
		if (value < text + size) {
			r = option_add(line, service, value, size - (size_t)(value - text));
		} else if (argument_next(line, &text, &size)) {
			r = option_add(line, service, text, size);
		} else if (!line->broken) {
			config_error(line->loader, &line->origin, "postfix_config_directory",
				     "-o without name=value behind it");
		}
	}
	return r;
}

static bool is_text(const char *text, size_t size, const char *wanted)
{
	return size == strlen(wanted) && strncasecmp(text, wanted, size) == 0;
}

/* host:port of a service of type inet: the host part is an address, a name, or not there. */
static void inet_name_parse(const struct line *line, struct postfix_service *service)
{
	const char *name = service->name;
	const char *colon = strrchr(name, ':');
	const char *port = colon ? colon + 1 : name;
	size_t host_size = colon ? (size_t)(colon - name) : 0;
	struct prefix prefix;

	service->inet = true;
	if (!config_port_parse(port, strlen(port), &service->port)) {
		config_error(line->loader, &line->origin, "postfix_config_directory",
			     "\"%.60s\": neither a port number (1 to 65535) nor a service of "
			     "/etc/services",
			     name);
		return;
	}
	if (host_size > 1 && name[0] == '[' && name[host_size - 1] == ']') {
		name++;
		host_size -= 2;
	}
	if (host_size == 0)
		return;
	service->host = POSTFIX_NAME;
	if (host_size == 1 && *name == '*') {
		config_error(line->loader, &line->origin, "postfix_config_directory",
			     "\"%.60s\": Postfix knows no host *; write the port alone",
			     service->name);
	} else if (is_text(name, host_size, "0.0.0.0")) {
		service->host = POSTFIX_ALL_IPV4;
	} else if (is_text(name, host_size, "::")) {
		service->host = POSTFIX_ALL_IPV6;
	} else if (!memchr(name, '/', host_size) &&
		   prefix_parse(name, host_size, PREFIX_ANY, &prefix) == PREFIX_OK) {
		service->host = POSTFIX_ADDRESS;
		memcpy(&service->address, prefix.address, sizeof(service->address));
	} else if (is_text(name, host_size, "localhost")) {
		service->host = POSTFIX_ADDRESS;
		(void)address_parse("127.0.0.1", &service->address);
	}
}

static enum postfix_role role_of(const char *command)
{
	const char *slash = strrchr(command, '/');
	const char *name = slash ? slash + 1 : command;

	if (strcmp(name, "smtpd") == 0)
		return POSTFIX_SMTPD;
	if (strcmp(name, "postscreen") == 0)
		return POSTFIX_POSTSCREEN;
	if (strcmp(name, "cleanup") == 0)
		return POSTFIX_CLEANUP;
	return strcmp(name, "anvil") == 0 ? POSTFIX_ANVIL : POSTFIX_OTHER;
}

static void service_done(struct postfix_service *service)
{
	for (size_t i = 0; i < service->options.count; i++) {
		free(service->options.items[i].name);
		free(service->options.items[i].value);
	}
	free(service->options.items);
	free(service->name);
	free(service->type);
	*service = (struct postfix_service){ 0 };
}

void postfix_services_done(struct postfix_instance *instance)
{
	for (size_t i = 0; i < instance->service_count; i++)
		service_done(&instance->services[i]);
	free(instance->services);
}

static int service_parse(struct line *line, struct postfix_service *ret)
{
	const char *limit = line->fields[FIELD_LIMIT];
	const char *text;
	size_t size;
	uint32_t number = 0;
	_cleanup_free_ char *command = NULL;

	ret->origin = line->origin;
	ret->name = strdup(line->fields[FIELD_NAME]);
	ret->type = strdup(line->fields[FIELD_TYPE]);
	if (!ret->name || !ret->type)
		return -ENOMEM;
	ret->chrooted = strcmp(line->fields[FIELD_CHROOT], "y") == 0;
	ret->process_limit = POSTFIX_DEFAULT_LIMIT;
	if (parse_digits(limit, strlen(limit), INT_MAX, &number) == 0)
		ret->process_limit = (long)number;
	if (strcmp(ret->type, "inet") == 0)
		inet_name_parse(line, ret);
	if (!argument_next(line, &text, &size))
		return 0;
	command = strndup(text, size);
	if (!command)
		return -ENOMEM;
	ret->role = role_of(command);
	return ret->role == POSTFIX_OTHER ? 0 : options_parse(line, ret);
}

/* The place of a service: that of an earlier line about the same one, or a new one. */
static struct postfix_service *service_place(const struct line *line,
					     struct postfix_instance *instance)
{
	const size_t count = instance->service_count;
	struct postfix_service *grown;

	for (size_t i = 0; i < count; i++) {
		struct postfix_service *known = &instance->services[i];

		if (strcmp(known->name, line->fields[FIELD_NAME]) != 0 ||
		    strcmp(known->type, line->fields[FIELD_TYPE]) != 0)
			continue;
		config_warning(line->loader, &line->origin, "postfix_config_directory",
			       "%s %s: overrides the service of line %u", known->name, known->type,
			       known->origin.line);
		service_done(known);
		return known;
	}
	/* Room doubles at powers of two. */
	if ((count & (count - 1)) == 0) {
		grown = reallocarray(instance->services, count == 0 ? 1 : 2 * count,
				     sizeof(*grown));
		if (!grown)
			return NULL;
		instance->services = grown;
	}
	grown = &instance->services[instance->service_count++];
	*grown = (struct postfix_service){ 0 };
	return grown;
}

static int line_parse(struct line *line, struct postfix_instance *instance, char *text)
{
	struct postfix_service *service;

	if (!line_split(line, text) || !fields_valid(line))
		return 0;
	service = service_place(line, instance);
	return service ? service_parse(line, service) : -ENOMEM;
}

int postfix_master_parse(struct config_loader *loader, struct postfix_instance *instance,
			 char *text, size_t size)
{
	struct config_lines lines;
	struct config_line logical;
	size_t count = 0;
	int r = 0;

	config_lines_init(&lines, text, size);
	while (r == 0 && !config_hopeless(loader) && config_lines_next(&lines, &logical)) {
		struct line line = {
			.loader = loader,
			.origin = { CONFIG_FROM_MASTER_CF, logical.line, instance->master_cf },
		};

		if (count++ == POSTFIX_SERVICES_MAX) {
			config_error(loader, &line.origin, "postfix_config_directory",
				     "more than %d services", POSTFIX_SERVICES_MAX);
			break;
		}
		if (logical.indented)
			config_warning(loader, &line.origin, "postfix_config_directory",
				       "the first line begins with a blank: Postfix ignores it");
		else
			r = line_parse(&line, instance, logical.text);
	}
	return r;
}
