/* SPDX-License-Identifier: MIT */
/* A whole configuration: sections in the order in which they need each other. */
#include <libgen.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "conf/flags_internal.h"
#include "conf/read_internal.h"
#include "dns/name.h"

/* What conf.h shows, and what it keeps to itself. */
struct conf_whole {
	struct conf conf; /* first, so that one pointer is both */
	_Atomic unsigned references;
	struct arena arena;
	struct table zone_table; /* lower-case wire name to index */
};

static const char *const section_names[] = {"server", "keys", "peers", "groups", "zones"};

/* --- Sections ---------------------------------------------------------------------------------------------------- */

/* `zones:` with nothing behind it, as it is left when its last zone is taken out. */
static bool is_empty(const struct tree_node *node)
{
	return node->kind == TREE_SCALAR && node->text[0] == '\0';
}

/* The items of a section, each a map; NULL and count 0 when the section is missing or empty. */
static const struct tree_node *section_items(struct reading *reading, const struct tree_node *root, const char *name,
                                             size_t *count)
{
	const struct tree_node *list = tree_find(root, name);
	*count = 0;
	if (list == NULL || is_empty(list)) {
		return NULL;
	}
	if (list->kind != TREE_LIST) {
		problem_kind(reading, list, name, "a list");
		return NULL;
	}
	for (const struct tree_node *item = list->first; item != NULL; item = item->next) {
		(*count)++;
	}
	return list->first;
}

static void set_standards(struct reading *reading, const struct rows *rows, void *base)
{
	for (size_t i = 0; i < rows->count; i++) {
		value_set_standard(reading, &rows->rows[i], base);
	}
}

/* Which line of the file an item is on: 0 for flags. */
static bool problem_twice(struct reading *reading, const struct tree_node *item, const char *what, const char *name,
                          uint32_t first_line)
{
	const struct tree_node *name_node = tree_find(item, "name");
	if (first_line == 0) {
		return problem(&reading->problems, name_node->place, "%s %s is there twice", what, name);
	}
	return problem(&reading->problems, name_node->place, "%s %s is there twice; first at line %u", what, name,
	               first_line);
}

static void read_server(struct reading *reading, const struct tree_node *root, struct conf_server *server)
{
	struct section section = {.rows = &server_rows, .base = server};
	const struct tree_node *node = tree_find(root, "server");
	if (node != NULL && !is_empty(node)) {
		read_map(reading, node, &section, 1);
	}
	/* Afterwards, so that the default of an option that is written cannot be what is wrong. */
	for (size_t i = 0; i < server_rows.count; i++) {
		if ((section.seen & (uint64_t)1 << i) == 0) {
			value_set_standard(reading, &server_rows.rows[i], server);
		}
	}
}

/* What the file has, with what is said beside it. */
static bool read_key_file(struct reading *reading, const struct tree_node *item, const struct conf_key *key,
                          struct tsig_written *out)
{
	const struct tree_node *algorithm = tree_find(item, "algorithm");
	const struct tree_node *file = tree_find(item, "file");
	struct error error;
	if (!tsig_key_read_file(key->file, out, &error)) {
		return problem(&reading->problems, file->place, "file: %s", error.text);
	}
	if (!dns_name_equal(out->name.wire, key->name)) {
		char name[DNS_NAME_TEXT_MAX];
		return problem(&reading->problems, file->place, "file: %s has a key called %s, not %s", key->file,
		               dns_name_to_text(out->name.wire, name), key->name_text);
	}
	if (algorithm != NULL && out->algorithm != key->algorithm) {
		return problem(&reading->problems, algorithm->place, "algorithm: %s says %s", key->file,
		               tsig_algorithm_name(out->algorithm));
	}
	return true;
}

static bool read_key_secret(struct reading *reading, const struct tree_node *item, const struct conf_key *key,
                            struct tsig_written *out)
{
	if (tree_find(item, "algorithm") == NULL) {
		return problem(&reading->problems, item->place, "a key needs `algorithm`");
	}
	out->name = dns_name_of(key->name);
	out->algorithm = key->algorithm;
	out->secret_len = key->secret.len;
	memcpy(out->secret, key->secret.bytes, key->secret.len);
	return true;
}

