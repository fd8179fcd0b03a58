#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# synanvil-milter asked by a real Postfix, with mail by swaks. What it leaves of a header is compared, byte for byte, with
# what Postfix leaves by its own header_size_limit.

load helpers
load milter

setup_file()
{
	file_lab postfix swaks || return 0
	[ -x "$LAB_BUILD/synanvil-milter" ] || exit 1
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
	[ -n "${LAB:-}" ] || return 0
	postfix_stop
	milter_teardown
	agent_teardown
}

# milter_metric ACTION
milter_metric()
{
	metric "synanvil_milter_messages_total{action=\"$1\"}"
}

milter_metric_is()
{
	[ "$(milter_metric "$1")" = "$2" ]
}

milter_reported()
{
	[ "$(json .milter.report_age_seconds status)" != null ]
}

# counted ACTION WANT: now or soon.
counted()
{
	wait_until 10 milter_metric_is "$1" "$2" || {
		echo "messages $1: want $2, got $(milter_metric "$1")"
		return 1
	}
}

# same NAME: message $BATS_TEST_TMPDIR/mail comes out of both ports as the same bytes.
same()
{
	local own milter
	ok mail_send 587 "$BATS_TEST_TMPDIR/mail"
	received_mail >"$BATS_TEST_TMPDIR/own"
	ok mail_send 25 "$BATS_TEST_TMPDIR/mail"
	received_mail >"$BATS_TEST_TMPDIR/milter"
	cmp "$BATS_TEST_TMPDIR/own" "$BATS_TEST_TMPDIR/milter" || {
		echo "$1: by its own limit $(wc -c <"$BATS_TEST_TMPDIR/own") bytes, with the milter" \
			"$(wc -c <"$BATS_TEST_TMPDIR/milter")"
		return 1
	}
}

# as_postfix FIELD...: a message of these, sent both ways. AS_CUT counts those that Postfix has changed.
as_postfix()
{
	message "$@" >"$BATS_TEST_TMPDIR/mail"
	same "$(printf '%s' "$1" | head -c 40)" || return
	cmp -s "$BATS_TEST_TMPDIR/own" "$BATS_TEST_TMPDIR/mail" || AS_CUT=$((AS_CUT + 1))
}

# Fields around a limit, several to a message where they are short; sent both ways.
around()
{
	local limit=$1 at name
	AS_CUT=0
	for at in $((limit - 1)) "$limit" $((limit + 1)) $((limit + 5000)); do
		as_postfix "$(field_of "$at")" || return
		as_postfix "$(field_of "$at" X-Test '')" || return
		as_postfix "$(field_of "$at" X-Test $'\t')" || return
		as_postfix "$(folded_of "$at" 78)" || return
		as_postfix "$(field_of "$at" X-Test $'\n ')" || return
	done
	# The last line's end before the limit around nine tenths of it, and at the limit itself.
	for at in $((limit * 9 / 10 - 1)) $((limit * 9 / 10)) $((limit * 9 / 10 + 1)) $((limit - 1)) "$limit"; do
		as_postfix "$(first_then "$at" $((limit + 300)))" || return
	done
	# Many short folds; 8-bit; names in other cases, more than once; names that Postfix knows.
	as_postfix "$(folded_of $((limit + 2000)) 12)" || return
	as_postfix "X-Test: $(characters $((limit + 10)) '\303')" || return
	as_postfix 'X-Test: short' "$(field_of $((limit + 7)) x-test)" 'X-TEST: short, too' "$(field_of $((limit + 9)))" \
		'X-Test:' 'X-Other: v' || return
	for name in Subject From To Received Reply-To Message-Id Content-Type; do
		as_postfix "$(folded_of $((limit + 100)) 60 "$name")" || return
	done
	# Empty ones, and blanks before the colon.
	as_postfix 'X-Empty:' 'X-Blank: ' "X-Spaced : $(characters "$limit")" $'X-Fold:\n ' || return
	at_least 20 "$AS_CUT" "messages of which Postfix has cut something"
}

@test "below 60000, what is left of long fields is what Postfix leaves, byte for byte: 1000" {
	MILTER_CLEANUP_OPTIONS='-o header_size_limit=1000'
	milter_start 'header_size_limit = 1000'
	milter_postfix inet:127.0.0.1:10726
	around 1000
}

