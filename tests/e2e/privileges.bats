#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# As whom the agent runs, what it keeps, and who may ask it for what.

load helpers

# CAP_NET_ADMIN, CAP_PERFMON and CAP_BPF.
THREE=000000c000001000

setup_file()
{
	file_lab setpriv || return 0
	lab_banner 25
	chmod 755 /run/synanvil-lab "$LAB_DIR"
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
	! mountpoint -q "$LAB_DIR/own/bpf" || umount "$LAB_DIR/own/bpf"
	rm -rf "$LAB_DIR/own"
}

# status_of FIELD: of the agent, as the kernel tells it.
status_of()
{
	awk -v field="$1:" '$1 == field { print $2 }' "/proc/$LAB_AGENT/status"
}

limited()
{
	equals "$THREE" "$(status_of CapEff)" "effective capabilities"
	equals "$THREE" "$(status_of CapPrm)" "permitted capabilities"
	equals 0000000000000000 "$(status_of CapInh)" "inheritable capabilities"
	equals 0000000000000000 "$(status_of CapAmb)" "ambient capabilities"
	equals 1 "$(status_of NoNewPrivs)" "no_new_privs"
	equals 2 "$(status_of Seccomp)" "seccomp: a filter"
}

@test "started by root: three capabilities, no new privileges, a filter of system calls" {
	agent_with
	limited
	equals 0000000000000000 "$(status_of CapBnd)" "bounding set"
}

# As a service manager starts it: a user of no rights, three ambient capabilities, directories that are made for it.

# setpriv replaces itself by the agent, so that LAB_AGENT is the agent.
AS_SERVICE=(setpriv --reuid=nobody --regid=nogroup --clear-groups
	--bounding-set=-all,+bpf,+net_admin,+perfmon --inh-caps=-all,+bpf,+net_admin,+perfmon
	--ambient-caps=+bpf,+net_admin,+perfmon --no-new-privs)

# The user nobody must be able to walk to the directory of pins.
service_prepare()
{
	LAB_BPF=$LAB_DIR/own/bpf
	LAB_SOCKET=$LAB_DIR/own/control.sock
	mkdir -p "$LAB_BPF"
	mount -t bpf -o mode=0755 bpf "$LAB_BPF"
	LAB_BPF=$LAB_BPF/synanvil
	install -d -m 700 -o nobody -g nogroup "$LAB_BPF" "$LAB_DIR/state"
	chown nobody:nogroup "$LAB_DIR/own"
}

@test "started as a user with three capabilities: all works, and it ends as it should" {
	service_prepare
	lab_config 'smtpd_client_connection_rate_limit = 3' 'control_group = nogroup' "bpf_directory = $LAB_BPF" \
		"control_socket = $LAB_SOCKET"
	lab_agent_start "${AS_SERVICE[@]}"
	limited
	equals nobody "$(stat -c %U "/proc/$LAB_AGENT")" "user"
	equals "660 nogroup" "$(stat -c '%a %G' "$LAB_SOCKET")" "socket"
	greeted 3 5 10.1.0.5
	ok synanvil block add 10.1.0.9
	greeted 0 2 10.1.0.9
	sed -i 's/^smtpd_client_connection_rate_limit.*/smtpd_client_connection_rate_limit = 5/' "$LAB_CONFIG"
	ok synanvil reload
	greeted 1 5 10.1.0.5
	lab_agent_signal USR1
	greeted 0 2 10.1.0.9
	lab_agent_start "${AS_SERVICE[@]}"
	greeted 0 5 10.1.0.5
	equals "10.1.0.9" "$(json '.blocks[0].prefix' block list)" "block"
	lab_agent_signal TERM
	equals none "$(xdp_on m0)" "program on m0"
	equals 0 "$(find "$LAB_BPF" -mindepth 1 2>/dev/null | wc -l)" "pins"
}

@test "a group that this user may not give: the socket is nobody else's, and the log says so" {
	service_prepare
	lab_config 'control_group = daemon' "bpf_directory = $LAB_BPF" "control_socket = $LAB_SOCKET"
	lab_agent_start "${AS_SERVICE[@]}"
	equals "600 nogroup" "$(stat -c '%a %G' "$LAB_SOCKET")" "socket"
	grep -q 'control_group.*daemon' "$LAB_LOG"
	ok synanvil status
}

as_looker()
{
	in_mail setpriv --reuid=daemon --regid=daemon --groups=nogroup "$LAB_BUILD/synanvil" -s "$LAB_SOCKET" "$@"
}

@test "a member of control_group may look, and change nothing" {
	agent_with 'control_group = nogroup'
	ok as_looker status
	ok as_looker show 10.1.0.5
	local command
	for command in 'block add 10.1.0.5' 'block delete 10.1.0.5' 'exception add 10.1.0.5' reload restart detach; do
		# shellcheck disable=SC2086  # one word for each argument
		fails 1 as_looker $command
		one_line
	done
	greeted 2 2 10.1.0.5
	ok synanvil status
}
