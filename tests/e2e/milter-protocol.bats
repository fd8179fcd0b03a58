#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# synanvil-milter asked by miltertest, which plays the mail server: each action and each limit; and connections that are
# many, slow, or cut off.

load helpers
load milter

setup_file()
{
	file_lab miltertest || return 0
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
	milter_teardown
}

# play SCRIPT [VARIABLE=VALUE]...
play()
{
	local script=$1 definitions=(-D "dir=$BATS_TEST_DIRNAME/milter" -D "socket=inet:10726@127.0.0.1") one
	shift
	for one in "$@"; do
		definitions+=(-D "$one")
	done
	in_mail miltertest "${definitions[@]}" -s "$BATS_TEST_DIRNAME/milter/$script.lua"
}

@test "truncate: fields are cut at the limit or at a line's end, by any mail server's steps" {
	milter_start 'header_size_limit = 100'
	ok play truncate
}

@test "truncate over a UNIX socket" {
	milter_start 'header_size_limit = 100' "milter_listen = unix:$LAB_DIR/m.sock, inet:127.0.0.1:10726"
	ok play truncate "socket=unix:$LAB_DIR/m.sock"
}

@test "reject: a field, too many fields, too much of them" {
	milter_start 'header_size_limit = 100' 'header_size_action = reject' 'header_count_limit = 5' \
		'header_total_size_limit = 300'
	ok play reject
}

@test "exempt clients by address, by verified name, below a name; not those whom a pattern in front leaves out" {
	milter_start 'header_size_limit = 100' 'header_size_action = reject' 'header_count_limit = 5' \
		'smtpd_client_event_limit_exceptions = !10.3.0.9, 10.3.0.0/16, mx.example.org, .partner.example, [2001:db8::]/32'
	ok play accept address=10.3.0.1
	fails 1 play accept address=10.3.0.9
	ok play accept name=MX.example.org
	ok play accept name=a.partner.example
	fails 1 play accept name=partner.example
	fails 1 play accept name=a.mx.example.org
	fails 1 play accept 'name=[10.4.0.1]'
	ok play accept address=2001:db8::5
	fails 1 play accept address=2001:db9::5
}

@test "monitor mode changes nothing" {
	milter_start 'enforcement = monitor' 'header_size_limit = 100' 'header_size_action = reject' \
		'header_count_limit = 5'
	ok play accept
	milter_logged 'would do: .*refused, Message has too many header fields'
}

# The bytes that begin a session (protocol 6, all actions and steps offered), then nothing.
greet()
{
	printf '\0\0\0\015O\0\0\0\006\0\0\001\377\0\037\377\377'
}

milter_children_rss()
{
	local pid sum=0
	for pid in $(pgrep -P "$MILTER"); do
		sum=$((sum + $(awk '/^VmRSS:/ { print $2 }' "/proc/$pid/status")))
	done
	echo "$sum"
}

# The milter's descriptors.
milter_descriptors()
{
	local pid
	pid=$(pgrep -P "$MILTER")
	find "/proc/$pid/fd" 2>/dev/null | wc -l
}

descriptors_at_most()
{
	[ "$(milter_descriptors)" -le "$1" ]
}

descriptors_at_least()
{
	[ "$(milter_descriptors)" -ge "$1" ]
}

@test "two thousand connections, silent or half way through, keep nobody else waiting and leave nothing behind" {
	local before holder
	milter_start 'header_size_limit = 100'
	ok play truncate
	before=$(milter_descriptors)
	# One process holds them: half have said nothing, half have begun a session and gone silent.
	# shellcheck disable=SC2016  # the inner shell expands it
	in_mail bash -c 'ulimit -n 8192
		for i in {1..2000}; do
			exec {fd}<>/dev/tcp/127.0.0.1/10726 || exit 1
			[ $((i % 2)) = 0 ] || printf "\0\0\0\015O\0\0\0\006\0\0\001\377\0\037\377\377" >&$fd
		done
		read -r' < <(sleep 600 & echo $! >"$BATS_TEST_TMPDIR/sleep"; wait) 3>&- &
	holder=$!
	wait_until 20 descriptors_at_least 2000
	ok play truncate
	at_most 60000 "$(milter_children_rss)" "KB of the milter with 2,000 connections"
	kill "$holder" "$(cat "$BATS_TEST_TMPDIR/sleep")"
	wait "$holder" || :
	wait_until 10 descriptors_at_most $((before + 3))
	ok play truncate
}

