/* SPDX-License-Identifier: MIT */
/* Questions that are signed (RFC 8945): what they prove, what they are answered with, and that the answer is signed. */
#include "serve.h"

#include <stdio.h>
#include <stdlib.h>

#include "access/tsig.h"
#include "change/digest.h"

#define NOW_S 1800000000

/* A server that knows two keys, and what signs in the name of a client. */
struct signed_server {
	struct server *server;
	const struct tsig_key *known[2];
	struct tsig_keys *keys;
	struct access_rule rule;
	struct tsig client;
	enum tsig_verdict verdict; /* of the last answer */
};

static const struct tsig_key *key_of(const char *name, enum tsig_algorithm algorithm, const char *secret,
                                     size_t mac_len)
{
	struct error error;
	struct dns_name wire = name_of(name);
	const struct tsig_key *key = tsig_key_new(wire.wire, algorithm, secret, strlen(secret), mac_len, &error);
	assert_non_null(key);
	return key;
}

static void know(struct signed_server *self, const struct tsig_key *first, const struct tsig_key *second)
{
	self->known[0] = first;
	self->known[1] = second;
	self->keys = tsig_keys_new(self->known, 2);
	self->server->config.keys = self->keys;
	self->server->now_s = NOW_S;
}

/* `first` is taken. */
static struct signed_server signed_server(const char *zone, const struct tsig_key *first)
{
	struct signed_server self = {.server = server_of(zone)};
	know(&self, first, key_of("other.", TSIG_HMAC_SHA1, "other secret", 0));
	return self;
}

static void end(struct signed_server *self)
{
	tsig_end(&self->client);
	tsig_keys_free(self->keys);
	tsig_key_unref(self->known[0]);
	tsig_key_unref(self->known[1]);
	self->server->config.keys = NULL;
}

static struct signed_server usual(void)
{
	return signed_server("www A 192.0.2.1\n", key_of("k.", TSIG_HMAC_SHA256, "secret", 0));
}

/* Signs octets with a key at a time, sends them, and judges the answer. `len` octets of `bytes`, with room behind. */
static enum answer_outcome ask_signed_bytes(struct signed_server *self, uint8_t *bytes, size_t len,
                                            enum answer_transport transport, size_t capacity,
                                            const struct tsig_key *key, int64_t at_s)
{
	tsig_end(&self->client);
	tsig_ask(&self->client, key);
	len = tsig_sign(&self->client, bytes, len, (uint64_t)at_s);
	enum answer_outcome outcome = ask_bytes(self->server, bytes, len, transport, capacity);
	if (outcome == ANSWER_SEND || outcome == ANSWER_NOTIFY) {
		self->verdict = tsig_check(&self->client, &self->server->message, NOW_S);
	}
	return outcome;
}

static enum answer_outcome ask_signed_at(struct signed_server *self, const char *question, const struct tsig_key *key,
                                         int64_t at_s)
{
	uint8_t bytes[2048];
	enum answer_transport transport;
	size_t len = question_bytes(question, bytes, sizeof bytes, &transport);
	size_t capacity = transport == ANSWER_TCP ? DNS_MESSAGE_MAX : self->server->config.udp_payload;
	return ask_signed_bytes(self, bytes, len, transport, capacity, key, at_s);
}

static enum answer_outcome ask_signed(struct signed_server *self, const char *question, const struct tsig_key *key)
{
	return ask_signed_at(self, question, key, NOW_S);
}

/* The words of the last response with one blank between them. */
static const char *words(struct signed_server *self)
{
	static char out[65536];
	size_t len = 0;
	for (const char *at = response_text(self->server); *at != '\0' && len < sizeof out - 1; at++) {
		bool blank = *at == ' ' || *at == '\n';
		if (!blank || (len > 0 && out[len - 1] != ' ')) {
			out[len++] = blank ? ' ' : *at;
		}
	}
	out[len] = '\0';
	return out;
}

