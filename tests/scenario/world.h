/* SPDX-License-Identifier: MIT */
/* A small world for the replication core: servers that run the real machines of src/transfer, a network between them that
 * delays, loses, repeats and reorders, disks that keep what was written, and one clock that moves only when told.
 *
 * Every server serves one zone, `example.`. A primary is given versions; a secondary follows others, keeps a disk, tells
 * its own secondaries, and is asked by them. What a server answers can be made wrong in many ways (struct world_lies).
 *
 * After each step the world holds itself against what must always be true (world_fault):
 *   W1  what a secondary publishes is, record for record, a version that some primary published
 *   W2  a secondary's serial goes forward only, but after expiry, by force, or when its disk was lost
 *   W3  nobody serves longer than `expire` after the last moment at which any primary answered anybody, as long as no wall
 *       clock was shifted and no disk was lost */
#pragma once

#include "access/tsig.h"
#include "base/random.h"
#include "change/digest.h"
#include "transfer/transfer.h"

#define WORLD_SERVERS_MAX 16

struct world;
struct world_server;

/* What a server does wrong. Zeroed: nothing. */
struct world_lies {
	bool silent;           /* takes everything, answers nothing */
	bool deaf_udp;         /* the same for UDP alone */
	bool refused;          /* REFUSED to every question */
	bool servfail;         /* SERVFAIL to every question */
	bool no_authority;     /* AA is missing */
	bool truncated;        /* TC in every answer over UDP */
	bool no_edns;          /* FORMERR to a question with OPT */
	bool forged_first;     /* REFUSED with another id comes before the right answer */
	bool says_serial;      /* the SOA answers say `serial` */
	uint32_t serial;       /*   */
	char ixfr[128];        /* what it sends to whoever asks for differences: scripted.h; empty: the whole zone */
	bool axfr_refused;     /* REFUSED to AXFR only */
	bool axfr_no_edns;     /* FORMERR to AXFR and IXFR with OPT */
	bool ixfr_broken;      /* the connection breaks at an IXFR */
	unsigned ixfr_rcode;   /* what IXFR is answered with; 0: differences, or the whole zone */
	bool axfr_garbage;     /* the second message is noise */
	bool axfr_endless;     /* the transfer never ends */
	uint32_t axfr_cut;     /* the connection breaks after so many messages; 0: it does not */
	uint32_t axfr_stall;   /* nothing comes any more after so many messages; 0: it does */
	uint32_t axfr_rate;    /* octets per second; 0: as fast as the network */
	bool deaf_notify;      /* NOTIFYs are lost on it */
	unsigned notify_rcode; /* what NOTIFYs are answered with */
	bool disk_full;        /* a secondary cannot store what it gets */
	bool picky;            /* a secondary refuses versions with an odd serial: "checks" */
	bool tsig_none;        /* its answers are not signed, whatever the questions are */
	bool tsig_bad;         /* their MACs are wrong */
	bool tsig_other;       /* their MACs answer another question */
	uint32_t tsig_cut;     /* their MACs are cut to so many octets; 0: they are not */
	uint32_t tsig_every;   /* of a stream it signs the first message and each one of so many after it; 0: all */
	bool digest;           /* it tells a digest that its content does not have */
};

/* One direction between two servers. */
struct world_link {
	bool down;
	unsigned loss_percent;
	unsigned twice_percent;
	int64_t delay_ms;
	int64_t jitter_ms;
};

struct world_timers {
	uint32_t refresh_s, retry_s, expire_s;
};

struct world_counts {
	uint64_t soa_questions;  /* that reached this server */
	uint64_t axfr_questions; /* IXFR too */
	uint64_t ixfr_questions;
	uint64_t notifies;  /* that reached it */
	uint64_t published; /* by a secondary */
	uint64_t expired;
	uint64_t settled;
};

struct world_server {
	struct world *world;
	char name[32];
	size_t index;
	struct address address;
	bool is_primary;
	bool is_up;
	struct world_lies lies;
	struct world_counts counts;
	int64_t boot_shift_ms; /* its boot clock against the world's */
	int64_t wall_shift_s;

