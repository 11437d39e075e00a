/* SPDX-License-Identifier: MIT */
#include "dns/name.h"

#include <endian.h>
#include <string.h>

#include "base/ensure.h"

const uint8_t dns_name_root[1] = {0};

#define ROW8(x)  (x), (x) + 1, (x) + 2, (x) + 3, (x) + 4, (x) + 5, (x) + 6, (x) + 7
#define ROW32(x) ROW8(x), ROW8((x) + 8), ROW8((x) + 16), ROW8((x) + 24)

const uint8_t dns_lower[256] = {
        ROW32(0), ROW32(32), 64, ROW8('a'), ROW8('a' + 8), ROW8('a' + 16), 'y',        'z',        91,
        92,       93,        94, 95,        ROW32(96),     ROW32(128),     ROW32(160), ROW32(192), ROW32(224),
};

size_t dns_name_len(const uint8_t *name)
{
	const uint8_t *at = name;
	while (*at != 0) {
		at += 1 + *at;
	}
	return (size_t)(at - name) + 1;
}

size_t dns_name_labels(const uint8_t *name)
{
	size_t count = 0;
	for (; *name != 0; name += 1 + *name) {
		count++;
	}
	return count;
}

struct dns_name dns_name_of(const uint8_t *name)
{
	struct dns_name out;
	size_t len = dns_name_len(name);
	ensure(len <= DNS_NAME_MAX);
	out.len = (uint8_t)len;
	copy_short(out.wire, name, len);
	return out;
}

static bool equal_ignoring_case(const uint8_t *a, const uint8_t *b, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (dns_lower[a[i]] != dns_lower[b[i]]) {
			return false;
		}
	}
	return true;
}

bool dns_name_equal(const uint8_t *a, const uint8_t *b)
{
	/* Length octets are at most 63, so lowering them changes nothing. */
	size_t len = dns_name_len(a);
	return len == dns_name_len(b) && equal_ignoring_case(a, b, len);
}

bool dns_name_same(const uint8_t *a, const uint8_t *b)
{
	size_t len = dns_name_len(a);
	return len == dns_name_len(b) && equal_short(a, b, len);
}

/* Start of each label, first label first. */
static size_t label_starts(const uint8_t *name, const uint8_t *starts[DNS_LABELS_MAX])
{
	size_t count = 0;
	for (; *name != 0; name += 1 + *name) {
		starts[count++] = name;
	}
	return count;
}

static int label_compare(const uint8_t *a, const uint8_t *b)
{
	size_t shorter = *a < *b ? *a : *b;
	for (size_t i = 1; i <= shorter; i++) {
		int difference = (int)dns_lower[a[i]] - (int)dns_lower[b[i]];
		if (difference != 0) {
			return difference;
		}
	}
	return (int)*a - (int)*b;
}

int dns_name_compare(const uint8_t *a, const uint8_t *b)
{
	const uint8_t *a_starts[DNS_LABELS_MAX];
	const uint8_t *b_starts[DNS_LABELS_MAX];
	size_t a_count = label_starts(a, a_starts);
	size_t b_count = label_starts(b, b_starts);
	while (a_count > 0 && b_count > 0) {
		int order = label_compare(a_starts[--a_count], b_starts[--b_count]);
		if (order != 0) {
			return order;
		}
	}
	return (a_count > 0) - (b_count > 0);
}

size_t dns_name_common_labels(const uint8_t *a, const uint8_t *b)
{
	const uint8_t *a_starts[DNS_LABELS_MAX];
	const uint8_t *b_starts[DNS_LABELS_MAX];
	size_t a_count = label_starts(a, a_starts);
	size_t b_count = label_starts(b, b_starts);
	size_t common = 0;
	while (common < a_count && common < b_count &&
	       label_compare(a_starts[a_count - 1 - common], b_starts[b_count - 1 - common]) == 0) {
		common++;
	}
	return common;
}

const uint8_t *dns_name_strip(const uint8_t *name, size_t labels)
{
	for (; labels > 0; labels--) {
		ensure(*name != 0);
		name += 1 + *name;
	}
	return name;
}

