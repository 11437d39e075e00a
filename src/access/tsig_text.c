/* SPDX-License-Identifier: MIT */
/* Keys as they are written down: for the one side by us, for the other by BIND's tools, or on a command line. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "access/tsig.h"
#include "base/base64.h"
#include "base/file.h"
#include "base/memory.h"
#include "crypto/crypto.h"

/* A statement with comments around it. */
#define FILE_SIZE_MAX 65536

bool tsig_algorithm_from_text(const char *text, enum tsig_algorithm *algorithm)
{
	for (int i = 0; i < TSIG_ALGORITHMS; i++) {
		if (strcasecmp(text, tsig_algorithm_name((enum tsig_algorithm)i)) == 0) {
			*algorithm = (enum tsig_algorithm)i;
			return true;
		}
	}
	return false;
}

/* Part of a text. */
struct word {
	const char *chars;
	size_t len;
};

static bool word_is(struct word word, const char *text)
{
	return word.len == strlen(text) && strncasecmp(word.chars, text, word.len) == 0;
}

/* ---- its parts ---- */

/* The hashes alone, as BIND calls them; it may be followed by a number of bits. */
static const enum tsig_algorithm whole_algorithms[] = {
        TSIG_HMAC_MD5, TSIG_HMAC_SHA1, TSIG_HMAC_SHA224, TSIG_HMAC_SHA256, TSIG_HMAC_SHA384, TSIG_HMAC_SHA512,
};

/* "-80" behind a hash: the MAC is cut to 10 octets, and the name on the wire is that of the hash. */
static bool read_bits(const char *at, size_t len, size_t *mac_len)
{
	size_t bits = 0;
	for (size_t i = 1; i < len; i++) {
		if (at[i] < '0' || at[i] > '9' || bits > TSIG_MAC_MAX * 8) {
			return false;
		}
		bits = bits * 10 + (size_t)(at[i] - '0');
	}
	*mac_len = bits / 8;
	return len > 1 && at[0] == '-' && bits > 0 && bits % 8 == 0;
}

static bool read_algorithm(struct word word, struct tsig_written *out, struct error *error)
{
	for (size_t i = 0; i < sizeof whole_algorithms / sizeof whole_algorithms[0]; i++) {
		const char *name = tsig_algorithm_name(whole_algorithms[i]);
		size_t len = strlen(name);
		if (word.len < len || strncasecmp(word.chars, name, len) != 0) {
			continue;
		}
		out->algorithm = whole_algorithms[i];
		out->mac_len = 0;
		if (word.len == len || read_bits(word.chars + len, word.len - len, &out->mac_len)) {
			return true;
		}
	}
	return error_set(
	        error, ERROR_SYNTAX,
	        "the algorithm '%.*s' is unknown; there are hmac-sha256, hmac-sha512, hmac-sha384, hmac-sha224, "
	        "hmac-sha1 and hmac-md5",
	        (int)word.len, word.chars);
}

static bool read_name(struct word word, struct tsig_written *out, struct error *error)
{
	char text[DNS_NAME_TEXT_MAX];
	struct dns_name name;
	if (word.len >= sizeof text) {
		return error_set(error, ERROR_SYNTAX, "the key's name is too long");
	}
	memcpy(text, word.chars, word.len);
	text[word.len] = '\0';
	if (!dns_name_from_text(text, &name, error)) {
		return error_context(error, "the key's name");
	}
	dns_name_lower(name.wire, &out->name);
	return true;
}

/* What is wrong with a secret is told without it. */
static bool read_secret(struct word word, struct tsig_written *out, struct error *error)
{
	if (!base64_decode(word.chars, word.len, out->secret, sizeof out->secret, &out->secret_len)) {
		return error_set(error, ERROR_SYNTAX,
		                 "the secret is not base64 of 1 to %d octets, padded with =", TSIG_SECRET_MAX);
	}
	return true;
}

/* ---- ALGORITHM:NAME:SECRET ---- */

static bool read_line(const char *text, size_t len, struct tsig_written *out, struct error *error)
{
	const char *colon = memchr(text, ':', len);
	const char *second = colon == NULL ? NULL : memchr(colon + 1, ':', len - (size_t)(colon + 1 - text));
	if (second == NULL) {
		return error_set(
		        error, ERROR_SYNTAX,
		        "it has neither the form ALGORITHM:NAME:SECRET nor key \"NAME\" { algorithm ALGORITHM; secret "
		        "\"SECRET\"; };");
	}
	struct word algorithm = {text, (size_t)(colon - text)};
	struct word name = {colon + 1, (size_t)(second - colon - 1)};
	struct word secret = {second + 1, len - (size_t)(second + 1 - text)};
	return read_algorithm(algorithm, out, error) && read_name(name, out, error) && read_secret(secret, out, error);
}

/* ---- key "NAME" { algorithm ALGORITHM; secret "SECRET"; }; ---- */

