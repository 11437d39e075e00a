/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <stdio.h>

#include "base/random.h"
#include "dns/encode.h"
#include "dns/rdata.h"

static struct dns_encoder encoder;
static uint8_t bytes[DNS_MESSAGE_MAX];

static struct dns_name name_of(const char *text)
{
	struct dns_name name;
	assert_true(dns_name_from_text(text, &name, NULL));
	return name;
}

static void begin(size_t size)
{
	static bool ready;
	if (!ready) {
		dns_encoder_init(&encoder);
		ready = true;
	}
	memset(bytes, 0xee, sizeof bytes);
	dns_encoder_begin(&encoder, bytes, size, 0x1234, DNS_FLAG_QR);
}

static bool add(enum dns_section section, const char *owner, uint16_t type, const void *rdata, size_t len)
{
	return dns_encode_rr(&encoder, section, name_of(owner).wire, type, DNS_CLASS_IN, 3600, rdata, len);
}

static bool add_name(const char *owner, uint16_t type, const char *target)
{
	struct dns_name name = name_of(target);
	return add(DNS_SECTION_ANSWER, owner, type, name.wire, name.len);
}

/* Octets of the message from `offset` on. */
#define EXPECT_AT(offset, octets) assert_memory_equal(bytes + (offset), octets, sizeof octets - 1)

TEST(header_counts_and_flags_are_written_at_the_end)
{
	begin(512);
	assert_true(dns_encode_question(&encoder, name_of("example").wire, DNS_TYPE_A, DNS_CLASS_IN));
	assert_true(add(DNS_SECTION_ANSWER, "example", DNS_TYPE_A, "\1\2\3\4", 4));
	assert_true(add(DNS_SECTION_AUTHORITY, "example", DNS_TYPE_A, "\1\2\3\4", 4));
	assert_true(add(DNS_SECTION_ADDITIONAL, "example", DNS_TYPE_A, "\1\2\3\4", 4));
	assert_true(add(DNS_SECTION_ADDITIONAL, "example", DNS_TYPE_A, "\1\2\3\5", 4));
	dns_encoder_set_flag(&encoder, DNS_FLAG_AA);
	dns_encoder_set_rcode(&encoder, 0x13);
	assert_int_equal(dns_encoder_end(&encoder), 12 + 13 + 4 * 16);
	EXPECT_AT(0, "\x12\x34\x84\x03\0\1\0\1\0\1\0\2\7example\0\0\1\0\1");
	EXPECT_AT(25, "\xc0\x0c\0\1\0\1\0\0\x0e\x10\0\4\1\2\3\4");
}

TEST(owners_and_names_of_rfc_1035_types_are_compressed)
{
	static const uint16_t types[] = {2, 3, 4, 5, 7, 8, 9, 12};
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		begin(512);
		assert_true(add_name("www.example", types[i], "mail.example"));
		assert_true(add_name("mail.example", types[i], "www.example"));
		EXPECT_AT(12, "\3www\7example\0");
		EXPECT_AT(12 + 13 + 8, "\0\7\4mail\xc0\x10");
		EXPECT_AT(12 + 13 + 10 + 7, "\xc0\x23");
		EXPECT_AT(12 + 13 + 10 + 7 + 2 + 8, "\0\2\xc0\x0c");
	}
	static const uint8_t soa[] = "\2ns\7example\0\2hm\7example\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0";
	begin(512);
	assert_true(add(DNS_SECTION_ANSWER, "example", DNS_TYPE_SOA, soa, sizeof soa));
	EXPECT_AT(12 + 9 + 8, "\0\x1e\2ns\xc0\x0c\2hm\xc0\x0c\0\0\0\1");
	begin(512);
	assert_true(add(DNS_SECTION_ANSWER, "example", DNS_TYPE_MX, "\0\x0a\4mail\7example", 16));
	EXPECT_AT(12 + 9 + 8, "\0\x09\0\x0a\4mail\xc0\x0c");
	begin(512);
	assert_true(add(DNS_SECTION_ANSWER, "example", 14, "\1a\7example\0\1b\7example", 22));
	EXPECT_AT(12 + 9 + 8, "\0\x08\1a\xc0\x0c\1b\xc0\x0c");
}

