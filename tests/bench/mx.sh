#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Legitimate mail through a real Postfix while a botnet knocks, against the same mail undisturbed: with Postfix's own
# anvil(8) to refuse the bots, and with synanvil in front, both with the same limit. mx.sh [-t SECONDS]: how long each
# is measured. The figures also go to bench/mx.json below the build directory.
#
# The sender is exempt, as a large provider would be, and keeps ten sessions busy, a connection for each message. What
# counts is what Postfix has delivered (to its discard transport). Each scenario is measured once the bots have spent
# what the limit allows them: the time before says more about the limit than about who enforces it.
#
# Last come slow clients, who take what processes there are and hold them without a word: 20 from 5 addresses, before
# a Postfix with 20 processes.
#
# The mail host has the first half of the CPUs, all clients have the rest: bots must not take from the server what
# real ones would not.
set -euo pipefail

ROOT=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/e2e/lab.bash
. "$ROOT/tests/e2e/lab.bash"
# shellcheck source=tests/e2e/postfix.bash
. "$ROOT/tests/e2e/postfix.bash"
export PATH=$PATH:/usr/sbin:/sbin

SECONDS_MEASURED=12
SENDER=192.0.2.1
BOTS=1000
LIMIT=5
PROCESSES=100
SLOW_BOTS=5
SLOW_IN_FLIGHT=20
SLOW_PROCESSES=20
SLOW_HOLD_MS=600000
EXCEPTIONS="smtpd_client_event_limit_exceptions = $SENDER/32"
RESULTS=$LAB_BUILD/bench/mx.json

fail()
{
	echo "bench-mx: $*" >&2
	exit 1
}

clear_up()
{
	postfix_stop || :
	lab_down
	rm -rf "${WORK:-}"
}

split_cpus()
{
	local cpus
	cpus=$(nproc)
	CLIENT_CPUS=0
	[ "$cpus" -gt 1 ] || return 0
	CLIENT_CPUS=$((cpus / 2))-$((cpus - 1))
	taskset -pc "0-$((cpus / 2 - 1))" $$ >/dev/null
}

# --- the parts of a scenario ------------------------------------------------------------------------------------------

# The lab's Postfix has 40 processes; here it gets what default_process_limit says.
lab_master_cf=$(postfix_master_cf)
postfix_master_cf()
{
	echo "${lab_master_cf// 40 smtpd/ - smtpd}"
}

# For the background: the process that is ended later must be the program itself, not a shell around it.
exec_in_clients()
{
	exec nsenter --net="/run/netns/$LAB_CLIENTS" taskset -c "$CLIENT_CPUS" "$@"
}

# mail_server RATE_LIMIT PROCESSES [LINE]... No parameter may come twice in main.cf: every Postfix process would warn of it as it starts,
# postlogd to itself too, and wait for itself for ever once its queue is full.
mail_server()
{
	postfix_start "$EXCEPTIONS" "smtpd_client_connection_rate_limit = $1" 'anvil_rate_time_unit = 600s' \
		"default_process_limit = $2" 'virtual_transport = discard:' "${@:3}"
}

# limiter [LINE]...: what it limits.
limiter()
{
	lab_config "$EXCEPTIONS" "$@"
	# shellcheck disable=SC2119  # it takes a command prefix; there is none
	lab_agent_start
}

sender_start()
{
	exec_in_clients smtp-source -4 -s 10 -m 100000000 -C 1000000 -A -f sender@example.org \
		-t box@lab.example "$LAB_HOST:25" >>"$WORK/sender" 2>&1 </dev/null &
	SENDER_PID=$!
}

# botnet_start ADDRESSES IN_FLIGHT [HOLD_MS]
botnet_start()
{
	exec_in_clients "$LAB_BUILD/bench/mx_botnet" 10.1.0.1 "$1" "$2" "$LAB_HOST" 25 ${3:+"$3"} \
		>"$WORK/bots" 2>&1 </dev/null &
	BOTS_PID=$!
}

process_end()
{
	kill "$1" 2>/dev/null || :
	wait "$1" 2>/dev/null || :
}

# bots NAME: one of the botnet's counts.
bots()
{
	field "$1" "$(tail -n 1 "$WORK/bots")" || echo 0
}

delivered()
{
	grep -c 'status=sent' "$POSTFIX_LOG" || :
}

delivered_at_least()
{
	[ "$(delivered)" -ge "$1" ]
}

