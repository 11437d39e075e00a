/* SPDX-License-Identifier: MIT */
/* The other side of a measurement, as cheap as it can be: whoever asks, fetches or sends does no work on the data.
 *
 *   traffic latency ADDR@PORT FILE RATE SECONDS  questions at an even rate (FILE as for dnsperf), for so long or until
 *                                                SIGTERM; the times of answers
 *   traffic connect ADDR@PORT FILE COUNT SECONDS a TCP connection for each question, COUNT at once; how many answers
 *   traffic fetch ADDR@PORT ZONE COUNT [SAVE]    COUNT transfers at once; what came, and how fast; the first into SAVE
 *   traffic send ADDR@PORT SAVE                  a primary that sends a saved transfer to whoever asks, until killed
 *
 * Each prints one line of JSON; `send` prints "ready" once it answers. A saved transfer is the stream as TCP carried it:
 * messages with their lengths in front. Loopback only. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "asking.h"
#include "base/address.h"
#include "base/memory.h"
#include "dns/dns.h"

#define FETCHES_MAX     64
#define CONNECTIONS_MAX 64
#define SOA_TIMERS      20 /* octets of serial, refresh, retry, expire and minimum, the end of an SOA */
#define PATIENCE_MS     600000
#define ANSWER_S_MAX    2 /* an answer that takes longer counts as lost */

/* ---- latency ---- */

static int compare_doubles(const void *a, const void *b)
{
	double first = *(const double *)a;
	double second = *(const double *)b;
	return (first > second) - (first < second);
}

/* On the clock that the kernel puts on what arrives: an answer has come then, even if we are not on a core to see it,
 * because whoever fetches has it. */
