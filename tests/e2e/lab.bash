# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# A mail host and its clients on one machine: two network namespaces and a veth pair. Sourced by scripts/lab,
# scripts/demo and the end-to-end tests.
#
#   clients (LAB_CLIENTS)  c0  192.0.2.1   fd53::1    10.0.0.0/8 and 2001:db8::/32 are its own: bind to any of them
#   mail    (LAB_MAIL)     m0  192.0.2.25  fd53::25
#
# Every lab has names of its own, so several can stand side by side. Nothing is found by name when it is ended: a
# process belongs to a lab if it lives in one of its namespaces, and lab_down leaves nothing behind.
#
# Namespaces are entered with nsenter: "ip netns exec" mounts a fresh /sys, which hides the BPF file system.

LAB_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
LAB_BUILD=${SYNANVIL_BUILD:-$LAB_ROOT/build}
LAB_TOOLS=$LAB_BUILD/e2e
LAB_HOST=192.0.2.25
LAB_HOST6=fd53::25
LAB_MAIL_MAC=02:00:00:00:00:19
LAB_CLIENTS_MAC=02:00:00:00:00:01

# lab_name NAME: sets the variables that belong to a lab of this name, whether it stands or not.
lab_name()
{
	LAB=$1
	LAB_DIR=/run/synanvil-lab/$LAB
	LAB_MAIL=sa-$LAB-mail
	LAB_CLIENTS=sa-$LAB-clients
	LAB_BPF=/sys/fs/bpf/synanvil-$LAB
	LAB_CONFIG=$LAB_DIR/synanvil.cf
	LAB_SOCKET=$LAB_DIR/control.sock
	LAB_LOG=$LAB_DIR/agent.log
	export LAB LAB_DIR LAB_MAIL LAB_CLIENTS LAB_BPF LAB_CONFIG LAB_SOCKET LAB_LOG
}

in_mail()
{
	nsenter --net="/run/netns/$LAB_MAIL" "$@"
}

in_clients()
{
	nsenter --net="/run/netns/$LAB_CLIENTS" "$@"
}

# The same for a command in the background: replaces the shell, so that $! is the command and not a shell above it.
exec_in_mail()
{
	exec nsenter --net="/run/netns/$LAB_MAIL" "$@"
}

# wait_until SECONDS COMMAND...: until the command succeeds, 1 if it never does.
wait_until()
{
	local deadline=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		((SECONDS < deadline)) || return 1
		sleep 0.05
	done
}

lab_exists()
{
	[ -e "/run/netns/$LAB_MAIL" ] || [ -e "/run/netns/$LAB_CLIENTS" ] || [ -d "$LAB_DIR" ]
}

# lab_link CLIENTS_DEVICE MAIL_DEVICE: a pair of devices, both up. With GRO on, both sides take native XDP frames.
lab_link()
{
	ip link add "$1" netns "$LAB_CLIENTS" type veth peer name "$2" netns "$LAB_MAIL" || return
	in_clients ip link set "$1" up && in_mail ip link set "$2" up || return
	in_clients ethtool -K "$1" gro on && in_mail ethtool -K "$2" gro on
}

lab_sysctl()
{
	local setting
	for setting in net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \
		net.ipv6.conf.default.router_solicitations=0 net.ipv6.conf.all.keep_addr_on_down=1 \
		net.ipv6.ip_nonlocal_bind=1 net.ipv4.ip_nonlocal_bind=1; do
		in_mail sysctl -qw "$setting" && in_clients sysctl -qw "$setting" || return
	done
	# A flood's SYNs may fill the queue; the answers to it must not depend on this machine's settings. One SYN, one
	# answer: repeated SYN-ACKs would be counted as more.
	in_mail sysctl -qw net.core.somaxconn=4096 net.ipv4.tcp_max_syn_backlog=4096 net.ipv4.tcp_syncookies=1 \
		net.ipv4.tcp_synack_retries=0
	in_clients sysctl -qw net.ipv4.ip_local_port_range="1024 65000" net.ipv4.tcp_tw_reuse=1
}

