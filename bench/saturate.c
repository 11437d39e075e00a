/* SPDX-License-Identifier: MIT */
/* A load that a server never comes to the end of: so many questions are outstanding all the time that it is busy and
 * its batches are full, and what it takes per answer can be compared.
 *
 *   saturate ADDR@PORT FILE SECONDS [plain|do] [SOCKETS [WINDOW]]
 *
 * FILE as for dnsperf (bench/asking.h). Each of the SOCKETS has its own port, so that workers which share the server's
 * port each get some, and up to WINDOW questions outstanding. Never sleeps: whoever waits for an answer asks again, so
 * that the server has nobody to wake. Only the first octets of an answer are looked at.
 *
 * Prints one line of JSON: seconds, asked, answered, lost (not answered within LOST_S), octets of all answers, truncated
 * ones, answers by RCODE, and how many answers came at once on average. Loopback only. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "asking.h"
#include "base/memory.h"

#define SOCKETS_MAX   64
#define SOCKETS_USUAL 8
/* All together 256: what the receive buffer of 208 KiB holds that Linux gives a socket which asks for no more. */
#define WINDOW_USUAL  32
#define BATCH_MAX     64
#define ANSWER_LOOKED 12
#define RCODES        16
#define LOST_S        0.2

struct flow {
	int fd;
	uint16_t next_id;
	size_t next_question;
	size_t outstanding;
	double moved;     /* when an answer came last, or all was given up */
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

static void ask(struct load *load, struct flow *flow)
{
	struct mmsghdr messages[BATCH_MAX];
	struct iovec rooms[BATCH_MAX];
	size_t count = load->window - flow->outstanding;
	count = count > BATCH_MAX ? BATCH_MAX : count;
	for (size_t i = 0; i < count; i++) {
		struct question *question = &load->questions[(flow->next_question + i) % load->question_count];
		uint16_t id = (uint16_t)(flow->next_id + i);
		question->bytes[0] = (uint8_t)(id >> 8);
		question->bytes[1] = (uint8_t)id;
		rooms[i] = (struct iovec){.iov_base = question->bytes, .iov_len = question->len};
		messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &rooms[i], .msg_iovlen = 1}};
	}
	int sent = sendmmsg(flow->fd, messages, (unsigned)count, MSG_DONTWAIT);
	if (sent < 0 && errno != EAGAIN && errno != ECONNREFUSED) {
		fail("sendmmsg");
	}
	for (int i = 0; i < sent; i++) {
		flow->open[flow->next_id++] = true;
	}
	size_t went = sent < 0 ? 0 : (size_t)sent;
	flow->next_question = (flow->next_question + went) % load->question_count;
	flow->outstanding += went;
	load->tally.asked += went;
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

static void take_answers(struct tally *tally, struct flow *flow, double now)
{
	static uint8_t bytes[BATCH_MAX][ANSWER_LOOKED];
	struct mmsghdr messages[BATCH_MAX];
	struct iovec rooms[BATCH_MAX];
	for (size_t i = 0; i < BATCH_MAX; i++) {
		rooms[i] = (struct iovec){.iov_base = bytes[i], .iov_len = sizeof bytes[i]};
		messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &rooms[i], .msg_iovlen = 1}};
	}
	int count = recvmmsg(flow->fd, messages, BATCH_MAX, MSG_DONTWAIT | MSG_TRUNC, NULL);
	if (count <= 0) {
		return;
	}
	flow->moved = now;
	tally->receptions++;
	for (int i = 0; i < count; i++) {
		take_answer(tally, flow, bytes[i], messages[i].msg_len);
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

static void report(const struct tally *tally, double seconds)
{
	printf("{\"seconds\": %.3f, \"asked\": %" PRIu64 ", \"answered\": %" PRIu64 ", \"lost\": %" PRIu64
	       ", \"octets\": %" PRIu64 ", \"truncated\": %" PRIu64 ", \"at_once\": %.1f, \"rcodes\": {",
	       seconds, tally->asked, tally->answered, tally->lost, tally->octets, tally->truncated,
	       (double)tally->answered / (tally->receptions == 0 ? 1 : (double)tally->receptions));
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

int main(int argc, char **argv)
{
	static struct question questions[QUESTIONS_MAX];
	struct address address;
	struct error error;
	struct load load = {.questions = questions, .flow_count = SOCKETS_USUAL, .window = WINDOW_USUAL};
	if (argc < 4 || argc > 7 || !address_from_text(argv[1], 0, &address, &error)) {
		fprintf(stderr, "usage: saturate ADDR@PORT FILE SECONDS [plain|do] [SOCKETS [WINDOW]]\n");
		return 2;
	}
	double seconds = strtod(argv[3], NULL);
	load.question_count = read_questions(argv[2], argc > 4 && strcmp(argv[4], "do") == 0, questions);
	load.flow_count = argc > 5 ? number_of(argv[5], SOCKETS_MAX) : SOCKETS_USUAL;
	load.window = argc > 6 ? number_of(argv[6], 4096) : WINDOW_USUAL;
	load.flows = memory_new_array(load.flow_count, sizeof *load.flows);
	double start = seconds_now();
	for (size_t i = 0; i < load.flow_count; i++) {
		struct flow *flow = &load.flows[i];
		flow->fd = open_socket(&address, SOCK_DGRAM, false);
		flow->next_question = i * load.question_count / load.flow_count;
		flow->moved = start;
	}
	run(&load, seconds);
	report(&load.tally, seconds_now() - start);
	for (size_t i = 0; i < load.flow_count; i++) {
		close(load.flows[i].fd);
	}
	free(load.flows);
	return 0;
}
