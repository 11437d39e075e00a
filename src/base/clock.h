/* SPDX-License-Identifier: MIT */
/* The clock as a value: whoever stands at the edge reads it once per step and hands it down, so that everything that
 * decides can be tested with any time. */
#pragma once

#include <stdint.h>

/* One moment, seen on two clocks. */
struct moment {
	int64_t boot_ms; /* CLOCK_BOOTTIME: never goes back and runs on while the machine sleeps; for timers */
	int64_t wall_s;  /* seconds since 1970; may jump; only for what must survive a restart or is shown to people */
};

/* Reads both clocks. For the edge only: server, cli, tools. Any thread. */
struct moment clock_now(void);
