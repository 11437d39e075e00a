/* SPDX-License-Identifier: MIT */
/* The network, as net.h has it: datagrams that are lost, repeated and late; connections that break, and wait while a link is
 * cut. What a server sends can be made wrong on its way out (enum sim_lie). */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "dns/message.h"

/* Between two turns of a loop or worker. */
#define TURN_MS_MAX 3
/* A segment that was lost is sent again after this. */
#define AGAIN_MS 500
/* Messages of a transfer are kept small, so that a small zone takes many: TRANSFER_OUT_CAPACITY_MIN and a signature. */
#define PULL_CAPACITY 2560
/* So many messages may be on their way before the next is pulled. */
#define PULL_AHEAD        4
#define SLOW_OCTETS_PER_S 2000

static uint64_t id_count;

const char *sim_lie_name(enum sim_lie lie)
{
	static const char *const names[SIM_LIES] = {
	        [SIM_LIE_NONE] = "tells the truth",
	        [SIM_LIE_SILENT] = "answers nothing",
	        [SIM_LIE_DEAF_UDP] = "answers nothing over UDP",
	        [SIM_LIE_REFUSED] = "answers REFUSED",
	        [SIM_LIE_SERVFAIL] = "answers SERVFAIL",
	        [SIM_LIE_NO_AUTHORITY] = "answers without AA",
	        [SIM_LIE_TRUNCATED] = "answers with TC",
	        [SIM_LIE_NO_EDNS] = "answers FORMERR to EDNS",
	        [SIM_LIE_FORGED_FIRST] = "is spoofed before it answers",
	        [SIM_LIE_HIGH_SERIAL] = "promises a serial that it does not have",
	        [SIM_LIE_LOW_SERIAL] = "says an old serial",
	        [SIM_LIE_NO_TRANSFER] = "refuses transfers",
	        [SIM_LIE_NO_IXFR] = "answers NOTIMP to IXFR",
	        [SIM_LIE_GARBAGE] = "sends noise in transfers",
	        [SIM_LIE_CUT] = "breaks transfers off",
	        [SIM_LIE_STALL] = "stalls in transfers",
	        [SIM_LIE_SLOW] = "transfers slowly",
	        [SIM_LIE_DEAF_NOTIFY] = "does not hear NOTIFYs",
	};
	return names[lie];
}

static struct sim_link *link_of(size_t from, size_t to)
{
	return &sim.links[from][to];
}

static int64_t travel_ms(const struct sim_link *link)
{
	return link->delay_ms + (link->jitter_ms == 0 ? 0 : sim_between(0, link->jitter_ms));
}

static struct sim_server *server_at(const struct address *address)
{
	for (size_t i = 0; i < sim.server_count; i++) {
		if (address_same_host(&sim.servers[i].address, address)) {
			return &sim.servers[i];
		}
	}
	return NULL;
}

static void drop_event(struct sim_event *event)
{
	free(event);
}

/* ---- closures that are posted to a loop or worker ---- */

struct post {
	struct post *next;
	void (*run)(void *context, struct moment now);
	void *context;
};

struct posts {
	struct sim_server *owner;
	uint64_t id; /* of the loop or worker */
	struct post *first;
	struct post **last;
	bool is_awaited; /* an event comes for the first */
};

struct post_event {
	struct sim_event event; /* first */
	struct posts *posts;
	uint64_t id;
};

static void posts_init(struct posts *posts)
{
	posts->owner = sim.current;
	posts->id = ++id_count;
	posts->last = &posts->first;
}

static void run_first(struct posts *posts)
{
	struct post *post = posts->first;
	posts->first = post->next;
	if (posts->first == NULL) {
		posts->last = &posts->first;
	}
	post->run(post->context, sim_now(posts->owner));
	free(post);
}

static void await(struct posts *posts);

static void run_post(struct sim_event *event)
{
	struct posts *posts = ((struct post_event *)event)->posts;
	free(event);
	posts->is_awaited = false;
	if (posts->first != NULL) {
		run_first(posts);
	}
	await(posts);
}

static void await(struct posts *posts)
{
	if (posts->first != NULL && !posts->is_awaited) {
		struct post_event *event = memory_new(sizeof *event);
		event->event.run = run_post;
		event->event.drop = drop_event;
		event->posts = posts;
		posts->is_awaited = true;
		sim_later(&event->event, posts->owner, sim_between(0, TURN_MS_MAX));
	}
}

static void posts_put(struct posts *posts, void (*run)(void *context, struct moment now), void *context)
{
	struct post *post = memory_new(sizeof *post);
	post->run = run;
	post->context = context;
	*posts->last = post;
	posts->last = &post->next;
	await(posts);
}

static void posts_run_all(struct posts *posts)
{
	while (posts->first != NULL) {
		run_first(posts);
	}
}

/* ---- connections and streams: one wire each ---- */

enum letter_kind {
	LETTER_OPEN,    /* up: somebody connects */
	LETTER_OPENED,  /* down: the connection stands */
	LETTER_REFUSED, /* down: nobody listens there */
	LETTER_MESSAGE,
	LETTER_END, /* it was closed */
};

struct letter {
	struct letter *next;
	enum letter_kind kind;
	int64_t fresh_ms; /* of the zone that the transfer is about */
	size_t len;
	uint8_t bytes[];
};

