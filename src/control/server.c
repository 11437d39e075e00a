/* SPDX-License-Identifier: MIT */
/* The socket and HTTP: libmicrohttpd with a thread for each connection, so that a request that waits holds up nobody. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <microhttpd.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/control_internal.h"

#define STACK_SIZE      ((size_t)1 << 20)
#define HEAD_MEMORY     ((size_t)32 << 10) /* libmicrohttpd's pool for a connection; the head must fit half of it */
#define DISCARD_MAX     ((size_t)16 * CONTROL_BODY_MAX)
#define CONTROL_RETRIES 3 /* of the bind, when a dead socket file is removed and somebody else is faster */

/* A connection that was dropped is there until its thread gets to run, and on a busy machine all that wait in the backlog may
 * be accepted before that: libmicrohttpd closes whatever comes beyond this, and that would be somebody who is let in. */
#define DAEMON_CONNECTIONS_MAX (CONTROL_CONNECTIONS_MAX + CONTROL_BACKLOG)

/* What a connection is at. */
enum phase {
	PHASE_ASKS,  /* its request is not whole, or it has not begun */
	PHASE_WAITS, /* for us: a handler runs */
	PHASE_TAKES, /* its answer */
};

struct guest {
	int fd;
	enum phase phase;
	int64_t since_ms; /* boot clock: in this phase */
	bool is_dropped;
	struct guest *before;
	struct guest *next;
};

struct control_server {
	struct control_handlers handlers;
	struct MHD_Daemon *daemon;
	atomic_uint waits;    /* requests that wait for work */
	pthread_mutex_t lock; /* guards the guests and under_way */
	struct guest *guests;
	unsigned guest_count; /* without those that are dropped */
	pthread_cond_t quiet; /* nothing is under way */
	unsigned under_way;   /* requests whose answer has not been sent */
	char *path;
	dev_t device; /* of the socket file that we made */
	ino_t inode;
};

/* What a connection collects until the request is whole. */
struct incoming {
	struct text body;
	size_t discarded; /* octets beyond CONTROL_BODY_MAX */
	bool then_stop;
};

/* --- Who is connected -------------------------------------------------------------------------------------------- */

/* The one that may go first, or NULL: all are being worked for. */
static struct guest *find_idlest(const struct control_server *server, enum phase phase)
{
	struct guest *idlest = NULL;
	for (struct guest *guest = server->guests; guest != NULL; guest = guest->next) {
		bool fits = !guest->is_dropped && guest->phase == phase;
		if (fits && (idlest == NULL || guest->since_ms < idlest->since_ms)) {
			idlest = guest;
		}
	}
	return idlest;
}

/* I4. Its thread sees the end of the connection and does the rest. The lock is held: a guest in the list is open. */
static void drop_idlest(struct control_server *server)
{
	struct guest *guest = find_idlest(server, PHASE_ASKS);
	guest = guest == NULL ? find_idlest(server, PHASE_TAKES) : guest;
	if (guest != NULL) {
		log_debug("control: %u connections are open, the idlest is closed", server->guest_count);
		shutdown(guest->fd, SHUT_RDWR);
		guest->is_dropped = true;
		server->guest_count--;
	}
}

static struct guest *add_guest(struct control_server *server, int fd)
{
	struct guest *guest = memory_new(sizeof *guest);
	*guest = (struct guest){.fd = fd, .phase = PHASE_ASKS, .since_ms = clock_now().boot_ms};
	pthread_mutex_lock(&server->lock);
	if (server->guest_count >= CONTROL_CONNECTIONS_MAX) {
		drop_idlest(server);
	}
	guest->next = server->guests;
	if (guest->next != NULL) {
		guest->next->before = guest;
	}
	server->guests = guest;
	server->guest_count++;
	pthread_mutex_unlock(&server->lock);
	return guest;
}