/* The secret itself, from one of the two places where it may be. */
static bool make_key(struct reading *reading, const struct tree_node *item, struct conf_key *key)
{
	struct tsig_written written = {0};
	struct error error;
	bool has_secret = tree_find(item, "secret") != NULL;
	if (has_secret == (key->file != NULL)) {
		return problem(&reading->problems, item->place, "a key needs `secret` or `file`%s",
		               has_secret ? ", not both" : "");
	}
	if (!(has_secret ? read_key_secret : read_key_file)(reading, item, key, &written)) {
		return false;
	}
	if (written.algorithm == TSIG_HMAC_MD5 && !reading->allow_hmac_md5) {
		return problem(&reading->problems, item->place,
		               "key %s: hmac-md5 is refused; if the other side knows nothing better, `server:` needs "
		               "`allow-hmac-md5: on`",
		               key->name_text);
	}
	key->algorithm = written.algorithm;
	written.mac_len = key->mac_length != 0 ? key->mac_length : written.mac_len;
	key->key = tsig_key_of(&written, &error);
	explicit_bzero(written.secret, sizeof written.secret);
	return key->key != NULL || problem(&reading->problems, item->place, "key %s: %s", key->name_text, error.text);
}

static void read_keys(struct reading *reading, const struct tree_node *root)
{
	size_t count;
	const struct tree_node *item = section_items(reading, root, "keys", &count);
	uint32_t *lines = memory_new_array(count + 1, sizeof *lines);
	reading->keys = arena_take(reading->arena, (count + 1) * sizeof *reading->keys);
	for (; item != NULL; item = item->next) {
		struct conf_key *key = &reading->keys[reading->key_count];
		*key = (struct conf_key){0};
		struct section section = {.rows = &key_rows, .base = key};
		bool right = read_map(reading, item, &section, 1);
		size_t first;
		if (key->name == NULL) {
			continue;
		}
		if (!table_add(&reading->key_table, key->name, dns_name_len(key->name), reading->key_count, &first)) {
			problem_twice(reading, item, "key", key->name_text, lines[first]);
			continue;
		}
		if (right) {
			make_key(reading, item, key);
		}
		lines[reading->key_count++] = item->place.line;
	}
	free(lines);
}

static void read_peers(struct reading *reading, const struct tree_node *root)
{
	size_t count;
	const struct tree_node *item = section_items(reading, root, "peers", &count);
	uint32_t *lines = memory_new_array(count + 1, sizeof *lines);
	reading->peers = arena_take(reading->arena, (count + 1) * sizeof *reading->peers);
	for (; item != NULL; item = item->next) {
		struct conf_peer *peer = &reading->peers[reading->peer_count];
		*peer = (struct conf_peer){0};
		struct section section = {.rows = &peer_rows, .base = peer};
		read_map(reading, item, &section, 1);
		size_t first;
		if (peer->name == NULL) {
			continue;
		}
		if (!table_add(&reading->peer_table, peer->name, strlen(peer->name), reading->peer_count, &first)) {
			problem_twice(reading, item, "peer", peer->name, lines[first]);
			continue;
		}
		lines[reading->peer_count++] = item->place.line;
	}
	free(lines);
}

static void read_groups(struct reading *reading, const struct tree_node *root, const struct conf_zone_options *standard)
{
	size_t count;
	const struct tree_node *item = section_items(reading, root, "groups", &count);
	reading->groups = memory_new_array(count + 1, sizeof *reading->groups);
	for (; item != NULL; item = item->next) {
		struct conf_group group = {0};
		struct conf_zone_options *options = arena_copy_aligned(reading->arena, standard, sizeof *standard);
		struct section sections[2] = {
		        {.rows = &group_rows, .base = &group},
		        {.rows = &zone_option_rows, .base = options},
		};
		read_map(reading, item, sections, 2);
		size_t first;
		if (group.name == NULL) {
			continue;
		}
		if (!table_add(&reading->group_table, group.name, strlen(group.name), reading->group_count, &first)) {
			problem_twice(reading, item, "group", group.name, reading->groups[first].line);
			continue;
		}
		reading->groups[reading->group_count++] =
		        (struct group_entry){.name = group.name, .options = options, .line = item->place.line};
	}
}

/* --- Zones ------------------------------------------------------------------------------------------------------- */

static const struct conf_zone_options *options_of_group(const struct reading *reading, const struct tree_node *item,
                                                        const struct conf_zone_options *standard)
{
	const struct tree_node *node = item->kind == TREE_MAP ? tree_find(item, "group") : NULL;
	size_t index;
	if (node != NULL && node->kind == TREE_SCALAR &&
	    table_find(&reading->group_table, node->text, strlen(node->text), &index)) {
		return reading->groups[index].options;
	}
	return standard;
}

