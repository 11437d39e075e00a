/* SPDX-License-Identifier: MIT */
#include "serve.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "base/quiescent.h"
#include "base/text.h"
#include "zonefile/zonefile.h"

static struct server *servers;
static struct text shown;

static void free_servers(void)
{
	while (servers != NULL) {
		struct server *server = servers;
		servers = server->next;
		zone_set_free(server->set);
		for (size_t i = 0; i < server->zone_count; i++) {
			zone_free(server->zones[i]);
		}
		answer_context_free(server->context);
		free(server->response);
		free(server);
	}
	text_deinit(&shown);
	quiescent_offline();
	quiescent_drain();
	quiescent_online();
	quiescent_unregister();
}

struct server *server_new(void)
{
	if (servers == NULL) {
		quiescent_register();
		text_init(&shown, 1 << 24);
		atexit(free_servers);
	}
	struct server *server = memory_new(sizeof *server);
	server->context = answer_context_new();
	server->config = (struct answer_config){.udp_payload = 1232, .keepalive_100ms = 300};
	server->rules.allow[ACCESS_QUERY] = (struct access_rules){.rules = &server->anybody, .rule_count = 1};
	server->rules.minimal_any = true;
	server->rules.minimal_responses = true;
	server->set = zone_set_new(NULL, 0);
	server->now_ms = 1000;
	server->client = (struct address){.family = ADDRESS_V4, .port = 4242, .bytes = {192, 0, 2, 99}};
	server->next = servers;
	servers = server;
	return server;
}

struct server *server_of(const char *zone_text)
{
	return server_of_signed(zone_text, UNSIGNED);
}

struct server *server_of_signed(const char *zone_text, enum signing signing)
{
	struct server *server = server_new();
	serve(server, "example.", zone_text, signing);
	return server;
}

struct dns_name name_of(const char *text)
{
	static const uint8_t origin[] = "\7example";
	struct dns_name name;
	enum dns_text_form form = dns_name_parse(text, strlen(text), origin, &name);
	if (form != DNS_TEXT_OK) {
		fail_msg("name '%s' %s", text, dns_text_form_text(form));
	}
	return name;
}

static struct zone *add_zone(struct server *server, const char *apex)
{
	struct dns_name name = name_of(apex);
	struct zone *zone = zone_new(name.wire, DNS_CLASS_IN);
	assert_true(server->zone_count < SERVER_ZONES_MAX);
	server->zones[server->zone_count++] = zone;
	atomic_store(&zone->rules, &server->rules);
	zone_set_free(server->set);
	server->set = zone_set_new(server->zones, server->zone_count);
	return zone;
}

struct zone *serve_state(struct server *server, const char *apex, enum zone_state state)
{
	struct zone *zone = add_zone(server, apex);
	if (state != ZONE_STATE_EMPTY) {
		zone_withdraw(zone, state);
	}
	return zone;
}

struct zone_snapshot *snapshot_of_records(const char *apex, const struct records *records)
{
	struct error error;
	struct dns_name name = name_of(apex);
	struct zone_builder *builder = zone_builder_new(name.wire, DNS_CLASS_IN);
	for (size_t i = 0; i < records->count; i++) {
		const struct record *record = &records->items[i];
		enum zone_add added = zone_builder_add(builder, record->owner.wire, record->type, record->ttl,
		                                       record->rdata, record->rdata_len);
		assert_int_equal(added, ZONE_ADDED);
	}
	struct zone_snapshot *snapshot = zone_builder_finish(builder, NULL, &error);
	if (snapshot == NULL) {
		fail_msg("zone %s: %s", apex, error.text);
	}
	return snapshot;
}

struct zone *serve_records(struct server *server, const char *apex, const struct records *records)
{
	struct zone *zone = add_zone(server, apex);
	zone_publish(zone, snapshot_of_records(apex, records));
	return zone;
}

void serve_again(struct zone *zone, const char *apex, const char *zone_text)
{
	struct records records = {0};
	records_read(&records, apex, zone_text);
	zone_publish(zone, snapshot_of_records(apex, &records));
	records_free(&records);
}

static bool has_record(const struct records *records, const struct record *wanted)
{
	for (size_t i = 0; i < records->count; i++) {
		const struct record *record = &records->items[i];
		if (record->type == wanted->type && record->ttl == wanted->ttl &&
		    record->rdata_len == wanted->rdata_len &&
		    memcmp(record->rdata, wanted->rdata, wanted->rdata_len) == 0 &&
		    dns_name_equal(record->owner.wire, wanted->owner.wire)) {
			return true;
		}
	}
	return false;
}

