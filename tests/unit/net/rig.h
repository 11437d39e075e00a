/* SPDX-License-Identifier: MIT */
/* A worker on loopback, turned by the test itself, with a clock that the test moves and a handler whose behaviour the
 * query chooses. No thread and no sleep: a test turns the worker until what it waits for is true, and fails when that does
 * not come true within some seconds of real time. */
#pragma once

#include <sys/socket.h>

#include "net/net.h"
#include "unit.h"

/* What octet 12 of a query on TCP asks for. */
enum wish {
	WISH_ECHO = 'e', /* the query back */
	WISH_NOTHING = 'n',
	WISH_DEFER = 'd',   /* kept in rig.ways */
	WISH_BIG = 'b',     /* 32000 octets */
	WISH_CLOSE = 'c',   /* the query back, then net_connection_close() */
	WISH_PATIENT = 'i', /* an idle limit of 60 s, and the query back */
	WISH_PULL = 'p',    /* a source of as many messages as the 4 octets after it say, each of 16000 octets */
};

#define QUERY_LEN 17 /* 12 octets of header, the wish, 4 octets of number */

struct rig {
	struct net_worker *worker;
	struct address bound;
	struct net_config config;
	int64_t now_ms;
	/* What the handler saw. */
	size_t batches;
	size_t datagrams;
	struct address asked; /* by the newest datagram */
	struct net_return ways[256];
	size_t way_count;
	bool defers_datagrams;
	size_t messages;
	int64_t ms_per_message;    /* what the handler takes for one on TCP */
	int datagram_fd;           /* a client whose question comes while the first message is served; 0: none */
	size_t pulled_at_question; /* it comes while this one is pulled instead; 0: not */
	size_t messages_before_datagram;
	size_t pulled_before_datagram;
	size_t longest_message;
	size_t sources_open;
	size_t pulled;
	bool sources_cut_themselves; /* after 3 messages */
	enum net_end source_end;     /* of the newest that ended */
	enum net_end connection_end;
	size_t connections_ended;
	size_t offline;
	size_t online;
	size_t quiescent;
};

/* A worker that listens at `address` (with port 0), for UDP and TCP. */
void rig_init(struct rig *rig, const char *address, const struct net_config *config);
void rig_deinit(struct rig *rig);
/* The defaults with the rig's clock; change it and give it to rig_init. */
struct net_config rig_config(struct rig *rig);
void rig_turn(struct rig *rig);
/* Moves the clock and turns. */
void rig_pass(struct rig *rig, int64_t ms);

/* True once; used as: while (!condition) { rig_wait(rig, __LINE__); }. Fails the test when it has waited too long. */
#define RIG_UNTIL(rig, condition)                                                                                      \
	for (unsigned int rig_left = 20000; !(condition); rig_left--) {                                                \
		if (rig_left == 0) {                                                                                   \
			fail_msg("line %d: never came true: %s", __LINE__, #condition);                                \
		}                                                                                                      \
		rig_turn_soon(rig);                                                                                    \
	}

void rig_turn_soon(struct rig *rig);
/* Turns until the kernel has taken all that it takes for a client that does not read: what it has received has not grown
 * for a hundred turns. */
void rig_fill(struct rig *rig, int fd);

uint64_t rig_count(const _Atomic uint64_t *counter);

/* --- A client's sockets; all non-blocking --- */

struct address text_address(const char *text);
/* Skips the test, and says so, where the machine has no IPv6 on loopback, as in many containers. */
void need_ipv6(void);
/* Bound to `from` (may be NULL). */
int udp_client(const char *from, const struct address *to);
/* Connected; `receive_buffer` 0: the kernel's. Turns the rig until the connection is accepted. */
/* A question by rig->datagram_fd. */
void ask_by_datagram(const struct rig *rig);
/* One that is connected and waits to be accepted. */
int tcp_client_in_queue(struct rig *rig);
int tcp_client(struct rig *rig, const char *from, size_t receive_buffer);
/* One query with its length in front into `out`; returns its size. `out` has QUERY_LEN + 2 octets. */
size_t frame(uint8_t *out, uint16_t id, enum wish wish, uint32_t number);
/* All of it, turning the rig while the socket is full. */
void send_all(struct rig *rig, int fd, const uint8_t *bytes, size_t len);
void send_query(struct rig *rig, int fd, uint16_t id, enum wish wish, uint32_t number);
/* The next message, without its length; fails the test when the connection ends first. Returns its length. */
size_t read_message(struct rig *rig, int fd, uint8_t *out);
/* Reads on until the server has closed; true: in order (no reset). `octets` may be NULL. */
bool read_until_closed(struct rig *rig, int fd, size_t *octets);
/* Nothing has come, and the connection stands. */
bool is_quiet(int fd);
