/* SPDX-License-Identifier: MIT */
/* How fast changes are followed: asks servers for the serial that they serve, at an even rate, and plays the primary.
 *
 *   changes one PRIMARY SECONDARY SAVE   plays the primary of a saved transfer (`traffic fetch`). Lines on standard input:
 *       RECORDS STEPS SECONDS            for so long, one after the other: versions STEPS ahead, each step of RECORDS records,
 *                                        are announced and waited for
 *   changes many PRIMARY SECONDARY COUNT plays the primary of so many zones of ten records, zN.many.example.
 *       change                           a record more in each: all are announced and waited for
 *   changes wait SERVER COUNT            no primary; the same zones
 *       SERIAL                           until all are served with it
 *   changes watch FIRST SECOND ZONE      two servers of a zone
 *       SERIAL                           how long after the first the second serves it
 *
 * Servers are ADDR@PORT. Prints "ready" once the secondary, or all, serve what there is at first, and a line of JSON for each
 * line. Ends with its input. Loopback only. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "asking.h"
#include "base/bytes.h"
#include "base/memory.h"
#include "dns/dns.h"
#include "primary.h"

#define ASK_EVERY_S      100e-6 /* so exact are the times of one zone */
#define ASK_ZONE_EVERY_S 2e-3   /* one of many: all that are asked at once are some 3 % of what a server can answer */
#define ASK_AGAIN_S      0.2    /* what has no answer is asked again */
#define NOTIFY_AGAIN_S   1.0
#define ASKED_MAX        16  /* at once */
#define NOTIFIED_MAX     200 /* at once */
#define ZONES_MAX        65536
#define PATIENCE_S       120

static struct primary *primary; /* NULL: none */

/* Sleeps until something comes for the primary or at the socket, or until this time. */
static void wait_until(double when, int fd)
{
	double left = when - seconds_now();
	struct timespec wait = {.tv_nsec = left > 0 ? (long)(left * 1e9) : 0};
	struct pollfd pollers[2] = {{.fd = fd, .events = POLLIN},
	                            {.fd = primary == NULL ? -1 : primary_descriptor(primary), .events = POLLIN}};
	ppoll(pollers, 2, &wait, NULL);
	if (primary != NULL) {
		primary_serve(primary);
	}
}

/* ---- asking for a serial ---- */

static void ask(int fd, const uint8_t *apex, uint16_t id)
{
	uint8_t bytes[300] = {0};
	struct writer out = writer_of(bytes, sizeof bytes);
	write_u16(&out, id);
	write_u16(&out, 0);
	write_u16(&out, 1);
	write_u32(&out, 0);
	write_u16(&out, 0);
	write_bytes(&out, apex, dns_name_len(apex));
	write_u16(&out, DNS_TYPE_SOA);
	write_u16(&out, DNS_CLASS_IN);
	if (send(fd, bytes, writer_len(&out), 0) < 0 && errno != EAGAIN && errno != ECONNREFUSED) {
		fail("send");
	}
}

/* False: no answer is there. *has_serial false: it says no serial. */
static bool take_answer(int fd, uint16_t *id, bool *has_serial, uint32_t *serial)
{
	uint8_t bytes[65535];
	ssize_t len = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
	if (len < DNS_HEADER_SIZE) {
		return false;
	}
	struct reader reader = reader_of(bytes, (size_t)len);
	*id = read_u16(&reader);
	read_bytes(&reader, DNS_HEADER_SIZE - 2);
	dns_name_skip(&reader);
	read_bytes(&reader, 4);
	dns_name_skip(&reader);
	read_bytes(&reader, 10);
	dns_name_skip(&reader);
	dns_name_skip(&reader);
	*serial = read_u32(&reader);
	*has_serial = !reader.failed && (bytes[3] & 15) == 0 && load_u16(bytes + 6) == 1;
	return true;
}

