/*
 * monitor.c: sees one guest through.  Starts the supervisor, hands it its sessions and
 * descriptors over the control channel, relays terminal, signals and window size, and turns the
 * guest's end, or the supervisor's, into an exit status.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/crash.h"
#include "common/evloop.h"
#include "common/lx/errno.h"
#include "ipc/ctl.h"
#include "supervisor/cli/confine.h"
#include "supervisor/cli/crash.h"
#include "supervisor/cli/relay.h"
#include "supervisor/cli/run.h"
#include "supervisor/cli/service.h"
#include "supervisor/cli/spec_text.h"
#include "supervisor/cli/terminal.h"

#define CTL_FD 3
/* A guest asked to stop gets this long before it is killed. */
#define STOP_GRACE_NS 10000000000ULL

static const int forwarded_signals[] = {SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGTERM, SIGWINCH};

struct monitor {
	const struct monitor_config *config;
	struct evloop *loop;
	struct ipc_conn *ctl;
	struct evwatch signals[ARRAY_LEN(forwarded_signals)];
	struct evwatch child, grace;
	struct relay relay;
	pid_t supervisor;
	int crash;     /* memory for its last words (common/crash.h), or -1 */
	int status;
	bool ended;    /* the supervisor told how the guest ended */
	bool stopping; /* the stop signal has been sent */
};

#define IPC_SERVICE ctl
#define IPC_SCHEMA  "ipc/ops_ctl.def"
#define IPC_PEER    SUPERVISOR
#define IPC_SESSION struct monitor
#include "ipc/gen_handlers.inc"
#define IPC_SERVICE ctl
#define IPC_SCHEMA  "ipc/ops_ctl.def"
#define IPC_PEER    SUPERVISOR
#define IPC_SESSION struct monitor
#include "ipc/gen_dispatch.inc"

static void finish(struct monitor *m, int status)
{
	if (!m->ended)
		m->status = status;
	m->ended = true;
	evloop_stop(m->loop);
}

/* Says it on a terminal that is itself again. */
static void say_failure(const struct ipc_bytes *message)
{
	terminal_restore();
	cli_error("%.*s", (int)message->len, (const char *)message->data);
}

int64_t ctl_do_exited(struct monitor *m, const struct ctl_exited_req *req, struct ctl_exited_rep *rep,
		      struct ipc_fds *in, struct ipc_fds *out)
{
	int status = (int)req->wait_status;

