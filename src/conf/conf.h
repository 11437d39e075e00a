/* SPDX-License-Identifier: MIT */
/* What the operator wants: the configuration file (or the flags of `tandem serve`) as plain structs, with every value
 * resolved, and the difference of two configurations.
 *
 * One row per option (rows.c) is the whole truth: name, kind, range, default, reload plan, help. It drives the parser,
 * the checks, the difference, the manual page tandem.yaml(5) and doc/configuration.md.
 *
 * Knows addresses, names, access rules and YAML. Does not know sockets, zones' content, threads or the clock; the only
 * files it reads are the configuration itself and the key files that it names.
 *
 * I1  A struct conf never changes after it was built. All pointers inside lead into it and live as long as it does.
 * I2  A configuration is taken whole or not at all: with one problem there is no struct conf.
 * I3  What is accepted has an effect: an option that this version cannot honour is a problem, never ignored. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "access/access.h"
#include "access/tsig.h"
#include "base/address.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"

/* The port where none is said. */
#define CONF_PORT_DEFAULT 53

struct conf_addresses {
	const struct address *items; /* each has a port */
	size_t count;
};

/* A server that a zone's list names. */
struct conf_target {
	struct address address;  /* with port */
	const char *peer_name;   /* NULL: a plain address was written */
	struct access_keys keys; /* of the peer */
	bool is_tandem;          /* so is the peer */
};

struct conf_targets {
	const struct conf_target
	        *items; /* in the order of the file; a peer with several addresses gives several items */
	size_t count;
};

/* Where our own packets leave from; family ADDRESS_NONE: the system chooses. Port 0: any port. */
struct conf_source {
	struct address v4;
	struct address v6;
};

struct conf_bytes {
	const uint8_t *bytes;
	size_t len;
};

/* How a serial is raised when content changed and whoever changed it did not raise it. */
enum conf_serial_policy {
	CONF_SERIAL_KEEP,     /* never touched: such a change is refused */
	CONF_SERIAL_RAISE,    /* plus one */
	CONF_SERIAL_UNIXTIME, /* seconds since 1970, or plus one where that is not greater */
	CONF_SERIAL_DATE,     /* YYYYMMDDnn, or plus one where that is not greater */
};

#define CONF_NEVER UINT32_MAX

/* What a finding of a semantic check does. */
enum conf_severity { CONF_IGNORE, CONF_WARN, CONF_FAIL };

/* The options of a zone, each from the zone, else its group, else the default. Zones that say nothing themselves share
 * the struct of their group, and zones that follow each other and say the same share one. */
struct conf_zone_options {
	struct conf_targets primaries; /* none: the zone is a primary */
	struct conf_targets notify;    /* who is told of a new version */
	bool notify_ns;                /* also the servers of the NS set */
	/* By enum access_kind. ACCESS_NOTIFY has what `allow-notify` lists; the primaries may notify besides. */
	struct access_rules allow[ACCESS_KINDS];

	enum conf_serial_policy serial;
	uint32_t history_max_changes; /* 0: none are kept */
	uint64_t history_max_size;    /* octets; 0: not written, half of the zone */
	uint32_t history_max_age_s;
	uint32_t refresh_min_s, refresh_max_s; /* clamps of the SOA's timers; min <= max */
	uint32_t retry_min_s, retry_max_s;
	uint32_t expire_min_s, expire_max_s;

	uint32_t lower_serial_after_s; /* primaries that have had nothing but lower serials for so long are followed */

	/* The primary of the version is left when it has lacked a newer one for so long; 0: any is taken. */
	uint32_t pin_primary_s;

	struct conf_source query_source;    /* SOA questions of a secondary */
	struct conf_source notify_source;   /* NOTIFY out */
	struct conf_source transfer_source; /* AXFR and IXFR in */

	uint64_t max_records;          /* of a version that is transferred in; more refuses it */
	uint64_t max_zone_size;        /* bytes of wire of a version that is transferred in; more refuses it */
	uint32_t transfer_in_idle_ms;  /* longest silence of a primary */
	uint32_t transfer_in_total_ms; /* longest whole transfer in */
	uint64_t transfer_in_min_rate; /* bytes per second, averaged over the transfer after its first 10 s; 0: none */

	bool minimal_any;       /* RFC 8482: one RRset for ANY over UDP */
	bool minimal_responses; /* no NS set and no optional additional data in positive answers */

	bool strict_checks; /* of a secondary: what refuses a primary's file refuses a transfer too */
	enum conf_severity
	        check_ns; /* NS that leads to a CNAME, below a DNAME, to no address, or looks like an address */
	enum conf_severity check_mx_srv; /* the same for MX and SRV */
};

