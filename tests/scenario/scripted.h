/* SPDX-License-Identifier: MIT */
/* An answer to IXFR that a scenario spells out, word for word, so that it can be wrong in any way. README.md has the words. */
#pragma once

#include "world.h"

struct scripted {
	const char *at; /* the words that are left */
	const uint8_t *apex;
	uint16_t id;
	struct world_timers timers; /* of its SOAs */
	bool is_odd;                /* the next message has another id, ... */
	uint16_t flags;             /* ... these flags or RCODE, ... */
	bool is_about_other;        /* ... and this question */
};

enum scripted_step {
	SCRIPTED_MESSAGE,
	SCRIPTED_CUT,   /* the connection breaks */
	SCRIPTED_STALL, /* nothing comes any more */
	SCRIPTED_END,   /* that was all; the server closes */
};

/* The next message. `bytes` has room for `capacity` octets, which is more than any scenario spells out. */
enum scripted_step scripted_next(struct scripted *scripted, uint8_t *bytes, size_t capacity, size_t *len);
