/* SPDX-License-Identifier: MIT */
/* The command line of `tandem query`: dig's words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/query_internal.h"
#include "crypto/crypto.h"

#define TIMEOUT_MS_DEFAULT 5000
#define TRIES_DEFAULT      3

struct query_options query_options_default(void)
{
	return (struct query_options){
	        .name = {.len = 1},
	        .type = DNS_TYPE_A,
	        .class = DNS_CLASS_IN,
	        .timeout_ms = TIMEOUT_MS_DEFAULT,
	        .tries = TRIES_DEFAULT,
	        .recurse = true,
	        .ad = true,
	        .edns = true,
	        .payload_size = DNS_UDP_SIZE_EDNS,
	        .show_command = true,
	        .show_comments = true,
	        .show_question = true,
	        .show_answer = true,
	        .show_authority = true,
	        .show_additional = true,
	        .show_stats = true,
	        .show_class = true,
	        .show_ttl = true,
	};
}

bool query_complain(const char *what, const char *word)
{
	fprintf(stderr, "tandem query: %s '%s'; see tandem query --help\n", what, word);
	return false;
}

static bool number_of(const char *text, unsigned long max, unsigned long *out)
{
	char *end;
	if (text == NULL || *text < '0' || *text > '9') {
		return false;
	}
	*out = strtoul(text, &end, 10);
	return *end == '\0' && *out <= max;
}

/* +NAME and +noNAME: one flag each. */
static bool flag_option(struct query_options *options, const char *name, bool on)
{
	const struct {
		const char *name;
		bool *flag;
	} rows[] = {
	        {"tcp", &options->tcp},
	        {"vc", &options->tcp},
	        {"dnssec", &options->dnssec},
	        {"do", &options->dnssec},
	        {"rec", &options->recurse},
	        {"recurse", &options->recurse},
	        {"rdflag", &options->recurse},
	        {"edns", &options->edns},
	        {"nsid", &options->nsid},
	        {"expire", &options->expire},
	        {"keepalive", &options->keepalive},
	        {"adflag", &options->ad},
	        {"ad", &options->ad},
	        {"cdflag", &options->cd},
	        {"cd", &options->cd},
	        {"aaflag", &options->aa},
	        {"aaonly", &options->aa},
	        {"zflag", &options->z},
	        {"ignore", &options->ignore_truncation},
	        {"short", &options->is_short},
	        {"cmd", &options->show_command},
	        {"comments", &options->show_comments},
	        {"question", &options->show_question},
	        {"answer", &options->show_answer},
	        {"authority", &options->show_authority},
	        {"additional", &options->show_additional},
	        {"stats", &options->show_stats},
	        {"class", &options->show_class},
	        {"cl", &options->show_class},
	        {"ttlid", &options->show_ttl},
	        {"onesoa", &options->one_soa},
	        {"multiline", &options->multiline},
	        {"ttlunits", &options->ttl_units},
	        {"qr", &options->show_query},
	        {"identify", &options->identify},
	        {"subnet", &options->has_subnet},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		if (strcasecmp(name, rows[i].name) == 0) {
			*rows[i].flag = on;
			options->no_tcp = rows[i].flag == &options->tcp ? !on : options->no_tcp;
			return true;
		}
	}
	return false;
}

/* +cookie: a client cookie of our own (RFC 7873 4.1). */
static void make_cookie(struct query_options *options, bool on)
{
	options->cookie_len = on ? QUERY_CLIENT_COOKIE_LEN : 0;
	crypto_random_bytes(options->cookie, QUERY_CLIENT_COOKIE_LEN);
	options->edns = options->edns || on;
}

/* +cookie=HEX: a client's 8 octets, and a server's 8 to 32 after them. */
static bool cookie_from_text(struct query_options *options, const char *text)
{
	size_t len = strlen(text) / 2;
	if (strlen(text) % 2 != 0 || strspn(text, "0123456789abcdefABCDEF") != strlen(text) ||
	    (len != QUERY_CLIENT_COOKIE_LEN && (len < 16 || len > QUERY_COOKIE_MAX))) {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		char octet[3] = {text[2 * i], text[2 * i + 1], '\0'};
		options->cookie[i] = (uint8_t)strtoul(octet, NULL, 16);
	}
	options->cookie_len = len;
	options->edns = true;
	return true;
}

