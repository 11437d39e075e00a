/* SPDX-License-Identifier: MIT */
/* The network of the small world, and how its servers answer: truthfully with the code of src/transfer, or as their lies
 * say. */
#include "scripted.h"
#include "world_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <stddef.h>
#include <string.h>

#include "base/ensure.h"
#include "base/memory.h"

/* Messages of transfers are kept small, so that a small zone takes many. */
#define AXFR_CAPACITY TRANSFER_OUT_CAPACITY_MIN
/* After this a stream's endless repetitions come so often. */
#define ENDLESS_EVERY_MS 10
/* A TSIG with short names, and its MAC, which is that of HMAC-SHA256. */
#define SIGNATURE_MAX 200
#define MAC_SIZE      32

/* ---- flights ---- */

static struct flight *find_flight(struct world *world, uint64_t number)
{
	struct flight *flight = world->flights;
	while (flight != NULL && flight->number != number) {
		flight = flight->next;
	}
	return flight;
}

static void end_flight(struct world *world, struct flight *flight)
{
	struct flight **at = &world->flights;
	while (*at != flight) {
		at = &(*at)->next;
	}
	*at = flight->next;
	free(flight);
}

/* The question's end as the client sees it. */
static void flight_ended(struct world *world, uint64_t number, const char *why)
{
	struct flight *flight = find_flight(world, number);
	if (flight != NULL) {
		struct world_server *client = flight->client;
		struct transfer_call *call = flight->call;
		end_flight(world, flight);
		transfer_call_ended(call, why, world_server_now(client));
	}
}

static void flight_message(struct world *world, uint64_t number, const uint8_t *bytes, size_t len)
{
	struct flight *flight = find_flight(world, number);
	if (flight != NULL) {
		struct world_server *client = flight->client;
		flight->received += len;
		if (transfer_call_message(flight->call, bytes, len, world_server_now(client))) {
			flight = find_flight(world, number);
			ensure(flight != NULL);
			end_flight(world, flight);
		}
	}
}

/* ---- parcels: what is on its way ---- */

enum parcel_kind {
	PARCEL_QUESTION, /* over UDP */
	PARCEL_ANSWER,   /* over UDP, or a message of a stream */
	PARCEL_TIMEOUT,
	PARCEL_CONNECT, /* a stream with its question reaches the server */
	PARCEL_REFUSED, /* nobody listens there */
	PARCEL_BROKEN,  /* the stream was cut */
};

struct parcel {
	struct event event;
	enum parcel_kind kind;
	uint64_t flight;
	struct world_server *to;
	struct world_server *from;
	size_t len;
	uint8_t bytes[];
};

static void drop_parcel(struct event *event)
{
	free(event);
}

static void run_parcel(struct event *event, struct world *world);

static void post(struct world *world, enum parcel_kind kind, uint64_t flight, struct world_server *from,
                 struct world_server *to, const uint8_t *bytes, size_t len, int64_t in_ms)
{
	struct parcel *parcel = memory_new(sizeof *parcel + len);
	parcel->event.run = run_parcel;
	parcel->event.drop = drop_parcel;
	parcel->kind = kind;
	parcel->flight = flight;
	parcel->from = from;
	parcel->to = to;
	parcel->len = len;
	if (len > 0) {
		memcpy(parcel->bytes, bytes, len);
	}
	world_later(world, &parcel->event, in_ms);
}

static int64_t travel_ms(struct world *world, const struct world_link *link)
{
	int64_t jitter_ms =
	        link->jitter_ms == 0 ? 0 : (int64_t)random_below(&world->random.source, (uint64_t)link->jitter_ms + 1);
	return link->delay_ms + jitter_ms;
}

static bool happens(struct world *world, unsigned percent)
{
	return percent > 0 && random_below(&world->random.source, 100) < percent;
}

/* A datagram from one server to another, as the link between them has it. */
static void post_datagram(struct world *world, enum parcel_kind kind, uint64_t flight, struct world_server *from,
                          struct world_server *to, const uint8_t *bytes, size_t len)
{
	struct world_link *link = world_link(world, from, to);
	unsigned copies = happens(world, link->twice_percent) ? 2 : 1;
	for (unsigned i = 0; i < copies; i++) {
		if (!link->down && !happens(world, link->loss_percent)) {
			post(world, kind, flight, from, to, bytes, len, travel_ms(world, link));
		}
	}
}

