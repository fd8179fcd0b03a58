/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy_load [-c CONNECTIONS] [-t SECONDS] [-w SECONDS] [-n CLIENTS] [-r RATE] PORT: asks a policy
 * server on the loopback what smtpd asks about messages, DATA and END-OF-MESSAGE of each, from so
 * many client addresses, and writes one JSON object.
 *
 * Without -r each connection asks again as soon as it was answered. With -r requests are due at a
 * fixed rate and wait for a free connection if they must; their time counts from when they were
 * due, so that a server that pauses is not forgiven what was not asked meanwhile.
 *
 * Requests are written once; for each only the few bytes that differ are set.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS       256
#define REQUEST_SIZE 1024
#define BUCKETS      2000000 /* of a microsecond each; the last one is everything beyond */
#define NS_PER_S     1000000000ULL

struct options {
	unsigned connections;
	unsigned seconds;
	unsigned warm_up;
	unsigned clients;
	unsigned rate; /* 0: as fast as it goes */
	int port;
};

struct connection {
	int fd;
	bool data_answered; /* the next request of its message is END-OF-MESSAGE */
	unsigned long message;
	unsigned long long due;
	struct connection *next_free;
};

/* A request and where it differs from the others. */
struct template
{
	char text[REQUEST_SIZE];
	size_t size;
	char *address;
	char *port;
	char *instance;
};

struct load {
	struct options options;
	int epoll;
	struct template data, end;
	struct connection *connections;
	struct connection *free_first;
	unsigned long messages;
	unsigned long long measured_from, until;
	unsigned long requests, refused, sent_due;
	unsigned long long started, longest;
	unsigned *buckets;
};

static unsigned long long now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (unsigned long long)now.tv_sec * NS_PER_S + (unsigned long long)now.tv_nsec;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void template_make(struct template *template, const char *state, int recipients, int size)
{
	template->size = (size_t)snprintf(
		template->text, sizeof(template->text),
		"request=smtpd_access_policy\nprotocol_state=%s\nprotocol_name=ESMTP\n"
		"client_address=10.100.100.100\nclient_name=mx.sender.example\nclient_port=20000\n"
		"reverse_client_name=mx.sender.example\nserver_address=192.0.2.25\nserver_port=25\n"
		"helo_name=mx.sender.example\nsender=newsletter@sender.example\n"
		"recipient=somebody@recipient.example\nrecipient_count=%d\nqueue_id="
		"4Fxyzt1K2bz9tQk\n"
		"instance=12ab.63800000.0000000000.0\nsize=%d\netrn_domain=\nstress=\n"
		"sasl_method=\nsasl_username=\nsasl_sender=\nccert_subject=\nccert_issuer=\n"
		"ccert_fingerprint=\nccert_pubkey_fingerprint=\nencryption_protocol=TLSv1.3\n"
		"encryption_cipher=TLS_AES_256_GCM_SHA384\nencryption_keysize=256\n"
		"policy_context=\n\n",
		state, recipients, size);
	template->address = strstr(template->text, "10.100.100.100");
	template->port = strstr(template->text, "20000\n");
	template->instance = strstr(template->text, "0000000000.0\n");
}

static void digits(char *text, unsigned count, unsigned long value)
{
	while (count--) {
		text[count] = (char)('0' + value % 10);
		value /= 10;
	}
}

static void ask(struct load *load, struct connection *connection)
{
	struct template *template = connection->data_answered ? &load->end : &load->data;
	unsigned long client;

	if (!connection->data_answered)
		connection->message = load->messages++;
	client = connection->message % load->options.clients;
	digits(template->address + 4, 2, client / 10000 % 100);
	digits(template->address + 8, 2, client / 100 % 100);
	digits(template->address + 12, 2, client % 100);
	digits(template->port + 1, 4, client % 10000);
	digits(template->instance, 10, connection->message);
	if (send(connection->fd, template->text, template->size, MSG_NOSIGNAL) !=
	    (ssize_t) template->size)
		fail("policy_load: send");
}

static void answered(struct load *load, struct connection *connection)
{
	char reply[256];
	const ssize_t size = recv(connection->fd, reply, sizeof(reply), 0);
	unsigned long long now, took;

	if (size < 0 && errno == EAGAIN)
		return;
	if (size < 9 || memcmp(reply, "action=", 7) != 0 ||
	    memcmp(reply + size - 2, "\n\n", 2) != 0) {
		(void)fprintf(stderr, "policy_load: not a reply: %.*s\n",
			      (int)(size > 0 ? size : 0), reply);
		exit(1);
	}
	now = now_ns();
	took = now - connection->due;
	if (connection->due >= load->measured_from && now <= load->until) {
		load->requests++;
		load->refused += memcmp(reply + 7, "DUNNO", 5) != 0;
		load->buckets[took / 1000 < BUCKETS ? took / 1000 : BUCKETS - 1]++;
		load->longest = took > load->longest ? took : load->longest;
	}
	connection->data_answered = !connection->data_answered;
	connection->due = now;
	if (load->options.rate) {
		connection->next_free = load->free_first;
		load->free_first = connection;
	} else {
		ask(load, connection);
	}
}

