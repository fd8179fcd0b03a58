#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# synanvil-spf against a real name server, and its file in a running agent.

load helpers

setup_file()
{
	file_lab nsd || return 0
	lab_banner 25
	name_server_start
}

teardown_file()
{
	[ -z "${NSD:-}" ] || kill "$NSD"
	file_lab_down
}

setup()
{
	file_ready
	LIST=$BATS_TEST_TMPDIR/list
	FILE=$BATS_TEST_TMPDIR/senders.cidr
}

teardown()
{
	agent_teardown
}

name_server_start()
{
	mkdir -p "$LAB_DIR/nsd"
	cat >"$LAB_DIR/nsd/example.zone" <<-'END'
		$ORIGIN example.
		$TTL 60
		@ SOA ns.example. root.example. 1 3600 600 86400 60
		@ NS ns.example.
		ns A 127.0.0.1
		small TXT "other text" 
		small TXT "v=spf1 ip4:10.1.0.0/16 -all"
		big TXT "v=spf1 include:_spf.big.example inc" "lude:_more.big.example mx a:out.big.example/24//64 ~all"
		big MX 10 mx.big.example.
		mx.big A 203.0.113.25
		mx.big AAAA 2001:db8:25::25
		out.big A 198.51.100.77
		out.big AAAA 2001:db8:77:1::1
		_spf.big TXT "v=spf1 ip4:192.0.2.0/25 ip4:192.0.2.128/25 ip6:2001:db8:1::/48 -all"
		_more.big TXT "v=spf1 redirect=_last.big.example"
		_last.big TXT "v=spf1 ip4:192.0.2.99 exists:%{i}._x.big.example -all"
		wide TXT "v=spf1 ip4:0.0.0.0/0 -all"
		all TXT "v=spf1 +all"
		loop TXT "v=spf1 include:loop.example -all"
		wrong TXT "v=spf1 ip4:10.0.0.300 -all"
		none TXT "nothing of interest"
		void TXT "v=spf1 a:v1.example a:v2.example a:v3.example ip4:192.0.2.1 -all"
		ten TXT "v=spf1 a:ns.example a:ns.example a:ns.example a:ns.example a:ns.example a:ns.example a:ns.example a:ns.example a:ns.example a:ns.example -all"
		eleven TXT "v=spf1 a:ns.example a:ns.example a:ns.example a:ns.example a:ns.example a:ns.example a:ns.example a:ns.example a:ns.example a:ns.example a:ns.example -all"
		two TXT "v=spf1 ip4:192.0.2.1 -all"
		two TXT "v=spf1 ip4:192.0.2.2 -all"
		other CNAME upper.example.
		upper TXT "V=SPF1 IP4:192.0.2.4 INCLUDE:SMALL.EXAMPLE -ALL"
		round CNAME again.example.
		again CNAME round.example.
	END
	# Too long for a datagram: the answer comes over TCP.
	{
		printf 'long TXT "v=spf1 "'
		printf ' "ip4:10.2.%d.0/24 ip4:10.4.%d.0/24 "' $(for i in {0..120}; do echo "$((2 * i)) $((2 * i))"; done)
		printf ' "-all"\n'
	} >>"$LAB_DIR/nsd/example.zone"
	cat >"$LAB_DIR/nsd/nsd.conf" <<-END
		server:
		    ip-address: 127.0.0.1@5353
		    username: ""
		    zonesdir: "$LAB_DIR/nsd"
		    database: ""
		    pidfile: ""
		    xfrdfile: "$LAB_DIR/nsd/xfrd.state"
		    zonelistfile: "$LAB_DIR/nsd/zone.list"
		    xfrdir: "$LAB_DIR/nsd"
		    server-count: 1
		remote-control:
		    control-enable: no
		zone:
		    name: "example"
		    zonefile: "example.zone"
		# A zone that it cannot load: it answers SERVFAIL.
		zone:
		    name: "broken"
		    zonefile: "absent.zone"
	END
	exec_in_mail nsd -d -c "$LAB_DIR/nsd/nsd.conf" >"$LAB_DIR/nsd/log" 2>&1 3>&- </dev/null &
	export NSD=$!
	wait_until 10 listens_for_names || { cat "$LAB_DIR/nsd/log"; return 1; }
}

listens_for_names()
{
	in_mail ss -Hlun "sport = :${1:-5353}" | grep -q "${1:-5353}"
}

# spf ARGUMENT...
spf()
{
	in_mail "$LAB_BUILD/synanvil-spf" -s 127.0.0.1@5353 -l "$LIST" -o "$FILE" "$@"
}

rules()
{
	grep -v '^#' "${1:-$FILE}" | awk 'NF { print $1 }' | xargs
}

