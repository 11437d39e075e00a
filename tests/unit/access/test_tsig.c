/* SPDX-License-Identifier: MIT */
/* The messages were signed by another implementation (dnspython) at SIGNED_AT_S, with the octets 0 to 31 as the secret. */
#include "unit.h"

#include <stdlib.h>

#include "access/tsig.h"
#include "dns/name.h"

#define SIGNED_AT_S 1800000000
#define SIZE_MAX_   1024

static const uint8_t key_name[] = "\x03xfr\x07"
                                  "example";
static uint8_t secret[32];

#define QUESTION "123400000001000000000000076578616d706c65036f72670000060001"
#define RR_START "03586672074578616d706c650000fa00ff00000000" /* "Xfr.Example", TSIG, ANY, TTL 0 */
#define TIMERS   "00006b49d200012c"
#define SIGNED_QUESTION                                                                                                \
	"123400000001000000000001076578616d706c65036f7267000006000103786672076578616d706c650000fa00ff00000000003d0b6"  \
	"86d61632d7368613235360000006b49d200012c0020a597c33fca2e7e2e7bb223519198c55c01ac94878566ef80c572fdfcc6c4777f1" \
	"2"                                                                                                            \
	"3400000000"
#define SIGNED_ANSWER                                                                                                  \
	"123484000001000000000001076578616d706c65036f7267000006000103786672076578616d706c650000fa00ff00000000003d0b6"  \
	"86d61632d7368613235360000006b49d200012c00200d991d4a6a99ce2463f2704e01cfebb2b4c9b8383c2280f7f5220a9d7318fa701" \
	"2"                                                                                                            \
	"3400000000"

static const char *const stream[] = {
        "123480000001000100000001076578616d706c65036f72670000060001026130c00c000100010000003c0004c000020003786672076578"
        "6"
        "16d706c650000fa00ff00000000003d0b686d61632d7368613235360000006b49d200012c0020e4f0040821f4151b9d0731d5077176b2e"
        "0"
        "b2898c28a586967894630fa77fcae9123400000000",
        "123480000001000100000001076578616d706c65036f72670000060001026131c00c000100010000003c0004c000020103786672076578"
        "6"
        "16d706c650000fa00ff00000000003d0b686d61632d7368613235360000006b49d200012c00201b9a6822d0ac3878c23011a2e0b7e15ee"
        "4"
        "8d1f34fd4f3e827d08f102fbc41f4c123400000000",
        "123480000001000100000001076578616d706c65036f72670000060001026132c00c000100010000003c0004c000020203786672076578"
        "6"
        "16d706c650000fa00ff00000000003d0b686d61632d7368613235360000006b49d200012c002003999407eef9be13e4a0f9dc77b0c8457"
        "8"
        "e00b4faad64ac812be174ba50ba7e5123400000000",
};

struct bytes {
	uint8_t at[SIZE_MAX_];
	size_t len;
};

