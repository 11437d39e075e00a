/* SPDX-License-Identifier: MIT */
/* Sends a question and waits for its reply, blocking, with a deadline for each step. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/query_internal.h"
#include "crypto/crypto.h"
#include "dns/encode.h"

#define QUERY_SIZE_MAX 1024
/* With a TSIG: two names of 255 octets at the most, a MAC, 26 octets. */
#define QUERY_SIGNED_MAX (QUERY_SIZE_MAX + 255 + 255 + TSIG_MAC_MAX + 26)

static uint64_t now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static uint16_t fresh_id(void)
{
	struct crypto_random random;
	crypto_random_init(&random);
	return (uint16_t)random.source.next(&random.source);
}

/* An IXFR tells the serial that the client has (RFC 1995 3). */
static void encode_known_serial(struct dns_encoder *encoder, const struct query_options *options)
{
	uint8_t soa[22] = {0};
	store_u32(soa + 2, options->ixfr_serial);
	dns_encode_rr(encoder, DNS_SECTION_AUTHORITY, options->name.wire, DNS_TYPE_SOA, options->class, 0, soa,
	              sizeof soa);
}

/* Adds an option to the OPT record, which is the last of the message. */
static size_t add_edns_option(uint8_t *message, size_t len, size_t opt_offset, uint16_t code, const uint8_t *bytes,
                              size_t bytes_len)
{
	uint8_t *rdata_len = message + opt_offset + 9; /* after owner, type, class and TTL */
	store_u16(message + len, code);
	store_u16(message + len + 2, (uint16_t)bytes_len);
	memcpy(message + len + 4, bytes, bytes_len);
	store_u16(rdata_len, (uint16_t)(load_u16(rdata_len) + 4 + bytes_len));
	return len + 4 + bytes_len;
}

/* RFC 7871 6 */
static size_t add_subnet(const struct query_options *options, uint8_t *message, size_t len, size_t opt_offset)
{
	uint8_t option[4 + 16] = {0, options->subnet.family == ADDRESS_V4 ? 1 : 2, options->subnet_bits, 0};
	size_t octets = (options->subnet_bits + 7u) / 8u;
	memcpy(option + 4, options->subnet.bytes, octets);
	return add_edns_option(message, len, opt_offset, DNS_OPTION_SUBNET, option, 4 + octets);
}

size_t query_encode(const struct query_options *options, uint16_t id, uint8_t *bytes, bool tcp)
{
	static struct dns_encoder encoder;
	uint16_t flags = (uint16_t)(options->opcode << 11);
	flags |= options->recurse && !query_is_transfer(options) ? DNS_FLAG_RD : 0;
	flags |= options->ad && !query_is_transfer(options) ? DNS_FLAG_AD : 0;
	flags |= options->cd ? DNS_FLAG_CD : 0;
	flags |= options->aa ? DNS_FLAG_AA : 0;
	flags |= options->z ? DNS_FLAG_Z : 0;
	size_t opt_offset = 0;
	dns_encoder_begin(&encoder, bytes, QUERY_SIZE_MAX, id, flags);
	dns_encode_question(&encoder, options->name.wire, options->type, options->class);
	if (options->type == DNS_TYPE_IXFR) {
		encode_known_serial(&encoder, options);
	}
	if (options->edns) {
		struct dns_edns_reply edns = {
		        .payload_size = options->payload_size,
		        .dnssec_ok = options->dnssec,
		        .nsid = options->nsid ? (const uint8_t *)"" : NULL,
		        .expire_ask = options->expire,
		        .keepalive_ask = options->keepalive && tcp,
		        .ede = DNS_EDE_NONE,
		};
		uint8_t *opt = encoder.at;
		dns_encode_edns(&encoder, &edns);
		/* The version is the second octet of the TTL: owner 1, type 2, class 2, extended RCODE 1. */
		opt[6] = (uint8_t)options->edns_version;
		opt_offset = (size_t)(opt - bytes);
	}
	size_t len = dns_encoder_end(&encoder);
	if (options->edns && options->has_subnet) {
		len = add_subnet(options, bytes, len, opt_offset);
	}
	if (options->edns && options->cookie_len > 0) {
		len = add_edns_option(bytes, len, opt_offset, DNS_OPTION_COOKIE, options->cookie, options->cookie_len);
	}
	return len;
}

/* Signs the question and begins the exchange that its reply has to continue. Gives the length. */
static size_t sign(const struct query_options *options, struct query_reply *reply, uint8_t *bytes, size_t len)
{
	tsig_end(&reply->tsig);
	reply->wrong[0] = '\0';
	if (options->key == NULL) {
		return len;
	}
	tsig_ask(&reply->tsig, options->key);
	return tsig_sign(&reply->tsig, bytes, len, (uint64_t)clock_now().wall_s);
}

