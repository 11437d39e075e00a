/* SPDX-License-Identifier: MIT */
/* Values: from what is written to what a row's member holds. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#include "base/base64.h"
#include "conf/read_internal.h"
#include "dns/name.h"

void *value_member(const struct row *row, void *base)
{
	return (char *)base + row->offset;
}

static const void *const_member_of(const struct row *row, const void *base)
{
	return (const char *)base + row->offset;
}

bool problem_kind(struct reading *reading, const struct tree_node *node, const char *name, const char *expected)
{
	return problem(&reading->problems, node->place, "%s: expected %s, found %s", name, expected,
	               tree_kind_name(node->kind));
}

/* "expected a duration from 1s to 4w, found `soon`". */
static bool problem_value(struct reading *reading, const struct row *row, const struct tree_node *node)
{
	struct text expected;
	text_init(&expected, 1000);
	row_write_kind(row, &expected);
	problem(&reading->problems, node->place, "%s: expected %s, found '%s'", row->name, text_string(&expected),
	        node->text);
	text_deinit(&expected);
	return false;
}

/* --- Numbers ----------------------------------------------------------------------------------------------------- */

/* Reads digits from *at. False: none, or more than fits. */
static bool read_digits(const char **at, uint64_t *out)
{
	const char *start = *at;
	uint64_t number = 0;
	for (; **at >= '0' && **at <= '9'; (*at)++) {
		uint64_t digit = (uint64_t)(**at - '0');
		if (number > (UINT64_MAX - digit) / 10) {
			return false;
		}
		number = number * 10 + digit;
	}
	*out = number;
	return *at != start;
}

struct number_unit {
	const char *name;
	uint64_t worth_ms;
};

/* The unit at *at, in milliseconds; 0: none. No unit at the end of the text means seconds. */
static uint64_t read_duration_unit(const char **at)
{
	static const struct number_unit units[] = {
	        {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {"w", 604800000},
	};
	if (**at == '\0') {
		return 1000;
	}
	for (size_t i = 0; i < ARRAY_LENGTH(units); i++) {
		size_t len = strlen(units[i].name);
		if (strncasecmp(*at, units[i].name, len) == 0) {
			*at += len;
			return units[i].worth_ms;
		}
	}
	return 0;
}

static bool read_duration_ms(const char *text, uint64_t *out)
{
	uint64_t sum = 0;
	const char *at = text;
	do {
		uint64_t number;
		if (!read_digits(&at, &number)) {
			return false;
		}
		uint64_t worth = read_duration_unit(&at);
		if (worth == 0 || number > (UINT64_MAX - sum) / worth) {
			return false;
		}
		sum += number * worth;
	} while (*at != '\0');
	*out = sum;
	return true;
}

static bool read_size(const char *text, uint64_t *out)
{
	const char *at = text;
	if (!read_digits(&at, out)) {
		return false;
	}
	if (*at == '\0') {
		return true;
	}
	static const char units[] = "KMGT";
	const char *unit = strchr(units, *at >= 'a' ? *at - 'a' + 'A' : *at);
	if (unit == NULL || at[1] != '\0') {
		return false;
	}
	unsigned shift = 10u * ((unsigned)(unit - units) + 1);
	if (*out > UINT64_MAX >> shift) {
		return false;
	}
	*out <<= shift;
	return true;
}

/* "refuse", "accept", "accept-after 1h". */
static bool patience_from_text(const struct row *row, const char *text, uint64_t *out)
{
	static const char after[] = "accept-after ";
	if (strcmp(text, "refuse") == 0 || strcmp(text, "accept") == 0) {
		*out = *text == 'r' ? CONF_NEVER : 0;
		return true;
	}
	bool right = strncmp(text, after, strlen(after)) == 0 && read_duration_ms(text + strlen(after), out) &&
	             *out % 1000 == 0;
	*out /= 1000;
	return right && *out <= row->max;
}

static bool number_from_text(const struct row *row, const char *text, uint64_t *out)
{
	bool right;
	if (row->kind == ROW_PATIENCE) {
		return patience_from_text(row, text, out);
	}
	if (row->kind == ROW_SECONDS) {
		right = read_duration_ms(text, out) && *out % 1000 == 0;
		*out /= 1000;
	} else if (row->kind == ROW_MILLISECONDS) {
		right = read_duration_ms(text, out);
	} else if (row->kind == ROW_SIZE) {
		right = read_size(text, out);
	} else {
		const char *at = text;
		right = read_digits(&at, out) && *at == '\0';
	}
	return right && *out >= row->min && *out <= row->max;
}

static bool is_wide(const struct row *row)
{
	return row->kind == ROW_COUNT || row->kind == ROW_SIZE;
}

static bool read_number(struct reading *reading, const struct row *row, const struct tree_node *node, void *base)
{
	uint64_t number = 0;
	if (!number_from_text(row, node->text, &number)) {
		return problem_value(reading, row, node);
	}
	if (is_wide(row)) {
		*(uint64_t *)value_member(row, base) = number;
	} else {
		*(uint32_t *)value_member(row, base) = (uint32_t)number;
	}
	return true;
}

uint64_t value_number(const struct row *row, const void *base)
{
	return is_wide(row) ? *(const uint64_t *)const_member_of(row, base)
	                    : *(const uint32_t *)const_member_of(row, base);
}

/* --- Words and texts --------------------------------------------------------------------------------------------- */

static bool read_bool(struct reading *reading, const struct row *row, const struct tree_node *node, void *base)
{
	static const char *const words[2][3] = {{"off", "false", "no"}, {"on", "true", "yes"}};
	for (size_t i = 0; i < 6; i++) {
		if (strcasecmp(node->text, words[i / 3][i % 3]) == 0) {
			*(bool *)value_member(row, base) = i >= 3;
			return true;
		}
	}
	return problem_value(reading, row, node);
}

static bool read_enum(struct reading *reading, const struct row *row, const struct tree_node *node, void *base)
{
	struct suggestion suggestion = suggestion_for(node->text);
	for (const struct row_choice *choice = row->choices; choice->name != NULL; choice++) {
		if (strcmp(choice->name, node->text) == 0) {
			*(int *)value_member(row, base) = choice->value;
			return true;
		}
		suggestion_try(&suggestion, choice->name);
	}
	if (suggestion.best == NULL) {
		return problem_value(reading, row, node);
	}
	return problem(&reading->problems, node->place, "%s: '%s' is unknown: did you mean '%s'?", row->name,
	               node->text, suggestion.best);
}

static bool read_word(struct reading *reading, const struct row *row, const struct tree_node *node, void *base)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	struct address address;
	if (strspn(node->text, allowed) != strlen(node->text)) {
		return problem(&reading->problems, node->place,
		               "%s: '%s' may only have letters, digits, `-`, `_` and `.`", row->name, node->text);
	}
	if (address_from_text(node->text, CONF_PORT_DEFAULT, &address, NULL)) {
		return problem(&reading->problems, node->place,
		               "%s: '%s' is an address, so a list could not tell which is meant", row->name,
		               node->text);
	}
	*(const char **)value_member(row, base) = arena_copy_text(reading->arena, node->text);
	return true;
}

