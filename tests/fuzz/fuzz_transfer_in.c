/* SPDX-License-Identifier: MIT */
/* A whole transfer in as a primary may send it: the first octet chooses what was asked, then come messages, each with its
 * length in front as on TCP (the last one may be short). Whatever comes, the transfer ends with a step, a text when it
 * failed, and a candidate only when it is whole. Differences are done on a version that has a bit of everything. The
 * candidate, sent out again, makes the same zone, as does what it differs by from the version before. */
#include <stdint.h>
#include <stdlib.h>

#include "base/ensure.h"
#include "change/digest.h"
#include "dns/rdata.h"
#include "transfer/transfer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ID 7

/* What the first octet says. */
enum { ASKED_IXFR = 1, HAS_SERIAL = 2, ANY_SERIAL = 4, FEW_RECORDS = 8, FEW_OCTETS = 16 };

static struct dns_encoder encoder;

/* ---- the version that we have ---- */

struct row {
	const char *owner;
	uint16_t type;
	const char *rdata; /* octets */
	size_t len;
};

#define ROW(owner, type, rdata)                                                                                        \
	{                                                                                                              \
		owner "\7example", type, rdata, sizeof(rdata) - 1                                                      \
	}

#define SIG "\15\2\0\0\1\54\100\0\0\0\60\0\0\0\22\147\7example\0sig"

static const struct row rows[] = {
        ROW("", DNS_TYPE_SOA, "\2ns\7example\0\5admin\7example\0\0\0\0\4\0\0\0\74\0\0\0\12\0\0\2\130\0\0\0\36"),
        ROW("", DNS_TYPE_RRSIG, "\0\6" SIG),
        ROW("", DNS_TYPE_NS, "\2ns\7example\0"),
        ROW("", DNS_TYPE_NSEC3PARAM, "\1\0\0\1\1\253"),
        ROW("\2ns", DNS_TYPE_A, "\300\0\2\1"),
        ROW("\2ns", DNS_TYPE_RRSIG, "\0\1" SIG),
        ROW("\3sub", DNS_TYPE_NS, "\1g\3sub\7example\0"),
        ROW("\1g\3sub", DNS_TYPE_A, "\300\0\2\2"),
        ROW("\1A\1b\1c", DNS_TYPE_TXT, "\3abc"),
        ROW("\1A\1b\1c", DNS_TYPE_TXT, "\3abd"),
        ROW("\1*\1w", DNS_TYPE_A, "\300\0\2\3"),
        ROW("\1d", DNS_TYPE_DNAME, "\1w\7example\0"),
        ROW("\1n\1d", DNS_TYPE_A, "\300\0\2\4"),
        ROW("\5alias", DNS_TYPE_CNAME, "\2ns\7example\0"),
        ROW("\40abcdefghijklmnopqrstuvabcdefghij", DNS_TYPE_NSEC3, "\1\1\0\1\1\253\02401234567890123456789\0\1\100"),
};

static const struct zone_snapshot *make_base(void)
{
	struct zone_builder *builder = zone_builder_new((const uint8_t *)"\7example", DNS_CLASS_IN);
	struct error error;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const uint8_t *rdata = (const uint8_t *)rows[i].rdata;
		ensure(dns_rdata_check(rows[i].type, rdata, rows[i].len, NULL));
		ensure(zone_builder_add(builder, (const uint8_t *)rows[i].owner, rows[i].type, 300, rdata,
		                        rows[i].len) == ZONE_ADDED);
	}
	const struct zone_snapshot *base = zone_builder_finish(builder, NULL, &error);
	ensure(base != NULL);
	return base;
}

/* ---- a transfer ---- */

static struct transfer_in *begin(uint8_t choice)
{
	struct transfer_in_config config = {
	        .apex = (const uint8_t *)"\7example",
	        .class = DNS_CLASS_IN,
	        .type = (choice & ASKED_IXFR) != 0 ? DNS_TYPE_IXFR : DNS_TYPE_AXFR,
	        .id = ID,
	        .has_serial = (choice & HAS_SERIAL) != 0,
	        .serial = 4,
	        .any_serial = (choice & ANY_SERIAL) != 0,
	        .asks_digest = true,
	        .records_max = (choice & FEW_RECORDS) != 0 ? 3 : 100000,
	        .bytes_max = (choice & FEW_OCTETS) != 0 ? 200 : 1000000,
	};
	return transfer_in_new(&config);
}

