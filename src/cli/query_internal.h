/* SPDX-License-Identifier: MIT */
/* `tandem query`: what its parts share. query.c steers, query_words.c reads the command line, query_server.c finds whom
 * to ask, query_net.c sends and receives, query_print.c shows messages and query_rr.c records. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "access/tsig.h"
#include "base/address.h"
#include "base/clock.h"
#include "base/error.h"
#include "dns/message.h"

#define QUERY_SERVERS_MAX       8  /* addresses that are tried; a name or a resolv.conf with more is rare */
#define QUERY_CLIENT_COOKIE_LEN 8  /* RFC 7873 4 */
#define QUERY_COOKIE_MAX        40 /* with the server's part */

struct query_options {
	struct dns_name name;
	uint16_t type;
	uint16_t class;
	uint32_t ixfr_serial;
	struct address server; /* that is asked now, with port */
	struct address servers[QUERY_SERVERS_MAX];
	size_t server_count;
	const char *server_text;    /* after '@'; NULL: none was named */
	uint16_t port;              /* 0: none was said */
	enum address_family family; /* that is used alone; ADDRESS_NONE: both */
	struct address source;      /* family ADDRESS_NONE: any */
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
	uint8_t cookie[QUERY_COOKIE_MAX];
	size_t cookie_len;          /* 0: none is sent */
	const struct tsig_key *key; /* that signs it; NULL: none. A reference */
	bool has_subnet;
	struct address subnet;
	uint8_t subnet_bits;
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
	bool one_soa;    /* +onesoa: a transfer without its last SOA */
	bool show_query; /* +qr */
	bool multiline;
	bool ttl_units;
	bool identify;
	bool in_us; /* -u */
};

/* What the command line said besides options. */
struct query_words {
	const char *name;
	bool has_type;
	bool has_class;
	bool type_given; /* by -t */
	char reverse[80];
};

/* ---- query_words.c ---- */
struct query_options query_options_default(void);
/* False: told on stderr. The value of -y is overwritten in `argv`. */
bool query_read_words(int argc, char **argv, struct query_options *options, struct query_words *words);
/* Tells what is wrong with a word. Always false. */
bool query_complain(const char *what, const char *word);

/* ---- query_server.c ---- */
/* Fills in the addresses to be asked.
 * ERROR_NOT_FOUND  nobody knows the server's name
 * ERROR_SYNTAX     not a server, or of the wrong family */
MUST_USE bool query_find_servers(struct query_options *options, struct error *error);

/* ---- query_net.c ---- */

static inline bool query_is_transfer(const struct query_options *options)
{
	return options->type == DNS_TYPE_AXFR || options->type == DNS_TYPE_IXFR;
}

/* A reply and how it came. */
struct query_reply {
	uint8_t bytes[DNS_MESSAGE_MAX];
	size_t len;
	bool tcp;
	uint64_t elapsed_us;
	struct tsig tsig; /* of a question that was signed; tsig_end. All 0 before the first */
	char wrong[512];  /* why the reply does not prove who made it; "": it does, or need not */
};

/* Encodes the question, without a signature; gives its length. `bytes` has 1024 octets. */
size_t query_encode(const struct query_options *options, uint16_t id, uint8_t *bytes, bool tcp);
/* Whole cookie from a reply to our client cookie, to be sent with the next question. False: it has none. */
bool query_take_cookie(struct query_options *options, const struct query_reply *reply);

/* Asks over UDP, and over TCP when the reply is truncated or options say so.
 * ERROR_TIMEOUT, ERROR_IO (also refused connections) */
MUST_USE bool query_exchange(const struct query_options *options, struct query_reply *reply, struct error *error);

/* Asks over TCP and gives every message of the reply to `each` until it returns false. */
MUST_USE bool query_stream(const struct query_options *options, struct query_reply *reply,
                           bool (*each)(void *self, const struct query_reply *reply), void *self, struct error *error);

/* ---- query_print.c ---- */
void query_print_reply(const struct query_options *options, const struct dns_message *message,
                       const struct query_reply *reply);
/* +qr: the question as it is sent. */
void query_print_query(const struct query_options *options, const uint8_t *bytes, size_t len);
/* The lines after a reply: time, server, when. */
void query_print_stats(const struct query_options *options, const struct query_reply *reply);

/* ---- query_rr.c ---- */
/* One record, in dig's columns; +short: its RDATA alone. */
void query_print_rr(const struct query_options *options, const struct query_reply *reply, struct reader *message);
void query_print_question(const struct query_options *options, const struct dns_message *message);
/* "1h30m", or "1 hour 30 minutes" where `verbose`. `out` has QUERY_DURATION_MAX bytes. Returns `out`. */
#define QUERY_DURATION_MAX 80
char *query_duration(uint32_t seconds, bool verbose, char *out);
/* "3 msec", "3 ms" where `brief`; with -u microseconds. `out` has 40 bytes. Returns `out`. */
char *query_time(const struct query_options *options, const struct query_reply *reply, bool brief, char *out);
/* "192.0.2.1#53" */
char *query_server_text(const struct address *server, char *out);
