/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

#include "base/random.h"
#include "dns/name.h"

static struct dns_name name_of(const char *text)
{
	struct dns_name name;
	struct error error;
	if (!dns_name_from_text(text, &name, &error)) {
		fail_msg("%s", error.text);
	}
	return name;
}

static enum dns_text_form parse(const char *text, const uint8_t *origin, struct dns_name *out)
{
	return dns_name_parse(text, strlen(text), origin, out);
}

static void expect_wire(const char *text, const void *wire, size_t len)
{
	struct dns_name name;
	assert_int_equal(parse(text, dns_name_root, &name), DNS_TEXT_OK);
	assert_int_equal(name.len, len);
	assert_memory_equal(name.wire, wire, len);
}

/* `count` times `label` and a dot. */
static void repeat(char *out, const char *label, size_t count)
{
	out[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		strcat(out, label);
		strcat(out, ".");
	}
}

/* Labels as a list, for plain models of what the functions do. */
struct model {
	size_t count;
	uint8_t labels[DNS_LABELS_MAX][1 + DNS_LABEL_MAX];
};

static struct model model_of(const uint8_t *name)
{
	struct model model = {0};
	for (; *name != 0; name += 1 + *name) {
		memcpy(model.labels[model.count++], name, 1u + *name);
	}
	return model;
}

