/* SPDX-License-Identifier: MIT */
/* AXFR and IXFR out: a walk over a snapshot or over changesets is cut into pieces (one RRset or its signatures, one RR),
 * pieces into messages.
 *
 * I1  The stream is: SOA, everything else in canonical order, SOA (RFC 5936 2.2); or SOA, and for each version the SOA before
 *     with what goes, the SOA after with what comes, then SOA (RFC 1995 4).
 * I2  The snapshot is held from the first message to the end, so that no two messages speak of different versions.
 * I3  Each message stands alone: the encoder forgets its names between messages. */
#include "transfer/transfer.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "dns/serial.h"

/* Messages end here although they may be longer: compression pointers reach no further (RFC 1035 4.1.4), so that what comes
 * behind costs more octets and more time. 2.5M records of a zone of delegations: 64.5 MB and 0.41 s of CPU in messages of
 * 16 KiB, 76.6 MB and 0.46 s in messages of 64 KiB. An RR that is larger has a larger message. */
#define MESSAGE_SIZE 16384

/* Differences of so many octets are joined to one: a few hundred RRs are sorted in less time than it takes to send them. */
#define JOIN_OCTETS_MAX 65536
/* What is to fit a message may have so many times its octets before it is joined and its names are compressed. */
#define SINGLE_TIMES 4

/* Where the stream stands. */
enum stage { STAGE_OPENING, STAGE_BODY, STAGE_CLOSING, STAGE_END, STAGE_BROKEN };

/* RRs of one owner and type that are still to be written. */
struct piece {
	const uint8_t *at; /* length, RDATA, length, RDATA, ... */
	size_t count;
	uint32_t ttl;
	uint16_t type;
};

/* What leads from a client's version to ours: one changeset after the other, those that are not in memory only while they are
 * sent. */
struct difference {
	const struct changeset *set; /* that is being walked; NULL: none is to be sent */
	struct changeset_walk walk;
	const struct change_history *history; /* that it was taken from; a reference; NULL: it is a reference itself */
	size_t left;                          /* so many are behind it */
	bool is_broken;                       /* the next one is gone */
};

struct transfer_out {
	const struct zone_snapshot *zone; /* a reference of its own */
	enum stage stage;
	struct difference difference;
	struct zone_walk walk; /* of the whole zone, where there is no difference */
	struct zone_rrset_walk rrsets;
	struct dns_name owner; /* of what is written now */
	struct piece piece;
	struct piece signatures; /* that follow `piece`; count 0: none */
	uint16_t id;
	uint16_t flags;
	struct dns_name qname;
	uint16_t qtype;
	uint16_t qclass;
	bool owes_edns; /* in the first message, when it was asked for */
	struct dns_edns_reply edns;
	uint8_t *nsid;   /* what `edns` points to, owned */
	uint8_t *digest; /* the same */
	struct transfer_out_counts counts;
};

/* RFC 5936 2.2.1: QR and AA; RD as it was asked. */
static uint16_t reply_flags(const struct dns_message *question)
{
	return (uint16_t)(DNS_FLAG_QR | DNS_FLAG_AA | (question->header.flags & (0x7800u | DNS_FLAG_RD)));
}

/* The serial that an IXFR question says its sender has (RFC 1995 3). False: it does not say. */
static bool read_client_serial(const struct dns_message *question, uint32_t *serial)
{
	return dns_message_soa_serial(question, question->authority_offset, question->header.authority_count,
	                              question->qname.wire, question->qclass, serial);
}

/* RFC 1995 2: whoever has our version, or a newer one, lacks nothing. */
static bool is_behind(uint32_t client_serial, const struct zone_snapshot *zone)
{
	switch (dns_serial_compare(client_serial, zone_serial(zone))) {
	case DNS_SERIAL_EQUAL:
	case DNS_SERIAL_NEWER:
		return false;
	case DNS_SERIAL_OLDER:
	case DNS_SERIAL_INCOMPARABLE:
		break;
	}
	return true;
}

