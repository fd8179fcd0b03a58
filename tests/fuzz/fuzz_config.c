/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a configuration: NUL bytes part them into the file itself and files that lists may
 * name as /1 to /8, of which the first four are also main.cf and master.cf of Postfix' directories
 * /p and /q. What loads prints to a text that loads to the same text again.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config_check.h"
#include "config_internal.h"

#define FILES 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * The machine's own tables, in place of libc's: the same on every machine, and no file is opened a
 * thousand times a second.
 */
static int service_entry(bool known, struct servent *entry, struct servent **ret_entry)
{
	static char name[] = "smtp";

	*entry = (struct servent){ .s_name = name, .s_port = htons(25) };
	*ret_entry = known ? entry : NULL;
	return 0;
}

int getservbyname_r(const char *name, const char *protocol, struct servent *entry, char *buffer,
		    size_t size, struct servent **ret_entry)
{
	(void)protocol, (void)buffer, (void)size;
	return service_entry(strcmp(name, "smtp") == 0, entry, ret_entry);
}

int getservbyport_r(int port, const char *protocol, struct servent *entry, char *buffer,
		    size_t size, struct servent **ret_entry)
{
	(void)protocol, (void)buffer, (void)size;
	return service_entry(port == htons(25), entry, ret_entry);
}

struct part {
	const char *text;
	size_t size;
};

static void require(bool holds)
{
	if (!holds)
		abort();
}

static int read_part(void *context, const char *path, char **ret_text, size_t *ret_size,
		     const char **reterr_message)
{
	static const char *const names[] = { "/p/main.cf", "/p/master.cf", "/q/main.cf",
					     "/q/master.cf" };
	const struct part *parts = context;
	int part = path[0] == '/' && path[1] != '\0' && path[2] == '\0' ? path[1] - '0' : 0;

	for (int i = 0; i < 4; i++) {
		if (strcmp(path, names[i]) == 0)
			part = i + 1;
	}
	if (part < 1 || part > FILES) {
		*reterr_message = "no such part";
		return -ENOENT;
	}
	parts += part;
	*ret_text = malloc(parts->size + 1);
	if (!*ret_text)
		return -ENOMEM;
	if (parts->size > 0)
		memcpy(*ret_text, parts->text, parts->size);
	*ret_size = parts->size;
	return 0;
}

static int free_bytes(void *context, const char *path, uint64_t *ret_bytes)
{
	(void)context;
	*ret_bytes = 20000000;
	return strlen(path) % 2 ? 0 : -ENOENT;
}

static bool has_name(void *context, const char *name)
{
	(void)context;
	return strlen(name) % 2;
}

static const struct config_check_host host = { free_bytes, has_name, has_name, NULL };

static int print(const struct config_value *value, void *context)
{
	const char *const pieces[] = { value->name, " = ", value->value, "\n" };

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
		require(config_text_append(context, pieces[i], strlen(pieces[i])) == 0);
	return 0;
}

static void check_printed(const struct config *config, const struct config_reader *reader)
{
	struct config_text printed = { 0 };
	struct config_text again = { 0 };
	struct config *reread = NULL;
	struct report report = { 0 };

	require(config_each(config, print, &printed) == 0);
	require(config_parse_buffer("printed.cf", printed.data, printed.size, reader, &reread,
				    &report) == 0);
	require(config_each(reread, print, &again) == 0);
	require(strcmp(printed.data, again.data) == 0);
	require(config->exceptions.count == reread->exceptions.count);
	require(config->service_count == reread->service_count);
	free(printed.data);
	free(again.data);
	config_free(reread);
	report_done(&report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct part parts[FILES + 1] = { 0 };
	const struct config_reader reader = { .read = read_part, .context = parts };
	const char *text = (const char *)data;
	struct report report = { 0 };
	struct config *config = NULL;
	int r;

	for (size_t i = 0; i <= FILES && size > 0; i++) {
		const char *end = i < FILES ? memchr(text, '\0', size) : NULL;

		parts[i] = (struct part){ text, end ? (size_t)(end - text) : size };
		size -= parts[i].size + (end != NULL);
		text += parts[i].size + (end != NULL);
	}
	r = config_parse_buffer("fuzz.cf", parts[0].text ? parts[0].text : "", parts[0].size,
				&reader, &config, &report);
	require((r == 0) == (report.errors == 0));
	if (r == 0) {
		check_printed(config, &reader);
		require(config_check_on(config, &host, &report) >= 0);
	}
	for (size_t i = 0; i < report.count; i++) {
		char *line = report_entry_format(&report.entries[i]);

		require(line && !strchr(line, '\n'));
		free(line);
	}
	config_free(config);
	report_done(&report);
	return 0;
}
