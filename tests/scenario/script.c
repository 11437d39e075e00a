/* SPDX-License-Identifier: MIT */
/* Plays scenarios: text files that say what happens in the small world and what must come of it. Prints TAP, one test for
 * each scenario. README.md has the language.
 *
 *     script FILE...            all scenarios of these files
 *     script -v FILE NAME-PART  those whose name contains this, with the log lines of the machines */
#include "world.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"

#define WORDS_MAX     32
#define FILE_SIZE_MAX (1 << 20)

struct play {
	const char *path;
	unsigned line;
	struct world *world; /* NULL: before the first scenario */
	char name[256];
	struct world_timers timers;
	char failure[1024]; /* empty: none */
	unsigned test_count;
	unsigned failed_count;
	const char *wanted; /* NULL: all */
	bool verbose;
};

struct words {
	char *items[WORDS_MAX];
	size_t count;
};

static void fail(struct play *play, const char *format, ...) PRINTF_LIKE(2, 3);
static void fail(struct play *play, const char *format, ...)
{
	va_list arguments;
	if (play->failure[0] != '\0') {
		return;
	}
	int len = snprintf(play->failure, sizeof play->failure, "%s:%u: ", play->path, play->line);
	va_start(arguments, format);
	vsnprintf(play->failure + len, sizeof play->failure - (size_t)len, format, arguments);
	va_end(arguments);
}

/* ---- words ---- */

static void split(char *line, struct words *words)
{
	char *rest = NULL;
	words->count = 0;
	for (char *word = strtok_r(line, " \t", &rest); word != NULL && words->count < WORDS_MAX;
	     word = strtok_r(NULL, " \t", &rest)) {
		words->items[words->count++] = word;
	}
}

static const char *word_at(const struct words *words, size_t index)
{
	return index < words->count ? words->items[index] : "";
}

/* "10s", "250ms", "5m", "2h", "1d", "1w"; a number alone is seconds. */
static int64_t duration_ms(struct play *play, const char *word)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {{"ms", 1},      {"", 1000},      {"s", 1000},     {"m", 60000},
	             {"h", 3600000}, {"d", 86400000}, {"w", 604800000}};
	char *end;
	int64_t number = strtoll(word, &end, 10);
	for (size_t i = 0; i < ARRAY_LENGTH(units); i++) {
		if (end != word && strcmp(end, units[i].unit) == 0) {
			return number * units[i].ms;
		}
	}
	fail(play, "not a duration: %s", word);
	return 0;
}

static uint64_t number_of(struct play *play, const char *word)
{
	char *end;
	uint64_t number = strtoull(word, &end, 10);
	if (end == word || *end != '\0') {
		fail(play, "not a number: %s", word);
	}
	return number;
}

static struct world_server *server_of(struct play *play, const char *name)
{
	struct world_server *server = world_find(play->world, name);
	if (server == NULL) {
		fail(play, "no such server: %s", name);
	}
	return server;
}

/* "a,b,c" */
static size_t servers_of(struct play *play, char *list, struct world_server *servers[WORLD_SERVERS_MAX])
{
	char *rest = NULL;
	size_t count = 0;
	for (char *name = strtok_r(list, ",", &rest); name != NULL; name = strtok_r(NULL, ",", &rest)) {
		servers[count] = server_of(play, name);
		if (servers[count] == NULL) {
			return 0;
		}
		count++;
	}
	return count;
}

/* ---- what happens ---- */

static void do_primary(struct play *play, const struct words *words)
{
	for (size_t i = 1; i < words->count; i++) {
		world_add_primary(play->world, words->items[i]);
	}
}

static void do_follow(struct play *play, const struct words *words)
{
	struct world_server *primaries[WORLD_SERVERS_MAX];
	struct world_server *server = server_of(play, word_at(words, 1));
	size_t count = words->count == 3 ? servers_of(play, words->items[2], primaries) : 0;
	if (server != NULL && count > 0) {
		world_follow(server, primaries, count);
	} else {
		fail(play, "follow NAME PRIMARY,...");
	}
}

/* secondary NAME PRIMARY,... */
static void do_secondary(struct play *play, const struct words *words)
{
	world_add_secondary(play->world, word_at(words, 1));
	do_follow(play, words);
}

