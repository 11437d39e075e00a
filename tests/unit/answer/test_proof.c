/* SPDX-License-Identifier: MIT */
/* Signed zones: answers are complete for somebody who believes only what is proven, and hold nothing beyond that. A small
 * validator (RFC 4035 5, RFC 5155 8) takes each response apart; signatures are believed. */
#include "serve.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "base/text.h"
#include "crypto/crypto.h"

/* ---- named cases ---- */

#define DS_RDATA "1 13 2 00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF"

TEST(without_do_no_dnssec_record_is_given)
{
	const char *zone = "www A 192.0.2.1\n*.w A 192.0.2.2\nsub NS ns.other.\nsub DS " DS_RDATA "\n";
	for (enum signing signing = SIGNED_NSEC; signing <= SIGNED_OPT_OUT; signing++) {
		struct server *server = server_of_signed(zone, signing);
		expect_answer(server, "www A", "NOERROR aa answer: www A");
		expect_answer(server, "x.w A", "NOERROR aa answer: x.w A");
		expect_answer(server, "nowhere A", "NXDOMAIN aa authority: SOA");
		expect_answer(server, "www TXT", "NOERROR aa authority: SOA");
		expect_answer(server, "x.sub A", "NOERROR authority: sub NS");
	}
}

TEST(positive_answer_has_its_signature)
{
	struct server *server = server_of_signed("www A 192.0.2.1\n", SIGNED_NSEC);
	expect_answer(server, "www A +do", "NOERROR aa answer: www A; www RRSIG(A)");
	expect_answer(server, "www NSEC", "NOERROR aa answer: www NSEC");
}

TEST(signature_of_a_negative_soa_has_the_ttl_of_the_soa)
{
	struct server *server = server_of_signed("www A 192.0.2.1\n", SIGNED_NSEC);
	expect_answer(server, "www TXT +do",
	              "NOERROR aa authority: example. 300 SOA; example. 300 RRSIG(SOA); www NSEC; www RRSIG(NSEC)");
}

TEST(nsec_no_name_has_two_nsecs_or_one_that_does_for_both)
{
	struct server *server = server_of_signed("b A 192.0.2.1\nd A 192.0.2.1\n", SIGNED_NSEC);
	/* b covers c; the apex covers the wildcard. */
	expect_answer(server, "c A +do",
	              "NXDOMAIN aa authority: SOA; RRSIG(SOA); b NSEC; b RRSIG(NSEC);"
	              " example. NSEC; example. RRSIG(NSEC)");
	/* The apex covers both. */
	expect_answer(server, "a A +do", "NXDOMAIN aa authority: SOA; RRSIG(SOA); example. NSEC; example. RRSIG(NSEC)");
}

TEST(nsec_of_an_empty_non_terminal_is_the_one_that_spans_it)
{
	struct server *server = server_of_signed("a A 192.0.2.1\nx.ent A 192.0.2.1\n", SIGNED_NSEC);
	expect_answer(server, "ent A +do", "NOERROR aa authority: SOA; RRSIG(SOA); a NSEC; a RRSIG(NSEC)");
}

TEST(wildcard_answer_keeps_its_signature_and_proves_no_closer_match)
{
	struct server *server = server_of_signed("*.w A 192.0.2.1\n", SIGNED_NSEC);
	expect_answer(server, "x.w A +do",
	              "NOERROR aa answer: x.w A; x.w RRSIG(A) authority: *.w NSEC; *.w RRSIG(NSEC)");
	expect_answer(server, "x.w TXT +do", "NOERROR aa authority: SOA; RRSIG(SOA); *.w NSEC; *.w RRSIG(NSEC)");
	/* The wildcard itself exists. */
	expect_answer(server, "*.w A +do", "NOERROR aa answer: *.w A; *.w RRSIG(A)");
}

TEST(synthesised_cname_has_no_signature)
{
	struct server *server = server_of_signed("d DNAME t\nwww.t A 192.0.2.1\n", SIGNED_NSEC);
	expect_answer(server, "www.d A +do",
	              "NOERROR aa answer: d DNAME; d RRSIG(DNAME); www.d CNAME www.t; www.t A; www.t RRSIG(A)");
}

/* RRSIGs over NS, DNAME and CNAME sets that are not there: no cut, no redirection, no alias. */
TEST(signatures_without_what_they_cover_change_nothing)
{
#define LONE_SIG(type) " RRSIG " type " 13 2 3600 20300101000000 20200101000000 1 example. AAAA\n"
	struct server *server =
	        server_of("sub" LONE_SIG("NS") "d" LONE_SIG("DNAME") "c" LONE_SIG("CNAME") "www A 192.0.2.1\n");
	static const char *const names[] = {"sub", "d", "c"};
	for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
		char question[64];
		snprintf(question, sizeof question, "%s A +do", names[i]);
		expect_answer(server, question, "NOERROR aa authority: SOA");
		snprintf(question, sizeof question, "x.%s A +do", names[i]);
		expect_answer(server, question, "NXDOMAIN aa authority: SOA");
		snprintf(question, sizeof question, "%s RRSIG", names[i]);
		expect_answer(server, question, "NOERROR aa answer: RRSIG");
	}
	expect_answer(server, "sub NS +do", "NOERROR aa authority: SOA");
	expect_answer(server, "d DNAME +do", "NOERROR aa authority: SOA");
	expect_answer(server, "c CNAME +do", "NOERROR aa authority: SOA");
}

TEST(nsec3_owner_names_are_no_part_of_the_name_space)
{
	struct server *server = server_of_signed("www A 192.0.2.1\n", SIGNED_NSEC3);
	ask(server, "nowhere A +do");
	struct response_walk walk;
	struct response_rr rr;
	char question[300] = "";
	for (response_walk(server, DNS_SECTION_AUTHORITY, &walk); response_walk_next(&walk, &rr);) {
		if (rr.type == DNS_TYPE_NSEC3) {
			char name[DNS_NAME_TEXT_MAX];
			snprintf(question, sizeof question, "%.200s NSEC3", dns_name_to_text(rr.owner.wire, name));
		}
	}
	assert_true(question[0] != '\0');
	expect_answer(server, question, "NXDOMAIN aa authority: SOA");
	/* With DO its absence is proven like that of any name: three NSEC3s at most, of which it may be one. */
	strcat(question, " +do");
	ask(server, question);
	assert_int_equal(dns_message_rcode(&server->message), DNS_RCODE_NXDOMAIN);
	assert_int_equal(server->message.header.answer_count, 0);
	assert_true(server->message.header.authority_count >= 4);
}

