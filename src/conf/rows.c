/* SPDX-License-Identifier: MIT */
/* The truth about every option. */
#include "conf/rows_internal.h"

#include <string.h>

#define MINUTE 60u
#define HOUR   3600u
#define DAY    86400u
#define WEEK   604800u

#define LIST(rows_array) .rows = rows_array, .count = ARRAY_LENGTH(rows_array)

static const struct row_choice log_levels[] = {
        {"error", LOG_ERROR}, {"warning", LOG_WARNING}, {"notice", LOG_NOTICE},
        {"info", LOG_INFO},   {"debug", LOG_DEBUG},     {NULL, 0},
};

static const struct row_choice serial_policies[] = {
        {"raise", CONF_SERIAL_RAISE},
        {"keep", CONF_SERIAL_KEEP},
        {"unixtime", CONF_SERIAL_UNIXTIME},
        {"date", CONF_SERIAL_DATE},
        {NULL, 0},
};

static const struct row_choice severities[] = {
        {"ignore", CONF_IGNORE},
        {"warn", CONF_WARN},
        {"fail", CONF_FAIL},
        {NULL, 0},
};

static const struct row_choice algorithms[] = {
        {"hmac-md5", TSIG_HMAC_MD5},
        {"hmac-sha1", TSIG_HMAC_SHA1},
        {"hmac-sha224", TSIG_HMAC_SHA224},
        {"hmac-sha256", TSIG_HMAC_SHA256},
        {"hmac-sha256-128", TSIG_HMAC_SHA256_128},
        {"hmac-sha384", TSIG_HMAC_SHA384},
        {"hmac-sha384-192", TSIG_HMAC_SHA384_192},
        {"hmac-sha512", TSIG_HMAC_SHA512},
        {"hmac-sha512-256", TSIG_HMAC_SHA512_256},
        {NULL, 0},
};
_Static_assert(ARRAY_LENGTH(algorithms) == TSIG_ALGORITHMS + 1, "a row for each");

