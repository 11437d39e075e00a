/* SPDX-License-Identifier: MIT */
/* The options, one row each. A row says everything that there is to say about an option; parser, defaults, checks,
 * difference and manual follow it. To add one: a member in conf.h and a row in rows.c. */
#pragma once

#include "conf/conf.h"

/* What a value is, how it is written, and which C type the member has. */
enum row_kind {
	ROW_BOOL,         /* bool: on or off */
	ROW_INTEGER,      /* uint32_t */
	ROW_COUNT,        /* uint64_t */
	ROW_SECONDS,      /* uint32_t: a duration of whole seconds; min and max are seconds */
	ROW_MILLISECONDS, /* uint32_t: a duration; min and max are milliseconds */
	ROW_PATIENCE,     /* uint32_t: refuse (CONF_NEVER), accept (0), or accept-after and a duration, in seconds */
	ROW_SIZE,         /* uint64_t: octets */
	ROW_ENUM,         /* an enum: one of `choices` */
	ROW_WORD,         /* const char *: the name of a peer or group that is defined here */
	ROW_PATH,         /* const char *: a path, relative to the configuration's folder */
	ROW_SOCKET_PATH,  /* the same, short enough for a UNIX socket */
	ROW_BYTES,        /* struct conf_bytes: text, or octets as 0x... */
	ROW_IDENTITY,     /* struct conf_identity: off, auto, or a text */
	ROW_SECRET,       /* struct conf_bytes: base64; never shown */
	ROW_NAME,         /* two members, const uint8_t * and const char *: a domain name */
	ROW_ADDRESSES,    /* struct conf_addresses */
	ROW_SOURCE,       /* struct conf_source: at most one address of each family */
	ROW_PREFIXES,     /* the prefixes of a struct access_rule */
	ROW_TARGETS,      /* struct conf_targets: peers or addresses */
	ROW_RULES,        /* struct access_rules */
	ROW_GROUP,        /* const char *: the name of a group */
	ROW_KEYS,         /* struct access_keys: names of keys */
	ROW_PEER,         /* const struct conf_peer *: the name of a peer */
};

struct row_choice {
	const char *name;
	int value;
};

struct row {
	const char *name;
	enum row_kind kind;
	bool required;
	size_t offset;                    /* of the member in the struct that the table is for */
	uint64_t min, max;                /* numbers, durations, sizes; lists: how many items, max 0: any number */
	const char *standard;             /* the default, as it would be written; NULL: none, the member stays zero */
	const struct row_choice *choices; /* ROW_ENUM; ends with name NULL */
	unsigned reload;                  /* enum conf_reload */
	const char *help;                 /* sentences */
	const char *see_max;              /* the row whose value this one may not exceed; NULL: none */
};

/* The options of one kind of map. */
struct rows {
	const char *title; /* "server", "a zone": for problems and the manual */
	const struct row *rows;
	size_t count;
};

extern const struct rows server_rows;      /* struct conf_server */
extern const struct rows key_rows;         /* struct conf_key */
extern const struct rows peer_rows;        /* struct conf_peer */
extern const struct rows group_rows;       /* struct group (read.c): what a group has beside zone_option_rows */
extern const struct rows zone_rows;        /* struct conf_zone: what a zone has beside zone_option_rows */
extern const struct rows zone_option_rows; /* struct conf_zone_options: of zones and groups */
extern const struct rows rule_rows;        /* struct rule (value.c): one access rule */

struct conf_group {
	const char *name;
};

/* One access rule as it is written; `peer` or the others. */
struct written_rule {
	const struct conf_peer *peer;
	struct access_rule from; /* its prefixes */
	struct access_keys keys;
};

const struct row *row_find(const struct rows *rows, const char *name);

/* What people know from other servers' configurations, and how it is called here; NULL: nothing. */
const char *row_name_elsewhere(const char *written);

/* "on or off", "a duration, 1s to 4w": for the manual and for problems. */
void row_write_kind(const struct row *row, struct text *out);
/* A number as it would be written for this row: "1h30m", "64K". */
void row_write_number(const struct row *row, uint64_t number, struct text *out);