static void remove_guest(struct control_server *server, struct guest *take)
{
	pthread_mutex_lock(&server->lock);
	if (take->next != NULL) {
		take->next->before = take->before;
	}
	if (take->before != NULL) {
		take->before->next = take->next;
	} else {
		server->guests = take->next;
	}
	server->guest_count -= !take->is_dropped;
	pthread_mutex_unlock(&server->lock);
	free(take);
}

/* libmicrohttpd calls it before a connection's first request and before it closes the socket. */
static void on_connection(void *context, struct MHD_Connection *connection, void **slot,
                          enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		*slot = add_guest(context,
		                  MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
	} else if (*slot != NULL) {
		remove_guest(context, *slot);
		*slot = NULL;
	}
}

static void enter_phase(struct control_server *server, struct MHD_Connection *connection, enum phase phase)
{
	struct guest *guest = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
	unsigned idle_s = phase == PHASE_TAKES ? CONTROL_TAKE_S : CONTROL_ASK_S;
	pthread_mutex_lock(&server->lock);
	guest->phase = phase;
	guest->since_ms = clock_now().boot_ms;
	pthread_mutex_unlock(&server->lock);
	MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, idle_s);
}

/* The client's end of a connection. */
struct connected_asker {
	struct control_asker asker; /* first: it is handed back */
	int fd;
};

/* Both directions are closed. One who has only said that nothing more comes from him still takes an answer. */
static bool asker_is_gone(const struct control_asker *self)
{
	struct pollfd end = {.fd = ((const struct connected_asker *)self)->fd};
	return poll(&end, 1, 0) == 1 && (end.revents & (POLLHUP | POLLERR)) != 0;
}

/* --- HTTP -------------------------------------------------------------------------------------------------------- */

static enum MHD_Result send_response(struct MHD_Connection *connection, struct response *response)
{
	struct MHD_Response *http;
	struct stat info;
	const char *type = "application/json";
	if (response->fd >= 0) {
		bool sized = fstat(response->fd, &info) == 0;
		http = sized ? MHD_create_response_from_fd64((uint64_t)info.st_size, response->fd) : NULL;
		type = "text/dns";
	} else {
		http = MHD_create_response_from_buffer(strlen(response->text), response->text, MHD_RESPMEM_MUST_FREE);
	}
	if (http == NULL) {
		return MHD_NO;
	}
	MHD_add_response_header(http, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (response->allow != NULL) {
		MHD_add_response_header(http, MHD_HTTP_HEADER_ALLOW, response->allow);
	}
	enum MHD_Result result = MHD_queue_response(connection, response->status, http);
	MHD_destroy_response(http);
	return result;
}

static enum MHD_Result send_too_large(struct MHD_Connection *connection)
{
	struct response response = {.fd = -1};
	response_error(&response, 413, "too-large", "the body is larger than 65536 octets");
	return send_response(connection, &response);
}

/* A body that is somewhat too large is read to its end and then refused, so that its sender hears the answer: whoever is
 * still sending when the connection closes sees only that. */
static bool announces_too_much(struct MHD_Connection *connection)
{
	const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
	return length != NULL && strtoull(length, NULL, 10) > DISCARD_MAX;
}

/* False: so much more than is allowed that the connection is not worth keeping. */
static bool take_body(struct incoming *incoming, const char *bytes, size_t len)
{
	size_t room = CONTROL_BODY_MAX - incoming->body.len;
	size_t taken = len < room ? len : room;
	text_add(&incoming->body, bytes, taken);
	incoming->discarded += len - taken;
	return incoming->discarded <= DISCARD_MAX;
}

static enum MHD_Result answer(struct control_server *server, struct MHD_Connection *connection, const char *method,
                              const char *path, struct incoming *incoming)
{
	struct connected_asker asker = {
	        .asker.is_gone = asker_is_gone,
	        .fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd,
	};
	struct request request = {
	        .method = method,
	        .path = path,
	        .after = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "after"),
	        .limit = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "limit"),
	        .body = text_string(&incoming->body),
	        .body_len = incoming->body.len,
	        .waits = &server->waits,
	        .asker = &asker.asker,
	};
	struct response response = {.fd = -1};
	enter_phase(server, connection, PHASE_WAITS);
	route_request(&server->handlers, &request, &response);
	incoming->then_stop = response.then_stop;
	enter_phase(server, connection, PHASE_TAKES);
	return send_response(connection, &response);
}

