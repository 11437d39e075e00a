/* SPDX-License-Identifier: MIT */
/* TSIG as octets: what stands in the record. What it proves is for src/access to say. */
#include "base/ensure.h"
#include "dns/message.h"

static uint64_t read_u48(struct reader *reader)
{
	uint64_t high = read_u16(reader);
	return high << 32 | read_u32(reader);
}

bool dns_message_tsig(const struct dns_message *message, struct dns_tsig *out)
{
	ensure(message->has_tsig);
	struct reader reader = dns_message_reader(message, message->tsig_offset);
	struct dns_rr rr;
	dns_rr_read(&reader, &rr);
	if (reader.failed || rr.class != DNS_CLASS_ANY || rr.ttl != 0) {
		return false;
	}
	struct reader rdata = reader_of(rr.rdata, rr.rdata_len);
	out->key = rr.owner;
	out->algorithm = dns_name_read_plain(&rdata); /* never compressed: RFC 8945 4.2 */
	out->time_s = read_u48(&rdata);
	out->fudge_s = read_u16(&rdata);
	out->mac_len = read_u16(&rdata);
	out->mac = read_bytes(&rdata, out->mac_len);
	out->original_id = read_u16(&rdata);
	out->error = read_u16(&rdata);
	out->other_len = read_u16(&rdata);
	out->other = read_bytes(&rdata, out->other_len);
	return !rdata.failed && reader_left(&rdata) == 0;
}
