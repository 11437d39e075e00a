/* SPDX-License-Identifier: MIT */
/* A load that a server never comes to the end of: so many questions are outstanding all the time that it is busy and
 * its batches are full, and what it takes per answer can be compared.
 *
 *   saturate ADDR@PORT FILE SECONDS [plain|do|tcp] [SOCKETS [WINDOW]]
 *
 * Over UDP, with EDNS and DO (`do`), or over TCP connections that are kept, pipelined.
 *
 * FILE as for dnsperf (bench/asking.h). Each of the SOCKETS has its own port, so that workers which share the server's
 * port each get some, and up to WINDOW questions outstanding. Never sleeps: whoever waits for an answer asks again, so
 * that the server has nobody to wake. Only the first octets of an answer are looked at.
 *
 * Prints one line of JSON: seconds, asked, answered, lost, octets of all answers, truncated
 * ones, answers by RCODE, how many answers came at once on average, and which part of the time this program had a core
 * (less than all: somebody else wanted it). Loopback only. */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "asking.h"
#include "base/memory.h"

#define SOCKETS_MAX   64
#define SOCKETS_USUAL 8
/* All together 256: what the receive buffer of 208 KiB holds that Linux gives a socket which asks for no more. */
#define WINDOW_USUAL  32
#define WINDOW_MAX    4096
#define BATCH_MAX     64
#define ANSWER_LOOKED 12
#define STREAM_ROOM   (2 + 65535)
#define OVERTAKEN     4 /* windows */
#define RCODES        16
#define LOST_S        0.2

struct flow {
	int fd;
	uint16_t next_id;
	size_t next_question;
	size_t outstanding;
	double moved; /* when an answer came last, or all was given up */
	bool stream;
	size_t have; /* octets in `bytes`, of a stream */
	uint8_t *bytes;
	bool open[65536]; /* by id: asked and not answered */
};

struct tally {
	uint64_t asked;
	uint64_t answered;
	uint64_t lost;
	uint64_t octets;
	uint64_t truncated;
	uint64_t receptions; /* calls that brought something */
	uint64_t rcodes[RCODES];
};

struct load {
	struct question *questions;
	size_t question_count;
	size_t window;
	size_t flow_count;
	struct flow *flows;
	struct tally tally;
};

/* The next question, with the next id plus `ahead`. */
static struct question *next_question(struct load *load, struct flow *flow, size_t ahead)
{
	struct question *question = &load->questions[(flow->next_question + ahead) % load->question_count];
	uint16_t id = (uint16_t)(flow->next_id + ahead);
	question->bytes[0] = (uint8_t)(id >> 8);
	question->bytes[1] = (uint8_t)id;
	return question;
}

/* A question that some windows of later ones have overtaken is lost, and its place is free. */
static void forget_overtaken(struct load *load, struct flow *flow)
{
	uint16_t id = (uint16_t)(flow->next_id - OVERTAKEN * load->window);
	if (flow->open[id]) {
		flow->open[id] = false;
		flow->outstanding--;
		load->tally.lost++;
	}
}

static void note_asked(struct load *load, struct flow *flow, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		flow->open[flow->next_id++] = true;
		forget_overtaken(load, flow);
	}
	flow->next_question = (flow->next_question + count) % load->question_count;
	flow->outstanding += count;
	load->tally.asked += count;
}

static void ask_datagrams(struct load *load, struct flow *flow, size_t count)
{
	struct mmsghdr messages[BATCH_MAX];
	struct iovec rooms[BATCH_MAX];
	for (size_t i = 0; i < count; i++) {
		struct question *question = next_question(load, flow, i);
		rooms[i] = (struct iovec){.iov_base = question->bytes, .iov_len = question->len};
		messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &rooms[i], .msg_iovlen = 1}};
	}
	int sent = sendmmsg(flow->fd, messages, (unsigned)count, MSG_DONTWAIT);
	if (sent < 0 && errno != EAGAIN && errno != ECONNREFUSED) {
		fail("sendmmsg");
	}
	note_asked(load, flow, sent < 0 ? 0 : (size_t)sent);
}