@test "includes, redirects, mx and a of a record become networks" {
	echo big.example >"$LIST"
	ok spf
	says 'exists with a macro depends on the message'
	equals '192.0.2.0/25 192.0.2.128/25 198.51.100.0/24 203.0.113.25 2001:db8:1::/48 2001:db8:25::25 2001:db8:77:1::/64' \
		"$(rules)" "networks"
	equals 644 "$(stat -c %a "$FILE")" "mode"
	requires postmap
	equals permit "$(postfix_finds 198.51.100.9)" "Postfix' answer"
	equals permit "$(postfix_finds 2001:db8:77:1::9)" "Postfix' answer"
	equals "" "$(postfix_finds 198.51.101.9)" "Postfix' answer"
}

# What Postfix reads in the same file, with a configuration of our own: the host may have none.
postfix_finds()
{
	mkdir -p "$BATS_TEST_TMPDIR/postfix"
	: >"$BATS_TEST_TMPDIR/postfix/main.cf"
	postmap -c "$BATS_TEST_TMPDIR/postfix" -q "$1" "cidr:$FILE" 2>&1
}

@test "a file that says the same is not written again" {
	local inode
	printf 'small.example\n# comment\n ten.example # more\n' >"$LIST"
	ok spf
	inode=$(stat -c '%i %Y' "$FILE")
	ok spf
	says 'nothing has changed'
	equals "$inode" "$(stat -c '%i %Y' "$FILE")" "the file"
	equals '10.1.0.0/16 127.0.0.1' "$(rules)" "networks"
}

@test "what fails or is absurd keeps the old file, and all that is wrong is named" {
	local domain
	echo small.example >"$LIST"
	ok spf
	for domain in wide:wider all:everybody loop:look-ups wrong:'wrong SPF record' none:'no SPF record' gone:'no SPF record' \
		void:'without an answer' eleven:'more than 10' two:'more than one SPF record' round:'the name service failed'; do
		printf '%s.example\nbig.example\n' "${domain%%:*}" >"$LIST"
		fails 1 spf
		says "warning: ${domain%%:*}.example: .*${domain#*:}" 'is kept as it is'
		equals 10.1.0.0/16 "$(rules)" "networks"
	done
	printf 'wide.example\nall.example\n' >"$LIST"
	fails 1 spf
	says 'wide.example: ' 'all.example: '
	equals 1 "$(find "$BATS_TEST_TMPDIR" -name 'senders.cidr*' | wc -l)" "files left behind"
}

@test "a name server that does not answer keeps the old file, within the time given" {
	local began=$SECONDS
	echo small.example >"$LIST"
	ok spf
	fails 1 in_mail "$LAB_BUILD/synanvil-spf" -s 192.0.2.99 -t 2s -l "$LIST" -o "$FILE"
	says 'warning: small.example: ' 'is kept as it is'
	at_most 15 $((SECONDS - began)) "seconds"
	equals 10.1.0.0/16 "$(rules)" "networks"
}

@test "a name server that fails keeps the old file, and each domain is named" {
	echo small.example >"$LIST"
	ok spf
	printf 'one.broken\nten.example\ntwo.broken\n' >"$LIST"
	fails 1 spf
	says 'warning: one.broken: .*the name service failed' 'warning: two.broken: .*the name service failed' 'is kept as it is'
	equals 10.1.0.0/16 "$(rules)" "networks"
	fails 1 spf one.broken
}

@test "a name server that takes questions and says nothing: the time given is for all domains" {
	local began silent
	echo small.example >"$LIST"
	ok spf
	exec_in_mail nc -luk 127.0.0.1 5399 >"$BATS_TEST_TMPDIR/asked" 3>&- </dev/null &
	silent=$!
	wait_until 5 listens_for_names 5399
	printf 'small.example\nten.example\nbig.example\n' >"$LIST"
	began=$SECONDS
	fails 1 in_mail "$LAB_BUILD/synanvil-spf" -s 127.0.0.1@5399 -t 2s -l "$LIST" -o "$FILE"
	at_most 8 $((SECONDS - began)) "seconds"
	kill "$silent"
	says 'warning: small.example: .*does not answer in time' 'warning: big.example: ' 'is kept as it is'
	at_least 1 "$(wc -c <"$BATS_TEST_TMPDIR/asked")" "bytes of questions"
	equals 10.1.0.0/16 "$(rules)" "networks"
}

# left_behind WANT: files beside the table, itself included.
left_behind()
{
	equals "$1" "$(find "$(dirname "$FILE")" -name 'senders.cidr*' | wc -l)" "files"
}

