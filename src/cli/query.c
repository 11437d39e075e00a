/* SPDX-License-Identifier: MIT */
/* `tandem query`: asks a server one question, with dig's syntax and habits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "cli/cli_internal.h"
#include "cli/query_internal.h"
#include "dns/rdata.h"

#define TIMEOUT_MS_DEFAULT 5000
#define TRIES_DEFAULT      3

static const char usage[] =
        "usage: tandem query [@SERVER] [-p PORT] NAME [TYPE] [CLASS] [+OPTION...], the words in any order\n"
        "\n"
        "Asks a DNS server one question and shows the answer, as dig does.\n"
        "\n"
        "  @SERVER[@PORT]   whom to ask; default: the first nameserver of /etc/resolv.conf, else 127.0.0.1\n"
        "  -p PORT          its port; default 53\n"
        "  -t TYPE          RR type, AXFR, or IXFR=SERIAL; default A; ANY is asked over TCP unless +notcp\n"
        "  -c CLASS         IN, CH or HS; default IN\n"
        "  -q NAME          the name, where it looks like an option\n"
        "  -x ADDRESS       PTR of the address\n"
        "  +[no]tcp  +[no]dnssec  +[no]rec  +[no]edns[=VERSION]  +bufsize=OCTETS  +[no]nsid  +[no]expire  "
        "+[no]keepalive\n"
        "  +[no]adflag  +[no]cdflag  +[no]aaflag  +[no]zflag  +[no]ignore  +time=SECONDS  +tries=N  +opcode=N\n"
        "  +[no]short  +[no]all  +[no]cmd  +[no]comments  +[no]question  +[no]answer  +[no]authority  +[no]additional\n"
        "  +[no]stats  +[no]class  +[no]ttlid  +[no]onesoa\n"
        "\n"
        "Exit: 0 a reply came, whatever it says; 1 none came, or a transfer did not end well; 2 wrong usage.\n"
        "\n"
        "Examples:\n"
        "  tandem query @127.0.0.1 -p 5300 www.example.org AAAA +dnssec\n"
        "  tandem query @127.0.0.1@5300 example.org AXFR\n"
        "  tandem query @127.0.0.1@5300 version.bind TXT CH +short\n";

static struct query_options options_default(void)
{
	return (struct query_options){
	        .name = {.len = 1},
	        .type = DNS_TYPE_A,
	        .class = DNS_CLASS_IN,
	        .timeout_ms = TIMEOUT_MS_DEFAULT,
	        .tries = TRIES_DEFAULT,
	        .recurse = true,
	        .ad = true,
	        .edns = true,
	        .payload_size = DNS_UDP_SIZE_EDNS,
	        .show_command = true,
	        .show_comments = true,
	        .show_question = true,
	        .show_answer = true,
	        .show_authority = true,
	        .show_additional = true,
	        .show_stats = true,
	        .show_class = true,
	        .show_ttl = true,
	};
}

/* What the command line said besides options. */
struct query_words {
	const char *name;
	bool has_type;
	bool has_class;
	bool type_given; /* by -t */
	char reverse[80];
};

static bool complain(const char *what, const char *word)
{
	fprintf(stderr, "tandem query: %s '%s'; see tandem query --help\n", what, word);
	return false;
}

static bool number_of(const char *text, unsigned long max, unsigned long *out)
{
	char *end;
	if (text == NULL || *text < '0' || *text > '9') {
		return false;
	}
	*out = strtoul(text, &end, 10);
	return *end == '\0' && *out <= max;
}

/* +NAME and +noNAME: one flag each. */
static bool flag_option(struct query_options *options, const char *name, bool on)
{
	const struct {
		const char *name;
		bool *flag;
	} rows[] = {
	        {"tcp", &options->tcp},
	        {"vc", &options->tcp},
	        {"dnssec", &options->dnssec},
	        {"do", &options->dnssec},
	        {"rec", &options->recurse},
	        {"recurse", &options->recurse},
	        {"rdflag", &options->recurse},
	        {"edns", &options->edns},
	        {"nsid", &options->nsid},
	        {"expire", &options->expire},
	        {"keepalive", &options->keepalive},
	        {"adflag", &options->ad},
	        {"ad", &options->ad},
	        {"cdflag", &options->cd},
	        {"cd", &options->cd},
	        {"aaflag", &options->aa},
	        {"aaonly", &options->aa},
	        {"zflag", &options->z},
	        {"ignore", &options->ignore_truncation},
	        {"short", &options->is_short},
	        {"cmd", &options->show_command},
	        {"comments", &options->show_comments},
	        {"question", &options->show_question},
	        {"answer", &options->show_answer},
	        {"authority", &options->show_authority},
	        {"additional", &options->show_additional},
	        {"stats", &options->show_stats},
	        {"class", &options->show_class},
	        {"cl", &options->show_class},
	        {"ttlid", &options->show_ttl},
	        {"onesoa", &options->one_soa},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		if (strcasecmp(name, rows[i].name) == 0) {
			*rows[i].flag = on;
			options->no_tcp = rows[i].flag == &options->tcp ? !on : options->no_tcp;
			return true;
		}
	}
	return false;
}

