/* SPDX-License-Identifier: MIT */
#include "base/suggest.h"

#include <stdbool.h>
#include <string.h>

static char folded(char c)
{
	if (c == '_') {
		return '-';
	}
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

#define WORD_MAX 64 /* longer words are nobody's typing error */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t edit_distance(const char *a, const char *b, size_t max)
{
	size_t a_len = strlen(a);
	size_t b_len = strlen(b);
	if (a_len > WORD_MAX || b_len > WORD_MAX) {
		return max + 1;
	}
	/* Optimal string alignment: rows of the last two characters of `a` and of this one. */
	size_t before[WORD_MAX + 1] = {0};
	size_t last[WORD_MAX + 1];
	size_t now[WORD_MAX + 1];
	for (size_t j = 0; j <= b_len; j++) {
		last[j] = j;
	}
	for (size_t i = 1; i <= a_len; i++) {
		now[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t other = folded(a[i - 1]) != folded(b[j - 1]);
			now[j] = least(last[j - 1] + other, least(last[j], now[j - 1]) + 1);
			bool swapped = i > 1 && j > 1 && folded(a[i - 1]) == folded(b[j - 2]) &&
			               folded(a[i - 2]) == folded(b[j - 1]);
			if (swapped) {
				now[j] = least(now[j], before[j - 2] + 1);
			}
		}
		memcpy(before, last, sizeof before);
		memcpy(last, now, sizeof last);
	}
	return least(last[b_len], max + 1);
}

struct suggestion suggestion_for(const char *written)
{
	/* A third of the word may be wrong, but never so much that anything fits. */
	size_t allowed = strlen(written) / 3;
	return (struct suggestion){.written = written, .distance = (allowed < 1 ? 1 : allowed > 4 ? 4 : allowed) + 1};
}

void suggestion_try(struct suggestion *suggestion, const char *word)
{
	size_t distance = edit_distance(suggestion->written, word, suggestion->distance);
	if (distance < suggestion->distance) {
		suggestion->distance = distance;
		suggestion->best = word;
	}
}