#define SERVER(member) .offset = offsetof(struct conf_server, member)
static const struct row server_row_list[] = {
        {"listen", ROW_ADDRESSES, SERVER(listen), .min = 1, .standard = "[0.0.0.0@53, '::@53']",
         .reload = RELOAD_LISTEN,
         .help = "Addresses to answer on, over UDP and TCP. Without a port it is 53. `0.0.0.0` and `::` mean every "
                 "address of the machine; answers leave from the address that was asked."},
        {"data-dir", ROW_PATH, SERVER(data_dir), .standard = "tandem-data", .reload = RELOAD_RESTART,
         .help = "Folder for what must survive a restart: copies of zones, timers, serials. Made if it is missing. One "
                 "server at a time."},
        {"control", ROW_SOCKET_PATH, SERVER(control), .standard = "tandem.sock", .reload = RELOAD_RESTART,
         .help = "UNIX socket of the HTTP/JSON API, which `tandem status` and `tandem zone` speak. Whoever may open it "
                 "(mode 0660) may control the server."},
        {"workers", ROW_INTEGER, SERVER(workers), .max = 256, .standard = "0", .reload = RELOAD_RESTART,
         .help = "Threads that answer questions. 0: one per core."},
        {"log-level", ROW_ENUM, SERVER(log_level), .choices = log_levels, .standard = "notice",
         .reload = RELOAD_SETTINGS,
         .help = "Least important messages that are written to standard error. With more than 1000 zones what the "
                 "start "
                 "serves of each is `info`; that all are served is told at `notice`."},
        {"nsid", ROW_BYTES, SERVER(nsid), .max = 128, .reload = RELOAD_SETTINGS,
         .help = "Name of this server for the NSID option (RFC 5001): a text, or octets as `0x` and hex digits. Not "
                 "answered by default."},
        {"version", ROW_IDENTITY, SERVER(version), .standard = "auto", .reload = RELOAD_SETTINGS,
         .help = "Answer to `version.bind` and `version.server` CH TXT. `auto`: name and version of the program; "
                 "`off`: REFUSED."},
        {"hostname", ROW_IDENTITY, SERVER(hostname), .standard = "auto", .reload = RELOAD_SETTINGS,
         .help = "Answer to `hostname.bind` CH TXT. `auto`: the name of the machine; `off`: REFUSED."},
        {"identity", ROW_IDENTITY, SERVER(identity), .standard = "auto", .reload = RELOAD_SETTINGS,
         .help = "Answer to `id.server` CH TXT (RFC 4892). `auto`: the name of the machine; `off`: REFUSED."},
        {"edns-payload", ROW_INTEGER, SERVER(edns_payload), .min = 512, .max = 4096, .standard = "1232",
         .reload = RELOAD_SETTINGS,
         .help = "Octets of the largest UDP answer, and what EDNS says we accept. 1232 fits every IPv6 path without "
                 "fragments."},
        {"tcp-initial", ROW_MILLISECONDS, SERVER(tcp_initial_ms), .min = 100, .max = HOUR * 1000, .standard = "3s",
         .reload = RELOAD_SETTINGS, .help = "A new TCP connection without a whole question is closed after this."},
        {"tcp-idle", ROW_MILLISECONDS, SERVER(tcp_idle_ms), .min = 100, .max = HOUR * 1000, .standard = "10s",
         .reload = RELOAD_SETTINGS, .help = "A TCP connection without a further question is closed after this."},
        {"tcp-keepalive", ROW_MILLISECONDS, SERVER(tcp_keepalive_ms), .min = 100, .max = HOUR * 1000, .standard = "30s",
         .reload = RELOAD_SETTINGS,
         .help = "The same for a client that asks by edns-tcp-keepalive (RFC 7828), which is told; `tcp-idle` holds "
                 "where that is longer."},
        {"tcp-total", ROW_MILLISECONDS, SERVER(tcp_total_ms), .min = 1000, .max = WEEK * 1000, .standard = "1h",
         .reload = RELOAD_SETTINGS,
         .help = "A TCP connection of this age takes no more questions. A transfer that runs is not cut by it."},
        {"tcp-send", ROW_MILLISECONDS, SERVER(tcp_send_ms), .min = 100, .max = HOUR * 1000, .standard = "5s",
         .reload = RELOAD_SETTINGS, .help = "A client that takes nothing of its answer for so long is cut off."},
        {"tcp-connections", ROW_INTEGER, SERVER(tcp_connections), .min = 1, .max = 1000000, .standard = "4096",
         .reload = RELOAD_SETTINGS,
         .help = "TCP connections at once. When it is reached, the idlest one goes. Where the system's limit of open "
                 "files leaves too little room, fewer are taken, and the log says so."},
        {"tcp-connections-per-address", ROW_INTEGER, SERVER(tcp_connections_per_address), .min = 1, .max = 1000000,
         .standard = "1024", .reload = RELOAD_SETTINGS,
         .help = "TCP connections at once from one IPv4 address or IPv6 /64. When it is reached, its idlest one goes."},
        {"transfers-in", ROW_INTEGER, SERVER(transfers_in), .min = 1, .max = 4096, .standard = "64",
         .reload = RELOAD_SETTINGS, .help = "Zones that are transferred in at once."},
        {"transfers-in-per-primary", ROW_INTEGER, SERVER(transfers_in_per_primary), .min = 1, .max = 4096,
         .standard = "16", .reload = RELOAD_SETTINGS,
         .help = "Zones that are transferred in at once from one address."},
        {"transfers-out", ROW_INTEGER, SERVER(transfers_out), .min = 1, .max = 100000, .standard = "256",
         .reload = RELOAD_SETTINGS,
         .help = "Zones that are transferred out at once. Further clients are refused and ask again."},
        {"transfer-out-idle", ROW_MILLISECONDS, SERVER(transfer_out_idle_ms), .min = 100, .max = DAY * 1000,
         .standard = "1m", .reload = RELOAD_SETTINGS,
         .help = "A client that takes nothing of a transfer for so long is cut off."},
        {"transfer-out-total", ROW_MILLISECONDS, SERVER(transfer_out_total_ms), .min = 1000, .max = WEEK * 1000,
         .standard = "2h", .reload = RELOAD_SETTINGS, .help = "A transfer out that is not done after this is cut off."},
        {"refresh-queries", ROW_INTEGER, SERVER(refresh_queries), .min = 1, .max = 8192, .standard = "1024",
         .reload = RELOAD_SETTINGS, .help = "SOA questions to primaries that are under way at once."},
        {"notify-rate", ROW_INTEGER, SERVER(notify_rate), .min = 1, .max = 1000000, .standard = "2000",
         .reload = RELOAD_SETTINGS, .help = "NOTIFY messages per second."},
        {"startup-notify-rate", ROW_INTEGER, SERVER(startup_notify_rate), .min = 1, .max = 1000000, .standard = "200",
         .reload = RELOAD_SETTINGS,
         .help = "NOTIFY messages per second that are owed only because the server was started."},
        {"allow-hmac-md5", ROW_BOOL, SERVER(allow_hmac_md5), .standard = "off",
         .help = "Take TSIG keys whose algorithm is `hmac-md5`, which nobody should use any more (RFC 8945 6). `off`: "
                 "such a key is an error."},
};
const struct rows server_rows = {.title = "server", LIST(server_row_list)};