struct pipe {
	struct letter *first;
	struct letter **last;
	size_t count;
	int64_t due_ms; /* of the newest: what comes later cannot come earlier */
};

struct wire {
	struct wire *next;
	uint64_t id;
	size_t client;
	size_t server;
	struct net_stream *stream;         /* NULL: closed there */
	struct net_connection *connection; /* NULL: not there yet, or closed there */
	size_t zone;                       /* that the newest question was about; SIM_ZONES_MAX: none */
	bool was_connected;
	struct pipe up; /* from client to server */
	struct pipe down;
};

struct net_stream {
	struct net_stream *next;
	struct net_loop *loop;
	struct net_stream_config config;
	struct wire *wire;
	uint64_t received;
	uint64_t owners;  /* that it has had */
	int64_t moved_ms; /* when a message came, or its owner did */
	bool is_open;
	struct letter *waiting; /* for the connection to stand, newest first */
};

struct net_connection {
	struct net_connection *next;
	struct net_worker *worker;
	struct wire *wire;
	struct address client;
	struct net_source *first;
	bool is_pulling;
	uint32_t pulled; /* messages of the transfer so far */
};

struct net_worker {
	struct posts posts; /* first */
	struct net_config config;
	struct net_handler handler;
	struct net_counters counters;
	struct net_connection *connections;
	struct net_worker *next; /* of all */
};

struct net_exchange {
	struct net_exchange *next;
	uint64_t id;
	struct net_loop *loop;
	struct net_exchange_config config;
};

#define TIMERS_MAX 64

struct net_loop {
	struct posts posts; /* first */
	struct net_exchange *exchanges;
	struct net_stream *streams;
	struct net_timer *timers[TIMERS_MAX];
	size_t timer_count;
};

static struct wire *wires;

static struct wire *find_wire(uint64_t id)
{
	struct wire *wire = wires;
	while (wire != NULL && wire->id != id) {
		wire = wire->next;
	}
	return wire;
}

static void pipe_clear(struct pipe *pipe)
{
	while (pipe->first != NULL) {
		struct letter *next = pipe->first->next;
		free(pipe->first);
		pipe->first = next;
	}
}

/* Nobody is at either end. */
static void wire_free_if_unused(struct wire *wire)
{
	if (wire->stream != NULL || wire->connection != NULL) {
		return;
	}
	struct wire **place = &wires;
	while (*place != wire) {
		place = &(*place)->next;
	}
	*place = wire->next;
	pipe_clear(&wire->up);
	pipe_clear(&wire->down);
	free(wire);
}

struct wire_event {
	struct sim_event event; /* first */
	uint64_t wire;
	bool is_up;
};

static void run_wire(struct sim_event *event);

static void wire_later(uint64_t wire, bool is_up, int64_t in_ms)
{
	struct wire_event *event = memory_new(sizeof *event);
	event->event.run = run_wire;
	event->event.drop = drop_event;
	event->wire = wire;
	event->is_up = is_up;
	sim_later(&event->event, NULL, in_ms);
}

static void wire_post_letter(struct wire *wire, bool is_up, struct letter *take)
{
	struct pipe *pipe = is_up ? &wire->up : &wire->down;
	const struct sim_link *link = is_up ? link_of(wire->client, wire->server) : link_of(wire->server, wire->client);
	int64_t due_ms = sim.now_ms + travel_ms(link) + (sim_chance(link->loss_percent) ? AGAIN_MS : 0);
	pipe->due_ms = due_ms > pipe->due_ms ? due_ms : pipe->due_ms;
	take->next = NULL;
	*pipe->last = take;
	pipe->last = &take->next;
	pipe->count++;
	wire_later(wire->id, is_up, pipe->due_ms - sim.now_ms);
}

static struct letter *letter_new(enum letter_kind kind, const void *bytes, size_t len)
{
	struct letter *letter = memory_new(sizeof *letter + len);
	letter->kind = kind;
	letter->len = len;
	if (len > 0) {
		memcpy(letter->bytes, bytes, len);
	}
	return letter;
}

static void wire_post(struct wire *wire, bool is_up, enum letter_kind kind, const void *bytes, size_t len)
{
	wire_post_letter(wire, is_up, letter_new(kind, bytes, len));
}

static void stream_forget(struct net_stream *stream)
{
	struct net_stream **place = &stream->loop->streams;
	while (*place != stream) {
		place = &(*place)->next;
	}
	*place = stream->next;
	while (stream->waiting != NULL) {
		struct letter *next = stream->waiting->next;
		free(stream->waiting);
		stream->waiting = next;
	}
	stream->wire->stream = NULL;
	free(stream);
}

static void stream_end(struct net_stream *stream, enum net_end end, const char *why)
{
	struct net_stream_config config = stream->config;
	struct wire *wire = stream->wire;
	struct sim_server *owner = stream->loop->posts.owner;
	stream_forget(stream);
	if (wire->connection != NULL) {
		wire_post(wire, true, LETTER_END, NULL, 0);
	} else {
		wire_free_if_unused(wire);
	}
	config.ended(config.self, end, why, sim_now(owner));
}

/* The sources that are left end so. */
static void connection_close(struct net_connection *connection, enum net_end end)
{
	struct net_connection **place = &connection->worker->connections;
	struct wire *wire = connection->wire;
	while (*place != connection) {
		place = &(*place)->next;
	}
	*place = connection->next;
	while (connection->first != NULL) {
		struct net_source *source = connection->first;
		connection->first = source->after;
		source->close(source, end);
	}
	wire->connection = NULL;
	free(connection);
	if (wire->stream != NULL) {
		wire_post(wire, false, LETTER_END, NULL, 0);
	} else {
		wire_free_if_unused(wire);
	}
}

