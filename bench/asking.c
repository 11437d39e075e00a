/* SPDX-License-Identifier: MIT */
#include "asking.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "dns/dns.h"

#define UDP_PAYLOAD 1232
#define EDNS_DO     0x8000

void fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

double seconds_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int open_socket(const struct address *address, int type, bool serve)
{
	struct sockaddr_storage storage;
	socklen_t len = address_to_socket(address, &storage);
	int yes = 1;
	int fd = socket(storage.ss_family, type, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	if ((serve ? bind : connect)(fd, (struct sockaddr *)&storage, len) != 0) {
		fail(serve ? "bind" : "connect");
	}
	if (serve && type == SOCK_STREAM && listen(fd, 64) != 0) {
		fail("listen");
	}
	return fd;
}

size_t write_query(uint8_t *bytes, size_t size, uint16_t id, const char *name_text, uint16_t type)
{
	struct dns_name name;
	struct error error;
	if (!dns_name_from_text(name_text, &name, &error)) {
		fprintf(stderr, "%s\n", error.text);
		exit(2);
	}
	struct writer out = writer_of(bytes, size);
	write_u16(&out, id);
	write_u16(&out, 0);
	write_u16(&out, 1);
	write_u32(&out, 0);
	write_u16(&out, 0);
	write_bytes(&out, name.wire, dns_name_len(name.wire));
	write_u16(&out, type);
	write_u16(&out, DNS_CLASS_IN);
	return writer_len(&out);
}

/* RFC 6891 6.1.2, RFC 3225 3. */
static void add_edns(struct question *question)
{
	struct writer out = writer_of(question->bytes + question->len, sizeof question->bytes - question->len);
	write_u8(&out, 0);
	write_u16(&out, DNS_TYPE_OPT);
	write_u16(&out, UDP_PAYLOAD);
	write_u32(&out, EDNS_DO);
	write_u16(&out, 0);
	question->len += writer_len(&out);
	question->bytes[11] = 1; /* ARCOUNT */
}

size_t read_questions(const char *path, bool dnssec_ok, struct question *questions)
{
	char name[1100];
	char type[32];
	size_t count = 0;
	FILE *file = fopen(path, "r");
	if (file == NULL) {
		fail(path);
	}
	while (count < QUESTIONS_MAX && fscanf(file, "%1099s %31s", name, type) == 2) {
		struct question *question = &questions[count++];
		question->len = write_query(question->bytes, sizeof question->bytes, 0, name, DNS_TYPE_A);
		if (dnssec_ok) {
			add_edns(question);
		}
	}
	fclose(file);
	if (count == 0) {
		fprintf(stderr, "%s: no question in it\n", path);
		exit(2);
	}
	return count;
}
