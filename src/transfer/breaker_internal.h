/* SPDX-License-Identifier: MIT */
/* What is known of a host in one lane: does it answer? So a host that is down costs all its zones one probe.
 *
 *   UNKNOWN --answer--> UP --30 s without an answer, or doubt--> UNKNOWN
 *   UNKNOWN, UP --silence--> DOWN --its time is over, or hope--> PROBED --answer--> UP
 *                                                                PROBED --silence--> DOWN
 *
 * In UNKNOWN and PROBED one question at a time is let through, and is the probe; in DOWN none. Nobody is woken when it is
 * up again: each zone asks when its own timers say so. But NOTIFYs wait for it: scheduler.c. */
#pragma once

#include "transfer/transfer_internal.h"

struct breaker {
	int64_t heard_until_ms; /* UP until then */
	int64_t down_since_ms;  /* 0: it is not known to be down */
	int64_t down_until_ms;
	uint32_t silences; /* in a row */
	char *why;         /* of the last silence; NULL: none */
};

void breaker_deinit(struct breaker *breaker);
enum transfer_reach breaker_reach(const struct breaker *breaker, struct moment now);
/* DOWN or PROBED. */
bool breaker_is_down(const struct breaker *breaker);
/* It answered, whatever it said. */
void breaker_heard(struct breaker *breaker, struct moment now);
/* It did not answer. `silences_max` times in a row, and it is DOWN: first for BREAKER_FIRST_MS, doubled each time after that,
 * at most for `most_ms`. */
#define BREAKER_FIRST_MS 1000
#define BREAKER_MOST_MS  60000
void breaker_silent(struct breaker *breaker, const char *why, uint32_t silences_max, int64_t most_ms,
                    struct moment now);
/* An answer is late. */
void breaker_doubt(struct breaker *breaker);
/* It may be there: it seems to have sent something, or an operator thinks so. */
void breaker_hope(struct breaker *breaker, struct moment now);
/* "no answer in time; so for 4 s, nothing is sent there for 26 s"; when that is over, "..., one question is sent there to see". */
void breaker_text(const struct breaker *breaker, char out[TRANSFER_RESULT_MAX], struct moment now);
