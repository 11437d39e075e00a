/* SPDX-License-Identifier: MIT */
/* Shows replies in the layout that people know from dig. */
#include <ctype.h>
#include <stdio.h>
#include <time.h>

#include "base/text.h"
#include "cli/query_internal.h"
#include "dns/rdata.h"

#define RDATA_TEXT_MAX ((size_t)4 * 1024 * 1024)

static void print_rdata(const struct dns_rr *rr, struct reader *message)
{
	static uint8_t rdata[DNS_RDATA_MAX];
	struct writer out = writer_of(rdata, sizeof rdata);
	struct reader at = *message;
	struct text text;
	text_init(&text, RDATA_TEXT_MAX);
	at.at = rr->rdata;
	if (dns_rdata_read(&at, rr->type, rr->rdata_len, &out)) {
		dns_rdata_to_text(rr->type, rdata, writer_len(&out), &text);
	} else {
		/* What cannot be read is shown as it came. */
		dns_rdata_to_text_generic(rr->rdata, rr->rdata_len, &text);
	}
	printf("%s\n", text_string(&text));
	text_deinit(&text);
}

void query_print_rr(const struct query_options *options, struct reader *message)
{
	struct dns_rr rr;
	char owner[DNS_NAME_TEXT_MAX];
	char mnemonic[DNS_MNEMONIC_MAX];
	dns_rr_read(message, &rr);
	if (message->failed || rr.type == DNS_TYPE_OPT) {
		return;
	}
	if (!options->is_short) {
		printf("%-23s ", dns_name_to_text(rr.owner.wire, owner));
		if (options->show_ttl) {
			printf("%u\t", rr.ttl);
		}
		if (options->show_class) {
			printf("%s\t", dns_class_to_text(rr.class, mnemonic));
		}
		printf("%s\t", dns_type_to_text(rr.type, mnemonic));
	}
	print_rdata(&rr, message);
}

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
}

static void print_octets(const char *label, const uint8_t *bytes, size_t len)
{
	printf("; %s:", label);
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

static void print_edns(const struct dns_edns *edns)
{
	printf("\n;; OPT PSEUDOSECTION:\n; EDNS: version: %u, flags:%s; udp: %u\n", edns->version,
	       edns->dnssec_ok ? " do" : "", edns->payload_size);
	if (edns->nsid && edns->nsid_len > 0) {
		print_octets("NSID", edns->nsid_bytes, edns->nsid_len);
	}
	if (edns->expire_has_value) {
		printf("; EXPIRE: %u\n", edns->expire_s);
	}
	if (edns->keepalive_has_value) {
		printf("; TCP KEEPALIVE: %u.%u secs\n", edns->keepalive_100ms / 10u, edns->keepalive_100ms % 10u);
	}
	if (edns->padding) {
		printf("; PADDING\n");
	}
	if (edns->ede != DNS_EDE_NONE) {
		printf("; EDE: %d (%s)", edns->ede, dns_ede_text(edns->ede));
		if (edns->ede_text_len > 0) {
			printf(": (");
			print_text(edns->ede_text, edns->ede_text_len);
			printf(")");
		}
		printf("\n");
	}
}

static void print_question(const struct dns_message *message)
{
	char name[DNS_NAME_TEXT_MAX];
	char class[DNS_MNEMONIC_MAX];
	char type[DNS_MNEMONIC_MAX];
	printf("\n;; QUESTION SECTION:\n;%-30s\t%s\t%s\n", dns_name_to_text(message->qname.wire, name),
	       dns_class_to_text(message->qclass, class), dns_type_to_text(message->qtype, type));
}

static void print_section(const struct query_options *options, const char *title, unsigned count, struct reader *at)
{
	if (!options->is_short && options->show_comments && title != NULL && count > 0) {
		printf("\n;; %s SECTION:\n", title);
	}
	for (unsigned i = 0; i < count && !at->failed; i++) {
		query_print_rr(options, at);
	}
}

static void print_sections(const struct query_options *options, const struct dns_message *message)
{
	const struct dns_header *header = &message->header;
	/* OPT is shown above, not counted here. */
	unsigned additional = header->additional_count - (message->edns.present ? 1u : 0u);
	struct reader at = dns_message_reader(message, message->answer_offset);
	if (options->show_answer) {
		print_section(options, "ANSWER", header->answer_count, &at);
	}
	if (options->show_authority && !options->is_short) {
		at = dns_message_reader(message, message->authority_offset);
		print_section(options, "AUTHORITY", header->authority_count, &at);
	}
	if (options->show_additional && !options->is_short && additional > 0) {
		at = dns_message_reader(message, message->additional_offset);
		if (options->show_comments) {
			printf("\n;; ADDITIONAL SECTION:\n");
		}
		print_section(options, NULL, header->additional_count, &at);
	}
}

void query_print_stats(const struct query_options *options, const struct query_reply *reply)
{
	char server[ADDRESS_TEXT_MAX];
	char when[64];
	time_t now = (time_t)clock_now().wall_s;
	struct tm parts;
	localtime_r(&now, &parts);
	strftime(when, sizeof when, "%a %b %d %H:%M:%S %Z %Y", &parts);
	printf("\n;; Query time: %u msec\n", reply->elapsed_us / 1000);
	printf(";; SERVER: %s (%s)\n", address_to_text(&options->server, server), reply->tcp ? "TCP" : "UDP");
	printf(";; WHEN: %s\n", when);
}

void query_print_reply(const struct query_options *options, const struct dns_message *message,
                       const struct query_reply *reply)
{
	if (!options->is_short && options->show_comments) {
		printf(";; Got answer:\n");
		print_header(message);
		if (message->edns.present) {
			print_edns(&message->edns);
		}
	}
	if (!options->is_short && options->show_question && message->has_question) {
		print_question(message);
	}
	if (message->additional_offset >= message->authority_offset && message->authority_offset >= DNS_HEADER_SIZE) {
		print_sections(options, message);
	}
	if (!options->is_short && options->show_stats) {
		query_print_stats(options, reply);
		printf(";; MSG SIZE  rcvd: %zu\n\n", reply->len);
	}
}