static void do_tell(struct play *play, const struct words *words)
{
	struct world_server *targets[WORLD_SERVERS_MAX];
	struct world_server *server = server_of(play, word_at(words, 1));
	size_t count = words->count == 3 ? servers_of(play, words->items[2], targets) : 0;
	for (size_t i = 0; server != NULL && i < count; i++) {
		world_tell(server, targets[i]);
	}
}

/* key NAME A B [wrong|unknown]; key none A B */
static void do_key(struct play *play, const struct words *words)
{
	struct world_server *a = server_of(play, word_at(words, 2));
	struct world_server *b = server_of(play, word_at(words, 3));
	const char *how = word_at(words, 4);
	const char *name = word_at(words, 1);
	enum world_sharing sharing = strcmp(how, "wrong") == 0     ? WORLD_SHARE_WRONG
	                             : strcmp(how, "unknown") == 0 ? WORLD_SHARE_UNKNOWN
	                                                           : WORLD_SHARE;
	if (a != NULL && b != NULL) {
		world_share_key(a, b, strcmp(name, "none") == 0 ? NULL : name, sharing);
	}
}

/* tandem NAME PRIMARY,... */
static void do_tandem(struct play *play, const struct words *words)
{
	struct world_server *others[WORLD_SERVERS_MAX];
	struct world_server *server = server_of(play, word_at(words, 1));
	size_t count = words->count == 3 ? servers_of(play, words->items[2], others) : 0;
	for (size_t i = 0; server != NULL && i < count; i++) {
		world_trust_digest(server, others[i]);
	}
}

static void do_soa(struct play *play, const struct words *words)
{
	play->timers = (struct world_timers){
	        .refresh_s = (uint32_t)(duration_ms(play, word_at(words, 1)) / 1000),
	        .retry_s = (uint32_t)(duration_ms(play, word_at(words, 2)) / 1000),
	        .expire_s = (uint32_t)(duration_ms(play, word_at(words, 3)) / 1000),
	};
}

/* publish NAME SERIAL [RECORDS] */
static void do_publish(struct play *play, const struct words *words)
{
	struct world_server *server = server_of(play, word_at(words, 1));
	uint32_t serial = (uint32_t)number_of(play, word_at(words, 2));
	size_t records = words->count > 3 ? number_of(play, words->items[3]) : 10;
	if (server != NULL) {
		world_publish(server, serial, records, &play->timers);
	}
}

static void do_start(struct play *play, const struct words *words)
{
	for (size_t i = 1; i < words->count; i++) {
		struct world_server *server = server_of(play, words->items[i]);
		if (server != NULL) {
			world_start(server);
		}
	}
}

static void do_stop(struct play *play, const struct words *words)
{
	for (size_t i = 1; i < words->count; i++) {
		struct world_server *server = server_of(play, words->items[i]);
		if (server != NULL) {
			world_stop(server);
		}
	}
}

static void do_run(struct play *play, const struct words *words)
{
	world_run(play->world, duration_ms(play, word_at(words, 1)));
}

static void set_link(struct play *play, struct world_link *link, const char *what, const char *value)
{
	if (strcmp(what, "down") == 0) {
		link->down = true;
	} else if (strcmp(what, "up") == 0) {
		link->down = false;
	} else if (strcmp(what, "loss") == 0) {
		link->loss_percent = (unsigned)number_of(play, value);
	} else if (strcmp(what, "twice") == 0) {
		link->twice_percent = (unsigned)number_of(play, value);
	} else if (strcmp(what, "delay") == 0) {
		link->delay_ms = duration_ms(play, value);
	} else if (strcmp(what, "jitter") == 0) {
		link->jitter_ms = duration_ms(play, value);
	} else {
		fail(play, "link: %s?", what);
	}
}

/* link A B down|up|loss N|twice N|delay D|jitter D: both directions. path A B ...: from A to B alone. */
static void do_link(struct play *play, const struct words *words)
{
	struct world_server *a = server_of(play, word_at(words, 1));
	struct world_server *b = server_of(play, word_at(words, 2));
	if (a == NULL || b == NULL) {
		return;
	}
	set_link(play, world_link(play->world, a, b), word_at(words, 3), word_at(words, 4));
	if (strcmp(words->items[0], "link") == 0) {
		set_link(play, world_link(play->world, b, a), word_at(words, 3), word_at(words, 4));
	}
}

enum lie_kind { LIE_FLAG, LIE_NUMBER };