/* Anything that is not the zone's alone is an option, or meant to be one. */
static bool has_own_options(const struct tree_node *item)
{
	for (const struct tree_node *child = item->first; child != NULL; child = child->next) {
		if (child->key != NULL && row_find(&zone_rows, child->key) == NULL) {
			return true;
		}
	}
	return false;
}

/* A secondary writes to its file, so nobody else may have that file. */
static bool file_is_its_own(struct reading *reading, const struct tree_node *item, const struct conf_zone *zones,
                            size_t index)
{
	const struct conf_zone *zone = &zones[index];
	size_t first;
	if (zone->file == NULL || table_add(&reading->file_table, zone->file, strlen(zone->file), index, &first)) {
		return true;
	}
	if (!conf_zone_is_secondary(zone) && !conf_zone_is_secondary(&zones[first])) {
		return true;
	}
	return problem(&reading->problems, tree_find(item, "file")->place,
	               "file: %s is also the file of zone %s; the copy of a secondary needs a file of its own",
	               zone->file, zones[first].name_text);
}

static bool options_equal(const struct conf_zone_options *a, const struct conf_zone_options *b)
{
	size_t i = 0;
	while (i < zone_option_rows.count && value_equal(&zone_option_rows.rows[i], a, b)) {
		i++;
	}
	return i == zone_option_rows.count;
}

/* Where very many zones each say the same, one struct has it. */
static const struct conf_zone_options *keep_options(struct reading *reading, const struct conf_zone_options *own)
{
	if (reading->own_options == NULL || !options_equal(reading->own_options, own)) {
		reading->own_options = arena_copy_aligned(reading->arena, own, sizeof *own);
	}
	return reading->own_options;
}

static bool read_zone(struct reading *reading, const struct tree_node *item, const struct conf_zone_options *standard,
                      struct conf_zone *zone)
{
	const struct conf_zone_options *shared = options_of_group(reading, item, standard);
	struct conf_zone_options own = *shared;
	bool has_own = has_own_options(item);
	struct section sections[2] = {
	        {.rows = &zone_rows, .base = zone},
	        {.rows = &zone_option_rows, .base = &own},
	};
	zone->line = item->place.line;
	bool right = read_map(reading, item, sections, has_own ? 2 : 1);
	zone->options = has_own ? keep_options(reading, &own) : shared;
	if (right && zone->file == NULL && !conf_zone_is_secondary(zone)) {
		return problem(&reading->problems, item->place,
		               "zone %s needs `file` (a primary) or `primaries` (a secondary)", zone->name_text);
	}
	return right;
}

static void read_zones(struct reading *reading, const struct tree_node *root, const struct conf_zone_options *standard,
                       struct conf *conf)
{
	size_t count;
	const struct tree_node *item = section_items(reading, root, "zones", &count);
	struct conf_zone *zones = arena_take(reading->arena, (count + 1) * sizeof *zones);
	conf->zones = zones;
	for (; item != NULL; item = item->next) {
		struct conf_zone *zone = &zones[conf->zone_count];
		*zone = (struct conf_zone){0};
		bool right = read_zone(reading, item, standard, zone);
		size_t first;
		if (zone->name == NULL) {
			continue;
		}
		if (!table_add(&reading->zone_table, zone->name, dns_name_len(zone->name), conf->zone_count, &first)) {
			problem_twice(reading, item, "zone", zone->name_text, zones[first].line);
			continue;
		}
		if (right) {
			file_is_its_own(reading, item, zones, conf->zone_count);
		}
		conf->zone_count++;
	}
}