lab_addresses()
{
	in_clients ip link set lo up && in_mail ip link set lo up || return
	in_clients ip link set c0 address "$LAB_CLIENTS_MAC" && in_mail ip link set m0 address "$LAB_MAIL_MAC" || return
	in_clients ip addr add 192.0.2.1/24 dev c0 && in_mail ip addr add "$LAB_HOST/24" dev m0 || return
	in_clients ip addr add fd53::1/64 dev c0 nodad && in_mail ip addr add "$LAB_HOST6/64" dev m0 nodad || return
	in_clients ip route add local 10.0.0.0/8 dev lo && in_clients ip -6 route add local 2001:db8::/32 dev lo || return
	in_mail ip route add 10.0.0.0/8 via 192.0.2.1 && in_mail ip -6 route add 2001:db8::/32 via fd53::1 || return
	# Known neighbours: no test waits for, or counts, address resolution.
	in_clients ip neigh replace "$LAB_HOST" lladdr "$LAB_MAIL_MAC" dev c0 nud permanent || return
	in_clients ip neigh replace "$LAB_HOST6" lladdr "$LAB_MAIL_MAC" dev c0 nud permanent || return
	in_mail ip neigh replace 192.0.2.1 lladdr "$LAB_CLIENTS_MAC" dev m0 nud permanent || return
	in_mail ip neigh replace fd53::1 lladdr "$LAB_CLIENTS_MAC" dev m0 nud permanent
}

lab_bpffs()
{
	mountpoint -q /sys/fs/bpf || mount -t bpf -o mode=0700 bpf /sys/fs/bpf
}

# lab_up NAME: builds the lab. On failure nothing of it is left.
lab_up()
{
	lab_name "$1"
	if lab_exists; then
		echo "lab $LAB stands already" >&2
		return 1
	fi
	if ! { mkdir -p "$LAB_DIR" && ip netns add "$LAB_MAIL" && ip netns add "$LAB_CLIENTS" &&
		lab_link c0 m0 && lab_sysctl && lab_addresses && lab_bpffs; }; then
		lab_down
		return 1
	fi
}

# Ends, by their numbers, all processes that live in the lab's namespaces: first kindly, then surely.
lab_end_processes()
{
	local signal pids
	for signal in TERM KILL; do
		pids=$(ip netns pids "$LAB_MAIL" 2>/dev/null; ip netns pids "$LAB_CLIENTS" 2>/dev/null)
		[ -n "$pids" ] || return 0
		# shellcheck disable=SC2086  # one word for each process
		kill -s "$signal" $pids 2>/dev/null
		wait_until 3 lab_empty && return 0
	done
	wait_until 5 lab_empty
}

lab_empty()
{
	[ -z "$(ip netns pids "$LAB_MAIL" 2>/dev/null)$(ip netns pids "$LAB_CLIENTS" 2>/dev/null)" ]
}

# What a test has mounted in the lab's directory, the inner ones first.
lab_unmount()
{
	local target
	findmnt -rno TARGET | grep -F "$LAB_DIR/" | sort -r | while read -r target; do
		umount "$target"
	done
}

lab_down()
{
	# Whoever calls this may have set -e: what is gone already is no error.
	lab_end_processes || :
	ip netns del "$LAB_CLIENTS" 2>/dev/null || :
	ip netns del "$LAB_MAIL" 2>/dev/null || :
	lab_unmount || :
	rm -rf "$LAB_BPF" "$LAB_DIR" || :
	rmdir /run/synanvil-lab 2>/dev/null || :
}

# --- the agent --------------------------------------------------------------------------------------------------------

