#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# synanvil-milter and who starts it: what it tells a service manager, its exit status, and what it leaves of its sockets.
# nc plays the service manager; tests/package/system.bats has a real one.

load helpers
load milter

setup_file()
{
	file_lab miltertest nc nft perl systemd-socket-activate || return 0
	[ -x "$LAB_BUILD/synanvil-milter" ] || exit 1
	chmod 755 "$LAB_DIR" /run/synanvil-lab
}

teardown_file()
{
	file_lab_down
}

setup()
{
	file_ready
	export NOTIFY_SOCKET=$LAB_DIR/notify
	NOTICES=$LAB_DIR/notices
	: >"$NOTICES"
	nc -lkuU "$NOTIFY_SOCKET" >>"$NOTICES" 3>&- &
	MANAGER=$!
	wait_until 5 test -S "$NOTIFY_SOCKET"
	chmod 666 "$NOTIFY_SOCKET"
}

teardown()
{
	milter_teardown
	in_mail nft delete table inet silence 2>/dev/null || :
	unset NOTIFY_SOCKET WATCHDOG_USEC
	[ -z "${MANAGER:-}" ] || kill "$MANAGER" 2>/dev/null
	rm -f "$LAB_DIR"/notify "$LAB_DIR"/notices "$LAB_DIR"/*.sock
}

# notices WORD: how many of them were sent.
notices()
{
	grep -c "^$1" "$NOTICES" || :
}

noticed()
{
	[ "$(notices "$1")" -ge "$2" ]
}

silences()
{
	grep -c "does not answer" "$MILTER_LOG" || :
}

silent_for()
{
	[ "$(silences)" -ge "$1" ]
}

play()
{
	in_mail miltertest -D "dir=$BATS_TEST_DIRNAME/milter" -D "socket=$2" -s "$BATS_TEST_DIRNAME/milter/$1.lua"
}

@test "ready once, and the watchdog is fed for as long as every listener answers" {
	local before hung silent
	export WATCHDOG_USEC=3000000
	# A directory of the milter's user, where it may remove what it has made.
	install -d -o "$(id -u synanvil-milter 2>/dev/null || id -u nobody)" "$LAB_DIR/own"
	milter_start 'header_size_limit = 100' "milter_listen = inet:127.0.0.1:10726, unix:$LAB_DIR/own/m.sock"
	wait_until 20 noticed WATCHDOG=1 3
	equals 1 "$(notices READY=1)" "readiness"
	equals 1 "$(notices 'STATUS=2 listeners, enforcing')" "status"
	equals 0 "$(silences)" "complaints"
	for hung in $(pgrep -P "$MILTER"); do
		silent=$(silences)
		kill -STOP "$hung"
		# A round may just have begun.
		wait_until 20 silent_for $((silent + 1))
		before=$(notices WATCHDOG=1)
		wait_until 20 silent_for $((silent + 4))
		equals "$before" "$(notices WATCHDOG=1)" "notices while one hangs"
		kill -CONT "$hung"
		wait_until 20 noticed WATCHDOG=1 $((before + 2))
	done
	kill "$MILTER"
	wait_until 10 milter_gone
	equals 1 "$(notices STOPPING=1)" "notices of the end"
	equals 0 "$(notices FDSTORE=1)" "sockets left"
	[ ! -e "$LAB_DIR/own/m.sock" ]
}

@test "not ready while a listener does not answer, and ready once it does" {
	# The kernel lets the probe connect; what it asks never gets to the listener's process.
	in_mail nft -f - <<-'RULES'
		table inet silence {
			chain input {
				type filter hook input priority 0
				tcp dport 10726 tcp flags & psh == psh drop
			}
		}
	RULES
	milter_start 'header_size_limit = 100'
	wait_until 10 silent_for 2
	equals 0 "$(notices READY=1)" "readiness"
	in_mail nft delete table inet silence
	wait_until 20 noticed READY=1 1
}

@test "a name that somebody has removed is no listener that answers, whatever we have open of it" {
	local before
	export WATCHDOG_USEC=900000
	install -d -o "$(id -u synanvil-milter 2>/dev/null || id -u nobody)" "$LAB_DIR/own"
	milter_start 'header_size_limit = 100' "milter_listen = inet:127.0.0.1:10726, unix:$LAB_DIR/own/m.sock"
	wait_until 5 noticed WATCHDOG=1 2
	mv "$LAB_DIR/own/m.sock" "$LAB_DIR/own/away.sock"
	milter_logged 'the name of unix:.*/own/m.sock is gone'
	before=$(notices WATCHDOG=1)
	wait_until 5 misnamed_for 4
	equals "$before" "$(notices WATCHDOG=1)" "notices while the name is gone"
	mv "$LAB_DIR/own/away.sock" "$LAB_DIR/own/m.sock"
	wait_until 5 noticed WATCHDOG=1 $((before + 2))
}

