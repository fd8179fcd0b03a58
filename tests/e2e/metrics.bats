#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The metrics page: well formed, equal to what the CLI says, stored by a real Prometheus, and cheap.

load helpers

setup_file()
{
	file_lab curl || return 0
	lab_banner 25 587
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

some_traffic()
{
	greeted 5 12 10.1.0.5
	greeted 5 5 2001:db8:1::1 "$LAB_HOST6" 587
	greeted 8 8 10.3.0.1
	synanvil block add 10.9.0.0/16
	greeted 0 3 10.9.0.1
}

with_traffic()
{
	agent_with 'smtpd_client_connection_rate_limit = 5' 'protected_ports = 25, 587' 'mynetworks = 10.3.0.0/16'
	some_traffic
}

@test "promtool finds nothing to say about the live page" {
	requires promtool
	with_traffic
	in_mail curl -sf http://127.0.0.1:9925/metrics >"$BATS_TEST_TMPDIR/page"
	ok promtool check metrics <"$BATS_TEST_TMPDIR/page"
	equals "" "$output" "promtool's remarks"
	! grep -E '10\.1\.0\.5|2001:db8' "$BATS_TEST_TMPDIR/page"
}

@test "the page has every name that users rely on, and known label sets start at 0" {
	local name
	agent_with 'protected_ports = 25, 587'
	in_mail curl -sf http://127.0.0.1:9925/metrics >"$BATS_TEST_TMPDIR/page"
	for name in synanvil_sources synanvil_sources_capacity synanvil_source_inserts_total synanvil_exceptions \
		synanvil_blocks synanvil_events_lost_total synanvil_config_last_reload_successful \
		synanvil_config_last_reload_success_timestamp_seconds process_cpu_seconds_total \
		process_resident_memory_bytes process_open_fds process_start_time_seconds; do
		grep -q "^$name " "$BATS_TEST_TMPDIR/page" || { echo "missing: $name"; return 1; }
	done
	grep -q '^synanvil_build_info{version="[^"]*"} 1$' "$BATS_TEST_TMPDIR/page"
	grep -q '^synanvil_unparsed_packets_total{interface="m0"} 0$' "$BATS_TEST_TMPDIR/page"
	for name in 'action="pass",reason="within_limit"' 'action="pass",reason="exempt"' 'action="drop",reason="rate"' \
		'action="drop",reason="blocked"' 'action="would_drop",reason="rate"'; do
		equals 0 "$(metric "synanvil_syn_packets_total{interface=\"m0\",service=\"587\",family=\"ipv6\",$name}")" "$name"
	done
}

@test "GET /metrics and nothing else" {
	agent_with
	equals 200 "$(in_mail curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:9925/metrics)" "GET /metrics"
	equals 404 "$(in_mail curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:9925/other)" "GET /other"
	[[ $(in_mail curl -s -o /dev/null -w '%{http_code}' -X POST http://127.0.0.1:9925/metrics) == 4* ]]
	[[ $(in_mail curl -s -o /dev/null -w '%{content_type}' http://127.0.0.1:9925/metrics) == 'text/plain; version=0.0.4'* ]]
}

@test "an empty metrics_listen turns it off" {
	agent_with 'metrics_listen ='
	run in_mail curl -s --max-time 2 http://127.0.0.1:9925/metrics
	equals 7 "$status" "curl's status for a refused connection"
}

prometheus_query()
{
	in_mail curl -sfG --max-time 5 http://127.0.0.1:9090/api/v1/query --data-urlencode "query=$1" |
		jq -r '.data.result[0].value[1]'
}

prometheus_says()
{
	[ "$(prometheus_query "$1")" = "$2" ]
}

@test "a real Prometheus stores what the CLI says" {
	local action reason value
	requires prometheus
	with_traffic
	cat >"$BATS_TEST_TMPDIR/prometheus.yml" <<-'END'
		global: { scrape_interval: 1s, scrape_timeout: 1s }
		scrape_configs:
		  - job_name: synanvil
		    static_configs: [ { targets: [ "127.0.0.1:9925" ] } ]
	END
	exec_in_mail prometheus --config.file="$BATS_TEST_TMPDIR/prometheus.yml" --storage.tsdb.path="$BATS_TEST_TMPDIR/tsdb" \
		--web.listen-address=127.0.0.1:9090 --log.level=warn >"$BATS_TEST_TMPDIR/prometheus.log" 2>&1 3>&- </dev/null &
	PROMETHEUS=$!
	wait_until 30 prometheus_says 'up{job="synanvil"}' 1
	for reason in pass:within_limit pass:exempt drop:rate drop:blocked would_drop:rate; do
		action=${reason%%:*}
		value=$(syn_packets "$action" "${reason##*:}")
		wait_until 10 prometheus_says "sum(synanvil_syn_packets_total{action=\"$action\",reason=\"${reason##*:}\"})" "$value" || {
			echo "$reason: want $value, stored $(prometheus_query "sum(synanvil_syn_packets_total{action=\"$action\",reason=\"${reason##*:}\"})")"
			return 1
		}
	done
	wait_until 10 prometheus_says synanvil_blocks "$(json .blocks status)"
	wait_until 10 prometheus_says synanvil_exceptions "$(json .exceptions status)"
	wait_until 10 prometheus_says synanvil_sources_capacity "$(json .sources.capacity status)"
	equals 10 "$(syn_packets pass within_limit)" "passed"
	equals 7 "$(syn_packets drop rate)" "dropped"
	equals 3 "$(syn_packets drop blocked)" "blocked"
}

# The agent's processor time for 300 scrapes, in ticks of the scheduler: the wall's clock would measure the machine.
cost_of_scrapes()
{
	local before after i
	before=$(awk '{ print $14 + $15 }' "/proc/$LAB_AGENT/stat")
	for ((i = 0; i < 300; i++)); do echo 'url = http://127.0.0.1:9925/metrics'; done | in_mail curl -sf -K - >/dev/null
	after=$(awk '{ print $14 + $15 }' "/proc/$LAB_AGENT/stat")
	echo $((after - before))
}

swept()
{
	[ "$(json .sources.tracked status)" -ge "$1" ]
}

@test "with a million sources a scrape costs what it costs with ten, and top --once answers within 50 ms" {
	local few many began best=1000000 took i
	agent_with 'source_table_size = 1300000' 'smtpd_client_connection_rate_limit = 30' 'enforcement = monitor' \
		'anvil_rate_time_unit = 600s'
	greeted 10 10 10.1.0.5
	wait_until 20 swept 1
	few=$(cost_of_scrapes)
	ok lab_flood -q -n 1000000 -s 11.0.0.0 -a 1000000 "$LAB_HOST" 587
	ok lab_flood -q -n 1000000 -s 11.0.0.0 -a 1000000 "$LAB_HOST" 25
	wait_until 30 swept 1000000
	many=$(cost_of_scrapes)
	echo "300 scrapes: $few ticks with ten sources, $many with a million"
	at_most $((2 * few + 10)) "$many" "ticks"
	for ((i = 0; i < 10; i++)); do
		began=$(date +%s%N)
		ok synanvil top --once
		took=$((($(date +%s%N) - began) / 1000000))
		((took >= best)) || best=$took
	done
	echo "top --once: $best ms, nsenter and the shell included"
	at_most 50 "$best" "milliseconds"
	at_most 10 "$(json .age_seconds top | cut -d. -f1)" "age of the sweep"
}
