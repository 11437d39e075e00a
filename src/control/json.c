/* SPDX-License-Identifier: MIT */
/* The structs of control.h as JSON; doc/api.md tells what each member means. */
#include <stdlib.h>
#include <string.h>

#include "control/control_internal.h"

json_t *json_of_text(const char *text)
{
	if (text == NULL) {
		return json_null();
	}
	json_t *string = json_string(text);
	if (string != NULL) {
		return string;
	}
	char *copy = memory_copy_text(text);
	for (char *at = copy; *at != '\0'; at++) {
		*at = (unsigned char)*at >= 0x80 ? '?' : *at;
	}
	string = json_string(copy);
	free(copy);
	return string;
}

static void set(json_t *object, const char *key, json_t *take)
{
	ensure(json_object_set_new(object, key, take) == 0);
}

static void set_number(json_t *object, const char *key, uint64_t number)
{
	set(object, key, json_integer((json_int_t)(number > INT64_MAX ? INT64_MAX : number)));
}

static void set_number_if(json_t *object, const char *key, bool has, uint64_t number)
{
	if (has) {
		set_number(object, key, number);
	} else {
		set(object, key, json_null());
	}
}

static void set_address(json_t *object, const struct address *address, const char *peer_name)
{
	char text[ADDRESS_TEXT_MAX];
	set(object, "address", json_of_text(address_to_text(address, text)));
	set(object, "peer", json_of_text(peer_name));
}

json_t *json_of_server(const struct control_server_status *status)
{
	json_t *object = json_object();
	json_t *zones = json_object();
	json_t *queries = json_object();
	json_t *transfers = json_object();
	set(object, "version", json_of_text(status->version));
	set_number(object, "pid", status->pid);
	set_number(object, "uptime_s", status->uptime_s);
	set(object, "configuration", json_of_text(status->conf_path));
	set(object, "configuration_problem", json_of_text(status->conf_reason));
	set(object, "store_problem", json_of_text(status->store_problem));
	set_number(zones, "all", status->zone_count);
	set_number(zones, "serving", status->zones_serving);
	set_number(zones, "loading", status->zones_loading);
	set_number(zones, "not_loaded", status->zones_not_loaded);
	set_number(zones, "expired", status->zones_expired);
	set_number(zones, "volatile", status->zones_volatile);
	set(object, "zones", zones);
	set_number(queries, "udp", status->queries_udp);
	set_number(queries, "tcp", status->queries_tcp);
	set(object, "queries", queries);
	set_number(transfers, "in", status->transfers_in);
	set_number(transfers, "out", status->transfers_out);
	set(object, "transfers", transfers);
	set_number(object, "tcp_connections", status->tcp_connections);
	set_number(object, "memory_bytes", status->memory_bytes);
	return object;
}

static json_t *json_of_primary(const struct control_primary_status *primary)
{
	json_t *object = json_object();
	set_address(object, &primary->address, primary->peer_name);
	set(object, "key", json_of_text(primary->key));
	set(object, "asked", json_boolean(primary->asked));
	set(object, "failed", json_boolean(primary->asked && primary->failed));
	set(object, "result", json_of_text(primary->asked ? primary->result : NULL));
	set_number_if(object, "serial", primary->asked && primary->has_serial, primary->serial);
	set_number_if(object, "ago_ms", primary->asked, primary->ago_ms);
	set(object, "tried", json_of_text(primary->asked ? primary->tried : NULL));
	set(object, "cause", json_of_text(primary->cause));
	set(object, "whole_because", json_of_text(primary->whole_because));
	set(object, "whole_cause", json_of_text(primary->whole_cause));
	set_number(object, "held_back_s", primary->held_back_s);
	set(object, "reach", json_of_text(primary->reach));
	set(object, "pinned", json_boolean(primary->is_pinned));
	return object;
}

static json_t *json_of_secondary(const struct control_secondary_status *secondary)
{
	json_t *object = json_object();
	bool notified = secondary->notified;
	set_address(object, &secondary->address, secondary->peer_name);
	set(object, "key", json_of_text(secondary->key));
	set(object, "notified", json_boolean(notified));
	set(object, "acknowledged", json_boolean(secondary->acknowledged));
	set_number_if(object, "serial_notified", notified || secondary->acknowledged, secondary->serial_notified);
	set_number_if(object, "notified_ago_ms", notified, secondary->notified_ago_ms);
	set_number_if(object, "attempts", notified, secondary->attempts);
	set(object, "problem", json_of_text(secondary->problem));
	set(object, "cause", json_of_text(secondary->cause));
	set(object, "reach", json_of_text(secondary->reach));
	set_number_if(object, "serial", secondary->has_serial, secondary->serial);
	set_number_if(object, "serials_behind", secondary->has_serial, secondary->serials_behind);
	set_number_if(object, "lag_ms", secondary->has_serial, secondary->lag_ms);
	return object;
}

