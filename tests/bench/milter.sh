#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the milter costs: smtp-source through one real Postfix, by a port that asks synanvil-milter and by one that does not,
# in turns, so that a machine whose speed drifts is unfair to neither. milter.sh [-m MESSAGES] [-r ROUNDS]: messages of a round
# and rounds of each. The figures also go to bench/milter.json below the build directory.
#
# Twice: with the messages that smtp-source makes itself, and with such that have a header as mail has it that came some
# way (24 fields, 3 KB). They are delivered to Postfix' discard transport; a connection for each message, ten at a time. The milter has a limit that no field exceeds: it looks at all
# and changes nothing, which is what it does all day.
set -euo pipefail

ROOT=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/e2e/lab.bash
. "$ROOT/tests/e2e/lab.bash"
# shellcheck source=tests/e2e/postfix.bash
. "$ROOT/tests/e2e/postfix.bash"
# shellcheck source=tests/e2e/milter.bash
. "$ROOT/tests/e2e/milter.bash"
export PATH=$PATH:/usr/sbin:/sbin

MESSAGES=2000
ROUNDS=6
RESULTS=$LAB_BUILD/bench/milter.json

fail()
{
	echo "bench-milter: $*" >&2
	exit 1
}

clear_up()
{
	milter_stop || :
	postfix_stop || :
	lab_down
	rm -rf "${WORK:-}"
}

write_message()
{
	local i
	{
		for i in 1 2 3 4 5; do
			printf 'Received: from host%d.example.net (host%d.example.net [198.51.100.%d])\n' "$i" "$i" "$i"
			printf '\tby mx%d.example.net (Postfix) with ESMTPS id 0123456789AB\n' "$i"
			printf '\tfor <box@lab.example>; Sun, 22 Nov 2026 10:00:0%d +0000 (UTC)\n' "$i"
		done
		printf 'DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.net; s=one;\n'
		for i in 1 2 3 4 5; do
			printf '\tb=%s\n' "$(characters 70 "$i")"
		done
		for i in {1..14}; do
			printf 'X-Field-%d: %s\n' "$i" "$(characters 60)"
		done
		printf 'From: sender@example.org\nTo: box@lab.example\nSubject: a message\nDate: Sun, 22 Nov 2026 10:00:00 +0000\n'
		printf '\n'
		for i in {1..40}; do
			characters 70 t
			echo
		done
	} >"$WORK/message"
}

# round PORT [SMTP-SOURCE OPTION]...: messages per second.
round()
{
	local from to port=$1
	shift
	from=$EPOCHREALTIME
	in_clients smtp-source -4 -s 10 -m "$MESSAGES" "$@" -f sender@example.org -t box@lab.example \
		"$LAB_HOST:$port" >"$WORK/source" 2>&1 || fail "smtp-source: $(tail -n 1 "$WORK/source")"
	to=$EPOCHREALTIME
	# What is still queued would burden the next round.
	wait_until 60 queue_empty || fail "the queue does not empty"
	jq -n --argjson from "$from" --argjson to "$to" --argjson messages "$MESSAGES" '$messages / ($to - $from)'
}

queue_empty()
{
	[ -z "$(find "$POSTFIX_DIR"/queue/{incoming,active,maildrop,deferred} -type f -print -quit)" ]
}


# scenario KEY NAME [SMTP-SOURCE OPTION]...
scenario()
{
	local i key=$1 name=$2
	shift 2
	echo "measuring: $name" >&2
	rm -f "$WORK/with" "$WORK/without"
	round 25 "$@" >/dev/null
	round 587 "$@" >/dev/null
	for ((i = 0; i < ROUNDS; i++)); do
		# Whoever begins changes from pair to pair.
		if ((i % 2)); then
			round 25 "$@" >>"$WORK/with"
			round 587 "$@" >>"$WORK/without"
		else
			round 587 "$@" >>"$WORK/without"
			round 25 "$@" >>"$WORK/with"
		fi
	done
	kill -0 "$MILTER" || fail "the milter has ended"
	jq -cn --argjson with "[$(paste -sd, "$WORK/with")]" --argjson without "[$(paste -sd, "$WORK/without")]" \
		--arg key "$key" --arg name "$name" --argjson messages "$MESSAGES" '
		def median: sort | .[length / 2 | floor];
		[$with, $without] | transpose | map(.[0] / .[1]) as $shares
		| { key: $key, name: $name, messages_per_round: $messages, with: $with, without: $without, shares: $shares,
		    median_with: ($with | median), median_without: ($without | median),
		    share: (($with | add) / ($without | add)) }' >>"$WORK/results"
}

print_results()
{
	jq -r '"\nMessages a second through Postfix, median of \(.[0].with | length) rounds of \(.[0].messages_per_round):",
		(.[] | "  \(.name)",
		"    without the milter  \(.median_without | round)",
		"    with the milter     \(.median_with | round)",
		"    share               \(.share * 1000 | round / 1000)   by pairs: \(.shares | map(. * 100 | round / 100) | tostring)"),
		"Wanted: a share of at least 0.9."' "$RESULTS"
	echo "Also in $RESULTS"
}

while getopts m:r: option; do
	case $option in
	m) MESSAGES=$OPTARG ;;
	r) ROUNDS=$OPTARG ;;
	*) echo "usage: milter.sh [-m MESSAGES] [-r ROUNDS]" >&2; exit 2 ;;
	esac
done
[ "$(id -u)" -eq 0 ] || fail "needs root"
WORK=$(mktemp -d)
trap clear_up EXIT
trap 'exit 1' INT TERM
mkdir -p "${RESULTS%/*}"
lab_up "milter-$$"
write_message
milter_start 'header_size_limit = 50000'
milter_postfix inet:127.0.0.1:10726 'virtual_transport = discard:'
scenario plain 'messages of smtp-source'
scenario long 'a header of 24 fields, 3 KB' -F "$WORK/message"
jq -s . "$WORK/results" >"$RESULTS"
print_results