/* +subnet=ADDR[/BITS], or 0 for "tell nobody about me" (RFC 7871 7.1.2). Bits beyond the prefix are cleared. */
static bool subnet_from_text(struct query_options *options, const char *text)
{
	char address[ADDRESS_TEXT_MAX];
	unsigned long bits = 0;
	const char *slash = strchr(text, '/');
	size_t len = slash == NULL ? strlen(text) : (size_t)(slash - text);
	if (strcmp(text, "0") == 0 || strcmp(text, "0/0") == 0) {
		text = "0.0.0.0/0";
		slash = strchr(text, '/');
		len = (size_t)(slash - text);
	}
	if (len >= sizeof address) {
		return false;
	}
	memcpy(address, text, len);
	address[len] = '\0';
	if (!address_from_text(address, 0, &options->subnet, NULL) || options->subnet.port != 0) {
		return false;
	}
	unsigned long bits_max = options->subnet.family == ADDRESS_V4 ? 32 : 128;
	bits = bits_max;
	if (slash != NULL && !number_of(slash + 1, bits_max, &bits)) {
		return false;
	}
	for (size_t i = bits; i < bits_max; i++) {
		options->subnet.bytes[i / 8] &= (uint8_t) ~(0x80u >> i % 8);
	}
	options->subnet_bits = (uint8_t)bits;
	options->has_subnet = true;
	options->edns = true;
	return true;
}

static void show_all(struct query_options *options, bool on)
{
	options->show_command = on;
	options->show_comments = on;
	options->show_question = on;
	options->show_answer = on;
	options->show_authority = on;
	options->show_additional = on;
	options->show_stats = on;
}

/* +NAME=VALUE */
static bool value_option(struct query_options *options, const char *name, size_t name_len, const char *value)
{
	unsigned long number;
	if (name_len == 7 && strncasecmp(name, "bufsize", 7) == 0 && number_of(value, 65535, &number)) {
		options->payload_size = (uint16_t)number;
		options->edns = true;
		return true;
	}
	if (name_len == 4 && strncasecmp(name, "edns", 4) == 0 && number_of(value, 255, &number)) {
		options->edns_version = (uint16_t)number;
		options->edns = true;
		return true;
	}
	if (((name_len == 4 && strncasecmp(name, "time", 4) == 0) ||
	     (name_len == 7 && strncasecmp(name, "timeout", 7) == 0)) &&
	    number_of(value, 3600, &number) && number > 0) {
		options->timeout_ms = (uint32_t)number * 1000;
		return true;
	}
	if (name_len == 5 && strncasecmp(name, "tries", 5) == 0 && number_of(value, 100, &number) && number > 0) {
		options->tries = (unsigned)number;
		return true;
	}
	if (name_len == 5 && strncasecmp(name, "retry", 5) == 0 && number_of(value, 100, &number)) {
		options->tries = (unsigned)number + 1;
		return true;
	}
	if (name_len == 6 && strncasecmp(name, "opcode", 6) == 0 && number_of(value, 15, &number)) {
		options->opcode = (unsigned)number;
		return true;
	}
	if (name_len == 6 && strncasecmp(name, "cookie", 6) == 0) {
		return cookie_from_text(options, value);
	}
	if (name_len == 6 && strncasecmp(name, "subnet", 6) == 0) {
		return subnet_from_text(options, value);
	}
	return false;
}

static bool plus_option(struct query_options *options, const char *word)
{
	const char *equals = strchr(word, '=');
	if (equals != NULL) {
		return value_option(options, word, (size_t)(equals - word), equals + 1) ||
		       query_complain("unknown option or bad value", word);
	}
	bool on = strncasecmp(word, "no", 2) != 0;
	const char *name = on ? word : word + 2;
	if (strcasecmp(name, "all") == 0) {
		show_all(options, on);
		return true;
	}
	if (strcasecmp(name, "cookie") == 0) {
		make_cookie(options, on);
		return true;
	}
	if (strcasecmp(word, "subnet") == 0) {
		return query_complain("a network is missing after", "+subnet=");
	}
	return flag_option(options, name, on) || query_complain("unknown option", word);
}

static bool type_word(struct query_options *options, const char *word)
{
	unsigned long serial;
	if (strncasecmp(word, "ixfr=", 5) == 0) {
		if (!number_of(word + 5, UINT32_MAX, &serial)) {
			return false;
		}
		options->type = DNS_TYPE_IXFR;
		options->ixfr_serial = (uint32_t)serial;
		return true;
	}
	return dns_type_from_text(word, strlen(word), &options->type);
}

/* RFC 1035 3.5 and RFC 3596 2.5. */
static bool reverse_name(const char *text, char *out, size_t size)
{
	struct address address;
	size_t used = 0;
	if (!address_from_text(text, 0, &address, NULL)) {
		return false;
	}
	if (address.family == ADDRESS_V4) {
		snprintf(out, size, "%u.%u.%u.%u.in-addr.arpa.", address.bytes[3], address.bytes[2], address.bytes[1],
		         address.bytes[0]);
		return true;
	}
	for (size_t i = 16; i > 0; i--) {
		used += (size_t)snprintf(out + used, size - used, "%x.%x.", address.bytes[i - 1] & 0xfu,
		                         address.bytes[i - 1] >> 4);
	}
	snprintf(out + used, size - used, "ip6.arpa.");
	return true;
}

