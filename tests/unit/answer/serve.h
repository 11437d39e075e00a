/* SPDX-License-Identifier: MIT */
/* Tests of answers read as zone, question, expectation:
 *
 *     struct server *server = server_of("*.sub TXT \"wild\"\n" "a.sub A 192.0.2.1\n");
 *     expect_answer(server, "b.a.sub TXT", "NXDOMAIN aa authority: SOA");
 *
 * Names without a final dot are below "example.". A zone without SOA gets SOA, NS and the address of its server:
 *     @ 3600 SOA ns1 hostmaster 1 3600 600 86400 300      @ 3600 NS ns1      ns1 3600 A 192.0.2.53
 *
 * A question is  NAME TYPE [CLASS] [+flag ...]  with the flags +do +tcp +edns +size=N +rd +cd +ad +nsid +expire
 * +keepalive +cookie +padding +notify.
 *
 * An expectation is  RCODE [aa] [tc] [rd] [ra] [ad] [cd] [edns] [ede=N] [answer: RRS] [authority: RRS] [additional: RRS],
 * RRS being  [OWNER] [TTL] TYPE [RDATA] separated by ';', or * for whatever there may be. What is left out of an RR may be
 * anything; a section that is left out is empty. RRSIG(A) is an RRSIG that covers A. Owners compare with case. OPT is not
 * listed: `edns` says that it must be there; without the word it must be there if the question had one. */
#pragma once

#include "unit.h"

#include "answer/answer.h"
#include "dns/dns.h"

#define SERVER_ZONES_MAX 64

struct server {
	struct answer_context *context;
	struct answer_config config;
	struct answer_rules rules; /* of every zone */
	struct access_rule anybody;
	struct zone *zones[SERVER_ZONES_MAX];
	size_t zone_count;
	struct zone_set *set;
	struct address client;
	int64_t now_ms;
	int64_t now_s;

	/* The last message. */
	struct answer_result result;
	enum answer_outcome outcome;
	uint8_t *response; /* exactly as large as was allowed, so that tools see what is written beyond */
	struct dns_message message;
	struct server *next;
};

enum signing { UNSIGNED, SIGNED_NSEC, SIGNED_NSEC3, SIGNED_OPT_OUT, SIGNED_AS_RFC5155, SIGNED_RESALTED };

/* A server without zones: queries from anybody, minimal responses, nothing else allowed. Freed at the end of the program. */
struct server *server_new(void);
/* With one zone, "example.". */
struct server *server_of(const char *zone_text);
struct server *server_of_signed(const char *zone_text, enum signing signing);
/* Adds a zone. */
struct zone *serve(struct server *server, const char *apex, const char *zone_text, enum signing signing);
/* Adds a zone that has no version. */
struct zone *serve_state(struct server *server, const char *apex, enum zone_state state);

/* Sends octets; the outcome and the response are in `server`. */
enum answer_outcome ask_bytes(struct server *server, const uint8_t *bytes, size_t len, enum answer_transport transport,
                              size_t capacity);
/* Writes a question as a message; gives its length. */
size_t question_bytes(const char *question, uint8_t *bytes, size_t capacity, enum answer_transport *transport);
enum answer_outcome ask(struct server *server, const char *question);
/* The last response in the words of an expectation, with everything. Borrowed until the next call. */
const char *response_text(struct server *server);
/* The length of the last response. */
size_t response_len(const struct server *server);

void expect_answer_at(struct server *server, const char *question, const char *expectation, const char *file, int line);
#define expect_answer(server, question, expectation) expect_answer_at(server, question, expectation, __FILE__, __LINE__)

/* Records of a section of the last response. */
struct response_rr {
	struct dns_name owner;
	uint16_t type;
	uint16_t class;
	uint32_t ttl;
	uint16_t rdata_len;
	uint8_t rdata[4096];
};
struct response_walk {
	struct reader reader;
	unsigned left;
};
void response_walk(const struct server *server, enum dns_section section, struct response_walk *walk);
bool response_walk_next(struct response_walk *walk, struct response_rr *rr);

struct dns_name name_of(const char *text);

/* ---- records of a zone, for signing and for models (sign.c) ---- */

struct record {
	struct dns_name owner;
	uint16_t type;
	uint32_t ttl;
	uint32_t rdata_len;
	uint8_t *rdata;
};
struct records {
	struct record *items;
	size_t count;
	size_t capacity;
};
void records_add(struct records *records, const uint8_t *owner, uint16_t type, uint32_t ttl, const uint8_t *rdata,
                 size_t rdata_len);
void records_read(struct records *records, const char *apex, const char *zone_text);
void records_free(struct records *records);
/* Adds RRSIGs that look right (and verify nothing), and the chain. NSEC3: as RFC 5155 appendix A for SIGNED_AS_RFC5155, no
 * iteration and salt CAFE for SIGNED_RESALTED, else one iteration, salt AB. */
void records_sign(struct records *records, const uint8_t *apex, enum signing signing);
/* A version of these records. */
struct zone_snapshot *snapshot_of_records(const char *apex, const struct records *records);
/* Publishes another unsigned version of a zone that is served. */
void serve_again(struct zone *zone, const char *apex, const char *zone_text);
struct zone *serve_records(struct server *server, const char *apex, const struct records *records);
/* Publishes what an incremental transfer from these records to those would make of a zone that is served. */
void serve_difference(struct zone *zone, const struct records *from, const struct records *to);