static struct bytes from_hex(const char *hex)
{
	struct bytes out = {.len = strlen(hex) / 2};
	assert_true(out.len <= sizeof out.at);
	for (size_t i = 0; i < out.len; i++) {
		char octet[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
		out.at[i] = (uint8_t)strtoul(octet, NULL, 16);
	}
	return out;
}

static const struct tsig_key *key_of(enum tsig_algorithm algorithm, size_t mac_len)
{
	for (size_t i = 0; i < sizeof secret; i++) {
		secret[i] = (uint8_t)i;
	}
	struct error error;
	const struct tsig_key *key = tsig_key_new(key_name, algorithm, secret, sizeof secret, mac_len, &error);
	assert_non_null(key);
	return key;
}

/* Where one side answers: a set of one key, and an exchange. */
struct answering {
	struct tsig_keys *keys;
	struct tsig tsig;
};

static enum tsig_verdict take(struct answering *side, const struct tsig_key *key, const struct bytes *question,
                              uint64_t now_s)
{
	side->keys = tsig_keys_new(&key, 1);
	struct dns_message message;
	memset(&side->tsig, 0, sizeof side->tsig);
	if (dns_message_read(question->at, question->len, &message) != DNS_READ_OK || !message.has_tsig) {
		return TSIG_FORMERR;
	}
	return tsig_take(&side->tsig, side->keys, &message, now_s);
}

static void let_go(struct answering *side)
{
	tsig_end(&side->tsig);
	tsig_keys_free(side->keys);
}

static enum tsig_verdict take_once(const struct tsig_key *key, const struct bytes *question, uint64_t now_s)
{
	struct answering side;
	enum tsig_verdict verdict = take(&side, key, question, now_s);
	assert_int_equal(tsig_proves(&side.tsig) != NULL, verdict == TSIG_GOOD);
	let_go(&side);
	return verdict;
}

static enum tsig_verdict check(struct tsig *tsig, const struct bytes *answer, uint64_t now_s)
{
	struct dns_message message;
	assert_int_equal(dns_message_read(answer->at, answer->len, &message), DNS_READ_OK);
	return tsig_check(tsig, &message, now_s);
}

static struct bytes signed_by(struct tsig *tsig, const struct bytes *message, uint64_t now_s)
{
	struct bytes out = *message;
	size_t size = tsig_size(tsig);
	out.len = tsig_sign(tsig, out.at, out.len, now_s);
	assert_int_equal(out.len, message->len + size);
	return out;
}

/* The question of which it is known how it is signed, asked with `key`. */
static struct bytes ask(struct tsig *tsig, const struct tsig_key *key)
{
	struct bytes question = from_hex(QUESTION);
	tsig_ask(tsig, key);
	return signed_by(tsig, &question, SIGNED_AT_S);
}

static const struct {
	enum tsig_algorithm algorithm;
	const char *rdata;
} vectors[] = {
        {TSIG_HMAC_MD5, "003a08484d41432d4d4435075349472d414c470352454703494e5400" TIMERS
                        "0010c9652988ac04021ddfd624ae584b79c3123400000000"},
        {TSIG_HMAC_SHA1,
         "002f09686d61632d7368613100" TIMERS "0014feee3c24be9bb43da7a63064a8c9bb9113329c05123400000000"},
        {TSIG_HMAC_SHA224, "00390b686d61632d73686132323400" TIMERS
                           "001c277a39def750bc41b59d7d0da04a66e8ef5518d1d53ea442208e4872123400000000"},
        {TSIG_HMAC_SHA256, "003d0b686d61632d73686132353600" TIMERS
                           "0020a597c33fca2e7e2e7bb223519198c55c01ac94878566ef80c572fdfcc6c4777f123400000000"},
        {TSIG_HMAC_SHA256_128,
         "00310f686d61632d7368613235362d31323800" TIMERS "00109d9ea19888bb6a2ca4ac011d27749207123400000000"},
        {TSIG_HMAC_SHA384, "004d0b686d61632d73686133383400" TIMERS
                           "00301b6e3d847092c27c37cab5c22f96ab3f78be7f4537eaa985c07d98af0878b9924890ab7415b59f524be1a7"
                           "2b4d7d9e5f123400000000"},
        {TSIG_HMAC_SHA384_192, "00390f686d61632d7368613338342d31393200" TIMERS
                               "00180acc4162516f2cb1f2582b0a64e5495a5e93b7a83601b8ff123400000000"},
        {TSIG_HMAC_SHA512, "005d0b686d61632d73686135313200" TIMERS
                           "0040aacb4474261ade17c5010150ffa1d951c22fbb6bb37b9e3bf56d0264655fcc95b11d8e9c5506e154bf8954"
                           "b91707adc05d0151a3bc38afcd555ed75576944fb5123400000000"},
        {TSIG_HMAC_SHA512_256, "00410f686d61632d7368613531322d32353600" TIMERS
                               "00202c47f4c4a86b891d66ffed7cdb5e639b2b52b6fd9a2819c1fa98db68397b5863123400000000"},
};

static struct bytes vector(size_t i)
{
	struct bytes whole = from_hex(QUESTION);
	struct bytes start = from_hex(RR_START);
	struct bytes rdata = from_hex(vectors[i].rdata);
	memcpy(whole.at + whole.len, start.at, start.len);
	memcpy(whole.at + whole.len + start.len, rdata.at, rdata.len);
	whole.len += start.len + rdata.len;
	whole.at[11] = 1;
	return whole;
}

/* The name of the key and that of the algorithm come in upper case too. */
TEST(questions_signed_by_another_implementation_are_good_with_every_algorithm)
{
	for (size_t i = 0; i < TSIG_ALGORITHMS; i++) {
		const struct tsig_key *key = key_of(vectors[i].algorithm, 0);
		struct bytes question = vector(i);
		assert_int_equal(take_once(key, &question, SIGNED_AT_S), TSIG_GOOD);
		tsig_key_unref(key);
	}
}

TEST(questions_are_signed_as_another_implementation_does)
{
	for (size_t i = 0; i < TSIG_ALGORITHMS; i++) {
		const struct tsig_key *key = key_of(vectors[i].algorithm, 0);
		struct tsig tsig;
		struct bytes ours = ask(&tsig, key);
		struct bytes theirs = vector(i);
		assert_int_equal(ours.len, theirs.len);
		struct bytes unsigned_question = from_hex(QUESTION);
		for (size_t at = unsigned_question.len; at < ours.len; at++) {
			/* Names apart, whose case may differ. */
			assert_int_equal(dns_lower[ours.at[at]], dns_lower[theirs.at[at]]);
		}
		tsig_end(&tsig);
		tsig_key_unref(key);
	}
}

TEST(answers_are_signed_and_checked_as_another_implementation_does)
{
	const struct tsig_key *key = key_of(TSIG_HMAC_SHA256, 0);
	struct bytes question = from_hex(SIGNED_QUESTION);
	struct bytes theirs = from_hex(SIGNED_ANSWER);
	struct bytes answer = from_hex(QUESTION);
	answer.at[2] = 0x84;

	struct answering side;
	assert_int_equal(take(&side, key, &question, SIGNED_AT_S), TSIG_GOOD);
	struct bytes ours = signed_by(&side.tsig, &answer, SIGNED_AT_S);
	assert_int_equal(ours.len, theirs.len);
	assert_memory_equal(ours.at, theirs.at, ours.len);
	let_go(&side);

	struct tsig tsig;
	ask(&tsig, key);
	assert_int_equal(check(&tsig, &theirs, SIGNED_AT_S), TSIG_GOOD);
	assert_true(tsig_is_proven(&tsig));
	tsig_end(&tsig);
	tsig_key_unref(key);
}

TEST(a_stream_is_signed_and_checked_as_another_implementation_does)
{
	const struct tsig_key *key = key_of(TSIG_HMAC_SHA256, 0);
	struct bytes question = from_hex(SIGNED_QUESTION);
	struct answering side;
	assert_int_equal(take(&side, key, &question, SIGNED_AT_S), TSIG_GOOD);
	struct tsig tsig;
	ask(&tsig, key);
	for (size_t i = 0; i < 3; i++) {
		struct bytes theirs = from_hex(stream[i]);
		assert_int_equal(check(&tsig, &theirs, SIGNED_AT_S), TSIG_GOOD);
		struct bytes bare = theirs;
		bare.len -= tsig_size(&side.tsig);
		bare.at[11] = 0;
		struct bytes ours = signed_by(&side.tsig, &bare, SIGNED_AT_S);
		assert_int_equal(ours.len, theirs.len);
		assert_memory_equal(ours.at, theirs.at, ours.len);
	}
	tsig_end(&tsig);
	let_go(&side);
	tsig_key_unref(key);
}

TEST(no_flipped_bit_of_a_signed_question_goes_unseen)
{
	const struct tsig_key *key = key_of(TSIG_HMAC_SHA256, 0);
	struct bytes whole = from_hex(SIGNED_QUESTION);
	struct bytes bare = from_hex(QUESTION);
	const size_t rdata = bare.len + sizeof key_name + 10;
	for (size_t bit = 0; bit < whole.len * 8; bit++) {
		struct bytes spoilt = whole;
		size_t at = bit / 8;
		spoilt.at[at] ^= (uint8_t)(1 << bit % 8);
		/* The ID is that of the message as it came, the original one counts; the case of the names means nothing. */
		bool is_name = (at > bare.len && at < rdata - 10) || (at > rdata && at < rdata + 13);
		bool is_harmless = at < 2 || (is_name && dns_lower[spoilt.at[at]] == dns_lower[whole.at[at]]);
		assert_int_equal(take_once(key, &spoilt, SIGNED_AT_S) == TSIG_GOOD, is_harmless);
	}
	tsig_key_unref(key);
}

TEST(another_secret_name_or_algorithm_proves_nothing)
{
	struct error error;
	struct bytes question = from_hex(SIGNED_QUESTION);
	const uint8_t other_name[] = "\x03xfr\x07"
	                             "examplf";
	const struct tsig_key *key = key_of(TSIG_HMAC_SHA512, 0);
	assert_int_equal(take_once(key, &question, SIGNED_AT_S), TSIG_BADKEY);
	tsig_key_unref(key);
	key = tsig_key_new(other_name, TSIG_HMAC_SHA256, secret, sizeof secret, 0, &error);
	assert_int_equal(take_once(key, &question, SIGNED_AT_S), TSIG_BADKEY);
	tsig_key_unref(key);
	key = tsig_key_new(key_name, TSIG_HMAC_SHA256, secret, sizeof secret - 1, 0, &error);
	assert_int_equal(take_once(key, &question, SIGNED_AT_S), TSIG_BADSIG);
	tsig_key_unref(key);
}

/* RFC 8945 5.3.2: what is said of a wrong key or MAC is not signed, and the asker believes none of it (5.4). */
TEST(a_wrong_mac_is_answered_without_one)
{
	const struct tsig_key *key = key_of(TSIG_HMAC_SHA256, 0);
	struct tsig tsig;
	struct bytes question = ask(&tsig, key);
	question.at[question.len - 10] ^= 1;
	struct answering side;
	assert_int_equal(take(&side, key, &question, SIGNED_AT_S), TSIG_BADSIG);
	assert_int_equal(tsig_rcode(TSIG_BADSIG), 9);
	struct bytes answer = from_hex(QUESTION);
	answer = signed_by(&side.tsig, &answer, SIGNED_AT_S);
	struct dns_message message;
	struct dns_tsig record;
	assert_int_equal(dns_message_read(answer.at, answer.len, &message), DNS_READ_OK);
	assert_true(dns_message_tsig(&message, &record));
	assert_int_equal(record.mac_len, 0);
	assert_int_equal(record.error, 16);
	assert_int_equal(tsig_check(&tsig, &message, SIGNED_AT_S), TSIG_BADSIG);
	assert_int_equal(tsig_error(&tsig), 16);
	assert_false(tsig_is_proven(&tsig));
	let_go(&side);
	tsig_end(&tsig);
	tsig_key_unref(key);
}

/* RFC 8945 5.2.3: signed, with the time of both sides. */
TEST(a_question_out_of_its_time_is_told_so_by_an_answer_that_can_be_checked)
{
	const struct tsig_key *key = key_of(TSIG_HMAC_SHA256, 0);
	const int64_t apart[] = {-301, -300, 300, 301};
	const enum tsig_verdict verdicts[] = {TSIG_BADTIME, TSIG_GOOD, TSIG_GOOD, TSIG_BADTIME};
	for (size_t i = 0; i < 4; i++) {
		uint64_t now_s = (uint64_t)(SIGNED_AT_S + apart[i]);
		struct tsig tsig;
		struct bytes question = ask(&tsig, key);
		struct answering side;
		assert_int_equal(take(&side, key, &question, now_s), verdicts[i]);
		struct bytes answer = from_hex(QUESTION);
		answer = signed_by(&side.tsig, &answer, now_s);
		/* The asker's clock is as it was. */
		assert_int_equal(check(&tsig, &answer, SIGNED_AT_S), TSIG_GOOD);
		assert_int_equal(tsig_error(&tsig), verdicts[i] == TSIG_BADTIME ? 18 : 0);
		if (verdicts[i] == TSIG_BADTIME) {
			struct dns_message message;
			struct dns_tsig record;
			assert_int_equal(dns_message_read(answer.at, answer.len, &message), DNS_READ_OK);
			assert_true(dns_message_tsig(&message, &record));
			assert_int_equal(record.other_len, 6);
			assert_int_equal(load_u32(record.other + 2), (uint32_t)now_s);
			assert_int_equal(record.time_s, SIGNED_AT_S);
		}
		let_go(&side);
		tsig_end(&tsig);
	}
	tsig_key_unref(key);
}

/* RFC 8945 5.2.2.1, 5.2.4. */
TEST(macs_are_cut_as_far_as_the_key_says)
{
	const struct tsig_key *asker = key_of(TSIG_HMAC_SHA256, 16);
	const struct tsig_key *patient = key_of(TSIG_HMAC_SHA256, 16);
	const struct tsig_key *middle = key_of(TSIG_HMAC_SHA256, 20);
	const struct tsig_key *strict = key_of(TSIG_HMAC_SHA256, 0);
	struct tsig tsig;
	struct bytes question = ask(&tsig, asker);
	assert_int_equal(take_once(patient, &question, SIGNED_AT_S), TSIG_GOOD);
	assert_int_equal(take_once(strict, &question, SIGNED_AT_S), TSIG_BADTRUNC);

	/* What is said of it is signed, and a longer MAC than the asker's own is taken by it. */
	struct answering side;
	assert_int_equal(take(&side, middle, &question, SIGNED_AT_S), TSIG_BADTRUNC);
	struct bytes answer = from_hex(QUESTION);
	answer = signed_by(&side.tsig, &answer, SIGNED_AT_S);
	assert_int_equal(check(&tsig, &answer, SIGNED_AT_S), TSIG_GOOD);
	assert_int_equal(tsig_error(&tsig), 22);
	let_go(&side);
	tsig_end(&tsig);

	struct error error;
	assert_null(tsig_key_new(key_name, TSIG_HMAC_SHA256, secret, sizeof secret, 15, &error));
	assert_int_equal(error.code, ERROR_LIMIT);
	assert_null(tsig_key_new(key_name, TSIG_HMAC_SHA1, secret, sizeof secret, 9, &error));
	assert_null(tsig_key_new(key_name, TSIG_HMAC_SHA256, secret, sizeof secret, 33, &error));
	assert_null(tsig_key_new(key_name, TSIG_HMAC_SHA256, secret, 0, 0, &error));
	tsig_key_unref(asker);
	tsig_key_unref(patient);
	tsig_key_unref(middle);
	tsig_key_unref(strict);
}

/* A MAC of `len` octets in the place of the right one; what is there of it is right. */
static struct bytes with_mac_len(size_t len)
{
	struct bytes question = from_hex(SIGNED_QUESTION);
	struct bytes out = question;
	const size_t mac = question.len - 6 - 32;
	const size_t rdlength = from_hex(QUESTION).len + sizeof key_name + 8;
	store_u16(out.at + rdlength, (uint16_t)(load_u16(out.at + rdlength) - 32 + len));
	store_u16(out.at + mac - 2, (uint16_t)len);
	memcpy(out.at + mac + len, question.at + question.len - 6, 6);
	out.len = mac + len + 6;
	return out;
}

TEST(a_mac_that_is_too_short_or_too_long_for_any_policy_is_a_format_error)
{
	const struct tsig_key *key = key_of(TSIG_HMAC_SHA256, 16);
	const size_t lens[] = {0, 1, 15, 33, 64, 65, 300};
	for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
		struct bytes question = with_mac_len(lens[i]);
		assert_int_equal(take_once(key, &question, SIGNED_AT_S), TSIG_FORMERR);
	}
	struct bytes question = with_mac_len(16);
	assert_int_equal(take_once(key, &question, SIGNED_AT_S), TSIG_GOOD);
	assert_int_equal(tsig_rcode(TSIG_FORMERR), 1);
	tsig_key_unref(key);
}

