#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A real Postfix' own files are the configuration: what main.cf and master.cf say is what happens to SYNs.

load helpers

setup_file()
{
	file_lab postfix || return 0
	postfix_start 'smtpd_client_connection_rate_limit = 5' 'submission_rate = 3' || exit 1
}

teardown_file()
{
	file_lab_down
}

setup()
{
	file_ready
	postfix_paths
	postfix_files 5
	postfix_reload
}

teardown()
{
	agent_teardown
}

# postfix_files LIMIT: main.cf with this rate limit, master.cf with one of its own for submission.
postfix_files()
{
	postfix_main_cf "smtpd_client_connection_rate_limit = $1" 'submission_rate = 3' >"$POSTFIX_DIR/config/main.cf"
	# shellcheck disable=SC2016  # Postfix expands it
	postfix_master_cf | sed 's/^submission .*/&\n  -o smtpd_client_connection_rate_limit=$submission_rate/' \
		>"$POSTFIX_DIR/config/master.cf"
}

postfix_reload()
{
	in_mail postfix -c "$POSTFIX_DIR/config" reload >"$POSTFIX_DIR/reload.out" 2>&1 3>&- </dev/null
}

agent_of_postfix()
{
	agent_with 'protected_ports = 25, 587' "postfix_config_directory = $POSTFIX_DIR/config" "$@"
}

stale_is()
{
	[ "$(metric synanvil_config_stale)" = "$1" ]
}

dropped_for_rate()
{
	json '.syn_packets.drop.rate' status
}

@test "limits of main.cf and of -o are enforced, each at its port" {
	agent_of_postfix
	greeted 5 10 10.1.0.1
	greeted 3 10 10.1.0.1 "$LAB_HOST" 587
	at_least 12 "$(dropped_for_rate)" "dropped SYNs"
	# Postfix has not seen what was dropped, so its own limiter had nothing to refuse.
	equals 0 "$(postfix_refusals)" "refusals by anvil"
	ok synanvil config
	says "smtpd_client_connection_rate_limit = 5" "$POSTFIX_DIR/config/main.cf:[0-9]+" \
		"587:smtpd_client_connection_rate_limit = 3" "$POSTFIX_DIR/config/master.cf:2" \
		"25:default_process_limit = 40"
}

@test "what synanvil.cf sets wins over Postfix" {
	agent_of_postfix 'smtpd_client_connection_rate_limit = 2'
	greeted 2 5 10.1.0.2
	greeted 2 5 10.1.0.2 "$LAB_HOST" 587
}

@test "a changed main.cf is stale until a reload puts it in force" {
	agent_of_postfix
	stale_is 0
	equals false "$(json .configuration.stale status)" "status"
	postfix_files 8
	stale_is 1
	equals "$POSTFIX_DIR/config/main.cf" \
		"$(json '.configuration.files[] | select(.stale and (.file | endswith("main.cf"))) | .file' status)" "stale file"
	ok synanvil status
	says "not in force: $POSTFIX_DIR/config/main.cf"
	greeted 5 10 10.1.0.3
	postfix_reload
	kill -HUP "$LAB_AGENT"
	wait_until 5 stale_is 0
	greeted 8 12 10.1.0.4
	equals 0 "$(postfix_refusals)" "refusals by anvil"
}

@test "a main.cf that Postfix would refuse changes nothing, and stays stale" {
	agent_of_postfix
	echo 'smtpd_client_connection_rate_limit = 10k' >>"$POSTFIX_DIR/config/main.cf"
	fails 1 synanvil reload
	says "$POSTFIX_DIR/config/main.cf:[0-9]+: error: smtpd_client_connection_rate_limit: "
	stale_is 1
	equals 5 "$(json '.services[0].connection_rate_limit' status)" "limit in force"
	rm "$POSTFIX_DIR/config/main.cf"
	stale_is 1
	fails 1 synanvil reload
	postfix_files 5
	ok synanvil reload
	stale_is 0
}

@test "a port that takes the proxy protocol has no limit by address" {
	sed -i 's/^submission .*/&\n  -o smtpd_upstream_proxy_protocol=haproxy/' "$POSTFIX_DIR/config/master.cf"
	agent_of_postfix
	logged 'smtpd_upstream_proxy_protocol: 587: packets come from proxies'
	equals true "$(json '.services[] | select(.service == "587") | .behind_proxy' status)" "587"
	equals false "$(json '.services[] | select(.service == "25") | .behind_proxy' status)" "25"
	equals 0 "$(json '.services[] | select(.service == "587") | .connection_rate_limit' status)" "limit at 587"
	equals 5 "$(json '.services[] | select(.service == "25") | .connection_rate_limit' status)" "limit at 25"
}

@test "a port that takes the proxy protocol keeps its limit where the proxy is exempt" {
	sed -i 's/^submission .*/&\n  -o smtpd_upstream_proxy_protocol=haproxy/' "$POSTFIX_DIR/config/master.cf"
	agent_of_postfix 'upstream_proxies = 10.3.0.1' 'mynetworks = 127.0.0.0/8, 10.3.0.1'
	equals false "$(json '.services[] | select(.service == "587") | .behind_proxy' status)" "587"
	equals 3 "$(json '.services[] | select(.service == "587") | .connection_rate_limit' status)" "limit at 587"
	lab_config "postfix_config_directory = $POSTFIX_DIR/config" 'protected_ports = 25, 587' \
		'upstream_proxies = 10.3.0.1' 'mynetworks = 127.0.0.0/8'
	ok synanvil reload
	says 'upstream_proxies: 10.3.0.1 is not exempt'
	equals 0 "$(json '.services[] | select(.service == "587") | .connection_rate_limit' status)" "limit at 587"
}

@test "an agent that was started with a relative path reads the same file again" {
	cd "$LAB_DIR" || return
	LAB_CONFIG=${LAB_CONFIG##*/} agent_of_postfix
	stale_is 0
	lab_config 'smtpd_client_connection_rate_limit = 7'
	stale_is 1
	ok synanvil reload
	stale_is 0
	equals 7 "$(json '.services[0].connection_rate_limit' status)" "limit"
}
