/* SPDX-License-Identifier: MIT */
/* MACs of messages. What goes into one (RFC 8945 4.3, 5.3.1):
 *
 *   question          message, variables
 *   first answer      MAC of the question, message, variables
 *   later ones        MAC of the last that was signed, messages since, timers */
#include "access/tsig.h"

#include <string.h>

#include "access/tsig_internal.h"
#include "base/ensure.h"
#include "crypto/crypto.h"
#include "dns/name.h"

/* Answers in a row that may go without (5.3.1). */
#define UNSIGNED_MAX 99

/* Octets of a clock, which is all that we put into Other Data, or look for there (5.2.3). */
#define OTHER_MAX 6u

/* ---- what is digested ---- */

static void write_u48(struct writer *writer, uint64_t value)
{
	write_u16(writer, (uint16_t)(value >> 32));
	write_u32(writer, (uint32_t)value);
}

static void digest_prior_mac(struct tsig *tsig)
{
	uint8_t len[2];
	store_u16(len, tsig->mac_len);
	crypto_hmac_add(tsig->hmac, len, sizeof len);
	crypto_hmac_add(tsig->hmac, tsig->mac, tsig->mac_len);
}

/* The message as it was before its TSIG was added (4.3.2). */
static void digest_message(struct tsig *tsig, const struct dns_message *message, uint16_t original_id)
{
	uint8_t header[DNS_HEADER_SIZE];
	memcpy(header, message->bytes, sizeof header);
	store_u16(header, original_id);
	store_u16(header + 10, (uint16_t)(message->header.additional_count - 1));
	crypto_hmac_add(tsig->hmac, header, sizeof header);
	crypto_hmac_add(tsig->hmac, message->bytes + sizeof header, message->tsig_offset - sizeof header);
}

/* The variables of 4.3.3, or the timers alone. */
struct variables {
	uint64_t time_s;
	uint16_t fudge_s;
	uint16_t error;
	uint16_t other_len;
	const uint8_t *other;
};

static void digest_variables(struct tsig *tsig, const struct variables *variables)
{
	uint8_t bytes[2 * DNS_NAME_MAX + 32];
	struct writer writer = writer_of(bytes, sizeof bytes);
	const uint8_t *algorithm = tsig_key_algorithm_wire(tsig->key);
	write_bytes(&writer, tsig_key_name(tsig->key), dns_name_len(tsig_key_name(tsig->key)));
	write_u16(&writer, DNS_CLASS_ANY);
	write_u32(&writer, 0); /* TTL */
	write_bytes(&writer, algorithm, dns_name_len(algorithm));
	write_u48(&writer, variables->time_s);
	write_u16(&writer, variables->fudge_s);
	write_u16(&writer, variables->error);
	write_u16(&writer, variables->other_len);
	crypto_hmac_add(tsig->hmac, bytes, writer_len(&writer));
	crypto_hmac_add(tsig->hmac, variables->other, variables->other_len);
}

static void digest_timers(struct tsig *tsig, const struct variables *variables)
{
	uint8_t bytes[8];
	struct writer writer = writer_of(bytes, sizeof bytes);
	write_u48(&writer, variables->time_s);
	write_u16(&writer, variables->fudge_s);
	crypto_hmac_add(tsig->hmac, bytes, sizeof bytes);
}

/* What comes behind the message itself. */
static void digest_end(struct tsig *tsig, const struct variables *variables)
{
	if (tsig->is_answer && !tsig->is_first) {
		digest_timers(tsig, variables);
	} else {
		digest_variables(tsig, variables);
	}
}

/* The MAC becomes that which the next message continues. */
static void keep_mac(struct tsig *tsig, const uint8_t *mac, size_t len)
{
	memcpy(tsig->mac, mac, len);
	tsig->mac_len = (uint8_t)len;
	tsig->is_first = !tsig->is_answer;
	tsig->is_answer = true;
	tsig->is_proven = true;
	tsig->unsigned_count = 0;
	digest_prior_mac(tsig);
}

