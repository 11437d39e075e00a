/* SPDX-License-Identifier: MIT */
/* One row per RR type in use (IANA registry "Domain Name System (DNS) Parameters", table "Resource Record TYPEs").
 *
 * Who may compress a name: RFC 1035 types only (RFC 3597 4); types of that paragraph that others once compressed are
 * read leniently. Whose names the canonical form folds: RFC 4034 6.2 without HINFO and NSEC (RFC 6840 5.1). */
#include "dns/rdata_internal.h"

#define NAMED(word, texts) .mnemonic = (word), .labels = (texts)
#define FIELDS(...)        .fields = {__VA_ARGS__}

/* Folded names, for dns_rdata_names. */
#define PACKED(count, at) .name_count = (count), .name_at = (at), .names_packed = true
#define FOLDED(count, at) .name_count = (count), .name_at = (at)

#define STRINGS FIELDS(RDATA_STRINGS)
#define HEX     FIELDS(RDATA_HEX_REST)
#define BASE64  FIELDS(RDATA_BASE64_REST)
#define OPAQUE  FIELDS(RDATA_OPAQUE)
#define DIGEST  FIELDS(RDATA_U16, RDATA_ALGORITHM, RDATA_U8, RDATA_HEX_REST)
#define PUBLIC  FIELDS(RDATA_U16, RDATA_U8, RDATA_ALGORITHM, RDATA_BASE64_REST)
#define SIGNATURE(name)                                                                                                \
	FIELDS(RDATA_TYPE, RDATA_ALGORITHM, RDATA_U8, RDATA_U32, RDATA_TIME, RDATA_TIME, RDATA_U16, name,              \
	       RDATA_BASE64_REST)

#define DIGEST_LABELS "key tag,algorithm,digest type,digest"
#define PUBLIC_LABELS "flags,protocol,algorithm,public key"
#define SIGNATURE_LABELS                                                                                               \
	"type covered,algorithm,number of labels,original TTL,expiration,inception,key tag,signer's name,signature"

const uint8_t rdata_octets[RDATA_KIND_COUNT] = {
        [RDATA_U8] = 1,     [RDATA_U16] = 2,   [RDATA_U32] = 4,       [RDATA_U48] = 6,          [RDATA_U64] = 8,
        [RDATA_PERIOD] = 4, [RDATA_TIME] = 4,  [RDATA_TYPE] = 2,      [RDATA_ALGORITHM] = 1,    [RDATA_CERT_TYPE] = 2,
        [RDATA_SCHEME] = 1, [RDATA_RCODE] = 2, [RDATA_KEY_FLAGS] = 2, [RDATA_KEY_PROTOCOL] = 1, [RDATA_IP4] = 4,
        [RDATA_IP6] = 16,   [RDATA_EUI48] = 6, [RDATA_EUI64] = 8,     [RDATA_LOCATOR] = 8,
};

const struct rdata_row rdata_row_opaque = {NAMED(NULL, "RDATA"), OPAQUE};

