/* SPDX-License-Identifier: MIT */
/* Shows messages in the layout that people know from dig, so that scripts which read it read ours. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "cli/query_internal.h"
#include "dns/rdata.h"

static void print_flags(uint16_t flags)
{
	static const struct {
		uint16_t bit;
		const char *name;
	} rows[] = {
	        {DNS_FLAG_QR, " qr"}, {DNS_FLAG_AA, " aa"}, {DNS_FLAG_TC, " tc"}, {DNS_FLAG_RD, " rd"},
	        {DNS_FLAG_RA, " ra"}, {DNS_FLAG_AD, " ad"}, {DNS_FLAG_CD, " cd"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		if ((flags & rows[i].bit) != 0) {
			fputs(rows[i].name, stdout);
		}
	}
}

static void print_header(const struct dns_message *message)
{
	char opcode[DNS_MNEMONIC_MAX];
	char rcode[DNS_MNEMONIC_MAX];
	const struct dns_header *header = &message->header;
	printf(";; ->>HEADER<<- opcode: %s, status: %s, id: %u\n",
	       dns_opcode_to_text(dns_flags_opcode(header->flags), opcode),
	       dns_rcode_to_text(dns_message_rcode(message), rcode), header->id);
	printf(";; flags:");
	print_flags(header->flags);
	printf("; QUERY: %u, ANSWER: %u, AUTHORITY: %u, ADDITIONAL: %u\n", header->question_count, header->answer_count,
	       header->authority_count, header->additional_count);
	if ((header->flags & DNS_FLAG_RD) != 0 && (header->flags & DNS_FLAG_RA) == 0 &&
	    (header->flags & DNS_FLAG_QR) != 0) {
		printf(";; WARNING: recursion requested but not available\n");
	}
	printf("\n");
}

static void print_octets(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		printf(" %02x", bytes[i]);
	}
	printf(" (\"");
	for (size_t i = 0; i < len; i++) {
		putchar(isprint(bytes[i]) ? bytes[i] : '.');
	}
	printf("\")\n");
}

/* A stranger's text, as zone files write odd octets: a terminal takes some of them as orders. */
static void print_text(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] >= ' ' && bytes[i] <= '~') {
			putchar(bytes[i]);
		} else {
			printf("\\%03u", bytes[i]);
		}
	}
}

/* RFC 7871 6: family, source and scope prefix, the address as far as the prefix goes. */
static void print_subnet(const uint8_t *bytes, size_t len)
{
	char text[ADDRESS_TEXT_MAX];
	struct address address = {.family = bytes[1] == 1 ? ADDRESS_V4 : ADDRESS_V6};
	size_t octets = len - 4;
	size_t octets_max = address.family == ADDRESS_V4 ? 4 : 16;
	memcpy(address.bytes, bytes + 4, octets < octets_max ? octets : octets_max);
	printf("; CLIENT-SUBNET: %s/%u/%u\n", address_to_text(&address, text), bytes[2], bytes[3]);
}

/* What the other side makes of our cookie (RFC 7873 5.3). Nothing is said of a question. */
static const char *judge_cookie(const struct query_options *options, const uint8_t *bytes, size_t len)
{
	if (options->cookie_len == 0 || len < QUERY_CLIENT_COOKIE_LEN ||
	    memcmp(bytes, options->cookie, QUERY_CLIENT_COOKIE_LEN) != 0) {
		return " (bad)";
	}
	return len == QUERY_CLIENT_COOKIE_LEN ? " (echoed)" : " (good)";
}

static void print_cookie(const struct query_options *options, bool is_reply, const uint8_t *bytes, size_t len)
{
	printf("; COOKIE: ");
	for (size_t i = 0; i < len; i++) {
		printf("%02x", bytes[i]);
	}
	printf("%s\n", is_reply ? judge_cookie(options, bytes, len) : "");
}

static void print_error(const uint8_t *bytes, size_t len)
{
	int code = load_u16(bytes);
	printf("; EDE: %d (%s)", code, dns_ede_text(code));
	if (len > 2) {
		printf(": (");
		print_text(bytes + 2, len - 2);
		printf(")");
	}
	printf("\n");
}

/* An option as the registry has it; what has another form is shown as octets. */
static void print_option(const struct query_options *options, bool is_reply, uint16_t code, const uint8_t *bytes,
                         size_t len)
{
	char duration[QUERY_DURATION_MAX];
	if (code == DNS_OPTION_NSID && len > 0) {
		printf("; NSID:");
		print_octets(bytes, len);
	} else if (code == DNS_OPTION_SUBNET && len >= 4 && bytes[0] == 0 && (bytes[1] == 1 || bytes[1] == 2)) {
		print_subnet(bytes, len);
	} else if (code == DNS_OPTION_EXPIRE && len == 4) {
		printf("; EXPIRE: %u (%s)\n", load_u32(bytes), query_duration(load_u32(bytes), true, duration));
	} else if (code == DNS_OPTION_COOKIE) {
		print_cookie(options, is_reply, bytes, len);
	} else if (code == DNS_OPTION_KEEPALIVE && len == 2) {
		printf("; TCP KEEPALIVE: %u.%u secs\n", load_u16(bytes) / 10u, load_u16(bytes) % 10u);
	} else if (code == DNS_OPTION_PADDING) {
		printf("; PAD: (%zu bytes)\n", len);
	} else if (code == DNS_OPTION_EDE && len >= 2) {
		print_error(bytes, len);
	} else if (code == DNS_OPTION_NSID || code == DNS_OPTION_EXPIRE || code == DNS_OPTION_KEEPALIVE) {
		printf("; %s\n", code == DNS_OPTION_NSID     ? "NSID"
		                 : code == DNS_OPTION_EXPIRE ? "EXPIRE"
		                                             : "TCP KEEPALIVE");
	} else {
		printf("; OPT=%u:", code);
		print_octets(bytes, len);
	}
}

