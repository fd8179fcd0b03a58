#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Live connections: counted however they open and end, whoever was there first, and true to what ss(8) lists.

load helpers

setup_file()
{
	file_lab ss curl unshare bpftool || return 0
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
	local pid
	in_clients ip link set c0 up 2>/dev/null || :
	agent_teardown
	for pid in ${CLIENT:-} ${SERVER:-}; do
		kill -KILL "$pid" 2>/dev/null || :
	done
	# What a test left open must not be there for the next one.
	[ -z "${LAB:-}" ] || { in_mail ss -HK "sport = :25" >/dev/null 2>&1; in_clients ss -HK "dport = :25" >/dev/null 2>&1; } || :
}

# serve ARGUMENTS...: see tests/e2e/tools/connections.c. Sets SERVER.
serve()
{
	: >"$LAB_DIR/serve.out"
	exec_in_mail "$LAB_TOOLS/connections" serve "$@" >"$LAB_DIR/serve.out" 2>&1 3>&- </dev/null &
	SERVER=$!
	wait_until 5 grep -q ready "$LAB_DIR/serve.out"
}

# client hold|churn ARGUMENTS...: in the background. Sets CLIENT.
client()
{
	: >"$LAB_DIR/client.out"
	nsenter --net="/run/netns/$LAB_CLIENTS" "$LAB_TOOLS/connections" "$@" >"$LAB_DIR/client.out" 2>&1 3>&- </dev/null &
	CLIENT=$!
}

# hold ARGUMENTS...: returns when all are established.
hold()
{
	client hold "$@"
	wait_until 20 grep -q ready "$LAB_DIR/client.out"
}

# live [PORT]: connections of the service, as the agent says.
live()
{
	synanvil --json status | jq ".services[] | select(.service == \"${1:-25}\") | .connections"
}

live_is()
{
	[ "$(live)" = "$1" ]
}

# What the kernel lists.
listed()
{
	in_mail ss -Htn state established state close-wait "sport = :${1:-25}" | wc -l
}

# live_of ADDRESS: connections of its source.
live_of()
{
	synanvil --json show "$1" | jq '.services[0].connections'
}

live_of_is()
{
	[ "$(live_of "$1")" = "$2" ]
}

metric()
{
	in_mail curl -s http://127.0.0.1:9925/metrics | sed -n "s/^synanvil_connections$1 //p"
}

# wants COUNT WHAT: waits for it, and says what came instead.
wants()
{
	wait_until 10 live_is "$1" || equals "$1" "$(live)" "$2"
	equals "$1" "$(listed)" "$2, listed"
}

# ends_by SIGNAL LEFT: opens 40 IPv4 and 40 IPv6 connections that end so; LEFT of each stay with the server.
ends_by()
{
	local source
	for source in "10.9.0.0 $LAB_HOST" "2001:db8:9::1 $LAB_HOST6"; do
		hold -s "${source% *}" -a 4 -n 10 "${source#* }" 25
		wants $((40 + $2 * ENDED)) "open before $1"
		kill -s "$1" "$CLIENT"
		ENDED=$((ENDED + 1))
		wants $(($2 * ENDED)) "left after $1"
	done
}

@test "closed and reset by either end: counted until then, both families" {
	local ENDED
	agent_with
	serve 25
	ENDED=0 && ends_by TERM 0
	ENDED=0 && ends_by USR1 0
	ENDED=0 && ends_by USR2 0
}

@test "a client that has closed still counts while the server holds its end, and no more when that process is killed" {
	local ENDED=0
	agent_with
	serve 25
	ends_by HUP 40
	kill -KILL "$SERVER"
	wants 0 "after the kill"
}

@test "what no process has taken yet counts, and ends with the listener" {
	agent_with
	serve -n 25
	hold -s 10.9.0.0 -a 4 -n 10 "$LAB_HOST" 25
	wants 40 "in the backlog"
	kill -KILL "$SERVER"
	wants 0 "after the listener's end"
}

@test "a client that has vanished counts until the server finds out" {
	agent_with
	serve -k 25
	hold -s 10.9.0.0 -n 10 "$LAB_HOST" 25
	wants 10 "open"
	in_clients ip link set c0 down
	wants 0 "after the time-out"
}