/* RFC 8945 5.4: an answer that proves nothing may be a stranger's; the real one is waited for. */
TEST(the_real_answer_is_good_after_a_made_up_one)
{
	const struct tsig_key *key = key_of(TSIG_HMAC_SHA256, 0);
	struct tsig tsig;
	ask(&tsig, key);
	struct bytes made_up = from_hex(SIGNED_ANSWER);
	made_up.at[3] ^= 1;
	assert_int_equal(check(&tsig, &made_up, SIGNED_AT_S), TSIG_BADSIG);
	struct bytes bare = from_hex(QUESTION);
	assert_int_equal(check(&tsig, &bare, SIGNED_AT_S), TSIG_BADSIG);
	struct bytes real = from_hex(SIGNED_ANSWER);
	assert_int_equal(check(&tsig, &real, SIGNED_AT_S), TSIG_GOOD);
	tsig_end(&tsig);
	tsig_key_unref(key);
}

TEST(a_stream_may_have_99_unsigned_answers_in_a_row_but_not_100)
{
	const struct tsig_key *key = key_of(TSIG_HMAC_SHA256, 0);
	for (size_t count = 99; count <= 100; count++) {
		struct tsig tsig;
		ask(&tsig, key);
		struct bytes first = from_hex(stream[0]);
		assert_int_equal(check(&tsig, &first, SIGNED_AT_S), TSIG_GOOD);
		struct bytes bare = from_hex(QUESTION);
		for (size_t i = 0; i < count; i++) {
			assert_int_equal(check(&tsig, &bare, SIGNED_AT_S), i < 99 ? TSIG_UNSIGNED : TSIG_BADSIG);
			assert_false(tsig_is_proven(&tsig));
		}
		tsig_end(&tsig);
	}
	tsig_key_unref(key);
}

