/* SPDX-License-Identifier: MIT */
/* Words that stand for numbers inside RDATA. */
#include "dns/rdata_internal.h"

#include <strings.h>
#include <string.h>

#include "dns/codec_internal.h"

/* Registry "DNS Security Algorithm Numbers". */
static const struct rdata_mnemonic algorithms[] = {
        {0, "DELETE"},
        {1, "RSAMD5"},
        {2, "DH"},
        {3, "DSA"},
        {4, "ECC"},
        {5, "RSASHA1"},
        {6, "DSA-NSEC3-SHA1"},
        {6, "NSEC3DSA"},
        {7, "RSASHA1-NSEC3-SHA1"},
        {7, "NSEC3RSASHA1"},
        {8, "RSASHA256"},
        {10, "RSASHA512"},
        {12, "ECC-GOST"},
        {12, "ECCGOST"},
        {13, "ECDSAP256SHA256"},
        {14, "ECDSAP384SHA384"},
        {15, "ED25519"},
        {16, "ED448"},
        {17, "SM2SM3"},
        {23, "ECC-GOST12"},
        {252, "INDIRECT"},
        {253, "PRIVATEDNS"},
        {254, "PRIVATEOID"},
};

/* RFC 4398 2.1. */
static const struct rdata_mnemonic cert_types[] = {
        {1, "PKIX"}, {2, "SPKI"},   {3, "PGP"},     {4, "IPKIX"}, {5, "ISPKI"},
        {6, "IPGP"}, {7, "ACPKIX"}, {8, "IACPKIX"}, {253, "URI"}, {254, "OID"},
};

/* RFC 9859 2.2. */
static const struct rdata_mnemonic schemes[] = {
        {1, "NOTIFY"},
};

/* RFC 8945 3: from 16 on a TSIG or TKEY has words of its own. */
static const struct rdata_mnemonic rcodes[] = {
        {0, "NOERROR"},  {1, "FORMERR"},  {2, "SERVFAIL"}, {3, "NXDOMAIN"}, {4, "NOTIMP"},   {5, "REFUSED"},
        {6, "YXDOMAIN"}, {7, "YXRRSET"},  {8, "NXRRSET"},  {9, "NOTAUTH"},  {10, "NOTZONE"}, {16, "BADSIG"},
        {17, "BADKEY"},  {18, "BADTIME"}, {19, "BADMODE"}, {20, "BADNAME"}, {21, "BADALG"},  {22, "BADTRUNC"},
};

/* RFC 2535 3.1.2 and 7.1, the words of KEY; DNSKEY takes numbers only (RFC 4034 2.2). */
struct key_flag {
	const char *name;
	uint16_t value;
	uint16_t field; /* the bits that the word speaks of */
};

static const struct key_flag key_flags[] = {
        {"NOCONF", 0x4000, 0xc000}, {"NOAUTH", 0x8000, 0xc000}, {"NOKEY", 0xc000, 0xc000},  {"FLAG2", 0x2000, 0x2000},
        {"EXTEND", 0x1000, 0x1000}, {"FLAG4", 0x0800, 0x0800},  {"FLAG5", 0x0400, 0x0400},  {"USER", 0, 0x0300},
        {"ZONE", 0x0100, 0x0300},   {"HOST", 0x0200, 0x0300},   {"NTYP3", 0x0300, 0x0300},  {"FLAG8", 0x0080, 0x0080},
        {"FLAG9", 0x0040, 0x0040},  {"FLAG10", 0x0020, 0x0020}, {"FLAG11", 0x0010, 0x0010}, {"SIG0", 0, 0x000f},
        {"SIG1", 1, 0x000f},        {"SIG2", 2, 0x000f},        {"SIG3", 3, 0x000f},        {"SIG4", 4, 0x000f},
        {"SIG5", 5, 0x000f},        {"SIG6", 6, 0x000f},        {"SIG7", 7, 0x000f},        {"SIG8", 8, 0x000f},
        {"SIG9", 9, 0x000f},        {"SIG10", 10, 0x000f},      {"SIG11", 11, 0x000f},      {"SIG12", 12, 0x000f},
        {"SIG13", 13, 0x000f},      {"SIG14", 14, 0x000f},      {"SIG15", 15, 0x000f},
};

