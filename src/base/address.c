/* SPDX-License-Identifier: MIT */
#include "base/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t v4_mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static void set_v4(struct address *address, const uint8_t bytes[4])
{
	address->family = ADDRESS_V4;
	memset(address->bytes, 0, sizeof address->bytes);
	memcpy(address->bytes, bytes, 4);
}

static void set_v6(struct address *address, const uint8_t bytes[16])
{
	if (memcmp(bytes, v4_mapped_prefix, sizeof v4_mapped_prefix) == 0) {
		set_v4(address, bytes + 12);
		return;
	}
	address->family = ADDRESS_V6;
	memcpy(address->bytes, bytes, 16);
}

/* A whole decimal number in [min, max]. */
static bool number_from_text(const char *text, unsigned long min, unsigned long max, unsigned long *out)
{
	if (text[0] < '0' || text[0] > '9') {
		return false;
	}
	char *end;
	unsigned long number = strtoul(text, &end, 10);
	*out = number;
	return *end == '\0' && number >= min && number <= max;
}

static bool host_from_text(char *host, struct address *out)
{
	uint8_t bytes[16];
	if (inet_pton(AF_INET, host, bytes) == 1) {
		set_v4(out, bytes);
		return true;
	}
	char *scope = strchr(host, '%');
	if (scope != NULL) {
		*scope++ = '\0';
		unsigned long index;
		if (number_from_text(scope, 1, UINT32_MAX, &index)) {
			out->scope_id = (uint32_t)index;
		} else {
			out->scope_id = if_nametoindex(scope);
		}
		if (out->scope_id == 0) {
			return false;
		}
	}
	if (inet_pton(AF_INET6, host, bytes) != 1) {
		return false;
	}
	set_v6(out, bytes);
	return true;
}

bool address_from_text(const char *text, uint16_t default_port, struct address *out, struct error *error)
{
	char host[ADDRESS_TEXT_MAX];
	size_t len = strlen(text);
	if (len >= sizeof host) {
		return error_set(error, ERROR_SYNTAX, "'%.80s...' is too long for an address", text);
	}
	memcpy(host, text, len + 1);
	struct address address = {.port = default_port};
	char *at = strrchr(host, '@');
	if (at != NULL) {
		*at++ = '\0';
		unsigned long port;
		if (!number_from_text(at, 1, 65535, &port)) {
			return error_set(error, ERROR_SYNTAX, "'%s' has no port from 1 to 65535 after the @", text);
		}
		address.port = (uint16_t)port;
	}
	if (!host_from_text(host, &address)) {
		return error_set(error, ERROR_SYNTAX, "'%s' is not an IPv4 or IPv6 address (ADDR or ADDR@PORT)", text);
	}
	*out = address;
	return true;
}

static void host_to_text(const struct address *address, char *out, size_t out_size)
{
	out[0] = '\0';
	if (address->family == ADDRESS_V4) {
		inet_ntop(AF_INET, address->bytes, out, (socklen_t)out_size);
	} else if (address->family == ADDRESS_V6) {
		inet_ntop(AF_INET6, address->bytes, out, (socklen_t)out_size);
	} else {
		snprintf(out, out_size, "none");
	}
	if (address->scope_id != 0) {
		size_t len = strlen(out);
		snprintf(out + len, out_size - len, "%%%u", address->scope_id);
	}
}

char *address_to_text(const struct address *address, char *out)
{
	host_to_text(address, out, ADDRESS_TEXT_MAX);
	if (address->port != 0) {
		size_t len = strlen(out);
		snprintf(out + len, ADDRESS_TEXT_MAX - len, "@%u", address->port);
	}
	return out;
}

