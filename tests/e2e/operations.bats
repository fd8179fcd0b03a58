#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What operators load into other programs: alert rules and the dashboard, against real ones.

load helpers

RULES=$LAB_ROOT/deploy/prometheus/synanvil.rules.yml
DASHBOARD=$LAB_ROOT/deploy/grafana/synanvil.json
CASES=$LAB_ROOT/tests/operations

setup_file()
{
	file_lab curl prometheus promtool || return 0
}

teardown_file()
{
	file_lab_down
}

setup()
{
	file_ready
}

teardown()
{
	[ -z "${PROMETHEUS:-}" ] || kill "$PROMETHEUS"
	agent_teardown
}

alerts()
{
	sed -n 's/^ *- alert: //p' "$RULES"
}

# cases ALERT: how many of its cases expect it to fire, and how many expect nothing, outside of the cases that fire.
cases()
{
	awk -v alert="$1" '
		/- interval:/ { quiet += seen && !fires; fire += fires; seen = fires = 0 }
		/alertname:/ { mine = $2 == alert; seen += mine }
		/exp_alerts:$/ { fires += mine }
		END { quiet += seen && !fires; fire += fires; print fire + 0, quiet + 0 }' "$CASES"/*_test.yml
}

@test "the alert rules are valid, and fire when they should and only then" {
	ok promtool check rules "$RULES"
	ok promtool test rules "$CASES"/*_test.yml
}

@test "each alert has a case in which it fires and one in which it does not, and a section in the manual of operation" {
	local alert fire quiet
	at_least 8 "$(alerts | wc -l)" "alerts"
	while read -r alert; do
		read -r fire quiet < <(cases "$alert")
		at_least 1 "$fire" "cases in which $alert fires"
		at_least 1 "$quiet" "cases in which $alert does not fire"
		grep -q "^### $alert\$" "$LAB_ROOT/docs/operations.md" || { echo "docs/operations.md does not explain $alert"; return 1; }
	done < <(alerts)
}

# TITLE <tab> QUERY of each target, as Grafana would ask it.
panel_queries()
{
	jq -r '.panels[] | select(.type != "row") | .title as $title | .targets[] | "\($title)\t\(.expr)"' "$DASHBOARD" |
		sed -e 's/\$instance/.*/g' -e 's/\$__rate_interval/60s/g'
}

@test "every panel of the dashboard asks something, and only for metrics that the page has" {
	local name
	agent_with 'smtpd_client_connection_rate_limit = 5'
	equals 0 "$(jq '[.panels[] | select(.type != "row") | select((.targets | length) == 0)] | length' "$DASHBOARD")" "empty panels"
	in_mail curl -sf http://127.0.0.1:9925/metrics | sed -n 's/^# TYPE \([^ ]*\) .*/\1/p' >"$BATS_TEST_TMPDIR/names"
	for name in $(panel_queries | cut -f2 | grep -oE '\b(synanvil|process)_[a-z_]+' | sort -u); do
		grep -qx -e "$name" -e "${name%_bucket}" "$BATS_TEST_TMPDIR/names" || {
			echo "no such metric: $name"
			return 1
		}
	done
	# And what the alerts ask for.
	for name in $(grep -oE '\bsynanvil_[a-z_]+' "$RULES" | sort -u); do
		grep -qx "$name" "$BATS_TEST_TMPDIR/names" || { echo "no such metric: $name"; return 1; }
	done
}

# Whether a query has an answer, with a number in it.
answered()
{
	local result
	result=$(in_mail curl -sfG --max-time 5 http://127.0.0.1:9090/api/v1/query --data-urlencode "query=$1" |
		jq '[.data.result[].value[1] | select(. != "NaN")] | length > 0')
	[ "$result" = true ]
}

policy_request()
{
	printf 'request=smtpd_access_policy\nprotocol_state=%s\nclient_address=%s\nserver_port=25\nsize=1000\nrecipient_count=1\ninstance=%s\n\n' \
		"$1" "$2" "$3" | in_mail nc -N -w 2 127.0.0.1 10725
}

@test "every panel's query has an answer from a real Prometheus that scraped a running agent" {
	local title query
	agent_with 'smtpd_client_connection_rate_limit = 5' 'mynetworks = 10.3.0.0/16' "queue_directory = $BATS_TEST_TMPDIR"
	lab_banner 25
	cat >"$BATS_TEST_TMPDIR/prometheus.yml" <<-END
		global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }
		rule_files: [ "$RULES" ]
		scrape_configs:
		  - job_name: synanvil
		    static_configs: [ { targets: [ "127.0.0.1:9925" ] } ]
	END
	exec_in_mail prometheus --config.file="$BATS_TEST_TMPDIR/prometheus.yml" --storage.tsdb.path="$BATS_TEST_TMPDIR/tsdb" \
		--web.listen-address=127.0.0.1:9090 --log.level=warn >"$BATS_TEST_TMPDIR/prometheus.log" 2>&1 3>&- </dev/null &
	PROMETHEUS=$!
	wait_until 30 answered 'synanvil_syn_packets_total'
	greeted 5 8 10.1.0.5
	policy_request DATA 10.1.0.5 a.1
	policy_request END-OF-MESSAGE 10.1.0.5 a.1
	while IFS=$'\t' read -r title query; do
		wait_until 20 answered "$query" || {
			echo "$title: no answer to $query"
			in_mail curl -sG http://127.0.0.1:9090/api/v1/query --data-urlencode "query=$query"
			return 1
		}
	done < <(panel_queries)
	# The rules were loaded by a server too, and none of them failed.
	equals 0 "$(in_mail curl -sf http://127.0.0.1:9090/api/v1/rules | jq '[.data.groups[].rules[] | select(.health == "err")] | length')" \
		"rules that fail"
}