# allowance_spent IN_FLIGHT: every address has knocked more often than it may, and for two seconds (ten lines) next to
# none was greeted. A few never get what they may: their one SYN met a full queue, yet it counts.
allowance_spent()
{
	local earlier
	earlier=$(field greeted "$(tail -n 11 "$WORK/bots" | head -n 1)") || return
	[ "$(bots started)" -ge $((BOTS * LIMIT + $1)) ] && [ $(($(bots greeted) - earlier)) -le $((BOTS * LIMIT / 1000)) ]
}

# slow_settled: for two seconds (ten lines) no slow client got a process more.
slow_settled()
{
	local earlier
	[ "$(wc -l <"$WORK/bots")" -ge 20 ] || return
	earlier=$(field greeted "$(tail -n 11 "$WORK/bots" | head -n 1)") || return
	[ "$(bots greeted)" -gt 0 ] && [ "$(bots greeted)" -eq "$earlier" ]
}

bots_snapshot()
{
	echo "$(bots started) $(bots greeted) $(bots refused) $(bots silent) $(bots waiting) $(bots failed)"
}

# measure: what is delivered, and what the bots see, from now on for so many seconds; one object.
measure()
{
	local from to mail_from mail_to before after
	from=$EPOCHREALTIME
	mail_from=$(delivered)
	before=$(bots_snapshot)
	sleep "$SECONDS_MEASURED"
	to=$EPOCHREALTIME
	mail_to=$(delivered)
	after=$(bots_snapshot)
	jq -cn --argjson from "$from" --argjson to "$to" --argjson messages $((mail_to - mail_from)) \
		--arg before "$before" --arg after "$after" '
		def six: split(" ") | map(tonumber);
		[($before | six), ($after | six)] | transpose | map(.[1] - .[0]) as $bots
		| { seconds: ($to - $from), messages: $messages, messages_per_second: ($messages / ($to - $from)),
		    bots: ([["started", "greeted", "refused", "silent", "waiting", "failed"], $bots]
			| transpose | map({ (.[0]): .[1] }) | add) }'
}

still_running()
{
	kill -0 "$SENDER_PID" || fail "the sender has given up: $(tail -n 1 "$WORK/sender")"
	kill -0 "$BOTS_PID" || fail "the botnet has ended: $(tail -n 1 "$WORK/bots")"
}

# scenario KEY NAME IN_FLIGHT POSTFIX_LIMIT SYNANVIL(yes|no): without bots, then with them, by one and the same Postfix:
# a machine whose speed drifts from scenario to scenario is unfair to none.
scenario()
{
	local undisturbed disturbed
	echo "measuring: $2" >&2
	: >"$WORK/bots"
	mail_server "$4" "$PROCESSES"
	sender_start
	wait_until 30 delivered_at_least 200 || fail "$2: no mail comes through"
	undisturbed=$(measure)
	[ "$5" = no ] || limiter "smtpd_client_connection_rate_limit = $LIMIT" 'anvil_rate_time_unit = 600s'
	botnet_start "$BOTS" "$3"
	wait_until 90 allowance_spent "$3" || fail "$2: the bots could not spend their allowance: $(tail -n 1 "$WORK/bots")"
	disturbed=$(measure)
	still_running
	scenario_note "$1" "$2" "$3" "$undisturbed" "$disturbed" "$WORK/results"
	scenario_end "$5"
}

# slow_scenario KEY NAME SYNANVIL(yes|no): the same with slow clients. Limits come from Postfix' configuration. Its
# time-out is the one of quiet times: under stress it is 10 s, which slow clients get around with a word now and then.
slow_scenario()
{
	local undisturbed disturbed
	echo "measuring: $2" >&2
	: >"$WORK/bots"
	mail_server 0 "$SLOW_PROCESSES" 'smtpd_timeout = 300s'
	sender_start
	wait_until 30 delivered_at_least 200 || fail "$2: no mail comes through"
	undisturbed=$(measure)
	[ "$3" = no ] || limiter "postfix_config_directory = $POSTFIX_DIR/config"
	botnet_start "$SLOW_BOTS" "$SLOW_IN_FLIGHT" "$SLOW_HOLD_MS"
	wait_until 90 slow_settled || fail "$2: slow clients still get processes: $(tail -n 1 "$WORK/bots")"
	disturbed=$(measure)
	kill -0 "$BOTS_PID" || fail "the botnet has ended: $(tail -n 1 "$WORK/bots")"
	SLOW_HELD=$(bots greeted)
	scenario_note "$1" "$2" "$SLOW_HELD" "$undisturbed" "$disturbed" "$WORK/slow"
	scenario_end "$3"
}

