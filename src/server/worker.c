/* SPDX-License-Identifier: MIT */
/* The network workers: the way of a packet between src/net and src/answer. Decides nothing but where a message goes. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "server/announce_internal.h"
#include "server/follow_internal.h"
#include "server/server_internal.h"

/* ---- questions ---- */

static const struct zone_set *zones_of(const struct worker *worker)
{
	return atomic_load_explicit(&worker->server->zones, memory_order_acquire);
}

static const struct answer_config *config_of(const struct worker *worker)
{
	return atomic_load_explicit(&worker->server->answer_config, memory_order_acquire);
}

/* Once per zone version, whichever worker was asked: a resolver that insists would fill the log. */
static void log_oversized(const struct answer_result *result)
{
	char owner[DNS_NAME_TEXT_MAX];
	char type[DNS_MNEMONIC_MAX];
	uint64_t version = zone_identity(result->snapshot);
	struct server_zone *zone = server_zone_of(result->zone);
	if (atomic_exchange_explicit(&zone->oversized_in, version, memory_order_relaxed) == version) {
		return;
	}
	log_error("%s %s does not fit into any message of 65535 octets and cannot be served",
	          dns_name_to_text(result->oversized_owner.wire, owner),
	          dns_type_to_text(result->oversized_type, type));
}

/* Lines of one kind that a worker writes within so long; enough to see who does what, too few to fill a disk. */
#define LINES_MAX     4
#define LINES_EACH_MS 10000

/* True: write the line. `what` names the kind in the line that tells how many were left out. */
static bool may_write_line(struct line_budget *budget, const char *what, struct moment now)
{
	if (budget->written == 0 || now.boot_ms >= budget->from_ms + LINES_EACH_MS) {
		if (budget->left_out > 0) {
			log_warning("%llu further lines about %s were left out", (unsigned long long)budget->left_out,
			            what);
		}
		*budget = (struct line_budget){.from_ms = now.boot_ms};
	}
	if (budget->written >= LINES_MAX) {
		budget->left_out++;
		return false;
	}
	budget->written++;
	return true;
}

/* Whoever signs wrongly gets a code and nothing else: what is wrong, the operator reads here. */
static void log_bad_signature(struct worker *worker, const struct answer_result *result, const struct address *client,
                              struct moment now)
{
	char text[ADDRESS_TEXT_MAX];
	char key[DNS_NAME_TEXT_MAX];
	if (!may_write_line(&worker->bad_signatures, "questions that were signed wrongly", now)) {
		return;
	}
	enum tsig_verdict verdict = tsig_verdict(result->tsig);
	log_warning("question from %s, signed with key %s, refused as %s: %s", address_to_text(client, text),
	            dns_name_to_text_short(tsig_asked_key(result->tsig), key), tsig_verdict_name(verdict),
	            tsig_verdict_words(verdict));
}

static void log_denied_notify(struct worker *worker, const struct answer_result *result, const struct address *client,
                              struct moment now)
{
	char text[ADDRESS_TEXT_MAX];
	char key[DNS_NAME_TEXT_MAX] = "";
	if (!may_write_line(&worker->denied_notifies, "refused NOTIFYs", now)) {
		return;
	}
	if (result->tsig != NULL) {
		dns_name_to_text_short(tsig_asked_key(result->tsig), key);
	}
	log_warning("zone %s: NOTIFY from %s%s%s refused: neither a primary nor in `allow-notify`",
	            server_zone_of(result->zone)->name, address_to_text(client, text),
	            result->tsig == NULL ? "" : ", signed with key ", key);
}

/* What an answer leaves to say to the operator. */
static void log_answer(struct worker *worker, const struct answer_result *result, const struct address *client,
                       struct moment now)
{
	if (result->oversized_type != 0) {
		log_oversized(result);
	}
	if (result->tsig != NULL && tsig_verdict(result->tsig) != TSIG_GOOD) {
		log_bad_signature(worker, result, client, now);
	}
	if (result->notify_denied) {
		log_denied_notify(worker, result, client, now);
	}
}

