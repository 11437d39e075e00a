/* SPDX-License-Identifier: MIT */
/* What one answer costs in user space, without kernel and network: questions in, answers out, in one process.
 *
 *   replay ZONE FILE [MILLISECONDS-PER-KIND] [KIND]
 *
 * Makes questions of several kinds from the zone's own names, each kind QUESTIONS of them in random order, and answers
 * them in turn; prints nanoseconds per answer (the best and the middle of the rounds), octets, and what the answers
 * were. The first round of a kind is not counted.
 *
 * With 0 milliseconds each kind has one counted round: tests/budget.py counts its instructions, all that happens below
 * counted_round(). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "answer/answer.h"
#include "base/memory.h"
#include "base/quiescent.h"
#include "base/random.h"
#include "dns/dns.h"
#include "zonefile/zonefile.h"

#define QUESTIONS  8192
#define ROUNDS_MAX 4096

struct question {
	uint16_t len;
	uint8_t bytes[300];
};

struct replay {
	struct answer_context *context;
	struct answer_config config;
	struct answer_rules rules;
	struct access_rule anybody;
	struct zone *zone;
	struct zone_set *zones;
	struct address client;
	struct random_seeded random;
	int64_t round_ms;
	uint64_t octets;
	uint64_t rcodes[2];
	struct question questions[QUESTIONS];
};

static int64_t now_ns(void)
{
	struct timespec time;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* ---- the zone ---- */

struct loading {
	struct zonefile_record_sink sink;
	struct zone_builder *builder;
};

static bool take_record(struct zonefile_record_sink *self, const struct zonefile_record *record, struct error *error)
{
	struct loading *loading = (struct loading *)self;
	(void)error;
	zone_builder_add(loading->builder, record->owner, record->type, record->ttl, record->rdata, record->rdata_len);
	return true;
}

static struct zone *load(const char *apex_text, const char *path)
{
	struct dns_name apex;
	struct error error;
	struct zonefile_result result;
	struct zonefile_files files;
	if (!dns_name_from_text(apex_text, &apex, &error)) {
		fprintf(stderr, "%s\n", error.text);
		exit(2);
	}
	struct loading loading = {.sink = {.take = take_record}, .builder = zone_builder_new(apex.wire, DNS_CLASS_IN)};
	struct zonefile_options options = {.apex = apex.wire};
	zonefile_files_init(&files);
	bool read = zonefile_read_file(path, &options, &loading.sink, NULL, &files, &result, &error);
	zonefile_files_deinit(&files);
	struct zone_snapshot *snapshot = read ? zone_builder_finish(loading.builder, NULL, &error) : NULL;
	if (snapshot == NULL) {
		fprintf(stderr, "%s\n", error.text);
		exit(1);
	}
	struct zone *zone = zone_new(apex.wire, DNS_CLASS_IN);
	zone_publish(zone, snapshot);
	return zone;
}

/* ---- questions ---- */

struct asked {
	struct dns_name name;
	uint16_t type;
};

struct pool {
	struct asked *items;
	size_t count;
	size_t capacity;
};

static void pool_add(struct pool *pool, const uint8_t *name, uint16_t type)
{
	memory_reserve((void **)&pool->items, &pool->capacity, pool->count + 1, sizeof *pool->items);
	pool->items[pool->count++] = (struct asked){.name = dns_name_of(name), .type = type};
}

static void write_question(struct question *question, const uint8_t *name, uint16_t type, bool edns, bool dnssec_ok)
{
	struct writer out = writer_of(question->bytes, sizeof question->bytes);
	write_u32(&out, 0x12340000);
	write_u16(&out, 1);
	write_u32(&out, 0);
	write_u16(&out, edns ? 1 : 0);
	write_bytes(&out, name, dns_name_len(name));
	write_u16(&out, type);
	write_u16(&out, DNS_CLASS_IN);
	if (edns) {
		write_u8(&out, 0);
		write_u16(&out, DNS_TYPE_OPT);
		write_u16(&out, 1232);
		write_u32(&out, dnssec_ok ? 0x8000 : 0);
		write_u16(&out, 0);
	}
	question->len = (uint16_t)writer_len(&out);
}

