/* SPDX-License-Identifier: MIT */
/* `tandem query`: asks a server one question, with dig's syntax and habits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/cli_internal.h"
#include "cli/query_internal.h"
#include "dns/rdata.h"

static const char usage[] =
        "usage: tandem query [@SERVER] [-p PORT] NAME [TYPE] [CLASS] [+OPTION...], the words in any order\n"
        "\n"
        "Asks a DNS server one question and shows the answer, as dig does.\n"
        "\n"
        "  @SERVER[@PORT]   whom to ask, an address or a name; default: the nameservers of /etc/resolv.conf, else "
        "127.0.0.1\n"
        "  -p PORT          its port; default 53\n"
        "  -4  -6           over IPv4 or IPv6 alone\n"
        "  -b ADDR[#PORT]   own address to ask from\n"
        "  -u               times in microseconds\n"
        "  -t TYPE          RR type, AXFR, or IXFR=SERIAL; default A; ANY is asked over TCP unless +notcp\n"
        "  -c CLASS         IN, CH or HS; default IN\n"
        "  -q NAME          the name, where it looks like an option\n"
        "  -x ADDRESS       PTR of the address\n"
        "  -k FILE          sign with the key in this file, which others may not read (TSIG)\n"
        "  -y [ALGORITHM:]NAME:SECRET\n"
        "                   the same; -k is better: the shell keeps the secret, and for a moment all users can see it\n"
        "  +[no]tcp  +[no]dnssec  +[no]rec  +[no]edns[=VERSION]  +bufsize=OCTETS  +[no]nsid  +[no]expire  "
        "+[no]keepalive\n"
        "  +[no]adflag  +[no]cdflag  +[no]aaflag  +[no]zflag  +[no]ignore  +time=SECONDS  +tries=N  +opcode=N\n"
        "  +[no]short  +[no]all  +[no]cmd  +[no]comments  +[no]question  +[no]answer  +[no]authority  +[no]additional\n"
        "  +[no]stats  +[no]class  +[no]ttlid  +[no]ttlunits  +[no]multiline  +[no]onesoa  +[no]qr  +[no]identify\n"
        "  +[no]cookie[=HEX]  +subnet=ADDR[/BITS]  +nosubnet\n"
        "\n"
        "Unlike dig, it sends a cookie only with +cookie, and shows long keys and signatures in one piece.\n"
        "\n"
        "Exit: 0 a reply came, whatever it says; 1 none came, a transfer did not end well, or the question was signed "
        "and the\n"
        "reply does not prove who made it; 2 wrong usage.\n"
        "\n"
        "Examples:\n"
        "  tandem query @127.0.0.1 -p 5300 www.example.org AAAA +dnssec\n"
        "  tandem query @127.0.0.1@5300 example.org AXFR\n"
        "  tandem query @127.0.0.1@5300 -k xfr.example.key example.org AXFR\n"
        "  tandem query @127.0.0.1@5300 version.bind TXT CH +short\n";

/* A secret is not shown: what is printed here ends in tickets and mails. */
static const char *shown(char **argv, int i)
{
	bool is_value = i > 1 && strcmp(argv[i - 1], "-y") == 0;
	bool is_both = strncmp(argv[i], "-y", 2) == 0 && argv[i][2] != '\0';
	return is_value ? "..." : is_both ? "-y..." : argv[i];
}