/* ---- answers ---- */

struct answer {
	uint8_t bytes[AXFR_CAPACITY + SIGNATURE_MAX];
	size_t len;
};

/* ---- signatures ---- */

/* The question's, as this server sees it. TSIG_UNSIGNED: it has none. */
static enum tsig_verdict take_signature(const struct world_server *server, const struct dns_message *question,
                                        struct tsig *tsig)
{
	memset(tsig, 0, sizeof *tsig);
	if (!question->has_tsig) {
		return TSIG_UNSIGNED;
	}
	return tsig_take(tsig, server->known, question, (uint64_t)world_server_now(server).wall_s);
}

/* `tsig` goes on as if another question of the same asker had been taken. */
static void take_another(const struct world_server *server, struct tsig *tsig)
{
	uint8_t bytes[DNS_UDP_SIZE_PLAIN] = {[5] = 1, [12] = 0, [14] = DNS_TYPE_SOA, [16] = DNS_CLASS_IN};
	uint64_t now_s = (uint64_t)world_server_now(server).wall_s;
	struct tsig asker;
	struct dns_message question;
	tsig_ask(&asker, tsig_proves(tsig));
	size_t len = tsig_sign(&asker, bytes, DNS_HEADER_SIZE + 5, now_s);
	ensure(dns_message_read(bytes, len, &question) == DNS_READ_OK);
	tsig_end(tsig);
	ensure(tsig_take(tsig, server->known, &question, now_s) == TSIG_GOOD);
	tsig_end(&asker);
}

/* Cuts the MAC of a message whose TSIG is of HMAC-SHA256 and says no error. */
static void cut_mac(struct answer *answer, size_t mac_len)
{
	uint8_t *mac = answer->bytes + answer->len - 6 - MAC_SIZE;
	uint8_t *rdata_len = mac - 2 - 2 - 6 - sizeof "\13hmac-sha256" - 2;
	store_u16(rdata_len, (uint16_t)(load_u16(rdata_len) - (MAC_SIZE - mac_len)));
	store_u16(mac - 2, (uint16_t)mac_len);
	memmove(mac + mac_len, mac + MAC_SIZE, 6);
	answer->len -= MAC_SIZE - mac_len;
}

/* Signs the next answer as this server does. */
static void sign(const struct world_server *server, struct tsig *tsig, struct answer *answer)
{
	const struct world_lies *lies = &server->lies;
	if (lies->tsig_none) {
		return;
	}
	if (lies->tsig_other && tsig_proves(tsig) != NULL) {
		take_another(server, tsig);
	}
	answer->len = tsig_sign(tsig, answer->bytes, answer->len, (uint64_t)world_server_now(server).wall_s);
	if (lies->tsig_bad) {
		answer->bytes[answer->len - 6 - MAC_SIZE] ^= 1;
	}
	if (lies->tsig_cut > 0) {
		cut_mac(answer, lies->tsig_cut);
	}
}

/* The digest of what is served. */
static void tell_digest(struct world_server *server, struct dns_edns_reply *edns)
{
	struct change_told told = {.serial = zone_serial(server->served), .digest = change_digest_of(server->served)};
	told.digest.words[0] ^= server->lies.digest;
	change_told_write(told, server->told);
	edns->digest = server->told;
	edns->digest_len = sizeof server->told;
}

static struct dns_edns_reply edns_of(struct world_server *server, const struct dns_message *question)
{
	struct dns_edns_reply edns = {.payload_size = DNS_UDP_SIZE_EDNS, .ede = DNS_EDE_NONE};
	if (server->served != NULL && change_told_is_asked(question->edns.digest, question->edns.digest_len)) {
		tell_digest(server, &edns);
	}
	if (question->edns.expire && !server->is_primary && server->served != NULL) {
		int64_t left_ms = server->expire_at_ms - world_server_now(server).boot_ms;
		edns.expire = true;
		edns.expire_s = left_ms > 0 ? (uint32_t)(left_ms / 1000) : 0;
	} else if (question->edns.expire && server->served != NULL) {
		edns.expire = true; /* RFC 7314 3.1: a primary says its SOA's */
		edns.expire_s = transfer_version_of(server->served).expire_s;
	}
	return edns;
}