/* ---- lies ---- */

static size_t zone_of(const uint8_t *name)
{
	struct dns_name zone;
	for (size_t i = 0; i < sim.zone_count; i++) {
		if (dns_name_from_text(sim_zone_names[i], &zone, NULL) && dns_name_equal(zone.wire, name)) {
			return i;
		}
	}
	return SIM_ZONES_MAX;
}

static bool is_transfer(const struct dns_message *question)
{
	return question->qtype == DNS_TYPE_AXFR || question->qtype == DNS_TYPE_IXFR;
}

/* Header and question of the question, with this RCODE. */
static size_t rcode_reply(const struct dns_message *question, unsigned rcode, uint8_t *out)
{
	memcpy(out, question->bytes, question->question_end);
	store_u16(out + 2, (uint16_t)(DNS_FLAG_QR | (question->header.flags & 0x7900u) | rcode));
	store_u16(out + 6, 0);
	store_u16(out + 8, 0);
	store_u16(out + 10, 0);
	return question->question_end;
}

/* What is answered without the server's having a say; false: it is asked. `len` 0: nothing. */
static bool lies_at_once(const struct sim_server *server, const struct dns_message *question, bool is_udp, uint8_t *out,
                         size_t *len)
{
	bool is_notify = dns_flags_opcode(question->header.flags) == DNS_OPCODE_NOTIFY;
	*len = 0;
	switch (server->lie) {
	case SIM_LIE_SILENT:
		return true;
	case SIM_LIE_DEAF_UDP:
		return is_udp;
	case SIM_LIE_DEAF_NOTIFY:
		return is_notify;
	case SIM_LIE_REFUSED:
		*len = rcode_reply(question, DNS_RCODE_REFUSED, out);
		return true;
	case SIM_LIE_SERVFAIL:
		*len = rcode_reply(question, DNS_RCODE_SERVFAIL, out);
		return true;
	case SIM_LIE_NO_EDNS:
		*len = rcode_reply(question, DNS_RCODE_FORMERR, out);
		return question->edns.present;
	case SIM_LIE_NO_TRANSFER:
		*len = rcode_reply(question, DNS_RCODE_REFUSED, out);
		return is_transfer(question);
	case SIM_LIE_NO_IXFR:
		*len = rcode_reply(question, DNS_RCODE_NOTIMP, out);
		return question->qtype == DNS_TYPE_IXFR;
	case SIM_LIE_NONE:
	case SIM_LIE_NO_AUTHORITY:
	case SIM_LIE_TRUNCATED:
	case SIM_LIE_FORGED_FIRST:
	case SIM_LIE_HIGH_SERIAL:
	case SIM_LIE_LOW_SERIAL:
	case SIM_LIE_GARBAGE:
	case SIM_LIE_CUT:
	case SIM_LIE_STALL:
	case SIM_LIE_SLOW:
	case SIM_LIES:
		break;
	}
	return false;
}

static void forge_serial(const struct sim_server *server, const struct dns_message *question, uint8_t *answer,
                         size_t len)
{
	size_t zone = zone_of(question->qname.wire);
	uint32_t serial = zone == SIM_ZONES_MAX ? 0 : server->zones[zone].last.serial;
	uint32_t lie = server->lie == SIM_LIE_HIGH_SERIAL ? serial + 1000 : serial - 1000;
	for (size_t at = question->question_end; at + 4 <= len; at++) {
		if (load_u32(answer + at) == serial) {
			store_u32(answer + at, lie);
			return;
		}
	}
}

/* Spoils an answer; gives its new length. */
static size_t lies_after(const struct sim_server *server, const struct dns_message *question, bool is_udp,
                         uint8_t *answer, size_t len)
{
	bool is_soa = question->qtype == DNS_TYPE_SOA && dns_flags_opcode(question->header.flags) == DNS_OPCODE_QUERY;
	if (server->lie == SIM_LIE_NO_AUTHORITY) {
		store_u16(answer + 2, (uint16_t)(load_u16(answer + 2) & ~DNS_FLAG_AA));
	}
	if (server->lie == SIM_LIE_TRUNCATED && is_udp) {
		len = rcode_reply(question, DNS_RCODE_NOERROR, answer);
		store_u16(answer + 2, load_u16(answer + 2) | DNS_FLAG_TC | DNS_FLAG_AA);
	}
	if (is_soa && (server->lie == SIM_LIE_HIGH_SERIAL || server->lie == SIM_LIE_LOW_SERIAL)) {
		forge_serial(server, question, answer, len);
	}
	return len;
}

/* What a server knows of a zone's primary, for whoever hears from it. */
static int64_t fresh_of(const struct sim_server *server, size_t zone)
{
	if (zone >= SIM_ZONES_MAX || !server->zones[zone].is_served) {
		return INT64_MIN;
	}
	return server->zones[zone].is_primary ? sim.now_ms : server->zones[zone].fresh_ms;
}

static void heard(struct sim_server *to, const struct sim_server *from, size_t zone, int64_t fresh_ms)
{
	if (zone < SIM_ZONES_MAX && fresh_ms != INT64_MIN) {
		sim_rules_heard(to, from, zone, fresh_ms);
	}
}

