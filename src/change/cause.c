/* SPDX-License-Identifier: MIT */
#include "change/cause.h"

#include "base/ensure.h"

static const struct {
	const char *name;
	const char *sentence;
	const char *advice;
} rows[CAUSE_COUNT] = {
        [CAUSE_NONE] = {"none", "nothing is wrong", "nothing"},

        [CAUSE_PRIMARY_UNREACHABLE] = {"primary-unreachable", "the primary did not answer, over UDP and TCP",
                                       "look whether it runs, and whether a firewall is in the way"},
        [CAUSE_PRIMARY_REFUSED] = {"primary-refused", "the primary does not want to be asked by us",
                                   "allow this server's address or key there"},
        [CAUSE_PRIMARY_FAILS] = {"primary-fails", "the primary has the zone, but cannot answer for it now",
                                 "look at its log: the zone may be expired or broken there"},
        [CAUSE_PRIMARY_LACKS_ZONE] = {"primary-lacks-zone", "the primary does not have the zone, or not with authority",
                                      "configure the zone there, or take it out of `primaries` here"},
        [CAUSE_PRIMARY_BAD_ANSWER] = {"primary-bad-answer", "the primary's answer makes no sense",
                                      "look at what it answers: `tandem query ZONE SOA @PRIMARY`"},
        [CAUSE_PRIMARY_BROKE_PROMISE] = {"primary-broke-promise",
                                         "the primary's SOA answer promises a newer version than its transfer brings",
                                         "if several servers share its address, look which of them is late"},
        [CAUSE_PROMISE_OPEN] = {"promise-open", "a newer version was promised, and no primary has given it yet",
                                "nothing: it is asked for again, until all primaries say that it is not there"},
        [CAUSE_PRIMARY_PINNED] = {"primary-pinned",
                                  "another primary has a newer version than the one that the zone is pinned to",
                                  "look why that one is late or down, or take it from the others at once: `tandem zone "
                                  "retransfer ZONE`"},
        [CAUSE_SERIAL_LOWER] = {"serial-lower", "the primary has a lower serial than what is served here",
                                "raise the serial there, or take it as it is: `tandem zone retransfer ZONE`, or the "
                                "option `lower-serial`"},
        [CAUSE_SERIAL_INCOMPARABLE] = {"serial-incomparable",
                                       "the primary's serial is exactly 2^31 from ours, neither newer nor older",
                                       "raise the serial there by one, or `tandem zone retransfer ZONE`"},
        [CAUSE_CONTENT_DIFFERS] =
                {"content-differs",
                 "a primary has the serial that is served here, and other content, as its digest says",
                 "compare with `tandem status ZONE` there; whichever is wrong, a raised serial makes all the same "
                 "again"},
        [CAUSE_ZONEMD_DIFFERS] = {"zonemd-differs", "what is served is not what the zone's own ZONEMD says",
                                  "look at the primary: something was changed after its ZONEMD was made"},
        [CAUSE_OWN_NETWORK] = {"own-network", "this machine could not send the question at all",
                               "look at routes, `query-source` and `transfer-source`, and the limit of open files"},

        [CAUSE_TRANSFER_REFUSED] = {"transfer-refused", "the primary answered the transfer with an error",
                                    "allow the transfer there for this server's address or key"},
        [CAUSE_TRANSFER_BROKE_OFF] = {"transfer-broke-off", "the connection of the transfer ended before the transfer",
                                      "nothing, unless it happens each time: then look at the primary's log"},
        [CAUSE_TRANSFER_TOO_SLOW] = {"transfer-too-slow", "the transfer stood still or took longer than is allowed",
                                     "look at the network, or raise `transfer-in-idle`, `transfer-in-total`, or lower "
                                     "`transfer-in-min-rate`"},
        [CAUSE_TRANSFER_TOO_LARGE] = {"transfer-too-large", "the version is larger than is allowed",
                                      "raise `max-records` or `max-zone-size` if it should be so large"},
        [CAUSE_TRANSFER_BAD_CONTENT] = {"transfer-bad-content", "what came is not the transfer of a zone",
                                        "look at the primary: its answer is broken"},
        [CAUSE_IXFR_REFUSED] = {"ixfr-refused",
                                "the primary has no differences to give, so the whole zone is asked for",
                                "nothing; differences are cheaper, where the primary can keep a history"},
        [CAUSE_IXFR_BAD_CONTENT] = {"ixfr-bad-content",
                                    "the differences make no sense or do not fit, so the whole zone is asked for",
                                    "nothing, unless it happens each time: then the primary's history is broken"},

        [CAUSE_TSIG_MISSING] = {"tsig-missing", "the answer is not signed, though the question was",
                                "configure the key at the primary for this zone or this server"},
        [CAUSE_TSIG_BADKEY] = {"tsig-badkey", "the other side does not know the key, or not with this algorithm",
                               "compare name and algorithm of the key on both sides"},
        [CAUSE_TSIG_BADSIG] = {"tsig-badsig", "the signature is wrong", "compare the secret of the key on both sides"},
        [CAUSE_TSIG_BADTIME] = {"tsig-badtime", "the clocks of both sides differ by too much",
                                "set the clocks, and keep them right by NTP"},
        [CAUSE_TSIG_BADTRUNC] = {"tsig-badtrunc", "the signature is shorter than the other side accepts",
                                 "use the same algorithm with the same number of bits on both sides"},

        [CAUSE_CHECKS_REFUSED] = {"checks-refused", "the version came whole, and the checks refuse it",
                                  "mend the zone where it is made; `tandem check zone` says all that is wrong"},
        [CAUSE_SERIAL_NOT_RAISED] = {"serial-not-raised",
                                     "the content changed, the serial did not, and policy forbids to raise it",
                                     "raise the serial in the zone file and reload, or change `serial`"},
        [CAUSE_FILE_UNREADABLE] = {"file-unreadable", "the zone file cannot be read",
                                   "look at its path and who may read it, then `tandem zone reload ZONE`"},
        [CAUSE_FILE_BROKEN] = {"file-broken", "the zone file has errors",
                               "mend it where the text says, then `tandem zone reload ZONE`"},
        [CAUSE_DISK_REFUSED] = {"disk-refused", "this server's disk is full, read-only or broken",
                                "make room in the data folder: it is tried again within a minute, or at once by "
                                "`tandem zone flush ZONE`"},
        [CAUSE_COPY_BROKEN] = {"copy-broken", "what the data folder holds of the zone is broken, and was set aside",
                               "nothing: it is transferred or read anew; look at the disk"},
        [CAUSE_STORE_BROKEN] = {"store-broken", "the store as a whole was broken, and was made anew of what was left",
                                "look at the disk; zones whose copies were lost are transferred or read anew"},
        [CAUSE_ZONE_EXPIRED] = {"zone-expired", "no primary confirmed the zone for as long as its SOA allows",
                                "make a primary reachable; any version that it has is taken then"},
        [CAUSE_STOPPED] = {"stopped", "it was given up, because the server stops or something before it failed",
                           "nothing: it is done again"},

        [CAUSE_TARGET_UNREACHABLE] = {"target-unreachable", "the secondary did not answer the NOTIFY",
                                      "look whether it runs; it finds the version by itself after its refresh"},
        [CAUSE_TARGET_REFUSED] = {"target-refused", "the secondary does not take the NOTIFY",
                                  "name this server as a primary of the zone there, or allow its NOTIFY"},
};

