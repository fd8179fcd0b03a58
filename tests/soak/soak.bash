# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The agent under attack itself: a crowd of bad clients at every listener, a flood on the packet path, and one good
# client at each listener, whose waiting is measured. Sourced by tests/soak/run and tests/e2e/soak.bats, after lab.bash.
# A lab stands, with an agent in it.

# Whom the crowd runs as: its group may look.
SOAK_USER=65534
SOAK_HTTP='GET /metrics HTTP/1.1\r\nHost: soak\r\n\r\n'
SOAK_STATUS='{"version":1,"command":"status","arguments":{}}\n'
SOAK_EVENTS='{"version":1,"command":"events","arguments":{}}\n'
SOAK_POLICY='request=smtpd_access_policy\nprotocol_state=DATA\nprotocol_name=ESMTP\nclient_address=10.1.0.5\n'
SOAK_POLICY+='client_name=unknown\nserver_address=192.0.2.25\nserver_port=25\ninstance=soak.1\nsize=1000\n'
SOAK_POLICY+='recipient_count=1\n\n'
# Version 6, all that a filter may do, all that it may leave out.
SOAK_MILTER='\x00\x00\x00\x0dO\x00\x00\x00\x06\x00\x00\x01\xff\x00\x1f\xff\xff'

soak_listens()
{
	[ -n "$(in_mail ss -Hltn "sport = :$1")" ]
}

# Sets SOAK_CROWD, what the crowd is given, and SOAK_GOOD, pairs of a good client's arguments.
soak_endpoints()
{
	SOAK_CROWD=("127.0.0.1:9925=$SOAK_HTTP" "$LAB_SOCKET=$SOAK_EVENTS")
	SOAK_GOOD=("127.0.0.1:9925=$SOAK_HTTP" process_open_fds "$LAB_SOCKET=$SOAK_STATUS" '"ok":true')
	if soak_listens 10725; then
		SOAK_CROWD+=("127.0.0.1:10725=$SOAK_POLICY")
		SOAK_GOOD+=("127.0.0.1:10725=$SOAK_POLICY" action=)
	fi
	if soak_listens 10726; then
		SOAK_CROWD+=("127.0.0.1:10726=$SOAK_MILTER")
		SOAK_GOOD+=("127.0.0.1:10726=$SOAK_MILTER" '{synanvil}')
	fi
}

# soak_memory PID: resident, in KB.
soak_memory()
{
	awk '$1 == "VmRSS:" { print $2 }' "/proc/$1/status"
}

soak_descriptors()
{
	find "/proc/$1/fd" -mindepth 1 | wc -l
}

soak_descriptors_at_most()
{
	[ "$(soak_descriptors "$LAB_AGENT")" -le "$1" ]
}

# soak_watch PIDS...: until these have ended; sets SOAK_MEMORY and SOAK_DESCRIPTORS, the most that there was.
soak_watch()
{
	local now pid alive=1
	SOAK_MEMORY=0
	SOAK_DESCRIPTORS=0
	while [ "$alive" = 1 ]; do
		now=$(soak_memory "$LAB_AGENT")
		[ "${now:-0}" -le "$SOAK_MEMORY" ] || SOAK_MEMORY=$now
		now=$(soak_descriptors "$LAB_AGENT")
		[ "${now:-0}" -le "$SOAK_DESCRIPTORS" ] || SOAK_DESCRIPTORS=$now
		alive=0
		for pid in "$@"; do
			! kill -0 "$pid" 2>/dev/null || alive=1
		done
		sleep 0.25
	done
}

# soak SECONDS CONNECTIONS DIRECTORY: DIRECTORY/good-N gets the line of each good client, DIRECTORY/crowd and
# DIRECTORY/flood those of the others.
soak()
{
	local seconds=$1 connections=$2 directory=$3 i pids=() flood
	soak_endpoints
	SOAK_DESCRIPTORS_BEFORE=$(soak_descriptors "$LAB_AGENT")
	# shellcheck disable=SC2034  # for whoever called
	SOAK_MEMORY_BEFORE=$(soak_memory "$LAB_AGENT")
	lab_flood -r 50000 -s 10.66.0.0 -a 60000 "$LAB_HOST" 25 >"$directory/flood" 3>&- </dev/null &
	flood=$!
	in_mail "$LAB_TOOLS/crowd" -n "$connections" -t $((seconds + 2)) -u "$SOAK_USER" "${SOAK_CROWD[@]}" \
		>"$directory/crowd" 3>&- </dev/null &
	pids+=($!)
	for ((i = 0; i < ${#SOAK_GOOD[@]}; i += 2)); do
		in_mail "$LAB_TOOLS/good" -t "$seconds" "${SOAK_GOOD[i]}" "${SOAK_GOOD[i + 1]}" \
			>"$directory/good-$((i / 2))" 3>&- </dev/null &
		pids+=($!)
	done
	soak_watch "${pids[@]}"
	# The flood is a child of the shell that entered the clients' namespace.
	for i in $(ip netns pids "$LAB_CLIENTS"); do
		[ "$(cat "/proc/$i/comm" 2>/dev/null)" != syn-flood ] || kill "$i"
	done
	wait "$flood"
	# What the crowd has left behind is closed within the time that a request may take.
	wait_until 20 soak_descriptors_at_most "$SOAK_DESCRIPTORS_BEFORE"
	# shellcheck disable=SC2034  # likewise
	SOAK_DESCRIPTORS_AFTER=$(soak_descriptors "$LAB_AGENT")
}