static void answer_rcode(struct world *world, const struct dns_message *question, unsigned rcode, struct answer *out)
{
	uint16_t flags = (uint16_t)(DNS_FLAG_QR | (question->header.flags & 0x7800u));
	dns_encoder_begin(&world->encoder, out->bytes, AXFR_CAPACITY, question->header.id, flags);
	dns_encoder_set_rcode(&world->encoder, rcode);
	ensure(dns_encode_question(&world->encoder, question->qname.wire, question->qtype, question->qclass));
	out->len = dns_encoder_end(&world->encoder);
}

/* The serial of the one SOA in the message: the last 20 octets of its RDATA begin with it. */
static void forge_serial(struct answer *answer, size_t edns_size, uint32_t serial)
{
	store_u32(answer->bytes + answer->len - edns_size - 20, serial);
}

static void answer_soa(struct world *world, struct world_server *server, const struct dns_message *question,
                       bool is_udp, struct answer *out)
{
	const struct world_lies *lies = &server->lies;
	struct dns_edns_reply edns = edns_of(server, question);
	const struct dns_edns_reply *asked = question->edns.present ? &edns : NULL;
	if (server->served == NULL) {
		answer_rcode(world, question, DNS_RCODE_SERVFAIL, out);
		return;
	}
	out->len =
	        transfer_out_single(question, server->served, NULL, asked, &world->encoder, out->bytes, AXFR_CAPACITY);
	if (lies->says_serial) {
		forge_serial(out, asked == NULL ? 0 : dns_edns_size(asked), lies->serial);
	}
	if (lies->no_authority) {
		store_u16(out->bytes + 2, (uint16_t)(load_u16(out->bytes + 2) & ~DNS_FLAG_AA));
	}
	if (lies->truncated && is_udp) {
		answer_rcode(world, question, DNS_RCODE_NOERROR, out);
		store_u16(out->bytes + 2, load_u16(out->bytes + 2) | DNS_FLAG_TC);
	}
	if (server->is_primary) {
		world->primary_spoke_ms = world->now_ms;
	}
}

/* Whatever is asked before it is known what; true: `out` is the answer. */
static bool answer_by_lies(struct world *world, const struct world_server *server, const struct dns_message *question,
                           struct answer *out)
{
	const struct world_lies *lies = &server->lies;
	unsigned rcode = DNS_RCODE_NOERROR;
	if (lies->no_edns && question->edns.present) {
		rcode = DNS_RCODE_FORMERR;
	} else if (lies->refused) {
		rcode = DNS_RCODE_REFUSED;
	} else if (lies->servfail) {
		rcode = DNS_RCODE_SERVFAIL;
	}
	if (rcode != DNS_RCODE_NOERROR) {
		answer_rcode(world, question, rcode, out);
	}
	return rcode != DNS_RCODE_NOERROR;
}

/* False: it says nothing. */
static bool answer_notify(struct world *world, struct world_server *server, const struct address *from,
                          const struct dns_message *question, struct answer *out)
{
	struct transfer_hint hint = {.is_proven = question->has_tsig}; /* who cannot prove himself was refused */
	if (server->lies.deaf_notify) {
		return false;
	}
	server->counts.notifies++;
	answer_rcode(world, question, server->lies.notify_rcode, out);
	if (server->lies.notify_rcode == DNS_RCODE_NOERROR) {
		hint.has_serial =
		        dns_message_soa_serial(question, question->answer_offset, question->header.answer_count,
		                               question->qname.wire, question->qclass, &hint.serial);
		world_notified(server, from, &hint);
	}
	return true;
}

/* One question, one answer. False: it says nothing. */
static bool answer_one(struct world *world, struct world_server *server, const struct address *from,
                       const struct dns_message *question, bool is_udp, struct answer *out)
{
	const struct world_lies *lies = &server->lies;
	if (lies->silent || (is_udp && lies->deaf_udp)) {
		return false;
	}
	if (dns_flags_opcode(question->header.flags) == DNS_OPCODE_NOTIFY) {
		return answer_notify(world, server, from, question, out);
	}
	if (question->qtype == DNS_TYPE_SOA) {
		server->counts.soa_questions++;
	}
	if (!answer_by_lies(world, server, question, out)) {
		answer_soa(world, server, question, is_udp, out);
	}
	return true;
}

/* ---- transfers out ---- */

