/* SPDX-License-Identifier: MIT */
/* Words for numbers and numbers for words. The mnemonics of types stand in the RDATA rows; a hash table over them is
 * filled before main() and never written again, because every record of a zone file asks it. */
#include "dns/type.h"

#include <string.h>
#include <strings.h>

#include "base/ensure.h"
#include "dns/codec_internal.h"
#include "dns/name.h"
#include "dns/rdata_internal.h"

struct word {
	uint16_t number;
	const char *text;
};

static const struct word query_types[] = {
        {DNS_TYPE_IXFR, "IXFR"},   {DNS_TYPE_AXFR, "AXFR"}, {DNS_TYPE_MAILB, "MAILB"},
        {DNS_TYPE_MAILA, "MAILA"}, {DNS_TYPE_ANY, "ANY"},
};

static const struct word classes[] = {
        {DNS_CLASS_IN, "IN"},     {DNS_CLASS_CH, "CH"},   {DNS_CLASS_HS, "HS"},
        {DNS_CLASS_NONE, "NONE"}, {DNS_CLASS_ANY, "ANY"},
};

static const struct word opcodes[] = {
        {DNS_OPCODE_QUERY, "QUERY"},   {DNS_OPCODE_IQUERY, "IQUERY"}, {DNS_OPCODE_STATUS, "STATUS"},
        {DNS_OPCODE_NOTIFY, "NOTIFY"}, {DNS_OPCODE_UPDATE, "UPDATE"}, {DNS_OPCODE_DSO, "DSO"},
};

static const struct word rcodes[] = {
        {DNS_RCODE_NOERROR, "NOERROR"},
        {DNS_RCODE_FORMERR, "FORMERR"},
        {DNS_RCODE_SERVFAIL, "SERVFAIL"},
        {DNS_RCODE_NXDOMAIN, "NXDOMAIN"},
        {DNS_RCODE_NOTIMP, "NOTIMP"},
        {DNS_RCODE_REFUSED, "REFUSED"},
        {DNS_RCODE_YXDOMAIN, "YXDOMAIN"},
        {DNS_RCODE_YXRRSET, "YXRRSET"},
        {DNS_RCODE_NXRRSET, "NXRRSET"},
        {DNS_RCODE_NOTAUTH, "NOTAUTH"},
        {DNS_RCODE_NOTZONE, "NOTZONE"},
        {11, "DSOTYPENI"},
        {DNS_RCODE_BADVERS, "BADVERS"},
        {17, "BADKEY"},
        {18, "BADTIME"},
        {19, "BADMODE"},
        {20, "BADNAME"},
        {21, "BADALG"},
        {22, "BADTRUNC"},
        {23, "BADCOOKIE"},
};

/* Registry "Extended DNS Error Codes" (RFC 8914 5.2), by code. */
static const char *const extended_errors[] = {
        "Other",
        "Unsupported DNSKEY Algorithm",
        "Unsupported DS Digest Type",
        "Stale Answer",
        "Forged Answer",
        "DNSSEC Indeterminate",
        "DNSSEC Bogus",
        "Signature Expired",
        "Signature Not Yet Valid",
        "DNSKEY Missing",
        "RRSIGs Missing",
        "No Zone Key Bit Set",
        "NSEC Missing",
        "Cached Error",
        "Not Ready",
        "Blocked",
        "Censored",
        "Filtered",
        "Prohibited",
        "Stale NXDOMAIN Answer",
        "Not Authoritative",
        "Not Supported",
        "No Reachable Authority",
        "Network Error",
        "Invalid Data",
        "Signature Expired before Valid",
        "Too Early",
        "Unsupported NSEC3 Iterations Value",
        "Unable to conform to policy",
        "Synthesized",
        "Invalid Query Type",
};

/* The longest mnemonic has 10 characters: "NSEC3PARAM". */
#define WORD_MAX   10
#define SLOT_COUNT 512

struct slot {
	uint64_t first; /* upper-case characters 0..7; 0: an empty slot */
	uint16_t rest;  /* characters 8 and 9 */
	uint8_t len;
	uint16_t type;
};

static struct slot slots[SLOT_COUNT];

static uint8_t upper(uint8_t c)
{
	return c >= 'a' && c <= 'z' ? (uint8_t)(c - ('a' - 'A')) : c;
}

static size_t slot_of(struct slot word)
{
	return (size_t)(((word.first ^ word.rest) * UINT64_C(0x9e3779b97f4a7c15)) >> 55);
}

static struct slot slot_word(const char *chars, size_t len)
{
	struct slot word = {.len = (uint8_t)len};
	for (size_t i = 0; i < len && i < 8; i++) {
		word.first |= (uint64_t)upper((uint8_t)chars[i]) << 8 * i;
	}
	for (size_t i = 8; i < len && i < WORD_MAX; i++) {
		word.rest = (uint16_t)(word.rest << 8 | upper((uint8_t)chars[i]));
	}
	return word;
}

