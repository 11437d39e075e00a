/* SPDX-License-Identifier: MIT */
/* What a write makes of the head that it finds. It is done within the transaction, so that what was submitted before has
 * either come to something by then or has not. */
#include "base/bytes.h"
#include "store/store_internal.h"

/* One zone's head under way. */
struct merging {
	struct store_write *write;
	struct kv *kv;
	bool has_head; /* before this write */
	struct store_head_value head;
};

struct head_visitor {
	struct kv_visitor visitor; /* first */
	bool found;
	struct store_head_value head;
};

/* A broken one is as good as none. */
static bool keep_head(struct kv_visitor *self, struct kv_bytes key, struct kv_bytes value)
{
	struct head_visitor *visitor = (struct head_visitor *)self;
	visitor->found = store_head_read(store_checked(key, value), &visitor->head);
	return false;
}

static bool find_head(struct merging *merging, struct error *error)
{
	struct head_visitor visitor = {.visitor.visit = keep_head};
	struct store_name key = store_key_of(STORE_KEY_HEAD, merging->write->apex.wire);
	bool done = merging->kv->side->look(merging->kv, store_key_bytes(&key), &visitor.visitor, error);
	merging->has_head = visitor.found;
	merging->head = visitor.head;
	return done;
}

static bool put_head(struct merging *merging, struct error *error)
{
	uint8_t value[STORE_HEAD_SIZE_MAX + STORE_CHECKSUM_SIZE];
	struct store_name name = store_key_of(STORE_KEY_HEAD, merging->write->apex.wire);
	struct kv_bytes key = store_key_bytes(&name);
	struct kv_bytes body = {.at = value, .len = store_head_write(&merging->head, value)};
	store_u64(value + body.len, store_checksum(key, body));
	body.len += STORE_CHECKSUM_SIZE;
	return merging->kv->side->put(merging->kv, key, body, error);
}

/* ---- changesets that are there ---- */

struct kept_change {
	struct kv_visitor visitor; /* first */
	uint64_t octets;
	int64_t at_s;
	uint32_t serial_from;
};

/* A broken one counts with its octets, and as old. */
static bool look_at_change(struct kv_visitor *self, struct kv_bytes key, struct kv_bytes value)
{
	struct kept_change *kept = (struct kept_change *)self;
	(void)key;
	kept->octets = value.len;
	kept->at_s = value.len < STORE_NUMBER_SIZE ? 0 : (int64_t)load_u64(value.at);
	struct store_note note;
	struct kv_bytes set;
	if (store_change_read(value, &note, &set) && set.len >= 4) {
		kept->serial_from = load_u32(set.at);
	}
	return false;
}

static bool find_change(struct merging *merging, uint64_t number, struct kept_change *out, struct error *error)
{
	struct store_name key = store_key_of_change(merging->write->apex.wire, number);
	*out = (struct kept_change){.visitor.visit = look_at_change};
	return merging->kv->side->look(merging->kv, store_key_bytes(&key), &out->visitor, error);
}

static bool remove_change(struct merging *merging, uint64_t number, struct error *error)
{
	struct store_name key = store_key_of_change(merging->write->apex.wire, number);
	return merging->kv->side->remove(merging->kv, store_key_bytes(&key), error);
}

static bool remove_changes(struct merging *merging, struct error *error)
{
	const struct store_head_value *head = &merging->head;
	for (uint64_t number = head->first; merging->has_head && number < head->next; number++) {
		if (!remove_change(merging, number, error)) {
			return false;
		}
	}
	return true;
}

/* Forgets the oldest that recovery does not need, until the rest is within the limits (I7). */
static bool trim(struct merging *merging, struct error *error)
{
	struct store_head_value *head = &merging->head;
	const struct change_history_limits *limits = &merging->write->limits;
	while (head->first < head->base) {
		struct kept_change oldest;
		if (!find_change(merging, head->first, &oldest, error)) {
			return false;
		}
		if (head->next - head->first <= limits->count_max && head->octets <= limits->octets_max &&
		    head->note.at_s - oldest.at_s <= limits->age_max_s) {
			return true;
		}
		if (!remove_change(merging, head->first, error)) {
			return false;
		}
		head->octets -= oldest.octets < head->octets ? oldest.octets : head->octets;
		head->first++;
	}
	return true;
}

/* ---- steps ---- */

static bool take_version(struct merging *merging, struct error *error)
{
	const struct store_head_value *value = &merging->write->value;
	if (!remove_changes(merging, error)) {
		return false;
	}
	uint64_t next = merging->has_head ? merging->head.next + 1 : 1;
	merging->head = *value;
	merging->head.first = merging->head.base = merging->head.next = next;
	merging->head.octets = merging->head.behind = 0;
	return true;
}

static bool continues(const struct merging *merging)
{
	const struct store_head *there = &merging->head.head;
	const struct store_head *before = &merging->write->before;
	return merging->has_head && there->serial_published == before->serial_published &&
	       change_digest_equal(there->content, before->content);
}

