/* SPDX-License-Identifier: MIT */
/* What RDATA must look like on the wire, uncompressed. */
#include "dns/rdata_internal.h"

#include <string.h>

#include "dns/name.h"

/* Digest lengths of the registry "DNSSEC Delegation Signer (DS) RR Type Digest Algorithms". */
enum {
	DIGEST_SHA1 = 1,
	DIGEST_SHA256 = 2,
	DIGEST_SHA384 = 4,
};

/* RFC 8976 5.3. */
enum {
	ZONEMD_SHA384 = 1,
	ZONEMD_SHA512 = 2,
};

#define NSEC3_SHA1        1
#define NSEC3_SHA1_LEN    20
#define ZONEMD_DIGEST_MIN 12 /* RFC 8976 2.2.4 */

static bool because(const char **why, const char *reason)
{
	*why = reason;
	return false;
}

static bool skip_bytes(struct reader *in, size_t len, const char **why)
{
	return read_bytes(in, len) != NULL || because(why, "it is cut short");
}

static bool skip_string(struct reader *in, const char **why)
{
	uint8_t len = read_u8(in);
	return skip_bytes(in, len, why);
}

static bool skip_strings(struct reader *in, const char **why)
{
	do {
		if (!skip_string(in, why)) {
			return false;
		}
	} while (reader_left(in) > 0);
	return true;
}

static bool skip_tag(struct reader *in, const char **why)
{
	uint8_t len = read_u8(in);
	const uint8_t *tag = read_bytes(in, len);
	if (tag == NULL || len == 0) {
		return because(why, "its tag is empty or cut short");
	}
	for (size_t i = 0; i < len; i++) {
		uint8_t lower = dns_lower[tag[i]];
		if (!(lower >= 'a' && lower <= 'z') && !(lower >= '0' && lower <= '9')) {
			return because(why, "its tag has other characters than letters and digits");
		}
	}
	return true;
}

static bool skip_rest(struct reader *in, size_t min, const char **why)
{
	if (in->failed || reader_left(in) < min) {
		return because(why, "it is cut short");
	}
	in->at = in->end;
	return true;
}

static bool skip_name(struct reader *in, const char **why)
{
	return dns_name_read_plain(in) != NULL || because(why, "a name in it is cut short, too long or compressed");
}

static bool skip_hash(struct reader *in, const char **why)
{
	uint8_t len = read_u8(in);
	return (len > 0 || because(why, "its hash is empty")) && skip_bytes(in, len, why);
}

static bool skip_rest_some(struct reader *in, const char **why)
{
	return skip_rest(in, 1, why);
}

static bool skip_rest_any(struct reader *in, const char **why)
{
	return skip_rest(in, 0, why);
}

static bool skip_sized(struct reader *in, const char **why)
{
	return skip_bytes(in, read_u16(in), why);
}

static bool skip_string_optional(struct reader *in, const char **why)
{
	return reader_left(in) == 0 || skip_string(in, why);
}

/* How each kind that is not of fixed width is passed. */
static bool (*const skippers[RDATA_KIND_COUNT])(struct reader *in, const char **why) = {
        [RDATA_NAME_PACKED] = skip_name,
        [RDATA_NAME_LENIENT] = skip_name,
        [RDATA_NAME_FOLDED] = skip_name,
        [RDATA_NAME_PLAIN] = skip_name,
        [RDATA_STRING] = skip_string,
        [RDATA_STRING_OPTIONAL] = skip_string_optional,
        [RDATA_STRINGS] = skip_strings,
        [RDATA_TAG] = skip_tag,
        [RDATA_QUOTED_REST] = skip_rest_any,
        [RDATA_HEX_REST] = skip_rest_some,
        [RDATA_HEX_REST_OPTIONAL] = skip_rest_any,
        [RDATA_BASE64_REST] = skip_rest_some,
        [RDATA_BASE64_REST_OPTIONAL] = skip_rest_any,
        [RDATA_BASE64_DASH] = skip_rest_any,
        [RDATA_BASE64_SIZED] = skip_sized,
        [RDATA_SALT] = skip_string,
        [RDATA_HASH] = skip_hash,
        [RDATA_TYPES] = rdata_types_skip,
        [RDATA_TYPES_OPTIONAL] = rdata_types_skip_optional,
        [RDATA_NXT_TYPES] = rdata_nxt_types_skip,
        [RDATA_A6] = rdata_a6_skip,
        [RDATA_AMTRELAY] = rdata_amtrelay_skip,
        [RDATA_APL] = rdata_apl_skip,
        [RDATA_ATMA] = rdata_atma_skip,
        [RDATA_HIP] = rdata_hip_skip,
        [RDATA_IPSECKEY] = rdata_ipseckey_skip,
        [RDATA_LOC] = rdata_loc_skip,
        [RDATA_NSAP] = rdata_nsap_skip,
        [RDATA_SERVICES] = rdata_services_skip,
        [RDATA_SVC_PARAMS] = rdata_svcb_skip,
        [RDATA_OPAQUE] = skip_rest_any,
};

