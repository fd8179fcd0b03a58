#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The Debian package as a file: what is in it, what its scripts do to a host, and what systemd thinks of its units.
# tests/package/system.bats installs it on a host that runs.

load package

setup_file()
{
	export ONE=$BATS_FILE_TMPDIR/one TWO=$BATS_FILE_TMPDIR/another/and-longer-path UNPACKED=$BATS_FILE_TMPDIR/unpacked
	E2E_MISSING=$(missing root dpkg-buildpackage dh lintian systemd-analyze) && {
		export E2E_MISSING
		return 0
	}
	package_build "$ONE"
	dpkg-deb -x "$(package_file "$ONE")" "$UNPACKED"
}

setup()
{
	file_ready
	HOST=$BATS_TEST_TMPDIR/host
}

@test "two builds, in two places, at two times, by two umasks: the same bytes" {
	(umask 077 && package_build "$TWO")
	cmp "$(package_file "$ONE")" "$(package_file "$TWO")"
	cmp "$ONE"/build/deb/synanvil-dbgsym_*.deb "$TWO"/build/deb/synanvil-dbgsym_*.deb
}

@test "lintian has nothing to say" {
	ok lintian --fail-on error,warning --allow-root "$ONE"/build/deb/*.changes
	equals "" "$output" "lintian"
}

@test "the package's version is the program's" {
	local version
	version=$(dpkg-deb -f "$(package_file "$ONE")" Version)
	ok "$UNPACKED/usr/bin/synanvil" version
	says "$version"
	says "$(sed -n 's/^VERSION := //p' "$LAB_ROOT/Makefile")"
}

@test "debug symbols fit the programs" {
	local id
	for program in usr/sbin/synanvild usr/bin/synanvil; do
		id=$(readelf -n "$UNPACKED/$program" | sed -n 's/ *Build ID: //p')
		dpkg-deb -c "$ONE"/build/deb/synanvil-dbgsym_*.deb | grep -q "/${id:0:2}/${id:2}.debug"
	done
}

# The units as they lie in the package, their programs where they can be found here.
units()
{
	mkdir -p "$BATS_TEST_TMPDIR/units"
	cp "$UNPACKED"/lib/systemd/system/* "$BATS_TEST_TMPDIR/units"
	sed -i "s,/usr/sbin/synanvil,$UNPACKED&," "$BATS_TEST_TMPDIR"/units/*.service
}

@test "systemd-analyze verify finds no fault in any unit" {
	units
	ok env SYSTEMD_UNIT_PATH="$BATS_TEST_TMPDIR/units:" systemd-analyze verify --man=no "$BATS_TEST_TMPDIR"/units/*
	equals "" "$output" "systemd-analyze verify"
}

# exposed UNIT TENTHS: at most so exposed.
exposed()
{
	[ -e "$BATS_TEST_TMPDIR/units/$1" ] || return 0
	run systemd-analyze security --offline=yes --no-pager --threshold="$2" "$BATS_TEST_TMPDIR/units/$1"
	echo "$output" | grep -v '✓'
	[ "$status" -eq 0 ]
}

@test "units are hardened: exposure at most 2.2 for the agent, 1.5 for the milter" {
	units
	exposed synanvild.service 22
	exposed synanvil-milter.service 15
}

@test "the agent's unit: restart hands over, watchdog, no limit of memory, before the network is up" {
	local unit=$UNPACKED/lib/systemd/system/synanvild.service
	grep -qx 'Type=notify' "$unit"
	grep -qx 'RestartKillSignal=SIGUSR1' "$unit"
	grep -q '^WatchdogSec=' "$unit"
	grep -q '^ExecReload=' "$unit"
	grep -q '^Before=.*network-online.target' "$unit"
	! grep -q '^Memory\(Max\|High\)=' "$unit"
}

# on_host DPKG ARGUMENTS...: dpkg works on an empty tree, with the package's scripts and nothing of this machine.
on_host()
{
	[ -d "$HOST" ] || {
		mkdir -p "$HOST"/etc "$HOST"/var/lib/dpkg/{info,updates}
		touch "$HOST"/etc/{passwd,group,shadow,gshadow} "$HOST"/var/lib/dpkg/status
		find "$HOST" -path "$HOST/var/lib/dpkg" -prune -o -print | sort >"$BATS_TEST_TMPDIR/before"
	}
	ok dpkg --root="$HOST" --force-script-chrootless --force-depends "$@"
}

@test "installed: user, group, configuration in monitor mode that check accepts" {
	on_host -i "$(package_file "$ONE")"
	grep -q '^synanvil:x:[0-9]*:[0-9]*:.*:/usr/sbin/nologin$' "$HOST/etc/passwd"
	grep -q '^synanvil:' "$HOST/etc/group"
	[ -L "$HOST/etc/systemd/system/multi-user.target.wants/synanvild.service" ]
	grep -qx 'enforcement = monitor' "$HOST/etc/synanvil/synanvil.cf"
	grep -qx 'control_group = synanvil' "$HOST/etc/synanvil/synanvil.cf"
	ok "$HOST/usr/bin/synanvil" check -c "$HOST/etc/synanvil/synanvil.cf"
}

@test "the interfaces of the default routes are in it" {
	local interface
	interface=$(ip -j route show default | jq -r '.[0].dev // empty')
	[ -n "$interface" ] || skip "needs a default route"
	on_host -i "$(package_file "$ONE")"
	grep -q "^interfaces = .*\b$interface\b" "$HOST/etc/synanvil/synanvil.cf"
}

@test "an upgrade keeps the configuration, and so does a removal; a purge leaves nothing" {
	on_host -i "$(package_file "$ONE")"
	echo '# mine' >>"$HOST/etc/synanvil/synanvil.cf"
	cp "$HOST/etc/synanvil/synanvil.cf" "$BATS_TEST_TMPDIR/mine"
	on_host -i "$(package_file "$ONE")"
	cmp "$BATS_TEST_TMPDIR/mine" "$HOST/etc/synanvil/synanvil.cf"
	on_host -r synanvil
	cmp "$BATS_TEST_TMPDIR/mine" "$HOST/etc/synanvil/synanvil.cf"
	mkdir -p "$HOST/var/lib/synanvil"
	touch "$HOST/var/lib/synanvil/runtime"
	on_host --purge synanvil
	equals "" "$(find "$HOST" -name '*synanvil*')" "left"
	equals "" "$(cat "$HOST/etc/passwd" "$HOST/etc/group")" "users and groups"
}

@test "a configuration that was there first stays as it is" {
	mkdir -p "$BATS_TEST_TMPDIR"
	on_host --version
	mkdir -p "$HOST/etc/synanvil"
	echo 'interfaces = eth7' >"$HOST/etc/synanvil/synanvil.cf"
	on_host -i "$(package_file "$ONE")"
	equals 'interfaces = eth7' "$(cat "$HOST/etc/synanvil/synanvil.cf")" "configuration"
}

@test "what others have put beside the configuration outlives a purge" {
	on_host -i "$(package_file "$ONE")"
	echo 192.0.2.1 >"$HOST/etc/synanvil/senders"
	on_host --purge synanvil
	equals 192.0.2.1 "$(cat "$HOST/etc/synanvil/senders")" "the file"
}

@test "make install: under PREFIX and DESTDIR, and never over a configuration" {
	local made=$BATS_TEST_TMPDIR/made
	umask 077
	ok make -C "$ONE" install BUILD="$ONE/build/deb/synanvil-$(dpkg-deb -f "$(package_file "$ONE")" Version)/build" \
		PREFIX=/opt/synanvil DESTDIR="$made"
	[ -x "$made/opt/synanvil/sbin/synanvild" ]
	[ -x "$made/opt/synanvil/bin/synanvil" ]
	grep -q '^ExecStart=/opt/synanvil/sbin/synanvild' "$made/opt/synanvil/lib/systemd/system/synanvild.service"
	equals "" "$(find "$made" -type f ! -perm -044)" "files that others may not read"
	echo mine >"$made/etc/synanvil/synanvil.cf"
	ok make -C "$ONE" install BUILD="$ONE/build/deb/synanvil-$(dpkg-deb -f "$(package_file "$ONE")" Version)/build" \
		PREFIX=/opt/synanvil DESTDIR="$made"
	equals mine "$(cat "$made/etc/synanvil/synanvil.cf")" "configuration"
}
