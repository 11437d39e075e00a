/* SPDX-License-Identifier: MIT */
/* A real store over real LMDB is written to by chance, and the power goes after each write that reached the disk, or the
 * process is killed there. Whatever is left is opened: it holds the writes up to one of them, each whole, and all that
 * somebody was told of; and it can be written to again.
 *
 * POWER_ROUNDS=N plays N such lives of a store (1), POWER_CUTS=N cuts of each (1000). */
#include "unit.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "record.h"
#include "store/store.h"
#include "zone_text.h"

#define ZONES      8
#define WRITES_MAX 80

static const char *const names[ZONES] = {"a.", "b.a.", "c.example.", "d.", "e.", "f.", "large.", "larger."};

/* What is remembered of one zone. */
struct remembered {
	bool has_head;
	bool is_primary; /* where there is a head */
	bool has_records;
	uint32_t serial;
	struct change_digest content;
	struct change_deadlines timers;
	size_t acknowledgements;
};

/* And of all, after each write. */
struct life {
	struct random_seeded chance;
	struct store *store;
	struct remembered states[WRITES_MAX + 2][ZONES];
	struct store_waiter waiters[WRITES_MAX + 1];
	const struct zone_snapshot *newest[ZONES]; /* of which there are records; references */
	struct store_head heads[ZONES];            /* of these */
	unsigned written;                          /* submitted */
	unsigned told;                             /* on the thread that commits */
	uint32_t serial;
};

static struct life *life_now;
static size_t cut_now;
static enum record_loss loss_now;

/* What was done last before the cut, for whoever looks into a failure. */
static void tell_story(void)
{
	static const char *const losses[] = {"killed", "power lost, bare", "power lost, torn"};
	print_message("# %s after operation %zu of %zu\n", losses[loss_now], cut_now, record_length());
	for (size_t i = cut_now > 25 ? cut_now - 25 : 0; i < cut_now; i++) {
		print_message("#   %s\n", record_describe(i));
	}
}

#define FAIL(...)                                                                                                      \
	do {                                                                                                           \
		tell_story();                                                                                          \
		fail_msg(__VA_ARGS__);                                                                                 \
	} while (0)

static uint64_t below(struct life *life, uint64_t bound)
{
	return random_below(&life->chance.source, bound);
}

static struct dns_name name_of(unsigned zone)
{
	struct dns_name name;
	ensure(dns_name_from_text(names[zone], &name, NULL));
	return name;
}

static unsigned setting(const char *name, unsigned otherwise)
{
	const char *text = getenv(name);
	return text == NULL ? otherwise : (unsigned)strtoul(text, NULL, 10);
}

/* ---- a life ---- */

static void note_told(struct store_waiter *self, bool is_durable, const struct error *error)
{
	if (!is_durable) {
		fail_msg("a write failed: %s", error->text);
	}
	(void)self;
	record_remark(++life_now->told);
}

static const struct zone_snapshot *make_version(struct life *life, unsigned zone, uint32_t serial)
{
	struct text text;
	uint64_t count = names[zone][0] == 'l' ? 500 + below(life, 1500) : below(life, 4) == 0 ? below(life, 250) : 3;
	text_init(&text, 1 << 20);
	for (uint64_t i = 0; i < count; i++) {
		text_format(&text, "n%u TXT \"%016llx\"\n", (unsigned)i,
		            (unsigned long long)below(life, (uint64_t)1 << 60));
	}
	const struct zone_snapshot *version = zone_of_text(names[zone], serial, text_string(&text));
	text_deinit(&text);
	return version;
}

static void write_timers(struct life *life, struct store_write *write, struct remembered *state)
{
	state->timers.refreshed_at_s = 1 + (int64_t)below(life, 1u << 30);
	state->timers.refresh_at_s = 1 + (int64_t)below(life, 1u << 30);
	state->timers.expire_at_s = 1 + (int64_t)below(life, 1u << 30);
	store_write_timers(write, &state->timers);
}

