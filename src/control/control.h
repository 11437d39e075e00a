/* SPDX-License-Identifier: MIT */
/* The HTTP/JSON API over a UNIX socket: one side for the server, one for whoever asks it. doc/api.md describes it.
 *
 * Knows HTTP, JSON and the structs below. Does not know zones, sockets of DNS or how anything is done: the server fills
 * in `struct control_handlers`.
 *
 * I1  A request that waits holds up nobody else: each connection has a thread of its own, and at most CONTROL_WAITS_MAX
 *     requests wait. Whoever gives up his connection gives up his place among them.
 * I2  A request is bounded: head 16 KiB, body CONTROL_BODY_MAX, and CONTROL_ASK_S between its bytes.
 * I3  A socket file that a living server answers on is never removed.
 * I4  Nobody can be kept out: when CONTROL_CONNECTIONS_MAX are connected and one more comes, that one is dropped which
 *     has owed us the rest of its request for the longest time; if nobody does, who takes his answer for the longest. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/address.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

#define CONTROL_CONNECTIONS_MAX 64    /* far more than people and scripts need; a thread of 1 MiB stack each */
#define CONTROL_BACKLOG         1024  /* connections not taken yet; a UNIX socket refuses a client that finds it full */
#define CONTROL_BODY_MAX        65536 /* octets; the largest request that has a meaning is below 1 KiB */
#define CONTROL_WAITS_MAX       48    /* requests that wait for work; leaves a quarter of the connections to others */
#define CONTROL_ASK_S           5     /* seconds without a byte of a request, after which a connection is closed */
#define CONTROL_TAKE_S          60    /* the same while an answer is sent: a pager may stand between */
#define CONTROL_WAIT_MS_DEFAULT 60000 /* a request with "wait" but without "timeout_ms" */
#define CONTROL_WAIT_MS_MAX     3600000 /* the longest "timeout_ms" */
#define CONTROL_ZONES_PAGE_MAX  1000    /* zones in one answer of /v1/zones */

/* --- What the server tells --------------------------------------------------------------------------------------- */

enum control_zone_role { CONTROL_PRIMARY, CONTROL_SECONDARY };

enum control_zone_state {
	CONTROL_NOT_LOADED, /* nothing to serve: SERVFAIL; `reason` says why */
	CONTROL_LOADING,    /* nothing to serve yet, a load or first transfer is under way or due */
	CONTROL_SERVING,
	CONTROL_EXPIRED, /* a secondary that lost its primaries for too long: SERVFAIL */
};

/* "primary", "secondary". */
const char *control_role_name(enum control_zone_role role);
/* "not-loaded", "loading", "serving", "expired". */
const char *control_state_name(enum control_zone_state state);

/* How what is served stands to what is known to exist; from serials and times, never from the absence of errors. */
enum control_standing {
	CONTROL_NOTHING, /* nothing to serve yet */
	CONTROL_CURRENT, /* secondary: nothing newer is known, and a primary said so lately; primary: what its file said last */
	CONTROL_BEHIND, /* secondary: a newer version is known; primary: its file was read since, and not taken */
	CONTROL_UNPROVEN, /* secondary: nothing newer is known, but no primary has said so for longer than refresh and retry */
	CONTROL_LAPSED, /* secondary: no primary has said so for longer than expire: SERVFAIL */
};
/* "not-loaded", "current", "behind", "unproven", "expired". */
const char *control_standing_name(enum control_standing standing);

