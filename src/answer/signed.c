/* SPDX-License-Identifier: MIT */
/* Questions with a TSIG, and the TSIG of their answers (RFC 8945 5.2, 5.3). Whatever a question that proves its key is
 * answered with, is signed; all other steps only see that there is less room.
 *
 * I14  A question without TSIG costs nothing here, and one with a TSIG that proves nothing gets no data. */
#include "answer/answer_internal.h"

#include "base/ensure.h"

/* Octets that the response may need besides data: header, question, and OPT with all that may be told in it. */
static size_t frame_size(const struct answer_context *context)
{
	const struct dns_message *message = &context->message;
	size_t size = DNS_HEADER_SIZE + (message->has_question ? message->qname.len + 4u : 0);
	if (message->edns.present) {
		struct dns_edns_reply most = answer_edns(context, DNS_RCODE_NOERROR, DNS_EDE_OTHER);
		most.expire = message->edns.expire;
		most.digest = message->edns.digest == NULL ? NULL : context->told;
		most.digest_len = sizeof context->told;
		size += dns_edns_size(&most);
	}
	return size;
}

static void sign(struct answer_context *context)
{
	struct answer_result *result = context->result;
	result->len = tsig_sign(&context->tsig, result->bytes, result->len, (uint64_t)context->request->now_s);
	tsig_end(&context->tsig);
}

/* 5.3: what does not fit with its TSIG is truncated to the question, or, when names are very long, to less. */
static void answer_cramped(struct answer_context *context, unsigned rcode)
{
	size_t size = tsig_size(&context->tsig);
	bool has_room = context->limit >= DNS_HEADER_SIZE + size;
	context->limit -= has_room ? size : 0;
	answer_encode_cramped(context, rcode);
	if (has_room) {
		sign(context);
	}
}

bool answer_verify(struct answer_context *context)
{
	struct tsig *tsig = &context->tsig;
	tsig_end(tsig); /* of a transfer that nobody took on */
	enum tsig_verdict verdict =
	        tsig_take(tsig, context->config->keys, &context->message, (uint64_t)context->request->now_s);
	unsigned rcode = tsig_rcode(verdict);
	if (verdict == TSIG_FORMERR) {
		tsig_end(tsig);
		answer_encode_formerr(context, DNS_EDE_NONE);
		return false;
	}
	context->result->tsig = tsig;
	if (context->limit < frame_size(context) + tsig_size(tsig)) {
		answer_cramped(context, rcode);
		return false;
	}
	context->limit -= tsig_size(tsig);
	if (verdict != TSIG_GOOD) {
		answer_encode_rcode(context, rcode, DNS_EDE_NONE);
		sign(context);
		return false;
	}
	context->who.key = tsig_proves(tsig);
	return true;
}

void answer_sign(struct answer_context *context, enum answer_outcome outcome)
{
	context->who.key = NULL;
	switch (outcome) {
	case ANSWER_SEND:
	case ANSWER_NOTIFY:
		sign(context);
		break;
	case ANSWER_TRANSFER_OUT: /* by whoever makes the transfer */
	case ANSWER_DROP:
		break;
	}
}