/* One change for each record of `from` that `other` lacks. */
static size_t add_changes(struct zone_change *changes, const struct records *from, const struct records *other,
                          bool add)
{
	size_t count = 0;
	for (size_t i = 0; i < from->count; i++) {
		const struct record *record = &from->items[i];
		if (!has_record(other, record)) {
			changes[count++] = (struct zone_change){
			        .add = add,
			        .type = record->type,
			        .ttl = record->ttl,
			        .owner = record->owner.wire,
			        .rdata = record->rdata,
			        .rdata_len = record->rdata_len,
			};
		}
	}
	return count;
}

void serve_difference(struct zone *zone, const struct records *from, const struct records *to)
{
	struct error error;
	struct zone_change *changes = memory_new_array(from->count + to->count, sizeof *changes);
	size_t count = add_changes(changes, from, to, false);
	count += add_changes(changes + count, to, from, true);
	struct zone_snapshot *next = zone_apply(zone_served(zone), changes, count, &error);
	if (next == NULL) {
		fail_msg("difference: %s", error.text);
	}
	free(changes);
	zone_publish(zone, next);
}

struct zone *serve(struct server *server, const char *apex, const char *zone_text, enum signing signing)
{
	struct records records = {0};
	records_read(&records, apex, zone_text);
	if (signing != UNSIGNED) {
		struct dns_name name = name_of(apex);
		records_sign(&records, name.wire, signing);
	}
	struct zone *zone = serve_records(server, apex, &records);
	records_free(&records);
	return zone;
}

/* ---- asking ---- */

enum answer_outcome ask_bytes(struct server *server, const uint8_t *bytes, size_t len, enum answer_transport transport,
                              size_t capacity)
{
	uint8_t *exact = memory_copy(bytes, len > 0 ? len : 1);
	free(server->response);
	server->response = memory_new(capacity);
	struct answer_request request = {
	        .bytes = exact,
	        .len = len,
	        .client = &server->client,
	        .transport = transport,
	        .now_ms = server->now_ms,
	        .now_s = server->now_s,
	};
	memset(&server->result, 0xa5, sizeof server->result); /* whoever calls sets what goes in, and nothing else */
	server->result.bytes = server->response;
	server->result.capacity = capacity;
	server->outcome = answer_message(server->context, &server->config, server->set, &request, &server->result);
	assert_true(server->result.len <= capacity);
	if (server->outcome == ANSWER_SEND || server->outcome == ANSWER_NOTIFY) {
		assert_int_equal(dns_message_read(server->response, server->result.len, &server->message), DNS_READ_OK);
		assert_int_equal(server->message.header.id, load_u16(bytes));
		assert_true((server->message.header.flags & DNS_FLAG_QR) != 0);
	} else {
		assert_int_equal(server->result.len, 0);
	}
	free(exact);
	return server->outcome;
}

size_t response_len(const struct server *server)
{
	return server->result.len;
}

struct flags {
	uint16_t header;
	bool edns;
	bool tcp;
	bool dnssec_ok;
	unsigned size;
	struct writer options;
};

static void read_flag(const char *word, struct flags *flags)
{
	bool edns = true;
	if (strcmp(word, "+do") == 0) {
		flags->dnssec_ok = true;
	} else if (strncmp(word, "+size=", 6) == 0) {
		flags->size = (unsigned)atoi(word + 6);
	} else if (strcmp(word, "+nsid") == 0) {
		write_u32(&flags->options, (uint32_t)DNS_OPTION_NSID << 16);
	} else if (strcmp(word, "+expire") == 0) {
		write_u32(&flags->options, (uint32_t)DNS_OPTION_EXPIRE << 16);
	} else if (strncmp(word, "+digest=", 8) == 0) {
		size_t len = strlen(word + 8) / 2;
		write_u32(&flags->options, (uint32_t)DNS_OPTION_DIGEST << 16 | (uint32_t)len);
		for (size_t i = 0; i < len; i++) {
			char octet[3] = {word[8 + 2 * i], word[9 + 2 * i], '\0'};
			write_u8(&flags->options, (uint8_t)strtoul(octet, NULL, 16));
		}
	} else if (strcmp(word, "+keepalive") == 0) {
		write_u32(&flags->options, (uint32_t)DNS_OPTION_KEEPALIVE << 16);
	} else if (strcmp(word, "+padding") == 0) {
		write_u32(&flags->options, (uint32_t)DNS_OPTION_PADDING << 16);
	} else if (strcmp(word, "+cookie") == 0) {
		write_u32(&flags->options, (uint32_t)DNS_OPTION_COOKIE << 16 | 8);
		write_bytes(&flags->options, "12345678", 8);
	} else if (strcmp(word, "+edns") != 0) {
		edns = false;
	}
	flags->edns = flags->edns || edns;
	if (strcmp(word, "+tcp") == 0) {
		flags->tcp = true;
	} else if (strcmp(word, "+rd") == 0) {
		flags->header |= DNS_FLAG_RD;
	} else if (strcmp(word, "+cd") == 0) {
		flags->header |= DNS_FLAG_CD;
	} else if (strcmp(word, "+ad") == 0) {
		flags->header |= DNS_FLAG_AD;
	} else if (strcmp(word, "+notify") == 0) {
		flags->header |= DNS_OPCODE_NOTIFY << 11;
	} else if (!edns) {
		fail_msg("no such flag: %s", word);
	}
}