static const struct {
	const char *name;
	enum lie_kind kind;
	size_t offset;
} lie_rows[] = {
        {"silent", LIE_FLAG, offsetof(struct world_lies, silent)},
        {"deaf-udp", LIE_FLAG, offsetof(struct world_lies, deaf_udp)},
        {"refused", LIE_FLAG, offsetof(struct world_lies, refused)},
        {"servfail", LIE_FLAG, offsetof(struct world_lies, servfail)},
        {"no-authority", LIE_FLAG, offsetof(struct world_lies, no_authority)},
        {"truncated", LIE_FLAG, offsetof(struct world_lies, truncated)},
        {"no-edns", LIE_FLAG, offsetof(struct world_lies, no_edns)},
        {"forged-first", LIE_FLAG, offsetof(struct world_lies, forged_first)},
        {"axfr-no-edns", LIE_FLAG, offsetof(struct world_lies, axfr_no_edns)},
        {"ixfr-broken", LIE_FLAG, offsetof(struct world_lies, ixfr_broken)},
        {"ixfr-rcode", LIE_NUMBER, offsetof(struct world_lies, ixfr_rcode)},
        {"axfr-refused", LIE_FLAG, offsetof(struct world_lies, axfr_refused)},
        {"axfr-garbage", LIE_FLAG, offsetof(struct world_lies, axfr_garbage)},
        {"axfr-endless", LIE_FLAG, offsetof(struct world_lies, axfr_endless)},
        {"axfr-cut", LIE_NUMBER, offsetof(struct world_lies, axfr_cut)},
        {"axfr-stall", LIE_NUMBER, offsetof(struct world_lies, axfr_stall)},
        {"axfr-rate", LIE_NUMBER, offsetof(struct world_lies, axfr_rate)},
        {"deaf-notify", LIE_FLAG, offsetof(struct world_lies, deaf_notify)},
        {"notify-rcode", LIE_NUMBER, offsetof(struct world_lies, notify_rcode)},
        {"serial", LIE_NUMBER, offsetof(struct world_lies, serial)},
        {"disk-full", LIE_FLAG, offsetof(struct world_lies, disk_full)},
        {"picky", LIE_FLAG, offsetof(struct world_lies, picky)},
        {"tsig-none", LIE_FLAG, offsetof(struct world_lies, tsig_none)},
        {"tsig-bad", LIE_FLAG, offsetof(struct world_lies, tsig_bad)},
        {"tsig-other", LIE_FLAG, offsetof(struct world_lies, tsig_other)},
        {"tsig-cut", LIE_NUMBER, offsetof(struct world_lies, tsig_cut)},
        {"tsig-every", LIE_NUMBER, offsetof(struct world_lies, tsig_every)},
        {"digest", LIE_FLAG, offsetof(struct world_lies, digest)},
};

/* lie NAME ixfr WORD...: what scripted.h makes of them. */
static void lie_differences(struct play *play, struct world_server *server, const struct words *words)
{
	struct writer out = writer_of((uint8_t *)server->lies.ixfr, sizeof server->lies.ixfr - 1);
	for (size_t i = 3; i < words->count; i++) {
		write_bytes(&out, words->items[i], strlen(words->items[i]));
		write_u8(&out, ' ');
	}
	server->lies.ixfr[writer_len(&out)] = '\0';
	if (out.failed || words->count == WORDS_MAX) {
		fail(play, "an answer that is too long");
	}
}

/* lie NAME KIND [N] ...; honest NAME: no lies any more. */
static void do_lie(struct play *play, const struct words *words)
{
	struct world_server *server = server_of(play, word_at(words, 1));
	if (server != NULL && strcmp(word_at(words, 2), "ixfr") == 0) {
		lie_differences(play, server, words);
		return;
	}
	for (size_t i = 0; server != NULL && i < ARRAY_LENGTH(lie_rows); i++) {
		uint8_t *field = (uint8_t *)&server->lies + lie_rows[i].offset;
		if (strcmp(lie_rows[i].name, word_at(words, 2)) != 0) {
			continue;
		}
		if (lie_rows[i].kind == LIE_FLAG) {
			*(bool *)field = true;
		} else {
			uint32_t value = (uint32_t)number_of(play, word_at(words, 3));
			memcpy(field, &value, sizeof value);
		}
		server->lies.says_serial = server->lies.says_serial || strcmp(lie_rows[i].name, "serial") == 0;
		return;
	}
	fail(play, "no such lie: %s", word_at(words, 2));
}