bool dns_name_is_within(const uint8_t *name, const uint8_t *ancestor)
{
	size_t name_len = dns_name_len(name);
	size_t ancestor_len = dns_name_len(ancestor);
	if (name_len < ancestor_len) {
		return false;
	}
	const uint8_t *end = name + (name_len - ancestor_len);
	while (name < end) {
		name += 1 + *name;
	}
	return name == end && equal_ignoring_case(name, ancestor, ancestor_len);
}

bool dns_name_is_wildcard(const uint8_t *name)
{
	return name[0] == 1 && name[1] == '*';
}

#define EACH_OCTET(octet) (UINT64_C(0x0101010101010101) * (octet))

/* Eight octets at once. Of each the lowest seven bits are added to, so that nothing carries into the next one. */
static uint64_t lower_word(uint64_t word)
{
	uint64_t low = word & EACH_OCTET(0x7f);
	uint64_t from_a = low + EACH_OCTET(0x80 - 'A');
	uint64_t above_z = low + EACH_OCTET(0x80 - 'Z' - 1);
	uint64_t is_capital = from_a & ~above_z & ~word & EACH_OCTET(0x80);
	return word | is_capital >> 2;
}

void dns_octets_lower(const uint8_t *octets, size_t len, uint8_t *out)
{
	size_t i = 0;
	for (; i + 8 <= len; i += 8) {
		uint64_t word;
		memcpy(&word, octets + i, 8);
		word = lower_word(word);
		memcpy(out + i, &word, 8);
	}
	for (; i < len; i++) {
		out[i] = dns_lower[octets[i]];
	}
}

void dns_name_lower(const uint8_t *name, struct dns_name *out)
{
	size_t len = dns_name_len(name);
	out->len = (uint8_t)len;
	dns_octets_lower(name, len, out->wire);
}

static bool join(const uint8_t *prefix, size_t prefix_len, const uint8_t *suffix, struct dns_name *out)
{
	size_t suffix_len = dns_name_len(suffix);
	if (prefix_len + suffix_len > DNS_NAME_MAX) {
		return false;
	}
	copy_short(out->wire, prefix, prefix_len);
	copy_short(out->wire + prefix_len, suffix, suffix_len);
	out->len = (uint8_t)(prefix_len + suffix_len);
	return true;
}

bool dns_name_join(const uint8_t *prefix, const uint8_t *suffix, struct dns_name *out)
{
	return join(prefix, dns_name_len(prefix) - 1, suffix, out);
}

bool dns_name_wildcard_of(const uint8_t *encloser, struct dns_name *out)
{
	return join((const uint8_t[]){1, '*'}, 2, encloser, out);
}

bool dns_name_substitute(const uint8_t *name, const uint8_t *owner, const uint8_t *target, struct dns_name *out)
{
	ensure(dns_name_is_within(name, owner));
	return join(name, dns_name_len(name) - dns_name_len(owner), target, out);
}

/* Each pointer but the first stands behind a label, unless the sender wants to keep us busy: pointers that lead to
 * pointers could make 8000 steps of one name, and each record of a message could ask for them again. */
#define POINTERS_MAX (DNS_LABELS_MAX + 1)

/* Appends a run of labels, each of which was found to leave room for the root. */
static void append_run(struct dns_name *out, size_t *used, const uint8_t *run, size_t len)
{
	ensure(*used + len <= DNS_NAME_MAX);
	copy_short(out->wire + *used, run, len);
	*used += len;
}

