/* SPDX-License-Identifier: MIT */
/* The steps of answering one message, in order; each either ends it or hands it to the next. */
#include "answer/answer_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/ensure.h"
#include "base/memory.h"
#include "dns/rdata.h"

struct answer_context *answer_context_new(void)
{
	struct answer_context *context = memory_new(sizeof *context);
	dns_encoder_init(&context->encoder);
	context->keeper = keeper_new();
	return context;
}

void answer_context_free(struct answer_context *take)
{
	if (take != NULL) {
		keeper_free(take->keeper);
		tsig_end(&take->tsig);
		free(take);
	}
}

const struct answer_counters *answer_counters(const struct answer_context *context)
{
	return &context->counters;
}

void answer_count(struct answer_context *context, unsigned rcode)
{
	struct answer_counters *counters = &context->counters;
	answer_add(&counters->rcodes[rcode < ANSWER_RCODES ? rcode : ANSWER_RCODES - 1]);
	answer_add(context->request->transport == ANSWER_TCP ? &counters->queries_tcp : &counters->queries_udp);
}

/* ---- zones ---- */

static const struct access_rule anybody;
static const struct answer_rules rules_default = {
        .allow = {[ACCESS_QUERY] = {.rules = &anybody, .rule_count = 1}},
};

const struct answer_rules *answer_rules_of(const struct zone *zone)
{
	const struct answer_rules *rules = atomic_load_explicit(&zone->rules, memory_order_acquire);
	return rules == NULL ? &rules_default : rules;
}

enum access_verdict answer_access(const struct answer_rules *rules, enum access_kind kind, const struct access_who *who)
{
	return access_check(&rules->allow[kind], who);
}

struct zone *answer_zone_for(const struct zone_set *zones, const struct answer_ahead *ahead, const uint8_t *name,
                             uint16_t type)
{
	struct zone *zone = ahead != NULL ? ahead->zone : zone_set_find(zones, name);
	if (type != DNS_TYPE_DS || zone == NULL || dns_name_len(name) != zone->apex_len) {
		return zone;
	}
	/* Within the apex and as long: it is the apex, and its DS lives in the zone above. */
	struct zone *above = zone_set_find_above(zones, name);
	return above == NULL ? zone : above;
}

const struct zone_snapshot *answer_served(const struct zone *zone, int64_t now_ms, int *ede)
{
	switch (atomic_load_explicit(&zone->state, memory_order_acquire)) {
	case ZONE_STATE_EMPTY:
		*ede = DNS_EDE_NOT_READY;
		return NULL;
	case ZONE_STATE_SERVED:
		break;
	case ZONE_STATE_EXPIRED:
	case ZONE_STATE_BROKEN:
		*ede = DNS_EDE_INVALID_DATA;
		return NULL;
	}
	/* The one who watches the timers may be late; an expired copy is not served all the same. */
	*ede = DNS_EDE_INVALID_DATA;
	if (now_ms >= atomic_load_explicit(&zone->expires_at_ms, memory_order_relaxed)) {
		return NULL;
	}
	return zone_served(zone);
}

/* ---- ends ---- */

static enum answer_outcome reply(struct answer_context *context, unsigned rcode, int ede)
{
	answer_encode_rcode(context, rcode, ede);
	return ANSWER_SEND;
}

static enum answer_outcome formerr(struct answer_context *context, int ede)
{
	answer_encode_formerr(context, ede);
	return ANSWER_SEND;
}

static enum answer_outcome drop(struct answer_context *context)
{
	answer_add(&context->counters.dropped);
	return ANSWER_DROP;
}

/* ---- what the server says about itself: CH TXT (RFC 4892) ---- */

#define NAME_IS(name, text) dns_name_equal(name, (const uint8_t *)(text))

static const struct answer_identity *identity_of(const struct answer_config *config, const uint8_t *name)
{
	if (NAME_IS(name, "\7version\4bind") || NAME_IS(name, "\7version\6server")) {
		return &config->version;
	}
	if (NAME_IS(name, "\10hostname\4bind")) {
		return &config->hostname;
	}
	if (NAME_IS(name, "\2id\6server")) {
		return &config->identity;
	}
	return NULL;
}

