#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Free space, on a real small file system that is filled to the edge: the agent and Postfix itself refuse and accept at
# the same block.

load helpers
load mail

LIMIT=10240000
SIZE=40960000

setup_file()
{
	file_lab postfix swaks curl fallocate || return 0
	postfix_paths
	mkdir -p "$POSTFIX_DIR/queue"
	mount -t tmpfs -o "size=$SIZE,mode=755" synanvil-lab "$POSTFIX_DIR/queue" || exit 1
	mail_start "-o message_size_limit=$LIMIT" || exit 1
}

teardown_file()
{
	[ -z "${LAB:-}" ] || {
		in_mail postfix -c "$POSTFIX_DIR/config" stop >/dev/null 2>&1 3>&- </dev/null
		wait_until 10 umount "$POSTFIX_DIR/queue"
	}
	file_lab_down
}

setup()
{
	file_ready
	postfix_paths
	rm -f "$POSTFIX_DIR/queue/ballast"
}

teardown()
{
	agent_teardown
}

free_blocks()
{
	stat -f -c %a "$POSTFIX_DIR/queue"
}

# free_exactly BLOCKS: leaves so many, and waits until the agent has seen it.
free_exactly()
{
	local block
	block=$(stat -f -c %S "$POSTFIX_DIR/queue")
	rm -f "$POSTFIX_DIR/queue/ballast"
	fallocate -l $((($(free_blocks) - $1) * block)) "$POSTFIX_DIR/queue/ballast"
	equals "$1" "$(free_blocks)" "free blocks"
	wait_until 5 free_seen $(($1 * block))
}

free_seen()
{
	[ "$(metric synanvil_queue_free_bytes)" -eq "$1" ]
}

# mail_from PORT: the reply to MAIL.
mail_from()
{
	# shellcheck disable=SC2016  # the inner shell expands it
	in_clients bash -c '
		exec 9<>"/dev/tcp/$1/$2" || exit 1
		reply() { while IFS= read -r -t 20 line <&9 && [ "${line:3:1}" = - ]; do :; done; }
		reply
		printf "EHLO client.example\r\n" >&9; reply
		printf "MAIL FROM:<sender@example.org>\r\n" >&9; reply
		echo "${line%?}"' - "$LAB_HOST" "$1"
}

# edge BLOCKS: the last number of free blocks that is refused is this, for Postfix (2505) and for the agent (2502).
edge()
{
	free_exactly "$1"
	equals '452 4.3.1 Insufficient system storage' "$(mail_from 2505)" "Postfix at $1 free blocks"
	equals '452 4.3.1 <sender@example.org>: Sender address rejected: Insufficient system storage' "$(mail_from 2502)" \
		"the agent at $1 free blocks"
	free_exactly $(($1 + 1))
	equals '250 2.1.0 Ok' "$(mail_from 2505)" "Postfix at $(($1 + 1)) free blocks"
	equals '250 2.1.0 Ok' "$(mail_from 2502)" "the agent at $(($1 + 1)) free blocks"
}

agent_of_queue()
{
	agent_with "$MAIL_PORTS" "queue_directory = $POSTFIX_DIR/queue" "message_size_limit = $LIMIT" "$@"
}

@test "1.5 times the size limit: the edge is that of Postfix" {
	agent_of_queue
	edge 3750
	equals $((3751 * 4096)) "$(metric synanvil_queue_required_bytes)" "required bytes"
	at_least 1 "$(decisions defer queue_free)" "refusals counted"
	logged 'warning: not enough free space in mail queue: 15360000 bytes < 15364096: mail from unknown\[192\.0\.2\.1\]'
}

@test "queue_minfree: the edge is that of Postfix" {
	local minfree=$((5000 * 4096 + 4095))
	sed -i "s/-o message_size_limit=$LIMIT/& -o queue_minfree=$minfree/" "$POSTFIX_DIR/config/master.cf"
	in_mail postfix -c "$POSTFIX_DIR/config" reload >/dev/null 2>&1 3>&- </dev/null
	agent_of_queue "queue_minfree = $minfree"
	edge 5000
}

@test "what a client is told at RCPT and DATA, and nothing at the end of the message" {
	agent_of_queue
	free_exactly 3000
	equals '452 4.3.1 <DATA>: Data command rejected: Insufficient system storage' "$(mail 25 10.1.0.1 | head -n 1)" DATA
	equals '452 4.3.1 <box@lab.example>: Recipient address rejected: Insufficient system storage' \
		"$(mail 2501 10.1.0.1 | head -n 1)" RCPT
	equals queued "$(mail 2503 10.1.0.1)" "the end of the message"
}

@test "monitor mode refuses nothing for want of space" {
	agent_of_queue 'enforcement = monitor'
	free_exactly 3000
	equals queued "$(mail 25 10.1.0.1)" DATA
	equals 1 "$(decisions would_defer queue_free)" "would have been refused"
}

@test "a queue that cannot be read refuses nothing, and says so" {
	agent_with "$MAIL_PORTS" "queue_directory = $LAB_DIR/no/queue" "message_size_limit = $LIMIT"
	equals queued "$(mail 25 10.1.0.1)" DATA
	equals queued "$(mail 25 10.1.0.1)" DATA
	equals 1 "$(metric synanvil_queue_unreadable)" "the metric"
	equals 1 "$(grep -c "queue_directory: $LAB_DIR/no/queue: No such file or directory; mail is not refused" "$LAB_LOG")" \
		"warnings"
	mkdir -p "$LAB_DIR/no/queue"
	wait_until 5 queue_readable
	logged "queue_directory: $LAB_DIR/no/queue can be read again"
}

queue_readable()
{
	[ "$(metric synanvil_queue_unreadable)" -eq 0 ]
}