@test "below 60000, what is left of long fields is what Postfix leaves, byte for byte: 30000, and pieces that end there" {
	MILTER_CLEANUP_OPTIONS='-o header_size_limit=30000'
	milter_start 'header_size_limit = 30000'
	milter_postfix inet:127.0.0.1:10726
	around 30000
	# A line behind nine tenths of the limit of which Postfix reads a piece (2,048 bytes) that ends just at the limit.
	as_postfix "$(first_then 27951 40000)"
	as_postfix "$(first_then 27950 40000)"
	as_postfix "$(first_then 27952 40000)"
}

@test "below 60000, what is left of long fields is what Postfix leaves, byte for byte: 59999" {
	MILTER_CLEANUP_OPTIONS='-o header_size_limit=59999'
	milter_start 'header_size_limit = 59999'
	milter_postfix inet:127.0.0.1:10726
	around 59999
}

@test "limits shorter than a name: the field goes, the rest stays" {
	milter_start 'header_size_limit = 25'
	milter_postfix inet:127.0.0.1:10726
	message 'X-A-Rather-Long-Name-As-It-Is: value' 'X-Short: v' >"$BATS_TEST_TMPDIR/mail"
	ok mail_send 25 "$BATS_TEST_TMPDIR/mail"
	run received_mail
	says $'X-Begin: of the header\nX-Short: v\nSubject: a test'
	[[ $output != *Rather* ]]
}

@test "a UNIX socket below the queue directory serves as well" {
	local directory=$LAB_DIR/postfix/queue/synanvil-milter
	install -d -o "$(id -u synanvil-milter 2>/dev/null || id -u nobody)" "$directory"
	milter_start 'header_size_limit = 100' "milter_listen = inet:127.0.0.1:10726, unix:$directory/socket"
	milter_postfix unix:synanvil-milter/socket
	message "$(field_of 300)" >"$BATS_TEST_TMPDIR/mail"
	ok mail_send 25 "$BATS_TEST_TMPDIR/mail"
	run received_mail
	says "X-Test: a{92}"$'\n'
	milter_logged '[0-9A-F]+: header field of 300 bytes cut, limit 100, from unknown\[192\.0\.2\.1\]'
	kill "$MILTER"
	wait_until 10 milter_gone
}

# refused WANT MESSAGE: what Postfix says to it.
refused()
{
	run mail_send 25 "$2"
	says "<(\*\*|~\*) $1"
}

@test "fields over their limit are refused where the administrator wants that, as are too many and too much" {
	milter_start 'header_size_limit = 100' 'header_size_action = reject' 'header_count_limit = 10' \
		'header_total_size_limit = 400'
	milter_postfix inet:127.0.0.1:10726
	message "$(field_of 101)" >"$BATS_TEST_TMPDIR/mail"
	refused '552 5\.3\.4 Message header field exceeds fixed limit' "$BATS_TEST_TMPDIR/mail"
	message A:\ {1,2,3,4,5,6,7,8,9} >"$BATS_TEST_TMPDIR/mail"
	refused '552 5\.3\.4 Message has too many header fields' "$BATS_TEST_TMPDIR/mail"
	message "$(field_of 100)" "$(field_of 100)" "$(field_of 100)" "$(field_of 100)" >"$BATS_TEST_TMPDIR/mail"
	refused '552 5\.3\.4 Message header exceeds fixed limit' "$BATS_TEST_TMPDIR/mail"
	message "$(field_of 100)" "$(field_of 100)" >"$BATS_TEST_TMPDIR/mail"
	ok mail_send 25 "$BATS_TEST_TMPDIR/mail"
	received_mail >"$BATS_TEST_TMPDIR/received"
	grep -q "^$(field_of 100)$" "$BATS_TEST_TMPDIR/received"
}

@test "exempt clients are not limited; those of the run-time list neither, soon after it is changed" {
	agent_with 'header_size_limit = 100' 'header_size_action = reject' \
		'smtpd_client_event_limit_exceptions = 10.3.0.0/16'
	milter_start 'header_size_limit = 100' 'header_size_action = reject' \
		'smtpd_client_event_limit_exceptions = 10.3.0.0/16'
	milter_postfix inet:127.0.0.1:10726
	message "$(field_of 200)" >"$BATS_TEST_TMPDIR/mail"
	fails 26 mail_send 25 "$BATS_TEST_TMPDIR/mail" --local-interface 10.4.0.1
	ok mail_send 25 "$BATS_TEST_TMPDIR/mail" --local-interface 10.3.0.1
	ok synanvil exception add 10.4.0.1
	wait_until 10 mail_send 25 "$BATS_TEST_TMPDIR/mail" --local-interface 10.4.0.1
	ok synanvil exception delete 10.4.0.1
	wait_until 10 eval '! mail_send 25 "$BATS_TEST_TMPDIR/mail" --local-interface 10.4.0.1'
}

