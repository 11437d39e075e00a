/* SPDX-License-Identifier: MIT */
#include "scripted.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/ensure.h"
#include "dns/dns.h"
#include "world_internal.h"

#define WORD_MAX 32
#define TTL      300

static void write_head(struct writer *out, const uint8_t *owner, size_t owner_len, uint16_t type, uint16_t class,
                       size_t rdata_len)
{
	write_bytes(out, owner, owner_len);
	write_u16(out, type);
	write_u16(out, class);
	write_u32(out, TTL);
	write_u16(out, (uint16_t)rdata_len);
}

static void write_rr(struct writer *out, const uint8_t *owner, uint16_t type, uint16_t class, const void *rdata,
                     size_t len)
{
	write_head(out, owner, dns_name_len(owner), type, class, len);
	write_bytes(out, rdata, len);
}

static void write_serial(const struct scripted *scripted, struct writer *out, const uint8_t *owner, const char *number)
{
	uint8_t rdata[128];
	size_t len = world_write_soa(rdata, sizeof rdata, (uint32_t)strtoul(number, NULL, 10), &scripted->timers);
	write_rr(out, owner, DNS_TYPE_SOA, DNS_CLASS_IN, rdata, len);
}

/* "v2.0": a record of a version. */
static void write_record(struct writer *out, const char *word)
{
	uint8_t owner[WORLD_OWNER_MAX];
	uint8_t rdata[4];
	char *end;
	uint32_t serial = (uint32_t)strtoul(word + 1, &end, 10);
	ensure(*end == '.');
	world_record(serial, strtoul(end + 1, NULL, 10), owner, rdata);
	write_rr(out, owner, DNS_TYPE_A, DNS_CLASS_IN, rdata, sizeof rdata);
}

static const struct {
	const char *word;
	const char *owner;
	uint16_t type;
	uint16_t class;
	const char *rdata;
	size_t len;
} odd_records[] = {
        {"stranger", "\3www\5other", DNS_TYPE_A, DNS_CLASS_IN, "\300\0\2\1", 4},
        {"absent", "\6absent\7example", DNS_TYPE_A, DNS_CLASS_IN, "\300\0\2\1", 4},
        {"chaos", "\5chaos\7example", DNS_TYPE_TXT, DNS_CLASS_CH, "\1x", 2},
        {"short", "\5short\7example", DNS_TYPE_A, DNS_CLASS_IN, "\300\0\2", 3},
        {"question-type", "\3any\7example", DNS_TYPE_AXFR, DNS_CLASS_IN, "", 0},
};

static void write_odd(struct writer *out, const char *word)
{
	for (size_t i = 0; i < ARRAY_LENGTH(odd_records); i++) {
		if (strcmp(word, odd_records[i].word) == 0) {
			write_rr(out, (const uint8_t *)odd_records[i].owner, odd_records[i].type, odd_records[i].class,
			         odd_records[i].rdata, odd_records[i].len);
			return;
		}
	}
	fprintf(stderr, "no such word in an answer to IXFR: %s\n", word);
	exit(2);
}

/* A word that stands for a record. */
static void write_word(const struct scripted *scripted, struct writer *out, const char *word)
{
	static const uint8_t below[] = "\3sub\7example";
	if (word[0] >= '0' && word[0] <= '9') {
		write_serial(scripted, out, scripted->apex, word);
	} else if (strncmp(word, "sub.", 4) == 0) {
		write_serial(scripted, out, below, word + 4);
	} else if (word[0] == 'v') {
		write_record(out, word);
	} else if (strcmp(word, "garbled") == 0) {
		write_head(out, (const uint8_t *)"\x3f", 1, DNS_TYPE_A, DNS_CLASS_IN, 0); /* a label that goes on */
	} else {
		write_odd(out, word);
	}
}

/* A word that says something of the next message. False: it stands for a record. */
static bool take_manner(struct scripted *scripted, const char *word)
{
	if (strcmp(word, "id") == 0) {
		scripted->is_odd = true;
	} else if (strcmp(word, "tc") == 0) {
		scripted->flags |= DNS_FLAG_TC;
	} else if (strcmp(word, "asks") == 0) {
		scripted->flags ^= DNS_FLAG_QR;
	} else if (strcmp(word, "servfail") == 0) {
		scripted->flags |= DNS_RCODE_SERVFAIL;
	} else if (strcmp(word, "question") == 0) {
		scripted->is_about_other = true;
	} else {
		return false;
	}
	return true;
}

static void begin_message(const struct scripted *scripted, struct writer *out)
{
	static const uint8_t other[] = "\5other";
	const uint8_t *name = scripted->is_about_other ? other : scripted->apex;
	write_u16(out, (uint16_t)(scripted->id + scripted->is_odd));
	write_u16(out, (uint16_t)(scripted->flags ^ DNS_FLAG_QR));
	write_u16(out, 1);
	write_u16(out, 0);
	write_u32(out, 0);
	write_bytes(out, name, dns_name_len(name));
	write_u16(out, DNS_TYPE_IXFR);
	write_u16(out, DNS_CLASS_IN);
}

static bool next_word(struct scripted *scripted, char word[WORD_MAX])
{
	int read = 0;
	bool found = sscanf(scripted->at, "%31s%n", word, &read) == 1;
	scripted->at += found ? read : 0;
	return found;
}

enum scripted_step scripted_next(struct scripted *scripted, uint8_t *bytes, size_t capacity, size_t *len)
{
	char word[WORD_MAX];
	struct writer out = writer_of(bytes, capacity);
	uint16_t records = 0;
	scripted->is_odd = false;
	scripted->is_about_other = false;
	scripted->flags = 0;
	const char *start = scripted->at;
	bool found = next_word(scripted, word);
	if (!found || strcmp(word, "cut") == 0 || strcmp(word, "stall") == 0) {
		scripted->at = start;
		return !found ? SCRIPTED_END : word[0] == 'c' ? SCRIPTED_CUT : SCRIPTED_STALL;
	}
	while (found && take_manner(scripted, word)) {
		found = next_word(scripted, word);
	}
	begin_message(scripted, &out);
	for (; found && strcmp(word, "/") != 0; found = next_word(scripted, word)) {
		write_word(scripted, &out, word);
		records++;
	}
	ensure(!out.failed);
	store_u16(bytes + 6, records);
	*len = writer_len(&out);
	return SCRIPTED_MESSAGE;
}
