/* SPDX-License-Identifier: MIT */
#include "zone_text.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "dns/rdata.h"
#include "dns/type.h"
#include "unit.h"

static size_t split(const char *line, size_t len, struct dns_token *tokens, size_t max)
{
	size_t count = 0;
	for (size_t i = 0; i < len;) {
		size_t start = i;
		while (i < len && line[i] != ' ') {
			i++;
		}
		ensure(count < max);
		if (i > start) {
			tokens[count++] = (struct dns_token){.chars = line + start, .len = (uint32_t)(i - start)};
		}
		i++;
	}
	return count;
}

static void add_line(struct zone_builder *builder, const uint8_t *apex, const char *line, size_t len)
{
	struct dns_token tokens[32];
	size_t count = split(line, len, tokens, ARRAY_LENGTH(tokens));
	struct dns_name owner;
	uint16_t type;
	uint8_t rdata[4096];
	struct writer writer = writer_of(rdata, sizeof rdata);
	struct dns_rdata_error why;
	assert_true(count >= 2);
	assert_int_equal(dns_name_parse(tokens[0].chars, tokens[0].len, apex, &owner), DNS_TEXT_OK);
	assert_true(dns_type_from_text(tokens[1].chars, tokens[1].len, &type));
	if (!dns_rdata_parse(type, tokens + 2, count - 2, apex, &writer, &why)) {
		fail_msg("%.*s: %s", (int)len, line, why.text);
	}
	assert_int_equal(zone_builder_add(builder, owner.wire, type, 3600, rdata, writer_len(&writer)), ZONE_ADDED);
}

const struct zone_snapshot *zone_of(const char *apex_text, const char *lines)
{
	static const char soa[] = "@ SOA ns1 hostmaster 1 3600 900 604800 300";
	static const char ns[] = "@ NS ns1";
	struct dns_name apex;
	assert_true(dns_name_from_text(apex_text, &apex, NULL));
	struct zone_builder *builder = zone_builder_new(apex.wire, DNS_CLASS_IN);
	if (strncmp(lines, "@ SOA", 5) != 0) {
		add_line(builder, apex.wire, soa, strlen(soa));
		add_line(builder, apex.wire, ns, strlen(ns));
	}
	while (*lines != '\0') {
		size_t len = strcspn(lines, "\n");
		add_line(builder, apex.wire, lines, len);
		lines += len + (lines[len] == '\n');
	}
	struct error error = {0};
	const struct zone_snapshot *zone = zone_builder_finish(builder, NULL, &error);
	if (zone == NULL) {
		fail_msg("%s", error.text);
	}
	return zone;
}

/* `name` without the apex at its end. */
static const char *relative(const struct zone_snapshot *zone, const uint8_t *name, char *text)
{
	char apex[DNS_NAME_TEXT_MAX];
	dns_name_to_text(zone_name(zone), apex);
	dns_name_to_text(name, text);
	size_t len = strlen(text) - strlen(apex);
	if (len == 0) {
		return strcpy(text, "@");
	}
	text[strcmp(apex, ".") == 0 ? len : len - 1] = '\0';
	return text;
}

const char *lookup(const struct zone_snapshot *zone, const char *name_text)
{
	static char out[2 * DNS_NAME_TEXT_MAX + 32];
	char node_text[DNS_NAME_TEXT_MAX];
	char encloser_text[DNS_NAME_TEXT_MAX];
	struct dns_name name;
	struct dns_name owner;
	struct zone_lookup found;
	assert_int_equal(dns_name_parse(name_text, strlen(name_text), zone_name(zone), &name), DNS_TEXT_OK);
	zone_lookup(zone, name.wire, &found);
	size_t above = dns_name_labels(name.wire) - found.encloser_labels;
	relative(zone, dns_name_strip(name.wire, above), encloser_text);
	if (found.kind != ZONE_NO_NAME) {
		zone_node_owner(&found.node, &owner);
		relative(zone, owner.wire, node_text);
	}
	switch (found.kind) {
	case ZONE_FOUND:
		snprintf(out, sizeof out, "%s %s", (found.node.flags & ZONE_NODE_EMPTY) != 0 ? "EMPTY" : "FOUND",
		         node_text);
		break;
	case ZONE_DELEGATION:
		snprintf(out, sizeof out, "DELEGATION %s", node_text);
		break;
	case ZONE_DNAME:
		snprintf(out, sizeof out, "DNAME %s", node_text);
		break;
	case ZONE_WILDCARD:
		snprintf(out, sizeof out, "WILDCARD %s under %s", node_text, encloser_text);
		break;
	case ZONE_NO_NAME:
		snprintf(out, sizeof out, "NO_NAME under %s", encloser_text);
		break;
	}
	return out;
}