static void do_honest(struct play *play, const struct words *words)
{
	struct world_server *server = server_of(play, word_at(words, 1));
	if (server != NULL) {
		server->lies = (struct world_lies){.silent = false};
	}
}

/* clock NAME forward|back DURATION */
static void do_clock(struct play *play, const struct words *words)
{
	struct world_server *server = server_of(play, word_at(words, 1));
	int64_t by_s = duration_ms(play, word_at(words, 3)) / 1000;
	if (server != NULL) {
		world_shift_wall(server, strcmp(word_at(words, 2), "back") == 0 ? -by_s : by_s);
	}
}

/* lose NAME disk|timers */
static void do_lose(struct play *play, const struct words *words)
{
	struct world_server *server = server_of(play, word_at(words, 1));
	if (server != NULL) {
		world_lose_disk(server, strcmp(word_at(words, 2), "timers") == 0);
	}
}

static void announce_again(struct world_server *server)
{
	struct zone_rrset soa;
	zone_soa(server->served, &soa);
	transfer_notifier_announce(server->notifier, &soa, TRANSFER_NOTIFY_MANUAL, world_server_now(server));
}

/* order NAME refresh|retransfer|flush|notify */
static void do_order(struct play *play, const struct words *words)
{
	struct world_server *server = server_of(play, word_at(words, 1));
	const char *what = word_at(words, 2);
	if (server == NULL || !server->is_up) {
		fail(play, "%s is not up", word_at(words, 1));
	} else if (strcmp(what, "refresh") == 0) {
		transfer_secondary_refresh(server->secondary, world_server_now(server));
	} else if (strcmp(what, "retransfer") == 0) {
		server->may_go_back = true;
		transfer_secondary_retransfer(server->secondary, world_server_now(server));
	} else if (strcmp(what, "flush") == 0) {
		transfer_secondary_flush(server->secondary, world_server_now(server));
	} else if (strcmp(what, "notify") == 0) {
		announce_again(server);
	} else {
		fail(play, "no such order: %s", what);
	}
}

/* notify FROM TO [SERIAL [signed]]: a NOTIFY out of the blue. */
static void do_notify(struct play *play, const struct words *words)
{
	struct world_server *from = server_of(play, word_at(words, 1));
	struct world_server *to = server_of(play, word_at(words, 2));
	struct transfer_hint hint = {.has_serial = words->count > 3};
	hint.is_proven = strcmp(word_at(words, 4), "signed") == 0;
	if (from != NULL && to != NULL && to->is_up) {
		hint.serial = hint.has_serial ? (uint32_t)number_of(play, words->items[3]) : 0;
		transfer_secondary_notified(to->secondary, &from->address, &hint, world_server_now(to));
	}
}

static const struct {
	const char *name;
	size_t offset;
	uint64_t unit; /* of a 64-bit or 32-bit member */
	size_t size;
} set_rows[] = {
        {"refresh-min", offsetof(struct world_server, config.refresh_min_s), 1000, 4},
        {"refresh-max", offsetof(struct world_server, config.refresh_max_s), 1000, 4},
        {"retry-min", offsetof(struct world_server, config.retry_min_s), 1000, 4},
        {"retry-max", offsetof(struct world_server, config.retry_max_s), 1000, 4},
        {"expire-min", offsetof(struct world_server, config.expire_min_s), 1000, 4},
        {"expire-max", offsetof(struct world_server, config.expire_max_s), 1000, 4},
        {"idle", offsetof(struct world_server, config.transfer_idle_ms), 1, 4},
        {"total", offsetof(struct world_server, config.transfer_total_ms), 1, 4},
        {"rate-min", offsetof(struct world_server, config.transfer_rate_min), 0, 8},
        {"records-max", offsetof(struct world_server, config.records_max), 0, 8},
        {"bytes-max", offsetof(struct world_server, config.bytes_max), 0, 8},
        {"lower-after", offsetof(struct world_server, config.lower_after_s), 1000, 4},
        {"pin", offsetof(struct world_server, config.pin_s), 1000, 4},
        {"startup-rate", offsetof(struct world_server, limits.startup_notify_rate), 0, 4},
};