# scenario_note KEY NAME IN_FLIGHT UNDISTURBED DISTURBED FILE
scenario_note()
{
	jq -cn --arg key "$1" --arg name "$2" --argjson in_flight "$3" --argjson undisturbed "$4" \
		--argjson disturbed "$5" '
		{ key: $key, name: $name, in_flight: $in_flight,
		  of_undisturbed: ($disturbed.messages_per_second / $undisturbed.messages_per_second),
		  undisturbed: ($undisturbed | del(.bots)), disturbed: $disturbed }' >>"$6"
}

# scenario_end SYNANVIL(yes|no)
scenario_end()
{
	process_end "$BOTS_PID"
	process_end "$SENDER_PID"
	[ "$1" = no ] || lab_agent_reset
	postfix_stop
}

# --- what comes of it -------------------------------------------------------------------------------------------------

write_results()
{
	jq -s --argjson limit "$LIMIT" --argjson bots "$BOTS" --argjson processes "$SLOW_PROCESSES" \
		--slurpfile slow "$WORK/slow" '
		{ limit: $limit, unit_seconds: 600, bot_addresses: $bots, scenarios: .,
		  slow: { processes: $processes, scenarios: $slow } }' "$WORK/results" >"$RESULTS"
}

print_results()
{
	local row='  %-34s%12s%12s%8s%12s%10s%10s\n'
	printf '\nMessages a second through Postfix while %s bots knock that have spent their %s connections in 10 minutes\n\n' \
		"$BOTS" "$LIMIT"
	# shellcheck disable=SC2059  # one format for all rows
	printf "$row" '' undisturbed 'with bots' share 'bots: tries' greeted refused
	jq -r '.scenarios[] | [.name, (.undisturbed.messages_per_second * 10 | round / 10),
		(.disturbed.messages_per_second * 10 | round / 10), (.of_undisturbed * 100 | round / 100),
		(.disturbed.bots | .started, .greeted, .refused)] | map(tostring) | join("|")' "$RESULTS" |
		while IFS='|' read -r name before with share tries greeted refused; do
			# shellcheck disable=SC2059
			printf "$row" "$name" "$before" "$with" "$share" "$tries" "$greeted" "$refused"
		done
	printf '\nWhile %s slow clients from %s addresses hold what they get of %s processes\n\n' \
		"$SLOW_IN_FLIGHT" "$SLOW_BOTS" "$SLOW_PROCESSES"
	printf '  %-34s%12s%12s%8s%12s\n' '' undisturbed 'with bots' share 'held'
	jq -r '.slow.scenarios[] | [.name, (.undisturbed.messages_per_second * 10 | round / 10),
		(.disturbed.messages_per_second * 10 | round / 10), (.of_undisturbed * 100 | round / 100), .in_flight]
		| map(tostring) | join("|")' "$RESULTS" |
		while IFS='|' read -r name before with share held; do
			printf '  %-34s%12s%12s%8s%12s\n' "$name" "$before" "$with" "$share" "$held"
		done
	printf '\nWanted with synanvil: a share of at least 0.9. %s s each; also in %s\n' "$SECONDS_MEASURED" "$RESULTS"
}

while getopts t: option; do
	case $option in
	t) SECONDS_MEASURED=$OPTARG ;;
	*) echo "usage: mx.sh [-t SECONDS]" >&2; exit 2 ;;
	esac
done
[ "$(id -u)" -eq 0 ] || fail "needs root"
WORK=$(mktemp -d)
trap clear_up EXIT
trap 'exit 1' INT TERM
split_cpus
lab_up "mx-$$"
scenario anvil_100 'anvil alone, 100 bots in flight' 100 "$LIMIT" no
scenario anvil_1000 'anvil alone, 1,000 bots in flight' 1000 "$LIMIT" no
scenario synanvil_100 'synanvil, 100 bots in flight' 100 0 yes
scenario synanvil_1000 'synanvil, 1,000 bots in flight' 1000 0 yes
slow_scenario slow_anvil 'anvil alone, slow clients' no
slow_scenario slow_synanvil 'synanvil, slow clients' yes
write_results
print_results
