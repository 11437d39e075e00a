/* SPDX-License-Identifier: MIT */
/* Any request against a fixed set of zones: the first octet chooses transport, limit, rules and whether it is signed, the
 * rest is the message. The response never exceeds its limit, is a response to this message, and reads back; that to a signed
 * one proves itself. */
#include <stdlib.h>
#include <string.h>

#include "answer/answer.h"
#include "base/ensure.h"
#include "base/memory.h"
#include "base/quiescent.h"
#include "change/digest.h"
#include "dns/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct row {
	const char *owner;
	uint16_t type;
	const char *rdata; /* octets */
	size_t len;
};

#define ROW(owner, type, rdata)                                                                                        \
	{                                                                                                              \
		owner, type, rdata, sizeof(rdata) - 1                                                                  \
	}

#define SOA   "\1a\0\1b\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5"
#define SIG   "\15\1\0\0\16\20\100\0\0\0\60\0\0\0\22\147\1e\0sig"
#define NSEC3 "\1\1\0\1\1\253\24"

static const struct row rows[] = {
        ROW("\1e", DNS_TYPE_SOA, SOA),
        ROW("\1e", DNS_TYPE_NS, "\1n\1e\0"),
        ROW("\1e", DNS_TYPE_NSEC, "\1a\1e\0\0\6\40\0\0\0\0\3"),
        ROW("\1e", DNS_TYPE_RRSIG, "\0\6" SIG),
        ROW("\1n\1e", DNS_TYPE_A, "\300\0\2\1"),
        ROW("\1a\1e", DNS_TYPE_A, "\300\0\2\2"),
        ROW("\1a\1e", DNS_TYPE_TXT, "\3abc"),
        ROW("\1a\1e", DNS_TYPE_MX, "\0\1\1n\1e\0"),
        ROW("\1a\1e", DNS_TYPE_NSEC, "\1n\1e\0\0\6\100\0\0\0\0\3"),
        ROW("\1a\1e", DNS_TYPE_RRSIG, "\0\1" SIG),
        ROW("\1c\1e", DNS_TYPE_CNAME, "\1a\1e\0"),
        ROW("\1l\1e", DNS_TYPE_CNAME, "\1l\1e\0"),
        ROW("\1x\1e", DNS_TYPE_CNAME, "\1x\1f\0"),
        ROW("\1d\1e", DNS_TYPE_DNAME, "\1w\1e\0"),
        ROW("\1*\1w\1e", DNS_TYPE_SRV, "\0\0\0\0\0\0\1a\1e\0"),
        ROW("\1s\1e", DNS_TYPE_NS, "\1g\1s\1e\0"),
        ROW("\1s\1e", DNS_TYPE_NS, "\1n\1e\0"),
        ROW("\1s\1e", DNS_TYPE_DS,
            "\0\1\15\2"
            "01234567890123456789012345678901"),
        ROW("\1g\1s\1e", DNS_TYPE_A, "\300\0\2\3"),
        ROW("\1g\1s\1e", DNS_TYPE_AAAA, "0123456789012345"),
        ROW("\1f", DNS_TYPE_SOA, SOA),
        ROW("\1f", DNS_TYPE_NS, "\1n\1e\0"),
        ROW("\1f", DNS_TYPE_NSEC3PARAM, "\1\0\0\1\1\253"),
        ROW("\40abcdefghijklmnopqrstuvabcdefghij\1f", DNS_TYPE_NSEC3, NSEC3 "01234567890123456789\0\1\100"),
        ROW("\1x\1f", DNS_TYPE_CNAME, "\1q\1d\1e\0"),
        ROW("\1h\1f", DNS_TYPE_HTTPS, "\0\1\0"),
        ROW("\1h\1f", DNS_TYPE_A, "\300\0\2\4"),
        ROW("\1p\1f", DNS_TYPE_NAPTR, "\0\1\0\1\1s\0\0\1h\1f\0"),
};