/* set NAME OPTION VALUE ...; at run time it is a reload. */
static void do_set(struct play *play, const struct words *words)
{
	struct world_server *server = server_of(play, word_at(words, 1));
	for (size_t i = 0; server != NULL && i < ARRAY_LENGTH(set_rows); i++) {
		uint8_t *field = (uint8_t *)server + set_rows[i].offset;
		if (strcmp(set_rows[i].name, word_at(words, 2)) != 0) {
			continue;
		}
		uint64_t value = set_rows[i].unit == 0
		                         ? number_of(play, word_at(words, 3))
		                         : (uint64_t)duration_ms(play, word_at(words, 3)) / set_rows[i].unit;
		uint32_t narrow = (uint32_t)value;
		memcpy(field, set_rows[i].size == 4 ? (const void *)&narrow : (const void *)&value, set_rows[i].size);
		server->config.follows_lower |= strcmp(set_rows[i].name, "lower-after") == 0;
		world_reconfigure(server);
		return;
	}
	fail(play, "no such option: %s", word_at(words, 2));
}

/* ---- what must have come of it ---- */

static void expect_serial(struct play *play, const struct world_server *server, const char *word)
{
	uint32_t serial;
	bool serves = world_serves(server, &serial);
	if (strcmp(word, "none") == 0) {
		if (serves) {
			fail(play, "%s serves serial %" PRIu32, server->name, serial);
		}
	} else if (!serves) {
		fail(play, "%s serves nothing", server->name);
	} else if (serial != (uint32_t)number_of(play, word)) {
		fail(play, "%s serves serial %" PRIu32, server->name, serial);
	}
}

/* "3", "3..5", "..5", "3.." */
static void expect_count(struct play *play, const char *what, uint64_t count, const char *range)
{
	const char *dots = strstr(range, "..");
	uint64_t least = range == dots ? 0 : strtoull(range, NULL, 10);
	uint64_t most = dots == NULL ? least : dots[2] == '\0' ? UINT64_MAX : strtoull(dots + 2, NULL, 10);
	if (count < least || count > most) {
		fail(play, "%s: %" PRIu64 ", expected %s", what, count, range);
	}
}

static void expect_text(struct play *play, const char *text, const struct words *words, size_t first)
{
	char wanted[512] = "";
	for (size_t i = first; i < words->count; i++) {
		size_t len = strlen(wanted);
		snprintf(wanted + len, sizeof wanted - len, "%s%s", i > first ? " " : "", words->items[i]);
	}
	if (text == NULL || strstr(text, wanted) == NULL) {
		fail(play, "the text is: %s", text == NULL ? "(none)" : text);
	}
}

static void expect_status(struct play *play, const struct world_server *server, const struct words *words)
{
	struct transfer_secondary_status status;
	const char *what = word_at(words, 2);
	transfer_secondary_status(server->secondary, &status);
	if (strcmp(what, "phase") == 0) {
		expect_text(play, transfer_phase_name(status.phase), words, 3);
	} else if (strcmp(what, "owed") == 0 && strcmp(word_at(words, 3), "none") == 0) {
		if (status.owed_since_s != 0) {
			fail(play, "serial %" PRIu32 " is owed", status.owed_serial);
		}
	} else if (strcmp(what, "owed") == 0) {
		if (status.owed_since_s == 0) {
			fail(play, "nothing is owed");
		}
		expect_count(play, "the serial that is owed", status.owed_serial, word_at(words, 3));
	} else if (strcmp(what, "problem") == 0 && strcmp(word_at(words, 3), "none") == 0) {
		if (status.problem != NULL) {
			fail(play, "the problem is: %s", status.problem);
		}
	} else if (strcmp(what, "alarm") == 0 && strcmp(word_at(words, 3), "none") == 0) {
		if (status.alarm != NULL) {
			fail(play, "the alarm is: %s", status.alarm);
		}
	} else if (strcmp(what, "alarm") == 0) {
		expect_text(play, cause_name(status.alarm_cause), words, 3);
	} else if (strcmp(what, "healed") == 0) {
		expect_text(play, cause_name(status.healed_cause), words, 3);
	} else if (strcmp(what, "cause") == 0) {
		expect_text(play, cause_name(status.cause), words, 3);
	} else if (strcmp(what, "problem") == 0) {
		expect_text(play, status.problem, words, 3);
	} else {
		int64_t left_ms = status.expire_at_ms - world_server_now(server).boot_ms;
		expect_count(play, "seconds to expiry", (uint64_t)(left_ms / 1000), word_at(words, 3));
	}
}