static bool read_top(struct reading *reading, const struct tree_node *root)
{
	if (root->kind != TREE_MAP) {
		return problem(&reading->problems, root->place, "expected `server:`, `zones:` and so on, found %s",
		               tree_kind_name(root->kind));
	}
	for (const struct tree_node *child = root->first; child != NULL; child = child->next) {
		struct suggestion suggestion = suggestion_for(child->key);
		bool known = false;
		for (size_t i = 0; i < ARRAY_LENGTH(section_names); i++) {
			known = known || strcmp(child->key, section_names[i]) == 0;
			suggestion_try(&suggestion, section_names[i]);
		}
		const char *elsewhere = row_name_elsewhere(child->key);
		if (!known && suggestion.best == NULL && elsewhere != NULL) {
			suggestion.best = elsewhere;
		}
		if (!known && row_find(&server_rows, child->key) != NULL) {
			problem(&reading->problems, child->key_place, "`%s` belongs under `server:`", child->key);
		} else if (!known && suggestion.best != NULL) {
			problem(&reading->problems, child->key_place, "unknown section `%s`: did you mean `%s`?",
			        child->key, suggestion.best);
		} else if (!known) {
			problem(&reading->problems, child->key_place,
			        "unknown section `%s`; there are server, keys, peers, groups and zones", child->key);
		} else if (tree_find(root, child->key) != child) {
			problem(&reading->problems, child->key_place, "`%s` is there twice; first at line %u",
			        child->key, tree_find(root, child->key)->key_place.line);
		}
	}
	return true;
}

/* --- One reading ------------------------------------------------------------------------------------------------- */

static void reading_deinit(struct reading *reading)
{
	table_deinit(&reading->key_table);
	table_deinit(&reading->peer_table);
	table_deinit(&reading->group_table);
	table_deinit(&reading->zone_table);
	table_deinit(&reading->file_table);
	free(reading->groups);
}

static void read_root(struct reading *reading, const struct tree_node *root, struct conf *conf)
{
	if (!read_top(reading, root)) {
		return;
	}
	struct conf_zone_options *standard = arena_take(reading->arena, sizeof *standard);
	memset(standard, 0, sizeof *standard);
	set_standards(reading, &zone_option_rows, standard);
	read_server(reading, root, &conf->server);
	reading->allow_hmac_md5 = conf->server.allow_hmac_md5;
	read_keys(reading, root);
	read_peers(reading, root);
	read_groups(reading, root, standard);
	read_zones(reading, root, standard, conf);
	conf->keys = reading->keys;
	conf->key_count = reading->key_count;
	conf->peers = reading->peers;
	conf->peer_count = reading->peer_count;
}

static const struct tsig_keys *key_set_of(const struct conf *conf)
{
	const struct tsig_key **keys = memory_new_array(conf->key_count + 1, sizeof *keys);
	for (size_t i = 0; i < conf->key_count; i++) {
		keys[i] = conf->keys[i].key;
	}
	const struct tsig_keys *set = tsig_keys_new(keys, conf->key_count);
	free(keys);
	return set;
}

/* Takes over the result, or frees it when there was a problem. */
static struct conf *whole_finish(struct conf_whole *whole, struct reading *reading)
{
	bool right = reading->problems.report->problem_count == 0;
	if (right) {
		whole->conf.key_set = key_set_of(&whole->conf);
		whole->zone_table = reading->zone_table;
		reading->zone_table = (struct table){0};
	}
	reading_deinit(reading);
	if (!right) {
		conf_unref(&whole->conf);
		return NULL;
	}
	return &whole->conf;
}

static struct conf_whole *whole_new(const char *path)
{
	struct conf_whole *whole = memory_new(sizeof *whole);
	atomic_init(&whole->references, 1);
	arena_init(&whole->arena, 65536);
	whole->conf.path = path == NULL ? NULL : arena_copy_text(&whole->arena, path);
	return whole;
}

struct conf *conf_read_text(const char *text, size_t len, const char *shown_path, const char *folder,
                            struct conf_report *report)
{
	struct conf_whole *whole = whole_new(shown_path);
	struct arena tree_arena;
	arena_init(&tree_arena, 65536);
	struct reading reading = {
	        .problems = {.report = report, .path = shown_path},
	        .folder = folder,
	        .arena = &whole->arena,
	};
	struct tree_node *root = tree_from_yaml(text, len, &tree_arena, &reading.problems);
	if (root != NULL) {
		read_root(&reading, root, &whole->conf);
	}
	struct conf *conf = whole_finish(whole, &reading);
	arena_deinit(&tree_arena);
	return conf;
}

/* The absolute folder of a file; heap. NULL: the current folder cannot be named. */
static char *folder_of(const char *path)
{
	char *copy = memory_copy_text(path);
	const char *folder = dirname(copy);
	if (folder[0] == '/') {
		char *absolute = memory_copy_text(folder);
		free(copy);
		return absolute;
	}
	char *current = getcwd(NULL, 0);
	struct text whole;
	text_init(&whole, 65536);
	if (current != NULL) {
		text_add_string(&whole, current);
	}
	if (strcmp(folder, ".") != 0) {
		text_format(&whole, "/%s", folder);
	}
	char *absolute = current == NULL ? NULL : memory_copy_text(text_string(&whole));
	text_deinit(&whole);
	free(current);
	free(copy);
	return absolute;
}

