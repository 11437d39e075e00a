/* SPDX-License-Identifier: MIT */
/* IP addresses, ports and prefixes as values. Text form everywhere: ADDR[@PORT], prefixes ADDR[/LENGTH]. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/error.h"

enum address_family { ADDRESS_NONE = 0, ADDRESS_V4 = 4, ADDRESS_V6 = 6 };

struct address {
	enum address_family family;
	uint16_t port;     /* 0: none said */
	uint32_t scope_id; /* interface index of a link-local IPv6 address, else 0 */
	uint8_t bytes[16]; /* the first 4 for IPv4; the rest 0 */
};

/* "ffff:...%4294967295@65535" and NUL. */
#define ADDRESS_TEXT_MAX 72

/* Reads ADDR[@PORT]; without @PORT the port is `default_port`. An IPv4-mapped IPv6 address becomes IPv4.
 * ERROR_SYNTAX  not an address, or a port outside 1..65535 */
MUST_USE bool address_from_text(const char *text, uint16_t default_port, struct address *out, struct error *error);
/* ADDR@PORT, or ADDR where the port is 0. `out` has ADDRESS_TEXT_MAX bytes. Returns `out`. */
char *address_to_text(const struct address *address, char *out);
/* Family, bytes, scope and port alike. */
bool address_equal(const struct address *a, const struct address *b);
/* The same host, whatever the port. */
bool address_same_host(const struct address *a, const struct address *b);
/* Of this machine alone: 127.0.0.0/8 (RFC 1122 3.2.1.3), ::1 (RFC 4291 2.5.3). */
bool address_is_loopback(const struct address *address);

/* To and from the socket calls' form. The IPv4-mapped IPv6 form is given as IPv4. */
socklen_t address_to_socket(const struct address *address, struct sockaddr_storage *out);
/* family ADDRESS_NONE when it is neither IPv4 nor IPv6. */
struct address address_from_socket(const struct sockaddr *socket_address);

struct prefix {
	struct address address; /* bits after `length` are 0; port 0 */
	uint8_t length;         /* 0..32 or 0..128 */
};

/* Reads ADDR[/LENGTH]; without a length it is one host.
 * ERROR_SYNTAX   not an address, or a length that is too long
 * ERROR_INVALID  bits are set after the length; the text says which prefix may have been meant */
MUST_USE bool prefix_from_text(const char *text, struct prefix *out, struct error *error);
/* `out` has ADDRESS_TEXT_MAX bytes. Returns `out`. */
char *prefix_to_text(const struct prefix *prefix, char *out);
bool prefix_contains(const struct prefix *prefix, const struct address *address);
