# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# A real Postfix that asks the agent in each way there is, each on a port of its own, and clients that send mail to it.
#
#   25    at DATA and at the end of the message, as the manual says
#   2501  at RCPT
#   2502  at MAIL (smtpd_delay_reject = no)
#   2503  at the end of the message only
#   2504  at RCPT, DATA and the end of the message, by two differently written services: two connections
#   2505  never: Postfix' own limits, those that mail_start is given
#   2506  at MAIL, RCPT, DATA and the end of the message

MAIL_SERVICE='check_policy_service { inet:127.0.0.1:10725, timeout=3s, try_limit=1, default_action=DUNNO }'
MAIL_SERVICE_TWO='check_policy_service { inet:127.0.0.1:10725, timeout=4s, try_limit=1, default_action=DUNNO }'
# shellcheck disable=SC2034  # for those who load this
MAIL_PORTS='protected_ports = 25 2501 2502 2503 2504 2505 2506'

# mail_start OWN_LIMITS [MAIN_CF_LINE]...: OWN_LIMITS are -o options of port 2505.
mail_start()
{
	local own=$1 base
	shift
	base=$(postfix_master_cf)
	# shellcheck disable=SC2317  # postfix_start calls them
	mail_master_cf()
	{
		cat <<-END
			$base
			2501 inet n - n - 40 smtpd
			  -o smtpd_recipient_restrictions=\$ask
			2502 inet n - n - 40 smtpd
			  -o smtpd_delay_reject=no -o smtpd_sender_restrictions=\$ask
			2503 inet n - n - 40 smtpd
			  -o smtpd_end_of_data_restrictions=\$ask
			2504 inet n - n - 40 smtpd
			  -o smtpd_recipient_restrictions=\$ask -o smtpd_data_restrictions=\$ask_two
			  -o smtpd_end_of_data_restrictions=\$ask
			2505 inet n - n - 40 smtpd
			  $own
			2506 inet n - n - 40 smtpd
			  -o smtpd_delay_reject=no -o smtpd_sender_restrictions=\$ask
			  -o smtpd_recipient_restrictions=\$ask_two -o smtpd_data_restrictions=\$ask
			  -o smtpd_end_of_data_restrictions=\$ask_two
		END
	}
	# shellcheck disable=SC2317,SC2016  # Postfix expands it
	postfix_master_cf()
	{
		mail_master_cf | sed '/^smtp .*/a\  -o smtpd_data_restrictions=$ask -o smtpd_end_of_data_restrictions=$ask'
	}
	postfix_start 'message_size_limit = 0' 'mailbox_size_limit = 0' 'virtual_mailbox_limit = 0' \
		"ask = $MAIL_SERVICE" "ask_two = $MAIL_SERVICE_TWO" "$@" || return
	wait_until 15 postfix_listens 2506
}

# mail PORT SOURCE [SWAKS ARGUMENT]...: sends one message; prints the replies that refused something, or "queued".
mail()
{
	local port=$1 source=$2
	shift 2
	in_clients timeout 30 swaks --server "$LAB_HOST" --port "$port" --local-interface "$source" --helo client.example \
		--from sender@example.org --to box@lab.example "$@" 2>&1 </dev/null |
		awk '/^<\*\* /   { sub(/^<\*\* */, ""); print; refused = 1 }
		     /^<-  250 2\.0\.0 Ok: queued/ { print "queued" }
		     /^\*\*\* /  { print; refused = 1 }'
}

# mails COUNT PORT SOURCE [SWAKS ARGUMENT]...: how many of so many are queued.
mails()
{
	local count=$1 i queued=0
	shift
	for ((i = 0; i < count; i++)); do
		[ "$(mail "$@")" != queued ] || queued=$((queued + 1))
	done
	echo "$queued"
}

decisions()
{
	metric "synanvil_policy_decisions_total{action=\"$1\",reason=\"$2\"}"
}

# body BYTES: the argument for a body that makes a message larger than that.
body()
{
	head -c "$1" /dev/zero | tr '\0' x | fold -w 70
}
