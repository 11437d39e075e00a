/* SPDX-License-Identifier: MIT */
/* RDATA in messages, the names in it, its canonical form and order. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "dns/name.h"
#include "dns/rdata.h"
#include "dns/rdata_internal.h"
#include "dns/type.h"
#include "rdata_text.h"

struct rdata {
	size_t len;
	uint8_t octets[600];
};

static struct rdata rdata_of(uint16_t type, const char *text)
{
	struct rdata rdata;
	struct dns_rdata_error error;
	struct writer out = writer_of(rdata.octets, sizeof rdata.octets);
	if (!parse_rdata(type, text, &out, &error)) {
		fail_msg("%s: %s", text, error.text);
	}
	rdata.len = writer_len(&out);
	return rdata;
}

/* ---- Out of messages ---- */

/* Reads RDATA that stands behind "example" at offset 0 of a message, with other octets behind it. */
static bool read_behind_name(uint16_t type, const void *rdata, size_t len, struct rdata *out)
{
	uint8_t message[700];
	struct writer built = writer_of(message, sizeof message);
	write_bytes(&built, "\7example\0", 9);
	write_bytes(&built, rdata, len);
	write_bytes(&built, "\0next", 5);
	struct reader reader = reader_of(message, writer_len(&built));
	reader.at += 9;
	struct writer writer = writer_of(out->octets, sizeof out->octets);
	write_u16(&writer, 0xabcd);
	bool good = dns_rdata_read(&reader, type, len, &writer);
	assert_int_equal(reader.failed, !good);
	assert_int_equal(load_u16(out->octets), 0xabcd);
	if (good) {
		assert_int_equal(reader_offset(&reader), 9 + len);
	} else {
		assert_int_equal(writer_len(&writer), 2);
	}
	out->len = writer_len(&writer) - 2;
	memmove(out->octets, out->octets + 2, out->len);
	return good;
}

#define READ(type, octets, out) read_behind_name(type, octets, sizeof octets - 1, out)

static void expect_text(uint16_t type, const struct rdata *rdata, const char *expected)
{
	struct text text;
	text_init(&text, 10000);
	dns_rdata_to_text(type, rdata->octets, rdata->len, &text);
	assert_string_equal(text_string(&text), expected);
	text_deinit(&text);
}

TEST(compressed_names_of_well_known_types_are_expanded)
{
	struct rdata rdata;
	static const uint16_t names[] = {2, 3, 4, 5, 7, 8, 9, 12};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		assert_true(READ(names[i], "\3www\xc0\x00", &rdata));
		expect_text(names[i], &rdata, "www.example.");
	}
	assert_true(READ(DNS_TYPE_MX, "\0\5\xc0\x00", &rdata));
	expect_text(DNS_TYPE_MX, &rdata, "5 example.");
	assert_true(READ(14, "\1a\xc0\x00\xc0\x09", &rdata));
	expect_text(14, &rdata, "a.example. a.example.");
	assert_true(READ(DNS_TYPE_SOA, "\xc0\x00\2hm\xc0\x00\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5", &rdata));
	expect_text(DNS_TYPE_SOA, &rdata, "example. hm.example. 1 2 3 4 5");
}

/* RFC 3597 4: we must not send them so, but others once did. */
TEST(types_that_were_once_compressed_are_read_leniently)
{
	struct rdata rdata;
	assert_true(READ(17, "\xc0\x00\xc0\x00", &rdata));
	expect_text(17, &rdata, "example. example.");
	assert_true(READ(18, "\0\1\xc0\x00", &rdata));
	assert_true(READ(21, "\0\1\xc0\x00", &rdata));
	assert_true(READ(24, "\0\1\5\2\0\0\0\1\0\0\0\1\0\0\0\1\0\1\xc0\x00sig", &rdata));
	assert_true(READ(26, "\0\1\xc0\x00\xc0\x00", &rdata));
	assert_true(READ(30, "\xc0\x00\x40", &rdata));
	expect_text(30, &rdata, "example. A");
	assert_true(READ(33, "\0\1\0\2\0\3\xc0\x00", &rdata));
	expect_text(33, &rdata, "1 2 3 example.");
	assert_true(READ(35, "\0\1\0\2\1s\0\2!!\xc0\x00", &rdata));
	expect_text(35, &rdata, "1 2 \"s\" \"\" \"!!\" example.");
}

