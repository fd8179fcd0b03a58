#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The policy service's wire, from raw sockets: requests in any shape, peers that are broken, slow or many, sockets that
# a reload brings and takes, and the name that a chrooted smtpd sees.

load helpers

PORT=10725

setup_file()
{
	file_lab curl nc || return 0
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
	peers_stop
	postfix_stop
	agent_teardown
}

# --- peers ------------------------------------------------------------------------------------------------------------

# peer COMMAND...: a shell in the mail host with functions for one connection, on descriptor 9, to the TCP socket.
peer()
{
	in_mail timeout 30 bash -c '
		exec 9<>/dev/tcp/127.0.0.1/'"$PORT"' || exit 1
		say() { printf "$1" >&9; }
		# A reply without the empty line that ends it; "end" when the connection has ended.
		hear() {
			local line text=
			while IFS= read -r -t 10 line <&9; do
				[ -n "$line" ] || { echo "$text"; return; }
				text+=${text:+ / }$line
			done
			echo "${text:+$text / }end"
		}
		# Whether nothing more comes for a moment.
		silent() { ! IFS= read -r -t 0.3 line <&9; }
		'"$*"
}

# A peer in the background; it is ended with the test.
peer_start()
{
	peer "$@" >"$BATS_TEST_TMPDIR/peer.$RANDOM" 2>&1 3>&- </dev/null &
	PEERS+=("$!")
}

peers_stop()
{
	local pid
	for pid in $(ip netns pids "${LAB_MAIL:-none}" 2>/dev/null); do
		case $(cat "/proc/$pid/comm" 2>/dev/null) in
		bash | timeout | policy-crowd) kill "$pid" ;;
		esac
	done
}

REQUEST='request=smtpd_access_policy\nprotocol_state=DATA\nclient_address=192.0.2.9\nsize=1\ninstance=a.1\n\n'

errors()
{
	metric "synanvil_policy_errors_total{reason=\"$1\"}"
}

sessions()
{
	metric synanvil_policy_sessions
}

sessions_are()
{
	[ "$(sessions)" -eq "$1" ]
}

# --- requests ---------------------------------------------------------------------------------------------------------

@test "a request is answered with one line and an empty one, and nothing else" {
	agent_with
	ok peer "say '$REQUEST'; hear; silent && echo silent"
	equals $'action=DUNNO\nsilent' "$output" "the reply"
	in_mail bash -c "exec 9<>/dev/tcp/127.0.0.1/$PORT; printf '$REQUEST' >&9; head -c 14 <&9" >"$BATS_TEST_TMPDIR/bytes"
	printf 'action=DUNNO\n\n' | cmp - "$BATS_TEST_TMPDIR/bytes"
}

@test "attributes in any order, missing, unknown, 8-bit, with = in them; many requests on one connection" {
	agent_with 'message_size_limit = 1000'
	ok peer "
		say 'size=1001\ntls_from_the_future=a=b=\nprotocol_state=DATA\n\n'; hear
		say 'protocol_state=END-OF-MESSAGE\nsender=\303\244=\377@x\nsize=1001\nclient_address=unknown\n\n'; hear
		say 'protocol_state=END-OF-MESSAGE\nsize=1000\n\n'; hear
		say 'x=\n\n'; hear
		say 'protocol_state=FUTURE\nsize=99999\n\n'; hear
		say 'request=other\nprotocol_state=DATA\nsize=99999\n\n'; hear"
	equals 'action=552 5.3.4 Message size exceeds fixed limit' "${lines[0]}" "declared size"
	equals 'action=552 5.3.4 Message size exceeds fixed limit' "${lines[1]}" "actual size"
	equals 'action=DUNNO action=DUNNO action=DUNNO action=DUNNO' "${lines[*]:2}" "the others"
	equals 1 "$(metric 'synanvil_policy_requests_total{state="DATA"}')" "DATA requests"
	equals 2 "$(metric 'synanvil_policy_requests_total{state="END-OF-MESSAGE"}')" "END-OF-MESSAGE requests"
	equals 3 "$(metric 'synanvil_policy_requests_total{state="unknown"}')" "requests of unknown states"
	equals 6 "$(metric synanvil_policy_request_duration_seconds_count)" "timed requests"
}

