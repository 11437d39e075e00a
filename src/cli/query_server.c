/* SPDX-License-Identifier: MIT */
/* Whom `tandem query` asks. */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/query_internal.h"

static void add_server(struct query_options *options, const struct address *address)
{
	bool fits = options->family == ADDRESS_NONE || options->family == address->family;
	if (fits && options->server_count < QUERY_SERVERS_MAX) {
		options->servers[options->server_count++] = *address;
	}
}

/* Every nameserver that /etc/resolv.conf names. */
static void add_servers_of_system(struct query_options *options, uint16_t port)
{
	char line[512];
	char word[128];
	struct address address;
	FILE *file = fopen("/etc/resolv.conf", "re");
	while (file != NULL && fgets(line, sizeof line, file) != NULL) {
		if (sscanf(line, " nameserver %127s", word) == 1 && address_from_text(word, 53, &address, NULL)) {
			address.port = port;
			add_server(options, &address);
		}
	}
	if (file != NULL) {
		fclose(file);
	}
}

static bool add_servers_of_name(struct query_options *options, const char *name, uint16_t port, struct error *error)
{
	struct addrinfo *found = NULL;
	const struct addrinfo wanted = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM};
	int problem = getaddrinfo(name, NULL, &wanted, &found);
	if (problem != 0) {
		return error_set(error, ERROR_NOT_FOUND, "server '%s': %s", name, gai_strerror(problem));
	}
	for (const struct addrinfo *at = found; at != NULL; at = at->ai_next) {
		struct address address = address_from_socket(at->ai_addr);
		address.port = port;
		if (address.family != ADDRESS_NONE) {
			add_server(options, &address);
		}
	}
	freeaddrinfo(found);
	return true;
}

/* NAME, NAME@PORT or NAME#PORT; `port` is changed where it says one. */
static bool split_port(const char *text, char *name, size_t size, uint16_t *port, struct error *error)
{
	size_t len = strcspn(text, "@#");
	if (len == 0 || len >= size) {
		return error_set(error, ERROR_SYNTAX, "server '%.100s': neither an address nor a name", text);
	}
	memcpy(name, text, len);
	name[len] = '\0';
	if (text[len] != '\0') {
		char *end;
		unsigned long number = strtoul(text + len + 1, &end, 10);
		if (text[len + 1] < '0' || text[len + 1] > '9' || *end != '\0' || number == 0 || number > 65535) {
			return error_set(error, ERROR_SYNTAX, "server '%.100s': not a port: '%.20s'", text,
			                 text + len + 1);
		}
		*port = (uint16_t)number;
	}
	return true;
}

static bool add_servers_of_text(struct query_options *options, uint16_t port, struct error *error)
{
	char name[256];
	struct address address;
	if (!split_port(options->server_text, name, sizeof name, &port, error)) {
		return false;
	}
	if (address_from_text(name, port, &address, NULL)) {
		add_server(options, &address);
		return true;
	}
	/* What looks like an address that went wrong is not asked for as a name. */
	if (strspn(name, "0123456789.") == strlen(name) || strchr(name, ':') != NULL) {
		return error_set(error, ERROR_SYNTAX, "server '%s' is not an address", name);
	}
	return add_servers_of_name(options, name, port, error);
}

bool query_find_servers(struct query_options *options, struct error *error)
{
	static const struct address fallbacks[] = {
	        {.family = ADDRESS_V4, .bytes = {127, 0, 0, 1}},
	        {.family = ADDRESS_V6, .bytes = {[15] = 1}},
	};
	uint16_t port = options->port == 0 ? 53 : options->port;
	if (options->source.family != ADDRESS_NONE) {
		if (options->family != ADDRESS_NONE && options->family != options->source.family) {
			return error_set(error, ERROR_SYNTAX, "the address of -b is of another family than -%d allows",
			                 options->family);
		}
		options->family = options->source.family;
	}
	if (options->server_text != NULL) {
		if (!add_servers_of_text(options, port, error)) {
			return false;
		}
		return options->server_count > 0 || error_set(error, ERROR_SYNTAX, "server '%s' has no IPv%d address",
		                                              options->server_text, options->family);
	}
	add_servers_of_system(options, port);
	for (size_t i = 0; i < ARRAY_LENGTH(fallbacks) && options->server_count == 0; i++) {
		struct address address = fallbacks[i];
		address.port = port;
		add_server(options, &address);
	}
	return true;
}
