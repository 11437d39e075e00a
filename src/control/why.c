/* SPDX-License-Identifier: MIT */
/* A zone's status in sentences. The only place where they are made: the command prints what this says. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "control/control.h"

#define SPAN_MAX 48

/* "3 days 4 h", "1 day", "5 min 10 s", "0 s": the two largest units. */
static const char *span(uint64_t seconds, char out[static SPAN_MAX])
{
	static const struct {
		const char *one;
		const char *many;
		uint64_t seconds;
	} units[] = {{"day", "days", 86400}, {"h", "h", 3600}, {"min", "min", 60}, {"s", "s", 1}};
	size_t len = 0;
	size_t parts = 0;
	out[0] = '\0';
	for (size_t i = 0; i < ARRAY_LENGTH(units) && parts < 2; i++) {
		uint64_t count = seconds / units[i].seconds;
		seconds %= units[i].seconds;
		if (count > 0 || (i + 1 == ARRAY_LENGTH(units) && parts == 0)) {
			int more = snprintf(out + len, SPAN_MAX - len, "%s%" PRIu64 " %s", parts > 0 ? " " : "", count,
			                    count == 1 ? units[i].one : units[i].many);
			len += more > 0 ? (size_t)more : 0;
			parts++;
		} else if (parts > 0) {
			break;
		}
	}
	return out;
}

static void add_cause(struct text *out, const char *text, const char *cause)
{
	text_add_string(out, text);
	if (cause != NULL) {
		text_format(out, " (%s)", cause);
	}
}

static void add_peer(struct text *out, const struct address *address, const char *peer_name)
{
	char text[ADDRESS_TEXT_MAX];
	text_add_string(out, address_to_text(address, text));
	if (peer_name != NULL) {
		text_format(out, " (%s)", peer_name);
	}
}

/* ---- what is served ---- */

static void say_served(const struct control_zone_status *zone, struct text *out)
{
	char ago[SPAN_MAX];
	char at[32] = "";
	struct tm parts;
	time_t seconds = (time_t)zone->came_at_s;
	if (zone->standing == CONTROL_LAPSED) {
		text_format(out, "Nothing is served, but SERVFAIL: serial %" PRIu32 " has expired.\n", zone->serial);
		return;
	}
	if (!zone->has_serial || zone->state != CONTROL_SERVING) {
		text_add_string(out, "Nothing is served, but SERVFAIL: there is no version yet.\n");
		return;
	}
	text_format(out, "Serial %" PRIu32 " is served", zone->serial);
	if (zone->has_origin && gmtime_r(&seconds, &parts) != NULL) {
		strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%SZ", &parts);
		text_format(out, ", from %s, since %s (%s).\n", zone->came_from, at, span(zone->came_ago_s, ago));
	} else {
		text_format(out, ", since %s.\n", span(zone->published_ago_ms / 1000, ago));
	}
}

static void say_secondary_stands(const struct control_zone_status *zone, struct text *out)
{
	char ago[SPAN_MAX];
	switch (zone->standing) {
	case CONTROL_NOTHING:
	case CONTROL_LAPSED:
		return;
	case CONTROL_CURRENT:
		text_format(out, "It is current: a primary gave or confirmed it %s ago, and nothing newer is known.\n",
		            span(zone->proof_ago_s, ago));
		return;
	case CONTROL_BEHIND:
		text_format(out, "It is behind: serial %" PRIu32 " is known to exist since %s, and is not here yet.\n",
		            zone->owed_serial, span(zone->owed_for_s, ago));
		return;
	case CONTROL_UNPROVEN:
		text_format(out, "It is unproven: no primary has confirmed it for %s.\n", span(zone->proof_ago_s, ago));
		return;
	}
}

static void say_primary_stands(const struct control_zone_status *zone, struct text *out)
{
	char ago[SPAN_MAX];
	bool is_current = zone->standing == CONTROL_CURRENT;
	if (zone->has_load) {
		text_format(out, "Its file, %s, was looked at %s ago, and %s.\n",
		            zone->file == NULL ? "which it does not have" : zone->file, span(zone->load_ago_s, ago),
		            is_current ? "this is what it says" : "was not taken");
	}
}

/* ---- what was tried ---- */

static void say_primary(const struct control_primary_status *primary, struct text *out)
{
	char ago[SPAN_MAX];
	char held[SPAN_MAX];
	if (!primary->asked) {
		text_add_string(out, "Primary ");
		add_peer(out, &primary->address, primary->peer_name);
		text_add_string(out, " was not asked yet.\n");
		return;
	}
	text_add_string(out, "Primary ");
	add_peer(out, &primary->address, primary->peer_name);
	text_format(out, ", asked by %s %s ago: ",
	            primary->tried == NULL || *primary->tried == '\0' ? "nothing" : primary->tried,
	            span(primary->ago_ms / 1000, ago));
	add_cause(out, primary->result, primary->cause);
	if (primary->whole_because != NULL) {
		text_add_string(out, "; the whole zone was asked for in place of differences: ");
		add_cause(out, primary->whole_because, primary->whole_cause);
	}
	if (primary->held_back_s > 0) {
		text_format(out, "; what it has is tried for again in %s", span(primary->held_back_s, held));
	}
	text_add_string(out, ".\n");
	if (primary->is_pinned) {
		text_add_string(out,
		                "  What is served came from there, and the zone is pinned to it (`pin-primary`).\n");
	}
	if (primary->advice != NULL) {
		text_format(out, "  What can be done: %s.\n", primary->advice);
	}
}

