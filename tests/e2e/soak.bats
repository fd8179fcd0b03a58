#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The agent under attack itself, for some seconds; make soak does the same for minutes, and measures.

load helpers

setup_file()
{
	file_lab ss || return 0
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
	. "$LAB_ROOT/tests/soak/soak.bash"
}

teardown()
{
	agent_teardown
}

@test "a thousand bad clients at all listeners and a flood: good clients are served, nothing leaks" {
	local good
	agent_with 'smtpd_client_connection_rate_limit = 10'
	soak 4 1000 "$BATS_TEST_TMPDIR"
	cat "$BATS_TEST_TMPDIR"/{crowd,flood,good-*}
	at_least 1000 "$(field opened "$(cat "$BATS_TEST_TMPDIR/crowd")")" "bad connections"
	for good in "$BATS_TEST_TMPDIR"/good-*; do
		at_least 10 "$(field asked "$(cat "$good")")" "requests of ${good##*/}"
		equals 0 "$(field failed "$(cat "$good")")" "unanswered requests of ${good##*/}"
	done
	at_most 65536 "$SOAK_MEMORY" "resident memory in KB"
	equals "$SOAK_DESCRIPTORS_BEFORE" "$SOAK_DESCRIPTORS_AFTER" "descriptors"
	greeted 10 15 10.1.0.5
}

# The crowd may look, and asks for the longest answer there is; root's command must not stand behind it.
@test "who may only look cannot keep root from being heard" {
	local crowd
	agent_with 'smtpd_client_connection_rate_limit = 10'
	soak_endpoints
	in_mail "$LAB_TOOLS/crowd" -n 2000 -t 5 -u "$SOAK_USER" "$LAB_SOCKET=$SOAK_EVENTS" >/dev/null 3>&- </dev/null &
	crowd=$!
	ok in_mail "$LAB_TOOLS/good" -t 4 "$LAB_SOCKET=$SOAK_STATUS" '"ok":true'
	equals 0 "$(field failed "$output")" "unanswered requests of root"
	ok synanvil block add 10.9.0.0/16
	wait "$crowd"
}