/* clang-format off */
const struct rdata_row rdata_rows[RDATA_ROW_COUNT] = {
	/* RFC 1035 */
	[1] = {NAMED("A", "address"), FIELDS(RDATA_IP4)},
	[2] = {NAMED("NS", "name server"), FIELDS(RDATA_NAME_PACKED), PACKED(1, 0)},
	[3] = {NAMED("MD", "host"), FIELDS(RDATA_NAME_PACKED), PACKED(1, 0)},
	[4] = {NAMED("MF", "host"), FIELDS(RDATA_NAME_PACKED), PACKED(1, 0)},
	[5] = {NAMED("CNAME", "canonical name"), FIELDS(RDATA_NAME_PACKED), PACKED(1, 0)},
	[6] = {NAMED("SOA", "primary server,mailbox,serial,refresh,retry,expire,minimum"),
	       FIELDS(RDATA_NAME_PACKED, RDATA_NAME_PACKED, RDATA_U32, RDATA_PERIOD, RDATA_PERIOD, RDATA_PERIOD, RDATA_PERIOD),
	       PACKED(2, 0)},
	[7] = {NAMED("MB", "host"), FIELDS(RDATA_NAME_PACKED), PACKED(1, 0)},
	[8] = {NAMED("MG", "mailbox"), FIELDS(RDATA_NAME_PACKED), PACKED(1, 0)},
	[9] = {NAMED("MR", "mailbox"), FIELDS(RDATA_NAME_PACKED), PACKED(1, 0)},
	[10] = {NAMED("NULL", "RDATA"), OPAQUE},
	[11] = {NAMED("WKS", "address,protocol,service"), FIELDS(RDATA_IP4, RDATA_SERVICES)},
	[12] = {NAMED("PTR", "name"), FIELDS(RDATA_NAME_PACKED), PACKED(1, 0)},
	[13] = {NAMED("HINFO", "CPU,operating system"), FIELDS(RDATA_STRING, RDATA_STRING)},
	[14] = {NAMED("MINFO", "mailbox,error mailbox"), FIELDS(RDATA_NAME_PACKED, RDATA_NAME_PACKED), PACKED(2, 0)},
	[15] = {NAMED("MX", "preference,mail server"), FIELDS(RDATA_U16, RDATA_NAME_PACKED), PACKED(1, 2)},
	[16] = {NAMED("TXT", "text"), STRINGS},
	/* RFC 1183 */
	[17] = {NAMED("RP", "mailbox,TXT name"), FIELDS(RDATA_NAME_LENIENT, RDATA_NAME_LENIENT), FOLDED(2, 0)},
	[18] = {NAMED("AFSDB", "subtype,host"), FIELDS(RDATA_U16, RDATA_NAME_LENIENT), FOLDED(1, 2)},
	[19] = {NAMED("X25", "address"), FIELDS(RDATA_STRING), .rule = RDATA_RULE_X25},
	[20] = {NAMED("ISDN", "address,subaddress"), FIELDS(RDATA_STRING, RDATA_STRING_OPTIONAL)},
	[21] = {NAMED("RT", "preference,host"), FIELDS(RDATA_U16, RDATA_NAME_LENIENT), FOLDED(1, 2)},
	/* RFC 1706, RFC 1348 */
	[22] = {NAMED("NSAP", "address"), FIELDS(RDATA_NSAP)},
	[23] = {NAMED("NSAP-PTR", "name"), FIELDS(RDATA_NAME_PLAIN)},
	/* RFC 2535, RFC 2931, RFC 3445 */
	[24] = {NAMED("SIG", SIGNATURE_LABELS), SIGNATURE(RDATA_NAME_LENIENT), FOLDED(1, 18)},
	[25] = {NAMED("KEY", PUBLIC_LABELS),
	        FIELDS(RDATA_KEY_FLAGS, RDATA_KEY_PROTOCOL, RDATA_ALGORITHM, RDATA_BASE64_REST_OPTIONAL),
	        .rule = RDATA_RULE_KEY},
	/* RFC 2163, RFC 1712 */
	[26] = {NAMED("PX", "preference,RFC 822 name,X.400 name"), FIELDS(RDATA_U16, RDATA_NAME_LENIENT, RDATA_NAME_LENIENT),
	        FOLDED(2, 2)},
	[27] = {NAMED("GPOS", "longitude,latitude,altitude"), FIELDS(RDATA_STRING, RDATA_STRING, RDATA_STRING)},
	/* RFC 3596, RFC 1876, RFC 2535 */
	[28] = {NAMED("AAAA", "address"), FIELDS(RDATA_IP6)},
	[29] = {NAMED("LOC", "latitude,longitude,altitude,size,horizontal precision,vertical precision"), FIELDS(RDATA_LOC)},
	[30] = {NAMED("NXT", "next name,type list"), FIELDS(RDATA_NAME_LENIENT, RDATA_NXT_TYPES), FOLDED(1, 0)},
	/* draft-ietf-nimrod-dns */
	[31] = {NAMED("EID", "endpoint"), HEX},
	[32] = {NAMED("NIMLOC", "locator"), HEX},
	/* RFC 2782, ATM Forum AF-DANS-0152 */
	[33] = {NAMED("SRV", "priority,weight,port,target"),
	        FIELDS(RDATA_U16, RDATA_U16, RDATA_U16, RDATA_NAME_LENIENT), FOLDED(1, 6)},
	[34] = {NAMED("ATMA", "address"), FIELDS(RDATA_ATMA)},
	/* RFC 3403, RFC 2230, RFC 4398 */
	[35] = {NAMED("NAPTR", "order,preference,flags,services,regular expression,replacement"),
	        FIELDS(RDATA_U16, RDATA_U16, RDATA_STRING, RDATA_STRING, RDATA_STRING, RDATA_NAME_LENIENT),
	        FOLDED(1, RDATA_NAMES_SEEK)},
	[36] = {NAMED("KX", "preference,exchanger"), FIELDS(RDATA_U16, RDATA_NAME_FOLDED), FOLDED(1, 2)},
	[37] = {NAMED("CERT", "certificate type,key tag,algorithm,certificate"),
	        FIELDS(RDATA_CERT_TYPE, RDATA_U16, RDATA_ALGORITHM, RDATA_BASE64_REST)},
	/* RFC 2874, RFC 6672, draft-eastlake-kitchen-sink */
	[38] = {NAMED("A6", "prefix length,address suffix,prefix name"), FIELDS(RDATA_A6), FOLDED(1, RDATA_NAMES_SEEK)},
	[39] = {NAMED("DNAME", "target"), FIELDS(RDATA_NAME_FOLDED), FOLDED(1, 0)},
	[40] = {NAMED("SINK", "meaning,coding,subcoding,data"), FIELDS(RDATA_U8, RDATA_U8, RDATA_U8, RDATA_BASE64_REST_OPTIONAL)},
	/* RFC 6891, RFC 3123 */
	[41] = {NAMED("OPT", "options"), OPAQUE},
	[42] = {NAMED("APL", "prefix"), FIELDS(RDATA_APL)},
	/* RFC 4034, RFC 4255, RFC 4025 */
	[43] = {NAMED("DS", DIGEST_LABELS), DIGEST, .rule = RDATA_RULE_DS},
	[44] = {NAMED("SSHFP", "algorithm,fingerprint type,fingerprint"), FIELDS(RDATA_U8, RDATA_U8, RDATA_HEX_REST)},
	[45] = {NAMED("IPSECKEY", "precedence,gateway type,algorithm,gateway,public key"), FIELDS(RDATA_IPSECKEY)},
	[46] = {NAMED("RRSIG", SIGNATURE_LABELS), SIGNATURE(RDATA_NAME_FOLDED), FOLDED(1, 18)},
	[47] = {NAMED("NSEC", "next name,type list"), FIELDS(RDATA_NAME_PLAIN, RDATA_TYPES)},
	[48] = {NAMED("DNSKEY", PUBLIC_LABELS), PUBLIC},
	/* RFC 4701, RFC 5155 */
	[49] = {NAMED("DHCID", "identifier"), BASE64},
	[50] = {NAMED("NSEC3", "hash algorithm,flags,iterations,salt,next hashed owner,type list"),
	        FIELDS(RDATA_U8, RDATA_U8, RDATA_U16, RDATA_SALT, RDATA_HASH, RDATA_TYPES_OPTIONAL),
	        .rule = RDATA_RULE_NSEC3},
	[51] = {NAMED("NSEC3PARAM", "hash algorithm,flags,iterations,salt"), FIELDS(RDATA_U8, RDATA_U8, RDATA_U16, RDATA_SALT)},
	/* RFC 6698, RFC 8162 */
	[52] = {NAMED("TLSA", "usage,selector,matching type,certificate data"),
	        FIELDS(RDATA_U8, RDATA_U8, RDATA_U8, RDATA_HEX_REST)},
	[53] = {NAMED("SMIMEA", "usage,selector,matching type,certificate data"),
	        FIELDS(RDATA_U8, RDATA_U8, RDATA_U8, RDATA_HEX_REST)},
	/* RFC 8005; draft-reid-dnsext-zs, -rkey; draft-wijngaards-dnsop-trust-history */
	[55] = {NAMED("HIP", "key algorithm,tag,key,rendezvous server"), FIELDS(RDATA_HIP)},
	[56] = {NAMED("NINFO", "text"), STRINGS},
	[57] = {NAMED("RKEY", PUBLIC_LABELS), PUBLIC},
	[58] = {NAMED("TALINK", "previous name,next name"), FIELDS(RDATA_NAME_PLAIN, RDATA_NAME_PLAIN)},
	/* RFC 7344, RFC 7929, RFC 7477, RFC 8976, RFC 9460, RFC 9859 */
	[59] = {NAMED("CDS", DIGEST_LABELS), DIGEST, .rule = RDATA_RULE_DS},
	[60] = {NAMED("CDNSKEY", PUBLIC_LABELS), PUBLIC},
	[61] = {NAMED("OPENPGPKEY", "key"), BASE64},
	[62] = {NAMED("CSYNC", "serial,flags,type list"), FIELDS(RDATA_U32, RDATA_U16, RDATA_TYPES_OPTIONAL)},
	[63] = {NAMED("ZONEMD", "serial,scheme,hash algorithm,digest"), FIELDS(RDATA_U32, RDATA_U8, RDATA_U8, RDATA_HEX_REST),
	        .rule = RDATA_RULE_ZONEMD},
	[64] = {NAMED("SVCB", "priority,target,parameter"), FIELDS(RDATA_U16, RDATA_NAME_PLAIN, RDATA_SVC_PARAMS)},
	[65] = {NAMED("HTTPS", "priority,target,parameter"), FIELDS(RDATA_U16, RDATA_NAME_PLAIN, RDATA_SVC_PARAMS)},
	[66] = {NAMED("DSYNC", "type,scheme,port,target"), FIELDS(RDATA_TYPE, RDATA_SCHEME, RDATA_U16, RDATA_NAME_PLAIN)},
	/* RFC 9886 */
	[67] = {NAMED("HHIT", "identity"), BASE64},
	[68] = {NAMED("BRID", "identity"), BASE64},
	/* RFC 7208; the next four have a number and no description */
	[99] = {NAMED("SPF", "text"), STRINGS},
	[100] = {NAMED("UINFO", "RDATA"), OPAQUE},
	[101] = {NAMED("UID", "RDATA"), OPAQUE},
	[102] = {NAMED("GID", "RDATA"), OPAQUE},
	[103] = {NAMED("UNSPEC", "RDATA"), OPAQUE},
	/* RFC 6742, RFC 7043 */
	[104] = {NAMED("NID", "preference,node identifier"), FIELDS(RDATA_U16, RDATA_LOCATOR)},
	[105] = {NAMED("L32", "preference,locator"), FIELDS(RDATA_U16, RDATA_IP4)},
	[106] = {NAMED("L64", "preference,locator"), FIELDS(RDATA_U16, RDATA_LOCATOR)},
	[107] = {NAMED("LP", "preference,name"), FIELDS(RDATA_U16, RDATA_NAME_PLAIN)},
	[108] = {NAMED("EUI48", "address"), FIELDS(RDATA_EUI48)},
	[109] = {NAMED("EUI64", "address"), FIELDS(RDATA_EUI64)},
	/* RFC 9824: stands in bitmaps only */
	[128] = {NAMED("NXNAME", ""), FIELDS(RDATA_END)},
	/* RFC 2930, RFC 8945 */
	[249] = {NAMED("TKEY", "algorithm,inception,expiration,mode,error,key size,other size"),
	         FIELDS(RDATA_NAME_PLAIN, RDATA_U32, RDATA_U32, RDATA_U16, RDATA_RCODE, RDATA_BASE64_SIZED, RDATA_BASE64_SIZED)},
	[250] = {NAMED("TSIG", "algorithm,time signed,fudge,MAC size,original ID,error,other size"),
	         FIELDS(RDATA_NAME_PLAIN, RDATA_U48, RDATA_U16, RDATA_BASE64_SIZED, RDATA_U16, RDATA_RCODE, RDATA_BASE64_SIZED)},
	/* RFC 7553, RFC 8659; AVC and DOA by templates of the registry */
	[256] = {NAMED("URI", "priority,weight,target"), FIELDS(RDATA_U16, RDATA_U16, RDATA_QUOTED_REST),
	         .rule = RDATA_RULE_URI},
	[257] = {NAMED("CAA", "flags,tag,value"), FIELDS(RDATA_U8, RDATA_TAG, RDATA_QUOTED_REST)},
	[258] = {NAMED("AVC", "text"), STRINGS},
	[259] = {NAMED("DOA", "enterprise,type,location,media type,data"),
	         FIELDS(RDATA_U32, RDATA_U32, RDATA_U8, RDATA_STRING, RDATA_BASE64_DASH)},
	/* RFC 8777, RFC 9606, registry templates */
	[260] = {NAMED("AMTRELAY", "precedence,discovery optional,relay type,relay"), FIELDS(RDATA_AMTRELAY)},
	[261] = {NAMED("RESINFO", "text"), STRINGS},
	[262] = {NAMED("WALLET", "text"), STRINGS},
	[263] = {NAMED("CLA", "text"), STRINGS},
	[264] = {NAMED("IPN", "number"), FIELDS(RDATA_U64)},
	/* registry template, RFC 4431 */
	[RDATA_ROWS_LOW + 0] = {NAMED("TA", DIGEST_LABELS), DIGEST, .rule = RDATA_RULE_DS},
	[RDATA_ROWS_LOW + 1] = {NAMED("DLV", DIGEST_LABELS), DIGEST, .rule = RDATA_RULE_DS},
};
/* clang-format on */
