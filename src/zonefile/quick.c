/* SPDX-License-Identifier: MIT */
/* The short way: a line that is one record, without parentheses, quotes or escapes, goes straight from its characters
 * to wire form, in one pass. Nearly every line of a large zone is such a line.
 *
 * It decides as the plain way does or not at all (I5): on anything unusual or wrong it returns false having changed
 * nothing, and the plain way reads the same line and tells what is wrong with it. The plain way is its twin in tests.
 *
 * Lines are taken only if they begin before the last newline of the text, so every loop here ends at a newline and
 * needs no other bound. */
#include "zonefile/zonefile_internal.h"

#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "dns/type.h"

/* Digits that cannot exceed 2^31 - 1. */
#define TTL_DIGITS_MAX 9

/* One line on its way; what it will change when it succeeds. */
struct quick {
	struct parser *parser;
	struct file *file;
	const char *at;
	const char *owner_start; /* parser->spare has it; NULL: the owner is that of the line before */
	size_t owner_len;
	bool ttl_given;
	uint32_t ttl;
	uint16_t type;
	size_t rdata_len;
};

static inline bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static inline void pass_blanks(struct quick *quick)
{
	while (is_blank(*quick->at)) {
		quick->at++;
	}
}

static inline bool is_plain(char c)
{
	return char_kinds[(uint8_t)c] == CHAR_PLAIN;
}

/* Reads a name without escapes that ends before a character that is not plain. False: leave it to the plain way. */
static bool quick_name(struct quick *quick, struct dns_name *out)
{
	const char *at = quick->at;
	uint8_t *wire = out->wire;
	size_t label = 0; /* where its length octet stands */
	size_t used = 1;
	while (is_plain(*at)) {
		char c = *at++;
		if (c != '.') {
			wire[used++] = (uint8_t)c;
		} else {
			size_t len = used - label - 1;
			if (len == 0 || len > DNS_LABEL_MAX) {
				return false;
			}
			wire[label] = (uint8_t)len;
			label = used++;
		}
		if (used >= DNS_NAME_MAX) {
			return false;
		}
	}
	size_t len = used - label - 1;
	if (len > DNS_LABEL_MAX || used == 1 || (used == 2 && wire[1] == '@')) {
		return false; /* "", "." and "@" are the plain way's too */
	}
	if (len == 0) {
		wire[label] = 0;
		out->len = (uint8_t)used;
	} else {
		const struct dns_name *origin = &quick->file->origin;
		if (used + origin->len > DNS_NAME_MAX) {
			return false;
		}
		wire[label] = (uint8_t)len;
		memmove(wire + used, origin->wire, origin->len); /* why not memcpy: see set_owner */
		out->len = (uint8_t)(used + origin->len);
	}
	quick->at = at;
	return true;
}

/* The owner is written as in the line before: most often so in a zone of delegations. */
static inline bool is_last_owner(const struct quick *quick)
{
	const struct parser *parser = quick->parser;
	size_t len = parser->owner_text_len;
	return parser->owner_text != NULL && (size_t)(quick->file->end - quick->at) > len &&
	       memcmp(quick->at, parser->owner_text, len) == 0 && is_blank(quick->at[len]);
}

static bool quick_owner(struct quick *quick)
{
	struct parser *parser = quick->parser;
	if (is_blank(*quick->at)) {
		return parser->owner.state == OWNER_GOOD;
	}
	if (is_last_owner(quick)) {
		quick->at += parser->owner_text_len;
		return true;
	}
	const char *start = quick->at;
	if (*start == '$' || !quick_name(quick, &parser->spare)) {
		return false;
	}
	quick->owner_start = start;
	quick->owner_len = (size_t)(quick->at - start);
	return true;
}

/* ---- TTL, class, type ---- */

/* Up to 8 characters as a number, 0 behind them. */
static inline uint64_t load_chars(const struct quick *quick, const char *start, size_t len)
{
	uint64_t chars = 0;
	if ((size_t)(quick->file->end - start) >= sizeof chars) {
		memcpy(&chars, start, sizeof chars);
		uint64_t keep = len == sizeof chars ? UINT64_MAX : ((uint64_t)1 << (8 * len)) - 1;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		keep = len == sizeof chars ? UINT64_MAX : ~(UINT64_MAX >> (8 * len));
#endif
		return chars & keep;
	}
	memcpy(&chars, start, len);
	return chars;
}

static bool look_up_mnemonic(struct mnemonic *slot, uint64_t chars, const char *start, size_t len)
{
	uint16_t number;
	bool is_class = dns_class_from_text(start, len, &number);
	if (!is_class && !dns_type_from_text(start, len, &number)) {
		return false;
	}
	*slot = (struct mnemonic){.chars = chars, .len = (uint8_t)len, .number = number, .is_class = is_class};
	return true;
}

/* The class or type that stands at start; NULL: neither. */
static const struct mnemonic *quick_mnemonic(struct quick *quick, const char *start, size_t len)
{
	uint64_t chars = load_chars(quick, start, len);
	struct mnemonic *slot = &quick->parser->mnemonics[(chars * 0x9e3779b97f4a7c15u) >> 58];
	if (slot->chars == chars && slot->len == len) {
		return slot;
	}
	return look_up_mnemonic(slot, chars, start, len) ? slot : NULL;
}

