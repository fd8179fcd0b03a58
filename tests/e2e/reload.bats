#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A reload is whole or does not happen, and no packet sees half of it.

load helpers

setup_file()
{
	file_lab || return 0
	lab_banner 25 587
}

teardown_file()
{
	file_lab_down
}

setup()
{
	file_ready
}

teardown()
{
	agent_teardown
}

limit_is()
{
	[ "$(json '.services[0].connection_rate_limit' status)" = "$1" ]
}

@test "a reload changes the limit, and counters go on" {
	agent_with 'smtpd_client_connection_rate_limit = 5'
	greeted 5 10 10.1.0.5
	lab_config 'smtpd_client_connection_rate_limit = 8'
	ok synanvil reload
	limit_is 8
	greeted 5 5 10.1.0.6
	# Six attempts of the first were counted: the one over the old limit included.
	greeted 2 10 10.1.0.5
	equals 12 "$(syn_packets pass within_limit)" "passed"
}

@test "SIGHUP reloads" {
	agent_with 'smtpd_client_connection_rate_limit = 5'
	lab_config 'smtpd_client_connection_rate_limit = 7'
	kill -HUP "$LAB_AGENT"
	wait_until 5 limit_is 7
	greeted 7 10 10.1.0.5
}

@test "ports, exceptions, mode and interfaces change with a reload" {
	agent_with 'smtpd_client_connection_rate_limit = 5'
	lab_config 'smtpd_client_connection_rate_limit = 5' 'protected_ports = 587' 'mynetworks = 10.3.0.0/16'
	ok synanvil reload
	greeted 10 10 10.1.0.5 "$LAB_HOST" 25
	greeted 5 10 10.1.0.5 "$LAB_HOST" 587
	greeted 10 10 10.3.0.5 "$LAB_HOST" 587
	lab_config 'smtpd_client_connection_rate_limit = 5' 'enforcement = monitor'
	ok synanvil reload
	greeted 10 10 10.1.0.7
	equals 5 "$(syn_packets would_drop rate)" "would have been dropped"
}

@test "a bad file changes nothing, and the one who asked learns file, line, parameter and reason" {
	local line
	agent_with 'smtpd_client_connection_rate_limit = 5'
	lab_config 'smtpd_client_connection_rate_limit = 8' 'smtpd_client_conection_rate_limit = 9'
	line=$(wc -l <"$LAB_CONFIG")
	fails 1 synanvil reload
	says "$LAB_CONFIG:$line: error: smtpd_client_conection_rate_limit: "
	limit_is 5
	greeted 5 10 10.1.0.5
	equals 0 "$(metric synanvil_config_last_reload_successful)" "metric"
	logged 'reload failed'

	lab_config 'smtpd_client_connection_rate_limit = 10k'
	fails 1 synanvil reload
	says "$LAB_CONFIG:$line: error: smtpd_client_connection_rate_limit: .*|$LAB_CONFIG:[0-9]+: error: smtpd_client_connection_rate_limit: "
	kill -HUP "$LAB_AGENT"
	logged 'smtpd_client_connection_rate_limit.*10k|10k'
	limit_is 5

	lab_config 'smtpd_client_connection_rate_limit = 8'
	ok synanvil reload
	limit_is 8
	equals 1 "$(metric synanvil_config_last_reload_successful)" "metric"
}

# refused PARAMETER VALUE REASON: a reload with it fails and names the place; what was in force stays.
refused()
{
	lab_config 'smtpd_client_connection_rate_limit = 8' "$1 = $2"
	fails 1 synanvil reload
	says "$LAB_CONFIG:$(wc -l <"$LAB_CONFIG"): error: $1: $3"
	limit_is 5
	equals 0 "$(metric synanvil_config_last_reload_successful)" "metric"
}

