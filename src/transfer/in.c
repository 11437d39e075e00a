/* SPDX-License-Identifier: MIT */
/* AXFR and IXFR in: messages are checked one by one and their RRs go into a zone builder, or into changesets.
 *
 *   opening --first SOA--> body --------the same SOA again--> whole
 *      |                     +--IXFR, another SOA--> differences --> whole (difference.c)
 *      +-- equal serial --> up to date
 *
 * I1  Nothing of it is served before the closing SOA came and zone_builder_finish agreed.
 * I2  Memory is bounded: the builder holds no more than bytes_max octets of messages brought. */
#include "transfer/difference_internal.h"
#include "transfer/transfer_internal.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "dns/rdata.h"
#include "dns/serial.h"

/* RFC 2181 8: a TTL has 31 bits. */
#define TTL_MAX 0x7fffffffu

struct transfer_in {
	struct dns_name apex;
	uint16_t class;
	uint16_t type;
	uint16_t id;
	bool has_serial;
	uint32_t serial;
	bool any_serial;
	bool asks_digest;
	uint64_t records_max;
	uint64_t bytes_max;
	struct transfer_in_counts counts;
	unsigned rcode;
	bool is_whole;
	struct zone_builder *builder;
	struct transfer_difference difference; /* where counts.is_difference */
	size_t soa_len;
	uint8_t soa[2 * DNS_NAME_MAX + 20]; /* the first SOA's RDATA */
	uint8_t rdata[DNS_RDATA_MAX];
};

struct transfer_in *transfer_in_new(const struct transfer_in_config *config)
{
	struct transfer_in *in = memory_new(sizeof *in);
	in->apex = dns_name_of(config->apex);
	in->class = config->class;
	in->type = config->type;
	in->id = config->id;
	in->counts.asked_at_ms = config->asked_at_ms;
	in->has_serial = config->has_serial;
	in->serial = config->serial;
	in->any_serial = config->any_serial;
	in->asks_digest = config->asks_digest;
	in->records_max = config->records_max;
	in->bytes_max = config->bytes_max;
	in->builder = zone_builder_new(config->apex, config->class);
	return in;
}

void transfer_in_free(struct transfer_in *take)
{
	if (take != NULL) {
		transfer_difference_deinit(&take->difference);
		zone_builder_free(take->builder);
		free(take);
	}
}

struct transfer_in_counts transfer_in_counts(const struct transfer_in *in)
{
	return in->counts;
}

unsigned transfer_in_rcode(const struct transfer_in *in)
{
	return in->rcode;
}

static bool check_question(const struct transfer_in *in, const struct dns_message *message, struct error *error)
{
	if (!message->has_question) {
		/* RFC 5936 2.2.2: only the first message must repeat it. */
		return in->counts.messages > 1 ||
		       error_set(error, ERROR_INVALID, "the first message of the transfer has no question");
	}
	if (message->qtype != in->type || message->qclass != in->class ||
	    !dns_name_equal(message->qname.wire, in->apex.wire)) {
		char name[DNS_NAME_TEXT_MAX];
		char type[DNS_MNEMONIC_MAX];
		return error_set(error, ERROR_INVALID,
		                 "message %" PRIu64 " of the transfer answers another question: %s %s",
		                 in->counts.messages, dns_name_to_text(message->qname.wire, name),
		                 dns_type_to_text(message->qtype, type));
	}
	return true;
}

/* RFC 5936 2.2.1. AA is not insisted on: some primaries leave it out in later messages. */
static bool check_header(struct transfer_in *in, const struct dns_message *message, struct error *error)
{
	uint16_t flags = message->header.flags;
	if (message->header.id != in->id) {
		return error_set(error, ERROR_INVALID, "message %" PRIu64 " of the transfer has another id",
		                 in->counts.messages);
	}
	if ((flags & DNS_FLAG_QR) == 0 || dns_flags_opcode(flags) != DNS_OPCODE_QUERY) {
		return error_set(error, ERROR_INVALID, "message %" PRIu64 " of the transfer is no answer to a question",
		                 in->counts.messages);
	}
	if (dns_message_rcode(message) != DNS_RCODE_NOERROR) {
		in->rcode = dns_message_rcode(message);
		return transfer_say_rcode(message, error);
	}
	if ((flags & DNS_FLAG_TC) != 0) {
		return error_set(error, ERROR_INVALID, "message %" PRIu64 " of the transfer is truncated",
		                 in->counts.messages);
	}
	if (message->header.answer_count == 0) {
		return error_set(error, ERROR_INVALID, "message %" PRIu64 " of the transfer has no records",
		                 in->counts.messages);
	}
	return check_question(in, message, error);
}