/* The answers to a whole window fit the socket's buffer, so whoever answers never waits for us while we wait here. */
static void ask_stream(struct load *load, struct flow *flow, size_t count)
{
	uint8_t bytes[BATCH_MAX * (2 + sizeof load->questions->bytes)];
	size_t len = 0;
	for (size_t i = 0; i < count; i++) {
		struct question *question = next_question(load, flow, i);
		bytes[len] = (uint8_t)(question->len >> 8);
		bytes[len + 1] = (uint8_t)question->len;
		memcpy(bytes + len + 2, question->bytes, question->len);
		len += 2 + question->len;
	}
	for (size_t at = 0; at < len;) {
		ssize_t sent = send(flow->fd, bytes + at, len - at, MSG_NOSIGNAL);
		if (sent <= 0) {
			fail("send");
		}
		at += (size_t)sent;
	}
	note_asked(load, flow, count);
}

static void ask(struct load *load, struct flow *flow)
{
	size_t count = load->window - flow->outstanding;
	count = count > BATCH_MAX ? BATCH_MAX : count;
	if (flow->stream) {
		ask_stream(load, flow, count);
	} else {
		ask_datagrams(load, flow, count);
	}
}

static void take_answer(struct tally *tally, struct flow *flow, const uint8_t *bytes, size_t len)
{
	unsigned id = (unsigned)bytes[0] << 8 | bytes[1];
	if (len < ANSWER_LOOKED || (bytes[2] & 0x80) == 0 || !flow->open[id]) {
		return; /* too late, or no answer */
	}
	flow->open[id] = false;
	flow->outstanding--;
	tally->answered++;
	tally->octets += len;
	tally->truncated += (bytes[2] & 2) != 0;
	tally->rcodes[bytes[3] & 15]++;
}

static size_t take_datagrams(struct tally *tally, struct flow *flow)
{
	static uint8_t bytes[BATCH_MAX][ANSWER_LOOKED];
	struct mmsghdr messages[BATCH_MAX];
	struct iovec rooms[BATCH_MAX];
	for (size_t i = 0; i < BATCH_MAX; i++) {
		rooms[i] = (struct iovec){.iov_base = bytes[i], .iov_len = sizeof bytes[i]};
		messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &rooms[i], .msg_iovlen = 1}};
	}
	int count = recvmmsg(flow->fd, messages, BATCH_MAX, MSG_DONTWAIT | MSG_TRUNC, NULL);
	for (int i = 0; i < count; i++) {
		take_answer(tally, flow, bytes[i], messages[i].msg_len);
	}
	return count < 0 ? 0 : (size_t)count;
}

static size_t take_stream(struct tally *tally, struct flow *flow)
{
	ssize_t got = recv(flow->fd, flow->bytes + flow->have, STREAM_ROOM - flow->have, MSG_DONTWAIT);
	if (got == 0 || (got < 0 && errno != EAGAIN)) {
		fail("the server closed a connection");
	}
	flow->have += got < 0 ? 0 : (size_t)got;
	size_t at = 0;
	while (flow->have - at >= 2) {
		size_t len = (size_t)flow->bytes[at] << 8 | flow->bytes[at + 1];
		if (flow->have - at < 2 + len) {
			break;
		}
		take_answer(tally, flow, flow->bytes + at + 2, len);
		at += 2 + len;
	}
	memmove(flow->bytes, flow->bytes + at, flow->have - at);
	flow->have -= at;
	return got < 0 ? 0 : (size_t)got;
}

static void take_answers(struct tally *tally, struct flow *flow, double now)
{
	size_t came = flow->stream ? take_stream(tally, flow) : take_datagrams(tally, flow);
	if (came > 0) {
		flow->moved = now;
		tally->receptions++;
	}
}