# peak: of the memory that the process of the one listener ever held, KB.
milter_peak()
{
	awk '/^VmHWM:/ { print $2 }' "/proc/$(pgrep -P "$MILTER")/status"
}

# crowd_bounded CONNECTIONS FIELD_BYTES: each sends a header without end, all at the same time. A connection may keep 1 MB
# of fields to be cut and a table of 2,048 names (64 KB, half as much again while it grows), and holds the packet that it is
# just told (64 KB); with 2 MB for threads.
crowd_bounded()
{
	local count=$1 before per=$((1024 + 96 + 64))
	before=$(milter_peak)
	equals "refused=$count" "$(in_mail timeout 100 "$LAB_BUILD/e2e/milter-crowd" "$count" 10726 "$2" "${3:-4}")" "messages"
	at_most $((before + count * per + 2048)) "$(milter_peak)" "KB of the milter at its peak"
	# They really were there at the same time, and had what they may have.
	at_least $((before + count * 700)) "$(milter_peak)" "KB of the milter at its peak"
}

@test "memory stays within its bounds: headers of huge fields that do not end, on many connections at once" {
	milter_start 'header_size_limit = 50000'
	crowd_bounded 40 60000
	# Nothing of it stays: the next crowd has the same room.
	equals refused=40 "$(in_mail timeout 100 "$LAB_BUILD/e2e/milter-crowd" 40 10726 60000 4)" "messages"
	at_most $((3000 + 40 * 1184 + 2048)) "$(milter_peak)" "KB of the milter at its peak"
	ok play accept
}

@test "memory stays within its bounds: headers of small fields that do not end, on many connections at once" {
	milter_start 'header_size_limit = 20'
	crowd_bounded 8 30 1
}

@test "what is no milter protocol ends that connection alone" {
	milter_start 'header_size_limit = 100'
	head -c 100000 /dev/urandom | in_mail nc -q 1 -w 2 127.0.0.1 10726 >/dev/null || :
	printf '\377\377\377\377O' | in_mail nc -q 1 -w 2 127.0.0.1 10726 >/dev/null || :
	greet | in_mail nc -q 1 -w 2 127.0.0.1 10726 >/dev/null || :
	printf '\0\0\0\0' | in_mail nc -q 1 -w 2 127.0.0.1 10726 >/dev/null || :
	ok play truncate
}

# packet COMMAND [DATA]: one of the protocol, DATA with printf's escapes.
packet()
{
	local file=$BATS_TEST_TMPDIR/packet
	printf '%s%b' "$1" "${2:-}" >"$file"
	# shellcheck disable=SC2059  # the bytes of a number
	printf "\\0\\0\\0\\x$(printf %02x "$(wc -c <"$file")")"
	cat "$file"
}

milter_processes()
{
	pgrep -P "$MILTER" | sort
}

@test "steps that nobody agreed upon, or in another order, end nothing" {
	local before steps step
	milter_start 'header_size_limit = 100'
	before=$(milter_processes)
	for steps in 'M' 'M R L N E' 'R L' 'L N' 'N E' 'E' 'T' 'A' 'O M M L L E E N' 'O C U K C M R L N E' 'O U K M L N E Q' \
		'O C M R T L A L N E' 'K C M L N'; do
		# shellcheck disable=SC2094
		for step in $steps; do
			case $step in
			O) packet O '\0\0\0\006\0\0\001\377\0\037\377\377' ;;
			C) packet C 'a.example\0004\003\350192.0.2.1\0' ;;
			M | R) packet "$step" '<a@example.org>\0' ;;
			L) packet L 'X-Name\0 value\0' ;;
			U) packet U 'NOOP\0' ;;
			*) packet "$step" ;;
			esac
		done | in_mail nc -q 1 -w 2 127.0.0.1 10726 >/dev/null || :
		equals "$before" "$(milter_processes)" "processes after $steps"
	done
	ok play truncate
}

@test "SIGHUP to all of its processes reloads, and ends none" {
	local before
	milter_start 'header_size_limit = 50'
	before=$(milter_processes)
	lab_config 'header_size_limit = 100'
	# shellcheck disable=SC2046  # one word for each process
	kill -HUP $(milter_processes) "$MILTER"
	wait_until 5 milter_reloaded 0
	# A connection is what libmilter wakes by, and sees that it is to end.
	ok in_mail nc -z 127.0.0.1 10726
	ok in_mail nc -z 127.0.0.1 10726
	ok in_mail nc -z 127.0.0.1 10726
	ok play truncate
	equals "$before" "$(milter_processes)" "processes"
}
