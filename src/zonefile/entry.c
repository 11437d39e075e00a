/* SPDX-License-Identifier: MIT */
/* The tokens of a record to the record: owner, TTL, class, type, RDATA (RFC 1035 5.1, RFC 2308 4). */
#include "zonefile/zonefile_internal.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "dns/type.h"

/* Characters of a token that a message quotes. */
#define QUOTED_MAX 80

const char *show_token(const struct dns_token *token, char out[static SHOWN_TOKEN_MAX])
{
	char *at = out;
	size_t len = token->len > QUOTED_MAX ? QUOTED_MAX : token->len;
	for (size_t i = 0; i < len; i++) {
		uint8_t octet = (uint8_t)token->chars[i];
		if (octet >= 0x20 && octet < 0x7f) {
			*at++ = (char)octet;
		} else {
			at += sprintf(at, "\\%03u", octet);
		}
	}
	strcpy(at, token->len > QUOTED_MAX ? "..." : "");
	return out;
}

bool tell_name(struct parser *parser, const struct file *file, const struct dns_token *token, enum dns_text_form form)
{
	char shown[SHOWN_TOKEN_MAX];
	return tell_at_token(parser, file, token, "the name '%s' %s", show_token(token, shown),
	                     dns_text_form_text(form));
}

bool read_name_token(struct parser *parser, const struct file *file, const struct dns_token *token,
                     const uint8_t *origin, struct dns_name *out)
{
	if (token->quoted) {
		return tell_at_token(parser, file, token, "a name stands without quotes");
	}
	enum dns_text_form form = dns_name_parse(token->chars, token->len, origin, out);
	return form == DNS_TEXT_OK || tell_name(parser, file, token, form);
}

static bool begins_with_digit(const struct dns_token *token)
{
	return token->len > 0 && token->chars[0] >= '0' && token->chars[0] <= '9';
}

static bool read_ttl(struct parser *parser, const struct file *file, const struct dns_token *token, struct head *head)
{
	char shown[SHOWN_TOKEN_MAX];
	const char *why;
	if (head->ttl_given) {
		return tell_at_token(parser, file, token, "a second TTL, where the type should stand");
	}
	if (!zonefile_ttl_from_text(token->chars, token->len, &head->ttl, &why)) {
		return tell_at_token(parser, file, token, "the TTL '%s' %s", show_token(token, shown), why);
	}
	head->ttl_given = true;
	return true;
}

/* ANY and NONE are classes of messages only; as a word here ANY is a type. */
static bool is_class(const struct dns_token *token, uint16_t *class)
{
	return dns_class_from_text(token->chars, token->len, class) && *class != DNS_CLASS_ANY &&
	       *class != DNS_CLASS_NONE;
}

static bool check_class(struct parser *parser, const struct file *file, const struct dns_token *token, uint16_t class)
{
	char shown[SHOWN_TOKEN_MAX];
	char wanted[DNS_MNEMONIC_MAX];
	if (class == parser->options.class) {
		return true;
	}
	return tell_at_token(parser, file, token, "class %s in a zone of class %s", show_token(token, shown),
	                     dns_class_to_text(parser->options.class, wanted));
}

static bool read_type(struct parser *parser, const struct file *file, const struct dns_token *token, uint16_t *type)
{
	char shown[SHOWN_TOKEN_MAX];
	if (token->quoted || !dns_type_from_text(token->chars, token->len, type)) {
		return tell_at_token(parser, file, token, "'%s' is not a type%s", show_token(token, shown),
		                     token->quoted ? ": it stands without quotes" : "");
	}
	if (dns_type_is_meta(*type)) {
		return tell_at_token(parser, file, token, "type %s cannot be in a zone (RFC 6895 3.1)",
		                     show_token(token, shown));
	}
	return true;
}

bool read_head(struct parser *parser, const struct file *file, size_t index, struct head *head)
{
	const struct entry *entry = &parser->entry;
	bool class_given = false;
	uint16_t class;
	*head = (struct head){0};
	for (size_t i = index; i < entry->count; i++) {
		const struct dns_token *token = &entry->tokens[i];
		if (!token->quoted && begins_with_digit(token)) {
			if (!read_ttl(parser, file, token, head)) {
				return false;
			}
		} else if (!token->quoted && !class_given && is_class(token, &class)) {
			if (!check_class(parser, file, token, class)) {
				return false;
			}
			class_given = true;
		} else {
			head->rdata_index = i + 1;
			return read_type(parser, file, token, &head->type);
		}
	}
	return tell_at_token(parser, file, &entry->tokens[entry->count - 1], "the record ends here, without a type");
}