/* RFC 3597 4: only the types of RFC 1035. */
TEST(names_of_younger_types_are_never_compressed)
{
	static const struct {
		uint16_t type;
		const char *before;
		size_t before_len;
	} types[] = {
	        {17, "\0", 1},
	        {18, "\0\1", 2},
	        {21, "\0\1", 2},
	        {24, "\0\1\5\2\0\0\0\1\0\0\0\1\0\0\0\1\0\1", 18},
	        {26, "\0\1\0", 3},
	        {30, "", 0},
	        {33, "\0\0\0\0\0\1", 6},
	        {35, "\0\1\0\1\0\0\0", 7},
	        {36, "\0\1", 2},
	        {39, "", 0},
	        {46, "\0\1\5\2\0\0\0\1\0\0\0\1\0\0\0\1\0\1", 18},
	        {47, "", 0},
	        {64, "\0\1", 2},
	        {107, "\0\1", 2},
	        {731, "", 0},
	};
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		uint8_t rdata[64];
		struct writer out = writer_of(rdata, sizeof rdata);
		write_bytes(&out, types[i].before, types[i].before_len);
		write_bytes(&out, "\3www\7example", 13);
		begin(512);
		assert_true(add(DNS_SECTION_ANSWER, "www.example", types[i].type, rdata, writer_len(&out)));
		assert_int_equal(dns_encoder_end(&encoder), 12 + 13 + 10 + writer_len(&out));
		assert_memory_equal(bytes + 12 + 13 + 10, rdata, writer_len(&out));
	}
}

TEST(uncompressed_names_are_no_targets_unless_they_were_owners)
{
	begin(512);
	assert_true(add(DNS_SECTION_ANSWER, "a", DNS_TYPE_SRV, "\0\0\0\0\0\1\6target\0", 14));
	assert_true(add(DNS_SECTION_ADDITIONAL, "target", DNS_TYPE_A, "\1\2\3\4", 4));
	EXPECT_AT(12 + 3 + 10 + 14, "\6target\0");
}

TEST(names_are_compressed_only_where_case_is_the_same)
{
	begin(512);
	assert_true(dns_encode_question(&encoder, name_of("wWw.Example").wire, DNS_TYPE_A, DNS_CLASS_IN));
	assert_true(add(DNS_SECTION_ANSWER, "www.example", DNS_TYPE_A, "\1\2\3\4", 4));
	EXPECT_AT(12 + 17, "\3www\7example\0");
	assert_true(add(DNS_SECTION_ANSWER, "x.Example", DNS_TYPE_A, "\1\2\3\4", 4));
	EXPECT_AT(12 + 17 + 27, "\1x\xc0\x10");
}

TEST(root_is_written_in_full)
{
	begin(512);
	assert_true(dns_encode_question(&encoder, dns_name_root, DNS_TYPE_NS, DNS_CLASS_IN));
	assert_true(add_name(".", DNS_TYPE_NS, "."));
	assert_int_equal(dns_encoder_end(&encoder), 12 + 5 + 12);
	EXPECT_AT(12, "\0\0\2\0\1\0\0\2\0\1\0\0\x0e\x10\0\1\0");
}

TEST(rrset_is_written_whole_or_not_at_all)
{
	struct dns_name owner = name_of("www.example");
	static const uint8_t rdatas[] = "\0\4\1\2\3\4\0\4\1\2\3\5\0\4\1\2\3\6";
	begin(12 + 17 + 3 * 16);
	assert_true(dns_encode_question(&encoder, owner.wire, DNS_TYPE_A, DNS_CLASS_IN));
	assert_true(
	        dns_encode_rrset(&encoder, DNS_SECTION_ANSWER, owner.wire, DNS_TYPE_A, DNS_CLASS_IN, 60, rdatas, 3));
	assert_int_equal(dns_encoder_end(&encoder), 12 + 17 + 3 * 16);
	EXPECT_AT(12 + 17 + 32, "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\1\2\3\6");
	EXPECT_AT(4, "\0\1\0\3");

	begin(12 + 17 + 3 * 16 - 1);
	assert_true(dns_encode_question(&encoder, owner.wire, DNS_TYPE_A, DNS_CLASS_IN));
	assert_false(
	        dns_encode_rrset(&encoder, DNS_SECTION_ANSWER, owner.wire, DNS_TYPE_A, DNS_CLASS_IN, 60, rdatas, 3));
	assert_int_equal(dns_encoder_end(&encoder), 12 + 17);
	EXPECT_AT(4, "\0\1\0\0");
}

