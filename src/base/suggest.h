/* SPDX-License-Identifier: MIT */
/* "Did you mean": finds the word that was meant among those that there are. */
#pragma once

#include <stddef.h>

/* How many single changes (insert, delete, replace, swap neighbours) lead from one word to the other; case, '-' and '_'
 * do not count. More than `max`, or a word of more than 64 characters: max + 1. */
size_t edit_distance(const char *a, const char *b, size_t max);

struct suggestion {
	const char *written;
	const char *best; /* NULL: nothing is near enough */
	size_t distance;
};

/* Borrows `written`. */
struct suggestion suggestion_for(const char *written);
/* Borrows `word`; the first of the nearest ones stays. */
void suggestion_try(struct suggestion *suggestion, const char *word);
