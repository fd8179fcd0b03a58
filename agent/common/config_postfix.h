/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Postfix' own configuration: what main.cf and master.cf of each instance say, and what a name
 * means to one of its services. Only the files of the configuration include this.
 *
 * Functions report and return as config_internal.h says.
 */
#ifndef AGENT_CONFIG_POSTFIX_H
#define AGENT_CONFIG_POSTFIX_H

#include "config_internal.h"

/* name = value of main.cf, or of a service's -o. */
struct postfix_assignment {
	char *name;
	char *value; /* unexpanded */
	struct config_origin origin;
};

struct postfix_assignments {
	struct postfix_assignment *items;
	size_t count;
};

enum postfix_role {
	POSTFIX_OTHER,
	POSTFIX_SMTPD,
	POSTFIX_POSTSCREEN,
	POSTFIX_ANVIL,
	POSTFIX_CLEANUP
};

/* What a service of type inet says about the addresses that it listens on. */
enum postfix_host {
	POSTFIX_INTERFACES,
	POSTFIX_ALL_IPV4, /* 0.0.0.0, whatever inet_interfaces says */
	POSTFIX_ALL_IPV6, /* [::], which takes no IPv4 */
	POSTFIX_ADDRESS,
	POSTFIX_NAME
};

#define POSTFIX_DEFAULT_LIMIT (-1)

/* Of one master.cf; every line is compared with those before it. */
#define POSTFIX_SERVICES_MAX 1000

/* -o of one service: each name is looked for among them. */
#define POSTFIX_OPTIONS_MAX   200

#define POSTFIX_INSTANCES_MAX 16

/* One line of master.cf. */
struct postfix_service {
	char *name;
	char *type;
	enum postfix_role role;
	bool chrooted;      /* "y": it sees nothing outside the queue directory */
	long process_limit; /* POSTFIX_DEFAULT_LIMIT, or 0 = unlimited */
	struct postfix_assignments options;
	struct config_origin origin;
	/* Of type inet: */
	bool inet;
	uint16_t port; /* host order */
	enum postfix_host host;
	struct sa_address address; /* if host is POSTFIX_ADDRESS */
};

struct postfix_instance {
	const char *main_cf; /* owned by the values */
	const char *master_cf;
	char *directory;
	struct postfix_assignments parameters; /* sorted by name, each once */
	struct postfix_service *services;
	size_t service_count;
	/* inet_interfaces: */
	bool all_interfaces;
	bool unknown_interfaces; /* a name is among them */
	struct sa_address *addresses;
	size_t address_count;
};

/* The services that a row of protected_ports means. */
struct postfix_row {
	const struct postfix_instance *instance; /* NULL: nothing serves it */
	const struct postfix_service *owner;     /* smtpd or postscreen */
	const struct postfix_service *smtpd; /* behind postscreen; else the owner; NULL: missing */
};

struct config_scope;

struct postfix {
	struct postfix_instance *instances;
	size_t count;
	struct config_scope *base;                /* the first main.cf under the file's own */
	struct postfix_row rows[SA_SERVICES_MAX]; /* as config.services */
	bool proxies_looked_at;
	bool proxies_exempt; /* once they were looked at */
};

/* Reads what postfix_config_directory names; settings that the file leaves open get Postfix'
 * values. config_postfix.c */
int config_postfix_read(struct config_loader *loader);
struct postfix *config_postfix_free(struct postfix *postfix);
int postfix_assignment_add(struct postfix_assignments *assignments, const char *name,
			   const char *value, const struct config_origin *origin);

/* inet_interfaces, and which services are off, by main.cf; once both files are read.
 * config_postfix_interfaces.c */
int postfix_interfaces_read(struct config_loader *loader, struct postfix_instance *instance);

/* The text of a master.cf into instance->services. config_master.c */
int postfix_master_parse(struct config_loader *loader, struct postfix_instance *instance,
			 char *text, size_t size);
void postfix_services_done(struct postfix_instance *instance);

/* Who serves each row, and what holds there: overrides where it is not what holds elsewhere.
 * config_postfix_rows.c, config_postfix_ports.c */
int config_postfix_apply(struct config_loader *loader);
int postfix_rows_find(struct config_loader *loader);
/* Whether packets to the row reach the service; the larger the better it fits, 0: they do not. */
unsigned postfix_fit(const struct config_service *row, const struct postfix_instance *instance,
		     const struct postfix_service *service);

/* upstream_proxies into config.upstream_proxies. config_postfix_proxy.c */
int config_proxies_store(struct config_loader *loader, const struct config_setting *setting);
/* Whether the exceptions cover each of them, and there are any; what they do not cover is warned
 * of, once. */
bool postfix_proxies_exempt(struct config_loader *loader);

/* Hosts that may use XCLIENT are outside all limits: they stand before the configured exceptions.
 * config_postfix_xclient.c */
int config_postfix_exempt(struct config_loader *loader);

/* Where an instance cuts header fields, -o of its cleanup service included. config_milter.c */
int postfix_header_limit(struct config_loader *loader, const struct postfix_instance *instance,
			 long *ret_limit);
/* What a milter sees of a header field at most, at the instance that shows most of it. */
int config_milter_sees(struct config_loader *loader, long *ret_bytes);

/* --- names. config_scope.c --- */

enum scope_rule {
	SCOPE_FILE_FIRST, /* what the configuration file itself sets wins */
	SCOPE_POSTFIX,    /* what Postfix itself would see */
};

/* What names mean to a service (NULL: to what has no -o) of an instance; NULL when memory is short.
 */
struct config_scope *config_scope_new(struct config_values *values, enum scope_rule rule,
				      const struct postfix_instance *instance,
				      const struct postfix_service *service);
struct config_scope *config_scope_free(struct config_scope *scope);

/* Unexpanded; NULL if there is no such name, or memory is short. */
struct config_setting *config_scope_find(struct config_scope *scope, const char *name, size_t size);

/* Expanded. Returns 0, -ENOMEM, or -EINVAL for what has been reported. */
int config_scope_value(struct config_loader *loader, struct config_scope *scope, const char *name,
		       const struct config_setting **ret_setting);

/* Postfix' default of a name, or NULL where it is not known or depends on the host. */
const char *postfix_preset(const char *name);

#endif
