/* SPDX-License-Identifier: MIT */
/* The door of src/zonefile: zones in presentation form ("master files", RFC 1035 5) to records and back.
 *
 * Knows   the text: entries, directives, TTL and owner inheritance, $INCLUDE, $GENERATE, where an error stands.
 * Not     what a zone is made of: a record is handed on as soon as its line is read, in the order of the file. What
 *         needs a whole zone (SOA, glue, CNAME and other data) is checked where there is one.
 *
 * I1  Whoever reads does so by a push: one call per record, from memory that is reused. No heap block per record.
 * I2  An entry is handed on whole or not at all; after a bad entry reading goes on with the next one, so that a run
 *     tells many errors.
 * I3  Every record that is handed on is of the wanted class, at or below the apex, not of a meta type, and its RDATA
 *     passed dns_rdata_check.
 * I4  What zonefile_writer writes, zonefile_read_text reads back to the same octets, owner case included.
 *
 * The syntax for operators is in doc/zone-files.md. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/error.h"
#include "base/text.h"
#include "dns/name.h"

/* ---- What is told ---- */

enum zonefile_severity {
	ZONEFILE_ERROR,   /* refuses the version */
	ZONEFILE_WARNING, /* is told, and the version is taken */
};

/* One thing that is wrong. Everything is borrowed for the call. */
struct zonefile_problem {
	enum zonefile_severity severity;
	const char *file; /* NULL: not about a place in a file (then line and column are 0) */
	uint32_t line;    /* 1..; 0: not known */
	uint32_t column;  /* 1.., counted in octets; 0: not known */
	const char *text; /* "what, why, what to do", without a newline */
};

/* Whoever wants to know. Also used by checks of whole zones. */
struct zonefile_problem_sink {
	void (*tell)(struct zonefile_problem_sink *self, const struct zonefile_problem *problem);
	/* What was told so far is void: the file changed while it was read, and is read again. NULL: nobody minds. */
	void (*forget)(struct zonefile_problem_sink *self);
};

/* Appends "file:line:column: error: text", leaving out what is not known. No newline. */
void zonefile_problem_to_text(const struct zonefile_problem *problem, struct text *out);

/* ---- Reading ---- */

/* One record, as the file has it. Borrowed for the call. */
struct zonefile_record {
	const uint8_t *owner; /* wire form, case kept */
	size_t owner_len;
	bool owner_repeated; /* the octets of `owner` are those of the record before, so no lookup is needed */
	uint16_t type;
	uint16_t class;
	uint32_t ttl;         /* seconds, at most 2^31 - 1 (RFC 2181 8) */
	const uint8_t *rdata; /* uncompressed wire form */
	size_t rdata_len;
	const char *file;
	uint32_t line; /* where the entry begins */
};

/* Takes records in the order of the file. False refuses one: `error` then becomes a problem of severity error at its
 * line, and reading goes on. */
struct zonefile_record_sink {
	bool (*take)(struct zonefile_record_sink *self, const struct zonefile_record *record, struct error *error);
};

/* A text in memory, whole or piece by piece; it needs no NUL at its end. */
struct zonefile_text {
	const char *name;  /* the path for messages; $INCLUDE is relative to its folder */
	const char *chars; /* stays where it is, however much more comes */
	size_t len;        /* octets that are there */
	/* NULL: the text is whole. Else adds at least one octet behind those that are there, or says false: there are no
	 * more. What stands before octet `passed` is not looked at again. */
	bool (*more)(struct zonefile_text *self, size_t passed);
	void *context; /* of whoever made the text */
};

/* Finds what $INCLUDE names. `path` is already joined with the folder of the including file.
 * open: fills `out`, whose chars live until close; `out->name` need not be set. False: `error` says why.
 * same: do two paths name the same file? May be NULL: then equal paths do. */
struct zonefile_source {
	bool (*open)(struct zonefile_source *self, const char *path, struct zonefile_text *out, struct error *error);
	void (*close)(struct zonefile_source *self, struct zonefile_text *text);
	bool (*same)(struct zonefile_source *self, const char *a, const char *b);
};

/* Files inside files inside the main file; more is nearly always a loop that links hide. */
#define ZONEFILE_INCLUDE_DEPTH_MAX 16
/* Records of one $GENERATE: a PTR for each address of a /8. */
#define ZONEFILE_GENERATE_MAX  ((uint32_t)1 << 24)
#define ZONEFILE_ERRORS_MAX    100
#define ZONEFILE_WARNINGS_MAX  100
#define ZONEFILE_FILE_SIZE_MAX ((size_t)64 << 30)

