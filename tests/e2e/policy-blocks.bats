#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# From messages to the NIC: who goes on after too many refused messages is not heard any more; and nobody can have
# somebody else blocked.

load helpers
load mail

setup_file()
{
	file_lab postfix swaks curl nc setpriv || return 0
	mail_start '' || exit 1
}

teardown_file()
{
	file_lab_down
}

setup()
{
	file_ready
	postfix_paths
}

teardown()
{
	[ -z "${HOLDER:-}" ] || kill "$HOLDER"
	agent_teardown
}

agent_of_blocks()
{
	agent_with "$MAIL_PORTS" "queue_directory = $POSTFIX_DIR/queue" 'smtpd_client_message_rate_limit = 1' \
		'client_block_threshold = 2' 'client_block_time = 1h' "$@"
}

blocks()
{
	json '[.blocks[] | .prefix + " " + .origin] | join(",")' block list
}

blocked()
{
	[ "$(blocks)" = "$1 policy" ]
}

@test "a client with too many refused messages: its next SYN is dropped, until the block is lifted" {
	agent_of_blocks
	equals 1 "$(mails 2 25 10.1.0.1)" "queued: one refused so far"
	equals '' "$(blocks)" "blocks"
	equals 0 "$(mails 1 25 10.1.0.1)" "queued: two refused"
	wait_until 5 blocked 10.1.0.1
	logged 'blocked client unknown\[10\.1\.0\.1\] for 3600s: 2 messages refused by rate within 60s, service smtp'
	greeted 0 2 10.1.0.1
	greeted 2 2 10.1.0.2
	equals 'true drop blocked' "$(json '"\(.blocked) \(.services[0].verdict) \(.services[0].reason)"' show 10.1.0.1)" show
	at_most 3600 "$(json '.blocks[0].remaining_seconds' block list)" "seconds"
	at_least 3500 "$(json '.blocks[0].remaining_seconds' block list)" "seconds"
	ok synanvil block delete 10.1.0.1
	greeted 2 2 10.1.0.1
}

@test "once a message, however many recipients are refused" {
	agent_of_blocks
	equals 1 "$(mails 1 2501 10.1.0.1)" queued
	mail 2501 10.1.0.1 --to a@lab.example,b@lab.example,c@lab.example,d@lab.example
	equals '' "$(blocks)" "blocks after one message"
	mail 2501 10.1.0.1
	wait_until 5 blocked 10.1.0.1
}

@test "a block by the policy survives a restart and a kill, with its end" {
	agent_of_blocks
	mails 3 25 10.1.0.1
	wait_until 5 blocked 10.1.0.1
	lab_agent_signal USR1
	lab_agent_start
	blocked 10.1.0.1
	greeted 0 2 10.1.0.1
	lab_agent_signal KILL
	lab_agent_start
	blocked 10.1.0.1
	at_least 3000 "$(json '.blocks[0].remaining_seconds' block list)" "seconds"
}

@test "never an exempt client, and never in monitor mode" {
	agent_of_blocks 'smtpd_client_event_limit_exceptions = 10.4.0.0/16'
	equals 5 "$(mails 5 25 10.4.0.4)" queued
	equals '' "$(blocks)" "blocks"
	lab_config "$MAIL_PORTS" "queue_directory = $POSTFIX_DIR/queue" 'smtpd_client_message_rate_limit = 1' \
		'client_block_threshold = 2' 'enforcement = monitor'
	ok synanvil reload
	equals 5 "$(mails 5 25 10.1.0.1)" "queued in monitor mode"
	equals '' "$(blocks)" "blocks in monitor mode"
	logged 'would have blocked client unknown\[10\.1\.0\.1\]'
}

# forge USER CLIENT PORT: a local program of that user tells the policy service of a client's messages, ten of them.
forge()
{
	# shellcheck disable=SC2016  # the inner shell expands it
	in_mail timeout 20 setpriv --reuid="$1" --clear-groups bash -c '
		exec 9<>/dev/tcp/127.0.0.1/10725 || exit 1
		for i in 1 2 3 4 5 6 7 8 9 10; do
			printf "request=smtpd_access_policy\nprotocol_state=RCPT\nclient_address=%s\nclient_port=%s\n" "$1" "$2" >&9
			printf "client_name=unknown\nserver_address=%s\nserver_port=25\ninstance=%s.%s\n\n" "$3" "$$" "$i" >&9
			read -r -t 10 line <&9 && echo "$line" && read -r -t 10 line <&9
		done' - "$2" "$3" "$LAB_HOST"
}

# hold SOURCE PORT: a client that is connected to the mail service from there, and stays so.
hold()
{
	in_clients bash -c "exec 3>&-; exec nc -s $1 -p $2 $LAB_HOST 25" >"$BATS_TEST_TMPDIR/held" 2>&1 3>&- < <(exec sleep 60) &
	HOLDER=$!
	wait_until 10 grep -q ^220 "$BATS_TEST_TMPDIR/held"
}

@test "a forged request blocks nobody" {
	agent_of_blocks
	# Of a client that is not there.
	ok forge root 10.3.0.1 4000
	equals 9 "$(grep -c 'action=450 4.7.1 Error: too much mail from 10.3.0.1' <<<"$output")" "refusals"
	# Of one that is connected, but the program is not the one that has the connection.
	hold 10.3.0.2 4000
	ok forge root 10.3.0.2 4000
	ok forge nobody 10.3.0.2 4000
	# Of one that then comes itself: its first message is refused for what was made up, which is no evidence with Postfix.
	ok forge nobody 10.3.0.3 4000
	equals 0 "$(mails 1 25 10.3.0.3)" "queued: its messages were used up"
	# Of one that is connected from another port.
	ok forge postfix 10.3.0.2 4001
	wait_until 2 false || equals '' "$(blocks)" "blocks"
	# All of it being so, the kernel confirms it: this shows that the others failed for the reason they should.
	ok forge postfix 10.3.0.2 4000
	wait_until 5 blocked 10.3.0.2
}

# ask_unix USER CLIENT PORT: the same over the UNIX socket.
ask_unix()
{
	local i
	for i in 1 2 3 4 5; do
		printf 'request=smtpd_access_policy\nprotocol_state=RCPT\nclient_address=%s\nclient_port=%s\n' "$2" "$3"
		printf 'client_name=unknown\nserver_address=%s\nserver_port=25\ninstance=%s.%s\n\n' "$LAB_HOST" "$1" "$i"
	done | in_mail timeout 20 setpriv --reuid="$1" --clear-groups nc -N -U "$POSTFIX_DIR/queue/public/asked"
}

@test "asked over a UNIX socket, the kernel says who asks, too" {
	agent_of_blocks "policy_listen = unix:$POSTFIX_DIR/queue/public/asked"
	chmod 755 "$POSTFIX_DIR/queue/public"
	hold 10.3.0.5 4000
	ok ask_unix nobody 10.3.0.5 4000
	equals 4 "$(grep -c 'action=450' <<<"$output")" "refusals"
	wait_until 2 false || equals '' "$(blocks)" "blocks"
	ok ask_unix postfix 10.3.0.5 4000
	wait_until 5 blocked 10.3.0.5
}
