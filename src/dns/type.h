/* SPDX-License-Identifier: MIT */
/* Numbers of the IANA DNS registries and their mnemonics. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* RR types that code names; the whole list with their RDATA is in rdata_rows.c. */
enum {
	DNS_TYPE_A = 1,
	DNS_TYPE_NS = 2,
	DNS_TYPE_CNAME = 5,
	DNS_TYPE_SOA = 6,
	DNS_TYPE_PTR = 12,
	DNS_TYPE_MX = 15,
	DNS_TYPE_TXT = 16,
	DNS_TYPE_AFSDB = 18,
	DNS_TYPE_RT = 21,
	DNS_TYPE_SIG = 24,
	DNS_TYPE_KEY = 25,
	DNS_TYPE_AAAA = 28,
	DNS_TYPE_NXT = 30,
	DNS_TYPE_SRV = 33,
	DNS_TYPE_NAPTR = 35,
	DNS_TYPE_KX = 36,
	DNS_TYPE_DNAME = 39,
	DNS_TYPE_OPT = 41,
	DNS_TYPE_DS = 43,
	DNS_TYPE_RRSIG = 46,
	DNS_TYPE_NSEC = 47,
	DNS_TYPE_DNSKEY = 48,
	DNS_TYPE_NSEC3 = 50,
	DNS_TYPE_NSEC3PARAM = 51,
	DNS_TYPE_CDS = 59,
	DNS_TYPE_CDNSKEY = 60,
	DNS_TYPE_ZONEMD = 63,
	DNS_TYPE_SVCB = 64,
	DNS_TYPE_HTTPS = 65,
	DNS_TYPE_L32 = 105,
	DNS_TYPE_L64 = 106,
	DNS_TYPE_LP = 107,
	DNS_TYPE_NXNAME = 128, /* RFC 9824: never asked for */
	DNS_TYPE_TKEY = 249,
	DNS_TYPE_TSIG = 250,
	DNS_TYPE_IXFR = 251,
	DNS_TYPE_AXFR = 252,
	DNS_TYPE_MAILB = 253,
	DNS_TYPE_MAILA = 254,
	DNS_TYPE_ANY = 255,
};

enum {
	DNS_CLASS_IN = 1,
	DNS_CLASS_CH = 3,
	DNS_CLASS_HS = 4,
	DNS_CLASS_NONE = 254,
	DNS_CLASS_ANY = 255,
};

enum {
	DNS_OPCODE_QUERY = 0,
	DNS_OPCODE_IQUERY = 1, /* RFC 3425: retired, answered NOTIMP */
	DNS_OPCODE_STATUS = 2,
	DNS_OPCODE_NOTIFY = 4, /* RFC 1996 */
	DNS_OPCODE_UPDATE = 5, /* RFC 2136 */
	DNS_OPCODE_DSO = 6,    /* RFC 8490 */
};

enum {
	DNS_RCODE_NOERROR = 0,
	DNS_RCODE_FORMERR = 1,
	DNS_RCODE_SERVFAIL = 2,
	DNS_RCODE_NXDOMAIN = 3,
	DNS_RCODE_NOTIMP = 4,
	DNS_RCODE_REFUSED = 5,
	DNS_RCODE_YXDOMAIN = 6,
	DNS_RCODE_YXRRSET = 7,
	DNS_RCODE_NXRRSET = 8,
	DNS_RCODE_NOTAUTH = 9,
	DNS_RCODE_NOTZONE = 10,
	DNS_RCODE_BADVERS = 16, /* extended: needs EDNS (RFC 6891 6.1.3) */
	DNS_RCODE_BADSIG = 16,  /* this and the next two only in TSIG (RFC 8945 3) */
	DNS_RCODE_BADKEY = 17,
	DNS_RCODE_BADTIME = 18,
	DNS_RCODE_BADTRUNC = 22,  /* the same */
	DNS_RCODE_BADCOOKIE = 23, /* RFC 7873 5.2.3 */
};

/* Extended DNS Errors (RFC 8914 4). */
enum {
	DNS_EDE_NONE = -1,
	DNS_EDE_OTHER = 0,
	DNS_EDE_NOT_READY = 14,
	DNS_EDE_PROHIBITED = 18,
	DNS_EDE_NOT_AUTHORITATIVE = 20,
	DNS_EDE_NOT_SUPPORTED = 21,
	DNS_EDE_INVALID_DATA = 24,
	DNS_EDE_INVALID_QUERY_TYPE = 30, /* RFC 9824 */
};

/* EDNS option codes. */
enum {
	DNS_OPTION_NSID = 3,       /* RFC 5001 */
	DNS_OPTION_SUBNET = 8,     /* RFC 7871 */
	DNS_OPTION_EXPIRE = 9,     /* RFC 7314 */
	DNS_OPTION_COOKIE = 10,    /* RFC 7873 */
	DNS_OPTION_KEEPALIVE = 11, /* RFC 7828 */
	DNS_OPTION_PADDING = 12,   /* RFC 7830 */
	DNS_OPTION_EDE = 15,       /* RFC 8914 */
	DNS_OPTION_DIGEST = 65312, /* ours, of those for private use (RFC 6891 9): doc/decisions/004-digest.md */
};

/* Bits of the second header word (RFC 1035 4.1.1, RFC 4035 3.1.6). */
enum {
	DNS_FLAG_QR = 0x8000,
	DNS_FLAG_AA = 0x0400,
	DNS_FLAG_TC = 0x0200,
	DNS_FLAG_RD = 0x0100,
	DNS_FLAG_RA = 0x0080,
	DNS_FLAG_Z = 0x0040,
	DNS_FLAG_AD = 0x0020,
	DNS_FLAG_CD = 0x0010,
};

#define DNS_MNEMONIC_MAX 16 /* "NSEC3PARAM", "TYPE65535", "CLASS65535" and NUL */

/* "A", or "TYPE1234" (RFC 3597 5) for a type without a row. `out` has DNS_MNEMONIC_MAX bytes. Returns `out`. */
char *dns_type_to_text(uint16_t type, char *out);
/* Mnemonic or TYPEn, case ignored; `chars` needs no NUL. QTYPEs (ANY, AXFR, IXFR, MAILA, MAILB) are known too. */
bool dns_type_from_text(const char *chars, size_t len, uint16_t *out);
/* "IN", "CH", "HS", "NONE", "ANY" or "CLASS1234". */
char *dns_class_to_text(uint16_t class, char *out);
bool dns_class_from_text(const char *chars, size_t len, uint16_t *out);
/* "NOERROR" or "RCODE24". */
char *dns_rcode_to_text(unsigned rcode, char *out);
char *dns_opcode_to_text(unsigned opcode, char *out);
/* The registry's words for an Extended DNS Error: "Not Authoritative"; "" when it has none. */
const char *dns_ede_text(int code);

/* Of the units of time in zone files: s, m, h, d or w, in either case. 0: no unit. */
uint32_t dns_unit_seconds(char unit);

/* Types that a zone cannot hold: 0, OPT and the QTYPEs and meta types 128..255 (RFC 6895 3.1). */
bool dns_type_is_meta(uint16_t type);
