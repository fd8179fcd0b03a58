#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The command line, as a postmaster and his scripts use it: text, JSON, exit status.

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

# is_json FILTER COMMAND...: the output is JSON for which the filter is true.
is_json()
{
	local filter=$1
	shift
	ok synanvil --json "$@"
	jq -es "$filter" <<<"$output" >/dev/null || {
		echo "not true of the output of $*: $filter"
		return 1
	}
}

busy_agent()
{
	agent_with 'smtpd_client_connection_rate_limit = 5' 'protected_ports = 25, 587' 'mynetworks = 10.3.0.0/16'
	greeted 5 12 10.1.0.5
	greeted 5 9 2001:db8:1:1:1:1000::1 "$LAB_HOST6" 587
	greeted 3 3 10.3.0.1
}

@test "status" {
	busy_agent
	ok synanvil status
	says m0 native enforcing within_limit rate exempt
	is_json '.[0] | (.version | type) == "string" and .enforcement == "enforce" and .uptime_seconds >= 0
		and .interfaces == [{name: "m0", mode: "native", attached: true}]
		and [.services[].service] == ["25", "587"] and .services[0].connection_rate_limit == 5
		and .services[0].process_limit == 0 and .services[0].connections == 0
		and .sources.capacity == 65536 and (.sources | has("tracked") and has("age_seconds"))
		and .syn_packets.pass.within_limit == 10 and .syn_packets.pass.exempt == 3 and .syn_packets.drop.rate == 11
		and .syn_packets.would_drop.rate == 0 and .blocks == 0 and .exceptions == 1' status
}

@test "show tells what the next SYN would get, and why" {
	busy_agent
	ok synanvil show 10.1.0.5
	says 10.1.0.5 drop
	is_json '.[0] | .address == "10.1.0.5" and .prefix == "10.1.0.5" and .exempt == false and .blocked == false
		and (.services | length) == 2
		and (.services[0] | .service == "25" and .attempts == 6 and .limit == 5 and .dropped == 7
			and .verdict == "drop" and .reason == "rate" and .window_remaining_seconds > 0
			and .window_remaining_seconds <= 60 and (.last_dropped | fromdateiso8601) > 0)
		and (.services[1] | .service == "587" and .attempts == 0 and .dropped == 0 and .last_dropped == null
			and .verdict == "pass")' show 10.1.0.5
	is_json '.[0] | .prefix == "2001:db8:1:1:1:1000::/84" and .services[1].verdict == "drop"' show 2001:db8:1:1:1:1234::7
	is_json '.[0] | .prefix == "2001:db8:1:1:1:1000::/84"' show '[2001:db8:1:1:1:1234::7]'
	is_json '.[0] | .exempt == true and .services[0].verdict == "pass" and .services[0].reason == "exempt"' show 10.3.0.77
	is_json '.[0] | .services[0].verdict == "pass" and .services[0].attempts == 0' show 203.0.113.9
}

top_has()
{
	[ "$(json '.sources | length' top)" -ge "$1" ]
}

@test "top: one plain table in a pipe, sorted, at most 80 columns" {
	busy_agent
	wait_until 20 top_has 2
	ok synanvil top
	says 10.1.0.5 '2001:db8:1:1:1:1000::/84'
	at_most 80 "$(awk '{ if (length($0) > n) n = length($0) } END { print n }' <<<"$output")" "columns"
	[[ $output != *$'\e'* ]]
	is_json '.[0].sources | [.[] | .attempts] | . == (sort | reverse)' top --by attempts
	is_json '.[0].sources[0] | .prefix == "10.1.0.5" and .service == "25" and .dropped == 7' top --by dropped
	is_json '.[0].sources | length == 1' top -n 1
	ok synanvil top --once -n 1
}

@test "events answer: was this sender dropped, when, for what" {
	busy_agent
	wait_until 5 has_events 2
	ok synanvil events 10.1.0.5
	says 10.1.0.5
	is_json 'length == 1 and (.[0] | .address == "10.1.0.5" and .prefix == "10.1.0.5" and .service == "25"
		and .reason == "rate" and .count == 6 and .limit == 5 and (.time | type) == "string")' events 10.1.0.5
	is_json 'length == 2' events --since 1h
	is_json 'length == 0' events 203.0.113.9
}

has_events()
{
	[ "$(synanvil --json events | wc -l)" -ge "$1" ]
}