static bool count_message(struct transfer_in *in, size_t len, struct error *error)
{
	in->counts.messages++;
	in->counts.bytes += len;
	if (in->counts.bytes > in->bytes_max) {
		return error_set(error, ERROR_LIMIT, "the transfer is larger than the %" PRIu64 " octets allowed",
		                 in->bytes_max);
	}
	return true;
}

/* "record 17 (www.example. A)" */
static bool fail_record(const struct transfer_in *in, const struct dns_rr *rr, enum error_code code, const char *what,
                        struct error *error)
{
	char owner[DNS_NAME_TEXT_MAX];
	char type[DNS_MNEMONIC_MAX];
	return error_set(error, code, "record %" PRIu64 " of the transfer (%s %s) %s", in->counts.records + 1,
	                 dns_name_to_text(rr->owner.wire, owner), dns_type_to_text(rr->type, type), what);
}

/* A message on its way in. */
struct taking {
	struct reader reader;
	struct dns_rr rr;     /* the record that was read last */
	const uint8_t *owner; /* where its owner is written */
};

/* Reads an RR and leaves its RDATA, expanded, in in->rdata. */
static bool read_record(struct transfer_in *in, struct taking *taking, size_t *rdata_len, struct error *error)
{
	struct reader *reader = &taking->reader;
	struct dns_rr *rr = &taking->rr;
	dns_rr_read_next(reader, rr, &taking->owner);
	if (reader->failed) {
		return error_set(error, ERROR_SYNTAX, "record %" PRIu64 " of the transfer cannot be read",
		                 in->counts.records + 1);
	}
	if (rr->class != in->class) {
		return fail_record(in, rr, ERROR_INVALID, "is of another class", error);
	}
	struct reader rdata = *reader;
	rdata.at = rr->rdata;
	struct writer out = writer_of(in->rdata, sizeof in->rdata);
	if (!dns_rdata_read(&rdata, rr->type, rr->rdata_len, &out)) {
		return fail_record(in, rr, ERROR_SYNTAX, "has malformed RDATA", error);
	}
	*rdata_len = writer_len(&out);
	return true;
}

/* Is the version that begins here one that we want? */
static enum transfer_in_step judge_serial(const struct transfer_in *in, struct error *error)
{
	if (!in->has_serial || in->any_serial) {
		return TRANSFER_IN_MORE;
	}
	uint32_t offered = in->counts.version.serial;
	switch (dns_serial_compare(offered, in->serial)) {
	case DNS_SERIAL_NEWER:
		return TRANSFER_IN_MORE;
	case DNS_SERIAL_EQUAL:
		return TRANSFER_IN_UP_TO_DATE;
	case DNS_SERIAL_OLDER:
		error_set(error, ERROR_STALE, "the transfer has serial %" PRIu32 ", older than our %" PRIu32, offered,
		          in->serial);
		break;
	case DNS_SERIAL_INCOMPARABLE:
		error_set(error, ERROR_STALE,
		          "the transfer has serial %" PRIu32 ", exactly 2^31 from our %" PRIu32
		          ": neither older nor newer; a forced retransfer takes it",
		          offered, in->serial);
		break;
	}
	return TRANSFER_IN_FAILED;
}

/* The first record of the stream. */
static enum transfer_in_step take_opening(struct transfer_in *in, const struct dns_rr *rr, size_t rdata_len,
                                          struct error *error)
{
	if (rr->type != DNS_TYPE_SOA || !dns_name_equal(rr->owner.wire, in->apex.wire)) {
		fail_record(in, rr, ERROR_INVALID, "is the first, but not the SOA of the zone", error);
		return TRANSFER_IN_FAILED;
	}
	ensure(rdata_len <= sizeof in->soa);
	struct dns_soa soa;
	memcpy(in->soa, in->rdata, rdata_len);
	in->soa_len = rdata_len;
	dns_soa_read(in->soa, in->soa_len, &soa);
	in->counts.has_version = true;
	in->counts.version = (struct transfer_version){
	        .serial = soa.serial,
	        .refresh_s = soa.refresh_s,
	        .retry_s = soa.retry_s,
	        .expire_s = soa.expire_s,
	};
	return judge_serial(in, error);
}

