/* SPDX-License-Identifier: MIT */
/* One record as dig shows it: columns made of tabs, and with +multiline several lines. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/query_internal.h"
#include "dns/rdata.h"

#define RDATA_TEXT_MAX ((size_t)4 * 1024 * 1024)
#define TAB            8u
#define LINE_START     "\t\t\t\t" /* of the lines after the first: where RDATA begins */
#define PIECE          44         /* characters of a key, digest or signature in one line */

/* ---- columns ---- */

struct columns {
	size_t ttl, class, type, rdata;
};

/* What is left out moves the rest to the left. */
static struct columns columns_of(const struct query_options *options)
{
	if (options->multiline) {
		return (struct columns){.ttl = 24, .class = 24, .type = 24, .rdata = 32};
	}
	struct columns columns = {.ttl = 24, .class = 24};
	columns.class += options->show_ttl && options->show_class ? TAB : 0;
	columns.type = 24 + TAB * (options->show_ttl + (size_t)options->show_class);
	columns.rdata = columns.type + TAB;
	return columns;
}

/* With tabs as far as they lead, but by one place at least. */
static void move_to(struct text *line, size_t *at, size_t column)
{
	size_t to = column > *at ? column : *at + 1;
	while (*at / TAB < to / TAB) {
		text_add_char(line, '\t');
		*at = (*at / TAB + 1) * TAB;
	}
	for (; *at < to; (*at)++) {
		text_add_char(line, ' ');
	}
}

static void add_word(struct text *line, size_t *at, const char *word)
{
	text_add_string(line, word);
	*at += strlen(word);
}

/* ---- durations ---- */

