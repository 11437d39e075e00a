/* SPDX-License-Identifier: MIT */
/* The manual of the configuration, from the rows: man(7) and Markdown differ only in their marks. */
#include <string.h>

#include "conf/rows_internal.h"

struct manual {
	struct text *out;
	bool man; /* else Markdown */
};

/* man(7): a backslash and a dot or quote at the start of a line have a meaning, a hyphen is not a minus, and `code` is
 * bold. Markdown is what the rows are written in. */
static void add_prose(const struct manual *manual, const char *text)
{
	bool bold = false;
	for (const char *at = text; *at != '\0'; at++) {
		if (!manual->man) {
			text_add_char(manual->out, *at);
		} else if (*at == '`') {
			bold = !bold;
			text_add_string(manual->out, bold ? "\\fB" : "\\fR");
		} else if (*at == '\\') {
			text_add_string(manual->out, "\\e");
		} else if (*at == '-') {
			text_add_string(manual->out, "\\-");
		} else if ((*at == '.' || *at == '\'') && (at == text || at[-1] == '\n')) {
			text_add_string(manual->out, "\\&");
			text_add_char(manual->out, *at);
		} else {
			text_add_char(manual->out, *at);
		}
	}
}

static void add_heading(const struct manual *manual, const char *heading)
{
	if (manual->man) {
		text_format(manual->out, ".SH \"%s\"\n", heading);
	} else {
		const char *so_far = text_string(manual->out);
		bool is_apart = manual->out->len >= 2 && strcmp(so_far + manual->out->len - 2, "\n\n") == 0;
		text_format(manual->out, "%s## %s\n\n", is_apart ? "" : "\n", heading);
	}
}

static void add_paragraph(const struct manual *manual, const char *prose)
{
	if (manual->man) {
		text_add_string(manual->out, ".PP\n");
	}
	add_prose(manual, prose);
	text_add_string(manual->out, manual->man ? "\n" : "\n\n");
}

static void add_code(const struct manual *manual, const char *lines)
{
	text_add_string(manual->out, manual->man ? ".PP\n.nf\n" : "```yaml\n");
	if (manual->man) {
		add_prose(manual, lines);
	} else {
		text_add_string(manual->out, lines);
	}
	text_add_string(manual->out, manual->man ? ".fi\n" : "```\n\n");
}

/* NULL: a change holds at once, as the manual says for all. */
static const char *reload_text(unsigned reload)
{
	if ((reload & RELOAD_RESTART) != 0) {
		return "A change needs a restart.";
	}
	if ((reload & RELOAD_LISTEN) != 0) {
		return "A change opens and closes sockets on reload.";
	}
	if ((reload & RELOAD_FILE) != 0) {
		return "A change has the zone file read again on reload.";
	}
	return NULL;
}

static void add_row(const struct manual *manual, const struct row *row)
{
	struct text kind;
	text_init(&kind, 1000);
	row_write_kind(row, &kind);
	if (manual->man) {
		text_add_string(manual->out, ".TP\n\\fB");
		add_prose(manual, row->name);
		text_add_string(manual->out, "\\fR: \\fI");
		add_prose(manual, text_string(&kind));
		text_add_string(manual->out, "\\fR\n");
	} else {
		text_format(manual->out, "- **`%s`**: *%s*.", row->name, text_string(&kind));
	}
	const char *gap = manual->man ? "" : " ";
	if (row->required) {
		text_format(manual->out, "%sRequired.", gap);
		gap = " ";
	} else if (row->standard != NULL) {
		text_format(manual->out, "%sDefault ", gap);
		add_prose(manual, "`");
		add_prose(manual, row->standard);
		add_prose(manual, "`.");
		gap = " ";
	}
	text_add_string(manual->out, gap);
	add_prose(manual, row->help);
	if (reload_text(row->reload) != NULL) {
		text_format(manual->out, " %s", reload_text(row->reload));
	}
	text_add_char(manual->out, '\n');
	text_deinit(&kind);
}

static void add_rows(const struct manual *manual, const struct rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		add_row(manual, &rows->rows[i]);
	}
}