void dns_name_read(struct reader *message, struct dns_name *out)
{
	const uint8_t *at = message->at;
	const uint8_t *run = at;   /* labels from here to `at` are not copied yet */
	const uint8_t *limit = at; /* RFC 1035 4.1.4: "a prior occurrence"; strictly backwards also bounds the work */
	const uint8_t *resume = NULL; /* behind the first pointer */
	const uint8_t *end = message->failed ? at : message->end;
	size_t used = 0;
	unsigned pointers = 0;
	while (at < end) {
		size_t length = *at;
		size_t left = (size_t)(end - at) - 1;
		if (length == 0) {
			append_run(out, &used, run, (size_t)(at + 1 - run));
			out->len = (uint8_t)used;
			message->at = resume == NULL ? at + 1 : resume;
			return;
		}
		if (length <= DNS_LABEL_MAX) {
			if (left < length || used + (size_t)(at - run) + length + 1 >= DNS_NAME_MAX) {
				break;
			}
			at += 1 + length;
			continue;
		}
		if (length < 0xc0 || left == 0) {
			break;
		}
		append_run(out, &used, run, (size_t)(at - run));
		const uint8_t *target = message->start + ((length & 0x3f) << 8 | at[1]);
		pointers++;
		if (target >= limit || pointers > POINTERS_MAX) {
			break;
		}
		resume = resume == NULL ? at + 2 : resume;
		limit = target;
		run = target;
		at = target;
	}
	message->failed = true;
}

void dns_name_skip(struct reader *message)
{
	for (;;) {
		uint8_t length = read_u8(message);
		if (message->failed || length == 0) {
			return;
		}
		if (length >= 0xc0) {
			read_u8(message);
			return;
		}
		if (length > DNS_LABEL_MAX) {
			message->failed = true;
			return;
		}
		read_bytes(message, length);
	}
}