/* A stream that a server sends. */
struct stream {
	struct event event;
	uint64_t flight;
	struct world_server *server;
	struct world_server *client;
	uint64_t life;               /* of the server */
	struct dns_message question; /* without its octets */
	struct dns_edns_reply edns;
	struct transfer_out *out;
	bool is_scripted;
	struct scripted script;
	bool is_signed;
	struct tsig tsig;
	uint32_t messages;
	int64_t arrives_ms; /* the newest message; the next one cannot come earlier */
};

static void drop_stream(struct event *event)
{
	struct stream *stream = (struct stream *)event;
	transfer_out_free(stream->out);
	tsig_end(&stream->tsig);
	free(stream);
}

static void run_stream(struct event *event, struct world *world);

static void next_step(struct world *world, struct stream *stream, int64_t in_ms)
{
	stream->event.run = run_stream;
	stream->event.drop = drop_stream;
	world_later(world, &stream->event, in_ms);
}

static void post_in_order(struct world *world, struct stream *stream, enum parcel_kind kind, const uint8_t *bytes,
                          size_t len)
{
	struct world_link *link = world_link(world, stream->server, stream->client);
	int64_t at_ms = world->now_ms + travel_ms(world, link);
	stream->arrives_ms = at_ms > stream->arrives_ms ? at_ms : stream->arrives_ms;
	post(world, kind, stream->flight, stream->server, stream->client, bytes, len,
	     stream->arrives_ms - world->now_ms);
}

/* The server or the way to it broke. */
static bool is_broken(struct world *world, const struct stream *stream)
{
	return !stream->server->is_up || stream->server->life != stream->life ||
	       world_link(world, stream->server, stream->client)->down;
}

static bool lies_stop(struct world *world, struct stream *stream)
{
	const struct world_lies *lies = &stream->server->lies;
	if (lies->silent || (lies->axfr_stall > 0 && stream->messages >= lies->axfr_stall)) {
		next_step(world, stream, 1000); /* stands still, but stays open */
		return true;
	}
	if (lies->axfr_cut > 0 && stream->messages >= lies->axfr_cut) {
		post_in_order(world, stream, PARCEL_BROKEN, NULL, 0);
		drop_stream(&stream->event);
		return true;
	}
	return false;
}

/* The next message, signed if it is to be. What is not is proven by the next one that is (RFC 8945 5.3.1), so that it is
 * digested: the asker's side of an exchange does just that. */
static void post_signed(struct world *world, struct stream *stream, struct answer *answer)
{
	uint32_t every = stream->server->lies.tsig_every;
	bool is_to_be = stream->is_signed && (every == 0 || stream->messages % every == 0);
	struct dns_message message;
	if (is_to_be) {
		sign(stream->server, &stream->tsig, answer);
	} else if (stream->is_signed) {
		ensure(dns_message_read_frame(answer->bytes, answer->len, &message) == DNS_READ_OK);
		(void)tsig_check(&stream->tsig, &message, 0);
	}
	post_in_order(world, stream, PARCEL_ANSWER, answer->bytes, answer->len);
	stream->messages++;
}

static void send_noise(struct world *world, struct stream *stream)
{
	uint8_t bytes[64];
	for (size_t i = 0; i < sizeof bytes; i++) {
		bytes[i] = (uint8_t)random_below(&world->random.source, 256);
	}
	post_in_order(world, stream, PARCEL_ANSWER, bytes, sizeof bytes);
}

/* The opening SOA alone, then records without end. */
static void send_endless(struct world *world, struct stream *stream)
{
	static const uint8_t address[4] = {192, 0, 2, 1};
	struct answer answer;
	if (stream->messages == 0) {
		answer.len = transfer_out_single(&stream->question, stream->server->served, NULL,
		                                 stream->question.edns.present ? &stream->edns : NULL, &world->encoder,
		                                 answer.bytes, AXFR_CAPACITY);
	} else {
		dns_encoder_begin(&world->encoder, answer.bytes, AXFR_CAPACITY, stream->question.header.id,
		                  DNS_FLAG_QR | DNS_FLAG_AA);
		while (dns_encode_rr(&world->encoder, DNS_SECTION_ANSWER, world->apex.wire, DNS_TYPE_A, DNS_CLASS_IN,
		                     60, address, sizeof address)) {
		}
		answer.len = dns_encoder_end(&world->encoder);
	}
	post_signed(world, stream, &answer);
	next_step(world, stream, ENDLESS_EVERY_MS);
}