static bool has_room(const struct transfer_in *in, struct error *error)
{
	return in->counts.records < in->records_max ||
	       error_set(error, ERROR_LIMIT, "the transfer has more than the %" PRIu64 " records allowed",
	                 in->records_max);
}

/* ---- differences ---- */

static struct zone_change change_of(const struct transfer_in *in, const struct dns_rr *rr, size_t rdata_len)
{
	return (struct zone_change){
	        .type = rr->type,
	        .ttl = rr->ttl,
	        .rdata_len = (uint32_t)rdata_len,
	        .owner = rr->owner.wire,
	        .rdata = in->rdata,
	};
}

static enum transfer_in_step begin_difference(struct transfer_in *in, const struct dns_rr *rr, size_t rdata_len,
                                              struct error *error)
{
	struct zone_change soa = change_of(in, rr, rdata_len);
	in->counts.is_difference = true;
	bool is_good = transfer_difference_begin(&in->difference, &soa, in->serial, error);
	in->counts.records++;
	return is_good ? TRANSFER_IN_MORE : TRANSFER_IN_FAILED;
}

static enum transfer_in_step take_turn(struct transfer_in *in, const struct dns_rr *rr, size_t rdata_len,
                                       struct error *error)
{
	struct zone_change soa = change_of(in, rr, rdata_len);
	struct zone_change last = {.type = DNS_TYPE_SOA, .rdata_len = (uint32_t)in->soa_len, .rdata = in->soa};
	if (!dns_name_equal(rr->owner.wire, in->apex.wire)) {
		fail_record(in, rr, ERROR_INVALID, "is an SOA, but not the zone's", error);
		return TRANSFER_IN_FAILED;
	}
	enum transfer_in_step step = transfer_difference_turn(&in->difference, &soa, &last, error);
	in->is_whole = step == TRANSFER_IN_DONE;
	in->counts.records += step == TRANSFER_IN_MORE;
	return step;
}

/* An RR that goes or comes. */
static enum transfer_in_step take_change(struct transfer_in *in, const struct dns_rr *rr, size_t rdata_len,
                                         struct error *error)
{
	struct zone_change change = change_of(in, rr, rdata_len);
	if (!has_room(in, error)) {
		return TRANSFER_IN_FAILED;
	}
	if (rr->type == DNS_TYPE_SOA) {
		return take_turn(in, rr, rdata_len, error);
	}
	if (dns_type_is_meta(rr->type)) {
		fail_record(in, rr, ERROR_INVALID, "has a type that no zone holds", error);
		return TRANSFER_IN_FAILED;
	}
	if (!dns_name_is_within(rr->owner.wire, in->apex.wire)) {
		in->counts.outside++; /* as of a whole zone: never taken, so never removed */
	} else {
		in->counts.ttls_high += rr->ttl > TTL_MAX;
		transfer_difference_add(&in->difference, &change);
	}
	in->counts.records++;
	if (transfer_difference_octets(&in->difference) > in->bytes_max) {
		error_set(error, ERROR_LIMIT, "the differences are larger than the %" PRIu64 " octets allowed",
		          in->bytes_max);
		return TRANSFER_IN_FAILED;
	}
	return TRANSFER_IN_MORE;
}

/* ---- the whole zone ---- */

/* An SOA behind the first one ends the stream, begins differences, or breaks it. */
static enum transfer_in_step take_closing(struct transfer_in *in, const struct dns_rr *rr, size_t rdata_len,
                                          struct error *error)
{
	bool is_apex = dns_name_equal(rr->owner.wire, in->apex.wire);
	bool is_same = is_apex && dns_rdata_compare(DNS_TYPE_SOA, in->rdata, rdata_len, in->soa, in->soa_len) == 0;
	if (is_same) {
		in->is_whole = true;
		return TRANSFER_IN_DONE;
	}
	if (in->type == DNS_TYPE_IXFR && in->counts.records == 1 && is_apex) {
		return begin_difference(in, rr, rdata_len, error);
	}
	fail_record(in, rr, ERROR_INVALID, "is not the SOA that the transfer began with", error);
	return TRANSFER_IN_FAILED;
}