static const struct store_note note = {.at_s = 1000, .origin = CHANGE_FROM_TRANSFER, .who = "192.0.2.1@53"};

static void be_remembered(struct remembered *state, const struct store_head *head, bool has_records)
{
	state->has_head = true;
	state->is_primary = head->role == STORE_PRIMARY;
	state->has_records = has_records;
	state->serial = head->serial_published;
	state->content = head->content;
	state->acknowledgements = 0;
}

/* Of a primary's, the serial and the digest stay. */
static void be_forgotten(struct remembered *state)
{
	bool stays = state->has_head && state->is_primary;
	state->has_head = stays;
	state->has_records = false;
	state->serial = stays ? state->serial : 0;
	state->content = stays ? state->content : (struct change_digest){0};
	state->timers = (struct change_deadlines){0};
	state->acknowledgements = 0;
}

static void set_newest(struct life *life, unsigned zone, const struct zone_snapshot *take)
{
	zone_unref(life->newest[zone]);
	life->newest[zone] = take;
}

static struct store_head new_head(struct life *life, enum store_role role, const struct zone_snapshot *version)
{
	return (struct store_head){
	        .role = role, .class = 1, .serial_published = life->serial, .content = change_digest_of(version)};
}

static void write_version(struct life *life, struct store_write *write, unsigned zone, struct remembered *state)
{
	const struct zone_snapshot *version = make_version(life, zone, ++life->serial);
	life->heads[zone] = new_head(life, STORE_SECONDARY, version);
	store_write_version(write, &life->heads[zone], &note, version);
	be_remembered(state, &life->heads[zone], true);
	write_timers(life, write, state);
	set_newest(life, zone, version);
}

/* A primary's, whose records are copied later or never. */
static void write_head(struct life *life, struct store_write *write, unsigned zone, struct remembered *state)
{
	const struct zone_snapshot *version = make_version(life, zone, ++life->serial);
	life->heads[zone] = new_head(life, STORE_PRIMARY, version);
	store_write_version(write, &life->heads[zone], &note, NULL);
	be_remembered(state, &life->heads[zone], false);
	set_newest(life, zone, version);
}

static void write_change(struct life *life, struct store_write *write, unsigned zone, struct remembered *state)
{
	static const struct change_history_limits few = {
	        .count_max = 3, .octets_max = UINT64_MAX, .age_max_s = INT64_MAX};
	struct error error;
	const struct zone_snapshot *version = make_version(life, zone, ++life->serial);
	const struct changeset *set = changeset_between(life->newest[zone], version, &error);
	struct store_head before = life->heads[zone];
	life->heads[zone] = new_head(life, before.role, version);
	store_write_change(write, &before, &life->heads[zone], &note, set, &few, false);
	changeset_unref(set);
	be_remembered(state, &life->heads[zone], state->has_records);
	set_newest(life, zone, version);
}

/* All that was submitted is told when this is called. */
static void write_copy(struct life *life, struct store_write *write, unsigned zone, struct remembered *state)
{
	struct error error;
	struct store_head head;
	struct store_stand stand;
	store_flush(life->store);
	ensure(store_load_head(life->store, name_of(zone).wire, &head, &stand, NULL, &error));
	store_write_copy(write, &head, stand.number, zone_ref(life->newest[zone]));
	state->has_records = true;
}

static void write_acknowledgements(struct life *life, struct store_write *write, struct remembered *state)
{
	static const struct store_acknowledgement some[STORE_ACKNOWLEDGEMENTS_MAX];
	state->acknowledgements = 1 + below(life, STORE_ACKNOWLEDGEMENTS_MAX);
	store_write_acknowledgements(write, state->serial, some, state->acknowledgements);
}

