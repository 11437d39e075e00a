/* SPDX-License-Identifier: MIT */
/* The questions that secondaries and notifiers ask, and how their answers are told from other messages. */
#include "transfer/transfer_internal.h"

#include "base/ensure.h"
#include "dns/rdata.h"

/* A pointer to the name of the question, right behind the header. */
#define POINTER_TO_QUESTION 0xc00cu

/* RFC 6891 6.1.2, RFC 7314 2: an empty EXPIRE option asks for its value. */
static void write_opt(struct writer *out, bool asks_digest)
{
	write_u8(out, 0);
	write_u16(out, DNS_TYPE_OPT);
	write_u16(out, TRANSFER_PAYLOAD_SIZE);
	write_u32(out, 0);
	write_u16(out, asks_digest ? 4 + 5 : 4);
	write_u16(out, DNS_OPTION_EXPIRE);
	write_u16(out, 0);
	if (asks_digest) {
		write_u16(out, DNS_OPTION_DIGEST);
		write_u16(out, 1);
		write_u8(out, CHANGE_DIGEST_SCHEME);
	}
}

/* RFC 1995 3: an SOA in the authority section, of which only the serial is looked at. */
static void write_serial(struct writer *out, const struct transfer_question *question)
{
	write_u16(out, POINTER_TO_QUESTION);
	write_u16(out, DNS_TYPE_SOA);
	write_u16(out, question->class);
	write_u32(out, 0);
	write_u16(out, 2 + 5 * 4); /* RDLENGTH: MNAME and RNAME are the root */
	write_u16(out, 0);
	write_u32(out, question->serial);
	for (int timer = 0; timer < 4; timer++) {
		write_u32(out, 0);
	}
}

static void write_header(struct writer *out, const struct transfer_question *question, uint16_t flags,
                         uint16_t answer_count, uint16_t additional_count)
{
	write_u16(out, question->id);
	write_u16(out, flags);
	write_u16(out, 1);
	write_u16(out, answer_count);
	write_u16(out, question->has_serial ? 1 : 0);
	write_u16(out, additional_count);
	write_bytes(out, question->apex, dns_name_len(question->apex));
	write_u16(out, question->type);
	write_u16(out, question->class);
}

size_t transfer_question_write(const struct transfer_question *question, uint8_t bytes[TRANSFER_QUESTION_MAX])
{
	struct writer out = writer_of(bytes, TRANSFER_QUESTION_MAX);
	write_header(&out, question, 0, 0, question->edns ? 1 : 0);
	if (question->has_serial) {
		write_serial(&out, question);
	}
	if (question->edns) {
		write_opt(&out, question->asks_digest);
	}
	ensure(!out.failed);
	return writer_len(&out);
}

size_t transfer_notify_write(const struct transfer_question *question, uint32_t ttl, const uint8_t *soa, size_t soa_len,
                             uint8_t bytes[TRANSFER_QUESTION_MAX])
{
	struct writer out = writer_of(bytes, TRANSFER_QUESTION_MAX);
	write_header(&out, question, DNS_OPCODE_NOTIFY << 11 | DNS_FLAG_AA, 1, 0);
	write_u16(&out, POINTER_TO_QUESTION);
	write_u16(&out, DNS_TYPE_SOA);
	write_u16(&out, question->class);
	write_u32(&out, ttl);
	write_u16(&out, (uint16_t)soa_len);
	write_bytes(&out, soa, soa_len);
	ensure(!out.failed);
	return writer_len(&out);
}

bool transfer_rcode_blames_edns(unsigned rcode)
{
	return rcode == DNS_RCODE_FORMERR || rcode == DNS_RCODE_NOTIMP || rcode == DNS_RCODE_BADVERS;
}

bool transfer_answer_read(const struct transfer_question *question, unsigned opcode, const uint8_t *bytes, size_t len,
                          struct dns_message *message)
{
	if (dns_message_read(bytes, len, message) != DNS_READ_OK || message->header.id != question->id ||
	    (message->header.flags & DNS_FLAG_QR) == 0 || dns_flags_opcode(message->header.flags) != opcode) {
		return false;
	}
	if (!message->has_question) {
		return opcode == DNS_OPCODE_NOTIFY || dns_message_rcode(message) != DNS_RCODE_NOERROR;
	}
	return message->qtype == question->type && message->qclass == question->class &&
	       dns_name_equal(message->qname.wire, question->apex);
}

bool transfer_say_rcode(const struct dns_message *message, struct error *error)
{
	char rcode[DNS_MNEMONIC_MAX];
	dns_rcode_to_text(dns_message_rcode(message), rcode);
	const char *ede = message->edns.ede == DNS_EDE_NONE ? "" : dns_ede_text(message->edns.ede);
	if (ede[0] == '\0') {
		return error_set(error, ERROR_INVALID, "answered %s", rcode);
	}
	return error_set(error, ERROR_INVALID, "answered %s (%s)", rcode, ede);
}

enum transfer_soa_outcome transfer_soa_read(const struct transfer_question *question, const struct dns_message *message,
                                            struct transfer_soa_answer *out, struct error *error)
{
	unsigned rcode = dns_message_rcode(message);
	if (question->edns && transfer_rcode_blames_edns(rcode)) {
		return TRANSFER_SOA_NO_EDNS;
	}
	if (rcode != DNS_RCODE_NOERROR) {
		transfer_say_rcode(message, error);
		return TRANSFER_SOA_FAILED;
	}
	if ((message->header.flags & DNS_FLAG_TC) != 0) {
		return TRANSFER_SOA_TRUNCATED;
	}
	if ((message->header.flags & DNS_FLAG_AA) == 0) {
		error_set(error, ERROR_INVALID, "answered without authority (no AA): it does not serve the zone");
		return TRANSFER_SOA_FAILED;
	}
	if (!dns_message_soa_serial(message, message->answer_offset, message->header.answer_count, question->apex,
	                            question->class, &out->serial)) {
		error_set(error, ERROR_INVALID, "answered without the zone's SOA");
		return TRANSFER_SOA_FAILED;
	}
	out->has_expire = message->edns.expire_has_value;
	out->expire_s = message->edns.expire_s;
	out->has_told = question->asks_digest &&
	                change_told_read(message->edns.digest, message->edns.digest_len, &out->told) &&
	                out->told.serial == out->serial;
	return TRANSFER_SOA_FOUND;
}
