/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/memory.h"
#include "base/quiescent.h"
#include "model.h"
#include "unit.h"

static struct zone *zone_named(const char *text)
{
	struct dns_name apex;
	assert_true(dns_name_from_text(text, &apex, NULL));
	return zone_new(apex.wire, 1);
}

static const char *found(struct zone *zone)
{
	static char text[DNS_NAME_TEXT_MAX];
	return zone == NULL ? "none" : dns_name_to_text(zone->apex, text);
}

static const char *find(const struct zone_set *set, const char *text)
{
	struct dns_name name;
	assert_true(dns_name_from_text(text, &name, NULL));
	return found(zone_set_find(set, name.wire));
}

static const char *find_above(const struct zone_set *set, const char *text)
{
	struct dns_name name;
	assert_true(dns_name_from_text(text, &name, NULL));
	return found(zone_set_find_above(set, name.wire));
}

static void free_all(struct zone_set *set)
{
	for (size_t i = 0; i < zone_set_count(set); i++) {
		zone_free(zone_set_at(set, i));
	}
	zone_set_free(set);
	quiescent_drain();
}

TEST(the_most_specific_zone_is_found)
{
	struct zone *zones[] = {zone_named("example."), zone_named("b.a.example."), zone_named("Org.")};
	struct zone_set *set = zone_set_new(zones, 3);
	assert_string_equal(find(set, "example."), "example.");
	assert_string_equal(find(set, "a.example."), "example.");
	assert_string_equal(find(set, "B.A.EXAMPLE."), "b.a.example.");
	assert_string_equal(find(set, "x.y.b.a.example."), "b.a.example.");
	assert_string_equal(find(set, "ab.a.example."), "example.");
	assert_string_equal(find(set, "www.org."), "Org.");
	assert_string_equal(find(set, "org.www."), "none");
	assert_string_equal(find(set, "."), "none");
	free_all(set);
}

TEST(the_zone_above_is_strictly_above)
{
	struct zone *zones[] = {zone_named("example."), zone_named("a.example."), zone_named(".")};
	struct zone_set *set = zone_set_new(zones, 3);
	assert_string_equal(find_above(set, "a.example."), "example.");
	assert_string_equal(find_above(set, "x.a.example."), "a.example.");
	assert_string_equal(find_above(set, "example."), ".");
	assert_string_equal(find_above(set, "."), "none");
	assert_string_equal(find(set, "other."), ".");
	free_all(set);
}

TEST(zones_stand_in_canonical_order)
{
	struct zone *zones[] = {zone_named("z."), zone_named("a.z."), zone_named("example."), zone_named("B.z.")};
	struct zone_set *set = zone_set_new(zones, 4);
	assert_string_equal(found(zone_set_at(set, 0)), "example.");
	assert_string_equal(found(zone_set_at(set, 1)), "z.");
	assert_string_equal(found(zone_set_at(set, 2)), "a.z.");
	assert_string_equal(found(zone_set_at(set, 3)), "B.z.");
	free_all(set);
}

TEST(an_empty_set_finds_nothing)
{
	struct zone_set *set = zone_set_new(NULL, 0);
	assert_int_equal(zone_set_count(set), 0);
	assert_string_equal(find(set, "example."), "none");
	zone_set_free(set);
}

/* ---- against a plain list ---- */

struct list {
	struct zone *zones[600];
	size_t count;
};

static struct zone *list_find(const struct list *list, const uint8_t *name, bool above)
{
	struct zone *best = NULL;
	for (size_t i = 0; i < list->count; i++) {
		struct zone *zone = list->zones[i];
		bool fits = dns_name_is_within(name, zone->apex) && !(above && dns_name_equal(name, zone->apex));
		if (fits && (best == NULL || dns_name_labels(zone->apex) > dns_name_labels(best->apex))) {
			best = zone;
		}
	}
	return best;
}

static bool list_has(const struct list *list, const uint8_t *apex)
{
	for (size_t i = 0; i < list->count; i++) {
		if (dns_name_equal(list->zones[i]->apex, apex)) {
			return true;
		}
	}
	return false;
}

/* Some names at once give what each gives alone. */
static void check_many(const struct zone_set *set, const struct list *list, struct random_source *random)
{
	struct dns_name names[ZONE_SET_FIND_MAX];
	const uint8_t *wires[ZONE_SET_FIND_MAX];
	struct zone *zones[ZONE_SET_FIND_MAX];
	size_t count = random_below(random, ZONE_SET_FIND_MAX + 1);
	for (size_t i = 0; i < count; i++) {
		names[i] = model_random_name(random, dns_name_root);
		if (list->count > 0 && random_below(random, 3) == 0) {
			names[i] = dns_name_of(list->zones[random_below(random, list->count)]->apex);
		}
		wires[i] = names[i].wire;
	}
	zone_set_find_many(set, wires, count, zones);
	for (size_t i = 0; i < count; i++) {
		assert_ptr_equal(zones[i], zone_set_find(set, wires[i]));
	}
}

