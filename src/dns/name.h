/* SPDX-License-Identifier: MIT */
/* Domain names (RFC 1035 3.1, 2.3.4): wire form, canonical order (RFC 4034 6.1), presentation form.
 *
 * Case is kept in what is stored and ignored in what is compared, unless a function says otherwise. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

#define DNS_NAME_MAX   255 /* wire octets, root label included */
#define DNS_LABEL_MAX  63
#define DNS_LABELS_MAX 127 /* labels besides the root label */

/* Longest presentation form: 255 octets leave at most 250 for label bytes, each "\DDD", with dots and NUL. */
#define DNS_NAME_TEXT_MAX 1024

/* A name that owns its octets. `len` counts the root label, so the root name has len 1. */
struct dns_name {
	uint8_t len;
	uint8_t wire[DNS_NAME_MAX];
};

extern const uint8_t dns_name_root[1];

/* Octets of a wire name, root label included: 1..255. */
size_t dns_name_len(const uint8_t *name);
/* Labels without the root label: 0 for the root name, at most 127. */
size_t dns_name_labels(const uint8_t *name);
struct dns_name dns_name_of(const uint8_t *name);

/* Same name, ASCII case ignored (RFC 4343). */
bool dns_name_equal(const uint8_t *a, const uint8_t *b);
/* Same octets, case included. */
bool dns_name_same(const uint8_t *a, const uint8_t *b);
/* Canonical order (RFC 4034 6.1): <0, 0, >0. */
int dns_name_compare(const uint8_t *a, const uint8_t *b);
/* `name` is `ancestor` or below it. */
bool dns_name_is_within(const uint8_t *name, const uint8_t *ancestor);
/* `name` without its first `labels` labels; a pointer into `name`. `labels` may not exceed dns_name_labels(name). */
const uint8_t *dns_name_strip(const uint8_t *name, size_t labels);
/* Number of labels that two names share at their ends, without the root label; the closest common ancestor is
 * dns_name_strip(a, dns_name_labels(a) - result). */
size_t dns_name_common_labels(const uint8_t *a, const uint8_t *b);
bool dns_name_is_wildcard(const uint8_t *name); /* the first label is exactly "*" (RFC 4592 2.1.1) */

/* `out` gets `name` with A-Z lowered. */
void dns_name_lower(const uint8_t *name, struct dns_name *out);
/* ASCII capitals in lower case, of octets of any kind; `out` may be `octets`. The lengths of labels are no capitals. */
void dns_octets_lower(const uint8_t *octets, size_t len, uint8_t *out);
/* ASCII lower case of one octet. */
extern const uint8_t dns_lower[256];

/* `prefix` (its root label dropped) followed by `suffix`. False when that is longer than 255 octets. */
MUST_USE bool dns_name_join(const uint8_t *prefix, const uint8_t *suffix, struct dns_name *out);
/* "*." in front of `encloser`. False when too long. */
MUST_USE bool dns_name_wildcard_of(const uint8_t *encloser, struct dns_name *out);
/* DNAME substitution (RFC 6672 2.2): the `owner` at the end of `name` replaced by `target`. False when the result is
 * too long (YXDOMAIN). `name` must be below `owner`. */
MUST_USE bool dns_name_substitute(const uint8_t *name, const uint8_t *owner, const uint8_t *target,
                                  struct dns_name *out);

/* Reads a name of a message (RFC 1035 4.1.4). `message->start` is the first octet of the message. Pointers must lead
 * backwards, each before the previous one, and be 128 at most, so that reading ends soon. On any defect the reader is
 * failed and `out` undefined. */
void dns_name_read(struct reader *message, struct dns_name *out);
/* Skips a name without following pointers. */
void dns_name_skip(struct reader *message);
/* Reads a name that may not be compressed (RFC 3597 4 types, stored RDATA); gives a pointer into the reader's bytes,
 * or NULL and failed. */
const uint8_t *dns_name_read_plain(struct reader *reader);

enum dns_text_form {
	DNS_TEXT_OK,
	DNS_TEXT_EMPTY,          /* no characters */
	DNS_TEXT_EMPTY_LABEL,    /* "..", leading dot */
	DNS_TEXT_LABEL_TOO_LONG, /* more than 63 octets */
	DNS_TEXT_NAME_TOO_LONG,  /* more than 255 octets, origin included */
	DNS_TEXT_BAD_ESCAPE,     /* "\1", "\12", "\256", backslash at the end */
	DNS_TEXT_NO_ORIGIN,      /* relative, and there is nothing to be relative to */
};

/* Reads presentation form (RFC 1035 5.1, RFC 4343 2.1). "@" alone is the origin. A relative name gets `origin`
 * appended; `origin` may be NULL: then a relative name is DNS_TEXT_NO_ORIGIN. `chars` needs no NUL. */
enum dns_text_form dns_name_parse(const char *chars, size_t len, const uint8_t *origin, struct dns_name *out);
/* One sentence for people: "a label is longer than 63 octets". */
const char *dns_text_form_text(enum dns_text_form form);
/* Same for operators' input: a name without final dot is taken as absolute.
 * ERROR_SYNTAX  it is no name; the text quotes it and says why */
MUST_USE bool dns_name_from_text(const char *text, struct dns_name *out, struct error *error);

/* Writes presentation form, absolute, with the final dot; special characters escaped so that dns_name_parse reads the
 * same octets back. `out` has DNS_NAME_TEXT_MAX bytes. Returns `out`. */
char *dns_name_to_text(const uint8_t *name, char *out);
/* Same; returns where the NUL stands. */
char *dns_name_to_text_end(const uint8_t *name, char *out);
/* Same without the final dot, as people write zone names in logs: "example.org"; the root is ".". */
char *dns_name_to_text_short(const uint8_t *name, char *out);