/* ---- datagrams ---- */

struct datagram {
	struct sim_event event; /* first */
	bool is_answer;
	size_t from;
	size_t to;
	uint64_t exchange;
	size_t zone;
	int64_t fresh_ms;
	size_t len;
	uint8_t bytes[];
};

struct net_path {
	struct address client;
	struct address local;
};

static void run_datagram(struct sim_event *event);

static void send_datagram(bool is_answer, size_t from, size_t to, uint64_t exchange, size_t zone, const uint8_t *bytes,
                          size_t len)
{
	const struct sim_link *link = link_of(from, to);
	unsigned copies = sim_chance(link->twice_percent) ? 2 : 1;
	for (unsigned i = 0; i < copies; i++) {
		if (link->cuts > 0 || sim_chance(link->loss_percent)) {
			continue;
		}
		struct datagram *datagram = memory_new(sizeof *datagram + len);
		datagram->event.run = run_datagram;
		datagram->event.drop = drop_event;
		datagram->is_answer = is_answer;
		datagram->from = from;
		datagram->to = to;
		datagram->exchange = exchange;
		datagram->zone = zone;
		datagram->fresh_ms = fresh_of(&sim.servers[from], zone);
		datagram->len = len;
		if (len > 0) {
			memcpy(datagram->bytes, bytes, len);
		}
		sim_later(&datagram->event, NULL, travel_ms(link));
	}
}

/* A NOTIFY was taken: somebody will say that it was not followed. */
static void note_notify(struct sim_server *server, struct sim_server *client, const struct dns_message *question,
                        const uint8_t *answer)
{
	uint32_t serial;
	size_t zone = zone_of(question->qname.wire);
	if (dns_flags_opcode(question->header.flags) == DNS_OPCODE_NOTIFY && zone < SIM_ZONES_MAX &&
	    dns_flags_rcode(load_u16(answer + 2)) == DNS_RCODE_NOERROR &&
	    dns_message_soa_serial(question, question->answer_offset, question->header.answer_count,
	                           question->qname.wire, question->qclass, &serial)) {
		sim_rules_notified(server, client, zone, serial);
	}
}

static void send_answer(const struct sim_server *server, const struct datagram *question, size_t zone,
                        const uint8_t *bytes, size_t len)
{
	uint8_t forged[NET_DATAGRAM_IN_MAX];
	if (server->lie == SIM_LIE_FORGED_FIRST && len <= sizeof forged) {
		memcpy(forged, bytes, len);
		store_u16(forged, (uint16_t)(load_u16(forged) + 1));
		store_u16(forged + 2, load_u16(forged + 2) | DNS_RCODE_REFUSED);
		send_datagram(true, server->index, question->from, question->exchange, zone, forged, len);
	}
	send_datagram(true, server->index, question->from, question->exchange, zone, bytes, len);
}

static void serve_datagram(struct sim_server *server, const struct datagram *datagram)
{
	uint8_t answer[NET_DATAGRAM_IN_MAX];
	struct dns_message question;
	struct sim_server *client = &sim.servers[datagram->from];
	struct net_worker *worker = server->worker;
	ensure(dns_message_read(datagram->bytes, datagram->len, &question) == DNS_READ_OK);
	size_t zone = zone_of(question.qname.wire);
	size_t len;
	if (lies_at_once(server, &question, true, answer, &len)) {
		if (len > 0) {
			send_answer(server, datagram, SIM_ZONES_MAX, answer, len);
		}
		return;
	}
	struct net_path path = {.client = client->address, .local = server->address};
	path.client.port = (uint16_t)(30000 + datagram->exchange % 30000);
	struct net_datagram in = {
	        .query = datagram->bytes,
	        .answer = answer,
	        .query_len = (uint32_t)datagram->len,
	        .answer_capacity = worker->config.udp_answer_max,
	        .path = &path,
	};
	worker->handler.datagrams(worker->handler.self, &in, 1, sim_now(server));
	if (in.answer_len == 0 || server->is_dead) {
		return;
	}
	note_notify(server, client, &question, answer);
	len = lies_after(server, &question, true, answer, in.answer_len);
	send_answer(server, datagram, zone, answer, len);
}

static void exchange_forget(struct net_exchange *exchange)
{
	struct net_exchange **place = &exchange->loop->exchanges;
	while (*place != exchange) {
		place = &(*place)->next;
	}
	*place = exchange->next;
	free(exchange);
}

static struct net_exchange *find_exchange(const struct sim_server *server, uint64_t id)
{
	struct net_exchange *exchange = server->loop == NULL ? NULL : server->loop->exchanges;
	while (exchange != NULL && exchange->id != id) {
		exchange = exchange->next;
	}
	return exchange;
}

static void exchange_fail(struct net_exchange *exchange, enum net_end end, const char *why)
{
	struct net_exchange_config config = exchange->config;
	struct sim_server *owner = exchange->loop->posts.owner;
	exchange_forget(exchange);
	config.failed(config.self, end, why, sim_now(owner));
}

