/* SPDX-License-Identifier: MIT */
/* TSIG (RFC 8945): secrets that two servers share, and messages that prove who made them.
 *
 * Knows   keys, messages as octets, the time that it is told.
 * Not     sockets, clocks, configuration files, what a key is allowed to do.
 *
 * Both sides of an exchange hold a struct tsig: a question, and the messages that answer it, each of which proves those
 * before it too. Whoever asks: tsig_ask, tsig_sign the question, tsig_check each answer. Whoever answers: tsig_take the
 * question, tsig_sign each answer.
 *
 * I1  What is compared with a secret is compared in constant time.
 * I2  An answer is signed only when the question's MAC was right (5.3, 5.3.2).
 * I3  Names of keys and algorithms are compared without regard to case.
 *
 * We differ: a message is taken again for as long as its fudge lasts, by its signer's clock; RFC 8945 5.2.3 would have us
 * remember the newest Time Signed of each key and refuse what is older. Secondaries that ask for many zones at once send many
 * messages with one key, which overtake each other, and each that is refused costs a round; and what is signed now does no harm
 * when it comes twice. A question is answered again, with what whoever could record it could read before: TSIG hides nothing.
 * A NOTIFY makes a secondary ask its primaries, which disprove what is not true any more, and not more often than any other.
 * An UPDATE would do harm, since what it added may have been removed meanwhile: whoever builds that looks at Time Signed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "dns/message.h"

/* Those of RFC 8945 6, but for gss-tsig. A number behind the hash says to how many bits the MAC is cut. */
enum tsig_algorithm {
	TSIG_HMAC_MD5,
	TSIG_HMAC_SHA1,
	TSIG_HMAC_SHA224,
	TSIG_HMAC_SHA256,
	TSIG_HMAC_SHA256_128,
	TSIG_HMAC_SHA384,
	TSIG_HMAC_SHA384_192,
	TSIG_HMAC_SHA512,
	TSIG_HMAC_SHA512_256,
};
#define TSIG_ALGORITHMS 9

#define TSIG_SECRET_MAX 1024 /* octets; what is longer than a block of the hash is hashed first */
#define TSIG_MAC_MAX    64
#define TSIG_FUDGE_S    300 /* seconds by which clocks may differ, as we send it */

/* "hmac-sha256". */
const char *tsig_algorithm_name(enum tsig_algorithm algorithm);
/* Octets that a secret should have: as many as the hash gives (RFC 2104 3). */
size_t tsig_algorithm_secret_len(enum tsig_algorithm algorithm);
/* Case does not matter. False: there is none of this name. */
bool tsig_algorithm_from_text(const char *text, enum tsig_algorithm *algorithm);

/* ---- keys ---- */

/* Immutable and counted: any thread. */
struct tsig_key;

/* `name` and `secret` (1..TSIG_SECRET_MAX octets) are copied. `mac_len`: octets to which MACs are cut that we make, and
 * that those which come must have at the least; 0: whole ones only, as the algorithm has them. NULL on failure:
 * ERROR_LIMIT    the secret is empty or too long; `mac_len` is less than 10 or than half of the whole MAC, or more than
 *                that (5.2.2.1)
 * ERROR_INVALID  this machine's OpenSSL does not offer the algorithm */
const struct tsig_key *tsig_key_new(const uint8_t *name, enum tsig_algorithm algorithm, const void *secret, size_t len,
                                    size_t mac_len, struct error *error);
const struct tsig_key *tsig_key_ref(const struct tsig_key *key);
/* NULL is fine. */
void tsig_key_unref(const struct tsig_key *take);
/* Lower case. */
const uint8_t *tsig_key_name(const struct tsig_key *key);
enum tsig_algorithm tsig_key_algorithm(const struct tsig_key *key);
/* Same name, algorithm, secret and length of MACs; in constant time as far as the secret goes. */
bool tsig_key_equal(const struct tsig_key *a, const struct tsig_key *b);

/* What is written down of a key. */
struct tsig_written {
	struct dns_name name; /* lower case */
	enum tsig_algorithm algorithm;
	size_t mac_len; /* as in tsig_key_new */
	size_t secret_len;
	uint8_t secret[TSIG_SECRET_MAX];
};

/* Reads ALGORITHM:NAME:SECRET, as `dig -y` takes it, or the statement key "NAME" { algorithm ALGORITHM; secret "SECRET"; };
 * as BIND's tools write it, with what BIND takes for a comment around it. Algorithms are called as BIND calls them: a number
 * behind the hash cuts the MAC, and changes nothing else. ERROR_SYNTAX: it is neither. Errors never quote a secret. */
MUST_USE bool tsig_key_read(const char *text, size_t len, struct tsig_written *out, struct error *error);
/* The same from a file. Besides: what file_read_secret says. */
MUST_USE bool tsig_key_read_file(const char *path, struct tsig_written *out, struct error *error);
/* As the statement. The MAC is whole. */
void tsig_key_write(const struct tsig_written *written, struct text *out);
/* As tsig_key_new. */
const struct tsig_key *tsig_key_of(const struct tsig_written *written, struct error *error);

/* Keys by name. Immutable: any thread. */
struct tsig_keys;

/* No two of one name. The keys are referenced, the array is copied. */
struct tsig_keys *tsig_keys_new(const struct tsig_key *const *keys, size_t count);
void tsig_keys_free(struct tsig_keys *take);
/* NULL: none of this name. `keys` NULL: there are none. */
const struct tsig_key *tsig_keys_find(const struct tsig_keys *keys, const uint8_t *name);