enum transfer_reply transfer_out_plan(const struct dns_message *question, bool is_udp, const struct zone_snapshot *zone)
{
	uint32_t client_serial;
	if (question->qtype != DNS_TYPE_IXFR) {
		return is_udp ? TRANSFER_REPLY_FORMERR : TRANSFER_REPLY_STREAM; /* RFC 5936 4.2 */
	}
	if (!read_client_serial(question, &client_serial)) {
		return TRANSFER_REPLY_FORMERR;
	}
	if (is_udp) {
		return TRANSFER_REPLY_SINGLE;
	}
	return is_behind(client_serial, zone) ? TRANSFER_REPLY_STREAM : TRANSFER_REPLY_SINGLE;
}

/* ---- differences ---- */

static void difference_free(struct difference *difference)
{
	if (difference->history == NULL) {
		changeset_unref(difference->set);
	} else {
		change_history_give_back(difference->history, difference->set);
		change_history_unref(difference->history);
	}
	*difference = (struct difference){.set = NULL};
}

/* Begins with `take`, NULL: nothing is to be sent, and goes on with the `left` newest of the history that it was taken from. */
static void difference_begin(struct difference *difference, const struct changeset *take,
                             const struct change_history *history, size_t left)
{
	if (take != NULL) {
		difference->set = take;
		difference->history = change_history_ref(history);
		difference->left = left;
		changeset_walk(take, &difference->walk);
	}
}

/* One for the `count` newest; NULL: one of them is gone. */
static const struct changeset *join_newest(const struct change_history *history, size_t count)
{
	const struct changeset *joined = NULL;
	const struct changeset **sets = memory_new_array(count, sizeof *sets);
	size_t taken = 0;
	while (taken < count && (taken == 0 || sets[taken - 1] != NULL)) {
		sets[taken] = change_history_take(history, count - taken);
		taken++;
	}
	if (sets[taken - 1] != NULL) {
		joined = changeset_join(sets, count);
	}
	for (size_t i = 0; i < taken; i++) {
		change_history_give_back(history, sets[i]);
	}
	free(sets);
	return joined;
}

/* Begins with the `count` newest as one, unless that has more than `octets_max` octets. */
static void difference_begin_joined(struct difference *difference, const struct change_history *history, size_t count,
                                    uint64_t octets_max)
{
	size_t octets = 0;
	const struct changeset *joined = join_newest(history, count);
	if (joined != NULL) {
		changeset_octets(joined, &octets);
	}
	if (octets <= octets_max) {
		difference_begin(difference, joined, NULL, 0);
	} else {
		changeset_unref(joined);
	}
}

/* What the client lacks, unless it has more than `octets_max`, or the whole zone is shorter. */
static void difference_find(struct difference *difference, const struct dns_message *question,
                            const struct zone_snapshot *zone, const struct change_history *history, uint64_t octets_max)
{
	struct zone_facts facts;
	uint32_t serial;
	if (question->qtype != DNS_TYPE_IXFR || !read_client_serial(question, &serial) || !is_behind(serial, zone) ||
	    !change_history_leads_to(history, zone)) {
		return; /* the history may be of another version than the zone, for a moment */
	}
	size_t count = change_history_within(history, serial, octets_max);
	if (count == 0) {
		return;
	}
	zone_facts(zone, &facts);
	uint64_t octets = change_history_octets(history, count);
	if (count > 1 && octets <= JOIN_OCTETS_MAX) {
		difference_begin_joined(difference, history, count, facts.bytes);
	} else if (octets <= facts.bytes) {
		difference_begin(difference, change_history_take(history, count), history, count - 1);
	}
}