struct fixture {
	struct answer_context *context;
	struct zone *zones[4];
	struct zone_set *set;
	struct access_rule anybody;
	struct answer_rules rules[2];
	const struct tsig_key *key;
	struct tsig_keys *keys;
};

/* Long, so that there may be too little room for it. */
#define LABEL_63                                                                                                       \
	"\77"                                                                                                          \
	"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"
#define KEY_NAME LABEL_63 LABEL_63 LABEL_63 "\32abcdefghijklmnopqrstuvwxyz"

static void add_rows(struct zone_builder *builder, const uint8_t *apex)
{
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		const uint8_t *owner = (const uint8_t *)rows[i].owner;
		if (dns_name_is_within(owner, apex)) {
			const uint8_t *rdata = (const uint8_t *)rows[i].rdata;
			ensure(dns_rdata_check(rows[i].type, rdata, rows[i].len, NULL));
			zone_builder_add(builder, owner, rows[i].type, 60, rdata, rows[i].len);
		}
	}
}

static struct zone *zone_from_rows(const char *apex_octets)
{
	const uint8_t *apex = (const uint8_t *)apex_octets;
	struct error error;
	struct zone_builder *builder = zone_builder_new(apex, DNS_CLASS_IN);
	add_rows(builder, apex);
	struct zone_snapshot *snapshot = zone_builder_finish(builder, NULL, &error);
	ensure(snapshot != NULL);
	struct zone *zone = zone_new(apex, DNS_CLASS_IN);
	change_digest_show(zone, snapshot, change_digest_of(snapshot));
	zone_publish(zone, snapshot);
	return zone;
}

static struct fixture *fixture_new(void)
{
	struct fixture *fixture = memory_new(sizeof *fixture);
	quiescent_register();
	fixture->context = answer_context_new();
	for (size_t i = 0; i < ACCESS_KINDS; i++) {
		fixture->rules[1].allow[i] = (struct access_rules){.rules = &fixture->anybody, .rule_count = 1};
	}
	fixture->rules[0].minimal_any = true;
	fixture->rules[0].allow[ACCESS_QUERY] = fixture->rules[1].allow[ACCESS_QUERY];
	fixture->zones[0] = zone_from_rows("\1e");
	fixture->zones[1] = zone_from_rows("\1f");
	fixture->zones[2] = zone_new((const uint8_t *)"\1u", DNS_CLASS_IN);
	fixture->zones[3] = zone_new((const uint8_t *)"\1v\1e", DNS_CLASS_IN);
	zone_withdraw(fixture->zones[3], ZONE_STATE_EXPIRED);
	fixture->set = zone_set_new(fixture->zones, ARRAY_LENGTH(fixture->zones));
	fixture->key = tsig_key_new((const uint8_t *)KEY_NAME, TSIG_HMAC_SHA512, "secret", 6, 0, NULL);
	fixture->keys = tsig_keys_new(&fixture->key, 1);
	return fixture;
}

static void check_response(const struct answer_request *request, const struct answer_result *result, size_t limit)
{
	struct dns_message message;
	ensure(result->len <= limit);
	ensure(dns_message_read(result->bytes, result->len, &message) == DNS_READ_OK);
	ensure(message.header.id == load_u16(request->bytes));
	ensure((message.header.flags & DNS_FLAG_QR) != 0);
	struct reader reader = dns_message_reader(&message, message.answer_offset);
	size_t count =
	        (size_t)message.header.answer_count + message.header.authority_count + message.header.additional_count;
	for (size_t i = 0; i < count; i++) {
		struct dns_rr rr;
		uint8_t bytes[DNS_RDATA_MAX];
		struct writer out = writer_of(bytes, sizeof bytes);
		dns_rr_read(&reader, &rr);
		ensure(!reader.failed);
		struct reader rdata = dns_message_reader(&message, (size_t)(rr.rdata - message.bytes));
		ensure(rr.type == DNS_TYPE_OPT || rr.type == DNS_TYPE_TSIG ||
		       dns_rdata_read(&rdata, rr.type, rr.rdata_len, &out));
	}
}

