/* SPDX-License-Identifier: MIT */
/* From plan to bytes: sections in order, whole RRsets with their signatures or not at all, truncation, OPT.
 *
 * I9   An RRset that is needed and does not fit takes all others with it: the response has TC (UDP) or is SERVFAIL (TCP) and
 *      its sections are empty (RFC 2181 9 lets a receiver ignore them). OPT and TSIG stay.
 * I10  Required glue that does not fit sets TC and leaves the rest (RFC 9471 3). What is optional goes silently. */
#include "answer/answer_internal.h"

#include <string.h>

#include "base/bytes.h"
#include "base/ensure.h"

/* Flags of a response: opcode and RD as asked, CD and AD cleared (RFC 4035 3.1.6), no RA: nobody is served recursion. */
static uint16_t reply_flags(uint16_t flags)
{
	return (uint16_t)(DNS_FLAG_QR | (flags & (0x7800u | DNS_FLAG_RD)));
}

struct dns_edns_reply answer_edns(const struct answer_context *context, unsigned rcode, int ede)
{
	const struct dns_edns *asked = &context->message.edns;
	const struct answer_config *config = context->config;
	return (struct dns_edns_reply){
	        .payload_size = config->udp_payload,
	        .rcode_high = (uint8_t)(rcode >> 4),
	        .dnssec_ok = asked->dnssec_ok,
	        .nsid = asked->nsid ? config->nsid : NULL,
	        .nsid_len = config->nsid_len,
	        .expire = context->has_expire,
	        .expire_s = context->expire_s,
	        .digest = context->has_told ? context->told : NULL,
	        .digest_len = sizeof context->told,
	        .keepalive = context->result->keepalive,
	        .keepalive_100ms = config->keepalive_100ms,
	        .ede = ede,
	};
}

/* Starts the response with the question, as far as one was read, and keeps room for OPT. */
static void begin(struct answer_context *context, struct dns_edns_reply *edns, unsigned rcode, int ede)
{
	const struct dns_message *message = &context->message;
	struct dns_encoder *encoder = &context->encoder;
	dns_encoder_begin(encoder, context->result->bytes, context->limit, message->header.id,
	                  reply_flags(message->header.flags));
	dns_encoder_set_rcode(encoder, rcode);
	if (message->edns.present) {
		*edns = answer_edns(context, rcode, ede);
		dns_encoder_reserve(encoder, dns_edns_size(edns));
	}
	if (message->has_question) {
		/* Header, question and OPT are less than 512 octets: ANSWER_NSID_MAX. */
		ensure(dns_encode_question(encoder, message->qname.wire, message->qtype, message->qclass));
	}
}

static void end(struct answer_context *context, const struct dns_edns_reply *edns)
{
	struct dns_encoder *encoder = &context->encoder;
	if (context->message.edns.present) {
		dns_encoder_unreserve(encoder, dns_edns_size(edns));
		ensure(dns_encode_edns(encoder, edns));
	}
	context->result->len = dns_encoder_end(encoder);
}

void answer_encode_rcode(struct answer_context *context, unsigned rcode, int ede)
{
	struct dns_edns_reply edns;
	begin(context, &edns, rcode, ede);
	end(context, &edns);
	answer_count(context, rcode);
}

void answer_encode_formerr(struct answer_context *context, int ede)
{
	struct dns_encoder *encoder = &context->encoder;
	uint16_t flags = (uint16_t)(DNS_FLAG_QR | (context->message.header.flags & 0x7800u));
	struct dns_edns_reply edns;
	dns_encoder_begin(encoder, context->result->bytes, context->limit, context->message.header.id, flags);
	dns_encoder_set_rcode(encoder, DNS_RCODE_FORMERR);
	if (context->message.edns.present) {
		edns = answer_edns(context, DNS_RCODE_FORMERR, ede);
		ensure(dns_encode_edns(encoder, &edns));
	}
	context->result->len = dns_encoder_end(encoder);
	answer_count(context, DNS_RCODE_FORMERR);
}