struct scan {
	const char *at;
	const char *end;
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Behind the comment that begins here; NULL: none does. */
static const char *after_comment(const struct scan *scan)
{
	size_t left = (size_t)(scan->end - scan->at);
	bool is_long = left >= 2 && memcmp(scan->at, "/*", 2) == 0;
	bool is_line = scan->at[0] == '#' || (left >= 2 && memcmp(scan->at, "//", 2) == 0);
	if (!is_long && !is_line) {
		return NULL;
	}
	const char *stop = is_long ? "*/" : "\n";
	const char *found = memmem(scan->at, left, stop, strlen(stop));
	return found == NULL ? scan->end : found + strlen(stop);
}

static void skip(struct scan *scan)
{
	while (scan->at < scan->end) {
		const char *after = is_space(*scan->at) ? scan->at + 1 : after_comment(scan);
		if (after == NULL) {
			return;
		}
		scan->at = after;
	}
}

/* The quote that closes what begins here, or the end; names may have escaped ones. */
static const char *closing_quote(const char *at, const char *end)
{
	while (at < end && *at != '"') {
		at += *at == '\\' && at + 1 < end ? 2 : 1;
	}
	return at;
}

/* A mark, or a word, which may be in quotes. Length 0: the end, or a quote that nothing closes. */
static struct word next_word(struct scan *scan)
{
	skip(scan);
	struct word word = {.chars = scan->at};
	if (scan->at == scan->end) {
		return word;
	}
	if (*scan->at == '"') {
		const char *close = closing_quote(++word.chars, scan->end);
		word.len = close == scan->end ? 0 : (size_t)(close - word.chars);
		scan->at = close == scan->end ? close : close + 1;
		return word;
	}
	if (strchr("{};", *scan->at) == NULL) {
		while (scan->at < scan->end && !is_space(*scan->at) && strchr("{};\"", *scan->at) == NULL) {
			scan->at++;
		}
	} else {
		scan->at++;
	}
	word.len = (size_t)(scan->at - word.chars);
	return word;
}

static bool expect(struct scan *scan, const char *mark, struct error *error)
{
	if (!word_is(next_word(scan), mark)) {
		return error_set(error, ERROR_SYNTAX, "expected '%s' in the key's statement", mark);
	}
	return true;
}

static bool read_statement(struct scan *scan, struct tsig_written *out, struct error *error)
{
	bool has_algorithm = false;
	bool has_secret = false;
	if (!read_name(next_word(scan), out, error) || !expect(scan, "{", error)) {
		return false;
	}
	struct word word = next_word(scan);
	for (; !word_is(word, "}"); word = next_word(scan)) {
		bool right = false;
		if (word_is(word, "algorithm") && !has_algorithm) {
			has_algorithm = true;
			right = read_algorithm(next_word(scan), out, error);
		} else if (word_is(word, "secret") && !has_secret) {
			has_secret = true;
			right = read_secret(next_word(scan), out, error);
		} else {
			error_set(error, ERROR_SYNTAX, "a key's statement has one `algorithm` and one `secret`");
		}
		if (!right || !expect(scan, ";", error)) {
			return false;
		}
	}
	if (!has_algorithm || !has_secret) {
		return error_set(error, ERROR_SYNTAX, "the key's statement has no `%s`",
		                 has_algorithm ? "secret" : "algorithm");
	}
	if (!expect(scan, ";", error)) {
		return false;
	}
	skip(scan);
	return scan->at == scan->end || error_set(error, ERROR_SYNTAX, "there is something behind the key's statement");
}

bool tsig_key_read(const char *text, size_t len, struct tsig_written *out, struct error *error)
{
	struct scan scan = {.at = text, .end = text + len};
	memset(out, 0, sizeof *out);
	skip(&scan);
	struct scan behind = scan;
	if (word_is(next_word(&behind), "key")) {
		return read_statement(&behind, out, error);
	}
	const char *end = scan.end;
	while (end > scan.at && is_space(end[-1])) {
		end--;
	}
	return read_line(scan.at, (size_t)(end - scan.at), out, error);
}

bool tsig_key_read_file(const char *path, struct tsig_written *out, struct error *error)
{
	uint8_t *bytes;
	size_t len;
	if (!file_read_secret(path, FILE_SIZE_MAX, &bytes, &len, error)) {
		return false;
	}
	bool done = tsig_key_read((const char *)bytes, len, out, error) || error_context(error, "%s", path);
	explicit_bzero(bytes, len);
	free(bytes);
	return done;
}

const struct tsig_key *tsig_key_of(const struct tsig_written *written, struct error *error)
{
	return tsig_key_new(written->name.wire, written->algorithm, written->secret, written->secret_len,
	                    written->mac_len, error);
}

void tsig_key_write(const struct tsig_written *written, struct text *out)
{
	char name[DNS_NAME_TEXT_MAX];
	text_format(out, "key \"%s\" {\n\talgorithm %s;\n\tsecret \"", dns_name_to_text_short(written->name.wire, name),
	            tsig_algorithm_name(written->algorithm));
	base64_encode(written->secret, written->secret_len, out);
	text_add_string(out, "\";\n};\n");
}
