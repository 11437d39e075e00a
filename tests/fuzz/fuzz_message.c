/* SPDX-License-Identifier: MIT */
/* Any octets as a message. What is read as a record has a text, which reads back if a zone file may hold the record, and
 * a message that is made of the records again reads as the same records. */
#include <stdlib.h>
#include <string.h>

#include "../unit/dns/rdata_text.h"
#include "base/ensure.h"
#include "base/text.h"
#include "dns/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Texts longer than this are not read back: it is the short ones that find faults. */
#define TEXT_MAX 20000

static uint8_t rdata[2 * DNS_RDATA_MAX];
static uint8_t other[2 * DNS_RDATA_MAX];

static void check_text(uint16_t type, const uint8_t *octets, size_t len)
{
	struct text text;
	struct dns_rdata_error error;
	struct writer out = writer_of(other, sizeof other);
	text_init(&text, TEXT_MAX);
	dns_rdata_to_text(type, octets, len, &text);
	if (!text.failed && dns_rdata_check(type, octets, len, NULL)) {
		ensure(parse_rdata(type, text_string(&text), &out, &error));
		ensure(writer_len(&out) == len && (len == 0 || memcmp(other, octets, len) == 0));
	}
	text_deinit(&text);
}

/* RDATA of `rr`, expanded into `room`; false: malformed. */
static bool expand(const struct reader *message, const struct dns_rr *rr, uint8_t *room, size_t *len)
{
	struct reader reader = *message;
	struct writer out = writer_of(room, DNS_RDATA_MAX);
	reader.at = rr->rdata;
	bool good = dns_rdata_read(&reader, rr->type, rr->rdata_len, &out);
	ensure(good == !reader.failed && (!good || reader.at == rr->rdata + rr->rdata_len));
	*len = writer_len(&out);
	return good;
}

static size_t record_count(const struct dns_message *message)
{
	return (size_t)message->header.answer_count + message->header.authority_count +
	       message->header.additional_count;
}

/* The records that are sound, written again. */
static size_t encode_again(const struct dns_message *message, struct dns_encoder *encoder)
{
	struct reader reader = dns_message_reader(message, message->answer_offset);
	size_t written = 0;
	for (size_t i = 0; i < record_count(message); i++) {
		struct dns_rr rr;
		size_t len;
		dns_rr_read(&reader, &rr);
		ensure(!reader.failed);
		if (!expand(&reader, &rr, rdata, &len)) {
			continue;
		}
		check_text(rr.type, rdata, len);
		if (rr.type != DNS_TYPE_OPT && rr.type != DNS_TYPE_TSIG) {
			if (!dns_encode_rr(encoder, DNS_SECTION_ANSWER, rr.owner.wire, rr.type, rr.class, rr.ttl, rdata,
			                   len)) {
				break;
			}
			written++;
		}
	}
	ensure(reader.at <= reader.end);
	return written;
}

static void next_sound(struct reader *reader, struct dns_rr *rr, uint8_t *room, size_t *len)
{
	do {
		dns_rr_read(reader, rr);
		ensure(!reader->failed);
	} while (!expand(reader, rr, room, len) || rr->type == DNS_TYPE_OPT || rr->type == DNS_TYPE_TSIG);
}

static void compare(const struct dns_message *first, const struct dns_message *second, size_t count)
{
	struct reader a = dns_message_reader(first, first->answer_offset);
	struct reader b = dns_message_reader(second, second->answer_offset);
	for (size_t i = 0; i < count; i++) {
		struct dns_rr x;
		struct dns_rr y;
		size_t x_len;
		size_t y_len;
		next_sound(&a, &x, rdata, &x_len);
		next_sound(&b, &y, other, &y_len);
		ensure(dns_name_same(x.owner.wire, y.owner.wire));
		ensure(x.type == y.type && x.class == y.class && x.ttl == y.ttl);
		ensure(x_len == y_len && (x_len == 0 || memcmp(rdata, other, x_len) == 0));
	}
	ensure(reader_left(&b) == 0);
}

/* Records one after the other read as each by itself. */
static void check_next(const struct dns_message *message)
{
	struct reader alone = dns_message_reader(message, message->answer_offset);
	struct reader reader = alone;
	struct dns_rr next;
	const uint8_t *owner = NULL;
	for (size_t i = 0; i < record_count(message); i++) {
		struct dns_rr rr;
		dns_rr_read(&alone, &rr);
		dns_rr_read_next(&reader, &next, &owner);
		ensure(!reader.failed && reader.at == alone.at && rr.type == next.type && rr.rdata == next.rdata);
		ensure(rr.owner.len == next.owner.len && memcmp(rr.owner.wire, next.owner.wire, rr.owner.len) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dns_encoder encoder; /* all zero: as dns_encoder_init leaves it */
	static uint8_t bytes[DNS_MESSAGE_MAX];
	static struct dns_message message;
	struct dns_message again;
	switch (dns_message_read(data, size < DNS_MESSAGE_MAX ? size : DNS_MESSAGE_MAX, &message)) {
	case DNS_READ_TOO_SHORT:
	case DNS_READ_FORMERR:
		return 0;
	case DNS_READ_OK:
		break;
	}
	check_next(&message);
	ensure(dns_message_read_frame(message.bytes, message.len, &again) == DNS_READ_OK);
	dns_encoder_begin(&encoder, bytes, sizeof bytes, message.header.id, message.header.flags);
	if (message.has_question) {
		ensure(dns_encode_question(&encoder, message.qname.wire, message.qtype, message.qclass));
	}
	size_t count = encode_again(&message, &encoder);
	ensure(dns_message_read(bytes, dns_encoder_end(&encoder), &again) == DNS_READ_OK);
	ensure(again.has_question == message.has_question);
	ensure(!again.has_question || dns_name_same(again.qname.wire, message.qname.wire));
	compare(&message, &again, count);
	return 0;
}