void answer_encode_cramped(struct answer_context *context, unsigned rcode)
{
	const struct dns_message *message = &context->message;
	struct dns_encoder *encoder = &context->encoder;
	dns_encoder_begin(encoder, context->result->bytes, context->limit, message->header.id,
	                  reply_flags(message->header.flags));
	dns_encoder_set_rcode(encoder, rcode);
	if (message->has_question) {
		(void)dns_encode_question(encoder, message->qname.wire, message->qtype, message->qclass);
	}
	if (rcode == DNS_RCODE_NOERROR) {
		dns_encoder_set_flag(encoder, DNS_FLAG_TC);
		answer_add(&context->counters.truncated);
	}
	context->result->len = dns_encoder_end(encoder);
	answer_count(context, rcode);
}

/* Where a name that is part of the question stands; 0: it is not. */
static uint16_t place_in_question(const struct answer_context *context, const uint8_t *name)
{
	const uint8_t *start = context->message.qname.wire;
	bool within = name >= start && name < start + context->message.qname.len && *name != 0;
	return within ? (uint16_t)(DNS_HEADER_SIZE + (name - start)) : 0;
}

/* Finds the owner of an entry, in the case in which the zone has it, and where it stands in the message, as far as that is
 * known without looking. Entries of one node often follow each other. */
static void find_owner(struct answer_context *context, const struct planned_rrset *planned)
{
	const struct planned_owner *owner = &planned->owner;
	if (!owner->given && zone_node_same(&context->owner_node, &planned->node)) {
		return;
	}
	context->owner_node = owner->given ? (struct zone_node){0} : planned->node;
	if (owner->given || (owner->name != NULL && zone_node_owner_is(&planned->node, owner->name))) {
		context->owner_name = owner->name;
		context->owner_place = owner->target != 0 ? context->targets[owner->target - 1]
		                                          : place_in_question(context, owner->name);
		return;
	}
	zone_node_owner(&planned->node, &context->owner);
	context->owner_name = context->owner.wire;
	context->owner_place = 0;
}

/* Writes an RRset with its signatures, or nothing (false). */
static bool encode_planned(struct answer_context *context, const struct planned_rrset *planned)
{
	struct dns_encoder *encoder = &context->encoder;
	const struct zone_rrset *rrset = &planned->rrset;
	enum dns_section section = planned->section;
	uint16_t class = context->plan.class;
	bool sigs = (planned->parts & PART_SIGS) != 0 && rrset->sig_count > 0;
	find_owner(context, planned);
	struct dns_encoder_places places = {.owner = context->owner_place};
	if ((size_t)(planned - context->plan.rrsets) == context->plan.targets_of) {
		places.targets = context->targets;
		places.target_count = ANSWER_PLACES_MAX;
	}
	struct dns_encoder_mark mark;
	if (sigs) {
		mark = dns_encoder_mark(encoder);
	}
	if ((planned->parts & PART_DATA) != 0 &&
	    !dns_encode_rrset_placed(encoder, section, context->owner_name, &places, rrset->type, class, rrset->ttl,
	                             rrset->rdatas, rrset->count)) {
		return false;
	}
	places.targets = NULL;
	if (sigs && !dns_encode_rrset_placed(encoder, section, context->owner_name, &places, DNS_TYPE_RRSIG, class,
	                                     rrset->sig_ttl, rrset->sigs, rrset->sig_count)) {
		dns_encoder_rollback(encoder, &mark);
		return false;
	}
	context->owner_place = places.owner;
	return true;
}

/* What became of the sections. */
enum written { WRITTEN, WRITTEN_WITHOUT_GLUE, WRITTEN_NOTHING };

static enum written encode_section(struct answer_context *context, enum dns_section section)
{
	const struct answer_plan *plan = &context->plan;
	enum written written = WRITTEN;
	for (size_t i = 0; i < plan->rrset_count; i++) {
		const struct planned_rrset *planned = &plan->rrsets[i];
		if (planned->section != section || encode_planned(context, planned)) {
			continue;
		}
		switch ((enum planned_need)planned->need) {
		case NEED_ALL:
			context->misfit = planned;
			return WRITTEN_NOTHING;
		case NEED_GLUE:
			written = WRITTEN_WITHOUT_GLUE;
			break;
		case NEED_NOT:
			context->dropped = true;
			break;
		}
	}
	return written;
}

