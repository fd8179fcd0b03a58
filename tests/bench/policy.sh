#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Policy requests a second on the loopback, and how long they take: a server that only answers DUNNO, synanvil with
# rate, recipient and size rules, and postfwd with the equal rules; 10,000 clients. policy.sh [-t SECONDS] [-r ROUNDS].
# Then what a reload, a scrape and `top` do to synanvil's requests, at a fixed rate. The figures also go to
# bench/policy.json below the build directory.
#
# All that serve have one CPU, the load generator has another, and both go before what else the machine does. A machine whose speed drifts is unfair to none: each
# round measures all, and what counts are medians, of ratios within one round.
set -euo pipefail

ROOT=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/e2e/lab.bash
. "$ROOT/tests/e2e/lab.bash"
export PATH=$PATH:/usr/sbin:/sbin

SECONDS_MEASURED=5
ROUNDS=5
CLIENTS=10000
CONNECTIONS=(50 1000)
NULL_PORT=10701
POLICY_PORT=10725
POSTFWD_PORT=10741
FIXED_RATE=10000
RESULTS=$LAB_BUILD/bench/policy.json

fail()
{
	echo "bench-policy: $*" >&2
	exit 1
}

clear_up()
{
	lab_down
	rm -rf "${WORK:-}"
}

# --- who serves -------------------------------------------------------------------------------------------------------

listens()
{
	[ -n "$(in_mail ss -Hltn "sport = :$1")" ]
}

serve_null()
{
	exec_in_mail "${SERVING[@]}" "$LAB_BUILD/bench/policy_null" "$NULL_PORT" >/dev/null </dev/null &
	NULL_PID=$!
	wait_until 5 listens "$NULL_PORT" || fail "the null server does not listen"
}

serve_synanvil()
{
	lab_config "policy_listen = inet:127.0.0.1:$POLICY_PORT" 'smtpd_client_message_rate_limit = 1000000' \
		'smtpd_client_recipient_rate_limit = 1000000' 'message_size_limit = 10240000' \
		"queue_directory = $WORK"
	lab_agent_start "${SERVING[@]}"
}

# postfwd_rules: what synanvil is asked to enforce, in postfwd's words.
postfwd_rules()
{
	cat <<-'END'
		id=SIZE; protocol_state==END-OF-MESSAGE; size>=10240001; action=552 5.3.4 Message size exceeds fixed limit
		id=MAIL; protocol_state==DATA; action=rate(client_address/1000000/60/450 4.7.1 Error: too much mail)
		id=RCPT; protocol_state==DATA; action=rcpt(client_address/1000000/60/450 4.7.1 Error: too many recipients)
	END
}

# serve_postfwd PROGRAM PORT. It takes itself into the background.
serve_postfwd()
{
	in_mail "${SERVING[@]}" "$1" --daemon --interface=127.0.0.1 --port="$2" --file="$WORK/rules" --user=postfw \
		--group=postfw --nodns --norulelog --summary=0 --pidfile="$WORK/$1.pid" >"$WORK/$1.log" 2>&1 </dev/null
	wait_until 20 listens "$2" || fail "$1 does not listen: $(tail -n 1 "$WORK/$1.log")"
}

# --- measuring --------------------------------------------------------------------------------------------------------

# load PORT OPTION...: one object.
load()
{
	in_mail "${LOADING[@]}" "$LAB_BUILD/bench/policy_load" -t "$SECONDS_MEASURED" -n "$CLIENTS" "${@:2}" "$1"
}

# cpu PID: its clock ticks so far.
cpu()
{
	awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$1/stat"
}

# measure NAME ROUND PORT PID CONNECTIONS: PID - where what it spends is not asked.
measure()
{
	local before=0 after=0 result
	echo "round $2, $5 connections: $1" >&2
	[ "$4" = - ] || before=$(cpu "$4")
	result=$(load "$3" -c "$5" -w 1)
	[ "$4" = - ] || after=$(cpu "$4")
	jq -c --arg server "$1" --argjson round "$2" --argjson ticks $((after - before)) \
		--argjson hertz "$(getconf CLK_TCK)" '. + { server: $server, round: $round,
		cpu_us: (if $ticks > 0 then $ticks / $hertz * 1e6 / (.per_second * (.seconds + 1)) else null end) }' \
		<<<"$result" >>"$WORK/results"
}

# Long ones at once: postfwd is slow, and its own noise does not matter beside that.
measure_all()
{
	local connections round
	for connections in "${CONNECTIONS[@]}"; do
		for round in $(seq "$ROUNDS"); do
			measure null "$round" "$NULL_PORT" "$NULL_PID" "$connections"
			measure synanvil "$round" "$POLICY_PORT" "$LAB_AGENT" "$connections"
		done
		measure postfwd 1 "$POSTFWD_PORT" - "$connections"
		measure postfwd1 1 $((POSTFWD_PORT + 1)) - "$connections"
	done
}

# The source table is full of what a flood would leave in it, so that reading it takes its time.
fill_sources()
{
	in_clients "$LAB_TOOLS/syn-flood" -n 60000 -s 10.64.0.0 -a 60000 -m "$LAB_MAIL_MAC" c0 "$LAB_HOST" 25 >/dev/null
}

# disturb WHAT: while the load runs, one reload, or a scrape or a look each second: more often than Prometheus does.
disturb()
{
	local end=$((SECONDS + SECONDS_MEASURED))
	[ "$1" != reload ] || synanvil reload >/dev/null
	while ((SECONDS < end)); do
		case $1 in
		scrape) in_mail curl -sf http://127.0.0.1:9925/metrics ;;
		top) synanvil top --once ;;
		esac >/dev/null
		sleep 1
	done
}

