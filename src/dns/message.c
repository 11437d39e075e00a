/* SPDX-License-Identifier: MIT */
#include "dns/message.h"

#include <string.h>

#include "base/ensure.h"
#include "dns/rdata.h"

/* Two names and five numbers. */
#define SOA_MAX (2 * DNS_NAME_MAX + 20)

struct reader dns_message_reader(const struct dns_message *message, size_t offset)
{
	struct reader reader = reader_of(message->bytes, message->len);
	ensure(offset <= message->len);
	reader.at += offset;
	return reader;
}

unsigned dns_message_rcode(const struct dns_message *message)
{
	return dns_flags_rcode(message->header.flags) | (unsigned)message->edns.rcode_high << 4;
}

static void read_header(struct reader *reader, struct dns_header *header)
{
	header->id = read_u16(reader);
	header->flags = read_u16(reader);
	header->question_count = read_u16(reader);
	header->answer_count = read_u16(reader);
	header->authority_count = read_u16(reader);
	header->additional_count = read_u16(reader);
}

static void read_behind_owner(struct reader *reader, struct dns_rr *rr)
{
	rr->type = read_u16(reader);
	rr->class = read_u16(reader);
	rr->ttl = read_u32(reader);
	rr->rdata_len = read_u16(reader);
	rr->rdata = read_bytes(reader, rr->rdata_len);
}

void dns_rr_read(struct reader *reader, struct dns_rr *rr)
{
	dns_name_read(reader, &rr->owner);
	read_behind_owner(reader, rr);
}

/* Where a name is written that begins at `reader`: there, or where a pointer says. */
static const uint8_t *place_of_name(const struct reader *reader)
{
	const uint8_t *at = reader->at;
	bool is_pointer = reader_left(reader) >= 2 && at[0] >= 0xc0;
	return is_pointer ? reader->start + (load_u16(at) & 0x3fff) : at;
}

void dns_rr_read_next(struct reader *reader, struct dns_rr *rr, const uint8_t **owner)
{
	const uint8_t *place = place_of_name(reader);
	if (place == *owner && place != reader->at) {
		read_bytes(reader, 2);
	} else {
		dns_name_read(reader, &rr->owner);
		*owner = place;
	}
	read_behind_owner(reader, rr);
}

static void read_keepalive(struct reader *value, struct dns_edns *edns)
{
	/* RFC 7828 3.1: empty from a client; two octets from a server. */
	edns->keepalive = true;
	if (reader_left(value) == 2) {
		edns->keepalive_has_value = true;
		edns->keepalive_100ms = read_u16(value);
	}
}

static void read_expire(struct reader *value, struct dns_edns *edns)
{
	/* RFC 7314 2: empty in queries, four octets in responses. */
	edns->expire = true;
	if (reader_left(value) == 4) {
		edns->expire_has_value = true;
		edns->expire_s = read_u32(value);
	}
}

static void read_ede(struct reader *value, struct dns_edns *edns)
{
	/* RFC 8914 2: INFO-CODE and text; a shorter option says nothing. */
	if (edns->ede != DNS_EDE_NONE || reader_left(value) < 2) {
		return;
	}
	edns->ede = read_u16(value);
	edns->ede_text_len = (uint16_t)reader_left(value);
	edns->ede_text = value->at;
}

static void read_option(uint16_t code, struct reader *value, struct dns_edns *edns)
{
	switch (code) {
	case DNS_OPTION_NSID:
		edns->nsid = true;
		edns->nsid_bytes = value->at;
		edns->nsid_len = (uint16_t)reader_left(value);
		break;
	case DNS_OPTION_EXPIRE:
		read_expire(value, edns);
		break;
	case DNS_OPTION_COOKIE:
		edns->cookie = true;
		break;
	case DNS_OPTION_KEEPALIVE:
		read_keepalive(value, edns);
		break;
	case DNS_OPTION_PADDING:
		edns->padding = true;
		break;
	case DNS_OPTION_EDE:
		read_ede(value, edns);
		break;
	case DNS_OPTION_DIGEST:
		if (edns->digest == NULL) {
			edns->digest = value->at;
			edns->digest_len = (uint16_t)reader_left(value);
		}
		break;
	default:
		/* RFC 6891 6.1.2: options that are not known are ignored. */
		break;
	}
}

/* RFC 6891 6.1.3: extended RCODE, version, DO and Z live in the TTL field, the payload size in CLASS. */
static bool read_opt(const struct dns_rr *rr, struct dns_edns *out)
{
	struct dns_edns edns = {
	        .present = true,
	        .payload_size = rr->class,
	        .rcode_high = (uint8_t)(rr->ttl >> 24),
	        .version = (uint8_t)(rr->ttl >> 16),
	        .dnssec_ok = (rr->ttl & 0x8000u) != 0,
	        .ede = DNS_EDE_NONE,
	        .options = rr->rdata,
	        .options_len = rr->rdata_len,
	};
	struct reader options = reader_of(rr->rdata, rr->rdata_len);
	while (!options.failed && reader_left(&options) > 0) {
		uint16_t code = read_u16(&options);
		uint16_t len = read_u16(&options);
		struct reader value = read_part(&options, len);
		if (!options.failed) {
			read_option(code, &value, &edns);
		}
	}
	if (options.failed) {
		return false;
	}
	*out = edns;
	return true;
}

/* One section that may hold neither OPT nor TSIG: its records must have a readable frame. */
static bool read_section(struct reader *reader, unsigned count)
{
	struct dns_rr rr;
	for (; count > 0; count--) {
		dns_rr_read(reader, &rr);
		if (reader->failed || rr.type == DNS_TYPE_OPT || rr.type == DNS_TYPE_TSIG) {
			return false;
		}
	}
	return true;
}

