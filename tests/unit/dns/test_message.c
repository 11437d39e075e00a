/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <stdlib.h>

#include "base/random.h"
#include "dns/message.h"

#define QUESTION "\3www\7example\0\0\1\0\1"
#define OPT      "\0\0\x29\x04\xd0\0\0\0\0\0\0"
#define A_RECORD "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1"
#define TSIG     "\3key\0\0\xfa\0\xff\0\0\0\0\0\0"

/* A message under construction: the header by counts, then any octets. */
struct built {
	uint8_t bytes[2048];
	struct writer out;
};

static void begin(struct built *built, uint16_t flags, unsigned qd, unsigned an, unsigned ns, unsigned ar)
{
	built->out = writer_of(built->bytes, sizeof built->bytes);
	write_u16(&built->out, 0x1234);
	write_u16(&built->out, flags);
	write_u16(&built->out, (uint16_t)qd);
	write_u16(&built->out, (uint16_t)an);
	write_u16(&built->out, (uint16_t)ns);
	write_u16(&built->out, (uint16_t)ar);
}

#define ADD(built, octets) write_bytes(&(built)->out, octets, sizeof(octets) - 1)

static uint8_t *exact;

/* Reads from a block of exactly the message's size, so that the address sanitizer sees the first octet read too far. */
static enum dns_read_outcome read_exactly(const uint8_t *bytes, size_t len, struct dns_message *message)
{
	free(exact);
	exact = malloc(len > 0 ? len : 1);
	if (len > 0) {
		memcpy(exact, bytes, len);
	}
	return dns_message_read(exact, len, message);
}

static enum dns_read_outcome read_built(struct built *built, struct dns_message *message)
{
	assert_false(built->out.failed);
	return read_exactly(built->bytes, writer_len(&built->out), message);
}

static void expect(struct built *built, enum dns_read_outcome outcome)
{
	struct dns_message message;
	assert_int_equal(read_built(built, &message), outcome);
	assert_int_equal(message.header.id, 0x1234);
}

/* What reading gives of a message with so many entries in its sections and these octets behind its header. */
static void expect_read(enum dns_read_outcome outcome, unsigned qd, unsigned an, unsigned ns, unsigned ar,
                        const void *octets, size_t len)
{
	struct built built;
	begin(&built, 0, qd, an, ns, ar);
	write_bytes(&built.out, octets, len);
	expect(&built, outcome);
}
#define EXPECT_READ(outcome, qd, an, ns, ar, octets) expect_read(outcome, qd, an, ns, ar, octets, sizeof(octets) - 1)

TEST(plain_query_is_read)
{
	struct built query;
	struct dns_message message;
	begin(&query, DNS_FLAG_RD, 1, 0, 0, 0);
	ADD(&query, QUESTION);
	assert_int_equal(read_built(&query, &message), DNS_READ_OK);
	assert_true(message.has_question);
	assert_memory_equal(message.qname.wire, "\3www\7example", 13);
	assert_int_equal(message.qname.len, 13);
	assert_int_equal(message.qtype, DNS_TYPE_A);
	assert_int_equal(message.qclass, DNS_CLASS_IN);
	assert_int_equal(message.question_end, 29);
	assert_int_equal(message.header.flags, DNS_FLAG_RD);
	assert_false(message.edns.present);
	assert_int_equal(message.edns.ede, DNS_EDE_NONE);
	assert_false(message.has_tsig);
}

TEST(less_than_a_header_is_nothing)
{
	uint8_t zeros[DNS_HEADER_SIZE] = {0};
	struct dns_message message;
	for (size_t len = 0; len < DNS_HEADER_SIZE; len++) {
		assert_int_equal(read_exactly(zeros, len, &message), DNS_READ_TOO_SHORT);
	}
	assert_int_equal(read_exactly(zeros, DNS_HEADER_SIZE, &message), DNS_READ_OK);
	assert_false(message.has_question);
}

TEST(two_questions_are_a_format_error)
{
	EXPECT_READ(DNS_READ_FORMERR, 2, 0, 0, 0, QUESTION QUESTION);
}

TEST(over_long_name_is_a_format_error_in_question_and_records)
{
	struct built query;
	begin(&query, 0, 1, 0, 0, 0);
	for (unsigned i = 0; i < 5; i++) {
		write_u8(&query.out, 63);
		write_bytes(&query.out, "0123456789012345678901234567890123456789012345678901234567890123", 63);
	}
	ADD(&query, "\0\0\1\0\1");
	expect(&query, DNS_READ_FORMERR);

	begin(&query, 0, 0, 1, 0, 0);
	for (unsigned i = 0; i < 5; i++) {
		write_u8(&query.out, 63);
		write_bytes(&query.out, "0123456789012345678901234567890123456789012345678901234567890123", 63);
	}
	ADD(&query, "\0\0\1\0\1\0\0\0\0\0\0");
	expect(&query, DNS_READ_FORMERR);
}