static const char *path_resolve(struct reading *reading, const char *path)
{
	if (path[0] == '/') {
		return arena_copy_text(reading->arena, path);
	}
	while (path[0] == '.' && path[1] == '/') {
		path += 2;
	}
	size_t folder_len = strlen(reading->folder);
	size_t path_len = strlen(path);
	bool slash = folder_len > 0 && reading->folder[folder_len - 1] == '/';
	char *whole = arena_take_bytes(reading->arena, folder_len + 1 + path_len + 1);
	memcpy(whole, reading->folder, folder_len);
	if (!slash) {
		whole[folder_len++] = '/';
	}
	memcpy(whole + folder_len, path, path_len + 1);
	return whole;
}

static bool read_path(struct reading *reading, const struct row *row, const struct tree_node *node, void *base)
{
	*(const char **)value_member(row, base) = path_resolve(reading, node->text);
	return true;
}

static bool read_socket_path(struct reading *reading, const struct row *row, const struct tree_node *node, void *base)
{
	const size_t len_max = sizeof((struct sockaddr_un *)NULL)->sun_path - 1;
	const char *path = path_resolve(reading, node->text);
	if (strlen(path) > len_max) {
		return problem(
		        &reading->problems, node->place,
		        "%s: %s has %zu characters, but the path of a UNIX socket may have %zu; choose a shorter one",
		        row->name, path, strlen(path), len_max);
	}
	*(const char **)value_member(row, base) = path;
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "0x..." as octets; false: it is a text. */
static bool is_hex(const char *text)
{
	return strncmp(text, "0x", 2) == 0 && text[2] != '\0' && strlen(text) % 2 == 0 &&
	       strspn(text + 2, "0123456789abcdefABCDEF") == strlen(text + 2);
}

static bool read_bytes_value(struct reading *reading, const struct row *row, const struct tree_node *node, void *base)
{
	const char *text = node->text;
	struct conf_bytes *out = value_member(row, base);
	bool hex = is_hex(text);
	size_t len = hex ? strlen(text) / 2 - 1 : strlen(text);
	if (len > row->max || (!hex && strncmp(text, "0x", 2) == 0)) {
		return problem_value(reading, row, node);
	}
	uint8_t *bytes = arena_copy(reading->arena, text, strlen(text) + 1);
	for (size_t i = 0; hex && i < len; i++) {
		bytes[i] = (uint8_t)(hex_digit(text[2 + 2 * i]) << 4 | hex_digit(text[3 + 2 * i]));
	}
	*out = (struct conf_bytes){.bytes = bytes, .len = len};
	return true;
}

static bool read_identity(struct reading *reading, const struct row *row, const struct tree_node *node, void *base)
{
	struct conf_identity *out = value_member(row, base);
	*out = (struct conf_identity){.kind = CONF_IDENTITY_TEXT, .text = ""};
	if (strcmp(node->text, "off") == 0) {
		out->kind = CONF_IDENTITY_REFUSED;
	} else if (strcmp(node->text, "auto") == 0) {
		out->kind = CONF_IDENTITY_AUTO;
	} else if (strlen(node->text) > 255) {
		return problem_value(reading, row, node);
	} else {
		out->text = arena_copy_text(reading->arena, node->text);
	}
	return true;
}

/* No problem of a secret ever quotes it. */
static bool read_secret(struct reading *reading, const struct row *row, const struct tree_node *node, void *base)
{
	uint8_t bytes[TSIG_SECRET_MAX];
	size_t len = 0;
	if (!base64_decode(node->text, strlen(node->text), bytes, sizeof bytes, &len)) {
		return problem(&reading->problems, node->place,
		               "%s: expected base64 of 1 to %d octets, padded with =", row->name, TSIG_SECRET_MAX);
	}
	struct conf_bytes *out = value_member(row, base);
	*out = (struct conf_bytes){.bytes = arena_copy(reading->arena, bytes, len), .len = len};
	return true;
}

struct name_member {
	const uint8_t *wire;
	const char *text;
};
_Static_assert(offsetof(struct conf_zone, name_text) == offsetof(struct conf_zone, name) + sizeof(void *), "ROW_NAME");
_Static_assert(offsetof(struct conf_key, name_text) == offsetof(struct conf_key, name) + sizeof(void *), "ROW_NAME");

static bool name_lower_from_text(const char *text, struct dns_name *out, struct error *error)
{
	struct dns_name name;
	if (!dns_name_from_text(text, &name, error)) {
		return false;
	}
	dns_name_lower(name.wire, out);
	return true;
}

static bool read_name(struct reading *reading, const struct row *row, const struct tree_node *node, void *base)
{
	struct error error;
	struct dns_name name;
	if (!name_lower_from_text(node->text, &name, &error)) {
		return problem(&reading->problems, node->place, "%s", error.text);
	}
	char text[DNS_NAME_TEXT_MAX];
	struct name_member *out = value_member(row, base);
	out->wire = arena_copy(reading->arena, name.wire, name.len);
	out->text = arena_copy_text(reading->arena, dns_name_to_text(name.wire, text));
	return true;
}

/* --- What was defined elsewhere ---------------------------------------------------------------------------------- */

static bool read_group(struct reading *reading, const struct row *row, const struct tree_node *node, void *base)
{
	size_t index;
	if (table_find(&reading->group_table, node->text, strlen(node->text), &index)) {
		*(const char **)value_member(row, base) = reading->groups[index].name;
		return true;
	}
	struct suggestion suggestion = suggestion_for(node->text);
	for (size_t i = 0; i < reading->group_count; i++) {
		suggestion_try(&suggestion, reading->groups[i].name);
	}
	if (suggestion.best != NULL) {
		return problem(&reading->problems, node->place, "%s: there is no group '%s': did you mean '%s'?",
		               row->name, node->text, suggestion.best);
	}
	return problem(&reading->problems, node->place, "%s: there is no group '%s' under `groups:`", row->name,
	               node->text);
}

bool value_problem_no_peer(struct reading *reading, const char *row_name, const struct tree_node *node, bool or_address)
{
	const char *address = or_address ? ", and it is no ADDR[@PORT]" : "";
	struct suggestion suggestion = suggestion_for(node->text);
	for (size_t i = 0; i < reading->peer_count; i++) {
		if (reading->peers[i].name != NULL) {
			suggestion_try(&suggestion, reading->peers[i].name);
		}
	}
	if (suggestion.best != NULL) {
		return problem(&reading->problems, node->place, "%s: there is no peer '%s'%s: did you mean '%s'?",
		               row_name, node->text, address, suggestion.best);
	}
	return problem(&reading->problems, node->place, "%s: there is no peer '%s' under `peers:`%s", row_name,
	               node->text, address);
}

const struct conf_peer *value_find_peer(const struct reading *reading, const char *name)
{
	size_t index;
	return table_find(&reading->peer_table, name, strlen(name), &index) ? &reading->peers[index] : NULL;
}

static bool read_peer(struct reading *reading, const struct row *row, const struct tree_node *node, void *base)
{
	const struct conf_peer *peer = value_find_peer(reading, node->text);
	if (peer == NULL) {
		return value_problem_no_peer(reading, row->name, node, false);
	}
	*(const struct conf_peer **)value_member(row, base) = peer;
	return true;
}

bool value_find_key(struct reading *reading, const struct row *row, const struct tree_node *node,
                    const struct tsig_key **out)
{
	struct error error;
	struct dns_name name;
	size_t index;
	if (!name_lower_from_text(node->text, &name, &error)) {
		return problem(&reading->problems, node->place, "%s: %s", row->name, error.text);
	}
	if (table_find(&reading->key_table, name.wire, name.len, &index)) {
		*out = reading->keys[index].key;
		return true;
	}
	struct suggestion suggestion = suggestion_for(node->text);
	for (size_t i = 0; i < reading->key_count; i++) {
		suggestion_try(&suggestion, reading->keys[i].name_text);
	}
	return problem(&reading->problems, node->place, "%s: there is no key '%s' under `keys:`%s%s%s", row->name,
	               node->text, suggestion.best == NULL ? "" : ": did you mean '",
	               suggestion.best == NULL ? "" : suggestion.best, suggestion.best == NULL ? "" : "'?");
}

/* --- Any value --------------------------------------------------------------------------------------------------- */

static bool is_list_kind(enum row_kind kind)
{
	return kind == ROW_ADDRESSES || kind == ROW_SOURCE || kind == ROW_PREFIXES || kind == ROW_TARGETS ||
	       kind == ROW_RULES || kind == ROW_KEYS;
}

static bool has_form(struct reading *reading, const struct row *row, const struct tree_node *node)
{
	bool empty = node->kind == TREE_SCALAR && node->text[0] == '\0';
	if (empty) {
		return problem(&reading->problems, node->key != NULL ? node->key_place : node->place,
		               "`%s` has no value", row->name);
	}
	if (node->kind != TREE_SCALAR && !is_list_kind(row->kind)) {
		struct text expected;
		text_init(&expected, 1000);
		row_write_kind(row, &expected);
		problem_kind(reading, node, row->name, text_string(&expected));
		text_deinit(&expected);
		return false;
	}
	return true;
}

bool value_read(struct reading *reading, const struct row *row, const struct tree_node *node, void *base)
{
	if (!has_form(reading, row, node)) {
		return false;
	}
	switch (row->kind) {
	case ROW_BOOL:
		return read_bool(reading, row, node, base);
	case ROW_INTEGER:
	case ROW_COUNT:
	case ROW_SECONDS:
	case ROW_MILLISECONDS:
	case ROW_PATIENCE:
	case ROW_SIZE:
		return read_number(reading, row, node, base);
	case ROW_ENUM:
		return read_enum(reading, row, node, base);
	case ROW_WORD:
		return read_word(reading, row, node, base);
	case ROW_PATH:
		return read_path(reading, row, node, base);
	case ROW_SOCKET_PATH:
		return read_socket_path(reading, row, node, base);
	case ROW_BYTES:
		return read_bytes_value(reading, row, node, base);
	case ROW_IDENTITY:
		return read_identity(reading, row, node, base);
	case ROW_SECRET:
		return read_secret(reading, row, node, base);
	case ROW_NAME:
		return read_name(reading, row, node, base);
	case ROW_ADDRESSES:
		return value_read_addresses(reading, row, node, base);
	case ROW_SOURCE:
		return value_read_source(reading, row, node, base);
	case ROW_PREFIXES:
		return value_read_prefixes(reading, row, node, base);
	case ROW_TARGETS:
		return value_read_targets(reading, row, node, base);
	case ROW_RULES:
		return value_read_rules(reading, row, node, base);
	case ROW_GROUP:
		return read_group(reading, row, node, base);
	case ROW_KEYS:
		return value_read_keys(reading, row, node, base);
	case ROW_PEER:
		return read_peer(reading, row, node, base);
	}
	ensure(row->kind == ROW_BOOL);
	return false;
}

void value_set_standard(struct reading *reading, const struct row *row, void *base)
{
	if (row->standard == NULL) {
		return;
	}
	struct arena arena;
	arena_init(&arena, 4096);
	struct tree_node *node = tree_from_yaml(row->standard, strlen(row->standard), &arena, &reading->problems);
	ensure(node != NULL);
	for (struct tree_node *item = node; item != NULL; item = item == node ? node->first : item->next) {
		item->place = (struct place){.flag = NULL}; /* the only one that can fail is a long path */
	}
	value_read(reading, row, node, base);
	arena_deinit(&arena);
}