static enum answer_outcome answer_chaos(struct answer_context *context)
{
	const struct dns_message *message = &context->message;
	const struct answer_identity *identity = identity_of(context->config, message->qname.wire);
	bool type_fits = message->qtype == DNS_TYPE_TXT || message->qtype == DNS_TYPE_ANY;
	if (identity == NULL || identity->text == NULL || !type_fits) {
		return reply(context, DNS_RCODE_REFUSED, DNS_EDE_NOT_AUTHORITATIVE);
	}
	store_u16(context->chaos, (uint16_t)(1 + identity->len));
	context->chaos[2] = identity->len;
	memcpy(context->chaos + 3, identity->text, identity->len);

	struct answer_plan *plan = &context->plan;
	answer_plan_reset(plan, context->limit);
	plan->udp = context->request->transport == ANSWER_UDP;
	plan->dnssec_ok = false;
	plan->class = DNS_CLASS_CH;
	plan->authoritative = true;
	const struct zone_rrset text = {
	        .type = DNS_TYPE_TXT, .count = 1, .rdatas_len = 3u + identity->len, .rdatas = context->chaos};
	plan_add(plan, DNS_SECTION_ANSWER, &plan_no_node, &text, owner_given(message->qname.wire), NEED_ALL);
	answer_encode(context, DNS_EDE_NONE);
	return ANSWER_SEND;
}

/* ---- questions about zones ---- */

/* RFC 7314 3: a primary tells the SOA's expire, a secondary the time that is left to its copy. */
static void note_expire(struct answer_context *context, const struct zone *zone, const struct zone_snapshot *snapshot)
{
	int64_t expires_at_ms = atomic_load_explicit(&zone->expires_at_ms, memory_order_relaxed);
	struct zone_rrset soa;
	zone_soa(snapshot, &soa);
	context->has_expire = true;
	context->expire_s = load_u32(soa.rdatas + soa.rdatas_len - 8);
	if (expires_at_ms != ZONE_NEVER_EXPIRES) {
		int64_t left_s = (expires_at_ms - context->request->now_ms) / 1000;
		context->expire_s = left_s > UINT32_MAX ? UINT32_MAX : (uint32_t)left_s;
	}
}

/* The digest of what is served, for those who could fetch it and compare for themselves: it tells others nothing. */
static void note_digest(struct answer_context *context, const struct zone *zone, const struct zone_snapshot *snapshot)
{
	const struct dns_edns *edns = &context->message.edns;
	struct change_told told = {.serial = zone_serial(snapshot)};
	if (change_told_is_asked(edns->digest, edns->digest_len) &&
	    answer_access(answer_rules_of(zone), ACCESS_TRANSFER, &context->who) != ACCESS_DENIED &&
	    change_digest_find(zone, snapshot, &told.digest)) {
		context->has_told = true;
		change_told_write(told, context->told);
	}
}

/* What is told of the version beside its records, where it is asked for at the apex with one of the questions by which
 * secondaries keep up. */
static void note_version(struct answer_context *context, const struct zone *zone, const struct zone_snapshot *snapshot)
{
	const struct dns_message *message = &context->message;
	bool keeps_up =
	        message->qtype == DNS_TYPE_SOA || message->qtype == DNS_TYPE_AXFR || message->qtype == DNS_TYPE_IXFR;
	if (!keeps_up || !dns_name_equal(message->qname.wire, zone->apex)) {
		return;
	}
	if (message->edns.expire) {
		note_expire(context, zone, snapshot);
	}
	if (!zone_is_held_back(snapshot)) {
		note_digest(context, zone, snapshot);
	}
}

static bool asks_of_version(const struct dns_edns *edns)
{
	return edns->expire || edns->digest != NULL;
}

static void plan_begin(struct answer_context *context, struct zone *zone, const struct zone_snapshot *snapshot,
                       const struct answer_rules *rules)
{
	struct answer_plan *plan = &context->plan;
	plan->zones = context->zones;
	plan->who = &context->who;
	plan->now_ms = context->request->now_ms;
	plan->qname = context->message.qname.wire;
	plan->ahead = context->request->ahead;
	plan->qtype = context->message.qtype;
	plan->dnssec_ok = context->message.edns.dnssec_ok;
	plan->udp = context->request->transport == ANSWER_UDP;
	plan->zone = zone;
	plan->snapshot = snapshot;
	plan->rules = rules;
	answer_plan_reset(plan, context->limit);
}