/* False: it is not to be answered. */
static bool take_notify(const struct answer_result *result, const struct address *client)
{
	struct transfer_hint hint = {
	        .has_serial = result->has_serial, .serial = result->serial, .is_proven = result->is_proven};
	return follow_notified(server_zone_of(result->zone), client, &hint);
}

/* Adds the TSIG that the answer to a signed question needs, where that is one message. Gives the length. `tsig` NULL: it was
 * not signed. */
static uint32_t sign(struct tsig *tsig, uint8_t *bytes, size_t len, struct moment now)
{
	if (tsig == NULL) {
		return (uint32_t)len;
	}
	len = tsig_sign(tsig, bytes, len, (uint64_t)now.wall_s);
	tsig_end(tsig);
	return (uint32_t)len;
}

/* What leads to what the zone serves; good until the next quiescent point. */
static const struct change_history *history_of(const struct zone *zone)
{
	return atomic_load_explicit(&zone->account->history, memory_order_acquire);
}

/* An IXFR over UDP by somebody who may have it: the difference if it fits, else our SOA (RFC 1995 2). */
static uint32_t serve_small_transfer(struct worker *worker, const struct net_datagram *datagram,
                                     const struct answer_result *result, struct moment now)
{
	size_t len = transfer_out_single(result->message, result->snapshot, history_of(result->zone),
	                                 result->has_edns ? &result->edns : NULL, worker->encoder, datagram->answer,
	                                 result->limit);
	return sign(result->tsig, datagram->answer, len, now);
}

static void serve_datagram(struct worker *worker, const struct zone_set *zones, struct net_datagram *datagram,
                           const struct answer_request *request, struct moment now)
{
	struct answer_result result;
	result.bytes = datagram->answer;
	result.capacity = datagram->answer_capacity;
	switch (answer_message(worker->answers, config_of(worker), zones, request, &result)) {
	case ANSWER_NOTIFY:
		datagram->answer_len = take_notify(&result, request->client) ? (uint32_t)result.len : 0;
		break;
	case ANSWER_SEND:
		datagram->answer_len = (uint32_t)result.len;
		log_answer(worker, &result, request->client, now);
		break;
	case ANSWER_TRANSFER_OUT:
		datagram->answer_len = serve_small_transfer(worker, datagram, &result, now);
		break;
	case ANSWER_DROP:
		break;
	}
}

/* Fewer datagrams hide no waiting, so they are not looked up together. */
#define AHEAD_MIN 4

static void serve_some(struct worker *worker, struct net_datagram *batch, size_t count, struct moment now)
{
	const struct zone_set *zones = zones_of(worker);
	struct address clients[ANSWER_AHEAD_MAX];
	struct answer_request requests[ANSWER_AHEAD_MAX];
	struct answer_ahead aheads[ANSWER_AHEAD_MAX];
	for (size_t i = 0; i < count; i++) {
		clients[i] = net_datagram_client(&batch[i]);
		requests[i] = (struct answer_request){
		        .bytes = batch[i].query,
		        .len = batch[i].query_len,
		        .client = &clients[i],
		        .transport = ANSWER_UDP,
		        .now_ms = now.boot_ms,
		        .now_s = now.wall_s,
		};
	}
	if (count >= AHEAD_MIN) {
		answer_look_ahead(worker->answers, zones, requests, count, aheads);
	}
	for (size_t i = 0; i < count; i++) {
		serve_datagram(worker, zones, &batch[i], &requests[i], now);
	}
}

static void serve_datagrams(void *self, struct net_datagram *batch, size_t count, struct moment now)
{
	for (size_t from = 0; from < count; from += ANSWER_AHEAD_MAX) {
		size_t some = count - from < ANSWER_AHEAD_MAX ? count - from : ANSWER_AHEAD_MAX;
		serve_some(self, batch + from, some, now);
	}
}