# lab_config [LINE]...: a configuration for the agent in this lab; a line takes the place of the one that sets the same.
lab_config()
{
	local line
	cat >"$LAB_CONFIG" <<-END
		interfaces = m0
		enforcement = enforce
		protected_ports = 25
		mynetworks = 127.0.0.0/8, [::1]/128
		bpf_directory = $LAB_BPF
		state_directory = $LAB_DIR/state
		control_socket = $LAB_SOCKET
		metrics_listen = 127.0.0.1:9925
		source_table_size = 65536
	END
	for line in "$@"; do
		sed -i "/^${line%%[ =]*} =/d" "$LAB_CONFIG"
		printf '%s\n' "$line" >>"$LAB_CONFIG"
	done
}

# lab_agent_launch [COMMAND PREFIX...]: starts the agent and comes back at once. Sets LAB_AGENT.
lab_agent_launch()
{
	mkdir -p "$LAB_DIR/state"
	exec_in_mail "$@" "$LAB_BUILD/synanvild" -c "$LAB_CONFIG" >>"$LAB_LOG" 2>&1 3>&- </dev/null &
	LAB_AGENT=$!
	export LAB_AGENT
}

# lab_agent_start [COMMAND PREFIX...]: returns when the agent answers; otherwise shows its log and fails.
lab_agent_start()
{
	lab_agent_launch "$@"
	if ! wait_until 60 lab_agent_answers_or_died || ! synanvil status >/dev/null 2>&1; then
		echo "the agent did not start:" >&2
		cat "$LAB_LOG" >&2
		return 1
	fi
}

# The answer must be of this agent: one that is on its way out still holds the socket for a moment.
lab_agent_answers_or_died()
{
	lab_agent_gone || { [ -S "$LAB_SOCKET" ] && synanvil status; }
}

lab_agent_gone()
{
	! kill -0 "$LAB_AGENT" 2>/dev/null || [ "$(ps -o stat= -p "$LAB_AGENT" 2>/dev/null | cut -c1)" = Z ]
}

# lab_agent_signal SIGNAL: sends it and waits for the agent's end.
lab_agent_signal()
{
	kill -s "$1" "$LAB_AGENT" && wait_until 10 lab_agent_gone
}

# The CLI, talking to this lab's agent.
synanvil()
{
	in_mail "$LAB_BUILD/synanvil" -s "$LAB_SOCKET" "$@"
}

# Leaves the lab without an agent, pins or memory, however the last one ended.
lab_agent_reset()
{
	if [ -n "${LAB_AGENT:-}" ] && ! lab_agent_gone; then
		lab_agent_signal TERM || lab_agent_signal KILL
	fi
	unset LAB_AGENT
	rm -rf "$LAB_BPF" "$LAB_DIR/state" "$LAB_SOCKET" "$LAB_LOG"
}

# --- traffic ----------------------------------------------------------------------------------------------------------

# attempts ARGUMENTS...: see tests/e2e/tools/attempts.c.
attempts()
{
	in_clients "$LAB_TOOLS/attempts" "$@"
}

# lab_flood ARGUMENTS... ADDRESS PORT: see tests/e2e/tools/syn-flood.c.
lab_flood()
{
	local options=("${@:1:$#-2}")
	in_clients "$LAB_TOOLS/syn-flood" "${options[@]}" -m "$LAB_MAIL_MAC" c0 "${@: -2}"
}

# lab_banner PORT...: the smallest mail service, on the mail host. Returns when it listens.
lab_banner()
{
	exec_in_mail "$LAB_TOOLS/banner" "$@" >"$LAB_DIR/banner.out" 2>&1 3>&- </dev/null &
	wait_until 5 grep -q ready "$LAB_DIR/banner.out"
}

# field NAME TEXT: the value of NAME=VALUE in a line of such pairs.
field()
{
	local pair
	for pair in $2; do
		[ "${pair%%=*}" != "$1" ] || { echo "${pair#*=}"; return 0; }
	done
	return 1
}

# syn_packets ACTION REASON: a counter of "synanvil status".
syn_packets()
{
	synanvil --json status | jq -r ".syn_packets.$1.$2 // 0"
}