static void show_all(struct query_options *options, bool on)
{
	options->show_command = on;
	options->show_comments = on;
	options->show_question = on;
	options->show_answer = on;
	options->show_authority = on;
	options->show_additional = on;
	options->show_stats = on;
}

/* +NAME=VALUE */
static bool value_option(struct query_options *options, const char *name, size_t name_len, const char *value)
{
	unsigned long number;
	if (name_len == 7 && strncasecmp(name, "bufsize", 7) == 0 && number_of(value, 65535, &number)) {
		options->payload_size = (uint16_t)number;
		options->edns = true;
		return true;
	}
	if (name_len == 4 && strncasecmp(name, "edns", 4) == 0 && number_of(value, 255, &number)) {
		options->edns_version = (uint16_t)number;
		options->edns = true;
		return true;
	}
	if (((name_len == 4 && strncasecmp(name, "time", 4) == 0) ||
	     (name_len == 7 && strncasecmp(name, "timeout", 7) == 0)) &&
	    number_of(value, 3600, &number) && number > 0) {
		options->timeout_ms = (uint32_t)number * 1000;
		return true;
	}
	if (name_len == 5 && strncasecmp(name, "tries", 5) == 0 && number_of(value, 100, &number) && number > 0) {
		options->tries = (unsigned)number;
		return true;
	}
	if (name_len == 5 && strncasecmp(name, "retry", 5) == 0 && number_of(value, 100, &number)) {
		options->tries = (unsigned)number + 1;
		return true;
	}
	if (name_len == 6 && strncasecmp(name, "opcode", 6) == 0 && number_of(value, 15, &number)) {
		options->opcode = (unsigned)number;
		return true;
	}
	return false;
}

static bool plus_option(struct query_options *options, const char *word)
{
	const char *equals = strchr(word, '=');
	if (equals != NULL) {
		return value_option(options, word, (size_t)(equals - word), equals + 1) ||
		       complain("unknown option or bad value", word);
	}
	bool on = strncasecmp(word, "no", 2) != 0;
	const char *name = on ? word : word + 2;
	if (strcasecmp(name, "all") == 0) {
		show_all(options, on);
		return true;
	}
	return flag_option(options, name, on) || complain("unknown option", word);
}

static bool type_word(struct query_options *options, const char *word)
{
	unsigned long serial;
	if (strncasecmp(word, "ixfr=", 5) == 0) {
		if (!number_of(word + 5, UINT32_MAX, &serial)) {
			return false;
		}
		options->type = DNS_TYPE_IXFR;
		options->ixfr_serial = (uint32_t)serial;
		return true;
	}
	return dns_type_from_text(word, strlen(word), &options->type);
}

/* RFC 1035 3.5 and RFC 3596 2.5. */
static bool reverse_name(const char *text, char *out, size_t size)
{
	struct address address;
	size_t used = 0;
	if (!address_from_text(text, 0, &address, NULL)) {
		return false;
	}
	if (address.family == ADDRESS_V4) {
		snprintf(out, size, "%u.%u.%u.%u.in-addr.arpa.", address.bytes[3], address.bytes[2], address.bytes[1],
		         address.bytes[0]);
		return true;
	}
	for (size_t i = 16; i > 0; i--) {
		used += (size_t)snprintf(out + used, size - used, "%x.%x.", address.bytes[i - 1] & 0xfu,
		                         address.bytes[i - 1] >> 4);
	}
	snprintf(out + used, size - used, "ip6.arpa.");
	return true;
}

