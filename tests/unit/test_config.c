/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parameter table walked: every default is valid, every bound refuses its neighbour, what is
 * printed reads back the same. Then services, overrides, errors, warnings.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "cleanup.h"
#include "config_support.h"

static void test_defaults(void **state)
{
	struct config *config = must_load(MINIMAL);

	(void)state;
	assert_int_equal(config->interface_count, 1);
	assert_string_equal(config->interfaces[0], "lo");
	assert_null(config->interfaces[1]);
	assert_int_equal(config->service_count, 1);
	assert_true(config->services[0].any_address);
	assert_int_equal(config->services[0].port, 25);
	assert_string_equal(config->services[0].label, "25");
	assert_string_equal(config->services[0].name, "smtp");
	assert_int_equal(config->services[0].connection_rate_limit, 0);
	assert_true(config->enforce);
	assert_int_equal(config->xdp_mode, CONFIG_XDP_AUTO);
	assert_int_equal(config->source_table_size, 1048576);
	assert_int_equal(config->rate_time_unit_s, 60);
	assert_int_equal(config->ipv4_prefix_length, 32);
	assert_int_equal(config->ipv6_prefix_length, 84);
	assert_int_equal(config->exceptions.count, 2);
	assert_string_equal(config->metrics_listen, "127.0.0.1:9925");
	assert_string_equal(config->control_socket, "/run/synanvil/control.sock");
	assert_string_equal(config->control_group, "root");
	assert_string_equal(config->bpf_directory, "/sys/fs/bpf/synanvil");
	assert_string_equal(config->state_directory, "/var/lib/synanvil");
	config_free(config);
}

/* A file that sets one parameter beside what is required. */
static char *file_with(const char *name, const char *value)
{
	char *text;

	assert_true(asprintf(&text, "%s%s = %s\n", strcmp(name, "interfaces") == 0 ? "" : MINIMAL,
			     name, value) > 0);
	return text;
}

static void test_each_default_may_be_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < config_parameter_count; i++) {
		const struct config_parameter *parameter = &config_parameters[i];
		const bool interfaces = parameter->kind == CONFIG_INTERFACES;
		_cleanup_free_ char *text =
			file_with(parameter->name, interfaces ? "lo" : parameter->preset);
		struct config *config = must_load(text);

		assert_int_equal(config->values->settings[i].changed, interfaces);
		config_free(config);
	}
}

/* Tries the bound itself and the number beyond it. */
static void check_bound(const struct config_parameter *parameter, long bound, int outward)
{
	const unsigned line = 2;
	char number[32];
	_cleanup_free_ char *inside = NULL;
	_cleanup_free_ char *outside = NULL;

	(void)snprintf(number, sizeof(number), "%ld%s", bound,
		       parameter->kind == CONFIG_TIME ? "s" : "");
	inside = file_with(parameter->name, number);
	config_free(must_load(inside));
	/* The largest numbers of all have no neighbour that fits into a long: write it as text. */
	if ((outward > 0 && bound == INT64_MAX) || (outward < 0 && bound == INT64_MIN))
		(void)snprintf(number, sizeof(number), "%ld0", bound);
	else
		(void)snprintf(number, sizeof(number), "%ld%s", bound + outward,
			       parameter->kind == CONFIG_TIME ? "s" : "");
	outside = file_with(parameter->name, number);
	must_refuse(outside, line, parameter->name);
}

static void test_bounds(void **state)
{
	unsigned checked = 0;

	(void)state;
	for (size_t i = 0; i < config_parameter_count; i++) {
		const struct config_parameter *parameter = &config_parameters[i];

		if (parameter->kind != CONFIG_NUMBER && parameter->kind != CONFIG_TIME)
			continue;
		check_bound(parameter, parameter->min, -1);
		check_bound(parameter, parameter->max, 1);
		checked++;
	}
	assert_true(checked > 10);
}

static void test_choices(void **state)
{
	(void)state;
	for (size_t i = 0; i < config_parameter_count; i++) {
		const struct config_parameter *parameter = &config_parameters[i];
		_cleanup_free_ char *bad = file_with(parameter->name, "nonsense");

		if (parameter->kind != CONFIG_CHOICE)
			continue;
		for (size_t j = 0; parameter->choices[j]; j++) {
			_cleanup_free_ char *text =
				file_with(parameter->name, parameter->choices[j]);

			config_free(must_load(text));
		}
		must_refuse(bad, 2, parameter->choices[1]);
	}
}