@test "connections from before the agent are counted, it is killed and they go on being counted, stopped and nothing is left" {
	agent_with
	lab_agent_signal TERM
	serve 25
	hold -s 10.9.0.0 -a 5 -n 10 "$LAB_HOST" 25
	lab_agent_start
	equals 50 "$(live)" "from before"
	equals 10 "$(live_of 10.9.0.3)" "of one source"
	lab_agent_signal KILL
	kill "$CLIENT" && wait_until 5 in_mail sh -c '! ss -Htn state established "sport = :25" | grep -q .'
	hold -s 10.9.1.0 -a 3 -n 10 "$LAB_HOST" 25
	lab_agent_start
	equals 30 "$(live)" "after kill -9"
	equals 0 "$(live_of 10.9.0.3)" "of one that closed meanwhile"
	lab_agent_signal TERM
	[ ! -e "$LAB_BPF/counting" ]
	fails 3 synanvil status
}

# Whether it had counted that one already nobody knows; what is certain is that all are counted anew.
@test "an agent that was killed while it counted a connection leaves no wrong count" {
	agent_with
	serve 25
	hold -s 10.9.0.0 -a 2 -n 10 "$LAB_HOST" 25
	wants 20 "open"
	for _ in 1 2; do
		lab_agent_signal KILL
		"$LAB_TOOLS/unfinished" "$LAB_BPF" 10.9.0.1
		lab_agent_start
		equals 20 "$(live)" "of the service"
		equals 10 "$(live_of 10.9.0.1)" "of the source"
	done
	kill "$CLIENT"
	wants 0 "closed"
	equals 0 "$(live_of 10.9.0.1)" "of the source, closed"
}

@test "connections of other network namespaces are not counted" {
	agent_with
	serve 25
	nsenter --net="/run/netns/$LAB_CLIENTS" "$LAB_TOOLS/connections" serve 25 >"$LAB_DIR/other.out" 2>&1 3>&- </dev/null &
	OTHER=$!
	wait_until 5 grep -q ready "$LAB_DIR/other.out"
	hold -n 20 127.0.0.1 25 -s 127.0.0.1
	equals 20 "$(in_clients ss -Htn state established 'sport = :25' | wc -l)" "there"
	equals 0 "$(live)" "counted"
	kill "$OTHER"
}

@test "one source with thousands of connections" {
	agent_with
	serve 25
	hold -n 3000 -s 10.9.0.7 "$LAB_HOST" 25
	wants 3000 "open"
	equals 3000 "$(live_of 10.9.0.7)" "of the source"
	kill -USR1 "$CLIENT"
	wants 0 "after the reset"
}

@test "a reload that changes what a source is counts anew, and refuses nobody meanwhile" {
	local i
	agent_with 'smtpd_client_connection_count_limit = 60'
	serve 25
	hold -s 10.9.0.0 -a 10 -n 5 "$LAB_HOST" 25
	equals 5 "$(live_of 10.9.0.3)" "by address"
	lab_config 'smtpd_client_connection_count_limit = 60' 'smtpd_client_ipv4_prefix_length = 24'
	ok synanvil reload
	wait_until 5 live_of_is 10.9.0.3 50
	equals 50 "$(live_of 10.9.0.200)" "by network"
	equals 50 "$(live)" "of the service"
	lab_config 'smtpd_client_connection_count_limit = 60'
	ok synanvil reload
	wait_until 5 live_of_is 10.9.0.3 5
	wait_until 5 live_is 50
	kill "$CLIENT"
	wants 0 "closed"
	# Half of the limit, with the counts rebuilt again and again under it.
	hold -s 10.9.0.0 -a 5 -n 6 "$LAB_HOST" 25
	for i in 1 2 3 4 5 6 7 8 9 10; do
		lab_config 'smtpd_client_connection_count_limit = 60' "smtpd_client_ipv4_prefix_length = $((24 + i % 2 * 8))"
		ok synanvil reload
		attempts -b 1 -s 10.9.0.0 -n 5 "$LAB_HOST" 25 >/dev/null
	done
	equals 0 "$(syn_packets drop concurrency)" "refused"
}

@test "a service that a reload adds has the connections that it had, one that it removes and adds again too" {
	agent_with
	serve 2525
	hold -s 10.9.0.0 -a 5 -n 10 "$LAB_HOST" 2525
	lab_config 'protected_ports = 25, 2525'
	ok synanvil reload
	wait_until 5 sh -c "[ \"\$('$LAB_BUILD/synanvil' -s '$LAB_SOCKET' --json status | jq '.services[1].connections')\" = 50 ]"
	lab_config
	ok synanvil reload
	kill "$CLIENT"
	lab_config 'protected_ports = 25, 2525'
	ok synanvil reload
	wait_until 5 sh -c "[ \"\$('$LAB_BUILD/synanvil' -s '$LAB_SOCKET' --json status | jq '.services[1].connections')\" = 0 ]"
}

