# SPDX-License-Identifier: GPL-2.0-or-later
#
# make help lists the targets. Everything that is built goes to $(BUILD); nothing is written beside the sources.

BUILD   ?= build
PREFIX  ?= /usr/local
DESTDIR ?=
V       ?= 0

VERSION := 0.1.0

CC      ?= gcc
CLANG   ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)

Q := $(if $(filter 1,$(V)),,@)
say = @$(if $(filter 1,$(V)),:,printf '  %-8s %s\n' $(1) $(2))

.DELETE_ON_ERROR:
.PRECIOUS: $(BUILD)/bpf/%.bpf.o
.SUFFIXES:
.PHONY: all help check check-bpf check-e2e check-package check-system soak bench-memory coverage fuzz lint bench bench-mx bench-milter \
	bench-policy install clean

all: $(BUILD)/synanvild $(BUILD)/synanvil $(BUILD)/synanvil-milter $(BUILD)/synanvil-spf

help:
	@echo 'make            build synanvild, synanvil and synanvil-milter into $(BUILD)/'
	@echo 'make check      unit tests under ASan and UBSan; needs no root'
	@echo 'make check-bpf  the packet path through BPF_PROG_TEST_RUN; needs root'
	@echo 'make check-e2e  namespaces, real Postfix, real Prometheus; needs root'
	@echo 'make check-package  the Debian package: reproducible, clean, hardened, purged; needs root'
	@echo 'make check-system   the package on a Debian of its own, under systemd; needs root and a Debian mirror'
	@echo 'make fuzz       every parser, FUZZ_SECONDS (default 30) each'
	@echo 'make lint       format, clang-tidy, cppcheck, shellcheck, mandoc, layering rules'
	@echo 'make bench      cost of the decision and of the whole path; needs root'
	@echo 'make bench-connections  cost of counting live connections; needs root'
	@echo 'make bench-memory   memory of the agent with a million sources and 100,000 exceptions; needs root'
	@echo 'make coverage   share of lines of agent/ that unit and end-to-end tests reach, at least $(COVERAGE_MIN) %; needs root'
	@echo 'make soak       the agent under attack itself, SOAK_SECONDS (default 600); needs root'
	@echo 'make bench-mx   mail through real Postfix under a botnet; needs root'
	@echo 'make bench-policy  requests of the policy service, against a null server and postfwd; needs root'
	@echo 'make bench-milter  mail through real Postfix with and without the milter; needs root'
	@echo 'make documents  sample configuration and manual of the parameters, anew from their table'
	@echo 'make install    PREFIX=$(PREFIX) DESTDIR='
	@echo 'make deb        Debian packages, into $(BUILD)/deb'

# --- what belongs to which program -----------------------------------------------------------------------------------
# A file is in a program because somebody wrote it here.

COMMON := \
	agent/common/config.c \
	agent/common/config_check.c \
	agent/common/config_check_lists.c \
	agent/common/config_check_milter.c \
	agent/common/config_check_policy.c \
	agent/common/config_check_policy_options.c \
	agent/common/config_check_postfix.c \
	agent/common/config_check_sizes.c \
	agent/common/config_cidr.c \
	agent/common/config_endpoint.c \
	agent/common/config_exempts.c \
	agent/common/config_expand.c \
	agent/common/config_file.c \
	agent/common/config_lines.c \
	agent/common/config_listeners.c \
	agent/common/config_lists.c \
	agent/common/config_master.c \
	agent/common/config_milter.c \
	agent/common/config_postfix.c \
	agent/common/config_postfix_interfaces.c \
	agent/common/config_postfix_ports.c \
	agent/common/config_postfix_proxy.c \
	agent/common/config_postfix_rows.c \
	agent/common/config_postfix_xclient.c \
	agent/common/config_region.c \
	agent/common/config_relation.c \
	agent/common/config_scope.c \
	agent/common/config_services.c \
	agent/common/config_settings.c \
	agent/common/config_stale.c \
	agent/common/config_store.c \
	agent/common/config_table.c \
	agent/common/config_tables.c \
	agent/common/config_texts.c \
	agent/common/config_words.c \
	agent/common/control_client.c \
	agent/common/control_protocol.c \
	agent/common/log.c \
	agent/common/milter_report.c \
	agent/common/mono.c \
	agent/common/parse.c \
	agent/common/prefix.c \
	agent/common/report.c \