/* What comes third proves itself and the two before it that were not signed; its MAC was made by hand. */
TEST(a_signed_answer_proves_the_unsigned_ones_before_it)
{
	const struct tsig_key *key = key_of(TSIG_HMAC_SHA256, 0);
	struct bytes bare = from_hex(
	        "123480000001000100000000076578616d706c65036f72670000060001026131c00c000100010000003c0004c0000201");
	struct bytes mac = from_hex("c9bd9495f434f559a3e3003a0bfda9a07c7998856b6405d92a78fd4bf0b48353");
	struct bytes third = from_hex(stream[2]);
	memcpy(third.at + third.len - 6 - mac.len, mac.at, mac.len);
	for (size_t spoilt = 0; spoilt < 2; spoilt++) {
		struct tsig tsig;
		ask(&tsig, key);
		struct bytes first = from_hex(stream[0]);
		assert_int_equal(check(&tsig, &first, SIGNED_AT_S), TSIG_GOOD);
		assert_int_equal(check(&tsig, &bare, SIGNED_AT_S), TSIG_UNSIGNED);
		bare.at[bare.len - 1] ^= (uint8_t)spoilt;
		assert_int_equal(check(&tsig, &bare, SIGNED_AT_S), TSIG_UNSIGNED);
		assert_false(tsig_is_proven(&tsig));
		assert_int_equal(check(&tsig, &third, SIGNED_AT_S), spoilt == 0 ? TSIG_GOOD : TSIG_BADSIG);
		assert_int_equal(tsig_is_proven(&tsig), spoilt == 0);
		tsig_end(&tsig);
	}
	tsig_key_unref(key);
}

