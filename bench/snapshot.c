/* SPDX-License-Identifier: MIT */
/* What the snapshot costs: building, octets per record, random lookups, changes. One line per figure.
 *
 * CPU time of the process, lookups the quickest of five rounds. A third argument ends after the build.
 *
 *     build/bench/snapshot [DELEGATIONS [sorted|shuffled [build]]] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "base/quiescent.h"
#include "base/random.h"
#include "tld.h"
#include "zone/zone.h"

#define LOOKUPS 2000000
#define ROUNDS  5

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now); /* others may run beside; the builder has a second thread */
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Resident octets of this process. */
static double resident(const char *field)
{
	char line[256];
	double kib = 0;
	FILE *file = fopen("/proc/self/status", "r");
	while (file != NULL && fgets(line, sizeof line, file) != NULL) {
		if (strncmp(line, field, strlen(field)) == 0) {
			kib = strtod(line + strlen(field), NULL);
		}
	}
	if (file != NULL) {
		fclose(file);
	}
	return kib * 1024;
}

static uint64_t records;

static void count_record(void *context, const uint8_t *owner, uint16_t type, uint32_t ttl, const uint8_t *rdata,
                         size_t len)
{
	(void)context, (void)owner, (void)type, (void)ttl, (void)rdata, (void)len;
	records++;
}

static void add_record(void *context, const uint8_t *owner, uint16_t type, uint32_t ttl, const uint8_t *rdata,
                       size_t len)
{
	zone_builder_add(context, owner, type, ttl, rdata, len);
}

static const struct zone_snapshot *build(const struct tld *tld)
{
	double start = seconds();
	tld_records(tld, NULL, count_record);
	double generate = seconds() - start;
	double before = resident("VmRSS:");
	start = seconds();
	struct zone_builder *builder = zone_builder_new((const uint8_t *)TLD_APEX, 1);
	tld_records(tld, builder, add_record);
	double added = seconds() - start;
	const struct zone_snapshot *zone = zone_builder_finish(builder, NULL, NULL);
	double total = seconds() - start - generate;
	struct zone_facts facts;
	zone_facts(zone, &facts);
	printf("records %llu\n", (unsigned long long)facts.records);
	printf("build %.3f s (add %.3f), %.0f ns/record\n", total, added - generate,
	       total * 1e9 / (double)facts.records);
	printf("memory %.1f octets/record (facts), %.1f (resident), peak %.1f\n",
	       (double)facts.bytes / (double)facts.records, (resident("VmRSS:") - before) / (double)facts.records,
	       (resident("VmHWM:") - before) / (double)facts.records);
	return zone;
}

/* Names to ask, made before the clock runs. */
static uint8_t (*questions(const struct tld *tld, bool exist, const char *prefix))[64]
{
	struct random_seeded seeded;
	random_seeded_init(&seeded, 3);
	uint8_t(*names)[64] = memory_new_array(LOOKUPS, sizeof *names);
	for (size_t i = 0; i < LOOKUPS; i++) {
		char name[24];
		memcpy(name, tld->names[random_below(&seeded.source, tld->count)], sizeof name);
		if (!exist) {
			size_t last = strlen(name) - 1;
			name[last] = (char)('g' + random_below(&seeded.source, 10));
		}
		tld_name(prefix, name, names[i]);
	}
	return names;
}

static void measure_lookups(const struct zone_snapshot *zone, const struct tld *tld, const char *what, bool exist,
                            const char *prefix)
{
	uint8_t(*names)[64] = questions(tld, exist, prefix);
	size_t kinds[5] = {0};
	double total = 1e9;
	for (size_t round = 0; round < ROUNDS; round++) {
		double start = seconds();
		memset(kinds, 0, sizeof kinds);
		for (size_t i = 0; i < LOOKUPS; i++) {
			struct zone_lookup found;
			zone_lookup(zone, names[i], &found);
			kinds[found.kind]++;
		}
		double took = seconds() - start;
		total = took < total ? took : total;
	}
	printf("lookup %s %.0f ns (delegation %zu, no name %zu)\n", what, total * 1e9 / LOOKUPS, kinds[ZONE_DELEGATION],
	       kinds[ZONE_NO_NAME]);
	free(names);
}

static void measure_walk(const struct zone_snapshot *zone)
{
	struct zone_walk walk;
	struct zone_node node;
	uint64_t seen = 0;
	double start = seconds();
	zone_walk(zone, &walk);
	while (zone_walk_next(&walk, &node)) {
		struct zone_rrset_walk rrsets;
		struct zone_rrset rrset;
		zone_rrsets(&node, &rrsets);
		while (zone_rrsets_next(&rrsets, &rrset)) {
			seen += rrset.count;
		}
	}
	double total = seconds() - start;
	printf("walk %.0f ns/record\n", total * 1e9 / (double)seen);
}

/* Versions of `batch` changes each: half of them a name more, half an address more. */
static void measure_apply(const struct zone_snapshot *zone, const struct tld *tld, size_t batch, size_t versions)
{
	struct random_seeded seeded;
	random_seeded_init(&seeded, 4);
	struct zone_change *changes = memory_new_array(batch, sizeof *changes);
	uint8_t(*owners)[64] = memory_new_array(batch, sizeof *owners);
	uint64_t own = 0;
	double total = 0;
	zone_ref(zone);
	for (size_t v = 0; v < versions; v++) {
		for (size_t i = 0; i < batch; i++) {
			char name[24];
			memcpy(name, tld->names[random_below(&seeded.source, tld->count)], sizeof name);
			char prefix[16];
			snprintf(prefix, sizeof prefix, "p%zu-%zu", v, i);
			tld_name(i % 2 == 0 ? NULL : prefix, i % 2 == 0 ? prefix : name, owners[i]);
			changes[i] =
			        (struct zone_change){.add = true,
			                             .type = i % 2 == 0 ? 2 : 1,
			                             .ttl = 86400,
			                             .owner = owners[i],
			                             .rdata = i % 2 == 0 ? owners[i] : (const uint8_t *)"abcd",
			                             .rdata_len = i % 2 == 0 ? (uint32_t)dns_name_len(owners[i]) : 4};
		}
		double start = seconds();
		const struct zone_snapshot *next = zone_apply(zone, changes, batch, NULL);
		total += seconds() - start;
		struct zone_facts facts;
		zone_facts(next, &facts);
		own += facts.bytes_own;
		zone_unref(zone);
		zone = next;
	}
	zone_unref(zone);
	double start = seconds();
	quiescent_drain();
	printf("apply %zu changes: %.1f us (%.2f us each), %.0f octets copied, freeing waited for %.1f us/version\n",
	       batch, total * 1e6 / (double)versions, total * 1e6 / (double)(versions * batch),
	       (double)own / (double)versions, (seconds() - start) * 1e6 / (double)versions);
	free(changes);
	free(owners);
}

int main(int argc, char **argv)
{
	size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
	bool sorted = argc > 2 && strcmp(argv[2], "sorted") == 0;
	struct tld tld;
	tld_init(&tld, count, sorted);
	const struct zone_snapshot *zone = build(&tld);
	if (argc > 3) {
		return 0;
	}
	measure_lookups(zone, &tld, "delegation", true, NULL);
	measure_lookups(zone, &tld, "below delegation", true, "www");
	measure_lookups(zone, &tld, "no name", false, NULL);
	measure_walk(zone);
	measure_apply(zone, &tld, 1, 2000);
	measure_apply(zone, &tld, 100, 200);
	zone_unref(zone);
	quiescent_drain();
	tld_deinit(&tld);
	return 0;
}