/* The own address of -b: ADDR, ADDR#PORT as dig has it, or ADDR@PORT. */
static bool source_from_text(struct query_options *options, const char *text)
{
	char plain[ADDRESS_TEXT_MAX];
	if (strlen(text) >= sizeof plain) {
		return false;
	}
	strcpy(plain, text);
	char *hash = strchr(plain, '#');
	if (hash != NULL) {
		*hash = '@';
	}
	return address_from_text(plain, 0, &options->source, NULL);
}

/* -4, -6, -u */
static bool dash_flag(struct query_options *options, const char *word)
{
	bool is_flag = word[1] != '\0' && word[2] == '\0' && strchr("46u", word[1]) != NULL;
	if (is_flag && word[1] == 'u') {
		options->in_us = true;
	} else if (is_flag) {
		options->family = word[1] == '4' ? ADDRESS_V4 : ADDRESS_V6;
	}
	return is_flag;
}

static bool take_key(struct query_options *options, struct tsig_written *written, struct error *error)
{
	tsig_key_unref(options->key);
	options->key = tsig_key_of(written, error);
	explicit_bzero(written->secret, sizeof written->secret);
	return options->key != NULL;
}

/* -y [ALGORITHM:]NAME:SECRET; what is wrong is told without the secret. `value` is overwritten, since whoever lists this machine's
 * processes sees the command line for as long as we wait for the reply. */
static bool key_from_text(struct query_options *options, char *value)
{
	struct tsig_written written;
	struct error error;
	struct text text;
	const char *colon = strchr(value, ':');
	text_init(&text, 8192);
	if (colon != NULL && strchr(colon + 1, ':') == NULL) {
		text_add_string(&text, "hmac-sha256:");
	}
	text_add_string(&text, value);
	memset(value, 'x', strlen(value));
	bool right =
	        tsig_key_read(text_string(&text), text.len, &written, &error) && take_key(options, &written, &error);
	text_deinit(&text);
	if (!right) {
		fprintf(stderr, "tandem query: -y: %s; see tandem query --help\n", error.text);
	}
	return right;
}

static bool key_from_file(struct query_options *options, const char *path)
{
	struct tsig_written written;
	struct error error;
	bool right = tsig_key_read_file(path, &written, &error) && take_key(options, &written, &error);
	if (!right) {
		fprintf(stderr, "tandem query: -k: %s\n", error.text);
	}
	return right;
}

/* -X VALUE or -XVALUE; `used` says whether the next word was the value. */
static bool dash_option(struct query_options *options, struct query_words *words, char *word, char *next, bool *used)
{
	unsigned long number;
	char *value = word[2] != '\0' ? word + 2 : next;
	*used = word[2] == '\0';
	if (value == NULL) {
		return query_complain("a value is missing after", word);
	}
	switch (word[1]) {
	case 'p':
		if (!number_of(value, 65535, &number) || number == 0) {
			return query_complain("not a port", value);
		}
		options->port = (uint16_t)number;
		return true;
	case 't':
		words->type_given = true;
		return type_word(options, value) || query_complain("unknown type", value);
	case 'c':
		return dns_class_from_text(value, strlen(value), &options->class) ||
		       query_complain("unknown class", value);
	case 'b':
		return source_from_text(options, value) || query_complain("not an address", value);
	case 'k':
		return key_from_file(options, value);
	case 'y':
		return key_from_text(options, value);
	case 'q':
		words->name = value;
		return true;
	case 'x':
		if (!reverse_name(value, words->reverse, sizeof words->reverse)) {
			return query_complain("not an address", value);
		}
		words->name = words->reverse;
		options->type = words->type_given ? options->type : DNS_TYPE_PTR;
		return true;
	default:
		return query_complain("unknown option", word);
	}
}

/* dig's habit: type and class may stand before the name, so a name that reads like one of them comes after it or
 * after -q. ANY is the type of that name, not the class. */
static bool plain_word(struct query_options *options, struct query_words *words, const char *word)
{
	uint16_t class;
	if (!words->has_type && !words->type_given && type_word(options, word)) {
		words->has_type = true;
		return true;
	}
	if (!words->has_class && dns_class_from_text(word, strlen(word), &class)) {
		options->class = class;
		words->has_class = true;
		return true;
	}
	if (words->name == NULL) {
		words->name = word;
		return true;
	}
	return query_complain("one question at a time; do not know what to do with", word);
}

bool query_read_words(int argc, char **argv, struct query_options *options, struct query_words *words)
{
	for (int i = 1; i < argc; i++) {
		char *word = argv[i];
		bool used_next = false;
		bool fine;
		if (word[0] == '@') {
			options->server_text = word + 1;
			fine = true;
		} else if (word[0] == '+') {
			fine = plus_option(options, word + 1);
		} else if (dash_flag(options, word)) {
			fine = true;
		} else if (word[0] == '-' && word[1] != '\0') {
			fine = dash_option(options, words, word, i + 1 < argc ? argv[i + 1] : NULL, &used_next);
		} else {
			fine = plain_word(options, words, word);
		}
		if (!fine) {
			return false;
		}
		i += used_next;
	}
	return true;
}
