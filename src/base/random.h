/* SPDX-License-Identifier: MIT */
/* Random numbers as something that is passed in. `random_seeded` repeats from its seed and is for tests, jitter and
 * hash seeds; message ids and ports come from crypto/, which fills in the same interface. */
#pragma once

#include <stdint.h>

struct random_source {
	uint64_t (*next)(struct random_source *self); /* 64 fresh bits */
};

/* Uniform in [0, bound); bound > 0. */
uint64_t random_below(struct random_source *source, uint64_t bound);

/* Repeats exactly from its seed. Not for secrets. One thread. */
struct random_seeded {
	struct random_source source; /* hand out &x.source */
	uint64_t state;
};

void random_seeded_init(struct random_seeded *seeded, uint64_t seed);