TEST(the_first_answer_of_a_stream_must_be_signed)
{
	const struct tsig_key *key = key_of(TSIG_HMAC_SHA256, 0);
	struct tsig tsig;
	ask(&tsig, key);
	struct bytes bare = from_hex(QUESTION);
	assert_int_equal(check(&tsig, &bare, SIGNED_AT_S), TSIG_BADSIG);
	/* A later message of the stream is no first one. */
	struct bytes second = from_hex(stream[1]);
	assert_int_equal(check(&tsig, &second, SIGNED_AT_S), TSIG_BADSIG);
	tsig_end(&tsig);
	tsig_key_unref(key);
}

TEST(a_stream_with_a_message_lost_repeated_or_swapped_is_no_longer_good)
{
	const struct tsig_key *key = key_of(TSIG_HMAC_SHA256, 0);
	const size_t orders[][2] = {{0, 2}, {0, 0}, {1, 0}};
	for (size_t i = 0; i < 3; i++) {
		struct tsig tsig;
		ask(&tsig, key);
		struct bytes a = from_hex(stream[orders[i][0]]);
		struct bytes b = from_hex(stream[orders[i][1]]);
		bool first_is_good = check(&tsig, &a, SIGNED_AT_S) == TSIG_GOOD;
		assert_int_equal(first_is_good, orders[i][0] == 0);
		assert_true(!first_is_good || check(&tsig, &b, SIGNED_AT_S) == TSIG_BADSIG);
		tsig_end(&tsig);
	}
	tsig_key_unref(key);
}