TEST(broken_nsec3param_is_served_without_proofs)
{
	/* NSEC3PARAM names a chain that is not there. */
	struct server *server = server_of("@ SOA a b 1 2 3 4 5\n@ NS a\n@ NSEC3PARAM 1 0 5 CAFE\nwww A 192.0.2.1\n@ "
	                                  "RRSIG SOA 13 1 3600 20300101000000 "
	                                  "20200101000000 1 example. AAAA\n");
	expect_answer(server, "nowhere A +do", "NXDOMAIN aa authority: SOA; RRSIG(SOA)");
	expect_answer(server, "www TXT +do", "NOERROR aa authority: SOA; RRSIG(SOA)");
	expect_answer(server, "example. NSEC3PARAM", "NOERROR aa answer: example. NSEC3PARAM");
}

/* Flags, another algorithm, no iterations where the chain has some, no chain: none of these names a chain that is there. */
TEST(nsec3param_without_a_matching_chain_is_served_without_proofs)
{
	static const char *const params[] = {"1 1 5 CAFE", "2 0 5 CAFE", "1 0 0 -",
	                                     "1 0 6 CAFE", "1 0 5 CA",   "255 255 65535 FF"};
	for (size_t i = 0; i < ARRAY_LENGTH(params); i++) {
		char zone[512];
		snprintf(zone, sizeof zone,
		         "@ NSEC3PARAM %s\nwww A 192.0.2.1\n"
		         "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom NSEC3 1 0 5 CAFE 2t7b4g4vsa5smi47k61mv5bv1a22bojr A\n"
		         "no-hash NSEC3 1 0 5 CAFE 2t7b4g4vsa5smi47k61mv5bv1a22bojr A\n"
		         "wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww NSEC3 1 0 5 CAFE 2t7b4g4vsa5smi47k61mv5bv1a22bojr A\n",
		         params[i]);
		struct server *server = server_of(zone);
		expect_answer(server, "nowhere A +do", "NXDOMAIN aa authority: SOA");
		expect_answer(server, "www TXT +do", "NOERROR aa authority: SOA");
		expect_answer(server, "www A +do", "NOERROR aa answer: www A");
		expect_answer(server, "example. NSEC3PARAM", "NOERROR aa answer: example. NSEC3PARAM");
	}
}

/* The chain is there, and so full of holes that not even the apex has its NSEC3. */
TEST(chain_without_an_nsec3_of_the_apex_gives_no_proof_and_no_fault)
{
	struct server *server =
	        server_of("@ NSEC3PARAM 1 0 5 CAFE\nwww A 192.0.2.1\nsub NS ns.other.\n*.w A 192.0.2.1\n"
	                  "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom NSEC3 1 1 5 CAFE "
	                  "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom A\n");
	expect_answer(server, "nowhere A +do", "NXDOMAIN aa authority: SOA");
	expect_answer(server, "www TXT +do", "NOERROR aa authority: SOA");
	expect_answer(server, "x.sub A +do", "NOERROR authority: sub NS");
	/* Whatever covers the next closer name is given. */
	expect_answer(server, "x.w A +do",
	              "NOERROR aa answer: x.w A authority: 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom NSEC3");
	expect_answer(server, "x.w TXT +do", "NOERROR aa authority: SOA");
}

TEST(zone_whose_name_leaves_no_room_for_hashes_is_answered)
{
	static const char label[] = "abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-012345678"; /* 63 */
	char apex[300];
	char question[400];
	snprintf(apex, sizeof apex, "%s.%s.%s.%.50s.", label, label, label, label); /* 244 octets; a hash takes 33 */
	struct server *server = server_new();
	serve(server, apex, "@ NSEC3PARAM 1 0 0 -\nwww A 192.0.2.1\n", UNSIGNED);
	snprintf(question, sizeof question, "www.%s A +do", apex);
	expect_answer(server, question, "NOERROR aa answer: A 192.0.2.1");
	snprintf(question, sizeof question, "none.%s A +do", apex);
	expect_answer(server, question, "NXDOMAIN aa authority: SOA");
}

TEST(nsec_chain_is_followed_in_canonical_order_past_glue_and_around_its_end)
{
	struct server *server = server_of_signed("\\032 A 192.0.2.1\n_x A 192.0.2.1\nZ A 192.0.2.1\na A 192.0.2.1\n"
	                                         "z- A 192.0.2.1\nsub NS ns.sub\nns.sub A 192.0.2.1\n"
	                                         "x.y.sub A 192.0.2.2\n",
	                                         SIGNED_NSEC);
	/* A space stands before the asterisk, which stands before the underscore, and that before letters of any case:
	 * the apex, \032, _x, a, ns1, sub, Z, z-. */
	expect_answer(server, "_ A +do",
	              "NXDOMAIN aa authority: SOA; RRSIG(SOA); \\032 NSEC _x A RRSIG NSEC; \\032 RRSIG(NSEC)");
	expect_answer(server, "B A +do",
	              "NXDOMAIN aa authority: SOA; RRSIG(SOA); a NSEC ns1 A RRSIG NSEC; a RRSIG(NSEC);"
	              " \\032 NSEC; \\032 RRSIG(NSEC)");
	/* Glue and what else is below the cut has no NSEC; that of the cut goes beyond. */
	expect_answer(server, "subb A +do",
	              "NXDOMAIN aa authority: SOA; RRSIG(SOA); sub NSEC Z NS RRSIG NSEC; sub RRSIG(NSEC);"
	              " \\032 NSEC; \\032 RRSIG(NSEC)");
	expect_answer(server, "zz A +do",
	              "NXDOMAIN aa authority: SOA; RRSIG(SOA); z- NSEC example. A RRSIG NSEC; z- RRSIG(NSEC);"
	              " \\032 NSEC; \\032 RRSIG(NSEC)");
	expect_answer(server, "z.Z A +do",
	              "NXDOMAIN aa authority: SOA; RRSIG(SOA); Z NSEC z- A RRSIG NSEC; Z RRSIG(NSEC)");
}

TEST(name_so_long_that_its_hash_would_not_fit_is_answered)
{
	char question[400];
	static const char label[] = "abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-012345678"; /* 63 */
	snprintf(question, sizeof question, "%s.%s.%s.%.53s A +do +tcp", label, label, label, label);
	for (enum signing signing = SIGNED_NSEC; signing <= SIGNED_OPT_OUT; signing++) {
		struct server *server = server_of_signed("www A 192.0.2.1\n", signing);
		ask(server, question);
		assert_int_equal(dns_message_rcode(&server->message), DNS_RCODE_NXDOMAIN);
		assert_int_equal(server->message.qname.len, 255);
	}
}

