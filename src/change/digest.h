/* SPDX-License-Identifier: MIT */
/* The digest of a version's content: the same for the same RRs, however they came together.
 *
 * It is the sum of a 128-bit hash of each RR in canonical form (owner, type, TTL, RDATA; the SOA's serial counts as 0), so
 * that what a changeset removes is subtracted and what it adds is added: a change costs what it changes. Two versions that
 * differ by accident have the same digest once in 2^128. It is no signature: the key is known, so whoever may choose the
 * content could make two with one digest (doc/decisions/004-digest.md). */
#pragma once

#include "change/changeset.h"

#define CHANGE_DIGEST_SIZE 16

struct change_digest {
	uint64_t words[2];
};

/* Walks the whole version. */
struct change_digest change_digest_of(const struct zone_snapshot *snapshot);
/* The digest of the version that `set` makes of the one with this digest. */
struct change_digest change_digest_after(struct change_digest before, const struct changeset *set);

/* In hex, as people compare it. Gives `out`. */
#define CHANGE_DIGEST_TEXT_MAX (2 * CHANGE_DIGEST_SIZE + 1)
char *change_digest_to_text(struct change_digest digest, char out[CHANGE_DIGEST_TEXT_MAX]);

void change_digest_write(struct change_digest digest, uint8_t out[CHANGE_DIGEST_SIZE]);
struct change_digest change_digest_read(const uint8_t octets[CHANGE_DIGEST_SIZE]);

/* ---- beside what is served ---- */

/* Notes the digest of `snapshot`, which is about to be published in `zone`. The zone's writer only. */
void change_digest_show(struct zone *zone, const struct zone_snapshot *snapshot, struct change_digest digest);
/* The digest of `snapshot`, that `zone` serves or has just served. False: another version has come since. Wait-free; any
 * thread. */
bool change_digest_find(const struct zone *zone, const struct zone_snapshot *snapshot, struct change_digest *digest);

/* ---- told from server to server ---- */

/* The value of the EDNS option DNS_OPTION_DIGEST, to the octet in doc/decisions/004-digest.md. In a question: the schemes that
 * the asker knows, an octet for each. In an answer: scheme, serial, digest. */
#define CHANGE_DIGEST_SCHEME 1
#define CHANGE_TOLD_SIZE     (1 + 4 + CHANGE_DIGEST_SIZE)

/* What a server says of the version that it answers from. */
struct change_told {
	uint32_t serial;
	struct change_digest digest;
};

/* The value in a question names our scheme. `value` may be NULL. */
bool change_told_is_asked(const uint8_t *value, size_t len);
void change_told_write(struct change_told told, uint8_t out[CHANGE_TOLD_SIZE]);
/* Reads the value in an answer. False: there is none (NULL), or of another scheme or length. */
bool change_told_read(const uint8_t *value, size_t len, struct change_told *out);

static inline bool change_digest_equal(struct change_digest a, struct change_digest b)
{
	return a.words[0] == b.words[0] && a.words[1] == b.words[1];
}
