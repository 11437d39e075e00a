/* SPDX-License-Identifier: MIT */
/* What the tests of conf share. */
#pragma once

#include "unit.h"

#include <stdio.h>

#include "conf/conf.h"

/* Reads text as /etc/tandem/t.yaml, where nothing may be wrong. conf_unref. */
static inline struct conf *conf_of(const char *text)
{
	struct conf_report report;
	conf_report_init(&report);
	struct conf *conf = conf_read_text(text, strlen(text), "t.yaml", "/etc/tandem", &report);
	if (conf == NULL) {
		fail_msg("%s", text_string(&report.lines));
	}
	assert_int_equal(report.problem_count, 0);
	conf_report_deinit(&report);
	return conf;
}

/* The text must have exactly these problems. */
static inline void expect_problems(const char *text, const char *lines)
{
	struct conf_report report;
	conf_report_init(&report);
	struct conf *conf = conf_read_text(text, strlen(text), "t.yaml", "/etc/tandem", &report);
	assert_string_equal(text_string(&report.lines), lines);
	assert_null(conf);
	conf_report_deinit(&report);
}

static inline const char *address_text(const struct address *address)
{
	static char text[ADDRESS_TEXT_MAX];
	return address_to_text(address, text);
}
