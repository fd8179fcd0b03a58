#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The package on a Debian that runs: installed, upgraded under a flood, restarted, stopped, purged by those who do it on
# a real host: dpkg and systemd. make check-system; needs a Debian mirror the first time.

load package
load system

setup_file()
{
	export ONE=$BATS_FILE_TMPDIR/one TWO=$BATS_FILE_TMPDIR/two
	E2E_MISSING=$(missing debootstrap systemd-nspawn dpkg-buildpackage dh) && {
		export E2E_MISSING
		return 0
	}
	file_lab nstat pgrep || return 0
	lab_banner 25
	in_mail ip route add default via 192.0.2.1
	system_tree "$LAB_BUILD/system"
	cp -a "$LAB_BUILD/system/tree" "$LAB_DIR/tree"
	package_build "$ONE"
	package_build "$TWO" 9.9.9
	cp "$(package_file "$ONE")" "$LAB_DIR/tree/root/one.deb"
	cp "$(package_file "$TWO")" "$LAB_DIR/tree/root/two.deb"
	system_boot "$LAB_DIR/tree"
}

teardown_file()
{
	system_down
	file_lab_down
}

setup()
{
	file_ready
}

# A test that failed shows what systemd and the agent said.
teardown()
{
	[ -n "${LAB:-}" ] || return 0
	floods_stop
	[ -n "${BATS_TEST_COMPLETED:-}" ] ||
		in_system journalctl --no-pager -n 40 -u 'synanvil*' >&2
}

# fresh [LINE]...: installed, with these lines, nothing counted.
fresh()
{
	in_system dpkg --purge synanvil >/dev/null 2>&1
	installed one
	configure 'enforcement = enforce' 'anvil_rate_time_unit = 600s' 'mynetworks = 127.0.0.0/8' \
		'source_table_size = 65536' "$@"
	in_system systemctl stop synanvild
	in_system systemctl start synanvild
	wait_until 10 answers
}

@test "installed on a fresh Debian: asks nothing, runs as its user in monitor mode on the outer interface" {
	local pid
	installed one
	wait_until 10 answers
	equals active "$(property ActiveState)" "state"
	equals enabled "$(property UnitFileState)" "at boot"
	equals monitor "$(json .enforcement status)" "enforcement"
	equals m0 "$(json '.interfaces[0].name' status)" "interface"
	equals native "$(json '.interfaces[0].mode' status)" "mode"
	pid=$(property MainPID)
	equals synanvil "$(in_system stat -c %U "/proc/$pid")" "user"
	equals 000000c000001000 "$(in_system awk '$1 == "CapEff:" { print $2 }' "/proc/$pid/status")" "capabilities"
	equals 2 "$(in_system awk '$1 == "Seccomp:" { print $2 }' "/proc/$pid/status")" "seccomp"
	equals "660 synanvil synanvil" "$(in_system stat -c '%a %U %G' /run/synanvil/control.sock)" "socket"
	equals "700 synanvil" "$(in_system stat -c '%a %U' /var/lib/synanvil)" "state directory"
	greeted 100 100 10.1.0.5
	at_least 1 "$(syn_packets would_drop rate)" "would drop"
}

@test "systemctl restart under a flood: no gap, and the counters go on" {
	local before
	fresh 'smtpd_client_connection_rate_limit = 10'
	greeted 10 15 10.1.0.5
	ok synanvil block add 10.66.0.0/16
	before=$(answers_to_flood)
	flood_begin -r 50000 -s 10.66.0.0 -a 50 "$LAB_HOST" 25
	ok in_system systemctl restart synanvild
	wait_until 10 answers
	ok in_system systemctl restart synanvild
	wait_until 10 answers
	flood_end
	at_least 10000 "$FLOOD_SENT" "flood"
	equals "$before" "$(answers_to_flood)" "answers to blocked sources"
	equals 10 "$(syn_packets pass within_limit)" "passed before"
	greeted 0 5 10.1.0.5
}

