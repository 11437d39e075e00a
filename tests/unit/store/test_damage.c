/* SPDX-License-Identifier: MIT */
/* A store that was closed in good order, and damaged since: a bit, a sector, a page, its end. Each zone is what it was, or
 * told as broken, or not there; never anything else, and nothing dies of it. Then it is written to, and what is written is
 * there after the next start.
 *
 * DAMAGES=N tries so many (500). */
#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/file.h"
#include "base/random.h"
#include "base/text.h"
#include "change/changeset.h"
#include "change/digest.h"
#include "change/history.h"
#include "store/store.h"
#include "zone_text.h"

#define ZONES         24
#define LARGE         22 /* from here on: files of their own */
#define SERIALS       4  /* versions of each zone, of which some follow as changesets */
#define FILE_SIZE_MAX ((size_t)1 << 28)

/* What is wrong, as the child that looked tells by its exit status. */
enum verdict { FINE, WRONG, NOT_OPENED, NOT_WRITTEN };
static const char *const verdicts[] = {"fine", "something is served that never was", "it cannot be opened",
                                       "it does not keep what is written after it was opened"};

static const struct store_note note = {.at_s = 1000, .origin = CHANGE_FROM_TRANSFER, .who = "192.0.2.1@53"};

struct octets {
	uint8_t *at;
	size_t len;
};

static struct random_seeded chance;
static struct change_digest digests[ZONES][SERIALS + 2]; /* by serial */
static char folder[200];
static char image_paths[ZONES - LARGE][500];
static unsigned image_count;

static uint64_t below(uint64_t bound)
{
	return random_below(&chance.source, bound);
}

static struct dns_name name_of(unsigned zone)
{
	char text[20];
	struct dns_name name;
	snprintf(text, sizeof text, "zone%u.", zone);
	ensure(dns_name_from_text(text, &name, NULL));
	return name;
}

static const struct zone_snapshot *make_version(unsigned zone, uint32_t serial)
{
	char apex[20];
	struct text text;
	snprintf(apex, sizeof apex, "zone%u.", zone);
	text_init(&text, 1 << 20);
	for (unsigned i = 0; i < (zone >= LARGE ? 700u : 1 + zone * 3); i++) {
		text_format(&text, "n%u TXT \"%u %u some words of a zone\"\n", i, i == 0 ? serial : 0, i);
	}
	const struct zone_snapshot *version = zone_of_text(apex, serial, text_string(&text));
	text_deinit(&text);
	return version;
}

static void note_durable(struct store_waiter *self, bool is_durable, const struct error *error)
{
	(void)self;
	if (!is_durable) {
		fprintf(stderr, "%s\n", error->text);
		_exit(NOT_WRITTEN);
	}
}

static struct store_waiter waiter = {.done = note_durable};

static struct store_head head_of(unsigned zone, const struct zone_snapshot *version)
{
	digests[zone][zone_serial(version)] = change_digest_of(version);
	return (struct store_head){
	        .role = STORE_SECONDARY,
	        .class = 1,
	        .serial_published = zone_serial(version),
	        .content = digests[zone][zone_serial(version)],
	};
}

/* The head, the records or the changeset, and the timers are of one write each. */
static void submit(struct store_write *take, uint32_t serial)
{
	store_write_timers(take, &(struct change_deadlines){.expire_at_s = serial});
	store_submit(take, &waiter, STORE_NOW);
}

static void write_version(struct store *store, unsigned zone, uint32_t serial)
{
	struct store_write *write = store_write_new(store, name_of(zone).wire);
	const struct zone_snapshot *version = make_version(zone, serial);
	struct store_head head = head_of(zone, version);
	store_write_version(write, &head, &note, version);
	submit(write, serial);
	zone_unref(version);
}

static void write_change(struct store *store, unsigned zone, uint32_t serial)
{
	static const struct change_history_limits limits = {
	        .count_max = 100, .octets_max = UINT64_MAX, .age_max_s = INT64_MAX};
	struct error error;
	struct store_write *write = store_write_new(store, name_of(zone).wire);
	const struct zone_snapshot *from = make_version(zone, serial - 1);
	const struct zone_snapshot *version = make_version(zone, serial);
	struct store_head before = head_of(zone, from);
	struct store_head head = head_of(zone, version);
	const struct changeset *set = changeset_between(from, version, &error);
	store_write_change(write, &before, &head, &note, set, &limits, false);
	submit(write, serial);
	changeset_unref(set);
	zone_unref(from);
	zone_unref(version);
}