TEST(message_cut_anywhere_is_a_format_error)
{
	struct built answer;
	struct dns_message message;
	begin(&answer, DNS_FLAG_QR, 1, 1, 1, 2);
	ADD(&answer, QUESTION);
	ADD(&answer, A_RECORD);
	ADD(&answer, A_RECORD);
	ADD(&answer, A_RECORD);
	ADD(&answer, OPT);
	assert_int_equal(read_built(&answer, &message), DNS_READ_OK);
	assert_int_equal(message.answer_offset, 29);
	assert_int_equal(message.authority_offset, 45);
	assert_int_equal(message.additional_offset, 61);
	for (size_t len = DNS_HEADER_SIZE; len < writer_len(&answer.out); len++) {
		assert_int_equal(read_exactly(answer.bytes, len, &message), DNS_READ_FORMERR);
	}
}

TEST(octets_behind_the_last_record_are_a_format_error)
{
	EXPECT_READ(DNS_READ_FORMERR, 1, 0, 0, 0, QUESTION "x");
	EXPECT_READ(DNS_READ_FORMERR, 1, 0, 0, 1, QUESTION OPT OPT);
}

TEST(opt_stands_once_at_the_root_in_the_additional_section)
{
	EXPECT_READ(DNS_READ_OK, 1, 0, 0, 1, QUESTION OPT);
	EXPECT_READ(DNS_READ_FORMERR, 1, 0, 0, 2, QUESTION OPT OPT);
	EXPECT_READ(DNS_READ_FORMERR, 1, 0, 0, 1, QUESTION "\1a" OPT);
	EXPECT_READ(DNS_READ_FORMERR, 1, 1, 0, 0, QUESTION OPT);
	EXPECT_READ(DNS_READ_FORMERR, 1, 0, 1, 0, QUESTION OPT);
}

TEST(tsig_is_the_last_record)
{
	struct built query;
	struct dns_message message;
	begin(&query, 0, 1, 0, 0, 2);
	ADD(&query, QUESTION);
	ADD(&query, OPT);
	ADD(&query, TSIG);
	assert_int_equal(read_built(&query, &message), DNS_READ_OK);
	assert_true(message.has_tsig);
	assert_true(message.edns.present);
	assert_int_equal(message.tsig_offset, 29 + 11);

	begin(&query, 0, 1, 0, 0, 2);
	ADD(&query, QUESTION);
	ADD(&query, TSIG);
	ADD(&query, OPT);
	assert_int_equal(read_built(&query, &message), DNS_READ_FORMERR);
	assert_false(message.has_tsig);

	EXPECT_READ(DNS_READ_FORMERR, 1, 0, 0, 2, QUESTION TSIG TSIG);
	EXPECT_READ(DNS_READ_FORMERR, 1, 1, 0, 0, QUESTION TSIG);
}

TEST(format_error_keeps_the_opt_that_was_sound)
{
	struct built query;
	struct dns_message message;
	begin(&query, 0, 1, 0, 0, 2);
	ADD(&query, QUESTION);
	ADD(&query, OPT);
	ADD(&query, "\1");
	assert_int_equal(read_built(&query, &message), DNS_READ_FORMERR);
	assert_true(message.edns.present);
	assert_int_equal(message.edns.payload_size, 1232);

	begin(&query, 0, 1, 0, 0, 1);
	ADD(&query, QUESTION);
	ADD(&query, "\0\0\x29\x04\xd0\0\0\0\0\0\5\0\3\0\2x"); /* an option longer than the OPT */
	assert_int_equal(read_built(&query, &message), DNS_READ_FORMERR);
	assert_false(message.edns.present);
}

TEST(records_of_other_types_may_stand_in_the_additional_section)
{
	EXPECT_READ(DNS_READ_OK, 1, 0, 0, 3, QUESTION A_RECORD OPT A_RECORD);
}

TEST(owner_that_points_forwards_is_a_format_error)
{
	struct built answer;
	begin(&answer, DNS_FLAG_QR, 1, 1, 0, 0);
	ADD(&answer, QUESTION);
	ADD(&answer, "\xc0\x1d\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1"); /* to itself, at 29 */
	expect(&answer, DNS_READ_FORMERR);
}

