/* SPDX-License-Identifier: MIT */
/* How a request goes:
 *
 *   request_open() --a connection is kept: hand over--> used --message of its answer--> answered
 *                  --none is: open---------------------------------------------------> answered
 *   used      --ended, silent, a message with another id: open a fresh connection, send again--> answered
 *   answered  --transfer_call_message() is true: the connection is kept--> over
 *             --the machine closes the call, or the connection ends------> over */
#include "server/requests_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* The machines' own limits are the finer ones. */
#define STREAM_IDLE_MS 0

struct request {
	struct requests *requests;
	struct transfer_call *call;
	struct net_stream *stream;
	/* While nothing was heard on a used connection; NULL: it is a fresh one, or its answer has begun. */
	uint8_t *question;
	size_t question_len;
};

struct kept {
	struct requests *requests;
	struct net_stream *stream;
	struct address to;
	struct address from;
};

/* ---- servers that do not like used connections ---- */

static bool is_unkind(const struct requests *requests, const struct address *host)
{
	int64_t now_ms = net_loop_now(requests->loop).boot_ms;
	for (size_t i = 0; i < REQUESTS_UNKIND_MAX; i++) {
		if (requests->unkind[i].until_ms > now_ms && address_equal(&requests->unkind[i].host, host)) {
			return true;
		}
	}
	return false;
}

static void note_unkind(struct requests *requests, const struct address *host)
{
	size_t place = requests->unkind_next++ % REQUESTS_UNKIND_MAX;
	requests->unkind[place].host = *host;
	requests->unkind[place].until_ms = net_loop_now(requests->loop).boot_ms + REQUESTS_UNKIND_MS;
}

/* ---- connections that are kept ---- */

/* Nobody has it any more; its stream is the caller's. */
static struct net_stream *kept_take(struct kept *take)
{
	struct requests *requests = take->requests;
	struct net_stream *stream = take->stream;
	size_t i = 0;
	while (requests->kept[i] != take) {
		i++;
	}
	requests->kept_count--;
	memmove(&requests->kept[i], &requests->kept[i + 1], (requests->kept_count - i) * sizeof(struct kept *));
	free(take);
	return stream;
}

static void kept_message(void *self, const uint8_t *bytes, size_t len, struct moment now)
{
	(void)bytes;
	(void)len;
	(void)now;
	net_stream_close(kept_take(self)); /* nobody asked for anything */
}

static void kept_ended(void *self, enum net_end end, const char *why, struct moment now)
{
	(void)end;
	(void)why;
	(void)now;
	(void)kept_take(self);
}

static void keep(struct requests *requests, struct net_stream *stream, const struct address *to,
                 const struct address *from)
{
	if (!net_stream_is_clean(stream) || is_unkind(requests, to)) {
		net_stream_close(stream);
		return;
	}
	if (requests->kept_count == REQUESTS_KEPT_MAX) {
		net_stream_close(kept_take(requests->kept[0]));
	}
	struct kept *kept = memory_new(sizeof *kept);
	*kept = (struct kept){.requests = requests, .stream = stream, .to = *to, .from = *from};
	requests->kept[requests->kept_count++] = kept;
	struct net_stream_config config = {
	        .total_ms = REQUESTS_KEPT_MS, /* not from the last octet: nobody asked for any */
	        .self = kept,
	        .message = kept_message,
	        .ended = kept_ended,
	};
	net_stream_hand_over(stream, &config);
}

/* The one that was used last: the others may close. NULL: there is none. */
static struct net_stream *take_kept(struct requests *requests, const struct transfer_call *call)
{
	for (size_t i = requests->kept_count; i-- > 0;) {
		struct kept *kept = requests->kept[i];
		if (!address_equal(&kept->to, &call->to) || !address_equal(&kept->from, &call->from)) {
			continue;
		}
		struct net_stream *stream = kept_take(kept);
		if (net_stream_is_clean(stream)) {
			return stream;
		}
		net_stream_close(stream); /* a part of a message came */
	}
	return NULL;
}

/* ---- a request ---- */

static void request_free(struct request *take)
{
	free(take->question);
	free(take);
}

static void request_message(void *self, const uint8_t *bytes, size_t len, struct moment now);
static void request_ended(void *self, enum net_end end, const char *why, struct moment now);