#define KEY(member) .offset = offsetof(struct conf_key, member)
static const struct row key_row_list[] = {
        {"name", ROW_NAME, .required = true, KEY(name),
         .help = "Name of the key, the same on both sides: it goes over the wire."},
        {"algorithm", ROW_ENUM, KEY(algorithm), .choices = algorithms,
         .help = "HMAC of the key, the same on both sides. May be left out where `file` says it. A number behind the "
                 "hash "
                 "is part of the algorithm's name on the wire (RFC 8945 6); what BIND calls `hmac-sha256-128` is "
                 "`hmac-sha256` with `mac-length: 16`."},
        {"secret", ROW_SECRET, KEY(secret),
         .help = "The shared secret in base64. Keep the configuration readable to the server alone, or use `file`."},
        {"file", ROW_PATH, KEY(file),
         .help = "File that has the key, instead of `secret`: one that `tandem key new tsig` wrote, in the form that "
                 "`dig -k` and BIND read too, or a line `ALGORITHM:NAME:SECRET`. It is refused if others may read it: "
                 "mode 0640 at the most. It is read again on reload."},
        {"mac-length", ROW_INTEGER, KEY(mac_length), .min = 10, .max = TSIG_MAC_MAX,
         .help = "Octets to which MACs are cut that we make, and which those that come must have at the least (RFC "
                 "8945 5.2.2.1); shorter ones are answered with BADTRUNC. At least half of what the hash gives. By "
                 "default MACs are whole."},
};
const struct rows key_rows = {.title = "a key", LIST(key_row_list)};

#define PEER(member) .offset = offsetof(struct conf_peer, member)
static const struct row peer_row_list[] = {
        {"name", ROW_WORD, .required = true, PEER(name),
         .help = "What lists and rules call this server. Letters, digits, `-`, `_` and `.`."},
        {"address", ROW_ADDRESSES, .required = true, PEER(addresses), .min = 1,
         .help = "Its addresses, ADDR or ADDR@PORT; without a port it is 53."},
        {"key", ROW_KEYS, PEER(keys), .min = 1,
         .help = "TSIG keys that prove who it is; its addresses then prove nothing. What we send to it is signed with "
                 "the first, and its answers must be signed with that one too; what it asks may be signed with any of "
                 "them, so that keys can be changed one side at a time."},
        {"tandem", ROW_BOOL, PEER(is_tandem), .standard = "off",
         .help = "It is a Tandem: where it is a primary, it is asked for the digest of its content beside the serial, "
                 "so that a difference under one serial is found and repaired. What it says counts where it has a "
                 "`key` or is on a loopback address."},
};
const struct rows peer_rows = {.title = "a peer", LIST(peer_row_list)};

static const struct row group_row_list[] = {
        {"name", ROW_WORD, .required = true, .offset = offsetof(struct conf_group, name),
         .help = "What zones call this group."},
};
const struct rows group_rows = {.title = "a group", LIST(group_row_list)};