const char *cause_name(enum cause cause)
{
	ensure(cause < CAUSE_COUNT);
	return rows[cause].name;
}

const char *cause_sentence(enum cause cause)
{
	ensure(cause < CAUSE_COUNT);
	return rows[cause].sentence;
}

const char *cause_advice(enum cause cause)
{
	ensure(cause < CAUSE_COUNT);
	return rows[cause].advice;
}

enum cause cause_of_transfer_error(enum error_code code)
{
	switch (code) {
	case ERROR_NONE:
		return CAUSE_NONE;
	case ERROR_NOT_FOUND: /* what is to be removed is not there */
	case ERROR_EXISTS:    /* what is to be added is there */
		return CAUSE_IXFR_BAD_CONTENT;
	case ERROR_STALE:
		return CAUSE_SERIAL_LOWER;
	case ERROR_IO:
	case ERROR_DENIED:
		return CAUSE_DISK_REFUSED;
	case ERROR_LIMIT:
		return CAUSE_TRANSFER_TOO_LARGE;
	case ERROR_STOPPED:
	case ERROR_TIMEOUT:
		return CAUSE_STOPPED;
	case ERROR_SYNTAX:
		return CAUSE_TRANSFER_BAD_CONTENT;
	case ERROR_INVALID:
		break;
	}
	return CAUSE_CHECKS_REFUSED;
}

enum cause cause_of_file_error(enum error_code code)
{
	switch (code) {
	case ERROR_NONE:
		return CAUSE_NONE;
	case ERROR_NOT_FOUND:
	case ERROR_DENIED:
		return CAUSE_FILE_UNREADABLE;
	case ERROR_STALE:
		return CAUSE_SERIAL_NOT_RAISED;
	case ERROR_IO:
		return CAUSE_DISK_REFUSED;
	case ERROR_STOPPED:
	case ERROR_TIMEOUT:
		return CAUSE_STOPPED;
	case ERROR_SYNTAX:
	case ERROR_EXISTS:
	case ERROR_LIMIT:
	case ERROR_INVALID:
		break;
	}
	return CAUSE_FILE_BROKEN;
}
