#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Where the program is attached: modes, large frames, several interfaces, those that come and go, and those that
# somebody else has.

load helpers

setup_file()
{
	file_lab || return 0
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
	[ -n "${LAB:-}" ] || return 0
	in_mail ip link del m1 2>/dev/null || :
	in_mail "$LAB_TOOLS/foreign-xdp" m0 off 2>/dev/null || :
	in_mail ip link set m0 mtu 1500
	in_clients ip link set c0 mtu 1500
}

interface()
{
	json ".interfaces[] | select(.name == \"$1\") | \"\(.mode) \(.attached)\"" status
}

interface_is()
{
	[ "$(interface "$1")" = "$2" ]
}

# A second way to the mail host: m1 with an address of its own, which its clients reach through c1.
second_link()
{
	lab_link c1 m1
	in_clients ip addr add 198.51.100.1/24 dev c1
	in_mail ip addr add 198.51.100.25/24 dev m1
}

@test "native where the driver can" {
	agent_with 'smtpd_client_connection_rate_limit = 3'
	[[ $(xdp_on m0) == native* ]]
	equals 'native true' "$(interface m0)" "status"
	equals 1 "$(metric 'synanvil_interface_attached{interface="m0",mode="native"}')" "metric"
}

@test "generic where that is asked for" {
	agent_with 'smtpd_client_connection_rate_limit = 3' 'xdp_mode = generic'
	[[ $(xdp_on m0) == generic* ]]
	equals 'generic true' "$(interface m0)" "status"
	greeted 3 10 10.1.0.5
}

@test "auto falls back to generic where the driver cannot; native says that it cannot" {
	agent_with 'interfaces = lo'
	equals 'generic true' "$(interface lo)" "status"
	lab_agent_reset
	lab_config 'interfaces = lo' 'xdp_mode = native'
	lab_agent_launch
	logged 'lo.*native|native.*lo'
	equals none "$(xdp_on lo)" "program on lo"
}

@test "jumbo frames, natively" {
	in_mail ip link set m0 mtu 9000
	in_clients ip link set c0 mtu 9000
	agent_with 'smtpd_client_connection_rate_limit = 3'
	[[ $(xdp_on m0) == native* ]]
	greeted 3 10 10.1.0.5
	ok in_clients ping -c 1 -W 2 -M 'do' -s 8900 "$LAB_HOST"
}

@test "two interfaces share a source's count, and are counted apart" {
	second_link
	agent_with 'smtpd_client_connection_rate_limit = 5' 'interfaces = m0, m1'
	equals 'native true' "$(interface m0)" "m0"
	equals 'native true' "$(interface m1)" "m1"
	greeted 5 10 198.51.100.1 198.51.100.25
	greeted 5 10 10.1.0.5
	equals 5 "$(metric 'synanvil_syn_packets_total{interface="m1",service="25",family="ipv4",action="pass",reason="within_limit"}')" "m1"
	equals 5 "$(metric 'synanvil_syn_packets_total{interface="m0",service="25",family="ipv4",action="pass",reason="within_limit"}')" "m0"
}

@test "a missing interface is attached when it appears, and again when it returns" {
	agent_with 'smtpd_client_connection_rate_limit = 5' 'interfaces = m0, m1'
	equals 'null false' "$(interface m1)" "m1 at first"
	equals 0 "$(metric 'synanvil_interface_attached{interface="m1",mode="native"}')" "metric"
	logged 'm1'
	second_link
	wait_until 5 interface_is m1 'native true'
	greeted 5 10 198.51.100.1 198.51.100.25

	in_mail ip link del m1
	wait_until 5 interface_is m1 'null false'
	greeted 5 10 10.1.0.5
	second_link
	wait_until 5 interface_is m1 'native true'
	greeted 0 5 198.51.100.1 198.51.100.25
}

@test "an interface that vanished while no agent ran is attached again" {
	second_link
	agent_with 'smtpd_client_connection_rate_limit = 5' 'interfaces = m0, m1'
	lab_agent_signal KILL
	in_mail ip link del m1
	second_link
	lab_agent_start
	wait_until 5 interface_is m1 'native true'
	greeted 5 10 198.51.100.1 198.51.100.25
}

@test "another XDP program on the interface is named and left alone" {
	local mode before
	for mode in native generic; do
		in_mail "$LAB_TOOLS/foreign-xdp" m0 "$mode" other_firewall
		before=$(xdp_on m0)
		lab_config
		fails 1 timeout 10 nsenter --net="/run/netns/$LAB_MAIL" "$LAB_BUILD/synanvild" -c "$LAB_CONFIG"
		says m0 other_firewall
		equals "$before" "$(xdp_on m0)" "program on m0"
		equals 0 "$(find "$LAB_BPF" -mindepth 1 2>/dev/null | wc -l)" "pins"
		in_mail "$LAB_TOOLS/foreign-xdp" m0 off
	done
}

@test "a broken frame passes and is counted" {
	agent_with
	# IPv4 with a header length of 4 bytes, and one whose TCP header is cut off.
	in_clients "$LAB_TOOLS/frame-send" c0 \
		02000000001902000000000108004100001400000000400600000a010005c0000219 \
		02000000001902000000000108004500001800000000400600000a010005c000021904000019
	wait_until 5 unparsed_is 2
}

unparsed_is()
{
	[ "$(metric 'synanvil_unparsed_packets_total{interface="m0"}')" = "$1" ]
}