/* The answer is signed rightly and begins so. */
static void expect_signed(struct signed_server *self, const char *question, const char *start)
{
	ask_signed(self, question, self->known[0]);
	if (self->verdict != TSIG_GOOD) {
		fail_msg("%s: the answer is %s: %s", question, tsig_verdict_name(self->verdict),
		         response_text(self->server));
	}
	if (strncmp(words(self), start, strlen(start)) != 0) {
		fail_msg("%s: expected '%s', found '%s'", question, start, words(self));
	}
}

/* ---- good signatures ---- */

TEST(answers_to_a_signed_question_are_signed_with_every_algorithm)
{
	for (int algorithm = 0; algorithm < TSIG_ALGORITHMS; algorithm++) {
		struct signed_server self =
		        signed_server("www A 192.0.2.1\n", key_of("k.", (enum tsig_algorithm)algorithm, "secret", 0));
		expect_signed(&self, "www A", "NOERROR aa answer: www 3600 A 192.0.2.1");
		expect_signed(&self, "www A +tcp +edns", "NOERROR aa edns answer: www 3600 A 192.0.2.1");
		end(&self);
	}
}

TEST(whatever_a_signed_question_is_answered_with_is_signed)
{
	struct signed_server self = usual();
	expect_signed(&self, "none A", "NXDOMAIN aa authority: ");
	expect_signed(&self, "elsewhere. A", "REFUSED");
	expect_signed(&self, "example. AXFR +tcp +edns", "REFUSED edns ede=18");
	expect_signed(&self, "example. AXFR", "FORMERR");
	expect_signed(&self, "www MAILA", "NOTIMP");
	expect_signed(&self, "www SOA +notify", "NOTAUTH");
	expect_signed(&self, "example. SOA +notify +edns", "REFUSED edns ede=18");
	expect_signed(&self, "version.bind. TXT CH", "REFUSED");
	end(&self);
}

TEST(kept_answers_are_signed_and_signed_answers_are_kept_without_their_signature)
{
	struct signed_server self = usual();
	for (int i = 0; i < 4; i++) {
		expect_signed(&self, "www A", "NOERROR aa answer: www 3600 A 192.0.2.1");
		expect_answer(self.server, "www A", "NOERROR aa answer: www 3600 A 192.0.2.1");
		assert_false(self.server->message.has_tsig);
		assert_int_equal(self.server->message.header.additional_count, 0);
	}
	end(&self);
}

/* RFC 8945 5.3: TC and the TSIG, never more octets than the transport has. */
TEST(truncated_answers_keep_their_tsig)
{
	char zone[8192] = "";
	for (int i = 0; i < 60; i++) {
		char line[64];
		snprintf(line, sizeof line, "big TXT \"%020d\"\n", i);
		strcat(zone, line);
	}
	struct signed_server self = signed_server(zone, key_of("k.", TSIG_HMAC_SHA512, "secret", 0));
	expect_signed(&self, "big TXT", "NOERROR aa tc");
	assert_true(response_len(self.server) <= 512);
	expect_signed(&self, "big TXT +size=1232", "NOERROR aa tc edns");
	assert_true(response_len(self.server) <= 1232);
	expect_signed(&self, "big TXT +tcp", "NOERROR aa answer: big 3600 TXT");
	assert_int_equal(self.server->message.header.answer_count, 60);
	end(&self);
}

TEST(no_size_of_an_answer_leaves_no_room_for_its_tsig)
{
	/* One record more each time, so that some answer ends within the TSIG's length of the limit. */
	static char zone[32768];
	zone[0] = '\0';
	for (int i = 1; i < 34; i++) {
		for (int k = 0; k < i; k++) {
			char line[64];
			snprintf(line, sizeof line, "n%d A 192.0.2.%d\n", i, k);
			strcat(zone, line);
		}
	}
	struct signed_server self = signed_server(zone, key_of("k.", TSIG_HMAC_SHA256, "secret", 0));
	unsigned whole = 0;
	for (int i = 1; i < 34; i++) {
		char question[32];
		snprintf(question, sizeof question, "n%d A", i);
		expect_signed(&self, question, "NOERROR aa");
		assert_true(response_len(self.server) <= 512);
		whole += (self.server->message.header.flags & DNS_FLAG_TC) == 0;
	}
	/* 12 + 15, 84 - 10 of the TSIG, 16 each. */
	assert_true(whole > 20 && whole < 33);
	end(&self);
}

