/* SPDX-License-Identifier: MIT */
/* The door of src/dns: the vocabulary of DNS and its wire form, as pure functions.
 *
 * Knows   names, RR types, RDATA in wire and presentation form, messages, EDNS, serial arithmetic.
 * Not     sockets, files, clocks, zones, threads; it allocates nothing but where a comment says so.
 *
 * This folder is a vocabulary, so it has several public headers; this one includes them all.
 *
 *   name.h     domain names in wire form, canonical order, text
 *   type.h     numbers and mnemonics of types, classes, opcodes, RCODEs, EDE codes
 *   rdata.h    one descriptor row per RR type: wire, text, canonical form, embedded names
 *   message.h  reading a message: header, question, records, EDNS
 *   encode.h   writing a message: compression, records, OPT, truncation
 *   serial.h   RFC 1982
 *
 * I1  A `const uint8_t *name` is always a whole, uncompressed wire name of at most 255 octets that somebody checked:
 *     dns_name_read, dns_name_from_text or a snapshot. Functions that take it never check it again.
 * I2  RDATA outside messages is always uncompressed wire form that passed dns_rdata_check. */
#pragma once

#include "dns/encode.h"
#include "dns/message.h"
#include "dns/name.h"
#include "dns/rdata.h"
#include "dns/serial.h"
#include "dns/type.h"