/* A primary of a secondary zone, and what came of asking it last. */
struct control_primary_status {
	struct address address;
	const char *peer_name; /* NULL: a plain address */
	const char *key;       /* NULL, or the name of the key that signs what is asked there */
	bool asked;            /* the fields below mean something */
	bool failed;
	const char *result; /* one clause: "serial 2026010101, up to date", "no answer within 2 s" */
	bool has_serial;
	uint32_t serial;
	uint64_t ago_ms;           /* since that result */
	const char *tried;         /* by what: "SOA", "IXFR", "AXFR"; "": nothing yet */
	const char *cause;         /* NULL, or the code of what is wrong (doc/causes.md) */
	const char *advice;        /* NULL, or what can be done about it */
	const char *whole_because; /* NULL, or why the whole zone was asked for after all, in place of differences */
	const char *whole_cause;   /* NULL, or the code of it */
	uint64_t held_back_s;      /* what it has is not fetched for so long, since that failed; 0: it would be */
	const char *reach;         /* "unknown", "up", "down", "probed": as all zones that follow it have seen */
	bool is_pinned;            /* what is served came from there, and the zone stays with it */
};

/* A secondary that we tell of new versions. */
struct control_secondary_status {
	struct address address;
	const char *peer_name; /* NULL: a plain address or one from the NS set */
	const char *key;       /* NULL, or the name of the key that signs what it is told */
	const char *reach;     /* as that of a primary, of all zones that tell it something */
	bool notified;         /* a NOTIFY was sent since the server started; the fields below mean something */
	bool acknowledged;     /* the newest serial's NOTIFY was answered, if not notified: before the server started */
	uint32_t serial_notified; /* means something when acknowledged, too */
	uint64_t notified_ago_ms;
	uint32_t attempts;   /* of the newest serial's NOTIFY */
	const char *problem; /* NULL, or why it is not acknowledged: "no answer after 5 attempts" */
	const char *cause;   /* NULL, or the code of it */
	bool has_serial;     /* we know which serial it has, from its last transfer or SOA question */
	uint32_t serial;
	uint32_t serials_behind; /* 0: up to date, as far as has_serial tells */
	uint64_t lag_ms;         /* publish to proof that it has the newest version; while behind: since that publish */
};

struct control_zone_status {
	const char *name; /* absolute, presentation format: "example.org.", "." */
	enum control_zone_role role;
	enum control_zone_state state;
	bool has_serial; /* a version is in memory, served or expired */
	uint32_t serial;
	const char *digest;                    /* of that version's content, in hex; NULL: there is none */
	uint64_t records, names, memory_bytes; /* of that version */
	uint64_t published_ago_ms;             /* since that version was published by this process */
	const char *store_problem;             /* NULL, or why what was stored could not be used at start */
	const char *store_cause;               /* the code of it */
	const char *store_rebuilt;             /* NULL, or what of the whole store was broken at start */
	const char *store_rebuilt_cause;       /* the code of it */
	bool is_volatile;                      /* served, but not on disk: a restart would lose it */
	/* NULL, or the code of what is wrong with the content that is served; `reason` says more */
	const char *alarm;
	const char *healed;      /* NULL, or the code of the last alarm that ended, also before the start, */
	uint32_t healed_serial;  /* with this serial, */
	uint64_t healed_ago_s;   /* so long ago, */
	const char *healed_from; /* by the copy that came from here; NULL: nobody knows */
	const char *reason;      /* NULL, or the last failure that still matters, as one sentence */
	const char *cause;       /* NULL, or the code of it (doc/causes.md) */
	const char *advice;      /* NULL, or what can be done about it */
	enum control_standing standing;
	bool has_origin;       /* where what is served came from, over restarts too: */
	int64_t came_at_s;     /* wall time: since when it is the newest here */
	uint64_t came_ago_s;   /*   */
	const char *came_from; /* "192.0.2.1@53", "zones/example.org.zone" */
	bool has_load;         /* primary: its file was read, or looked at, */
	uint64_t load_ago_s;   /* so long ago */
	const char *doing;     /* NULL, or what is under way: "AXFR from 192.0.2.1@53, 120000 records" */
	const char *file;      /* NULL: none */
	/* Secondaries only; has_timers false: never refreshed. Negative: overdue by so many seconds. */
	bool has_timers;
	int64_t refresh_in_s;
	int64_t expire_in_s;
	uint64_t proof_ago_s; /* since a primary gave or confirmed what is served */
	bool has_owed;        /* a newer version is known to be somewhere: */
	uint32_t owed_serial;
	uint64_t owed_for_s;
	const struct control_primary_status *primaries;
	size_t primary_count;
	const struct control_secondary_status *secondaries;
	size_t secondary_count;
};

