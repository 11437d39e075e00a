/* SPDX-License-Identifier: MIT */
#include "transfer/breaker_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

/* Whoever has answered within this time is taken to be there. */
#define HEARD_MS 30000

void breaker_deinit(struct breaker *breaker)
{
	free(breaker->why);
}

enum transfer_reach breaker_reach(const struct breaker *breaker, struct moment now)
{
	if (breaker->down_since_ms != 0) {
		return breaker->down_until_ms > now.boot_ms ? TRANSFER_REACH_DOWN : TRANSFER_REACH_PROBED;
	}
	return breaker->heard_until_ms > now.boot_ms ? TRANSFER_REACH_UP : TRANSFER_REACH_UNKNOWN;
}

bool breaker_is_down(const struct breaker *breaker)
{
	return breaker->down_since_ms != 0;
}

void breaker_heard(struct breaker *breaker, struct moment now)
{
	breaker->heard_until_ms = now.boot_ms + HEARD_MS;
	breaker->down_since_ms = 0;
	breaker->silences = 0;
}

void breaker_silent(struct breaker *breaker, const char *why, uint32_t silences_max, int64_t most_ms, struct moment now)
{
	int64_t pause_ms = BREAKER_FIRST_MS;
	breaker->silences++;
	if (breaker->silences < silences_max) {
		return;
	}
	for (uint32_t i = silences_max; i < breaker->silences && pause_ms < most_ms; i++) {
		pause_ms *= 2;
	}
	free(breaker->why);
	breaker->why = memory_copy_text(why);
	breaker->heard_until_ms = 0;
	breaker->down_since_ms = breaker->down_since_ms != 0 ? breaker->down_since_ms : now.boot_ms;
	breaker->down_until_ms = now.boot_ms + (pause_ms < most_ms ? pause_ms : most_ms);
}

void breaker_doubt(struct breaker *breaker)
{
	breaker->heard_until_ms = 0;
}

void breaker_hope(struct breaker *breaker, struct moment now)
{
	if (breaker->down_since_ms == 0) {
		breaker->heard_until_ms = now.boot_ms + HEARD_MS;
	} else {
		breaker->down_until_ms = now.boot_ms; /* one question is let through, whoever made the hope up */
	}
}

/* Whoever asks may do so with a `now` that is a little older than what the breaker heard last, or when its pause is over. */
static int64_t seconds_not_below_0(int64_t ms)
{
	return ms > 0 ? ms / 1000 : 0;
}

void breaker_text(const struct breaker *breaker, char out[TRANSFER_RESULT_MAX], struct moment now)
{
	const char *why = breaker->why == NULL ? "no answer" : breaker->why;
	int64_t since_s = breaker_is_down(breaker) ? seconds_not_below_0(now.boot_ms - breaker->down_since_ms) : 0;
	if (breaker_reach(breaker, now) == TRANSFER_REACH_DOWN) {
		int64_t left_s = seconds_not_below_0(breaker->down_until_ms - now.boot_ms + 999);
		snprintf(out, TRANSFER_RESULT_MAX,
		         "%.100s; so for %" PRId64 " s, nothing is sent there for %" PRId64 " s", why, since_s, left_s);
	} else {
		snprintf(out, TRANSFER_RESULT_MAX, "%.100s; so for %" PRId64 " s, one question is sent there to see",
		         why, since_s);
	}
}