/* An answer may be one that was written before, if that is short enough and all names are asked for in class IN. */
static void plan_remember(struct answer_context *context)
{
	const struct dns_message *message = &context->message;
	struct answer_plan *plan = &context->plan;
	size_t taken = DNS_HEADER_SIZE + message->qname.len + 4u;
	if (message->edns.present) {
		struct dns_edns_reply edns = answer_edns(context, DNS_RCODE_NOERROR, DNS_EDE_NONE);
		taken += dns_edns_size(&edns);
	}
	plan->keeper = message->qclass == DNS_CLASS_IN ? context->keeper : NULL;
	plan->tail_max = context->limit - taken;
}

static enum answer_outcome answer_data(struct answer_context *context)
{
	const struct dns_message *message = &context->message;
	struct zone *zone =
	        answer_zone_for(context->zones, context->request->ahead, message->qname.wire, message->qtype);
	if (zone == NULL) {
		return reply(context, DNS_RCODE_REFUSED, DNS_EDE_NOT_AUTHORITATIVE);
	}
	const struct answer_rules *rules = answer_rules_of(zone);
	if (answer_access(rules, ACCESS_QUERY, &context->who) == ACCESS_DENIED) {
		return reply(context, DNS_RCODE_REFUSED, DNS_EDE_PROHIBITED);
	}
	int ede;
	const struct zone_snapshot *snapshot = answer_served(zone, context->request->now_ms, &ede);
	if (snapshot == NULL) {
		return reply(context, DNS_RCODE_SERVFAIL, ede);
	}
	if (asks_of_version(&message->edns)) {
		note_version(context, zone, snapshot);
	}
	plan_begin(context, zone, snapshot, rules);
	plan_remember(context);
	answer_plan(&context->plan);
	if (message->qclass == DNS_CLASS_ANY) {
		context->plan.authoritative = false; /* RFC 1034 4.3.2: nobody is the authority for all classes */
	}
	if (context->plan.referral) {
		answer_add(&context->counters.referrals);
	}
	answer_encode(context, DNS_EDE_NONE);
	return ANSWER_SEND;
}

/* What the response may measure (RFC 1035 4.2.1, RFC 6891 6.2.3, 6.2.5). */
static size_t limit_of(const struct answer_context *context)
{
	size_t limit = DNS_MESSAGE_MAX;
	if (context->request->transport == ANSWER_UDP) {
		const struct dns_edns *edns = &context->message.edns;
		size_t ours = context->config->udp_payload;
		size_t theirs = edns->present ? edns->payload_size : DNS_UDP_SIZE_PLAIN;
		limit = theirs < ours ? theirs : ours;
		limit = limit < DNS_UDP_SIZE_PLAIN ? DNS_UDP_SIZE_PLAIN : limit;
	}
	return limit < context->result->capacity ? limit : context->result->capacity;
}

static enum answer_outcome answer_transfer(struct answer_context *context)
{
	const struct dns_message *message = &context->message;
	struct answer_result *result = context->result;
	bool udp = context->request->transport == ANSWER_UDP;
	bool incremental = message->qtype == DNS_TYPE_IXFR;
	if (udp && !incremental) {
		return formerr(context, DNS_EDE_NONE); /* RFC 5936 4.2 */
	}
	result->has_serial = incremental &&
	                     dns_message_soa_serial(message, message->authority_offset, message->header.authority_count,
	                                            message->qname.wire, message->qclass, &result->serial);
	if (incremental && !result->has_serial) {
		return formerr(context, DNS_EDE_NONE); /* RFC 1995 3 */
	}
	result->zone = message->qclass == DNS_CLASS_IN ? zone_set_get(context->zones, message->qname.wire) : NULL;
	if (result->zone == NULL) {
		return reply(context, DNS_RCODE_NOTAUTH, DNS_EDE_NOT_AUTHORITATIVE);
	}
	if (answer_access(answer_rules_of(result->zone), ACCESS_TRANSFER, &context->who) == ACCESS_DENIED) {
		return reply(context, DNS_RCODE_REFUSED, DNS_EDE_PROHIBITED);
	}
	int ede;
	result->snapshot = answer_served(result->zone, context->request->now_ms, &ede);
	if (result->snapshot == NULL) {
		return reply(context, DNS_RCODE_SERVFAIL, ede);
	}
	if (zone_is_held_back(result->snapshot)) {
		return reply(context, DNS_RCODE_SERVFAIL, DNS_EDE_NOT_READY);
	}
	if (asks_of_version(&message->edns)) {
		note_version(context, result->zone, result->snapshot);
	}
	result->message = message;
	result->limit = context->limit;
	result->has_edns = message->edns.present;
	result->edns = answer_edns(context, DNS_RCODE_NOERROR, DNS_EDE_NONE);
	answer_add(&context->counters.transfers);
	if (udp) {
		answer_count(context, DNS_RCODE_NOERROR); /* one message is all that follows */
	}
	return ANSWER_TRANSFER_OUT;
}