/* Sends what is due by now, as far as connections are free. */
static void ask_due(struct load *load, unsigned long long now)
{
	while (load->free_first) {
		struct connection *connection = load->free_first;
		const unsigned long long due =
			load->started + load->sent_due * NS_PER_S / load->options.rate;

		if (due > now)
			return;
		load->free_first = connection->next_free;
		connection->due = due;
		load->sent_due++;
		ask(load, connection);
	}
}

static void dial(struct load *load, struct connection *connection)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)load->options.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = connection };
	const int on = 1;

	connection->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connection->fd < 0 ||
	    connect(connection->fd, (const struct sockaddr *)&address, sizeof(address)) ||
	    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) ||
	    epoll_ctl(load->epoll, EPOLL_CTL_ADD, connection->fd, &event))
		fail("policy_load: connect");
}

static void connections_open(struct load *load)
{
	load->connections = calloc(load->options.connections, sizeof(*load->connections));
	load->buckets = calloc(BUCKETS, sizeof(*load->buckets));
	load->epoll = epoll_create1(0);
	if (!load->connections || !load->buckets || load->epoll < 0)
		fail("policy_load");
	for (unsigned i = 0; i < load->options.connections; i++)
		dial(load, &load->connections[i]);
	load->started = now_ns();
	load->measured_from = load->started + load->options.warm_up * NS_PER_S;
	load->until = load->measured_from + load->options.seconds * NS_PER_S;
	for (unsigned i = 0; i < load->options.connections; i++) {
		struct connection *connection = &load->connections[i];

		connection->due = load->started;
		if (load->options.rate) {
			connection->next_free = load->free_first;
			load->free_first = connection;
		} else {
			ask(load, connection);
		}
	}
}

static void run(struct load *load)
{
	struct epoll_event events[EVENTS];
	unsigned long long now = load->started;

	while (now < load->until) {
		/* At a fixed rate something is due at any time. */
		const int count = epoll_wait(load->epoll, events, EVENTS,
					     load->options.rate && load->free_first ? 0 : 100);

		for (int i = 0; i < count; i++)
			answered(load, events[i].data.ptr);
		now = now_ns();
		if (load->options.rate)
			ask_due(load, now);
	}
}

/* Milliseconds below which this share of the requests was answered. */
static double quantile(const struct load *load, double share)
{
	const double wanted = share * (double)load->requests;
	double sum = 0;

	for (unsigned i = 0; i < BUCKETS; i++) {
		sum += load->buckets[i];
		if (sum >= wanted && sum > 0)
			return (i + 1) / 1000.0;
	}
	return 0;
}

static void report(const struct load *load)
{
	(void)printf("{\"connections\":%u,\"rate\":%u,\"seconds\":%u,\"requests\":%lu,"
		     "\"refused\":%lu,\"per_second\":%.0f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,"
		     "\"p999_ms\":%.3f,\"longest_ms\":%.3f}\n",
		     load->options.connections, load->options.rate, load->options.seconds,
		     load->requests, load->refused, (double)load->requests / load->options.seconds,
		     quantile(load, 0.5), quantile(load, 0.99), quantile(load, 0.999),
		     (double)load->longest / 1e6);
}

static unsigned number(const char *text)
{
	char *end;
	const unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end != '\0' || value > 100000000) {
		(void)fprintf(stderr, "policy_load: not a number: %s\n", text);
		exit(2);
	}
	return (unsigned)value;
}

static struct options options_read(int argc, char **argv)
{
	struct options options = {
		.connections = 50, .seconds = 5, .warm_up = 1, .clients = 10000
	};
	int option;

	while ((option = getopt(argc, argv, "c:t:w:n:r:")) != -1) {
		switch (option) {
		case 'c':
			options.connections = number(optarg);
			break;
		case 't':
			options.seconds = number(optarg);
			break;
		case 'w':
			options.warm_up = number(optarg);
			break;
		case 'n':
			options.clients = number(optarg);
			break;
		case 'r':
			options.rate = number(optarg);
			break;
		default:
			exit(2);
		}
	}
	if (optind + 1 != argc || !options.connections || !options.seconds || !options.clients) {
		(void)fprintf(stderr,
			      "usage: policy_load [-c CONNECTIONS] [-t SECONDS] [-w SECONDS] "
			      "[-n CLIENTS] [-r RATE] PORT\n");
		exit(2);
	}
	options.port = (int)number(argv[optind]);
	return options;
}

int main(int argc, char **argv)
{
	const struct rlimit files = { 65536, 65536 };
	static struct load load;

	load.options = options_read(argc, argv);
	(void)setrlimit(RLIMIT_NOFILE, &files);
	template_make(&load.data, "DATA", 1, 4000);
	template_make(&load.end, "END-OF-MESSAGE", 1, 4321);
	connections_open(&load);
	run(&load);
	report(&load);
	return 0;
}
