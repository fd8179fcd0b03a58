/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One generation of the configuration: read whole, checked whole, immutable afterwards.
 *
 * Syntax and meaning are main.cf's (postconf(5)); names and defaults are those of the parameter
 * table in config_table.c, which also drives `synanvil config`, the sample file and synanvil.cf(5).
 */
#ifndef AGENT_CONFIG_H
#define AGENT_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "prefix.h"
#include "report.h"

#define CONFIG_DEFAULT_FILE "/etc/synanvil/synanvil.cf"

enum config_xdp_mode { CONFIG_XDP_AUTO, CONFIG_XDP_NATIVE, CONFIG_XDP_GENERIC };

/* Where a value came from. */
enum config_origin_kind {
	CONFIG_FROM_DEFAULT,
	CONFIG_FROM_FILE,
	CONFIG_FROM_MAIN_CF,
	CONFIG_FROM_MASTER_CF
};

struct config_origin {
	enum config_origin_kind kind;
	unsigned line;
	const char *file; /* owned by the config; NULL for a default */
};

/* One pattern of an address list, in the order of the list. */
struct config_pattern {
	bool negated;
	bool is_prefix;       /* otherwise a host or domain pattern, for the policy service */
	struct prefix prefix; /* if is_prefix */
	const char *host;     /* lower case, owned by the config; NULL if is_prefix */
	struct config_origin origin;
};

struct config_patterns {
	struct config_pattern *items;
	size_t count;
};

/* The limits of one protected port; 0 = no limit (negative values of the file are 0 here). */
struct config_service {
	struct sa_address address; /* valid unless any_address */
	bool any_address;
	uint16_t port; /* host order */
	/* In metrics and JSON: "25", "192.0.2.1:25", "[2001:db8::1]:25". */
	char label[PREFIX_TEXT_SIZE + 8];
	char name[32]; /* log lines: its /etc/services name ("smtp"), else the port number */
	/* At most SA_RATE_LIMIT_MAX; a larger one was turned into 0 with a warning. */
	uint32_t connection_rate_limit;
	uint32_t connection_count_limit;
	uint32_t process_limit;
	uint32_t message_rate_limit;
	uint32_t recipient_rate_limit;
	/* It takes the proxy protocol, and not every proxy is known to be exempt: what connects are
	 * proxies, and messages name other addresses. */
	bool behind_proxy;
};

/* A file that was read, as it was then; all zero but for the path where it could not be looked at.
 */
struct config_file {
	const char *path; /* owned by the config */
	uint64_t device;
	uint64_t inode;
	int64_t size;
	int64_t modified_ns;
};

/* Looks at path and fills in the rest of *ret_file. 0 or -errno. */
typedef int config_identify_fn(void *context, const char *path, struct config_file *ret_file);

struct config {
	char *file; /* the path that was read */

	char **interfaces; /* NULL-terminated, no duplicates, at most SA_INTERFACE_SLOTS - 1 */
	size_t interface_count;
	struct config_service services[SA_SERVICES_MAX]; /* in the order of protected_ports */
	size_t service_count;
	/* The limits of ports that protected_ports does not have: Postfix may ask about those, too.
	 */
	struct config_service unlisted;
	bool enforce; /* false: monitor */
	enum config_xdp_mode xdp_mode;
	uint32_t source_table_size;

	uint32_t rate_time_unit_s;
	struct config_patterns exceptions;       /* smtpd_client_event_limit_exceptions, in order */
	struct config_patterns upstream_proxies; /* prefixes only, none negated */
	uint8_t ipv4_prefix_length;              /* 0 to 32 */
	uint8_t ipv6_prefix_length;              /* 0 to 128 */

	uint64_t message_size_limit; /* bytes; 0 = no limit */
	uint64_t queue_minfree;      /* bytes */
	char *queue_directory;       /* absolute path */
	/* Messages refused by rate in one unit after which a client is blocked; 0 = never. */
	uint32_t client_block_threshold;
	uint32_t client_block_time_s;

	char *policy_listen;        /* "" = off; a list of inet:HOST:PORT and unix:/PATH */
	uint32_t header_size_limit; /* bytes of a field */
	bool header_rejects;        /* header_size_action; false: truncate */
	uint32_t header_count_limit;
	uint32_t header_total_size_limit; /* bytes */
	char *milter_listen;              /* list of inet:HOST:PORT and unix:/PATH; "" = off */

	char *metrics_listen; /* "" = off; HOST:PORT */
	char *control_socket; /* absolute path */
	char *control_group;
	char *bpf_directory;   /* absolute path */
	char *state_directory; /* absolute path */

	struct config_file *files; /* all that were read, the file itself first */
	size_t file_count;

	struct config_values *values; /* every parameter as text with its origin; opaque */
};

/*
 * Reads and validates file and all that it names. Appends errors and warnings to report. On success
 * (no error in report) *ret_config is owned by the caller. Returns 0; -EINVAL if report got an
 * error; -ENOMEM. Works without privileges.
 */
int config_load(const char *file, struct config **ret_config, struct report *report);

/* Accepts NULL. Returns NULL. */
struct config *config_free(struct config *config);

/* Empties the lists of patterns, which may be long, of a configuration that is kept for the rest of
 * it. */
void config_drop_lists(struct config *config);

/* One parameter in force, for `synanvil config`. */
struct config_value {
	const char *name;  /* "PORT:name" for an override */
	const char *value; /* expanded, "$" as "$$": it may stand in a file again */
	bool changed;      /* differs from the default, or stands before what Postfix' files say */
	struct config_origin origin;
};

/* Calls visit for each parameter in the table's order; stops at, and returns, a non-zero result. */
int config_each(const struct config *config,
		int (*visit)(const struct config_value *value, void *context), void *context);

/* What differs between a and b and takes effect only at the next start (static text), or NULL. */
const char *config_needs_restart(const struct config *a, const struct config *b);

/* stat(2). */
config_identify_fn config_identify_file;

/* Whether a file is not the one that was read. One that is gone is not; one that may not be looked
 * at is not known to be another. */
bool config_file_is_stale(const struct config_file *file, config_identify_fn *identify,
			  void *context);
bool config_is_stale(const struct config *config, config_identify_fn *identify, void *context);

/* Whether the configured list exempts address: first match wins, host patterns never match. */
bool config_exempts(const struct config *config, const struct sa_address *address);

/* The same for a client that has talked to Postfix: name is the verified one, "unknown" if it has
 * none. Neither has to be known (NULL). */
bool config_exempts_client(const struct config *config, const struct sa_address *address,
			   const char *name);

/* No milter sees more of a header field: with any milter attached Postfix cuts there, or where its
 * own header_size_limit says if that is less. */
#define CONFIG_MILTER_SEES 60000

/* Whether milter_listen names nothing. */
bool config_milter_off(const struct config *config);

/* Adds an error to report if there is nothing that synanvil-milter could do. 0, -EINVAL with an
 * error, -ENOMEM. */
int config_milter_usable(const struct config *config, struct report *report);

/* One listener of milter_listen: the whole word, and what stands behind its "inet:" or "unix:". */
struct config_listener {
	char *text; /* owned; the word */
	bool is_unix;
	const char *path; /* if is_unix; else NULL */
	char *host;       /* owned, without brackets; else NULL */
	uint16_t port;    /* host order */
};

/* The listeners of a list that was checked, in its order; the caller's to free. 0 or -ENOMEM. */
int config_listeners(const char *list, struct config_listener **ret_listeners, size_t *ret_count);
void config_listeners_free(struct config_listener *listeners, size_t count);

#endif