/* expect NAME primary OTHER TEXT: what the status says of a primary. */
static void expect_primary(struct play *play, const struct world_server *server, const struct words *words)
{
	const struct world_server *other = server_of(play, word_at(words, 3));
	struct transfer_secondary_status status;
	transfer_secondary_status(server->secondary, &status);
	for (size_t i = 0; other != NULL && i < status.primary_count; i++) {
		struct transfer_primary_status primary;
		transfer_secondary_primary(server->secondary, i, world_server_now(server), &primary);
		if (address_equal(&primary.address, &other->address)) {
			expect_text(play, primary.result, words, 4);
			return;
		}
	}
	fail(play, "no such primary");
}

/* expect NAME target OTHER acknowledged SERIAL | pending | problem TEXT */
static void expect_target(struct play *play, const struct world_server *server, const struct words *words)
{
	const struct world_server *other = server_of(play, word_at(words, 3));
	const char *what = word_at(words, 4);
	struct transfer_target_status target = {.pending = false};
	for (size_t i = 0; other != NULL && i < transfer_notifier_count(server->notifier); i++) {
		transfer_notifier_target(server->notifier, i, world_server_now(server), &target);
		if (address_equal(&target.address, &other->address)) {
			break;
		}
	}
	if (strcmp(what, "pending") == 0) {
		if (!target.pending) {
			fail(play, "nothing is pending there");
		}
	} else if (strcmp(what, "problem") == 0) {
		expect_text(play, target.problem, words, 5);
	} else if (!target.acknowledged) {
		fail(play, "it did not acknowledge: %s", target.problem == NULL ? "pending" : target.problem);
	} else if (target.serial_acknowledged != (uint32_t)number_of(play, word_at(words, 5))) {
		fail(play, "it acknowledged serial %" PRIu32, target.serial_acknowledged);
	}
}

/* expect NAME content OTHER */
static void expect_content(struct play *play, const struct world_server *server, const char *name)
{
	const struct world_server *other = server_of(play, name);
	if (other != NULL && !world_is_same(server, other)) {
		fail(play, "%s does not serve what %s serves", server->name, name);
	}
}

static void do_expect(struct play *play, const struct words *words)
{
	struct world_server *server = server_of(play, word_at(words, 1));
	const char *what = word_at(words, 2);
	if (server == NULL) {
		return;
	}
	if (strcmp(what, "serial") == 0) {
		expect_serial(play, server, word_at(words, 3));
	} else if (strcmp(what, "asked") == 0) {
		expect_count(play, "SOA questions", server->counts.soa_questions, word_at(words, 3));
	} else if (strcmp(what, "transfers") == 0) {
		expect_count(play, "AXFR questions", server->counts.axfr_questions, word_at(words, 3));
	} else if (strcmp(what, "ixfrs") == 0) {
		expect_count(play, "IXFR questions", server->counts.ixfr_questions, word_at(words, 3));
	} else if (strcmp(what, "notifies") == 0) {
		expect_count(play, "NOTIFYs", server->counts.notifies, word_at(words, 3));
	} else if (strcmp(what, "published") == 0) {
		expect_count(play, "publications", server->counts.published, word_at(words, 3));
	} else if (strcmp(what, "expired") == 0) {
		expect_count(play, "expiries", server->counts.expired, word_at(words, 3));
	} else if (strcmp(what, "content") == 0) {
		expect_content(play, server, word_at(words, 3));
	} else if (strcmp(what, "settled") == 0) {
		expect_text(play, server->settled_text, words, 3);
	} else if (!server->is_up) {
		fail(play, "%s is down", server->name);
	} else if (strcmp(what, "target") == 0) {
		expect_target(play, server, words);
	} else if (server->is_primary) {
		fail(play, "%s is a primary", server->name);
	} else if (strcmp(what, "primary") == 0) {
		expect_primary(play, server, words);
	} else if (strcmp(what, "phase") == 0 || strcmp(what, "problem") == 0 || strcmp(what, "owed") == 0 ||
	           strcmp(what, "cause") == 0 || strcmp(what, "expires-in") == 0 || strcmp(what, "alarm") == 0 ||
	           strcmp(what, "healed") == 0) {
		expect_status(play, server, words);
	} else {
		fail(play, "expect what? %s", what);
	}
}

static void do_forget(struct play *play, const struct words *words)
{
	(void)words;
	for (size_t i = 0; i < world_count(play->world); i++) {
		world_at(play->world, i)->counts = (struct world_counts){.published = 0};
	}
}

