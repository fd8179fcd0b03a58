# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# A real Postfix inside the lab's mail host: configuration, queue, data and log of its own, so that the machine's
# Postfix (if it runs one) is neither read nor touched. Services: smtp (25) and submission (587); what is sent to
# anyone at lab.example lands in files below $POSTFIX_DIR/mail.

postfix_paths()
{
	POSTFIX_DIR=$LAB_DIR/postfix
	POSTFIX_LOG=$POSTFIX_DIR/log
	export POSTFIX_DIR POSTFIX_LOG
}

postfix_main_cf()
{
	cat <<-END
		compatibility_level = 3.6
		queue_directory = $POSTFIX_DIR/queue
		data_directory = $POSTFIX_DIR/data
		maillog_file = $POSTFIX_LOG
		maillog_file_prefixes = $POSTFIX_DIR
		meta_directory = /etc/postfix
		command_directory = /usr/sbin
		daemon_directory = $(postfix_daemon_directory)
		sendmail_path = /usr/sbin/sendmail
		myhostname = mx.lab.example
		mydestination =
		mynetworks = 127.0.0.0/8
		inet_interfaces = all
		inet_protocols = all
		smtpd_peername_lookup = no
		alias_maps =
		alias_database =
		virtual_mailbox_domains = lab.example
		virtual_mailbox_maps = static:box
		virtual_mailbox_base = $POSTFIX_DIR/mail
		virtual_uid_maps = static:$(id -u nobody)
		virtual_gid_maps = static:$(id -g nobody)
		virtual_minimum_uid = 1
		smtpd_client_connection_count_limit = 0
		smtputf8_enable = no
	END
	printf '%s\n' "$@"
}

postfix_daemon_directory()
{
	local directory
	for directory in /usr/lib/postfix/sbin /usr/libexec/postfix; do
		[ ! -x "$directory/master" ] || echo "$directory"
	done
}

postfix_master_cf()
{
	cat <<-'END'
		smtp       inet  n - n - 40 smtpd
		submission inet  n - n - 40 smtpd
		pickup     unix  n - n 60 1 pickup
		cleanup    unix  n - n - 0 cleanup
		qmgr       unix  n - n 300 1 qmgr
		tlsmgr     unix  - - n 1000? 1 tlsmgr
		rewrite    unix  - - n - - trivial-rewrite
		bounce     unix  - - n - 0 bounce
		defer      unix  - - n - 0 bounce
		trace      unix  - - n - 0 bounce
		flush      unix  n - n 1000? 0 flush
		proxymap   unix  - - n - - proxymap
		showq      unix  n - n - - showq
		error      unix  - - n - - error
		discard    unix  - - n - - discard
		virtual    unix  - n n - - virtual
		anvil      unix  - - n - 1 anvil
		scache     unix  - - n - 1 scache
		postlog    unix-dgram n - n - 1 postlogd
	END
}

# postfix_start [MAIN_CF_LINE]...: returns when both ports greet. Lines come last, so they win.
postfix_start()
{
	postfix_paths
	mkdir -p "$POSTFIX_DIR"/{config,queue,data,mail}
	postfix_main_cf "$@" >"$POSTFIX_DIR/config/main.cf"
	postfix_master_cf >"$POSTFIX_DIR/config/master.cf"
	chown postfix "$POSTFIX_DIR/data"
	chown nobody "$POSTFIX_DIR/mail"
	chmod 755 "$LAB_DIR" "$POSTFIX_DIR"
	in_mail postfix -c "$POSTFIX_DIR/config" start >"$POSTFIX_DIR/start.out" 2>&1 3>&- </dev/null &&
		wait_until 15 postfix_listens 25 && wait_until 15 postfix_listens 587 && return 0
	cat "$POSTFIX_DIR/start.out" "$POSTFIX_LOG" >&2
	return 1
}

postfix_listens()
{
	in_mail ss -Hltn "sport = :$1" | grep -q LISTEN
}

postfix_stop()
{
	[ -n "${POSTFIX_DIR:-}" ] && [ -d "$POSTFIX_DIR/config" ] || return 0
	in_mail postfix -c "$POSTFIX_DIR/config" stop >/dev/null 2>&1 3>&- </dev/null
	rm -rf "$POSTFIX_DIR"
}

# How often this Postfix's own limiter turned a client away.
postfix_refusals()
{
	grep -c 'Connection rate limit exceeded' "$POSTFIX_LOG" || :
}

# How many connections Postfix has seen from an address. Its log is written by another of its processes.
postfix_connects()
{
	grep -c "smtpd\[[0-9]*\]: connect from [^ ]*\[$1\]" "$POSTFIX_LOG" || :
}

postfix_connects_are()
{
	[ "$(postfix_connects "$2")" = "$1" ]
}
