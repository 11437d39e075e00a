/* SPDX-License-Identifier: MIT */
#include "base/memory.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#ifdef TANDEM_JEMALLOC
#include <jemalloc/jemalloc.h>

/* What is freed goes back to the system within a second or two, by a thread of the allocator's own: a server that has
 * taken a large change does not stay large. One arena for all threads: versions are made by one of them and given up by
 * another, and with an arena each, each would come to hold as much free memory as the zone has. Leaves of zones, of 4 KiB, come
 * in slabs of 16: else each is one of its own, with 128 octets of the allocator's to describe it. */
const char *malloc_conf =
        "narenas:1,background_thread:true,max_background_threads:1,dirty_decay_ms:1000,muzzy_decay_ms:0,"
        "slab_sizes:4096-4096:16";
#else
#include <malloc.h>
#endif

/* From here on mapped memory asks for huge pages: fewer faults, fewer misses of the TLB. */
#define HUGE ((size_t)4 * 1024 * 1024)

static void *must(void *memory, size_t size)
{
	if (memory == NULL) {
		fprintf(stderr, "tandem: out of memory: %zu bytes were refused\n", size);
		abort();
	}
	return memory;
}

void *memory_new(size_t size)
{
	return must(calloc(1, size == 0 ? 1 : size), size);
}

void *memory_new_array(size_t count, size_t size)
{
	return must(calloc(count == 0 ? 1 : count, size), count * size);
}

void *memory_resize(void *memory, size_t count, size_t size)
{
	return must(reallocarray(memory, count == 0 ? 1 : count, size), count * size);
}

void *memory_copy(const void *bytes, size_t len)
{
	void *copy = must(malloc(len == 0 ? 1 : len), len);
	if (len > 0) {
		memcpy(copy, bytes, len);
	}
	return copy;
}

char *memory_copy_text(const char *text)
{
	return memory_copy(text, strlen(text) + 1);
}

void *memory_map(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	must(memory == MAP_FAILED ? NULL : memory, size);
	if (size >= HUGE) {
		(void)madvise(memory, size, MADV_HUGEPAGE); /* where the kernel does not have it so, nothing is lost */
	}
	return memory;
}

void memory_give_back(void)
{
#ifdef TANDEM_JEMALLOC
	char name[40];
	snprintf(name, sizeof name, "arena.%d.purge", MALLCTL_ARENAS_ALL);
	(void)mallctl(name, NULL, NULL, NULL, 0); /* fails only if there is no such name */
#elif defined(__GLIBC__)
	malloc_trim(0);
#endif
}

void memory_reserve(void **array, size_t *capacity, size_t needed, size_t size)
{
	if (needed <= *capacity) {
		return;
	}
	size_t doubled = *capacity < 8 ? 8 : *capacity * 2;
	*capacity = needed > doubled ? needed : doubled;
	*array = memory_resize(*array, *capacity, size);
}

struct arena_chunk {
	struct arena_chunk *next;
	size_t size;
	alignas(max_align_t) uint8_t bytes[];
};

void arena_init(struct arena *arena, size_t chunk_size)
{
	ensure(chunk_size > 0);
	*arena = (struct arena){.chunk_size = chunk_size};
}

void arena_deinit(struct arena *arena)
{
	while (arena->chunks != NULL) {
		struct arena_chunk *next = arena->chunks->next;
		free(arena->chunks);
		arena->chunks = next;
	}
	*arena = (struct arena){.chunk_size = arena->chunk_size};
}

static void chunk_open(struct arena *arena, struct arena_chunk *chunk)
{
	arena->at = chunk->bytes;
	arena->end = chunk->bytes + chunk->size;
}

void arena_reset(struct arena *arena)
{
	while (arena->chunks != NULL && arena->chunks->next != NULL) {
		struct arena_chunk *next = arena->chunks->next;
		free(arena->chunks);
		arena->chunks = next;
	}
	if (arena->chunks != NULL) {
		chunk_open(arena, arena->chunks);
	}
	arena->used = 0;
}

static void *take_from_new_chunk(struct arena *arena, size_t size)
{
	size_t chunk_size = size > arena->chunk_size ? size : arena->chunk_size;
	struct arena_chunk *chunk = must(malloc(sizeof *chunk + chunk_size), chunk_size);
	chunk->size = chunk_size;
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	chunk_open(arena, chunk);
	arena->at += size;
	arena->used += size;
	return chunk->bytes;
}

static void *take_aligned(struct arena *arena, size_t size, size_t alignment)
{
	size_t padding = (alignment - (uintptr_t)arena->at % alignment) % alignment;
	size_t left = (size_t)(arena->end - arena->at);
	if (arena->chunks == NULL || padding > left || size > left - padding) {
		return take_from_new_chunk(arena, size);
	}
	void *memory = arena->at + padding;
	arena->at += padding + size;
	arena->used += size;
	return memory;
}

void *arena_take(struct arena *arena, size_t size)
{
	return take_aligned(arena, size, alignof(max_align_t));
}

void *arena_take_bytes(struct arena *arena, size_t size)
{
	return take_aligned(arena, size, 1);
}

void *arena_copy(struct arena *arena, const void *bytes, size_t len)
{
	void *copy = arena_take_bytes(arena, len);
	if (len > 0) {
		memcpy(copy, bytes, len);
	}
	return copy;
}

void *arena_copy_aligned(struct arena *arena, const void *bytes, size_t len)
{
	void *copy = arena_take(arena, len);
	if (len > 0) {
		memcpy(copy, bytes, len);
	}
	return copy;
}

char *arena_copy_text(struct arena *arena, const char *text)
{
	return arena_copy(arena, text, strlen(text) + 1);
}