/* ---- transfers out ---- */

/* A transfer that a connection pulls; owned by the worker until it is closed. */
struct outgoing {
	struct net_source source;
	struct worker *worker;
	struct server_zone *zone; /* a reference */
	struct transfer_out *out;
	struct address client;
	struct tsig tsig;
	const struct tsig_key *key; /* a reference: the one of the configuration that signs it; NULL: none */
	bool has_failed;
};

static bool may_write_transfer_line(struct worker *worker, struct moment now)
{
	return may_write_line(&worker->transfers, "transfers that were refused for now or cut", now);
}

/* The configuration still has the key by which the transfer is signed: whoever takes it out, or changes it, because it has
 * become known to others, wants nothing more to be given for it. */
static bool key_holds(struct outgoing *outgoing)
{
	const struct tsig_keys *keys = config_of(outgoing->worker)->keys;
	const struct tsig_key *now = tsig_keys_find(keys, tsig_key_name(outgoing->key));
	if (now == NULL || !tsig_key_equal(now, outgoing->key)) {
		return false;
	}
	if (now != outgoing->key) {
		tsig_key_unref(outgoing->key);
		outgoing->key = tsig_key_ref(now);
	}
	return true;
}

static enum net_pull outgoing_fail(struct outgoing *outgoing, const char *why, struct moment now)
{
	if (may_write_transfer_line(outgoing->worker, now)) {
		log_error("zone %s: transfer out cannot go on: %s", outgoing->zone->name, why);
	}
	outgoing->has_failed = true;
	return NET_PULL_CUT;
}

static enum net_pull outgoing_next(struct net_source *self, struct writer *message, struct moment now)
{
	struct outgoing *outgoing = (struct outgoing *)self;
	struct error error;
	size_t len = 0;
	size_t room = writer_left(message) < DNS_MESSAGE_MAX ? writer_left(message) : DNS_MESSAGE_MAX;
	room -= outgoing->key == NULL ? 0 : tsig_size(&outgoing->tsig);
	if (outgoing->key != NULL && !key_holds(outgoing)) {
		return outgoing_fail(outgoing, "the key that signs it was changed or taken out of the configuration",
		                     now);
	}
	switch (transfer_out_next(outgoing->out, outgoing->worker->encoder, message->at, room, &len, &error)) {
	case TRANSFER_OUT_MESSAGE:
		if (outgoing->key != NULL) {
			len = tsig_sign(&outgoing->tsig, message->at, len, (uint64_t)now.wall_s);
		}
		message->at += len;
		return NET_PULL_MESSAGE;
	case TRANSFER_OUT_END:
		return NET_PULL_END;
	case TRANSFER_OUT_FAILED:
		return outgoing_fail(outgoing, error.text, now);
	}
	return NET_PULL_CUT;
}

static void log_transferred(const struct outgoing *outgoing, const struct transfer_out_counts *counts,
                            const char *client)
{
	char difference[48] = "";
	if (counts->is_difference) {
		snprintf(difference, sizeof difference, " as what differs from %u", counts->serial_from);
	}
	log_info("zone %s: serial %u transferred to %s%s: %llu records, %llu messages, %llu octets",
	         outgoing->zone->name, counts->serial, client, difference, (unsigned long long)counts->records,
	         (unsigned long long)counts->messages, (unsigned long long)counts->bytes);
}

