/* SPDX-License-Identifier: MIT */
/* $GENERATE, the syntax of BIND: "$GENERATE START-STOP[/STEP] OWNER [TTL] [CLASS] TYPE RDATA". Each number of the range
 * makes one record, in which "$" stands for the number, "${OFFSET[,WIDTH[,BASE]]}" for the number in another form, and
 * "$$" or "\$" for a dollar sign. */
#include "zonefile/zonefile_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define ITERATOR_MAX INT32_MAX
#define WIDTH_MAX    255

struct range {
	uint32_t start;
	uint32_t stop;
	uint32_t step;
};

/* What "${...}" says. */
struct form {
	int64_t offset;
	uint32_t width;
	char base; /* d, o, x, X; n, N: hexadecimal digits in reverse, with dots (for ip6.arpa) */
};

/* One run of a directive. */
struct generator {
	struct parser *parser;
	const struct file *file;
	struct head head;
	struct range range;
	const struct dns_token *owner;
	const struct dns_token *rdata;
	size_t rdata_count;
	struct text made; /* the expanded tokens of one record */
};

/* ---- range ---- */

/* Digits up to `max`; `*at` moves behind them. */
static bool read_number(const char **at, const char *end, uint32_t max, uint32_t *out)
{
	const char *start = *at;
	uint64_t value = 0;
	for (; *at < end && **at >= '0' && **at <= '9' && value <= max; (*at)++) {
		value = value * 10 + (uint64_t)(**at - '0');
	}
	*out = (uint32_t)value;
	return *at > start && value <= max;
}

static bool pass(const char **at, const char *end, char c)
{
	if (*at == end || **at != c) {
		return false;
	}
	(*at)++;
	return true;
}

static bool parse_range(const struct dns_token *token, struct range *range)
{
	const char *at = token->chars;
	const char *end = at + token->len;
	range->step = 1;
	if (!read_number(&at, end, ITERATOR_MAX, &range->start) || !pass(&at, end, '-') ||
	    !read_number(&at, end, ITERATOR_MAX, &range->stop)) {
		return false;
	}
	if (pass(&at, end, '/') && !read_number(&at, end, ITERATOR_MAX, &range->step)) {
		return false;
	}
	return at == end && range->step > 0 && range->start <= range->stop;
}

static bool read_range(struct parser *parser, const struct file *file, struct range *range)
{
	const struct dns_token *token = &parser->entry.tokens[1];
	if (!parse_range(token, range)) {
		return tell_at_token(parser, file, token,
		                     "a range is START-STOP or START-STOP/STEP, START not above STOP, numbers up to %d",
		                     ITERATOR_MAX);
	}
	if ((range->stop - range->start) / range->step >= parser->options.generate_max) {
		return tell_at_token(parser, file, token, "the range makes more than %" PRIu32 " records",
		                     parser->options.generate_max);
	}
	return true;
}

/* ---- expansion ---- */

/* Reads "{OFFSET[,WIDTH[,BASE]]}". NULL: well-formed; else what is wrong. */
static const char *read_form(const char **at, const char *end, struct form *form)
{
	uint32_t offset;
	bool negative = false;
	*form = (struct form){.base = 'd'};
	if (!pass(at, end, '{')) {
		return NULL; /* a "$" alone */
	}
	if (pass(at, end, '-')) {
		negative = true;
	} else {
		pass(at, end, '+');
	}
	if (!read_number(at, end, ITERATOR_MAX, &offset)) {
		return "behind '${' stands an offset, a number up to 2147483647";
	}
	form->offset = negative ? -(int64_t)offset : (int64_t)offset;
	if (pass(at, end, ',') && !read_number(at, end, WIDTH_MAX, &form->width)) {
		return "the width in '${offset,width}' is a number up to 255";
	}
	if (pass(at, end, ',')) {
		if (*at == end || **at == '\0' || strchr("doxXnN", **at) == NULL) {
			return "the base in '${offset,width,base}' is one of d, o, x, X, n, N";
		}
		form->base = *(*at)++;
	}
	return pass(at, end, '}') ? NULL : "'${' without a '}'";
}

static void add_nibbles(struct text *out, uint32_t value, uint32_t width, bool upper)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	do {
		text_add_char(out, digits[value & 0xf]);
		value >>= 4;
		width -= width > 0 ? 1 : 0;
		if (width > 0 || value != 0) {
			text_add_char(out, '.');
			width -= width > 0 ? 1 : 0;
		}
	} while (width > 0 || value != 0);
}

static void add_number(struct text *out, uint32_t value, const struct form *form)
{
	int width = (int)form->width;
	switch (form->base) {
	case 'o':
		text_format(out, "%0*" PRIo32, width, value);
		break;
	case 'x':
		text_format(out, "%0*" PRIx32, width, value);
		break;
	case 'X':
		text_format(out, "%0*" PRIX32, width, value);
		break;
	case 'n':
	case 'N':
		add_nibbles(out, value, form->width, form->base == 'N');
		break;
	default:
		text_format(out, "%0*" PRIu32, width, value);
		break;
	}
}

/* `*at` stands behind a "$". NULL: done; else what is wrong. */
static const char *expand_dollar(const char **at, const char *end, uint32_t iterator, struct text *out)
{
	struct form form;
	if (pass(at, end, '$')) {
		text_add_string(out, "\\$");
		return NULL;
	}
	const char *wrong = read_form(at, end, &form);
	if (wrong != NULL) {
		return wrong;
	}
	int64_t value = (int64_t)iterator + form.offset;
	if (value < 0 || value > ITERATOR_MAX) {
		return "with this offset the number leaves the range from 0 to 2147483647";
	}
	add_number(out, (uint32_t)value, &form);
	return NULL;
}

