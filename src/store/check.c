/* SPDX-License-Identifier: MIT */
/* Reads all of a store and tells what of it is damaged, and what nobody needs. Changes nothing. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "store/store_internal.h"

/* What is to be known of a zone while all values are looked at. */
struct checked_zone {
	const uint8_t *apex; /* borrowed from the names */
	bool has_head;       /* a whole one */
	enum store_place place;
	uint64_t image;
	uint64_t first;
	uint64_t next;
};

struct check {
	struct store *store;
	struct store_check_sink *sink;
	struct store_check_counts *counts;
	struct checked_zone *zones; /* in the order of keys */
	size_t count;
};

static void tell(struct check *check, bool is_problem, const uint8_t *apex, const char *what, const char *then)
{
	const struct store_finding finding = {.is_problem = is_problem, .apex = apex, .what = what, .then = then};
	check->counts->problems += is_problem;
	check->counts->notes += !is_problem;
	check->sink->tell(check->sink, &finding);
}

static int compare_names(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	size_t len = a_len < b_len ? a_len : b_len;
	int order = memcmp(a, b, len);
	return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

/* NULL: no head is remembered of it. */
static const struct checked_zone *find_zone(const struct check *check, const uint8_t *apex)
{
	size_t low = 0;
	size_t high = check->count;
	size_t len = dns_name_of(apex).len;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct checked_zone *zone = &check->zones[middle];
		int order = compare_names(apex, len, zone->apex, dns_name_of(zone->apex).len);
		if (order == 0) {
			return zone;
		}
		if (order < 0) {
			high = middle;
		} else {
			low = middle + 1;
		}
	}
	return NULL;
}

/* ---- versions ---- */

#define SENTENCE_MAX (ERROR_TEXT_MAX + 300)

static void tell_version(struct check *check, const uint8_t *apex, const struct store_head_value *head, const char *why)
{
	char then[200];
	if (head->head.role == STORE_PRIMARY) {
		snprintf(then, sizeof then,
		         "the next start reads the zone file, and goes on from serial %u; secondaries get the whole "
		         "zone",
		         head->head.serial_published);
	} else {
		snprintf(then, sizeof then, "the next start transfers it anew; until then it is not served");
	}
	tell(check, true, apex, why, then);
}

static void check_history(struct check *check, const uint8_t *apex, const struct store_head_value *head,
                          const struct change_history *history)
{
	char what[200];
	uint64_t named = head->next - head->first;
	uint64_t whole = change_history_count(history);
	if (whole < named) {
		snprintf(what, sizeof what,
		         "of %" PRIu64 " changes of its history only the last %" PRIu64 " can be used", named, whole);
		tell(check, true, apex, what,
		     "the version is whole; secondaries that are further behind get the whole zone");
	}
}

/* What loading does not look at: the digest of what an image holds. */
static void check_digest(struct check *check, const uint8_t *apex, const struct store_head_value *head,
                         const struct zone_snapshot *version)
{
	if (change_digest_equal(change_digest_of(version), head->head.content)) {
		check->counts->whole++;
	} else {
		tell_version(check, apex, head, "its content does not have the digest that its head gives");
	}
}

static void check_version(struct check *check, const uint8_t *apex, const struct store_head_value *value)
{
	struct store_head head;
	struct error error;
	const struct change_history *history;
	if (!store_has_records(value->place)) {
		/* A primary that was stopped before its records were written: the file has them. */
		check->counts->whole++;
		return;
	}
	const struct zone_snapshot *version = store_load_version(check->store, apex, &head, &history, &error);
	if (version == NULL) {
		tell_version(check, apex, value, error.text);
		return;
	}
	check_digest(check, apex, value, version);
	check_history(check, apex, value, history);
	change_history_unref(history);
	zone_unref(version);
}