static void outgoing_close(struct net_source *self, enum net_end end)
{
	struct outgoing *outgoing = (struct outgoing *)self;
	struct transfer_out_counts counts = transfer_out_counts(outgoing->out);
	char client[ADDRESS_TEXT_MAX];
	address_to_text(&outgoing->client, client);
	if (end == NET_END_DONE) {
		log_transferred(outgoing, &counts, client);
		announce_seen(outgoing->zone, &outgoing->client, counts.serial);
	} else if (!outgoing->has_failed && may_write_transfer_line(outgoing->worker, clock_now())) {
		log_warning("zone %s: transfer of serial %u to %s was cut after %llu records: %s", outgoing->zone->name,
		            counts.serial, client, (unsigned long long)counts.records, net_end_text(end));
	}
	atomic_fetch_sub_explicit(&outgoing->worker->server->transfers_out, 1, memory_order_relaxed);
	transfer_out_free(outgoing->out);
	tsig_end(&outgoing->tsig);
	tsig_key_unref(outgoing->key);
	server_zone_unref(outgoing->zone);
	free(outgoing);
}

/* Question and RCODE, nothing else. */
static uint32_t refuse(struct worker *worker, struct net_message *message, const struct answer_result *result,
                       unsigned rcode, struct moment now)
{
	const struct dns_message *question = result->message;
	struct dns_encoder *encoder = worker->encoder;
	dns_encoder_begin(encoder, message->answer, message->answer_capacity, question->header.id, DNS_FLAG_QR);
	dns_encoder_set_rcode(encoder, rcode);
	dns_encode_question(encoder, question->qname.wire, question->qtype, question->qclass);
	return sign(result->tsig, message->answer, dns_encoder_end(encoder), now);
}

static bool take_transfer_slot(struct server *server, uint32_t limit)
{
	if (atomic_fetch_add_explicit(&server->transfers_out, 1, memory_order_relaxed) < limit) {
		return true;
	}
	atomic_fetch_sub_explicit(&server->transfers_out, 1, memory_order_relaxed);
	return false;
}

static void start_outgoing(struct worker *worker, struct net_message *message, const struct answer_result *result,
                           uint32_t limit, struct server_zone *zone, struct moment now)
{
	struct address client = net_connection_client(message->connection);
	char text[ADDRESS_TEXT_MAX];
	if (!take_transfer_slot(worker->server, limit)) {
		if (may_write_transfer_line(worker, now)) {
			log_warning("zone %s: transfer to %s refused for now: %u transfers are under way "
			            "(`transfers-out`)",
			            zone->name, address_to_text(&client, text), limit);
		}
		message->answer_len = refuse(worker, message, result, DNS_RCODE_SERVFAIL, now);
		return;
	}
	struct outgoing *outgoing = memory_new(sizeof *outgoing);
	outgoing->source = (struct net_source){.next = outgoing_next, .close = outgoing_close};
	outgoing->worker = worker;
	outgoing->zone = server_zone_ref(zone);
	outgoing->client = client;
	outgoing->out = transfer_out_new(result->message, result->snapshot, history_of(result->zone),
	                                 result->has_edns ? &result->edns : NULL);
	if (result->tsig != NULL) {
		outgoing->key = tsig_key_ref(tsig_proves(result->tsig));
		tsig_move(&outgoing->tsig, result->tsig);
	}
	net_connection_pull(message->connection, &outgoing->source);
}

/* An AXFR or IXFR by somebody who may have it. */
static void serve_transfer(struct worker *worker, struct net_message *message, const struct answer_result *result,
                           struct moment now)
{
	struct server_zone *zone = server_zone_of(result->zone);
	struct server_zone_options options = server_zone_options(zone);
	struct address client = net_connection_client(message->connection);
	switch (transfer_out_plan(result->message, false, result->snapshot)) {
	case TRANSFER_REPLY_STREAM:
		start_outgoing(worker, message, result, options.conf->server.transfers_out, zone, now);
		break;
	case TRANSFER_REPLY_SINGLE:
		message->answer_len = sign(result->tsig, message->answer,
		                           transfer_out_single(result->message, result->snapshot, NULL,
		                                               result->has_edns ? &result->edns : NULL, worker->encoder,
		                                               message->answer, result->limit),
		                           now);
		announce_seen(zone, &client, zone_serial(result->snapshot));
		break;
	case TRANSFER_REPLY_FORMERR:
		message->answer_len = refuse(worker, message, result, DNS_RCODE_FORMERR, now);
		break;
	}
	server_zone_options_release(&options);
}