static void submit_one(struct life *life)
{
	unsigned number = life->written++;
	unsigned zone = (unsigned)below(life, ZONES);
	memcpy(life->states[number + 1], life->states[number], sizeof life->states[number]);
	struct remembered *state = &life->states[number + 1][zone];
	struct store_write *write = store_write_new(life->store, name_of(zone).wire);
	uint64_t what = below(life, 16);
	if (what == 0) {
		store_write_forget(write);
		be_forgotten(state);
		set_newest(life, zone, NULL);
	} else if (what < 3) {
		write_head(life, write, zone, state);
	} else if (what < 11 && what > 7 && life->newest[zone] != NULL) {
		write_change(life, write, zone, state);
	} else if (what == 11 && life->newest[zone] != NULL) {
		write_copy(life, write, zone, state);
	} else if (what < 6) {
		write_timers(life, write, state);
	} else if (what < 8 && state->has_head) {
		write_acknowledgements(life, write, state);
	} else {
		write_version(life, write, zone, state);
	}
	life->waiters[number].done = note_told;
	store_submit(write, &life->waiters[number], below(life, 3) == 0 ? STORE_SOON : STORE_NOW);
}

static void open_store(struct life *life, const char *folder)
{
	struct error error;
	life->store = store_open(folder, &error);
	if (life->store == NULL) {
		fail_msg("%s", error.text);
	}
}

/* Writes in bursts, some of which wait together, with a stop and a start in the middle. */
static void live(struct life *life, const char *folder, unsigned writes)
{
	open_store(life, folder);
	while (life->written < writes) {
		for (uint64_t burst = 1 + below(life, 5); burst > 0 && life->written < writes; burst--) {
			submit_one(life);
		}
		store_flush(life->store);
		if (below(life, 20) == 0) {
			store_close(life->store);
			open_store(life, folder);
		}
	}
	store_close(life->store);
}

/* ---- what is left of it ---- */

static struct remembered state_of(struct store *store, unsigned zone)
{
	struct store_acknowledgement found[STORE_ACKNOWLEDGEMENTS_MAX];
	struct dns_name apex = name_of(zone);
	struct remembered state = {.timers = store_load_timers(store, apex.wire)};
	struct store_head head;
	struct store_stand stand;
	struct error error;
	state.has_head = store_load_head(store, apex.wire, &head, &stand, NULL, &error);
	if (!state.has_head) {
		if (error.code != ERROR_NOT_FOUND) {
			FAIL("%s: %s", names[zone], error.text);
		}
		return state;
	}
	state.serial = head.serial_published;
	state.has_records = stand.has_records;
	state.acknowledgements = store_load_acknowledgements(store, apex.wire, state.serial, found);
	state.content = head.content;
	if (state.has_records) {
		const struct change_history *history;
		const struct zone_snapshot *version = store_load_version(store, apex.wire, &head, &history, &error);
		change_history_unref(history);
		if (version == NULL) {
			FAIL("%s: %s", names[zone], error.text);
		}
		state.content = change_digest_of(version);
		zone_unref(version);
	}
	return state;
}

static bool is_same(const struct remembered *a, const struct remembered *b)
{
	bool is_same_head = a->has_head == b->has_head && a->has_records == b->has_records && a->serial == b->serial &&
	                    change_digest_equal(a->content, b->content);
	return is_same_head && a->acknowledgements == b->acknowledgements &&
	       change_deadlines_equal(&a->timers, &b->timers);
}

static bool all_are_as_after(const struct life *life, unsigned write, const struct remembered found[ZONES])
{
	unsigned zone = 0;
	while (zone < ZONES && is_same(&found[zone], &life->states[write][zone])) {
		zone++;
	}
	return zone == ZONES;
}

/* Gives how many writes there were. */
static unsigned assert_is_a_moment(const struct life *life, struct store *store, unsigned told)
{
	struct remembered found[ZONES];
	for (unsigned zone = 0; zone < ZONES; zone++) {
		found[zone] = state_of(store, zone);
	}
	unsigned write = told;
	while (write <= life->written && !all_are_as_after(life, write, found)) {
		write++;
	}
	if (write > life->written) {
		for (unsigned zone = 0; zone < ZONES; zone++) {
			print_message("# %s serial %u, after write %u it was %u\n", names[zone], found[zone].serial,
			              told, life->states[told][zone].serial);
		}
		FAIL("after %u writes were told it holds what was never there at one time", told);
	}
	return write;
}