/* What was tried last comes first. */
static void say_primaries(const struct control_zone_status *zone, struct text *out)
{
	size_t newest = 0;
	for (size_t i = 1; i < zone->primary_count; i++) {
		const struct control_primary_status *primary = &zone->primaries[i];
		const struct control_primary_status *best = &zone->primaries[newest];
		if (primary->asked && (!best->asked || primary->ago_ms < best->ago_ms)) {
			newest = i;
		}
	}
	for (size_t i = 0; i < zone->primary_count; i++) {
		say_primary(&zone->primaries[i == 0 ? newest : i <= newest ? i - 1 : i], out);
	}
}

/* The reason is that of one of the primaries. */
static bool is_said_of_a_primary(const struct control_zone_status *zone)
{
	for (size_t i = 0; i < zone->primary_count; i++) {
		const char *cause = zone->primaries[i].cause;
		if (cause != NULL && zone->cause != NULL && strcmp(cause, zone->cause) == 0) {
			return true;
		}
	}
	return false;
}

static void say_reason(const struct control_zone_status *zone, struct text *out)
{
	if (zone->reason == NULL) {
		return;
	}
	text_add_string(out, zone->is_volatile ? "It is not on disk, and a restart would lose it: " : "Last problem: ");
	add_cause(out, zone->reason, zone->cause);
	text_add_string(out, ".\n");
	if (zone->is_volatile && zone->role == CONTROL_PRIMARY) {
		text_add_string(
		        out, "  Until it is on disk no secondary is given it: a restart could give its serial to other "
		             "content.\n");
	}
	if (zone->advice != NULL) {
		text_format(out, "  What can be done: %s.\n", zone->advice);
	}
}

/* ---- what was wrong, and is no more ---- */

static void say_past(const struct control_zone_status *zone, struct text *out)
{
	char ago[SPAN_MAX];
	if (zone->healed != NULL) {
		text_format(out,
		            "Its content was not what it should be (%s) until %s ago, when serial %" PRIu32 " came",
		            zone->healed, span(zone->healed_ago_s, ago), zone->healed_serial);
		text_add_string(out, zone->healed_from == NULL ? "" : " from ");
		text_add_string(out, zone->healed_from == NULL ? "" : zone->healed_from);
		text_add_string(out, ".\n");
	}
	if (zone->store_problem != NULL) {
		text_format(out, "At the last start %s (%s).\n", zone->store_problem, zone->store_cause);
	}
	if (zone->store_rebuilt != NULL) {
		text_format(out, "At the last start the store was broken: %s (%s).\n", zone->store_rebuilt,
		            zone->store_rebuilt_cause);
	}
}

/* ---- what comes ---- */

static void say_next(const struct control_zone_status *zone, struct text *out)
{
	char in[SPAN_MAX];
	if (zone->doing != NULL) {
		text_format(out, "Under way: %s.\n", zone->doing);
	}
	if (!zone->has_timers) {
		return;
	}
	if (zone->doing == NULL && zone->refresh_in_s >= 0) {
		text_format(out, "The primaries are asked again in %s.\n", span((uint64_t)zone->refresh_in_s, in));
	}
	if (zone->state == CONTROL_SERVING && zone->expire_in_s >= 0) {
		text_format(out, "It expires in %s, unless a primary confirms it before.\n",
		            span((uint64_t)zone->expire_in_s, in));
	}
}

/* ---- who knows of it ---- */

static void say_secondaries(const struct control_zone_status *zone, struct text *out)
{
	size_t acknowledged = 0;
	for (size_t i = 0; i < zone->secondary_count; i++) {
		acknowledged += zone->secondaries[i].acknowledged;
	}
	if (zone->secondary_count > 0) {
		text_format(out, "Of %zu that are told of new versions, %zu have acknowledged this one.\n",
		            zone->secondary_count, acknowledged);
	}
	for (size_t i = 0; i < zone->secondary_count; i++) {
		const struct control_secondary_status *secondary = &zone->secondaries[i];
		if (!secondary->acknowledged) {
			text_add_string(out, "  Not ");
			add_peer(out, &secondary->address, secondary->peer_name);
			text_add_string(out, ": ");
			add_cause(out, secondary->problem == NULL ? "it has not answered yet" : secondary->problem,
			          secondary->cause);
			text_add_string(out, ".\n");
		}
	}
}

void control_why(const struct control_zone_status *zone, struct text *out)
{
	say_served(zone, out);
	if (zone->role == CONTROL_SECONDARY) {
		say_secondary_stands(zone, out);
		say_primaries(zone, out);
	} else {
		say_primary_stands(zone, out);
	}
	if (!is_said_of_a_primary(zone)) {
		say_reason(zone, out);
	}
	say_past(zone, out);
	say_next(zone, out);
	say_secondaries(zone, out);
}