@test "events --follow shows them as they come" {
	local pid
	agent_with 'smtpd_client_connection_rate_limit = 5'
	exec_in_mail "$LAB_BUILD/synanvil" -s "$LAB_SOCKET" --json events --follow >"$BATS_TEST_TMPDIR/followed" 3>&- </dev/null &
	pid=$!
	# It may not have connected yet: what came before would not be shown to it, so make news until it arrives.
	wait_until 10 follower_told
	kill "$pid"
	jq -e '.reason == "rate"' "$BATS_TEST_TMPDIR/followed" >/dev/null
}

follower_told()
{
	attempts -s "10.1.$((RANDOM % 250)).$((RANDOM % 250))" -n 6 -c 100 "$LAB_HOST" 25
	[ -s "$BATS_TEST_TMPDIR/followed" ]
}

@test "exception and block lists" {
	busy_agent
	ok synanvil exception add 10.5.0.0/16 2001:db8:5::/48
	ok synanvil block add 10.6.0.0/16 --for 1h
	ok synanvil block add '[2001:db8:6::]/48'
	ok synanvil exception list
	says 10.5.0.0/16 2001:db8:5::/48 '10.3.0.0/16.*synanvil.cf:[0-9]+'
	is_json '[.[0].exceptions[] | "\(.prefix) \(.exempt) \(.origin)"] | sort ==
		["10.3.0.0/16 true config", "10.5.0.0/16 true runtime", "2001:db8:5::/48 true runtime"]' exception list
	ok synanvil block list
	says 10.6.0.0/16 2001:db8:6::/48
	is_json '.[0].blocks | sort_by(.prefix) | .[0].prefix == "10.6.0.0/16" and .[0].origin == "runtime"
		and .[0].remaining_seconds > 3500 and .[1].remaining_seconds == null' block list
	is_json '.[0] | .blocks == 2 and .exceptions == 3' status
	ok synanvil exception delete 10.5.0.0/16 2001:db8:5::/48
	ok synanvil block delete 10.6.0.0/16 2001:db8:6::/48
	is_json '.[0].blocks == []' block list
}

@test "config tells values and where they came from" {
	busy_agent
	ok synanvil config
	says 'smtpd_client_connection_rate_limit *= *5' 'anvil_rate_time_unit *= *60'
	is_json '.[0].parameters[] | select(.name == "smtpd_client_connection_rate_limit") |
		.value == "5" and .origin.kind == "file" and (.origin.file | endswith("synanvil.cf")) and .origin.line > 0' config
	is_json '.[0].parameters[] | select(.name == "smtpd_client_ipv6_prefix_length") |
		.value == "84" and .origin.kind == "default"' config
	is_json '[.[0].parameters[].name] | index("smtpd_client_ipv6_prefix_length") == null' config --changed
	lab_agent_reset
	ok synanvil config -c "$LAB_CONFIG"
	says 'smtpd_client_connection_rate_limit *= *5'
}

advice_has()
{
	[ "$(json "[.services[] | select(.service == \"25\")][0].$1" advise)" = "$2" ]
}

@test "advise says what other limits would have stopped" {
	agent_with 'smtpd_client_connection_rate_limit = 0' 'mynetworks = 10.3.0.0/16'
	greeted 40 40 10.1.0.5
	greeted 8 8 2001:db8:1:1:1000::1 "$LAB_HOST6"
	greeted 8 8 2001:db8:1:1:2000::1 "$LAB_HOST6"
	greeted 60 60 10.3.0.1
	wait_until 20 advice_has sources 3
	is_json '.[0].services[0] | .service == "25" and .limit == 0 and .bounded_by == null and .busiest == 40 and
		.recommended_limit == null and .delivering_sources == 0' advise
	is_json '[.[0].services[0].candidates[] | select(.limit == 7)] == [{"limit": 7, "sources_over": 3,
		"attempts_over": 35, "delivering_sources_over": 0}]' advise
	is_json '[.[0].services[0].candidates[] | select(.limit == 30)] == [{"limit": 30, "sources_over": 1,
		"attempts_over": 10, "delivering_sources_over": 0}]' advise
	# Both of one /64: 16 attempts.
	is_json '.[0].services[0].ipv6_64 | .sources == 1 and .busiest == 16' advise
	ok attempts -s 10.2.0.1 -a 100 -n 1 "$LAB_HOST" 25
	wait_until 20 advice_has sources 103
	# One source in a thousand of 103 is none: twice 40, and the next of the series.
	is_json '.[0].services[0] | .recommended_limit == 100 and .recommended_from == "sources"' advise
	ok synanvil advise
	says 'smtpd_client_connection_rate_limit = 100'
	equals 0 "$(awk 'length > 80' <<<"$output" | wc -l)" "lines longer than 80"
}