static void serve_message(void *self, struct net_message *message, struct moment now)
{
	struct worker *worker = self;
	struct address client = net_connection_client(message->connection);
	struct answer_request request = {
	        .bytes = message->query,
	        .len = message->query_len,
	        .client = &client,
	        .transport = ANSWER_TCP,
	        .now_ms = now.boot_ms,
	        .now_s = now.wall_s,
	};
	const struct answer_config *config = config_of(worker);
	struct answer_result result;
	result.bytes = message->answer;
	result.capacity = message->answer_capacity;
	enum answer_outcome outcome = answer_message(worker->answers, config, zones_of(worker), &request, &result);
	if (result.keepalive) {
		net_connection_set_idle(message->connection, config->keepalive_100ms * 100u);
	}
	switch (outcome) {
	case ANSWER_NOTIFY:
		message->answer_len = take_notify(&result, &client) ? (uint32_t)result.len : 0;
		break;
	case ANSWER_SEND:
		message->answer_len = (uint32_t)result.len;
		log_answer(worker, &result, &client, now);
		break;
	case ANSWER_DROP:
		net_connection_close(message->connection);
		break;
	case ANSWER_TRANSFER_OUT:
		serve_transfer(worker, message, &result, now);
		break;
	}
}

/* ---- threads ---- */

static void worker_quiescent(void *self)
{
	(void)self;
	quiescent_point();
}

static void worker_offline(void *self)
{
	(void)self;
	quiescent_offline();
}

static void worker_online(void *self)
{
	(void)self;
	quiescent_online();
}

static void *worker_serve(void *context)
{
	struct worker *worker = context;
	quiescent_register();
	net_worker_run(worker->net);
	quiescent_unregister();
	return NULL;
}

static uint32_t share_of(uint32_t whole, size_t count)
{
	uint32_t share = whole / (uint32_t)count;
	return share == 0 ? 1 : share;
}

struct net_config worker_net_config(const struct conf_server *server, uint32_t connections, size_t worker_count)
{
	struct net_config config = net_config_default();
	config.udp_answer_max = server->edns_payload < DNS_UDP_SIZE_PLAIN ? DNS_UDP_SIZE_PLAIN : server->edns_payload;
	config.initial_ms = server->tcp_initial_ms;
	config.idle_ms = server->tcp_idle_ms;
	config.total_ms = server->tcp_total_ms;
	config.send_ms = server->tcp_send_ms;
	config.connections_max = share_of(connections, worker_count);
	config.connections_per_address_max = share_of(server->tcp_connections_per_address, worker_count);
	config.source_idle_ms = server->transfer_out_idle_ms;
	config.source_total_ms = server->transfer_out_total_ms;
	return config;
}

/* The answer_config and the texts that it points to. */
struct owned_answer_config {
	struct answer_config config;
	char hostname[256];
	char version[64];
	char texts[3][256];
	uint8_t nsid[256];
	struct conf *conf; /* has the keys */
};

static struct answer_identity identity_of(const struct conf_identity *identity, const char *automatic, char *copy)
{
	const char *text = NULL;
	switch (identity->kind) {
	case CONF_IDENTITY_REFUSED:
		return (struct answer_identity){.text = NULL};
	case CONF_IDENTITY_AUTO:
		text = automatic;
		break;
	case CONF_IDENTITY_TEXT:
		text = identity->text;
		break;
	}
	size_t len = strnlen(text, 255);
	memcpy(copy, text, len);
	copy[len] = '\0';
	return (struct answer_identity){.text = copy, .len = (uint8_t)len};
}