replaced()
{
	[ "$(property MainPID)" != "$1" ] && answers
}

@test "synanvil restart: systemd starts the next agent, which adopts" {
	local pid
	fresh 'smtpd_client_connection_rate_limit = 10'
	greeted 10 15 10.1.0.5
	pid=$(property MainPID)
	ok synanvil restart
	greeted 0 5 10.1.0.5
	wait_until 20 replaced "$pid"
	equals active "$(property ActiveState)" "state"
	equals success "$(property Result)" "result"
	equals 10 "$(syn_packets pass within_limit)" "passed before"
	greeted 0 5 10.1.0.5
	ok synanvil detach
	wait_until 10 inactive
	equals none "$(xdp_on m0)" "program on m0"
}

inactive()
{
	[ "$(property ActiveState)" = inactive ]
}

@test "an upgrade under a flood: no gap, the counters go on, the configuration stays" {
	local before program
	fresh 'smtpd_client_connection_rate_limit = 10'
	cp "$SYSTEM_TREE/etc/synanvil/synanvil.cf" "$BATS_TEST_TMPDIR/mine"
	greeted 10 15 10.1.0.5
	ok synanvil block add 10.66.0.0/16
	program=$(xdp_on m0)
	before=$(answers_to_flood)
	flood_begin -r 50000 -s 10.66.0.0 -a 50 "$LAB_HOST" 25
	installed two
	wait_until 10 answers
	flood_end
	at_least 10000 "$FLOOD_SENT" "flood"
	equals "$before" "$(answers_to_flood)" "answers to blocked sources"
	equals 9.9.9 "$(json .version status)" "version"
	[ "$program" != "$(xdp_on m0)" ]
	equals 10 "$(syn_packets pass within_limit)" "passed before"
	greeted 0 5 10.1.0.5
	cmp "$BATS_TEST_TMPDIR/mine" "$SYSTEM_TREE/etc/synanvil/synanvil.cf"
}

@test "systemctl reload puts a new configuration in force" {
	fresh 'smtpd_client_connection_rate_limit = 10'
	configure 'smtpd_client_connection_rate_limit = 3'
	ok in_system systemctl reload synanvild
	equals 3 "$(json '.services[0].connection_rate_limit' status)" "limit"
	greeted 3 5 10.1.0.6
}

@test "kill -9: the limiter works on, systemd starts an agent that adopts it" {
	fresh 'smtpd_client_connection_rate_limit = 10'
	greeted 10 15 10.1.0.5
	in_system systemctl kill -s KILL synanvild
	greeted 0 5 10.1.0.5
	wait_until 20 answers
	equals 1 "$(property NRestarts)" "restarts"
	equals 10 "$(syn_packets pass within_limit)" "passed before"
}

restarted()
{
	[ "$(property NRestarts)" -ge 1 ] && answers
}

@test "an agent that hangs is replaced by the watchdog, without a gap" {
	fresh 'smtpd_client_connection_rate_limit = 10'
	mkdir -p "$SYSTEM_TREE/run/systemd/system"
	in_system mkdir -p /run/systemd/system/synanvild.service.d
	in_system sh -c 'printf "[Service]\nWatchdogSec=2s\nTimeoutAbortSec=1s\n" >/run/systemd/system/synanvild.service.d/quick.conf'
	in_system systemctl daemon-reload
	in_system systemctl restart synanvild
	wait_until 10 answers
	greeted 10 15 10.1.0.5
	in_system systemctl kill -s STOP synanvild
	wait_until 30 restarted
	equals 10 "$(syn_packets pass within_limit)" "passed before"
	greeted 0 5 10.1.0.5
	in_system rm -r /run/systemd/system/synanvild.service.d
	in_system systemctl daemon-reload
}