#define ZONE(member) .offset = offsetof(struct conf_zone, member)
static const struct row zone_row_list[] = {
        {"name", ROW_NAME, .required = true, ZONE(name),
         .help = "Name of the zone; `.` is the root. The final dot may be left out."},
        {"file", ROW_PATH, ZONE(file), .reload = RELOAD_FILE,
         .help = "Zone file. A primary reads it; a secondary writes its copy to it on `tandem zone export`."},
        {"group", ROW_GROUP, ZONE(group_name),
         .help = "Group whose options hold where the zone says nothing itself. A zone's list replaces its group's; "
                 "nothing is appended."},
};
const struct rows zone_rows = {.title = "a zone", LIST(zone_row_list)};

#define OPTION(member) .offset = offsetof(struct conf_zone_options, member)
#define TIMER(member, standard_text)                                                                                   \
	ROW_SECONDS, OPTION(member), .min = 1, .max = 3550 * WEEK, .standard = standard_text,                          \
	                             .reload = RELOAD_REPLICATION
static const struct row zone_option_row_list[] = {
        {"primaries", ROW_TARGETS, OPTION(primaries), .reload = RELOAD_REPLICATION,
         .help = "Servers to follow: peers, or ADDR[@PORT]. With it the zone is a secondary. All are asked, and the "
                 "freshest answer wins."},
        {"notify", ROW_TARGETS, OPTION(notify), .reload = RELOAD_REPLICATION,
         .help = "Servers that are told of every new version (RFC 1996): peers, or ADDR[@PORT]."},
        {"notify-ns", ROW_BOOL, OPTION(notify_ns), .standard = "off", .reload = RELOAD_REPLICATION,
         .help = "Also tell the servers of the zone's NS records, but for the one that the SOA names. Leave it off for "
                 "a copy of somebody else's zone."},
        {"allow-query", ROW_RULES, OPTION(allow[ACCESS_QUERY]), .standard = "[any]", .help = "Who may ask questions."},
        {"allow-transfer", ROW_RULES, OPTION(allow[ACCESS_TRANSFER]),
         .help = "Who may fetch the whole zone or its changes. Nobody by default."},
        {"allow-notify", ROW_RULES, OPTION(allow[ACCESS_NOTIFY]),
         .help = "Who may say that there is a new version, beside the zone's primaries."},
        {"allow-update", ROW_RULES, OPTION(allow[ACCESS_UPDATE]),
         .help = "Who may send dynamic updates (RFC 2136). Nobody by default: they are answered with REFUSED. Updates "
                 "themselves are not supported yet, and whoever may send them is told NOTIMP."},
        {"serial", ROW_ENUM, OPTION(serial), .choices = serial_policies, .standard = "raise",
         .help = "What to do when the content of a zone file changed and its serial did not go forward: `raise` adds "
                 "one "
                 "to the serial published last, `unixtime` takes the seconds since 1970, `date` YYYYMMDDnn (both add "
                 "one "
                 "where that would not be greater), `keep` refuses the file. A zone that comes signed or with ZONEMD "
                 "is "
                 "always treated as `keep`."},
        {"history-max-changes", ROW_INTEGER, OPTION(history_max_changes), .max = 1000000, .standard = "1000",
         .help = "So many of a zone's last changes are kept at most, for secondaries that ask for what differs (IXFR). "
                 "The "
                 "oldest go first; whoever is further behind gets the whole zone. 0: none. Holds from the next change "
                 "on, like the two below."},
        {"history-max-size", ROW_SIZE, OPTION(history_max_size), .min = 1, .max = (uint64_t)1 << 40,
         .help = "Octets of changes that are kept at most. By default half of what the zone takes in memory, and 8 KiB "
                 "at "
                 "the least: secondaries are not sent a difference that is larger than the zone. The newest stay in "
                 "memory, up to a sixteenth of what the zone takes; the others are read from the data folder when "
                 "somebody asks for them."},
        {"history-max-age", ROW_SECONDS, OPTION(history_max_age_s), .min = 1, .max = 3550 * WEEK, .standard = "30d",
         .help = "Changes that are older than this when the next one comes are not kept."},
        {"refresh-min", TIMER(refresh_min_s, "2s"), .see_max = "refresh-max",
         .help = "The SOA's refresh is taken as at least this."},
        {"refresh-max", TIMER(refresh_max_s, "4w"), .help = "The SOA's refresh is taken as at most this."},
        {"retry-min", TIMER(retry_min_s, "1s"), .see_max = "retry-max",
         .help = "The SOA's retry is taken as at least this."},
        {"retry-max", TIMER(retry_max_s, "2w"), .help = "The SOA's retry is taken as at most this."},
        {"expire-min", TIMER(expire_min_s, "3s"), .see_max = "expire-max",
         .help = "The SOA's expire is taken as at least this."},
        {"expire-max", TIMER(expire_max_s, "52w"), .help = "The SOA's expire is taken as at most this."},
        {"lower-serial", ROW_PATIENCE, OPTION(lower_serial_after_s), .max = 3550 * WEEK, .standard = "refuse",
         .reload = RELOAD_REPLICATION,
         .help = "Secondary: what to do when all primaries that answer have lower serials than what is served, as "
                 "after "
                 "a primary was set up anew. `refuse`: tell it in the status and serve on, till expiry at most; "
                 "`accept-after 1h`: follow them when it has been so for that long; `accept`: follow them at once."},
        {"pin-primary", ROW_SECONDS, OPTION(pin_primary_s), .max = 3550 * WEEK, .standard = "0",
         .reload = RELOAD_REPLICATION,
         .help = "Secondary: stay with the primary that the served version came from, and follow another one only when "
                 "something newer has been known for so long and nothing has come from there: then by its whole zone. "
                 "For primaries that sign or count serials each for itself, so that the differences of one do not fit "
                 "the versions of another. A zone that has no version, has expired, or is near it takes what it can "
                 "get, and so does `tandem zone retransfer`. 0: the freshest primary is followed."},
        {"query-source", ROW_SOURCE, OPTION(query_source), .max = 2, .reload = RELOAD_REPLICATION,
         .help = "Own addresses, at most one IPv4 and one IPv6, that SOA questions leave from. Without a port any port "
                 "is used, which is safer."},
        {"notify-source", ROW_SOURCE, OPTION(notify_source), .max = 2, .reload = RELOAD_REPLICATION,
         .help = "The same for NOTIFY messages."},
        {"transfer-source", ROW_SOURCE, OPTION(transfer_source), .max = 2, .reload = RELOAD_REPLICATION,
         .help = "The same for transfers in."},
        {"max-records", ROW_COUNT, OPTION(max_records), .min = 1, .max = UINT32_MAX, .standard = "100000000",
         .reload = RELOAD_REPLICATION,
         .help = "A transferred version with more records is refused; the old one stays."},
        {"max-zone-size", ROW_SIZE, OPTION(max_zone_size), .min = 512, .max = (uint64_t)1 << 40, .standard = "8G",
         .reload = RELOAD_REPLICATION, .help = "A transferred version with more octets is refused; the old one stays."},
        {"transfer-in-idle", ROW_MILLISECONDS, OPTION(transfer_in_idle_ms), .min = 100, .max = DAY * 1000,
         .standard = "1m", .reload = RELOAD_REPLICATION,
         .help = "A primary that sends nothing for so long during a transfer is given up."},
        {"transfer-in-total", ROW_MILLISECONDS, OPTION(transfer_in_total_ms), .min = 1000, .max = WEEK * 1000,
         .standard = "2h", .reload = RELOAD_REPLICATION,
         .help = "A transfer in that is not done after this is given up."},
        {"transfer-in-min-rate", ROW_SIZE, OPTION(transfer_in_min_rate), .max = (uint64_t)1 << 32, .standard = "128",
         .reload = RELOAD_REPLICATION,
         .help = "Octets per second: a transfer in that is slower on the whole, after its first 10 seconds, is given "
                 "up. 0: any rate will do."},
        {"minimal-any", ROW_BOOL, OPTION(minimal_any), .standard = "on",
         .help = "Answer ANY over UDP with one RRset (RFC 8482). `off`: with all of them."},
        {"minimal-responses", ROW_BOOL, OPTION(minimal_responses), .standard = "on",
         .help = "Leave the NS RRset of the zone and its addresses out of positive answers. `off`: add them where they "
                 "fit."},
        {"strict-checks", ROW_BOOL, OPTION(strict_checks), .standard = "off", .reload = RELOAD_REPLICATION,
         .help = "Secondary: refuse a transferred version for everything that would refuse a zone file. `off`: only "
                 "what cannot be a zone is refused, the rest is served and told as a warning."},
        {"check-ns", ROW_ENUM, OPTION(check_ns), .choices = severities, .standard = "warn", .reload = RELOAD_FILE,
         .help = "What to do about NS records whose target is in the zone and is a CNAME, lies below a DNAME, has no "
                 "address, or looks like an address."},
        {"check-mx-srv", ROW_ENUM, OPTION(check_mx_srv), .choices = severities, .standard = "warn",
         .reload = RELOAD_FILE, .help = "The same for targets of MX and SRV records."},
};
const struct rows zone_option_rows = {.title = "a zone or group", LIST(zone_option_row_list)};
_Static_assert(ARRAY_LENGTH(zone_option_row_list) + ARRAY_LENGTH(zone_row_list) <= 64,
               "differences are sets of 64 bits");