static void send_scripted(struct world *world, struct stream *stream)
{
	struct answer answer;
	switch (scripted_next(&stream->script, answer.bytes, AXFR_CAPACITY, &answer.len)) {
	case SCRIPTED_MESSAGE:
		post_signed(world, stream, &answer);
		next_step(world, stream, 1);
		break;
	case SCRIPTED_STALL:
		next_step(world, stream, 1000);
		break;
	case SCRIPTED_CUT:
	case SCRIPTED_END:
		post_in_order(world, stream, PARCEL_BROKEN, NULL, 0);
		drop_stream(&stream->event);
		break;
	}
}

static void send_next(struct world *world, struct stream *stream)
{
	const struct world_lies *lies = &stream->server->lies;
	struct answer answer;
	struct error error;
	enum transfer_out_step step =
	        transfer_out_next(stream->out, &world->encoder, answer.bytes, AXFR_CAPACITY, &answer.len, &error);
	if (step != TRANSFER_OUT_MESSAGE) {
		drop_stream(&stream->event);
		return;
	}
	if (lies->axfr_garbage && stream->messages == 1) {
		send_noise(world, stream);
		stream->messages++;
	} else {
		post_signed(world, stream, &answer);
	}
	next_step(world, stream, lies->axfr_rate == 0 ? 1 : (int64_t)answer.len * 1000 / lies->axfr_rate);
}

static void run_stream(struct event *event, struct world *world)
{
	struct stream *stream = (struct stream *)event;
	if (find_flight(world, stream->flight) == NULL) {
		drop_stream(event); /* the client has closed */
	} else if (is_broken(world, stream)) {
		post(world, PARCEL_BROKEN, stream->flight, stream->server, stream->client, NULL, 0, 0);
		drop_stream(event);
	} else if (lies_stop(world, stream)) {
		return;
	} else if (stream->is_scripted) {
		send_scripted(world, stream);
	} else if (stream->server->lies.axfr_endless) {
		send_endless(world, stream);
	} else {
		send_next(world, stream);
	}
}

static void begin_stream(struct world *world, struct world_server *server, struct parcel *parcel,
                         const struct dns_message *question, struct tsig *tsig)
{
	struct stream *stream = memory_new(sizeof *stream);
	stream->edns = edns_of(server, question);
	stream->flight = parcel->flight;
	stream->server = server;
	stream->client = parcel->from;
	stream->life = server->life;
	stream->is_signed = question->has_tsig && !server->lies.tsig_none;
	tsig_move(&stream->tsig, tsig);
	stream->question = *question; /* its octets are not looked at any more */
	stream->is_scripted = question->qtype == DNS_TYPE_IXFR && server->lies.ixfr[0] != '\0';
	struct transfer_version version = transfer_version_of(server->served);
	stream->script = (struct scripted){
	        .at = server->lies.ixfr,
	        .apex = world->apex.wire,
	        .id = question->header.id,
	        .timers = {version.refresh_s, version.retry_s, version.expire_s},
	};
	stream->out = transfer_out_new(question, server->served, NULL, question->edns.present ? &stream->edns : NULL);
	if (server->is_primary) {
		world->primary_spoke_ms = world->now_ms;
	}
	run_stream(&stream->event, world);
}

/* ---- arrivals ---- */

/* Whoever does not prove himself is told so (RFC 8945 5.2). False: he does, or did not try. */
static bool refuses_signature(struct world *world, const struct dns_message *question, enum tsig_verdict verdict,
                              struct answer *out)
{
	if (verdict == TSIG_UNSIGNED || verdict == TSIG_GOOD) {
		return false;
	}
	answer_rcode(world, question, tsig_rcode(verdict), out);
	return true;
}

static void forge_first(struct world *world, const struct parcel *parcel, const struct dns_message *question,
                        struct answer answer)
{
	uint16_t flags = load_u16(answer.bytes + 2);
	store_u16(answer.bytes, (uint16_t)(question->header.id + 1));
	store_u16(answer.bytes + 2, flags | DNS_RCODE_REFUSED);
	post_datagram(world, PARCEL_ANSWER, parcel->flight, parcel->to, parcel->from, answer.bytes, answer.len);
}