@test "200,000 connections of random lives, the agent killed and started twice: the counts equal what ss lists" {
	local wanted sources address last
	agent_with
	serve 25
	client churn -s 10.50.0.0 -a 1000 -c 500 -k 2000 -n "${SYNANVIL_CHURN:-200000}" "$LAB_HOST" 25
	for _ in 1 2; do
		wait_until 60 grew 20000
		lab_agent_signal KILL
		wait_until 60 grew 20000
		lab_agent_start
	done
	wait_until 120 grep -qx done "$LAB_DIR/client.out"
	wait_until 20 settled
	wanted=$(listed)
	[ "$wanted" -ge 2000 ]
	equals "$wanted" "$(live)" "of the service"
	# Without the sockets' own word some are missed on machines that hold tracing programs off (docs/architecture.md).
	[ "$(first_look)" != cgroup ] || equals 0 "$(metric _drift_total)" drift
	sources=$(in_mail ss -Htn state established state close-wait 'sport = :25' | grep -oE '10\.50\.[0-9]+\.[0-9]+' | sort | uniq -c)
	while read -r wanted address; do
		equals "$wanted" "$(live_of "$address")" "of $address"
		last=$address
	done < <(sort -rn <<<"$sources" | head -n 40)
	kill -KILL "$SERVER"
	wants 0 "after the server's end"
	equals 0 "$(live_of "$last")" "of $last"
}

# The third look at a time, some 20 s after a start, is the first that can find drift.
@test "connections of random lives under one agent, held against the kernel's list meanwhile: none to correct" {
	local began=$SECONDS
	agent_with
	serve 25
	while [ $((SECONDS - began)) -lt 35 ]; do
		client churn -s 10.50.0.0 -a 1000 -c 500 -k 2000 -n 200000 "$LAB_HOST" 25
		wait_until 120 grep -qx done "$LAB_DIR/client.out"
	done
	wait_until 20 settled
	[ "$(live)" -ge 2000 ]
	[ "$(first_look)" != cgroup ] || equals 0 "$(metric _drift_total)" drift
}

# first_look: the kind of link by which the first program counts: cgroup (the sockets tell it), or raw_tracepoint.
first_look()
{
	bpftool --json link show pinned "$LAB_BPF/counting" | jq -r .type
}

@test "told by the sockets themselves where the root of the cgroups is at hand, otherwise traced twice" {
	agent_with
	if awk '$3 == "cgroup2"' /proc/self/mounts | grep -q .; then
		equals cgroup "$(first_look)" "with it"
	fi
	lab_agent_signal KILL
	serve 25
	hold -s 10.9.0.0 -a 4 -n 10 "$LAB_HOST" 25
	# shellcheck disable=SC2016
	lab_agent_start unshare --mount sh -c 'umount --recursive --lazy /sys/fs/cgroup && exec "$@"' sh
	equals raw_tracepoint "$(first_look)" "without"
	equals kernel "$(json .connections_source status)" "status"
	equals 40 "$(live)" "from before"
	kill "$CLIENT"
	wants 0 "closed"
	hold -s 10.9.1.0 -a 4 -n 10 "$LAB_HOST" 25
	wants 40 "traced"
	lab_agent_signal KILL
	lab_agent_start
	wants 40 "told again"
	kill -KILL "$SERVER"
	wants 0 "and all of them end"
}

# One that the verifier does not take, or that a policy of the host refuses, must not cost the counting as a whole.
@test "where the kernel refuses the program that sockets call, it is traced twice" {
	lab_config
	lab_agent_start env LD_PRELOAD="$LAB_TOOLS/no-sockops.so"
	equals raw_tracepoint "$(first_look)" "the first look"
	equals kernel "$(json .connections_source status)" "status"
	equals 0 "$(grep -c warning "$LAB_LOG")" "warnings"
	serve 25
	hold -s 10.9.0.0 -a 4 -n 10 "$LAB_HOST" 25
	wants 40 "open"
	kill "$CLIENT"
	wants 0 "closed"
}

# The client says every 10,000 how many it has opened; more than $1 since the last time this was true.
grew()
{
	local now
	now=$(tail -n 1 "$LAB_DIR/client.out")
	[ "$now" != done ] || return 0
	[ "${now:-0}" -ge $((${CHURNED:-0} + $1)) ] && CHURNED=$now
}

# Nothing is on its way any more, and both say the same.
settled()
{
	local before
	before=$(listed)
	sleep 0.2
	live_is "$before" && [ "$before" = "$(listed)" ]
}