static void take_answer(struct sim_server *server, const struct datagram *datagram)
{
	struct net_exchange *exchange = find_exchange(server, datagram->exchange);
	if (exchange == NULL) {
		return;
	}
	if (datagram->len == 0) {
		exchange_fail(exchange, NET_END_REFUSED, "connection refused");
		return;
	}
	heard(server, &sim.servers[datagram->from], datagram->zone, datagram->fresh_ms);
	if (exchange->config.answered(exchange->config.self, datagram->bytes, datagram->len, sim_now(server))) {
		exchange = find_exchange(server, datagram->exchange);
		if (exchange != NULL) {
			exchange_forget(exchange);
		}
	}
}

static void run_datagram(struct sim_event *event)
{
	struct datagram *datagram = (struct datagram *)event;
	struct sim_server *to = &sim.servers[datagram->to];
	sim.current = to;
	if (!to->is_up && !datagram->is_answer) {
		/* ICMP: port unreachable. */
		send_datagram(true, datagram->to, datagram->from, datagram->exchange, SIM_ZONES_MAX, NULL, 0);
	} else if (to->is_up && datagram->is_answer) {
		take_answer(to, datagram);
	} else if (to->is_up) {
		serve_datagram(to, datagram);
	}
	free(event);
}

struct timeout {
	struct sim_event event; /* first */
	uint64_t id;
};

static void time_out_later(struct sim_server *server, void (*run)(struct sim_event *self), uint64_t id,
                           uint64_t after_ms)
{
	struct timeout *timeout = memory_new(sizeof *timeout);
	timeout->event.run = run;
	timeout->event.drop = drop_event;
	timeout->id = id;
	sim_later(&timeout->event, server, (int64_t)after_ms);
}

static void run_exchange_timeout(struct sim_event *event)
{
	struct net_exchange *exchange = find_exchange(event->server, ((struct timeout *)event)->id);
	free(event);
	if (exchange != NULL) {
		exchange_fail(exchange, NET_END_TIMEOUT, "no answer in time");
	}
}

struct net_exchange *net_exchange_start(struct net_loop *loop, const struct net_exchange_config *config,
                                        const uint8_t *bytes, size_t len, struct error *error)
{
	const struct sim_server *to = server_at(&config->to);
	(void)error;
	ensure(to != NULL);
	struct net_exchange *exchange = memory_new(sizeof *exchange);
	exchange->id = ++id_count;
	exchange->loop = loop;
	exchange->config = *config;
	exchange->next = loop->exchanges;
	loop->exchanges = exchange;
	struct sim_server *owner = loop->posts.owner;
	if (!owner->is_dead) {
		send_datagram(false, owner->index, to->index, exchange->id, SIM_ZONES_MAX, bytes, len);
		time_out_later(owner, run_exchange_timeout, exchange->id, config->timeout_ms);
	}
	return exchange;
}

void net_exchange_cancel(struct net_exchange *exchange)
{
	exchange_forget(exchange);
}

struct address net_datagram_client(const struct net_datagram *datagram)
{
	return datagram->path->client;
}

struct address net_datagram_local(const struct net_datagram *datagram)
{
	return datagram->path->local;
}

/* ---- streams: the client's side ---- */

enum stream_limit { STREAM_CONNECT, STREAM_TOTAL, STREAM_IDLE };

struct stream_timeout {
	struct sim_event event; /* first */
	uint64_t wire;
	uint64_t owner;
	enum stream_limit limit;
};

static void limit_later(struct net_stream *stream, enum stream_limit limit, int64_t after_ms);

/* Nothing moved since its owner came, or a message did. */
static void look_at_idle(struct net_stream *stream)
{
	int64_t due_ms = stream->moved_ms + stream->config.idle_ms;
	if (stream->config.idle_ms == 0) {
		return;
	}
	if (sim.now_ms < due_ms) {
		limit_later(stream, STREAM_IDLE, due_ms - sim.now_ms);
	} else {
		stream_end(stream, NET_END_STALLED, "no octet in time");
	}
}

static void run_stream_timeout(struct sim_event *event)
{
	struct stream_timeout timeout = *(struct stream_timeout *)event;
	struct wire *wire = find_wire(timeout.wire);
	free(event);
	if (wire == NULL || wire->stream == NULL || timeout.owner != wire->stream->owners) {
		return;
	}
	switch (timeout.limit) {
	case STREAM_CONNECT:
		if (!wire->stream->is_open) {
			stream_end(wire->stream, NET_END_TIMEOUT, "no connection in time");
		}
		break;
	case STREAM_TOTAL:
		stream_end(wire->stream, NET_END_TOO_LONG, "it took too long");
		break;
	case STREAM_IDLE:
		look_at_idle(wire->stream);
		break;
	}
}

static void limit_later(struct net_stream *stream, enum stream_limit limit, int64_t after_ms)
{
	struct stream_timeout *timeout = memory_new(sizeof *timeout);
	timeout->event.run = run_stream_timeout;
	timeout->event.drop = drop_event;
	timeout->wire = stream->wire->id;
	timeout->owner = stream->owners;
	timeout->limit = limit;
	sim_later(&timeout->event, stream->loop->posts.owner, after_ms);
}

static void watch_owner(struct net_stream *stream)
{
	stream->moved_ms = sim.now_ms;
	if (stream->config.idle_ms > 0) {
		limit_later(stream, STREAM_IDLE, stream->config.idle_ms);
	}
	if (stream->config.total_ms > 0) {
		limit_later(stream, STREAM_TOTAL, (int64_t)stream->config.total_ms);
	}
}