/* One server that is asked again and again, one question at a time. */
struct watched {
	int fd;
	uint16_t id;
	bool is_asked;
	double asked_at;
	bool has_serial;
	uint32_t serial; /* that it served when it answered last */
};

static void hear(struct watched *watched)
{
	uint16_t id;
	bool has_serial;
	uint32_t serial;
	while (take_answer(watched->fd, &id, &has_serial, &serial)) {
		if (id == watched->id) {
			watched->is_asked = false;
			watched->has_serial = has_serial;
			watched->serial = serial;
		}
	}
}

static void ask_on(struct watched *watched, const uint8_t *apex)
{
	if (!watched->is_asked || seconds_now() > watched->asked_at + ASK_AGAIN_S) {
		watched->is_asked = true;
		watched->asked_at = seconds_now();
		ask(watched->fd, apex, ++watched->id);
	}
}

static bool serves(const struct watched *watched, uint32_t serial)
{
	return watched->has_serial && watched->serial == serial;
}

/* False: in vain. */
static bool watch_until(struct watched *watched, const uint8_t *apex, uint32_t serial, double until)
{
	double next = seconds_now();
	while (!serves(watched, serial)) {
		double now = seconds_now();
		if (now > until) {
			return false;
		}
		if (now >= next) {
			ask_on(watched, apex);
			next = now + ASK_EVERY_S;
		}
		wait_until(next, watched->is_asked ? watched->fd : -1);
		hear(watched);
	}
	return true;
}

/* ---- one zone ---- */

static void ignore_answer(void *context, uint16_t id)
{
	(void)context;
	(void)id;
}

/* One announcement and its end. */
static bool advance(struct watched *watched, const struct address *secondary, size_t steps, size_t records)
{
	double until = seconds_now() + PATIENCE_S;
	primary_advance(primary, steps, records);
	while (seconds_now() < until) {
		primary_notify(primary, secondary, primary_apex(primary), (uint16_t)primary_serial(primary));
		if (watch_until(watched, primary_apex(primary), primary_serial(primary),
		                seconds_now() + NOTIFY_AGAIN_S)) {
			return true;
		}
	}
	return false;
}

static void run_one(const struct address *secondary)
{
	struct watched watched = {.fd = open_socket(secondary, SOCK_DGRAM, false)};
	size_t records;
	size_t steps;
	double seconds;
	char line[128];
	primary_on_answer(primary, ignore_answer, NULL);
	if (!watch_until(&watched, primary_apex(primary), primary_serial(primary), seconds_now() + PATIENCE_S)) {
		fprintf(stderr, "changes: the secondary does not come up\n");
		exit(1);
	}
	puts("ready");
	fflush(stdout);
	/* Whoever is at the other end of standard input waits for the answer before it says more. */
	while (fgets(line, sizeof line, stdin) != NULL &&
	       sscanf(line, "%zu %zu %lf", &records, &steps, &seconds) == 3) {
		size_t count = 0;
		double start = seconds_now();
		double taken;
		do {
			if (!advance(&watched, secondary, steps, records)) {
				break;
			}
			count++;
			taken = seconds_now() - start;
		} while (taken < seconds);
		taken = seconds_now() - start;
		if (count * steps % 2 == 1 && !advance(&watched, secondary, 1, records)) {
			count = 0; /* so that what was added is not left over */
		}
		printf("{\"differences\": %zu, \"seconds\": %.6f}\n", count * steps, taken);
		fflush(stdout);
	}
}

/* ---- many zones ---- */

struct zones {
	size_t count;
	struct address server;
	int fd;
	uint32_t serial; /* that is waited for */
	/* Zones are looked at in their order: one that does not serve it yet is asked again and again, and the rest waits its
	 * turn, since nobody is ready before all are. */
	struct asked {
		bool is_held;
		bool is_open; /* no answer yet */
		uint16_t id;  /* its lowest bits are the place here */
		uint32_t zone;
		double at;
	} asked[ASKED_MAX];
	size_t next; /* zone that nobody asked */
	size_t served;
	/* NOTIFYs. */
	size_t notified_count; /* zones that have been told, once at least */
	size_t unanswered_count;
	bool *is_unanswered;
	double *notified_at;
	size_t look; /* where to look for one to be told again */
};

