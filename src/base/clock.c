/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <time.h>

struct moment clock_now(void)
{
	struct timespec boot;
	struct timespec wall;
	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock_gettime(CLOCK_REALTIME, &wall);
	return (struct moment){
	        .boot_ms = (int64_t)boot.tv_sec * 1000 + boot.tv_nsec / 1000000,
	        .wall_s = (int64_t)wall.tv_sec,
	};
}