static enum answer_outcome answer_internet(struct answer_context *context)
{
	uint16_t type = context->message.qtype;
	if (type == DNS_TYPE_AXFR || type == DNS_TYPE_IXFR) {
		return answer_transfer(context);
	}
	if (type == DNS_TYPE_ANY || type == 0 || !dns_type_is_meta(type)) {
		return answer_data(context);
	}
	switch (type) {
	case DNS_TYPE_MAILA:
	case DNS_TYPE_MAILB:
		return reply(context, DNS_RCODE_NOTIMP, DNS_EDE_NONE);
	case DNS_TYPE_TKEY:
		return reply(context, DNS_RCODE_REFUSED, DNS_EDE_NOT_SUPPORTED); /* RFC 2930 */
	default:
		/* OPT, TSIG, NXNAME and whatever else stands for no data (RFC 6895 3.1, RFC 9824). */
		return formerr(context, DNS_EDE_INVALID_QUERY_TYPE);
	}
}

static enum answer_outcome answer_query(struct answer_context *context)
{
	const struct dns_message *message = &context->message;
	if (!message->has_question) {
		/* RFC 7873 5.4: a query without question may ask for a cookie. */
		return message->edns.cookie ? reply(context, DNS_RCODE_NOERROR, DNS_EDE_NONE)
		                            : formerr(context, DNS_EDE_NONE);
	}
	switch (message->qclass) {
	case DNS_CLASS_IN:
	case DNS_CLASS_ANY:
		return answer_internet(context);
	case DNS_CLASS_CH:
		return answer_chaos(context);
	default:
		return reply(context, DNS_RCODE_REFUSED, DNS_EDE_NOT_AUTHORITATIVE);
	}
}

/* ---- NOTIFY (RFC 1996) ---- */

static enum answer_outcome answer_notify(struct answer_context *context)
{
	const struct dns_message *message = &context->message;
	struct answer_result *result = context->result;
	if (!message->has_question) {
		return formerr(context, DNS_EDE_NONE);
	}
	if (message->qtype != DNS_TYPE_SOA) {
		return reply(context, DNS_RCODE_NOTIMP, DNS_EDE_NONE); /* RFC 9859 has others, not here */
	}
	result->zone = message->qclass == DNS_CLASS_IN ? zone_set_get(context->zones, message->qname.wire) : NULL;
	if (result->zone == NULL) {
		return reply(context, DNS_RCODE_NOTAUTH, DNS_EDE_NOT_AUTHORITATIVE);
	}
	const struct answer_rules *rules = answer_rules_of(result->zone);
	if (answer_access(rules, ACCESS_NOTIFY, &context->who) == ACCESS_DENIED) {
		result->notify_denied = true;
		return reply(context, DNS_RCODE_REFUSED, DNS_EDE_PROHIBITED);
	}
	result->has_serial = dns_message_soa_serial(message, message->answer_offset, message->header.answer_count,
	                                            message->qname.wire, message->qclass, &result->serial);

	result->is_proven = access_is_proven(&rules->allow[ACCESS_NOTIFY], &context->who);