@test "systemctl stop leaves nothing in force" {
	fresh 'smtpd_client_connection_rate_limit = 3'
	greeted 3 5 10.1.0.5
	ok in_system systemctl stop synanvild
	equals none "$(xdp_on m0)" "program on m0"
	[ ! -e "$SYSTEM_TREE/run/synanvil/control.sock" ]
	equals 0 "$(in_system find /sys/fs/bpf/synanvil -mindepth 1 | wc -l)" "pins"
	greeted 5 5 10.1.0.5
}

milter_reports()
{
	[ "$(json .milter.report_age_seconds status)" != null ]
}

milter_property()
{
	in_system systemctl show -P "$1" synanvil-milter.service
}

@test "the milter runs under its unit, reports to the agent, reloads, and may not look" {
	local pid
	fresh 'header_count_limit = 100'
	[ -e "$SYSTEM_TREE/usr/sbin/synanvil-milter" ] || skip "the package has no milter"
	ok in_system systemctl start synanvil-milter
	wait_until 10 milter_reports
	equals active "$(milter_property ActiveState)" "state"
	equals '1 listener, enforcing' "$(milter_property StatusText)" "status"
	pid=$(milter_property MainPID)
	equals synanvil-milter "$(in_system stat -c %U "/proc/$pid")" "user"
	equals 0000000000000000 "$(in_system awk '$1 == "CapEff:" { print $2 }' "/proc/$pid/status")" "capabilities"
	equals 2 "$(in_system awk '$1 == "Seccomp:" { print $2 }' "/proc/$pid/status")" "seccomp"
	fails 1 in_system setpriv --reuid=synanvil-milter --regid=synanvil-milter --init-groups synanvil status
	configure 'enforcement = monitor'
	ok in_system systemctl reload synanvil-milter
	wait_until 10 milter_status_is '1 listener, monitoring: nothing is changed'
	configure 'header_count_limit = many'
	ok in_system systemctl reload synanvil-milter
	wait_until 10 milter_status_is 'Reload failed, as before: 1 listener, monitoring: nothing is changed'
	equals active "$(milter_property ActiveState)" "state"
	ok in_system systemctl stop synanvil-milter
	equals 0 "$(milter_property NRestarts)" "restarts"
}

milter_status_is()
{
	[ "$(milter_property StatusText)" = "$1" ]
}

milter_restarted()
{
	[ "$(milter_property NRestarts)" -ge 1 ] && [ "$(milter_property ActiveState)" = active ]
}

@test "a listener of the milter that hangs is replaced by the watchdog" {
	local hung pid
	fresh 'header_count_limit = 100'
	in_system mkdir -p /run/systemd/system/synanvil-milter.service.d
	in_system sh -c 'printf "[Service]\nWatchdogSec=2s\nTimeoutAbortSec=1s\n" >/run/systemd/system/synanvil-milter.service.d/quick.conf'
	in_system systemctl daemon-reload
	ok in_system systemctl start synanvil-milter
	# Its main process is well.
	pid=$(milter_property MainPID)
	hung=$(in_system cat "/proc/$pid/task/$pid/children")
	in_system sh -c "kill -STOP $hung"
	wait_until 30 milter_restarted
	[ "$(milter_property MainPID)" != "$pid" ]
	ok in_system systemctl stop synanvil-milter
	in_system rm -r /run/systemd/system/synanvil-milter.service.d
	in_system systemctl daemon-reload
}

@test "a scheduling policy of a drop-in stays, also the usual one, which the milter would change" {
	local pid
	fresh 'header_count_limit = 100'
	in_system mkdir -p /run/systemd/system/synanvil-milter.service.d
	in_system sh -c 'printf "[Service]\nCPUSchedulingPolicy=other\n" >/run/systemd/system/synanvil-milter.service.d/policy.conf'
	in_system systemctl daemon-reload
	ok in_system systemctl start synanvil-milter
	pid=$(milter_property MainPID)
	ok in_system chrt -p "$pid"
	says 'SCHED_OTHER'
	ok in_system systemctl stop synanvil-milter
	equals 0 "$(milter_property NRestarts)" "restarts"
	in_system rm -r /run/systemd/system/synanvil-milter.service.d
	in_system systemctl daemon-reload
}

