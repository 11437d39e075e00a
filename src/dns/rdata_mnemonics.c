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
	codec_add_decimal(out, number);
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