#define LABEL_63 "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0"
#define LONG_KEY                                                                                                       \
	LABEL_63 "." LABEL_63 "." LABEL_63 "."                                                                         \
	         "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxy."

TEST(where_names_are_very_long_the_question_is_left_out_before_the_tsig)
{
	struct signed_server self = signed_server("www A 192.0.2.1\n", key_of(LONG_KEY, TSIG_HMAC_SHA512, "secret", 0));
	expect_signed(&self, "www A", "NOERROR aa answer: www 3600 A 192.0.2.1");
	expect_signed(&self, LABEL_63 "." LABEL_63 " A +size=512", "NOERROR tc");
	assert_true(self.server->message.has_question);
	assert_false(self.server->message.edns.present);
	assert_true(response_len(self.server) <= 512);
	expect_signed(&self, LABEL_63 "." LABEL_63 "." LABEL_63 ".example. A", "NOERROR tc");
	assert_false(self.server->message.has_question);
	assert_true(response_len(self.server) <= 512);
	expect_signed(&self, "www A +tcp", "NOERROR aa answer: www 3600 A 192.0.2.1");
	end(&self);
}

/* ---- bad ones ---- */

/* Refused without data; gives what the TSIG of the answer says. */
static unsigned refused_with(struct signed_server *self)
{
	struct dns_tsig record;
	assert_int_equal(dns_message_rcode(&self->server->message), DNS_RCODE_NOTAUTH);
	assert_int_equal(self->server->message.header.answer_count, 0);
	assert_int_equal(self->server->message.header.authority_count, 0);
	assert_true(self->server->message.has_tsig);
	assert_true(dns_message_tsig(&self->server->message, &record));
	return record.error;
}

TEST(unknown_key_or_another_algorithm_is_badkey_and_wrong_secret_badsig_both_unsigned)
{
	struct signed_server self = usual();
	const struct tsig_key *wrong[] = {
	        key_of("unknown.", TSIG_HMAC_SHA256, "secret", 0),
	        key_of("k.", TSIG_HMAC_SHA512, "secret", 0),
	        key_of("k.", TSIG_HMAC_SHA256, "Secret", 0),
	};
	for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
		assert_int_equal(ask_signed(&self, "www A +edns", wrong[i]), ANSWER_SEND);
		assert_int_equal(refused_with(&self), i < 2 ? DNS_RCODE_BADKEY : DNS_RCODE_BADSIG);
		assert_int_equal(self.verdict, TSIG_BADSIG); /* nothing proves it */
		assert_int_equal(tsig_error(&self.client), i < 2 ? DNS_RCODE_BADKEY : DNS_RCODE_BADSIG);
		assert_int_equal(tsig_verdict(self.server->result.tsig), i < 2 ? TSIG_BADKEY : TSIG_BADSIG);
		tsig_key_unref(wrong[i]);
	}
	end(&self);
}

TEST(question_out_of_its_time_is_badtime_signed_and_told_our_time)
{
	struct signed_server self = usual();
	static const int64_t apart_s[] = {-301, 301, -100000, 100000};
	for (size_t i = 0; i < ARRAY_LENGTH(apart_s); i++) {
		ask_signed_at(&self, "www A", self.known[0], NOW_S + apart_s[i]);
		assert_int_equal(refused_with(&self), DNS_RCODE_BADTIME);
		struct dns_tsig record;
		dns_message_tsig(&self.server->message, &record);
		assert_int_equal(record.time_s, NOW_S + apart_s[i]);
		assert_int_equal(record.other_len, 6);
		assert_int_equal(load_u32(record.other + 2), NOW_S);
		assert_int_equal(record.mac_len, 32);
	}
	ask_signed_at(&self, "www A", self.known[0], NOW_S + 300);
	assert_int_equal(dns_message_rcode(&self.server->message), DNS_RCODE_NOERROR);
	end(&self);
}