struct net_stream *net_stream_open(struct net_loop *loop, const struct net_stream_config *config, struct error *error)
{
	const struct sim_server *to = server_at(&config->to);
	(void)error;
	ensure(to != NULL && config->idle_ms == 0);
	struct sim_server *owner = loop->posts.owner;
	struct wire *wire = memory_new(sizeof *wire);
	wire->id = ++id_count;
	wire->client = owner->index;
	wire->server = to->index;
	wire->zone = SIM_ZONES_MAX;
	wire->up.last = &wire->up.first;
	wire->down.last = &wire->down.first;
	wire->next = wires;
	wires = wire;
	struct net_stream *stream = memory_new(sizeof *stream);
	stream->loop = loop;
	stream->config = *config;
	stream->wire = wire;
	stream->next = loop->streams;
	loop->streams = stream;
	wire->stream = stream;
	if (!owner->is_dead) {
		wire_post(wire, true, LETTER_OPEN, NULL, 0);
		limit_later(stream, STREAM_CONNECT, config->connect_ms);
		watch_owner(stream);
	}
	return stream;
}

void net_stream_close(struct net_stream *stream)
{
	struct wire *wire = stream->wire;
	stream_forget(stream);
	if (wire->connection != NULL) {
		wire_post(wire, true, LETTER_END, NULL, 0);
	} else {
		wire_free_if_unused(wire);
	}
}

bool net_stream_send(struct net_stream *stream, const uint8_t *bytes, size_t len)
{
	struct letter *letter = letter_new(LETTER_MESSAGE, bytes, len);
	if (stream->is_open) {
		wire_post_letter(stream->wire, true, letter);
	} else {
		letter->next = stream->waiting;
		stream->waiting = letter;
	}
	return true;
}

bool net_stream_is_clean(const struct net_stream *stream)
{
	return stream->is_open;
}

void net_stream_hand_over(struct net_stream *stream, const struct net_stream_config *config)
{
	ensure(stream->is_open);
	stream->config = *config;
	stream->received = 0;
	stream->owners++;
	watch_owner(stream);
}

void net_stream_set_idle(struct net_stream *stream, uint32_t idle_ms)
{
	ensure(idle_ms == 0);
	stream->config.idle_ms = 0;
}

uint64_t net_stream_received(const struct net_stream *stream)
{
	return stream->received;
}

static void stream_opened(struct net_stream *stream)
{
	struct letter *letter = stream->waiting;
	ensure(letter == NULL || letter->next == NULL);
	stream->is_open = true;
	stream->waiting = NULL;
	if (letter != NULL) {
		wire_post_letter(stream->wire, true, letter);
	}
}

static void deliver_down(struct wire *wire, const struct letter *letter)
{
	struct net_stream *stream = wire->stream;
	struct sim_server *client = &sim.servers[wire->client];
	if (stream == NULL) {
		return;
	}
	switch (letter->kind) {
	case LETTER_OPENED:
		stream_opened(stream);
		break;
	case LETTER_REFUSED:
		stream_end(stream, NET_END_REFUSED, "connection refused");
		break;
	case LETTER_MESSAGE:
		stream->received += letter->len + 2;
		stream->moved_ms = sim.now_ms;
		heard(client, &sim.servers[wire->server], wire->zone, letter->fresh_ms);
		stream->config.message(stream->config.self, letter->bytes, letter->len, sim_now(client));
		break;
	case LETTER_END:
		stream_end(stream, NET_END_CUT, "connection reset by peer");
		break;
	case LETTER_OPEN:
		break;
	}
}

/* ---- connections: the server's side ---- */

struct pull_event {
	struct sim_event event; /* first */
	uint64_t wire;
};

static void run_pull(struct sim_event *event);

static void pull_later(struct net_connection *connection, int64_t in_ms)
{
	struct pull_event *event = memory_new(sizeof *event);
	event->event.run = run_pull;
	event->event.drop = drop_event;
	event->wire = connection->wire->id;
	connection->is_pulling = true;
	sim_later(&event->event, connection->worker->posts.owner, in_ms);
}

void net_connection_pull(struct net_connection *connection, struct net_source *take)
{
	struct net_source **place = &connection->first;
	while (*place != NULL) {
		place = &(*place)->after;
	}
	take->after = NULL;
	*place = take;
	if (!connection->is_pulling) {
		pull_later(connection, sim_between(0, 1));
	}
}

static void send_down(struct net_connection *connection, const uint8_t *bytes, size_t len)
{
	struct sim_server *server = connection->worker->posts.owner;
	struct letter *letter = letter_new(LETTER_MESSAGE, bytes, len);
	letter->fresh_ms = fresh_of(server, connection->wire->zone);
	wire_post_letter(connection->wire, false, letter);
}

static void send_noise(struct net_connection *connection)
{
	uint8_t bytes[64];
	for (size_t i = 0; i < sizeof bytes; i++) {
		bytes[i] = (uint8_t)sim_below(256);
	}
	send_down(connection, bytes, sizeof bytes);
}

/* True: nothing is pulled now. */
static bool lies_stop(struct net_connection *connection, enum sim_lie lie)
{
	if (lie == SIM_LIE_CUT && connection->pulled >= 1) {
		connection_close(connection, NET_END_CUT);
		return true;
	}
	if (lie == SIM_LIE_SILENT || (lie == SIM_LIE_STALL && connection->pulled >= 1)) {
		pull_later(connection, 1000);
		return true;
	}
	return false;
}