/* ---- playing ---- */

static const struct {
	const char *name;
	void (*play)(struct play *play, const struct words *words);
} commands[] = {
        {"primary", do_primary}, {"secondary", do_secondary},
        {"follow", do_follow},   {"tell", do_tell},
        {"soa", do_soa},         {"publish", do_publish},
        {"start", do_start},     {"stop", do_stop},
        {"run", do_run},         {"link", do_link},
        {"path", do_link},       {"lie", do_lie},
        {"honest", do_honest},   {"clock", do_clock},
        {"lose", do_lose},       {"order", do_order},
        {"notify", do_notify},   {"set", do_set},
        {"expect", do_expect},   {"count-anew", do_forget},
        {"key", do_key},         {"tandem", do_tandem},
};

static void end_scenario(struct play *play)
{
	if (play->world == NULL) {
		return;
	}
	world_free(play->world);
	play->world = NULL;
	play->test_count++;
	if (play->failure[0] == '\0') {
		printf("ok %u - %s\n", play->test_count, play->name);
	} else {
		play->failed_count++;
		printf("not ok %u - %s\n# %s\n", play->test_count, play->name, play->failure);
	}
	fflush(stdout);
	play->failure[0] = '\0';
}

static void begin_scenario(struct play *play, const char *name)
{
	end_scenario(play);
	snprintf(play->name, sizeof play->name, "%s", name);
	if (play->wanted == NULL || strstr(name, play->wanted) != NULL) {
		play->world = world_new(1);
		play->timers = (struct world_timers){.refresh_s = 60, .retry_s = 10, .expire_s = 600};
		if (play->verbose) {
			printf("# %s\n", name);
		}
	}
}

static void play_line(struct play *play, char *line)
{
	struct words words;
	if (strncmp(line, "scenario ", 9) == 0) {
		begin_scenario(play, line + 9);
		return;
	}
	if (play->world == NULL || play->failure[0] != '\0') {
		return; /* not wanted, or over */
	}
	if (play->verbose) {
		printf("# %8.3f  %s\n", (double)world_now_ms(play->world) / 1000, line);
	}
	split(line, &words);
	for (size_t i = 0; words.count > 0 && i < ARRAY_LENGTH(commands); i++) {
		if (strcmp(commands[i].name, words.items[0]) == 0) {
			commands[i].play(play, &words);
			if (world_fault(play->world) != NULL) {
				fail(play, "%s", world_fault(play->world));
			}
			return;
		}
	}
	if (words.count > 0) {
		fail(play, "no such command: %s", words.items[0]);
	}
}

static void play_file(struct play *play, const char *path)
{
	uint8_t *bytes;
	size_t len;
	struct error error;
	const char *slash = strrchr(path, '/');
	play->path = slash == NULL ? path : slash + 1;
	if (!file_read(path, FILE_SIZE_MAX, &bytes, &len, &error)) {
		fprintf(stderr, "%s\n", error.text);
		exit(2);
	}
	char *rest = (char *)bytes;
	play->line = 0;
	while (rest != NULL) {
		char *line = strsep(&rest, "\n");
		play->line++;
		line[strcspn(line, "#")] = '\0';
		size_t end = strlen(line);
		while (end > 0 && (line[end - 1] == ' ' || line[end - 1] == '\t')) {
			line[--end] = '\0';
		}
		play_line(play, line);
	}
	end_scenario(play);
	free(bytes);
}

static void print_log(void *context, enum log_level level, const char *line)
{
	struct play *play = context;
	if (play->verbose && play->world != NULL) {
		printf("# %8.3f  %s %s\n", (double)world_now_ms(play->world) / 1000, log_level_name(level), line);
	}
}

int main(int argc, char **argv)
{
	struct play play = {.world = NULL};
	int first = 1;
	if (argc > 1 && strcmp(argv[1], "-v") == 0) {
		play.verbose = true;
		first = 2;
	}
	if (play.verbose && argc > 3) {
		play.wanted = argv[3];
		argc = 3;
	}
	log_set_sink(print_log, &play);
	log_set_level(LOG_DEBUG);
	for (int i = first; i < argc; i++) {
		play_file(&play, argv[i]);
	}
	printf("1..%u\n", play.test_count);
	return play.failed_count == 0 && play.test_count > 0 ? 0 : 1;
}