/* A query with one OPT of these octets behind the class. */
static void read_opt(const void *rest, size_t len, struct dns_message *message)
{
	struct built query;
	begin(&query, 0, 1, 0, 0, 1);
	ADD(&query, QUESTION);
	ADD(&query, "\0\0\x29\x10\0");
	write_bytes(&query.out, rest, len);
	assert_int_equal(read_built(&query, message), DNS_READ_OK);
	assert_true(message->edns.present);
	assert_int_equal(message->edns.payload_size, 4096);
}

#define READ_OPT(octets, message) read_opt(octets, sizeof octets - 1, message)

TEST(opt_fields_are_read)
{
	struct dns_message message;
	READ_OPT("\1\0\x80\0\0\0", &message);
	assert_int_equal(message.edns.rcode_high, 1);
	assert_int_equal(message.edns.version, 0);
	assert_true(message.edns.dnssec_ok);
	assert_int_equal(dns_message_rcode(&message), 16);
	READ_OPT("\0\x64\x7f\xff\0\0", &message);
	assert_int_equal(message.edns.version, 100);
	assert_false(message.edns.dnssec_ok);
}

TEST(edns_options_are_read)
{
	struct dns_message message;
	READ_OPT("\0\0\0\0\0\x14"
	         "\0\3\0\0"
	         "\0\x09\0\0"
	         "\0\x0b\0\0"
	         "\0\x0c\0\4\0\0\0\0",
	         &message);
	assert_true(message.edns.nsid);
	assert_int_equal(message.edns.nsid_len, 0);
	assert_true(message.edns.expire);
	assert_false(message.edns.expire_has_value);
	assert_true(message.edns.keepalive);
	assert_false(message.edns.keepalive_has_value);
	assert_true(message.edns.padding);
	assert_false(message.edns.cookie);
	assert_int_equal(message.edns.options_len, 20);

	READ_OPT("\0\0\0\0\0\x1d"
	         "\0\3\0\3abc"
	         "\0\x09\0\4\0\1\0\2"
	         "\0\x0b\0\2\1\0"
	         "\0\x0a\0\4cook",
	         &message);
	assert_memory_equal(message.edns.nsid_bytes, "abc", 3);
	assert_int_equal(message.edns.nsid_len, 3);
	assert_true(message.edns.expire_has_value);
	assert_int_equal(message.edns.expire_s, 0x10002);
	assert_true(message.edns.keepalive_has_value);
	assert_int_equal(message.edns.keepalive_100ms, 256);
	assert_true(message.edns.cookie);
}

TEST(first_digest_counts)
{
	struct dns_message message;
	READ_OPT("\0\0\0\0\0\x0c"
	         "\xff\x20\0\3abc"
	         "\xff\x20\0\1d",
	         &message);
	assert_int_equal(message.edns.digest_len, 3);
	assert_memory_equal(message.edns.digest, "abc", 3);
	READ_OPT("\0\0\0\0\0\0", &message);
	assert_null(message.edns.digest);
}

TEST(first_extended_error_counts)
{
	struct dns_message message;
	READ_OPT("\0\0\0\0\0\x14"
	         "\0\x0f\0\1x"
	         "\0\x0f\0\5\0\x12why"
	         "\0\x0f\0\2\0\1",
	         &message);
	assert_int_equal(message.edns.ede, DNS_EDE_PROHIBITED);
	assert_int_equal(message.edns.ede_text_len, 3);
	assert_memory_equal(message.edns.ede_text, "why", 3);
}

TEST(unknown_options_and_odd_lengths_are_ignored)
{
	struct dns_message message;
	READ_OPT("\0\0\0\0\0\x11"
	         "\xff\xfe\0\1x"
	         "\0\x09\0\1x"
	         "\0\x0b\0\3xyz",
	         &message);
	assert_true(message.edns.expire);
	assert_false(message.edns.expire_has_value);
	assert_true(message.edns.keepalive);
	assert_false(message.edns.keepalive_has_value);
}