_Static_assert(ARRAY_LENGTH(server_row_list) <= 64, "differences are sets of 64 bits");

#define RULE(member) .offset = offsetof(struct written_rule, member)
static const struct row rule_row_list[] = {
        {"peer", ROW_PEER, RULE(peer),
         .help = "Holds for this peer: for whoever signs with one of its keys, or, if it has none, for its addresses. "
                 "Stands alone."},
        {"from", ROW_PREFIXES, RULE(from), .min = 1,
         .help = "Holds for addresses in one of these prefixes, ADDR[/LENGTH], or `any`."},
        {"key", ROW_KEYS, RULE(keys), .min = 1, .help = "Holds for whoever signs with one of these TSIG keys."},
};
const struct rows rule_rows = {.title = "an access rule", LIST(rule_row_list)};

static const struct {
	const char *there;
	const char *here;
} elsewhere[] = {
        {"acl", "allow-query"},
        {"allow-axfr", "allow-transfer"},
        {"also-notify", "notify"},
        {"dir", "data-dir"},
        {"directory", "data-dir"},
        {"interface", "listen"},
        {"ip-address", "listen"},
        {"listen-on", "listen"},
        {"master", "primaries"},
        {"master-pin-tolerance", "pin-primary"},
        {"masters", "primaries"},
        {"primary", "primaries"},
        {"provide-xfr", "allow-transfer"},
        {"request-xfr", "primaries"},
        {"serial-policy", "serial"},
        {"server-count", "workers"},
        {"socket", "control"},
        {"storage", "data-dir"},
        {"template", "group"},
        {"threads", "workers"},
        {"udp-max-payload", "edns-payload"},
        {"udp-workers", "workers"},
        {"verbosity", "log-level"},
        {"zonefile", "file"},
        {"zonelistfile", "data-dir"},
        {"ixfr-from", "primaries"},
        {"max-udp-size", "edns-payload"},
        {"edns-udp-size", "edns-payload"},
        {"server-id", "identity"},
        {"remote", "peers"},
        {"remotes", "peers"},
        {"zone", "zones"},
        {"domain", "name"},
        {"addresses", "address"},
};

