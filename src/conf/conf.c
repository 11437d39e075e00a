/* SPDX-License-Identifier: MIT */
#include "conf/conf.h"

const char *conf_flag_name(enum conf_flag_kind kind)
{
	switch (kind) {
	case CONF_FLAG_ZONE:
		return "--zone";
	case CONF_FLAG_FOLLOW:
		return "--follow";
	case CONF_FLAG_ALLOW_TRANSFER:
		return "--allow-transfer";
	case CONF_FLAG_NOTIFY:
		return "--notify";
	case CONF_FLAG_LISTEN:
		return "--listen";
	case CONF_FLAG_DATA_DIR:
		return "--data-dir";
	case CONF_FLAG_CONTROL:
		return "--control";
	}
	ensure(kind == CONF_FLAG_ZONE);
	return "";
}

const char *conf_serial_policy_name(enum conf_serial_policy policy)
{
	switch (policy) {
	case CONF_SERIAL_KEEP:
		return "keep";
	case CONF_SERIAL_RAISE:
		return "raise";
	case CONF_SERIAL_UNIXTIME:
		return "unixtime";
	case CONF_SERIAL_DATE:
		return "date";
	}
	ensure(policy == CONF_SERIAL_KEEP);
	return "";
}
