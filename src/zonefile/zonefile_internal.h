/* SPDX-License-Identifier: MIT */
/* What the files of src/zonefile share: one run of reading (struct parser), one open text of it (struct file).
 *
 *   read.c       the run: entry by entry, text within text
 *   scan.c       characters to the tokens of one entry
 *   entry.c      the tokens of a record to the record
 *   directive.c  $ORIGIN, $TTL, $INCLUDE
 *   generate.c   $GENERATE
 *   quick.c      the short way through lines without anything special; the plain way is its twin
 *
 * I5  quick.c changes nothing unless it took a whole line, and then it did what the plain way would have done. */
#pragma once

#include "zonefile/zonefile.h"

#include <string.h>

#include "dns/name.h"
#include "dns/rdata.h"

/* An escaped octet has four characters, so no token that can be RDATA is longer. */
#define TOKEN_LEN_MAX (4 * DNS_RDATA_MAX)
/* \# with each hexadecimal digit as a token of its own, and the head of the record. */
#define TOKENS_MAX (2 * DNS_RDATA_MAX + 16)

/* What a character is to the scanner. */
enum char_kind {
	CHAR_PLAIN,
	CHAR_BLANK,
	CHAR_NEWLINE,
	CHAR_QUOTE,
	CHAR_COMMENT,
	CHAR_OPEN,
	CHAR_CLOSE,
	CHAR_ESCAPE,
};
extern const uint8_t char_kinds[256];

static inline enum char_kind char_kind_of(char c)
{
	return (enum char_kind)char_kinds[(uint8_t)c];
}

/* One text that is being read: the main file, an included one, a line that $GENERATE made. On the stack. */
struct file {
	const struct file *outer; /* who includes it; NULL: nobody */
	size_t depth;
	const char *name;
	struct zonefile_text *text;
	const char *at;          /* not read yet */
	const char *end;         /* of what is there */
	const char *entry_start; /* of the entry that is being scanned: what is before it will not be looked at again */
	const char *quick_end;   /* the last newline: lines that begin before it end before `end` */
	const char *line_start;  /* of the line in which `at` stands */
	uint32_t line;           /* its number, 1.. */
	struct dns_name origin;
	bool origin_inside; /* at or below the apex */
};

/* One entry (RFC 1035 5.1): a line, or more where parentheses or quotes hold it together. */
struct entry {
	struct dns_token *tokens;
	size_t count;
	size_t capacity;
	uint32_t line;
	bool blank; /* it begins with a blank: the owner is that of the record before */
};

enum owner_state {
	OWNER_NONE, /* nothing to inherit: an entry with a blank owner is an error */
	OWNER_GOOD,
	OWNER_BAD, /* the last one was refused; entries that would inherit it are passed over in silence */
};

/* What a blank owner inherits. */
struct owner {
	enum owner_state state;
	bool inside; /* at or below the apex */
	struct dns_name name;
};

#define MNEMONIC_SLOTS 64 /* a power of two; zones use a handful of mnemonics */

/* A mnemonic that was looked up before; quick.c only. */
struct mnemonic {
	uint64_t chars; /* up to 8, in memory order, 0 behind */
	uint8_t len;    /* of the text, which may have NULs; 0: empty slot */
	uint16_t number;
	bool is_class;
};

struct parser {
	struct zonefile_options options; /* without zeros */
	struct zonefile_source *source;  /* may be NULL */
	struct zonefile_record_sink *records;
	struct zonefile_problem_sink *problems; /* may be NULL */
	struct zonefile_result *result;
	struct error *error; /* the first error; may be NULL */
	size_t apex_len;
	bool stopped; /* too many errors */

	bool ttl_default_known; /* $TTL, or the minimum of an SOA that came without TTL */
	bool ttl_last_known;
	uint32_t ttl_default;
	uint32_t ttl_last; /* last one that a record stated */

	struct owner owner;
	bool owner_handed; /* the sink has taken a record with the octets of `owner` just before */

	/* quick.c: the text that `owner` was read from, while it may be compared with; NULL: it may not. */
	const char *owner_text;
	size_t owner_text_len;
	struct mnemonic mnemonics[MNEMONIC_SLOTS];

	struct dns_name spare; /* an owner before it is known to be good */
	struct entry entry;
	uint8_t *rdata; /* DNS_RDATA_MAX octets; the thread's */
};

/* TTL, class and type in front of the RDATA. */
struct head {
	uint32_t ttl;
	bool ttl_given;
	uint16_t type;
	size_t rdata_index; /* first token of the RDATA */
};

