/* SPDX-License-Identifier: MIT */
/* Questions that are looked up together get the answers that each gets alone. */
#include "serve.h"

#include <stdio.h>

#include "base/memory.h"
#include "base/random.h"

static const char zone_text[] = "@ NS ns1\nns1 A 192.0.2.53\nwww A 192.0.2.1\nalias CNAME www\nfar CNAME www.inner\n"
                                "d DNAME inner\n*.w A 192.0.2.6\ne.ent A 192.0.2.7\ninner NS ns.inner\n"
                                "ns.inner A 192.0.2.2\nsub NS ns.sub\nns.sub A 192.0.2.3\n"
                                "none-yet NS ns1\ngone NS ns1\n";

/* Zones within each other, one without a version, one whose copy has expired. */
static struct server *server_with_zones(void)
{
	struct server *server = server_of(zone_text);
	serve(server, "inner.example.", "@ NS ns\nns A 192.0.2.2\nwww A 192.0.2.4\nback CNAME www.example.\n",
	      UNSIGNED);
	serve(server, "signed.", "@ NS ns\nns A 192.0.2.2\nsub NS ns.sub\n", SIGNED_NSEC);
	serve_state(server, "none-yet.example.", ZONE_STATE_EMPTY);
	serve_state(server, "gone.example.", ZONE_STATE_EXPIRED);
	return server;
}

static void draw_question(struct random_source *random, char question[256])
{
	static const char *const names[] = {
	        "www",      "alias",          "far",   "x.d",         "www.d", "y.w",   "ent",    "none", "example.",
	        "inner",    "www.inner",      "x.sub", "back.inner",  "sub",   "gone",  "a.gone", ".",    "signed.",
	        "none-yet", "nobody.signed.", "com.",  "sub.signed.", "WwW",   "INNER", "e.InNeR"};
	static const char *const types[] = {"A", "DS", "NS", "SOA", "ANY", "CNAME", "AXFR", "IXFR"};
	static const char *const flags[] = {"", "", " +edns", " +do", " CH", " ANY"};
	snprintf(question, 256, "%s %s%s", names[random_below(random, ARRAY_LENGTH(names))],
	         types[random_below(random, ARRAY_LENGTH(types))], flags[random_below(random, ARRAY_LENGTH(flags))]);
}

/* Now and then one that is no question. */
static size_t draw_message(struct random_source *random, uint8_t bytes[300])
{
	char question[256];
	enum answer_transport transport;
	draw_question(random, question);
	size_t len = question_bytes(question, bytes, 300, &transport);
	if (random_below(random, 20) == 0) {
		len = random_below(random, len);
	}
	if (random_below(random, 20) == 0) {
		bytes[random_below(random, 20)] = (uint8_t)random_below(random, 256);
	}
	return len;
}

TEST(questions_that_come_together_get_the_answers_that_each_gets_alone)
{
	struct random_seeded random;
	random_seeded_init(&random, unit_seed());
	struct server *together = server_with_zones();
	struct server *alone = server_with_zones();
	size_t looked_up = 0;
	for (unsigned turn = 0; turn < 500; turn++) {
		uint8_t bytes[ANSWER_AHEAD_MAX][300];
		struct answer_request requests[ANSWER_AHEAD_MAX];
		struct answer_ahead aheads[ANSWER_AHEAD_MAX];
		size_t count = random_below(&random.source, ANSWER_AHEAD_MAX + 1);
		for (size_t i = 0; i < count; i++) {
			requests[i] = (struct answer_request){
			        .bytes = bytes[i],
			        .len = draw_message(&random.source, bytes[i]),
			        .client = &together->client,
			        .transport = ANSWER_UDP,
			        .now_ms = together->now_ms,
			};
		}
		answer_look_ahead(together->context, together->set, requests, count, aheads);
		for (size_t i = 0; i < count; i++) {
			uint8_t response[1232];
			struct answer_result result = {.bytes = response, .capacity = sizeof response};
			enum answer_outcome outcome = answer_message(together->context, &together->config,
			                                             together->set, &requests[i], &result);
			ask_bytes(alone, bytes[i], requests[i].len, ANSWER_UDP, sizeof response);
			assert_int_equal(outcome, alone->outcome);
			assert_int_equal(result.len, alone->result.len);
			assert_memory_equal(response, alone->response, result.len);
			looked_up += requests[i].ahead != NULL && requests[i].ahead->snapshot != NULL;
		}
	}
	assert_true(looked_up > 1000);
}