TEST(names_of_other_types_must_not_be_compressed)
{
	struct rdata rdata;
	assert_false(READ(36, "\0\1\xc0\x00", &rdata));
	assert_false(READ(39, "\xc0\x00", &rdata));
	assert_false(READ(46, "\0\1\5\2\0\0\0\1\0\0\0\1\0\0\0\1\0\1\xc0\x00sig", &rdata));
	assert_false(READ(47, "\xc0\x00\0\1\x40", &rdata));
	assert_false(READ(64, "\0\1\xc0\x00", &rdata));
	assert_false(READ(107, "\0\1\xc0\x00", &rdata));
	assert_true(READ(731, "\xc0\x00", &rdata));
}

TEST(rdata_ends_where_its_length_says)
{
	struct rdata rdata;
	assert_false(READ(DNS_TYPE_A, "\1\2\3", &rdata));
	assert_false(READ(DNS_TYPE_A, "\1\2\3\4\5", &rdata));
	assert_false(READ(DNS_TYPE_NS, "\3www", &rdata)); /* the root label would stand behind the RDATA */
	assert_false(READ(DNS_TYPE_NS, "\3www\xc0", &rdata));
	assert_false(READ(DNS_TYPE_NS, "\xc0\x00x", &rdata));
	assert_false(READ(DNS_TYPE_NS, "", &rdata));
	assert_false(READ(DNS_TYPE_SOA, "\xc0\x00\xc0\x00\0\0\0\1", &rdata));
	assert_false(READ(DNS_TYPE_TXT, "", &rdata));
	assert_false(READ(DNS_TYPE_TXT, "\4abc", &rdata));
	assert_false(READ(DNS_TYPE_NS, "\xc0\x09", &rdata)); /* to itself */
	struct reader reader = reader_of((const uint8_t *)"\1\2\3\4", 4);
	uint8_t octets[8];
	struct writer out = writer_of(octets, sizeof octets);
	assert_false(dns_rdata_read(&reader, DNS_TYPE_A, 5, &out));
	assert_true(reader.failed);
}

/* Other servers load and serve such records; a copy of their zone must be possible. */
TEST(what_nothing_of_ours_relies_on_is_read_from_a_message_and_not_from_a_file)
{
	static const uint16_t types[] = {DNS_TYPE_DS, DNS_TYPE_CDS, 32768, 32769};
	struct rdata rdata;
	const char *why;
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		assert_true(READ(types[i], "\0\1\x08\2short", &rdata));
		assert_false(dns_rdata_check(types[i], rdata.octets, rdata.len, &why));
		assert_string_equal(why, "its digest has not the 32 octets of SHA-256");
	}
	assert_true(READ(DNS_TYPE_ZONEMD, "\0\0\0\1\1\1short", &rdata));
	assert_false(dns_rdata_check(DNS_TYPE_ZONEMD, rdata.octets, rdata.len, NULL));
	assert_true(READ(19, "\2xy", &rdata));
	assert_true(READ(256, "\0\1\0\2", &rdata));
	assert_false(dns_rdata_check(256, rdata.octets, rdata.len, NULL));
	assert_false(READ(DNS_TYPE_DS, "\0\1\x08", &rdata));
	assert_false(READ(DNS_TYPE_DS, "\0\1\x08\2", &rdata));
	/* Chains of NSEC3 are searched by their hashes. */
	assert_false(READ(DNS_TYPE_NSEC3, "\1\0\0\0\0\2ab", &rdata));
}

TEST(rdata_that_expands_beyond_its_room_is_refused)
{
	uint8_t room[12];
	struct reader reader = reader_of((const uint8_t *)"\7example\0\3www\xc0\x00", 15);
	reader.at += 9;
	struct writer out = writer_of(room, sizeof room);
	assert_false(dns_rdata_read(&reader, DNS_TYPE_NS, 6, &out));
	assert_true(reader.failed);
}

/* ---- Names ---- */