static void set_lists(json_t *object, const struct control_zone_status *status)
{
	json_t *primaries = json_array();
	json_t *secondaries = json_array();
	for (size_t i = 0; i < status->primary_count; i++) {
		ensure(json_array_append_new(primaries, json_of_primary(&status->primaries[i])) == 0);
	}
	for (size_t i = 0; i < status->secondary_count; i++) {
		ensure(json_array_append_new(secondaries, json_of_secondary(&status->secondaries[i])) == 0);
	}
	set(object, "primaries", primaries);
	set(object, "secondaries", secondaries);
}

json_t *json_of_zone(const struct control_zone_status *status, bool whole)
{
	json_t *object = json_object();
	bool has_timers = status->role == CONTROL_SECONDARY && status->has_timers;
	set(object, "name", json_of_text(status->name));
	set(object, "role", json_of_text(control_role_name(status->role)));
	set(object, "state", json_of_text(control_state_name(status->state)));
	set_number_if(object, "serial", status->has_serial, status->serial);
	set(object, "digest", json_of_text(status->has_serial ? status->digest : NULL));
	set_number(object, "records", status->records);
	set_number(object, "names", status->names);
	set_number(object, "memory_bytes", status->memory_bytes);
	set_number_if(object, "published_ago_ms", status->has_serial, status->published_ago_ms);
	set(object, "volatile", json_boolean(status->is_volatile));
	set(object, "alarm", json_of_text(status->alarm));
	set(object, "healed", json_of_text(status->healed));
	set_number_if(object, "healed_serial", status->healed != NULL, status->healed_serial);
	set_number_if(object, "healed_ago_s", status->healed != NULL, status->healed_ago_s);
	set(object, "healed_from", json_of_text(status->healed_from));
	set(object, "reason", json_of_text(status->reason));
	set(object, "store_problem", json_of_text(status->store_problem));
	set(object, "cause", json_of_text(status->cause));
	set(object, "standing", json_of_text(control_standing_name(status->standing)));
	set(object, "doing", json_of_text(status->doing));
	set(object, "file", json_of_text(status->file));
	set(object, "refresh_in_s", has_timers ? json_integer(status->refresh_in_s) : json_null());
	set(object, "expire_in_s", has_timers ? json_integer(status->expire_in_s) : json_null());
	set_number_if(object, "proof_ago_s", has_timers && status->has_serial, status->proof_ago_s);
	set_number_if(object, "owed_serial", status->has_owed, status->owed_serial);
	set_number_if(object, "owed_for_s", status->has_owed, status->owed_for_s);
	if (whole) {
		set_number_if(object, "came_at_s", status->has_origin, (uint64_t)status->came_at_s);
		set(object, "came_from", json_of_text(status->has_origin ? status->came_from : NULL));
		set_number_if(object, "load_ago_s", status->has_load, status->load_ago_s);
		set_lists(object, status);
	}
	return object;
}

json_t *json_of_why(const struct control_zone_status *status)
{
	json_t *object = json_of_zone(status, true);
	json_t *sentences = json_array();
	struct text text;
	char *rest;
	text_init(&text, 1 << 20);
	control_why(status, &text);
	for (char *line = strtok_r(text.chars, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
		ensure(json_array_append_new(sentences, json_of_text(line)) == 0);
	}
	text_deinit(&text);
	set(object, "why", sentences);
	return object;
}

json_t *json_of_done(const struct control_done *done, bool finished)
{
	json_t *object = json_object();
	set(object, "done", json_boolean(finished));
	set(object, "text", json_of_text(done->text));
	set_number_if(object, "serial", done->has_serial, done->serial);
	return object;
}

json_t *json_of_backup(const struct control_backup *backup, const char *folder)
{
	json_t *object = json_object();
	set(object, "done", json_true());
	set(object, "folder", json_of_text(folder));
	set_number(object, "zones", backup->zones);
	set_number(object, "images", backup->images);
	set_number(object, "left_out", backup->left_out);
	set(object, "problem", json_of_text(backup->problem));
	return object;
}
