/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words for each parameter.
 */
#include "documents.h"

#define DOCUMENT(parameter, words) .name = (parameter), .text = (words)

const struct document documents[] = {
	{ DOCUMENT("interfaces",
		   "The network interfaces that clients come in on: a list of at most 15. One that "
		   "does not exist is attached as soon as it appears. Required."),
	  .section = "What is protected, and how",
	  .advice = "Change it to yours: `ip -br link` lists them.", .sample = "eth0" },
	{ DOCUMENT(
		  "protected_ports",
		  "List of up to 16 ports, service names, `ADDRESS:PORT` or `[IPV6]:PORT`. Each is "
		  "a service with counters and limits of its own. A row with an address is looked "
		  "at before one without."),
	  .sample = "smtp" },
	{ DOCUMENT("enforcement",
		   "`enforce` drops what is over a limit; `monitor` counts and reports what would "
		   "have been dropped, and drops nothing. The packaged file says `monitor`."),
	  .advice = "Begin with monitor. Watch `synanvil top` and `synanvil status` for some days, "
		    "list in the exceptions who must get through, and only then say enforce.",
	  .sample = "monitor" },
	{ DOCUMENT("xdp_mode",
		   "`native` in the driver, `generic` in the kernel's network stack (slower, works "
		   "everywhere), or `auto`: native where the driver can.") },
	{ DOCUMENT(
		"source_table_size",
		"Entries of the table of clients; about 300 bytes of kernel memory each. When it "
		"is full, the client not seen for longest is forgotten.") },
	{ DOCUMENT("postfix_config_directory", "List of directories with Postfix' `main.cf` and "
					       "`master.cf`, up to 16. What this "
					       "file does not set is taken from there."),
	  .advice =
		  "With `/etc/postfix` here, take out below what Postfix says already: what stands "
		  "in this file wins." },
	{ DOCUMENT(
		  "smtpd_client_connection_rate_limit",
		  "Connection attempts that a client may make in one time unit, for each service."),
	  .section = "Connections",
	  .postfix =
		  "An attempt counts when its SYN arrives, before there is a connection, and one "
		  "over the limit is dropped instead of answered with 421.",
	  .advice = "A service of protected_ports can have a limit of its own, for example "
		    "`587:smtpd_client_connection_rate_limit = 120`.",
	  .sample = "60" },
	{ DOCUMENT("smtpd_client_connection_count_limit",
		   "Connections that a client may have at the same time, for each service."),
	  .postfix =
		  "The attempt over the limit is dropped instead of answered with 421. An attempt "
		  "that passed counts until its connection is there, for three to six seconds at "
		  "most; not where connections are only listed, once a second. The "
		  "default is no limit where Postfix' configuration is not read; in "
		  "Postfix it is 50." },
	{ DOCUMENT("anvil_rate_time_unit",
		   "The time unit of all rates. It starts with a client's first attempt, and the "
		   "attempt after its end starts a new one."),
	  .postfix = "It ends to the millisecond; in Postfix up to one second later.",
	  .sample = "60s" },
	{ DOCUMENT(
		  "smtpd_client_event_limit_exceptions",
		  "Address list of clients without limits. They are always compared with the whole "
		  "address, whatever the prefix lengths."),
	  .postfix = "Lookup tables other than `cidr:` are an error, and so is what Postfix passes "
		     "over with a warning. Names match no packet. Their connections count for "
		     "their service, and for what others of the same IPv4 or IPv6 prefix may "
		     "hold. The old name "
		     "`smtpd_client_connection_limit_exceptions` is looked at only where Postfix' "
		     "configuration is read.",
	  .advice = "Addresses, networks, `!` for clients that are not exempt, files of them, "
		    "`cidr:` "
		    "tables; IPv6 addresses need brackets. Forged SYNs can use up a sender's "
		    "attempts: list large senders that must get through.",
	  .sample = "$mynetworks" },
	{ DOCUMENT("mynetworks", "Address list of trusted networks."),
	  .postfix = "It is never computed from the interfaces: `mynetworks_style` does not exist, "
		     "and unset it is loopback.",
	  .advice = "Unlike Postfix, synanvil never takes these from the interfaces: list your own "
		    "networks here.",
	  .sample = "127.0.0.0/8, [::1]/128" },
	{ DOCUMENT("upstream_proxies",
		   "Address list of the load balancers, 256 entries at most, in front of ports "
		   "where Postfix takes the "
		   "proxy "
		   "protocol. Packets there carry their addresses, so such a port has no limits by "
		   "address unless all of these are exempt.") },
	{ DOCUMENT("smtpd_client_ipv4_prefix_length",
		   "How many bits of an IPv4 address make a client; 32 is a single address."),
	  .postfix = "Works with Postfix before 3.8, too, which has no such parameter." },
	{ DOCUMENT("smtpd_client_ipv6_prefix_length",
		   "How many bits of an IPv6 address make a client; 128 is a single address."),
	  .postfix = "Works with Postfix before 3.8, too, which has no such parameter and counts "
		     "single addresses.",
	  .advice =
		  "64 may suit better than this default, which is Postfix' own: the least that one "
		  "customer of a provider has is a /64, and in it there are 1,048,576 clients of "
		  "84 "
		  "bits. Each of them may make as many attempts as the limit says, and together "
		  "they "
		  "fill the table of clients. Against 64 speaks only that customers who share a "
		  "/64, "
		  "as some hosting providers have them, share the limit as well." },
	{ DOCUMENT("default_process_limit",
		   "Connections that a service can serve at the same time. Where `master.cf` is "
		   "read, the service's own maxproc counts. As a service fills up, a client may "
		   "hold no more than are free, but always one: alone it gets half, and who has "
		   "none gets in while any is free."),
	  .postfix = "At the limit the attempts of clients that are not exempt are dropped; in "
		     "Postfix "
		     "they wait, whoever they are, until a process is free. The default is no "
		     "limit where Postfix' configuration is not read; in Postfix it "
		     "is 100, and 0 is an error there." },
	{ DOCUMENT("smtpd_client_message_rate_limit",
		   "Messages that a client may send in one time unit, for each service."),
	  .section = "Messages",
	  .postfix = "A message counts once; in Postfix each MAIL command counts." },
	{ DOCUMENT("smtpd_client_recipient_rate_limit",
		   "Recipients that a client may name in one time unit, for each service."),
	  .postfix = "They are counted from what Postfix tells the policy service; in Postfix "
		     "itself at each RCPT command. Where it asks at DATA or the end of the message "
		     "only, a message is refused as a whole, so that one with more recipients than "
		     "the limit never gets in: ask at RCPT, too, or let the limit be above what "
		     "senders put into one message (50 by default with Postfix)." },
	{ DOCUMENT("message_size_limit",
		   "Bytes of a message: as declared, and as received at its end.") },
	{ DOCUMENT("queue_minfree",
		   "Bytes that must be free in the file system of the queue; 1.5 times "
		   "`message_size_limit` must be in any case."),
	  .postfix = "A negative number is an error; Postfix refuses all mail with it." },
	{ DOCUMENT("queue_directory", "Where free space is looked at."),
	  .postfix = "Only an absolute path is accepted." },
	{ DOCUMENT("header_size_limit",
		   "Bytes of one header field; `synanvil-milter` holds it. It can only do so "
		   "below 60000, where Postfix cuts once a milter is attached, and below Postfix' "
		   "own limit. Of message parts, which no milter is shown, nothing is cut.") },
	{ DOCUMENT(
		"header_size_action",
		"What becomes of a longer field: `truncate`, as Postfix does it, or `reject`.") },
	{ DOCUMENT("header_count_limit",
		   "Header fields of a message; the milter refuses those with more. 0 is no "
		   "limit.") },
	{ DOCUMENT("header_total_size_limit",
		   "Bytes of all header fields of a message, as they came; the milter refuses "
		   "those with more. 0 is no limit.") },
	{ DOCUMENT("client_block_threshold",
		   "Messages refused for their rate, or that of their recipients, in one time unit "
		   "after which a client is blocked at the network interface, if the kernel "
		   "confirms that it is connected; 0 is never.") },
	{ DOCUMENT("client_block_time", "For how long; in minutes if without a unit.") },
	{ DOCUMENT("policy_listen",
		   "List of `inet:HOST:PORT` and `unix:/PATH` where Postfix asks; empty is off. "
		   "Whoever reaches a socket may ask: the directory of a UNIX socket says who that "
		   "is. /var/spool/postfix/synanvil/policy is `unix:synanvil/policy` to Postfix, "
		   "also in a chroot. Names of hosts are looked up at a start, for 10 seconds at "
		   "most, and at a reload, for 2, which fails where the name service is slower."),
	  .section = "Services of the programs" },
	{ DOCUMENT("milter_listen", "The same for `synanvil-milter`, at its next start.") },
	{ DOCUMENT(
		"metrics_listen",
		"Address and port of the metrics for Prometheus, at the path `/metrics`; an IPv6 "
		"address needs brackets; empty is off.") },
	{ DOCUMENT("control_socket", "Where `synanvil` reaches the agent; at most 107 bytes.") },
	{ DOCUMENT("control_group",
		   "The group whose members may ask the agent, at the control socket, for what "
		   "it knows. Only root and the user who runs the agent may change anything."),
	  .advice = "An agent that was not started by root can give the socket only to a group of "
		    "its own user; the packaged unit runs it as user and group synanvil." },
	{ DOCUMENT("bpf_directory", "Where the kernel's tables are pinned.") },
	{ DOCUMENT("state_directory", "Where exceptions and blocks added at run time are kept.") },
};

const size_t document_count = sizeof(documents) / sizeof(documents[0]);