TEST(records_are_read_in_order)
{
	struct built answer;
	struct dns_message message;
	struct dns_rr rr;
	begin(&answer, DNS_FLAG_QR, 1, 2, 0, 0);
	ADD(&answer, QUESTION);
	ADD(&answer, A_RECORD);
	ADD(&answer, "\xc0\x10\0\x10\0\1\x80\0\0\0\0\2\1x");
	assert_int_equal(read_built(&answer, &message), DNS_READ_OK);
	struct reader reader = dns_message_reader(&message, message.answer_offset);
	dns_rr_read(&reader, &rr);
	assert_memory_equal(rr.owner.wire, "\3www\7example", 13);
	assert_int_equal(rr.ttl, 60);
	assert_int_equal(rr.rdata_len, 4);
	dns_rr_read(&reader, &rr);
	assert_memory_equal(rr.owner.wire, "\7example", 9);
	assert_int_equal(rr.type, DNS_TYPE_TXT);
	assert_int_equal(rr.ttl, 0x80000000u);
	assert_memory_equal(rr.rdata, "\1x", 2);
	assert_false(reader.failed);
	assert_int_equal(reader_left(&reader), 0);
	dns_rr_read(&reader, &rr);
	assert_true(reader.failed);
}

static void expect_next(struct reader *reader, struct dns_rr *rr, const uint8_t **place, const char *owner,
                        uint8_t last)
{
	dns_rr_read_next(reader, rr, place);
	assert_false(reader->failed);
	assert_memory_equal(rr->owner.wire, owner, strlen(owner) + 1);
	assert_int_equal(rr->owner.len, strlen(owner) + 1);
	assert_int_equal(rr->rdata[3], last);
}

#define A_BEHIND(owner, last) owner "\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2" last

TEST(owner_that_points_to_the_one_before_is_the_same)
{
	struct built answer;
	struct dns_message message;
	struct dns_rr rr;
	const uint8_t *place = NULL;
	begin(&answer, DNS_FLAG_QR, 1, 7, 0, 0);
	ADD(&answer, QUESTION);                      /* www.example at 12, example at 16; 17 octets */
	ADD(&answer, A_BEHIND("\xc0\x0c", "\1"));    /* at 29, 16 octets */
	ADD(&answer, A_BEHIND("\xc0\x0c", "\2"));    /* at 45 */
	ADD(&answer, A_BEHIND("\1a\xc0\x10", "\3")); /* at 61, 18 octets */
	ADD(&answer, A_BEHIND("\xc0\x3d", "\4"));    /* at 79 */
	ADD(&answer, A_BEHIND("\xc0\x3d", "\5"));    /* at 95 */
	ADD(&answer, A_BEHIND("\xc0\x10", "\6"));    /* at 111 */
	ADD(&answer, A_BEHIND("\xc0\x7f", "\7"));    /* at 127, to itself */
	assert_int_equal(read_built(&answer, &message), DNS_READ_FORMERR);
	assert_int_equal(dns_message_read_frame(exact, writer_len(&answer.out), &message), DNS_READ_OK);
	struct reader reader = dns_message_reader(&message, message.answer_offset);
	expect_next(&reader, &rr, &place, "\3www\7example", 1);
	expect_next(&reader, &rr, &place, "\3www\7example", 2);
	expect_next(&reader, &rr, &place, "\1a\7example", 3);
	expect_next(&reader, &rr, &place, "\1a\7example", 4);
	expect_next(&reader, &rr, &place, "\1a\7example", 5);
	expect_next(&reader, &rr, &place, "\7example", 6);
	dns_rr_read_next(&reader, &rr, &place);
	assert_true(reader.failed);
}

TEST(frame_of_a_message_is_whole)
{
	struct built answer;
	struct dns_message message;
	begin(&answer, DNS_FLAG_QR, 1, 1, 0, 0);
	ADD(&answer, QUESTION A_RECORD);
	for (size_t len = DNS_HEADER_SIZE; len < writer_len(&answer.out); len++) {
		assert_int_equal(dns_message_read_frame(answer.bytes, len, &message), DNS_READ_FORMERR);
	}
	assert_int_equal(dns_message_read_frame(answer.bytes, writer_len(&answer.out), &message), DNS_READ_OK);
	begin(&answer, DNS_FLAG_QR, 1, 1, 0, 0);
	ADD(&answer, QUESTION OPT);
	assert_int_equal(dns_message_read_frame(answer.bytes, writer_len(&answer.out), &message), DNS_READ_FORMERR);
}

