#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The limits of the message path, with a real Postfix that asks in each way there is: what a client is told, and that
# the same traffic meets the same fate under Postfix' own limits.

load helpers
load mail

OWN='-o smtpd_client_message_rate_limit=3 -o smtpd_client_recipient_rate_limit=6 -o message_size_limit=5000'

setup_file()
{
	file_lab postfix swaks curl || return 0
	mail_start "$OWN" || exit 1
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
	agent_teardown
}

agent_of_mail()
{
	agent_with "$MAIL_PORTS" "queue_directory = $POSTFIX_DIR/queue" "$@"
}

# refused_at REPLY PORT SOURCE [SWAKS ARGUMENT]...
refused_at()
{
	local want=$1 got
	shift
	got=$(mail "$@" | head -n 1)
	equals "$want" "$got" "the reply at $1"
}

@test "message rate: what a client is told, at each wiring" {
	agent_of_mail 'smtpd_client_message_rate_limit = 3'
	local port source='10.1.0.1' why
	why="Error: too much mail from $source"
	for port in 25 2501 2502 2503 2504 2506; do
		equals 3 "$(mails 3 $port $source)" "queued on $port"
	done
	refused_at "450 4.7.1 <DATA>: Data command rejected: $why" 25 $source
	refused_at "450 4.7.1 <box@lab.example>: Recipient address rejected: $why" 2501 $source
	refused_at "450 4.7.1 <sender@example.org>: Sender address rejected: $why" 2502 $source
	refused_at "450 4.7.1 <END-OF-MESSAGE>: End-of-data rejected: $why" 2503 $source
	refused_at "450 4.7.1 <box@lab.example>: Recipient address rejected: $why" 2504 $source
	refused_at "450 4.7.1 <sender@example.org>: Sender address rejected: $why" 2506 $source
	equals 4 "$(json '.services[] | select(.service == "2504") | .messages' show $source)" "messages on 2504"
	equals 4 "$(json '.services[] | select(.service == "2506") | .messages' show $source)" "messages on 2506"
	equals 'defer message_rate' "$(json '.services[0] | .message_verdict + " " + .message_reason' show $source)" "next"
	equals 6 "$(decisions defer message_rate)" "refusals counted"
	# All recipients of one message get the same answer.
	mail 2501 $source --to a@lab.example,b@lab.example,c@lab.example >"$BATS_TEST_TMPDIR/replies"
	equals 3 "$(grep -c "450 4.7.1 .*$why" "$BATS_TEST_TMPDIR/replies")" "refused recipients"
	equals 1 "$(mails 1 25 10.1.0.2)" "another source"
}

@test "message rate: one event and one log line a source and window, in Postfix' words" {
	agent_of_mail 'smtpd_client_message_rate_limit = 1'
	equals 1 "$(mails 4 25 10.1.0.1)" queued
	equals 1 "$(synanvil --json events | grep -c message_rate)" events
	equals '10.1.0.1 25 2 1' "$(json '"\(.address) \(.service) \(.count) \(.limit)"' events)" "the event"
	equals 1 "$(grep -c 'warning: Message delivery request rate limit exceeded: 2 from unknown\[10.1.0.1\] for service smtp$' \
		"$LAB_LOG")" "log lines"
}

@test "recipient rate: what a client is told, at each wiring" {
	agent_of_mail 'smtpd_client_recipient_rate_limit = 3'
	local source=10.1.0.1 why five=a@lab.example,b@lab.example,c@lab.example,d@lab.example,e@lab.example
	why="Error: too many recipients from $source"
	refused_at "450 4.7.1 <DATA>: Data command rejected: $why" 25 $source --to "$five"
	refused_at "450 4.7.1 <END-OF-MESSAGE>: End-of-data rejected: $why" 2503 $source --to "$five"
	local port
	for port in 2501 2504 2506; do
		mail $port $source --to "$five" >"$BATS_TEST_TMPDIR/replies"
		cat "$BATS_TEST_TMPDIR/replies"
		equals "450 4.7.1 <d@lab.example>: Recipient address rejected: $why" "$(head -n 1 "$BATS_TEST_TMPDIR/replies")" \
			"the fourth recipient on $port"
		equals 3 "$(wc -l <"$BATS_TEST_TMPDIR/replies")" "two refused and one message queued on $port"
		equals queued "$(tail -n 1 "$BATS_TEST_TMPDIR/replies")" "the others' message on $port"
		equals 5 "$(json ".services[] | select(.service == \"$port\") | .recipients" show $source)" "recipients on $port"
	done
}

