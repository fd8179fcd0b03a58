#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the milter costs: smtp-source through one real Postfix, by ports that ask different milters and by one that asks none,
# in turns, so that a machine whose speed drifts is unfair to nobody. milter.sh [-m MESSAGES] [-r ROUNDS]: messages of a round
# and rounds of each. The figures also go to bench/milter.json below the build directory.
#
#   without   no milter
#   milter    synanvil-milter at a UNIX socket, as README.md recommends
#   tcp       the same over TCP
#   null      a milter on libmilter that agrees upon the same and looks at nothing: between it and milter is what is our own
#   least     the protocol without libmilter: what Postfix itself does for any milter that sees the header
#
# Three kinds of mail: as smtp-source makes it (a header of four fields, next to no body), the least that there is, so
# the most that a milter weighs; with a header as mail has it that came some way (24 fields, 3 KB); both thrown away by
# Postfix' discard transport. And that header with 16 KB of body, delivered into a Maildir. A connection for each message, ten
# at a time. The milter has a limit that no field exceeds: it looks at all and changes nothing, which is what it does all day.
set -euo pipefail

ROOT=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/e2e/lab.bash
. "$ROOT/tests/e2e/lab.bash"
# shellcheck source=tests/e2e/postfix.bash
. "$ROOT/tests/e2e/postfix.bash"
# shellcheck source=tests/e2e/milter.bash
. "$ROOT/tests/e2e/milter.bash"
export PATH=$PATH:/usr/sbin:/sbin

MESSAGES=1000
ROUNDS=6
RESULTS=$LAB_BUILD/bench/milter.json
CONTENDERS=(without milter tcp null least)
declare -A PORTS=([without]=587 [milter]=25 [tcp]=2501 [null]=2502 [least]=2503)
SERVERS=()

fail()
{
	echo "bench-milter: $*" >&2
	exit 1
}

clear_up()
{
	[ ${#SERVERS[@]} -eq 0 ] || kill "${SERVERS[@]}" || :
	milter_stop || :
	postfix_stop || :
	lab_down
	rm -rf "${WORK:-}"
}

# Deliveries into a Maildir.
eval "$(declare -f postfix_main_cf | sed '1s/postfix_main_cf/mailbox_main_cf/')"
postfix_main_cf()
{
	mailbox_main_cf "$@" | sed 's|^virtual_mailbox_maps = .*|virtual_mailbox_maps = static:box/|'
}

# A port for each milter.
eval "$(declare -f postfix_master_cf | sed '1s/postfix_master_cf/two_ports_master_cf/')"
postfix_master_cf()
{
	two_ports_master_cf
	port tcp inet:127.0.0.1:10726
	port null "unix:$LAB_DIR/null.sock"
	port least "unix:$LAB_DIR/least.sock"
}

port()
{
	echo "${PORTS[$1]} inet n - n - 40 smtpd -o smtpd_milters={$2,default_action=tempfail}"
}

# server NAME SOCKET: one of the other milters, with synanvil-milter's scheduling policy.
server()
{
	local policy=()
	! chrt -p $$ | grep -q SCHED_OTHER || policy=(chrt -b 0)
	exec_in_mail "${policy[@]}" "$LAB_BUILD/bench/milter_$1" "$2" </dev/null &
	SERVERS+=($!)
	wait_until 5 [ -S "$LAB_DIR/$1.sock" ] || fail "milter_$1 does not listen"
}

# write_message LINES: of the body.
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
		for ((i = 0; i < $1; i++)); do
			characters 70 t
			echo
		done
	}
}

# round CONTENDER RECIPIENT [SMTP-SOURCE OPTION]...: messages per second.
round()
{
	local from to port=${PORTS[$1]} recipient=$2
	shift 2
	from=$EPOCHREALTIME
	in_clients smtp-source -4 -s 10 -m "$MESSAGES" "$@" -f sender@example.org -t "$recipient@lab.example" \
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

# scenario KEY NAME RECIPIENT [SMTP-SOURCE OPTION]...
scenario()
{
	local i j contender key=$1 name=$2 count=${#CONTENDERS[@]}
	shift 2
	echo "measuring: $name" >&2
	: >"$WORK/rates"
	for contender in "${CONTENDERS[@]}"; do
		round "$contender" "$@" >/dev/null
	done
	for ((i = 0; i < ROUNDS; i++)); do
		for ((j = 0; j < count; j++)); do
			# Who comes first changes from round to round, and so does the order.
			contender=${CONTENDERS[$(((i % 2 ? i + j : i + count - j) % count))]}
			jq -n --arg contender "$contender" --argjson rate "$(round "$contender" "$@")" \
				'{contender: $contender, rate: $rate}' >>"$WORK/rates"
		done
	done
	kill -0 "$MILTER" || fail "the milter has ended"
	jq -s --arg key "$key" --arg name "$name" --argjson messages "$MESSAGES" '
		def median: sort | .[length / 2 | floor];
		[.[] | select(.contender == "without").rate] as $without
		| { key: $key, name: $name, messages_per_round: $messages,
		    contenders: (reduce .[] as $r ({}; .[$r.contender].rates += [$r.rate])
			| map_values({ rates, median: (.rates | median), share: ((.rates | add) / ($without | add)) })) }' \
		"$WORK/rates" >>"$WORK/results"
}

print_results()
{
	jq -r '"\nMessages a second through Postfix, median of \(.[0].contenders.without.rates | length) rounds of \(.[0].messages_per_round), and share of without:",
		(.[] | "  \(.name)", (.contenders | to_entries | sort_by(-.value.share)[]
			| "    \(.key + "         " | .[:9]) \(.value.median | round)   \(.value.share * 1000 | round / 1000)")),
		"Wanted of milter: a share of at least 0.9."' "$RESULTS"
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
write_message 40 >"$WORK/message"
write_message 240 >"$WORK/mail"
milter_start 'header_size_limit = 50000' "milter_listen = unix:$LAB_DIR/milter.sock, inet:127.0.0.1:10726"
server null "unix:$LAB_DIR/null.sock"
server least "$LAB_DIR/least.sock"
milter_postfix "unix:$LAB_DIR/milter.sock" 'transport_maps = inline:{ { away@lab.example = discard: } }'
scenario plain 'messages of smtp-source, thrown away' away
scenario long 'a header of 24 fields, 3 KB, thrown away' away -F "$WORK/message"
scenario mail 'that header, 16 KB of body, into a Maildir' box -F "$WORK/mail"
jq -s . "$WORK/results" >"$RESULTS"
print_results