static bool something_is_set_aside(const char *folder)
{
	bool found = false;
	DIR *entries = opendir(folder);
	for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
		found = found || strstr(entry->d_name, ".broken") != NULL;
	}
	closedir(entries);
	return found;
}

static struct store *reopen(const char *folder)
{
	struct error error;
	struct store *store = store_open(folder, &error);
	if (store == NULL) {
		FAIL("it cannot be opened: %s", error.text);
	}
	return store;
}

/* One more write to what is left; it is what is found then. */
static void assert_takes_writes(const struct life *life, const char *folder)
{
	struct life *after = memory_copy(life, sizeof *life);
	after->store = reopen(folder);
	after->written = assert_is_a_moment(life, after->store, 0);
	life_now = after;
	memset(after->newest, 0, sizeof after->newest); /* what is left may be older */
	submit_one(after);
	store_close(after->store);
	after->store = reopen(folder);
	for (unsigned zone = 0; zone < ZONES; zone++) {
		struct remembered found = state_of(after->store, zone);
		if (!is_same(&found, &after->states[after->written][zone])) {
			FAIL("%s is not as it was written after the power came back", names[zone]);
		}
	}
	store_close(after->store);
	for (unsigned zone = 0; zone < ZONES; zone++) {
		set_newest(after, zone, NULL);
	}
	free(after);
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status;
	(void)kind;
	(void)place;
	return remove(path);
}

static void remove_all(const char *folder)
{
	assert_int_equal(nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static void cut(struct life *life, const char *into, size_t count, enum record_loss loss)
{
	char data[300];
	unsigned told = (unsigned)record_remark_before(count);
	cut_now = count;
	loss_now = loss;
	snprintf(data, sizeof data, "%s/data", into);
	record_replay(into, count, loss, &life->chance.source);
	struct store *store = reopen(data);
	assert_is_a_moment(life, store, told);
	store_close(store);
	/* Before anybody was told anything there may be pieces of a file that was being made. */
	if (told > 0 && something_is_set_aside(data)) {
		FAIL("something was set aside as broken");
	}
	if (below(life, 8) == 0) {
		assert_takes_writes(life, data);
	}
	remove_all(into);
}

/* Every cut if there is time for that, else some by chance. */
static void cut_everywhere(struct life *life, const char *into, unsigned cuts)
{
	size_t all = record_length();
	for (unsigned i = 0; i < cuts; i++) {
		size_t count = all * 3 <= cuts ? i / 3 % (all + 1) : below(life, all + 1);
		enum record_loss loss = i % 3 == 0 ? RECORD_KILLED : i % 3 == 1 ? RECORD_BARE : RECORD_TORN;
		cut(life, into, count, loss);
	}
}

static void play(uint64_t seed)
{
	char folder[200];
	char data[220];
	char into[220];
	struct error error;
	struct life *life = memory_new(sizeof *life);
	struct record_counts counts;
	snprintf(folder, sizeof folder, "%s/life", unit_folder());
	snprintf(data, sizeof data, "%s/data", folder);
	snprintf(into, sizeof into, "%s/left", unit_folder());
	assert_true(folder_make(folder, &error));
	random_seeded_init(&life->chance, seed);
	life_now = life;
	record_begin(folder);
	live(life, data, WRITES_MAX / 2 + (unsigned)below(life, WRITES_MAX / 2));
	record_end();
	counts = record_counts();
	assert_true(counts.writes > life->written && counts.syncs > 10 && counts.names > 5);
	cut_everywhere(life, into, setting("POWER_CUTS", 1000));
	record_free();
	for (unsigned zone = 0; zone < ZONES; zone++) {
		set_newest(life, zone, NULL);
	}
	remove_all(folder);
	free(life);
}

TEST(power_that_goes_after_any_write_takes_nothing_that_was_told_and_leaves_nothing_half)
{
	uint64_t seed = unit_seed();
	for (unsigned round = 0; round < setting("POWER_ROUNDS", 1); round++) {
		play(seed + round);
	}
}