size_t question_bytes(const char *question, uint8_t *bytes, size_t capacity, enum answer_transport *transport)
{
	uint8_t options[256];
	struct flags flags = {.size = 1232, .options = writer_of(options, sizeof options)};
	char *copy = memory_copy_text(question);
	char *rest;
	char *name_word = strtok_r(copy, " ", &rest);
	char *type_word = strtok_r(NULL, " ", &rest);
	uint16_t type;
	uint16_t class = DNS_CLASS_IN;
	struct dns_name name = name_of(name_word);
	assert_non_null(type_word);
	if (!dns_type_from_text(type_word, strlen(type_word), &type)) {
		fail_msg("no such type: %s", type_word);
	}
	for (char *word = strtok_r(NULL, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
		if (*word == '+') {
			read_flag(word, &flags);
		} else {
			assert_true(dns_class_from_text(word, strlen(word), &class));
		}
	}
	free(copy);
	struct writer out = writer_of(bytes, capacity);
	write_u16(&out, 0x1234);
	write_u16(&out, flags.header);
	write_u16(&out, 1);
	write_u32(&out, 0);
	write_u16(&out, flags.edns ? 1 : 0);
	write_bytes(&out, name.wire, name.len);
	write_u16(&out, type);
	write_u16(&out, class);
	if (flags.edns) {
		write_u8(&out, 0);
		write_u16(&out, DNS_TYPE_OPT);
		write_u16(&out, (uint16_t)flags.size);
		write_u32(&out, flags.dnssec_ok ? 0x8000 : 0);
		write_u16(&out, (uint16_t)writer_len(&flags.options));
		write_bytes(&out, options, writer_len(&flags.options));
	}
	assert_false(out.failed);
	*transport = flags.tcp ? ANSWER_TCP : ANSWER_UDP;
	return writer_len(&out);
}

enum answer_outcome ask(struct server *server, const char *question)
{
	uint8_t bytes[1024];
	enum answer_transport transport;
	size_t len = question_bytes(question, bytes, sizeof bytes, &transport);
	size_t capacity = transport == ANSWER_TCP ? DNS_MESSAGE_MAX : server->config.udp_payload;
	struct dns_message asked;
	dns_message_read(bytes, len, &asked);
	ask_bytes(server, bytes, len, transport, capacity);
	if (server->outcome != ANSWER_SEND) {
		return server->outcome;
	}
	if (transport == ANSWER_UDP) {
		size_t limit = asked.edns.present && asked.edns.payload_size > 512 ? asked.edns.payload_size : 512;
		assert_true(server->result.len <= limit);
	}
	if (server->message.has_question) {
		assert_true(dns_name_same(server->message.qname.wire, asked.qname.wire));
		assert_int_equal(server->message.qtype, asked.qtype);
		assert_int_equal(server->message.qclass, asked.qclass);
	} else {
		assert_int_equal(dns_message_rcode(&server->message), DNS_RCODE_FORMERR);
	}
	return server->outcome;
}

/* ---- looking at responses ---- */

void response_walk(const struct server *server, enum dns_section section, struct response_walk *walk)
{
	const struct dns_message *message = &server->message;
	size_t offset = section == DNS_SECTION_ANSWER      ? message->answer_offset
	                : section == DNS_SECTION_AUTHORITY ? message->authority_offset
	                                                   : message->additional_offset;
	walk->reader = dns_message_reader(message, offset);
	walk->left = section == DNS_SECTION_ANSWER      ? message->header.answer_count
	             : section == DNS_SECTION_AUTHORITY ? message->header.authority_count
	                                                : message->header.additional_count;
}

bool response_walk_next(struct response_walk *walk, struct response_rr *rr)
{
	while (walk->left > 0) {
		struct dns_rr read;
		walk->left--;
		dns_rr_read(&walk->reader, &read);
		assert_false(walk->reader.failed);
		if (read.type == DNS_TYPE_OPT) {
			continue;
		}
		struct reader rdata = walk->reader;
		rdata.at = read.rdata;
		struct writer out = writer_of(rr->rdata, sizeof rr->rdata);
		assert_true(dns_rdata_read(&rdata, read.type, read.rdata_len, &out));
		rr->owner = read.owner;
		rr->type = read.type;
		rr->class = read.class;
		rr->ttl = read.ttl;
		rr->rdata_len = (uint16_t)writer_len(&out);
		return true;
	}
	return false;
}

static void show_name(const struct dns_name *name, struct text *out)
{
	char chars[DNS_NAME_TEXT_MAX];
	dns_name_to_text(name->wire, chars);
	size_t len = strlen(chars);
	if (strcmp(chars, "example.") == 0) {
		text_add_string(out, "@");
	} else if (len > 9 && strcmp(chars + len - 9, ".example.") == 0) {
		text_add(out, chars, len - 9);
	} else {
		text_add_string(out, chars);
	}
}

static void show_section(struct server *server, enum dns_section section, const char *title, struct text *out)
{
	struct response_walk walk;
	struct response_rr rr;
	const char *before = title;
	response_walk(server, section, &walk);
	while (response_walk_next(&walk, &rr)) {
		char type[DNS_MNEMONIC_MAX];
		text_add_string(out, before);
		show_name(&rr.owner, out);
		text_format(out, " %u %s ", rr.ttl, dns_type_to_text(rr.type, type));
		dns_rdata_to_text(rr.type, rr.rdata, rr.rdata_len, out);
		before = ";\n             ";
	}
}

static const struct {
	uint16_t bit;
	const char *word;
} flag_words[] = {
        {DNS_FLAG_AA, "aa"}, {DNS_FLAG_TC, "tc"}, {DNS_FLAG_RD, "rd"}, {DNS_FLAG_RA, "ra"},
        {DNS_FLAG_Z, "z"},   {DNS_FLAG_AD, "ad"}, {DNS_FLAG_CD, "cd"},
};

const char *response_text(struct server *server)
{
	char rcode[DNS_MNEMONIC_MAX];
	const struct dns_message *message = &server->message;
	text_clear(&shown);
	if (server->outcome == ANSWER_DROP) {
		return "DROP";
	}
	if (server->outcome == ANSWER_TRANSFER_OUT) {
		return "TRANSFER";
	}
	text_add_string(&shown, dns_rcode_to_text(dns_message_rcode(message), rcode));
	for (size_t i = 0; i < ARRAY_LENGTH(flag_words); i++) {
		if ((message->header.flags & flag_words[i].bit) != 0) {
			text_format(&shown, " %s", flag_words[i].word);
		}
	}
	if (message->edns.present) {
		text_add_string(&shown, " edns");
	}
	if (message->edns.ede != DNS_EDE_NONE) {
		text_format(&shown, " ede=%d", message->edns.ede);
	}
	show_section(server, DNS_SECTION_ANSWER, "\n     answer: ", &shown);
	show_section(server, DNS_SECTION_AUTHORITY, "\n  authority: ", &shown);
	show_section(server, DNS_SECTION_ADDITIONAL, "\n additional: ", &shown);
	return text_string(&shown);
}

/* ---- expectations ---- */

struct expected_rr {
	bool has_owner;
	struct dns_name owner;
	bool has_ttl;
	uint32_t ttl;
	uint16_t type;
	uint16_t covered; /* RRSIG(X); 0: any */
	bool has_rdata;
	uint16_t rdata_len;
	uint8_t rdata[4096];
};

#define WORDS_MAX 64

static size_t split_words(char *text, struct dns_token words[WORDS_MAX])
{
	size_t count = 0;
	for (char *at = text; *at != '\0';) {
		if (isspace((unsigned char)*at)) {
			at++;
			continue;
		}
		bool quoted = *at == '"';
		char *start = at + (quoted ? 1 : 0);
		char *end = start;
		while (*end != '\0' && (quoted ? *end != '"' : !isspace((unsigned char)*end))) {
			end++;
		}
		assert_true(count < WORDS_MAX);
		words[count++] = (struct dns_token){.chars = start, .len = (uint32_t)(end - start), .quoted = quoted};
		at = *end == '\0' ? end : end + 1;
	}
	return count;
}

/* A type is written in capitals, so that the owner `a` is none. */
static bool type_word(const struct dns_token *word, struct expected_rr *rr)
{
	char chars[64];
	assert_true(word->len < sizeof chars);
	memcpy(chars, word->chars, word->len);
	chars[word->len] = '\0';
	for (const char *at = chars; *at != '\0'; at++) {
		if (islower((unsigned char)*at) || *at == '.') {
			return false;
		}
	}
	char *bracket = strchr(chars, '(');
	if (bracket != NULL) {
		*bracket = '\0';
		assert_true(dns_type_from_text(bracket + 1, strlen(bracket + 1) - 1, &rr->covered));
	}
	return dns_type_from_text(chars, strlen(chars), &rr->type);
}

static bool ttl_word(const struct dns_token *word)
{
	for (uint32_t i = 0; i < word->len; i++) {
		if (!isdigit((unsigned char)word->chars[i])) {
			return false;
		}
	}
	return true;
}

static void read_expected_rr(char *text, struct expected_rr *rr)
{
	struct dns_token words[WORDS_MAX];
	size_t count = split_words(text, words);
	size_t at = 0;
	*rr = (struct expected_rr){0};
	assert_true(count > 0);
	if (!type_word(&words[0], rr)) {
		char name[DNS_NAME_TEXT_MAX];
		snprintf(name, sizeof name, "%.*s", (int)words[0].len, words[0].chars);
		rr->has_owner = true;
		rr->owner = name_of(name);
		at = 1;
		if (at < count && ttl_word(&words[at])) {
			rr->has_ttl = true;
			rr->ttl = (uint32_t)strtoul(words[at++].chars, NULL, 10);
		}
		assert_true(at < count && type_word(&words[at], rr));
	}
	at++;
	if (at < count) {
		struct writer out = writer_of(rr->rdata, sizeof rr->rdata);
		struct dns_rdata_error error;
		static const uint8_t origin[] = "\7example";
		if (!dns_rdata_parse(rr->type, words + at, count - at, origin, &out, &error)) {
			fail_msg("expected RDATA: %s", error.text);
		}
		rr->has_rdata = true;
		rr->rdata_len = (uint16_t)writer_len(&out);
	}
}

static bool rr_matches(const struct expected_rr *expected, const struct response_rr *rr)
{
	return expected->type == rr->type &&
	       (!expected->has_owner || dns_name_same(expected->owner.wire, rr->owner.wire)) &&
	       (!expected->has_ttl || expected->ttl == rr->ttl) &&
	       (expected->covered == 0 || expected->covered == load_u16(rr->rdata)) &&
	       (!expected->has_rdata ||
	        (expected->rdata_len == rr->rdata_len && memcmp(expected->rdata, rr->rdata, rr->rdata_len) == 0));
}

#define SECTION_RRS_MAX 512

/* Each expected RR is found once, and nothing else is there. */
static bool section_matches(struct server *server, enum dns_section section, char *text)
{
	bool used[SECTION_RRS_MAX] = {false};
	size_t expected_count = 0;
	size_t actual_count = 0;
	struct response_walk walk;
	struct response_rr rr;
	for (response_walk(server, section, &walk); response_walk_next(&walk, &rr);) {
		actual_count++;
	}
	char *rest;
	for (char *part = text == NULL ? NULL : strtok_r(text, ";", &rest); part != NULL;
	     part = strtok_r(NULL, ";", &rest)) {
		while (isspace((unsigned char)*part)) {
			part++;
		}
		if (*part == '*' && (part[1] == '\0' || part[1] == ' ') && strchr(part, ';') == NULL &&
		    strspn(part + 1, " \n") == strlen(part + 1)) {
			return true;
		}
		struct expected_rr expected;
		read_expected_rr(part, &expected);
		expected_count++;
		bool found = false;
		size_t index = 0;
		for (response_walk(server, section, &walk); !found && response_walk_next(&walk, &rr); index++) {
			assert_true(index < SECTION_RRS_MAX);
			if (!used[index] && rr_matches(&expected, &rr)) {
				used[index] = true;
				found = true;
			}
		}
		if (!found) {
			return false;
		}
	}
	return expected_count == actual_count;
}

/* Takes "TITLE: ..." out of `text`, up to the next title. NULL: not there. */
static char *take_section(char *text, const char *title)
{
	static const char *const titles[] = {" answer:", " authority:", " additional:"};
	char *start = strstr(text, title);
	if (start == NULL) {
		return NULL;
	}
	char *content = start + strlen(title);
	char *end = content + strlen(content);
	for (size_t i = 0; i < ARRAY_LENGTH(titles); i++) {
		char *next = strstr(content, titles[i]);
		end = next != NULL && next < end ? next : end;
	}
	char *section = memory_new((size_t)(end - content) + 1);
	memcpy(section, content, (size_t)(end - content));
	return section;
}

static bool header_matches(struct server *server, char *head, bool asked_edns)
{
	const struct dns_message *message = &server->message;
	char rcode[DNS_MNEMONIC_MAX];
	uint16_t flags = 0;
	bool edns = asked_edns;
	int ede = DNS_EDE_NONE;
	char *rest;
	char *word = strtok_r(head, " ", &rest);
	assert_non_null(word);
	if (strcmp(word, dns_rcode_to_text(dns_message_rcode(message), rcode)) != 0) {
		return false;
	}
	for (word = strtok_r(NULL, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
		bool known = false;
		for (size_t i = 0; i < ARRAY_LENGTH(flag_words); i++) {
			if (strcmp(word, flag_words[i].word) == 0) {
				flags |= flag_words[i].bit;
				known = true;
			}
		}
		if (strncmp(word, "ede=", 4) == 0) {
			ede = atoi(word + 4);
		} else if (strcmp(word, "edns") == 0) {
			edns = true;
		} else if (!known) {
			fail_msg("no such word in an expectation: %s", word);
		}
	}
	const uint16_t all =
	        DNS_FLAG_AA | DNS_FLAG_TC | DNS_FLAG_RD | DNS_FLAG_RA | DNS_FLAG_Z | DNS_FLAG_AD | DNS_FLAG_CD;
	return flags == (message->header.flags & all) && edns == message->edns.present && ede == message->edns.ede;
}

static bool response_matches(struct server *server, const char *expectation, bool asked_edns)
{
	char *text = memory_copy_text(expectation);
	char *sections[] = {take_section(text, " answer:"), take_section(text, " authority:"),
	                    take_section(text, " additional:")};
	static const char *const titles[] = {" answer:", " authority:", " additional:"};
	for (size_t i = 0; i < ARRAY_LENGTH(titles); i++) {
		char *start = strstr(text, titles[i]);
		if (start != NULL) {
			*start = '\0';
		}
	}
	bool matches = header_matches(server, text, asked_edns) &&
	               section_matches(server, DNS_SECTION_ANSWER, sections[0]) &&
	               section_matches(server, DNS_SECTION_AUTHORITY, sections[1]) &&
	               section_matches(server, DNS_SECTION_ADDITIONAL, sections[2]);
	for (size_t i = 0; i < ARRAY_LENGTH(sections); i++) {
		free(sections[i]);
	}
	free(text);
	return matches;
}

void expect_answer_at(struct server *server, const char *question, const char *expectation, const char *file, int line)
{
	static const char *const edns_flags[] = {"+do",      "+edns",      "+size=",   "+nsid",  "+expire",
	                                         "+digest=", "+keepalive", "+padding", "+cookie"};
	bool asked_edns = false;
	for (size_t i = 0; i < ARRAY_LENGTH(edns_flags); i++) {
		asked_edns = asked_edns || strstr(question, edns_flags[i]) != NULL;
	}
	bool matches = true;
	/* Asked again, the answer may be one that was kept. */
	for (unsigned time = 0; matches && time < 3; time++) {
		ask(server, question);
		bool sent = server->outcome == ANSWER_SEND || server->outcome == ANSWER_NOTIFY;
		matches = sent ? response_matches(server, expectation, asked_edns)
		               : strcmp(expectation, response_text(server)) == 0;
	}
	if (!matches) {
		print_error("%s:%d: %s\nexpected: %s\nanswered: %s\n", file, line, question, expectation,
		            response_text(server));
		fail();
	}
}
