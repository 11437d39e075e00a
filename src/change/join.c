/* SPDX-License-Identifier: MIT */
/* Several changesets as one: the changes of each RR are brought together, and only the first and the last of them count,
 * because each changeset removes what is there and adds what is not. */
#include "change/changeset.h"

#include <stdlib.h>

#include "base/memory.h"
#include "dns/rdata.h"
#include "dns/type.h"

/* One change, and when it comes. */
struct step {
	struct zone_change change;
	size_t number;
};

/* The SOA first at its name, as in every changeset. */
static unsigned type_rank(uint16_t type)
{
	return type == DNS_TYPE_SOA ? 0 : type;
}

/* Of the same RR; of the SOA there is one at a time, whatever it says. */
static int compare_rr(const struct zone_change *a, const struct zone_change *b)
{
	int order = dns_name_compare(a->owner, b->owner);
	if (order != 0) {
		return order;
	}
	if (a->type != b->type) {
		return type_rank(a->type) < type_rank(b->type) ? -1 : 1;
	}
	return a->type == DNS_TYPE_SOA ? 0 : dns_rdata_compare(a->type, a->rdata, a->rdata_len, b->rdata, b->rdata_len);
}

static int compare_steps(const void *a, const void *b)
{
	const struct step *left = a;
	const struct step *right = b;
	int order = compare_rr(&left->change, &right->change);
	return order != 0 ? order : left->number < right->number ? -1 : 1;
}

static size_t count_steps(const struct changeset *const *sets, size_t count)
{
	size_t steps = 0;
	for (size_t i = 0; i < count; i++) {
		struct changeset_facts facts = changeset_facts(sets[i]);
		steps += (size_t)(facts.removed + facts.added);
	}
	return steps;
}

/* What becomes of one RR: `first` and `last` of its steps. */
static void add_outcome(struct changeset_builder *builder, const struct zone_change *first,
                        const struct zone_change *last)
{
	bool was_there = !first->add;
	bool is_there = last->add;
	bool is_same = was_there && is_there && first->ttl == last->ttl && first->type != DNS_TYPE_SOA;
	if (was_there && !is_same) {
		changeset_builder_add(builder, first);
	}
	if (is_there && !is_same) {
		changeset_builder_add(builder, last);
	}
}

const struct changeset *changeset_join(const struct changeset *const *sets, size_t count)
{
	size_t step_count = count_steps(sets, count);
	struct step *steps = memory_new_array(step_count, sizeof *steps);
	size_t at = 0;
	for (size_t i = 0; i < count; i++) {
		struct changeset_walk walk;
		changeset_walk(sets[i], &walk);
		while (changeset_walk_next(&walk, &steps[at].change)) {
			steps[at].number = at;
			at++;
		}
	}
	ensure(at == step_count);
	qsort(steps, step_count, sizeof *steps, compare_steps);
	struct changeset_builder builder;
	changeset_builder_init(&builder);
	for (size_t first = 0; first < step_count;) {
		size_t last = first;
		while (last + 1 < step_count && compare_rr(&steps[first].change, &steps[last + 1].change) == 0) {
			last++;
		}
		add_outcome(&builder, &steps[first].change, &steps[last].change);
		first = last + 1;
	}
	free(steps);
	struct error error;
	const struct changeset *set = changeset_builder_end(&builder, &error);
	ensure(set != NULL);
	return set;
}