static void print_command(int argc, char **argv, const struct query_options *options)
{
	if (!options->show_command || options->is_short) {
		return;
	}
	printf("\n; <<>> tandem query <<>>");
	for (int i = 1; i < argc; i++) {
		printf(" %s", shown(argv, i));
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

/* The transfer's end: a whole zone ends with the newest SOA for the second time (RFC 5936 2.2); changes, whose second
 * record is an older SOA, when it comes the third time (RFC 1995 4). */
static void look_for_end(struct transfer_view *view, const struct dns_message *message, const struct dns_rr *rr)
{
	uint32_t serial;
	if (rr->type != DNS_TYPE_SOA) {
		return;
	}
	if (!dns_rr_soa_serial(message, rr, &serial)) {
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

static bool fail_unproven(struct transfer_view *view, const char *why)
{
	error_set(view->error, ERROR_DENIED, "transfer not to be believed: %s", why);
	view->failed = true;
	return false;
}

static bool print_transfer_message(void *self, const struct query_reply *reply)
{
	struct transfer_view *view = self;
	struct dns_message message;
	if (reply->wrong[0] != '\0') {
		return fail_unproven(view, reply->wrong);
	}
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
			query_print_rr(view->options, reply, &start);
		}
	}
	/* An up-to-date client gets one SOA alone. */
	bool alone = view->options->type == DNS_TYPE_IXFR && view->messages == 1 && view->records == 1;
	if ((view->ended || alone) && view->options->key != NULL && !tsig_is_proven(&reply->tsig)) {
		return fail_unproven(view, "its last message is not signed");
	}
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
		printf(";; XFR size: %llu records (messages %llu, bytes %llu)\n\n", (unsigned long long)view.records,
		       (unsigned long long)view.messages, (unsigned long long)view.bytes);
	}
	tsig_end(&reply->tsig);
	free(reply);
	return done ? 0 : 1;
}

static bool is_bad_cookie(const struct query_reply *reply)
{
	struct dns_message message;
	return dns_message_read(reply->bytes, reply->len, &message) != DNS_READ_TOO_SHORT &&
	       dns_message_rcode(&message) == DNS_RCODE_BADCOOKIE;
}

/* RFC 7873 5.3: with the server's cookie it is asked once more. */
static bool ask(struct query_options *options, struct query_reply *reply, struct error *error)
{
	bool done = query_exchange(options, reply, error);
	if (done && options->cookie_len > 0 && is_bad_cookie(reply) && query_take_cookie(options, reply)) {
		if (options->show_comments && !options->is_short) {
			printf(";; BADCOOKIE, asking once more with the server's cookie.\n");
		}
		done = query_exchange(options, reply, error);
	}
	return done;
}

static int run_question(struct query_options *options)
{
	struct error error;
	struct dns_message message = {0};
	struct query_reply *reply = memory_new(sizeof *reply);
	bool done = ask(options, reply, &error);
	if (!done) {
		fprintf(stderr, ";; %s\n", error.text);
	} else if (dns_message_read(reply->bytes, reply->len, &message) == DNS_READ_TOO_SHORT) {
		fprintf(stderr, ";; the reply has no header\n");
		done = false;
	} else {
		query_print_reply(options, &message, reply);
	}
	if (done && reply->wrong[0] != '\0') {
		fprintf(stderr, ";; the reply is not to be believed: %s\n", reply->wrong);
		done = false;
	}
	tsig_end(&reply->tsig);
	free(reply);
	return done ? 0 : 1;
}

/* One address of the server after the other, until one answers. */
static int run(struct query_options *options)
{
	int status = 1;
	for (size_t i = 0; i < options->server_count && status != 0; i++) {
		options->server = options->servers[i];
		status = query_is_transfer(options) ? run_transfer(options) : run_question(options);
	}
	return status;
}

/* What the words ask for. */
static int ask_words(int argc, char **argv, struct query_options *options, struct query_words *words)
{
	struct error error;
	if (words->name == NULL && !words->has_type) {
		fputs(usage, stderr);
		return 2;
	}
	words->name = words->name != NULL ? words->name : "."; /* a type alone asks about the root */
	/* ANY over UDP is seldom the whole of it (RFC 8482 4.4), so it goes over TCP unless +notcp says otherwise. */
	options->tcp = options->tcp || (options->type == DNS_TYPE_ANY && !options->no_tcp);
	if (!dns_name_from_text(words->name, &options->name, &error)) {
		fprintf(stderr, "tandem query: %s\n", error.text);
		return 2;
	}
	if (!query_find_servers(options, &error)) {
		fprintf(stderr, "tandem query: %s\n", error.text);
		return error.code == ERROR_NOT_FOUND ? 1 : 2;
	}
	print_command(argc, argv, options);
	return run(options);
}

int cli_query(int argc, char **argv)
{
	struct query_options options = query_options_default();
	struct query_words words = {0};
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			fputs(usage, stdout);
			return 0;
		}
	}
	if (!query_read_words(argc, argv, &options, &words)) {
		tsig_key_unref(options.key);
		return 2;
	}
	int status = ask_words(argc, argv, &options, &words);
	tsig_key_unref(options.key);
	return status;
}