const uint8_t *dns_name_read_plain(struct reader *reader)
{
	const uint8_t *start = reader->at;
	for (;;) {
		uint8_t length = read_u8(reader);
		if (reader->failed) {
			return NULL;
		}
		if (length > DNS_LABEL_MAX || (size_t)(reader->at - start) + length > DNS_NAME_MAX) {
			reader->failed = true;
			return NULL;
		}
		if (length == 0) {
			return start;
		}
		read_bytes(reader, length);
	}
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads what follows a backslash (RFC 1035 5.1: \DDD or \X); false: not a legal escape. */
static bool unescape(const char **at, const char *end, uint8_t *octet)
{
	const char *c = *at;
	if (c == end) {
		return false;
	}
	if (!is_digit(*c)) {
		*octet = (uint8_t)*c;
		*at = c + 1;
		return true;
	}
	if (end - c < 3 || !is_digit(c[1]) || !is_digit(c[2])) {
		return false;
	}
	int value = (c[0] - '0') * 100 + (c[1] - '0') * 10 + (c[2] - '0');
	*octet = (uint8_t)value;
	*at = c + 3;
	return value <= 255;
}

/* The octets before `used` are labels, the last of them still open: its length octet stands at `label`. */
static enum dns_text_form end_relative(const uint8_t *origin, size_t label, size_t used, struct dns_name *out)
{
	out->wire[label] = (uint8_t)(used - label - 1);
	if (origin == NULL) {
		return DNS_TEXT_NO_ORIGIN;
	}
	size_t origin_len = dns_name_len(origin);
	if (used + origin_len > DNS_NAME_MAX) {
		return DNS_TEXT_NAME_TOO_LONG;
	}
	copy_short(out->wire + used, origin, origin_len);
	out->len = (uint8_t)(used + origin_len);
	return DNS_TEXT_OK;
}

/* `label`: where the length octet behind the final dot stands, that of the root. */
static enum dns_text_form end_absolute(size_t label, struct dns_name *out)
{
	if (label >= DNS_NAME_MAX) {
		return DNS_TEXT_NAME_TOO_LONG;
	}
	out->wire[label] = 0;
	out->len = (uint8_t)(label + 1);
	return DNS_TEXT_OK;
}

/* Closes the label that begins at `label` and ends before `used`. */
static enum dns_text_form close_label(size_t label, size_t used, struct dns_name *out)
{
	size_t length = used - label - 1;
	if (length == 0) {
		return DNS_TEXT_EMPTY_LABEL;
	}
	if (length > DNS_LABEL_MAX) {
		return DNS_TEXT_LABEL_TOO_LONG;
	}
	out->wire[label] = (uint8_t)length;
	return DNS_TEXT_OK;
}

/* Octet by octet: for names with escapes, and for those that may be too long. */
static enum dns_text_form parse_escaped(const char *chars, size_t len, const uint8_t *origin, struct dns_name *out)
{
	const char *at = chars;
	const char *end = chars + len;
	size_t label = 0; /* where the open label's length octet stands */
	size_t used = 1;  /* octets written, that length octet included */
	while (at < end) {
		uint8_t octet = (uint8_t)*at++;
		if (octet == '.') {
			enum dns_text_form form = close_label(label, used, out);
			if (form != DNS_TEXT_OK) {
				return form;
			}
			label = used++;
			if (at == end) {
				return end_absolute(label, out);
			}
			continue;
		}
		if (octet == '\\' && !unescape(&at, end, &octet)) {
			return DNS_TEXT_BAD_ESCAPE;
		}
		if (used - label - 1 == DNS_LABEL_MAX) {
			return DNS_TEXT_LABEL_TOO_LONG;
		}
		if (used >= DNS_NAME_MAX) {
			return DNS_TEXT_NAME_TOO_LONG;
		}
		out->wire[used++] = octet;
	}
	return end_relative(origin, label, used, out);
}

/* 0x80 in each octet of `word` that is `octet`; exact in all of them. */
static uint64_t octets_that_are(uint64_t word, uint8_t octet)
{
	uint64_t different = word ^ EACH_OCTET(octet);
	uint64_t low_bits = (different & EACH_OCTET(0x7f)) + EACH_OCTET(0x7f);
	return ~(low_bits | different | EACH_OCTET(0x7f));
}

/* Eight octets, the first one lowest. */
static uint64_t load_octets(const uint8_t *octets)
{
	uint64_t word;
	memcpy(&word, octets, sizeof word);
	return le64toh(word);
}

/* Without escapes the wire form is the text one octet further on, with lengths in the place of the dots. False: there
 * is an escape after all. */
static bool parse_plain(const char *chars, size_t len, const uint8_t *origin, struct dns_name *out,
                        enum dns_text_form *form)
{
	uint8_t padded[DNS_NAME_MAX + 8]; /* zeros behind the end: neither dot nor escape */
	size_t label = 0;                 /* where the open label's length octet stands, on the dot before it */
	copy_short(padded, (const uint8_t *)chars, len);
	memset(padded + len, 0, 8);
	copy_short(out->wire + 1, padded, len);
	for (size_t at = 0; at < len; at += 8) {
		uint64_t word = load_octets(padded + at);
		if (octets_that_are(word, '\\') != 0) {
			return false;
		}
		for (uint64_t dots = octets_that_are(word, '.'); dots != 0; dots &= dots - 1) {
			size_t dot = at + (size_t)__builtin_ctzll(dots) / 8;
			*form = close_label(label, dot + 1, out);
			if (*form != DNS_TEXT_OK) {
				return true;
			}
			label = dot + 1;
		}
	}
	if (label == len) {
		*form = end_absolute(label, out);
	} else {
		*form = close_label(label, len + 1, out);
		*form = *form == DNS_TEXT_OK ? end_relative(origin, label, len + 1, out) : *form;
	}
	return true;
}

enum dns_text_form dns_name_parse(const char *chars, size_t len, const uint8_t *origin, struct dns_name *out)
{
	enum dns_text_form form;
	if (len == 0) {
		return DNS_TEXT_EMPTY;
	}
	if (len == 1 && *chars == '.') {
		return end_absolute(0, out);
	}
	if (len == 1 && *chars == '@') {
		if (origin == NULL) {
			return DNS_TEXT_NO_ORIGIN;
		}
		*out = dns_name_of(origin);
		return DNS_TEXT_OK;
	}
	if (len < DNS_NAME_MAX && parse_plain(chars, len, origin, out, &form)) {
		return form;
	}
	return parse_escaped(chars, len, origin, out);
}

const char *dns_text_form_text(enum dns_text_form form)
{
	switch (form) {
	case DNS_TEXT_OK:
		return "is well-formed";
	case DNS_TEXT_EMPTY:
		return "is empty";
	case DNS_TEXT_EMPTY_LABEL:
		return "has an empty label";
	case DNS_TEXT_LABEL_TOO_LONG:
		return "has a label longer than 63 octets";
	case DNS_TEXT_NAME_TOO_LONG:
		return "is longer than 255 octets";
	case DNS_TEXT_BAD_ESCAPE:
		return "has a bad escape: a backslash takes three digits up to 255, or one other character";
	case DNS_TEXT_NO_ORIGIN:
		return "is relative, and there is no origin";
	}
	return "";
}

bool dns_name_from_text(const char *text, struct dns_name *out, struct error *error)
{
	enum dns_text_form form = dns_name_parse(text, strlen(text), dns_name_root, out);
	if (form != DNS_TEXT_OK) {
		return error_set(error, ERROR_SYNTAX, "name '%.300s' %s", text, dns_text_form_text(form));
	}
	return true;
}

/* How an octet stands in a name: 1 as it is, 2 with a backslash because it means something in a zone file, 4 as \DDD. */
static const uint8_t text_width[256] = {
        ['!'] = 1, ['#'] = 1, ['%'] = 1, ['&'] = 1, ['\''] = 1, ['*'] = 1, ['+'] = 1, [','] = 1,  ['-'] = 1, ['/'] = 1,
        ['0'] = 1, ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1,  ['5'] = 1, ['6'] = 1, ['7'] = 1,  ['8'] = 1, ['9'] = 1,
        [':'] = 1, ['<'] = 1, ['='] = 1, ['>'] = 1, ['?'] = 1,  ['['] = 1, [']'] = 1, ['^'] = 1,  ['_'] = 1, ['`'] = 1,
        ['{'] = 1, ['|'] = 1, ['}'] = 1, ['~'] = 1, ['A'] = 1,  ['B'] = 1, ['C'] = 1, ['D'] = 1,  ['E'] = 1, ['F'] = 1,
        ['G'] = 1, ['H'] = 1, ['I'] = 1, ['J'] = 1, ['K'] = 1,  ['L'] = 1, ['M'] = 1, ['N'] = 1,  ['O'] = 1, ['P'] = 1,
        ['Q'] = 1, ['R'] = 1, ['S'] = 1, ['T'] = 1, ['U'] = 1,  ['V'] = 1, ['W'] = 1, ['X'] = 1,  ['Y'] = 1, ['Z'] = 1,
        ['a'] = 1, ['b'] = 1, ['c'] = 1, ['d'] = 1, ['e'] = 1,  ['f'] = 1, ['g'] = 1, ['h'] = 1,  ['i'] = 1, ['j'] = 1,
        ['k'] = 1, ['l'] = 1, ['m'] = 1, ['n'] = 1, ['o'] = 1,  ['p'] = 1, ['q'] = 1, ['r'] = 1,  ['s'] = 1, ['t'] = 1,
        ['u'] = 1, ['v'] = 1, ['w'] = 1, ['x'] = 1, ['y'] = 1,  ['z'] = 1, ['.'] = 2, ['\\'] = 2, ['"'] = 2, [';'] = 2,
        ['('] = 2, [')'] = 2, ['@'] = 2, ['$'] = 2,
};

static char *octet_to_text(uint8_t octet, char *out)
{
	if (text_width[octet] == 2) {
		*out++ = '\\';
		*out++ = (char)octet;
		return out;
	}
	*out++ = '\\';
	*out++ = (char)('0' + octet / 100);
	*out++ = (char)('0' + octet / 10 % 10);
	*out++ = (char)('0' + octet % 10);
	return out;
}

char *dns_name_to_text_end(const uint8_t *name, char *out)
{
	char *at = out;
	if (*name == 0) {
		*at++ = '.';
	}
	for (; *name != 0; name += 1 + *name) {
		for (size_t i = 1; i <= *name; i++) {
			if (text_width[name[i]] == 1) {
				*at++ = (char)name[i];
			} else {
				at = octet_to_text(name[i], at);
			}
		}
		*at++ = '.';
	}
	*at = '\0';
	return at;
}

char *dns_name_to_text(const uint8_t *name, char *out)
{
	dns_name_to_text_end(name, out);
	return out;
}

char *dns_name_to_text_short(const uint8_t *name, char *out)
{
	char *end = dns_name_to_text_end(name, out);
	if (end - out > 1) {
		end[-1] = '\0';
	}
	return out;
}
