/* SPDX-License-Identifier: MIT */
#include "primary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "asking.h"
#include "base/memory.h"
#include "dns/dns.h"
#include "dns/rdata.h"

#define EVENTS_MAX      64
#define CONNECTIONS_MAX 16384 /* by descriptor */
#define QUERY_MAX       1024
#define MESSAGE_LEN_MAX 16000
#define UDP_LEN_MAX     512
#define APEX_POINTER    0xc00c /* the name of the question */
#define TTL             300

struct connection {
	int fd;
	size_t have;
	uint8_t query[2 + QUERY_MAX];
	const uint8_t *out; /* what is to be sent; borrowed from the saved transfer, or `own` */
	size_t out_len;
	uint8_t *own;
};

struct primary {
	int epoll;
	int udp;
	int tcp;
	uint32_t base;
	uint32_t serial;
	size_t records; /* of a step */
	uint8_t *saved; /* NULL: a few records */
	size_t saved_len;
	struct dns_name apex; /* of the saved transfer */
	uint32_t soa_ttl;
	size_t soa_len;
	uint8_t soa[600];
	void (*answered)(void *context, uint16_t id);
	void *context;
	struct connection *connections[CONNECTIONS_MAX];
};

/* ---- messages ---- */

/* A stream of messages with their lengths in front. */
struct stream {
	uint8_t *bytes;
	size_t len;
	size_t capacity;
	size_t message; /* where the newest one begins */
	const uint8_t *query;
	size_t question_len;
};

static uint8_t *room(struct stream *stream, size_t len)
{
	memory_reserve((void **)&stream->bytes, &stream->capacity, stream->len + len, 1);
	stream->len += len;
	return stream->bytes + stream->len - len;
}

static void begin_message(struct stream *stream)
{
	stream->message = stream->len;
	uint8_t *head = room(stream, 2 + DNS_HEADER_SIZE + stream->question_len);
	memset(head, 0, 2 + DNS_HEADER_SIZE);
	memcpy(head + 2, stream->query, 2);
	store_u16(head + 4, DNS_FLAG_QR | DNS_FLAG_AA);
	store_u16(head + 6, 1);
	memcpy(head + 2 + DNS_HEADER_SIZE, stream->query + DNS_HEADER_SIZE, stream->question_len);
}

static void end_message(struct stream *stream)
{
	store_u16(stream->bytes + stream->message, (uint16_t)(stream->len - stream->message - 2));
}

/* `label` NULL: the apex is the owner. */
static void put(struct stream *stream, const char *label, uint16_t type, uint32_t ttl, const void *rdata,
                size_t rdata_len)
{
	size_t label_len = label == NULL ? 0 : strlen(label);
	if (stream->len - stream->message + 64 + rdata_len > MESSAGE_LEN_MAX) {
		end_message(stream);
		begin_message(stream);
	}
	size_t len = (label_len == 0 ? 0 : 1 + label_len) + 12 + rdata_len;
	struct writer out = writer_of(room(stream, len), len);
	if (label_len > 0) {
		write_u8(&out, (uint8_t)label_len);
		write_bytes(&out, label, label_len);
	}
	write_u16(&out, APEX_POINTER);
	write_u16(&out, type);
	write_u16(&out, DNS_CLASS_IN);
	write_u32(&out, ttl);
	write_u16(&out, (uint16_t)rdata_len);
	write_bytes(&out, rdata, rdata_len);
	uint8_t *count = stream->bytes + stream->message + 2 + 6;
	store_u16(count, (uint16_t)(load_u16(count) + 1));
}

static void put_soa(const struct primary *primary, struct stream *stream, uint32_t serial)
{
	uint8_t rdata[sizeof primary->soa];
	memcpy(rdata, primary->soa, primary->soa_len);
	dns_soa_set_serial(rdata, primary->soa_len, serial);
	put(stream, NULL, DNS_TYPE_SOA, primary->soa_ttl, rdata, primary->soa_len);
}

