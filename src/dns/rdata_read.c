/* SPDX-License-Identifier: MIT */
/* RDATA out of messages: names that others may have compressed are expanded. */
#include "dns/rdata_internal.h"

#include "dns/name.h"

static bool is_expanded(enum rdata_field field)
{
	return field == RDATA_NAME_PACKED || field == RDATA_NAME_LENIENT;
}

static bool has_expanded(const struct rdata_row *row)
{
	bool found = false;
	for (size_t i = 0; row->fields[i] != RDATA_END; i++) {
		found = found || is_expanded((enum rdata_field)row->fields[i]);
	}
	return found;
}

/* One field, from `in`, whose start is the message and whose end is that of the RDATA. */
static bool expand_field(enum rdata_field field, struct reader *in, struct writer *out)
{
	if (is_expanded(field)) {
		struct dns_name name;
		dns_name_read(in, &name);
		if (!in->failed) {
			write_short(out, name.wire, name.len);
		}
		return !in->failed && !out->failed;
	}
	const char *why;
	const uint8_t *start = in->at;
	if (!rdata_skip(field, in, &why)) {
		return false;
	}
	write_bytes(out, start, (size_t)(in->at - start));
	return !out->failed;
}

static bool expand(const struct rdata_row *row, struct reader in, struct writer *out)
{
	for (size_t i = 0; row->fields[i] != RDATA_END; i++) {
		if (!expand_field((enum rdata_field)row->fields[i], &in, out)) {
			return false;
		}
	}
	return reader_left(&in) == 0;
}

bool dns_rdata_read(struct reader *message, uint16_t type, size_t len, struct writer *out)
{
	const struct rdata_row *row = rdata_row_get(type);
	uint8_t *start = out->at;
	struct reader in = *message;
	const uint8_t *rdata = read_bytes(message, len);
	if (rdata == NULL) {
		return false;
	}
	in.end = message->at;
	bool good;
	if (has_expanded(row)) {
		good = expand(row, in, out);
	} else {
		write_bytes(out, rdata, len);
		good = !out->failed;
	}
	if (!good || !dns_rdata_check_form(type, start, (size_t)(out->at - start))) {
		message->failed = true;
		out->at = start;
		return false;
	}
	return true;
}