/* ---- judging ---- */

static bool is_in_time(const struct dns_tsig *record, uint64_t now_s)
{
	uint64_t apart = now_s > record->time_s ? now_s - record->time_s : record->time_s - now_s;
	return apart <= record->fudge_s;
}

/* The checks in the order of 5.2; `record` is that of `message` and names tsig->key. */
static enum tsig_verdict judge(struct tsig *tsig, const struct dns_message *message, const struct dns_tsig *record,
                               uint64_t now_s)
{
	if (record->mac_len > tsig_key_mac_whole(tsig->key) || record->mac_len < tsig_key_mac_least(tsig->key)) {
		return TSIG_FORMERR; /* 5.2.2.1 */
	}
	struct variables variables = {
	        .time_s = record->time_s,
	        .fudge_s = record->fudge_s,
	        .error = record->error,
	        .other_len = record->other_len,
	        .other = record->other,
	};
	digest_message(tsig, message, record->original_id);
	digest_end(tsig, &variables);
	uint8_t mac[CRYPTO_DIGEST_MAX];
	crypto_hmac_end(tsig->hmac, mac);
	if (!crypto_equal(mac, record->mac, record->mac_len)) {
		if (tsig->is_answer) {
			digest_prior_mac(tsig); /* the real answer may still come (5.4) */
		}
		return TSIG_BADSIG;
	}
	keep_mac(tsig, record->mac, record->mac_len); /* a cut one counts as it came: 5.2.2.1 */
	if (!is_in_time(record, now_s)) {
		return TSIG_BADTIME;
	}
	return record->mac_len < tsig_key_mac_len(tsig->key) ? TSIG_BADTRUNC : TSIG_GOOD;
}

static bool names_key(const struct dns_tsig *record, const struct tsig_key *key)
{
	return dns_name_equal(record->key.wire, tsig_key_name(key)) &&
	       dns_name_equal(record->algorithm, tsig_key_algorithm_wire(key));
}

/* ---- whoever asks ---- */

static void begin(struct tsig *tsig, const struct tsig_key *key)
{
	tsig->key = tsig_key_ref(key);
	tsig->hmac = crypto_hmac_new(tsig_key_hmac(key));
}

void tsig_ask(struct tsig *tsig, const struct tsig_key *key)
{
	memset(tsig, 0, sizeof *tsig);
	tsig->fudge_s = TSIG_FUDGE_S;
	begin(tsig, key);
}

/* 5.3.1: some answers of a stream may go without, but not the first. */
static enum tsig_verdict check_unsigned(struct tsig *tsig, const struct dns_message *answer)
{
	tsig->is_proven = false;
	if (tsig->is_first || tsig->unsigned_count == UNSIGNED_MAX) {
		return TSIG_BADSIG;
	}
	tsig->unsigned_count++;
	crypto_hmac_add(tsig->hmac, answer->bytes, answer->len);
	return TSIG_UNSIGNED;
}

static void take_error(struct tsig *tsig, const struct dns_tsig *record)
{
	tsig->error = record->error;
	tsig->at_s = record->time_s;
	if (record->error == DNS_RCODE_BADTIME && record->other_len == OTHER_MAX) {
		tsig->others_s = (uint64_t)load_u16(record->other) << 32 | load_u32(record->other + 2); /* 5.2.3 */
	}
}

enum tsig_verdict tsig_check(struct tsig *tsig, const struct dns_message *answer, uint64_t now_s)
{
	ensure(tsig->is_answer);
	tsig->error = 0;
	tsig->others_s = 0;
	tsig->is_bare = !answer->has_tsig;
	if (!answer->has_tsig) {
		return check_unsigned(tsig, answer);
	}
	struct dns_tsig record;
	enum tsig_verdict verdict = TSIG_FORMERR;
	if (dns_message_tsig(answer, &record)) {
		take_error(tsig, &record);
		if (!names_key(&record, tsig->key)) {
			verdict = TSIG_BADKEY;
		} else if (record.mac_len == 0) {
			verdict = TSIG_BADSIG; /* it says what is wrong with our question, and cannot prove that: 5.4 */
		} else {
			verdict = judge(tsig, answer, &record, now_s);
		}
	}
	tsig->is_proven = verdict == TSIG_GOOD;
	return verdict;
}

