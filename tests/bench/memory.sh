#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Resident memory of the agent with a million sources in its table and 100,000 exceptions in its configuration, after a
# reload and several sweeps. Exit status 1 beyond 32 MB.
set -uo pipefail

ROOT=$(cd "$(dirname "$0")/../.." && pwd)
. "$ROOT/tests/e2e/lab.bash"
MEMORY_MAX_KB=32768
SOURCES=1000000
SOURCES_SENT=1040000

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

resident()
{
	awk -v name="$1:" '$1 == name { print $2 }' "/proc/$LAB_AGENT/status"
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
echo "at the start, with $(synanvil --json status | jq .exceptions) exceptions: $(resident VmRSS) KB"
# A busy machine loses frames: the sources that did not arrive come again.
for ((turn = 0; turn < 10; turn++)); do
	lab_flood -n $SOURCES_SENT -s 10.0.0.0 -a $SOURCES_SENT "$LAB_HOST" 25 >/dev/null || exit 1
	! wait_until 15 swept $SOURCES || break
done
swept $SOURCES || {
	echo "memory: only $(synanvil --json status | jq .sources.tracked) sources are tracked" >&2
	exit 1
}
synanvil reload && synanvil top -n 100 --once >/dev/null && synanvil --json events >/dev/null || exit 1
echo "with $(synanvil --json status | jq .sources.tracked) sources, after a reload: $(resident VmRSS) KB, at most $(resident VmHWM) KB"
[ "$(resident VmRSS)" -le $MEMORY_MAX_KB ]