static void answer_datagram(struct world *world, struct parcel *parcel)
{
	struct world_server *server = parcel->to;
	struct dns_message question;
	struct answer answer;
	struct tsig tsig;
	ensure(dns_message_read(parcel->bytes, parcel->len, &question) == DNS_READ_OK);
	enum tsig_verdict verdict = take_signature(server, &question, &tsig);
	if (!refuses_signature(world, &question, verdict, &answer) &&
	    !answer_one(world, server, &parcel->from->address, &question, true, &answer)) {
		tsig_end(&tsig);
		return;
	}
	if (question.has_tsig) {
		sign(server, &tsig, &answer);
	}
	tsig_end(&tsig);
	if (server->lies.forged_first) {
		forge_first(world, parcel, &question, answer);
	}
	post_datagram(world, PARCEL_ANSWER, parcel->flight, server, parcel->from, answer.bytes, answer.len);
}

enum stream_answer {
	STREAM_NOTHING,
	STREAM_BROKEN,
	STREAM_ONE,      /* message */
	STREAM_TRANSFER, /* many */
};

static enum stream_answer answer_transfer(struct world *world, struct world_server *server,
                                          const struct dns_message *question, struct answer *answer)
{
	const struct world_lies *lies = &server->lies;
	bool is_ixfr = question->qtype == DNS_TYPE_IXFR;
	server->counts.axfr_questions++;
	server->counts.ixfr_questions += is_ixfr;
	if (lies->silent) {
		return STREAM_NOTHING;
	}
	if (lies->ixfr_broken && is_ixfr) {
		return STREAM_BROKEN;
	}
	if (lies->axfr_refused) {
		answer_rcode(world, question, DNS_RCODE_REFUSED, answer);
	} else if (lies->axfr_no_edns && question->edns.present) {
		answer_rcode(world, question, DNS_RCODE_FORMERR, answer);
	} else if (lies->ixfr_rcode != 0 && is_ixfr) {
		answer_rcode(world, question, lies->ixfr_rcode, answer);
	} else if (server->served == NULL) {
		answer_rcode(world, question, DNS_RCODE_SERVFAIL, answer);
	} else if (!answer_by_lies(world, server, question, answer)) {
		return STREAM_TRANSFER;
	}
	return STREAM_ONE;
}

static enum stream_answer answer_connection(struct world *world, const struct parcel *parcel,
                                            const struct dns_message *question, enum tsig_verdict verdict,
                                            struct answer *answer)
{
	if (refuses_signature(world, question, verdict, answer)) {
		return STREAM_ONE;
	}
	if (question->qtype == DNS_TYPE_AXFR || question->qtype == DNS_TYPE_IXFR) {
		return answer_transfer(world, parcel->to, question, answer);
	}
	bool says = answer_one(world, parcel->to, &parcel->from->address, question, false, answer);
	return says ? STREAM_ONE : STREAM_NOTHING;
}

static void answer_stream(struct world *world, struct parcel *parcel)
{
	struct world_server *server = parcel->to;
	struct dns_message question;
	struct answer answer;
	struct tsig tsig;
	ensure(dns_message_read(parcel->bytes, parcel->len, &question) == DNS_READ_OK);
	enum tsig_verdict verdict = take_signature(server, &question, &tsig);
	int64_t in_ms = travel_ms(world, world_link(world, server, parcel->from));
	switch (answer_connection(world, parcel, &question, verdict, &answer)) {
	case STREAM_NOTHING:
		break;
	case STREAM_BROKEN:
		post(world, PARCEL_BROKEN, parcel->flight, server, parcel->from, NULL, 0, in_ms);
		break;
	case STREAM_ONE:
		if (question.has_tsig) {
			sign(server, &tsig, &answer);
		}
		post(world, PARCEL_ANSWER, parcel->flight, server, parcel->from, answer.bytes, answer.len, in_ms);
		break;
	case STREAM_TRANSFER:
		begin_stream(world, server, parcel, &question, &tsig);
		break;
	}
	tsig_end(&tsig);
}

