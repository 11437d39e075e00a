/* SPDX-License-Identifier: MIT */
#include "zone_text.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "source/source.h"

struct text_sink {
	struct zonefile_record_sink sink;
	struct zone_builder *builder;
};

static bool add_record(struct zonefile_record_sink *self, const struct zonefile_record *record, struct error *error)
{
	struct text_sink *sink = (struct text_sink *)self;
	(void)error;
	return zone_builder_add(sink->builder, record->owner, record->type, record->ttl, record->rdata,
	                        record->rdata_len) == ZONE_ADDED;
}

const struct zone_snapshot *zone_of_text(const char *apex, uint32_t serial, const char *text)
{
	struct text whole;
	struct dns_name name;
	struct error error;
	struct zonefile_result result;
	text_init(&whole, SIZE_MAX / 2);
	text_add_string(&whole, "$TTL 3600\n");
	if (strstr(text, "SOA") == NULL) {
		text_format(&whole, "@ SOA ns.other. admin.other. %u 7200 900 1209600 300\n@ NS ns.other.\n", serial);
	}
	text_add_string(&whole, text);
	assert_true(dns_name_from_text(apex, &name, NULL));
	struct zonefile_text file = {.name = "test", .chars = text_string(&whole), .len = whole.len};
	struct zonefile_options options = {.apex = name.wire};
	struct text_sink sink = {.sink = {.take = add_record}, .builder = zone_builder_new(name.wire, 1)};
	if (!zonefile_read_text(&file, &options, NULL, &sink.sink, NULL, &result, &error)) {
		fail_msg("%s", error.text);
	}
	const struct zone_snapshot *zone = zone_builder_finish(sink.builder, NULL, &error);
	if (zone == NULL) {
		fail_msg("%s", error.text);
	}
	text_deinit(&whole);
	return zone;
}

struct text_output {
	struct zonefile_output output;
	struct text text;
};

static void add_text(struct zonefile_output *self, const char *chars, size_t len)
{
	text_add(&((struct text_output *)self)->text, chars, len);
}

char *text_of_zone(const struct zone_snapshot *zone)
{
	struct text_output output = {.output = {.write = add_text}};
	text_init(&output.text, SIZE_MAX / 2);
	source_write_zone(zone, &output.output);
	return output.text.chars;
}