const struct answer_config *worker_answer_config(struct conf *whole)
{
	const struct conf_server *conf = &whole->server;
	struct owned_answer_config *owned = memory_new(sizeof *owned);
	if (gethostname(owned->hostname, sizeof owned->hostname - 1) != 0) {
		strcpy(owned->hostname, "localhost");
	}
	strcpy(owned->version, "Tandem " TANDEM_VERSION);
	size_t nsid_len = conf->nsid.len < sizeof owned->nsid ? conf->nsid.len : sizeof owned->nsid;
	if (nsid_len > 0) {
		memcpy(owned->nsid, conf->nsid.bytes, nsid_len);
	}
	uint32_t keepalive_ms = conf->tcp_keepalive_ms > conf->tcp_idle_ms ? conf->tcp_keepalive_ms : conf->tcp_idle_ms;
	owned->config = (struct answer_config){
	        .udp_payload = (uint16_t)conf->edns_payload,
	        .nsid = nsid_len == 0 ? NULL : owned->nsid,
	        .nsid_len = (uint16_t)nsid_len,
	        .version = identity_of(&conf->version, owned->version, owned->texts[0]),
	        .hostname = identity_of(&conf->hostname, owned->hostname, owned->texts[1]),
	        .identity = identity_of(&conf->identity, owned->hostname, owned->texts[2]),
	        .keepalive_100ms = (uint16_t)(keepalive_ms / 100),
	        .keys = whole->key_set,
	};
	owned->conf = conf_ref(whole);
	return &owned->config;
}

void worker_answer_config_free(void *take)
{
	struct owned_answer_config *owned = take;
	if (owned != NULL) {
		conf_unref(owned->conf);
		free(owned);
	}
}

static size_t workers_wanted(const struct conf_server *conf)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	return conf->workers > 0 ? conf->workers : cores > 0 ? (size_t)cores : 1;
}

bool workers_start(struct server *server, struct error *error)
{
	size_t count = workers_wanted(&server->conf->server);
	struct net_config config =
	        worker_net_config(&server->conf->server, descriptors_for_connections(&server->conf->server), count);
	server->workers = memory_new_array(count, sizeof *server->workers);
	server->nets = memory_new_array(count, sizeof *server->nets);
	for (size_t i = 0; i < count; i++) {
		struct worker *worker = &server->workers[i];
		struct net_handler handler = {
		        .self = worker,
		        .datagrams = serve_datagrams,
		        .message = serve_message,
		        .quiescent = worker_quiescent,
		        .offline = worker_offline,
		        .online = worker_online,
		};
		worker->server = server;
		worker->answers = answer_context_new();
		worker->encoder = memory_new(sizeof *worker->encoder);
		dns_encoder_init(worker->encoder);
		worker->net = net_worker_new(&config, &handler, error);
		server->worker_count++;
		if (worker->net == NULL) {
			return false;
		}
		server->nets[i] = worker->net;
	}
	return true;
}

bool workers_run(struct server *server, struct error *error)
{
	for (size_t i = 0; i < server->worker_count; i++) {
		struct worker *worker = &server->workers[i];
		int failed = pthread_create(&worker->thread, NULL, worker_serve, worker);
		if (failed != 0) {
			return error_set_errno(error, failed, "thread for a network worker");
		}
		worker->is_running = true;
	}
	return true;
}

void workers_stop(struct server *server)
{
	for (size_t i = 0; i < server->worker_count; i++) {
		if (server->workers[i].is_running) {
			net_worker_stop(server->workers[i].net);
		}
	}
	for (size_t i = 0; i < server->worker_count; i++) {
		if (server->workers[i].is_running) {
			pthread_join(server->workers[i].thread, NULL);
			server->workers[i].is_running = false;
		}
	}
}

void workers_free(struct server *server)
{
	for (size_t i = 0; i < server->worker_count; i++) {
		net_worker_free(server->workers[i].net);
		answer_context_free(server->workers[i].answers);
		free(server->workers[i].encoder);
	}
	free(server->workers);
	free(server->nets);
	server->workers = NULL;
	server->nets = NULL;
	server->worker_count = 0;
}