static void count_under_way(struct control_server *server, int change)
{
	pthread_mutex_lock(&server->lock);
	server->under_way += (unsigned)change;
	if (server->under_way == 0) {
		pthread_cond_broadcast(&server->quiet);
	}
	pthread_mutex_unlock(&server->lock);
}

/* libmicrohttpd calls it once with the head, once for each piece of the body, and once when the body is whole. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *upload, size_t *upload_len,
                                  void **slot)
{
	(void)version;
	struct incoming *incoming = *slot;
	if (incoming == NULL) {
		if (announces_too_much(connection)) {
			return send_too_large(connection);
		}
		incoming = memory_new(sizeof *incoming);
		count_under_way(context, 1);
		text_init(&incoming->body, CONTROL_BODY_MAX);
		*slot = incoming;
		return MHD_YES;
	}
	if (*upload_len > 0) {
		bool worth = take_body(incoming, upload, *upload_len);
		*upload_len = 0;
		return worth ? MHD_YES : MHD_NO;
	}
	if (incoming->discarded > 0) {
		return send_too_large(connection);
	}
	return answer(context, connection, method, path, incoming);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **slot,
                         enum MHD_RequestTerminationCode code)
{
	struct control_server *server = context;
	(void)code;
	struct incoming *incoming = *slot;
	if (incoming != NULL) {
		enter_phase(server, connection, PHASE_ASKS);
		/* Only now, or the server could end before its answer has left. */
		if (incoming->then_stop) {
			server->handlers.stop(server->handlers.self);
		}
		count_under_way(server, -1);
		text_deinit(&incoming->body);
		free(incoming);
		*slot = NULL;
	}
}

/* The path is split before it is decoded, so that an escaped slash stays part of a name. */
static size_t leave_escaped(void *context, struct MHD_Connection *connection, char *text)
{
	(void)context;
	(void)connection;
	return strlen(text);
}

static void PRINTF_LIKE(2, 0) on_http_log(void *context, const char *format, va_list arguments)
{
	(void)context;
	struct text line;
	text_init(&line, 1000);
	text_format_list(&line, format, arguments);
	while (line.len > 0 && line.chars[line.len - 1] == '\n') {
		line.chars[--line.len] = '\0';
	}
	log_debug("control: %s", text_string(&line));
	text_deinit(&line);
}

/* --- The socket -------------------------------------------------------------------------------------------------- */

static bool address_of(const char *path, struct sockaddr_un *address, struct error *error)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof address->sun_path) {
		return error_set(error, ERROR_LIMIT, "control socket %s: the path has %zu characters, but may have %zu",
		                 path, strlen(path), sizeof address->sun_path - 1);
	}
	memcpy(address->sun_path, path, strlen(path) + 1);
	return true;
}

/* Removes the file of a socket that nobody answers on. */
static bool remove_dead(const char *path, const struct sockaddr_un *address, struct error *error)
{
	struct stat info;
	if (lstat(path, &info) != 0) {
		return errno == ENOENT || error_set_errno(error, errno, "control socket %s", path);
	}
	if (!S_ISSOCK(info.st_mode)) {
		return error_set(error, ERROR_EXISTS,
		                 "control socket %s: something other than a socket is there; move it away", path);
	}
	int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (probe < 0) {
		return error_set_errno(error, errno, "control socket %s", path);
	}
	bool refused = connect(probe, (const struct sockaddr *)address, sizeof *address) != 0 && errno == ECONNREFUSED;
	close(probe);
	if (!refused) {
		return error_set(error, ERROR_EXISTS,
		                 "control socket %s: another server answers there; stop it, or choose another path",
		                 path);
	}
	if (unlink(path) != 0 && errno != ENOENT) {
		return error_set_errno(error, errno,
		                       "control socket %s: cannot remove the file of a server that is gone", path);
	}
	return true;
}