/* What the next message proves; what is wrong first stays. */
static void verify(const struct query_options *options, struct query_reply *reply)
{
	struct dns_message message;
	struct error error;
	if (options->key == NULL || reply->wrong[0] != '\0') {
		return;
	}
	if (dns_message_read(reply->bytes, reply->len, &message) != DNS_READ_OK) {
		snprintf(reply->wrong, sizeof reply->wrong, "it is malformed");
		return;
	}
	uint64_t now_s = (uint64_t)clock_now().wall_s;
	enum tsig_verdict verdict = tsig_check(&reply->tsig, &message, now_s);
	if (verdict != TSIG_UNSIGNED && tsig_is_wrong(&reply->tsig, verdict, now_s, &error)) {
		snprintf(reply->wrong, sizeof reply->wrong, "%.*s", (int)sizeof reply->wrong - 1, error.text);
	}
}

/* Waits until `fd` is ready; false: the deadline passed. */
static bool wait_for(int fd, short events, int64_t deadline_ms)
{
	for (;;) {
		int64_t left = deadline_ms - clock_now().boot_ms;
		struct pollfd entry = {.fd = fd, .events = events};
		int ready = poll(&entry, 1, left > 0 ? (int)left : 0);
		if (ready != 0 || left <= 0) {
			return ready > 0;
		}
	}
}

