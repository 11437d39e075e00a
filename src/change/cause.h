/* SPDX-License-Identifier: MIT */
/* Why something newer is not served, or what is served is not safe: codes that stay the same, so that programs and people can
 * look them up. Each has one row in cause.c and one line in doc/causes.md. A code goes along with a text that says more. */
#pragma once

#include <stddef.h>

#include "base/error.h"

enum cause {
	CAUSE_NONE,

	/* asking a primary */
	CAUSE_PRIMARY_UNREACHABLE,
	CAUSE_PRIMARY_REFUSED,
	CAUSE_PRIMARY_FAILS,
	CAUSE_PRIMARY_LACKS_ZONE,
	CAUSE_PRIMARY_BAD_ANSWER,
	CAUSE_PRIMARY_BROKE_PROMISE,
	CAUSE_PROMISE_OPEN,
	CAUSE_PRIMARY_PINNED,
	CAUSE_SERIAL_LOWER,
	CAUSE_SERIAL_INCOMPARABLE,
	CAUSE_CONTENT_DIFFERS,
	CAUSE_ZONEMD_DIFFERS,
	CAUSE_OWN_NETWORK,

	/* transfers */
	CAUSE_TRANSFER_REFUSED,
	CAUSE_TRANSFER_BROKE_OFF,
	CAUSE_TRANSFER_TOO_SLOW,
	CAUSE_TRANSFER_TOO_LARGE,
	CAUSE_TRANSFER_BAD_CONTENT,
	CAUSE_IXFR_REFUSED,
	CAUSE_IXFR_BAD_CONTENT,

	/* signatures */
	CAUSE_TSIG_MISSING,
	CAUSE_TSIG_BADKEY,
	CAUSE_TSIG_BADSIG,
	CAUSE_TSIG_BADTIME,
	CAUSE_TSIG_BADTRUNC,

	/* ourselves */
	CAUSE_CHECKS_REFUSED,
	CAUSE_SERIAL_NOT_RAISED,
	CAUSE_FILE_UNREADABLE,
	CAUSE_FILE_BROKEN,
	CAUSE_DISK_REFUSED,
	CAUSE_COPY_BROKEN,
	CAUSE_STORE_BROKEN,
	CAUSE_ZONE_EXPIRED,
	CAUSE_STOPPED,

	/* telling secondaries */
	CAUSE_TARGET_UNREACHABLE,
	CAUSE_TARGET_REFUSED,

	CAUSE_COUNT,
};

/* "primary-unreachable"; CAUSE_NONE: "none". */
const char *cause_name(enum cause cause);
/* One sentence without its dot, for people. */
const char *cause_sentence(enum cause cause);
/* What an operator can do about it, the same. */
const char *cause_advice(enum cause cause);

/* Why an offer of a transfer was not taken, or a zone file. */
enum cause cause_of_transfer_error(enum error_code code);
enum cause cause_of_file_error(enum error_code code);