TEST(opt_out_referral_proves_that_the_cut_may_be_insecure)
{
	struct server *server =
	        server_of_signed("ins NS ns.other.\nsec NS ns.other.\nsec DS " DS_RDATA "\n", SIGNED_OPT_OUT);
	expect_answer(server, "x.sec A +do", "NOERROR authority: sec NS; sec DS; sec RRSIG(DS)");
	ask(server, "x.ins A +do");
	struct response_walk walk;
	struct response_rr rr;
	unsigned nsec3 = 0;
	for (response_walk(server, DNS_SECTION_AUTHORITY, &walk); response_walk_next(&walk, &rr);) {
		nsec3 += rr.type == DNS_TYPE_NSEC3 ? 1u : 0u;
	}
	assert_in_range(nsec3, 1, 2); /* encloser and cover may be one */
}

/* ---- RFC 5155 appendix B: the zone of appendix A, and which NSEC3s prove what. Owners as printed there. ---- */

#define H_APEX   "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"
#define H_NS1    "2t7b4g4vsa5smi47k61mv5bv1a22bojr"
#define H_A      "35mthgpgcu1qg68fab165klnsnk3dpvl"
#define H_XW     "b4um86eghhds6nea196smvmlo4ors995"
#define H_YW     "ji6neoaepv8b5o6k4ev33abha8ht9fgc"
#define H_W      "k8udemvp1j2f7eg6jebps17vp3n8i58h"
#define H_BEFORE "q04jkcevqvmu85r014c7dkba38o0ji5r"
#define H_WILD   "r53bq7cc2uvmubfu5ocmm6pers9tk9en"
#define SOA      "SOA; RRSIG(SOA); "
#define NSEC3(h) h " NSEC3; " h " RRSIG(NSEC3)"

static struct server *rfc5155_server(void)
{
	return server_of_signed(
	        "@ SOA ns1 bugs.x.w 1 3600 300 3600000 3600\n@ NS ns1\n@ NS ns2\n@ MX 1 xx\n" H_NS1
	        " A 192.0.2.127\na NS ns1.a\na NS ns2.a\na DS 58470 5 1 "
	        "3079F1593EBAD6DC121E202A8B766A6A4837206C\nns1.a A 192.0.2.5\nns2.a A 192.0.2.6\n"
	        "ai A 192.0.2.9\nai HINFO KLH-10 ITS\nai AAAA 2001:db8::f00:baa9\nc NS ns1.c\nc NS ns2.c\n"
	        "ns1.c A 192.0.2.7\nns2.c A 192.0.2.8\nns1 A 192.0.2.1\nns2 A 192.0.2.2\n*.w MX 1 ai\n"
	        "x.w MX 1 xx\nx.y.w MX 1 xx\nxx A 192.0.2.10\nxx HINFO KLH-10 TOPS-20\n"
	        "xx AAAA 2001:db8::f00:baaa\n",
	        SIGNED_AS_RFC5155);
}

TEST(answers_of_rfc5155_appendix_b)
{
	struct server *server = rfc5155_server();
	/* B.1 */
	expect_answer(server, "a.c.x.w A +do",
	              "NXDOMAIN aa authority: " SOA NSEC3(H_APEX) "; " NSEC3(H_XW) "; " NSEC3(H_A));
	/* B.2 */
	expect_answer(server, "ns1 MX +do", "NOERROR aa authority: " SOA NSEC3(H_NS1));
	/* B.2.1 */
	expect_answer(server, "y.w A +do", "NOERROR aa authority: " SOA NSEC3(H_YW));
	/* B.3 */
	expect_answer(server, "mc.c MX +do",
	              "NOERROR authority: c NS ns1.c; c NS ns2.c; " NSEC3(H_A) "; " NSEC3(
	                      H_APEX) " additional: ns1.c A 192.0.2.7; ns2.c A 192.0.2.8");
	/* B.4 */
	expect_answer(server, "a.z.w MX +do",
	              "NOERROR aa answer: a.z.w MX 1 ai; a.z.w RRSIG(MX) authority: " NSEC3(H_BEFORE));
	/* B.5 */
	expect_answer(server, "a.z.w AAAA +do",
	              "NOERROR aa authority: " SOA NSEC3(H_W) "; " NSEC3(H_BEFORE) "; " NSEC3(H_WILD));
	/* B.6 */
	expect_answer(server, "example. DS +do", "NOERROR aa authority: " SOA NSEC3(H_APEX));
}

TEST(ds_at_a_wildcard_and_at_an_empty_non_terminal_is_no_data)
{
	struct server *server = rfc5155_server();
	expect_answer(server, "a.z.w DS +do",
	              "NOERROR aa authority: " SOA NSEC3(H_W) "; " NSEC3(H_BEFORE) "; " NSEC3(H_WILD));
	expect_answer(server, "*.w DS +do", "NOERROR aa authority: " SOA NSEC3(H_WILD));
	expect_answer(server, "y.w DS +do", "NOERROR aa authority: " SOA NSEC3(H_YW));
}

/* The name that is the hash of another has data, and the other's NSEC3. */
TEST(name_that_looks_like_a_hash_keeps_its_own_data)
{
	struct server *server = rfc5155_server();
	expect_answer(server, H_NS1 " A +do", "NOERROR aa answer: " H_NS1 " A 192.0.2.127; " H_NS1 " RRSIG(A)");
	expect_answer(server, H_NS1 " NSEC3", "NOERROR aa authority: SOA");
}

/* ---- a validator ---- */

struct denial {
	struct dns_name owner;
	uint8_t hash[20];    /* NSEC3: of the owner */
	const uint8_t *next; /* NSEC: name; NSEC3: hash */
	bool opt_out;
	const uint8_t *bitmap;
	size_t bitmap_len;
};

#define DENIALS_MAX 64

struct proof {
	struct dns_name apex;
	bool nsec3;
	struct zone_nsec3_params params; /* of every NSEC3 in the response */
	struct response_rr answer[256];
	size_t answer_count;
	struct response_rr authority[128];
	size_t authority_count;
	struct denial denials[DENIALS_MAX];
	size_t denial_count;
	const struct records *records; /* of the zone */
	int without;                   /* this denial is not believed; -1: all are */
};

