/* SPDX-License-Identifier: MIT */
/* Records to a zone file that people can read and that reads back to the same octets (I4). Columns are aligned with
 * tabs, so that a large zone is not mostly spaces. */
#include "zonefile/zonefile.h"

#include <inttypes.h>
#include <string.h>

#include "dns/rdata.h"
#include "dns/type.h"

/* Handed to the output when so much is gathered. */
#define FLUSH_LEN ((size_t)64 * 1024)
/* With one line more. The longest is a bitmap of all types: 8.5 KiB of RDATA, 640 KiB of text. */
#define BUFFER_MAX (FLUSH_LEN + (size_t)16 * DNS_RDATA_MAX)

#define TAB_WIDTH        8
#define OWNER_WIDTH      24
#define TYPE_WIDTH       16 /* class, type */
#define SOA_NUMBERS      5
#define SOA_NUMBER_WIDTH 13 /* ten digits, the closing parenthesis, a blank */
#define INDENT_TABS      6  /* where the RDATA begins */

static void flush(struct zonefile_writer *writer)
{
	struct text *buffer = &writer->buffer;
	if (buffer->len > 0) {
		writer->output->write(writer->output, buffer->chars, buffer->len);
	}
	text_clear(buffer);
}

void zonefile_writer_begin(struct zonefile_writer *writer, const uint8_t *apex, uint32_t serial,
                           struct zonefile_output *output)
{
	char name[DNS_NAME_TEXT_MAX];
	*writer = (struct zonefile_writer){.output = output, .apex = dns_name_of(apex)};
	text_init(&writer->buffer, BUFFER_MAX);
	dns_name_to_text(apex, name);
	text_format(&writer->buffer, "; zone %s serial %" PRIu32 "\n$ORIGIN %s\n", name, serial, name);
}

void zonefile_writer_end(struct zonefile_writer *writer)
{
	flush(writer);
	text_deinit(&writer->buffer);
}

/* Tabs from column `used` (counted from 0) to column `width`; one blank where the column is passed already. */
static void add_padding(struct text *out, size_t used, size_t width)
{
	if (used >= width) {
		text_add_char(out, ' ');
		return;
	}
	static const char tabs[] = "\t\t\t\t\t\t\t\t";
	text_add(out, tabs, (width - used + TAB_WIDTH - 1) / TAB_WIDTH);
}

/* Octets in front of the apex; `len` when the apex is not behind them in exactly these octets: the case of a name that
 * is written relative to the apex would become the apex's (I4). */
static size_t prefix_len(const struct dns_name *owner, const struct dns_name *apex)
{
	size_t at = 0;
	while (at + apex->len < owner->len) {
		at += 1u + owner->wire[at];
	}
	bool ends_so = at + apex->len == owner->len && memcmp(owner->wire + at, apex->wire, apex->len) == 0;
	return ends_so ? at : owner->len;
}

/* The owner as seen from the apex. */
static void add_owner(struct text *out, const struct dns_name *apex, const struct dns_name *owner)
{
	char text[DNS_NAME_TEXT_MAX];
	struct dns_name relative;
	size_t len = prefix_len(owner, apex);
	if (len == owner->len) {
		text_add_string(out, dns_name_to_text(owner->wire, text));
	} else if (len == 0) {
		text_add_char(out, '@');
	} else {
		memcpy(relative.wire, owner->wire, len);
		relative.wire[len] = 0;
		text_add_string(out, dns_name_to_text_short(relative.wire, text));
	}
}

/* Owner column; blank where the octets are those of the line before. */
static void add_owner_column(struct zonefile_writer *writer, const uint8_t *owner)
{
	struct text *out = &writer->buffer;
	size_t start = out->len;
	if (writer->owner.len == 0 || !dns_name_same(writer->owner.wire, owner)) {
		writer->owner = dns_name_of(owner);
		add_owner(out, &writer->apex, &writer->owner);
	}
	add_padding(out, out->len - start, OWNER_WIDTH);
}

static void add_head(struct zonefile_writer *writer, uint16_t type, uint16_t class, uint32_t ttl)
{
	char mnemonic[DNS_MNEMONIC_MAX];
	struct text *out = &writer->buffer;
	size_t start = out->len;
	text_add_decimal(out, ttl);
	add_padding(out, out->len - start, TAB_WIDTH);
	start = out->len;
	text_add_string(out, dns_class_to_text(class, mnemonic));
	text_add_char(out, ' ');
	text_add_string(out, dns_type_to_text(type, mnemonic));
	add_padding(out, out->len - start, TYPE_WIDTH);
}

/* The last numbers of an SOA on lines of their own, each with its meaning. */
static void break_soa(struct text *out, size_t rdata_start)
{
	static const char *const meanings[SOA_NUMBERS] = {"serial", "refresh", "retry", "expire", "minimum"};
	char numbers[SOA_NUMBERS][16];
	size_t end = out->len;
	for (size_t i = SOA_NUMBERS; i-- > 0;) {
		size_t start = end;
		while (start > rdata_start && out->chars[start - 1] != ' ') {
			start--;
		}
		size_t len = end - start;
		if (len == 0 || len >= sizeof numbers[0] || start == rdata_start) {
			return; /* \# and the like: it stays on one line */
		}
		memcpy(numbers[i], out->chars + start, len);
		numbers[i][len] = '\0';
		end = start - 1;
	}
	out->len = end;
	text_add_string(out, " (");
	for (size_t i = 0; i < SOA_NUMBERS; i++) {
		text_add_char(out, '\n');
		text_add(out, "\t\t\t\t\t\t\t\t", INDENT_TABS);
		const char *close = i + 1 == SOA_NUMBERS ? " )" : "";
		text_format(out, "%s%s%*s; %s", numbers[i], close,
		            (int)(SOA_NUMBER_WIDTH - strlen(numbers[i]) - strlen(close)), "", meanings[i]);
	}
}

void zonefile_writer_record(struct zonefile_writer *writer, const uint8_t *owner, uint16_t type, uint16_t class,
                            uint32_t ttl, const uint8_t *rdata, size_t rdata_len)
{
	struct text *out = &writer->buffer;
	if (out->len >= FLUSH_LEN) {
		flush(writer);
	}
	add_owner_column(writer, owner);
	add_head(writer, type, class, ttl);
	size_t rdata_start = out->len;
	dns_rdata_to_text(type, rdata, rdata_len, out);
	if (type == DNS_TYPE_SOA) {
		break_soa(out, rdata_start);
	}
	text_add_char(out, '\n');
	ensure(!out->failed);
}
