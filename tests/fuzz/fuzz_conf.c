/* SPDX-License-Identifier: MIT */
/* A configuration of any octets is refused with problems or taken; what is taken differs in nothing from itself. */
#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_report report, report_again;
	conf_report_init(&report);
	conf_report_init(&report_again);
	struct conf *conf = conf_read_text((const char *)data, size, "fuzz.yaml", "/etc/tandem", &report);
	struct conf *again = conf_read_text((const char *)data, size, "fuzz.yaml", "/etc/tandem", &report_again);
	ensure((conf == NULL) == (report.problem_count > 0));
	ensure(report.problem_count == report_again.problem_count);
	if (conf != NULL) {
		struct conf_difference *difference = conf_diff(conf, again);
		ensure(difference->zone_count == 0 && difference->server_options == 0);
		conf_difference_free(difference);
		for (size_t i = 0; i < conf->zone_count; i++) {
			ensure(conf_find_zone(conf, conf->zones[i].name_text) == &conf->zones[i]);
		}
	}
	conf_unref(conf);
	conf_unref(again);
	conf_report_deinit(&report);
	conf_report_deinit(&report_again);
	return 0;
}