measure_disturbed()
{
	local what round result
	for round in $(seq "$ROUNDS"); do
		for what in nothing reload scrape top; do
			echo "round $round, $FIXED_RATE requests/s, meanwhile: $what" >&2
			(sleep 1; disturb "$what") &
			result=$(load "$POLICY_PORT" -c 50 -w 1 -r "$FIXED_RATE")
			wait $!
			jq -c --arg meanwhile "$what" --argjson round "$round" \
				'. + { meanwhile: $meanwhile, round: $round }' <<<"$result" >>"$WORK/disturbed"
		done
	done
}

# --- what comes of it -------------------------------------------------------------------------------------------------

write_results()
{
	jq -n --slurpfile runs "$WORK/results" --slurpfile disturbed "$WORK/disturbed" --argjson clients "$CLIENTS" '
		def median: sort | if length == 0 then null else .[(length - 1) / 2 | floor] end;
		def of($server; $connections): [$runs[] | select(.server == $server and .connections == $connections)];
		def typical: { per_second: (map(.per_second) | median), p50_ms: (map(.p50_ms) | median),
			p99_ms: (map(.p99_ms) | median), p999_ms: (map(.p999_ms) | median),
			longest_ms: (map(.longest_ms) | median),
			cpu_us: (map(.cpu_us | values) | median), refused: (map(.refused) | add) };
		{ clients: $clients, rounds: ([$runs[].round] | max),
		  servers: [([$runs[].connections] | unique)[] as $c | ("null", "synanvil", "postfwd", "postfwd1") as $s |
			of($s; $c) | select(length > 0) | typical + { server: $s, connections: $c }],
		  comparisons: [([$runs[].connections] | unique)[] as $c |
			[of("null"; $c), of("synanvil"; $c)] as [$null, $ours] |
			{ connections: $c,
			  of_null: ([$null, $ours] | transpose | map(.[1].per_second / .[0].per_second) | median),
			  p99_of_null: ([$null, $ours] | transpose | map(.[1].p99_ms / .[0].p99_ms) | median),
			  times_postfwd: (($ours | map(.per_second) | median) / (of("postfwd"; $c) | .[0].per_second)) }],
		  disturbed: [("nothing", "reload", "scrape", "top") as $what |
			[$disturbed[] | select(.meanwhile == $what)] | typical + { meanwhile: $what }],
		  runs: $runs, disturbed_runs: $disturbed }' >"$RESULTS"
}

print_results()
{
	local row='  %12s  %-28s%12s%10s%10s%10s%12s\n'
	printf '\nPolicy requests on the loopback, %s clients; medians of %s rounds of %s s\n\n' "$CLIENTS" "$ROUNDS" \
		"$SECONDS_MEASURED"
	# shellcheck disable=SC2059  # one format for all rows
	printf "$row" connections server requests/s 'p50 ms' 'p99 ms' 'p99.9 ms' 'CPU us each'
	jq -r '.servers[] | [.connections, .server, .per_second, .p50_ms, .p99_ms, .p999_ms,
		(.cpu_us // 0 | . * 10 | round / 10)] | map(tostring) | join("|")' "$RESULTS" |
		while IFS='|' read -r connections server rate p50 p99 p999 cpu; do
			case $server in
			null) server='DUNNO and nothing else' ;;
			postfwd) server="postfwd ($(basename "$(readlink -f "$(command -v postfwd)")"))" ;;
			esac
			[ "$cpu" != 0 ] || cpu=-
			# shellcheck disable=SC2059
			printf "$row" "$connections" "$server" "$rate" "$p50" "$p99" "$p999" "$cpu"
		done
	echo
	jq -r 'def hundredths: . * 100 | round / 100;
		.comparisons[] | "  \(.connections) connections: \(.of_null | hundredths) of the null server (wanted 0.7), " +
		"p99 \(.p99_of_null | hundredths) times its (wanted 2), \(.times_postfwd | round) times postfwd (wanted 50)"' \
		"$RESULTS"
	printf '\n  synanvil at %s requests/s on 50 connections, time from when a request was due\n' "$FIXED_RATE"
	jq -r '.disturbed as $d | $d[] | "  meanwhile \(.meanwhile): p99 \(.p99_ms) ms (\((.p99_ms - $d[0].p99_ms) * 1000
		| round / 1000 | if . < 0 then . else "+\(.)" end) ms), p99.9 \(.p999_ms) ms, longest \(.longest_ms) ms"' "$RESULTS"
	printf '\nAlso in %s\n' "$RESULTS"
}

while getopts t:r: option; do
	case $option in
	t) SECONDS_MEASURED=$OPTARG ;;
	r) ROUNDS=$OPTARG ;;
	*) echo "usage: policy.sh [-t SECONDS] [-r ROUNDS]" >&2; exit 2 ;;
	esac
done
[ "$(id -u)" -eq 0 ] || fail "needs root"
for program in postfwd postfwd1 jq curl ss; do
	command -v "$program" >/dev/null || fail "needs $program (scripts/setup installs it)"
done
ulimit -n 16384
SERVING=(nice -n -20 taskset -c 0)
LOADING=(nice -n -20 taskset -c $(($(nproc) > 1 ? 1 : 0)))
WORK=$(mktemp -d)
chmod 755 "$WORK"
postfwd_rules >"$WORK/rules"
trap clear_up EXIT
trap 'exit 1' INT TERM
lab_up "policy-$$"
serve_null
serve_synanvil
serve_postfwd postfwd "$POSTFWD_PORT"
serve_postfwd postfwd1 $((POSTFWD_PORT + 1))
measure_all
fill_sources
measure_disturbed
write_results
print_results