struct conf_zone {
	const uint8_t *name;    /* wire form, lower case */
	const char *name_text;  /* the same in presentation format, absolute: "example.org." */
	const char *file;       /* absolute path; NULL: none. With primaries: where the copy is exported */
	const char *group_name; /* NULL: none */
	const struct conf_zone_options *options;
	uint32_t line; /* where the file names it; 0: from a flag */
};

static inline bool conf_zone_is_secondary(const struct conf_zone *zone)
{
	return zone->options->primaries.count > 0;
}

/* The text of a CH TXT answer. */
enum conf_identity_kind { CONF_IDENTITY_REFUSED, CONF_IDENTITY_AUTO, CONF_IDENTITY_TEXT };
struct conf_identity {
	enum conf_identity_kind kind;
	const char *text; /* CONF_IDENTITY_TEXT: 1 to 255 octets; else "" */
};

struct conf_server {
	struct conf_addresses listen;
	const char *data_dir; /* absolute path */
	const char *control;  /* absolute path of the UNIX socket, short enough for one */
	uint32_t workers;     /* 0: one per core */
	enum log_level log_level;

	struct conf_bytes nsid;        /* RFC 5001; len 0: not answered */
	struct conf_identity version;  /* version.bind, version.server; auto: name and version of the program */
	struct conf_identity hostname; /* hostname.bind; auto: the machine's name */
	struct conf_identity identity; /* id.server (RFC 4892); auto: the machine's name */
	uint32_t edns_payload;         /* octets: what we accept and the most we send over UDP */

	uint32_t tcp_initial_ms;              /* until the first question of a connection has come */
	uint32_t tcp_idle_ms;                 /* between questions */
	uint32_t tcp_keepalive_ms;            /* the same, for who asks by edns-tcp-keepalive, if it is longer */
	uint32_t tcp_total_ms;                /* a connection's whole life; a transfer that runs is not cut by it */
	uint32_t tcp_send_ms;                 /* longest time in which a client takes nothing of an answer */
	uint32_t tcp_connections;             /* in all; when full, the idlest goes */
	uint32_t tcp_connections_per_address; /* from one IPv4 address or IPv6 /64; when full, its idlest goes */

	uint32_t transfers_in;             /* at once, in all */
	uint32_t transfers_in_per_primary; /* at once, from one address */
	uint32_t transfers_out;            /* at once, in all */
	uint32_t transfer_out_idle_ms;     /* longest time in which a client takes nothing of a transfer */
	uint32_t transfer_out_total_ms;    /* longest whole transfer out */
	uint32_t refresh_queries;          /* SOA questions under way at once */
	uint32_t notify_rate;              /* NOTIFYs per second */
	uint32_t startup_notify_rate;      /* the same for those that are owed because the server started */

	bool allow_hmac_md5;
};

/* A TSIG key. */
struct conf_key {
	const uint8_t *name;   /* wire form, lower case */
	const char *name_text; /* "xfr.example." */
	enum tsig_algorithm algorithm;
	struct conf_bytes secret;   /* as written here, decoded; never shown. len 0: `file` has it */
	const char *file;           /* absolute path; NULL: none */
	uint32_t mac_length;        /* octets; 0: as the algorithm has it */
	const struct tsig_key *key; /* what it is made into */
};

struct conf_peer {
	const char *name;
	struct conf_addresses addresses; /* at least one */
	struct access_keys keys;         /* any of them proves it, the first is for sending; none: its addresses do */
	bool is_tandem;                  /* it understands what only Tandem says */
};

struct conf {
	struct conf_server server;
	const struct conf_key *keys;
	size_t key_count;
	const struct tsig_keys *key_set; /* all of them */
	const struct conf_peer *peers;
	size_t peer_count;
	const struct conf_zone *zones; /* in the order of the file; no two of one name */
	size_t zone_count;
	const char *path; /* the file as it was named; NULL: built from flags */
};

/* --- Problems ---------------------------------------------------------------------------------------------------- */

/* As many are shown in full; further ones are counted. */
#define CONF_PROBLEMS_SHOWN 50

/* What is wrong, one line each: "tandem.yaml:3:14: unknown option `lisen`: did you mean `listen`?". */
struct conf_report {
	size_t problem_count;
	struct text lines; /* each ends with a newline */
};

void conf_report_init(struct conf_report *report);
void conf_report_deinit(struct conf_report *report);

/* --- Reading ----------------------------------------------------------------------------------------------------- */

/* Largest file: a million zones of 200 octets and some. */
#define CONF_FILE_SIZE_MAX ((size_t)512 << 20)

/* Reads a configuration file. Relative paths in it resolve against its folder. NULL when there is a problem, which is
 * then in `report` (initialised by the caller, borrowed). Free with conf_unref. */
MUST_USE struct conf *conf_read_file(const char *path, struct conf_report *report);