	/* configuration of a secondary, and of who is told */
	struct transfer_secondary_config config;
	struct address primaries[WORLD_SERVERS_MAX];
	struct address targets[WORLD_SERVERS_MAX];
	size_t target_count;
	struct transfer_limits limits;
	const struct tsig_key *keys[WORLD_SERVERS_MAX]; /* shared with the server of that index; NULL: none */
	struct tsig_keys *known;                        /* the same, as it finds them; NULL: none */
	bool thinks_tandem[WORLD_SERVERS_MAX];          /* `tandem: on` of that server */
	/* in the order of `primaries` and `targets`, for the machines */
	const struct tsig_key *primary_keys[WORLD_SERVERS_MAX];
	bool primary_is_tandem[WORLD_SERVERS_MAX];
	const struct tsig_key *target_keys[WORLD_SERVERS_MAX];
	uint8_t told[CHANGE_TOLD_SIZE]; /* what its answer tells */

	/* what it serves; NULL: nothing */
	const struct zone_snapshot *served;
	bool has_expired;
	int64_t expire_at_ms; /* its boot clock; a secondary's */

	/* its disk */
	const struct zone_snapshot *disk;
	struct transfer_origin disk_origin; /* of that version, at a secondary */
	struct change_deadlines disk_timers;
	struct transfer_debt disk_debts[WORLD_SERVERS_MAX]; /* of the version on disk */
	size_t disk_debt_count;

	/* what runs while it is up */
	struct transfer_edge edge;
	struct transfer_secondary_owner owner;
	struct transfer_notifier_owner notifier_owner;
	struct transfer_scheduler *scheduler;
	struct transfer_secondary *secondary;
	struct transfer_notifier *notifier;
	uint64_t wake_number; /* of the newest wake_at */
	uint64_t life;        /* events of an earlier life are dropped */
	bool may_go_back;     /* W2: the next publication */
	bool has_published;   /* W2: `serial_published` in this life of the disk */
	uint32_t serial_published;
	enum transfer_outcome outcome; /* of the newest owner.settled */
	char settled_text[512];
};

struct world *world_new(uint64_t seed);
void world_free(struct world *world);
struct random_source *world_random(struct world *world);

struct world_server *world_add_primary(struct world *world, const char *name);
/* Its primaries are set with world_follow before it starts. */
struct world_server *world_add_secondary(struct world *world, const char *name);
struct world_server *world_find(struct world *world, const char *name); /* NULL: no such server */
size_t world_count(const struct world *world);
struct world_server *world_at(struct world *world, size_t index);
/* At run time too: the machine is reconfigured. */
void world_follow(struct world_server *server, struct world_server *const *primaries, size_t count);
/* `server` sends NOTIFY to `target` from now on. */
void world_tell(struct world_server *server, const struct world_server *target);
enum world_sharing {
	WORLD_SHARE,         /* both have it */
	WORLD_SHARE_WRONG,   /* the other one has it with another secret */
	WORLD_SHARE_UNKNOWN, /* the other one does not have it */
};
/* What two servers ask and tell each other is signed from now on with a key of this name; NULL: nothing is. */
void world_share_key(struct world_server *server, struct world_server *other, const char *name,
                     enum world_sharing sharing);
/* `server` takes `other` for a Tandem that tells the digest of its content. */
void world_trust_digest(struct world_server *server, const struct world_server *other);
struct world_link *world_link(struct world *world, const struct world_server *from, const struct world_server *to);

/* A primary publishes a version of that serial with so many more records; versions of one serial are alike only if made
 * with the same number. */
void world_publish(struct world_server *server, uint32_t serial, size_t records, const struct world_timers *timers);

void world_start(struct world_server *server);
/* As kill -9: what is on disk stays. */
void world_stop(struct world_server *server);

/* Somebody sets the wall clock of a server. */
void world_shift_wall(struct world_server *server, int64_t by_s);
/* The disk forgets everything, or the timers alone. The server is down. */
void world_lose_disk(struct world_server *server, bool timers_only);
/* server->config or server->limits were changed. */
void world_reconfigure(struct world_server *server);

void world_run(struct world *world, int64_t ms);
int64_t world_now_ms(const struct world *world);
struct moment world_server_now(const struct world_server *server);

/* Both serve the same, serial and records. */
bool world_is_same(const struct world_server *a, const struct world_server *b);
/* The serial that a client would see; false: SERVFAIL, or it is down. */
bool world_serves(const struct world_server *server, uint32_t *serial);
/* NULL: all is well; else what was violated first. */
const char *world_fault(const struct world *world);