static bool quick_ttl(struct quick *quick, const char *start, size_t len)
{
	uint32_t ttl = 0;
	if (quick->ttl_given || len > TTL_DIGITS_MAX) {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		uint32_t digit = (uint32_t)(uint8_t)start[i] - '0';
		if (digit > 9) {
			return false;
		}
		ttl = ttl * 10 + digit;
	}
	quick->ttl = ttl;
	quick->ttl_given = true;
	return true;
}

static bool quick_head(struct quick *quick)
{
	bool class_given = false;
	for (;;) {
		pass_blanks(quick);
		const char *start = quick->at;
		while (is_plain(*quick->at)) {
			quick->at++;
		}
		size_t len = (size_t)(quick->at - start);
		/* The next must be a blank: a word that ends with the line has no RDATA behind it. */
		if (len == 0 || !is_blank(*quick->at)) {
			return false;
		}
		if (*start >= '0' && *start <= '9') {
			if (!quick_ttl(quick, start, len)) {
				return false;
			}
			continue;
		}
		const struct mnemonic *mnemonic = len > 8 ? NULL : quick_mnemonic(quick, start, len);
		if (mnemonic == NULL) {
			return len > 8 && dns_type_from_text(start, len, &quick->type) &&
			       !dns_type_is_meta(quick->type);
		}
		if (!mnemonic->is_class) {
			quick->type = mnemonic->number;
			return !dns_type_is_meta(quick->type);
		}
		if (class_given || mnemonic->number != quick->parser->options.class) {
			return false;
		}
		class_given = true;
	}
}

/* ---- RDATA ---- */

static bool quick_rdata_name(struct quick *quick)
{
	struct dns_name name;
	if (!quick_name(quick, &name)) {
		return false;
	}
	memmove(quick->parser->rdata, name.wire, name.len);
	quick->rdata_len = name.len;
	return true;
}

static bool quick_rdata_ip4(struct quick *quick)
{
	const char *at = quick->at;
	for (size_t i = 0; i < 4; i++) {
		uint32_t value = 0;
		const char *start = at;
		while (*at >= '0' && *at <= '9' && at - start < 3) {
			value = value * 10 + (uint32_t)(*at++ - '0');
		}
		bool ends_well = i < 3 ? *at == '.' : !is_plain(*at);
		if (at == start || value > 255 || (*start == '0' && at - start > 1) || !ends_well) {
			return false;
		}
		quick->parser->rdata[i] = (uint8_t)value;
		at += i < 3 ? 1 : 0;
	}
	quick->at = at;
	quick->rdata_len = 4;
	return true;
}

/* Any other type: its words, then its row in src/dns. */
static bool quick_rdata_words(struct quick *quick)
{
	struct entry *entry = &quick->parser->entry;
	entry->count = 0;
	while (is_plain(*quick->at)) {
		const char *start = quick->at;
		while (is_plain(*quick->at)) {
			quick->at++;
		}
		if (entry->count == TOKENS_MAX || quick->at - start > TOKEN_LEN_MAX) {
			return false;
		}
		memory_reserve((void **)&entry->tokens, &entry->capacity, entry->count + 1, sizeof *entry->tokens);
		entry->tokens[entry->count++] = (struct dns_token){
		        .chars = start, .len = (uint32_t)(quick->at - start), .line = quick->file->line, .column = 1};
		pass_blanks(quick);
	}
	struct writer rdata = writer_of(quick->parser->rdata, DNS_RDATA_MAX);
	struct dns_rdata_error error;
	bool parsed =
	        dns_rdata_parse(quick->type, entry->tokens, entry->count, quick->file->origin.wire, &rdata, &error);
	quick->rdata_len = writer_len(&rdata);
	return parsed;
}

static bool quick_rdata(struct quick *quick)
{
	pass_blanks(quick);
	switch (quick->type) {
	case DNS_TYPE_NS:
	case DNS_TYPE_CNAME:
	case DNS_TYPE_PTR:
		return quick_rdata_name(quick);
	case DNS_TYPE_A:
		return quick_rdata_ip4(quick);
	default:
		return quick_rdata_words(quick);
	}
}

/* To the newline, past a comment. */
static bool quick_end(struct quick *quick)
{
	while (is_blank(*quick->at) || *quick->at == '\r') {
		quick->at++;
	}
	if (*quick->at == ';') {
		quick->at = memchr(quick->at, '\n', (size_t)(quick->file->end - quick->at));
	}
	return *quick->at == '\n';
}

/* The line is good: nothing was changed before, everything is now. */
static void quick_take(struct quick *quick)
{
	struct parser *parser = quick->parser;
	struct file *file = quick->file;
	uint32_t line = file->line;
	if (quick->owner_start != NULL) {
		set_owner(parser, &parser->spare);
		parser->owner_text = quick->owner_start;
		parser->owner_text_len = quick->owner_len;
	}
	if (quick->ttl_given) {
		parser->ttl_last = quick->ttl;
		parser->ttl_last_known = true;
	}
	file->at = quick->at + 1;
	file->line_start = file->at;
	file->line++;
	hand_on(parser, file, line, quick->type, quick->ttl, quick->rdata_len);
}

bool quick_line(struct parser *parser, struct file *file)
{
	struct quick quick = {.parser = parser, .file = file, .at = file->at};
	if (file->at >= file->quick_end || !quick_owner(&quick) || !quick_head(&quick) || !quick_rdata(&quick) ||
	    !quick_end(&quick)) {
		return false;
	}
	if (!quick.ttl_given && !inherited_ttl(parser, quick.type, parser->rdata, quick.rdata_len, &quick.ttl)) {
		return false;
	}
	quick_take(&quick);
	return true;
}
