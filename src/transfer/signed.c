/* SPDX-License-Identifier: MIT */
/* Questions to peers that have a key are signed, and their answers are believed only when they are signed too (RFC 8945). */
#include "transfer/transfer_internal.h"

#include "base/ensure.h"

size_t transfer_sign(struct tsig *tsig, const struct tsig_key *key, uint8_t bytes[TRANSFER_SIGNED_MAX], size_t len,
                     struct moment now)
{
	tsig_end(tsig);
	if (key == NULL) {
		return len;
	}
	tsig_ask(tsig, key);
	ensure(len + tsig_size(tsig) <= TRANSFER_SIGNED_MAX);
	return tsig_sign(tsig, bytes, len, (uint64_t)now.wall_s);
}

/* What the answer says may be made up, but is the best hint that there is. */
static bool add_rcode(const struct dns_message *answer, struct error *error)
{
	unsigned rcode = dns_message_rcode(answer);
	struct error said;
	if (rcode != DNS_RCODE_NOERROR && rcode != DNS_RCODE_NOTAUTH) {
		transfer_say_rcode(answer, &said);
		error_context(error, "%s", said.text);
	}
	return false;
}

bool transfer_is_proven(struct tsig *tsig, const struct tsig_key *key, const struct dns_message *answer,
                        struct moment now, struct error *error)
{
	if (key == NULL) {
		return true;
	}
	enum tsig_verdict verdict = tsig_check(tsig, answer, (uint64_t)now.wall_s);
	if (verdict == TSIG_UNSIGNED) {
		return true;
	}
	return !tsig_is_wrong(tsig, verdict, (uint64_t)now.wall_s, error) || add_rcode(answer, error);
}

bool transfer_is_proven_whole(const struct tsig *tsig, const struct tsig_key *key, struct error *error)
{
	return key == NULL || tsig_is_proven(tsig) || !tsig_is_wrong(tsig, TSIG_UNSIGNED, 0, error);
}

enum cause transfer_tsig_cause(const struct tsig *tsig)
{
	switch (tsig->error) {
	case DNS_RCODE_BADKEY:
		return CAUSE_TSIG_BADKEY;
	case DNS_RCODE_BADTIME:
		return CAUSE_TSIG_BADTIME;
	case DNS_RCODE_BADTRUNC:
		return CAUSE_TSIG_BADTRUNC;
	}
	return tsig->is_bare ? CAUSE_TSIG_MISSING : CAUSE_TSIG_BADSIG;
}
