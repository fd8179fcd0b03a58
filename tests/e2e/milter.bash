# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154  # the lab's variables
#
# synanvil-milter in the lab's mail host, a Postfix that shows it its mail as the README says, and mail whose header
# fields are of exact sizes. What Postfix delivers comes back by received_mail.

MILTER_PORT=10726
# Port 587 of this Postfix asks no milter; its cleanup has a header_size_limit of its own, or main.cf's.
MILTER_CLEANUP_OPTIONS=

milter_paths()
{
	MILTER_LOG=$LAB_DIR/milter.log
	export MILTER_LOG
}

# milter_launch: starts it and comes back at once. Sets MILTER.
milter_launch()
{
	milter_paths
	exec_in_mail "$LAB_BUILD/synanvil-milter" -c "$LAB_CONFIG" >>"$MILTER_LOG" 2>&1 3>&- </dev/null &
	MILTER=$!
	export MILTER
}

# milter_start [CONFIGURATION LINE]...: with these, or the configuration as it is; returns when it listens.
milter_start()
{
	[ $# -eq 0 ] || lab_config "$@"
	milter_launch
	wait_until 5 milter_listens "$MILTER_PORT" || {
		cat "$MILTER_LOG" >&2
		return 1
	}
}

milter_listens()
{
	in_mail ss -Hltn "sport = :$1" | grep -q LISTEN
}

milter_gone()
{
	! kill -0 "$MILTER" 2>/dev/null || [ "$(ps -o stat= -p "$MILTER" 2>/dev/null | cut -c1)" = Z ]
}

milter_stop()
{
	[ -n "${MILTER:-}" ] || return 0
	milter_gone || { kill "$MILTER" && wait_until 10 milter_gone; } || kill -KILL "$MILTER"
	unset MILTER
}

milter_logged()
{
	wait_until 15 grep -Eq -- "$1" "$MILTER_LOG" || {
		printf 'not logged by the milter: %s\n' "$1"
		cat "$MILTER_LOG"
		return 1
	}
}

# How often the milter has read its configuration anew.
milter_reloads()
{
	grep -c 'reloaded' "$MILTER_LOG" || :
}

milter_reloaded()
{
	[ "$(milter_reloads)" -gt "$1" ]
}

# milter_reload [CONFIGURATION LINE]...: what they say is in force when this returns.
milter_reload()
{
	local before
	before=$(milter_reloads)
	lab_config "$@"
	kill -HUP "$MILTER"
	wait_until 5 milter_reloaded "$before"
}

# For teardown.
milter_teardown()
{
	[ -n "${LAB:-}" ] || return 0
	if [ -z "${BATS_TEST_COMPLETED:-}" ] && [ -s "${MILTER_LOG:-}" ]; then
		echo "--- end of the milter's log" >&2
		tail -n 20 "$MILTER_LOG" >&2
	fi
	milter_stop
	rm -f "${MILTER_LOG:-}"
}

# --- Postfix ----------------------------------------------------------------------------------------------------------

# milter_postfix ENDPOINT [MAIN_CF_LINE]...: a Postfix that asks the milter there about what port 25 takes. Port 587
# asks nobody.
milter_postfix()
{
	local endpoint=$1
	shift
	postfix_start "smtpd_milters = { $endpoint, default_action=accept }" "$@"
}

eval "$(declare -f postfix_master_cf | sed '1s/postfix_master_cf/milter_plain_master_cf/')"
postfix_master_cf()
{
	milter_plain_master_cf | sed "s|^submission .*|& -o smtpd_milters= -o cleanup_service_name=cleanup2|"
	echo "cleanup2 unix n - n - 0 cleanup $MILTER_CLEANUP_OPTIONS"
}

# --- mail -------------------------------------------------------------------------------------------------------------

# mail_send PORT FILE [SWAKS OPTION]...: FILE is header and body.
mail_send()
{
	local port=$1 file=$2
	shift 2
	in_clients swaks --server "$LAB_HOST:$port" --from sender@example.org --to box@lab.example --data "@$file" \
		--suppress-data "$@"
}

mailbox=mail/box

mail_arrived()
{
	[ -s "$POSTFIX_DIR/$mailbox" ] && grep -q '^X-End: of the body$' "$POSTFIX_DIR/$mailbox"
}

# received_mail: waits for one message, takes it out of the mailbox, and shows it from its own first field on.
received_mail()
{
	wait_until 10 mail_arrived || {
		echo "no mail has arrived" >&2
		tail -n 20 "$POSTFIX_LOG" >&2
		return 1
	}
	sed -n '/^X-Begin:/,$p' "$POSTFIX_DIR/$mailbox"
	: >"$POSTFIX_DIR/$mailbox"
}

# message FIELD...: a message with these lines in its header.
message()
{
	printf 'X-Begin: of the header\n'
	printf '%s\n' "$@"
	printf 'Subject: a test\n\nthe body\nX-End: of the body\n'
}

# characters COUNT [CHARACTER]: so many.
characters()
{
	head -c "$1" /dev/zero | tr '\0' "${2:-a}"
}

# field_of SIZE [NAME [SEPARATOR]]: one long line, SIZE bytes as Postfix counts.
field_of()
{
	local name=${2:-X-Test} separator=${3- }
	printf '%s:%s' "$name" "$separator"
	characters $(($1 - ${#name} - 1 - ${#separator}))
}

# folded_of SIZE LINE [NAME]: lines of LINE bytes (the last one shorter), SIZE bytes in all with a byte for each fold.
folded_of()
{
	awk -v size="$1" -v width="$2" -v name="${3:-X-Test}" 'BEGIN {
		line = name ": "
		used = 0
		while (used + width + 2 < size) {
			while (length(line) < width) line = line "b"
			print line
			used += width + 1
			line = " "
		}
		while (used + length(line) < size) line = line "e"
		printf "%s", line
	}'
}

# first_then FIRST SIZE: a line of FIRST bytes, and another up to SIZE bytes in all.
first_then()
{
	printf 'X-Test: '
	characters $(($1 - 8)) f
	printf '\n '
	characters $(($2 - $1 - 2)) s
}