/* The next RR that goes or comes. False: there is none, or what comes next is gone. */
static bool difference_next(struct difference *difference, struct zone_change *change)
{
	while (!changeset_walk_next(&difference->walk, change)) {
		if (difference->left == 0) {
			return false;
		}
		const struct changeset *next = change_history_take(difference->history, difference->left);
		if (next == NULL) {
			difference->is_broken = true;
			return false;
		}
		difference->left--;
		change_history_give_back(difference->history, difference->set);
		difference->set = next;
		changeset_walk(next, &difference->walk);
	}
	return true;
}

/* ---- a single message ---- */

static size_t put_soa(const struct dns_message *question, const struct zone_snapshot *zone,
                      const struct dns_edns_reply *edns, struct dns_encoder *encoder, uint8_t *bytes, size_t capacity)
{
	struct zone_rrset soa;
	zone_soa(zone, &soa);
	size_t edns_size = edns == NULL ? 0 : dns_edns_size(edns);
	dns_encoder_begin(encoder, bytes, capacity, question->header.id, reply_flags(question));
	dns_encoder_reserve(encoder, edns_size);
	bool fits = dns_encode_question(encoder, question->qname.wire, question->qtype, question->qclass) &&
	            dns_encode_rrset(encoder, DNS_SECTION_ANSWER, zone_name(zone), DNS_TYPE_SOA, zone_class(zone),
	                             soa.ttl, soa.rdatas, soa.count);
	if (!fits) {
		dns_encoder_set_flag(encoder, DNS_FLAG_TC);
	}
	dns_encoder_unreserve(encoder, edns_size);
	if (edns != NULL) {
		ensure(dns_encode_edns(encoder, edns));
	}
	return dns_encoder_end(encoder);
}

/* The first message is made when whoever asked can take it, and the configuration may be another one by then. */
static void take_edns(struct transfer_out *out, const struct dns_edns_reply *edns)
{
	if (edns == NULL) {
		return;
	}
	out->owes_edns = true;
	out->edns = *edns;
	out->edns.ede = DNS_EDE_NONE;
	out->edns.ede_text = NULL;
	if (edns->nsid != NULL) {
		out->nsid = memory_copy(edns->nsid, edns->nsid_len);
		out->edns.nsid = out->nsid;
	}
	if (edns->digest != NULL) {
		out->digest = memory_copy(edns->digest, edns->digest_len);
		out->edns.digest = out->digest;
	}
}

/* With differences of `octets_max` at the most. */
static struct transfer_out *out_new(const struct dns_message *question, const struct zone_snapshot *zone,
                                    const struct change_history *history, uint64_t octets_max,
                                    const struct dns_edns_reply *edns)
{
	ensure(question->has_question);
	struct transfer_out *out = memory_new(sizeof *out);
	out->zone = zone_ref(zone);
	out->id = question->header.id;
	out->flags = reply_flags(question);
	out->qname = question->qname;
	out->qtype = question->qtype;
	out->qclass = question->qclass;
	take_edns(out, edns);
	out->counts.serial = zone_serial(zone);
	difference_find(&out->difference, question, zone, history, octets_max);
	if (out->difference.set != NULL) {
		out->counts.is_difference = true;
		out->counts.serial_from = changeset_facts(out->difference.set).serial_from;
	} else {
		zone_walk(zone, &out->walk);
	}
	return out;
}

struct transfer_out *transfer_out_new(const struct dns_message *question, const struct zone_snapshot *zone,
                                      const struct change_history *history, const struct dns_edns_reply *edns)
{
	return out_new(question, zone, history, UINT64_MAX, edns);
}

void transfer_out_free(struct transfer_out *take)
{
	if (take != NULL) {
		zone_unref(take->zone);
		difference_free(&take->difference);
		free(take->nsid);
		free(take->digest);
		free(take);
	}
}

struct transfer_out_counts transfer_out_counts(const struct transfer_out *out)
{
	return out->counts;
}

static void take_soa(struct transfer_out *out)
{
	struct zone_rrset soa;
	struct zone_node apex;
	zone_soa(out->zone, &soa);
	zone_apex(out->zone, &apex);
	zone_node_owner(&apex, &out->owner);
	out->piece = (struct piece){.at = soa.rdatas, .count = soa.count, .ttl = soa.ttl, .type = DNS_TYPE_SOA};
}