DAEMON := \
	agent/daemon/abi_hash.c \
	agent/daemon/advice.c \
	agent/daemon/attachment.c \
	agent/daemon/bpf_object.c \
	agent/daemon/client_match.c \
	agent/daemon/client_networks.c \
	agent/daemon/configuration.c \
	agent/daemon/connection_match.c \
	agent/daemon/connection_program.c \
	agent/daemon/connections_source.c \
	agent/daemon/connections_pass.c \
	agent/daemon/connections_sync.c \
	agent/daemon/control_arguments.c \
	agent/daemon/control_commands.c \
	agent/daemon/control_server.c \
	agent/daemon/control_socket.c \
	agent/daemon/cookie_set.c \
	agent/daemon/daemon.c \
	agent/daemon/decide.c \
	agent/daemon/descriptors.c \
	agent/daemon/digest.c \
	agent/daemon/event_loop.c \
	agent/daemon/events.c \
	agent/daemon/evidence.c \
	agent/daemon/filter.c \
	agent/daemon/heap.c \
	agent/daemon/histogram.c \
	agent/daemon/history.c \
	agent/daemon/http_request.c \
	agent/daemon/interfaces.c \
	agent/daemon/link_watch.c \
	agent/daemon/listing.c \
	agent/daemon/lru_table.c \
	agent/daemon/main.c \
	agent/daemon/metrics_family.c \
	agent/daemon/metrics_format.c \
	agent/daemon/metrics_policy.c \
	agent/daemon/metrics_requests.c \
	agent/daemon/metrics_server.c \
	agent/daemon/milter_reports.c \
	agent/daemon/milter_store.c \
	agent/daemon/milter_totals.c \
	agent/daemon/outcomes.c \
	agent/daemon/peaks.c \
	agent/daemon/name_lookup.c \
	agent/daemon/pins.c \
	agent/daemon/policy.c \
	agent/daemon/policy_block.c \
	agent/daemon/policy_complaint.c \
	agent/daemon/policy_conclude.c \
	agent/daemon/policy_counters.c \
	agent/daemon/policy_gather.c \
	agent/daemon/policy_handover.c \
	agent/daemon/policy_handover_file.c \
	agent/daemon/policy_listener.c \
	agent/daemon/policy_names.c \
	agent/daemon/policy_protocol.c \
	agent/daemon/policy_server.c \
	agent/daemon/policy_service.c \
	agent/daemon/policy_session.c \
	agent/daemon/privileges.c \
	agent/daemon/process_stats.c \
	agent/daemon/queue_space.c \
	agent/daemon/reload.c \
	agent/daemon/rule_set.c \
	agent/daemon/root_cgroup.c \
	agent/daemon/rule_tries.c \
	agent/daemon/rules.c \
	agent/common/service_manager.c \
	agent/daemon/service_names.c \
	agent/daemon/session.c \
	agent/daemon/session_room.c \
	agent/daemon/settings.c \
	agent/daemon/show.c \
	agent/daemon/sock_diag.c \
	agent/daemon/sock_diag_message.c \
	agent/daemon/socket_directory.c \
	agent/daemon/socket_owner.c \
	agent/daemon/source_counts.c \
	agent/daemon/state.c \
	agent/daemon/state_file.c \
	agent/daemon/state_store.c \
	agent/daemon/stats.c \
	agent/daemon/sweep.c \
	agent/daemon/system_calls.c \
	agent/daemon/tables.c \
	agent/daemon/tables_connections.c \
	agent/daemon/tables_homes.c \
	agent/daemon/tables_read.c \
	agent/daemon/tcp_listener.c \
	agent/daemon/tick.c \
	agent/daemon/time_text.c \
	agent/daemon/top.c \
	agent/daemon/unix_listener.c \
	agent/daemon/views.c \
	agent/daemon/views_advice.c \
	agent/daemon/views_lists.c \
	agent/daemon/watchdog.c \

CLI := \
	agent/cli/ask.c \
	agent/cli/cli.c \
	agent/cli/command_line.c \
	agent/cli/command_table.c \
	agent/cli/commands_agent.c \
	agent/cli/commands_local.c \
	agent/cli/commands_rules.c \
	agent/cli/completion.c \
	agent/cli/detach.c \
	agent/cli/help.c \
	agent/cli/main.c \
	agent/cli/output_json.c \
	agent/cli/output_text.c \
	agent/cli/output_text_advise.c \
	agent/cli/output_text_config.c \
	agent/cli/output_text_show.c \
	agent/cli/output_text_status.c \
	agent/cli/text_form.c \
	agent/cli/text_table.c \
	agent/cli/text_value.c \
	agent/cli/top_live.c \

MILTER := \
	agent/milter/agent_reports.c \
	agent/milter/header_cut.c \
	agent/milter/header_message.c \
	agent/milter/header_names.c \
	agent/milter/header_rules.c \
	agent/milter/log_share.c \
	agent/milter/mail_filter.c \
	agent/milter/main.c \
	agent/milter/message_counts.c \
	agent/milter/milter_sockets.c \
	agent/milter/notice.c \
	agent/milter/probe.c \
	agent/milter/processes.c \
	agent/milter/supervision.c \
	agent/milter/unprivileged.c \
	agent/common/service_manager.c \

SPF := \
	agent/spf/main.c \
	agent/spf/spf_dns.c \
	agent/spf/spf_expand.c \
	agent/spf/spf_list.c \
	agent/spf/spf_networks.c \
	agent/spf/spf_record.c \
	agent/common/log.c \
	agent/common/mono.c \
	agent/common/parse.c \
	agent/common/prefix.c \

# --- flags ------------------------------------------------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes -Wshadow -Wconversion \
	-Wno-sign-conversion -Wformat=2 -Wvla -Wimplicit-fallthrough
CPPFLAGS += -Iinclude -Iagent/common -I$(BUILD)/gen -D_GNU_SOURCE -DSYNANVIL_VERSION='"$(VERSION)"'
CFLAGS   ?= -O2 -g
CFLAGS   += -std=gnu17 $(WARNINGS) -fstack-protector-strong -fPIE
HARDEN   := -pie -Wl,-z,relro,-z,now
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

PKGS_COMMON := jansson
PKGS_DAEMON := libbpf libmnl libevent libcap-ng libseccomp libsystemd
PKGS_CLI    := ncursesw
PKGS_MILTER := libcap-ng libsystemd
LIBS_MILTER  = $(call pkg_libs,$(PKGS_MILTER)) -lmilter -pthread
PKGS_SPF    := libunbound
pkg_cflags   = $(shell pkg-config --cflags $(1))
pkg_libs     = $(shell pkg-config --libs $(1))

BPF_CFLAGS := -target bpf -mcpu=v3 -O2 -g -std=gnu17 -Wall -Wextra -Werror -Iinclude -ffile-prefix-map=$(CURDIR)=. \
	-I/usr/include/$(shell $(CC) -print-multiarch)

# --- packet path --------------------------------------------------------------------------------------------------------