TEST(keys_are_found_by_name_whatever_its_case)
{
	struct error error;
	const uint8_t names[][4] = {"\x01z",
	                            "\x01"
	                            "b",
	                            "\x01"
	                            "A"};
	const struct tsig_key *keys[3];
	for (size_t i = 0; i < 3; i++) {
		keys[i] = tsig_key_new(names[i], TSIG_HMAC_SHA1, "x", 1, 0, &error);
	}
	struct tsig_keys *set = tsig_keys_new(keys, 3);
	assert_ptr_equal(tsig_keys_find(set, names[0]), keys[0]);
	assert_ptr_equal(tsig_keys_find(set, (const uint8_t *)"\x01"
	                                                      "B"),
	                 keys[1]);
	assert_ptr_equal(tsig_keys_find(set, (const uint8_t *)"\x01"
	                                                      "a"),
	                 keys[2]);
	assert_null(tsig_keys_find(set, (const uint8_t *)"\x01"
	                                                 "c"));
	assert_null(tsig_keys_find(NULL, names[0]));
	tsig_keys_free(set);
	for (size_t i = 0; i < 3; i++) {
		tsig_key_unref(keys[i]);
	}
}

TEST(keys_are_equal_when_all_of_them_is)
{
	struct error error;
	const struct tsig_key *key = key_of(TSIG_HMAC_SHA256, 0);
	const struct tsig_key *same = key_of(TSIG_HMAC_SHA256, 32);
	const struct tsig_key *cut = key_of(TSIG_HMAC_SHA256, 16);
	const struct tsig_key *hash = key_of(TSIG_HMAC_SHA256_128, 0);
	const struct tsig_key *other = tsig_key_new(key_name, TSIG_HMAC_SHA256, "x", 1, 0, &error);
	assert_true(tsig_key_equal(key, same));
	assert_false(tsig_key_equal(key, cut));
	assert_false(tsig_key_equal(cut, hash));
	assert_false(tsig_key_equal(key, other));
	tsig_key_unref(key);
	tsig_key_unref(same);
	tsig_key_unref(cut);
	tsig_key_unref(hash);
	tsig_key_unref(other);
}