static bool add_record(struct transfer_in *in, const struct dns_rr *rr, size_t rdata_len, struct error *error)
{
	if (!has_room(in, error)) {
		return false;
	}
	switch (zone_builder_add(in->builder, rr->owner.wire, rr->type, rr->ttl, in->rdata, rdata_len)) {
	case ZONE_ADDED:
		in->counts.ttls_high += rr->ttl > TTL_MAX;
		break;
	case ZONE_ADD_OUTSIDE:
		in->counts.outside++;
		break;
	case ZONE_ADD_META:
		return fail_record(in, rr, ERROR_INVALID, "has a type that no zone holds", error);
	}
	in->counts.records++;
	return true;
}

static enum transfer_in_step take_record(struct transfer_in *in, struct taking *taking, struct error *error)
{
	const struct dns_rr *rr = &taking->rr;
	size_t rdata_len = 0;
	enum transfer_in_step step = TRANSFER_IN_MORE;
	if (!read_record(in, taking, &rdata_len, error)) {
		return TRANSFER_IN_FAILED;
	}
	if (in->counts.is_difference) {
		return take_change(in, rr, rdata_len, error);
	}
	if (!in->counts.has_version) {
		step = take_opening(in, rr, rdata_len, error);
	} else if (rr->type == DNS_TYPE_SOA && dns_name_is_within(rr->owner.wire, in->apex.wire)) {
		step = take_closing(in, rr, rdata_len, error);
	}
	if (step == TRANSFER_IN_MORE && !in->counts.is_difference && !add_record(in, rr, rdata_len, error)) {
		step = TRANSFER_IN_FAILED;
	}
	return step;
}

static enum transfer_in_step take_records(struct transfer_in *in, const struct dns_message *message,
                                          struct error *error)
{
	struct taking taking;
	taking.reader = dns_message_reader(message, message->answer_offset);
	taking.owner = NULL;
	for (unsigned left = message->header.answer_count; left > 0; left--) {
		enum transfer_in_step step = take_record(in, &taking, error);
		if (step == TRANSFER_IN_DONE && left > 1) {
			error_set(error, ERROR_INVALID, "%u records follow the closing SOA of the transfer", left - 1);
			return TRANSFER_IN_FAILED;
		}
		if (step != TRANSFER_IN_MORE) {
			return step;
		}
	}
	return TRANSFER_IN_MORE;
}

enum transfer_in_step transfer_in_message(struct transfer_in *in, const uint8_t *bytes, size_t len, struct error *error)
{
	struct dns_message message;
	ensure(!in->is_whole);
	if (!count_message(in, len, error)) {
		return TRANSFER_IN_FAILED;
	}
	if (dns_message_read_frame(bytes, len, &message) != DNS_READ_OK) {
		error_set(error, ERROR_SYNTAX, "message %" PRIu64 " of the transfer cannot be read",
		          in->counts.messages);
		return TRANSFER_IN_FAILED;
	}
	if (!check_header(in, &message, error)) {
		return TRANSFER_IN_FAILED;
	}
	if (message.edns.expire_has_value) {
		in->counts.has_expire = true;
		in->counts.expire_s = message.edns.expire_s;
	}
	in->counts.has_told =
	        in->counts.has_told ||
	        (in->asks_digest && change_told_read(message.edns.digest, message.edns.digest_len, &in->counts.told));
	return take_records(in, &message, error);
}

static const struct zone_snapshot *finish_difference(const struct transfer_in *in, const struct zone_snapshot *base,
                                                     struct error *error)
{
	if (base == NULL) {
		error_set(error, ERROR_STALE, "there is no version any more that the differences could be done on");
		return NULL;
	}
	return transfer_difference_apply(&in->difference, base, error);
}

const struct zone_snapshot *transfer_in_finish(struct transfer_in *take, const struct zone_snapshot *base,
                                               struct zone_build_report *report, struct error *error)
{
	const struct zone_snapshot *candidate;
	ensure(take->is_whole);
	if (take->counts.is_difference) {
		if (report != NULL) {
			*report = (struct zone_build_report){.duplicates = 0};
		}
		candidate = finish_difference(take, base, error);
	} else {
		candidate = zone_builder_finish(take->builder, report, error);
		take->builder = NULL;
	}
	transfer_in_free(take);
	return candidate;
}