@test "a link in the file's place is neither followed nor replaced" {
	local target=$BATS_TEST_TMPDIR/target
	echo small.example >"$LIST"
	echo mine >"$target"
	ln -s "$target" "$FILE"
	fails 1 spf
	says 'senders.cidr: is a symbolic link'
	equals mine "$(cat "$target")" "what it stands for"
	[ -L "$FILE" ]
	rm "$FILE"
	mkfifo "$FILE"
	fails 1 timeout 20 nsenter --net="/run/netns/$LAB_MAIL" "$LAB_BUILD/synanvil-spf" -s 127.0.0.1@5353 -l "$LIST" -o "$FILE"
	says 'senders.cidr: is there and not a file'
	[ -p "$FILE" ]
}

@test "a full disk, and a directory where nothing may be written, keep the old file" {
	local directory=$LAB_DIR/full
	mkdir "$directory"
	mount -t tmpfs -o size=64k spf "$directory"
	FILE=$directory/senders.cidr
	echo small.example >"$LIST"
	ok spf
	echo ten.example >"$LIST"
	head -c 1M /dev/zero >"$directory/rest" 2>/dev/null || :
	fails 1 spf
	says 'senders.cidr: No space left on device; nothing is written'
	equals 10.1.0.0/16 "$(rules)" "networks on the full disk"
	left_behind 1
	rm "$directory/rest"
	# Root without its capabilities, as the owner of a directory that is closed.
	chmod 0500 "$directory"
	fails 1 in_mail setpriv --bounding-set=-all --inh-caps=-all "$LAB_BUILD/synanvil-spf" -s 127.0.0.1@5353 -l "$LIST" -o "$FILE"
	says 'senders.cidr: Permission denied; nothing is written'
	chmod 0700 "$directory"
	mount -o remount,ro "$directory"
	fails 1 spf
	says 'senders.cidr: Read-only file system; nothing is written'
	equals 10.1.0.0/16 "$(rules)" "networks"
	left_behind 1
	mount -o remount,rw "$directory"
	ok spf
	equals 127.0.0.1 "$(rules)" "networks once there is room"
	umount "$directory"
}

@test "a run that is killed leaves the old file, and the next one clears up" {
	requires strace
	echo small.example >"$LIST"
	ok spf
	echo ten.example >"$LIST"
	run in_mail strace -f -o "$BATS_TEST_TMPDIR/trace" -e trace=fsync -e inject=fsync:signal=KILL \
		"$LAB_BUILD/synanvil-spf" -s 127.0.0.1@5353 -l "$LIST" -o "$FILE"
	equals 137 "$status" "status of what was killed"
	equals 10.1.0.0/16 "$(rules)" "networks"
	left_behind 2
	# One that has nothing to write clears up as well.
	echo small.example >"$LIST"
	ok spf
	says 'nothing has changed'
	left_behind 1
}

@test "aliases, other cases, and an answer that needs TCP" {
	echo other.example >"$LIST"
	ok spf
	equals '10.1.0.0/16 192.0.2.4' "$(rules)" "networks"
	echo long.example >"$LIST"
	ok spf
	equals 242 "$(rules | wc -w)" "networks"
}

@test "domains on the command line are shown, and no file is written" {
	run --separate-stderr spf small.example
	equals 0 "$status" "status"
	equals 10.1.0.0/16 "$(rules <(printf '%s\n' "$output"))" "networks"
	[ ! -e "$FILE" ]
}

@test "mistakes of the one who calls it" {
	fails 2 spf -x
	fails 2 spf -t 0
	fails 1 spf
	says 'list: No such file'
	echo 'two domains' >"$LIST"
	fails 1 spf
	says 'list:1: no domain'
	: >"$LIST"
	fails 1 spf
	says 'no domain is in it'
	echo small.example >"$LIST"
	FILE=$BATS_TEST_TMPDIR/absent/file
	fails 1 spf
	says 'absent/file: No such file'
	fails 1 in_mail "$LAB_BUILD/synanvil-spf" -s nonsense -l "$LIST"
}

@test "the agent exempts who is in the file, after a reload" {
	echo ten.example >"$LIST"
	ok spf
	agent_with 'smtpd_client_connection_rate_limit = 5' "smtpd_client_event_limit_exceptions = cidr:$FILE"
	greeted 5 8 10.1.0.5
	echo small.example >"$LIST"
	ok spf
	ok synanvil reload
	greeted 8 8 10.1.0.5
}

@test "the list that ships can be read" {
	local domain
	LIST=$LAB_ROOT/deploy/big-senders
	fails 1 spf
	# None of these domains exists here, and each is asked for.
	while read -r domain; do
		says "warning: ${domain//./\\.}: "
	done < <(sed -e 's/#.*//' -e '/^ *$/d' "$LAB_ROOT/deploy/big-senders")
}