/* ---- in words ---- */

/* Asks with one key, answers with what `keys` knows at `theirs_s`, and gives what is to be told of the answer. */
static const char *words_of(const struct tsig_key *asks, const struct tsig_key *knows, uint64_t theirs_s)
{
	static struct error error;
	struct tsig client;
	struct tsig server;
	struct dns_message message;
	struct bytes question = from_hex(QUESTION);
	struct tsig_keys *keys = tsig_keys_new(&knows, knows == NULL ? 0 : 1);
	error_clear(&error);
	tsig_ask(&client, asks);
	question.len = tsig_sign(&client, question.at, question.len, SIGNED_AT_S);
	assert_int_equal(dns_message_read(question.at, question.len, &message), DNS_READ_OK);
	tsig_take(&server, keys, &message, theirs_s);
	struct bytes answer = from_hex(QUESTION);
	answer.at[2] = 0x84;
	answer.len = tsig_sign(&server, answer.at, answer.len, theirs_s);
	assert_int_equal(dns_message_read(answer.at, answer.len, &message), DNS_READ_OK);
	enum tsig_verdict verdict = tsig_check(&client, &message, SIGNED_AT_S);
	bool is_wrong = tsig_is_wrong(&client, verdict, SIGNED_AT_S, &error);
	assert_true(is_wrong == (error.text[0] != '\0'));
	tsig_end(&client);
	tsig_end(&server);
	tsig_keys_free(keys);
	return error.text;
}