@test "what only the system can refuse changes nothing either, and its place is named" {
	agent_with 'smtpd_client_connection_rate_limit = 5'
	exec_in_mail "$LAB_TOOLS/banner" 9926 >"$BATS_TEST_TMPDIR/occupied" 3>&- </dev/null &
	local occupant=$!
	wait_until 5 grep -q ready "$BATS_TEST_TMPDIR/occupied"
	refused metrics_listen 127.0.0.1:9926 '127.0.0.1:9926 is in use'
	kill "$occupant"
	refused control_socket "$LAB_DIR/none/control.sock" 'cannot listen on .*: No such file'
	touch "$LAB_DIR/plain"
	refused control_socket "$LAB_DIR/plain" '.* exists and is not a socket'
	refused state_directory "$LAB_DIR/plain" 'cannot move to .*: Not a directory'
	in_mail ip link add v7 type veth peer name v8
	in_mail "$LAB_TOOLS/foreign-xdp" v7 generic other_firewall
	refused interfaces 'm0, v7' 'interface v7 already has another XDP program'
	in_mail ip link delete v7
	greeted 5 10 10.1.0.5
	lab_config 'smtpd_client_connection_rate_limit = 8'
	ok synanvil reload
	limit_is 8
}

# policy_at HOST PORT: who answers requests there.
policy_at()
{
	printf 'request=smtpd_access_policy\nprotocol_state=DATA\n\n' | in_mail timeout 5 nc -q 1 "$1" "$2" | grep -q '^action='
}

scraped_at()
{
	in_mail curl -sf --max-time 5 "http://$1/metrics" | grep -q '^synanvil_exceptions '
}

@test "listeners go from one address to all of them and back; where that is refused, the old ones serve" {
	local host occupant
	requires curl nc
	agent_with 'policy_listen = inet:127.0.0.1:10725'
	for host in 0.0.0.0 127.0.0.1 '[::]' 127.0.0.1; do
		lab_config "metrics_listen = $host:9925" "policy_listen = inet:$host:10725"
		ok synanvil reload
		scraped_at 127.0.0.1:9925
		policy_at 127.0.0.1 10725
	done
	# Somebody else has one of all addresses: of the policy service, so that the metrics have moved when it is noticed.
	exec_in_mail nc -lk "$LAB_HOST" 10725 >/dev/null 3>&- </dev/null &
	occupant=$!
	wait_until 5 in_mail nc -z "$LAB_HOST" 10725
	lab_config 'metrics_listen = 0.0.0.0:9925' 'policy_listen = inet:0.0.0.0:10725'
	fails 1 synanvil reload
	says 'policy_listen: inet:0.0.0.0:10725 is in use by another program'
	scraped_at 127.0.0.1:9925
	fails 1 scraped_at "$LAB_HOST:9925"
	policy_at 127.0.0.1 10725
	kill "$occupant"
	wait "$occupant" || :
	ok synanvil reload
	scraped_at "$LAB_HOST:9925"
	policy_at "$LAB_HOST" 10725
}

@test "dead name servers hold up neither a reload nor whoever asks meanwhile" {
	local silent began
	requires nc unshare
	echo 'nameserver 127.0.0.1' >"$LAB_DIR/resolv.conf"
	exec_in_mail nc -luk 127.0.0.1 53 >"$BATS_TEST_TMPDIR/asked" 3>&- </dev/null &
	silent=$!
	lab_config 'policy_listen = inet:127.0.0.1:10725'
	lab_agent_start unshare -m sh -c 'mount --bind "$0" /etc/resolv.conf && exec "$@"' "$LAB_DIR/resolv.conf"
	# A name that needs nobody.
	lab_config 'policy_listen = inet:localhost:10725'
	ok synanvil reload
	lab_config 'policy_listen = inet:mx1.example.net:10725, inet:mx2.example.net:10725, inet:mx3.example.net:10725'
	began=$SECONDS
	fails 1 synanvil reload
	at_most 4 $((SECONDS - began)) "seconds"
	kill "$silent"
	says 'policy_listen: inet:mx1.example.net:10725: the name service does not answer in time'
	at_least 1 "$(wc -c <"$BATS_TEST_TMPDIR/asked")" "bytes of questions"
	policy_at 127.0.0.1 10725
	lab_config 'policy_listen = inet:127.0.0.1:10725'
	ok synanvil reload
	! lab_agent_gone
}

@test "what needs a restart is said, and is no failure" {
	agent_with
	sed -i 's/^source_table_size.*/source_table_size = 32768/' "$LAB_CONFIG"
	ok synanvil reload
	says source_table_size
	equals 65536 "$(json .sources.capacity status)" "capacity"
}