/* What the step from an even number of steps to an odd one adds, and the next one removes. */
static void put_records(const struct primary *primary, struct stream *stream, uint32_t steps)
{
	uint32_t number = steps / 2;
	for (size_t i = 0; i < primary->records; i++) {
		char label[32];
		uint8_t rdata[4] = {192, 0, 2, (uint8_t)i};
		uint64_t place = (number * 1000003ULL + i) * 0x9e3779b97f4a7c15ULL;
		snprintf(label, sizeof label, "%010llx-c", (unsigned long long)(place >> 24));
		put(stream, label, DNS_TYPE_A, TTL, rdata, sizeof rdata);
	}
}

/* RFC 1995 4. */
static void put_differences(const struct primary *primary, struct stream *stream, uint32_t from)
{
	put_soa(primary, stream, primary->serial);
	for (uint32_t serial = from; serial != primary->serial; serial++) {
		uint32_t steps = serial - primary->base;
		put_soa(primary, stream, serial);
		if (steps % 2 == 1) {
			put_records(primary, stream, steps);
		}
		put_soa(primary, stream, serial + 1);
		if (steps % 2 == 0) {
			put_records(primary, stream, steps);
		}
	}
	if (from != primary->serial) {
		put_soa(primary, stream, primary->serial);
	}
}

static void put_zone(const struct primary *primary, struct stream *stream)
{
	static const char *const labels[] = {"ns", "www", "mail", "ftp", "a", "b", "c"};
	static const uint8_t address[4] = {192, 0, 2, 1};
	uint32_t steps = primary->serial - primary->base;
	put_soa(primary, stream, primary->serial);
	put(stream, NULL, DNS_TYPE_NS, TTL, "\2ns\300\014", 5);
	for (size_t i = 0; i < ARRAY_LENGTH(labels); i++) {
		put(stream, labels[i], DNS_TYPE_A, TTL, address, sizeof address);
	}
	if (steps % 2 == 1) {
		put_records(primary, stream, steps);
	}
	put_soa(primary, stream, primary->serial);
}

struct query {
	const uint8_t *bytes;
	size_t question_len;
	uint16_t type;
	bool has_serial;
	uint32_t serial; /* of an IXFR */
};

static bool read_query(const uint8_t *bytes, size_t len, struct query *query)
{
	struct reader reader = reader_of(bytes, len);
	*query = (struct query){.bytes = bytes};
	read_bytes(&reader, DNS_HEADER_SIZE);
	dns_name_skip(&reader);
	query->type = read_u16(&reader);
	read_u16(&reader);
	query->question_len = reader_offset(&reader) - DNS_HEADER_SIZE;
	if (!reader.failed && query->type == DNS_TYPE_IXFR) {
		dns_name_skip(&reader);
		read_bytes(&reader, 10);
		dns_name_skip(&reader);
		dns_name_skip(&reader);
		query->serial = read_u32(&reader);
		query->has_serial = !reader.failed;
	}
	return query->question_len > 0 && len > DNS_HEADER_SIZE + query->question_len - 1;
}

/* The answer to anything but AXFR of a saved zone. */
static struct stream answer_of(const struct primary *primary, const struct query *query)
{
	struct stream stream = {.query = query->bytes, .question_len = query->question_len};
	begin_message(&stream);
	if (query->type == DNS_TYPE_SOA) {
		put_soa(primary, &stream, primary->serial);
	} else if (query->type == DNS_TYPE_IXFR && query->has_serial) {
		put_differences(primary, &stream, query->serial);
	} else {
		put_zone(primary, &stream);
	}
	end_message(&stream);
	return stream;
}

/* ---- UDP ---- */

static void serve_udp(struct primary *primary)
{
	for (;;) {
		uint8_t bytes[QUERY_MAX];
		struct sockaddr_storage from;
		struct query query;
		socklen_t from_len = sizeof from;
		ssize_t len =
		        recvfrom(primary->udp, bytes, sizeof bytes, MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);
		if (len < 0) {
			return;
		}
		if (len >= DNS_HEADER_SIZE && (bytes[2] & 0x80) != 0) {
			primary->answered(primary->context, load_u16(bytes));
		} else if (read_query(bytes, (size_t)len, &query)) {
			struct stream stream = answer_of(primary, &query);
			if (stream.len > 2 + UDP_LEN_MAX || stream.message != 0) {
				free(stream.bytes);
				query.type = DNS_TYPE_SOA; /* RFC 1995 2: the SOA alone says that TCP is to be used */
				stream = answer_of(primary, &query);
			}
			sendto(primary->udp, stream.bytes + 2, stream.len - 2, 0, (struct sockaddr *)&from, from_len);
			free(stream.bytes);
		}
	}
}

