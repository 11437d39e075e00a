/* SPDX-License-Identifier: MIT */
/* What the set of zones costs: making one, finding, changing, octets per zone. One line per figure.
 *
 * CPU time of the measuring thread.
 *
 *     build/bench/zone_set [ZONES...] */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "base/quiescent.h"
#include "base/random.h"
#include "zone/zone.h"

#define CHANGES 2000
#define FINDS   1000000

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now); /* others may run beside */
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void name_of(size_t number, const char *prefix, struct dns_name *out)
{
	char text[64];
	snprintf(text, sizeof text, "%szone%zu.example.", prefix, number * 2654435761u % 4294967296u);
	(void)!dns_name_from_text(text, out, NULL);
}

static struct zone *zone_number(size_t number)
{
	struct dns_name apex;
	name_of(number, "", &apex);
	return zone_new(apex.wire, 1);
}

static void measure_find(const struct zone_set *set, size_t count, const char *prefix, const char *what)
{
	struct random_seeded seeded;
	random_seeded_init(&seeded, 1);
	struct dns_name *names = memory_new_array(FINDS, sizeof *names);
	size_t found = 0;
	for (size_t i = 0; i < FINDS; i++) {
		name_of(random_below(&seeded.source, count), prefix, &names[i]);
	}
	double start = seconds();
	for (size_t i = 0; i < FINDS; i++) {
		found += zone_set_find(set, names[i].wire) != NULL;
	}
	printf("find %s %.0f ns (%zu found)\n", what, (seconds() - start) * 1e9 / FINDS, found);
	free(names);
}

static struct zone_set *measure_changes(struct zone_set *set, size_t count)
{
	double total = 0;
	for (size_t i = 0; i < CHANGES; i++) {
		struct zone *gone = zone_set_at(set, i * 7919 % count);
		struct zone *come = zone_number(count + i);
		double start = seconds();
		struct zone_set *next = zone_set_change(set, &come, 1, &gone, 1);
		zone_set_free(set);
		total += seconds() - start;
		set = next;
		zone_free(gone);
	}
	printf("one zone out, one in %.1f us\n", total * 1e6 / CHANGES);
	return set;
}

static void measure(size_t count)
{
	struct zone **zones = memory_new_array(count, sizeof(struct zone *));
	for (size_t i = 0; i < count; i++) {
		zones[i] = zone_number(i);
	}
	size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
	double start = seconds();
	struct zone_set *set = zone_set_new(zones, count);
	double made = seconds() - start;
	size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
	printf("zones %zu\nmade in %.3f s, %.1f octets/zone\n", count, made, (double)(after - before) / (double)count);
	measure_find(set, count, "", "apex");
	measure_find(set, count, "www.", "below");
	set = measure_changes(set, count);
	start = seconds();
	for (size_t i = 0; i < count; i++) {
		zone_free(zone_set_at(set, i));
	}
	printf("walk and free %.0f ns/zone\n\n", (seconds() - start) * 1e9 / (double)count);
	zone_set_free(set);
	quiescent_drain();
	free(zones);
}

int main(int argc, char **argv)
{
	static const size_t usual[] = {1000, 100000, 1000000};
	for (int i = 1; i < argc; i++) {
		measure(strtoul(argv[i], NULL, 10));
	}
	for (size_t i = 0; argc == 1 && i < ARRAY_LENGTH(usual); i++) {
		measure(usual[i]);
	}
	return 0;
}
