/* SPDX-License-Identifier: MIT */
/* `tandem key new tsig`: makes a secret that two servers will share. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/tsig.h"
#include "cli/cli_internal.h"
#include "crypto/crypto.h"
#include "dns/name.h"

static const struct cli_option options[] = {
        {"algorithm", 'a', "ALGORITHM", "hmac-sha256 (default), hmac-sha512, hmac-sha384, hmac-sha224 or hmac-sha1"},
        {"output", 'o', "FILE", "write the key here, not to NAME.key; - is standard output"},
};

/* What is made for use today (RFC 8945 6): the hashes alone, but for MD5. */
static bool may_be_made(enum tsig_algorithm algorithm)
{
	return algorithm == TSIG_HMAC_SHA1 || algorithm == TSIG_HMAC_SHA224 || algorithm == TSIG_HMAC_SHA256 ||
	       algorithm == TSIG_HMAC_SHA384 || algorithm == TSIG_HMAC_SHA512;
}

static int read_algorithm(const struct cli_line *line, enum tsig_algorithm *algorithm)
{
	const char *text = cli_value(line, "algorithm");
	*algorithm = TSIG_HMAC_SHA256;
	if (text == NULL) {
		return CLI_DONE;
	}
	if (!tsig_algorithm_from_text(text, algorithm)) {
		return cli_wrong_usage(&cli_command_key_new, "the algorithm '%s' is unknown", text);
	}
	if (*algorithm == TSIG_HMAC_MD5) {
		return cli_wrong_usage(&cli_command_key_new,
		                       "no keys are made for hmac-md5, which nobody should use any more");
	}
	if (!may_be_made(*algorithm)) {
		return cli_wrong_usage(&cli_command_key_new,
		                       "make a key of the whole hash; `mac-length` in the configuration cuts its MACs");
	}
	return CLI_DONE;
}

/* The last word of a file's path is the key's name, unless that has a slash. */
static bool path_of(const struct dns_name *name, char *out, size_t size)
{
	char text[DNS_NAME_TEXT_MAX];
	dns_name_to_text_short(name->wire, text);
	snprintf(out, size, "%s%s.key", text[0] == '-' ? "./" : "", text);
	return strchr(text, '/') == NULL && strcmp(text, ".") != 0;
}

static bool write_all(int fd, const char *chars, size_t len)
{
	while (len > 0) {
		ssize_t written = write(fd, chars, len);
		if (written < 0 && errno != EINTR) {
			return false;
		}
		chars += written > 0 ? written : 0;
		len -= written > 0 ? (size_t)written : 0;
	}
	return fsync(fd) == 0 || errno == EINVAL;
}

/* A file that is there is never written to: it may have the only copy of a secret. */
static int write_file(const char *path, const struct text *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST) {
		return cli_not_done(&cli_command_key_new,
		                    "%s is there already, and stays as it is; choose another --output", path);
	}
	bool right = fd >= 0 && fchmod(fd, 0600) == 0 && write_all(fd, text_string(text), text->len);
	int why = errno;
	if (fd >= 0 && close(fd) != 0 && right) {
		why = errno;
		right = false;
	}
	if (!right) {
		if (fd >= 0) {
			unlink(path);
		}
		return cli_not_done(&cli_command_key_new, "%s: %s", path, strerror(why));
	}
	return CLI_DONE;
}

static void say_what_next(const char *path, const struct tsig_written *key)
{
	char name[DNS_NAME_TEXT_MAX];
	dns_name_to_text_short(key->name.wire, name);
	printf("%s has the key %s (%s), mode 0600. Both servers need a copy; in their configurations:\n"
	       "keys:\n  - {name: \"%s\", file: \"%s\"}\n",
	       path, name, tsig_algorithm_name(key->algorithm), name, path);
}

static int make(const struct cli_line *line, const struct dns_name *name, enum tsig_algorithm algorithm)
{
	char path_of_name[DNS_NAME_TEXT_MAX + 8];
	const char *path = cli_value(line, "output");
	struct tsig_written key = {.algorithm = algorithm, .secret_len = tsig_algorithm_secret_len(algorithm)};
	struct text text;
	if (path == NULL && !path_of(name, path_of_name, sizeof path_of_name)) {
		return cli_wrong_usage(&cli_command_key_new, "this name is no file's; give an --output");
	}
	path = path == NULL ? path_of_name : path;
	dns_name_lower(name->wire, &key.name);
	crypto_random_bytes(key.secret, key.secret_len);
	text_init(&text, 8192);
	tsig_key_write(&key, &text);
	bool to_stdout = strcmp(path, "-") == 0;
	int status = to_stdout ? CLI_DONE : write_file(path, &text);
	if (to_stdout) {
		fputs(text_string(&text), stdout);
	} else if (status == CLI_DONE) {
		say_what_next(path, &key);
	}
	explicit_bzero(text.chars, text.len);
	explicit_bzero(key.secret, sizeof key.secret);
	text_deinit(&text);
	return status;
}

static int run_words(const struct cli_line *line)
{
	struct error error;
	struct dns_name name;
	enum tsig_algorithm algorithm;
	const char *kind = cli_operand(line, 0);
	if (kind == NULL || strcmp(kind, "tsig") != 0) {
		return cli_wrong_usage(&cli_command_key_new, "which kind of key? There is tsig");
	}
	if (cli_operand(line, 1) == NULL) {
		return cli_wrong_usage(&cli_command_key_new, "which name?");
	}
	if (!dns_name_from_text(cli_operand(line, 1), &name, &error)) {
		return cli_wrong_usage(&cli_command_key_new, "%s", error.text);
	}
	int status = read_algorithm(line, &algorithm);
	return status == CLI_DONE ? make(line, &name, algorithm) : status;
}

static int run(int argc, char **argv)
{
	struct cli_line line;
	int status;
	if (!cli_parse(&cli_command_key_new, argc, argv, 2, &line, &status)) {
		return status;
	}
	status = run_words(&line);
	cli_line_deinit(&line);
	return status;
}

const struct cli_command cli_command_key_new = {
        .name = "key",
        .word = "new",
        .arguments = "tsig NAME",
        .summary = "Make a TSIG key",
        .text = "Writes a new secret, once, to a file that only its owner may read: NAME.key, or --output. The file is "
                "one\n"
                "that `keys:` in the configuration, tandem query -k, dig -k and BIND read. A file that is there is "
                "left\n"
                "alone. The name goes over the wire; two servers usually call it after both of them.\n",
        .options = options,
        .option_count = ARRAY_LENGTH(options),
        .examples = "tandem key new tsig ns1-ns2.example\n"
                    "tandem key new tsig ns1-ns2.example --algorithm hmac-sha512 --output /etc/tandem/ns2.key\n"
                    "tandem key new tsig ns1-ns2.example -o -  to standard output, for a secret store\n",
        .run = run,
};
