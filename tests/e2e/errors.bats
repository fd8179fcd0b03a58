#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Mistakes that users will make: each gives one clear line and the documented exit status.

load helpers

setup_file()
{
	file_lab || return 0
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
	[ -n "${LAB:-}" ] || return 0
	! mountpoint -q "$LAB_DIR/bpf700" || umount -l "$LAB_DIR/bpf700"
	rm -f "$LAB_CONFIG"
}

# agent_fails STATUS [COMMAND PREFIX...]: the agent ends with this status and one line.
agent_fails()
{
	local want=$1
	shift
	mkdir -p "$LAB_DIR/state"
	fails "$want" timeout 10 nsenter --net="/run/netns/$LAB_MAIL" "$@" "$LAB_BUILD/synanvild" -c "$LAB_CONFIG"
	one_line
}

nothing_attached()
{
	equals none "$(xdp_on m0)" "program on m0"
}

@test "not root" {
	lab_config
	requires setpriv
	chmod 755 "$LAB_DIR"
	agent_fails 1 setpriv --reuid=nobody --regid=nogroup --clear-groups
	says '[Rr]oot|CAP_|capabilit|permission|privilege'
	nothing_attached
}

@test "root without CAP_BPF" {
	lab_config
	agent_fails 1 setpriv --bounding-set=-bpf,-sys_admin --inh-caps=-bpf,-sys_admin
	says CAP_BPF
	nothing_attached
}

@test "root without CAP_NET_ADMIN" {
	lab_config
	agent_fails 1 setpriv --bounding-set=-net_admin --inh-caps=-net_admin
	says CAP_NET_ADMIN
	nothing_attached
}

@test "a kernel too old" {
	lab_config
	agent_fails 1 env LD_PRELOAD="$LAB_TOOLS/old-kernel.so"
	says 'kernel is too old' 'bpf_xdp_load_bytes' 'Linux 6.1'
	nothing_attached
}

@test "a bpf_directory that is in no BPF file system" {
	lab_config "bpf_directory = $LAB_DIR/nobpf"
	agent_fails 1
	says "$LAB_DIR/nobpf" '[Bb][Pp][Ff]'
	nothing_attached
}

@test "a BPF file system mounted 0700 works, and the agent keeps three capabilities" {
	local mount=$LAB_DIR/bpf700
	mkdir -p "$mount"
	mount -t bpf -o mode=0700 bpf "$mount"
	lab_config "bpf_directory = $mount/synanvil"
	lab_agent_start
	# CAP_NET_ADMIN is bit 12, CAP_PERFMON 38, CAP_BPF 39.
	equals 000000c000001000 "$(awk '$1 == "CapEff:" { print $2 }' "/proc/$LAB_AGENT/status")" "capabilities"
	lab_agent_signal KILL
	lab_agent_start
	equals 'native true' "$(json '.interfaces[0] | "\(.mode) \(.attached)"' status)" "adopted"
	lab_agent_signal TERM
	nothing_attached
	equals '' "$(find "$mount/synanvil" -type f 2>/dev/null)" "pins"
}

@test "a bpf_directory that somebody else made" {
	local mount=$LAB_DIR/bpf1777
	mkdir -p "$mount"
	mount -t bpf -o mode=1777 bpf "$mount"
	mkdir -m 700 "$mount/synanvil"
	chown nobody "$mount/synanvil"
	lab_config "bpf_directory = $mount/synanvil"
	agent_fails 1
	says "$mount/synanvil" 'owner'
	nothing_attached
	chown root "$mount/synanvil"
	chmod 777 "$mount/synanvil"
	agent_fails 1
	says "$mount/synanvil" 'mode'
	nothing_attached
}

@test "an interface without Ethernet headers is refused" {
	in_mail ip tuntap add dev tun7 mode tun 2>/dev/null || skip "no tun devices here"
	lab_config 'interfaces = tun7'
	agent_fails 1
	says 'tun7' 'Ethernet'
	in_mail ip link delete tun7
}