static bool take_additional(struct dns_message *message, const struct dns_rr *rr, size_t offset, bool last)
{
	switch (rr->type) {
	case DNS_TYPE_OPT:
		/* RFC 6891 6.1.1: one OPT, at the root. */
		return rr->owner.len == 1 && !message->edns.present && read_opt(rr, &message->edns);
	case DNS_TYPE_TSIG:
		/* RFC 8945 5.2: TSIG is the last record. */
		message->has_tsig = last;
		message->tsig_offset = offset;
		return last;
	default:
		return true;
	}
}

/* The same without a look at where pointers lead. */
static bool skip_section(struct reader *reader, unsigned count)
{
	for (; count > 0; count--) {
		dns_name_skip(reader);
		uint16_t type = read_u16(reader);
		read_bytes(reader, 6);
		read_bytes(reader, read_u16(reader));
		if (reader->failed || type == DNS_TYPE_OPT || type == DNS_TYPE_TSIG) {
			return false;
		}
	}
	return true;
}

static bool read_additional(struct reader *reader, struct dns_message *message)
{
	struct dns_rr rr;
	for (unsigned left = message->header.additional_count; left > 0; left--) {
		size_t offset = reader_offset(reader);
		dns_rr_read(reader, &rr);
		if (reader->failed || !take_additional(message, &rr, offset, left == 1)) {
			return false;
		}
	}
	return true;
}

static bool read_question(struct reader *reader, struct dns_message *message)
{
	if (message->header.question_count > 1) {
		return false;
	}
	if (message->header.question_count == 1) {
		dns_name_read(reader, &message->qname);
		message->qtype = read_u16(reader);
		message->qclass = read_u16(reader);
		message->has_question = !reader->failed;
	}
	message->question_end = reader_offset(reader);
	return !reader->failed;
}

static bool read_sections(struct reader *reader, struct dns_message *message,
                          bool (*read_answers)(struct reader *reader, unsigned count))
{
	message->answer_offset = reader_offset(reader);
	if (!read_answers(reader, message->header.answer_count)) {
		return false;
	}
	message->authority_offset = reader_offset(reader);
	if (!read_section(reader, message->header.authority_count)) {
		return false;
	}
	message->additional_offset = reader_offset(reader);
	return read_additional(reader, message) && reader_left(reader) == 0;
}

static enum dns_read_outcome read_message(const uint8_t *bytes, size_t len, struct dns_message *message,
                                          bool (*read_answers)(struct reader *reader, unsigned count))
{
	struct reader reader = reader_of(bytes, len);
	message->bytes = bytes;
	message->len = len;
	message->has_question = false;
	message->has_tsig = false;
	message->edns = (struct dns_edns){.ede = DNS_EDE_NONE};
	read_header(&reader, &message->header);
	if (reader.failed) {
		return DNS_READ_TOO_SHORT;
	}
	if (!read_question(&reader, message) || !read_sections(&reader, message, read_answers)) {
		return DNS_READ_FORMERR;
	}
	return DNS_READ_OK;
}

enum dns_read_outcome dns_message_read(const uint8_t *bytes, size_t len, struct dns_message *message)
{
	return read_message(bytes, len, message, read_section);
}

enum dns_read_outcome dns_message_read_frame(const uint8_t *bytes, size_t len, struct dns_message *message)
{
	return read_message(bytes, len, message, skip_section);
}

void dns_soa_read(const uint8_t *rdata, size_t len, struct dns_soa *out)
{
	struct reader reader = reader_of(rdata, len);
	out->mname = dns_name_read_plain(&reader);
	out->rname = dns_name_read_plain(&reader);
	out->serial = read_u32(&reader);
	out->refresh_s = read_u32(&reader);
	out->retry_s = read_u32(&reader);
	out->expire_s = read_u32(&reader);
	out->minimum_s = read_u32(&reader);
	ensure(!reader.failed);
}

uint32_t dns_soa_serial(const uint8_t *rdata, size_t len)
{
	/* Five 32-bit numbers end the RDATA. */
	ensure(len >= 22);
	return load_u32(rdata + len - 20);
}

bool dns_rr_soa_serial(const struct dns_message *message, const struct dns_rr *rr, uint32_t *serial)
{
	uint8_t rdata[SOA_MAX];
	struct writer out = writer_of(rdata, sizeof rdata);
	struct reader reader = dns_message_reader(message, (size_t)(rr->rdata - message->bytes));
	if (!dns_rdata_read(&reader, DNS_TYPE_SOA, rr->rdata_len, &out)) {
		return false;
	}
	*serial = dns_soa_serial(rdata, writer_len(&out));
	return true;
}

bool dns_message_soa_serial(const struct dns_message *message, size_t offset, unsigned count, const uint8_t *apex,
                            uint16_t class, uint32_t *serial)
{
	struct reader reader = dns_message_reader(message, offset);
	for (unsigned i = 0; i < count; i++) {
		struct dns_rr rr;
		dns_rr_read(&reader, &rr);
		ensure(!reader.failed); /* dns_message_read has been there */
		if (rr.type == DNS_TYPE_SOA && rr.class == class && dns_name_equal(rr.owner.wire, apex)) {
			return dns_rr_soa_serial(message, &rr, serial);
		}
	}
	return false;
}

void dns_soa_set_serial(uint8_t *rdata, size_t len, uint32_t serial)
{
	ensure(len >= 22);
	store_u32(rdata + len - 20, serial);
}