static void check_zone(struct check *check, struct checked_zone *zone)
{
	struct error error;
	struct store_head_value head;
	zone->has_head = store_load_head_value(check->store, zone->apex, &head, &error);
	if (zone->has_head && head.place == STORE_FORGOTTEN) {
		return; /* no zone any more: whatever else there is of it is nobody's */
	}
	check->counts->zones++;
	if (!zone->has_head) {
		tell(check, true, zone->apex, "its head cannot be read: which version was published last is not known",
		     "the next start reads the zone file, whose serial must be above the last one that was published, "
		     "or "
		     "transfers the zone anew");
		return;
	}
	zone->place = head.place;
	zone->image = head.place == STORE_IMAGE ? head.image : 0;
	zone->first = head.first;
	zone->next = head.next;
	check->sink->see(check->sink, zone->apex, &head.head);
	check_version(check, zone->apex, &head);
}

/* ---- values ---- */

struct value_check {
	struct kv_visitor visitor; /* first */
	struct check *check;
	struct dns_name orphan; /* whose values were told last as nobody's */
	bool has_orphan;
};

static void tell_orphan(struct value_check *checking, const uint8_t *apex)
{
	if (!checking->has_orphan || !dns_name_equal(checking->orphan.wire, apex)) {
		checking->orphan = dns_name_of(apex);
		checking->has_orphan = true;
		tell(checking->check, false, apex, "values of it belong to no version that is remembered",
		     "they take room, and are of no other harm");
	}
}

static bool is_form(uint8_t kind, struct kv_bytes body)
{
	struct change_deadlines timers;
	struct store_head_value head;
	struct store_note note;
	struct kv_bytes set;
	switch (kind) {
	case STORE_KEY_TIMERS:
		return store_timers_read(body, &timers);
	case STORE_KEY_ACKNOWLEDGEMENTS:
		return body.len >= 6 && body.len == 6 + 32 * (size_t)load_u16(body.at + 4);
	case STORE_KEY_HEAD:
		return store_head_read(body, &head);
	case STORE_KEY_CHANGE:
		return store_change_read(body, &note, &set);
	case STORE_KEY_FORMAT:
		return body.len == 4;
	default:
		return true;
	}
}

/* Those of the version itself are told when it is loaded. */
static void tell_value(struct check *check, uint8_t kind, const uint8_t *apex)
{
	switch (kind) {
	case STORE_KEY_TIMERS:
		tell(check, true, apex, "its timers fail their checksum", "its primaries are asked at the next start");
		break;
	case STORE_KEY_SOURCE:
		tell(check, true, apex, "the note of the files that it was read from fails its checksum",
		     "its zone file is read at the next start");
		break;
	case STORE_KEY_ACKNOWLEDGEMENTS:
		tell(check, true, apex, "who acknowledged its NOTIFY fails its checksum",
		     "all are notified at the next start");
		break;
	case STORE_KEY_FORMAT:
		tell(check, true, NULL, "the note of its format fails its checksum", "the next start notes it anew");
		break;
	default:
		break;
	}
}

static bool is_orphan(const struct checked_zone *zone, uint8_t kind, uint64_t number)
{
	if (zone == NULL) {
		return true;
	}
	return zone->has_head && ((kind == STORE_KEY_CHANGE && (number < zone->first || number >= zone->next)) ||
	                          (kind == STORE_KEY_RECORDS && zone->place != STORE_INLINE));
}

/* Without its letter, and a changeset's number. NULL: it is none. */
static const uint8_t *apex_of(struct kv_bytes *key, uint64_t *number)
{
	*number = 0;
	if (key->at[0] == STORE_KEY_CHANGE && key->len > STORE_NUMBER_SIZE) {
		key->len -= STORE_NUMBER_SIZE;
		*number = load_u64(key->at + key->len);
	}
	struct reader in = reader_of(key->at + 1, key->len - 1);
	const uint8_t *apex = dns_name_read_plain(&in);
	return apex != NULL && reader_left(&in) == 0 ? apex : NULL;
}