/* RFC 2535 3.1.3 and 7.1. */
static const struct rdata_mnemonic key_protocols[] = {
        {0, "NONE"}, {1, "TLS"}, {2, "EMAIL"}, {3, "DNSSEC"}, {4, "IPSEC"}, {255, "ALL"},
};

static bool from_text(const struct rdata_mnemonic *list, size_t count, uint64_t max, const char *chars, size_t len,
                      uint64_t *out)
{
	if (codec_decimal(chars, len, max, out)) {
		return true;
	}
	for (size_t i = 0; i < count; i++) {
		if (strlen(list[i].name) == len && strncasecmp(list[i].name, chars, len) == 0) {
			*out = list[i].number;
			return true;
		}
	}
	return false;
}

static void add(struct text *out, const struct rdata_mnemonic *list, size_t count, unsigned number)
{
	for (size_t i = 0; i < count; i++) {
		if (list[i].number == number) {
			text_add_string(out, list[i].name);
			return;
		}
	}
	text_add_decimal(out, number);
}

bool rdata_algorithm_from_text(const char *chars, size_t len, uint64_t *out)
{
	return from_text(algorithms, ARRAY_LENGTH(algorithms), UINT8_MAX, chars, len, out);
}

bool rdata_cert_type_from_text(const char *chars, size_t len, uint64_t *out)
{
	return from_text(cert_types, ARRAY_LENGTH(cert_types), UINT16_MAX, chars, len, out);
}

bool rdata_scheme_from_text(const char *chars, size_t len, uint64_t *out)
{
	return from_text(schemes, ARRAY_LENGTH(schemes), UINT8_MAX, chars, len, out);
}

bool rdata_rcode_from_text(const char *chars, size_t len, uint64_t *out)
{
	return from_text(rcodes, ARRAY_LENGTH(rcodes), UINT16_MAX, chars, len, out);
}

bool rdata_key_protocol_from_text(const char *chars, size_t len, uint64_t *out)
{
	return from_text(key_protocols, ARRAY_LENGTH(key_protocols), UINT8_MAX, chars, len, out);
}

static const struct key_flag *find_key_flag(const char *chars, size_t len)
{
	for (size_t i = 0; i < ARRAY_LENGTH(key_flags); i++) {
		if (strlen(key_flags[i].name) == len && strncasecmp(key_flags[i].name, chars, len) == 0) {
			return &key_flags[i];
		}
	}
	return NULL;
}

bool rdata_key_flags_from_text(const char *chars, size_t len, uint64_t *out)
{
	uint16_t said = 0; /* the fields that a word spoke of */
	const char *end = chars + len;
	if (codec_decimal(chars, len, UINT16_MAX, out)) {
		return true;
	}
	*out = 0;
	for (const char *at = chars; at <= end;) {
		const char *bar = memchr(at, '|', (size_t)(end - at));
		const char *word_end = bar == NULL ? end : bar;
		const struct key_flag *flag = find_key_flag(at, (size_t)(word_end - at));
		if (flag == NULL || (said & flag->field) != 0) {
			return false;
		}
		said |= flag->field;
		*out |= flag->value;
		at = word_end + 1;
	}
	return true;
}

void rdata_add_cert_type(struct text *out, unsigned number)
{
	add(out, cert_types, ARRAY_LENGTH(cert_types), number);
}

void rdata_add_scheme(struct text *out, unsigned number)
{
	add(out, schemes, ARRAY_LENGTH(schemes), number);
}

void rdata_add_rcode(struct text *out, unsigned number)
{
	add(out, rcodes, ARRAY_LENGTH(rcodes), number);
}
