#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Limits of simultaneous connections, in front of a real Postfix and against its own: per client
# (smtpd_client_connection_count_limit) and per service (default_process_limit).

load helpers

LIMIT=5

# What some clients do. Of each line only how many are served counts.
SCRIPT='open 10.1.0.1 3
open 10.1.0.1 2
open 10.1.0.1 1
open 10.1.0.2 8
close 10.1.0.1 2
open 10.1.0.1 1
open 10.1.0.1 4
close 10.1.0.2 1
open 10.1.0.2 1
open 10.1.0.2 1
close 10.1.0.1 5
open 10.1.0.1 9
open 10.1.0.3 5'

SLOW="10.1.0.1 10.1.0.2 10.1.0.3 10.1.0.4 10.1.0.5"

setup_file()
{
	file_lab postfix smtp-source || return 0
}

setup()
{
	file_ready
	SESSIONS=$BATS_TEST_TMPDIR/sessions
}

teardown()
{
	sessions_end
	[ -z "${BANNER:-}" ] || kill "$BANNER"
	postfix_stop
	agent_teardown
	wait_until 5 nobody_listens
}

nobody_listens()
{
	! postfix_listens 25
}

# Instead of Postfix, where only the packet path is looked at.
banner_begin()
{
	lab_banner 25
	BANNER=$!
}

teardown_file()
{
	file_lab_down
}

# Each service has as many processes as default_process_limit says.
eval "lab_$(declare -f postfix_master_cf)"
postfix_master_cf()
{
	lab_postfix_master_cf | sed 's/ 40 smtpd/ - smtpd/'
}

# Sessions that are held in the background; sessions LINE has one line obeyed, and its answer is in $ANSWER.
sessions_begin()
{
	mkfifo "$SESSIONS"
	in_clients "$LAB_TOOLS/sessions" "$LAB_HOST" 25 <"$SESSIONS" >"$SESSIONS.out" 3>&- &
	exec 7>"$SESSIONS"
	ASKED=0
}

sessions()
{
	ASKED=$((ASKED + 1))
	echo "$*" >&7
	wait_until 60 sessions_answered
	ANSWER=$(sed -n "${ASKED}p" "$SESSIONS.out")
	echo "$*: $ANSWER"
}

sessions_answered()
{
	[ "$(wc -l <"$SESSIONS.out")" -ge "$ASKED" ]
}

sessions_end()
{
	exec 7>&-
}

# play RESULTS: the script; one line of answer for each.
play()
{
	in_clients "$LAB_TOOLS/sessions" "$LAB_HOST" 25 <<<"$SCRIPT" >"$1"
	paste <(echo "$SCRIPT") "$1"
}

served()
{
	grep -o 'served=[0-9]*\|closed=[0-9]*' "$1"
}

mail_arrives()
{
	in_clients timeout "$1" smtp-source -4 -f sender@example.org -t box@lab.example "$LAB_HOST:25"
}

connections_of_service()
{
	json '.services[] | select(.service == "25") | .connections' status
}

@test "the same script against anvil and against synanvil: as many are served" {
	postfix_start "smtpd_client_connection_count_limit = $LIMIT" 'default_process_limit = 40'
	play "$BATS_TEST_TMPDIR/anvil"
	postfix_stop
	postfix_start 'default_process_limit = 40'
	agent_with "smtpd_client_connection_count_limit = $LIMIT"
	play "$BATS_TEST_TMPDIR/synanvil"
	diff <(served "$BATS_TEST_TMPDIR/anvil") <(served "$BATS_TEST_TMPDIR/synanvil")
	# anvil answers whom it refuses; here there is no answer at all.
	ok grep -q 'refused=[1-9]' "$BATS_TEST_TMPDIR/anvil"
	fails 1 grep -q 'silent=[1-9]' "$BATS_TEST_TMPDIR/anvil"
	ok grep -q 'silent=[1-9]' "$BATS_TEST_TMPDIR/synanvil"
	fails 1 grep -q 'refused=[1-9]\|waiting=[1-9]' "$BATS_TEST_TMPDIR/synanvil"
}

@test "the sixth gets no SYN-ACK; one leaves, and the next is served" {
	postfix_start 'default_process_limit = 40'
	agent_with "smtpd_client_connection_count_limit = $LIMIT"
	sessions_begin
	sessions open 10.1.0.1 5
	equals "served=5 refused=0 silent=0 waiting=0" "$ANSWER" "five"
	equals 5 "$(connections_of_service)" "connections of the service"
	equals "5 5 drop concurrency" "$(json '.services[0] | "\(.connections) \(.connection_limit) \(.verdict) \(.reason)"' \
		show 10.1.0.1)" "what the next SYN gets"
	sessions open 10.1.0.1 1
	equals "served=0 refused=0 silent=1 waiting=0" "$ANSWER" "the sixth"
	equals 1 "$(syn_packets drop concurrency)" "dropped"
	wait_until 10 postfix_connects_are 5 10.1.0.1
	logged 'warning: Connection concurrency limit exceeded: 6 from unknown\[10\.1\.0\.1\] for service smtp$'
	equals "10.1.0.1 concurrency 6 5" "$(synanvil --json events |
		jq -r '"\(.address) \(.reason) \(.count) \(.limit)"')" "events"
	sessions close 10.1.0.1 1
	sessions open 10.1.0.1 1
	equals "served=1 refused=0 silent=0 waiting=0" "$ANSWER" "the next"
	# Another client has its own five.
	sessions open 10.1.0.2 6
	equals "served=5 refused=0 silent=1 waiting=0" "$ANSWER" "another client"
	at_most 1 "$(grep -c 'limit exceeded.*10\.1\.0\.1' "$LAB_LOG")" "lines for one client"
}