static void random_label(struct replay *replay, uint8_t label[DNS_LABEL_MAX + 2])
{
	label[0] = 10;
	for (unsigned i = 1; i <= 10; i++) {
		label[i] = (uint8_t)('a' + random_below(&replay->random.source, 26));
	}
	label[11] = 0;
}

/* Questions from the pool; `below`: for a random name below each. */
static void make_questions(struct replay *replay, const struct pool *pool, bool below, bool edns, bool dnssec_ok)
{
	for (size_t i = 0; i < QUESTIONS; i++) {
		const struct asked *asked = &pool->items[random_below(&replay->random.source, pool->count)];
		struct dns_name name = asked->name;
		uint8_t label[DNS_LABEL_MAX + 2];
		random_label(replay, label);
		if (below && !dns_name_join(label, asked->name.wire, &name)) {
			name = asked->name;
		}
		write_question(&replay->questions[i], name.wire, asked->type, edns, dnssec_ok);
	}
}

/* ---- rounds ---- */

static void one_round(struct replay *replay, uint8_t *response)
{
	struct answer_request request = {.client = &replay->client, .transport = ANSWER_UDP, .now_ms = 1000};
	struct answer_result result = {.bytes = response, .capacity = 1232};
	for (size_t i = 0; i < QUESTIONS; i++) {
		request.bytes = replay->questions[i].bytes;
		request.len = replay->questions[i].len;
		answer_message(replay->context, &replay->config, replay->zones, &request, &result);
		replay->octets += result.len;
	}
	quiescent_point();
}

/* What callgrind is told to count by this name. */
__attribute__((noinline, noclone)) static void counted_round(struct replay *replay, uint8_t *response)
{
	one_round(replay, response);
}

static int compare_times(const void *a, const void *b)
{
	const double *first = a;
	const double *second = b;
	return (*first > *second) - (*first < *second);
}

__attribute__((noinline, noclone)) static void measure(struct replay *replay, const char *kind)
{
	static double times[ROUNDS_MAX];
	uint8_t response[1232];
	size_t rounds = 0;
	one_round(replay, response);
	uint64_t noerror = atomic_load(&answer_counters(replay->context)->rcodes[DNS_RCODE_NOERROR]);
	uint64_t nxdomain = atomic_load(&answer_counters(replay->context)->rcodes[DNS_RCODE_NXDOMAIN]);
	uint64_t truncated = atomic_load(&answer_counters(replay->context)->truncated);
	replay->octets = 0;
	int64_t end = now_ns() + replay->round_ms * 1000000;
	size_t rounds_min = replay->round_ms == 0 ? 1 : 3;
	while (rounds < rounds_min || (rounds < ROUNDS_MAX && now_ns() < end)) {
		int64_t start = now_ns();
		counted_round(replay, response);
		times[rounds++] = (double)(now_ns() - start) / QUESTIONS;
	}
	qsort(times, rounds, sizeof *times, compare_times);
	double answers = (double)rounds * QUESTIONS;
	noerror = atomic_load(&answer_counters(replay->context)->rcodes[DNS_RCODE_NOERROR]) - noerror;
	nxdomain = atomic_load(&answer_counters(replay->context)->rcodes[DNS_RCODE_NXDOMAIN]) - nxdomain;
	truncated = atomic_load(&answer_counters(replay->context)->truncated) - truncated;
	printf("%-18s %7.0f ns best %7.0f ns middle %6.0f octets  %3.0f%% NOERROR %3.0f%% NXDOMAIN %3.0f%% TC\n", kind,
	       times[0], times[rounds / 2], (double)replay->octets / answers, 100 * (double)noerror / answers,
	       100 * (double)nxdomain / answers, 100 * (double)truncated / answers);
}

/* Names of a zone, by what they are good for. */
struct pools {
	struct pool cuts;
	struct pool data;
	struct pool ds;
	struct pool aliases;
	struct pool wild; /* parents of wildcards: a random name below them is made up from one */
};