static bool bitmap_has(const struct denial *denial, uint16_t type)
{
	const uint8_t *at = denial->bitmap;
	const uint8_t *end = at + denial->bitmap_len;
	while (at < end) {
		if (at[0] == type >> 8) {
			unsigned bit = type & 255u;
			return bit / 8 < at[1] && (at[2 + bit / 8] & 0x80u >> bit % 8) != 0;
		}
		at += 2 + at[1];
	}
	return false;
}

static void unbase32hex(const uint8_t *label, uint8_t hash[20])
{
	memset(hash, 0, 20);
	for (unsigned i = 0; i < 32; i++) {
		uint8_t digit = dns_lower[label[1 + i]];
		unsigned value = digit <= '9' ? digit - 48u : digit - 97u + 10u;
		for (unsigned bit = 0; bit < 5; bit++) {
			if ((value & 16u >> bit) != 0) {
				hash[(i * 5 + bit) / 8] |= (uint8_t)(0x80u >> (i * 5 + bit) % 8);
			}
		}
	}
}

/* RFC 5155 8.2: NSEC3s of several chains prove nothing together. */
static void add_params(struct proof *proof, const uint8_t *rdata)
{
	struct zone_nsec3_params params = {
	        .algorithm = rdata[0], .iterations = load_u16(rdata + 2), .salt_len = rdata[4]};
	memcpy(params.salt, rdata + 5, params.salt_len);
	assert_true(!proof->nsec3 ||
	            (params.algorithm == proof->params.algorithm && params.iterations == proof->params.iterations &&
	             params.salt_len == proof->params.salt_len &&
	             memcmp(params.salt, proof->params.salt, params.salt_len) == 0));
	proof->params = params;
	proof->nsec3 = true;
}

static void add_denial(struct proof *proof, const struct response_rr *rr)
{
	struct denial *denial = &proof->denials[proof->denial_count++];
	assert_true(proof->denial_count < DENIALS_MAX);
	*denial = (struct denial){.owner = rr->owner};
	const uint8_t *end = rr->rdata + rr->rdata_len;
	if (rr->type == DNS_TYPE_NSEC) {
		denial->next = rr->rdata;
		denial->bitmap = rr->rdata + dns_name_len(rr->rdata);
	} else {
		add_params(proof, rr->rdata);
		unbase32hex(rr->owner.wire, denial->hash);
		denial->opt_out = (rr->rdata[1] & 1) != 0;
		denial->next = rr->rdata + 5 + rr->rdata[4] + 1;
		denial->bitmap = denial->next + 20;
	}
	denial->bitmap_len = (size_t)(end - denial->bitmap);
}

static void read_response(struct server *server, const char *apex, struct proof *proof)
{
	struct response_walk walk;
	proof->apex = name_of(apex);
	proof->nsec3 = false;
	proof->answer_count = 0;
	proof->authority_count = 0;
	proof->denial_count = 0;
	proof->without = -1;
	response_walk(server, DNS_SECTION_ANSWER, &walk);
	while (response_walk_next(&walk, &proof->answer[proof->answer_count])) {
		proof->answer_count++;
		assert_true(proof->answer_count < ARRAY_LENGTH(proof->answer));
	}
	response_walk(server, DNS_SECTION_AUTHORITY, &walk);
	while (response_walk_next(&walk, &proof->authority[proof->authority_count])) {
		struct response_rr *rr = &proof->authority[proof->authority_count++];
		assert_true(proof->authority_count < ARRAY_LENGTH(proof->authority));
		if (rr->type == DNS_TYPE_NSEC || rr->type == DNS_TYPE_NSEC3) {
			add_denial(proof, rr);
		}
	}
}

static bool believed(const struct proof *proof, size_t index)
{
	return (int)index != proof->without;
}

static const struct response_rr *find_rr(const struct response_rr *rrs, size_t count, const uint8_t *owner,
                                         uint16_t type)
{
	for (size_t i = 0; i < count; i++) {
		if (rrs[i].type == type && dns_name_equal(rrs[i].owner.wire, owner)) {
			return &rrs[i];
		}
	}
	return NULL;
}

/* The RRSIG over this RRset; NULL: none. */
static const struct response_rr *find_sig(const struct response_rr *rrs, size_t count, const uint8_t *owner,
                                          uint16_t type)
{
	for (size_t i = 0; i < count; i++) {
		if (rrs[i].type == DNS_TYPE_RRSIG && load_u16(rrs[i].rdata) == type &&
		    dns_name_equal(rrs[i].owner.wire, owner)) {
			return &rrs[i];
		}
	}
	return NULL;
}

static bool signed_in_authority(const struct proof *proof, const uint8_t *owner, uint16_t type)
{
	return find_rr(proof->authority, proof->authority_count, owner, type) != NULL &&
	       find_sig(proof->authority, proof->authority_count, owner, type) != NULL;
}

/* The name has records, or is an empty non-terminal. */
static bool exists(const struct records *records, const uint8_t *name)
{
	for (size_t i = 0; i < records->count; i++) {
		if (dns_name_is_within(records->items[i].owner.wire, name)) {
			return true;
		}
	}
	return false;
}

/* ---- NSEC ---- */

static const struct denial *nsec_matching(const struct proof *proof, const uint8_t *name)
{
	for (size_t i = 0; i < proof->denial_count; i++) {
		if (believed(proof, i) && dns_name_equal(proof->denials[i].owner.wire, name)) {
			return &proof->denials[i];
		}
	}
	return NULL;
}

static const struct denial *nsec_covering(const struct proof *proof, const uint8_t *name)
{
	for (size_t i = 0; i < proof->denial_count; i++) {
		const struct denial *nsec = &proof->denials[i];
		bool last = dns_name_equal(nsec->next, proof->apex.wire);
		/* RFC 6840 4.1: an NSEC of an ancestor's cut or DNAME proves nothing below it. */
		bool ancestor = dns_name_is_within(name, nsec->owner.wire) &&
		                ((bitmap_has(nsec, DNS_TYPE_NS) && !bitmap_has(nsec, DNS_TYPE_SOA)) ||
		                 bitmap_has(nsec, DNS_TYPE_DNAME));
		if (believed(proof, i) && !ancestor && dns_name_compare(nsec->owner.wire, name) < 0 &&
		    (last || dns_name_compare(name, nsec->next) < 0)) {
			return nsec;
		}
	}
	return NULL;
}

