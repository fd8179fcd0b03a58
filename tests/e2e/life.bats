#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The limiter's life: how it ends, how it goes on without an agent, and how a new one takes over.

load helpers

setup_file()
{
	file_lab nstat || return 0
	lab_banner 25
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

dropped_more_than()
{
	[ "$(syn_packets drop rate)" -gt "$1" ]
}

@test "kill -9 under a flood: nothing beyond the limit passes, and the next agent continues the counters" {
	local before seen first
	agent_with 'smtpd_client_connection_rate_limit = 10' 'anvil_rate_time_unit = 600s'
	before=$(answers_to_flood)
	first=$(lost)
	flood_begin -r 50000 -s 10.66.0.0 -a 50 "$LAB_HOST" 25
	wait_until 10 dropped_more_than 20000
	equals 500 "$(syn_packets pass within_limit)" "passed at first"
	lab_agent_signal KILL
	seen=$(received)
	wait_until 10 received_more_than $((seen + 50000))
	equals 500 "$(($(answers_to_flood) - before))" "answered with no agent"
	lab_agent_start
	wait_until 10 dropped_more_than 80000
	flood_end
	equals 500 "$(($(answers_to_flood) - before))" "answered in all"
	equals 500 "$(syn_packets pass within_limit)" "passed in all"
	equals $((FLOOD_SENT - ($(lost) - first) - 500)) "$(syn_packets drop rate)" "dropped in all, also while no agent ran"
}

received_more_than()
{
	[ "$(received)" -gt "$1" ]
}

# ended STATUS: the agent has, with it.
ended()
{
	local status=0
	wait "$LAB_AGENT" || status=$?
	equals "$1" "$status" "exit status"
}

@test "restart leaves the limiter at work and its counters where they were" {
	local program
	agent_with 'smtpd_client_connection_rate_limit = 10' 'anvil_rate_time_unit = 600s'
	greeted 6 6 10.1.0.5
	ok synanvil restart
	wait_until 5 lab_agent_gone
	# Asks the service manager for the next start.
	ended 75
	program=$(xdp_on m0)
	[[ $program == native* ]]
	greeted 4 10 10.1.0.5
	lab_agent_start
	greeted 0 5 10.1.0.5
	equals 10 "$(syn_packets pass within_limit)" "passed"
	equals 11 "$(syn_packets drop rate)" "dropped"
}

@test "SIGUSR1 does the same" {
	agent_with 'smtpd_client_connection_rate_limit = 10' 'anvil_rate_time_unit = 600s'
	greeted 10 10 10.1.0.5
	lab_agent_signal USR1
	ended 0
	greeted 0 5 10.1.0.5
	lab_agent_start
	greeted 0 5 10.1.0.5
}

nothing_left()
{
	equals none "$(xdp_on m0)" "program on m0"
	[ ! -e "$LAB_SOCKET" ]
	equals 0 "$(find "$LAB_BPF" -mindepth 1 2>/dev/null | wc -l)" "pins"
}

@test "SIGTERM and SIGINT leave nothing in force" {
	local signal
	for signal in TERM INT; do
		agent_with 'smtpd_client_connection_rate_limit = 3'
		greeted 3 5 10.1.0.5
		lab_agent_signal "$signal"
		nothing_left
		greeted 5 5 10.1.0.5
	done
}

@test "detach ends the agent, and cleans up after one that is gone" {
	agent_with 'smtpd_client_connection_rate_limit = 3'
	ok synanvil detach
	wait_until 5 lab_agent_gone
	nothing_left

	agent_with 'smtpd_client_connection_rate_limit = 3'
	lab_agent_signal KILL
	greeted 3 5 10.1.0.5
	ok synanvil detach -c "$LAB_CONFIG"
	equals none "$(xdp_on m0)" "program on m0"
	greeted 5 5 10.1.0.5
	lab_agent_start
}

# A flood of blocked sources must not get one answer while the agent with its new maps takes over.
takes_over_without_a_gap()
{
	local before
	ok synanvil block add 10.66.0.0/16
	before=$(answers_to_flood)
	flood_begin -r 50000 -s 10.66.0.0 -a 50 "$LAB_HOST" 25
	ok synanvil restart
	wait_until 5 lab_agent_gone
	"$@"
	flood_end
	at_least 1 "$FLOOD_SENT" "flood"
	equals "$before" "$(answers_to_flood)" "answers to blocked sources"
	[[ $(xdp_on m0) == native* ]]
	greeted 0 5 10.66.0.5
}

start_with_another_table_size()
{
	sed -i 's/^source_table_size.*/source_table_size = 32768/' "$LAB_CONFIG"
	lab_agent_start
	equals 32768 "$(json .sources.capacity status)" "capacity"
}

@test "another table size: new maps in place of the old, never detached" {
	agent_with
	takes_over_without_a_gap start_with_another_table_size
}

# The same program, but for the version of its maps' layout.
start_other_version()
{
	local LAB_BUILD=$BATS_TEST_TMPDIR/other/build
	lab_agent_start
}

@test "a binary with another map layout replaces the old one in place, and misreads nothing" {
	requires make clang
	mkdir "$BATS_TEST_TMPDIR/other"
	cp -r "$LAB_ROOT"/{Makefile,agent,bpf,include} "$BATS_TEST_TMPDIR/other"
	sed -i 's/^#define SA_ABI_VERSION .*/#define SA_ABI_VERSION 4242/' "$BATS_TEST_TMPDIR/other/include/synanvil/abi.h"
	make -s -j 2 -C "$BATS_TEST_TMPDIR/other" BUILD=build >/dev/null 3>&-
	agent_with 'smtpd_client_connection_rate_limit = 10' 'anvil_rate_time_unit = 600s'
	greeted 10 20 10.1.0.5
	takes_over_without_a_gap start_other_version
	equals 0 "$(syn_packets pass rate)" "nonsense"
	greeted 10 20 10.1.0.5
	# And back.
	takes_over_without_a_gap lab_agent_start
	greeted 10 20 10.1.0.5
}

@test "a second agent on the same bpf_directory says so and leaves the first alone" {
	agent_with 'smtpd_client_connection_rate_limit = 3'
	sed "s,^control_socket.*,control_socket = $LAB_DIR/second.sock," "$LAB_CONFIG" >"$LAB_DIR/second.cf"
	sed -i 's,^metrics_listen.*,metrics_listen =,' "$LAB_DIR/second.cf"
	fails 1 timeout 10 nsenter --net="/run/netns/$LAB_MAIL" "$LAB_BUILD/synanvild" -c "$LAB_DIR/second.cf"
	says "$LAB_BPF" 'another|already|second'
	greeted 3 5 10.1.0.5
	ok synanvil status
}

@test "a million SYNs of a thousand sources: to each its limit, to the others nothing" {
	local before first
	agent_with 'smtpd_client_connection_rate_limit = 10' 'anvil_rate_time_unit = 600s'
	before=$(answers_to_flood)
	first=$(lost)
	ok lab_flood -n 1000000 -s 10.77.0.0 -a 1000 "$LAB_HOST" 25
	equals 10000 "$(($(answers_to_flood) - before))" "answered"
	equals 10000 "$(syn_packets pass within_limit)" "passed"
	at_most 100000 "$(($(lost) - first))" "frames lost on the way"
	equals $((1000000 - ($(lost) - first) - 10000)) "$(syn_packets drop rate)" "dropped"
	greeted 10 10 10.1.0.5
}

@test "the same over IPv6, each source another network" {
	local first
	agent_with 'smtpd_client_connection_rate_limit = 10' 'anvil_rate_time_unit = 600s'
	first=$(lost)
	ok lab_flood -n 100000 -s 2001:db8:: -a 100 "$LAB_HOST6" 25
	equals 1000 "$(syn_packets pass within_limit)" "passed"
	equals $((100000 - ($(lost) - first) - 1000)) "$(syn_packets drop rate)" "dropped"
}

# An agent that stayed root has left it; the next one becomes the user synanvil.
@test "the user synanvil removes its socket also from a directory that was there" {
	requires unshare
	local LAB_SOCKET="$LAB_DIR/synanvil/control.sock"
	local passwd="$BATS_TEST_TMPDIR/passwd"
	{ grep -v '^synanvil:' /etc/passwd; echo 'synanvil:x:64555:65534::/nonexistent:/usr/sbin/nologin'; } >"$passwd"
	mkdir -m 755 "$LAB_DIR/synanvil"
	chmod 755 "$LAB_DIR"
	lab_config
	# shellcheck disable=SC2016  # the shell inside expands it
	lab_agent_start unshare --mount sh -c 'mount --bind "$0" /etc/passwd && exec "$@"' "$passwd"
	equals 64555 "$(stat -c %u "/proc/$LAB_AGENT")" "user of the agent"
	lab_agent_signal TERM
	[ ! -e "$LAB_SOCKET" ]
	[ -d "$LAB_DIR/synanvil" ]
}

# strangers 0|1: whether one may listen on addresses of others. The lab lets everybody.
strangers()
{
	in_mail sysctl -qw net.ipv4.ip_nonlocal_bind="$1" net.ipv6.ip_nonlocal_bind="$1"
}

asked_at()
{
	printf 'request=smtpd_access_policy\nprotocol_state=DATA\nclient_address=10.1.0.5\n\n' |
		in_mail nc -N -w 2 "$1" 10725 | grep -qx 'action=DUNNO'
}

@test "started before the host has its addresses: limits are in force, and its sockets answer once it has them" {
	local address
	strangers 0
	agent_with 'smtpd_client_connection_rate_limit = 3' 'metrics_listen = 198.51.100.7:9925' \
		'policy_listen = inet:198.51.100.7:10725 inet:[fd53::77]:10725'
	strangers 1
	greeted 3 5 10.1.0.5
	logged 'warning: metrics_listen: 198.51.100.7:9925 is no address of this host now'
	logged 'warning: policy_listen: inet:198.51.100.7:10725 is no address of this host now'
	logged 'warning: policy_listen: inet:.fd53::77.:10725 is no address of this host now'
	fails 7 in_mail curl -sf --max-time 2 http://198.51.100.7:9925/metrics
	in_mail ip addr add 198.51.100.7/32 dev lo
	in_mail ip addr add fd53::77/128 dev lo nodad
	ok in_mail curl -sf --max-time 2 -o "$BATS_TEST_TMPDIR/page" http://198.51.100.7:9925/metrics
	for address in 198.51.100.7 fd53::77; do
		wait_until 5 asked_at "$address"
	done
	in_mail ip addr del 198.51.100.7/32 dev lo
	in_mail ip addr del fd53::77/128 dev lo
}