TEST(first_owner_of_an_rrset_is_the_target_of_the_others)
{
	struct dns_name owner = name_of("a.b");
	static const uint8_t rdatas[] = "\0\1x\0\1y";
	begin(512);
	assert_true(dns_encode_rrset(&encoder, DNS_SECTION_ANSWER, owner.wire, 731, DNS_CLASS_IN, 60, rdatas, 2));
	EXPECT_AT(12, "\1a\1b\0");
	EXPECT_AT(12 + 5 + 11, "\xc0\x0c");
	/* Half of this owner is a pointer, so the whole can be pointed to where it was written. */
	owner = name_of("c.b");
	assert_true(dns_encode_rrset(&encoder, DNS_SECTION_ANSWER, owner.wire, 731, DNS_CLASS_IN, 60, rdatas, 2));
	EXPECT_AT(41, "\1c\xc0\x0e");
	EXPECT_AT(41 + 4 + 11, "\xc0\x29");
}

TEST(record_that_does_not_fit_leaves_the_message_as_it_was)
{
	for (size_t size = DNS_HEADER_SIZE; size < 12 + 13 + 10 + 20 + 13; size++) {
		begin(size);
		bool first = add_name("www.example", DNS_TYPE_CNAME, "cname.other.example");
		size_t len = dns_encoder_len(&encoder);
		assert_int_equal(first, size >= 12 + 13 + 10 + 14);
		assert_int_equal(len, first ? 12 + 13 + 10 + 14 : 12);
		bool second = add(DNS_SECTION_ANSWER, "cname.other.example", DNS_TYPE_A, "\1\2\3\4", 4);
		if (!first && second) {
			/* Names that were taken back may not be pointed to. */
			EXPECT_AT(12, "\5cname\5other\7example\0");
		}
		assert_true(dns_encoder_end(&encoder) <= size);
		assert_int_equal(bytes[size], 0xee);
	}
}

TEST(question_and_raw_octets_that_do_not_fit_leave_the_message_as_it_was)
{
	static const uint16_t counts[4] = {0, 1, 0, 0};
	static const uint8_t name[] = "\3www\7example";
	for (size_t size = DNS_HEADER_SIZE; size <= 12 + 13 + 4; size++) {
		begin(size);
		assert_int_equal(dns_encode_question(&encoder, name, DNS_TYPE_A, DNS_CLASS_IN), size == 12 + 13 + 4);
		assert_int_equal(dns_encoder_len(&encoder), size == 12 + 13 + 4 ? size : 12);
		assert_null(dns_encode_raw(&encoder, name, size - dns_encoder_len(&encoder) + 1, counts));
		dns_encoder_end(&encoder);
		assert_int_equal(load_u16(bytes + 4), size == 12 + 13 + 4);
		assert_int_equal(load_u16(bytes + 6), 0);
		assert_int_equal(bytes[size], 0xee);
	}
}

TEST(rollback_restores_octets_counts_and_compression)
{
	begin(512);
	assert_true(dns_encode_question(&encoder, name_of("example").wire, DNS_TYPE_A, DNS_CLASS_IN));
	struct dns_encoder_mark mark = dns_encoder_mark(&encoder);
	for (unsigned round = 0; round < 100; round++) {
		assert_true(add_name("new.example", DNS_TYPE_NS, "other.name"));
		dns_encoder_rollback(&encoder, &mark);
	}
	assert_int_equal(dns_encoder_len(&encoder), 25);
	assert_true(add(DNS_SECTION_ANSWER, "x.new.example", DNS_TYPE_A, "\1\2\3\4", 4));
	EXPECT_AT(25, "\1x\3new\xc0\x0c");
	assert_true(add(DNS_SECTION_ANSWER, "other.name", DNS_TYPE_A, "\1\2\3\4", 4));
	EXPECT_AT(25 + 8 + 14, "\5other\4name\0");
	dns_encoder_end(&encoder);
	EXPECT_AT(4, "\0\1\0\2\0\0\0\0");
}