/* ---- read.c ---- */

/* Tells one problem and counts it. Line and column 0: not known. Always false. */
bool tell(struct parser *parser, enum zonefile_severity severity, const struct file *file, uint32_t line,
          uint32_t column, const char *format, ...) PRINTF_LIKE(6, 7);
bool tell_at_token(struct parser *parser, const struct file *file, const struct dns_token *token, const char *format,
                   ...) PRINTF_LIKE(4, 5);

/* `outer` is NULL for the main file. */
void file_init(const struct parser *parser, struct file *file, const struct file *outer, struct zonefile_text *text,
               const struct dns_name *origin);
/* Has more of the text come, `at` being at the end of what was there? */
bool file_more(struct parser *parser, struct file *file);
/* Nothing is left of the whole text. */
static inline bool at_end(struct parser *parser, struct file *file)
{
	return file->at == file->end && !file_more(parser, file);
}
void file_set_origin(const struct parser *parser, struct file *file, const struct dns_name *origin);
/* Reads all entries of `file`. */
void read_entries(struct parser *parser, struct file *file);

/* At or below the apex. */
static inline bool is_inside(const struct parser *parser, const struct dns_name *name)
{
	if (name->len < parser->apex_len) {
		return false;
	}
	size_t start = name->len - parser->apex_len;
	size_t at = 0;
	while (at < start) {
		at += 1u + name->wire[at];
	}
	return at == start && dns_name_equal(name->wire + start, parser->options.apex);
}

/* ---- scan.c ---- */

enum scan {
	SCAN_ENTRY, /* parser->entry has it; it has at least one token */
	SCAN_BAD,   /* told; `file` stands where reading may go on */
	SCAN_END,
};
enum scan scan_entry(struct parser *parser, struct file *file);

/* ---- entry.c ---- */

/* The token as a message quotes it: cut where it is long, and nothing in it that a terminal would obey. */
#define SHOWN_TOKEN_MAX (4 * 80 + 4)
const char *show_token(const struct dns_token *token, char out[static SHOWN_TOKEN_MAX]);

/* "the name 'foo..bar' has an empty label", for the given token. Always false. */
bool tell_name(struct parser *parser, const struct file *file, const struct dns_token *token, enum dns_text_form form);
/* Reads a name from a token that may not be quoted. False: told. */
bool read_name_token(struct parser *parser, const struct file *file, const struct dns_token *token,
                     const uint8_t *origin, struct dns_name *out);
/* Makes `name` the owner of this entry and of those with a blank owner that follow. */
static inline void set_owner(struct parser *parser, const struct dns_name *name)
{
	struct owner *owner = &parser->owner;
	bool same = owner->state == OWNER_GOOD && owner->name.len == name->len &&
	            memcmp(owner->name.wire, name->wire, name->len) == 0;
	if (!same) {
		owner->state = OWNER_GOOD;
		owner->name.len = name->len;
		/* memmove is a call; for memcpy of at most 255 octets gcc 12 writes "rep movs", which costs more than
		 * reading the name did. */
		memmove(owner->name.wire, name->wire, name->len);
		owner->inside = is_inside(parser, name);
		parser->owner_handed = false;
	}
}
/* Reads TTL, class and type, in RFC 1035's orders, from token `index` on. False: told. */
bool read_head(struct parser *parser, const struct file *file, size_t index, struct head *head);
/* Reads the RDATA that `tokens` have, resolves the TTL and hands the record on. `owner` is parser->owner.
 * False: told. */
bool read_rest(struct parser *parser, const struct file *file, const struct head *head, const struct dns_token *tokens,
               size_t count);
/* The TTL of a record that states none. False: there is none. `rdata` is looked at for an SOA only. */
bool inherited_ttl(struct parser *parser, uint16_t type, const uint8_t *rdata, size_t rdata_len, uint32_t *ttl);
/* Hands parser->owner with parser->rdata to the sink, or drops it outside of the zone. False: told. */
bool hand_on(struct parser *parser, const struct file *file, uint32_t line, uint16_t type, uint32_t ttl,
             size_t rdata_len);
/* The entry in parser->entry is a record. */
void read_record(struct parser *parser, const struct file *file);

/* ---- directive.c, generate.c ---- */

/* The entry in parser->entry begins with "$". */
void read_directive(struct parser *parser, struct file *file);
void read_generate(struct parser *parser, const struct file *file);

/* ---- quick.c ---- */

/* Takes the line at file->at when it is a record without anything special. False: nothing was done. */
bool quick_line(struct parser *parser, struct file *file);