static void collect(const struct zone_snapshot *zone, struct pools *pools)
{
	struct zone_walk walk;
	struct zone_node node;
	for (zone_walk(zone, &walk); zone_walk_next(&walk, &node);) {
		struct dns_name owner;
		struct zone_rrset_walk rrsets;
		struct zone_rrset rrset;
		zone_node_owner(&node, &owner);
		if ((node.flags & (ZONE_NODE_BELOW_CUT | ZONE_NODE_NSEC3)) != 0) {
			continue;
		}
		if ((node.flags & ZONE_NODE_CUT) != 0) {
			pool_add(&pools->cuts, owner.wire, DNS_TYPE_A);
			if (zone_node_rrset(&node, DNS_TYPE_DS, &rrset)) {
				pool_add(&pools->ds, owner.wire, DNS_TYPE_DS);
			}
			continue;
		}
		if ((node.flags & ZONE_NODE_CNAME) != 0) {
			pool_add(&pools->aliases, owner.wire, DNS_TYPE_A);
		}
		if (dns_name_is_wildcard(owner.wire)) {
			pool_add(&pools->wild, dns_name_strip(owner.wire, 1), DNS_TYPE_TXT);
		}
		for (zone_rrsets(&node, &rrsets); zone_rrsets_next(&rrsets, &rrset);) {
			pool_add(&pools->data, owner.wire, rrset.type);
		}
	}
}

static void run_pool(struct replay *replay, const char *kind, const struct pool *pool, bool below, const char *only)
{
	static const struct {
		const char *suffix;
		bool edns;
		bool dnssec_ok;
	} forms[] = {{"", false, false}, {" +edns", true, false}, {" +do", true, true}};
	if (pool->count == 0 || (only != NULL && strcmp(only, kind) != 0)) {
		return;
	}
	for (size_t i = 0; i < ARRAY_LENGTH(forms); i++) {
		char name[64];
		snprintf(name, sizeof name, "%s%s", kind, forms[i].suffix);
		make_questions(replay, pool, below, forms[i].edns, forms[i].dnssec_ok);
		measure(replay, name);
	}
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: replay ZONE FILE [MILLISECONDS-PER-KIND] [KIND]\n");
		return 2;
	}
	struct replay *replay = memory_new(sizeof *replay);
	const char *only = argc > 4 ? argv[4] : NULL;
	quiescent_register();
	replay->round_ms = argc > 3 ? atoi(argv[3]) : 300;
	replay->context = answer_context_new();
	replay->config = (struct answer_config){.udp_payload = 1232};
	replay->rules = (struct answer_rules){.minimal_any = true, .minimal_responses = true};
	replay->rules.allow[ACCESS_QUERY] = (struct access_rules){.rules = &replay->anybody, .rule_count = 1};
	replay->client = (struct address){.family = ADDRESS_V4, .port = 4242, .bytes = {192, 0, 2, 1}};
	random_seeded_init(&replay->random, 1);
	replay->zone = load(argv[1], argv[2]);
	atomic_store(&replay->zone->rules, &replay->rules);
	replay->zones = zone_set_new(&replay->zone, 1);

	struct pools pools = {0};
	struct pool apex = {0};
	struct pool foreign = {0};
	collect(zone_served(replay->zone), &pools);
	pool_add(&apex, zone_name(zone_served(replay->zone)), DNS_TYPE_A);
	pool_add(&foreign, (const uint8_t *)"\7invalid", DNS_TYPE_A);
	run_pool(replay, "positive", &pools.data, false, only);
	run_pool(replay, "referral", &pools.cuts, true, only);
	run_pool(replay, "ds", &pools.ds, false, only);
	run_pool(replay, "alias", &pools.aliases, false, only);
	run_pool(replay, "wildcard", &pools.wild, true, only);
	run_pool(replay, "no-name", &apex, true, only);
	run_pool(replay, "no-data", &apex, false, only);
	if (!dns_name_is_within(foreign.items[0].name.wire, replay->zone->apex)) {
		run_pool(replay, "foreign", &foreign, true, only);
	}
	return 0;
}