@test "size: declared and actual, at each wiring" {
	agent_of_mail 'message_size_limit = 5000'
	local why='Message size exceeds fixed limit' port
	# swaks declares no size, so only the end of the message tells.
	for port in 25 2503 2504 2506; do
		refused_at "552 5.3.4 <END-OF-MESSAGE>: End-of-data rejected: $why" $port 10.1.0.1 --body "$(body 6000)"
		equals queued "$(mail $port 10.1.0.1 --body "$(body 3000)")" "a smaller one on $port"
	done
	equals queued "$(mail 2501 10.1.0.1 --body "$(body 6000)")" "nobody asks at the end of the message"
	declared 25 5001 "552 5.3.4 <DATA>: Data command rejected: $why"
	declared 2501 5001 "552 5.3.4 <box@lab.example>: Recipient address rejected: $why"
	declared 2502 5001 "552 5.3.4 <sender@example.org>: Sender address rejected: $why"
	declared 2501 5000 '354 End data with <CR><LF>.<CR><LF>'
	equals 7 "$(decisions reject size)" "refusals counted"
	# A message of just the limit is accepted, as by Postfix itself.
	equals 'queued refused' "$(exact 25 5000) $(exact 25 5001)" "at the limit"
	equals 'queued refused' "$(exact 2505 5000) $(exact 2505 5001)" "at Postfix' own limit"
}

# session PORT [FILE]: a client that says what it reads, a line when the reply to the one before has come, and then all of
# a file and the dot that ends a message; prints all replies.
session()
{
	# shellcheck disable=SC2016  # the inner shell expands it
	in_clients bash -c '
		exec 9<>"/dev/tcp/$1/$2" || exit 1
		reply() { while IFS= read -r -t 20 line <&9 && echo "${line%?}" && [ "${line:3:1}" = - ]; do :; done; }
		reply
		while IFS= read -r line; do printf "%s\r\n" "$line" >&9; reply; done
		[ -z "${3:-}" ] || { { cat "$3"; printf ".\r\n"; } >&9; reply; }' - "$LAB_HOST" "$1" "${2:-}"
}

# declared PORT SIZE REPLY: the first refusal of a message that declares its size, or the reply to DATA.
declared()
{
	local got
	got=$(printf '%s\n' 'EHLO client.example' "MAIL FROM:<sender@example.org> SIZE=$2" 'RCPT TO:<box@lab.example>' DATA |
		session "$1" | grep -E '^(354|4|5)' | head -n 1)
	equals "$3" "$got" "declared $2 on $1"
}

# exact PORT BYTES: the fate of a message of just so many: 50 lines of 100 with their ends, and what is beyond.
exact()
{
	local line i
	line=$(printf '%98s' '' | tr ' ' x)
	{
		printf '%*s' $(($2 - 5000)) '' | tr ' ' y
		for ((i = 0; i < 50; i++)); do printf '%s\r\n' "$line"; done
	} >"$BATS_TEST_TMPDIR/message"
	printf '%s\n' 'EHLO client.example' 'MAIL FROM:<sender@example.org>' 'RCPT TO:<box@lab.example>' DATA |
		session "$1" "$BATS_TEST_TMPDIR/message" | grep -q '^250 2.0.0 Ok: queued' && echo queued || echo refused
}

