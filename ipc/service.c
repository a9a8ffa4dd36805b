/* service.c: see service.h. */
#include "ipc/service.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/evloop.h"
#include "common/log.h"
#include "common/lx/errno.h"
#include "common/plat/errno.h"
#include "common/plat/process.h"

#define IDLE_SECONDS 60u
#define THREADS_MAX  16u
#define KEEP_MAX     512u

struct worker {
	struct evwatch watch;
	struct service *service;
	struct service_worker config;
};

struct service {
	const struct service_config *config;
	struct evloop *loop;
	int listener;
	struct evwatch accept, idle, term;
	uint64_t idle_ns;
	struct service_client *clients;
	unsigned workers;
};

struct evloop *service_loop(struct service *s)
{
	return s->loop;
}

static void idle_too_long(struct evwatch *w, int64_t count)
{
	struct service *s = w->arg;

	(void)count;
	log_info("nobody has needed me for a while: ending");
	evloop_stop(s->loop);
}

/* Starts or stops the clock that ends an idle service. */
static void update_idle(struct service *s)
{
	bool idle = !s->clients && s->workers == 0;

	if (!idle)
		evloop_del(&s->idle);
	else if (!evwatch_active(&s->idle) &&
	         evloop_add_timer(s->loop, &s->idle, s->idle_ns, 0, idle_too_long, s) < 0)
		log_warn("no timer: this service will not end by itself");
}

static void client_closed(struct ipc_conn *conn, void *session)
{
	struct service_client *c = session, **p = &c->service->clients;
	struct service *s = c->service;

	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	ipc_conn_free(conn);
	free(c);
	update_idle(s);
}

static void admit(struct service *s, int fd, pid_t pid)
{
	struct service_client *c = calloc(1, sizeof(*c));
	struct ipc_conn_config cfg = {.fd = fd,
	                              .loop = s->loop,
	                              .handlers = s->config->handlers,
	                              .session = c,
	                              .closed = client_closed};
	int r;

	if (!c) {
		close(fd);
		return;
	}
	c->service = s;
	c->data = s->config->data;
	c->pid = pid;
	r = ipc_conn_new(&cfg, &c->conn);
	if (r < 0) {
		log_warn("cannot serve a connection: %s", lx_errno_text(r));
		free(c);
		return;
	}
	c->next = s->clients;
	s->clients = c;
	update_idle(s);
}

static void on_connection(struct evwatch *w, int64_t events)
{
	struct service *s = w->arg;
	int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
	pid_t pid = 0;
	uid_t uid;

	(void)events;
	if (fd < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			log_warn("cannot accept a connection: %s", strerror(errno));
		return;
	}
	if (plat_peer(fd, &uid, &pid) < 0 || uid != geteuid()) {
		log_warn("refused a connection of another user");
		close(fd);
		return;
	}
	admit(s, fd, pid);
}

static void on_term(struct evwatch *w, int64_t signo)
{
	(void)signo;
	evloop_stop(((struct service *)w->arg)->loop);
}

static void worker_ended(struct evwatch *w, int64_t status)
{
	struct worker *k = w->arg;
	struct service *s = k->service;

	if (k->config.ended)
		k->config.ended(k->config.arg, (int)status);
	free(k);
	s->workers--;
	update_idle(s);
}

/* In the child: keeps what it was given, leaves everything else of the parent's behind. */
static NORETURN void become_worker(const struct service_worker *w, int fd)
{
	int keep[KEEP_MAX];
	unsigned n = 0;
	sigset_t none;

	sigemptyset(&none);
	pthread_sigmask(SIG_SETMASK, &none, NULL);
	for (unsigned i = 0; i < w->keep_count; i++)
		keep[n++] = w->keep[i];
	keep[n++] = fd;
	plat_close_all_but(3, keep, n);
	/* INVARIANT: the end of a worker's own process: its guest is gone. */
	_exit(w->main(fd, w->arg));
}

int service_fork(struct service *s, const struct service_worker *w, int *session)
{
	struct worker *k = calloc(1, sizeof(*k));
	int pair[2], r;
	pid_t pid;

	if (!k)
		return -LX_ENOMEM;
	r = w->keep_count >= KEEP_MAX ? -LX_E2BIG : 0;
	if (r == 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		r = plat_errno(errno);
	if (r < 0)
		goto out_free;
	k->service = s;
	k->config = *w;
	pid = fork();
	if (pid == 0)
		become_worker(w, pair[1]);
	r = pid < 0 ? plat_errno(errno) : 0;
	close(pair[1]);
	if (r < 0)
		goto out_socket;
	r = evloop_add_process(s->loop, &k->watch, pid, worker_ended, k);
	if (r < 0) {
		/* Nobody would notice its end: it may not live. */
		kill(pid, SIGKILL);
		goto out_socket;
	}
	s->workers++;
	update_idle(s);
	*session = pair[0];
	return 0;

out_socket:
	close(pair[0]);
out_free:
	free(k);
	return r;
}

static void *serve_thread(void *arg)
{
	ipc_conn_serve(arg);
	return NULL;
}

int service_serve(struct ipc_conn *conn, unsigned threads)
{
	pthread_t ids[THREADS_MAX];
	unsigned started = 0;
	int r;

	while (started + 1 < MIN(threads, THREADS_MAX) &&
	       pthread_create(&ids[started], NULL, serve_thread, conn) == 0)
		started++;
	r = ipc_conn_serve(conn);
	for (unsigned i = 0; i < started; i++)
		pthread_join(ids[i], NULL);
	return r;
}

/* The number in "--listen-fd=N", or -1. */
static int parse_listen_fd(const char *arg)
{
	static const char option[] = "--listen-fd=";
	char *end;
	long fd;

	if (strncmp(arg, option, sizeof(option) - 1) != 0)
		return -1;
	arg += sizeof(option) - 1;
	fd = strtol(arg, &end, 10);
	return *arg && !*end && fd >= 0 && fd < 1 << 20 ? (int)fd : -1;
}

static uint64_t idle_time(void)
{
	const char *env = getenv("CARRICK_SERVICE_IDLE");
	char *end;
	unsigned long seconds = env ? strtoul(env, &end, 10) : IDLE_SECONDS;

	if (env && (*end || seconds == 0 || seconds > 86400))
		seconds = IDLE_SECONDS;
	return seconds * 1000000000ull;
}

static int setup(struct service *s)
{
	int r = evloop_new(&s->loop);

	if (r == 0)
		r = evloop_add_fd(s->loop, &s->accept, s->listener, EVLOOP_READ, on_connection, s);
	if (r == 0)
		r = evloop_add_signal(s->loop, &s->term, SIGTERM, on_term, s);
	if (r == 0 && s->config->ready)
		r = s->config->ready(s, s->config->data);
	return r;
}

int service_main(const struct service_config *config, int argc, char **argv)
{
	struct service s = {.config = config, .listener = -1, .idle_ns = idle_time()};
	int r;

	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		printf("%s %s\n", config->program, CARRICK_VERSION);
		return 0;
	}
	if (argc == 2)
		s.listener = parse_listen_fd(argv[1]);
	if (s.listener < 0) {
		fprintf(stderr, "%s is started by carrick: try `carrick run`\n", config->program);
		return 125;
	}
	signal(SIGPIPE, SIG_IGN);
	r = setup(&s);
	if (r == 0) {
		update_idle(&s);
		r = evloop_run(s.loop);
	}
	if (r < 0)
		log_error("ending: %s", lx_errno_text(r));
	return r < 0 ? 125 : 0;
}