static void print_edns(const struct query_options *options, const struct dns_message *message)
{
	const struct dns_edns *edns = &message->edns;
	bool is_reply = (message->header.flags & DNS_FLAG_QR) != 0;
	printf(";; OPT PSEUDOSECTION:\n; EDNS: version: %u, flags:%s; udp: %u\n", edns->version,
	       edns->dnssec_ok ? " do" : "", edns->payload_size);
	struct reader in = reader_of(edns->options, edns->options_len);
	while (reader_left(&in) > 0 && !in.failed) {
		uint16_t code = read_u16(&in);
		uint16_t len = read_u16(&in);
		const uint8_t *bytes = read_bytes(&in, len);
		if (!in.failed) {
			print_option(options, is_reply, code, bytes, len);
		}
	}
}

static void print_question(const struct query_options *options, const struct dns_message *message)
{
	if (options->show_comments) {
		printf(";; QUESTION SECTION:\n");
	}
	query_print_question(options, message);
	if (options->show_comments) {
		printf("\n");
	}
}

/* `count` of them are counted, `shown` are shown: OPT stands above. */
static void print_section(const struct query_options *options, const struct query_reply *reply, const char *title,
                          unsigned count, unsigned shown, struct reader at)
{
	bool with_frame = !options->is_short && options->show_comments && shown > 0;
	if (with_frame) {
		printf(";; %s SECTION:\n", title);
	}
	for (unsigned i = 0; i < count && !at.failed; i++) {
		query_print_rr(options, reply, &at);
	}
	if (with_frame) {
		printf("\n");
	}
}

static void print_sections(const struct query_options *options, const struct dns_message *message,
                           const struct query_reply *reply)
{
	const struct dns_header *header = &message->header;
	if (options->show_answer) {
		print_section(options, reply, "ANSWER", header->answer_count, header->answer_count,
		              dns_message_reader(message, message->answer_offset));
	}
	if (options->show_authority && !options->is_short) {
		print_section(options, reply, "AUTHORITY", header->authority_count, header->authority_count,
		              dns_message_reader(message, message->authority_offset));
	}
	if (options->show_additional && !options->is_short) {
		print_section(options, reply, "ADDITIONAL", header->additional_count,
		              header->additional_count - (message->edns.present ? 1u : 0u),
		              dns_message_reader(message, message->additional_offset));
	}
}

void query_print_stats(const struct query_options *options, const struct query_reply *reply)
{
	char server[ADDRESS_TEXT_MAX];
	char plain[ADDRESS_TEXT_MAX];
	char when[64];
	char elapsed[40];
	struct address host = options->server;
	time_t now = (time_t)clock_now().wall_s;
	struct tm parts;
	localtime_r(&now, &parts);
	strftime(when, sizeof when, "%a %b %d %H:%M:%S %Z %Y", &parts);
	host.port = 0;
	size_t name_len = options->server_text == NULL ? 0 : strcspn(options->server_text, "@#");
	printf(";; Query time: %s\n", query_time(options, reply, false, elapsed));
	printf(";; SERVER: %s(%.*s) (%s)\n", query_server_text(&options->server, server),
	       name_len == 0 ? (int)sizeof plain : (int)name_len,
	       name_len == 0 ? address_to_text(&host, plain) : options->server_text, reply->tcp ? "TCP" : "UDP");
	printf(";; WHEN: %s\n", when);
}

static void print_received(const struct query_options *options, const struct query_reply *reply)
{
	char server[ADDRESS_TEXT_MAX];
	char elapsed[40];
	struct address host = options->server;
	char plain[ADDRESS_TEXT_MAX];
	host.port = 0;
	printf(";; Received %zu bytes from %s(%s) in %s\n\n", reply->len, query_server_text(&options->server, server),
	       address_to_text(&host, plain), query_time(options, reply, true, elapsed));
}

void query_print_query(const struct query_options *options, const uint8_t *bytes, size_t len)
{
	struct dns_message message;
	if (!options->show_query || !options->show_comments || options->is_short ||
	    dns_message_read(bytes, len, &message) == DNS_READ_TOO_SHORT) {
		return;
	}
	printf(";; Sending:\n");
	print_header(&message);
	if (message.edns.present) {
		print_edns(options, &message);
	}
	if (options->show_question && message.has_question) {
		print_question(options, &message);
	}
	if (options->show_stats) {
		printf(";; QUERY SIZE: %zu\n\n", len);
	}
}

void query_print_reply(const struct query_options *options, const struct dns_message *message,
                       const struct query_reply *reply)
{
	if (!options->is_short && options->show_comments) {
		printf(";; Got answer:\n");
		print_header(message);
		if (message->edns.present) {
			print_edns(options, message);
		}
	}
	if (!options->is_short && options->show_question && message->has_question) {
		print_question(options, message);
	}
	if (message->additional_offset >= message->authority_offset && message->authority_offset >= DNS_HEADER_SIZE) {
		print_sections(options, message, reply);
	}
	if (!options->is_short && options->show_stats) {
		query_print_stats(options, reply);
		printf(";; MSG SIZE  rcvd: %zu\n\n", reply->len);
	} else if (!options->is_short && options->identify) {
		print_received(options, reply);
	}
}