/* Same from memory. `shown_path` stands in problems; `folder` is what relative paths resolve against. */
MUST_USE struct conf *conf_read_text(const char *text, size_t len, const char *shown_path, const char *folder,
                                     struct conf_report *report);

/* The path of the control socket that a configuration file names or implies, whatever else is wrong in the file: the way
 * to the server must not depend on an edit that is under way. Absolute; free(). NULL:
 * ERROR_NOT_FOUND, ERROR_DENIED, ERROR_IO, ERROR_LIMIT  the file cannot be read
 * ERROR_SYNTAX                                          it is no YAML */
char *conf_find_control(const char *path, struct error *error);

/* The flags of `tandem serve`. */
enum conf_flag_kind {
	CONF_FLAG_ZONE,           /* NAME=FILE */
	CONF_FLAG_FOLLOW,         /* NAME=ADDR[@PORT]; once more for the same name adds a primary */
	CONF_FLAG_ALLOW_TRANSFER, /* PREFIX, for every zone */
	CONF_FLAG_NOTIFY,         /* ADDR[@PORT], for every zone */
	CONF_FLAG_LISTEN,         /* ADDR@PORT */
	CONF_FLAG_DATA_DIR,       /* DIR */
	CONF_FLAG_CONTROL,        /* PATH */
};

struct conf_flag {
	enum conf_flag_kind kind;
	const char *value; /* borrowed for the call */
};

/* "--zone" */
const char *conf_flag_name(enum conf_flag_kind kind);

/* A configuration from flags alone, through the same rows and checks. Relative paths resolve against `folder`. */
MUST_USE struct conf *conf_from_flags(const struct conf_flag *flags, size_t count, const char *folder,
                                      struct conf_report *report);

/* Counted by an atomic: any thread. The last unref frees; NULL is fine there. */
struct conf *conf_ref(struct conf *conf);
void conf_unref(struct conf *conf);

/* NULL: no such zone. `name_text` is a name in presentation format; case and the final dot do not matter. */
const struct conf_zone *conf_find_zone(const struct conf *conf, const char *name_text);

const char *conf_serial_policy_name(enum conf_serial_policy policy);

/* --- Difference -------------------------------------------------------------------------------------------------- */

/* What must happen for a new value to hold. A bit set: several changes add up. */
enum conf_reload {
	RELOAD_NOTHING = 0,          /* read where it is used: holds as soon as the new configuration is in place */
	RELOAD_FILE = 1 << 0,        /* zone: read its file again, check it again */
	RELOAD_REPLICATION = 1 << 1, /* zone: give primaries, notify targets, timers, sources to its state machines */
	RELOAD_ROLE = 1 << 2,        /* zone: primary became secondary or the reverse: set it up anew */
	RELOAD_LISTEN = 1 << 3,      /* server: open and close sockets */
	RELOAD_SETTINGS = 1 << 4, /* server: give the new values to whoever holds a copy: network, replication, log */
	RELOAD_RESTART = 1 << 5,  /* server: holds after a restart only, and says so */
};

enum conf_zone_change { CONF_ZONE_ADDED, CONF_ZONE_REMOVED, CONF_ZONE_CHANGED };

struct conf_zone_difference {
	enum conf_zone_change change;
	const struct conf_zone *before; /* borrowed from the old configuration; NULL when added */
	const struct conf_zone *after;  /* borrowed from the new configuration; NULL when removed */
	unsigned reload;                /* enum conf_reload bits; of CONF_ZONE_CHANGED only */
	uint64_t options;               /* which changed: bit i is the option that conf_zone_option_name(i) names */
};

struct conf_difference {
	struct conf_zone_difference *zones; /* only those with a difference, by name in the order of octets */
	size_t zone_count;
	unsigned server_reload;  /* enum conf_reload bits */
	uint64_t server_options; /* bit i is the option that conf_server_option_name(i) names */
};

/* What changed from `before` to `after`, by meaning and not by spelling: a peer that got another address changes the
 * zones that name it; an option moved from a zone to its group changes nothing. Free with conf_difference_free; the
 * two configurations must outlive it. Cost: linear in both. */
struct conf_difference *conf_diff(const struct conf *before, const struct conf *after);
void conf_difference_free(struct conf_difference *difference);

/* NULL: no option has this number. */
const char *conf_zone_option_name(size_t index);
const char *conf_server_option_name(size_t index);

/* "listen, workers" for a set of bits, for a log line. */
void conf_write_option_names(uint64_t options, const char *(*name_of)(size_t index), struct text *out);

/* --- Manual ------------------------------------------------------------------------------------------------------ */

/* The source of tandem.yaml(5) in man(7), and doc/configuration.md, both from the rows. */
void conf_write_manual(const char *version, struct text *out);
void conf_write_markdown(struct text *out);