@test "monitor mode changes nothing and counts" {
	agent_with 'enforcement = monitor' 'header_size_limit = 100' 'header_count_limit = 10'
	milter_start
	milter_postfix inet:127.0.0.1:10726
	message "$(field_of 300)" >"$BATS_TEST_TMPDIR/mail"
	ok mail_send 25 "$BATS_TEST_TMPDIR/mail"
	received_mail >"$BATS_TEST_TMPDIR/received"
	grep -q "^$(field_of 300)$" "$BATS_TEST_TMPDIR/received"
	message A:\ {1,2,3,4,5,6,7,8,9} >"$BATS_TEST_TMPDIR/mail"
	ok mail_send 25 "$BATS_TEST_TMPDIR/mail"
	counted would_truncate 1
	counted would_reject 1
	counted truncate 0
	counted reject 0
}

@test "counts are in metrics and status, wait for an absent agent, and outlive its restart" {
	agent_with 'header_size_limit = 100' 'header_count_limit = 10'
	milter_start
	milter_postfix inet:127.0.0.1:10726
	message "$(field_of 300)" >"$BATS_TEST_TMPDIR/cut"
	message short:\ field >"$BATS_TEST_TMPDIR/short"
	message A:\ {1,2,3,4,5,6,7,8,9} >"$BATS_TEST_TMPDIR/many"
	ok mail_send 25 "$BATS_TEST_TMPDIR/cut"
	ok mail_send 25 "$BATS_TEST_TMPDIR/short"
	counted truncate 1
	counted accept 1
	ok synanvil status
	says 'milter +accept 1, truncate 1, reject 0, would_truncate 0, would_reject 0, counted'
	equals 1 "$(json .milter.messages.truncate status)" "truncated in JSON"
	lab_agent_signal USR1
	milter_logged 'no agent answers.*counts are kept'
	ok mail_send 25 "$BATS_TEST_TMPDIR/cut"
	fails 26 mail_send 25 "$BATS_TEST_TMPDIR/many"
	lab_agent_start
	milter_logged 'the agent answers again'
	counted truncate 2
	counted reject 1
	counted accept 1
	# The milter's end delivers what is left, and its next process adds to it.
	ok mail_send 25 "$BATS_TEST_TMPDIR/short"
	milter_stop
	counted accept 2
	milter_start
	ok mail_send 25 "$BATS_TEST_TMPDIR/short"
	counted accept 3
	counted truncate 2
}

@test "a reload of the agent is followed, SIGHUP too, and a bad file changes nothing" {
	local before
	agent_with 'header_size_limit = 100' 'header_size_action = reject'
	milter_start
	milter_postfix inet:127.0.0.1:10726
	message "$(field_of 200)" >"$BATS_TEST_TMPDIR/mail"
	fails 26 mail_send 25 "$BATS_TEST_TMPDIR/mail"
	lab_config 'header_size_limit = 300' 'header_size_action = reject'
	# Edited, but in force nowhere yet.
	fails 26 mail_send 25 "$BATS_TEST_TMPDIR/mail"
	ok synanvil reload
	wait_until 10 milter_reloaded 0
	ok mail_send 25 "$BATS_TEST_TMPDIR/mail"
	milter_reload 'header_size_limit = 150' 'header_size_action = reject'
	fails 26 mail_send 25 "$BATS_TEST_TMPDIR/mail"
	before=$(milter_reloads)
	lab_config 'header_size_limit = many'
	kill -HUP "$MILTER"
	milter_logged 'header_size_limit: "many": not a number'
	milter_logged 'reload failed, the configuration in force stays as it was'
	fails 26 mail_send 25 "$BATS_TEST_TMPDIR/mail"
	# Nothing to do is an error, too.
	lab_config 'header_size_limit = 70000'
	kill -HUP "$MILTER"
	milter_logged '70000 leaves a milter nothing to do'
	fails 26 mail_send 25 "$BATS_TEST_TMPDIR/mail"
	equals "$before" "$(milter_reloads)" "reloads"
}

