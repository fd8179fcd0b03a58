/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What Postfix shows a milter of a header field, and whether there is anything left to do for one.
 */
#include <errno.h>
#include <string.h>

#include "config_postfix.h"
#include "parse.h"

/* Headers are cut by cleanup(8), so its -o counts. */
static const struct postfix_service *cleanup_of(const struct postfix_instance *instance)
{
	for (size_t i = 0; i < instance->service_count; i++) {
		if (strcmp(instance->services[i].name, "cleanup") == 0)
			return &instance->services[i];
	}
	return NULL;
}

int postfix_header_limit(struct config_loader *loader, const struct postfix_instance *instance,
			 long *ret_limit)
{
	const struct config_setting *setting;
	struct config_scope *scope = config_scope_new(loader->config->values, SCOPE_POSTFIX,
						      instance, cleanup_of(instance));
	int r;

	if (!scope)
		return -ENOMEM;
	(void)parse_long(postfix_preset("header_size_limit"), ret_limit);
	r = config_scope_value(loader, scope, "header_size_limit", &setting);
	if (r == 0)
		(void)parse_long(setting->value.data, ret_limit);
	config_scope_free(scope);
	return r == -ENOMEM ? r : 0;
}

int config_milter_sees(struct config_loader *loader, long *ret_bytes)
{
	const struct postfix *postfix = loader->config->values->postfix;
	long most = postfix && postfix->count > 0 ? 0 : CONFIG_MILTER_SEES;
	int r = 0;

	for (size_t i = 0; postfix && i < postfix->count && r == 0; i++) {
		long limit = 0;

		r = postfix_header_limit(loader, &postfix->instances[i], &limit);
		if (limit > most)
			most = limit;
	}
	*ret_bytes = most < CONFIG_MILTER_SEES ? most : CONFIG_MILTER_SEES;
	return r;
}

bool config_milter_off(const struct config *config)
{
	const char *cursor = config->milter_listen;
	struct config_word word;

	return !config_word_next(&cursor, cursor + strlen(cursor), &word);
}

int config_milter_usable(const struct config *config, struct report *report)
{
	const struct config_parameter *parameter =
		config_parameter_find("header_size_limit", strlen("header_size_limit"));
	const struct config_setting *setting =
		&config->values->settings[parameter - config_parameters];
	struct report unused = { 0 };
	struct config_loader loader = { .config = (struct config *)config,
					.report = &unused,
					.expansion_left = CONFIG_EXPANDED_MAX };
	long sees = 0;
	const int r = config_milter_sees(&loader, &sees);

	report_done(&unused);
	if (r < 0)
		return r;
	if (config_milter_off(config)) {
		report_add(report, REPORT_ERROR, config->file, 0, "milter_listen",
			   "empty: the milter is off");
		return -EINVAL;
	}
	if (config->header_count_limit > 0 || config->header_total_size_limit > 0 ||
	    config->header_size_limit < sees)
		return 0;
	report_add(report, REPORT_ERROR, setting->origin.file ? setting->origin.file : config->file,
		   setting->origin.line, parameter->name,
		   "%u leaves a milter nothing to do: of a header field it sees no more than %ld "
		   "bytes, and to attach one only lowers Postfix' own limit to %d; write a smaller "
		   "one, or header_count_limit or header_total_size_limit",
		   config->header_size_limit, sees, CONFIG_MILTER_SEES);
	return -EINVAL;
}