TEST(reserved_room_is_kept_for_opt)
{
	struct dns_edns_reply edns = {.payload_size = 1232, .ede = DNS_EDE_NONE};
	assert_int_equal(dns_edns_size(&edns), 11);
	begin(12 + 16 + 3 + 11);
	dns_encoder_reserve(&encoder, 11);
	assert_true(add(DNS_SECTION_ANSWER, "a", 731, "\1\2\3\4\5\6", 6));
	assert_false(add(DNS_SECTION_ANSWER, "a", 731, "", 0));
	dns_encoder_unreserve(&encoder, 11);
	assert_true(dns_encode_edns(&encoder, &edns));
	assert_false(dns_encode_edns(&encoder, &edns));
	assert_int_equal(dns_encoder_end(&encoder), 12 + 19 + 11);
	EXPECT_AT(12 + 19, "\0\0\x29\x04\xd0\0\0\0\0\0\0");
	EXPECT_AT(10, "\0\1");
}

/* What dns_encode_edns wrote, read back. */
static struct dns_message edns_round_trip(const struct dns_edns_reply *edns)
{
	struct dns_message message;
	begin(512);
	assert_true(dns_encode_edns(&encoder, edns));
	size_t len = dns_encoder_end(&encoder);
	assert_int_equal(len, 12 + dns_edns_size(edns));
	assert_int_equal(dns_message_read(bytes, len, &message), DNS_READ_OK);
	assert_true(message.edns.present);
	assert_int_equal(message.edns.payload_size, edns->payload_size);
	assert_int_equal(message.edns.version, 0);
	return message;
}

TEST(edns_that_is_written_reads_back)
{
	struct dns_edns_reply full = {
	        .payload_size = 1232,
	        .rcode_high = 1,
	        .dnssec_ok = true,
	        .nsid = (const uint8_t *)"ns1",
	        .nsid_len = 3,
	        .expire = true,
	        .expire_s = 604800,
	        .keepalive = true,
	        .keepalive_100ms = 300,
	        .ede = DNS_EDE_NOT_AUTHORITATIVE,
	        .ede_text = "not here",
	};
	struct dns_message message = edns_round_trip(&full);
	assert_true(message.edns.dnssec_ok);
	assert_int_equal(message.edns.rcode_high, 1);
	assert_memory_equal(message.edns.nsid_bytes, "ns1", 3);
	assert_int_equal(message.edns.nsid_len, 3);
	assert_true(message.edns.expire_has_value);
	assert_int_equal(message.edns.expire_s, 604800);
	assert_true(message.edns.keepalive_has_value);
	assert_int_equal(message.edns.keepalive_100ms, 300);
	assert_int_equal(message.edns.ede, DNS_EDE_NOT_AUTHORITATIVE);
	assert_int_equal(message.edns.ede_text_len, 8);

	struct dns_edns_reply asks = {
	        .payload_size = 512,
	        .nsid = (const uint8_t *)"",
	        .expire_ask = true,
	        .keepalive_ask = true,
	        .ede = DNS_EDE_NONE,
	};
	message = edns_round_trip(&asks);
	assert_true(message.edns.nsid);
	assert_int_equal(message.edns.nsid_len, 0);
	assert_true(message.edns.expire && !message.edns.expire_has_value);
	assert_true(message.edns.keepalive && !message.edns.keepalive_has_value);
	assert_false(message.edns.dnssec_ok);
	assert_int_equal(message.edns.ede, DNS_EDE_NONE);

	struct dns_edns_reply code_zero = {.payload_size = 1232, .ede = DNS_EDE_OTHER};
	message = edns_round_trip(&code_zero);
	assert_int_equal(message.edns.ede, DNS_EDE_OTHER);
	assert_int_equal(message.edns.ede_text_len, 0);
}