@test "a reload that moves the control socket is followed" {
	agent_with 'header_size_limit = 100' 'header_size_action = reject'
	milter_start
	wait_until 10 milter_reported
	lab_config 'header_size_limit = 300' 'header_size_action = reject' "control_socket = $LAB_DIR/moved.sock"
	ok synanvil reload
	wait_until 10 milter_reloaded 0
	equals 1 "$(milter_reloads)" "reloads"
}

# agent_plays MILLISECONDS: answers one report as an agent does that was last configured then.
agent_plays()
{
	local pid
	rm -f "$LAB_SOCKET.milter"
	printf '{"version":1,"ok":true,"result":{"configured_ms":%s,"exceptions_version":"0"}}\n' "$1" |
		timeout 20 nc -lNU "$LAB_SOCKET.milter" >/dev/null 3>&- &
	pid=$!
	wait_until 5 test -S "$LAB_SOCKET.milter"
	chmod 666 "$LAB_SOCKET.milter"
	wait "$pid"
}

@test "a reload of the agent is followed when the clock was set back" {
	milter_start 'header_size_limit = 100'
	mkdir -p "${LAB_SOCKET%/*}"
	agent_plays 5000
	agent_plays 5000
	equals 0 "$(milter_reloads)" "reloads before the agent's"
	agent_plays 4000
	wait_until 10 milter_reloaded 0
	agent_plays 4000
	equals 1 "$(milter_reloads)" "reloads"
	rm -f "$LAB_SOCKET.milter"
}

@test "mail flows while the milter is down, stops or dies, and is limited again when it is back" {
	milter_start 'header_size_limit = 100' 'header_size_action = reject'
	milter_postfix inet:127.0.0.1:10726
	message "$(field_of 200)" >"$BATS_TEST_TMPDIR/mail"
	fails 26 mail_send 25 "$BATS_TEST_TMPDIR/mail"
	milter_stop
	ok mail_send 25 "$BATS_TEST_TMPDIR/mail"
	milter_start
	fails 26 mail_send 25 "$BATS_TEST_TMPDIR/mail"
	kill -KILL "$MILTER"
	wait_until 10 eval '! milter_listens 10726'
	ok mail_send 25 "$BATS_TEST_TMPDIR/mail"
}

# under_way SIGNAL: two messages in one session; the milter gets that signal, and has gone, in the middle of the first.
under_way()
{
	# shellcheck disable=SC2016  # the inner shell expands it
	in_clients timeout 60 bash -c '
		exec 5<>"/dev/tcp/$1/25"
		say() { printf "%s\r\n" "$@" >&5; }
		hear() { while read -r reply <&5 && [ "${reply:3:1}" = - ]; do :; done; echo "$reply"; [[ $reply == $1* ]] || exit 1; }
		hear 220
		say "EHLO client.example"
		hear 250
		for message in 1 2; do
			for step in "MAIL FROM:<a@example.org>" "RCPT TO:<box@lab.example>"; do
				say "$step"
				hear 250
			done
			say DATA
			hear 354
			# More than is collected before it is passed on.
			say "X-Begin: of the header" "X-Number: $message" "" "$(yes line | head -n 20000)"
			[ "$message" = 2 ] || {
				kill -s "$2" "$3"
				while kill -0 "$3" && [ "$(ps -o stat= -p "$3" | cut -c1)" != Z ]; do sleep 0.1; done
			} 2>/dev/null
			say "X-End: of the body" .
			hear 250
		done' - "$LAB_HOST" "$1" "$MILTER"
}

@test "messages of a session that is under way when the milter stops, restarts or dies are taken" {
	local signal
	milter_postfix inet:127.0.0.1:10726
	for signal in TERM USR1 KILL; do
		milter_start 'header_size_limit = 100'
		ok under_way $signal
		wait_until 10 eval '! milter_listens 10726'
	done
	wait_until 10 eval '[ "$(grep -c "^X-End" "$POSTFIX_DIR/$mailbox")" = 6 ]'
	: >"$POSTFIX_DIR/$mailbox"
}