const char *row_name_elsewhere(const char *written)
{
	for (size_t i = 0; i < ARRAY_LENGTH(elsewhere); i++) {
		if (strcmp(elsewhere[i].there, written) == 0) {
			return elsewhere[i].here;
		}
	}
	return NULL;
}

const struct row *row_find(const struct rows *rows, const char *name)
{
	for (size_t i = 0; i < rows->count; i++) {
		if (strcmp(rows->rows[i].name, name) == 0) {
			return &rows->rows[i];
		}
	}
	return NULL;
}

struct unit {
	const char *name;
	uint64_t worth;
};

/* Writes the number with the largest units that fit: "1h30m". */
static void write_units(uint64_t number, const struct unit *units, bool many, struct text *out)
{
	for (const struct unit *unit = units; unit->name != NULL; unit++) {
		bool fits = many ? number >= unit->worth : number > 0 && number % unit->worth == 0;
		if (fits) {
			text_format(out, "%llu%s", (unsigned long long)(number / unit->worth), unit->name);
			number = many ? number % unit->worth : 0;
			if (number == 0) {
				return;
			}
		}
	}
	text_format(out, "%llu", (unsigned long long)number);
}

static const struct unit second_units[] = {
        {"w", WEEK}, {"d", DAY}, {"h", HOUR}, {"m", MINUTE}, {"s", 1}, {NULL, 0},
};
static const struct unit millisecond_units[] = {
        {"w", WEEK * 1000ull},
        {"d", DAY * 1000ull},
        {"h", HOUR * 1000ull},
        {"m", MINUTE * 1000ull},
        {"s", 1000},
        {"ms", 1},
        {NULL, 0},
};
static const struct unit size_units[] = {
        {"T", 1ull << 40}, {"G", 1ull << 30}, {"M", 1ull << 20}, {"K", 1ull << 10}, {NULL, 0},
};
static const struct unit no_units[] = {{NULL, 0}};