/* -X VALUE or -XVALUE; `used` says whether the next word was the value. */
static bool dash_option(struct query_options *options, struct query_words *words, const char *word, const char *next,
                        bool *used)
{
	unsigned long number;
	const char *value = word[2] != '\0' ? word + 2 : next;
	*used = word[2] == '\0';
	if (value == NULL) {
		return complain("a value is missing after", word);
	}
	switch (word[1]) {
	case 'p':
		if (!number_of(value, 65535, &number) || number == 0) {
			return complain("not a port", value);
		}
		options->server.port = (uint16_t)number;
		return true;
	case 't':
		words->type_given = true;
		return type_word(options, value) || complain("unknown type", value);
	case 'c':
		return dns_class_from_text(value, strlen(value), &options->class) || complain("unknown class", value);
	case 'q':
		words->name = value;
		return true;
	case 'x':
		if (!reverse_name(value, words->reverse, sizeof words->reverse)) {
			return complain("not an address", value);
		}
		words->name = words->reverse;
		options->type = words->type_given ? options->type : DNS_TYPE_PTR;
		return true;
	default:
		return complain("unknown option", word);
	}
}

/* dig's habit: type and class may stand before the name, so a name that reads like one of them comes after it or
 * after -q. ANY is the type of that name, not the class. */
static bool plain_word(struct query_options *options, struct query_words *words, const char *word)
{
	uint16_t class;
	if (!words->has_type && !words->type_given && type_word(options, word)) {
		words->has_type = true;
		return true;
	}
	if (!words->has_class && dns_class_from_text(word, strlen(word), &class)) {
		options->class = class;
		words->has_class = true;
		return true;
	}
	if (words->name == NULL) {
		words->name = word;
		return true;
	}
	return complain("one question at a time; do not know what to do with", word);
}

static bool read_words(int argc, char **argv, struct query_options *options, struct query_words *words)
{
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];
		bool used_next = false;
		bool fine;
		if (word[0] == '@') {
			options->server_text = word + 1;
			fine = true;
		} else if (word[0] == '+') {
			fine = plus_option(options, word + 1);
		} else if (word[0] == '-' && word[1] != '\0') {
			fine = dash_option(options, words, word, i + 1 < argc ? argv[i + 1] : NULL, &used_next);
		} else {
			fine = plain_word(options, words, word);
		}
		if (!fine) {
			return false;
		}
		i += used_next;
	}
	return true;
}

/* The first nameserver that /etc/resolv.conf names. */
static bool server_of_system(struct address *out)
{
	char line[512];
	char word[128];
	bool found = false;
	FILE *file = fopen("/etc/resolv.conf", "re");
	while (file != NULL && !found && fgets(line, sizeof line, file) != NULL) {
		found = sscanf(line, " nameserver %127s", word) == 1 && address_from_text(word, 53, out, NULL);
	}
	if (file != NULL) {
		fclose(file);
	}
	return found;
}

static bool choose_server(struct query_options *options)
{
	struct error error;
	uint16_t port = options->server.port == 0 ? 53 : options->server.port;
	if (options->server_text != NULL) {
		if (!address_from_text(options->server_text, port, &options->server, &error)) {
			fprintf(stderr, "tandem query: server %s\n", error.text);
			return false;
		}
		return true;
	}
	if (!server_of_system(&options->server) && !address_from_text("127.0.0.1", 53, &options->server, &error)) {
		return false;
	}
	options->server.port = port;
	return true;
}

static void print_command(int argc, char **argv, const struct query_options *options)
{
	if (!options->show_command || options->is_short) {
		return;
	}
	printf("\n; <<>> tandem query <<>>");
	for (int i = 1; i < argc; i++) {
		printf(" %s", argv[i]);
	}
	printf("\n");
}

/* A transfer as it comes in. */
struct transfer_view {
	const struct query_options *options;
	struct error *error;
	uint64_t records;
	uint64_t messages;
	uint64_t bytes;
	uint32_t serial; /* the newest: of the first record */
	unsigned newest_count;
	bool has_changes;
	bool failed;
	bool ended;
};

/* The SOA's serial; false: the record is malformed. */
static bool serial_of(const struct dns_message *message, const struct dns_rr *rr, uint32_t *serial)
{
	uint8_t rdata[DNS_RDATA_MAX];
	struct writer out = writer_of(rdata, sizeof rdata);
	struct reader in = dns_message_reader(message, (size_t)(rr->rdata - message->bytes));
	if (!dns_rdata_read(&in, DNS_TYPE_SOA, rr->rdata_len, &out)) {
		return false;
	}
	*serial = dns_soa_serial(rdata, writer_len(&out));
	return true;
}

/* The transfer's end: a whole zone ends with the newest SOA for the second time (RFC 5936 2.2); changes, whose second
 * record is an older SOA, when it comes the third time (RFC 1995 4). */
