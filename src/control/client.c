/* SPDX-License-Identifier: MIT */
/* The other end: one request over the UNIX socket, with libcurl. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "control/control.h"

struct exchange {
	CURL *curl;
	struct text body;
	FILE *out; /* where a body of status 200 goes; NULL: to `body` */
	bool out_failed;
	int out_errno;
};

static void init_curl(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

static size_t on_body(char *bytes, size_t one, size_t len, void *context)
{
	struct exchange *exchange = context;
	long status = 0;
	(void)one; /* always 1 */
	curl_easy_getinfo(exchange->curl, CURLINFO_RESPONSE_CODE, &status);
	if (exchange->out != NULL && status == 200) {
		size_t written = fwrite(bytes, 1, len, exchange->out);
		exchange->out_failed = written != len;
		exchange->out_errno = errno;
		return written;
	}
	text_add(&exchange->body, bytes, len);
	return exchange->body.failed ? 0 : len;
}

/* What went wrong between us and the socket, and what to do about it. */
static bool told_of_socket(CURL *curl, const char *socket_path, struct error *error)
{
	long errno_value = 0;
	curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &errno_value);
	if (errno_value == ENOENT) {
		return error_set(
		        error, ERROR_NOT_FOUND,
		        "no server at %s: there is no such socket; start the server, or name its socket with --control",
		        socket_path);
	}
	if (errno_value == ECONNREFUSED) {
		return error_set(error, ERROR_NOT_FOUND,
		                 "no server at %s: its socket is there, but nobody answers; start the server again",
		                 socket_path);
	}
	if (errno_value == EACCES || errno_value == EPERM) {
		return error_set(error, ERROR_DENIED, "not allowed to open %s; be its owner or in its group",
		                 socket_path);
	}
	if (errno_value == EAGAIN || errno_value == 0) {
		/* What a full queue of a UNIX socket looks like to a client that does not want to block. */
		return error_set(error, ERROR_LIMIT, "the server at %s has more clients than it can take; try again",
		                 socket_path);
	}
	return error_set_errno(error, (int)errno_value, "cannot reach the server at %s", socket_path);
}

static bool failed(const struct exchange *exchange, CURLcode code, const char *socket_path, struct error *error)
{
	if (exchange->out_failed) {
		return error_set_errno(error, exchange->out_errno, "cannot write the zone");
	}
	if (exchange->body.failed) {
		return error_set(error, ERROR_LIMIT, "the server at %s answers with more than %zu octets", socket_path,
		                 CONTROL_REPLY_MAX);
	}
	if (code == CURLE_COULDNT_CONNECT) {
		return told_of_socket(exchange->curl, socket_path, error);
	}
	if (code == CURLE_OPERATION_TIMEDOUT) {
		return error_set(error, ERROR_TIMEOUT, "the server at %s did not answer in time", socket_path);
	}
	return error_set(error, ERROR_IO, "the server at %s: %s", socket_path, curl_easy_strerror(code));
}

static void set_options(struct exchange *exchange, const char *socket_path, const char *method, const char *url,
                        const char *body, uint32_t timeout_ms)
{
	CURL *curl = exchange->curl;
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket_path);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, exchange);
	if (strcmp(method, "GET") != 0) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body == NULL ? "" : body);
		curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	}
}

static bool perform(const char *socket_path, const char *method, const char *url_path, const char *body,
                    uint32_t timeout_ms, FILE *out, struct control_reply *reply, struct error *error)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, init_curl);
	struct exchange exchange = {.curl = curl_easy_init(), .out = out};
	struct text url;
	ensure(exchange.curl != NULL);
	text_init(&url, 65536);
	text_init(&exchange.body, CONTROL_REPLY_MAX);
	text_format(&url, "http://tandem%s", url_path);
	set_options(&exchange, socket_path, method, text_string(&url), body, timeout_ms);
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	curl_easy_setopt(exchange.curl, CURLOPT_HTTPHEADER, headers);
	CURLcode code = curl_easy_perform(exchange.curl);
	*reply = (struct control_reply){0};
	bool fine = code == CURLE_OK;
	if (fine) {
		curl_easy_getinfo(exchange.curl, CURLINFO_RESPONSE_CODE, &reply->status);
		reply->body = memory_copy_text(text_string(&exchange.body));
		reply->body_len = strlen(reply->body);
	} else {
		failed(&exchange, code, socket_path, error);
	}
	curl_slist_free_all(headers);
	curl_easy_cleanup(exchange.curl);
	text_deinit(&exchange.body);
	text_deinit(&url);
	return fine;
}

bool control_request(const char *socket_path, const char *method, const char *url_path, const char *body,
                     uint32_t timeout_ms, struct control_reply *reply, struct error *error)
{
	return perform(socket_path, method, url_path, body, timeout_ms, NULL, reply, error);
}

bool control_download(const char *socket_path, const char *url_path, FILE *out, struct control_reply *reply,
                      struct error *error)
{
	return perform(socket_path, "GET", url_path, NULL, 0, out, reply, error);
}

void control_reply_deinit(struct control_reply *reply)
{
	free(reply->body);
	*reply = (struct control_reply){0};
}