/* One version after the other. Of every third zone each continues nothing. */
static void write_all(struct store *store)
{
	for (uint32_t serial = 1; serial <= SERIALS; serial++) {
		for (unsigned zone = 0; zone < ZONES; zone++) {
			if (serial == 1 || zone % 3 == 0) {
				write_version(store, zone, serial);
			} else {
				write_change(store, zone, serial);
			}
		}
		store_flush(store);
	}
}

/* ---- damage ---- */

static struct octets read_all(const char *path)
{
	struct octets octets;
	struct error error;
	if (!file_read(path, FILE_SIZE_MAX, &octets.at, &octets.len, &error)) {
		fail_msg("%s", error.text);
	}
	return octets;
}

static void write_file(const char *path, struct octets octets)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, octets.at, octets.len), octets.len);
	close(fd);
}

/* Octets behind the last that is not zero are nobody's. */
static size_t used(struct octets octets)
{
	size_t len = octets.len;
	while (len > 1 && octets.at[len - 1] == 0) {
		len--;
	}
	return len;
}

static void spoil(struct octets *octets, size_t len_used, char *what, size_t size)
{
	static const size_t pieces[] = {1, 8, 512, 4096};
	size_t at = below(len_used);
	size_t len = pieces[below(4)];
	uint64_t kind = below(8);
	if (kind == 0) {
		octets->len = at;
		snprintf(what, size, "cut to %zu octets", at);
	} else if (kind < 6) {
		octets->at[at] ^= (uint8_t)(1u << below(8));
		snprintf(what, size, "a bit of octet %zu flipped", at);
	} else {
		at -= at % len;
		len = at + len > octets->len ? octets->len - at : len;
		for (size_t i = 0; i < len; i++) {
			octets->at[at + i] = kind == 6 ? 0 : (uint8_t)below(256);
		}
		snprintf(what, size, "%zu octets from %zu on are %s", len, at, kind == 6 ? "zero" : "noise");
	}
}

/* ---- looking, in a child ---- */

/* Those who are behind are led to what is served. */
static void look_at_history(unsigned zone, uint32_t newest, const struct change_history *history)
{
	for (uint32_t serial = 1; serial <= SERIALS; serial++) {
		size_t count = change_history_from(history, serial);
		struct change_digest digest = digests[zone][serial];
		for (size_t back = count; back > 0; back--) {
			const struct changeset *set = change_history_take(history, back);
			if (set == NULL) {
				fprintf(stderr, "zone%u: a change since serial %u is gone\n", zone, serial);
				_exit(WRONG);
			}
			digest = change_digest_after(digest, set);
			change_history_give_back(history, set);
		}
		if (count > 0 && !change_digest_equal(digest, digests[zone][newest])) {
			fprintf(stderr, "zone%u: the changes since serial %u lead elsewhere\n", zone, serial);
			_exit(WRONG);
		}
	}
}

/* A store that is begun anew knows what the images tell, which are of an older version where changesets followed. */
static bool is_begun_anew(void)
{
	char path[240];
	snprintf(path, sizeof path, "%s/store.mdb.broken", folder);
	return access(path, F_OK) == 0;
}

static bool may_be(const struct zone_snapshot *version, unsigned zone, uint32_t serial)
{
	uint32_t found = zone_serial(version);
	bool is_right = found == serial || (is_begun_anew() && found >= 1 && found < serial && zone >= LARGE);
	return is_right && change_digest_equal(change_digest_of(version), digests[zone][found]);
}

static void look_at_zone(struct store *store, unsigned zone, uint32_t serial, enum verdict if_lost)
{
	struct store_head head;
	struct error error;
	const struct change_history *history = NULL;
	struct dns_name apex = name_of(zone);
	const struct zone_snapshot *version = store_load_version(store, apex.wire, &head, &history, &error);
	if (version == NULL) {
		if (if_lost != FINE) {
			fprintf(stderr, "zone%u: %s\n", zone, error.text);
			_exit((int)if_lost);
		}
		return;
	}
	if (!may_be(version, zone, serial) || head.serial_published != zone_serial(version)) {
		fprintf(stderr, "zone%u: serial %u, and %u in its head\n", zone, zone_serial(version),
		        head.serial_published);
		_exit(WRONG);
	}
	look_at_history(zone, zone_serial(version), history);
	change_history_unref(history);
	zone_unref(version);
}

