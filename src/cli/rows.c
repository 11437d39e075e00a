/* SPDX-License-Identifier: MIT */
/* The rows of the commands that read their words themselves. */
#include "cli/cli_internal.h"

const struct cli_command cli_command_query = {
        .name = "query",
        .arguments = "[@SERVER] [-p PORT] NAME [TYPE] [CLASS] [+OPTION]...",
        .summary = "Ask a name server, as dig does",
        .text = "Words are dig's: @SERVER, -p PORT, -t TYPE, -c CLASS, -q NAME, -x ADDRESS, +tcp, +dnssec, +short, "
                "+norec and so\n"
                "on; tandem query --help has them all. AXFR and IXFR=SERIAL fetch a zone. -k FILE or -y "
                "[ALG:]NAME:SECRET "
                "signs the\n"
                "question, and the answer must be signed too.\n",
        .examples = "tandem query @127.0.0.1 -p 5300 www.example.org AAAA +dnssec\n"
                    "tandem query @127.0.0.1 -p 5300 example.org AXFR\n"
                    "tandem query @127.0.0.1 -p 5300 -k xfr.example.key example.org AXFR\n",
        .run = cli_query,
        .own_parser = true,
};
