/* SPDX-License-Identifier: MIT */
/* `tandem query`: what its parts share. query.c reads the command line and steers, query_net.c sends and receives,
 * query_print.c shows. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/error.h"
#include "dns/message.h"

struct query_options {
	struct dns_name name;
	uint16_t type;
	uint16_t class;
	uint32_t ixfr_serial;
	struct address server; /* with port */
	const char *server_text;
	uint32_t timeout_ms;
	unsigned tries;
	unsigned opcode;
	bool tcp;
	bool no_tcp;            /* +notcp was written */
	bool ignore_truncation; /* +ignore: no second question over TCP */
	bool recurse;           /* RD */
	bool ad, cd, aa, z;
	bool edns;
	uint16_t edns_version;
	bool dnssec;
	bool nsid;
	bool expire;
	bool keepalive;
	uint16_t payload_size;
	/* what is shown */
	bool is_short;
	bool show_command;
	bool show_comments;
	bool show_question;
	bool show_answer;
	bool show_authority;
	bool show_additional;
	bool show_stats;
	bool show_class;
	bool show_ttl;
	bool one_soa; /* +onesoa: a transfer without its last SOA */
};

static inline bool query_is_transfer(const struct query_options *options)
{
	return options->type == DNS_TYPE_AXFR || options->type == DNS_TYPE_IXFR;
}

/* Encodes the question; gives its length. `bytes` has 1024 octets. */
size_t query_encode(const struct query_options *options, uint16_t id, uint8_t *bytes, bool tcp);

/* A reply and how it came. */
struct query_reply {
	uint8_t bytes[DNS_MESSAGE_MAX];
	size_t len;
	bool tcp;
	uint32_t elapsed_us;
};

/* Asks over UDP, and over TCP when the reply is truncated or options say so.
 * ERROR_TIMEOUT, ERROR_IO (also refused connections) */
MUST_USE bool query_exchange(const struct query_options *options, struct query_reply *reply, struct error *error);

/* Asks over TCP and gives every message of the reply to `each` until it returns false. */
MUST_USE bool query_stream(const struct query_options *options, struct query_reply *reply,
                           bool (*each)(void *self, const struct query_reply *reply), void *self, struct error *error);

void query_print_reply(const struct query_options *options, const struct dns_message *message,
                       const struct query_reply *reply);
/* One record per line; +short: its RDATA alone. */
void query_print_rr(const struct query_options *options, struct reader *message);
/* The lines after a reply: time, server, size. */
void query_print_stats(const struct query_options *options, const struct query_reply *reply);
