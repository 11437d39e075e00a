/* SPDX-License-Identifier: MIT */
/* WKS, the services of a host (RFC 1035 3.4.2): a protocol and a bitmap of ports. The words are those of the services
 * that RFC 1010 named when people wrote such records; numbers always work and are what we write. */
#include "dns/rdata_internal.h"

#include <string.h>

#include "dns/codec_internal.h"

#define BITMAP_MAX 8192 /* 65536 ports */

static const struct rdata_mnemonic protocols[] = {
        {1, "icmp"}, {2, "igmp"}, {3, "ggp"}, {5, "st"}, {6, "tcp"}, {8, "egp"}, {9, "igp"}, {12, "pup"}, {17, "udp"},
};

static const struct rdata_mnemonic services[] = {
        {5, "rje"},          {7, "echo"},          {9, "discard"},       {11, "systat"},  {11, "users"},
        {13, "daytime"},     {15, "netstat"},      {17, "qotd"},         {17, "quote"},   {19, "chargen"},
        {20, "ftp-data"},    {21, "ftp"},          {22, "ssh"},          {23, "telnet"},  {25, "smtp"},
        {37, "time"},        {39, "rlp"},          {42, "nameserver"},   {43, "whois"},   {43, "nicname"},
        {53, "domain"},      {67, "bootps"},       {68, "bootpc"},       {69, "tftp"},    {70, "gopher"},
        {79, "finger"},      {80, "http"},         {87, "link"},         {95, "supdup"},  {101, "hostname"},
        {102, "iso-tsap"},   {109, "pop2"},        {110, "pop3"},        {111, "sunrpc"}, {113, "auth"},
        {115, "sftp"},       {117, "uucp-path"},   {119, "nntp"},        {123, "ntp"},    {129, "pwdgen"},
        {137, "netbios-ns"}, {138, "netbios-dgm"}, {139, "netbios-ssn"}, {143, "imap"},   {161, "snmp"},
        {162, "snmp-trap"},  {194, "irc"},         {389, "ldap"},        {443, "https"},  {513, "login"},
        {514, "shell"},      {515, "printer"},     {540, "uucp"},
};

bool rdata_services_skip(struct reader *in, const char **why)
{
	size_t len = reader_left(in);
	if (len < 1 || len > 1 + BITMAP_MAX) {
		*why = "it has no protocol, or a bitmap of more than 65536 ports";
		return false;
	}
	return read_bytes(in, len) != NULL;
}

static bool find_word(const struct rdata_mnemonic *words, size_t count, const struct dns_token *token, uint64_t max,
                      uint64_t *out)
{
	if (codec_decimal(token->chars, token->len, max, out)) {
		return true;
	}
	for (size_t i = 0; i < count; i++) {
		if (rdata_token_is(token, words[i].name)) {
			*out = words[i].number;
			return true;
		}
	}
	return false;
}

bool rdata_services_parse(struct rdata_parser *parser)
{
	uint8_t bitmap[BITMAP_MAX] = {0};
	size_t len = 0;
	uint64_t number;
	const struct dns_token *token = rdata_word(parser);
	if (token == NULL) {
		return false;
	}
	if (!find_word(protocols, ARRAY_LENGTH(protocols), token, UINT8_MAX, &number)) {
		return rdata_fail(parser, "is unknown; give its number");
	}
	write_u8(parser->out, (uint8_t)number);
	rdata_next_label(parser);
	while (rdata_more(parser)) {
		token = rdata_word(parser);
		if (token == NULL) {
			return false;
		}
		if (!find_word(services, ARRAY_LENGTH(services), token, UINT16_MAX, &number)) {
			return rdata_fail(parser, "is unknown; give its port");
		}
		bitmap[number / 8] |= (uint8_t)(0x80 >> number % 8);
		len = number / 8 + 1 > len ? number / 8 + 1 : len;
	}
	write_bytes(parser->out, bitmap, len);
	return true;
}

bool rdata_services_add(struct reader *in, struct text *out)
{
	text_add_decimal(out, read_u8(in));
	size_t len = reader_left(in);
	const uint8_t *bitmap = read_bytes(in, len);
	/* The text has no place for a trailing octet without ports. */
	if (bitmap == NULL || (len > 0 && bitmap[len - 1] == 0)) {
		return false;
	}
	for (size_t port = 0; port < len * 8; port++) {
		if ((bitmap[port / 8] & 0x80 >> port % 8) != 0) {
			text_add_char(out, ' ');
			text_add_decimal(out, port);
		}
	}
	return true;
}
