/* SPDX-License-Identifier: MIT */
/* Heap memory and arenas. Running out of memory ends the process with one clear line: every amount that a peer or an
 * operator can ask for has a limit elsewhere, so this means that the machine is too small, and no caller could go on. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/ensure.h"

/* `size` bytes, zeroed. Free with free(). */
void *memory_new(size_t size) __attribute__((malloc, returns_nonnull));
/* `count` elements of `size` bytes, zeroed; the product may not overflow. */
void *memory_new_array(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
/* Like realloc; new bytes are not zeroed. */
void *memory_resize(void *memory, size_t count, size_t size) __attribute__((returns_nonnull));
void *memory_copy(const void *bytes, size_t len) __attribute__((malloc, returns_nonnull));
char *memory_copy_text(const char *text) __attribute__((malloc, returns_nonnull));

/* `size` bytes, zeroed, that are no part of the heap and take memory only once they are touched: for what is large and
 * goes back as a whole. Free with munmap(). */
void *memory_map(size_t size) __attribute__((malloc, returns_nonnull));
/* Gives freed memory of the heap back to the system. Walks through all of the heap: after large work only. */
void memory_give_back(void);

/* Grows `*array` so that it holds at least `needed` elements: doubles, at least 8. New elements are not zeroed. */
void memory_reserve(void **array, size_t *capacity, size_t needed, size_t size);

/* Memory that is given back all at once. One owner, one thread. */
struct arena {
	struct arena_chunk *chunks; /* newest first */
	uint8_t *at;
	uint8_t *end;
	size_t chunk_size;
	size_t used; /* bytes handed out since init or reset */
};

/* `chunk_size`: bytes taken from the heap at a time; larger requests get a chunk of their own. Takes nothing yet. */
void arena_init(struct arena *arena, size_t chunk_size);
void arena_deinit(struct arena *arena);
/* Everything handed out is gone; the first chunk is kept for reuse. */
void arena_reset(struct arena *arena);
/* `size` bytes aligned for any type, not zeroed. */
void *arena_take(struct arena *arena, size_t size) __attribute__((returns_nonnull));
/* Same without alignment, for bytes and text. */
void *arena_take_bytes(struct arena *arena, size_t size) __attribute__((returns_nonnull));
/* Without alignment: bytes and text, never a struct or an array of them. */
void *arena_copy(struct arena *arena, const void *bytes, size_t len) __attribute__((returns_nonnull));
/* Aligned for any type. */
void *arena_copy_aligned(struct arena *arena, const void *bytes, size_t len) __attribute__((returns_nonnull));
char *arena_copy_text(struct arena *arena, const char *text) __attribute__((returns_nonnull));