bool inherited_ttl(struct parser *parser, uint16_t type, const uint8_t *rdata, size_t rdata_len, uint32_t *ttl)
{
	if (parser->ttl_default_known) {
		*ttl = parser->ttl_default;
		return true;
	}
	if (parser->ttl_last_known) {
		*ttl = parser->ttl_last;
		return true;
	}
	if (type != DNS_TYPE_SOA) {
		return false;
	}
	/* RFC 1035 3.3.13: without $TTL, the SOA's last field was the zone's TTL. It stays so for the records that
	 * follow without one, as BIND has it, even behind others that state theirs. */
	uint32_t minimum = load_u32(rdata + rdata_len - 4);
	*ttl = minimum > INT32_MAX ? 0 : minimum;
	parser->ttl_default = *ttl;
	parser->ttl_default_known = true;
	return true;
}

bool hand_on(struct parser *parser, const struct file *file, uint32_t line, uint16_t type, uint32_t ttl,
             size_t rdata_len)
{
	struct owner *owner = &parser->owner;
	if (!owner->inside) {
		parser->result->dropped_count++;
		char text[DNS_NAME_TEXT_MAX];
		tell(parser, ZONEFILE_WARNING, file, line, 1, "'%s' is outside of the zone: the record is dropped",
		     dns_name_to_text(owner->name.wire, text));
		return true;
	}
	struct zonefile_record record = {
	        .owner = owner->name.wire,
	        .owner_len = owner->name.len,
	        .owner_repeated = parser->owner_handed,
	        .type = type,
	        .class = parser->options.class,
	        .ttl = ttl,
	        .rdata = parser->rdata,
	        .rdata_len = rdata_len,
	        .file = file->name,
	        .line = line,
	};
	struct error error;
	error.text[0] = '\0';
	parser->owner_handed = parser->records->take(parser->records, &record, &error);
	if (!parser->owner_handed) {
		return tell(parser, ZONEFILE_ERROR, file, line, 1, "%s", error.text);
	}
	parser->result->record_count++;
	return true;
}

static bool tell_rdata(struct parser *parser, const struct file *file, uint16_t type, const struct dns_token *tokens,
                       size_t count, const struct dns_rdata_error *error)
{
	char mnemonic[DNS_MNEMONIC_MAX];
	/* Something is missing at the end: that is behind the last token, be it the type itself. */
	const struct dns_token *token = error->token < count ? &tokens[error->token] : &tokens[count] - 1;
	dns_type_to_text(type, mnemonic);
	return tell_at_token(parser, file, token, "%s: %s", mnemonic, error->text);
}

bool read_rest(struct parser *parser, const struct file *file, const struct head *head, const struct dns_token *tokens,
               size_t count)
{
	struct writer rdata = writer_of(parser->rdata, DNS_RDATA_MAX);
	struct dns_rdata_error error = {0};
	uint32_t ttl = head->ttl;
	if (head->ttl_given) {
		parser->ttl_last = head->ttl;
		parser->ttl_last_known = true;
	}
	if (!dns_rdata_parse(head->type, tokens, count, file->origin.wire, &rdata, &error)) {
		return tell_rdata(parser, file, head->type, tokens, count, &error);
	}
	size_t rdata_len = writer_len(&rdata);
	if (!head->ttl_given && !inherited_ttl(parser, head->type, parser->rdata, rdata_len, &ttl)) {
		return tell(parser, ZONEFILE_ERROR, file, parser->entry.line, 1,
		            "no TTL: neither this record nor one before it states it, nor does $TTL");
	}
	return hand_on(parser, file, parser->entry.line, head->type, ttl, rdata_len);
}

/* Sets parser->owner from the first token. False: told. */
static bool read_owner(struct parser *parser, const struct file *file)
{
	if (!read_name_token(parser, file, &parser->entry.tokens[0], file->origin.wire, &parser->spare)) {
		parser->owner.state = OWNER_BAD;
		parser->owner_handed = false;
		return false;
	}
	set_owner(parser, &parser->spare);
	return true;
}

/* The owner of an entry with a blank in its place. False: there is none; told where that is news. */
static bool inherit_owner(struct parser *parser, const struct file *file)
{
	switch (parser->owner.state) {
	case OWNER_GOOD:
		return true;
	case OWNER_BAD:
		return false;
	case OWNER_NONE:
		break;
	}
	return tell_at_token(
	        parser, file, &parser->entry.tokens[0],
	        "the line begins with a blank, but there is no record before it whose owner it could have");
}

void read_record(struct parser *parser, const struct file *file)
{
	const struct entry *entry = &parser->entry;
	struct head head;
	bool owned = entry->blank ? inherit_owner(parser, file) : read_owner(parser, file);
	if (!owned) {
		return;
	}
	if (!read_head(parser, file, entry->blank ? 0 : 1, &head)) {
		return;
	}
	read_rest(parser, file, &head, entry->tokens + head.rdata_index, entry->count - head.rdata_index);
}