bool rdata_skip(enum rdata_field kind, struct reader *in, const char **why)
{
	return rdata_octets[kind] > 0 ? skip_bytes(in, rdata_octets[kind], why) : skippers[kind](in, why);
}

static bool ds_holds(const uint8_t *rdata, size_t len, const char **why)
{
	size_t digest_len = len - 4;
	switch (rdata[3]) {
	case DIGEST_SHA1:
		return digest_len == 20 || because(why, "its digest has not the 20 octets of SHA-1");
	case DIGEST_SHA256:
		return digest_len == 32 || because(why, "its digest has not the 32 octets of SHA-256");
	case DIGEST_SHA384:
		return digest_len == 48 || because(why, "its digest has not the 48 octets of SHA-384");
	default:
		return true;
	}
}

static bool zonemd_holds(const uint8_t *rdata, size_t len, const char **why)
{
	size_t digest_len = len - 6;
	switch (rdata[5]) {
	case ZONEMD_SHA384:
		return digest_len == 48 || because(why, "its digest has not the 48 octets of SHA-384");
	case ZONEMD_SHA512:
		return digest_len == 64 || because(why, "its digest has not the 64 octets of SHA-512");
	default:
		return digest_len >= ZONEMD_DIGEST_MIN || because(why, "its digest has less than 12 octets");
	}
}

/* RFC 1183 3.1: four digits of a DNIC and the network's own. */
static bool x25_holds(const uint8_t *rdata, size_t len, const char **why)
{
	for (size_t i = 1; i < len; i++) {
		if (rdata[i] < '0' || rdata[i] > '9') {
			return because(why, "its address has other characters than digits");
		}
	}
	return len >= 5 || because(why, "its address has less than four digits");
}

/* RFC 2535 3.1.2: only where the two first bits of the flags say so is there no key. */
static bool key_holds(const uint8_t *rdata, size_t len, const char **why)
{
	return len > 4 || rdata[0] >> 6 == 3 || because(why, "it has no public key, and its flags do not say NOKEY");
}

/* RFC 5155 11: the one hash algorithm is SHA-1. */
static bool nsec3_holds(const uint8_t *rdata, const char **why)
{
	const uint8_t *hash = rdata + 5 + rdata[4];
	return rdata[0] != NSEC3_SHA1 || hash[0] == NSEC3_SHA1_LEN ||
	       because(why, "its hash has not the 20 octets of SHA-1");
}

/* RFC 7553 4.5 */
static bool uri_holds(size_t len, const char **why)
{
	return len > 4 || because(why, "its target is empty");
}

bool rdata_rule_holds(enum rdata_rule rule, const uint8_t *rdata, size_t len, const char **why)
{
	switch (rule) {
	case RDATA_RULE_NONE:
		return true;
	case RDATA_RULE_DS:
		return ds_holds(rdata, len, why);
	case RDATA_RULE_ZONEMD:
		return zonemd_holds(rdata, len, why);
	case RDATA_RULE_X25:
		return x25_holds(rdata, len, why);
	case RDATA_RULE_KEY:
		return key_holds(rdata, len, why);
	case RDATA_RULE_NSEC3:
		return nsec3_holds(rdata, why);
	case RDATA_RULE_URI:
		return uri_holds(len, why);
	}
	return false;
}

/* Lookups in a chain of NSEC3 rely on its hashes; nothing of ours relies on the other rules. */
static bool is_of_form(enum rdata_rule rule)
{
	return rule == RDATA_RULE_NSEC3;
}

static bool check_fields(const struct rdata_row *row, const uint8_t *rdata, size_t len, const char **why)
{
	struct reader in = reader_of(rdata, len);
	if (len > DNS_RDATA_MAX) {
		return because(why, "it is longer than 65535 octets");
	}
	for (size_t i = 0; row->fields[i] != RDATA_END; i++) {
		if (!rdata_skip((enum rdata_field)row->fields[i], &in, why)) {
			return false;
		}
	}
	return reader_left(&in) == 0 || because(why, "octets are left over behind its last field");
}

bool dns_rdata_check(uint16_t type, const uint8_t *rdata, size_t len, const char **why)
{
	const struct rdata_row *row = rdata_row_get(type);
	const char *reason = "";
	bool good = check_fields(row, rdata, len, &reason) &&
	            rdata_rule_holds((enum rdata_rule)row->rule, rdata, len, &reason);
	if (why != NULL) {
		*why = reason;
	}
	return good;
}

bool dns_rdata_check_form(uint16_t type, const uint8_t *rdata, size_t len)
{
	const struct rdata_row *row = rdata_row_get(type);
	enum rdata_rule rule = (enum rdata_rule)row->rule;
	const char *reason;
	return check_fields(row, rdata, len, &reason) &&
	       (!is_of_form(rule) || rdata_rule_holds(rule, rdata, len, &reason));
}