/* ---- TCP ---- */

static void close_connection(struct primary *primary, struct connection *connection)
{
	primary->connections[connection->fd] = NULL;
	close(connection->fd);
	free(connection->own);
	free(connection);
}

static void accept_all(struct primary *primary)
{
	for (;;) {
		int fd = accept4(primary->tcp, NULL, NULL, SOCK_NONBLOCK);
		if (fd < 0 || fd >= CONNECTIONS_MAX) {
			return;
		}
		struct connection *connection = memory_new(sizeof *connection);
		struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.fd = fd};
		connection->fd = fd;
		primary->connections[fd] = connection;
		epoll_ctl(primary->epoll, EPOLL_CTL_ADD, fd, &event);
	}
}

/* False: it is closed. */
static bool send_more(struct primary *primary, struct connection *connection)
{
	while (connection->out_len > 0) {
		ssize_t sent = send(connection->fd, connection->out, connection->out_len, MSG_NOSIGNAL);
		if (sent < 0 && errno == EAGAIN) {
			return true;
		}
		if (sent <= 0) {
			close_connection(primary, connection);
			return false;
		}
		connection->out += sent;
		connection->out_len -= (size_t)sent;
	}
	free(connection->own);
	connection->own = NULL;
	return true;
}

static void answer_stream(struct primary *primary, struct connection *connection, size_t len)
{
	struct query query;
	if (!read_query(connection->query + 2, len, &query)) {
		return;
	}
	if (query.type == DNS_TYPE_AXFR && primary->saved != NULL) {
		if (primary->serial != primary->base) {
			fprintf(stderr, "changes: the secondary asks for the whole zone, of which only the first "
			                "version is there\n");
			exit(1);
		}
		for (size_t at = 0; at + 2 < primary->saved_len; at += 2U + load_u16(primary->saved + at)) {
			memcpy(primary->saved + at + 2, query.bytes, 2);
		}
		connection->out = primary->saved;
		connection->out_len = primary->saved_len;
		return;
	}
	struct stream stream = answer_of(primary, &query);
	connection->own = stream.bytes;
	connection->out = stream.bytes;
	connection->out_len = stream.len;
}

static void serve_connection(struct primary *primary, struct connection *connection)
{
	if (!send_more(primary, connection)) {
		return;
	}
	while (connection->out_len == 0) {
		size_t wanted = connection->have < 2 ? 2 : 2U + load_u16(connection->query);
		if (wanted > sizeof connection->query) {
			close_connection(primary, connection);
			return;
		}
		if (connection->have == wanted && wanted > 2) {
			connection->have = 0;
			answer_stream(primary, connection, wanted - 2);
			if (!send_more(primary, connection)) {
				return;
			}
			continue;
		}
		ssize_t got = recv(connection->fd, connection->query + connection->have, wanted - connection->have, 0);
		if (got < 0 && errno == EAGAIN) {
			return;
		}
		if (got <= 0) {
			close_connection(primary, connection);
			return;
		}
		connection->have += (size_t)got;
	}
}

/* ---- the door ---- */

static void read_saved(struct primary *primary, const char *path)
{
	struct dns_rr rr;
	FILE *file = fopen(path, "rb");
	if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
		fail(path);
	}
	primary->saved_len = (size_t)ftell(file);
	primary->saved = memory_new(primary->saved_len);
	rewind(file);
	if (fread(primary->saved, 1, primary->saved_len, file) != primary->saved_len) {
		fail(path);
	}
	fclose(file);
	struct reader reader = reader_of(primary->saved + 2, load_u16(primary->saved));
	read_bytes(&reader, DNS_HEADER_SIZE);
	if (primary->saved[2 + 5] != 0) {
		dns_name_skip(&reader);
		read_bytes(&reader, 4);
	}
	dns_rr_read(&reader, &rr);
	primary->apex = rr.owner;
	primary->soa_ttl = rr.ttl;
	reader.at = rr.rdata;
	struct writer out = writer_of(primary->soa, sizeof primary->soa);
	if (!dns_rdata_read(&reader, DNS_TYPE_SOA, rr.rdata_len, &out)) {
		fail("the saved transfer does not begin with an SOA");
	}
	primary->soa_len = writer_len(&out);
	primary->base = dns_soa_serial(primary->soa, primary->soa_len);
}