static void look_for_end(struct transfer_view *view, const struct dns_message *message, const struct dns_rr *rr)
{
	uint32_t serial;
	if (rr->type != DNS_TYPE_SOA) {
		return;
	}
	if (!serial_of(message, rr, &serial)) {
		error_set(view->error, ERROR_SYNTAX, "transfer broken: an SOA is malformed");
		view->failed = true;
		return;
	}
	if (view->records == 0) {
		view->serial = serial;
	}
	view->has_changes = view->has_changes || (view->records == 1 && serial != view->serial);
	view->newest_count += serial == view->serial;
	view->ended = view->newest_count == (view->has_changes ? 3 : 2);
}

static bool is_refusal(struct transfer_view *view, const struct dns_message *message)
{
	char rcode[DNS_MNEMONIC_MAX];
	if (dns_message_rcode(message) == DNS_RCODE_NOERROR && message->header.answer_count > 0) {
		return false;
	}
	error_set(view->error, ERROR_DENIED, "transfer refused: %s",
	          dns_rcode_to_text(dns_message_rcode(message), rcode));
	view->failed = true;
	return true;
}

static bool print_transfer_message(void *self, const struct query_reply *reply)
{
	struct transfer_view *view = self;
	struct dns_message message;
	if (dns_message_read(reply->bytes, reply->len, &message) != DNS_READ_OK) {
		error_set(view->error, ERROR_SYNTAX, "transfer broken: message %llu is malformed",
		          (unsigned long long)view->messages + 1);
		view->failed = true;
		return false;
	}
	if (is_refusal(view, &message)) {
		return false;
	}
	view->messages++;
	view->bytes += reply->len;
	struct reader at = dns_message_reader(&message, message.answer_offset);
	for (unsigned i = 0; i < message.header.answer_count && !view->failed; i++) {
		struct reader start = at;
		struct dns_rr rr;
		dns_rr_read(&at, &rr);
		look_for_end(view, &message, &rr);
		view->records++;
		if (!(view->ended && view->options->one_soa)) {
			query_print_rr(view->options, &start);
		}
	}
	/* An up-to-date client gets one SOA alone. */
	bool alone = view->options->type == DNS_TYPE_IXFR && view->messages == 1 && view->records == 1;
	return !view->failed && !view->ended && !alone;
}

static int run_transfer(const struct query_options *options)
{
	struct error error;
	error_clear(&error);
	struct transfer_view view = {.options = options, .error = &error};
	struct query_reply *reply = memory_new(sizeof *reply);
	bool done = query_stream(options, reply, print_transfer_message, &view, &error) && !view.failed;
	if (!done) {
		fprintf(stderr, "; %s\n", error.text);
	} else if (options->show_stats && !options->is_short) {
		query_print_stats(options, reply);
		printf(";; XFR size: %llu records (messages %llu, bytes %llu)\n", (unsigned long long)view.records,
		       (unsigned long long)view.messages, (unsigned long long)view.bytes);
	}
	free(reply);
	return done ? 0 : 1;
}

static int run_question(const struct query_options *options)
{
	struct error error;
	struct dns_message message = {0};
	struct query_reply *reply = memory_new(sizeof *reply);
	bool done = query_exchange(options, reply, &error);
	if (!done) {
		fprintf(stderr, ";; %s\n", error.text);
	} else if (dns_message_read(reply->bytes, reply->len, &message) == DNS_READ_TOO_SHORT) {
		fprintf(stderr, ";; the reply has no header\n");
		done = false;
	} else {
		query_print_reply(options, &message, reply);
	}
	free(reply);
	return done ? 0 : 1;
}

int cli_query(int argc, char **argv)
{
	struct query_options options = options_default();
	struct query_words words = {0};
	struct error error;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			fputs(usage, stdout);
			return 0;
		}
	}
	if (!read_words(argc, argv, &options, &words) || !choose_server(&options)) {
		return 2;
	}
	if (words.name == NULL && !words.has_type) {
		fputs(usage, stderr);
		return 2;
	}
	words.name = words.name != NULL ? words.name : "."; /* a type alone asks about the root */
	/* ANY over UDP is seldom the whole of it (RFC 8482 4.4), so it goes over TCP unless +notcp says otherwise. */
	options.tcp = options.tcp || (options.type == DNS_TYPE_ANY && !options.no_tcp);
	if (!dns_name_from_text(words.name, &options.name, &error)) {
		fprintf(stderr, "tandem query: %s\n", error.text);
		return 2;
	}
	print_command(argc, argv, &options);
	return query_is_transfer(&options) ? run_transfer(&options) : run_question(&options);
}