static void test_stored(void **state)
{
	struct config *config =
		must_load(MINIMAL "enforcement = Monitor\nxdp_mode = generic\n"
				  "anvil_rate_time_unit = 2m\n"
				  "smtpd_client_ipv6_prefix_length = 64\n"
				  "smtpd_client_ipv4_prefix_length = 24\n"
				  "source_table_size = 2048\nmetrics_listen =\n"
				  "message_size_limit = 5000000000\n"
				  "queue_minfree = 6000000000\n"
				  "queue_directory = /queue\npolicy_listen =\n"
				  "client_block_threshold = 7\nclient_block_time = 2h\n"
				  "smtpd_client_message_rate_limit = 8\n"
				  "25:smtpd_client_message_rate_limit = 9\n"
				  "smtpd_client_recipient_rate_limit = 10\n");

	(void)state;
	assert_false(config->enforce);
	assert_int_equal(config->xdp_mode, CONFIG_XDP_GENERIC);
	assert_int_equal(config->rate_time_unit_s, 120);
	assert_int_equal(config->ipv6_prefix_length, 64);
	assert_int_equal(config->ipv4_prefix_length, 24);
	assert_int_equal(config->source_table_size, 2048);
	assert_string_equal(config->metrics_listen, "");
	assert_int_equal(config->message_size_limit, 5000000000);
	assert_int_equal(config->queue_minfree, 6000000000);
	assert_string_equal(config->queue_directory, "/queue");
	assert_string_equal(config->policy_listen, "");
	assert_int_equal(config->client_block_threshold, 7);
	assert_int_equal(config->client_block_time_s, 7200);
	assert_int_equal(config->unlisted.message_rate_limit, 8);
	assert_int_equal(config->services[0].message_rate_limit, 9);
	assert_int_equal(config->services[0].recipient_rate_limit, 10);
	config_free(config);
	config = must_load(MINIMAL "message_size_limit = -5\n"
				   "smtpd_client_message_rate_limit = -1\n");
	assert_int_equal(config->message_size_limit, 0);
	assert_int_equal(config->unlisted.message_rate_limit, 0);
	assert_string_equal(config->policy_listen, "inet:127.0.0.1:10725");
	config_free(config);
}

static const char everything[] =
	"interfaces = lo, eth0 veth-a\n"
	"protected_ports = 25 submission, 192.0.2.1:25, [2001:db8::1]:2525\n"
	"enforcement = monitor\n"
	"smtpd_client_connection_rate_limit = -1\n"
	"25:smtpd_client_connection_rate_limit = 30\n"
	"submission:smtpd_client_connection_rate_limit = 10\n"
	"192.0.2.1:smtp:smtpd_client_connection_rate_limit = 5\n"
	"[2001:db8::1]:2525:smtpd_client_connection_rate_limit = 6\n"
	"mynetworks = 10.0.0.0/8, !192.0.2.0/24 [2001:db8::]/32\n"
	"  cidr:{ {192.0.2.0/23 ok}, {2001:db8:1::/48 no} }\n"
	"smtpd_client_event_limit_exceptions = !10.1.0.0/16 $mynetworks .example.com\n"
	"state_directory = /var/$$lib/${nosuchname:a b}\n"
	"anvil_rate_time_unit = 10\n"
	"message_size_limit = -5\n";

static void test_services(void **state)
{
	struct config *config = must_load(everything);
	const struct config_service *services = config->services;

	(void)state;
	assert_int_equal(config->service_count, 4);
	assert_string_equal(services[0].label, "25");
	assert_string_equal(services[1].label, "587");
	assert_string_equal(services[1].name, "submission");
	assert_string_equal(services[2].label, "192.0.2.1:25");
	assert_false(services[2].any_address);
	assert_string_equal(services[3].label, "[2001:db8::1]:2525");
	assert_string_equal(services[3].name, "2525");
	assert_int_equal(services[0].connection_rate_limit, 30);
	assert_int_equal(services[1].connection_rate_limit, 10);
	assert_int_equal(services[2].connection_rate_limit, 5);
	assert_int_equal(services[3].connection_rate_limit, 6);
	config_free(config);
}

static int print(const struct config_value *value, void *context)
{
	char line[4096];
	const int size = snprintf(line, sizeof(line), "%s = %s\n", value->name, value->value);

	assert_true(size > 0 && size < (int)sizeof(line));
	return config_text_append(context, line, (size_t)size);
}