static void expect_same(const struct zone_snapshot *zone, const struct zone_snapshot *copy)
{
	struct zone_facts before;
	struct zone_facts after;
	ensure(copy != NULL);
	zone_facts(zone, &before);
	zone_facts(copy, &after);
	ensure(before.records == after.records && before.names == after.names &&
	       zone_serial(zone) == zone_serial(copy));
	ensure(change_digest_equal(change_digest_of(zone), change_digest_of(copy)));
	zone_unref(copy);
}

/* Sends the candidate to ourselves. An RR that came with a compressed owner in a message of 64 KiB may be too large for any
 * message that we would make. */
static void send_again(const struct zone_snapshot *zone)
{
	static uint8_t bytes[DNS_MESSAGE_MAX];
	struct dns_message question = {.header = {.id = ID}, .has_question = true, .qtype = DNS_TYPE_AXFR};
	struct error error;
	size_t len;
	enum transfer_in_step step = TRANSFER_IN_MORE;
	question.qname = dns_name_of(zone_name(zone));
	question.qclass = DNS_CLASS_IN;
	struct transfer_in *in = begin(0);
	struct transfer_out *out = transfer_out_new(&question, zone, NULL, NULL);
	enum transfer_out_step sent = transfer_out_next(out, &encoder, bytes, sizeof bytes, &len, &error);
	while (sent == TRANSFER_OUT_MESSAGE) {
		ensure(step == TRANSFER_IN_MORE);
		step = transfer_in_message(in, bytes, len, &error);
		sent = transfer_out_next(out, &encoder, bytes, sizeof bytes, &len, &error);
	}
	transfer_out_free(out);
	if (sent == TRANSFER_OUT_END) {
		ensure(step == TRANSFER_IN_DONE);
		expect_same(zone, transfer_in_finish(in, NULL, NULL, &error));
	} else {
		transfer_in_free(in);
	}
}

/* What leads there and back leads nowhere. */
static void go_back(const struct zone_snapshot *base, const struct zone_snapshot *zone, const struct changeset *there)
{
	struct error error;
	const struct changeset *sets[2] = {there, changeset_between(zone, base, &error)};
	ensure(sets[1] != NULL);
	const struct changeset *nothing = changeset_join(sets, 2);
	ensure(changeset_facts(nothing).removed == 1 && changeset_facts(nothing).added == 1);
	ensure(change_digest_equal(change_digest_after(change_digest_of(base), nothing), change_digest_of(base)));
	changeset_unref(nothing);
	changeset_unref(sets[1]);
}

/* What leads from the version that we had to this one: the digest follows it, and it makes the same again. */
static void differ_again(const struct zone_snapshot *base, const struct zone_snapshot *zone)
{
	struct error error;
	const struct changeset *set = changeset_between(base, zone, &error);
	ensure(set != NULL);
	ensure(change_digest_equal(change_digest_after(change_digest_of(base), set), change_digest_of(zone)));
	expect_same(zone, changeset_apply(set, base, &error));
	go_back(base, zone, set);
	changeset_unref(set);
}

static void finish(struct transfer_in *take, const struct zone_snapshot *base)
{
	struct error error;
	bool is_difference = transfer_in_counts(take).is_difference;
	const struct zone_snapshot *candidate = transfer_in_finish(take, base, NULL, &error);
	if (candidate != NULL && is_difference) {
		differ_again(base, candidate);
	}
	if (candidate != NULL) {
		send_again(candidate);
	} else {
		ensure(error.text[0] != '\0');
	}
	zone_unref(candidate);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct zone_snapshot *base;
	struct reader stream = reader_of(data, size);
	struct error error = {.code = ERROR_NONE};
	if (base == NULL) {
		dns_encoder_init(&encoder);
		base = make_base();
	}
	struct transfer_in *in = begin(read_u8(&stream));
	enum transfer_in_step step = TRANSFER_IN_MORE;
	while (step == TRANSFER_IN_MORE && !stream.failed && reader_left(&stream) >= 2) {
		size_t len = read_u16(&stream);
		len = len < reader_left(&stream) ? len : reader_left(&stream);
		step = transfer_in_message(in, read_bytes(&stream, len), len, &error);
	}
	switch (step) {
	case TRANSFER_IN_DONE:
		finish(in, base);
		return 0;
	case TRANSFER_IN_FAILED:
		ensure(error.code != ERROR_NONE && error.text[0] != '\0');
		break;
	case TRANSFER_IN_MORE:
	case TRANSFER_IN_UP_TO_DATE:
		break;
	}
	transfer_in_free(in);
	return 0;
}