static int lower(int c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

/* RFC 4034 6.1, word for word. */
static int model_compare(const uint8_t *a, const uint8_t *b)
{
	struct model left = model_of(a);
	struct model right = model_of(b);
	for (size_t i = 1; i <= left.count && i <= right.count; i++) {
		const uint8_t *x = left.labels[left.count - i];
		const uint8_t *y = right.labels[right.count - i];
		for (size_t at = 1; at <= x[0] || at <= y[0]; at++) {
			int octet_x = at <= x[0] ? lower(x[at]) : -1; /* "the absence of a octet sorts before a zero" */
			int octet_y = at <= y[0] ? lower(y[at]) : -1;
			if (octet_x != octet_y) {
				return octet_x < octet_y ? -1 : 1;
			}
		}
	}
	return left.count == right.count ? 0 : (left.count < right.count ? -1 : 1);
}

static int sign(int value)
{
	return (value > 0) - (value < 0);
}

/* Few letters and short labels, so that names often share ends; now and then any octets and a full length. */
static struct dns_name random_name(struct random_source *random)
{
	static const uint8_t letters[] = {'a', 'A', 'b', 'Z', '*', 0, '.', 0xff};
	struct dns_name name = {.len = 0};
	bool wild = random_below(random, 8) == 0;
	size_t labels = random_below(random, wild ? 20 : 5);
	size_t used = 0;
	for (size_t i = 0; i < labels; i++) {
		size_t length = 1 + random_below(random, wild ? DNS_LABEL_MAX : 3);
		if (used + 1 + length + 1 > DNS_NAME_MAX) {
			break;
		}
		name.wire[used++] = (uint8_t)length;
		for (size_t at = 0; at < length; at++) {
			name.wire[used++] =
			        wild ? (uint8_t)random_below(random, 256) : letters[random_below(random, 8)];
		}
	}
	name.wire[used++] = 0;
	name.len = (uint8_t)used;
	return name;
}

TEST(name_of_255_octets_is_a_name_and_256_is_none)
{
	char text[600];
	struct dns_name name;
	repeat(text, "abc", 63); /* 63 * 4 + 1 = 253 */
	strcat(text, "a.");
	assert_int_equal(parse(text, NULL, &name), DNS_TEXT_OK);
	assert_int_equal(name.len, 255);
	assert_int_equal(dns_name_len(name.wire), 255);
	repeat(text, "abc", 63);
	strcat(text, "ab.");
	assert_int_equal(parse(text, NULL, &name), DNS_TEXT_NAME_TOO_LONG);
	repeat(text, "\\097bc", 63);
	strcat(text, "a.");
	assert_int_equal(parse(text, NULL, &name), DNS_TEXT_OK);
	repeat(text, "\\097bc", 63);
	strcat(text, "ab.");
	assert_int_equal(parse(text, NULL, &name), DNS_TEXT_NAME_TOO_LONG);
}

TEST(relative_name_is_too_long_only_with_its_origin)
{
	char text[600];
	struct dns_name origin = name_of("abc.");
	struct dns_name name;
	repeat(text, "abc", 62);
	strcat(text, "a"); /* 62 * 4 + 2 = 250 octets, and 5 of the origin */
	assert_int_equal(parse(text, origin.wire, &name), DNS_TEXT_OK);
	assert_int_equal(name.len, 255);
	strcat(text, "b");
	assert_int_equal(parse(text, origin.wire, &name), DNS_TEXT_NAME_TOO_LONG);
	assert_int_equal(parse(text, dns_name_root, &name), DNS_TEXT_OK);
}

TEST(label_has_63_octets_at_most)
{
	char text[80];
	struct dns_name name;
	memset(text, 'x', 63);
	strcpy(text + 63, ".");
	assert_int_equal(parse(text, NULL, &name), DNS_TEXT_OK);
	strcpy(text + 63, "x.");
	assert_int_equal(parse(text, NULL, &name), DNS_TEXT_LABEL_TOO_LONG);
	strcpy(text + 63, "x");
	assert_int_equal(parse(text, dns_name_root, &name), DNS_TEXT_LABEL_TOO_LONG);
	strcpy(text + 63, "\\120");
	assert_int_equal(parse(text, dns_name_root, &name), DNS_TEXT_LABEL_TOO_LONG);
	strcpy(text + 59, "\\120");
	assert_int_equal(parse(text, dns_name_root, &name), DNS_TEXT_OK);
}

TEST(text_that_is_no_name_says_why)
{
	struct dns_name name;
	assert_int_equal(parse("", NULL, &name), DNS_TEXT_EMPTY);
	assert_int_equal(parse("a..b.", NULL, &name), DNS_TEXT_EMPTY_LABEL);
	assert_int_equal(parse("foo..", NULL, &name), DNS_TEXT_EMPTY_LABEL);
	assert_int_equal(parse("..", NULL, &name), DNS_TEXT_EMPTY_LABEL);
	assert_int_equal(parse(".a.", NULL, &name), DNS_TEXT_EMPTY_LABEL);
	assert_int_equal(parse("a\\065..b.", NULL, &name), DNS_TEXT_EMPTY_LABEL);
	assert_int_equal(parse("\\1", NULL, &name), DNS_TEXT_BAD_ESCAPE);
	assert_int_equal(parse("\\12", NULL, &name), DNS_TEXT_BAD_ESCAPE);
	assert_int_equal(parse("\\12a", NULL, &name), DNS_TEXT_BAD_ESCAPE);
	assert_int_equal(parse("\\256.", NULL, &name), DNS_TEXT_BAD_ESCAPE);
	assert_int_equal(parse("a\\", NULL, &name), DNS_TEXT_BAD_ESCAPE);
	assert_int_equal(parse("a", NULL, &name), DNS_TEXT_NO_ORIGIN);
	assert_int_equal(parse("@", NULL, &name), DNS_TEXT_NO_ORIGIN);
}

TEST(every_form_of_a_name_has_words_of_its_own)
{
	for (unsigned a = DNS_TEXT_OK; a <= DNS_TEXT_NO_ORIGIN; a++) {
		assert_true(dns_text_form_text((enum dns_text_form)a)[0] != '\0');
		for (unsigned b = DNS_TEXT_OK; b < a; b++) {
			assert_string_not_equal(dns_text_form_text((enum dns_text_form)a),
			                        dns_text_form_text((enum dns_text_form)b));
		}
	}
}

TEST(escapes_are_octets_of_labels)
{
	expect_wire("\\000.", "\1\0\0", 3);
	expect_wire("\\042", "\1*\0", 3);
	expect_wire("\\ .", "\1 \0", 3);
	expect_wire("a\\.b.c", "\3a.b\1c\0", 7);
	expect_wire("\\\\.\\\"", "\1\\\1\"\0", 5);
	expect_wire("\\255.A", "\1\377\1A\0", 5);
	expect_wire(".", "\0", 1);
	expect_wire("@", "\0", 1);
	expect_wire("\\@", "\1@\0", 3);
}

TEST(plain_and_escaped_text_of_a_name_give_the_same_octets)
{
	struct random_seeded random;
	random_seeded_init(&random, unit_seed());
	struct dns_name origin = name_of("example.org.");
	for (unsigned round = 0; round < 20000; round++) {
		char plain[300];
		char escaped[1200];
		size_t plain_len = 0;
		size_t escaped_len = 0;
		size_t len = 1 + random_below(&random.source, random_below(&random.source, 10) == 0 ? 280 : 40);
		for (size_t i = 0; i < len; i++) {
			char c = random_below(&random.source, 6) == 0 ? '.'
			                                              : (char)('a' + random_below(&random.source, 26));
			plain[plain_len++] = c;
			escaped_len += (size_t)sprintf(escaped + escaped_len, c == '.' || i > 0 ? "%c" : "\\%03d", c);
		}
		struct dns_name a = {.len = 0};
		struct dns_name b = {.len = 0};
		enum dns_text_form form = dns_name_parse(plain, plain_len, origin.wire, &a);
		enum dns_text_form other = dns_name_parse(escaped, escaped_len, origin.wire, &b);
		if (plain_len == 1 && plain[0] == '.') {
			continue;
		}
		/* Two things may be wrong at once; which is told first is not promised. */
		assert_int_equal(form == DNS_TEXT_OK, other == DNS_TEXT_OK);
		if (form == DNS_TEXT_OK) {
			assert_int_equal(a.len, b.len);
			assert_memory_equal(a.wire, b.wire, a.len);
		}
	}
}

TEST(name_written_as_text_reads_back)
{
	struct random_seeded random;
	random_seeded_init(&random, unit_seed());
	for (unsigned round = 0; round < 20000; round++) {
		struct dns_name name = random_name(&random.source);
		struct dns_name again;
		char text[DNS_NAME_TEXT_MAX];
		char *end = dns_name_to_text_end(name.wire, text);
		assert_int_equal(end - text, strlen(text));
		assert_true(strlen(text) < DNS_NAME_TEXT_MAX);
		assert_int_equal(parse(text, NULL, &again), DNS_TEXT_OK);
		assert_true(dns_name_same(name.wire, again.wire));
	}
}

TEST(special_characters_are_escaped_in_text)
{
	char text[DNS_NAME_TEXT_MAX];
	struct dns_name name = {.len = 14, .wire = "\12.\\\";()@$ \0\1a"};
	name.wire[11] = 1;
	name.wire[12] = 'a';
	name.wire[13] = 0;
	assert_string_equal(dns_name_to_text(name.wire, text), "\\.\\\\\\\"\\;\\(\\)\\@\\$\\032\\000.a.");
	assert_string_equal(dns_name_to_text_short(name.wire, text), "\\.\\\\\\\"\\;\\(\\)\\@\\$\\032\\000.a");
	assert_string_equal(dns_name_to_text(dns_name_root, text), ".");
	assert_string_equal(dns_name_to_text_short(dns_name_root, text), ".");
}

TEST(longest_text_of_a_name_fits)
{
	struct dns_name name = {.len = 255};
	size_t at = 0;
	for (size_t length = 63; length > 0; length = length == 63 && at == 192 ? 61 : (at < 192 ? 63 : 0)) {
		name.wire[at] = (uint8_t)length;
		memset(name.wire + at + 1, 0, length);
		at += 1 + length;
	}
	name.wire[254] = 0;
	assert_int_equal(dns_name_len(name.wire), 255);
	char text[DNS_NAME_TEXT_MAX];
	assert_int_equal(strlen(dns_name_to_text(name.wire, text)), 250 * 4 + 4);
}

TEST(canonical_order_is_that_of_rfc_4034_6_1)
{
	static const char *const sorted[] = {
	        "example",   "a.example",       "yljkjljk.a.example", "Z.a.example",     "zABC.a.EXAMPLE",
	        "z.example", "\\001.z.example", "*.z.example",        "\\200.z.example",
	};
	for (size_t i = 0; i < sizeof sorted / sizeof sorted[0]; i++) {
		for (size_t j = 0; j < sizeof sorted / sizeof sorted[0]; j++) {
			struct dns_name a = name_of(sorted[i]);
			struct dns_name b = name_of(sorted[j]);
			assert_int_equal(sign(dns_name_compare(a.wire, b.wire)), (i > j) - (i < j));
		}
	}
}

TEST(comparisons_agree_with_a_plain_model)
{
	struct random_seeded random;
	random_seeded_init(&random, unit_seed());
	for (unsigned round = 0; round < 100000; round++) {
		struct dns_name a = random_name(&random.source);
		struct dns_name b = random_name(&random.source);
		int order = model_compare(a.wire, b.wire);
		assert_int_equal(sign(dns_name_compare(a.wire, b.wire)), order);
		assert_int_equal(dns_name_equal(a.wire, b.wire), order == 0);
		assert_int_equal(dns_name_same(a.wire, b.wire), a.len == b.len && memcmp(a.wire, b.wire, a.len) == 0);

		size_t common = dns_name_common_labels(a.wire, b.wire);
		size_t a_labels = dns_name_labels(a.wire);
		size_t b_labels = dns_name_labels(b.wire);
		const uint8_t *shared = dns_name_strip(a.wire, a_labels - common);
		assert_true(dns_name_equal(shared, dns_name_strip(b.wire, b_labels - common)));
		assert_true(dns_name_is_within(a.wire, shared) && dns_name_is_within(b.wire, shared));
		if (common < a_labels && common < b_labels) {
			assert_false(dns_name_equal(dns_name_strip(a.wire, a_labels - common - 1),
			                            dns_name_strip(b.wire, b_labels - common - 1)));
		}
		assert_int_equal(dns_name_is_within(a.wire, b.wire), common == b_labels);

		struct dns_name lowered;
		dns_name_lower(a.wire, &lowered);
		assert_true(dns_name_equal(a.wire, lowered.wire));
		assert_int_equal(lowered.len, a.len);
	}
}

TEST(octets_are_lowered_whatever_they_are_and_wherever_they_lie)
{
	uint8_t octets[256 + 16];
	uint8_t lowered[sizeof octets];
	for (size_t i = 0; i < sizeof octets; i++) {
		octets[i] = (uint8_t)(i * 167); /* each octet beside others than its neighbours in the table */
	}
	for (size_t start = 0; start < 8; start++) {
		for (size_t len = 0; start + len <= sizeof octets; len++) {
			memset(lowered, 0xee, sizeof lowered);
			dns_octets_lower(octets + start, len, lowered);
			for (size_t i = 0; i < len; i++) {
				assert_int_equal(lowered[i], lower(octets[start + i]));
			}
			assert_true(len == sizeof lowered || lowered[len] == 0xee);
		}
	}
	dns_octets_lower(octets, sizeof octets, octets);
	for (size_t i = 0; i < sizeof octets; i++) {
		assert_int_equal(octets[i], lower((uint8_t)(i * 167)));
	}
}

TEST(wildcard_is_a_first_label_of_exactly_one_asterisk)
{
	assert_true(dns_name_is_wildcard(name_of("*.example.").wire));
	assert_true(dns_name_is_wildcard(name_of("\\042.example.").wire));
	assert_false(dns_name_is_wildcard(name_of("**.example.").wire));
	assert_false(dns_name_is_wildcard(name_of("a.*.example.").wire));
	assert_false(dns_name_is_wildcard(dns_name_root));
	struct dns_name wildcard;
	assert_true(dns_name_wildcard_of(name_of("example.").wire, &wildcard));
	assert_true(dns_name_same(wildcard.wire, name_of("*.example.").wire));
}

TEST(names_are_joined_up_to_255_octets)
{
	char text[600];
	struct dns_name joined;
	repeat(text, "abc", 63);
	struct dns_name longest = name_of(text); /* 253 octets */
	assert_true(dns_name_join(name_of("x").wire, longest.wire, &joined));
	assert_int_equal(joined.len, 255);
	assert_false(dns_name_join(name_of("xy").wire, longest.wire, &joined));
	assert_true(dns_name_wildcard_of(longest.wire, &joined));
	struct dns_name full = joined;
	assert_false(dns_name_wildcard_of(full.wire, &joined));
	assert_true(dns_name_join(dns_name_root, longest.wire, &joined));
	assert_true(dns_name_same(joined.wire, longest.wire));
}

TEST(dname_replaces_the_end_of_a_name)
{
	struct dns_name out;
	assert_true(dns_name_substitute(name_of("a.b.Old.example").wire, name_of("old.example").wire,
	                                name_of("new").wire, &out));
	assert_true(dns_name_same(out.wire, name_of("a.b.new").wire));
	assert_true(dns_name_substitute(name_of("a.example").wire, name_of("example").wire, dns_name_root, &out));
	assert_true(dns_name_same(out.wire, name_of("a").wire));
	char text[600];
	repeat(text, "abc", 63);
	assert_false(
	        dns_name_substitute(name_of("ab.example").wire, name_of("example").wire, name_of(text).wire, &out));
}

/* Reads the name at `offset`; the offset behind it, or -1. */
static ssize_t read_at(const void *bytes, size_t len, size_t offset, struct dns_name *out)
{
	uint8_t *exact = malloc(len);
	memcpy(exact, bytes, len);
	struct reader reader = reader_of(exact, len);
	reader.at += offset;
	dns_name_read(&reader, out);
	ssize_t behind = reader.failed ? -1 : (ssize_t)reader_offset(&reader);
	free(exact);
	return behind;
}

TEST(compressed_names_are_expanded)
{
	static const uint8_t message[] = "\0\0\0\0\0\0\0\0\0\0\0\0\1f\3isi\4arpa\0\3foo\xc0\x0e\xc0\x12\xc0\x17";
	struct dns_name name;
	assert_int_equal(read_at(message, sizeof message - 1, 12, &name), 24);
	assert_true(dns_name_same(name.wire, name_of("f.isi.arpa").wire));
	assert_int_equal(read_at(message, sizeof message - 1, 24, &name), 30);
	assert_true(dns_name_same(name.wire, name_of("foo.isi.arpa").wire));
	assert_int_equal(read_at(message, sizeof message - 1, 30, &name), 32);
	assert_true(dns_name_same(name.wire, name_of("arpa").wire));
	assert_int_equal(read_at(message, sizeof message - 1, 32, &name), 34);
	assert_true(dns_name_same(name.wire, dns_name_root));
}

TEST(pointers_lead_backwards_only)
{
	struct dns_name name;
	assert_int_equal(read_at("\xc0\x00", 2, 0, &name), -1);               /* itself */
	assert_int_equal(read_at("\xc0\x02\0", 3, 0, &name), -1);             /* forwards */
	assert_int_equal(read_at("\1a\xc0\x00", 4, 0, &name), -1);            /* its own label */
	assert_int_equal(read_at("\1a\xc0\x04\1b\xc0\x00", 8, 4, &name), -1); /* to and fro */
	assert_int_equal(read_at("\0\xc0\x00\xc0\x01", 5, 3, &name), 5);      /* to a pointer */
	assert_int_equal(read_at("\0\xc0", 2, 1, &name), -1);                 /* half a pointer */
	assert_int_equal(read_at("\0\x40\x00", 3, 1, &name), -1);             /* reserved label types */
	assert_int_equal(read_at("\0\x80\x00", 3, 1, &name), -1);
	assert_int_equal(read_at("\3ab", 3, 0, &name), -1); /* cut short */
	assert_int_equal(read_at("\1a", 2, 0, &name), -1);
	assert_int_equal(read_at("", 0, 0, &name), -1);
}

TEST(chain_of_pointers_ends)
{
	uint8_t message[2048] = {0};
	struct dns_name name;
	for (size_t i = 1; i + 2 < sizeof message; i += 2) {
		store_u16(message + i, (uint16_t)(0xc000 | (i == 1 ? 0 : i - 2)));
	}
	assert_int_equal(read_at(message, sizeof message, 1 + 2 * 127, &name), 1 + 2 * 128);
	assert_int_equal(read_at(message, sizeof message, 1 + 2 * 128, &name), -1);
}

TEST(name_put_together_by_pointers_has_255_octets_at_most)
{
	uint8_t message[600];
	struct writer out = writer_of(message, sizeof message);
	struct dns_name longest;
	char text[600];
	repeat(text, "abc", 63);
	longest = name_of(text);
	write_bytes(&out, longest.wire, longest.len); /* 253 octets at offset 0 */
	write_bytes(&out, "\1x\xc0\x00", 4);
	write_bytes(&out, "\2xy\xc0\x00", 5);
	struct dns_name name;
	assert_int_equal(read_at(message, writer_len(&out), 253, &name), 257);
	assert_int_equal(name.len, 255);
	assert_int_equal(read_at(message, writer_len(&out), 257, &name), -1);
	struct writer plain = writer_of(message, sizeof message);
	write_bytes(&plain, "\1x", 2);
	write_bytes(&plain, longest.wire, longest.len);
	assert_int_equal(read_at(message, 255, 0, &name), 255);
	plain = writer_of(message, sizeof message);
	write_bytes(&plain, "\2xy", 3);
	write_bytes(&plain, longest.wire, longest.len);
	assert_int_equal(read_at(message, 256, 0, &name), -1);
}

TEST(reading_a_name_never_leaves_its_bytes)
{
	struct random_seeded random;
	random_seeded_init(&random, unit_seed());
	for (unsigned round = 0; round < 50000; round++) {
		static const uint8_t likely[] = {0, 1, 2, 3, 0xc0, 0xc0, 63, 64};
		uint8_t bytes[80];
		size_t len = 1 + random_below(&random.source, sizeof bytes);
		for (size_t i = 0; i < len; i++) {
			bytes[i] = random_below(&random.source, 4) == 0 ? (uint8_t)random_below(&random.source, 80)
			                                                : likely[random_below(&random.source, 8)];
		}
		struct dns_name name;
		size_t offset = random_below(&random.source, len);
		if (read_at(bytes, len, offset, &name) >= 0) {
			assert_int_equal(dns_name_len(name.wire), name.len);
			struct reader again = reader_of(name.wire, name.len);
			assert_non_null(dns_name_read_plain(&again));
			assert_int_equal(reader_left(&again), 0);
		}
	}
}

/* RFC 1035 4.1.4 label by label; false: no name. */
static bool model_read(const uint8_t *bytes, size_t len, size_t offset, struct dns_name *out, size_t *behind)
{
	size_t at = offset;
	size_t limit = offset;
	size_t used = 0;
	bool jumped = false;
	for (;;) {
		if (at >= len) {
			return false;
		}
		size_t length = bytes[at];
		if (length >= 0xc0) {
			if (at + 1 >= len) {
				return false;
			}
			size_t target = (length & 0x3f) << 8 | bytes[at + 1];
			*behind = jumped ? *behind : at + 2;
			jumped = true;
			if (target >= limit) {
				return false;
			}
			limit = target;
			at = target;
			continue;
		}
		if (length > DNS_LABEL_MAX || at + 1 + length > len ||
		    used + 1 + length > DNS_NAME_MAX - (length > 0)) {
			return false;
		}
		memcpy(out->wire + used, bytes + at, 1 + length);
		used += 1 + length;
		at += 1 + length;
		if (length == 0) {
			out->len = (uint8_t)used;
			*behind = jumped ? *behind : at;
			return true;
		}
	}
}

TEST(reading_a_name_agrees_with_a_plain_model)
{
	struct random_seeded random;
	random_seeded_init(&random, unit_seed());
	size_t names = 0;
	for (unsigned round = 0; round < 100000; round++) {
		uint8_t bytes[400];
		size_t len = 1 + random_below(&random.source, random_below(&random.source, 4) == 0 ? sizeof bytes : 40);
		for (size_t at = 0; at < len;) {
			uint64_t kind = random_below(&random.source, 10);
			uint64_t label =
			        random_below(&random.source, random_below(&random.source, 3) == 0 ? 63 : 4) + 1;
			if (kind < 2 && at > 0) {
				bytes[at++] = (uint8_t)(0xc0 | (random_below(&random.source, 30) == 0));
				if (at < len) {
					bytes[at] = (uint8_t)random_below(&random.source, at + 2);
					at++;
				}
			} else if (kind < 4) {
				bytes[at++] = 0;
			} else {
				bytes[at++] = (uint8_t)label;
				for (; label > 0 && at < len; label--) {
					bytes[at++] = 'x';
				}
			}
		}
		size_t offset = random_below(&random.source, len);
		struct dns_name ours;
		struct dns_name expected;
		size_t behind = 0;
		bool good = model_read(bytes, len, offset, &expected, &behind);
		ssize_t end = read_at(bytes, len, offset, &ours);
		assert_int_equal(end, good ? (ssize_t)behind : -1);
		if (good) {
			names++;
			assert_int_equal(ours.len, expected.len);
			assert_memory_equal(ours.wire, expected.wire, ours.len);
		}
	}
	assert_true(names > 10000);
}

/* Where a name ends is told without its labels: at the root, or behind a pointer. */
TEST(name_is_skipped_to_its_end)
{
	static const struct {
		const char *octets;
		size_t len;
		int end; /* -1: it is none */
	} rows[] = {
	        {"\0x", 2, 1},   {"\3www\0x", 6, 5}, {"\xc0\x00x", 3, 2}, {"\1a\xc0\x00x", 5, 4}, {"\3ww", 3, -1},
	        {"\xc0", 1, -1}, {"\x40zzz", 4, -1}, {"\x80zzz", 4, -1},  {"\1a\xbf\x00", 4, -1}, {"", 0, -1},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		struct reader reader = reader_of((const uint8_t *)rows[i].octets, rows[i].len);
		dns_name_skip(&reader);
		assert_int_equal(reader.failed, rows[i].end < 0);
		assert_true(reader.failed || reader_offset(&reader) == (size_t)rows[i].end);
	}
}

TEST(plain_name_may_not_be_compressed)
{
	struct reader reader = reader_of((const uint8_t *)"\1a\xc0\x00", 4);
	assert_null(dns_name_read_plain(&reader));
	assert_true(reader.failed);
	reader = reader_of((const uint8_t *)"\1a\0x", 4);
	assert_non_null(dns_name_read_plain(&reader));
	assert_int_equal(reader_offset(&reader), 3);
	uint8_t octets[300];
	memset(octets, 1, sizeof octets);
	octets[254] = 0;
	reader = reader_of(octets, sizeof octets);
	assert_non_null(dns_name_read_plain(&reader));
	octets[254] = 1;
	octets[256] = 0;
	reader = reader_of(octets, sizeof octets);
	assert_null(dns_name_read_plain(&reader));
}

TEST(names_of_operators_are_absolute_without_a_dot)
{
	struct dns_name name;
	struct error error;
	assert_true(dns_name_from_text("example.org", &name, &error));
	assert_true(dns_name_same(name.wire, name_of("example.org.").wire));
	assert_false(dns_name_from_text("a..b", &name, &error));
	assert_int_equal(error.code, ERROR_SYNTAX);
	assert_string_equal(error.text, "name 'a..b' has an empty label");
}