static void assert_same_patterns(const struct config_patterns *a, const struct config_patterns *b)
{
	assert_int_equal(a->count, b->count);
	for (size_t i = 0; i < a->count; i++) {
		assert_int_equal(a->items[i].negated, b->items[i].negated);
		assert_int_equal(a->items[i].is_prefix, b->items[i].is_prefix);
		if (a->items[i].is_prefix)
			assert_true(prefix_equal(&a->items[i].prefix, &b->items[i].prefix));
		else
			assert_string_equal(a->items[i].host, b->items[i].host);
	}
}

static void check_print_and_read(const char *text)
{
	struct config *config = must_load(text);
	struct config_text printed = { 0 };
	struct config_text again = { 0 };
	struct config *reread;

	assert_int_equal(config_each(config, print, &printed), 0);
	reread = must_load(printed.data);
	assert_int_equal(config_each(reread, print, &again), 0);
	assert_string_equal(printed.data, again.data);
	assert_int_equal(config->service_count, reread->service_count);
	for (size_t i = 0; i < config->service_count; i++)
		assert_memory_equal(&config->services[i], &reread->services[i],
				    sizeof(config->services[i]));
	assert_int_equal(config->interface_count, reread->interface_count);
	assert_int_equal(config->enforce, reread->enforce);
	assert_int_equal(config->rate_time_unit_s, reread->rate_time_unit_s);
	assert_string_equal(config->state_directory, reread->state_directory);
	assert_same_patterns(&config->exceptions, &reread->exceptions);
	assert_null(config_needs_restart(config, reread));
	free(printed.data);
	free(again.data);
	config_free(config);
	config_free(reread);
}

static void test_print_and_read(void **state)
{
	struct config *config = must_load(everything);

	(void)state;
	assert_string_equal(config->state_directory, "/var/$lib/a b");
	config_free(config);
	check_print_and_read(MINIMAL);
	check_print_and_read(everything);
}

static void test_service_errors(void **state)
{
	(void)state;
	must_refuse(MINIMAL "protected_ports =\n", 2, "no port is listed");
	must_refuse(MINIMAL "protected_ports = 25 smtp\n", 2, "\"smtp\" is listed twice");
	must_refuse(MINIMAL "protected_ports = 192.0.2.1:25 [::ffff:192.0.2.1]:25\n", 2, "twice");
	must_refuse(MINIMAL "protected_ports = 0\n", 2, "neither a port number");
	must_refuse(MINIMAL "protected_ports = 65536\n", 2, "neither a port number");
	must_refuse(MINIMAL "protected_ports = nosuchservice\n", 2, "neither a port number");
	must_refuse(MINIMAL "protected_ports = 0.0.0.0:25\n", 2, "without an address");
	must_refuse(MINIMAL "protected_ports = [::]:25\n", 2, "without an address");
	must_refuse(MINIMAL "protected_ports = 2001:db8::1:25\n", 2, "needs brackets");
	must_refuse(MINIMAL "protected_ports = 192.0.2.1/32:25\n", 2,
		    "not an IPv4 or IPv6 address");
	must_refuse(MINIMAL "protected_ports = mx.example.com:25\n", 2,
		    "not an IPv4 or IPv6 address");
	must_refuse(MINIMAL "protected_ports = 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n", 2,
		    "more than 16");
}

static void test_override_errors(void **state)
{
	(void)state;
	must_refuse(MINIMAL "26:smtpd_client_connection_rate_limit = 1\n", 2,
		    "no row of protected_ports");
	must_refuse(MINIMAL "x:smtpd_client_connection_rate_limit = 1\n", 2,
		    "neither a port number");
	must_refuse(MINIMAL ":smtpd_client_connection_rate_limit = 1\n", 2,
		    "neither a port number");
	must_refuse(MINIMAL "25:enforcement = monitor\n", 2, "cannot be set for one service");
	must_refuse(MINIMAL "25:smtpd_client_connection_rate_limit = 10k\n", 2, "\"10k\"");
	must_refuse(MINIMAL "25:nonsense = 10\n", 2, "unknown parameter");
	must_warn(MINIMAL "25:smtpd_client_connection_rate_limit = 1\n"
			  "smtp:smtpd_client_connection_rate_limit = 2\n",
		  3, "line 2");
}

static void test_interface_errors(void **state)
{
	(void)state;
	must_refuse("enforcement = monitor\n", 0, "interfaces");
	must_refuse("interfaces = ,\n", 1, "name the network interfaces");
	must_refuse("interfaces = abcdefghijklmnop\n", 1, "at most 15");
	must_refuse("interfaces = a/b\n", 1, "not an interface name");
	must_refuse("interfaces = ..\n", 1, "not an interface name");
	must_refuse("interfaces = a b c d e f g h i j k l m n o p\n", 1, "more than 15");
	must_warn("interfaces = lo lo\n", 1, "listed twice");
}