void row_write_number(const struct row *row, uint64_t number, struct text *out)
{
	if (row->kind == ROW_SECONDS) {
		write_units(number, second_units, true, out);
	} else if (row->kind == ROW_MILLISECONDS) {
		write_units(number, millisecond_units, true, out);
	} else if (row->kind == ROW_SIZE) {
		write_units(number, size_units, false, out);
	} else {
		write_units(number, no_units, false, out);
	}
}

static void write_range(const struct row *row, const char *what, struct text *out)
{
	text_format(out, "%s from ", what);
	row_write_number(row, row->min, out);
	text_add_string(out, " to ");
	row_write_number(row, row->max, out);
}

static void write_choices(const struct row *row, struct text *out)
{
	text_add_string(out, "one of ");
	for (const struct row_choice *choice = row->choices; choice->name != NULL; choice++) {
		text_format(out, "%s%s", choice == row->choices ? "" : ", ", choice->name);
	}
}

/* What a row of each kind takes; those that are not here are told with what their row says. */
static const char *const kind_texts[] = {
        [ROW_BOOL] = "on or off",
        [ROW_PATIENCE] = "refuse, accept, or accept-after and a duration",
        [ROW_WORD] = "a name",
        [ROW_PATH] = "a path",
        [ROW_SOCKET_PATH] = "a path",
        [ROW_IDENTITY] = "off, auto, or a text of at most 255 octets",
        [ROW_SECRET] = "base64",
        [ROW_NAME] = "a domain name",
        [ROW_ADDRESSES] = "a list of ADDR[@PORT]",
        [ROW_SOURCE] = "a list of ADDR[@PORT], at most one of each family",
        [ROW_PREFIXES] = "a list of ADDR[/LENGTH], or any",
        [ROW_TARGETS] = "a list of peers or ADDR[@PORT]",
        [ROW_RULES] = "a list of access rules",
        [ROW_GROUP] = "the name of a group",
        [ROW_KEYS] = "a list of names of keys",
        [ROW_PEER] = "the name of a peer",
};

void row_write_kind(const struct row *row, struct text *out)
{
	if (row->kind == ROW_INTEGER || row->kind == ROW_COUNT) {
		write_range(row, "a whole number", out);
	} else if (row->kind == ROW_SECONDS || row->kind == ROW_MILLISECONDS) {
		write_range(row, "a duration", out);
	} else if (row->kind == ROW_SIZE) {
		write_range(row, "a size", out);
	} else if (row->kind == ROW_ENUM) {
		write_choices(row, out);
	} else if (row->kind == ROW_BYTES) {
		text_format(out, "a text or 0x and hex digits, at most %llu octets", (unsigned long long)row->max);
	} else {
		ensure((size_t)row->kind < ARRAY_LENGTH(kind_texts) && kind_texts[row->kind] != NULL);
		text_add_string(out, kind_texts[row->kind]);
	}
}
