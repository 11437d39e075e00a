/* SPDX-License-Identifier: MIT */
/* Changesets for histories that have only the newest ones in memory. */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "store/store_internal.h"

/* A changeset that is looked for. */
struct wanted_change {
	struct kv_visitor visitor; /* first */
	const struct change_kept *what;
	bool is_it;
	uint8_t *octets; /* a copy, owned; NULL: not found, or broken */
};

static bool looks_like(struct kv_bytes set, const struct change_kept *what)
{
	return set.len == what->octets && set.len >= 8 && load_u32(set.at) == what->serial_from &&
	       load_u32(set.at + 4) == what->serial_to;
}

/* Nothing of those that it is not is looked at but the beginning. */
static bool look_at_change(struct kv_visitor *self, struct kv_bytes key, struct kv_bytes value)
{
	struct wanted_change *wanted = (struct wanted_change *)self;
	struct kv_bytes body = {.at = value.at, .len = value.len - STORE_CHECKSUM_SIZE};
	struct kv_bytes set;
	struct store_note note;
	if (value.len < STORE_CHECKSUM_SIZE || !store_change_read(body, &note, &set) ||
	    !looks_like(set, wanted->what)) {
		return false;
	}
	wanted->is_it = true;
	key.len -= STORE_NUMBER_SIZE;
	if (store_checked(key, value).at != NULL) {
		wanted->octets = memory_copy(set.at, set.len);
	}
	return false;
}

static const struct changeset *fetch(const struct change_keeper *self, const uint8_t *apex,
                                     const struct change_kept *what)
{
	const struct store *store = (const struct store *)(const void *)self;
	struct store_head_value head;
	struct error error;
	struct wanted_change wanted = {.visitor.visit = look_at_change, .what = what};
	if (!store_load_head_value((struct store *)(uintptr_t)store, apex, &head, &error) ||
	    head.next - head.first < what->back) {
		return NULL;
	}
	/* Newer ones may have been kept since: it is this one, or one before it. */
	for (uint64_t number = head.next - what->back + 1; number > head.first && !wanted.is_it; number--) {
		struct store_name key = store_key_of_change(apex, number - 1);
		if (!store->kv->side->read(store->kv, store_key_bytes(&key), &wanted.visitor, &error)) {
			return NULL;
		}
	}
	const struct changeset *set =
	        wanted.octets == NULL ? NULL : changeset_from_octets(wanted.octets, what->octets, &error);
	free(wanted.octets);
	return set;
}

void store_keeper_init(struct store *store)
{
	store->keeper.fetch = fetch;
}

const struct change_keeper *store_keeper(const struct store *store)
{
	return &store->keeper;
}