/* Appends the token with the number in it. NULL: done; else what is wrong. */
static const char *expand(const struct dns_token *token, uint32_t iterator, struct text *out)
{
	const char *at = token->chars;
	const char *end = at + token->len;
	const char *wrong = NULL;
	while (at < end && wrong == NULL) {
		char c = *at++;
		if (c == '$') {
			wrong = expand_dollar(&at, end, iterator, out);
			continue;
		}
		text_add_char(out, c);
		if (c == '\\' && at < end) {
			text_add_char(out, *at++);
		}
	}
	return out->failed ? "the record becomes too long" : wrong;
}

/* ---- records ---- */

static bool expand_owner(struct generator *generator, uint32_t iterator)
{
	struct parser *parser = generator->parser;
	text_clear(&generator->made);
	const char *wrong = expand(generator->owner, iterator, &generator->made);
	if (wrong != NULL) {
		return tell_at_token(parser, generator->file, generator->owner, "%s", wrong);
	}
	struct dns_token token = *generator->owner;
	token.chars = text_string(&generator->made);
	token.len = (uint32_t)generator->made.len;
	if (!read_name_token(parser, generator->file, &token, generator->file->origin.wire, &parser->spare)) {
		return false;
	}
	set_owner(parser, &parser->spare);
	return true;
}

/* Puts each expanded token of the RDATA into parser->entry. */
static bool expand_tokens(struct generator *generator, uint32_t iterator)
{
	struct entry *entry = &generator->parser->entry;
	entry->count = 0;
	text_clear(&generator->made);
	for (size_t i = 0; i < generator->rdata_count; i++) {
		const struct dns_token *token = &generator->rdata[i];
		size_t start = generator->made.len;
		const char *wrong = expand(token, iterator, &generator->made);
		if (wrong != NULL) {
			return tell_at_token(generator->parser, generator->file, token, "%s", wrong);
		}
		entry->tokens[entry->count] = *token;
		entry->tokens[entry->count++].len = (uint32_t)(generator->made.len - start);
	}
	/* The text may have moved while it grew. */
	const char *at = text_string(&generator->made);
	for (size_t i = 0; i < entry->count; i++) {
		entry->tokens[i].chars = at;
		at += entry->tokens[i].len;
	}
	return true;
}

/* One quoted word is how BIND's syntax gives RDATA of several: what is in the quotes is read again. */
static bool split_quoted(struct generator *generator)
{
	struct parser *parser = generator->parser;
	const struct dns_token *quoted = generator->rdata;
	struct file line;
	struct zonefile_text text = {
	        .name = generator->file->name, .chars = text_string(&generator->made), .len = generator->made.len};
	file_init(parser, &line, generator->file, &text, &generator->file->origin);
	line.line = quoted->line;
	if (scan_entry(parser, &line) == SCAN_BAD) {
		return false;
	}
	for (size_t i = 0; i < parser->entry.count; i++) {
		parser->entry.tokens[i].line = quoted->line;
		parser->entry.tokens[i].column = quoted->column;
	}
	if (parser->entry.count == 0 || line.at < line.end) {
		return tell_at_token(parser, generator->file, quoted, "these quotes must hold the RDATA of one record");
	}
	return true;
}

static bool generate_one(struct generator *generator, uint32_t iterator)
{
	struct parser *parser = generator->parser;
	struct entry *entry = &parser->entry;
	uint32_t line = entry->line;
	if (!expand_owner(generator, iterator) || !expand_tokens(generator, iterator)) {
		return false;
	}
	if (generator->rdata_count == 1 && generator->rdata[0].quoted && !split_quoted(generator)) {
		return false;
	}
	entry->line = line;
	return read_rest(parser, generator->file, &generator->head, entry->tokens, entry->count);
}

static void generate_all(struct generator *generator)
{
	const struct range *range = &generator->range;
	uint32_t left = (range->stop - range->start) / range->step;
	uint32_t iterator = range->start;
	/* The first bad record ends it: the others would only say the same again. */
	while (generate_one(generator, iterator) && left-- > 0 && !generator->parser->stopped) {
		iterator += range->step;
	}
}

void read_generate(struct parser *parser, const struct file *file)
{
	struct generator generator = {.parser = parser, .file = file};
	const struct entry *entry = &parser->entry;
	bool headed = entry->count >= 5 && read_range(parser, file, &generator.range) &&
	              read_head(parser, file, 3, &generator.head);
	if (entry->count < 5 || (headed && generator.head.rdata_index == entry->count)) {
		tell_at_token(parser, file, &entry->tokens[entry->count - 1],
		              "the directive ends here; its form is $GENERATE START-STOP[/STEP] OWNER [TTL] [CLASS] "
		              "TYPE RDATA");
	}
	if (!headed || generator.head.rdata_index == entry->count) {
		return;
	}
	struct owner owner = parser->owner;
	struct dns_token *tokens = memory_copy(entry->tokens, entry->count * sizeof *tokens);
	generator.owner = &tokens[2];
	generator.rdata = tokens + generator.head.rdata_index;
	generator.rdata_count = entry->count - generator.head.rdata_index;
	text_init(&generator.made, TOKEN_LEN_MAX);
	generate_all(&generator);
	text_deinit(&generator.made);
	free(tokens);
	parser->owner = owner;
	parser->owner_handed = false;
}