struct conf *conf_read_file(const char *path, struct conf_report *report)
{
	struct problems problems = {.report = report};
	struct error error;
	uint8_t *bytes;
	size_t len;
	if (!file_read(path, CONF_FILE_SIZE_MAX, &bytes, &len, &error)) {
		problem(&problems, (struct place){0}, "%s", error.text);
		return NULL;
	}
	char *folder = folder_of(path);
	struct conf *conf = NULL;
	if (folder == NULL) {
		problem(&problems, (struct place){0}, "%s: the current folder is gone", path);
	} else {
		conf = conf_read_text((const char *)bytes, len, path, folder, report);
	}
	free(folder);
	free(bytes);
	return conf;
}

/* Reads nothing but `server: control:`; any problem there leaves the default. */
static char *find_control(const struct tree_node *root, struct reading *reading)
{
	struct conf_server server = {0};
	const struct row *row = row_find(&server_rows, "control");
	const struct tree_node *section = root->kind == TREE_MAP ? tree_find(root, "server") : NULL;
	const struct tree_node *node =
	        section != NULL && section->kind == TREE_MAP ? tree_find(section, row->name) : NULL;
	if (node == NULL || !value_read(reading, row, node, &server)) {
		value_set_standard(reading, row, &server);
	}
	return server.control == NULL ? NULL : memory_copy_text(server.control);
}

char *conf_find_control(const char *path, struct error *error)
{
	uint8_t *bytes;
	size_t len;
	if (!file_read(path, CONF_FILE_SIZE_MAX, &bytes, &len, error)) {
		return NULL;
	}
	struct conf_report report;
	struct arena arena;
	conf_report_init(&report);
	arena_init(&arena, 65536);
	char *folder = folder_of(path);
	struct reading reading = {.problems = {.report = &report, .path = path},
	                          .folder = folder == NULL ? "/" : folder,
	                          .arena = &arena};
	struct tree_node *root = tree_from_yaml((const char *)bytes, len, &arena, &reading.problems);
	char *control = root == NULL ? NULL : find_control(root, &reading);
	if (control == NULL) {
		error_set(error, ERROR_SYNTAX, "%.*s", (int)strcspn(text_string(&report.lines), "\n"),
		          text_string(&report.lines));
	}
	conf_report_deinit(&report);
	arena_deinit(&arena);
	free(folder);
	free(bytes);
	return control;
}

struct conf *conf_from_flags(const struct conf_flag *flags, size_t count, const char *folder,
                             struct conf_report *report)
{
	struct conf_whole *whole = whole_new(NULL);
	struct arena tree_arena;
	arena_init(&tree_arena, 4096);
	struct reading reading = {.problems = {.report = report}, .folder = folder, .arena = &whole->arena};
	struct tree_node *root = tree_from_flags(flags, count, &tree_arena, &reading.problems);
	read_root(&reading, root, &whole->conf);
	struct conf *conf = whole_finish(whole, &reading);
	arena_deinit(&tree_arena);
	return conf;
}

struct conf *conf_ref(struct conf *conf)
{
	atomic_fetch_add(&((struct conf_whole *)conf)->references, 1);
	return conf;
}

void conf_unref(struct conf *conf)
{
	struct conf_whole *whole = (struct conf_whole *)conf;
	if (whole == NULL || atomic_fetch_sub(&whole->references, 1) > 1) {
		return;
	}
	for (size_t i = 0; i < whole->conf.key_count; i++) {
		tsig_key_unref(whole->conf.keys[i].key);
	}
	tsig_keys_free((struct tsig_keys *)whole->conf.key_set);
	table_deinit(&whole->zone_table);
	arena_deinit(&whole->arena);
	free(whole);
}

const struct conf_zone *conf_find_zone(const struct conf *conf, const char *name_text)
{
	const struct conf_whole *whole = (const struct conf_whole *)conf;
	struct dns_name name, lower;
	size_t index;
	if (!dns_name_from_text(name_text, &name, NULL)) {
		return NULL;
	}
	dns_name_lower(name.wire, &lower);
	return table_find(&whole->zone_table, lower.wire, lower.len, &index) ? &conf->zones[index] : NULL;
}