@test "the same traffic is accepted and refused as under Postfix' own limits" {
	agent_of_mail 'smtpd_client_message_rate_limit = 3' 'smtpd_client_recipient_rate_limit = 6'
	local port source to i
	for port in 2502 2504 2505 2506; do
		i=0
		for source in 10.1.0.1 10.1.0.2 10.1.0.3; do
			for to in a,b,c d,e,f,g h i j,k l; do
				i=$((i + 1))
				mail $port $source --to "$(sed -E 's/[a-z]/&@lab.example/g' <<<"$to")" |
					sed -E "s/^/$source $i /; s/: (Sender|Recipient) address rejected//; s/<[^>]*>//; s/  +/ /g; s/ : / /"
			done
		done | awk '{ print $1, $2, $3 }' >"$BATS_TEST_TMPDIR/fate.$port"
	done
	cat "$BATS_TEST_TMPDIR/fate.2505"
	at_least 9 "$(grep -c 450 "$BATS_TEST_TMPDIR/fate.2505")" "refusals by Postfix itself"
	diff "$BATS_TEST_TMPDIR/fate.2505" "$BATS_TEST_TMPDIR/fate.2506"
	diff <(grep -c queued "$BATS_TEST_TMPDIR/fate.2505") <(grep -c queued "$BATS_TEST_TMPDIR/fate.2504")
	# At MAIL alone only messages count: refused are the same.
	equals 9 "$(grep -c queued "$BATS_TEST_TMPDIR/fate.2502")" "queued where only MAIL is asked about"
}

@test "exempt clients have no limits: by address, by configuration and at run time" {
	agent_of_mail 'smtpd_client_message_rate_limit = 1' 'message_size_limit = 5000' \
		'smtpd_client_event_limit_exceptions = 10.4.0.0/16'
	equals 3 "$(mails 3 25 10.4.0.4 --body "$(body 6000)")" "exempt by configuration"
	equals 1 "$(mails 2 25 10.1.0.1)" "not exempt"
	ok synanvil exception add 10.1.0.1
	equals 2 "$(mails 2 25 10.1.0.1)" "exempt at run time"
	ok synanvil exception delete 10.1.0.1
	equals 0 "$(mails 1 25 10.1.0.1)" "no longer exempt: it was not counted anew"
	at_least 5 "$(decisions dunno exempt)" "exempt decisions"
}

@test "monitor mode refuses nothing and counts what it would have" {
	agent_of_mail 'enforcement = monitor' 'smtpd_client_message_rate_limit = 2' 'message_size_limit = 5000'
	equals 5 "$(mails 5 25 10.1.0.1)" queued
	equals 1 "$(mails 1 25 10.1.0.2 --body "$(body 6000)")" "the large one"
	equals 3 "$(decisions would_defer message_rate)" "would have been refused"
	equals 1 "$(decisions would_reject size)" "would have been refused"
	equals 0 "$(($(decisions defer message_rate) + $(decisions reject size)))" "refused"
	grep -q 'would drop: warning: Message delivery request rate limit exceeded: 3 from unknown\[10.1.0.1\]' "$LAB_LOG"
	equals would_defer "$(json '.services[0].message_verdict' show 10.1.0.1)" "what show says"
}

@test "counters survive a reload and a restart, and the agent's end ends them" {
	agent_of_mail 'smtpd_client_message_rate_limit = 2'
	equals 2 "$(mails 2 25 10.1.0.1)" "queued at first"
	ok synanvil reload
	equals 0 "$(mails 1 25 10.1.0.1)" "after a reload"
	lab_agent_signal USR1
	lab_agent_start
	equals 0 "$(mails 1 25 10.1.0.1)" "after a restart"
	equals 4 "$(json '.services[0].messages' show 10.1.0.1)" "messages that were counted"
	lab_agent_signal TERM
	lab_agent_start
	equals 2 "$(mails 2 25 10.1.0.1)" "after an end"
	lab_agent_signal USR1
	printf damaged >"$LAB_DIR/state/counters"
	lab_agent_start
	equals 2 "$(mails 2 25 10.1.0.1)" "with damaged counters"
	grep -q 'state/counters: damaged: messages and recipients are counted from 0' "$LAB_LOG"
}

@test "the agent is killed in the middle: mail goes on without delay, and limits hold again after its start" {
	agent_of_mail 'smtpd_client_message_rate_limit = 2'
	equals 2 "$(mails 4 25 10.1.0.1)" "queued under the limit"
	lab_agent_signal KILL
	local start=$SECONDS
	equals 4 "$(mails 4 25 10.1.0.1)" "queued without an agent"
	at_most 4 $((SECONDS - start)) "seconds for four messages"
	lab_agent_start
	start=$SECONDS
	equals 2 "$(mails 4 25 10.1.0.1)" "queued under the limit again"
	at_most 6 $((SECONDS - start)) "seconds for four messages"
}
