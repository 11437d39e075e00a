/* SPDX-License-Identifier: MIT */
#include "transfer/timer_internal.h"

#include "base/ensure.h"
#include "base/memory.h"

static void put(struct transfer_timers_heap *heap, size_t index, struct transfer_timer *timer)
{
	heap->slots[index] = timer;
	timer->place = index + 1;
}

static void sift_up(struct transfer_timers_heap *heap, size_t index)
{
	struct transfer_timer *timer = heap->slots[index];
	while (index > 0) {
		size_t parent = (index - 1) / 2;
		if (heap->slots[parent]->at_ms <= timer->at_ms) {
			break;
		}
		put(heap, index, heap->slots[parent]);
		index = parent;
	}
	put(heap, index, timer);
}

static void sift_down(struct transfer_timers_heap *heap, size_t index)
{
	struct transfer_timer *timer = heap->slots[index];
	while (true) {
		size_t child = 2 * index + 1;
		if (child >= heap->count) {
			break;
		}
		if (child + 1 < heap->count && heap->slots[child + 1]->at_ms < heap->slots[child]->at_ms) {
			child++;
		}
		if (timer->at_ms <= heap->slots[child]->at_ms) {
			break;
		}
		put(heap, index, heap->slots[child]);
		index = child;
	}
	put(heap, index, timer);
}

void transfer_heap_set(struct transfer_timers_heap *heap, struct transfer_timer *timer, int64_t at_ms)
{
	timer->at_ms = at_ms;
	if (timer->place == 0) {
		memory_reserve((void **)&heap->slots, &heap->capacity, heap->count + 1,
		               sizeof(struct transfer_timer *));
		put(heap, heap->count++, timer);
	}
	sift_up(heap, timer->place - 1);
	sift_down(heap, timer->place - 1);
}

void transfer_heap_remove(struct transfer_timers_heap *heap, struct transfer_timer *timer)
{
	if (timer->place == 0) {
		return;
	}
	size_t index = timer->place - 1;
	ensure(heap->slots[index] == timer);
	timer->place = 0;
	struct transfer_timer *last = heap->slots[--heap->count];
	if (last != timer) {
		put(heap, index, last);
		sift_up(heap, index);
		sift_down(heap, last->place - 1);
	}
}

int64_t transfer_heap_earliest(const struct transfer_timers_heap *heap)
{
	return heap->count == 0 ? TRANSFER_NEVER : heap->slots[0]->at_ms;
}

struct transfer_timer *transfer_heap_take_due(struct transfer_timers_heap *heap, int64_t now_ms)
{
	if (transfer_heap_earliest(heap) > now_ms || heap->count == 0) {
		return NULL;
	}
	struct transfer_timer *timer = heap->slots[0];
	transfer_heap_remove(heap, timer);
	return timer;
}