bool tsig_is_proven(const struct tsig *tsig)
{
	return tsig->is_proven;
}

unsigned tsig_error(const struct tsig *tsig)
{
	return tsig->error;
}

/* ---- whoever answers ---- */

enum tsig_verdict tsig_take(struct tsig *tsig, const struct tsig_keys *keys, const struct dns_message *question,
                            uint64_t now_s)
{
	memset(tsig, 0, sizeof *tsig);
	struct dns_tsig record;
	if (!dns_message_tsig(question, &record)) {
		return tsig->verdict = TSIG_FORMERR;
	}
	tsig->key_name = record.key;
	tsig->algorithm = dns_name_of(record.algorithm);
	tsig->asked_at_s = record.time_s;
	tsig->fudge_s = record.fudge_s;
	tsig->original_id = record.original_id;
	const struct tsig_key *key = tsig_keys_find(keys, record.key.wire);
	if (key == NULL || !names_key(&record, key)) {
		return tsig->verdict = TSIG_BADKEY;
	}
	begin(tsig, key);
	tsig->verdict = judge(tsig, question, &record, now_s);
	return tsig->verdict;
}

enum tsig_verdict tsig_verdict(const struct tsig *tsig)
{
	return tsig->verdict;
}

const uint8_t *tsig_asked_key(const struct tsig *tsig)
{
	return tsig->key_name.wire;
}

const struct tsig_key *tsig_proves(const struct tsig *tsig)
{
	return tsig->verdict == TSIG_GOOD ? tsig->key : NULL;
}

unsigned tsig_rcode(enum tsig_verdict verdict)
{
	switch (verdict) {
	case TSIG_GOOD:
	case TSIG_UNSIGNED:
		return DNS_RCODE_NOERROR;
	case TSIG_FORMERR:
		return DNS_RCODE_FORMERR;
	case TSIG_BADKEY:
	case TSIG_BADSIG:
	case TSIG_BADTIME:
	case TSIG_BADTRUNC:
		break;
	}
	return DNS_RCODE_NOTAUTH;
}

static uint16_t error_of(enum tsig_verdict verdict)
{
	switch (verdict) {
	case TSIG_GOOD:
	case TSIG_UNSIGNED:
	case TSIG_FORMERR:
		break;
	case TSIG_BADKEY:
		return DNS_RCODE_BADKEY;
	case TSIG_BADSIG:
		return DNS_RCODE_BADSIG;
	case TSIG_BADTIME:
		return DNS_RCODE_BADTIME;
	case TSIG_BADTRUNC:
		return DNS_RCODE_BADTRUNC;
	}
	return 0;
}

const char *tsig_verdict_name(enum tsig_verdict verdict)
{
	static const char *const names[] = {
	        [TSIG_GOOD] = "NOERROR",      [TSIG_UNSIGNED] = "unsigned", [TSIG_FORMERR] = "FORMERR",
	        [TSIG_BADKEY] = "BADKEY",     [TSIG_BADSIG] = "BADSIG",     [TSIG_BADTIME] = "BADTIME",
	        [TSIG_BADTRUNC] = "BADTRUNC",
	};
	return names[verdict];
}

/* ---- signing ---- */

/* The question's MAC was wrong, or its key is unknown: what is said of it cannot be signed (5.3.2). */
static bool signs_nothing(const struct tsig *tsig)
{
	return tsig->verdict == TSIG_BADKEY || tsig->verdict == TSIG_BADSIG;
}