	(void)rep, (void)in, (void)out;
	if (req->message.len > 0)
		say_failure(&req->message);
	finish(m, WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
	return 0;
}

int64_t ctl_do_failed(struct monitor *m, const struct ctl_failed_req *req, struct ctl_failed_rep *rep,
		      struct ipc_fds *in, struct ipc_fds *out)
{
	(void)rep, (void)in, (void)out;
	say_failure(&req->message);
	finish(m, (int)(req->exit_status & 255));
	return 0;
}

/* One sentence: how it ended, and where to read what it did last. */
static void tell_death(struct monitor *m, int status)
{
	char how[128], path[4352], report[4480] = "";

	if (status >= 0 && WIFSIGNALED(status))
		snprintf(how, sizeof(how), "was ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(how, sizeof(how), "ended unexpectedly (status %d)", status >= 0 ? WEXITSTATUS(status) : -1);
	if (crash_keep(m->config->fsd, m->crash, m->config->container, how, path, sizeof(path)))
		snprintf(report, sizeof(report), "; `carrick debug crash %s` shows what it did last", path);
	cli_error("the guest's supervisor %s; the guest is gone, its container's files are safe%s", how, report);
}

static void on_supervisor_end(struct evwatch *w, int64_t status)
{
	struct monitor *m = w->arg;

	/* Its last message may still be waiting in the channel. */
	for (int i = 0; i < 16 && !m->ended && m->ctl; i++)
		if (evloop_step(m->loop, 0) <= 0)
			break;
	if (m->ended)
		return;
	terminal_restore();
	tell_death(m, (int)status);
	finish(m, EXIT_CARRICK);
}

static void on_ctl_closed(struct ipc_conn *conn, void *session)
{
	struct monitor *m = session;

	/* How the supervisor ended is known when its process is reaped. */
	ipc_conn_free(conn);
	m->ctl = NULL;
}

static void send_signal(struct monitor *m, int signo)
{
	struct ctl_signal_req req = {.signo = (uint32_t)signo};

	if (m->ctl)
		ctl_event_signal(m->ctl, &req);
}

static void on_grace_over(struct evwatch *w, int64_t expirations)
{
	struct monitor *m = w->arg;

	(void)expirations;
	send_signal(m, SIGKILL);
}

static void send_size(struct monitor *m)
{
	struct ctl_resize_req req;

	if (m->config->tty && m->ctl && terminal_size(STDIN_FILENO, &req.rows, &req.columns))
		ctl_event_resize(m->ctl, &req);
}

static void on_signal(struct evwatch *w, int64_t signo)
{
	struct monitor *m = w->arg;

	if (signo == SIGWINCH) {
		send_size(m);
		return;
	}
	if (signo != SIGTERM) {
		send_signal(m, (int)signo);
		return;
	}
	/* Asked to end: the guest first in its own way, then without asking. */
	send_signal(m, m->stopping ? SIGKILL : m->config->stop_signal);
	if (!m->stopping && evloop_add_timer(m->loop, &m->grace, STOP_GRACE_NS, 0, on_grace_over, m) < 0)
		send_signal(m, SIGKILL);
	m->stopping = true;
}

static void on_started(void *arg, int64_t result, const void *rep, struct ipc_fds *fds)
{
	struct monitor *m = arg;

	(void)rep, (void)fds;
	if (result >= 0 || result == -IPC_EGONE || m->ended)
		return;
	terminal_restore();
	finish(m, cli_error("the supervisor refused to start the guest: %s", cli_strerror(result)));
}

/* In the child: becomes the supervisor, in a session of its own so that the terminal's signals
 * reach only the monitor. */
static NORETURN void exec_supervisor(const char *program, int ctl, int crash, bool require_sandbox)
{
	char *argv[] = {(char *)(uintptr_t)program,
			require_sandbox ? (char *)(uintptr_t) "--sandbox=require" : NULL, NULL};
	int null = open("/dev/null", O_RDWR);
	sigset_t none;

	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (null >= 0) {
		dup2(null, 0);
		dup2(null, 1);
	}
	/* Neither may sit where the other belongs. */
	ctl = fcntl(ctl, F_DUPFD, CRASH_FD + 1);
	crash = crash < 0 ? -1 : fcntl(crash, F_DUPFD, CRASH_FD + 1);
	dup2(ctl, CTL_FD);
	if (crash >= 0)
		dup2(crash, CRASH_FD);
	closefrom(crash >= 0 ? CRASH_FD + 1 : CTL_FD + 1);
	execv(program, argv);
	_exit(EXIT_CANNOT_RUN);
}

static int spawn_supervisor(struct monitor *m)
{
	char program[4096];
	int pair[2];
	struct ipc_conn_config conn = {
		.loop = m->loop,
		.handlers = &ctl_SUPERVISOR_handlers,
		.session = m,
		.closed = on_ctl_closed,
		.initiator = true,
	};
	int ret;

	if (!program_path("carrick-supervisor", program, sizeof(program)))
		return -LX_ENOENT;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return cli_error("cannot make the control channel: %s", strerror(errno)), -LX_EMFILE;
	m->supervisor = fork();
	if (m->supervisor == 0)
		exec_supervisor(program, pair[1], m->crash, m->config->require_sandbox);
	close(pair[1]);
	if (m->supervisor < 0) {
		close(pair[0]);
		cli_error("cannot start the supervisor: %s", strerror(errno));
		return -LX_EAGAIN;
	}
	ret = evloop_add_process(m->loop, &m->child, m->supervisor, on_supervisor_end, m);
	if (ret < 0) {
		close(pair[0]);
		return ret;
	}
	conn.fd = pair[0];
	return ipc_conn_new(&conn, &m->ctl);
}

/* A descriptor that the specification tells of by its place in the message. */
static void add_descriptor(json_t *spec, const char *name, int fd, int *fds, unsigned *count)
{
	if (fd < 0)
		return;
	json_object_set_new(spec, name, json_integer(*count));
	fds[(*count)++] = fd;
}

/* The guest's standard descriptors as they travel in `start`: the terminal's relay socket, or
 * three of ours.  *relay_end is our end of the relay. */
static int start_guest(struct monitor *m)
{
	const struct monitor_config *c = m->config;
	struct ctl_start_req req;
	int fds[10] = {c->fsd_session, c->fsd_bulk, c->netd_session, c->netd_bulk}, null = -1, pair[2] = {-1, -1};
	unsigned count = 4;
	char *text;
	int ret = 0;

	if (c->tty) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
			ret = -errno;
		fds[count++] = pair[1];
	} else {
		null = c->interactive ? STDIN_FILENO : open("/dev/null", O_RDONLY | O_CLOEXEC);
		fds[count++] = null;
		fds[count++] = STDOUT_FILENO;
		fds[count++] = STDERR_FILENO;
	}
	add_descriptor(c->spec, "aot", c->aot, fds, &count);
	add_descriptor(c->spec, "aot_wishes", c->aot_wishes, fds, &count);
	text = spec_text(c->spec);
	req.spec_json = ipc_bytes_of(text);
	if (ret == 0 && !text)
		ret = -LX_ENOMEM;
	if (ret == 0)
		ret = ctl_request_start(m->ctl, &req, fds, count, on_started, m);
	if (ret == 0 && c->tty)
		ret = relay_start(&m->relay, m->loop, pair[0]);
	else if (pair[0] >= 0)
		close(pair[0]);
	if (pair[1] >= 0)
		close(pair[1]);
	if (null > STDERR_FILENO)
		close(null);
	free(text);
	return ret;
}

static int watch_signals(struct monitor *m)
{
	for (size_t i = 0; i < ARRAY_LEN(forwarded_signals); i++) {
		int ret = evloop_add_signal(m->loop, &m->signals[i], forwarded_signals[i], on_signal, m);

		if (ret < 0)
			return ret;
	}
	return 0;
}

static void monitor_release(struct monitor *m)
{
	relay_finish(&m->relay);
	for (size_t i = 0; i < ARRAY_LEN(forwarded_signals); i++)
		evloop_del(&m->signals[i]);
	evloop_del(&m->grace);
	if (m->ctl)
		ipc_conn_free(m->ctl);
	/* Nothing of the guest outlives its monitor. */
	if (evwatch_active(&m->child)) {
		evloop_del(&m->child);
		kill(m->supervisor, SIGKILL);
		waitpid(m->supervisor, NULL, 0);
	}
	if (m->crash >= 0)
		close(m->crash);
	evloop_free(m->loop);
	terminal_restore();
}

int monitor_run(const struct monitor_config *config)
{
	struct monitor m = {.config = config, .relay = {.socket = -1}, .status = EXIT_CARRICK, .crash = crash_memory()};
	int ret = evloop_new(&m.loop);

	if (ret < 0)
		return cli_error("cannot start: %s", cli_strerror(ret));
	ret = watch_signals(&m);
	if (ret == 0)
		ret = spawn_supervisor(&m);
	if (ret == 0 && config->tty)
		ret = terminal_raw(STDIN_FILENO);
	if (ret == 0)
		ret = start_guest(&m);
	if (ret == 0)
		ret = monitor_confine(config->require_sandbox);
	if (ret == 0)
		ret = evloop_run(m.loop);
	monitor_release(&m);
	if (ret < 0 && !m.ended)
		return cli_error("cannot run the guest: %s", cli_strerror(ret));
	return m.status;
}