static void take_rrset(struct transfer_out *out, const struct zone_rrset *rrset)
{
	/* The SOA opens and closes the stream; only its signatures stand in the middle. */
	size_t count = rrset->type == DNS_TYPE_SOA ? 0 : rrset->count;
	out->piece = (struct piece){.at = rrset->rdatas, .count = count, .ttl = rrset->ttl, .type = rrset->type};
	out->signatures = (struct piece){
	        .at = rrset->sigs, .count = rrset->sig_count, .ttl = rrset->sig_ttl, .type = DNS_TYPE_RRSIG};
}

/* Steps to the next RRset of the walk. False: there is none. */
static bool take_next_rrset(struct transfer_out *out)
{
	struct zone_rrset rrset;
	struct zone_node node;
	while (!zone_rrsets_next(&out->rrsets, &rrset)) {
		if (!zone_walk_next(&out->walk, &node)) {
			return false;
		}
		zone_node_owner(&node, &out->owner);
		zone_rrsets(&node, &out->rrsets);
	}
	take_rrset(out, &rrset);
	return true;
}

/* Steps to the next RR of the difference. False: there is none. */
static bool take_next_change(struct transfer_out *out)
{
	struct zone_change change;
	if (!difference_next(&out->difference, &change)) {
		return false;
	}
	out->owner = dns_name_of(change.owner);
	/* Its length stands in front of RDATA, as in the lists of a snapshot. */
	out->piece = (struct piece){.at = change.rdata - 2, .count = 1, .ttl = change.ttl, .type = change.type};
	return true;
}

static bool take_next(struct transfer_out *out)
{
	return out->difference.set != NULL ? take_next_change(out) : take_next_rrset(out);
}

/* Puts the next RRs of the stream into out->piece. False: the stream is at its end. */
static bool take_piece(struct transfer_out *out)
{
	while (out->piece.count == 0) {
		if (out->signatures.count > 0) {
			out->piece = out->signatures;
			out->signatures.count = 0;
			continue;
		}
		switch (out->stage) {
		case STAGE_OPENING:
			take_soa(out);
			out->stage = STAGE_BODY;
			break;
		case STAGE_BODY:
			if (!take_next(out)) {
				out->stage = out->difference.is_broken ? STAGE_BROKEN : STAGE_CLOSING;
			}
			break;
		case STAGE_CLOSING:
			take_soa(out);
			out->stage = STAGE_END;
			break;
		case STAGE_END:
		case STAGE_BROKEN:
			return false;
		}
	}
	return true;
}

/* Writes as much of out->piece as fits. */
static void put_piece(struct transfer_out *out, struct dns_encoder *encoder)
{
	struct piece *piece = &out->piece;
	uint16_t class = zone_class(out->zone);
	if (dns_encode_rrset(encoder, DNS_SECTION_ANSWER, out->owner.wire, piece->type, class, piece->ttl, piece->at,
	                     piece->count)) {
		out->counts.records += piece->count;
		piece->count = 0;
		return;
	}
	while (piece->count > 1 && dns_encode_rrset(encoder, DNS_SECTION_ANSWER, out->owner.wire, piece->type, class,
	                                            piece->ttl, piece->at, 1)) {
		out->counts.records++;
		piece->count--;
		piece->at += 2 + load_u16(piece->at);
	}
}

static bool fail_too_large(const struct transfer_out *out, struct error *error)
{
	char owner[DNS_NAME_TEXT_MAX];
	char type[DNS_MNEMONIC_MAX];
	return error_set(error, ERROR_LIMIT, "%s %s: an RR with RDATA of %u octets does not fit a message",
	                 dns_name_to_text(out->owner.wire, owner), dns_type_to_text(out->piece.type, type),
	                 load_u16(out->piece.at));
}