/* The digest is told to who asks for it in our scheme, and may fetch the zone. */
static void check_digest(const struct answer_request *request, const struct answer_result *result, bool may_transfer)
{
	struct dns_message asked;
	struct dns_message message;
	struct change_told told;
	ensure(dns_message_read(result->bytes, result->len, &message) == DNS_READ_OK);
	if (message.edns.digest != NULL) {
		ensure(dns_message_read(request->bytes, request->len, &asked) == DNS_READ_OK);
		ensure(may_transfer && change_told_is_asked(asked.edns.digest, asked.edns.digest_len));
		ensure(change_told_read(message.edns.digest, message.edns.digest_len, &told));
	}
}

/* A question that can be signed; gives the length, 0: it cannot. */
static size_t sign(const struct fixture *fixture, struct tsig *tsig, const struct answer_request *request, uint8_t *out)
{
	struct dns_message message;
	if (request->len > 4096 || dns_message_read(request->bytes, request->len, &message) != DNS_READ_OK ||
	    message.has_tsig || (message.header.flags & DNS_FLAG_QR) != 0) {
		return 0;
	}
	memcpy(out, request->bytes, request->len);
	tsig_ask(tsig, fixture->key);
	return tsig_sign(tsig, out, request->len, 0);
}

/* Only the first time: then the exchange is over. */
static void check_signature(struct tsig *tsig, const struct answer_result *result, unsigned time)
{
	struct dns_message message;
	ensure(dns_message_read(result->bytes, result->len, &message) == DNS_READ_OK);
	if (tsig->key != NULL && time == 0) {
		ensure(message.has_tsig && tsig_check(tsig, &message, 0) == TSIG_GOOD);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fixture *fixture;
	static const uint8_t nsid[ANSWER_NSID_MAX];
	static const size_t limits[] = {512, 1232, 4096, DNS_MESSAGE_MAX};
	if (fixture == NULL) {
		fixture = fixture_new();
	}
	if (size == 0) {
		return 0;
	}
	uint8_t choice = data[0];
	size_t limit = limits[choice >> 1 & 3];
	struct address client = {.family = ADDRESS_V4, .bytes = {192, 0, 2, 1}};
	struct answer_config config = {
	        .udp_payload = limit < 4096 ? (uint16_t)limit : 4096,
	        .nsid = nsid,
	        .nsid_len = sizeof nsid,
	        .version = {"v", 1},
	        .keys = fixture->keys,
	};
	struct answer_request request = {
	        .bytes = data + 1,
	        .len = size - 1,
	        .client = &client,
	        .transport = (choice & 1) != 0 ? ANSWER_TCP : ANSWER_UDP,
	        .now_ms = 1,
	};
	static uint8_t signed_bytes[DNS_MESSAGE_MAX];
	struct tsig tsig = {0};
	if ((choice & 16) != 0) {
		request.len = sign(fixture, &tsig, &request, signed_bytes);
		request.bytes = request.len > 0 ? signed_bytes : NULL;
	}
	if (request.bytes == NULL) {
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LENGTH(fixture->zones); i++) {
		atomic_store(&fixture->zones[i]->rules, &fixture->rules[choice >> 3 & 1]);
	}
	/* As it is where several come together. */
	struct answer_ahead ahead;
	if ((choice & 32) != 0) {
		answer_look_ahead(fixture->context, fixture->set, &request, 1, &ahead);
	}
	struct answer_result result = {.bytes = memory_new(limit), .capacity = limit};
	/* Asked again, the answer may be one that was kept. */
	for (unsigned time = 0; time < 3; time++) {
		enum answer_outcome outcome =
		        answer_message(fixture->context, &config, fixture->set, &request, &result);
		if (outcome == ANSWER_SEND || outcome == ANSWER_NOTIFY) {
			check_response(&request, &result, limit);
			check_signature(&tsig, &result, time);
			check_digest(&request, &result, (choice & 8) != 0);
		} else {
			ensure(result.len == 0);
		}
	}
	tsig_end(&tsig);
	free(result.bytes);
	quiescent_point();
	return 0;
}