char *query_duration(uint32_t seconds, bool verbose, char *out)
{
	static const struct {
		uint32_t seconds;
		const char *word;
	} units[] = {{604800, "week"}, {86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
	char *at = out;
	uint32_t left = seconds;
	*at = '\0';
	for (size_t i = 0; i < ARRAY_LENGTH(units); i++) {
		uint32_t count = left / units[i].seconds;
		left %= units[i].seconds;
		if (count == 0 && !(units[i].seconds == 1 && at == out)) {
			continue;
		}
		if (verbose) {
			at += sprintf(at, "%s%u %s%s", at == out ? "" : " ", count, units[i].word,
			              count == 1 ? "" : "s");
		} else {
			at += sprintf(at, "%u%c", count, units[i].word[0]);
		}
	}
	return out;
}

char *query_time(const struct query_options *options, const struct query_reply *reply, bool brief, char *out)
{
	if (options->in_us) {
		sprintf(out, "%llu %s", (unsigned long long)reply->elapsed_us, brief ? "us" : "usec");
	} else {
		sprintf(out, "%llu %s", (unsigned long long)reply->elapsed_us / 1000, brief ? "ms" : "msec");
	}
	return out;
}

char *query_server_text(const struct address *server, char *out)
{
	address_to_text(server, out);
	char *port = strrchr(out, '@');
	if (port != NULL) {
		*port = '#';
	}
	return out;
}

/* ---- several lines ---- */

/* Where +multiline breaks the text of a type: so many words stand in the first line and in the second; what follows is
 * one long word, which goes into pieces. */
struct layout {
	const char *type;
	uint8_t first;
	uint8_t second;
};

static const struct layout layouts[] = {
        {"DNSKEY", 3, 0}, {"CDNSKEY", 3, 0}, {"KEY", 3, 0},   {"DS", 3, 0},         {"CDS", 3, 0},
        {"TLSA", 3, 0},   {"SMIMEA", 3, 0},  {"SSHFP", 2, 0}, {"CERT", 3, 0},       {"ZONEMD", 3, 0},
        {"DHCID", 0, 0},  {"RRSIG", 4, 4},   {"SIG", 4, 4},   {"OPENPGPKEY", 0, 0},
};

static const struct layout *find_layout(uint16_t type)
{
	char mnemonic[DNS_MNEMONIC_MAX];
	dns_type_to_text(type, mnemonic);
	for (size_t i = 0; i < ARRAY_LENGTH(layouts); i++) {
		if (strcmp(layouts[i].type, mnemonic) == 0) {
			return &layouts[i];
		}
	}
	return NULL;
}

/* The next `count` words with single spaces between them; gives what comes after. */
static const char *print_words(const char *text, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		size_t len = strcspn(text, " ");
		printf("%s%.*s", i == 0 ? "" : " ", (int)len, text);
		text += len + (text[len] == ' ');
	}
	return text;
}

static void print_pieces(const char *text)
{
	for (size_t len = strlen(text); len > 0; len = strlen(text)) {
		size_t piece = len < PIECE ? len : PIECE;
		printf("\n" LINE_START "%.*s", (int)piece, text);
		text += piece;
	}
}

/* RFC 4034 appendix B, B.1. */
static unsigned key_tag(const uint8_t *rdata, size_t len)
{
	uint32_t sum = 0;
	if (len >= 4 && rdata[3] == 1) {
		return load_u16(rdata + len - 3);
	}
	for (size_t i = 0; i < len; i++) {
		sum += i % 2 == 0 ? (uint32_t)rdata[i] << 8 : rdata[i];
	}
	return (sum + (sum >> 16)) & 0xffffu;
}

static const char *algorithm_name(uint8_t algorithm)
{
	static const char *const names[] = {
	        [1] = "RSAMD5",           [3] = "DSA",          [5] = "RSASHA1",
	        [6] = "NSEC3DSA",         [7] = "NSEC3RSASHA1", [8] = "RSASHA256",
	        [10] = "RSASHA512",       [12] = "ECCGOST",     [13] = "ECDSAP256SHA256",
	        [14] = "ECDSAP384SHA384", [15] = "ED25519",     [16] = "ED448",
	};
	return algorithm < ARRAY_LENGTH(names) && names[algorithm] != NULL ? names[algorithm] : "unknown";
}

/* What a person wants to know of a key (RFC 4034 2.1.1, RFC 5011 3). */
static void print_key_comment(const uint8_t *rdata, size_t len)
{
	uint16_t flags = load_u16(rdata);
	const char *role = (flags & 0x0100) == 0 ? "no zone key" : (flags & 1) != 0 ? "KSK" : "ZSK";
	printf(" ; %s%s; alg = %s ; key id = %u", (flags & 0x0080) != 0 ? "revoked " : "", role,
	       algorithm_name(rdata[3]), key_tag(rdata, len));
}

static void print_soa_lines(const char *text)
{
	static const char *const fields[] = {"serial", "refresh", "retry", "expire", "minimum"};
	text = print_words(text, 2);
	printf(" (\n");
	for (size_t i = 0; i < ARRAY_LENGTH(fields); i++) {
		char duration[QUERY_DURATION_MAX];
		char *end;
		unsigned long value = strtoul(text, &end, 10);
		printf(LINE_START "%-10lu ; %s", value, fields[i]);
		if (i > 0) {
			printf(" (%s)", query_duration((uint32_t)value, true, duration));
		}
		printf("\n");
		text = end;
	}
	printf(LINE_START ")");
}

static void print_lines(uint16_t type, const char *text, const uint8_t *rdata, size_t len)
{
	const struct layout *layout = find_layout(type);
	bool is_key = type == DNS_TYPE_DNSKEY || type == DNS_TYPE_CDNSKEY;
	if (type == DNS_TYPE_SOA) {
		print_soa_lines(text);
		return;
	}
	if (layout == NULL) {
		printf("%s", text);
		return;
	}
	text = print_words(text, layout->first);
	printf("%s(", layout->first > 0 ? " " : "");
	if (layout->second > 0) {
		printf("\n" LINE_START);
		text = print_words(text, layout->second);
	}
	print_pieces(text);
	if (is_key) {
		printf("\n" LINE_START ")");
		print_key_comment(rdata, len);
	} else {
		printf(" )");
	}
}

/* ---- records ---- */

static void print_rdata(const struct query_options *options, const struct dns_rr *rr, const struct reader *message)
{
	static uint8_t rdata[DNS_RDATA_MAX];
	struct writer out = writer_of(rdata, sizeof rdata);
	struct reader at = *message;
	struct text text;
	text_init(&text, RDATA_TEXT_MAX);
	at.at = rr->rdata;
	bool is_sound = dns_rdata_read(&at, rr->type, rr->rdata_len, &out);
	if (is_sound) {
		dns_rdata_to_text(rr->type, rdata, writer_len(&out), &text);
	} else {
		/* What cannot be read is shown as it came. */
		dns_rdata_to_text_generic(rr->rdata, rr->rdata_len, &text);
	}
	if (is_sound && options->multiline && !options->is_short) {
		print_lines(rr->type, text_string(&text), rdata, writer_len(&out));
	} else {
		printf("%s", text_string(&text));
	}
	text_deinit(&text);
}

static void print_front(const struct query_options *options, const struct dns_rr *rr)
{
	char word[DNS_NAME_TEXT_MAX];
	char duration[QUERY_DURATION_MAX];
	struct text line;
	struct columns columns = columns_of(options);
	size_t at = 0;
	text_init(&line, 4096);
	add_word(&line, &at, dns_name_to_text(rr->owner.wire, word));
	if (options->show_ttl) {
		move_to(&line, &at, columns.ttl);
		snprintf(word, sizeof word, "%u", rr->ttl);
		add_word(&line, &at, options->ttl_units ? query_duration(rr->ttl, false, duration) : word);
	}
	if (options->show_class) {
		move_to(&line, &at, columns.class);
		add_word(&line, &at, dns_class_to_text(rr->class, word));
	}
	move_to(&line, &at, columns.type);
	add_word(&line, &at, dns_type_to_text(rr->type, word));
	move_to(&line, &at, columns.rdata);
	fputs(text_string(&line), stdout);
	text_deinit(&line);
}

void query_print_rr(const struct query_options *options, const struct query_reply *reply, struct reader *message)
{
	struct dns_rr rr;
	char server[ADDRESS_TEXT_MAX];
	char elapsed[40];
	dns_rr_read(message, &rr);
	if (message->failed || rr.type == DNS_TYPE_OPT) {
		return;
	}
	if (!options->is_short) {
		print_front(options, &rr);
	}
	print_rdata(options, &rr, message);
	if (options->is_short && options->identify) {
		struct address host = options->server;
		host.port = 0;
		printf(" from server %s in %s.", address_to_text(&host, server),
		       query_time(options, reply, true, elapsed));
	}
	printf("\n");
}

void query_print_question(const struct query_options *options, const struct dns_message *message)
{
	char word[DNS_NAME_TEXT_MAX];
	struct text line;
	struct columns columns = columns_of(options);
	size_t at = 0;
	text_init(&line, 4096);
	add_word(&line, &at, dns_name_to_text(message->qname.wire, word));
	move_to(&line, &at, columns.class);
	add_word(&line, &at, dns_class_to_text(message->qclass, word));
	move_to(&line, &at, columns.type);
	add_word(&line, &at, dns_type_to_text(message->qtype, word));
	printf(";%s\n", text_string(&line));
	text_deinit(&line);
}