static bool bind_source(int fd, const struct address *source, struct error *error)
{
	struct sockaddr_storage from;
	char text[ADDRESS_TEXT_MAX];
	const int on = 1;
	socklen_t len = address_to_socket(source, &from);
	/* A port of our own may still wait for the end of the connection before this one. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	return bind(fd, (struct sockaddr *)&from, len) == 0 ||
	       error_set_errno(error, errno, "own address %s", address_to_text(source, text));
}

static int socket_to(const struct query_options *options, int kind, int64_t deadline_ms, struct error *error)
{
	struct sockaddr_storage to;
	char server[ADDRESS_TEXT_MAX];
	int problem = 0;
	socklen_t problem_len = sizeof problem;
	socklen_t len = address_to_socket(&options->server, &to);
	int fd = socket(to.ss_family, kind | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		error_set_errno(error, errno, "socket");
		return -1;
	}
	address_to_text(&options->server, server);
	if (options->source.family != ADDRESS_NONE && !bind_source(fd, &options->source, error)) {
		close(fd);
		return -1;
	}
	if (connect(fd, (struct sockaddr *)&to, len) != 0 && errno != EINPROGRESS) {
		error_set_errno(error, errno, "connection to %s", server);
	} else if (!wait_for(fd, POLLOUT, deadline_ms)) {
		error_set(error, ERROR_TIMEOUT, "connection to %s: timed out", server);
	} else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &problem_len) == 0 && problem != 0) {
		error_set_errno(error, problem, "connection to %s", server);
	} else {
		return fd;
	}
	close(fd);
	return -1;
}

static int64_t deadline_of(const struct query_options *options)
{
	return clock_now().boot_ms + options->timeout_ms;
}

static bool timed_out(const struct query_options *options, struct error *error)
{
	char server[ADDRESS_TEXT_MAX];
	return error_set(error, ERROR_TIMEOUT, "no answer from %s within %u s",
	                 address_to_text(&options->server, server), options->timeout_ms / 1000);
}

/* Waits for the datagram with our id; others are not for us. */
static bool receive_datagram(int fd, const struct query_options *options, uint16_t id, int64_t deadline_ms,
                             struct query_reply *reply, struct error *error)
{
	char server[ADDRESS_TEXT_MAX];
	for (;;) {
		if (!wait_for(fd, POLLIN, deadline_ms)) {
			return timed_out(options, error);
		}
		ssize_t got = recv(fd, reply->bytes, sizeof reply->bytes, 0);
		if (got < 0 && errno != EAGAIN) {
			return error_set_errno(error, errno, "%s", address_to_text(&options->server, server));
		}
		if (got >= 2 && load_u16(reply->bytes) == id) {
			reply->len = (size_t)got;
			return true;
		}
	}
}

static bool ask_udp(const struct query_options *options, struct query_reply *reply, struct error *error)
{
	uint8_t query[QUERY_SIGNED_MAX];
	uint16_t id = fresh_id();
	size_t len = sign(options, reply, query, query_encode(options, id, query, false));
	int64_t deadline_ms = deadline_of(options);
	int fd = socket_to(options, SOCK_DGRAM, deadline_ms, error);
	if (fd < 0) {
		return false;
	}
	query_print_query(options, query, len);
	bool done = send(fd, query, len, MSG_NOSIGNAL) == (ssize_t)len
	                    ? receive_datagram(fd, options, id, deadline_ms, reply, error)
	                    : error_set_errno(error, errno, "sending");
	close(fd);
	if (done) {
		verify(options, reply);
	}
	return done;
}

static bool read_whole(int fd, uint8_t *bytes, size_t len, int64_t deadline_ms)
{
	size_t got = 0;
	while (got < len) {
		if (!wait_for(fd, POLLIN, deadline_ms)) {
			errno = ETIMEDOUT;
			return false;
		}
		ssize_t more = recv(fd, bytes + got, len - got, 0);
		if (more == 0) {
			errno = ECONNRESET;
			return false;
		}
		if (more < 0 && errno != EAGAIN) {
			return false;
		}
		got += more > 0 ? (size_t)more : 0;
	}
	return true;
}

static bool write_whole(int fd, const uint8_t *bytes, size_t len, int64_t deadline_ms)
{
	size_t sent = 0;
	while (sent < len) {
		if (!wait_for(fd, POLLOUT, deadline_ms)) {
			errno = ETIMEDOUT;
			return false;
		}
		ssize_t more = send(fd, bytes + sent, len - sent, MSG_NOSIGNAL);
		if (more < 0 && errno != EAGAIN) {
			return false;
		}
		sent += more > 0 ? (size_t)more : 0;
	}
	return true;
}

static bool read_message(int fd, const struct query_options *options, struct query_reply *reply, struct error *error)
{
	uint8_t frame[2];
	int64_t deadline_ms = deadline_of(options);
	char server[ADDRESS_TEXT_MAX];
	address_to_text(&options->server, server);
	if (!read_whole(fd, frame, sizeof frame, deadline_ms)) {
		return error_set_errno(error, errno, "answer from %s", server);
	}
	reply->len = load_u16(frame);
	reply->tcp = true;
	if (!read_whole(fd, reply->bytes, reply->len, deadline_ms)) {
		return error_set_errno(error, errno, "answer from %s", server);
	}
	return true;
}

bool query_stream(const struct query_options *options, struct query_reply *reply,
                  bool (*each)(void *self, const struct query_reply *reply), void *self, struct error *error)
{
	uint8_t framed[2 + QUERY_SIGNED_MAX];
	uint64_t begun_us = now_us();
	size_t len = sign(options, reply, framed + 2, query_encode(options, fresh_id(), framed + 2, true));
	store_u16(framed, (uint16_t)len);
	int fd = socket_to(options, SOCK_STREAM, deadline_of(options), error);
	if (fd < 0) {
		return false;
	}
	query_print_query(options, framed + 2, len);
	bool done = write_whole(fd, framed, len + 2, deadline_of(options)) || error_set_errno(error, errno, "sending");
	bool more = done;
	while (more) {
		done = read_message(fd, options, reply, error);
		reply->elapsed_us = now_us() - begun_us;
		if (done) {
			verify(options, reply);
		}
		more = done && each(self, reply);
	}
	close(fd);
	return done;
}

static bool one_message(void *self, const struct query_reply *reply)
{
	(void)self;
	(void)reply;
	return false;
}

static bool is_truncated(const struct query_reply *reply)
{
	return reply->len >= DNS_HEADER_SIZE && (load_u16(reply->bytes + 2) & DNS_FLAG_TC) != 0;
}

bool query_exchange(const struct query_options *options, struct query_reply *reply, struct error *error)
{
	uint64_t begun_us = now_us();
	bool done = false;
	reply->tcp = false;
	for (unsigned tries = 0; tries < options->tries && !done && !options->tcp; tries++) {
		done = ask_udp(options, reply, error);
	}
	if (options->tcp || (done && is_truncated(reply) && !options->ignore_truncation)) {
		if (!options->tcp && options->show_comments && !options->is_short) {
			printf(";; Truncated, asking over TCP.\n");
		}
		done = query_stream(options, reply, one_message, NULL, error);
	}
	reply->elapsed_us = now_us() - begun_us;
	return done;
}

bool query_take_cookie(struct query_options *options, const struct query_reply *reply)
{
	struct dns_message message;
	if (dns_message_read(reply->bytes, reply->len, &message) != DNS_READ_OK || !message.edns.present) {
		return false;
	}
	struct reader in = reader_of(message.edns.options, message.edns.options_len);
	while (reader_left(&in) > 0 && !in.failed) {
		uint16_t code = read_u16(&in);
		uint16_t len = read_u16(&in);
		const uint8_t *bytes = read_bytes(&in, len);
		if (!in.failed && code == DNS_OPTION_COOKIE && len >= 16 && len <= QUERY_COOKIE_MAX &&
		    memcmp(bytes, options->cookie, QUERY_CLIENT_COOKIE_LEN) == 0) {
			memcpy(options->cookie, bytes, len);
			options->cookie_len = len;
			return true;
		}
	}
	return false;
}