static void give_up(struct tally *tally, struct flow *flow, double now)
{
	tally->lost += flow->outstanding;
	flow->outstanding = 0;
	flow->moved = now;
	memset(flow->open, 0, sizeof flow->open);
}

static void run(struct load *load, double seconds)
{
	double now = seconds_now();
	double end = now + seconds;
	for (; now < end; now = seconds_now()) {
		for (size_t i = 0; i < load->flow_count; i++) {
			struct flow *flow = &load->flows[i];
			take_answers(&load->tally, flow, now);
			if (now > flow->moved + LOST_S) {
				give_up(&load->tally, flow, now);
			}
			if (flow->outstanding <= load->window / 2) {
				ask(load, flow);
			}
		}
	}
}

static double cpu_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void report(const struct tally *tally, double seconds, double cpu)
{
	printf("{\"seconds\": %.3f, \"asked\": %" PRIu64 ", \"answered\": %" PRIu64 ", \"lost\": %" PRIu64
	       ", \"octets\": %" PRIu64 ", \"truncated\": %" PRIu64
	       ", \"at_once\": %.1f, \"on_core\": %.3f, \"rcodes\": {",
	       seconds, tally->asked, tally->answered, tally->lost, tally->octets, tally->truncated,
	       (double)tally->answered / (tally->receptions == 0 ? 1 : (double)tally->receptions), cpu / seconds);
	const char *between = "";
	for (size_t i = 0; i < RCODES; i++) {
		if (tally->rcodes[i] > 0) {
			printf("%s\"%zu\": %" PRIu64, between, i, tally->rcodes[i]);
			between = ", ";
		}
	}
	printf("}}\n");
}

static size_t number_of(const char *text, size_t most)
{
	size_t number = (size_t)strtoul(text, NULL, 10);
	return number < 1 ? 1 : number > most ? most : number;
}

static void open_flow(struct flow *flow, const struct address *address, bool stream)
{
	int yes = 1;
	flow->stream = stream;
	flow->fd = open_socket(address, stream ? SOCK_STREAM : SOCK_DGRAM, false);
	if (stream) {
		setsockopt(flow->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
		flow->bytes = memory_new(STREAM_ROOM);
	}
	flow->moved = seconds_now();
}

int main(int argc, char **argv)
{
	static struct question questions[QUESTIONS_MAX];
	struct address address;
	struct error error;
	struct load load = {.questions = questions};
	const char *how = argc > 4 ? argv[4] : "plain";
	bool dnssec_ok = strcmp(how, "do") == 0;
	bool stream = strcmp(how, "tcp") == 0;
	if (argc < 4 || argc > 7 || !address_from_text(argv[1], 0, &address, &error) ||
	    (!dnssec_ok && !stream && strcmp(how, "plain") != 0)) {
		fprintf(stderr, "usage: saturate ADDR@PORT FILE SECONDS [plain|do|tcp] [SOCKETS [WINDOW]]\n");
		return 2;
	}
	double seconds = strtod(argv[3], NULL);
	load.question_count = read_questions(argv[2], dnssec_ok, questions);
	load.flow_count = argc > 5 ? number_of(argv[5], SOCKETS_MAX) : SOCKETS_USUAL;
	load.window = argc > 6 ? number_of(argv[6], WINDOW_MAX) : WINDOW_USUAL;
	load.flows = memory_new_array(load.flow_count, sizeof *load.flows);
	for (size_t i = 0; i < load.flow_count; i++) {
		load.flows[i].next_question = i * load.question_count / load.flow_count;
		open_flow(&load.flows[i], &address, stream);
	}
	double start = seconds_now();
	double cpu_start = cpu_now();
	run(&load, seconds);
	report(&load.tally, seconds_now() - start, cpu_now() - cpu_start);
	for (size_t i = 0; i < load.flow_count; i++) {
		close(load.flows[i].fd);
		free(load.flows[i].bytes);
	}
	free(load.flows);
	return 0;
}
