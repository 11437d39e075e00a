/* SPDX-License-Identifier: MIT */
/* The door of src/server: the daemon. It owns threads, sockets, the store and the table of zones, and hands the doors of
 * the other folders to each other. What decides anything lives below.
 *
 *   main thread        starts, waits for signals, reloads, stops                              server.c, reload.c
 *   network workers    questions in, answers out, transfers out                               worker.c
 *   zone writers       a small pool: read, check, publish, write; one job of a zone at a time jobs.c, writer.c
 *   replication loop   SOA questions, transfers in, NOTIFY: every machine of src/transfer     follow.c, announce.c
 *   control            threads of the HTTP library; they only post work and wait              orders.c, status.c
 *
 * Data crosses threads as a published pointer (zone, zone set, rules), a bounded queue (jobs, net_loop_post) or a
 * counter. Each zone has a lock of its own for what `status` shows; nothing else is taken while it is held. */
#pragma once

#include "conf/conf.h"

/* Holds back SIGHUP until server_run; call it before what may take long, so that a SIGHUP that comes while the
 * configuration is read is answered later and does not end the process. */
void server_hold_signals(void);

/* Runs the server until SIGTERM or SIGINT; SIGHUP and the API's reload read the configuration file again. Takes the
 * caller's reference to `conf`. Returns the exit status: 0 stopped in good order, 1 could not start (told on stderr). */
int server_run(struct conf *take);