# Two configurations that agree on what the flood's sources get, and differ in much else.
reload_many()
{
	local i
	lab_config 'smtpd_client_connection_rate_limit = 10' 'anvil_rate_time_unit = 600s' \
		'mynetworks = 10.50.0.0/16, 10.51.0.0/16'
	cp "$LAB_CONFIG" "$LAB_DIR/one.cf"
	lab_config 'smtpd_client_connection_rate_limit = 10' 'anvil_rate_time_unit = 600s' \
		'protected_ports = 587, 25' 'mynetworks = !10.52.0.0/16, 10.51.0.0/16, 10.50.0.0/15, 10.52.0.0/14' \
		'587:smtpd_client_connection_rate_limit = 99'
	cp "$LAB_CONFIG" "$LAB_DIR/two.cf"
	for ((i = 0; i < 500; i++)); do
		cp "$LAB_DIR/two.cf" "$LAB_CONFIG" && "$LAB_BUILD/synanvil" -s "$LAB_SOCKET" reload >/dev/null || return
		cp "$LAB_DIR/one.cf" "$LAB_CONFIG" && "$LAB_BUILD/synanvil" -s "$LAB_SOCKET" reload >/dev/null || return
	done
}

@test "a thousand reloads under traffic misjudge no SYN" {
	local exempt limited first missing
	agent_with 'smtpd_client_connection_rate_limit = 10' 'anvil_rate_time_unit = 600s' \
		'mynetworks = 10.50.0.0/16, 10.51.0.0/16'
	first=$(lost)
	lab_flood -r 5000 -s 10.50.0.0 -a 100 "$LAB_HOST" 25 >"$BATS_TEST_TMPDIR/exempt" 3>&- </dev/null &
	exempt=$!
	lab_flood -r 5000 -s 10.66.0.0 -a 100 "$LAB_HOST" 25 >"$BATS_TEST_TMPDIR/limited" 3>&- </dev/null &
	limited=$!
	reload_many
	floods_stop
	wait "$exempt" "$limited"
	exempt=$(field sent "$(cat "$BATS_TEST_TMPDIR/exempt")")
	limited=$(field sent "$(cat "$BATS_TEST_TMPDIR/limited")")
	missing=$(($(lost) - first))
	echo "judged while reloading: $exempt exempt SYNs, $limited of limited sources, less $missing lost on the way"
	at_least 1000 "$limited" "traffic"
	at_most 1000 "$missing" "lost"
	equals 1000 "$(syn_packets pass within_limit)" "passed within the limit"
	at_most "$exempt" "$(syn_packets pass exempt)" "passed as exempt"
	at_least $((exempt - missing)) "$(syn_packets pass exempt)" "passed as exempt"
	equals $((exempt + limited - missing - 1000 - $(syn_packets pass exempt))) "$(syn_packets drop rate)" "dropped"
	equals 0 "$(syn_packets pass unlimited)" "passed as unlimited"
	equals 0 "$(syn_packets pass undecided)" "passed undecided"
}

# Neither configuration drops the source: one has a limit that is out of reach, the other exempts it.
@test "a reload that lowers the limit and exempts a source drops none of its SYNs" {
	local i flood
	agent_with 'smtpd_client_connection_rate_limit = 1000000'
	cp "$LAB_CONFIG" "$LAB_DIR/one.cf"
	lab_config 'smtpd_client_connection_rate_limit = 5' 'mynetworks = 10.66.0.1'
	cp "$LAB_CONFIG" "$LAB_DIR/two.cf"
	lab_flood -r 20000 -s 10.66.0.1 -a 1 "$LAB_HOST" 25 >/dev/null 3>&- </dev/null &
	flood=$!
	for ((i = 0; i < 20; i++)); do
		cp "$LAB_DIR/two.cf" "$LAB_CONFIG" && ok synanvil reload
		cp "$LAB_DIR/one.cf" "$LAB_CONFIG" && ok synanvil reload
	done
	floods_stop
	wait "$flood"
	at_least 1 "$(syn_packets pass exempt)" "passed as exempt"
	at_least 1 "$(syn_packets pass within_limit)" "passed within the limit"
	equals 0 "$(syn_packets drop rate)" "dropped"
}