static double arrival_clock(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double arrival_of(struct msghdr *message)
{
	struct timespec stamp = {0};
	struct cmsghdr *control = CMSG_FIRSTHDR(message);
	if (control == NULL || control->cmsg_type != SCM_TIMESTAMPNS) {
		return arrival_clock();
	}
	memcpy(&stamp, CMSG_DATA(control), sizeof stamp);
	return (double)stamp.tv_sec + (double)stamp.tv_nsec / 1e9;
}

struct asker {
	int fd;
	size_t count;       /* of answers */
	double *taken;      /* their times */
	double sent[65536]; /* by id */
};

static void take_answers(struct asker *asker)
{
	uint8_t bytes[65535];
	uint8_t control[128];
	struct iovec room = {.iov_base = bytes, .iov_len = sizeof bytes};
	for (;;) {
		struct msghdr message = {
		        .msg_iov = &room, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
		ssize_t len = recvmsg(asker->fd, &message, MSG_DONTWAIT);
		if (len < 0) {
			return;
		}
		double latency = arrival_of(&message) - asker->sent[(size_t)bytes[0] << 8 | bytes[1]];
		if (len >= 12 && latency < ANSWER_S_MAX) {
			asker->taken[asker->count++] = latency;
		}
	}
}

static void wait_until(struct asker *asker, double when)
{
	struct pollfd poller = {.fd = asker->fd, .events = POLLIN};
	for (double now = seconds_now(); now < when; now = seconds_now()) {
		double left = when - now;
		struct timespec wait = {.tv_sec = (time_t)left, .tv_nsec = (long)((left - (double)(time_t)left) * 1e9)};
		if (ppoll(&poller, 1, &wait, NULL) > 0) {
			take_answers(asker);
		}
	}
}

static volatile sig_atomic_t told_to_end;

static void end_when_told(int number)
{
	(void)number;
	told_to_end = 1;
}

static void report_latency(struct asker *asker, size_t asked)
{
	size_t count = asker->count;
	qsort(asker->taken, count, sizeof *asker->taken, compare_doubles);
	double p50 = count == 0 ? 0 : asker->taken[count / 2];
	double p99 = count == 0 ? 0 : asker->taken[count * 99 / 100];
	printf("{\"sent\": %zu, \"answered\": %zu, \"p50_us\": %.1f, \"p99_us\": %.1f}\n", asked, count, p50 * 1e6,
	       p99 * 1e6);
}

static void run_latency(const struct address *address, const char *path, double rate, double seconds)
{
	static struct question questions[QUESTIONS_MAX];
	static struct asker asker;
	int yes = 1;
	size_t question_count = read_questions(path, false, questions);
	size_t total = (size_t)(rate * seconds);
	size_t asked = 0;
	asker.taken = memory_new((total + 1) * sizeof *asker.taken);
	asker.fd = open_socket(address, SOCK_DGRAM, false);
	setsockopt(asker.fd, SOL_SOCKET, SO_TIMESTAMPNS, &yes, sizeof yes);
	signal(SIGTERM, end_when_told);
	for (double start = seconds_now(); asked < total && told_to_end == 0; asked++) {
		struct question *question = &questions[asked % question_count];
		question->bytes[0] = (uint8_t)(asked >> 8);
		question->bytes[1] = (uint8_t)asked;
		wait_until(&asker, start + (double)asked / rate);
		asker.sent[asked & 0xffff] = arrival_clock();
		if (send(asker.fd, question->bytes, question->len, 0) < 0 && errno != EAGAIN && errno != ECONNREFUSED) {
			fail("send");
		}
	}
	wait_until(&asker, seconds_now() + 0.5);
	report_latency(&asker, asked);
	free(asker.taken);
}

/* ---- connect ---- */

/* A connection from an IPv4 address of its own for each `number`. Whoever closes first keeps the port for a while, a
 * second on loopback, and the system looks for a free one only among every other: from one address alone there would be
 * no more than some 14,000 connections in a second, and looking for the last free port would be most of the work. */
static int connect_from(size_t number, const struct address *address)
{
	struct address source = {.family = ADDRESS_V4, .bytes = {127, 1, 0, (uint8_t)(1 + number)}};
	struct sockaddr_storage storage;
	int yes = 1;
	if (address->family != ADDRESS_V4) {
		return open_socket(address, SOCK_STREAM, false);
	}
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = address_to_socket(&source, &storage);
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
	if (bind(fd, (struct sockaddr *)&storage, len) != 0) {
		fail("bind");
	}
	len = address_to_socket(address, &storage);
	if (connect(fd, (struct sockaddr *)&storage, len) != 0) {
		fail("connect");
	}
	return fd;
}

/* Begins the next question over a connection of its own. */
static int ask_anew(size_t number, const struct address *address, const struct question *question)
{
	uint8_t bytes[2 + sizeof question->bytes];
	int fd = connect_from(number, address);
	bytes[0] = (uint8_t)(question->len >> 8);
	bytes[1] = (uint8_t)question->len;
	memcpy(bytes + 2, question->bytes, question->len);
	if (send(fd, bytes, 2 + question->len, MSG_NOSIGNAL) < 0) {
		fail("send");
	}
	return fd;
}

static void run_connect(const struct address *address, const char *path, size_t count, double seconds)
{
	static struct question questions[QUESTIONS_MAX];
	uint8_t bytes[2 + 65535];
	size_t have[CONNECTIONS_MAX] = {0};
	struct pollfd pollers[CONNECTIONS_MAX];
	size_t question_count = read_questions(path, false, questions);
	size_t asked = 0;
	size_t answered = 0;
	double start = seconds_now();
	for (size_t i = 0; i < count; i++) {
		pollers[i] = (struct pollfd){.fd = ask_anew(i, address, &questions[asked++ % question_count]),
		                             .events = POLLIN};
	}
	while (seconds_now() < start + seconds && poll(pollers, (nfds_t)count, 1000 * ANSWER_S_MAX) > 0) {
		for (size_t i = 0; i < count; i++) {
			if (pollers[i].revents == 0) {
				continue;
			}
			ssize_t got = recv(pollers[i].fd, bytes, sizeof bytes, MSG_DONTWAIT);
			have[i] += got < 0 ? 0 : (size_t)got;
			if (got > 0 && have[i] < 2 + 12) {
				continue; /* some send the length by itself */
			}
			answered += got > 0;
			have[i] = 0;
			close(pollers[i].fd);
			pollers[i].fd = ask_anew(i, address, &questions[asked++ % question_count]);
		}
	}
	printf("{\"seconds\": %.3f, \"answered\": %zu}\n", seconds_now() - start, answered);
}

/* ---- fetch ---- */

struct fetch {
	int fd;
	size_t have;
	size_t message_count;
	uint64_t octets;
	uint64_t records;
	uint8_t soa_timers[SOA_TIMERS];
	bool done;
	bool cut; /* before its end */
	uint8_t bytes[2 + 65535];
};

/* The timers of the SOA that a transfer begins with. */
static void note_soa(struct fetch *fetch, const uint8_t *message, size_t len)
{
	struct reader reader = reader_of(message, len);
	read_bytes(&reader, 12);
	if (message[5] != 0) {
		dns_name_skip(&reader);
		read_bytes(&reader, 4);
	}
	dns_name_skip(&reader);
	read_bytes(&reader, 10);
	dns_name_skip(&reader);
	dns_name_skip(&reader);
	const uint8_t *timers = read_bytes(&reader, SOA_TIMERS);
	if (timers == NULL) {
		fprintf(stderr, "traffic: no transfer: RCODE %u\n", message[3] & 15U);
		exit(1);
	}
	memcpy(fetch->soa_timers, timers, SOA_TIMERS);
}

static void take_message(struct fetch *fetch, const uint8_t *message, size_t len)
{
	unsigned answers = (unsigned)message[6] << 8 | message[7];
	if (fetch->message_count++ == 0) {
		note_soa(fetch, message, len);
	}
	fetch->records += answers;
	bool more_than_soa = fetch->message_count > 1 || answers > 1;
	fetch->done = more_than_soa && memcmp(message + len - SOA_TIMERS, fetch->soa_timers, SOA_TIMERS) == 0;
}

static void take_stream(struct fetch *fetch, FILE *save)
{
	ssize_t got = recv(fetch->fd, fetch->bytes + fetch->have, sizeof fetch->bytes - fetch->have, MSG_DONTWAIT);
	if (got == 0 || (got < 0 && errno != EAGAIN)) {
		fetch->done = true;
		fetch->cut = true;
		return;
	}
	if (got < 0) {
		return;
	}
	if (save != NULL) {
		fwrite(fetch->bytes + fetch->have, 1, (size_t)got, save);
	}
	fetch->octets += (uint64_t)got;
	fetch->have += (size_t)got;
	size_t at = 0;
	while (!fetch->done && fetch->have - at >= 2) {
		size_t len = (size_t)fetch->bytes[at] << 8 | fetch->bytes[at + 1];
		if (len < 12 || fetch->have - at < 2 + len) {
			break;
		}
		take_message(fetch, fetch->bytes + at + 2, len);
		at += 2 + len;
	}
	memmove(fetch->bytes, fetch->bytes + at, fetch->have - at);
	fetch->have -= at;
}

static void start_fetch(struct fetch *fetch, const struct address *address, const char *zone)
{
	uint8_t query[300];
	size_t len = write_query(query + 2, sizeof query - 2, 7, zone, DNS_TYPE_AXFR);
	query[0] = (uint8_t)(len >> 8);
	query[1] = (uint8_t)len;
	fetch->fd = open_socket(address, SOCK_STREAM, false);
	if (send(fetch->fd, query, 2 + len, 0) < 0) {
		fail("send");
	}
}

static void run_fetch(const struct address *address, const char *zone, size_t count, const char *save_path)
{
	struct fetch *fetches = memory_new(count * sizeof *fetches);
	struct pollfd pollers[FETCHES_MAX];
	FILE *save = save_path == NULL ? NULL : fopen(save_path, "wb");
	size_t done = 0;
	uint64_t octets = 0;
	uint64_t records = 0;
	size_t cut = 0;
	double start = seconds_now();
	for (size_t i = 0; i < count; i++) {
		start_fetch(&fetches[i], address, zone);
		pollers[i] = (struct pollfd){.fd = fetches[i].fd, .events = POLLIN};
	}
	while (done < count) {
		if (poll(pollers, (nfds_t)count, PATIENCE_MS) <= 0) {
			fail("nothing comes");
		}
		for (size_t i = 0; i < count; i++) {
			if ((pollers[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
				take_stream(&fetches[i], i == 0 ? save : NULL);
				if (fetches[i].done) {
					pollers[i].fd = -1;
					pollers[i].revents = 0;
					done++;
				}
			}
		}
	}
	double seconds = seconds_now() - start;
	for (size_t i = 0; i < count; i++) {
		octets += fetches[i].octets;
		records += fetches[i].records;
		cut += fetches[i].cut;
		close(fetches[i].fd);
	}
	if (save != NULL && fclose(save) != 0) {
		fail(save_path);
	}
	printf("{\"seconds\": %.4f, \"octets\": %" PRIu64 ", \"records\": %" PRIu64 ", \"cut\": %zu}\n", seconds,
	       octets, records, cut);
	free(fetches);
}

/* ---- send ---- */

/* Shared with the processes that serve: what one writes into it nobody has to copy. So one secondary at a time. */
struct saved {
	uint8_t *bytes;
	size_t len;
	size_t question_len;
	size_t soa_len; /* of the first message up to the end of its SOA */
};

static struct saved read_saved(const char *path)
{
	struct saved saved = {0};
	FILE *file = fopen(path, "rb");
	if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
		fail(path);
	}
	saved.len = (size_t)ftell(file);
	saved.bytes = mmap(NULL, saved.len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (saved.bytes == MAP_FAILED) {
		fail("mmap");
	}
	rewind(file);
	if (fread(saved.bytes, 1, saved.len, file) != saved.len) {
		fail(path);
	}
	fclose(file);

	struct reader reader = reader_of(saved.bytes + 2, saved.len - 2);
	read_bytes(&reader, 12);
	if (saved.bytes[2 + 5] != 0) {
		dns_name_skip(&reader);
		read_bytes(&reader, 4);
	}
	saved.question_len = reader_offset(&reader) - 12;
	dns_name_skip(&reader);
	read_bytes(&reader, 8);
	read_bytes(&reader, read_u16(&reader));
	saved.soa_len = reader.failed ? 0 : reader_offset(&reader);
	return saved;
}

static void send_all(int fd, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
		if (sent <= 0) {
			_exit(0);
		}
		bytes += sent;
		len -= (size_t)sent;
	}
}

static bool read_exactly(int fd, uint8_t *bytes, size_t len)
{
	return len == 0 || recv(fd, bytes, len, MSG_WAITALL) == (ssize_t)len;
}

/* The SOA alone, as an answer to this query. Gives its length. */
static size_t soa_answer(const struct saved *saved, const uint8_t *query, uint8_t *answer)
{
	memcpy(answer, saved->bytes + 2, saved->soa_len);
	memcpy(answer, query, 2);
	memcpy(answer + 12, query + 12, saved->question_len); /* of the same name, so of the same length */
	memcpy(answer + 6, "\0\1\0\0\0", 6);
	return saved->soa_len;
}

/* In the order of the questions; a transfer has each message's id set to the query's. */
static void serve_connection(int fd, const struct saved *saved)
{
	uint8_t head[2];
	uint8_t query[65535];
	uint8_t answer[2 + 65535];
	while (read_exactly(fd, head, 2)) {
		size_t len = (size_t)head[0] << 8 | head[1];
		if (len < 12 || !read_exactly(fd, query, len)) {
			return;
		}
		struct reader reader = reader_of(query, len);
		read_bytes(&reader, 12);
		dns_name_skip(&reader);
		uint16_t type = read_u16(&reader);
		if (type == DNS_TYPE_SOA) {
			size_t answer_len = soa_answer(saved, query, answer + 2);
			answer[0] = (uint8_t)(answer_len >> 8);
			answer[1] = (uint8_t)answer_len;
			send_all(fd, answer, 2 + answer_len);
			continue;
		}
		for (size_t at = 0; at + 2 < saved->len;) {
			memcpy(saved->bytes + at + 2, query, 2);
			at += 2 + ((size_t)saved->bytes[at] << 8 | saved->bytes[at + 1]);
		}
		send_all(fd, saved->bytes, saved->len);
	}
}

static void run_send(const struct address *address, const char *path)
{
	struct saved saved = read_saved(path);
	struct pollfd pollers[2] = {{.fd = open_socket(address, SOCK_DGRAM, true), .events = POLLIN},
	                            {.fd = open_socket(address, SOCK_STREAM, true), .events = POLLIN}};
	signal(SIGCHLD, SIG_IGN);
	puts("ready");
	fflush(stdout);
	while (poll(pollers, 2, -1) > 0) {
		uint8_t query[65535];
		uint8_t answer[65535];
		struct sockaddr_storage from;
		socklen_t from_len = sizeof from;
		ssize_t len =
		        recvfrom(pollers[0].fd, query, sizeof query, MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);
		if (len >= 12) {
			size_t answer_len = soa_answer(&saved, query, answer);
			sendto(pollers[0].fd, answer, answer_len, 0, (struct sockaddr *)&from, from_len);
		}
		int fd = (pollers[1].revents & POLLIN) != 0 ? accept(pollers[1].fd, NULL, NULL) : -1;
		if (fd >= 0 && fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			serve_connection(fd, &saved);
			_exit(0);
		}
		if (fd >= 0) {
			close(fd);
		}
	}
}

static size_t at_most(const char *text, size_t limit)
{
	size_t number = (size_t)strtoul(text, NULL, 10);
	return number > limit ? limit : number;
}

int main(int argc, char **argv)
{
	struct address address;
	struct error error;
	if (argc < 4 || !address_from_text(argv[2], 0, &address, &error)) {
		fprintf(stderr,
		        "usage: traffic latency ADDR@PORT FILE RATE SECONDS | fetch ADDR@PORT ZONE COUNT [SAVE] |"
		        " send ADDR@PORT SAVE\n");
		return 2;
	}
	if (strcmp(argv[1], "latency") == 0 && argc == 6) {
		run_latency(&address, argv[3], strtod(argv[4], NULL), strtod(argv[5], NULL));
	} else if (strcmp(argv[1], "connect") == 0 && argc == 6) {
		run_connect(&address, argv[3], at_most(argv[4], CONNECTIONS_MAX), strtod(argv[5], NULL));
	} else if (strcmp(argv[1], "fetch") == 0 && argc >= 5) {
		run_fetch(&address, argv[3], at_most(argv[4], FETCHES_MAX), argc > 5 ? argv[5] : NULL);
	} else if (strcmp(argv[1], "send") == 0) {
		run_send(&address, argv[3]);
	} else {
		fprintf(stderr, "traffic: what is '%s' with %d words?\n", argv[1], argc - 2);
		return 2;
	}
	return 0;
}