static void make_soa(struct primary *primary)
{
	struct writer out = writer_of(primary->soa, sizeof primary->soa);
	write_bytes(&out, "\2ns\7example", 12);
	write_bytes(&out, "\12hostmaster\7example", 20);
	write_u32(&out, 1);
	write_u32(&out, 3600);
	write_u32(&out, 600);
	write_u32(&out, 86400);
	write_u32(&out, 300);
	primary->soa_len = writer_len(&out);
	primary->soa_ttl = TTL;
	primary->base = 1;
}

static void listen_at(struct primary *primary, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
	fcntl(fd, F_SETFL, O_NONBLOCK);
	epoll_ctl(primary->epoll, EPOLL_CTL_ADD, fd, &event);
}

struct primary *primary_new(const struct address *address, const char *saved_path)
{
	struct primary *primary = memory_new(sizeof *primary);
	int octets = 4 << 20;
	primary->epoll = epoll_create1(0);
	primary->udp = open_socket(address, SOCK_DGRAM, true);
	primary->tcp = open_socket(address, SOCK_STREAM, true);
	listen(primary->tcp, 4096);
	setsockopt(primary->udp, SOL_SOCKET, SO_RCVBUF, &octets, sizeof octets);
	listen_at(primary, primary->udp);
	listen_at(primary, primary->tcp);
	if (saved_path == NULL) {
		make_soa(primary);
	} else {
		read_saved(primary, saved_path);
	}
	primary->serial = primary->base;
	return primary;
}

int primary_descriptor(const struct primary *primary)
{
	return primary->epoll;
}

void primary_serve(struct primary *primary)
{
	struct epoll_event events[EVENTS_MAX];
	int count = epoll_wait(primary->epoll, events, EVENTS_MAX, 0);
	for (int i = 0; i < count; i++) {
		int fd = events[i].data.fd;
		if (fd == primary->udp) {
			serve_udp(primary);
		} else if (fd == primary->tcp) {
			accept_all(primary);
		} else if (primary->connections[fd] != NULL) {
			serve_connection(primary, primary->connections[fd]);
		}
	}
}

uint32_t primary_serial(const struct primary *primary)
{
	return primary->serial;
}

const uint8_t *primary_apex(const struct primary *primary)
{
	return primary->apex.wire;
}

void primary_advance(struct primary *primary, size_t steps, size_t records)
{
	primary->records = records;
	primary->serial += (uint32_t)steps;
}

void primary_notify(struct primary *primary, const struct address *secondary, const uint8_t *apex, uint16_t id)
{
	uint8_t bytes[1024];
	struct sockaddr_storage storage;
	socklen_t storage_len = address_to_socket(secondary, &storage);
	struct writer out = writer_of(bytes, sizeof bytes);
	uint8_t soa[sizeof primary->soa];
	memcpy(soa, primary->soa, primary->soa_len);
	dns_soa_set_serial(soa, primary->soa_len, primary->serial);
	write_u16(&out, id);
	write_u16(&out, DNS_OPCODE_NOTIFY << 11 | DNS_FLAG_AA);
	write_u16(&out, 1);
	write_u16(&out, 1);
	write_u32(&out, 0);
	write_bytes(&out, apex, dns_name_len(apex));
	write_u16(&out, DNS_TYPE_SOA);
	write_u16(&out, DNS_CLASS_IN);
	write_u16(&out, APEX_POINTER);
	write_u16(&out, DNS_TYPE_SOA);
	write_u16(&out, DNS_CLASS_IN);
	write_u32(&out, TTL);
	write_u16(&out, (uint16_t)primary->soa_len);
	write_bytes(&out, soa, primary->soa_len);
	sendto(primary->udp, bytes, writer_len(&out), 0, (struct sockaddr *)&storage, storage_len);
}

void primary_on_answer(struct primary *primary, void (*answered)(void *context, uint16_t id), void *context)
{
	primary->answered = answered;
	primary->context = context;
}