static struct store *open_store(enum verdict if_not)
{
	struct error error;
	struct store *store = store_open(folder, &error);
	if (store == NULL) {
		fprintf(stderr, "%s\n", error.text);
		_exit((int)if_not);
	}
	return store;
}

static void look(void)
{
	alarm(60);
	struct store *store = open_store(NOT_OPENED);
	for (unsigned zone = 0; zone < ZONES; zone++) {
		look_at_zone(store, zone, SERIALS, FINE);
	}
	for (unsigned zone = 0; zone < ZONES; zone++) {
		write_version(store, zone, SERIALS + 1);
	}
	store_close(store);
	store = open_store(NOT_WRITTEN);
	for (unsigned zone = 0; zone < ZONES; zone++) {
		look_at_zone(store, zone, SERIALS + 1, NOT_WRITTEN);
	}
	store_close(store);
}

static void look_in_child(const char *what)
{
	static const int deadly[] = {SIGBUS, SIGSEGV, SIGABRT, SIGFPE};
	int status;
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){0});
		for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++) {
			signal(deadly[i], SIG_DFL);
		}
		look();
		_exit(FINE);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status)) {
		fail_msg("%s: it dies of signal %d", what, WTERMSIG(status));
	}
	if (WEXITSTATUS(status) != FINE) {
		fail_msg("%s: %s", what, WEXITSTATUS(status) <= NOT_WRITTEN ? verdicts[WEXITSTATUS(status)] : "?");
	}
}

/* ---- the test ---- */

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status;
	(void)kind;
	(void)place;
	return remove(path);
}

static void find_images(const char *images)
{
	DIR *entries = opendir(images);
	assert_non_null(entries);
	for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
		if (entry->d_name[0] != '.') {
			assert_in_range(image_count, 0, ZONES - LARGE - 1);
			snprintf(image_paths[image_count++], sizeof *image_paths, "%s/%s", images, entry->d_name);
		}
	}
	closedir(entries);
}

static void make_store(void)
{
	char images[220];
	struct error error;
	snprintf(folder, sizeof folder, "%s/data", unit_folder());
	struct store *store = store_open(folder, &error);
	assert_non_null(store);
	write_all(store);
	store_close(store);
	snprintf(images, sizeof images, "%s/images", folder);
	find_images(images);
	assert_int_equal(image_count, ZONES - LARGE);
}

/* The folder as it was, but for what is damaged. */
static void restore(const char *store_path, struct octets store, const struct octets *images)
{
	char path[220];
	struct error error;
	assert_int_equal(nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
	snprintf(path, sizeof path, "%s/images", folder);
	assert_true(folder_make(path, &error));
	write_file(store_path, store);
	for (unsigned i = 0; i < ZONES - LARGE; i++) {
		write_file(image_paths[i], images[i]);
	}
}

TEST(damage_of_any_kind_costs_zones_and_never_serves_what_never_was)
{
	char store_path[220];
	char what[200];
	char text[100];
	const char *setting = getenv("DAMAGES");
	struct octets images[ZONES - LARGE];
	random_seeded_init(&chance, unit_seed());
	make_store();
	snprintf(store_path, sizeof store_path, "%s/store.mdb", folder);
	struct octets store = read_all(store_path);
	for (unsigned i = 0; i < ZONES - LARGE; i++) {
		images[i] = read_all(image_paths[i]);
	}
	for (unsigned i = 0; i < (setting == NULL ? 500u : (unsigned)atoi(setting)); i++) {
		const char *path = below(5) == 0 ? image_paths[below(ZONES - LARGE)] : store_path;
		restore(store_path, store, images);
		struct octets damaged = read_all(path);
		spoil(&damaged, used(damaged), text, sizeof text);
		write_file(path, damaged);
		free(damaged.at);
		snprintf(what, sizeof what, "%s: %s", strrchr(path, '/') + 1, text);
		look_in_child(what);
	}
	free(store.at);
	for (unsigned i = 0; i < ZONES - LARGE; i++) {
		free(images[i].at);
	}
}