/* Octets of the record without names, MAC and other data: 10 of the RR's frame, 16 of the RDATA. */
#define RECORD_FIXED 26u

size_t tsig_size(const struct tsig *tsig)
{
	size_t other = tsig->verdict == TSIG_BADTIME ? OTHER_MAX : 0;
	if (signs_nothing(tsig)) {
		return RECORD_FIXED + tsig->key_name.len + tsig->algorithm.len;
	}
	return RECORD_FIXED + dns_name_len(tsig_key_name(tsig->key)) +
	       dns_name_len(tsig_key_algorithm_wire(tsig->key)) + tsig_key_mac_len(tsig->key) + other;
}

static size_t append(uint8_t *bytes, size_t len, size_t size, const uint8_t *key, const uint8_t *algorithm,
                     const struct variables *variables, const uint8_t *mac, size_t mac_len, uint16_t original_id)
{
	struct writer writer = writer_of(bytes + len, size);
	size_t algorithm_len = dns_name_len(algorithm);
	write_bytes(&writer, key, dns_name_len(key));
	write_u16(&writer, DNS_TYPE_TSIG);
	write_u16(&writer, DNS_CLASS_ANY);
	write_u32(&writer, 0);
	write_u16(&writer, (uint16_t)(algorithm_len + 16 + mac_len + variables->other_len));
	write_bytes(&writer, algorithm, algorithm_len);
	write_u48(&writer, variables->time_s);
	write_u16(&writer, variables->fudge_s);
	write_u16(&writer, (uint16_t)mac_len);
	write_bytes(&writer, mac, mac_len);
	write_u16(&writer, original_id);
	write_u16(&writer, variables->error);
	write_u16(&writer, variables->other_len);
	write_bytes(&writer, variables->other, variables->other_len);
	ensure(!writer.failed);
	store_u16(bytes + 10, (uint16_t)(load_u16(bytes + 10) + 1));
	return len + writer_len(&writer);
}

size_t tsig_sign(struct tsig *tsig, uint8_t *bytes, size_t len, uint64_t now_s)
{
	ensure(tsig->verdict != TSIG_FORMERR);
	size_t size = tsig_size(tsig);
	uint8_t other[OTHER_MAX];
	struct variables variables = {
	        .time_s = now_s, .fudge_s = TSIG_FUDGE_S, .error = error_of(tsig->verdict), .other = other};
	if (signs_nothing(tsig)) {
		variables.time_s = tsig->asked_at_s;
		variables.fudge_s = tsig->fudge_s;
		return append(bytes, len, size, tsig->key_name.wire, tsig->algorithm.wire, &variables, NULL, 0,
		              tsig->original_id);
	}
	if (tsig->verdict == TSIG_BADTIME) {
		/* The asker's time, so that it can check this; ours is told beside it (5.2.3). */
		struct writer writer = writer_of(other, sizeof other);
		write_u48(&writer, now_s);
		variables.other_len = OTHER_MAX;
		variables.time_s = tsig->asked_at_s;
		variables.fudge_s = tsig->fudge_s;
	}
	uint16_t original_id = load_u16(bytes);
	crypto_hmac_add(tsig->hmac, bytes, len);
	digest_end(tsig, &variables);
	uint8_t mac[CRYPTO_DIGEST_MAX];
	crypto_hmac_end(tsig->hmac, mac);
	size_t mac_len = tsig_key_mac_len(tsig->key);
	keep_mac(tsig, mac, mac_len);
	return append(bytes, len, size, tsig_key_name(tsig->key), tsig_key_algorithm_wire(tsig->key), &variables, mac,
	              mac_len, original_id);
}

void tsig_move(struct tsig *to, struct tsig *from)
{
	*to = *from;
	from->hmac = NULL;
	from->key = NULL;
}

void tsig_end(struct tsig *tsig)
{
	crypto_hmac_free(tsig->hmac);
	tsig_key_unref(tsig->key);
	tsig->hmac = NULL;
	tsig->key = NULL;
}