@test "advise knows who delivered mail" {
	agent_with 'smtpd_client_connection_rate_limit = 0'
	greeted 9 9 10.1.0.5
	greeted 9 9 10.1.0.6
	ok in_mail nc -N -w 2 127.0.0.1 10725 < <(printf '%s\n' request=smtpd_access_policy protocol_state=END-OF-MESSAGE \
		client_address=10.1.0.5 server_port=25 size=1000 recipient_count=1 instance=a.1 '')
	says action=DUNNO
	wait_until 20 advice_has delivering_sources 1
	is_json '[.[0].services[0].candidates[] | select(.limit == 7)] == [{"limit": 7, "sources_over": 2,
		"attempts_over": 4, "delivering_sources_over": 1}]' advise
	# The forty sources that come now deliver too: twice the most attempts of any that did.
	ok attempts -s 10.2.0.1 -a 40 -n 1 "$LAB_HOST" 25
	for i in {1..40}; do
		printf '%s\n' request=smtpd_access_policy protocol_state=DATA "client_address=10.2.0.$i" server_port=25 \
			recipient_count=1 "instance=b.$i" ''
	done | in_mail nc -N -w 2 127.0.0.1 10725 >/dev/null
	wait_until 20 advice_has delivering_sources 41
	is_json '.[0].services[0] | .recommended_limit == 20 and .recommended_from == "delivering" and
		.busiest_delivering == 9' advise
}

@test "advise says where an enforced limit bounds what it knows" {
	agent_with 'smtpd_client_connection_rate_limit = 10'
	greeted 10 40 10.1.0.5
	wait_until 20 advice_has sources 1
	is_json '.[0].services[0] | .limit == 10 and .bounded_by == 10 and .busiest == 11' advise
	ok synanvil advise
	says 'the limit is enforced: attempts beyond it were not counted'
}

@test "check needs no agent" {
	lab_config 'smtpd_client_connection_rate_limit = 5'
	ok synanvil check -c "$LAB_CONFIG"
	lab_config 'smtpd_client_connection_rate_limit = five' 'mynetworks = 10.0.0.1/8'
	fails 1 synanvil check -c "$LAB_CONFIG"
	says "$LAB_CONFIG:[0-9]+: error: smtpd_client_connection_rate_limit: " "$LAB_CONFIG:[0-9]+: error: mynetworks: "
	run --separate-stderr synanvil --json check -c "$LAB_CONFIG"
	equals 1 "$status" "status"
	jq -e '.errors | length == 2 and (.[0] | has("file") and has("line") and has("parameter") and has("message"))' <<<"$output"
}

@test "help, version and usage errors" {
	local command
	ok synanvil version
	says '[0-9]+\.[0-9]+'
	ok synanvil help
	for command in status top show 'exception add' 'block add' events config check advise reload restart detach version; do
		says "$command"
	done
	at_most 100 "$(awk '{ if (length($0) > n) n = length($0) } END { print n }' <<<"$output")" "columns of the help"
	fails 2 synanvil
	fails 2 synanvil frobnicate
	fails 2 synanvil show
	fails 2 synanvil block add
	fails 2 synanvil status too many
	fails 2 synanvil top -n zero
	fails 2 synanvil --no-such-option status
}

@test "with no agent every command that needs one exits 3" {
	local command
	for command in status top 'show 10.1.0.5' 'exception list' 'exception add 10.1.0.5' 'block list' \
		'block add 10.1.0.5' events config advise reload restart; do
		# shellcheck disable=SC2086  # the words of a command
		fails 3 synanvil $command
		one_line
	done
}

@test "top on a terminal is live, and q ends it" {
	local screen=$BATS_TEST_TMPDIR/screen keys=$BATS_TEST_TMPDIR/keys terminal
	requires script
	busy_agent
	wait_until 20 top_has 1
	mkfifo "$keys"
	timeout 60 script -qec "nsenter --net=/run/netns/$LAB_MAIL env TERM=xterm $LAB_BUILD/synanvil -s $LAB_SOCKET top" \
		/dev/null <"$keys" >"$screen" 3>&- &
	terminal=$!
	exec 9>"$keys"
	wait_until 20 grep -q '10\.1\.0\.5' "$screen"
	printf q >&9
	wait "$terminal"
	exec 9>&-
}