static void pull(struct net_connection *connection, struct sim_server *server)
{
	uint8_t bytes[PULL_CAPACITY];
	struct net_source *source = connection->first;
	struct writer message = writer_of(bytes, sizeof bytes);
	enum net_pull step = source->next(source, &message, sim_now(server));
	if (step == NET_PULL_CUT || (step == NET_PULL_MESSAGE && message.failed)) {
		connection_close(connection, NET_END_SYSTEM);
	} else if (step == NET_PULL_END) {
		connection->first = source->after;
		connection->pulled = 0;
		source->close(source, NET_END_DONE);
		if (connection->first != NULL) {
			pull_later(connection, 0);
		}
	} else if (!server->is_dead) {
		bool is_noise = server->lie == SIM_LIE_GARBAGE && connection->pulled >= 1;
		size_t len = writer_len(&message);
		connection->pulled++;
		if (is_noise) {
			send_noise(connection);
		} else {
			send_down(connection, bytes, len);
		}
		pull_later(connection,
		           server->lie == SIM_LIE_SLOW ? (int64_t)len * 1000 / SLOW_OCTETS_PER_S : sim_between(0, 2));
	}
}

static void run_pull(struct sim_event *event)
{
	struct wire *wire = find_wire(((struct pull_event *)event)->wire);
	struct net_connection *connection = wire == NULL ? NULL : wire->connection;
	struct sim_server *server = event->server;
	free(event);
	if (connection == NULL) {
		return;
	}
	connection->is_pulling = false;
	if (connection->first == NULL || lies_stop(connection, server->lie)) {
		return;
	}
	if (wire->down.count >= PULL_AHEAD) {
		pull_later(connection, 5);
	} else {
		pull(connection, server);
	}
}

static void serve_message(struct net_connection *connection, const struct letter *letter)
{
	static uint8_t answer[NET_MESSAGE_MAX];
	struct net_worker *worker = connection->worker;
	struct sim_server *server = worker->posts.owner;
	struct dns_message question;
	uint64_t wire = connection->wire->id;
	size_t len;
	ensure(dns_message_read(letter->bytes, letter->len, &question) == DNS_READ_OK);
	connection->wire->zone = SIM_ZONES_MAX;
	if (lies_at_once(server, &question, false, answer, &len)) {
		if (len > 0) {
			send_down(connection, answer, len);
		}
		return;
	}
	connection->wire->zone = zone_of(question.qname.wire);
	struct net_message in = {
	        .query = letter->bytes,
	        .answer = answer,
	        .query_len = (uint32_t)letter->len,
	        .answer_capacity = sizeof answer,
	        .connection = connection,
	};
	worker->handler.message(worker->handler.self, &in, sim_now(server));
	if (in.answer_len > 0 && !server->is_dead && find_wire(wire) != NULL) {
		note_notify(server, &sim.servers[connection->wire->client], &question, answer);
		len = lies_after(server, &question, false, answer, in.answer_len);
		send_down(connection, answer, len);
	}
}

static void accept_connection(struct wire *wire, struct sim_server *server)
{
	struct net_connection *connection = memory_new(sizeof *connection);
	connection->worker = server->worker;
	connection->wire = wire;
	connection->client = sim.servers[wire->client].address;
	connection->client.port = (uint16_t)(30000 + wire->id % 30000);
	connection->next = server->worker->connections;
	server->worker->connections = connection;
	wire->connection = connection;
	wire->was_connected = true;
	wire_post(wire, false, LETTER_OPENED, NULL, 0);
}

static void deliver_up(struct wire *wire, const struct letter *letter)
{
	struct sim_server *server = &sim.servers[wire->server];
	if (letter->kind == LETTER_OPEN && server->is_up) {
		accept_connection(wire, server);
	} else if (letter->kind == LETTER_OPEN) {
		wire_post(wire, false, LETTER_REFUSED, NULL, 0);
	} else if (wire->connection == NULL) {
		if (wire->stream != NULL) {
			wire_post(wire, false, LETTER_END, NULL, 0);
		}
	} else if (letter->kind == LETTER_MESSAGE) {
		serve_message(wire->connection, letter);
	} else if (letter->kind == LETTER_END) {
		connection_close(wire->connection, NET_END_CLOSED);
	}
}

static void run_wire(struct sim_event *event)
{
	uint64_t id = ((struct wire_event *)event)->wire;
	bool is_up = ((struct wire_event *)event)->is_up;
	struct wire *wire = find_wire(id);
	free(event);
	if (wire == NULL) {
		return;
	}
	size_t from = is_up ? wire->client : wire->server;
	size_t to = is_up ? wire->server : wire->client;
	if (link_of(from, to)->cuts > 0) {
		wire_later(id, is_up, AGAIN_MS);
		return;
	}
	struct pipe *pipe = is_up ? &wire->up : &wire->down;
	struct letter *letter = pipe->first;
	pipe->first = letter->next;
	pipe->count--;
	if (pipe->first == NULL) {
		pipe->last = &pipe->first;
	}
	sim.current = &sim.servers[to];
	if (is_up) {
		deliver_up(wire, letter);
	} else {
		deliver_down(wire, letter);
	}
	free(letter);
}

struct address net_connection_client(const struct net_connection *connection)
{
	return connection->client;
}

struct address net_connection_local(const struct net_connection *connection)
{
	return connection->worker->posts.owner->address;
}