static bool check_value(struct kv_visitor *self, struct kv_bytes key, struct kv_bytes value)
{
	static const char kinds[] = {STORE_KEY_ACKNOWLEDGEMENTS, STORE_KEY_CHANGE, STORE_KEY_HEAD,  STORE_KEY_RECORDS,
	                             STORE_KEY_SOURCE,           STORE_KEY_TIMERS, STORE_KEY_FORMAT};
	struct value_check *checking = (struct value_check *)self;
	uint64_t number;
	uint8_t kind = key.at[0];
	const uint8_t *apex = apex_of(&key, &number);
	checking->check->counts->values++;
	if (apex == NULL || memchr(kinds, kind, sizeof kinds) == NULL) {
		tell(checking->check, true, NULL, "a value stands under a key that is none", "it is not used");
		return true;
	}
	struct kv_bytes body = store_checked(key, value);
	if (body.at == NULL || !is_form(kind, body)) {
		tell_value(checking->check, kind, apex);
	} else if (kind != STORE_KEY_FORMAT && is_orphan(find_zone(checking->check, apex), kind, number)) {
		tell_orphan(checking, apex);
	}
	return true;
}

/* ---- images ---- */

static void check_image(void *context, const struct store_image_file *file)
{
	struct check *check = context;
	char what[SENTENCE_MAX];
	const struct checked_zone *zone = NULL;
	if (file->image != NULL) {
		struct dns_name lower;
		dns_name_lower(file->image->apex.wire, &lower);
		zone = find_zone(check, lower.wire);
	}
	check->counts->images++;
	if (zone != NULL && zone->has_head && zone->image != file->id) {
		snprintf(what, sizeof what, "%s: is not what its head names", file->path);
		tell(check, false, zone->apex, what, "the next start removes it");
	} else if (file->image != NULL && zone == NULL) {
		snprintf(what, sizeof what, "%s: an image of a zone of which nothing else is remembered", file->path);
		tell(check, false, file->image->apex.wire, what, "it takes room; it may be removed");
	}
}

struct aside_check {
	struct disk_visitor visitor; /* first */
	struct check *check;
};

static void check_aside(struct disk_visitor *self, const char *name)
{
	static const char ending[] = ".broken";
	struct check *check = ((struct aside_check *)self)->check;
	size_t len = strlen(name);
	if (len >= sizeof ending && strcmp(name + len - (sizeof ending - 1), ending) == 0) {
		char what[SENTENCE_MAX];
		snprintf(what, sizeof what, "%s/%s: was set aside because it was broken", check->store->images, name);
		tell(check, false, NULL, what, "nobody uses it any more; it may be removed");
	}
}

/* ---- all ---- */

static void list_zones(struct check *check, const struct store_zone_names *names)
{
	const uint8_t *name = names->names;
	check->zones = memory_new_array(names->count + 1, sizeof *check->zones);
	check->count = names->count;
	for (size_t i = 0; i < names->count; i++) {
		check->zones[i].apex = name;
		name += dns_name_of(name).len;
	}
}

static bool check_values(struct check *check, struct error *error)
{
	struct kv *kv = check->store->kv;
	struct value_check checking = {.visitor.visit = check_value, .check = check};
	return kv->side->walk(kv, (struct kv_bytes){.len = 0}, &checking.visitor, error);
}

bool store_check(struct store *store, struct store_check_sink *sink, struct store_check_counts *counts,
                 struct error *error)
{
	struct store_zone_names names;
	struct check check = {.store = store, .sink = sink, .counts = counts};
	struct aside_check aside = {.visitor.visit = check_aside, .check = &check};
	*counts = (struct store_check_counts){0};
	if (!store_zone_names(store, &names, error)) {
		return false;
	}
	list_zones(&check, &names);
	for (size_t i = 0; i < check.count; i++) {
		check_zone(&check, &check.zones[i]);
	}
	bool done = check_values(&check, error);
	store_images_each(store->disk, store->images, check_image, &check);
	store->disk->side->list(store->disk, store->images, &aside.visitor);
	free(check.zones);
	free(names.names);
	return done;
}