@test "a burst of a hundred SYNs establishes five" {
	banner_begin
	agent_with "smtpd_client_connection_count_limit = $LIMIT"
	sessions_begin
	local client
	for client in 1 2 3 4 5 6 7 8; do
		sessions open "10.2.0.$client" 100
		equals "served=5 refused=0 silent=95 waiting=0" "$ANSWER" "burst of client $client"
	done
	equals 40 "$(connections_of_service)" "connections of the service"
	wait_until 15 top_shows 5 8
}

# top_shows CONNECTIONS SOURCES
top_shows()
{
	[ "$(json "[.sources[] | select(.connections == $1)] | length" top --by connections)" = "$2" ]
}

@test "exempt clients have no limit of connections, and see no full service" {
	banner_begin
	agent_with 'smtpd_client_connection_count_limit = 2' 'default_process_limit = 4' \
		'smtpd_client_event_limit_exceptions = 10.4.0.0/16'
	sessions_begin
	sessions open 10.4.0.1 10
	equals "served=10 refused=0 silent=0 waiting=0" "$ANSWER" "the exempt one"
	sessions open 10.1.0.1 1
	equals "served=0 refused=0 silent=1 waiting=0" "$ANSWER" "the service is full"
	equals 1 "$(syn_packets drop process_limit)" "dropped"
	logged 'SYN refused: the service has no process left: unknown\[10\.1\.0\.1\] for service smtp'
}

@test "monitor mode serves all, and says whom it would not have" {
	banner_begin
	agent_with "smtpd_client_connection_count_limit = $LIMIT" 'enforcement = monitor'
	sessions_begin
	sessions open 10.1.0.1 8
	equals "served=8 refused=0 silent=0 waiting=0" "$ANSWER" "monitored"
	equals 3 "$(syn_packets would_drop concurrency)" "would be dropped"
	equals 0 "$(syn_packets drop concurrency)" "dropped"
	logged 'would drop: warning: Connection concurrency limit exceeded: 6 from unknown\[10\.1\.0\.1\]'
	equals "would_drop concurrency" "$(json '.services[0] | "\(.verdict) \(.reason)"' show 10.1.0.1)" "show"
}

@test "forged SYNs close no service: newcomers still get in" {
	banner_begin
	agent_with 'default_process_limit = 10'
	sessions_begin
	sessions open 10.1.0.1 4
	equals "served=4 refused=0 silent=0 waiting=0" "$ANSWER" "some connections"
	flood_begin -r 20000 -s 10.64.0.0 -a 100000 "$LAB_HOST" 25
	wait_until 20 flood_has_passed 10000
	local client
	for client in 1 2 3 4 5; do
		sessions open "10.3.0.$client" 1
		equals "served=1 refused=0 silent=0 waiting=0" "$ANSWER" "newcomer $client"
	done
	flood_end
	equals 9 "$(connections_of_service)" "connections of the service"
	equals 0 "$(syn_packets drop process_limit)" "refused for want of a process"
}

flood_has_passed()
{
	[ "$(syn_packets pass unlimited)" -ge "$1" ]
}

@test "slow clients fill Postfix: with anvil alone nobody else gets in" {
	postfix_start 'default_process_limit = 20' 'smtpd_timeout = 300s'
	local client
	sessions_begin
	for client in $SLOW; do
		sessions open "$client" 4
		equals "served=4 refused=0 silent=0 waiting=0" "$ANSWER" "$client"
	done
	# No greeting in 20 s; the clients would hold on for 300.
	fails 124 mail_arrives 20
}

@test "slow clients fill Postfix: with synanvil legitimate mail is delivered" {
	postfix_start 'default_process_limit = 20' 'smtpd_timeout = 300s'
	agent_with "postfix_config_directory = $POSTFIX_DIR/config"
	local client
	sessions_begin
	# They try again and again.
	for client in $SLOW $SLOW $SLOW; do
		sessions open "$client" 4
	done
	equals 20 "$(json '.services[0].process_limit' status)" "the process limit"
	at_most 19 "$(connections_of_service)" "connections of slow clients"
	at_least 15 "$(connections_of_service)" "connections of slow clients"
	logged 'warning: Connection concurrency limit exceeded: [0-9]+ from unknown\[10\.1\.0\.1\] .* \(share of a service that fills up\)'
	for client in $SLOW; do
		at_most 4 "$(json '.services[0].connections' show "$client")" "connections of $client"
	done
	ok mail_arrives 10
	wait_until 10 grep -q 'status=sent' "$POSTFIX_LOG"
	equals 0 "$(syn_packets drop process_limit)" "refused for want of a process"
}
