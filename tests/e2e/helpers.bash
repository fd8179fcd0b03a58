# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154  # bats sets status, output and lines
#
# What all end-to-end tests share: one lab for each file, commands that show what they did, conditions instead of
# sleeps, and a clean agent for each test. Comparisons print what was wanted and what came.

bats_require_minimum_version 1.5.0

. "$(dirname "${BASH_SOURCE[0]}")/lab.bash"
. "$(dirname "${BASH_SOURCE[0]}")/postfix.bash"

# missing WHAT...: prints the first of these that is not there, and fails if there is none.
missing()
{
	local what
	for what in "$@"; do
		case $what in
		root) [ "$(id -u)" -eq 0 ] || { echo root; return; } ;;
		programs) [ -x "$LAB_BUILD/synanvil" ] || { echo "the programs (make)"; return; } ;;
		tools) [ -x "$LAB_TOOLS/syn-flood" ] || { echo "the test tools (make e2e-tools)"; return; } ;;
		postfix) [ -n "$(postfix_daemon_directory)" ] || { echo Postfix; return; } ;;
		*) command -v "$what" >/dev/null || { echo "the command $what"; return; } ;;
		esac
	done
	return 1
}

# requires WHAT...: for a test; skips it, with the reason, where something is not there.
requires()
{
	local what
	! what=$(missing "$@") || skip "needs $what"
}

# file_lab [WHAT]...: for setup_file; a lab named after the file and this run. Fails where something is not there, and
# then file_ready skips each test of the file (bats cannot skip in setup_file).
file_lab()
{
	local file=${BATS_TEST_FILENAME##*/}
	if E2E_MISSING=$(missing root programs tools jq ip ethtool nsenter "$@"); then
		export E2E_MISSING
		return 1
	fi
	lab_up "${SYNANVIL_E2E_RUN:-$$}-${file%.bats}" || exit 1
}

# For setup.
file_ready()
{
	[ -z "${E2E_MISSING:-}" ] || skip "needs $E2E_MISSING"
}

file_lab_down()
{
	[ -n "${LAB:-}" ] || return 0
	postfix_stop
	lab_down
}

# For teardown: the log explains a failed test.
agent_teardown()
{
	[ -n "${LAB:-}" ] || return 0
	floods_stop
	if [ -z "${BATS_TEST_COMPLETED:-}" ] && [ -s "$LAB_LOG" ]; then
		echo "--- end of the agent's log" >&2
		tail -n 30 "$LAB_LOG" >&2
	fi
	lab_agent_reset
}

# agent_with [CONFIGURATION LINE]...: a fresh agent.
agent_with()
{
	lab_config "$@"
	lab_agent_start
}

# ok COMMAND...: runs it, shows what it said, and demands success. fails STATUS COMMAND... demands just that status.
ok()
{
	fails 0 "$@"
}

fails()
{
	local want=$1
	shift
	run "$@"
	printf '$ %s\n%s\n' "$*" "$output" | cut -c1-2000
	[ "$status" -eq "$want" ] || {
		echo "status: want $want, got $status"
		return 1
	}
}

# equals WANT GOT WHAT
equals()
{
	[ "$1" = "$2" ] || {
		echo "$3: want $1, got $2"
		return 1
	}
}

# at_least LEAST GOT WHAT
at_least()
{
	[ "$2" -ge "$1" ] || {
		echo "$3: want at least $1, got $2"
		return 1
	}
}

at_most()
{
	[ "$2" -le "$1" ] || {
		echo "$3: want at most $1, got $2"
		return 1
	}
}

# says REGEX...: the last command's output matches each.
says()
{
	local pattern
	for pattern in "$@"; do
		[[ $output =~ $pattern ]] || {
			printf 'does not say %s:\n%s\n' "$pattern" "$output"
			return 1
		}
	done
}

one_line()
{
	equals 1 "${#lines[@]}" "lines of output ($output)"
}

# logged REGEX: a line of the agent's log matches, now or soon.
logged()
{
	wait_until 15 grep -Eq -- "$1" "$LAB_LOG" || {
		printf 'not logged: %s\n' "$1"
		return 1
	}
}

# greeted WANT ATTEMPTS SOURCE [HOST [PORT]]: so many of the source's connection attempts are answered.
greeted()
{
	local host=${4:-$LAB_HOST}
	ok attempts -s "$3" -n "$2" "$host" "${5:-25}"
	equals "$1" "$(field banner "$output")" "greetings for $3"
	equals "$(($2 - $1))" "$(field silent "$output")" "unanswered attempts of $3"
}

# json FILTER COMMAND...: one value of a command's --json output.
json()
{
	local filter=$1
	shift
	synanvil --json "$@" | jq -r "$filter"
}

# The agent serves a page of metrics again for 20 ms: what happened before this call is in the next one.
metric()
{
	sleep 0.03
	in_mail curl -sf --max-time 5 http://127.0.0.1:9925/metrics | awk -v name="$1" '
		$1 == name { print $2; found = 1 }
		END { exit !found }'
}

# SYN-ACKs that came back to the clients for made-up SYNs: each is answered with a reset, and nothing else is.
answers_to_flood()
{
	in_clients nstat -asz TcpOutRsts | awk '$1 == "TcpOutRsts" { print $2 }'
}

# Floods in the background: flood_begin ARGUMENTS..., then flood_end, which sets FLOOD_SENT to the number of SYNs.
# A test that fails in between leaves them to floods_stop.
flood_begin()
{
	FLOOD_OUT=$BATS_TEST_TMPDIR/flood
	lab_flood "$@" >"$FLOOD_OUT" 3>&- </dev/null &
	FLOOD=$!
}

flood_end()
{
	floods_stop
	wait "$FLOOD"
	# shellcheck disable=SC2034 # the tests read it
	FLOOD_SENT=$(field sent "$(cat "$FLOOD_OUT")")
}

# Ends the floods of this lab; their shells, which wait for them, end by themselves.
floods_stop()
{
	local pid
	for pid in $(ip netns pids "$LAB_CLIENTS"); do
		[ "$(cat "/proc/$pid/comm" 2>/dev/null)" != syn-flood ] || kill "$pid"
	done
}

# Frames that the program on m0 was given so far.
received()
{
	in_mail ethtool -S m0 | awk '$1 ~ /^rx_queue_[0-9]*_xdp_packets:$/ { n += $2 } END { print n }'
}

# Frames of floods that never arrived: a busy machine does not empty the ring between the two ends fast enough.
lost()
{
	in_clients ethtool -S c0 | awk '$1 ~ /^tx_queue_[0-9]*_xdp_xmit_errors:$/ { n += $2 } END { print n }'
}

# The XDP program on a device of the mail host: "native 17", "generic 17" or "none".
xdp_on()
{
	in_mail ip -j link show dev "$1" | jq -r '.[0].xdp // {} |
		if .mode == 1 then "native \(.prog.id)" elif .mode == 2 then "generic \(.prog.id)" else "none" end'
}
