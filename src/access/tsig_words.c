/* SPDX-License-Identifier: MIT */
/* What went wrong with a signature, in words: of two sides that do not understand each other, one has to be told what to look
 * at. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "access/tsig_internal.h"
#include "base/ensure.h"

const char *tsig_verdict_words(enum tsig_verdict verdict)
{
	static const char *const words[] = {
	        [TSIG_GOOD] = "nothing is wrong",
	        [TSIG_UNSIGNED] = "it has no TSIG",
	        [TSIG_FORMERR] = "its TSIG cannot be read",
	        [TSIG_BADKEY] = "no key of this name and algorithm is known here",
	        [TSIG_BADSIG] =
	                "the MAC is wrong: the two sides have different secrets, or the message was changed on its way",
	        [TSIG_BADTIME] =
	                "it was signed too long ago or in the future: the two clocks differ, or it was replayed",
	        [TSIG_BADTRUNC] = "the MAC is shorter than the key's `mac-length`",
	};
	return words[verdict];
}

/* "2026-11-21 21:20:00 UTC" */
#define CLOCK_TEXT_MAX 40

static const char *clock_text(uint64_t time_s, char out[CLOCK_TEXT_MAX])
{
	time_t seconds = (time_t)time_s;
	struct tm parts;
	if (gmtime_r(&seconds, &parts) == NULL || strftime(out, CLOCK_TEXT_MAX, "%Y-%m-%d %H:%M:%S UTC", &parts) == 0) {
		snprintf(out, CLOCK_TEXT_MAX, "%" PRIu64 " s after 1970", time_s);
	}
	return out;
}

/* The clocks of two servers. */
static bool differ(const char *what, const char *theirs_name, uint64_t theirs_s, uint64_t ours_s, struct error *error)
{
	char theirs[CLOCK_TEXT_MAX];
	char ours[CLOCK_TEXT_MAX];
	uint64_t apart_s = theirs_s > ours_s ? theirs_s - ours_s : ours_s - theirs_s;
	return error_set(error, ERROR_INVALID, "%s: %s %s, our clock says %s, %" PRIu64 " s %s", what, theirs_name,
	                 clock_text(theirs_s, theirs), clock_text(ours_s, ours), apart_s,
	                 theirs_s > ours_s ? "less" : "more");
}

/* What the other side has to say. False: it is nothing that RFC 8945 knows. */
static bool explain_theirs(const struct tsig *tsig, const char *key, uint64_t now_s, struct error *error)
{
	const char *algorithm = tsig_algorithm_name(tsig_key_algorithm(tsig->key));
	switch (tsig->error) {
	case DNS_RCODE_BADKEY:
		error_set(error, ERROR_INVALID, "the other side does not know key %s as one of %s (BADKEY)", key,
		          algorithm);
		return true;
	case DNS_RCODE_BADSIG:
		error_set(error, ERROR_INVALID, "the other side has another secret for key %s (BADSIG)", key);
		return true;
	case DNS_RCODE_BADTIME:
		if (tsig->others_s != 0) {
			differ("the other side's clock differs too much from ours (BADTIME)", "it says", tsig->others_s,
			       now_s, error);
		} else {
			error_set(error, ERROR_INVALID, "the other side's clock differs too much from ours (BADTIME)");
		}
		return true;
	case DNS_RCODE_BADTRUNC:
		error_set(error, ERROR_INVALID,
		          "the other side wants longer MACs by key %s than our %zu octets (BADTRUNC)", key,
		          tsig_key_mac_len(tsig->key));
		return true;
	default:
		return false;
	}
}

static void explain_ours(const struct tsig *tsig, enum tsig_verdict verdict, const char *key, uint64_t now_s,
                         struct error *error)
{
	switch (verdict) {
	case TSIG_GOOD:
		break;
	case TSIG_UNSIGNED:
		error_set(error, ERROR_INVALID, "the last message of the answer is not signed with key %s", key);
		return;
	case TSIG_FORMERR:
		error_set(error, ERROR_SYNTAX, "the answer's TSIG cannot be read");
		return;
	case TSIG_BADKEY:
		error_set(error, ERROR_INVALID, "the answer is signed with another key than %s", key);
		return;
	case TSIG_BADSIG:
		if (tsig->is_bare) {
			error_set(error, ERROR_INVALID, "the answer is not signed with key %s, as it must be", key);
		} else {
			error_set(error, ERROR_INVALID, "the answer's signature by key %s is wrong", key);
		}
		return;
	case TSIG_BADTIME:
		differ("the answer was signed too long ago or in the future", "that says", tsig->at_s, now_s, error);
		return;
	case TSIG_BADTRUNC:
		error_set(error, ERROR_INVALID, "the answer's MAC by key %s is shorter than our %zu octets", key,
		          tsig_key_mac_len(tsig->key));
		return;
	}
	ensure(verdict != TSIG_GOOD);
}

bool tsig_is_wrong(const struct tsig *tsig, enum tsig_verdict verdict, uint64_t now_s, struct error *error)
{
	char key[DNS_NAME_TEXT_MAX];
	dns_name_to_text_short(tsig_key_name(tsig->key), key);
	bool is_told = explain_theirs(tsig, key, now_s, error);
	if (verdict == TSIG_GOOD) {
		return is_told;
	}
	if (!is_told) {
		explain_ours(tsig, verdict, key, now_s, error);
	}
	return true;
}