$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c
	$(call say,BPF,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c $< -o $@

# The packet path once more, for agents without CAP_PERFMON (bpf/speculation.bpf.h).
$(BUILD)/bpf/checked.bpf.o: bpf/synanvil.bpf.c
	$(call say,BPF,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -DSPECULATION_IS_CHECKED=1 -mllvm -no-stack-slot-sharing \
		-mllvm -unroll-threshold=100000 -MMD -MP -c $< -o $@

$(BUILD)/gen/%.skel.h: $(BUILD)/bpf/%.bpf.o
	$(call say,SKEL,$@)
	@mkdir -p $(@D)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

# --- programs -----------------------------------------------------------------------------------------------------------

objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

$(BUILD)/obj/agent/daemon/%.o: agent/daemon/%.c $(addprefix $(BUILD)/gen/,synanvil.skel.h checked.skel.h tick.skel.h connections.skel.h)
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(call pkg_cflags,$(PKGS_COMMON) $(PKGS_DAEMON)) -MMD -MP -c $< -o $@

$(BUILD)/obj/%.o: %.c
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(call pkg_cflags,$(PKGS_COMMON)) -MMD -MP -c $< -o $@

# Named here too: make prefers a pattern rule that needs no intermediate file, unless that file is named somewhere.
$(BUILD)/synanvild: | $(addprefix $(BUILD)/gen/,synanvil.skel.h checked.skel.h tick.skel.h connections.skel.h)
$(BUILD)/synanvild: $(call objects,$(COMMON) $(DAEMON))
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(HARDEN) $^ $(call pkg_libs,$(PKGS_COMMON) $(PKGS_DAEMON)) -o $@

$(BUILD)/synanvil: $(call objects,$(COMMON) $(CLI))
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(HARDEN) $^ $(call pkg_libs,$(PKGS_COMMON) $(PKGS_CLI)) -lbpf -lelf -o $@

$(BUILD)/synanvil-milter: $(call objects,$(COMMON) $(MILTER))
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(HARDEN) $^ $(call pkg_libs,$(PKGS_COMMON)) $(LIBS_MILTER) -o $@

$(BUILD)/synanvil-spf: $(call objects,$(SPF))
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(HARDEN) $^ $(call pkg_libs,$(PKGS_SPF)) -o $@

# --- documents that follow from the parameter table ---------------------------------------------------------------------
# Their results are committed; a test says when they are out of date.

DOCUMENTS := $(addprefix agent/documents/,texts.c manual.c sample.c)

$(BUILD)/documents: agent/documents/main.c $(DOCUMENTS) $(wildcard agent/documents/*.h) \
		$(addprefix agent/common/,config_table.c config_table.h log.c mono.c)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(filter %.c,$^) $(HARDEN) -o $@

.PHONY: documents
documents: $(BUILD)/documents
	$(Q)$< sample > deploy/synanvil.cf
	$(Q)$< manual > $(BUILD)/parameters.mdoc
	$(Q)sed -i -e '/^\.\\" begin parameters/,/^\.\\" end parameters/{/parameters/!d}' \
		-e '/^\.\\" begin parameters/r $(BUILD)/parameters.mdoc' docs/synanvil.cf.5

# --- unit tests and fuzz targets ----------------------------------------------------------------------------------------
# UNIT_x lists the sources that tests/unit/test_x.c is linked with; FUZZ_x those of tests/fuzz/fuzz_x.c. Nothing else is.

HEADERS := $(wildcard include/synanvil/* agent/*/*.h tests/*/*.h)

.SECONDEXPANSION:

UNITS   :=
FUZZERS :=
CONFIG_SOURCES := $(filter agent/common/config%,$(COMMON)) \
	$(addprefix agent/common/,log.c parse.c prefix.c report.c)

UNITS += prefix parse config_expand config_lists config config_check config_documents report config_bounds postfix_numbers postfix_tables postfix_values postfix_random
UNIT_prefix := agent/common/prefix.c agent/common/parse.c
UNIT_parse := agent/common/parse.c
UNIT_config_expand := $(CONFIG_SOURCES)
UNIT_config_lists := $(CONFIG_SOURCES)
UNIT_config := $(CONFIG_SOURCES)
UNIT_config_check := $(CONFIG_SOURCES)
UNITS += check_golden config_postfix config_stale postfix_exempt
UNIT_config_postfix := $(CONFIG_SOURCES)
UNIT_config_stale := $(CONFIG_SOURCES)
UNIT_postfix_exempt := $(CONFIG_SOURCES)
UNIT_check_golden := $(CONFIG_SOURCES)
UNIT_config_documents := $(CONFIG_SOURCES) $(DOCUMENTS)
UNIT_config_bounds := $(CONFIG_SOURCES)
UNIT_postfix_numbers := agent/common/parse.c
UNIT_postfix_tables := $(CONFIG_SOURCES)
UNIT_postfix_values := $(CONFIG_SOURCES)
UNIT_postfix_random := $(CONFIG_SOURCES)
UNIT_report := agent/common/report.c agent/common/log.c agent/common/mono.c
FUZZERS += prefix config
FUZZ_prefix := agent/common/prefix.c agent/common/parse.c
FUZZ_config := $(CONFIG_SOURCES)

FUZZ_SECONDS ?= 30

UNITS += control_protocol cli_answers cli_command_line cli_detach cli_local cli_output cli_run
UNIT_control_protocol := agent/common/control_protocol.c
UNIT_cli_command_line := agent/cli/command_line.c agent/cli/command_table.c agent/cli/completion.c agent/cli/help.c
UNIT_cli_output := $(filter agent/cli/output% agent/cli/text_%,$(CLI)) agent/common/log.c agent/common/report.c
UNIT_cli_run := $(COMMON) $(filter-out agent/cli/main.c,$(CLI))
UNIT_LIBS_cli_run := $(call pkg_libs,$(PKGS_CLI)) -lbpf -lelf
UNIT_cli_answers := $(UNIT_cli_run)
UNIT_LIBS_cli_answers := $(UNIT_LIBS_cli_run)
UNIT_cli_detach := $(UNIT_cli_run)
UNIT_LIBS_cli_detach := $(UNIT_LIBS_cli_run)
UNIT_cli_local := $(UNIT_cli_run)
UNIT_LIBS_cli_local := $(UNIT_LIBS_cli_run)
UNITS += settings tables tick filter
UNIT_filter := agent/daemon/filter.c agent/common/prefix.c agent/common/parse.c
UNIT_tick := agent/daemon/tick.c
UNIT_LIBS_tick := -lbpf

$(BUILD)/unit/test_tick: $(BUILD)/gen/tick.skel.h

UNIT_settings := agent/daemon/settings.c agent/common/prefix.c agent/common/parse.c
UNITS += session
UNIT_session := $(addprefix agent/daemon/,session.c session_room.c)
UNIT_LIBS_session := $(call pkg_libs,libevent)
UNITS += unix_listener
UNIT_unix_listener := agent/daemon/unix_listener.c
UNIT_LIBS_unix_listener := -Wl,--wrap=bind
UNITS += system_calls
UNIT_system_calls := agent/daemon/system_calls.c
UNIT_LIBS_system_calls := $(call pkg_libs,libseccomp)
UNITS += abi_hash
UNIT_abi_hash := agent/daemon/abi_hash.c
UNIT_LIBS_abi_hash := -lbpf -lelf
$(BUILD)/unit/test_abi_hash: $(BUILD)/gen/synanvil.skel.h $(BUILD)/gen/checked.skel.h
UNIT_tables := agent/daemon/tables.c agent/daemon/filter.c agent/common/prefix.c agent/common/parse.c
UNITS += rules state events sweep stats control_server control_commands metrics_server
UNIT_rules := agent/daemon/rules.c agent/daemon/rule_set.c agent/common/prefix.c agent/common/parse.c
STATE_SOURCES := $(addprefix agent/daemon/,state.c state_file.c state_store.c rule_set.c rule_tries.c rules.c) \
	$(addprefix agent/common/,prefix.c parse.c mono.c log.c)
UNIT_state := $(STATE_SOURCES) tests/unit/tables_double.c
UNIT_LIBS_state := $(call pkg_libs,libevent)
UNIT_control_server := $(COMMON) $(filter agent/daemon/control_% agent/daemon/heap% agent/daemon/state% agent/daemon/rule% agent/daemon/views%,$(DAEMON)) \
	$(addprefix agent/daemon/,advice.c connections_source.c decide.c evidence.c history.c http_request.c listing.c metrics_family.c histogram.c metrics_format.c metrics_policy.c metrics_requests.c metrics_server.c milter_totals.c policy_names.c outcomes.c peaks.c process_stats.c \
	service_names.c session.c session_room.c settings.c show.c stats.c name_lookup.c tcp_listener.c time_text.c top.c unix_listener.c) \
	tests/unit/tables_double.c tests/unit/agent_double.c
UNIT_LIBS_control_server := $(call pkg_libs,libevent)
UNIT_control_commands := $(UNIT_control_server)
UNIT_LIBS_control_commands := $(UNIT_LIBS_control_server)
UNITS += listing
UNIT_listing := $(UNIT_control_server)
UNIT_LIBS_listing := $(UNIT_LIBS_control_server)
UNIT_metrics_server := $(UNIT_control_server)
UNIT_LIBS_metrics_server := $(UNIT_LIBS_control_server)
UNIT_events := $(addprefix agent/daemon/,decide.c history.c outcomes.c service_names.c settings.c time_text.c) \
	agent/common/prefix.c agent/common/parse.c
EVIDENCE_SOURCES := $(addprefix agent/daemon/,advice.c evidence.c peaks.c top.c)
UNIT_sweep := agent/daemon/sweep.c agent/daemon/source_counts.c $(EVIDENCE_SOURCES) agent/common/mono.c agent/common/log.c tests/unit/tables_double.c
UNIT_LIBS_sweep := $(call pkg_libs,libevent)
UNIT_stats := $(addprefix agent/daemon/,connections_source.c stats.c outcomes.c decide.c metrics_family.c histogram.c metrics_format.c metrics_policy.c metrics_requests.c policy_names.c process_stats.c http_request.c settings.c) \
	agent/common/prefix.c agent/common/parse.c tests/unit/tables_double.c agent/common/milter_report.c
UNITS += decide queue_space client_match lru_table
UNIT_decide := agent/daemon/decide.c agent/common/prefix.c agent/common/parse.c
UNIT_queue_space := agent/daemon/queue_space.c
UNIT_client_match := agent/daemon/client_match.c agent/daemon/client_networks.c agent/common/prefix.c agent/common/parse.c
UNITS += policy policy_block policy_evidence policy_messages policy_restart
UNIT_policy_evidence = $(UNIT_policy)
UNIT_LIBS_policy_evidence = $(UNIT_LIBS_policy)
UNIT_policy := $(addprefix agent/daemon/,policy.c policy_block.c policy_conclude.c policy_counters.c policy_gather.c \
	policy_handover.c policy_handover_file.c client_match.c client_networks.c decide.c digest.c lru_table.c queue_space.c service_names.c \
	settings.c) $(EVIDENCE_SOURCES) $(addprefix agent/common/,log.c mono.c parse.c prefix.c)
UNIT_LIBS_policy := $(call pkg_libs,libevent)
UNIT_policy_block := $(UNIT_policy)
UNIT_LIBS_policy_block := $(UNIT_LIBS_policy)
UNIT_policy_messages := $(UNIT_policy)
UNIT_LIBS_policy_messages := $(UNIT_LIBS_policy)
UNIT_policy_restart := $(UNIT_policy)
UNIT_LIBS_policy_restart := $(UNIT_LIBS_policy)
UNITS += socket_owner
UNIT_socket_owner := agent/daemon/socket_owner.c agent/common/prefix.c agent/common/parse.c
UNIT_LIBS_socket_owner := $(call pkg_libs,libmnl)
FUZZERS += policy_handover
FUZZ_policy_handover := $(addprefix agent/daemon/,policy_handover.c policy_counters.c lru_table.c digest.c decide.c) \
	agent/common/prefix.c agent/common/parse.c
UNIT_lru_table := agent/daemon/lru_table.c agent/daemon/digest.c agent/common/prefix.c agent/common/parse.c
UNITS += advice evidence
UNIT_advice := agent/daemon/advice.c
UNIT_evidence := $(EVIDENCE_SOURCES)
FUZZERS += state http
UNITS += live homes connections cookie_set sock_diag root_cgroup
UNIT_LIBS_live := -pthread
UNIT_connections := $(addprefix agent/daemon/,connections_sync.c connections_pass.c connections_source.c connection_match.c cookie_set.c) \
	agent/common/log.c agent/common/mono.c tests/unit/kernel_double.c tests/unit/tables_double.c
UNIT_LIBS_connections := $(call pkg_libs,libevent)
UNIT_cookie_set := agent/daemon/cookie_set.c
UNIT_root_cgroup := agent/daemon/root_cgroup.c
UNIT_sock_diag := agent/daemon/sock_diag_message.c agent/daemon/connection_match.c
UNIT_LIBS_sock_diag := $(call pkg_libs,libmnl)
FUZZERS += sock_diag
FUZZ_sock_diag := agent/daemon/sock_diag_message.c agent/daemon/connection_match.c
FUZZ_LIBS_sock_diag := $(call pkg_libs,libmnl)
FUZZ_state := agent/daemon/state_file.c agent/daemon/rule_set.c agent/common/prefix.c agent/common/parse.c
FUZZ_http := agent/daemon/http_request.c
POLICY_WIRE := $(addprefix agent/daemon/,policy_names.c policy_protocol.c policy_session.c) \
	agent/common/prefix.c agent/common/parse.c
UNITS += policy_protocol policy_session
UNIT_policy_protocol := $(POLICY_WIRE)
UNIT_policy_session := $(POLICY_WIRE)
UNITS += name_lookup
UNIT_name_lookup := agent/daemon/name_lookup.c agent/common/mono.c
UNIT_LIBS_name_lookup := -Wl,--wrap=getaddrinfo
UNITS += policy_server policy_listeners
UNIT_policy_listeners = $(UNIT_policy_server)
UNIT_LIBS_policy_listeners = $(UNIT_LIBS_policy_server)
UNIT_policy_server := $(POLICY_WIRE) $(addprefix agent/daemon/,histogram.c policy_complaint.c policy_listener.c policy_server.c \
	name_lookup.c tcp_listener.c unix_listener.c) agent/common/mono.c agent/common/log.c
UNIT_LIBS_policy_server := $(call pkg_libs,libevent)
FUZZERS += policy_protocol policy_session
FUZZ_policy_protocol := $(POLICY_WIRE)
FUZZ_policy_session := $(POLICY_WIRE)
UNITS += header_cut header_message milter_sockets milter_totals
UNIT_header_cut := agent/milter/header_cut.c
UNIT_header_message := $(addprefix agent/milter/,header_message.c header_cut.c header_names.c log_share.c)
UNIT_milter_sockets := agent/milter/milter_sockets.c $(CONFIG_SOURCES)
UNIT_LIBS_milter_sockets := -Wl,--wrap=bind
UNIT_milter_totals := $(CONFIG_SOURCES) $(addprefix agent/daemon/,milter_totals.c milter_store.c control_arguments.c) \
	$(addprefix agent/milter/,header_rules.c message_counts.c) agent/common/milter_report.c agent/common/mono.c
FUZZERS += header
FUZZ_header := $(addprefix agent/milter/,header_message.c header_cut.c header_names.c)
UNITS += spf_record spf_expand spf_list
SPF_SOURCES := $(filter-out %main.c %spf_dns.c %log.c %mono.c,$(SPF))
UNIT_spf_record := $(SPF_SOURCES)
UNIT_spf_expand := $(SPF_SOURCES) agent/spf/spf_dns.c agent/common/mono.c
UNIT_LIBS_spf_expand := $(call pkg_libs,$(PKGS_SPF))
UNIT_spf_list := $(SPF_SOURCES)
FUZZERS += spf
FUZZ_spf := $(SPF_SOURCES) agent/spf/spf_dns.c agent/common/mono.c
FUZZ_LIBS_spf := $(call pkg_libs,$(PKGS_SPF))
FUZZERS += control_protocol
FUZZ_control_protocol := agent/common/control_protocol.c

$(BUILD)/unit/test_%: tests/unit/test_%.c tests/unit/only.c $$(UNIT_$$*) $(HEADERS)
	$(call say,UNIT,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(filter-out -fPIE,$(CFLAGS)) $(SANITIZE) -Iagent/daemon -Iagent/cli -Iagent/milter -Iagent/spf -Iagent/documents \
		$(call pkg_cflags,$(PKGS_COMMON) $(PKGS_DAEMON) $(PKGS_CLI)) $< tests/unit/only.c $(UNIT_$*) $(call pkg_libs,cmocka $(PKGS_COMMON)) $(UNIT_LIBS_$*) -o $@

$(BUILD)/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $$(FUZZ_$$*) $(HEADERS)
	$(call say,FUZZ,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(CPPFLAGS) -std=gnu17 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		-Iagent/daemon -Iagent/cli -Iagent/milter -Iagent/spf $< $(FUZZ_$*) $(call pkg_libs,$(PKGS_COMMON)) \
		$(FUZZ_LIBS_$*) -o $@

check: $(addprefix $(BUILD)/unit/test_,$(UNITS))
	$(Q)tests/unit/run $^

fuzz: $(addprefix $(BUILD)/fuzz/fuzz_,$(FUZZERS))
	$(Q)tests/fuzz/run $(FUZZ_SECONDS) $^

# --- packet path under test ---------------------------------------------------------------------------------------------

BPF_TESTS := rows_ipv4 rows_ipv6 rows_services interfaces truncation random window repeats cpus monitor events \
	pressure rules places places_cpus openings connections homes
# What the build of the packet path for agents without CAP_PERFMON is held against too.
BPF_TESTS_CHECKED := rows_ipv4 rows_ipv6 rows_services interfaces truncation random window repeats cpus monitor events rules places places_cpus openings
BPF_LAB   := $(addprefix tests/bpf/,lab.c lab_clock.c lab_traffic.c lab_live.c lab_sockets.c packets.c oracle.c rows.c storms.c) agent/daemon/tables.c agent/daemon/filter.c agent/daemon/root_cgroup.c \
	agent/daemon/tables_connections.c agent/daemon/tables_homes.c agent/daemon/tables_read.c agent/daemon/tick.c agent/daemon/rules.c agent/common/prefix.c agent/common/parse.c

$(BUILD)/bpftest/storm.bpf.o: tests/bpf/storm.bpf.c tests/bpf/storm.h
	$(call say,BPF,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c $< -o $@

$(BUILD)/bpftest/entries.bpf.o: tests/bpf/entries.bpf.c tests/bpf/entries.h $(wildcard bpf/*.h include/synanvil/*.h)
	$(call say,BPF,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -Ibpf -c $< -o $@

$(addprefix $(BUILD)/bpftest/,entries.skel.h storm.skel.h): %.skel.h: %.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $(*F)_bpf > $@

$(BUILD)/bpftest/test_%: tests/bpf/test_%.c tests/unit/only.c $(BPF_LAB) $(wildcard tests/bpf/*.h) $(BUILD)/gen/synanvil.skel.h \
		$(BUILD)/gen/checked.skel.h $(BUILD)/gen/tick.skel.h $(BUILD)/gen/connections.skel.h $(addprefix $(BUILD)/bpftest/,entries.skel.h storm.skel.h)
	$(call say,BPFTEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(filter-out -fPIE,$(CFLAGS)) $(SANITIZE) -Iagent/daemon -Itests/bpf -I$(BUILD)/bpftest \
		-MMD -MP -MF $@.d $< tests/unit/only.c $(BPF_LAB) $(call pkg_libs,cmocka libbpf) -lelf -pthread -o $@

check-bpf: $(addprefix $(BUILD)/bpftest/test_,$(BPF_TESTS))
	$(Q)[ $$(id -u) = 0 ] || echo 'packet path: not root, so all of its tests are skipped'
	$(Q)tests/unit/run $^
	$(Q)echo 'the same, loaded without CAP_PERFMON:'
	$(Q)SYNANVIL_CHECKED=1 tests/unit/run $(addprefix $(BUILD)/bpftest/test_,$(BPF_TESTS_CHECKED))

# --- end to end ---------------------------------------------------------------------------------------------------------

E2E_TOOLS := $(addprefix $(BUILD)/e2e/,attempts banner connections crowd exempts frame-send foreign-xdp good milter-crowd \
	no-sockops.so old-kernel.so policy-crowd sessions syn-flood unfinished)

$(BUILD)/e2e/syn-flood.bpf.o: tests/e2e/tools/syn-flood.bpf.c
	$(call say,BPF,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/e2e/syn-flood.skel.h: $(BUILD)/e2e/syn-flood.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name syn_flood_bpf > $@

$(BUILD)/e2e/syn-flood: $(BUILD)/e2e/syn-flood.skel.h

$(BUILD)/e2e/exempts: tests/e2e/tools/exempts.c $(CONFIG_SOURCES) $(HEADERS)
	$(call say,TOOL,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $< $(CONFIG_SOURCES) $(HARDEN) -o $@

$(BUILD)/e2e/%.so: tests/e2e/tools/%.c
	$(call say,TOOL,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -fPIC -shared $< -o $@

$(BUILD)/e2e/crowd $(BUILD)/e2e/good: $(BUILD)/e2e/%: tests/soak/%.c tests/soak/endpoint.c tests/soak/endpoint.h
	$(call say,TOOL,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $< tests/soak/endpoint.c $(HARDEN) -o $@

$(BUILD)/e2e/%: tests/e2e/tools/%.c
	$(call say,TOOL,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -I$(BUILD)/e2e $(call pkg_cflags,libbpf) -MMD -MP -MF $@.d $< $(HARDEN) \
		$(call pkg_libs,libbpf) -o $@

.PHONY: e2e-tools
e2e-tools: $(E2E_TOOLS)

check-e2e: all e2e-tools
	$(Q)SYNANVIL_BUILD=$(abspath $(BUILD)) tests/e2e/run

check-package: all
	$(Q)SYNANVIL_BUILD=$(abspath $(BUILD)) tests/e2e/run tests/package/package.bats

# Some minutes, and the first time a download: not part of scripts/test.
check-system: all e2e-tools
	$(Q)SYNANVIL_BUILD=$(abspath $(BUILD)) tests/e2e/run tests/package/system.bats

# Lines of agent/ that the tests reach, counted in a build of its own: unit tests and end to end, or the targets that
# COVERAGE_OF names. What a killed agent had counted is lost, so the figure is a lower bound.
COVERAGE_OF  ?= check check-e2e
COVERAGE_MIN ?= 85
COVERAGE     := $(BUILD)/coverage

coverage:
	$(Q)rm -rf $(COVERAGE)
	$(Q)$(MAKE) BUILD=$(COVERAGE) CFLAGS='-O0 -g --coverage -fprofile-update=atomic' SANITIZE= all e2e-tools
	$(Q)# Tests run programs as other users, who count as well: in files that are there then, and that they may write.
	$(Q)for program in synanvild synanvil synanvil-milter synanvil-spf; do \
		$(COVERAGE)/$$program --help > /dev/null 2>&1 || :; \
	done
	$(Q)chmod -R a+rwX $(COVERAGE)
	$(Q)$(MAKE) BUILD=$(COVERAGE) CFLAGS='-O0 -g --coverage -fprofile-update=atomic' SANITIZE= $(COVERAGE_OF)
	$(Q)tests/coverage/report $(COVERAGE) $(COVERAGE_MIN)

# The agent under attack itself; figures on standard output.
SOAK_SECONDS     ?= 600
SOAK_CONNECTIONS ?= 10000

soak: all e2e-tools
	$(Q)SYNANVIL_BUILD=$(abspath $(BUILD)) tests/soak/run $(SOAK_SECONDS) $(SOAK_CONNECTIONS)

# Resident memory of the agent with a full table of sources and many exceptions.
bench-memory: all e2e-tools
	$(Q)SYNANVIL_BUILD=$(abspath $(BUILD)) tests/bench/memory.sh

# --- lint ---------------------------------------------------------------------------------------------------------------

lint: all
	$(Q)tests/lint/run $(BUILD)

# --- benchmarks ---------------------------------------------------------------------------------------------------------

$(BUILD)/bpf/%.bpf.o: tests/bench/%.bpf.c
	$(call say,BPF,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c $< -o $@

DECISION := $(addprefix tests/bench/,decision.c decision_contenders.c decision_pairs.c decision_run.c) \
	agent/daemon/tables.c agent/daemon/filter.c agent/daemon/tick.c agent/common/prefix.c agent/common/parse.c

$(BUILD)/bench/decision: $(DECISION) tests/bench/decision.h $(HEADERS) $(addprefix $(BUILD)/gen/,synanvil.skel.h tick.skel.h textbook.skel.h generator.skel.h)
	$(call say,BENCH,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(filter-out -Wconversion,$(CFLAGS)) -Iagent/daemon -Itests/bench $(DECISION) \
		$(call pkg_libs,libbpf jansson) -lpthread -o $@

.PHONY: bench-decision
bench: bench-decision bench-connections bench-path

bench-decision: $(BUILD)/bench/decision
	$(Q)$< $(BUILD)/bench/decision.json

# The whole path. path_drop is built once for each XDP contender, from that contender's own source.
$(BUILD)/bpf/path_drop_synanvil.bpf.o: PROGRAM := -DPROGRAM=synanvil -DPROGRAM_SOURCE='"bpf/synanvil.bpf.c"'
$(BUILD)/bpf/path_drop_textbook.bpf.o: PROGRAM := -DPROGRAM=textbook -DPROGRAM_SOURCE='"tests/bench/textbook.bpf.c"'
$(BUILD)/bpf/path_drop_%.bpf.o: tests/bench/path_drop.bpf.c
	$(call say,BPF,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -I. $(PROGRAM) -MMD -MP -c $< -o $@

PATH_BENCH := $(addprefix tests/bench/,path.c path_lab.c path_flood.c path_xdp.c path_netfilter.c path_report.c) \
	agent/daemon/tables.c agent/daemon/filter.c agent/daemon/tick.c agent/common/prefix.c agent/common/parse.c
PATH_SKELETONS := $(addprefix $(BUILD)/gen/,$(addsuffix .skel.h,synanvil tick textbook path_flood path_drop_synanvil \
	path_drop_textbook))

$(BUILD)/bench/path: $(PATH_BENCH) $(PATH_SKELETONS) $(HEADERS) tests/bench/path.h tests/bench/path_flood.h
	$(call say,BENCH,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -Iagent/daemon $(PATH_BENCH) $(HARDEN) \
		$(call pkg_libs,libbpf $(PKGS_COMMON)) -o $@

.PHONY: bench-path
bench-path: $(BUILD)/bench/path
	$(Q)SYNANVIL_BUILD=$(abspath $(BUILD)) tests/bench/path.sh

# Live connections.
CONNECTIONS_BENCH := tests/bench/connections.c tests/bench/raw_client.c agent/daemon/tick.c agent/daemon/root_cgroup.c

$(BUILD)/bench/connections: $(CONNECTIONS_BENCH) $(HEADERS) $(addprefix $(BUILD)/gen/,synanvil.skel.h connections.skel.h tick.skel.h)
	$(call say,BENCH,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -Iagent/daemon -Itests/bench $(CONNECTIONS_BENCH) $(HARDEN) $(call pkg_libs,libbpf) -o $@

.PHONY: bench-connections
bench-connections: $(BUILD)/bench/connections
	$(Q)$<

# Mail under a botnet.
$(BUILD)/bench/mx_botnet: tests/bench/mx_botnet.c
	$(call say,BENCH,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -MF $@.d $< $(HARDEN) -o $@

bench-mx: all $(BUILD)/bench/mx_botnet
	$(Q)SYNANVIL_BUILD=$(abspath $(BUILD)) tests/bench/mx.sh

# Policy requests.
$(BUILD)/bench/policy_%: tests/bench/policy_%.c
	$(call say,BENCH,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -MF $@.d $< $(HARDEN) -o $@

bench-policy: all $(addprefix $(BUILD)/bench/policy_,load null) $(BUILD)/e2e/syn-flood
	$(Q)SYNANVIL_BUILD=$(abspath $(BUILD)) tests/bench/policy.sh
# Mail with and without the milter.
$(BUILD)/bench/milter_%: tests/bench/milter_%.c
	$(call say,BENCH,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -MF $@.d $< $(HARDEN) -Wl,--as-needed -lmilter -o $@

bench-milter: all $(addprefix $(BUILD)/bench/milter_,null least)
	$(Q)SYNANVIL_BUILD=$(abspath $(BUILD)) tests/bench/milter.sh

# --- install ------------------------------------------------------------------------------------------------------------
# The configuration of a host is never overwritten.

SBINDIR   := $(PREFIX)/sbin
BINDIR    := $(PREFIX)/bin
MANDIR    := $(PREFIX)/share/man
UNITDIR   := $(if $(filter /usr,$(PREFIX)),/lib/systemd/system,$(PREFIX)/lib/systemd/system)
SYSUSERSDIR := $(PREFIX)/lib/sysusers.d
DATADIR   := $(PREFIX)/share/synanvil
SYSCONFDIR := /etc/synanvil
BASHDIR   := $(PREFIX)/share/bash-completion/completions
ZSHDIR    := $(PREFIX)/share/zsh/$(if $(filter /usr,$(PREFIX)),vendor-completions,site-functions)

install: all
	$(Q)install -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(BINDIR) $(DESTDIR)$(UNITDIR) $(DESTDIR)$(SYSCONFDIR) \
		$(DESTDIR)$(SYSUSERSDIR) $(DESTDIR)$(DATADIR) $(addprefix $(DESTDIR)$(MANDIR)/man,1 5 8)
	$(Q)install -m 755 $(BUILD)/synanvild $(BUILD)/synanvil-milter $(DESTDIR)$(SBINDIR)/
	$(Q)install -m 755 $(BUILD)/synanvil $(DESTDIR)$(BINDIR)/
	$(Q)install -m 755 $(BUILD)/synanvil-spf $(DESTDIR)$(SBINDIR)/
	$(Q)install -m 644 docs/synanvil-spf.8 $(DESTDIR)$(MANDIR)/man8/
	$(Q)mkdir -p $(BUILD)/install
	$(Q)for unit in synanvild synanvil-milter synanvil-spf; do \
		sed -e 's|@SBINDIR@|$(SBINDIR)|' -e 's|@BINDIR@|$(BINDIR)|' deploy/$$unit.service > $(BUILD)/install/$$unit.service && \
		install -m 644 $(BUILD)/install/$$unit.service $(DESTDIR)$(UNITDIR)/ || exit; \
	done
	$(Q)install -m 644 deploy/synanvil-spf.timer $(DESTDIR)$(UNITDIR)/
	$(Q)install -d $(DESTDIR)$(BASHDIR) $(DESTDIR)$(ZSHDIR) \
		$(addprefix $(DESTDIR)$(DATADIR)/,grafana prometheus fail2ban/filter.d fail2ban/action.d fail2ban/jail.d)
	$(Q)$(BUILD)/synanvil completion bash > $(BUILD)/install/bash
	$(Q)$(BUILD)/synanvil completion zsh > $(BUILD)/install/zsh
	$(Q)install -m 644 $(BUILD)/install/bash $(DESTDIR)$(BASHDIR)/synanvil
	$(Q)install -m 644 $(BUILD)/install/zsh $(DESTDIR)$(ZSHDIR)/_synanvil
	$(Q)install -m 644 deploy/big-senders $(DESTDIR)$(DATADIR)/
	$(Q)install -m 644 deploy/grafana/synanvil.json $(DESTDIR)$(DATADIR)/grafana/
	$(Q)install -m 644 deploy/prometheus/synanvil.rules.yml $(DESTDIR)$(DATADIR)/prometheus/
	$(Q)for part in filter action jail; do \
		install -m 644 deploy/fail2ban/$$part.d/synanvil.conf $(DESTDIR)$(DATADIR)/fail2ban/$$part.d/ || exit; \
	done
	$(Q)install -m 644 docs/synanvil.1 $(DESTDIR)$(MANDIR)/man1/
	$(Q)install -m 644 docs/synanvil.cf.5 $(DESTDIR)$(MANDIR)/man5/
	$(Q)install -m 644 docs/synanvild.8 docs/synanvil-milter.8 $(DESTDIR)$(MANDIR)/man8/
	$(Q)install -m 644 deploy/synanvil-pins.service $(DESTDIR)$(UNITDIR)/
	$(Q)install -m 644 deploy/synanvil.sysusers $(DESTDIR)$(SYSUSERSDIR)/synanvil.conf
	$(Q)install -m 644 deploy/synanvil.cf $(DESTDIR)$(DATADIR)/
	$(Q)test -e $(DESTDIR)$(SYSCONFDIR)/synanvil.cf || \
		install -m 644 deploy/synanvil.cf $(DESTDIR)$(SYSCONFDIR)/synanvil.cf

# --- packages -----------------------------------------------------------------------------------------------------------
# dpkg wants debian/ at the top of the sources, so the package is built from a copy of them.

DEB_SOURCES := $(wildcard *.md) LICENSE Makefile agent bpf deploy docs include scripts tests
DEB_TREE    := $(BUILD)/deb/synanvil-$(VERSION)

.PHONY: deb
deb:
	$(call say,DEB,$(BUILD)/deb)
	$(Q)rm -rf $(BUILD)/deb
	$(Q)mkdir -p $(DEB_TREE)
	$(Q)cp -r $(DEB_SOURCES) $(DEB_TREE)
	$(Q)mv $(DEB_TREE)/deploy/debian $(DEB_TREE)/debian
	$(Q)cd $(DEB_TREE) && dpkg-buildpackage -b -us -uc

clean:
	$(Q)rm -rf $(BUILD)

-include $(shell find $(wildcard $(addprefix $(BUILD)/,obj bpf bpftest e2e bench)) /dev/null -name '*.d')