TEST(reading_a_message_never_leaves_its_bytes)
{
	struct random_seeded random;
	random_seeded_init(&random, unit_seed());
	struct built good;
	begin(&good, DNS_FLAG_QR, 1, 1, 1, 3);
	ADD(&good, QUESTION);
	ADD(&good, A_RECORD);
	ADD(&good, A_RECORD);
	ADD(&good, A_RECORD);
	ADD(&good, "\0\0\x29\x04\xd0\0\0\0\0\0\x09\0\x0f\0\5\0\x12why");
	ADD(&good, TSIG);
	for (unsigned round = 0; round < 20000; round++) {
		uint8_t bytes[200];
		size_t len = writer_len(&good.out);
		memcpy(bytes, good.bytes, len);
		for (uint64_t changes = random_below(&random.source, 4); changes > 0; changes--) {
			bytes[random_below(&random.source, len)] = (uint8_t)random_below(&random.source, 256);
		}
		struct dns_message message;
		len -= random_below(&random.source, 5) == 0 ? random_below(&random.source, len) : 0;
		if (read_exactly(bytes, len, &message) != DNS_READ_OK) {
			continue;
		}
		struct reader reader = dns_message_reader(&message, message.answer_offset);
		unsigned count = message.header.answer_count;
		count += message.header.authority_count;
		count += message.header.additional_count;
		struct dns_rr rr;
		for (; count > 0; count--) {
			dns_rr_read(&reader, &rr);
		}
		assert_false(reader.failed);
		assert_int_equal(reader_left(&reader), 0);
	}
}

#define SOA_RDATA "\0\x18\xc0\x0c\xc0\x0c\0\0\0\x2a\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5"

/* The serial that a message with these three records says its zone, "www.example.", has. */
static bool serial_among(const char *records, size_t len, uint32_t *serial)
{
	struct built answer;
	struct dns_message message;
	begin(&answer, DNS_FLAG_QR, 1, 3, 0, 0);
	ADD(&answer, QUESTION);
	write_bytes(&answer.out, (const uint8_t *)records, len);
	assert_int_equal(read_built(&answer, &message), DNS_READ_OK);
	return dns_message_soa_serial(&message, message.answer_offset, message.header.answer_count, message.qname.wire,
	                              DNS_CLASS_IN, serial);
}
#define SERIAL_AMONG(records, serial) serial_among(records, sizeof records - 1, serial)

TEST(serial_is_that_of_the_zones_own_soa)
{
	uint32_t serial = 0;
	assert_true(SERIAL_AMONG(A_RECORD "\xc0\x0c\0\6\0\1\0\0\0\0" SOA_RDATA A_RECORD, &serial));
	assert_int_equal(serial, 42);
	assert_true(SERIAL_AMONG(A_RECORD A_RECORD "\3WWW\7Example\0\0\6\0\1\0\0\0\0" SOA_RDATA, &serial));
	assert_false(SERIAL_AMONG(A_RECORD A_RECORD A_RECORD, &serial));
	assert_false(SERIAL_AMONG(A_RECORD A_RECORD "\xc0\x10\0\6\0\1\0\0\0\0" SOA_RDATA, &serial)); /* example. */
	assert_false(SERIAL_AMONG(A_RECORD A_RECORD "\xc0\x0c\0\6\0\3\0\0\0\0" SOA_RDATA, &serial)); /* CH */
}

TEST(malformed_soa_has_no_serial)
{
	uint32_t serial;
	assert_false(SERIAL_AMONG("\xc0\x0c\0\6\0\1\0\0\0\0\0\2\xc0\x0c" A_RECORD A_RECORD, &serial));
	assert_false(SERIAL_AMONG("\xc0\x0c\0\6\0\1\0\0\0\0\0\0" A_RECORD A_RECORD, &serial));
}

TEST(soa_fields_are_found)
{
	static const uint8_t good[] = "\2ns\0\2hm\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0";
	uint8_t rdata[sizeof good];
	struct dns_soa soa;
	memcpy(rdata, good, sizeof good);
	rdata[sizeof good - 1] = 5;
	dns_soa_read(rdata, sizeof rdata, &soa);
	assert_memory_equal(soa.mname, "\2ns", 4);
	assert_memory_equal(soa.rname, "\2hm", 4);
	assert_int_equal(soa.serial, 1);
	assert_int_equal(soa.refresh_s, 2);
	assert_int_equal(soa.retry_s, 3);
	assert_int_equal(soa.expire_s, 4);
	assert_int_equal(soa.minimum_s, 5);
	dns_soa_set_serial(rdata, sizeof rdata, 0xfffffffe);
	assert_int_equal(dns_soa_serial(rdata, sizeof rdata), 0xfffffffe);
	dns_soa_read(rdata, sizeof rdata, &soa);
	assert_int_equal(soa.serial, 0xfffffffe);
	assert_int_equal(soa.refresh_s, 2);
}