static size_t nsec_encloser_labels(const struct denial *nsec, const uint8_t *name)
{
	size_t owner = dns_name_common_labels(nsec->owner.wire, name);
	size_t next = dns_name_common_labels(nsec->next, name);
	return owner > next ? owner : next;
}

/* The NSEC lacks type and CNAME and is from the right side of a cut. */
static bool lacks(const struct denial *denial, uint16_t type)
{
	bool cut = bitmap_has(denial, DNS_TYPE_NS) && !bitmap_has(denial, DNS_TYPE_SOA);
	return !bitmap_has(denial, type) && !bitmap_has(denial, DNS_TYPE_CNAME) && (!cut || type == DNS_TYPE_DS);
}

static bool nsec_no_data(const struct proof *proof, const uint8_t *name, uint16_t type)
{
	const struct denial *matching = nsec_matching(proof, name);
	if (matching != NULL) {
		return lacks(matching, type);
	}
	const struct denial *covering = nsec_covering(proof, name);
	if (covering == NULL) {
		return false;
	}
	if (dns_name_is_within(covering->next, name)) {
		return true; /* an empty non-terminal */
	}
	struct dns_name wildcard;
	size_t labels = nsec_encloser_labels(covering, name);
	if (!dns_name_wildcard_of(dns_name_strip(name, dns_name_labels(name) - labels), &wildcard)) {
		return false;
	}
	const struct denial *at_wildcard = nsec_matching(proof, wildcard.wire);
	if (at_wildcard != NULL) {
		return lacks(at_wildcard, type);
	}
	covering = nsec_covering(proof, wildcard.wire);
	return covering != NULL && dns_name_is_within(covering->next, wildcard.wire);
}

static bool nsec_no_name(const struct proof *proof, const uint8_t *name)
{
	const struct denial *covering = nsec_covering(proof, name);
	if (covering == NULL || dns_name_is_within(covering->next, name)) {
		return false;
	}
	struct dns_name wildcard;
	size_t labels = nsec_encloser_labels(covering, name);
	return dns_name_wildcard_of(dns_name_strip(name, dns_name_labels(name) - labels), &wildcard) &&
	       nsec_covering(proof, wildcard.wire) != NULL;
}

/* ---- NSEC3 ---- */

static void hash_of(const struct proof *proof, const uint8_t *name, uint8_t hash[20])
{
	const struct zone_nsec3_params *params = &proof->params;
	struct dns_name lower;
	dns_name_lower(name, &lower);
	crypto_nsec3_hash(lower.wire, lower.len, params->salt, params->salt_len, params->iterations, hash);
}

static const struct denial *nsec3_matching(const struct proof *proof, const uint8_t *name)
{
	uint8_t hash[20];
	hash_of(proof, name, hash);
	for (size_t i = 0; i < proof->denial_count; i++) {
		if (believed(proof, i) && memcmp(proof->denials[i].hash, hash, 20) == 0) {
			return &proof->denials[i];
		}
	}
	return NULL;
}

static bool at_wildcard_disbelieved(const struct proof *proof, const uint8_t *wildcard)
{
	uint8_t hash[20];
	hash_of(proof, wildcard, hash);
	return proof->without >= 0 && memcmp(proof->denials[proof->without].hash, hash, 20) == 0;
}

static const struct denial *nsec3_covering_without(const struct proof *proof, const uint8_t *name, int without)
{
	uint8_t hash[20];
	hash_of(proof, name, hash);
	for (size_t i = 0; i < proof->denial_count; i++) {
		const struct denial *nsec3 = &proof->denials[i];
		bool after = memcmp(nsec3->hash, hash, 20) < 0;
		bool before = memcmp(hash, nsec3->next, 20) < 0;
		bool wraps = memcmp(nsec3->hash, nsec3->next, 20) >= 0;
		if ((int)i != without && (wraps ? (after || before) : (after && before))) {
			return nsec3;
		}
	}
	return NULL;
}

static const struct denial *nsec3_covering(const struct proof *proof, const uint8_t *name)
{
	return nsec3_covering_without(proof, name, proof->without);
}

/* RFC 5155 8.3. `cover` gets what covers the next closer name. */
static bool nsec3_encloser(const struct proof *proof, const uint8_t *name, const uint8_t **encloser,
                           const struct denial **cover)
{
	size_t labels = dns_name_labels(name);
	size_t apex_labels = dns_name_labels(proof->apex.wire);
	for (size_t up = 1; up <= labels - apex_labels; up++) {
		const uint8_t *ancestor = dns_name_strip(name, up);
		const struct denial *matching = nsec3_matching(proof, ancestor);
		if (matching != NULL) {
			bool cut = bitmap_has(matching, DNS_TYPE_NS) && !bitmap_has(matching, DNS_TYPE_SOA);
			*encloser = ancestor;
			*cover = nsec3_covering(proof, dns_name_strip(name, up - 1));
			return *cover != NULL && !cut && !bitmap_has(matching, DNS_TYPE_DNAME);
		}
	}
	return false;
}

static bool nsec3_no_data(const struct proof *proof, const uint8_t *name, uint16_t type)
{
	const struct denial *matching = nsec3_matching(proof, name);
	const struct denial *cover;
	const uint8_t *encloser;
	struct dns_name wildcard;
	if (matching != NULL) {
		return lacks(matching, type);
	}
	if (!nsec3_encloser(proof, name, &encloser, &cover)) {
		return false;
	}
	if (dns_name_wildcard_of(encloser, &wildcard)) {
		const struct denial *at_wildcard = nsec3_matching(proof, wildcard.wire);
		if (at_wildcard != NULL && lacks(at_wildcard, type)) {
			return true;
		}
		if (at_wildcard_disbelieved(proof, wildcard.wire)) {
			return false; /* RFC 5155 7.2.5 wants it, opt-out or not */
		}
	}
	return cover->opt_out;
}

static bool nsec3_no_name(const struct proof *proof, const uint8_t *name)
{
	const struct denial *cover;
	const uint8_t *encloser;
	struct dns_name wildcard;
	if (!nsec3_encloser(proof, name, &encloser, &cover) || !dns_name_wildcard_of(encloser, &wildcard)) {
		return false;
	}
	/* Opt-out leaves out empty non-terminals above insecure delegations (RFC 5155 7.1). A name below such has its closest
	 * provable encloser further up, where a wildcard may stand that says nothing about it; no record could prove that. */
	return nsec3_covering(proof, wildcard.wire) != NULL ||
	       (cover->opt_out && exists(proof->records, wildcard.wire) &&
	        nsec3_covering_without(proof, wildcard.wire, -1) == NULL);
}