TEST(mac_shorter_than_the_key_wants_is_badtrunc_and_one_that_none_may_have_formerr)
{
	struct signed_server self = signed_server("www A 192.0.2.1\n", key_of("k.", TSIG_HMAC_SHA256, "secret", 24));
	const struct tsig_key *cut = key_of("k.", TSIG_HMAC_SHA256, "secret", 16);
	ask_signed(&self, "www A", cut);
	assert_int_equal(refused_with(&self), DNS_RCODE_BADTRUNC);
	assert_int_equal(self.verdict, TSIG_GOOD);
	tsig_key_unref(cut);
	end(&self);
}

/* RFC 8945 does not say what an error in a question's TSIG would mean. */
TEST(question_whose_tsig_has_an_error_is_an_ordinary_one_if_its_mac_is_right)
{
	struct signed_server self = usual();
	uint8_t bytes[1024];
	enum answer_transport transport;
	size_t len = question_bytes("www A", bytes, sizeof bytes, &transport);
	tsig_ask(&self.client, self.known[0]);
	len = tsig_sign(&self.client, bytes, len, NOW_S);
	store_u16(bytes + len - 4, DNS_RCODE_BADTIME); /* the MAC covers it */
	ask_bytes(self.server, bytes, len, transport, 1232);
	assert_int_equal(refused_with(&self), DNS_RCODE_BADSIG);
	end(&self);
}

TEST(question_that_is_no_message_is_formerr_whatever_signs_it)
{
	struct signed_server self = usual();
	uint8_t bytes[1024];
	enum answer_transport transport;
	size_t len = question_bytes("www A", bytes, sizeof bytes, &transport);
	store_u16(bytes + 6, 1); /* an answer that is not there */
	ask_signed_bytes(&self, bytes, len, ANSWER_UDP, 1232, self.known[0], NOW_S);
	assert_int_equal(dns_message_rcode(&self.server->message), DNS_RCODE_FORMERR);
	assert_false(self.server->message.has_tsig);
	end(&self);
}

/* ---- who may ---- */

static void allow_key(struct signed_server *self, enum access_kind kind)
{
	self->rule = (struct access_rule){.keys = {.items = self->known, .count = 1}};
	self->server->rules.allow[kind] = (struct access_rules){.rules = &self->rule, .rule_count = 1};
}

/* A key's name of so many octets in wire form, 3 or more. */
static void name_of_len(size_t len, char *out)
{
	for (size_t left = len - 1; left > 0;) {
		size_t label = left > 64 ? 63 : left - 1;
		label -= left - label == 2; /* a label of nothing may not be left */
		memset(out, 'k', label);
		out[label] = '.';
		out += label + 1;
		left -= label + 1;
	}
	*out = '\0';
}

TEST(no_length_of_a_key_s_name_leaves_no_room_for_what_is_told_besides)
{
	static const uint8_t nsid[ANSWER_NSID_MAX];
	unsigned whole = 0;
	for (size_t len = 3; len <= DNS_NAME_MAX; len++) {
		char name[DNS_NAME_MAX + 1];
		name_of_len(len, name);
		struct signed_server self = signed_server("", key_of(name, TSIG_HMAC_SHA512, "secret", 0));
		const struct zone_snapshot *snapshot = zone_served(self.server->zones[0]);
		change_digest_show(self.server->zones[0], snapshot, change_digest_of(snapshot));
		self.server->config.nsid = nsid;
		self.server->config.nsid_len = sizeof nsid;
		allow_key(&self, ACCESS_TRANSFER);
		expect_signed(&self, "example. SOA +size=512 +nsid +expire +digest=01", "NOERROR");
		assert_true(response_len(self.server) <= 512);
		whole += (self.server->message.header.flags & DNS_FLAG_TC) == 0;
		end(&self);
	}
	assert_true(whole > 10 && whole < DNS_NAME_MAX - 10);
}

TEST(questions_are_answered_for_the_key_that_the_rules_name_and_for_no_other)
{
	struct signed_server self = usual();
	allow_key(&self, ACCESS_QUERY);
	expect_signed(&self, "www A", "NOERROR aa answer: www 3600 A 192.0.2.1");
	expect_answer(self.server, "www A +edns", "REFUSED ede=18");
	ask_signed(&self, "www A +edns", self.known[1]);
	assert_true(strncmp(words(&self), "REFUSED edns ede=18 additional: other.", 38) == 0);
	assert_int_equal(self.verdict, TSIG_GOOD);
	/* What was answered for the key is not what is kept for all. */
	for (int i = 0; i < 4; i++) {
		expect_signed(&self, "www A", "NOERROR aa answer: www 3600 A 192.0.2.1");
		expect_answer(self.server, "www A +edns", "REFUSED ede=18");
	}
	end(&self);
}