static bool is_folded(enum rdata_field field)
{
	return field == RDATA_NAME_PACKED || field == RDATA_NAME_LENIENT || field == RDATA_NAME_FOLDED ||
	       field == RDATA_A6;
}

TEST(short_cuts_for_names_say_what_the_fields_say)
{
	for (unsigned type = 0; type <= UINT16_MAX; type++) {
		const struct rdata_row *row = rdata_row_get((uint16_t)type);
		unsigned folded = 0;
		unsigned packed = 0;
		for (size_t i = 0; row->fields[i] != RDATA_END; i++) {
			folded += is_folded((enum rdata_field)row->fields[i]);
			packed += row->fields[i] == RDATA_NAME_PACKED;
			assert_true(i + 1 < RDATA_FIELDS_MAX);
		}
		assert_int_equal(row->name_count, folded);
		assert_int_equal(dns_type_has_names((uint16_t)type), folded > 0);
		assert_int_equal(row->names_packed, folded > 0 && packed == folded);
		assert_true(packed == 0 || packed == folded);
		assert_true(folded <= DNS_RDATA_NAMES_MAX);
	}
}

/* RFC 1035 types; RFC 3597 4. */
TEST(only_types_of_rfc_1035_are_compressed)
{
	static const uint16_t packed[] = {2, 3, 4, 5, 6, 7, 8, 9, 12, 14, 15};
	size_t found = 0;
	for (unsigned type = 0; type <= UINT16_MAX; type++) {
		if (rdata_row_get((uint16_t)type)->names_packed) {
			assert_int_equal(packed[found++], type);
		}
	}
	assert_int_equal(found, sizeof packed / sizeof packed[0]);
}

static void expect_names(const char *mnemonic, const char *text, size_t count, size_t first, size_t second)
{
	uint16_t type;
	struct dns_rdata_name names[DNS_RDATA_NAMES_MAX];
	assert_true(dns_type_from_text(mnemonic, strlen(mnemonic), &type));
	struct rdata rdata = rdata_of(type, text);
	assert_int_equal(dns_rdata_names(type, rdata.octets, rdata.len, names), count);
	size_t offsets[] = {first, second};
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(names[i].offset, offsets[i]);
		assert_int_equal(names[i].len, dns_name_len(rdata.octets + offsets[i]));
		assert_true(names[i].case_folded);
	}
}

TEST(names_are_found_in_rdata)
{
	expect_names("NS", "a.b.", 1, 0, 0);
	expect_names("SOA", "ns.a. hm.b. 1 2 3 4 5", 2, 0, 6);
	expect_names("MINFO", ". b.", 2, 0, 1);
	expect_names("MX", "1 a.", 1, 2, 0);
	expect_names("RP", "a. b.", 2, 0, 3);
	expect_names("AFSDB", "1 a.", 1, 2, 0);
	expect_names("RT", "1 a.", 1, 2, 0);
	expect_names("PX", "1 aa. b.", 2, 2, 6);
	expect_names("NXT", "a. NS", 1, 0, 0);
	expect_names("SRV", "1 2 3 a.", 1, 6, 0);
	expect_names("NAPTR", "1 2 \"abc\" \"\" \"de\" a.", 1, 12, 0);
	expect_names("KX", "1 a.", 1, 2, 0);
	expect_names("A6", "64 ::1 a.", 1, 9, 0);
	expect_names("A6", "128 a.", 1, 1, 0);
	expect_names("A6", "0 ::1", 0, 0, 0);
	expect_names("DNAME", "a.", 1, 0, 0);
	expect_names("SIG", "A 5 3 1 2 3 4 a. AAAA", 1, 18, 0);
	expect_names("RRSIG", "A 5 3 1 2 3 4 a. AAAA", 1, 18, 0);
	/* RFC 6840 5.1 and younger types: the case of these is kept. */
	expect_names("NSEC", "a. NS", 0, 0, 0);
	expect_names("HINFO", "A B", 0, 0, 0);
	expect_names("SVCB", "1 a.", 0, 0, 0);
	expect_names("LP", "1 a.", 0, 0, 0);
	expect_names("TALINK", "a. b.", 0, 0, 0);
	expect_names("HIP", "2 00 AAAA a.", 0, 0, 0);
	expect_names("DSYNC", "A 1 2 a.", 0, 0, 0);
	expect_names("NSAP-PTR", "a.", 0, 0, 0);
	expect_names("TYPE731", "\\# 2 0100", 0, 0, 0);
}