misnamed_for()
{
	[ "$(grep -c "is gone, or another's" "$MILTER_LOG")" -ge "$1" ]
}

@test "asked every second until all have answered, however seldom the watchdog wants it" {
	export WATCHDOG_USEC=60000000
	install -d -o "$(id -u synanvil-milter 2>/dev/null || id -u nobody)" "$LAB_DIR/own"
	lab_config 'header_size_limit = 100' "milter_listen = inet:127.0.0.1:10726, unix:$LAB_DIR/own/m.sock"
	# Its queue is full when it is asked for the first time.
	milter_paths
	# shellcheck disable=SC2016  # perl's own
	exec_in_mail perl -MSocket -MPOSIX -e '
		my $name = shift;
		my ($listens, $waits);
		$^F = 9;
		socket($listens, AF_UNIX, SOCK_STREAM, 0) && bind($listens, sockaddr_un($name)) && listen($listens, 0) or die;
		chmod 0666, $name;
		unless (fork) {
			socket($waits, AF_UNIX, SOCK_STREAM, 0) && connect($waits, sockaddr_un($name)) or die;
			sleep 1;
			exit;
		}
		select(undef, undef, undef, 0.2);
		dup2(fileno($listens), 3);
		$ENV{LISTEN_FDS} = 1;
		$ENV{LISTEN_PID} = $$;
		exec @ARGV;' "$LAB_DIR/own/m.sock" "$LAB_BUILD/synanvil-milter" -c "$LAB_CONFIG" \
		>>"$MILTER_LOG" 2>&1 3>&- </dev/null &
	MILTER=$!
	wait_until 10 noticed READY=1 1
}

@test "who starts it may ignore the signals of children: an end is seen all the same" {
	lab_config 'header_size_limit = 100'
	milter_paths
	# shellcheck disable=SC2016  # perl's own
	exec_in_mail perl -e '$SIG{CHLD} = "IGNORE"; exec @ARGV' "$LAB_BUILD/synanvil-milter" -c "$LAB_CONFIG" \
		>>"$MILTER_LOG" 2>&1 3>&- </dev/null &
	MILTER=$!
	wait_until 5 noticed READY=1 1
	kill "$MILTER"
	wait_until 5 milter_gone
}

@test "with its standard streams closed, no connection takes their place" {
	local stream
	lab_config 'header_size_limit = 100'
	milter_paths
	exec_in_mail "$LAB_BUILD/synanvil-milter" -c "$LAB_CONFIG" 3>&- <&- >&- 2>&- &
	MILTER=$!
	wait_until 5 noticed READY=1 1
	for stream in 0 1 2; do
		equals /dev/null "$(readlink "/proc/$MILTER/fd/$stream")" "descriptor $stream"
	done
	ok play truncate inet:10726@127.0.0.1
}

@test "signals that come while the configuration is read: a reload waits, and who leaves hands over" {
	# So long a list that there is time.
	seq 0 699999 | awk '{ printf "10.%d.%d.%d DUNNO\n", $1 / 65536, $1 / 256 % 256, $1 % 256 }' >"$LAB_DIR/long.cidr"
	lab_config 'header_size_limit = 100' "milter_listen = inet:127.0.0.1:10726" \
		"smtpd_client_event_limit_exceptions = cidr:$LAB_DIR/long.cidr"
	milter_launch
	wait_until 5 noticed FDSTOREREMOVE=1 1
	fails 1 milter_listens 10726
	kill -HUP "$MILTER"
	kill -USR1 "$MILTER"
	wait_until 30 noticed FDSTORE=1 1
	wait_until 10 milter_gone
	rm "$LAB_DIR/long.cidr"
}

@test "without a service manager there is nobody to leave a socket to, so none is left" {
	unset NOTIFY_SOCKET
	install -d -o "$(id -u synanvil-milter 2>/dev/null || id -u nobody)" "$LAB_DIR/own"
	milter_start 'header_size_limit = 100' "milter_listen = inet:127.0.0.1:10726, unix:$LAB_DIR/own/m.sock"
	milter_logged 'is running'
	kill -USR1 "$MILTER"
	wait_until 10 milter_gone
	[ ! -e "$LAB_DIR/own/m.sock" ]
}

@test "a reload is told with its end, a wrong file too, and one that follows the agent's" {
	milter_start 'header_size_limit = 100' 'enforcement = enforce'
	wait_until 5 noticed READY=1 1
	milter_reload 'header_size_limit = 200' 'enforcement = monitor'
	wait_until 5 noticed READY=1 2
	equals 1 "$(notices RELOADING=1)" "reloads"
	equals 1 "$(notices MONOTONIC_USEC=)" "times of reloads"
	wait_until 5 noticed 'STATUS=1 listener, monitoring: nothing is changed' 1
	lab_config 'header_size_limit = many'
	kill -HUP "$MILTER"
	wait_until 5 noticed READY=1 3
	equals 2 "$(notices RELOADING=1)" "reloads"
	wait_until 5 noticed 'STATUS=Reload failed, as before: 1 listener, monitoring: nothing is changed' 1
	agent_with 'header_size_limit = 300'
	wait_until 10 milter_reloaded 1
	wait_until 5 noticed READY=1 4
	noticed 'STATUS=1 listener, enforcing' 2
	agent_teardown
}

@test "a wrong configuration has a status of its own for a service manager, for the agent as well" {
	lab_config 'header_size_limit = many'
	fails 78 in_mail "$LAB_BUILD/synanvil-milter" -c "$LAB_CONFIG"
	fails 78 in_mail "$LAB_BUILD/synanvild" -c "$LAB_CONFIG"
	fails 78 in_mail "$LAB_BUILD/synanvild" -c "$LAB_DIR/nowhere"
	lab_config 'header_size_limit = 60000'
	fails 78 in_mail "$LAB_BUILD/synanvil-milter" -c "$LAB_CONFIG"
	# What may be different next time is no such error.
	lab_config 'header_size_limit = 100' "milter_listen = unix:$LAB_DIR/nowhere/m.sock" 'control_group = nobody-at-all'
	fails 1 in_mail "$LAB_BUILD/synanvil-milter" -c "$LAB_CONFIG"
	fails 1 in_mail "$LAB_BUILD/synanvild" -c "$LAB_CONFIG"
	unset NOTIFY_SOCKET
	lab_config 'header_size_limit = many'
	fails 1 in_mail "$LAB_BUILD/synanvil-milter" -c "$LAB_CONFIG"
	fails 1 in_mail "$LAB_BUILD/synanvild" -c "$LAB_CONFIG"
	fails 2 in_mail "$LAB_BUILD/synanvil-milter" -x
}

@test "a start that fails at a later listener leaves no socket of an earlier one, and what others have put there" {
	milter_start 'header_size_limit = 100' "milter_listen = unix:$LAB_DIR/taken.sock, inet:127.0.0.1:10726"
	lab_config 'header_size_limit = 100' "milter_listen = unix:$LAB_DIR/a.sock, unix:$LAB_DIR/b.sock, inet:127.0.0.1:10726"
	fails 1 in_mail "$LAB_BUILD/synanvil-milter" -c "$LAB_CONFIG"
	says 'cannot listen on inet:127.0.0.1:10726'
	[ ! -e "$LAB_DIR/a.sock" ]
	[ ! -e "$LAB_DIR/b.sock" ]
	lab_config 'header_size_limit = 100' "milter_listen = unix:$LAB_DIR/a.sock, unix:$LAB_DIR/taken.sock"
	fails 1 in_mail "$LAB_BUILD/synanvil-milter" -c "$LAB_CONFIG"
	says 'cannot listen on unix:.*taken.sock'
	[ ! -e "$LAB_DIR/a.sock" ]
	play truncate "unix:$LAB_DIR/taken.sock"
	echo mine >"$LAB_DIR/file.sock"
	lab_config 'header_size_limit = 100' "milter_listen = unix:$LAB_DIR/a.sock, unix:$LAB_DIR/file.sock"
	fails 1 in_mail "$LAB_BUILD/synanvil-milter" -c "$LAB_CONFIG"
	equals mine "$(cat "$LAB_DIR/file.sock")" "the file"
}

@test "SIGUSR1 leaves the sockets to the service manager, and the next start takes what it is given" {
	milter_start 'header_size_limit = 100' "milter_listen = inet:127.0.0.1:10726, unix:$LAB_DIR/m.sock"
	wait_until 5 noticed READY=1 1
	kill -USR1 "$MILTER"
	wait_until 10 milter_gone
	equals 1 "$(notices FDSTORE=1)" "sockets left"
	[ -S "$LAB_DIR/m.sock" ]
	rm "$LAB_DIR/m.sock"
	# Listens already, at both; the milter could not bind there.
	milter_paths
	chmod 777 "$LAB_DIR"
	exec_in_mail systemd-socket-activate -E NOTIFY_SOCKET -l 127.0.0.1:10726 -l "$LAB_DIR/m.sock" -l 127.0.0.1:10799 \
		"$LAB_BUILD/synanvil-milter" -c "$LAB_CONFIG" >>"$MILTER_LOG" 2>&1 3>&- </dev/null &
	MILTER=$!
	wait_until 5 milter_listens 10726
	ok play truncate inet:10726@127.0.0.1
	chmod 666 "$LAB_DIR/m.sock"
	ok play truncate "unix:$LAB_DIR/m.sock"
	# One that nobody asked for is closed.
	fails 1 milter_listens 10799
	wait_until 5 noticed READY=1 2
	chmod 755 "$LAB_DIR"
}
