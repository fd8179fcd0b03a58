#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Resident memory of the agent with a million sources in its table and 100,000 exceptions in its configuration: after the
# start, `exception list`, a reload, several sweeps, `top`, and with a full history of events that was asked for. Exit status
# 1 if it was beyond 32 MB at any moment, also while the reload had both configurations.
set -uo pipefail

ROOT=$(cd "$(dirname "$0")/../.." && pwd)
. "$ROOT/tests/e2e/lab.bash"
MEMORY_MAX_KB=32768
MOST=0
SOURCES=1000000
SOURCES_SENT=1040000
HISTORY=10000

# 100,000 networks of 10.128.0.0/9, none inside another; not the flood's 10.0.0.0/9.
exceptions()
{
	awk 'BEGIN { for (i = 0; i < 100000; i++)
		printf "10.%d.%d.%d/30 permit\n", 128 + int(i / 16384), int(i / 64) % 256, i % 64 * 4 }'
}

swept()
{
	[ "$(synanvil --json status | jq .sources.tracked)" -ge "$1" ]
}

# The next of the sources that go over their limit: no more than 1000 events a second and CPU are told.
overrun()
{
	lab_flood -n 30000 -s "10.100.$((NEXT += 8)).0" -a 2000 "$LAB_HOST" 25 >/dev/null &&
		[ "$(synanvil --json events | wc -l)" -ge $HISTORY ]
}

resident()
{
	awk -v name="$1:" '$1 == name { print $2 }' "/proc/$LAB_AGENT/status"
}

# say WHEN: counts the most in MOST.
say()
{
	local most
	most=$(resident VmHWM)
	[ "$most" -le "$MOST" ] || MOST=$most
	echo "$1: $(resident VmRSS) KB, at most $most KB so far"
}

[ "$(id -u)" -eq 0 ] || { echo "memory: needs root" >&2; exit 1; }
lab_name "memory-$$"
trap lab_down EXIT
trap 'exit 1' INT TERM
lab_up "$LAB" || exit 1
exceptions >"$LAB_DIR/exceptions.cidr"
lab_config 'smtpd_client_connection_rate_limit = 10' 'source_table_size = 1048576' \
	"smtpd_client_event_limit_exceptions = cidr:$LAB_DIR/exceptions.cidr"
lab_agent_start || exit 1
say "at the start, with $(synanvil --json status | jq .exceptions) exceptions"
# A busy machine loses frames: the sources that did not arrive come again.
for ((turn = 0; turn < 10; turn++)); do
	lab_flood -n $SOURCES_SENT -s 10.0.0.0 -a $SOURCES_SENT "$LAB_HOST" 25 >/dev/null || exit 1
	! wait_until 15 swept $SOURCES || break
done
swept $SOURCES || {
	echo "memory: only $(synanvil --json status | jq .sources.tracked) sources are tracked" >&2
	exit 1
}
say "with $(synanvil --json status | jq .sources.tracked) sources"
# What one list takes: the most of the agent's life is set to what it has now.
echo 5 >"/proc/$LAB_AGENT/clear_refs"
say "the same, looked at anew"
LISTED=$(synanvil --json exception list | jq '.exceptions | length')
[ "$LISTED" -ge 100000 ] || { echo "memory: only $LISTED exceptions are listed" >&2; exit 1; }
say "after a list of $LISTED exceptions"
synanvil reload || exit 1
say "after a reload"
synanvil top -n 100 --once >/dev/null || exit 1
NEXT=0
wait_until 60 overrun || { echo "memory: the history has only $(synanvil --json events | wc -l) events" >&2; exit 1; }
synanvil --json events >/dev/null && synanvil reload || exit 1
say "after top, $(synanvil --json events | wc -l) events and another reload"
[ "$MOST" -le $MEMORY_MAX_KB ]