/* ---- both ---- */

static bool proves_no_data(const struct proof *proof, const uint8_t *name, uint16_t type)
{
	return proof->nsec3 ? nsec3_no_data(proof, name, type) : nsec_no_data(proof, name, type);
}

static bool proves_no_name(const struct proof *proof, const uint8_t *name)
{
	return proof->nsec3 ? nsec3_no_name(proof, name) : nsec_no_name(proof, name);
}

/* The RRset was signed; when by a wildcard, no closer name exists (RFC 4035 5.3.4, RFC 5155 8.8). */
static bool proves_answer(const struct proof *proof, const uint8_t *owner, uint16_t type)
{
	const struct response_rr *sig = find_sig(proof->answer, proof->answer_count, owner, type);
	if (sig == NULL) {
		return false;
	}
	size_t labels = dns_name_labels(owner);
	size_t signed_labels = sig->rdata[3];
	if (signed_labels == labels || (dns_name_is_wildcard(owner) && signed_labels == labels - 1)) {
		return true;
	}
	const uint8_t *next_closer = dns_name_strip(owner, labels - signed_labels - 1);
	return proof->nsec3 ? nsec3_covering(proof, next_closer) != NULL : nsec_covering(proof, owner) != NULL;
}

static bool proves_dname(const struct proof *proof, const uint8_t *name)
{
	for (size_t i = 0; i < proof->answer_count; i++) {
		const struct response_rr *rr = &proof->answer[i];
		if (rr->type == DNS_TYPE_DNAME && dns_name_is_within(name, rr->owner.wire) &&
		    !dns_name_equal(name, rr->owner.wire)) {
			return proves_answer(proof, rr->owner.wire, DNS_TYPE_DNAME);
		}
	}
	return false;
}

static bool proves_end(const struct proof *proof, const uint8_t *name, uint16_t type, unsigned rcode)
{
	for (size_t i = 0; i < proof->authority_count; i++) {
		const struct response_rr *rr = &proof->authority[i];
		if (rr->type == DNS_TYPE_NS && !dns_name_equal(rr->owner.wire, proof->apex.wire)) {
			return signed_in_authority(proof, rr->owner.wire, DNS_TYPE_DS) ||
			       proves_no_data(proof, rr->owner.wire, DNS_TYPE_DS);
		}
	}
	if (!signed_in_authority(proof, proof->apex.wire, DNS_TYPE_SOA)) {
		return false;
	}
	return rcode == DNS_RCODE_NXDOMAIN ? proves_no_name(proof, name) : proves_no_data(proof, name, type);
}

/* The response answers the question, step by step. */
static bool proves(const struct proof *proof, const uint8_t *qname, uint16_t qtype, unsigned rcode)
{
	struct dns_name name = dns_name_of(qname);
	for (unsigned links = 0;; links++) {
		if (find_rr(proof->answer, proof->answer_count, name.wire, qtype) != NULL) {
			return proves_answer(proof, name.wire, qtype) ||
			       (qtype == DNS_TYPE_CNAME && proves_dname(proof, name.wire));
		}
		const struct response_rr *cname =
		        find_rr(proof->answer, proof->answer_count, name.wire, DNS_TYPE_CNAME);
		if (cname == NULL) {
			/* Chains that loop, are too long, or leave the zone are given as far as they go. */
			bool outside = !dns_name_is_within(name.wire, proof->apex.wire);
			return outside || links > 16 || proves_end(proof, name.wire, qtype, rcode);
		}
		if (!proves_answer(proof, name.wire, DNS_TYPE_CNAME) && !proves_dname(proof, name.wire)) {
			return false;
		}
		if (links > 17) {
			return true; /* a loop */
		}
		name = dns_name_of(cname->rdata);
	}
}

/* Complete, and not without any of its denials. */
static void check_proof(struct server *server, const struct dns_name *name, uint16_t type, struct proof *proof)
{
	unsigned rcode = dns_message_rcode(&server->message);
	char text[DNS_NAME_TEXT_MAX];
	char type_text[DNS_MNEMONIC_MAX];
	dns_name_to_text(name->wire, text);
	read_response(server, "example.", proof);
	if (rcode == DNS_RCODE_YXDOMAIN) {
		return;
	}
	if (!proves(proof, name->wire, type, rcode)) {
		fail_msg("%s %s is not proven: %s", text, dns_type_to_text(type, type_text), response_text(server));
	}
	for (size_t i = 0; i < proof->denial_count; i++) {
		assert_non_null(find_sig(proof->authority, proof->authority_count, proof->denials[i].owner.wire,
		                         proof->nsec3 ? DNS_TYPE_NSEC3 : DNS_TYPE_NSEC));
		proof->without = (int)i;
		if (proves(proof, name->wire, type, rcode)) {
			fail_msg("%s %s has an extra denial (%zu): %s", text, dns_type_to_text(type, type_text), i,
			         response_text(server));
		}
	}
	proof->without = -1;
}

/* ---- random zones ---- */

/* So that records are equal exactly if their octets are. */
static void records_lower(struct records *records)
{
	for (size_t i = 0; i < records->count; i++) {
		struct record *record = &records->items[i];
		struct dns_name owner = record->owner;
		dns_name_lower(owner.wire, &record->owner);
		if (record->type == DNS_TYPE_NS || record->type == DNS_TYPE_CNAME || record->type == DNS_TYPE_DNAME) {
			struct dns_name target;
			dns_name_lower(record->rdata, &target);
			memcpy(record->rdata, target.wire, target.len);
		}
	}
}

static unsigned draw(struct random_seeded *random, unsigned below)
{
	return (unsigned)random_below(&random->source, below);
}

/* A name of at most `depth` labels below example., from few labels, so that names meet. */
static void draw_name(struct random_seeded *random, unsigned depth, struct dns_name *out)
{
	static const char *const labels[] = {"a", "b", "*", "c", "B", "d"};
	char text[64] = "";
	unsigned count = 1 + draw(random, depth);
	for (unsigned i = 0; i < count; i++) {
		strcat(text, labels[draw(random, ARRAY_LENGTH(labels))]);
		strcat(text, i + 1 < count ? "." : "");
	}
	*out = name_of(text);
}

static bool has_owner(const struct records *records, const uint8_t *name)
{
	for (size_t i = 0; i < records->count; i++) {
		if (dns_name_equal(records->items[i].owner.wire, name)) {
			return true;
		}
	}
	return false;
}

