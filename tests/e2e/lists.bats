#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Address lists as a real smtpd understands them: one service for each list, a limit of one connection, clients of both
# families. Who gets a second greeting is exempt for Postfix, and must be exempt for synanvil; nobody else may be.

load helpers

CLIENTS=(
	10.1.0.1 10.1.0.2 10.1.1.1 10.1.255.255 10.2.0.1 10.2.0.2 10.2.128.1 10.3.0.1 10.9.9.9 10.200.0.1
	2001:db8::1 2001:db8:1::1 2001:db8:1::2 2001:db8:1:1::1 2001:db8:2::1 2001:db8:2:ffff::1 2001:db8:3::3
	2001:db8:ffff::1
)

LISTS=(
	'10.1.0.0/16 [10.2.0.1], [10.3.0.0]/24 [2001:db8:1::]/48 [2001:db8:2::/64],,[2001:db8:3::3]'
	'!10.1.0.0/24 10.1.0.0/16 !!10.2.0.0/16 ![2001:db8:1::1] [2001:db8:1::]/64 10.1.0.1 mx.example.com .example.com'
	'/FILES/outer 10.200.0.1'
	'!/FILES/outer 10.0.0.0/8 [2001:db8::]/32'
	'cidr:/FILES/table'
	'!cidr:/FILES/table 10.0.0.0/8 [2001:db8::]/32'
	'cidr:{ {!10.2.0.0/16 yes}, {if 2001:db8:0::/46}, {! 2001:db8:1::/48 yes}, {endif} } 10.2.0.2'
	'127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128 [::]/0'
	'0.0.0.0/0'
	'${nosuchname?{10.0.0.0/8}:{10.1.0.0/16}} $mynetworks ${{1} < {2} ? {[2001:db8:2::]/47}}'
)

FIRST_PORT=2500

eval "plain_$(declare -f postfix_master_cf)"

postfix_master_cf()
{
	local i
	plain_postfix_master_cf
	for i in "${!LISTS[@]}"; do
		printf '%d inet n - n - 10 smtpd\n  -o { smtpd_client_event_limit_exceptions = %s }\n' \
			$((FIRST_PORT + i)) "${LISTS[i]//\/FILES/$LAB_DIR/lists}"
	done
}

list_files()
{
	mkdir -p "$LAB_DIR/lists"
	cat >"$LAB_DIR/lists/outer" <<-END
		# a comment
		10.1.0.0/24,
		   !10.1.1.1

		# between
		  10.1.0.0/16
		$LAB_DIR/lists/inner  [2001:db8:1::]/64
	END
	cat >"$LAB_DIR/lists/inner" <<-'END'
		!10.2.0.2
		10.2.0.0/17 ![2001:db8:1::2]
	END
	cat >"$LAB_DIR/lists/table" <<-'END'
		10.1.0.2 reject
		if 10.0.0.0/8
		!10.0.0.0/10
		   for this network only
		if !10.1.0.0/16
		10.2.0.0/17 OK
		endif
		# not reached by IPv4
		::/0 OK
		endif
		IF ! 2001:db8:1::/48
		[2001:db8::]/47 OK
		ENDIF
	END
	chmod -R a+rX "$LAB_DIR" # for smtpd, which is not root
}

setup_file()
{
	file_lab postfix || return 0
	list_files
	postfix_start 'smtpd_client_connection_rate_limit = 1' 'anvil_rate_time_unit = 600s' 'mynetworks = 10.3.0.0/24'
}

setup()
{
	file_ready
}

teardown_file()
{
	file_lab_down
}

# of_postfix NUMBER: one line "CLIENT yes|no" for each client, by how often it is greeted on the list's port.
of_postfix()
{
	local client host line
	for client in "${CLIENTS[@]}"; do
		host=$LAB_HOST
		[[ $client != *:* ]] || host=$LAB_HOST6
		line=$(attempts -s "$client" -n 2 "$host" $((FIRST_PORT + $1))) || return
		case "$(field banner "$line") $(field refused_421 "$line")" in
		'2 0') echo "$client yes" ;;
		'1 1') echo "$client no" ;;
		*) echo "$client $line" ;;
		esac
	done
}

of_synanvil()
{
	printf '%s\n' 'interfaces = lo' 'mynetworks = 10.3.0.0/24' \
		"smtpd_client_event_limit_exceptions = ${LISTS[$1]//\/FILES/$LAB_DIR/lists}" >"$BATS_TEST_TMPDIR/$1.cf"
	"$LAB_TOOLS/exempts" "$BATS_TEST_TMPDIR/$1.cf" "${CLIENTS[@]}"
}

@test "who is exempt for Postfix is exempt for synanvil" {
	local i running=() bad=0
	for i in "${!LISTS[@]}"; do
		of_postfix "$i" >"$BATS_TEST_TMPDIR/$i.postfix" 3>&- &
		running+=($!)
	done
	wait "${running[@]}"
	for i in "${!LISTS[@]}"; do
		of_synanvil "$i" >"$BATS_TEST_TMPDIR/$i.synanvil"
		diff "$BATS_TEST_TMPDIR/$i.postfix" "$BATS_TEST_TMPDIR/$i.synanvil" || {
			echo "in the list ${LISTS[i]}"
			bad=1
		}
	done
	equals 0 "$bad" 'lists that differ'
	equals $((${#LISTS[@]} * ${#CLIENTS[@]})) "$(cat "$BATS_TEST_TMPDIR"/*.postfix | wc -l)" 'answers of Postfix'
	# The clients are such that the lists can be told apart.
	at_least 60 "$(cat "$BATS_TEST_TMPDIR"/*.postfix | grep -c " yes$")" 'exempt'
	at_least 60 "$(cat "$BATS_TEST_TMPDIR"/*.postfix | grep -c " no$")" 'limited'
}