@test "it runs without privileges, as a user of its own" {
	local pid user
	milter_start 'header_size_limit = 100'
	user=$(id -u synanvil-milter 2>/dev/null || id -u nobody)
	for pid in "$MILTER" $(pgrep -P "$MILTER"); do
		equals "$user" "$(awk '/^Uid:/ { print $2 }' "/proc/$pid/status")" "user of process $pid"
		equals 0000000000000000 "$(awk '/^CapPrm:/ { print $2 }' "/proc/$pid/status")" "capabilities of process $pid"
		equals 1 "$(awk '/^NoNewPrivs:/ { print $2 }' "/proc/$pid/status")" "no new privileges of process $pid"
		equals '' "$(awk '/^Groups:/ { print $2 }' "/proc/$pid/status")" "groups of process $pid"
	done
}

# Of a process: its scheduling policy.
policy()
{
	chrt -p "$1" | sed -n 's/.*policy: //p'
}

@test "it lets the mail server finish before it is woken, unless the administrator has chosen otherwise" {
	local pid
	[ "$(policy $$)" = SCHED_OTHER ] || skip "the tests themselves run under another policy"
	milter_start 'header_size_limit = 100'
	for pid in "$MILTER" $(pgrep -P "$MILTER"); do
		equals SCHED_BATCH "$(policy "$pid")" "policy of process $pid"
	done
	milter_stop
	chrt -f -p 1 "$BASHPID"
	milter_start
	chrt -o -p 0 "$BASHPID"
	equals SCHED_FIFO "$(policy "$MILTER")" "policy of a milter started so"
}

# as_user USER COMMAND...: one line of a reply from the socket for reports.
report_as()
{
	local id=$1
	shift
	printf '%s\n' "$1" | setpriv --reuid "$id" --clear-groups nc -U -q 2 -w 2 "$LAB_SOCKET.milter"
}

@test "reports are taken from root, the agent's and the milter's user, from nobody else, and twice counts once" {
	local user messages request
	agent_with
	user=$(id -u synanvil-milter 2>/dev/null || id -u nobody)
	messages='{"accept":5,"truncate":0,"reject":0,"would_truncate":0,"would_reject":0}'
	request='{"version":1,"command":"milter report","arguments":{"instance":"0123456789abcdef0123456789abcdef","messages":'$messages'}}'
	run report_as 54321 "$request"
	[[ $output != *'"ok":true'* ]]
	equals 0 "$(milter_metric accept)" "accepted messages"
	run report_as "$user" "$request"
	says '"ok":true'
	run report_as 0 "$request"
	says '"ok":true'
	equals 5 "$(milter_metric accept)" "accepted messages"
	run report_as 0 '{"version":1,"command":"status","arguments":{}}'
	says 'for the milter'
	run report_as 0 '{"version":1,"command":"milter report","arguments":{"instance":"x"}}'
	says 'no instance'
}

@test "without anything to do the milter says so and exits 1" {
	lab_config 'header_size_limit = 60000'
	fails 1 in_mail "$LAB_BUILD/synanvil-milter" -c "$LAB_CONFIG"
	says "$LAB_CONFIG:[0-9]+: header_size_limit: 60000 leaves a milter nothing to do" 'lowers Postfix. own limit to 60000'
	lab_config 'milter_listen ='
	fails 1 in_mail "$LAB_BUILD/synanvil-milter" -c "$LAB_CONFIG"
	says 'milter_listen: empty'
	lab_config 'milter_listen = ,'
	fails 1 in_mail "$LAB_BUILD/synanvil-milter" -c "$LAB_CONFIG"
	says 'milter_listen: empty'
	fails 2 in_mail "$LAB_BUILD/synanvil-milter" -x
	# Behind a Postfix that cuts at as much itself.
	mkdir -p "$LAB_DIR/pf"
	echo 'header_size_limit = 5000' >"$LAB_DIR/pf/main.cf"
	: >"$LAB_DIR/pf/master.cf"
	lab_config "postfix_config_directory = $LAB_DIR/pf"
	sed -i '/header_size_limit/d; /milter_listen/d' "$LAB_CONFIG"
	fails 1 in_mail "$LAB_BUILD/synanvil-milter" -c "$LAB_CONFIG"
	says 'main.cf:1: header_size_limit: 5000 leaves a milter nothing to do: .* no more than 5000 bytes'
	lab_config 'header_count_limit = 100'
	milter_start
	milter_stop
}
