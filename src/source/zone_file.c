/* SPDX-License-Identifier: MIT */
#include "source/source.h"

#include <stdio.h>

#include "base/bytes.h"
#include "base/file.h"
#include "dns/type.h"

struct builder_sink {
	struct zonefile_record_sink sink;
	struct zone_builder *builder;
};

static bool add_to_builder(struct zonefile_record_sink *self, const struct zonefile_record *record, struct error *error)
{
	struct builder_sink *sink = (struct builder_sink *)self;
	switch (zone_builder_add(sink->builder, record->owner, record->type, record->ttl, record->rdata,
	                         record->rdata_len)) {
	case ZONE_ADDED:
		return true;
	case ZONE_ADD_OUTSIDE:
		return error_set(error, ERROR_INVALID, "the owner is outside of the zone");
	case ZONE_ADD_META:
		return error_set(error, ERROR_INVALID, "a zone cannot hold records of this type");
	}
	return false;
}

static void tell_unified_ttls(const struct zone_build_report *build, const char *path,
                              struct zonefile_problem_sink *problems)
{
	char owner[DNS_NAME_TEXT_MAX];
	char type[DNS_MNEMONIC_MAX];
	char text[DNS_NAME_TEXT_MAX + 256];
	if (build->ttls_unified == 0 || problems == NULL) {
		return;
	}
	snprintf(text, sizeof text,
	         "%s %s%s: records of one RRset have different TTLs; the lowest is used (RFC 2181 5.2)",
	         dns_name_to_text(build->ttl_owner.wire, owner), dns_type_to_text(build->ttl_type, type),
	         build->ttls_unified > 1 ? " and other RRsets" : "");
	struct zonefile_problem problem = {.severity = ZONEFILE_WARNING, .file = path, .text = text};
	problems->tell(problems, &problem);
}

static const struct zone_snapshot *read_once(const char *path, const uint8_t *apex, const struct zone_snapshot *base,
                                             struct zonefile_problem_sink *problems, struct zonefile_files *files,
                                             struct source_report *report, struct error *error)
{
	struct zonefile_options options = {.apex = apex, .class = DNS_CLASS_IN};
	struct builder_sink sink = {
	        .sink = {.take = add_to_builder},
	        .builder = zone_builder_new_from(base, apex, DNS_CLASS_IN),
	};
	if (!zonefile_read_file(path, &options, &sink.sink, problems, files, &report->file, error)) {
		zone_builder_free(sink.builder);
		return NULL;
	}
	const struct zone_snapshot *snapshot = zone_builder_finish(sink.builder, &report->build, error);
	if (snapshot == NULL) {
		error_context(error, "%s", path);
		return NULL;
	}
	tell_unified_ttls(&report->build, path, problems);
	return snapshot;
}

const struct zone_snapshot *source_read_zone_file(const char *path, const uint8_t *apex,
                                                  const struct zone_snapshot *base,
                                                  struct zonefile_problem_sink *problems, struct zonefile_files *files,
                                                  struct source_report *report, struct error *error)
{
	const struct zone_snapshot *snapshot = NULL;
	for (int tries = 0; tries < SOURCE_READ_TRIES; tries++) {
		if (tries > 0 && problems != NULL && problems->forget != NULL) {
			problems->forget(problems);
		}
		*report = (struct source_report){0};
		error_clear(error);
		zonefile_files_deinit(files);
		zonefile_files_init(files);
		snapshot = read_once(path, apex, base, problems, files, report, error);
		if (snapshot != NULL || error->code != ERROR_STALE) {
			break;
		}
	}
	return snapshot;
}

static void write_list(struct zonefile_writer *writer, const struct dns_name *owner, uint16_t type, uint16_t class,
                       uint32_t ttl, const uint8_t *rdatas, uint16_t count)
{
	for (uint16_t i = 0; i < count; i++) {
		uint16_t len = load_u16(rdatas);
		zonefile_writer_record(writer, owner->wire, type, class, ttl, rdatas + 2, len);
		rdatas += 2 + len;
	}
}

void source_write_zone(const struct zone_snapshot *snapshot, struct zonefile_output *output)
{
	struct zonefile_writer writer;
	struct zone_walk walk;
	struct zone_node node;
	uint16_t class = zone_class(snapshot);
	zonefile_writer_begin(&writer, zone_name(snapshot), zone_serial(snapshot), output);
	zone_walk(snapshot, &walk);
	while (zone_walk_next(&walk, &node)) {
		struct dns_name owner;
		struct zone_rrset_walk rrsets;
		struct zone_rrset rrset;
		zone_node_owner(&node, &owner);
		zone_rrsets(&node, &rrsets);
		while (zone_rrsets_next(&rrsets, &rrset)) {
			write_list(&writer, &owner, rrset.type, class, rrset.ttl, rrset.rdatas, rrset.count);
			write_list(&writer, &owner, DNS_TYPE_RRSIG, class, rrset.sig_ttl, rrset.sigs, rrset.sig_count);
		}
	}
	zonefile_writer_end(&writer);
}

struct file_output {
	struct zonefile_output output;
	struct file_replacement file;
};

static void write_to_file(struct zonefile_output *self, const char *chars, size_t len)
{
	struct file_output *output = (struct file_output *)self;
	file_replacement_write(&output->file, chars, len);
}

bool source_write_zone_file(const struct zone_snapshot *snapshot, const char *path, struct error *error)
{
	struct file_output output = {.output = {.write = write_to_file}};
	if (!file_replacement_begin(&output.file, path, error)) {
		return false;
	}
	source_write_zone(snapshot, &output.output);
	return file_replacement_commit(&output.file, error);
}