static void check_set(const struct zone_set *set, const struct list *list, struct random_source *random)
{
	assert_int_equal(zone_set_count(set), list->count);
	for (size_t i = 0; i < list->count; i++) {
		assert_ptr_equal(zone_set_get(set, list->zones[i]->apex), list->zones[i]);
		if (i > 0) {
			assert_true(dns_name_compare(zone_set_at(set, i - 1)->apex, zone_set_at(set, i)->apex) < 0);
		}
	}
	for (size_t i = 0; i < 5; i++) {
		check_many(set, list, random);
	}
	for (size_t i = 0; i < 50; i++) {
		struct dns_name name = model_random_name(random, dns_name_root);
		assert_ptr_equal(zone_set_find(set, name.wire), list_find(list, name.wire, false));
		assert_ptr_equal(zone_set_find_above(set, name.wire), list_find(list, name.wire, true));
		assert_int_equal(zone_set_get(set, name.wire) != NULL, list_has(list, name.wire));
	}
}

static size_t add_some(struct list *list, struct random_source *random, struct zone **added, size_t count)
{
	size_t done = 0;
	for (size_t i = 0; i < count && list->count < ARRAY_LENGTH(list->zones); i++) {
		struct dns_name name = model_random_name(random, dns_name_root);
		if (!list_has(list, name.wire)) {
			added[done] = zone_new(name.wire, 1);
			list->zones[list->count++] = added[done++];
		}
	}
	return done;
}

static size_t remove_some(struct list *list, size_t keep, struct random_source *random, struct zone **removed,
                          size_t count)
{
	size_t done = 0;
	for (; done < count && keep > done; done++) {
		size_t pick = random_below(random, keep - done);
		removed[done] = list->zones[pick];
		list->zones[pick] = list->zones[--list->count];
		/* What was added just now stays behind the first `keep - done - 1`. */
		if (list->count > keep - done - 1 && pick < keep - done - 1) {
			struct zone *moved = list->zones[pick];
			list->zones[pick] = list->zones[keep - done - 1];
			list->zones[keep - done - 1] = moved;
		}
	}
	return done;
}

TEST(a_changed_set_finds_what_a_list_finds)
{
	struct random_seeded seeded;
	random_seeded_init(&seeded, unit_seed());
	struct random_source *random = &seeded.source;
	struct list list = {0};
	struct zone *added[80];
	struct zone *removed[80];
	struct zone_set *set = zone_set_new(NULL, 0);
	for (int step = 0; step < 300; step++) {
		size_t before = list.count;
		size_t add = add_some(&list, random, added, random_below(random, step % 40 == 0 ? 80 : 6));
		size_t gone =
		        remove_some(&list, before, random, removed, random_below(random, step % 35 == 0 ? 80 : 5));
		struct zone_set *next = zone_set_change(set, added, add, removed, gone);
		check_set(next, &list, random);
		zone_set_free(set);
		set = next;
		for (size_t i = 0; i < gone; i++) {
			zone_free(removed[i]);
		}
	}
	free_all(set);
}

TEST(a_zone_may_take_the_place_of_one_with_its_name)
{
	struct zone *old = zone_named("example.");
	struct zone *new = zone_named("EXAMPLE.");
	struct zone_set *set = zone_set_new(&old, 1);
	struct zone_set *next = zone_set_change(set, &new, 1, &old, 1);
	assert_string_equal(find(next, "example."), "EXAMPLE.");
	assert_string_equal(find(set, "example."), "example.");
	zone_set_free(set);
	zone_free(old);
	free_all(next);
}

TEST(names_of_deep_zones_are_found_together_too)
{
	struct zone *zones[] = {zone_named("a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r."), zone_named("p.q.r.")};
	struct zone_set *set = zone_set_new(zones, 2);
	struct dns_name deep;
	struct dns_name flat;
	assert_true(dns_name_from_text("x.a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.", &deep, NULL));
	assert_true(dns_name_from_text("o.p.q.r.", &flat, NULL));
	const uint8_t *names[] = {flat.wire, deep.wire, dns_name_root};
	struct zone *out[3];
	zone_set_find_many(set, names, 3, out);
	assert_ptr_equal(out[0], zones[1]);
	assert_ptr_equal(out[1], zones[0]);
	assert_null(out[2]);
	free_all(set);
}
