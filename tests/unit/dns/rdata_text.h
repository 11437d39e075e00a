/* SPDX-License-Identifier: MIT */
/* RDATA from one line of text, for tests: a plain tokenizer in front of dns_rdata_parse. */
#pragma once

#include <string.h>

#include "base/bytes.h"
#include "dns/name.h"
#include "dns/rdata.h"

#define TOKENS_MAX 70000

/* Tokens of `text`: white space or a quote begins a new one. */
static inline size_t tokens_of(const char *text, struct dns_token tokens[TOKENS_MAX])
{
	size_t count = 0;
	const char *at = text;
	while (at[strspn(at, " ")] != '\0' && count < TOKENS_MAX) {
		at += strspn(at, " ");
		struct dns_token token = {.quoted = *at == '"', .line = 1, .column = (uint32_t)(at - text) + 1};
		at += token.quoted;
		token.chars = at;
		while (*at != '\0' && *at != '"' && (token.quoted || *at != ' ')) {
			at += *at == '\\' && at[1] != '\0' ? 2 : 1;
		}
		token.len = (uint32_t)(at - token.chars);
		at += token.quoted && *at == '"';
		tokens[count++] = token;
	}
	return count;
}

static inline bool parse_rdata(uint16_t type, const char *text, struct writer *out, struct dns_rdata_error *error)
{
	static struct dns_token tokens[TOKENS_MAX];
	return dns_rdata_parse(type, tokens, tokens_of(text, tokens), dns_name_root, out, error);
}
