#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Real clients, a real Postfix behind the interface.

load helpers

setup_file()
{
	file_lab postfix swaks nc ping || return 0
	postfix_start
	lab_banner -u 25 2222
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

@test "limit 30: a hundred connections of one address get exactly thirty greetings" {
	agent_with 'smtpd_client_connection_rate_limit = 30'
	greeted 30 100 10.1.0.5
	equals 30 "$(syn_packets pass within_limit)" "passed"
	equals "$((70 + $(field resent "$output")))" "$(syn_packets drop rate)" "dropped"
	equals 31 "$(json '.services[0].attempts' show 10.1.0.5)" "attempts"
	equals drop "$(json '.services[0].verdict' show 10.1.0.5)" "verdict"
	logged 'warning: SYN rate limit exceeded: 31 from unknown\[10.1.0.5\] for service smtp \(source unverified\)'
	wait_until 10 postfix_connects_are 30 10.1.0.5
}

@test "another client is not charged for it" {
	agent_with 'smtpd_client_connection_rate_limit = 30'
	greeted 30 60 10.1.1.5
	greeted 30 30 10.1.1.6
}

@test "an exempt address gets a hundred" {
	agent_with 'smtpd_client_connection_rate_limit = 30' 'smtpd_client_event_limit_exceptions = 10.2.0.0/16'
	greeted 100 100 10.2.0.5
	equals 100 "$(syn_packets pass exempt)" "passed as exempt"
	equals 0 "$(syn_packets drop rate)" "dropped"
}

@test "port 587 counts apart from 25" {
	agent_with 'smtpd_client_connection_rate_limit = 30' 'protected_ports = 25, 587' \
		'587:smtpd_client_connection_rate_limit = 10'
	greeted 30 40 10.1.0.7 "$LAB_HOST" 25
	greeted 10 40 10.1.0.7 "$LAB_HOST" 587
	equals '30 10' "$(json '[.services[].limit] | join(" ")' show 10.1.0.7)" "limits"
}

@test "IPv6: addresses of one /84 share a count, one outside does not" {
	agent_with 'smtpd_client_connection_rate_limit = 30'
	greeted 15 15 2001:db8:1:1:1:1000::1 "$LAB_HOST6"
	greeted 15 30 2001:db8:1:1:1:1fff::9 "$LAB_HOST6"
	greeted 0 10 2001:db8:1:1:1:1000::1 "$LAB_HOST6"
	greeted 30 40 2001:db8:1:1:1:2000::1 "$LAB_HOST6"
	equals 2001:db8:1:1:1:1000::/84 "$(json .prefix show 2001:db8:1:1:1:1fff::9)" "prefix"
}

@test "monitor mode: all are answered, would_drop says seventy" {
	agent_with 'smtpd_client_connection_rate_limit = 30' 'enforcement = monitor'
	greeted 100 100 10.1.0.8
	equals 70 "$(syn_packets would_drop rate)" "would have been dropped"
	equals 0 "$(syn_packets drop rate)" "dropped"
	equals 100 "$(json '.services[0].attempts' show 10.1.0.8)" "attempts"
	equals would_drop "$(json '.services[0].verdict' show 10.1.0.8)" "verdict"
	logged 'would drop: .*SYN rate limit exceeded: 31 from unknown\[10.1.0.8\]'
}

@test "a mail sent through the limiter arrives" {
	local mark="mark-$$-$RANDOM"
	agent_with 'smtpd_client_connection_rate_limit = 30' 'protected_ports = 25, 587'
	ok in_clients swaks --local-interface 10.1.0.9 --server "$LAB_HOST" --port 25 --from sender@example.org \
		--to box@lab.example --header "Subject: $mark" --silent 2
	wait_until 10 grep -rq "$mark" "$POSTFIX_DIR/mail"
	equals 1 "$(syn_packets pass within_limit)" "passed"
}

@test "UDP, ICMP, another port and an established connection of a dropped client go on" {
	local greeting answer
	agent_with 'smtpd_client_connection_rate_limit = 30'
	coproc SESSION { in_clients nc -s 10.1.0.10 "$LAB_HOST" 25 3>&-; }
	read -r -t 10 greeting <&"${SESSION[0]}"
	[[ $greeting == 220* ]]
	greeted 29 60 10.1.0.10
	greeted 0 5 10.1.0.10

	printf 'NOOP\r\n' >&"${SESSION[1]}"
	read -r -t 10 answer <&"${SESSION[0]}"
	[[ $answer == 250* ]]
	ok in_clients ping -c 3 -i 0.2 -W 2 -I 10.1.0.10 "$LAB_HOST"
	greeted 100 100 10.1.0.10 "$LAB_HOST" 2222
	answer=$(echo hello | in_clients nc -u -s 10.1.0.10 -w 1 "$LAB_HOST" 25)
	equals hello "$answer" "echo over UDP port 25"
	printf 'QUIT\r\n' >&"${SESSION[1]}"
	read -r -t 10 answer <&"${SESSION[0]}"
	[[ $answer == 221* ]]
	greeted 0 5 10.1.0.10
}

@test "an address row protects that address alone" {
	agent_with 'smtpd_client_connection_rate_limit = 30' "protected_ports = $LAB_HOST:25"
	greeted 30 50 10.1.0.11
	greeted 50 50 2001:db8:1:1::11 "$LAB_HOST6"
	equals "$LAB_HOST:25" "$(json '.services[0].service' status)" "label"
}