/* ---- exchanges ---- */

enum tsig_verdict {
	TSIG_GOOD,
	TSIG_UNSIGNED, /* an answer without TSIG that a later one may prove (5.3.1); not to be believed before */
	TSIG_FORMERR,  /* cannot be interpreted, or a MAC of a length that none may have */
	TSIG_BADKEY,   /* unknown key or algorithm, or another than the question's */
	TSIG_BADSIG,   /* the MAC is not that of this message; or an answer that must have a TSIG has none */
	TSIG_BADTIME,  /* signed too long ago, or in the future */
	TSIG_BADTRUNC, /* the MAC is shorter than the key accepts */
};

/* "BADKEY" and so on; TSIG_GOOD "NOERROR". */
const char *tsig_verdict_name(enum tsig_verdict verdict);

/* What a question with this verdict has wrong, as a clause for whoever was asked. */
const char *tsig_verdict_words(enum tsig_verdict verdict);

/* One exchange. The members are private to src/access. */
struct tsig {
	const struct tsig_key *key; /* a reference; NULL: nothing is signed */
	struct crypto_hmac *hmac;   /* what of the next MAC is digested already */
	enum tsig_verdict verdict;  /* of the question, where we answer */
	bool is_answer;             /* the next message is an answer; else the question */
	bool is_first;              /* the next answer is the first */
	bool is_proven;             /* the last message was signed, and rightly */
	uint8_t unsigned_count;     /* answers since the last that was */
	uint8_t mac_len;            /* the last MAC */
	uint8_t mac[TSIG_MAC_MAX];
	struct dns_name key_name; /* of the question, for answers that say what is wrong with it */
	struct dns_name algorithm;
	uint64_t asked_at_s; /* what the question says */
	uint16_t fudge_s;
	uint16_t original_id;
	uint16_t error;    /* that the other side told in its last answer */
	uint64_t at_s;     /* when it says that it was signed */
	uint64_t others_s; /* the other side's clock, where it told it with BADTIME; 0: not */
	bool is_bare;      /* it had no TSIG at all */
};

/* Begins an exchange in which we ask. Ends with tsig_end. */
void tsig_ask(struct tsig *tsig, const struct tsig_key *key);
/* We differ: a question that was signed earlier than the last one with its key is taken (5.2.3 SHOULD refuse it, and says itself
 * that datagrams overtake each other). Several servers with clocks of their own share a key, and what may be repeated within the
 * fudge does no harm: a question gets the same answer again, and a NOTIFY is about a serial that is here, or a reason to look.
 *
 * Begins one in which we answer; `question` has a TSIG. What is not TSIG_GOOD is to be answered with tsig_rcode, and
 * tsig_sign says the rest. `now_s`: seconds since 1970. Ends with tsig_end, whatever the verdict. */
enum tsig_verdict tsig_take(struct tsig *tsig, const struct tsig_keys *keys, const struct dns_message *question,
                            uint64_t now_s);
/* What tsig_take gave; the name that the question gave its key, which means nothing unless that is TSIG_GOOD. Both after
 * tsig_end too. */
enum tsig_verdict tsig_verdict(const struct tsig *tsig);
const uint8_t *tsig_asked_key(const struct tsig *tsig);
/* The key that signed the question; NULL: it proves nobody. */
const struct tsig_key *tsig_proves(const struct tsig *tsig);
/* RCODE of the answer to a question with this verdict: FORMERR, NOTAUTH or NOERROR (5.2). */
unsigned tsig_rcode(enum tsig_verdict verdict);

/* Octets that tsig_sign will add to the next message. */
size_t tsig_size(const struct tsig *tsig);
/* Appends the TSIG of the next message to one of `len` octets at `bytes`, where there is room for it (tsig_size), and
 * counts it in the header. Gives the new length. After a question with a wrong key or MAC it is an empty one that says so. */
size_t tsig_sign(struct tsig *tsig, uint8_t *bytes, size_t len, uint64_t now_s);

/* Judges the next answer to a question that was signed. Whatever is neither good nor unsigned proves nothing: of a
 * stream it is the end, of a datagram the real answer may still come (5.4). Never gives TSIG_BADTRUNC for what the other
 * side says of our MAC: see tsig_error. */
enum tsig_verdict tsig_check(struct tsig *tsig, const struct dns_message *answer, uint64_t now_s);
/* The last message was signed: all before it are proven too. Must hold at the end of a stream (5.3.1). */
bool tsig_is_proven(const struct tsig *tsig);
/* Why an answer is not to be believed, or what the other side found wrong with our question: a clause for people that names
 * the key. `verdict`: what tsig_check gave; `now_s` as there. False: nothing is wrong. Otherwise always sets `error`. */
bool tsig_is_wrong(const struct tsig *tsig, enum tsig_verdict verdict, uint64_t now_s, struct error *error);
/* What the other side said of our question (extended RCODE, 0: nothing), in the last answer; believe it only where it was
 * TSIG_GOOD, and log it where it was not. */
unsigned tsig_error(const struct tsig *tsig);

/* The exchange goes on in `to`; `from` is as after tsig_end. */
void tsig_move(struct tsig *to, struct tsig *from);
/* All that it holds. Fine twice, and for one that is all 0. */
void tsig_end(struct tsig *tsig);
