/* SPDX-License-Identifier: MIT */
/* Two octets of type, then RDATA: as octets, and as text. What passes the check has a text that reads back, a canonical
 * form that is one, and names within its bounds; what is read from text passes the check. */
#include <stdlib.h>
#include <string.h>

#include "../unit/dns/rdata_text.h"
#include "base/ensure.h"
#include "base/text.h"
#include "dns/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX 4096

static uint8_t parsed[DNS_RDATA_MAX];
static uint8_t canonical[DNS_RDATA_MAX];

static void check_names(uint16_t type, const uint8_t *rdata, size_t len)
{
	struct dns_rdata_name names[DNS_RDATA_NAMES_MAX];
	size_t count = dns_rdata_names(type, rdata, len, names);
	size_t at = 0;
	ensure(count == 0 || dns_type_has_names(type));
	for (size_t i = 0; i < count; i++) {
		struct reader reader = reader_of(rdata, len);
		ensure(names[i].offset >= at && names[i].offset < len);
		reader.at += names[i].offset;
		ensure(dns_name_read_plain(&reader) != NULL);
		at = (size_t)names[i].offset + names[i].len;
		ensure(reader_offset(&reader) == at);
	}
}

static void check_canonical(uint16_t type, const uint8_t *rdata, size_t len)
{
	dns_rdata_canonical(type, rdata, len, canonical);
	ensure(dns_rdata_check(type, canonical, len, NULL));
	ensure(dns_rdata_compare(type, rdata, len, canonical, len) == 0);
	ensure(dns_rdata_compare(type, rdata, len, rdata, len > 0 ? len - 1 : 0) >= 0);
}

static void check_text(uint16_t type, const uint8_t *rdata, size_t len)
{
	struct text text;
	struct dns_rdata_error error;
	struct writer out = writer_of(parsed, sizeof parsed);
	text_init(&text, 5 * DNS_RDATA_MAX);
	dns_rdata_to_text(type, rdata, len, &text);
	ensure(!text.failed);
	ensure(parse_rdata(type, text_string(&text), &out, &error));
	ensure(writer_len(&out) == len && (len == 0 || memcmp(parsed, rdata, len) == 0));
	text_deinit(&text);
}

static void try_octets(uint16_t type, const uint8_t *rdata, size_t len)
{
	const char *why;
	if (!dns_rdata_check(type, rdata, len, &why)) {
		ensure(why[0] != '\0');
		return;
	}
	check_names(type, rdata, len);
	check_canonical(type, rdata, len);
	check_text(type, rdata, len);
}

static void try_text(uint16_t type, const uint8_t *chars, size_t len)
{
	static uint8_t rdata[INPUT_MAX * 16];
	char text[INPUT_MAX + 1];
	struct dns_rdata_error error = {.text = ""};
	struct writer out = writer_of(rdata, sizeof rdata);
	memcpy(text, chars, len);
	text[len] = '\0';
	if (!parse_rdata(type, text, &out, &error)) {
		ensure(error.text[0] != '\0');
		return;
	}
	try_octets(type, rdata, writer_len(&out));
	ensure(dns_rdata_check(type, rdata, writer_len(&out), NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2 || size > INPUT_MAX) {
		return 0;
	}
	uint16_t type = load_u16(data);
	try_octets(type, data + 2, size - 2);
	try_text(type, data + 2, size - 2);
	return 0;
}