static const char example[] = "server:\n"
                              "  listen: [127.0.0.1@5300, \"::1@5300\"]\n"
                              "  data-dir: data\n"
                              "  control: tandem.sock\n"
                              "keys:\n"
                              "  - {name: xfr.example, algorithm: hmac-sha256, secret: bWFkZSB1cCBrZXkgbWF0ZXJpYWwh}\n"
                              "peers:\n"
                              "  - {name: ns2, address: [192.0.2.2@53], key: xfr.example}\n"
                              "groups:\n"
                              "  - {name: hosted, notify: [ns2], allow-transfer: [{peer: ns2}]}\n"
                              "zones:\n"
                              "  - {name: example.org, file: zones/example.org.zone, group: hosted}\n"
                              "  - {name: example.net, primaries: [192.0.2.1@53]}\n";

static void add_all(const struct manual *manual)
{
	add_paragraph(manual,
	              "The configuration is one YAML file. It is taken strictly: an unknown option, a value of the "
	              "wrong kind or a name that is not defined is an error with its line and column, and with an "
	              "error nothing of the file is taken. `tandem check config FILE` shows all errors at once. "
	              "Relative paths resolve against the file's folder. A list of one may be written without "
	              "brackets. Anchors, aliases and tags are not accepted; groups are there for what zones share.");
	add_code(manual, example);
	add_paragraph(manual,
	              "`tandem reload`, or the signal SIGHUP, has a running server read its file again. What changed "
	              "is applied, and only that; where nothing else is said below, it holds at once. A file with an "
	              "error leaves the running configuration in place; "
	              "`tandem status` then says so.");
	add_heading(manual, "Values");
	add_paragraph(
	        manual,
	        "A duration has units: `90s`, `1h30m`, `1w`; also `d`, and `ms` where parts of a second make sense. "
	        "A number alone means seconds. A size is a number of octets, or with `K`, `M`, `G` or `T` a "
	        "multiple of 1024, 1024^2 and so on. On and off may be written `on`, `yes`, `true` and `off`, "
	        "`no`, `false`. An address is ADDR or ADDR@PORT; in YAML an IPv6 address that begins with a colon "
	        "needs quotes. Where a list names peers, an address does too.");
	add_heading(manual, "server");
	add_rows(manual, &server_rows);
	add_heading(manual, "keys");
	add_paragraph(
	        manual,
	        "TSIG keys (RFC 8945): secrets that two servers share, by which each proves to the other who it is. "
	        "Both sides need the same name, algorithm and secret. `tandem key new tsig NAME` makes one. A key "
	        "that is changed or taken out on reload counts at once: transfers that it signs are cut.");
	add_rows(manual, &key_rows);
	add_heading(manual, "peers");
	add_paragraph(manual,
	              "Other servers, under a name of ours. A peer that got another address changes every zone that "
	              "names it.");
	add_rows(manual, &peer_rows);
	add_heading(manual, "groups");
	add_paragraph(manual,
	              "Settings that zones share. A group may have every option of a zone but `name`, `file` and "
	              "`group`.");
	add_rows(manual, &group_rows);
	add_heading(manual, "zones");
	add_paragraph(
	        manual,
	        "A zone needs `file` or `primaries`, its own or its group's. With `primaries` it is a secondary.");
	add_rows(manual, &zone_rows);
	add_heading(manual, "Options of zones and groups");
	add_paragraph(manual, "Each is taken from the zone, else from its group, else it is the default.");
	add_rows(manual, &zone_option_rows);
	add_heading(manual, "Access rules");
	add_paragraph(
	        manual,
	        "`allow-query`, `allow-transfer`, `allow-notify` and `allow-update` are lists of rules. Each rule is a "
	        "map with the "
	        "conditions below, or a prefix alone, or `any`. A rule holds when all its conditions hold; a "
	        "list allows when one of its rules holds. An empty list allows nobody. A question that is not signed "
	        "holds for no rule that wants a key.");
	add_rows(manual, &rule_rows);
}

void conf_write_manual(const char *version, struct text *out)
{
	struct manual manual = {.out = out, .man = true};
	text_format(out,
	            ".\\\" Generated from the option rows of src/conf/rows.c.\n"
	            ".TH TANDEM.YAML 5 \"\" \"Tandem %s\" \"Tandem\"\n"
	            ".SH NAME\ntandem.yaml \\- configuration of the Tandem DNS server\n"
	            ".SH DESCRIPTION\n",
	            version);
	add_all(&manual);
	text_add_string(out, ".SH SEE ALSO\n\\fBtandem\\fR(1)\n");
}

void conf_write_markdown(struct text *out)
{
	struct manual manual = {.out = out};
	text_add_string(
	        out, "# Configuration\n\n"
	             "<!-- Generated from the option rows of src/conf/rows.c: `tandem man configuration.md`. -->\n\n");
	add_all(&manual);
}