@test "where the kernel does not tell its types: said once, counted from its list, all else works" {
	lab_config 'smtpd_client_connection_rate_limit = 10'
	mkdir -p "$LAB_DIR/state"
	lab_agent_start unshare --mount sh -c 'mount --bind /dev/null /sys/kernel/btf/vmlinux && exec "$@"' sh
	serve 25
	hold -s 10.9.0.0 -a 4 -n 5 "$LAB_HOST" 25
	wants 20 "open"
	equals 5 "$(live_of 10.9.0.2)" "of one source"
	equals 1 "$(metric '_source{source="sock_diag"}')" "the list counts"
	equals 0 "$(metric '_source{source="kernel"}')" "the kernel does not"
	equals sock_diag "$(json .connections_source status)" "status"
	ok grep 'live connections: listed once a second' <<<"$(synanvil status)"
	kill "$CLIENT"
	wants 0 "closed"
	equals 1 "$(grep -c 'live connections cannot be counted in the kernel' "$LAB_LOG")" "log lines"
	ok grep 'no /sys/kernel/btf/vmlinux' "$LAB_LOG"
	attempts -b 1 -s 10.9.9.9 -n 15 "$LAB_HOST" 25 >/dev/null
	equals 5 "$(syn_packets drop rate)" "dropped by rate"
}

# A container that grants CAP_BPF and CAP_NET_ADMIN, and no more than that. CAP_SYS_ADMIN would stand for both.
@test "without CAP_PERFMON: said once, counted from its list, limits hold, all else works" {
	lab_config 'smtpd_client_connection_rate_limit = 10' 'smtpd_client_connection_count_limit = 5'
	lab_agent_start setpriv --bounding-set=-perfmon,-sys_admin --inh-caps=-perfmon,-sys_admin
	equals 0000008000001000 "$(awk '$1 == "CapPrm:" { print $2 }' "/proc/$LAB_AGENT/status")" "capabilities kept"
	equals 1 "$(metric '_source{source="sock_diag"}')" "the list counts"
	equals sock_diag "$(json .connections_source status)" "status"
	ok grep 'live connections: listed once a second' <<<"$(synanvil status)"
	serve 25
	hold -s 10.9.0.0 -a 2 -n 5 "$LAB_HOST" 25
	wants 10 "open"
	attempts -b 1 -s 10.9.0.1 -n 3 "$LAB_HOST" 25 >/dev/null
	equals 3 "$(syn_packets drop concurrency)" "dropped: the source holds its limit"
	kill "$CLIENT"
	wants 0 "closed"
	attempts -b 1 -s 10.9.0.1 -n 1 "$LAB_HOST" 25 >/dev/null
	equals 3 "$(syn_packets drop concurrency)" "as many as before: it may again"
	for source in 10.9.9.9 2001:db8:9::9; do
		attempts -b 1 -s "$source" -n 12 "$([ "$source" = 10.9.9.9 ] && echo "$LAB_HOST" || echo "$LAB_HOST6")" 25 >/dev/null
	done
	equals 4 "$(syn_packets drop rate)" "dropped by rate, both families"
	ok synanvil block add 10.9.9.8
	attempts -b 1 -s 10.9.9.8 -n 2 "$LAB_HOST" 25 >/dev/null
	equals 2 "$(syn_packets drop blocked)" "dropped by a block"
	equals 1 "$(grep -c 'live connections cannot be counted in the kernel' "$LAB_LOG")" "log lines"
	ok grep 'live connections cannot be counted in the kernel: CAP_PERFMON is missing' "$LAB_LOG"
	# The tables are the same: the next agent, which may trace, takes them over; and the other way round. What closes while
	# nobody counts is not held against its source.
	hold -s 10.9.1.0 -a 1 -n 5 "$LAB_HOST" 25
	wants 5 "open again"
	lab_agent_signal KILL
	kill "$CLIENT"
	lab_agent_start
	attempts -b 1 -s 10.9.1.0 -n 1 "$LAB_HOST" 25 >/dev/null
	equals 3 "$(syn_packets drop concurrency)" "none more: its connections are gone"
	equals kernel "$(json .connections_source status)" "status with the capability"
	equals 2 "$(syn_packets drop blocked)" "what was counted before"
	lab_agent_signal KILL
	lab_agent_start setpriv --bounding-set=-perfmon,-sys_admin --inh-caps=-perfmon,-sys_admin
	equals kernel "$(json .connections_source status)" "what counts is at work already"
	equals 2 "$(syn_packets drop blocked)" "what was counted before"
}