static enum written encode_sections(struct answer_context *context)
{
	if (context->plan.overflow || encode_section(context, DNS_SECTION_ANSWER) == WRITTEN_NOTHING ||
	    encode_section(context, DNS_SECTION_AUTHORITY) == WRITTEN_NOTHING) {
		return WRITTEN_NOTHING;
	}
	return encode_section(context, DNS_SECTION_ADDITIONAL);
}

static void tell_misfit(struct answer_context *context)
{
	if (context->misfit != NULL) {
		context->result->zone = context->plan.zone;
		context->result->snapshot = context->plan.snapshot;
		context->result->oversized_type = context->misfit->rrset.type;
		find_owner(context, context->misfit);
		context->result->oversized_owner = dns_name_of(context->owner_name);
	}
}

/* A response that was written before, behind the question of today. */
static void encode_kept(struct answer_context *context)
{
	const struct dns_message *message = &context->message;
	const struct answer_plan *plan = &context->plan;
	struct dns_encoder *encoder = &context->encoder;
	static const uint16_t one_question[4] = {1, 0, 0, 0};
	static const uint16_t no_counts[4];
	uint16_t flags = reply_flags(message->header.flags);
	uint8_t fields[4];
	dns_encoder_begin(encoder, context->result->bytes, context->limit, message->header.id,
	                  plan->authoritative ? flags | DNS_FLAG_AA : flags);
	dns_encoder_set_rcode(encoder, plan->rcode);
	store_u16(fields, message->qtype);
	store_u16(fields + 2, message->qclass);
	dns_encode_raw(encoder, message->qname.wire, message->qname.len, one_question);
	dns_encode_raw(encoder, fields, sizeof fields, no_counts);
	kept_write(plan->kept, encoder);
	if (message->edns.present) {
		struct dns_edns_reply edns = answer_edns(context, plan->rcode, DNS_EDE_NONE);
		ensure(dns_encode_edns(encoder, &edns));
	}
	context->result->len = dns_encoder_end(encoder);
	answer_count(context, plan->rcode);
}

/* I13 */
static void keep(struct answer_context *context)
{
	const struct answer_plan *plan = &context->plan;
	size_t question_end = DNS_HEADER_SIZE + context->message.qname.len + 4u;
	size_t suffix_len = dns_name_len(plan->key_name);
	keeper_keep(context->keeper, &plan->key, &context->encoder, question_end, suffix_len, plan->rcode,
	            plan->authoritative);
}

void answer_encode(struct answer_context *context, int ede)
{
	if (context->plan.kept != NULL) {
		encode_kept(context);
		return;
	}
	struct dns_encoder *encoder = &context->encoder;
	const struct answer_plan *plan = &context->plan;
	struct dns_edns_reply edns;
	unsigned rcode = plan->rcode;
	context->owner_node.page = NULL;
	context->misfit = NULL;
	context->dropped = false;
	begin(context, &edns, rcode, ede);
	if (plan->authoritative) {
		dns_encoder_set_flag(encoder, DNS_FLAG_AA);
	}
	struct dns_encoder_mark mark = dns_encoder_mark(encoder);
	switch (encode_sections(context)) {
	case WRITTEN:
		if (plan->key.identity != 0 && !context->dropped) {
			keep(context);
		}
		break;
	case WRITTEN_WITHOUT_GLUE:
		dns_encoder_set_flag(encoder, DNS_FLAG_TC);
		answer_add(&context->counters.truncated);
		break;
	case WRITTEN_NOTHING:
		dns_encoder_rollback(encoder, &mark);
		if (!plan->udp) {
			tell_misfit(context);
			answer_encode_rcode(context, DNS_RCODE_SERVFAIL, DNS_EDE_NONE);
			return;
		}
		dns_encoder_set_flag(encoder, DNS_FLAG_TC);
		answer_add(&context->counters.truncated);
		break;
	}
	end(context, &edns);
	answer_count(context, rcode);
}