/* RFC 2931: we verify none, so it proves nobody. */
TEST(sig0_proves_nobody)
{
	struct signed_server self = usual();
	allow_key(&self, ACCESS_QUERY);
	uint8_t bytes[1024];
	enum answer_transport transport;
	size_t len = question_bytes("www A", bytes, sizeof bytes, &transport);
	struct writer out = writer_of(bytes + len, sizeof bytes - len);
	write_bytes(&out, "\0\0\x18\0\xff\0\0\0\0\0\x17", 11);       /* root, SIG, ANY, TTL 0, RDLENGTH 23 */
	write_bytes(&out, "\0\0\x0d\0\0\0\0\0\xff\xff\xff\xff", 12); /* covers none, ECDSA, 0 labels, TTL 0, for ever */
	write_bytes(&out, "\0\0\0\0\0\1\1k\0\xaa\xbb", 11);
	assert_false(out.failed);
	store_u16(bytes + 10, 1);
	ask_bytes(self.server, bytes, len + writer_len(&out), transport, 1232);
	assert_string_equal(response_text(self.server), "REFUSED");
	end(&self);
}

TEST(transfer_that_is_allowed_takes_its_exchange_along)
{
	struct signed_server self = usual();
	allow_key(&self, ACCESS_TRANSFER);
	expect_answer(self.server, "example. AXFR +tcp +edns", "REFUSED ede=18");
	assert_int_equal(ask_signed(&self, "example. AXFR +tcp", self.known[1]), ANSWER_SEND);
	assert_int_equal(ask_signed(&self, "example. AXFR +tcp", self.known[0]), ANSWER_TRANSFER_OUT);
	struct tsig taken;
	tsig_move(&taken, self.server->result.tsig);
	assert_int_equal(self.server->result.limit, DNS_MESSAGE_MAX - tsig_size(&taken));
	/* The context may be used meanwhile. */
	struct tsig client;
	tsig_move(&client, &self.client);
	expect_signed(&self, "www A", "NOERROR");
	for (int i = 0; i < 3; i++) {
		uint8_t bytes[512] = {0x12, 0x34, 0x84, 0};
		struct dns_message message;
		size_t len = tsig_sign(&taken, bytes, DNS_HEADER_SIZE, NOW_S);
		assert_int_equal(dns_message_read(bytes, len, &message), DNS_READ_OK);
		assert_int_equal(tsig_check(&client, &message, NOW_S), TSIG_GOOD);
	}
	tsig_end(&client);
	tsig_end(&taken);
	/* One that nobody takes on is forgotten. */
	assert_int_equal(ask_signed(&self, "example. AXFR +tcp", self.known[0]), ANSWER_TRANSFER_OUT);
	end(&self);
}

TEST(notify_is_proven_only_by_a_key_that_the_rules_name)
{
	struct signed_server self = usual();
	struct access_rule rules[2] = {{0}, {.keys = {.items = self.known, .count = 1}}};
	self.server->rules.allow[ACCESS_NOTIFY] = (struct access_rules){.rules = rules, .rule_count = 2};
	assert_int_equal(ask(self.server, "example. SOA +notify"), ANSWER_NOTIFY);
	assert_false(self.server->result.is_proven);
	assert_int_equal(ask_signed(&self, "example. SOA +notify", self.known[1]), ANSWER_NOTIFY);
	assert_int_equal(self.verdict, TSIG_GOOD);
	assert_false(self.server->result.is_proven);
	assert_int_equal(ask_signed(&self, "example. SOA +notify", self.known[0]), ANSWER_NOTIFY);
	assert_int_equal(self.verdict, TSIG_GOOD);
	assert_true(self.server->result.is_proven);
	assert_true(strncmp(words(&self), "NOERROR aa additional: k.", 25) == 0);
	end(&self);
}