TEST(what_is_wrong_is_told_with_the_key_and_both_clocks)
{
	struct error error;
	const struct tsig_key *key = tsig_key_new(key_name, TSIG_HMAC_SHA256, "secret", 6, 0, &error);
	const struct tsig_key *secret_differs = tsig_key_new(key_name, TSIG_HMAC_SHA256, "Secret", 6, 0, &error);
	const struct tsig_key *algorithm_differs = tsig_key_new(key_name, TSIG_HMAC_SHA1, "secret", 6, 0, &error);
	const struct tsig_key *cut = tsig_key_new(key_name, TSIG_HMAC_SHA256, "secret", 6, 16, &error);
	assert_string_equal(words_of(key, key, SIGNED_AT_S), "");
	assert_string_equal(words_of(key, NULL, SIGNED_AT_S),
	                    "the other side does not know key xfr.example as one of hmac-sha256 (BADKEY)");
	assert_string_equal(words_of(key, algorithm_differs, SIGNED_AT_S),
	                    "the other side does not know key xfr.example as one of hmac-sha256 (BADKEY)");
	assert_string_equal(words_of(key, secret_differs, SIGNED_AT_S),
	                    "the other side has another secret for key xfr.example (BADSIG)");
	assert_string_equal(words_of(cut, key, SIGNED_AT_S),
	                    "the other side wants longer MACs by key xfr.example than our 16 octets (BADTRUNC)");
	assert_string_equal(
	        words_of(key, key, SIGNED_AT_S + 600),
	        "the other side's clock differs too much from ours (BADTIME): it says 2027-01-15 08:10:00 UTC, our "
	        "clock says 2027-01-15 08:00:00 UTC, 600 s less");
	tsig_key_unref(key);
	tsig_key_unref(secret_differs);
	tsig_key_unref(algorithm_differs);
	tsig_key_unref(cut);
}

TEST(an_answer_that_is_not_signed_as_the_question_was_is_told_so)
{
	struct error error;
	struct tsig client;
	struct dns_message message;
	const struct tsig_key *key = tsig_key_new(key_name, TSIG_HMAC_SHA256, "secret", 6, 0, &error);
	struct bytes question = from_hex(QUESTION);
	struct bytes answer = from_hex(QUESTION);
	tsig_ask(&client, key);
	tsig_sign(&client, question.at, question.len, SIGNED_AT_S);
	assert_int_equal(dns_message_read(answer.at, answer.len, &message), DNS_READ_OK);
	enum tsig_verdict verdict = tsig_check(&client, &message, SIGNED_AT_S);
	assert_true(tsig_is_wrong(&client, verdict, SIGNED_AT_S, &error));
	assert_string_equal(error.text, "the answer is not signed with key xfr.example, as it must be");
	tsig_end(&client);
	tsig_key_unref(key);
}