/* ---- Canonical form and order ---- */

static void expect_canonical(uint16_t type, const char *text, const char *canonical)
{
	struct rdata rdata = rdata_of(type, text);
	struct rdata expected = rdata_of(type, canonical);
	struct rdata out = {.len = rdata.len};
	dns_rdata_canonical(type, rdata.octets, rdata.len, out.octets);
	assert_int_equal(rdata.len, expected.len);
	assert_memory_equal(out.octets, expected.octets, expected.len);
	assert_int_equal(dns_rdata_compare(type, rdata.octets, rdata.len, expected.octets, expected.len), 0);
	dns_rdata_canonical(type, rdata.octets, rdata.len, rdata.octets);
	assert_memory_equal(rdata.octets, expected.octets, expected.len);
}

TEST(canonical_form_lowers_names_and_nothing_else)
{
	expect_canonical(DNS_TYPE_NS, "NS1.Example.", "ns1.example.");
	expect_canonical(DNS_TYPE_SOA, "NS.A. HM.B. 1111638594 2 3 4 5", "ns.a. hm.b. 1111638594 2 3 4 5");
	expect_canonical(DNS_TYPE_MX, "16705 A.", "16705 a.");
	expect_canonical(DNS_TYPE_NAPTR, "1 2 \"ABC\" \"D\" \"EF\" A.", "1 2 \"ABC\" \"D\" \"EF\" a.");
	expect_canonical(DNS_TYPE_RRSIG, "A 5 3 1 2 3 4 A. QUJD", "A 5 3 1 2 3 4 a. QUJD");
	expect_canonical(DNS_TYPE_NSEC, "A. NS", "A. NS");
	expect_canonical(DNS_TYPE_TXT, "ABC", "ABC");
	expect_canonical(DNS_TYPE_SVCB, "1 A. alpn=H2", "1 A. alpn=H2");
	expect_canonical(13, "A B", "A B");
	expect_canonical(731, "\\# 2 4142", "\\# 2 4142");
}

static int sign(int value)
{
	return (value > 0) - (value < 0);
}

/* RFC 4034 6.3, word for word. */
static int model_compare(uint16_t type, const struct rdata *a, const struct rdata *b)
{
	struct rdata x = {.len = a->len};
	struct rdata y = {.len = b->len};
	dns_rdata_canonical(type, a->octets, a->len, x.octets);
	dns_rdata_canonical(type, b->octets, b->len, y.octets);
	for (size_t i = 0; i < x.len || i < y.len; i++) {
		int octet_x = i < x.len ? x.octets[i] : -1;
		int octet_y = i < y.len ? y.octets[i] : -1;
		if (octet_x != octet_y) {
			return octet_x < octet_y ? -1 : 1;
		}
	}
	return 0;
}

static const char *random_name(struct random_source *random, char out[64])
{
	static const char *const labels[] = {"a", "A", "b", "B", "ab", "aB", "abc"};
	out[0] = '\0';
	for (uint64_t count = random_below(random, 4); count > 0; count--) {
		strcat(out, labels[random_below(random, 7)]);
		strcat(out, ".");
	}
	return out[0] == '\0' ? strcpy(out, ".") : out;
}

static struct rdata random_rdata(struct random_source *random, uint16_t type)
{
	char text[300];
	char one[64];
	char two[64];
	random_name(random, one);
	random_name(random, two);
	unsigned number = (unsigned)random_below(random, 3);
	switch (type) {
	case DNS_TYPE_SOA:
		snprintf(text, sizeof text, "%s %s %u 2 3 4 5", one, two, number);
		break;
	case DNS_TYPE_MX:
		snprintf(text, sizeof text, "%u %s", number, one);
		break;
	case DNS_TYPE_NAPTR:
		snprintf(text, sizeof text, "%u 1 %s b %s %s", number, one, two, one);
		break;
	case DNS_TYPE_NSEC:
		snprintf(text, sizeof text, "%s TYPE%u", one, number);
		break;
	case DNS_TYPE_RRSIG:
		snprintf(text, sizeof text, "A 1 2 %u 4 5 6 %s %s", number, one, number == 0 ? "AAAA" : "AAAAAAAA");
		break;
	case 17:
		snprintf(text, sizeof text, "%s %s", one, two);
		break;
	default:
		snprintf(text, sizeof text, "%s", one);
		break;
	}
	return rdata_of(type, text);
}