TEST(names_behind_16383_octets_are_no_targets)
{
	static uint8_t filler[0x4000];
	begin(DNS_MESSAGE_MAX);
	/* The second owner begins at 0x3fff, the last offset of a pointer. */
	size_t first = 0x3fff - 12 - 1 - 10;
	assert_true(add(DNS_SECTION_ANSWER, ".", 731, filler, first));
	assert_int_equal(dns_encoder_len(&encoder), 0x3fff);
	assert_true(add(DNS_SECTION_ANSWER, "edge.label", 731, "", 0));
	size_t at = dns_encoder_len(&encoder);
	assert_true(add(DNS_SECTION_ANSWER, "edge.label", 731, "", 0));
	EXPECT_AT(at, "\xff\xff");
	/* "label" began behind the limit. */
	at = dns_encoder_len(&encoder);
	assert_true(add(DNS_SECTION_ANSWER, "x.label", 731, "", 0));
	EXPECT_AT(at, "\1x\5label\0");
	/* A whole set whose owner stands behind it. */
	at = dns_encoder_len(&encoder);
	static const uint8_t rdatas[] = "\0\1x\0\1y";
	assert_true(dns_encode_rrset(&encoder, DNS_SECTION_ANSWER, name_of("x.label").wire, 731, DNS_CLASS_IN, 60,
	                             rdatas, 2));
	EXPECT_AT(at, "\1x\5label\0");
	EXPECT_AT(at + 9 + 11, "\1x\5label\0");
	struct dns_message message;
	assert_int_equal(dns_message_read(bytes, dns_encoder_end(&encoder), &message), DNS_READ_OK);
}

TEST(message_is_filled_to_the_last_of_65535_octets)
{
	static uint8_t filler[DNS_MESSAGE_MAX];
	begin(DNS_MESSAGE_MAX);
	assert_false(add(DNS_SECTION_ANSWER, ".", 731, filler, DNS_MESSAGE_MAX - 12 - 10));
	assert_true(add(DNS_SECTION_ANSWER, ".", 731, filler, DNS_MESSAGE_MAX - 12 - 11));
	assert_int_equal(dns_encoder_end(&encoder), DNS_MESSAGE_MAX);
	assert_false(add(DNS_SECTION_ANSWER, ".", 731, filler, 0));
	struct dns_message message;
	assert_int_equal(dns_message_read(bytes, DNS_MESSAGE_MAX, &message), DNS_READ_OK);
}

TEST(table_of_names_that_is_full_costs_compression_only)
{
	begin(DNS_MESSAGE_MAX);
	unsigned count = 0;
	for (; count < 4000; count++) {
		char owner[32];
		snprintf(owner, sizeof owner, "n%u.x%u", count, count);
		if (!add(DNS_SECTION_ANSWER, owner, 731, "", 0)) {
			break;
		}
	}
	struct dns_message message;
	struct dns_rr rr;
	assert_true(count > DNS_ENCODER_SLOTS / 2);
	assert_int_equal(dns_message_read(bytes, dns_encoder_end(&encoder), &message), DNS_READ_OK);
	struct reader reader = dns_message_reader(&message, message.answer_offset);
	for (unsigned i = 0; i < count; i++) {
		char owner[32];
		snprintf(owner, sizeof owner, "n%u.x%u", i, i);
		dns_rr_read(&reader, &rr);
		assert_true(dns_name_same(rr.owner.wire, name_of(owner).wire));
	}
}

/* ---- Random messages: what was encoded is what is read ---- */

struct record {
	struct dns_name owner;
	uint16_t type;
	uint32_t ttl;
	enum dns_section section;
	size_t len;
	uint8_t rdata[600];
};

static struct dns_name random_name(struct random_source *random)
{
	static const char *const labels[] = {
	        "a", "A", "b", "ns1", "example", "Example", "averyveryverylonglabelofmanyoctets"};
	struct dns_name name = {.len = 0};
	size_t used = 0;
	for (uint64_t count = random_below(random, 6); count > 0; count--) {
		const char *label = labels[random_below(random, 7)];
		name.wire[used++] = (uint8_t)strlen(label);
		memcpy(name.wire + used, label, strlen(label));
		used += strlen(label);
	}
	name.wire[used++] = 0;
	name.len = (uint8_t)used;
	return name;
}

