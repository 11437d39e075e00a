/* SPDX-License-Identifier: MIT */
/* Questions that came together are looked up together, step by step, so that they wait for memory together. Decides nothing:
 * what is found is what would be found when each has its turn. */
#include "answer/answer_internal.h"
#include "base/bytes.h"
#include "base/ensure.h"

_Static_assert(ANSWER_AHEAD_MAX <= ZONE_SET_FIND_MAX && ANSWER_AHEAD_MAX <= ZONE_LOOKUP_MAX, "at once there too");

/* Where the QNAME of a message stands, if it is one that can be looked up; NULL: it is none. Says nothing about the rest of
 * the message. */
static const uint8_t *name_asked(const struct answer_request *request)
{
	if (request->len <= DNS_HEADER_SIZE || load_u16(request->bytes + 4) != 1) {
		return NULL;
	}
	struct reader in = reader_of(request->bytes + DNS_HEADER_SIZE, request->len - DNS_HEADER_SIZE);
	return dns_name_read_plain(&in);
}

/* Whether DNSSEC is asked for, if the OPT is where nearly all questions have it, right behind the question. */
static bool seems_dnssec_ok(const struct answer_request *request, size_t question_end)
{
	const uint8_t *opt = request->bytes + question_end;
	return request->len >= question_end + 11 && load_u16(opt + 1) == DNS_TYPE_OPT && (opt[7] & 0x80) != 0;
}

/* Asks for the answer that was given before, where there may be one. A hint: nothing depends on it. */
static void kept_soon(const struct answer_context *context, const struct answer_request *request, const uint8_t *name)
{
	const struct answer_ahead *ahead = request->ahead;
	size_t question_end = (size_t)(name - request->bytes) + dns_name_len(name) + 4;
	bool may_be_kept = ahead->lookup.kind == ZONE_DELEGATION || ahead->lookup.kind == ZONE_FOUND;
	if (!may_be_kept || request->len < question_end) {
		return;
	}
	uint16_t kind =
	        ahead->lookup.kind == ZONE_DELEGATION ? KEPT_REFERRAL : load_u16(request->bytes + question_end - 4);
	struct kept_key key = kept_key_of(&ahead->lookup.node, kind, seems_dnssec_ok(request, question_end),
	                                  answer_rules_of(ahead->zone)->minimal_responses);
	keeper_soon(context->keeper, &key);
}

/* Of those whose zones serve something. */
static void look_up(struct answer_ahead *aheads, const uint8_t *const *names, size_t count)
{
	const struct zone_snapshot *snapshots[ANSWER_AHEAD_MAX];
	const uint8_t *names_served[ANSWER_AHEAD_MAX];
	struct answer_ahead *served[ANSWER_AHEAD_MAX];
	struct zone_lookup lookups[ANSWER_AHEAD_MAX];
	size_t served_count = 0;
	for (size_t i = 0; i < count; i++) {
		struct answer_ahead *ahead = &aheads[i];
		ahead->snapshot = ahead->zone == NULL ? NULL : zone_served(ahead->zone);
		if (ahead->zone != NULL) {
			__builtin_prefetch(answer_rules_of(ahead->zone));
		}
		if (ahead->snapshot != NULL) {
			snapshots[served_count] = ahead->snapshot;
			names_served[served_count] = names[i];
			served[served_count++] = ahead;
		}
	}
	zone_lookup_many(snapshots, names_served, served_count, lookups);
	for (size_t i = 0; i < served_count; i++) {
		served[i]->lookup = lookups[i];
	}
}

void answer_look_ahead(const struct answer_context *context, const struct zone_set *zones,
                       struct answer_request *requests, size_t count, struct answer_ahead *aheads)
{
	const uint8_t *names[ANSWER_AHEAD_MAX] = {NULL};
	struct zone *found[ANSWER_AHEAD_MAX];
	struct answer_request *named[ANSWER_AHEAD_MAX];
	size_t named_count = 0;
	ensure(count <= ANSWER_AHEAD_MAX);
	for (size_t i = 0; i < count; i++) {
		names[named_count] = name_asked(&requests[i]);
		named[named_count] = &requests[i];
		named_count += names[named_count] != NULL;
	}
	zone_set_find_many(zones, names, named_count, found);
	for (size_t i = 0; i < named_count; i++) {
		aheads[i].zone = found[i];
		named[i]->ahead = &aheads[i];
	}
	look_up(aheads, names, named_count);
	for (size_t i = 0; i < named_count; i++) {
		if (aheads[i].snapshot != NULL) {
			kept_soon(context, named[i], names[i]);
		}
	}
}