static void add_random_name(struct random_seeded *random, struct records *records)
{
	struct dns_name owner;
	struct dns_name target;
	draw_name(random, 3, &owner);
	draw_name(random, 3, &target);
	if (has_owner(records, owner.wire)) {
		return;
	}
	static const uint8_t address[] = {192, 0, 2, 1};
	static const uint8_t text[] = {1, 'x'};
	static const uint8_t ds[36] = {0, 1, 13, 2};
	unsigned kind = draw(random, 8);
	/* A wildcard that owns NS or DNAME is defined by nobody (RFC 4592 4.2). */
	if (dns_name_is_wildcard(owner.wire) && (kind == 3 || kind == 4 || kind == 7)) {
		kind = 0;
	}
	switch (kind) {
	case 0:
	case 1:
		records_add(records, owner.wire, DNS_TYPE_A, 60, address, sizeof address);
		break;
	case 2:
		records_add(records, owner.wire, DNS_TYPE_A, 60, address, sizeof address);
		records_add(records, owner.wire, DNS_TYPE_TXT, 60, text, sizeof text);
		break;
	case 3:
		records_add(records, owner.wire, DNS_TYPE_NS, 60, target.wire, target.len);
		break;
	case 4:
		records_add(records, owner.wire, DNS_TYPE_NS, 60, target.wire, target.len);
		records_add(records, owner.wire, DNS_TYPE_DS, 60, ds, sizeof ds);
		break;
	case 5:
		records_add(records, owner.wire, DNS_TYPE_TXT, 60, text, sizeof text);
		break;
	case 6:
		records_add(records, owner.wire, DNS_TYPE_CNAME, 60, target.wire, target.len);
		break;
	case 7:
		records_add(records, owner.wire, DNS_TYPE_DNAME, 60, target.wire, target.len);
		break;
	default:
		break;
	}
}

/* Questions about one zone, each answered with a proof. */
static void prove_zone(struct random_seeded *random, struct server *server, const struct records *records,
                       unsigned question_count, struct proof *proof)
{
	static const uint16_t types[] = {DNS_TYPE_A,  DNS_TYPE_TXT,   DNS_TYPE_DS,
	                                 DNS_TYPE_NS, DNS_TYPE_CNAME, DNS_TYPE_DNAME};
	proof->records = records;
	for (unsigned q = 0; q < question_count; q++) {
		struct dns_name name;
		char text[DNS_NAME_TEXT_MAX];
		char type_text[DNS_MNEMONIC_MAX];
		char question[DNS_NAME_TEXT_MAX + 32];
		uint16_t type = types[draw(random, ARRAY_LENGTH(types))];
		if (draw(random, 8) == 0) {
			name = records->items[draw(random, (unsigned)records->count)].owner; /* perhaps a hash */
		} else {
			draw_name(random, 4, &name);
		}
		snprintf(question, sizeof question, "%s %s +do +tcp", dns_name_to_text(name.wire, text),
		         dns_type_to_text(type, type_text));
		for (unsigned time = draw(random, 3); time < 3; time++) {
			ask(server, question); /* sooner or later from what was kept */
		}
		check_proof(server, &name, type, proof);
	}
}

static void add_random_names(struct random_seeded *random, struct records *records)
{
	unsigned names = draw(random, 12);
	for (unsigned i = 0; i < names; i++) {
		add_random_name(random, records);
	}
}

static void prove_random_zones(enum signing signing, unsigned zone_count, unsigned question_count)
{
	struct random_seeded random;
	struct proof *proof = malloc(sizeof *proof);
	random_seeded_init(&random, unit_seed());
	for (unsigned z = 0; z < zone_count; z++) {
		struct records records = {0};
		struct dns_name apex = name_of("example.");
		struct server *server = server_new();
		records_read(&records, "example.", "");
		add_random_names(&random, &records);
		records_sign(&records, apex.wire, signing);
		serve_records(server, "example.", &records);
		prove_zone(&random, server, &records, question_count, proof);
		records_free(&records);
	}
	free(proof);
}

TEST(every_nsec_proof_is_complete_and_has_no_extra)
{
	prove_random_zones(SIGNED_NSEC, 300, 100);
}

TEST(every_nsec3_proof_is_complete_and_has_no_extra)
{
	prove_random_zones(SIGNED_NSEC3, 300, 100);
}

TEST(every_opt_out_proof_is_complete_and_has_no_extra)
{
	prove_random_zones(SIGNED_OPT_OUT, 300, 100);
}

/* ---- versions that follow each other ---- */

/* Versions come as differences, each signed in another way, or the same way with other names: what is answered of the new
 * one is proven by the new one alone. */
TEST(proofs_are_complete_after_every_difference_from_any_chain_to_any_other)
{
	static const enum signing ways[] = {SIGNED_NSEC, SIGNED_NSEC3, SIGNED_RESALTED, SIGNED_OPT_OUT};
	struct random_seeded random;
	struct proof *proof = malloc(sizeof *proof);
	struct dns_name apex = name_of("example.");
	random_seeded_init(&random, unit_seed());
	for (unsigned z = 0; z < 40; z++) {
		struct server *server = server_new();
		struct records records = {0};
		records_read(&records, "example.", "");
		records_sign(&records, apex.wire, ways[draw(&random, ARRAY_LENGTH(ways))]);
		struct zone *zone = serve_records(server, "example.", &records);
		for (unsigned version = 0; version < 12; version++) {
			struct records next = {0};
			records_read(&next, "example.", "");
			add_random_names(&random, &next);
			records_lower(&next);
			records_sign(&next, apex.wire, ways[draw(&random, ARRAY_LENGTH(ways))]);
			serve_difference(zone, &records, &next);
			prove_zone(&random, server, &next, 30, proof);
			records_free(&records);
			records = next;
		}
		records_free(&records);
	}
	free(proof);
}

/* What a record of a signed zone belongs to; a signature to what it covers. */
enum part { PART_OF_DATA, PART_OF_CHAIN, PART_OF_NAMING };

static enum part part_of(const struct record *record)
{
	switch (record->type == DNS_TYPE_RRSIG ? load_u16(record->rdata) : record->type) {
	case DNS_TYPE_NSEC:
	case DNS_TYPE_NSEC3:
		return PART_OF_CHAIN;
	case DNS_TYPE_NSEC3PARAM:
		return PART_OF_NAMING; /* RFC 5155 7.3: it says that the chain is whole */
	default:
		return PART_OF_DATA;
	}
}