# Connects to the milter again and again; a line for each time that nobody was there.
milter_knocks()
{
	exec_in_mail bash -c 'while :; do (exec 5<>/dev/tcp/127.0.0.1/10726) 2>/dev/null || echo refused; done' \
		>"$LAB_DIR/refused" 3>&- &
	KNOCKS=$!
}

@test "a restart of the milter refuses no connection, and keeps the name of its UNIX socket; a stop closes both" {
	local before
	fresh 'header_count_limit = 100' \
		'milter_listen = inet:127.0.0.1:10726, unix:/run/synanvil-milter/socket'
	ok in_system systemctl start synanvil-milter
	before=$(in_system stat -c %i /run/synanvil-milter/socket)
	milter_knocks
	ok in_system systemctl restart synanvil-milter
	ok in_system systemctl restart synanvil-milter
	kill "$KNOCKS"
	wait "$KNOCKS" || :
	equals 0 "$(grep -c refused "$LAB_DIR/refused" || :)" "connections refused"
	equals "$before" "$(in_system stat -c %i /run/synanvil-milter/socket)" "the socket"
	equals 0 "$(milter_property NFileDescriptorStore)" "descriptors left with systemd"
	equals '2 listeners, enforcing' "$(milter_property StatusText)" "status"
	ok in_system systemctl stop synanvil-milter
	fails 1 in_mail bash -c 'exec 5<>/dev/tcp/127.0.0.1/10726'
	[ ! -e "$SYSTEM_TREE/run/synanvil-milter" ]
}

# given_up UNIT STATUS: it failed with that status, and was not tried again.
given_up()
{
	equals failed "$(in_system systemctl show -P ActiveState "$1")" "state of $1"
	equals "$2" "$(in_system systemctl show -P ExecMainStatus "$1")" "status of $1"
	equals 0 "$(in_system systemctl show -P NRestarts "$1")" "restarts of $1"
}

tried_again()
{
	[ "$(property NRestarts)" -ge 2 ]
}

@test "a wrong configuration is not tried again and again; what may pass is" {
	local holder
	fresh
	configure 'header_size_limit = many'
	fails 1 in_system systemctl restart synanvild
	given_up synanvild 78
	fails 1 in_system systemctl start synanvil-milter
	given_up synanvil-milter 78
	# Else it has still failed for the tests to come: a purge forgets no failure.
	in_system systemctl reset-failed synanvil-milter
	# What was in force still is.
	[[ $(xdp_on m0) == native* ]]
	configure 'header_size_limit = 100'
	ok in_system systemctl start synanvild
	ok in_system systemctl stop synanvild
	# A port that somebody else still has.
	configure 'policy_listen = inet:127.0.0.1:10799'
	exec_in_mail nc -lk 127.0.0.1 10799 >/dev/null 3>&- </dev/null &
	holder=$!
	wait_until 5 in_mail nc -z 127.0.0.1 10799
	fails 1 in_system systemctl start synanvild
	wait_until 30 tried_again
	kill "$holder"
	wait_until 30 answers
	in_system systemctl stop synanvild
}

@test "without a BPF file system: agent and unit say what to mount, and are tried until it is there" {
	local unit says='/sys/fs/bpf is not a BPF file system; mount one with: mount -t bpf -o mode=0700 bpf /sys/fs/bpf'
	fresh
	ok in_system systemctl stop synanvild
	in_system umount /sys/fs/bpf
	fails 1 in_system systemctl start synanvild
	wait_until 30 tried_again
	in_system journalctl -o cat --since -1min -u synanvil-pins | grep -xF "$says"
	in_system journalctl -o cat --since -1min -u synanvild |
		grep -F 'bpf_directory /sys/fs/bpf/synanvil is not on a BPF file system; mount one with: mount -t bpf'
	in_system mount -t bpf -o mode=0700 bpf /sys/fs/bpf
	wait_until 30 answers
	equals native "$(json '.interfaces[0].mode' status)" "interface"
	for unit in synanvild synanvil-pins; do
		equals success "$(in_system systemctl show -P Result "$unit")" "$unit"
	done
	ok in_system systemctl stop synanvild
}