static void zone_name(size_t number, uint8_t *wire)
{
	struct dns_name name;
	struct error error;
	char text[64];
	snprintf(text, sizeof text, "z%zu.many.example.", number);
	if (!dns_name_from_text(text, &name, &error)) {
		fail(text);
	}
	memcpy(wire, name.wire, dns_name_len(name.wire));
}

static void notify_one(struct zones *zones, size_t number)
{
	uint8_t apex[64];
	zone_name(number, apex);
	primary_notify(primary, &zones->server, apex, (uint16_t)number);
	zones->notified_at[number] = seconds_now();
}

static void notify_answered(void *context, uint16_t id)
{
	struct zones *zones = context;
	if (id < zones->count && zones->is_unanswered[id]) {
		zones->is_unanswered[id] = false;
		zones->unanswered_count--;
	}
}

/* Some are told that have not been, or whose answer is late. */
static void notify_some(struct zones *zones)
{
	double now = seconds_now();
	while (zones->notified_count < zones->count && zones->unanswered_count < NOTIFIED_MAX) {
		zones->is_unanswered[zones->notified_count] = true;
		zones->unanswered_count++;
		notify_one(zones, zones->notified_count++);
	}
	for (size_t i = 0; i < 64 && zones->unanswered_count > 0; i++) {
		zones->look = (zones->look + 1) % zones->count;
		if (zones->is_unanswered[zones->look] && now > zones->notified_at[zones->look] + NOTIFY_AGAIN_S) {
			notify_one(zones, zones->look);
		}
	}
}

static void ask_in(struct zones *zones, struct asked *asked, double now)
{
	uint8_t apex[64];
	asked->is_open = true;
	asked->id = (uint16_t)(asked->id + ASKED_MAX);
	asked->at = now;
	zone_name(asked->zone, apex);
	ask(zones->fd, apex, asked->id);
}

static void ask_some(struct zones *zones)
{
	double now = seconds_now();
	for (size_t i = 0; i < ASKED_MAX; i++) {
		struct asked *asked = &zones->asked[i];
		if (!asked->is_held && zones->next < zones->count) {
			asked->is_held = true;
			asked->zone = (uint32_t)zones->next++;
			ask_in(zones, asked, now);
		} else if (asked->is_held && now > asked->at + (asked->is_open ? ASK_AGAIN_S : ASK_ZONE_EVERY_S)) {
			ask_in(zones, asked, now);
		}
	}
}

static void take_answers(struct zones *zones)
{
	uint16_t id;
	bool has_serial;
	uint32_t serial;
	while (take_answer(zones->fd, &id, &has_serial, &serial)) {
		struct asked *asked = &zones->asked[id % ASKED_MAX];
		if (asked->is_open && asked->id == id) {
			asked->is_open = false;
			asked->is_held = !has_serial || serial != zones->serial;
			zones->served += !asked->is_held;
		}
	}
}

/* Until all zones are served with this serial; gives the seconds. */
static double wait_for_all(struct zones *zones, uint32_t serial, bool notify)
{
	double start = seconds_now();
	zones->serial = serial;
	zones->notified_count = notify ? 0 : zones->count;
	zones->next = zones->served = 0;
	for (size_t i = 0; i < ASKED_MAX; i++) {
		zones->asked[i] = (struct asked){.id = (uint16_t)i};
	}
	while (zones->served < zones->count) {
		double now = seconds_now();
		if (now > start + PATIENCE_S) {
			fprintf(stderr, "changes: %zu of %zu zones do not come\n", zones->count - zones->served,
			        zones->count);
			exit(1);
		}
		ask_some(zones);
		if (notify) {
			notify_some(zones);
		}
		wait_until(now + ASK_ZONE_EVERY_S / 2, zones->fd);
		take_answers(zones);
	}
	return seconds_now() - start;
}