TEST(order_agrees_with_a_plain_model)
{
	static const uint16_t types[] = {DNS_TYPE_SOA,   DNS_TYPE_MX, DNS_TYPE_NAPTR, DNS_TYPE_NSEC,
	                                 DNS_TYPE_RRSIG, 17,          DNS_TYPE_NS,    DNS_TYPE_TXT};
	struct random_seeded random;
	random_seeded_init(&random, unit_seed());
	for (unsigned round = 0; round < 40000; round++) {
		uint16_t type = types[random_below(&random.source, 8)];
		struct rdata a = random_rdata(&random.source, type);
		struct rdata b = random_rdata(&random.source, type);
		int order = dns_rdata_compare(type, a.octets, a.len, b.octets, b.len);
		assert_int_equal(sign(order), model_compare(type, &a, &b));
	}
}

TEST(shorter_rdata_comes_first)
{
	assert_true(dns_rdata_compare(731, (const uint8_t *)"", 0, (const uint8_t *)"\0", 1) < 0);
	assert_true(dns_rdata_compare(731, (const uint8_t *)"\1", 1, (const uint8_t *)"\0\1", 2) > 0);
	assert_int_equal(dns_rdata_compare(731, (const uint8_t *)"", 0, (const uint8_t *)"", 0), 0);
	/* Octets, not signed characters. */
	assert_true(dns_rdata_compare(731, (const uint8_t *)"\x7f", 1, (const uint8_t *)"\x80", 1) < 0);
}

/* ---- Any octets ---- */

TEST(whatever_passes_the_check_has_a_text_that_reads_back)
{
	struct random_seeded random;
	random_seeded_init(&random, unit_seed());
	size_t passed = 0;
	for (unsigned round = 0; round < 200000; round++) {
		static const uint8_t likely[] = {0, 0, 0, 1, 1, 2, 3, 4, '0', 'a', 255};
		uint16_t type = (uint16_t)random_below(&random.source, RDATA_ROWS_LOW);
		size_t len = random_below(&random.source, 40);
		uint8_t *octets = malloc(len > 0 ? len : 1);
		for (size_t i = 0; i < len; i++) {
			octets[i] = random_below(&random.source, 3) == 0 ? (uint8_t)random_below(&random.source, 256)
			                                                 : likely[random_below(&random.source, 11)];
		}
		if (rdata_row_find(type)->mnemonic != NULL && dns_rdata_check(type, octets, len, NULL)) {
			struct text text;
			struct dns_rdata_error error;
			uint8_t again[200];
			struct writer out = writer_of(again, sizeof again);
			text_init(&text, 10000);
			dns_rdata_to_text(type, octets, len, &text);
			if (!parse_rdata(type, text_string(&text), &out, &error)) {
				fail_msg("TYPE%u %s: %s", type, text_string(&text), error.text);
			}
			assert_int_equal(writer_len(&out), len);
			assert_memory_equal(again, octets, len);
			text_deinit(&text);
			passed++;
		}
		free(octets);
	}
	assert_true(passed > 1000);
}

TEST(text_that_does_not_fit_says_so)
{
	struct rdata rdata = rdata_of(DNS_TYPE_SVCB, "1 a. alpn=h2,h3 ipv6hint=::1,::2 key999=abc");
	for (size_t max = 0; max < 80; max++) {
		struct text text;
		text_init(&text, max);
		dns_rdata_to_text(DNS_TYPE_SVCB, rdata.octets, rdata.len, &text);
		assert_true(text.len <= max);
		assert_int_equal(text.failed, max < strlen("1 a. alpn=\"h2,h3\" ipv6hint=::1,::2 key999=\"abc\""));
		text_deinit(&text);
	}
}