@test "a policy socket in Postfix' queue directory serves its chrooted smtpd, as the package is" {
	requires swaks
	local service='check_policy_service { unix:synanvil/policy, timeout=3s, try_limit=1, default_action=DUNNO }'
	fresh 'policy_listen = unix:/var/spool/postfix/synanvil/policy' 'message_size_limit = 2000'
	equals "750 synanvil postfix" "$(in_system stat -c '%a %U %G' /var/spool/postfix/synanvil)" "directory"
	fails 2 in_system setpriv --reuid=nobody --regid=nogroup --clear-groups ls /var/spool/postfix/synanvil
	fails 2 in_system setpriv --reuid=synanvil --regid=synanvil --clear-groups ls /var/spool/postfix/private
	in_system postconf -e 'mynetworks=127.0.0.0/8' 'mydestination=' 'relay_domains=lab.example' \
		'relay_transport=discard:' 'message_size_limit=0' 'inet_protocols=all' \
		"smtpd_data_restrictions=$service" "smtpd_end_of_data_restrictions=$service" 'maillog_file=' \
		'smtpd_peername_lookup=no' 'smtpd_relay_restrictions=permit_auth_destination,reject'
	in_system postconf -M '2525/inet=2525 inet n - y - - smtpd'
	in_system postconf -MX smtp/inet
	ok in_system systemctl start postfix
	ok in_mail swaks --server "$LAB_HOST:2525" --from a@example.org --to box@lab.example --silent 2
	fails 26 in_mail swaks --server "$LAB_HOST:2525" --from a@example.org --to box@lab.example \
		--body "$(head -c 3000 /dev/zero | tr '\0' x | fold -w 70)"
	says '552 5\.3\.4 <END-OF-MESSAGE>: End-of-data rejected: Message size exceeds fixed limit'
	ok in_system systemctl restart synanvild
	wait_until 10 answers
	fails 26 in_mail swaks --server "$LAB_HOST:2525" --from a@example.org --to box@lab.example \
		--body "$(head -c 3000 /dev/zero | tr '\0' x | fold -w 70)"
	ok in_system systemctl stop synanvild
	[ ! -e "$SYSTEM_TREE/var/spool/postfix/synanvil/policy" ]
	in_system systemctl stop postfix
}

@test "milter and timer: installed asleep, restarted by an upgrade once they run, stopped by a removal" {
	local pid
	fresh 'header_count_limit = 100'
	equals inactive "$(in_system systemctl show -P ActiveState synanvil-milter.service)" "milter"
	equals inactive "$(in_system systemctl show -P ActiveState synanvil-spf.timer)" "timer"
	ok in_system systemctl start synanvil-milter synanvil-spf.timer
	pid=$(in_system systemctl show -P MainPID synanvil-milter.service)
	installed two
	equals active "$(in_system systemctl show -P ActiveState synanvil-milter.service)" "milter after the upgrade"
	equals active "$(in_system systemctl show -P ActiveState synanvil-spf.timer)" "timer after the upgrade"
	[ "$pid" != "$(in_system systemctl show -P MainPID synanvil-milter.service)" ]
	ok in_system dpkg -r synanvil
	equals inactive "$(in_system systemctl show -P ActiveState synanvil-milter.service)" "milter after the removal"
	equals inactive "$(in_system systemctl show -P ActiveState synanvil-spf.timer)" "timer after the removal"
	ok in_system dpkg --purge synanvil
	fails 2 in_system getent passwd synanvil-milter
	equals "" "$(find "$SYSTEM_TREE/var/lib" "$SYSTEM_TREE/etc" -name '*synanvil*')" "files"
}