static struct net_stream_config config_of(struct request *request, uint32_t idle_ms)
{
	return (struct net_stream_config){
	        .to = request->call->to,
	        .from = request->call->from,
	        .connect_ms = request->call->timeout_ms,
	        .idle_ms = idle_ms,
	        .total_ms = request->call->total_ms,
	        .self = request,
	        .message = request_message,
	        .ended = request_ended,
	};
}

static bool send_question(struct request *request, const uint8_t *bytes, size_t len, struct error *error)
{
	if (!net_stream_send(request->stream, bytes, len)) {
		net_stream_close(request->stream);
		return error_set(error, ERROR_LIMIT, "the question is larger than a stream may hold");
	}
	return true;
}

static bool open_fresh(struct request *request, const uint8_t *bytes, size_t len, struct error *error)
{
	struct requests *requests = request->requests;
	struct net_stream_config config = config_of(request, STREAM_IDLE_MS);
	request->stream = net_stream_open(requests->loop, &config, error);
	while (request->stream == NULL && error->code == ERROR_LIMIT && requests->kept_count > 0) {
		net_stream_close(kept_take(requests->kept[0]));
		request->stream = net_stream_open(requests->loop, &config, error);
	}
	return request->stream != NULL && send_question(request, bytes, len, error);
}

static void tell_ended(struct request *take, const char *why, struct moment now)
{
	struct transfer_call *call = take->call;
	request_free(take);
	transfer_call_ended(call, why, now);
}

/* The used connection is gone. */
static void ask_again(struct request *request, struct moment now)
{
	uint8_t *question = request->question;
	struct error error;
	request->question = NULL;
	bool is_sent = open_fresh(request, question, request->question_len, &error);
	free(question);
	if (!is_sent) {
		tell_ended(request, error.text, now);
	}
}

static void request_message(void *self, const uint8_t *bytes, size_t len, struct moment now)
{
	struct request *request = self;
	struct requests *requests = request->requests;
	struct net_stream *stream = request->stream;
	if (request->question != NULL && memcmp(request->question, bytes, 2) != 0) {
		net_stream_close(stream); /* the rest of another answer */
		ask_again(request, now);
		return;
	}
	if (request->question != NULL) {
		free(request->question);
		request->question = NULL;
		net_stream_set_idle(stream, STREAM_IDLE_MS);
	}
	/* The machine may use the call for its next question, and may close the request. */
	struct address to = request->call->to;
	struct address from = request->call->from;
	if (transfer_call_message(request->call, bytes, len, now)) {
		request_free(request);
		keep(requests, stream, &to, &from);
	}
}

static void request_ended(void *self, enum net_end end, const char *why, struct moment now)
{
	struct request *request = self;
	if (request->question == NULL || end == NET_END_TOO_LONG) {
		tell_ended(request, why, now);
		return;
	}
	if (end == NET_END_STALLED) {
		note_unkind(request->requests, &request->call->to);
	}
	ask_again(request, now);
}

static bool open_used(struct request *request, const uint8_t *bytes, size_t len, struct error *error)
{
	struct net_stream_config config = config_of(request, REQUESTS_USED_MS);
	request->question = memory_copy(bytes, len);
	request->question_len = len;
	net_stream_hand_over(request->stream, &config);
	return send_question(request, bytes, len, error);
}

bool request_open(struct requests *requests, struct transfer_call *call, const uint8_t *bytes, size_t len,
                  struct error *error)
{
	struct request *request = memory_new(sizeof *request);
	*request = (struct request){.requests = requests, .call = call, .stream = take_kept(requests, call)};
	if (request->stream != NULL ? !open_used(request, bytes, len, error)
	                            : !open_fresh(request, bytes, len, error)) {
		request_free(request);
		return false;
	}
	call->handle = request;
	return true;
}

void request_close(struct transfer_call *call)
{
	struct request *request = call->handle;
	net_stream_close(request->stream);
	request_free(request);
}

uint64_t request_received(const struct transfer_call *call)
{
	const struct request *request = call->handle;
	return net_stream_received(request->stream);
}

/* ---- all of them ---- */

void requests_init(struct requests *requests, struct net_loop *loop)
{
	*requests = (struct requests){.loop = loop};
}

void requests_deinit(struct requests *requests)
{
	while (requests->kept_count > 0) {
		net_stream_close(kept_take(requests->kept[0]));
	}
}