static void run_parcel(struct event *event, struct world *world)
{
	struct parcel *parcel = (struct parcel *)event;
	switch (parcel->kind) {
	case PARCEL_QUESTION:
		if (parcel->to->is_up) {
			answer_datagram(world, parcel);
		} else {
			post_datagram(world, PARCEL_REFUSED, parcel->flight, parcel->to, parcel->from, NULL, 0);
		}
		break;
	case PARCEL_ANSWER:
		flight_message(world, parcel->flight, parcel->bytes, parcel->len);
		break;
	case PARCEL_TIMEOUT:
		flight_ended(world, parcel->flight, "no answer in time");
		break;
	case PARCEL_CONNECT:
		if (parcel->to->is_up) {
			answer_stream(world, parcel);
		} else {
			post(world, PARCEL_REFUSED, parcel->flight, parcel->to, parcel->from, NULL, 0,
			     travel_ms(world, world_link(world, parcel->to, parcel->from)));
		}
		break;
	case PARCEL_REFUSED:
		flight_ended(world, parcel->flight, "connection refused");
		break;
	case PARCEL_BROKEN:
		flight_ended(world, parcel->flight, "connection reset by peer");
		break;
	}
	free(parcel);
}

/* ---- the edge of a server ---- */

static struct world_server *server_of(struct transfer_edge *edge)
{
	return (struct world_server *)((uint8_t *)edge - offsetof(struct world_server, edge));
}

static struct world_server *server_at(struct world *world, const struct address *address)
{
	for (size_t i = 0; i < world->server_count; i++) {
		if (address_equal(&world->servers[i]->address, address)) {
			return world->servers[i];
		}
	}
	return NULL;
}

static bool edge_open(struct transfer_edge *self, struct transfer_call *call, const uint8_t *bytes, size_t len,
                      struct error *error)
{
	struct world_server *client = server_of(self);
	struct world *world = client->world;
	struct world_server *server = server_at(world, &call->to);
	if (server == NULL) {
		return error_set(error, ERROR_IO, "no route");
	}
	struct flight *flight = memory_new(sizeof *flight);
	flight->number = ++world->flight_count;
	flight->client = client;
	flight->server = server;
	flight->call = call;
	flight->next = world->flights;
	world->flights = flight;
	call->handle = flight;
	if (call->transport == TRANSFER_UDP) {
		post_datagram(world, PARCEL_QUESTION, flight->number, client, server, bytes, len);
		post(world, PARCEL_TIMEOUT, flight->number, client, client, NULL, 0, call->timeout_ms);
		return true;
	}
	struct world_link *there = world_link(world, client, server);
	if (there->down || world_link(world, server, client)->down) {
		post(world, PARCEL_TIMEOUT, flight->number, client, client, NULL, 0, call->timeout_ms);
		return true;
	}
	/* The handshake: there, back, and there again with the question. */
	post(world, PARCEL_CONNECT, flight->number, client, server, bytes, len,
	     2 * there->delay_ms + travel_ms(world, there));
	if (call->total_ms > 0) {
		post(world, PARCEL_TIMEOUT, flight->number, client, client, NULL, 0, call->total_ms);
	}
	return true;
}

static void edge_close(struct transfer_edge *self, struct transfer_call *call)
{
	end_flight(server_of(self)->world, call->handle);
}

static uint64_t edge_received(struct transfer_edge *self, const struct transfer_call *call)
{
	(void)self;
	return ((const struct flight *)call->handle)->received;
}

struct wake {
	struct event event;
	struct world_server *server;
	uint64_t number;
};

static void run_wake(struct event *event, struct world *world)
{
	struct wake *wake = (struct wake *)event;
	struct world_server *server = wake->server;
	(void)world;
	if (server->is_up && server->wake_number == wake->number) {
		transfer_scheduler_tick(server->scheduler, world_server_now(server));
	}
	free(wake);
}

static void edge_wake_at(struct transfer_edge *self, int64_t at_ms)
{
	struct world_server *server = server_of(self);
	server->wake_number++;
	if (at_ms == INT64_MAX) {
		return;
	}
	struct wake *wake = memory_new(sizeof *wake);
	wake->event.run = run_wake;
	wake->event.drop = drop_parcel;
	wake->server = server;
	wake->number = server->wake_number;
	int64_t in_ms = at_ms - world_server_now(server).boot_ms;
	world_later(server->world, &wake->event, in_ms > 0 ? in_ms : 0);
}

void wire_edge_init(struct world_server *server)
{
	server->edge = (struct transfer_edge){
	        .open = edge_open,
	        .close = edge_close,
	        .received = edge_received,
	        .wake_at = edge_wake_at,
	};
}