struct control_server_status {
	const char *version; /* of the program */
	uint64_t pid;
	uint64_t uptime_s;
	const char *conf_path;     /* NULL: from flags */
	const char *conf_reason;   /* NULL, or why the last reload of the configuration was refused */
	const char *store_problem; /* NULL, or what of the store was broken at start, and what was done about it */
	uint64_t zone_count;
	uint64_t zones_serving, zones_loading, zones_not_loaded, zones_expired; /* add up to zone_count */
	uint64_t zones_volatile;
	uint64_t queries_udp, queries_tcp;    /* answered since start */
	uint64_t tcp_connections;             /* now */
	uint64_t transfers_in, transfers_out; /* under way now */
	uint64_t memory_bytes;                /* of all zones */
};

/* --- What the server does ---------------------------------------------------------------------------------------- */

enum control_action {
	CONTROL_RELOAD,     /* read the zone's file again if it changed (primary), ask the primaries (secondary) */
	CONTROL_REFRESH,    /* secondary: ask the primaries for their serial now */
	CONTROL_RETRANSFER, /* secondary: fetch the whole zone, whatever its serial */
	CONTROL_NOTIFY,     /* send NOTIFY to all targets now */
	CONTROL_FLUSH,      /* make what is served durable; done when it is on disk */
	CONTROL_EXPORT,     /* write the served version to the zone's file (secondary) */
	CONTROL_FORGET,     /* remove what is stored of a zone that is not configured; always waits */
};
#define CONTROL_ACTIONS 7

/* "reload", "refresh", ... */
const char *control_action_name(enum control_action action);
bool control_action_from_name(const char *name, enum control_action *out);

/* Whoever gave an order. Work that was begun is done in any case; only the waiting for it ends when he has gone. */
struct control_asker {
	bool (*is_gone)(const struct control_asker *self); /* any thread; costs a system call */
};

/* NULL: he never is. */
bool control_is_gone(const struct control_asker *asker);

/* How often whoever waits for work looks whether his asker is still there: what he leaves is free for others before
 * somebody tries a second time, and 48 who wait cost a hundred system calls in a second. */
#define CONTROL_LOOK_MS 500

struct control_order {
	enum control_action action;
	const char *zone;    /* a zone name, absolute, presentation format, as control_zone_status.name has it */
	bool wait;           /* return when it is done or has failed; else as soon as it is accepted */
	uint32_t timeout_ms; /* with wait: give up waiting (never the work itself) after this */
	const struct control_asker *asker; /* with wait: the same as soon as he is gone. NULL: he never is */
};

struct control_done {
	const char *text; /* what came of it, one sentence: "serial 2026010101 to 2026010102, 3 records changed" */
	bool has_serial;
	uint32_t serial; /* that is served now */
};

/* What a backup holds. */
struct control_backup {
	uint64_t zones;
	uint64_t images;     /* files of large zones among it */
	uint64_t left_out;   /* zones whose stored version is broken */
	const char *problem; /* NULL, or why the first of them was left out */
};

/* All handlers may be called by several threads at once, none of which is known to anything else in the server (a
 * handler that reads RCU-protected data registers itself or asks another thread). Strings and arrays that a handler
 * gives are taken from `arena`, which lives until the answer is sent. `error` is told to the client:
 * ERROR_NOT_FOUND 404, ERROR_INVALID 409, ERROR_DENIED 403, ERROR_TIMEOUT 504, ERROR_STOPPED 503, ERROR_LIMIT 503,
 * others 500. */