void net_connection_set_idle(struct net_connection *connection, uint32_t idle_ms)
{
	(void)connection;
	(void)idle_ms;
}

void net_connection_close(struct net_connection *connection)
{
	connection_close(connection, NET_END_STOPPED);
}

/* ---- workers ---- */

struct net_config net_config_default(void)
{
	return (struct net_config){.udp_answer_max = 1232};
}

struct net_worker *net_worker_new(const struct net_config *config, const struct net_handler *handler,
                                  struct error *error)
{
	struct net_worker *worker = memory_new(sizeof *worker);
	(void)error;
	posts_init(&worker->posts);
	worker->config = *config;
	worker->handler = *handler;
	ensure(worker->posts.owner->worker == NULL);
	worker->posts.owner->worker = worker;
	return worker;
}

void net_worker_free(struct net_worker *worker)
{
	if (worker == NULL) {
		return;
	}
	while (worker->connections != NULL) {
		connection_close(worker->connections, NET_END_STOPPED);
	}
	posts_run_all(&worker->posts);
	worker->posts.owner->worker = NULL;
	free(worker);
}

/* On a thread of its own: nothing is done there. */
void net_worker_run(struct net_worker *worker)
{
	(void)worker;
}

void net_worker_stop(struct net_worker *worker)
{
	(void)worker;
}

bool net_worker_post(struct net_worker *worker, void (*run)(void *context, struct moment now), void *context)
{
	posts_put(&worker->posts, run, context);
	return true;
}

void net_worker_set_config(struct net_worker *worker, const struct net_config *config)
{
	worker->config = *config;
}

const struct net_counters *net_worker_counters(const struct net_worker *worker)
{
	return &worker->counters;
}

bool net_workers_listen(struct net_worker *const *workers, size_t count, const struct address *address,
                        struct address *bound, struct error *error)
{
	(void)error;
	ensure(count == 1 && address_equal(address, &workers[0]->posts.owner->address));
	*bound = *address;
	return true;
}

bool net_workers_unlisten(struct net_worker *const *workers, size_t count, const struct address *address)
{
	(void)workers;
	(void)count;
	(void)address;
	return true;
}

/* ---- loops ---- */

struct net_loop_config net_loop_config_default(void)
{
	return (struct net_loop_config){.posts_max = 65536};
}

struct net_loop *net_loop_new(const struct net_loop_config *config, struct error *error)
{
	struct net_loop *loop = memory_new(sizeof *loop);
	(void)config;
	(void)error;
	posts_init(&loop->posts);
	ensure(loop->posts.owner->loop == NULL);
	loop->posts.owner->loop = loop;
	return loop;
}

void net_loop_free(struct net_loop *loop)
{
	if (loop == NULL) {
		return;
	}
	posts_run_all(&loop->posts);
	while (loop->exchanges != NULL) {
		exchange_forget(loop->exchanges);
	}
	while (loop->streams != NULL) {
		net_stream_close(loop->streams);
	}
	loop->posts.owner->loop = NULL;
	free(loop);
}

void net_loop_run(struct net_loop *loop)
{
	(void)loop;
}

void net_loop_stop(struct net_loop *loop)
{
	posts_run_all(&loop->posts);
}

bool net_loop_post(struct net_loop *loop, void (*run)(void *context, struct moment now), void *context)
{
	posts_put(&loop->posts, run, context);
	return true;
}

bool net_loop_has_closed(struct net_loop *loop)
{
	(void)loop;
	return false;
}

struct moment net_loop_now(const struct net_loop *loop)
{
	return sim_now(loop->posts.owner);
}

struct timer_event {
	struct sim_event event; /* first */
	struct net_loop *loop;
	struct net_timer *timer;
	int64_t at_ms;
};

/* The timer may have been moved, cancelled, or be gone. */
static void run_timer(struct sim_event *event)
{
	struct timer_event *expired = (struct timer_event *)event;
	struct net_loop *loop = expired->loop;
	struct net_timer *timer = expired->timer;
	int64_t at_ms = expired->at_ms;
	free(event);
	for (size_t i = 0; i < loop->timer_count; i++) {
		if (loop->timers[i] == timer && timer->at_ms == at_ms) {
			loop->timers[i] = loop->timers[--loop->timer_count];
			timer->place = 0;
			timer->expired(timer, sim_now(loop->posts.owner));
			return;
		}
	}
}

void net_timer_cancel(struct net_loop *loop, struct net_timer *timer)
{
	timer->place = 0;
	for (size_t i = 0; i < loop->timer_count; i++) {
		if (loop->timers[i] == timer) {
			loop->timers[i] = loop->timers[--loop->timer_count];
			return;
		}
	}
}

void net_timer_set(struct net_loop *loop, struct net_timer *timer, int64_t at_ms)
{
	struct sim_server *owner = loop->posts.owner;
	net_timer_cancel(loop, timer);
	ensure(loop->timer_count < TIMERS_MAX);
	loop->timers[loop->timer_count++] = timer;
	timer->at_ms = at_ms;
	timer->place = 1;
	struct timer_event *event = memory_new(sizeof *event);
	event->event.run = run_timer;
	event->event.drop = drop_event;
	event->loop = loop;
	event->timer = timer;
	event->at_ms = at_ms;
	sim_later(&event->event, owner, at_ms - sim_now(owner).boot_ms);
}

bool net_timer_is_set(const struct net_timer *timer)
{
	return timer->place != 0;
}
