/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one path by which settings and configured exceptions reach the kernel, for the start and for
 * every reload.
 */
#include "configuration.h"

#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "log.h"
#include "rules.h"
#include "settings.h"

/* Rows that change hands start at zero; nobody writes to them, since the settings in force do not
 * name them. */
static int counters_clear(const struct tables *tables, const struct settings_plan *plan)
{
	int error = 0;

	for (uint32_t slot = 0; slot < SA_SERVICE_SLOTS && !error; slot++)
		if (plan->fresh_services & 1U << slot)
			error = tables_counters_clear(tables, slot);
	for (uint32_t slot = 0; slot < SA_INTERFACE_SLOTS && !error; slot++)
		if (plan->fresh_interfaces & 1U << slot)
			error = tables_interface_counters_clear(tables, slot);
	return error;
}

int configuration_apply(struct daemon *daemon, const struct config *config,
			const struct interfaces *interfaces, struct explanation *reterr_why)
{
	_cleanup_free_ struct exception_entry *entries = NULL;
	struct settings_plan plan;
	size_t count = 0;
	int error;

	error = settings_build(config, &daemon->settings, &plan);
	if (!error)
		error = rules_compile_configured(&config->exceptions, &entries, &count);
	if (error)
		return explain(reterr_why, error,
			       "cannot build the settings of the packet path: %s",
			       strerror(-error));
	if (count > SA_PREFIXES_MAX)
		return explain_parameter(
			reterr_why,
			explain(reterr_why, -E2BIG, "more than %d prefixes", SA_PREFIXES_MAX),
			"smtpd_client_event_limit_exceptions");
	/* Masks and services are the same, so the plan would go on with those counts. */
	if (plan.settings.epoch == daemon->settings.epoch &&
	    tables_live_is_doubtful(&daemon->tables))
		plan.settings.epoch++;
	(void)interfaces_place(interfaces, &plan.settings);
	error = counters_clear(&daemon->tables, &plan);
	if (!error)
		error = tables_configuration_switch(&daemon->tables, &plan.settings, entries,
						    count);
	if (error)
		return explain(reterr_why, error, "cannot write the tables of the packet path: %s",
			       strerror(-error));
	daemon->settings = plan.settings;
	tables_live_is_anew(&daemon->tables);
	return 0;
}

static int explain_control(const char *path, const char *group, int error,
			   struct explanation *reterr_why)
{
	switch (-error) {
	case EADDRINUSE:
		return explain(reterr_why, error, "another agent answers at %s", path);
	case EEXIST:
		return explain(reterr_why, error, "%s exists and is not a socket", path);
	case ESRCH:
		return explain(reterr_why, error, "there is no group %s", group);
	default:
		return explain(reterr_why, error, "cannot listen on %s: %s", path,
			       strerror(-error));
	}
}

int configuration_explain_control(const char *path, const char *group, int error,
				  struct explanation *reterr_why)
{
	return explain_parameter(reterr_why, explain_control(path, group, error, reterr_why),
				 error == -ESRCH ? "control_group" : "control_socket");
}

static int explain_metrics(const char *listen, int error, struct explanation *reterr_why)
{
	if (error == -EADDRINUSE)
		return explain(reterr_why, error, "%s is in use by another program", listen);
	if (error == -EINVAL)
		return explain(reterr_why, error, "%s is not HOST:PORT", listen);
	return explain(reterr_why, error, "cannot listen on %s: %s", listen, strerror(-error));
}

int configuration_explain_metrics(const char *listen, int error, struct explanation *reterr_why)
{
	return explain_parameter(reterr_why, explain_metrics(listen, error, reterr_why),
				 "metrics_listen");
}

struct wanted_origin {
	const char *parameter;
	struct config_origin origin;
};

static int origin_visit(const struct config_value *value, void *context)
{
	struct wanted_origin *wanted = context;

	if (strcmp(value->name, wanted->parameter) != 0)
		return 0;
	wanted->origin = value->origin;
	return 1;
}

void configuration_report_failure(const struct config *config, const struct explanation *why,
				  struct report *report)
{
	struct wanted_origin wanted = { .parameter = why->parameter };

	if (why->parameter)
		(void)config_each(config, origin_visit, &wanted);
	report_add(report, REPORT_ERROR, wanted.origin.file ? wanted.origin.file : config->file,
		   wanted.origin.line, why->parameter, "%s", why->text);
}