struct control_handlers {
	void *self;
	bool (*server_status)(void *self, struct arena *arena, struct control_server_status *out, struct error *error);
	bool (*zone_status)(void *self, const char *zone, struct arena *arena, struct control_zone_status *out,
	                    struct error *error);
	/* Up to `max` zones whose names come after `after` (NULL: from the start) in an order that the server chooses
	 * and keeps. The lists of primaries and secondaries may be left empty. */
	bool (*zone_list)(void *self, const char *after, size_t max, struct arena *arena,
	                  struct control_zone_status **out, size_t *count, struct error *error);
	bool (*zone_order)(void *self, const struct control_order *order, struct arena *arena, struct control_done *out,
	                   struct error *error);
	/* Writes the served version as a zone file to `fd`, from its start. */
	bool (*zone_write)(void *self, const char *zone, int fd, struct error *error);
	/* Reads the configuration again and applies what changed, and has the zone files read that changed; of `order` only
	 * `wait`, for the zone files, and `timeout_ms` count. With ERROR_INVALID the text has one line per problem. */
	bool (*reload)(void *self, const struct control_order *order, struct arena *arena, struct control_done *out,
	               struct error *error);
	/* Copies the store into a folder (an absolute path) that is empty or not there; returns when it is on disk. */
	bool (*backup)(void *self, const char *folder, struct arena *arena, struct control_backup *out,
	               struct error *error);
	/* Asks the server to stop; returns at once. */
	void (*stop)(void *self);
};

/* --- The server's side ------------------------------------------------------------------------------------------- */

struct control_server;

/* Listens on the UNIX socket at `path` (mode 0660) and answers from threads of its own. A socket file that nobody
 * answers on is replaced. `handlers` is copied, its `self` borrowed until control_server_stop returns. NULL on error:
 * ERROR_EXISTS   a living server answers there, or the path is something other than a socket
 * ERROR_LIMIT    the path is too long for a UNIX socket
 * ERROR_IO, ERROR_DENIED, ERROR_NOT_FOUND   as the system says */
MUST_USE struct control_server *control_server_start(const char *path, const struct control_handlers *handlers,
                                                     struct error *error);
/* Takes no more requests, waits for those under way (whose handlers should give up with ERROR_STOPPED), removes the
 * socket file and frees. NULL is fine. */
void control_server_stop(struct control_server *server);

/* --- The client's side ------------------------------------------------------------------------------------------- */

struct control_reply {
	long status; /* HTTP */
	char *body;  /* NUL-terminated; free() */
	size_t body_len;
};

/* Largest reply that a client takes into memory. */
#define CONTROL_REPLY_MAX ((size_t)256 << 20)

/* One request. `body` NULL: none. `timeout_ms` 0: as long as it takes. A reply of any HTTP status is true.
 * ERROR_NOT_FOUND  no socket there: the server does not run, or elsewhere
 * ERROR_DENIED     not allowed to open it
 * ERROR_TIMEOUT, ERROR_LIMIT, ERROR_IO */
MUST_USE bool control_request(const char *socket_path, const char *method, const char *url_path, const char *body,
                              uint32_t timeout_ms, struct control_reply *reply, struct error *error);
void control_reply_deinit(struct control_reply *reply);

/* Same for a GET whose reply is large: a body of status 200 goes to `out`, any other to `reply`.
 * ERROR_IO also: `out` cannot take it */
MUST_USE bool control_download(const char *socket_path, const char *url_path, FILE *out, struct control_reply *reply,
                               struct error *error);

/* What is served and why not more, in sentences, one a line: what is served since when and from whom, how it stands, what was
 * tried last and how that ended, what happens next and when, and who knows of it. Pure. */
void control_why(const struct control_zone_status *zone, struct text *out);

/* The name as one segment of a URL: what is not a letter, digit, '-', '_' or '.' is percent-encoded, and the root is
 * "@root", because "." in a path means something else to HTTP. */
void control_zone_segment(const char *zone, struct text *out);