/* All records of one part, or every other one. */
static void add_part(struct records *to, const struct records *from, enum part part, bool whole)
{
	unsigned number = 0;
	for (size_t i = 0; i < from->count; i++) {
		const struct record *record = &from->items[i];
		if (part_of(record) == part && (whole || number++ % 2 == 0)) {
			records_add(to, record->owner.wire, record->type, record->ttl, record->rdata,
			            record->rdata_len);
		}
	}
}

enum chain { NO_CHAIN, HALF, WHOLE, NAMED }; /* NAMED: with NSEC3PARAM */

/* The way of a primary from NSEC to NSEC3, to another salt, and back to NSEC. */
static const struct {
	enum chain chains[3]; /* NSEC, NSEC3, NSEC3 with another salt */
} changing[] = {
        {{WHOLE, NO_CHAIN, NO_CHAIN}}, {{WHOLE, HALF, NO_CHAIN}},     {{WHOLE, WHOLE, NO_CHAIN}},
        {{WHOLE, NAMED, NO_CHAIN}},    {{HALF, NAMED, NO_CHAIN}},     {{NO_CHAIN, NAMED, NO_CHAIN}},
        {{NO_CHAIN, NAMED, HALF}},     {{NO_CHAIN, NAMED, WHOLE}},    {{NO_CHAIN, NAMED, NAMED}},
        {{NO_CHAIN, WHOLE, NAMED}},    {{NO_CHAIN, HALF, NAMED}},     {{NO_CHAIN, NO_CHAIN, NAMED}},
        {{HALF, NO_CHAIN, NAMED}},     {{WHOLE, NO_CHAIN, NAMED}},    {{WHOLE, NO_CHAIN, WHOLE}},
        {{WHOLE, NO_CHAIN, HALF}},     {{WHOLE, NO_CHAIN, NO_CHAIN}},
};

static void prove_changing(struct random_seeded *random, const struct records made[3], struct proof *proof)
{
	struct server *server = server_new();
	struct zone *zone = NULL;
	struct records before = {0};
	for (size_t v = 0; v < ARRAY_LENGTH(changing); v++) {
		struct records next = {0};
		add_part(&next, &made[0], PART_OF_DATA, true);
		for (size_t i = 0; i < 3; i++) {
			enum chain chain = changing[v].chains[i];
			if (chain != NO_CHAIN) {
				add_part(&next, &made[i], PART_OF_CHAIN, chain != HALF);
			}
			if (chain == NAMED) {
				add_part(&next, &made[i], PART_OF_NAMING, true);
			}
		}
		if (zone == NULL) {
			zone = serve_records(server, "example.", &next);
		} else {
			serve_difference(zone, &before, &next);
		}
		prove_zone(random, server, &next, 40, proof);
		records_free(&before);
		before = next;
	}
	records_free(&before);
}

/* What is whole is used, and what is on its way in or out never. */
TEST(chain_in_the_making_is_not_used_and_the_old_one_until_the_new_one_is_whole)
{
	static const enum signing ways[3] = {SIGNED_NSEC, SIGNED_NSEC3, SIGNED_RESALTED};
	struct random_seeded random;
	struct proof *proof = malloc(sizeof *proof);
	struct dns_name apex = name_of("example.");
	random_seeded_init(&random, unit_seed());
	for (unsigned z = 0; z < 10; z++) {
		struct records plain = {0};
		struct records made[3] = {0};
		records_read(&plain, "example.", "");
		add_random_names(&random, &plain);
		for (size_t i = 0; i < 3; i++) {
			add_part(&made[i], &plain, PART_OF_DATA, true);
			records_sign(&made[i], apex.wire, ways[i]);
		}
		prove_changing(&random, made, proof);
		for (size_t i = 0; i < 3; i++) {
			records_free(&made[i]);
		}
		records_free(&plain);
	}
	free(proof);
}

static void read_and_sign(struct records *records, const char *zone_text, enum signing signing)
{
	struct dns_name apex = name_of("example.");
	*records = (struct records){0};
	records_read(records, "example.", zone_text);
	records_sign(records, apex.wire, signing);
}

static unsigned count_in_authority(const struct server *server, uint16_t type)
{
	struct response_walk walk;
	struct response_rr rr;
	unsigned count = 0;
	for (response_walk(server, DNS_SECTION_AUTHORITY, &walk); response_walk_next(&walk, &rr);) {
		count += rr.type == type ? 1u : 0u;
	}
	return count;
}

/* A cut in an opt-out span gets its DS by a difference, and loses it again. Its parent is an empty non-terminal that only
 * opt-out covers, until the cut is secure. */
TEST(insecure_cut_becomes_secure_and_back_by_a_difference_in_an_opt_out_zone)
{
	static const char insecure[] = "d.ent NS ns.other.\n";
	static const char secure[] = "d.ent NS ns.other.\nd.ent DS " DS_RDATA "\n";
	struct proof *proof = malloc(sizeof *proof);
	struct dns_name ent = name_of("ent");
	struct dns_name below = name_of("x.d.ent");
	struct records records[2];
	struct server *server = server_new();
	read_and_sign(&records[0], insecure, SIGNED_OPT_OUT);
	read_and_sign(&records[1], secure, SIGNED_OPT_OUT);
	struct zone *zone = serve_records(server, "example.", &records[0]);
	for (unsigned version = 0; version < 5; version++) {
		bool is_secure = version % 2 == 1;
		if (version > 0) {
			serve_difference(zone, &records[!is_secure], &records[is_secure]);
		}
		proof->records = &records[is_secure];
		for (unsigned time = 0; time < 3; time++) {
			ask(server, "x.d.ent A +do");
			check_proof(server, &below, DNS_TYPE_A, proof);
			assert_int_equal(count_in_authority(server, DNS_TYPE_DS), is_secure);
			assert_int_equal(count_in_authority(server, DNS_TYPE_NSEC3) > 0, !is_secure);
			ask(server, "ent A +do");
			assert_int_equal(dns_message_rcode(&server->message), DNS_RCODE_NOERROR);
			check_proof(server, &ent, DNS_TYPE_A, proof);
			ask(server, "ent DS +do");
			assert_int_equal(dns_message_rcode(&server->message), DNS_RCODE_NOERROR);
			check_proof(server, &ent, DNS_TYPE_DS, proof);
		}
	}
	records_free(&records[0]);
	records_free(&records[1]);
	free(proof);
}