# A page of metrics is served again for some milliseconds.
counted_once()
{
	[ "$(metric "synanvil_policy_requests_total{state=\"$1\"}")" = 1 ]
}

@test "all states of the protocol" {
	local state states=(CONNECT EHLO HELO MAIL RCPT DATA END-OF-MESSAGE VRFY ETRN)
	agent_with
	for state in "${states[@]}"; do
		equals action=DUNNO "$(peer "say 'request=smtpd_access_policy\nprotocol_state=$state\n\n'; hear")" "$state"
		wait_until 2 counted_once "$state"
	done
}

@test "requests split and merged" {
	agent_with 'message_size_limit = 1000'
	# Byte by byte, then two and a half requests at once.
	ok peer "
		text='protocol_state=DATA!size=1001!!'
		for ((i = 0; i < \${#text}; i++)); do c=\${text:i:1}; [ \"\$c\" != ! ] || c='\n'; say \"\$c\"; done; hear
		say 'size=1\n\nprotocol_state=DATA\nsize=2000\n\nproto'; hear; hear
		silent && echo silent
		say 'col_state=DATA\n\n'; hear"
	equals 'action=552 5.3.4 Message size exceeds fixed limit' "${lines[0]}" "byte by byte"
	equals 'action=DUNNO' "${lines[1]}" "first of the merged"
	equals 'action=552 5.3.4 Message size exceeds fixed limit' "${lines[2]}" "second of the merged"
	equals $'silent action=DUNNO' "${lines[*]:3}" "the half one"
}

@test "lines of 8 KiB, requests of 64 KiB and values of a megabyte that nobody needs" {
	agent_with 'message_size_limit = 1000'
	ok peer "
		printf -v long '%08192d' 0
		say \"sender=\$long\nrecipient=\$long\nprotocol_state=DATA\nsize=1001\n\n\"; hear
		for i in {1..20}; do say \"ccert_\$i=\$long\n\"; done; say 'protocol_state=DATA\nsize=1001\n\n'; hear
		say 'ccert_subject='; for i in {1..128}; do say \$long; done; say '\nprotocol_state=DATA\nsize=1001\n\n'; hear"
	equals 3 "$(grep -c '^action=552 5.3.4' <<<"$output")" "answers"
}

@test "broken framing disconnects, with a log line, and nobody else notices" {
	agent_with
	ok peer "say '$REQUEST'; hear; say 'EHLO mx.example.org\r\n'; hear"
	equals $'action=DUNNO\nend' "$output" "a client of another protocol"
	logged 'warning: policy service: connection of 127\.0\.0\.1:[0-9]+ closed: a line is not name=value'
	equals end "$(peer "say '${REQUEST//\\n/\\r\\n}'; hear")" "CRLF line ends"
	equals end "$(peer "say '\n'; hear")" "an empty request"
	equals end "$(peer "printf -v long '%020000d' 0; say \"sender=\$long\n\n\"; hear")" "a line of 20,000 bytes"
	peer "say 'protocol_state='"
	wait_until 5 sessions_are 0
	equals '2 1 1 1' "$(errors malformed_line) $(errors empty_request) $(errors line_too_long) $(errors truncated)" errors
	equals action=DUNNO "$(peer "say '$REQUEST'; hear")" "the next one"
}

# --- many, slow, hostile ----------------------------------------------------------------------------------------------

@test "4,096 idle connections, and each is answered" {
	local resident
	agent_with
	resident=$(metric process_resident_memory_bytes)
	mkfifo "$BATS_TEST_TMPDIR/go"
	in_mail "$LAB_TOOLS/policy-crowd" 4096 "$PORT" <"$BATS_TEST_TMPDIR/go" >"$BATS_TEST_TMPDIR/crowd" 3>&- &
	exec 8>"$BATS_TEST_TMPDIR/go"
	wait_until 30 grep -q ready "$BATS_TEST_TMPDIR/crowd"
	wait_until 10 sessions_are 4096
	at_most 8000000 $(($(metric process_resident_memory_bytes) - resident)) "bytes for 4,096 idle connections"
	equals action=DUNNO "$(peer "say '$REQUEST'; hear")" "one more"
	exec 8>&-
	wait_until 30 grep -q answered "$BATS_TEST_TMPDIR/crowd"
	run cat "$BATS_TEST_TMPDIR/crowd"
	equals 4096 "$(field answered "${lines[1]}")" "answers"
	wait_until 10 sessions_are 0
}

@test "a peer that stops in the middle, one that never reads and one that asks without end delay nobody" {
	local i
	agent_with
	peer_start "say 'protocol_state=DATA\nsize='; sleep 30"
	peer_start "while :; do printf '$REQUEST$REQUEST$REQUEST$REQUEST' >&9 || exit; done"
	peer_start "cat <&9 >/dev/null & while :; do printf 'x=\n\nx=\n\nx=\n\nx=\n\nx=\n\nx=\n\n' >&9 || exit; done"
	wait_until 10 sessions_are 3
	for i in 1 2 3 4 5; do
		equals action=DUNNO "$(peer "SECONDS=0; say '$REQUEST'; hear; ((SECONDS <= 2)) || echo late")" "request $i"
	done
	at_most 64000000 "$(metric process_resident_memory_bytes)" "resident bytes"
}

# --- sockets ----------------------------------------------------------------------------------------------------------

@test "a reload changes the sockets; those that stay keep their connections" {
	agent_with "policy_listen = inet:127.0.0.1:$PORT, unix:$LAB_DIR/one"
	mkfifo "$LAB_DIR/go"
	peer_start "say '$REQUEST'; hear; IFS= read -r -t 20 line <$LAB_DIR/go; say '$REQUEST'; hear"
	wait_until 5 sessions_are 1
	lab_config "policy_listen = unix:$LAB_DIR/two, inet:127.0.0.1:$PORT inet:[::1]:10727"
	ok synanvil reload
	[ ! -e "$LAB_DIR/one" ]
	equals action=DUNNO "$(printf '%b' "$REQUEST" | in_mail nc -N -U "$LAB_DIR/two" | head -n 1)" "the new UNIX socket"
	equals action=DUNNO "$(printf '%b' "$REQUEST" | in_mail nc -N ::1 10727 | head -n 1)" "the new IPv6 socket"
	sessions_are 1
	echo >"$LAB_DIR/go"
	wait_until 5 sessions_are 0
	equals $'action=DUNNO\naction=DUNNO' "$(cat "$BATS_TEST_TMPDIR"/peer.*)" "the connection that was there before"
	lab_config 'policy_listen ='
	ok synanvil reload
	fails 1 peer "say '$REQUEST'; hear"
	[ ! -e "$LAB_DIR/two" ]
}

@test "a reload that cannot have its socket says so and changes nothing" {
	agent_with "policy_listen = inet:127.0.0.1:$PORT"
	exec_in_mail nc -l -k 127.0.0.1 10728 >/dev/null 3>&- </dev/null &
	PEERS+=("$!")
	wait_until 5 in_mail nc -z 127.0.0.1 10728
	lab_config "policy_listen = unix:$LAB_DIR/one inet:127.0.0.1:10728"
	fails 1 synanvil reload
	says 'policy_listen: inet:127\.0\.0\.1:10728 is in use'
	[ ! -e "$LAB_DIR/one" ]
	equals action=DUNNO "$(peer "say '$REQUEST'; hear")" "the old socket"
	# The agent has dropped what a port below 1024 needs.
	lab_config "policy_listen = inet:127.0.0.1:725"
	fails 1 synanvil reload
	says 'policy_listen: may not listen on inet:127\.0\.0\.1:725: Permission denied.*synanvil restart'
	equals action=DUNNO "$(peer "say '$REQUEST'; hear")" "still the old socket"
	kill "${PEERS[@]}"
}

@test "at the start such a port is bound before privileges are dropped" {
	agent_with "policy_listen = inet:127.0.0.1:725"
	PORT=725
	equals action=DUNNO "$(peer "say '$REQUEST'; hear")" "port 725"
}

@test "a UNIX socket below private/ serves a chrooted smtpd" {
	requires postfix swaks
	lab_master_cf=$(postfix_master_cf)
	postfix_master_cf() { echo "${lab_master_cf//n - n - 40 smtpd/n - y - 40 smtpd}"; }
	local service='check_policy_service { unix:private/synanvil, timeout=3s, try_limit=1, default_action=DUNNO }'
	postfix_start 'message_size_limit = 0' 'mailbox_size_limit = 0' 'virtual_mailbox_limit = 0' \
		"smtpd_data_restrictions = $service" "smtpd_end_of_data_restrictions = $service"
	agent_with "policy_listen = unix:$POSTFIX_DIR/queue/private/synanvil" 'mynetworks = 127.0.0.0/8' \
		'message_size_limit = 2000' "queue_directory = $POSTFIX_DIR/queue"
	ok in_clients swaks --server "$LAB_HOST" --from a@example.org --to box@lab.example --silent 2
	fails 26 in_clients swaks --server "$LAB_HOST" --from a@example.org --to box@lab.example \
		--body "$(head -c 3000 /dev/zero | tr '\0' x | fold -w 70)"
	says '552 5\.3\.4 <END-OF-MESSAGE>: End-of-data rejected: Message size exceeds fixed limit'
	# A reload keeps the socket, though the agent may not look into the directory any more.
	ok synanvil reload
	ok in_clients swaks --server "$LAB_HOST" --from a@example.org --to box@lab.example --silent 2
	# What a name in a directory that is not the agent's leaves behind is taken over.
	lab_agent_signal TERM
	lab_agent_start
	ok in_clients swaks --server "$LAB_HOST" --from a@example.org --to box@lab.example --silent 2
	at_least 1 "$(metric 'synanvil_policy_requests_total{state="END-OF-MESSAGE"}')" "requests after the restart"
}
