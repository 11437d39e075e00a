/* SPDX-License-Identifier: MIT */
#include "base/random.h"

#include "base/ensure.h"

uint64_t random_below(struct random_source *source, uint64_t bound)
{
	ensure(bound > 0);
	/* The high half of a 128-bit product; its bias is below bound / 2^64. */
	return (uint64_t)(((unsigned __int128)source->next(source) * bound) >> 64);
}

static uint64_t seeded_next(struct random_source *self)
{
	struct random_seeded *seeded = (struct random_seeded *)self;
	/* A Weyl sequence through two multiply-xorshift rounds. */
	seeded->state += 0x9e3779b97f4a7c15u;
	uint64_t mixed = seeded->state;
	mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
	mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
	return mixed ^ (mixed >> 31);
}

void random_seeded_init(struct random_seeded *seeded, uint64_t seed)
{
	*seeded = (struct random_seeded){.source = {.next = seeded_next}, .state = seed};
}
