/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A header, the entries of each table from the oldest to the newest, a digest of all of it.
 */
#include "policy_handover.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

/* Another number for another layout of any struct in here. */
#define HANDOVER_VERSION 2

enum handover_table { TABLE_SOURCES, TABLE_MESSAGES, TABLE_CLIENTS, TABLES };

struct handover_header {
	char magic[12];
	uint32_t version;
	char boot[POLICY_BOOT_SIZE];
	struct digest_secret secret;
	uint32_t value_size[TABLES];
	uint32_t count[TABLES];
};

static const char magic[12] = "synanvil-ctr";

static const uint32_t value_sizes[TABLES] = {
	[TABLE_SOURCES] = sizeof(struct policy_source),
	[TABLE_MESSAGES] = sizeof(struct policy_message),
	[TABLE_CLIENTS] = sizeof(struct policy_client),
};

static struct lru_table *table_of(struct policy_counters *counters, enum handover_table table)
{
	struct lru_table *const tables[TABLES] = {
		[TABLE_SOURCES] = &counters->sources,
		[TABLE_MESSAGES] = &counters->messages,
		[TABLE_CLIENTS] = &counters->clients,
	};

	return tables[table];
}

static void checksum(const char *data, size_t size, struct digest *ret_digest)
{
	static const struct digest_secret none;
	struct digest_state state;

	digest_start(&state, &none);
	digest_add(&state, data, size);
	digest_end(&state, ret_digest);
}

/* --- writing --- */

struct writer {
	FILE *file;
	enum handover_table table;
	uint32_t count;
	uint32_t unit_ms;
	uint64_t now_ms;
};

static bool worth_it(const struct writer *writer, const void *value)
{
	const struct policy_source *source = value;
	const struct policy_client *client = value;

	switch (writer->table) {
	case TABLE_SOURCES:
		return policy_window_value(&source->messages, writer->now_ms, writer->unit_ms) ||
		       policy_window_value(&source->recipients, writer->now_ms, writer->unit_ms);
	case TABLE_CLIENTS:
		return policy_window_value(&client->refused, writer->now_ms, writer->unit_ms);
	default:
		return true;
	}
}

static int write_entry(const struct digest *key, const void *value, void *context)
{
	struct writer *writer = context;

	if (!worth_it(writer, value))
		return 0;
	writer->count++;
	(void)fwrite(key, sizeof(*key), 1, writer->file);
	(void)fwrite(value, value_sizes[writer->table], 1, writer->file);
	return 0;
}

static void header_fill(const struct policy_counters *counters, const char *boot,
			struct handover_header *header)
{
	memset(header, 0, sizeof(*header));
	memcpy(header->magic, magic, sizeof(magic));
	memcpy(header->boot, boot, POLICY_BOOT_SIZE);
	memcpy(header->value_size, value_sizes, sizeof(value_sizes));
	header->version = HANDOVER_VERSION;
	header->secret = counters->secret;
}

int policy_handover_format(const struct policy_counters *counters,
			   const char boot[static POLICY_BOOT_SIZE], uint32_t unit_ms,
			   uint64_t now_ms, char **ret_data, size_t *ret_size)
{
	struct writer writer = { .unit_ms = unit_ms, .now_ms = now_ms };
	struct policy_counters tables = *counters;
	struct handover_header header;
	_cleanup_free_ char *data = NULL;
	const struct digest room = { 0 };
	struct digest digest;
	size_t size = 0;
	int failed;

	writer.file = open_memstream(&data, &size);
	if (!writer.file)
		return -ENOMEM;
	header_fill(counters, boot, &header);
	(void)fwrite(&header, sizeof(header), 1, writer.file);
	for (; writer.table < TABLES; writer.table++, writer.count = 0) {
		(void)lru_table_each(table_of(&tables, writer.table), write_entry, &writer);
		header.count[writer.table] = writer.count;
	}
	(void)fwrite(&room, sizeof(room), 1, writer.file);
	failed = ferror(writer.file);
	failed |= fclose(writer.file);
	if (failed)
		return -ENOMEM;
	memcpy(data, &header, sizeof(header));
	checksum(data, size - sizeof(digest), &digest);
	memcpy(data + size - sizeof(digest), &digest, sizeof(digest));
	*ret_data = TAKE_PTR(data);
	*ret_size = size;
	return 0;
}

/* --- reading --- */

/* Whether size is what the header says. */
static bool size_fits(const struct handover_header *header, size_t size)
{
	uint64_t expected = sizeof(*header) + sizeof(struct digest);

	for (enum handover_table table = 0; table < TABLES; table++)
		expected += (uint64_t)header->count[table] *
			    (sizeof(struct digest) + value_sizes[table]);
	return expected == size;
}

static int header_read(const char *data, size_t size, const char *boot,
		       struct handover_header *ret_header)
{
	struct digest is, said;

	if (size < sizeof(*ret_header) + sizeof(said) || size > POLICY_HANDOVER_MAX)
		return -EINVAL;
	memcpy(ret_header, data, sizeof(*ret_header));
	memcpy(&said, data + size - sizeof(said), sizeof(said));
	checksum(data, size - sizeof(said), &is);
	if (memcmp(&is, &said, sizeof(is)) != 0 ||
	    memcmp(ret_header->magic, magic, sizeof(magic)) != 0)
		return -EINVAL;
	/* Whole, but of another version of this program: as good as none. */
	if (ret_header->version != HANDOVER_VERSION ||
	    memcmp(ret_header->value_size, value_sizes, sizeof(value_sizes)) != 0 || !*boot ||
	    memcmp(ret_header->boot, boot, POLICY_BOOT_SIZE) != 0)
		return -ESTALE;
	return size_fits(ret_header, size) ? 0 : -EINVAL;
}

/* Numbers of connections are those of the agent that wrote them. */
static void entry_take(struct policy_counters *counters, enum handover_table table,
		       const char *data)
{
	struct policy_message *message;
	struct digest key;
	void *value;

	memcpy(&key, data, sizeof(key));
	value = lru_table_put(table_of(counters, table), &key);
	memcpy(value, data + sizeof(key), value_sizes[table]);
	if (table != TABLE_MESSAGES)
		return;
	message = value;
	message->connection = 0;
}

int policy_handover_parse(const char *data, size_t size, const char boot[static POLICY_BOOT_SIZE],
			  struct policy_counters *ret_counters)
{
	struct handover_header header;
	int error = header_read(data, size, boot, &header);

	if (error)
		return error;
	error = policy_counters_init(ret_counters, &header.secret);
	if (error)
		return error;
	data += sizeof(header);
	for (enum handover_table table = 0; table < TABLES; table++)
		for (uint32_t i = 0; i < header.count[table]; i++) {
			entry_take(ret_counters, table, data);
			data += sizeof(struct digest) + value_sizes[table];
		}
	return 0;
}