static void run_many(const struct address *server, size_t count)
{
	struct zones *zones = memory_new(sizeof *zones);
	char line[128];
	zones->server = *server;
	zones->count = count > ZONES_MAX ? ZONES_MAX : count;
	zones->fd = open_socket(server, SOCK_DGRAM, false);
	zones->is_unanswered = memory_new_array(zones->count, sizeof *zones->is_unanswered);
	zones->notified_at = memory_new_array(zones->count, sizeof *zones->notified_at);
	if (primary != NULL) {
		primary_on_answer(primary, notify_answered, zones);
		wait_for_all(zones, primary_serial(primary), false);
	}
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin) != NULL) {
		uint32_t serial = (uint32_t)strtoul(line, NULL, 10);
		if (primary != NULL) {
			primary_advance(primary, 1, 1);
			serial = primary_serial(primary);
		}
		printf("{\"seconds\": %.6f}\n", wait_for_all(zones, serial, primary != NULL));
		fflush(stdout);
	}
}

/* ---- two servers ---- */

static void run_watch(const struct address *first, const struct address *second, const char *zone)
{
	struct watched servers[2] = {{.fd = open_socket(first, SOCK_DGRAM, false)},
	                             {.fd = open_socket(second, SOCK_DGRAM, false)}};
	struct dns_name apex;
	struct error error;
	char line[128];
	if (!dns_name_from_text(zone, &apex, &error)) {
		fail(zone);
	}
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin) != NULL) {
		uint32_t serial = (uint32_t)strtoul(line, NULL, 10);
		double served_at[2] = {0, 0};
		double start = seconds_now();
		while ((served_at[0] == 0 || served_at[1] == 0) && seconds_now() < start + PATIENCE_S) {
			double next = seconds_now() + ASK_EVERY_S;
			for (size_t i = 0; i < 2; i++) {
				hear(&servers[i]);
				ask_on(&servers[i], apex.wire);
				if (served_at[i] == 0 && serves(&servers[i], serial)) {
					served_at[i] = seconds_now();
				}
			}
			wait_until(next, -1);
		}
		double later = served_at[1] - served_at[0];
		printf("{\"ms\": %.3f}\n", later > 0 ? later * 1e3 : 0);
		fflush(stdout);
	}
}

static bool address_of(const char *text, struct address *address)
{
	struct error error;
	return address_from_text(text, 0, address, &error);
}

int main(int argc, char **argv)
{
	struct address first;
	struct address second;
	const char *how = argc > 3 ? argv[1] : "";
	if (strcmp(how, "one") == 0 && argc == 5 && address_of(argv[2], &first) && address_of(argv[3], &second)) {
		primary = primary_new(&first, argv[4]);
		run_one(&second);
	} else if (strcmp(how, "many") == 0 && argc == 5 && address_of(argv[2], &first) &&
	           address_of(argv[3], &second)) {
		primary = primary_new(&first, NULL);
		run_many(&second, (size_t)strtoul(argv[4], NULL, 10));
	} else if (strcmp(how, "wait") == 0 && argc == 4 && address_of(argv[2], &first)) {
		run_many(&first, (size_t)strtoul(argv[3], NULL, 10));
	} else if (strcmp(how, "watch") == 0 && argc == 5 && address_of(argv[2], &first) &&
	           address_of(argv[3], &second)) {
		run_watch(&first, &second, argv[4]);
	} else {
		fprintf(stderr,
		        "usage: changes one PRIMARY SECONDARY SAVE | many PRIMARY SECONDARY COUNT | wait SERVER COUNT |"
		        " watch FIRST SECOND ZONE\n");
		return 2;
	}
	return 0;
}
