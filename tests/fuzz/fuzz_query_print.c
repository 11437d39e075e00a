/* SPDX-License-Identifier: MIT */
/* Any reply, as `tandem query` shows it: the first octet chooses options, the rest is the message. Whatever the server
 * sent, what a terminal gets is plain text, so that no octet of a stranger moves its cursor or renames its window. */
#include <stdio.h>
#include <stdlib.h>

#include "base/ensure.h"
#include "cli/query_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the first octet says. */
enum {
	SHORT = 1,
	NO_COMMENTS = 2,
	NO_QUESTION = 4,
	NO_CLASS = 8,
	ONE_RR = 16,
	MULTILINE = 32,
	WITH_UNITS = 64,
	COOKIE = 128
};

static struct query_options options_of(uint8_t choice)
{
	return (struct query_options){
	        .server = {.family = ADDRESS_V4, .bytes = {192, 0, 2, 1}, .port = 53},
	        .is_short = (choice & SHORT) != 0,
	        .show_comments = (choice & NO_COMMENTS) == 0,
	        .show_question = (choice & NO_QUESTION) == 0,
	        .show_answer = true,
	        .show_authority = true,
	        .show_additional = true,
	        .show_stats = true,
	        .show_class = (choice & NO_CLASS) == 0,
	        .show_ttl = true,
	        .multiline = (choice & MULTILINE) != 0,
	        .ttl_units = (choice & WITH_UNITS) != 0,
	        .in_us = (choice & WITH_UNITS) != 0,
	        .identify = (choice & WITH_UNITS) != 0,
	        .cookie_len = (choice & COOKIE) != 0 ? QUERY_CLIENT_COOKIE_LEN : 0,
	};
}

static void print(uint8_t choice, const struct query_reply *reply)
{
	struct dns_message message = {0};
	struct query_options options = options_of(choice);
	enum dns_read_outcome outcome = dns_message_read(reply->bytes, reply->len, &message);
	if (outcome == DNS_READ_TOO_SHORT) {
		return;
	}
	if ((choice & ONE_RR) == 0) {
		query_print_reply(&options, &message, reply);
	} else if (outcome == DNS_READ_OK) {
		struct reader at = dns_message_reader(&message, message.answer_offset);
		query_print_rr(&options, reply, &at);
	}
}

static void expect_plain(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		ensure((text[i] >= ' ' && text[i] <= '~') || text[i] == '\n' || text[i] == '\t');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct query_reply reply;
	FILE *terminal = stdout;
	char *text = NULL;
	size_t len = 0;
	if (size == 0 || size - 1 > sizeof reply.bytes) {
		return 0;
	}
	for (size_t i = 1; i < size; i++) {
		reply.bytes[i - 1] = data[i];
	}
	reply.len = size - 1;
	stdout = open_memstream(&text, &len);
	print(data[0], &reply);
	fclose(stdout);
	stdout = terminal;
	expect_plain(text, len);
	free(text);
	return 0;
}
