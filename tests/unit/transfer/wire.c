/* SPDX-License-Identifier: MIT */
#include "wire.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/quiescent.h"
#include "base/text.h"
#include "dns/rdata.h"

#define TOKENS_MAX 32

static struct dns_encoder encoder;

/* What the tests let go of is freed before leaks are looked for. */
__attribute__((destructor)) static void drain(void)
{
	quiescent_drain();
}

const uint8_t *name_of(const char *text)
{
	static struct dns_name names[4];
	static size_t turn;
	struct dns_name *name = &names[turn++ % 4];
	assert_true(dns_name_from_text(text, name, NULL));
	return name->wire;
}

/* Splits "a b \"c d\"" in place. */
static size_t split(char *line, struct dns_token tokens[TOKENS_MAX])
{
	size_t count = 0;
	while (*line != '\0' && count < TOKENS_MAX) {
		line += strspn(line, " ");
		bool quoted = *line == '"';
		line += quoted;
		size_t len = strcspn(line, quoted ? "\"" : " ");
		if (len > 0 || quoted) {
			tokens[count++] = (struct dns_token){.chars = line, .len = (uint32_t)len, .quoted = quoted};
		}
		line += len + (line[len] != '\0');
	}
	return count;
}

static void put_record(const char *line, size_t len, enum dns_section section, uint16_t class, uint32_t ttl)
{
	char text[4096];
	static uint8_t rdata[DNS_RDATA_MAX];
	struct dns_token tokens[TOKENS_MAX];
	struct dns_rdata_error error;
	uint16_t type;
	assert_true(len < sizeof text);
	memcpy(text, line, len);
	text[len] = '\0';
	size_t count = split(text, tokens);
	assert_true(count >= 2);
	((char *)tokens[0].chars)[tokens[0].len] = '\0';
	assert_true(dns_type_from_text(tokens[1].chars, tokens[1].len, &type));
	struct writer out = writer_of(rdata, sizeof rdata);
	if (!dns_rdata_parse(type, tokens + 2, count - 2, NULL, &out, &error)) {
		fail_msg("%s: %s", line, error.text);
	}
	assert_true(
	        dns_encode_rr(&encoder, section, name_of(tokens[0].chars), type, class, ttl, rdata, writer_len(&out)));
}

void wire_question(struct wire *out, const char *name, uint16_t type, const uint32_t *serial, bool edns)
{
	char soa[256];
	struct dns_edns_reply opt = {.payload_size = 1232, .expire_ask = true, .ede = DNS_EDE_NONE};
	dns_encoder_begin(&encoder, out->bytes, sizeof out->bytes, 7, 0);
	assert_true(dns_encode_question(&encoder, name_of(name), type, DNS_CLASS_IN));
	if (serial != NULL) {
		int len = snprintf(soa, sizeof soa, "%s SOA . . %u 0 0 0 0", name, *serial);
		put_record(soa, (size_t)len, DNS_SECTION_AUTHORITY, DNS_CLASS_IN, 0);
	}
	if (edns) {
		assert_true(dns_encode_edns(&encoder, &opt));
	}
	out->len = dns_encoder_end(&encoder);
}

void wire_answer_with(struct wire *out, uint16_t type, const char *records, uint16_t class, uint32_t ttl)
{
	dns_encoder_begin(&encoder, out->bytes, sizeof out->bytes, 7, DNS_FLAG_QR | DNS_FLAG_AA);
	if (type != 0) {
		assert_true(dns_encode_question(&encoder, name_of("example."), type, DNS_CLASS_IN));
	}
	while (*records != '\0') {
		size_t len = strcspn(records, "\n");
		/* The SOA is always as it should be. */
		bool is_soa = strstr(records, " SOA ") != NULL && strstr(records, " SOA ") < records + len;
		put_record(records, len, DNS_SECTION_ANSWER, is_soa ? DNS_CLASS_IN : class, is_soa ? 300 : ttl);
		records += len + (records[len] != '\0');
	}
	out->len = dns_encoder_end(&encoder);
}

void wire_answer(struct wire *out, uint16_t type, const char *records)
{
	wire_answer_with(out, type, records, DNS_CLASS_IN, 300);
}

struct dns_message wire_read(const struct wire *wire)
{
	struct dns_message message;
	assert_int_equal(dns_message_read(wire->bytes, wire->len, &message), DNS_READ_OK);
	return message;
}

char *wire_text(const struct wire *wire)
{
	struct dns_message message = wire_read(wire);
	struct reader reader = dns_message_reader(&message, message.answer_offset);
	static uint8_t rdata[DNS_RDATA_MAX];
	struct text text;
	text_init(&text, SIZE_MAX / 2);
	text_add(&text, "", 0);
	for (unsigned i = 0; i < message.header.answer_count; i++) {
		char owner[DNS_NAME_TEXT_MAX];
		char type[DNS_MNEMONIC_MAX];
		struct dns_rr rr;
		struct writer out = writer_of(rdata, sizeof rdata);
		dns_rr_read(&reader, &rr);
		assert_false(reader.failed);
		struct reader at = reader;
		at.at = rr.rdata;
		assert_true(dns_rdata_read(&at, rr.type, rr.rdata_len, &out));
		text_format(&text, "%s %s ", dns_name_to_text(rr.owner.wire, owner), dns_type_to_text(rr.type, type));
		dns_rdata_to_text(rr.type, rdata, writer_len(&out), &text);
		text_add_char(&text, '\n');
	}
	return text.chars;
}