/* The newest version is not what it continues: the head alone is kept, as of a version that continues nothing. */
static bool begin_anew(struct merging *merging, struct error *error)
{
	struct store_name key = store_key_of(STORE_KEY_RECORDS, merging->write->apex.wire);
	return take_version(merging, error) && merging->kv->side->remove(merging->kv, store_key_bytes(&key), error);
}

static bool take_change(struct merging *merging, struct error *error)
{
	struct store_write *write = merging->write;
	struct store_head_value *head = &merging->head;
	if (!continues(merging) && write->may_begin) {
		return begin_anew(merging, error);
	}
	if (!continues(merging)) {
		return error_set(error, ERROR_STALE, "serial %u, which it continues, is not on disk",
		                 write->before.serial_published);
	}
	struct store_name key = store_key_of_change(write->apex.wire, head->next);
	struct kv_bytes value = {.at = write->change->value, .len = write->change->len};
	if (!merging->kv->side->put(merging->kv, store_key_bytes(&key), value, error)) {
		return false;
	}
	head->head = write->value.head;
	head->note = write->value.note;
	head->next++;
	head->octets += value.len;
	if (!store_has_records(head->place)) {
		head->place = STORE_NOWHERE; /* remembered again, if it was forgotten */
		head->base = head->next;
	} else {
		head->behind += value.len;
	}
	return trim(merging, error);
}

/* What is copied is the newest version, or the first of those kept behind it begins with its serial. */
static bool is_followed(struct merging *merging, struct error *error)
{
	const struct store_write *write = merging->write;
	const struct store_head *copied = &write->value.head;
	const struct store_head_value *head = &merging->head;
	if (write->number == head->next) {
		return copied->serial_published == head->head.serial_published &&
		       change_digest_equal(copied->content, head->head.content);
	}
	struct kept_change follower;
	return find_change(merging, write->number, &follower, error) &&
	       follower.serial_from == copied->serial_published;
}

static bool take_copy(struct merging *merging, struct error *error)
{
	const struct store_write *write = merging->write;
	struct store_head_value *head = &merging->head;
	if (!merging->has_head || write->number < head->first || write->number > head->next ||
	    !is_followed(merging, error)) {
		return error_set(error, ERROR_STALE, "what followed it is not kept");
	}
	head->place = write->value.place;
	head->image = write->value.image;
	head->base = write->number;
	head->behind = 0;
	for (uint64_t number = head->base; number < head->next; number++) {
		struct kept_change change;
		if (!find_change(merging, number, &change, error)) {
			return false;
		}
		head->behind += change.octets;
	}
	return true;
}

/* Of what a primary gave, the serial and the digest stay: a serial never comes again with other content (RFC 1982 3.2). */
static bool forget(struct merging *merging, struct error *error)
{
	struct store_name key = store_key_of(STORE_KEY_HEAD, merging->write->apex.wire);
	struct store_head_value *head = &merging->head;
	if (!remove_changes(merging, error)) {
		return false;
	}
	if (!merging->has_head) {
		*head = merging->write->value;
	}
	if (head->head.role != STORE_PRIMARY) {
		return merging->kv->side->remove(merging->kv, store_key_bytes(&key), error);
	}
	head->place = STORE_FORGOTTEN;
	head->image = 0;
	head->first = head->base = head->next;
	head->octets = head->behind = 0;
	return put_head(merging, error);
}

static bool take_step(struct merging *merging, struct error *error)
{
	switch (merging->write->step) {
	case STORE_STEP_NONE:
		return true;
	case STORE_STEP_VERSION:
		return take_version(merging, error) && put_head(merging, error);
	case STORE_STEP_CHANGE:
		return take_change(merging, error) && put_head(merging, error);
	case STORE_STEP_COPY:
		return take_copy(merging, error) && put_head(merging, error);
	case STORE_STEP_FORGET:
		return forget(merging, error);
	}
	return false;
}

/* The block of a head that is there was noted before that was durable (I8). */
static bool begins_block(bool had_head, const struct store_head *before, const struct store_head *head)
{
	return head->role == STORE_PRIMARY &&
	       (!had_head || before->role != STORE_PRIMARY ||
	        store_serials_block(before->serial_published) != store_serials_block(head->serial_published));
}

bool store_merge(struct store_write *write, struct error *error)
{
	struct merging merging = {.write = write, .kv = write->store->kv};
	if (write->step == STORE_STEP_NONE) {
		return true;
	}
	if (!find_head(&merging, error)) {
		return false;
	}
	const struct store_head before = merging.head.head;
	bool had_image = merging.has_head && merging.head.place == STORE_IMAGE;
	uint64_t image_before = had_image ? merging.head.image : 0;
	if (!take_step(&merging, error)) {
		return false;
	}
	const struct store_head_value *head = &merging.head;
	bool keeps_image =
	        write->step != STORE_STEP_FORGET && head->place == STORE_IMAGE && head->image == image_before;
	write->image_before = keeps_image ? 0 : image_before;
	write->block_begins = write->step != STORE_STEP_FORGET && begins_block(merging.has_head, &before, &head->head);
	write->stand = (struct store_stand){
	        .number = head->next, .has_records = store_has_records(head->place), .behind = head->behind};
	return true;
}