/* RFC 5936 2.2.1, 2.2.5: the question and OPT stand in the first message only. */
static void begin_message(struct transfer_out *out, struct dns_encoder *encoder, uint8_t *bytes, size_t size)
{
	dns_encoder_begin(encoder, bytes, size, out->id, out->flags);
	if (out->counts.messages == 0) {
		ensure(dns_encode_question(encoder, out->qname.wire, out->qtype, out->qclass));
		dns_encoder_reserve(encoder, out->owes_edns ? dns_edns_size(&out->edns) : 0);
	}
}

static size_t end_message(struct transfer_out *out, struct dns_encoder *encoder)
{
	if (out->owes_edns) {
		dns_encoder_unreserve(encoder, dns_edns_size(&out->edns));
		ensure(dns_encode_edns(encoder, &out->edns));
		out->owes_edns = false;
	}
	size_t len = dns_encoder_end(encoder);
	out->counts.messages++;
	out->counts.bytes += len;
	return len;
}

/* Writes as many RRs as fit. False: not even one does. */
static bool fill_message(struct transfer_out *out, struct dns_encoder *encoder, uint8_t *bytes, size_t size)
{
	uint64_t records_before = out->counts.records;
	begin_message(out, encoder, bytes, size);
	do {
		put_piece(out, encoder);
	} while (out->piece.count == 0 && take_piece(out));
	return out->counts.records > records_before;
}

/* Whoever asked comes back, and gets what there is then. */
static enum transfer_out_step fail_gone(const struct transfer_out *out, struct error *error)
{
	error_set(error, ERROR_NOT_FOUND, "the changes behind serial %" PRIu32 " are not kept any more",
	          changeset_facts(out->difference.set).serial_to);
	return TRANSFER_OUT_FAILED;
}

enum transfer_out_step transfer_out_next(struct transfer_out *out, struct dns_encoder *encoder, uint8_t *bytes,
                                         size_t capacity, size_t *len, struct error *error)
{
	ensure(capacity >= TRANSFER_OUT_CAPACITY_MIN);
	size_t most = capacity < DNS_MESSAGE_MAX ? capacity : DNS_MESSAGE_MAX;
	size_t usual = most < MESSAGE_SIZE ? most : MESSAGE_SIZE;
	if (!take_piece(out)) {
		return out->stage == STAGE_BROKEN ? fail_gone(out, error) : TRANSFER_OUT_END;
	}
	if (!fill_message(out, encoder, bytes, usual) && !fill_message(out, encoder, bytes, most)) {
		fail_too_large(out, error);
		return TRANSFER_OUT_FAILED;
	}
	*len = end_message(out, encoder);
	return TRANSFER_OUT_MESSAGE;
}

/* The whole stream in one message; 0: it does not fit. */
static size_t put_all(struct transfer_out *out, struct dns_encoder *encoder, uint8_t *bytes, size_t size)
{
	bool is_whole = take_piece(out) && fill_message(out, encoder, bytes, size) && !take_piece(out);
	return is_whole && out->stage == STAGE_END ? end_message(out, encoder) : 0;
}

size_t transfer_out_single(const struct dns_message *question, const struct zone_snapshot *zone,
                           const struct change_history *history, const struct dns_edns_reply *edns,
                           struct dns_encoder *encoder, uint8_t *bytes, size_t capacity)
{
	size_t size = capacity < DNS_MESSAGE_MAX ? capacity : DNS_MESSAGE_MAX;
	/* Whoever asks over UDP may be made up, and little of what is looked for in vain may be looked for. */
	struct transfer_out *out = out_new(question, zone, history, (uint64_t)size * SINGLE_TIMES, edns);
	size_t len = out->counts.is_difference ? put_all(out, encoder, bytes, size) : 0;
	transfer_out_free(out);
	return len > 0 ? len : put_soa(question, zone, edns, encoder, bytes, size);
}