@test "a wrong interface name is said at once, and the rest goes on" {
	lab_config 'interfaces = m0, eht0'
	lab_agent_start
	logged 'eht0'
	equals 'null false' "$(json '.interfaces[] | select(.name == "eht0") | "\(.mode) \(.attached)"' status)" "status"
	[[ $(xdp_on m0) == native* ]]
}

@test "an interface name that cannot be one" {
	lab_config 'interfaces = a-name-that-is-far-too-long'
	agent_fails 1
	says "$LAB_CONFIG:[0-9]+: interfaces: .*a-name-that-is-far-too-long"
}

@test "no interface" {
	lab_config
	sed -i '/^interfaces/d' "$LAB_CONFIG"
	agent_fails 1
	says 'interfaces'
}

# bad_line LINE PARAMETER REASON: refused by check, and by the agent, with the place and the reason.
bad_line()
{
	local place
	lab_config "$1"
	place="$LAB_CONFIG:$(wc -l <"$LAB_CONFIG"):"
	fails 1 synanvil check -c "$LAB_CONFIG"
	says "$place error: $2: " "$3"
	equals 1 "$(grep -c ': error: ' <<<"$output")" "lines about errors"
	agent_fails 1
	says "error: $place $2: " "$3"
	nothing_attached
}

@test "a typo in a parameter" {
	bad_line 'smtpd_client_conection_rate_limit = 30' smtpd_client_conection_rate_limit \
		'unknown|smtpd_client_connection_rate_limit'
}

@test "a CIDR with host bits" {
	bad_line 'smtpd_client_event_limit_exceptions = 192.0.2.1/24' smtpd_client_event_limit_exceptions '192\.0\.2\.0/24'
}

@test "an unbracketed IPv6 address" {
	bad_line 'smtpd_client_event_limit_exceptions = 2001:db8::/32' smtpd_client_event_limit_exceptions '\['
}

@test "a limit of 10k" {
	bad_line 'smtpd_client_connection_rate_limit = 10k' smtpd_client_connection_rate_limit '10k'
}

@test "a port that is none" {
	bad_line 'protected_ports = 25, smpt' protected_ports 'smpt'
}

@test "no configuration file" {
	agent_fails 1
	says "$LAB_CONFIG" 'No such file'
}

@test "a usage error exits 2" {
	fails 2 "$LAB_BUILD/synanvild" --frobnicate
	fails 2 "$LAB_BUILD/synanvild" stray
}

@test "help and version are no errors" {
	ok "$LAB_BUILD/synanvild" --help
	says 'usage: synanvild'
	ok "$LAB_BUILD/synanvild" --version
	says '^synanvild [0-9]+'
	ok "$LAB_BUILD/synanvil" --version
	says '^synanvil [0-9]+'
}

@test "an occupied metrics port" {
	exec_in_mail "$LAB_TOOLS/banner" 9925 >"$BATS_TEST_TMPDIR/occupied" 3>&- </dev/null &
	local occupant=$!
	wait_until 5 grep -q ready "$BATS_TEST_TMPDIR/occupied"
	lab_config
	agent_fails 1
	kill "$occupant"
	says "$LAB_CONFIG:8: metrics_listen: 127.0.0.1:9925 is in use"
	nothing_attached
}

@test "no agent for the CLI" {
	fails 3 synanvil status
	one_line
	says "$LAB_SOCKET"
	lab_config
	lab_agent_start
	lab_agent_signal KILL
	fails 3 synanvil status
	one_line
}

@test "a socket without permission" {
	lab_config
	lab_agent_start
	chmod 755 "$LAB_DIR"
	fails 1 setpriv --reuid=nobody --regid=nogroup --clear-groups "$LAB_BUILD/synanvil" -s "$LAB_SOCKET" status
	one_line
	says 'permission' "$LAB_SOCKET"
	equals 660 "$(stat -c %a "$LAB_SOCKET")" "mode of the socket"
}

@test "bad arguments of the CLI" {
	lab_config
	lab_agent_start
	fails 2 synanvil block add 10.0.0.1/8
	one_line
	says '10\.0\.0\.0/8'
	fails 2 synanvil show nonsense
	one_line
	fails 2 synanvil block add 10.0.0.0/8 --for ever
	one_line
}
