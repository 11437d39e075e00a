/* SPDX-License-Identifier: MIT */
/* The defaults of every limit; net.h says what each is for. */
#include "net/net.h"

struct net_config net_config_default(void)
{
	return (struct net_config){
	        .udp_batch = NET_BATCH_MAX,
	        .udp_answer_max = 1232,
	        .udp_buffer = 1024 * 1024,
	        .tcp_backlog = 1024,
	        .tcp_send_buffer = 0,
	        .connections_max = 4096,
	        .connections_per_address_max = 1024,
	        .initial_ms = 3000,
	        .idle_ms = 10000,
	        .total_ms = 3600000,
	        .send_ms = 5000,
	        .source_idle_ms = 60000,
	        .source_total_ms = 7200000,
	        .stop_ms = 2000,
	        .output_pending_max = 65536,
	        .deferred_max = 64,
	        .sources_max = 16,
	        .buffers_max = UINT64_C(256) * 1024 * 1024,
	        .posts_max = 65536,
	};
}

struct net_loop_config net_loop_config_default(void)
{
	return (struct net_loop_config){
	        .posts_max = 65536,
	        .exchanges_max = 8192,
	        .streams_max = 4096,
	};
}
