/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <stdio.h>

#include "base/random.h"
#include "dns/rdata_internal.h"
#include "dns/serial.h"
#include "dns/type.h"

static bool type_is(const char *text, uint16_t expected)
{
	uint16_t type = 0xdead;
	return dns_type_from_text(text, strlen(text), &type) && type == expected;
}

static bool is_no_type(const char *text)
{
	uint16_t type;
	return !dns_type_from_text(text, strlen(text), &type);
}

TEST(every_type_reads_back_from_its_text_in_any_case)
{
	for (unsigned type = 0; type <= UINT16_MAX; type++) {
		char text[DNS_MNEMONIC_MAX];
		char lower[DNS_MNEMONIC_MAX];
		assert_ptr_equal(dns_type_to_text((uint16_t)type, text), text);
		assert_true(type_is(text, (uint16_t)type));
		for (size_t i = 0; i <= strlen(text); i++) {
			lower[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]);
		}
		assert_true(type_is(lower, (uint16_t)type));
		char generic[16];
		snprintf(generic, sizeof generic, "TYPE%u", type);
		assert_true(type_is(generic, (uint16_t)type));
	}
}

TEST(words_that_are_no_types_are_none)
{
	assert_true(type_is("ANY", DNS_TYPE_ANY));
	assert_true(type_is("AXFR", DNS_TYPE_AXFR));
	assert_true(type_is("IXFR", DNS_TYPE_IXFR));
	assert_true(type_is("NSAP-PTR", 23));
	assert_true(type_is("TYPE00001", 1));
	assert_true(is_no_type(""));
	assert_true(is_no_type("*"));
	assert_true(is_no_type("TYPE"));
	assert_true(is_no_type("TYPE65536"));
	assert_true(is_no_type("TYPE99999999999999999999"));
	assert_true(is_no_type("TYPE-1"));
	assert_true(is_no_type("TYPE1x"));
	assert_true(is_no_type("AA"));
	assert_true(is_no_type("AAAAA"));
	assert_true(is_no_type("NSEC3PARAMX"));
	assert_true(is_no_type("NSEC3PARA"));
	assert_true(is_no_type("IN"));
	uint16_t type;
	assert_true(dns_type_from_text("NSEC3", 4, &type)); /* no NUL is looked for */
	assert_int_equal(type, DNS_TYPE_NSEC);
	assert_false(dns_type_from_text("A\0\0\0", 4, &type));
}

TEST(random_words_are_types_only_if_a_row_says_so)
{
	struct random_seeded random;
	random_seeded_init(&random, unit_seed());
	for (unsigned round = 0; round < 200000; round++) {
		char word[12];
		size_t len = 1 + random_below(&random.source, 11);
		for (size_t i = 0; i < len; i++) {
			word[i] = "ACDNSEX36"[random_below(&random.source, 9)];
		}
		uint16_t type;
		if (dns_type_from_text(word, len, &type)) {
			char text[DNS_MNEMONIC_MAX];
			dns_type_to_text(type, text);
			assert_int_equal(strlen(text), len);
			assert_memory_equal(text, word, len);
		}
	}
}

TEST(classes_rcodes_and_opcodes_have_words)
{
	char out[DNS_MNEMONIC_MAX];
	uint16_t class;
	assert_string_equal(dns_class_to_text(1, out), "IN");
	assert_string_equal(dns_class_to_text(65535, out), "CLASS65535");
	assert_true(dns_class_from_text("in", 2, &class));
	assert_int_equal(class, DNS_CLASS_IN);
	assert_true(dns_class_from_text("CLASS3", 6, &class));
	assert_int_equal(class, DNS_CLASS_CH);
	assert_false(dns_class_from_text("CLASS65536", 10, &class));
	assert_false(dns_class_from_text("A", 1, &class));
	assert_string_equal(dns_rcode_to_text(5, out), "REFUSED");
	assert_string_equal(dns_rcode_to_text(16, out), "BADVERS");
	assert_string_equal(dns_rcode_to_text(4095, out), "RCODE4095");
	assert_string_equal(dns_opcode_to_text(4, out), "NOTIFY");
	assert_string_equal(dns_opcode_to_text(15, out), "OPCODE15");
	assert_string_equal(dns_ede_text(DNS_EDE_PROHIBITED), "Prohibited");
	assert_string_equal(dns_ede_text(DNS_EDE_NOT_AUTHORITATIVE), "Not Authoritative");
	assert_string_equal(dns_ede_text(DNS_EDE_INVALID_DATA), "Invalid Data");
	assert_string_equal(dns_ede_text(DNS_EDE_NONE), "");
	assert_string_equal(dns_ede_text(65535), "");
}

TEST(meta_types_cannot_be_in_a_zone)
{
	assert_true(dns_type_is_meta(0));
	assert_true(dns_type_is_meta(DNS_TYPE_OPT));
	assert_true(dns_type_is_meta(128));
	assert_true(dns_type_is_meta(DNS_TYPE_TSIG));
	assert_true(dns_type_is_meta(DNS_TYPE_ANY));
	assert_false(dns_type_is_meta(1));
	assert_false(dns_type_is_meta(127));
	assert_false(dns_type_is_meta(256));
	assert_false(dns_type_is_meta(65535));
}

TEST(serials_are_compared_as_rfc_1982_says)
{
	assert_int_equal(dns_serial_compare(1, 1), DNS_SERIAL_EQUAL);
	assert_int_equal(dns_serial_compare(2, 1), DNS_SERIAL_NEWER);
	assert_int_equal(dns_serial_compare(1, 2), DNS_SERIAL_OLDER);
	assert_int_equal(dns_serial_compare(0, UINT32_MAX), DNS_SERIAL_NEWER);
	assert_int_equal(dns_serial_compare(UINT32_MAX, 0), DNS_SERIAL_OLDER);
	assert_int_equal(dns_serial_compare(0x7fffffff, 0), DNS_SERIAL_NEWER);
	assert_int_equal(dns_serial_compare(0x80000000, 0), DNS_SERIAL_INCOMPARABLE);
	assert_int_equal(dns_serial_compare(0, 0x80000000), DNS_SERIAL_INCOMPARABLE);
	assert_int_equal(dns_serial_compare(0x80000001, 0), DNS_SERIAL_OLDER);
	assert_int_equal(dns_serial_compare(100, 0x80000064), DNS_SERIAL_INCOMPARABLE);
}