name_server()
{
	mkdir -p "$LAB_DIR/nsd"
	printf '%s\n' '$ORIGIN example.' '$TTL 60' '@ SOA ns.example. root.example. 1 3600 600 86400 60' '@ NS ns.example.' \
		'ns A 127.0.0.1' 'one TXT "v=spf1 ip4:10.1.0.0/16 -all"' 'two TXT "v=spf1 ip4:10.2.0.0/16 -all"' \
		>"$LAB_DIR/nsd/example.zone"
	printf '%s\n' server: '  ip-address: 127.0.0.1@5353' '  username: ""' "  zonesdir: \"$LAB_DIR/nsd\"" '  database: ""' \
		'  pidfile: ""' "  xfrdfile: \"$LAB_DIR/nsd/state\"" "  zonelistfile: \"$LAB_DIR/nsd/list\"" \
		"  xfrdir: \"$LAB_DIR/nsd\"" '  server-count: 1' \
		remote-control: '  control-enable: no' zone: '  name: example' '  zonefile: example.zone' >"$LAB_DIR/nsd/nsd.conf"
	exec_in_mail nsd -d -c "$LAB_DIR/nsd/nsd.conf" >"$LAB_DIR/nsd/log" 2>&1 3>&- </dev/null &
	NSD=$!
}

# senders DOMAIN: whose networks the unit fetches.
senders()
{
	echo "$1" >"$SYSTEM_TREE/etc/synanvil/big-senders"
	in_system systemctl start synanvil-spf.service
}

@test "networks of large senders: fetched by a user of its own, in force after each run" {
	requires nsd
	fresh
	name_server
	in_system mkdir -p /run/systemd/system/synanvil-spf.service.d
	in_system sh -c 'printf "[Service]\nExecStart=\nExecStart=/usr/sbin/synanvil-spf -s 127.0.0.1@5353\n" \
		>/run/systemd/system/synanvil-spf.service.d/server.conf'
	in_system systemctl daemon-reload
	wait_until 10 senders one.example
	equals "644 synanvil-spf" "$(in_system stat -c '%a %U' /var/lib/synanvil-spf/big-senders.cidr)" "the file"
	configure 'smtpd_client_event_limit_exceptions = cidr:/var/lib/synanvil-spf/big-senders.cidr'
	ok synanvil reload
	equals "true false" "$(json .exempt show 10.1.0.5) $(json .exempt show 10.2.0.5)" "exempt"
	ok senders two.example
	kill "$NSD"
	equals "false true" "$(json .exempt show 10.1.0.5) $(json .exempt show 10.2.0.5)" "exempt after the second run"
	in_system rm -r /run/systemd/system/synanvil-spf.service.d /etc/synanvil/big-senders
	in_system systemctl daemon-reload
}

@test "members of the group synanvil may look" {
	fresh
	in_system useradd -G synanvil watcher
	ok in_system setpriv --reuid=watcher --regid=nogroup --init-groups synanvil status
	fails 1 in_system setpriv --reuid=watcher --regid=nogroup --init-groups synanvil block add 10.1.0.5
	in_system userdel watcher
}

@test "a removal leaves nothing in force, even of an agent that was killed; a purge leaves nothing at all" {
	fresh
	in_system systemctl mask --runtime synanvild
	in_system systemctl kill -s KILL synanvild
	[[ $(xdp_on m0) == native* ]]
	ok in_system dpkg -r synanvil
	equals none "$(xdp_on m0)" "program on m0"
	[ -e "$SYSTEM_TREE/etc/synanvil/synanvil.cf" ]
	ok in_system dpkg --purge synanvil
	in_system systemctl unmask --runtime synanvild
	equals "" "$(find "$SYSTEM_TREE" -xdev -path "$SYSTEM_TREE/root" -prune -o -name '*synanvil*' \
		-not -path '*/var/log/journal/*' -print)" "files"
	equals "" "$(in_system find /sys/fs/bpf /run -name '*synanvil*' -not -path '/run/systemd/*')" "files in memory"
	fails 2 in_system getent passwd synanvil
	fails 2 in_system getent group synanvil
}