static void test_line_errors(void **state)
{
	(void)state;
	must_refuse(MINIMAL "foo bar\n", 2, "missing \"=\"");
	must_refuse(MINIMAL "= bar\n", 2, "missing parameter name");
	must_refuse(MINIMAL "smtpd_client_conection_rate_limit = 1\n", 2,
		    "did you mean smtpd_client_connection_rate_limit?");
	must_refuse(MINIMAL "ENFORCEMENT = monitor\n", 2, "did you mean enforcement?");
	must_refuse(MINIMAL "mynetworks_style = host\n", 2, "set mynetworks");
	must_refuse(MINIMAL "smtpd_banner = x\n", 2, "unknown parameter");
	must_warn(MINIMAL "xdp_mode = native\nxdp_mode = generic\n", 3, "line 2");
}

static void test_text_errors(void **state)
{
	(void)state;
	must_refuse(MINIMAL "bpf_directory = run\n", 2, "absolute path");
	must_refuse(MINIMAL "bpf_directory =\n", 2, "absolute path");
	must_refuse(MINIMAL "metrics_listen = 9925\n", 2, "ADDRESS:PORT");
	must_refuse(MINIMAL "metrics_listen = ::1:9925\n", 2, "brackets");
	must_refuse(MINIMAL "metrics_listen = 127.0.0.1:0\n", 2, "neither a port number");
	must_refuse(MINIMAL "control_group = a b\n", 2, "not a name");
	must_refuse(MINIMAL "policy_listen = 127.0.0.1:10725\n", 2, "unix:/PATH");
	must_refuse(MINIMAL "policy_listen = inet:127.0.0.1:1 unix:run\n", 2, "absolute path");
	must_refuse(MINIMAL "control_socket = /"
			    "0123456789012345678901234567890123456789012345678901234567890123456789"
			    "012345678901234567890123456789012345678\n",
		    2, "too long for a socket");
}

static void test_same_value_twice_is_no_warning(void **state)
{
	struct report report = { 0 };
	struct config *config;

	(void)state;
	assert_int_equal(
		load(MINIMAL "enforcement = monitor\nenforcement=monitor\n", &config, &report), 0);
	assert_int_equal(report.count, 0);
	config_free(config);
	report_done(&report);
}

static void test_values_are_plain_text(void **state)
{
	(void)state;
	must_refuse(MINIMAL "state_directory = /x $nosuchname\n", 2, "a blank at the end");
	must_refuse(MINIMAL "control_group = a\033[2J\n", 2, "printable ASCII");
	must_refuse(MINIMAL "smtpd_client_event_limit_exceptions = /etc/\xc3\xbc\n", 2,
		    "printable ASCII");
	must_refuse(MINIMAL "smtpd_client_event_limit_exceptions = cidr:{{10.0.0.1 \001}}\n", 2,
		    "printable ASCII");
	config_free(must_load(MINIMAL "# \xc3\xbc\nmynetworks = 10.0.0.1,\r\n\t10.0.0.2\r\n"));
}

static void test_limit_beyond_counting(void **state)
{
	char text[200];
	struct config *config;

	(void)state;
	(void)snprintf(text, sizeof(text), MINIMAL "smtpd_client_connection_rate_limit = %u\n",
		       SA_RATE_LIMIT_MAX + 1);
	must_warn(text, 2, "no limit");
	config = must_load(text);
	assert_int_equal(config->services[0].connection_rate_limit, 0);
	config_free(config);
	(void)snprintf(text, sizeof(text), MINIMAL "smtpd_client_connection_rate_limit = %u\n",
		       SA_RATE_LIMIT_MAX);
	config = must_load(text);
	assert_int_equal(config->services[0].connection_rate_limit, SA_RATE_LIMIT_MAX);
	config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_each_default_may_be_written),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_choices),
		cmocka_unit_test(test_stored),
		cmocka_unit_test(test_services),
		cmocka_unit_test(test_print_and_read),
		cmocka_unit_test(test_service_errors),
		cmocka_unit_test(test_override_errors),
		cmocka_unit_test(test_interface_errors),
		cmocka_unit_test(test_line_errors),
		cmocka_unit_test(test_text_errors),
		cmocka_unit_test(test_same_value_twice_is_no_warning),
		cmocka_unit_test(test_values_are_plain_text),
		cmocka_unit_test(test_limit_beyond_counting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