/* Bound, with mode 0660 from the first moment on; -1: told. */
static int bind_socket(const char *path, const struct sockaddr_un *address, struct error *error)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		error_set_errno(error, errno, "control socket %s", path);
		return -1;
	}
	/* The file gets what the socket has, less the umask; chmod then gives back what the umask took. */
	bool bound = fchmod(fd, 0660) == 0 && bind(fd, (const struct sockaddr *)address, sizeof *address) == 0;
	if (!bound || chmod(path, 0660) != 0 || listen(fd, CONTROL_BACKLOG) != 0) {
		error_set_errno(error, errno, "control socket %s", path);
		close(fd);
		return -1;
	}
	return fd;
}

static int listen_at(const char *path, struct error *error)
{
	struct sockaddr_un address;
	if (!address_of(path, &address, error)) {
		return -1;
	}
	int fd = -1;
	for (int i = 0; i < CONTROL_RETRIES && fd < 0; i++) {
		if (!remove_dead(path, &address, error)) {
			return -1;
		}
		errno = 0;
		fd = bind_socket(path, &address, error);
		if (fd < 0 && errno != EADDRINUSE) {
			return -1;
		}
	}
	return fd;
}

/* --- Start and stop ---------------------------------------------------------------------------------------------- */

static struct MHD_Daemon *start_daemon(struct control_server *server, int fd)
{
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL | MHD_USE_ITC |
	                 MHD_USE_ERROR_LOG;
	return MHD_start_daemon(flags, 0, NULL, NULL, on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_http_log, NULL,
	                        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
	                        (unsigned)DAEMON_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
	                        (unsigned)CONTROL_ASK_S, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
	                        MHD_OPTION_CONNECTION_MEMORY_LIMIT, HEAD_MEMORY, MHD_OPTION_THREAD_STACK_SIZE,
	                        STACK_SIZE, MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,
	                        MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_END);
}

static void server_free(struct control_server *server)
{
	pthread_cond_destroy(&server->quiet);
	pthread_mutex_destroy(&server->lock);
	free(server->path);
	free(server);
}

struct control_server *control_server_start(const char *path, const struct control_handlers *handlers,
                                            struct error *error)
{
	int fd = listen_at(path, error);
	if (fd < 0) {
		return NULL;
	}
	struct control_server *server = memory_new(sizeof *server);
	struct stat info;
	server->handlers = *handlers;
	server->path = memory_copy_text(path);
	if (lstat(path, &info) == 0) {
		server->device = info.st_dev;
		server->inode = info.st_ino;
	}
	pthread_mutex_init(&server->lock, NULL);
	pthread_cond_init(&server->quiet, NULL);
	server->daemon = start_daemon(server, fd);
	if (server->daemon == NULL) {
		error_set(error, ERROR_IO, "control socket %s: no thread for it could be started", path);
		unlink(path);
		server_free(server);
		return NULL;
	}
	return server;
}

/* Answers that are ready get this long to leave. */
#define STOP_WAIT_S 2

static void wait_until_quiet(struct control_server *server)
{
	struct timespec deadline;
	int waited = 0;
	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += STOP_WAIT_S;
	pthread_mutex_lock(&server->lock);
	while (server->under_way > 0 && waited == 0) {
		waited = pthread_cond_timedwait(&server->quiet, &server->lock, &deadline);
	}
	pthread_mutex_unlock(&server->lock);
}

void control_server_stop(struct control_server *server)
{
	if (server == NULL) {
		return;
	}
	/* The file goes first, so that a client that comes now learns at once that nobody is there; but not the file of
	 * somebody who took our place. */
	struct stat info;
	bool ours = lstat(server->path, &info) == 0 && info.st_dev == server->device && info.st_ino == server->inode;
	if (ours) {
		unlink(server->path);
	}
	int listening = MHD_quiesce_daemon(server->daemon);
	wait_until_quiet(server);
	MHD_stop_daemon(server->daemon);
	if (listening >= 0) {
		close(listening);
	}
	server_free(server);
}