static void random_rdata(struct random_source *random, struct record *record)
{
	static const uint16_t types[] = {DNS_TYPE_A,   DNS_TYPE_NS,    DNS_TYPE_SOA, DNS_TYPE_MX,
	                                 DNS_TYPE_SRV, DNS_TYPE_RRSIG, 731};
	struct writer out = writer_of(record->rdata, sizeof record->rdata);
	struct dns_name one = random_name(random);
	struct dns_name two = random_name(random);
	record->type = types[random_below(random, 7)];
	switch (record->type) {
	case DNS_TYPE_A:
		write_u32(&out, (uint32_t)random->next(random));
		break;
	case DNS_TYPE_NS:
		write_bytes(&out, one.wire, one.len);
		break;
	case DNS_TYPE_SOA:
		write_bytes(&out, one.wire, one.len);
		write_bytes(&out, two.wire, two.len);
		write_bytes(&out, "01234567890123456789", 20);
		break;
	case DNS_TYPE_MX:
		write_u16(&out, (uint16_t)random->next(random));
		write_bytes(&out, one.wire, one.len);
		break;
	case DNS_TYPE_SRV:
		write_bytes(&out, "012345", 6);
		write_bytes(&out, one.wire, one.len);
		break;
	case DNS_TYPE_RRSIG:
		write_bytes(&out, "012345678901234567", 18);
		write_bytes(&out, one.wire, one.len);
		write_bytes(&out, "signature", 9);
		break;
	default:
		write_bytes(&out, "0123456789012345678901234567890", random_below(random, 30));
		break;
	}
	record->len = writer_len(&out);
	assert_true(dns_rdata_check(record->type, record->rdata, record->len, NULL));
}

static void expect_record(struct reader *reader, const struct record *record)
{
	struct dns_rr rr;
	uint8_t rdata[1000];
	struct writer out = writer_of(rdata, sizeof rdata);
	dns_rr_read(reader, &rr);
	assert_false(reader->failed);
	assert_true(dns_name_same(rr.owner.wire, record->owner.wire));
	assert_int_equal(rr.type, record->type);
	assert_int_equal(rr.ttl, record->ttl);
	struct reader at = *reader;
	at.at = at.start + (rr.rdata - at.start);
	assert_true(dns_rdata_read(&at, rr.type, rr.rdata_len, &out));
	assert_ptr_equal(at.at, reader->at);
	assert_int_equal(writer_len(&out), record->len);
	assert_memory_equal(rdata, record->rdata, record->len);
}

TEST(random_records_read_back_as_they_were_encoded)
{
	static struct record records[300];
	struct random_seeded random;
	random_seeded_init(&random, unit_seed());
	for (unsigned round = 0; round < 3000; round++) {
		size_t size = random_below(&random.source, 10) == 0 ? DNS_MESSAGE_MAX
		                                                    : 100 + random_below(&random.source, 1500);
		size_t count = 0;
		unsigned section = DNS_SECTION_ANSWER;
		begin(size);
		for (unsigned tries = 0; tries < 300; tries++) {
			struct record *record = &records[count];
			section += random_below(&random.source, 20) == 0 && section < DNS_SECTION_ADDITIONAL;
			record->owner = random_name(&random.source);
			record->ttl = (uint32_t)random.source.next(&random.source);
			record->section = (enum dns_section)section;
			random_rdata(&random.source, record);
			struct dns_encoder_mark mark = dns_encoder_mark(&encoder);
			bool fits = dns_encode_rr(&encoder, record->section, record->owner.wire, record->type,
			                          DNS_CLASS_IN, record->ttl, record->rdata, record->len);
			if (fits && random_below(&random.source, 8) == 0) {
				dns_encoder_rollback(&encoder, &mark);
				fits = false;
			}
			count += fits;
			if (!fits && random_below(&random.source, 4) == 0) {
				break;
			}
		}
		size_t len = dns_encoder_end(&encoder);
		struct dns_message message;
		assert_true(len <= size);
		assert_int_equal(dns_message_read(bytes, len, &message), DNS_READ_OK);
		struct reader reader = dns_message_reader(&message, message.answer_offset);
		for (size_t i = 0; i < count; i++) {
			expect_record(&reader, &records[i]);
		}
		assert_int_equal(reader_left(&reader), 0);
	}
}
