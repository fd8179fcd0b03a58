#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The same script of attempts against Postfix with anvil's limits and against synanvil: the same counts are accepted.
#
# Two labs run the script side by side. Postfix looks at whole seconds, so no burst is within two seconds of a
# window's end: with a time unit of 10 s a window that starts at T ends between T+10 and T+11.

load helpers

UNIT=10
LIMIT=20

# second, source, attempts: source 1 uses three windows, 2 is offset by three seconds, 3 never exceeds, 4 is exempt.
SCRIPT='
0 10.1.0.1 15
0 10.1.0.3 10
0 10.4.0.4 30
3 10.1.0.1 15
3 10.1.0.2 25
6 10.1.0.1 15
6 10.1.0.3 10
8 10.1.0.2 5
13 10.1.0.1 10
13 10.1.0.3 20
16 10.1.0.1 25
16 10.1.0.2 19
16 10.4.0.4 30
20 10.1.0.1 5
20 10.1.0.2 3
27 10.1.0.1 40
27 10.1.0.3 21
29 10.1.0.2 30
'

setup_file()
{
	file_lab postfix || return 0
}

setup()
{
	file_ready
}

teardown_file()
{
	local name
	for name in anvil synanvil; do
		(lab_name "$LAB-$name" && postfix_paths && postfix_stop && lab_down)
	done
	file_lab_down
}

# play RESULTS: one line "second source accepted" for each burst.
play()
{
	local start=$SECONDS second source count line
	while read -r second source count; do
		[ -n "$second" ] || continue
		while ((SECONDS - start < second)); do sleep 0.02; done
		line=$(attempts -s "$source" -n "$count" "$LAB_HOST" 25) || return
		echo "$second $source $(field banner "$line")"
	done <<<"$SCRIPT" >"$1"
}

# All of Postfix' processes are there before the clock of the script starts. Exempt, so not counted.
warm_up()
{
	attempts -s 10.4.0.9 -n 40 "$LAB_HOST" 25 >/dev/null
}

against_anvil()
{
	lab_up "$1-anvil" || return
	postfix_start "anvil_rate_time_unit = ${UNIT}s" "smtpd_client_connection_rate_limit = $LIMIT" \
		'smtpd_client_event_limit_exceptions = 10.4.0.0/16' || return
	warm_up || return
	play "$2"
}

against_synanvil()
{
	lab_up "$1-synanvil" || return
	postfix_start || return
	lab_config "anvil_rate_time_unit = ${UNIT}s" "smtpd_client_connection_rate_limit = $LIMIT" \
		'smtpd_client_event_limit_exceptions = 10.4.0.0/16'
	warm_up || return
	lab_agent_start || return
	play "$2"
	lab_agent_reset
}

@test "three windows: what anvil accepts, synanvil accepts" {
	local results=$BATS_TEST_TMPDIR first
	(against_anvil "$LAB" "$results/anvil") 3>&- &
	first=$!
	(against_synanvil "$LAB" "$results/synanvil") 3>&-
	wait "$first"
	paste "$results/anvil" "$results/synanvil"
	equals 18 "$(wc -l <"$results/anvil")" "bursts"
	diff "$results/anvil" "$results/synanvil"
	# The script exercises the limit: of source 1, three windows' worth is accepted and the rest is not.
	equals 60 "$(awk '$2 == "10.1.0.1" { n += $3 } END { print n }' "$results/synanvil")" "accepted of source 1"
	equals 60 "$(awk '$2 == "10.4.0.4" { n += $3 } END { print n }' "$results/synanvil")" "accepted of the exempt one"
}