/* Zero in a number means the constant above. */
struct zonefile_options {
	const uint8_t *apex;   /* the zone's name and first origin; borrowed; never NULL */
	uint16_t class;        /* 0: IN */
	size_t errors_max;     /* reading stops at this many errors */
	size_t warnings_max;   /* more are counted and not told */
	uint32_t generate_max; /* records that one $GENERATE may make */
	size_t file_size_max;  /* octets of one file */
	bool plain;            /* never take the quick way through simple lines; tests compare both */
};

struct zonefile_result {
	uint64_t record_count;  /* handed to the sink and taken */
	uint64_t error_count;   /* told */
	uint64_t warning_count; /* told or counted */
	uint64_t dropped_count; /* records outside of the zone */
};

/* Reads one zone from memory. `source` NULL: $INCLUDE is an error. `problems` may be NULL. False when there was an
 * error; `error` then has the first one as "file:line:column: text", with the number of further ones.
 * ERROR_SYNTAX. Any thread; takes some 100 KiB of heap and stack. */
MUST_USE bool zonefile_read_text(struct zonefile_text *text, const struct zonefile_options *options,
                                 struct zonefile_source *source, struct zonefile_record_sink *records,
                                 struct zonefile_problem_sink *problems, struct zonefile_result *result,
                                 struct error *error);

/* ---- Files ---- */

/* Which file it was, exactly: a later stat tells whether it is still the same (architecture: an unchanged file is not
 * parsed again, one that changes while it is read is read again). */
struct zonefile_identity {
	char *path;
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified;
	struct timespec changed;
};

/* The main file first, then each included one, in order of opening. */
struct zonefile_files {
	struct zonefile_identity *identities;
	size_t count;
};

void zonefile_files_init(struct zonefile_files *files);
void zonefile_files_deinit(struct zonefile_files *files);
/* Every file still has the identity that it had when it was read. Asks the file system once per file. */
bool zonefile_files_unchanged(const struct zonefile_files *files);
/* Both lists name the same files in the same state. */
bool zonefile_files_equal(const struct zonefile_files *a, const struct zonefile_files *b);

/* Reads one zone from disk, $INCLUDE allowed. `files` is initialised and empty; it is filled in either case with what
 * was opened. Further errors beside those of zonefile_read_text:
 * ERROR_NOT_FOUND, ERROR_DENIED, ERROR_IO, ERROR_LIMIT  the main file cannot be read
 * ERROR_STALE  a file changed while the zone was read; what the sink got is a mixture: throw it away and read again */
MUST_USE bool zonefile_read_file(const char *path, const struct zonefile_options *options,
                                 struct zonefile_record_sink *records, struct zonefile_problem_sink *problems,
                                 struct zonefile_files *files, struct zonefile_result *result, struct error *error);

/* Reads a TTL: seconds, or units as in "1w2d3h4m5s", repeated units added up (RFC 2308 4, BIND). At most 2^31 - 1.
 * `why` (may be NULL) gets a static sentence when false. */
bool zonefile_ttl_from_text(const char *chars, size_t len, uint32_t *ttl, const char **why);

/* ---- Writing ---- */

/* Where the text goes. Failures are the receiver's to remember. */
struct zonefile_output {
	void (*write)(struct zonefile_output *self, const char *chars, size_t len);
};

/* Writes one zone from records in canonical order of owners, the SOA first. The text depends on the records alone, not
 * on time or place. Owners are relative to the apex and left blank where the octets repeat. */
struct zonefile_writer {
	struct zonefile_output *output; /* borrowed until end */
	struct text buffer;             /* not yet handed to the output */
	struct dns_name apex;
	struct dns_name owner; /* of the last record; len 0: none yet */
};

/* Writes the head. `serial` is for its comment alone. */
void zonefile_writer_begin(struct zonefile_writer *writer, const uint8_t *apex, uint32_t serial,
                           struct zonefile_output *output);
void zonefile_writer_record(struct zonefile_writer *writer, const uint8_t *owner, uint16_t type, uint16_t class,
                            uint32_t ttl, const uint8_t *rdata, size_t rdata_len);
/* Hands the rest to the output and releases what the writer holds. */
void zonefile_writer_end(struct zonefile_writer *writer);