	/* RFC 1996 4.7: QR and AA, the question, nothing else. */
	struct answer_plan *plan = &context->plan;
	answer_plan_reset(plan, context->limit);
	plan->authoritative = true;
	answer_encode(context, DNS_EDE_NONE);
	answer_add(&context->counters.notifies);
	return ANSWER_NOTIFY;
}

/* ---- UPDATE (RFC 2136) ---- */

/* Who may not is told so (3.3); who may is told that there is nothing yet that would do it. */
static enum answer_outcome answer_update(struct answer_context *context)
{
	const struct dns_message *message = &context->message;
	if (!message->has_question || message->qtype != DNS_TYPE_SOA) {
		return formerr(context, DNS_EDE_NONE); /* 3.1.1 */
	}
	const struct zone *zone =
	        message->qclass == DNS_CLASS_IN ? zone_set_get(context->zones, message->qname.wire) : NULL;
	if (zone == NULL) {
		return reply(context, DNS_RCODE_NOTAUTH, DNS_EDE_NOT_AUTHORITATIVE); /* 3.1.2 */
	}
	if (answer_access(answer_rules_of(zone), ACCESS_UPDATE, &context->who) == ACCESS_DENIED) {
		return reply(context, DNS_RCODE_REFUSED, DNS_EDE_PROHIBITED);
	}
	int ede;
	if (answer_served(zone, context->request->now_ms, &ede) == NULL) {
		return reply(context, DNS_RCODE_SERVFAIL, ede);
	}
	return reply(context, DNS_RCODE_NOTIMP, DNS_EDE_NOT_SUPPORTED);
}

/* ---- the steps ---- */

static enum answer_outcome answer_opcode(struct answer_context *context, enum dns_read_outcome read)
{
	const struct dns_message *message = &context->message;
	unsigned opcode = dns_flags_opcode(message->header.flags);
	if (opcode != DNS_OPCODE_QUERY && opcode != DNS_OPCODE_NOTIFY && opcode != DNS_OPCODE_UPDATE) {
		/* IQUERY (RFC 3425), STATUS, DSO: what their sections mean is not for us to say. */
		return reply(context, DNS_RCODE_NOTIMP, DNS_EDE_NONE);
	}
	if (read == DNS_READ_FORMERR) {
		return formerr(context, DNS_EDE_NONE);
	}
	if (message->edns.present && message->edns.version != 0) {
		return reply(context, DNS_RCODE_BADVERS, DNS_EDE_NONE); /* RFC 6891 6.1.3 */
	}
	if (opcode == DNS_OPCODE_QUERY) {
		return answer_query(context);
	}
	return opcode == DNS_OPCODE_NOTIFY ? answer_notify(context) : answer_update(context);
}

enum answer_outcome answer_message(struct answer_context *context, const struct answer_config *config,
                                   const struct zone_set *zones, const struct answer_request *request,
                                   struct answer_result *result)
{
	ensure(result->capacity >= DNS_UDP_SIZE_PLAIN && config->nsid_len <= ANSWER_NSID_MAX);
	context->config = config;
	context->zones = zones;
	context->request = request;
	context->result = result;
	context->who.address = request->client;
	context->has_expire = false;
	context->has_told = false;
	result->len = 0;
	result->zone = NULL;
	result->snapshot = NULL;
	result->message = NULL;
	result->tsig = NULL;
	result->oversized_type = 0;
	result->notify_denied = false;
	result->keepalive = false;
	result->has_serial = false;
	answer_add(&context->counters.messages);

	enum dns_read_outcome read = dns_message_read(request->bytes, request->len, &context->message);
	if (read == DNS_READ_TOO_SHORT || (context->message.header.flags & DNS_FLAG_QR) != 0) {
		return drop(context);
	}
	context->limit = limit_of(context);
	/* RFC 7828 3.2.1, 3.3.2: nothing over UDP. */
	result->keepalive = context->message.edns.keepalive && request->transport == ANSWER_TCP;
	bool is_signed = context->message.has_tsig && read == DNS_READ_OK;
	if (is_signed && !answer_verify(context)) {
		return ANSWER_SEND;
	}
	enum answer_outcome outcome = answer_opcode(context, read);
	if (is_signed) {
		answer_sign(context, outcome);
	}
	return outcome;
}
