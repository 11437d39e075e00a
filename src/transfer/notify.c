/* SPDX-License-Identifier: MIT */
/* NOTIFY as others send it to us (RFC 1996): reading it, and answering it. */
#include "transfer/transfer_internal.h"

#include "base/ensure.h"

/* The serial of the SOA in the answer section; a hint, no more (RFC 1996 3.7, 3.11). */
static void read_hint(const struct dns_message *request, struct transfer_hint *out)
{
	struct reader reader = dns_message_reader(request, request->answer_offset);
	for (unsigned left = request->header.answer_count; left > 0 && !out->has_serial; left--) {
		struct dns_rr rr;
		dns_rr_read(&reader, &rr);
		if (reader.failed) {
			return;
		}
		if (rr.type != DNS_TYPE_SOA || rr.class != request->qclass ||
		    !dns_name_equal(rr.owner.wire, request->qname.wire)) {
			continue;
		}
		struct reader rdata = dns_message_reader(request, (size_t)(rr.rdata - request->bytes));
		rdata.end = rr.rdata + rr.rdata_len;
		dns_name_skip(&rdata);
		dns_name_skip(&rdata);
		out->serial = read_u32(&rdata);
		out->has_serial = !rdata.failed;
	}
}

bool transfer_notify_read(const struct dns_message *request, struct transfer_hint *out)
{
	*out = (struct transfer_hint){.has_serial = false};
	if ((request->header.flags & DNS_FLAG_QR) != 0 ||
	    dns_flags_opcode(request->header.flags) != DNS_OPCODE_NOTIFY || !request->has_question ||
	    request->qtype != DNS_TYPE_SOA) {
		return false;
	}
	read_hint(request, out);
	return true;
}

size_t transfer_notify_reply(const struct dns_message *request, unsigned rcode, const struct dns_edns_reply *edns,
                             struct dns_encoder *encoder, uint8_t *bytes, size_t capacity)
{
	size_t size = capacity < DNS_MESSAGE_MAX ? capacity : DNS_MESSAGE_MAX;
	/* RFC 1996 3.11, 4.7: an answer that is taken has QR and AA, and the question as it came. */
	uint16_t flags = (uint16_t)(DNS_FLAG_QR | DNS_OPCODE_NOTIFY << 11 | (request->header.flags & DNS_FLAG_RD));
	if (rcode == DNS_RCODE_NOERROR) {
		flags |= DNS_FLAG_AA;
	}
	dns_encoder_begin(encoder, bytes, size, request->header.id, flags);
	dns_encoder_set_rcode(encoder, rcode);
	if (request->has_question) {
		ensure(dns_encode_question(encoder, request->qname.wire, request->qtype, request->qclass));
	}
	if (edns != NULL) {
		ensure(dns_encode_edns(encoder, edns));
	}
	return dns_encoder_end(encoder);
}