static void remember(const char *mnemonic, uint16_t type)
{
	size_t len = strlen(mnemonic);
	ensure(len <= WORD_MAX);
	struct slot word = slot_word(mnemonic, len);
	size_t at = slot_of(word);
	while (slots[at].first != 0) {
		at = (at + 1) % SLOT_COUNT;
	}
	slots[at] = word;
	slots[at].type = type;
}

__attribute__((constructor)) static void fill_slots(void)
{
	for (size_t i = 0; i < RDATA_ROW_COUNT; i++) {
		size_t type = i < RDATA_ROWS_LOW ? i : RDATA_TYPE_HIGH + i - RDATA_ROWS_LOW;
		if (rdata_rows[i].mnemonic != NULL) {
			remember(rdata_rows[i].mnemonic, (uint16_t)type);
		}
	}
	for (size_t i = 0; i < ARRAY_LENGTH(query_types); i++) {
		remember(query_types[i].text, query_types[i].number);
	}
}

/* PREFIXnnn, as RFC 3597 5 writes types and classes that have no name. */
static bool number_behind(const char *prefix, const char *chars, size_t len, uint16_t *out)
{
	size_t prefix_len = strlen(prefix);
	uint64_t number;
	if (len <= prefix_len || strncasecmp(chars, prefix, prefix_len) != 0 ||
	    !codec_decimal(chars + prefix_len, len - prefix_len, UINT16_MAX, &number)) {
		return false;
	}
	*out = (uint16_t)number;
	return true;
}

bool dns_type_from_text(const char *chars, size_t len, uint16_t *out)
{
	if (len > 0 && len <= WORD_MAX) {
		struct slot word = slot_word(chars, len);
		size_t at = slot_of(word);
		for (; slots[at].first != 0; at = (at + 1) % SLOT_COUNT) {
			if (slots[at].first == word.first && slots[at].rest == word.rest && slots[at].len == word.len) {
				*out = slots[at].type;
				return true;
			}
		}
	}
	return number_behind("TYPE", chars, len, out);
}

static char *copy_word(const char *word, char *out)
{
	size_t len = strlen(word);
	ensure(len < DNS_MNEMONIC_MAX);
	memcpy(out, word, len + 1);
	return out;
}

static char *prefix_number(const char *prefix, unsigned number, char *out)
{
	char digits[10];
	size_t at = sizeof digits;
	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	size_t prefix_len = strlen(prefix);
	size_t digit_count = sizeof digits - at;
	memcpy(out, prefix, prefix_len);
	memcpy(out + prefix_len, digits + at, digit_count);
	out[prefix_len + digit_count] = '\0';
	return out;
}

static const char *find_word(const struct word *words, size_t count, unsigned number)
{
	for (size_t i = 0; i < count; i++) {
		if (words[i].number == number) {
			return words[i].text;
		}
	}
	return NULL;
}

static char *word_or_number(const struct word *words, size_t count, const char *prefix, unsigned number, char *out)
{
	const char *word = find_word(words, count, number);
	return word != NULL ? copy_word(word, out) : prefix_number(prefix, number, out);
}

char *dns_type_to_text(uint16_t type, char *out)
{
	const char *mnemonic = rdata_row_find(type)->mnemonic;
	if (mnemonic != NULL) {
		return copy_word(mnemonic, out);
	}
	return word_or_number(query_types, ARRAY_LENGTH(query_types), "TYPE", type, out);
}

char *dns_class_to_text(uint16_t class, char *out)
{
	return word_or_number(classes, ARRAY_LENGTH(classes), "CLASS", class, out);
}

bool dns_class_from_text(const char *chars, size_t len, uint16_t *out)
{
	for (size_t i = 0; i < ARRAY_LENGTH(classes); i++) {
		if (strlen(classes[i].text) == len && strncasecmp(classes[i].text, chars, len) == 0) {
			*out = classes[i].number;
			return true;
		}
	}
	return number_behind("CLASS", chars, len, out);
}

char *dns_rcode_to_text(unsigned rcode, char *out)
{
	return word_or_number(rcodes, ARRAY_LENGTH(rcodes), "RCODE", rcode & 0xffffu, out);
}

char *dns_opcode_to_text(unsigned opcode, char *out)
{
	return word_or_number(opcodes, ARRAY_LENGTH(opcodes), "OPCODE", opcode & 0xffffu, out);
}

const char *dns_ede_text(int code)
{
	return code >= 0 && (size_t)code < ARRAY_LENGTH(extended_errors) ? extended_errors[code] : "";
}

uint32_t dns_unit_seconds(char unit)
{
	switch (unit) {
	case 's':
	case 'S':
		return 1;
	case 'm':
	case 'M':
		return 60;
	case 'h':
	case 'H':
		return 3600;
	case 'd':
	case 'D':
		return 86400;
	case 'w':
	case 'W':
		return 604800;
	default:
		return 0;
	}
}

bool dns_type_is_meta(uint16_t type)
{
	return type == 0 || type == DNS_TYPE_OPT || (type >= 128 && type <= 255);
}