bool address_same_host(const struct address *a, const struct address *b)
{
	return a->family == b->family && a->scope_id == b->scope_id && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool address_is_loopback(const struct address *address)
{
	static const uint8_t v6[16] = {[15] = 1};
	return address->family == ADDRESS_V4
	               ? address->bytes[0] == 127
	               : address->family == ADDRESS_V6 && memcmp(address->bytes, v6, sizeof v6) == 0;
}

bool address_equal(const struct address *a, const struct address *b)
{
	return a->port == b->port && address_same_host(a, b);
}

socklen_t address_to_socket(const struct address *address, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof *out);
	if (address->family == ADDRESS_V4) {
		struct sockaddr_in *v4 = (struct sockaddr_in *)out;
		v4->sin_family = AF_INET;
		v4->sin_port = htons(address->port);
		memcpy(&v4->sin_addr, address->bytes, 4);
		return sizeof *v4;
	}
	ensure(address->family == ADDRESS_V6);
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(address->port);
	v6->sin6_scope_id = address->scope_id;
	memcpy(&v6->sin6_addr, address->bytes, 16);
	return sizeof *v6;
}

struct address address_from_socket(const struct sockaddr *socket_address)
{
	struct address address = {0};
	if (socket_address->sa_family == AF_INET) {
		struct sockaddr_in v4;
		memcpy(&v4, socket_address, sizeof v4);
		address.port = ntohs(v4.sin_port);
		set_v4(&address, (const uint8_t *)&v4.sin_addr);
	} else if (socket_address->sa_family == AF_INET6) {
		struct sockaddr_in6 v6;
		memcpy(&v6, socket_address, sizeof v6);
		address.port = ntohs(v6.sin6_port);
		address.scope_id = v6.sin6_scope_id;
		set_v6(&address, (const uint8_t *)&v6.sin6_addr);
	}
	return address;
}

static uint8_t family_bits(const struct address *address)
{
	return address->family == ADDRESS_V4 ? 32 : 128;
}

/* Zeroes what follows the first `length` bits; true if nothing changed. */
static bool clear_host_bits(struct address *address, uint8_t length)
{
	bool clean = true;
	for (unsigned bit = length; bit < family_bits(address); bit++) {
		uint8_t mask = (uint8_t)(0x80u >> (bit % 8));
		clean = clean && (address->bytes[bit / 8] & mask) == 0;
		address->bytes[bit / 8] &= (uint8_t)~mask;
	}
	return clean;
}

bool prefix_from_text(const char *text, struct prefix *out, struct error *error)
{
	char host[ADDRESS_TEXT_MAX];
	size_t len = strlen(text);
	struct prefix prefix = {0};
	if (len >= sizeof host) {
		return error_set(error, ERROR_SYNTAX, "'%.80s...' is too long for a prefix", text);
	}
	memcpy(host, text, len + 1);
	char *slash = strchr(host, '/');
	if (slash != NULL) {
		*slash++ = '\0';
	}
	if (!host_from_text(host, &prefix.address)) {
		return error_set(error, ERROR_SYNTAX, "'%s' is not an address or prefix (ADDR or ADDR/LENGTH)", text);
	}
	unsigned long length = family_bits(&prefix.address);
	if (slash != NULL && !number_from_text(slash, 0, length, &length)) {
		return error_set(error, ERROR_SYNTAX, "'%s' has no length from 0 to %u after the slash", text,
		                 family_bits(&prefix.address));
	}
	prefix.length = (uint8_t)length;
	if (!clear_host_bits(&prefix.address, prefix.length)) {
		char meant[ADDRESS_TEXT_MAX];
		return error_set(error, ERROR_INVALID, "'%s' has bits set after its length; did you mean %s?", text,
		                 prefix_to_text(&prefix, meant));
	}
	*out = prefix;
	return true;
}

char *prefix_to_text(const struct prefix *prefix, char *out)
{
	host_to_text(&prefix->address, out, ADDRESS_TEXT_MAX);
	size_t len = strlen(out);
	snprintf(out + len, ADDRESS_TEXT_MAX - len, "/%u", prefix->length);
	return out;
}

bool prefix_contains(const struct prefix *prefix, const struct address *address)
{
	if (prefix->address.family != address->family) {
		return false;
	}
	size_t whole_bytes = prefix->length / 8;
	if (memcmp(prefix->address.bytes, address->bytes, whole_bytes) != 0) {
		return false;
	}
	unsigned rest = prefix->length % 8;
	if (rest == 0) {
		return true;
	}
	uint8_t mask = (uint8_t)(0xff00u >> rest);
	return ((prefix->address.bytes[whole_bytes] ^ address->bytes[whole_bytes]) & mask) == 0;
}
