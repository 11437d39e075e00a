/* SPDX-License-Identifier: MIT */
/* The reasons of an end in words. */
#include "net/net.h"

const char *net_end_text(enum net_end end)
{
	switch (end) {
	case NET_END_DONE:
		return "done";
	case NET_END_CLOSED:
		return "closed by the peer";
	case NET_END_CUT:
		return "cut by the peer";
	case NET_END_REFUSED:
		return "refused by the network";
	case NET_END_TIMEOUT:
		return "no answer in time";
	case NET_END_STALLED:
		return "nothing moved in time";
	case NET_END_TOO_LONG:
		return "took too long in all";
	case NET_END_BAD_FRAME:
		return "message shorter than a header";
	case NET_END_LIMIT:
		return "made room for others";
	case NET_END_STOPPED:
		return "closed by our side";
	case NET_END_SYSTEM:
		return "refused by the system";
	}
	return "?";
}
