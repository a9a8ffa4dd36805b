/*
 * main.c: the entry point of carrick-supervisor.  Descriptor 3 is the control channel: the
 * monitor sends `start` once, then signals and window sizes; we tell how the guest ended.
 *
 * The sandbox closes before the first byte of a guest is read.  The main thread serves the
 * channel, a second one waits for the guest's end, and the guest's own threads do the rest.
 */
#include <fcntl.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <stdio.h>
#include <unistd.h>

#include "common/log.h"
#include "common/lx/errno.h"
#include "common/plat/errno.h"
#include "common/plat/mem.h"
#include "ipc/ctl.h"
#include "supervisor/trace/handlers.h"
#include "supervisor/trace/jit_stats.h"
#include "supervisor/trace/observe.h"
#include "supervisor/trace/ring.h"
#include "supervisor/boot/boot.h"
#include "supervisor/boot/confine.h"
#include "supervisor/vfs/tty.h"
#include "vcpu/aot.h"

#define CTL_FD 3

/* Of the role --translate. */
enum { WISHES_FD = 3, OLD_FD, OUT_FD };

struct supervisor {
	struct ipc_conn *ctl;
	struct boot_host host;
	struct guest *guest; /* NULL until started; only the serving thread looks */
	bool told;           /* atomic: `failed` or `exited` has been sent */
};

#define IPC_SERVICE ctl
#define IPC_SCHEMA  "ipc/ops_ctl.def"
#define IPC_PEER    CLI
#define IPC_SESSION struct supervisor
#include "ipc/gen_handlers.inc"
#define IPC_SERVICE ctl
#define IPC_SCHEMA  "ipc/ops_ctl.def"
#define IPC_PEER    CLI
#define IPC_SESSION struct supervisor
#include "ipc/gen_dispatch.inc"

static void on_failed(void *opaque, uint32_t exit_status, const char *message)
{
	struct supervisor *s = opaque;
	struct ctl_failed_req req = {.exit_status = exit_status,
				     .message = {(const uint8_t *)message, (uint32_t)strlen(message)}};

	if (!__atomic_exchange_n(&s->told, true, __ATOMIC_SEQ_CST))
		(void)ctl_event_failed(s->ctl, &req);
}

static void *wait_for_end(void *arg)
{
	struct supervisor *s = arg;
	struct ctl_exited_req req = {.wait_status = (uint32_t)guest_wait(s->guest)};

	if (s->guest->observer)
		observer_finish(s->guest->observer);
	handlers_report();
	if (s->guest->spec->jit_stats)
		jit_stats_report(s->guest->engine, STDERR_FILENO);
	if (s->guest->aot_wishes >= 0 && vcpu_aot_wish(s->guest->engine, s->guest->aot_wishes) < 0)
		log_info("cannot note what to translate beforehand the next time");
	if (!__atomic_exchange_n(&s->told, true, __ATOMIC_SEQ_CST))
		(void)ctl_event_exited(s->ctl, &req);
	/* INVARIANT: the guest is over; nothing of it runs any more. */
	_exit(0);
}

int64_t ctl_do_start(struct supervisor *s, const struct ctl_start_req *req, struct ctl_start_rep *rep,
		     struct ipc_fds *in, struct ipc_fds *out)
{
	struct boot_request boot = {.fds = in, .events = {on_failed, s}};
	const char *why = "the guest has been started already";
	pthread_t waiter;
	int err = -LX_EBUSY;

	(void)rep;
	(void)out;
	if (!s->guest)
		err = guest_spec_parse(req->spec_json.data, req->spec_json.len, &boot.spec, &why);
	if (err == 0)
		err = guest_boot(&boot, &s->host, &s->guest, &why);
	if (err == 0 && pthread_create(&waiter, NULL, wait_for_end, s) != 0) {
		why = "cannot start a thread";
		err = -LX_EAGAIN;
	}
	if (err < 0)
		on_failed(s, BOOT_EXIT_FAILED, why);
	return err;
}

int64_t ctl_do_signal(struct supervisor *s, const struct ctl_signal_req *req, struct ctl_signal_rep *rep,
		      struct ipc_fds *in, struct ipc_fds *out)
{
	(void)rep;
	(void)in;
	(void)out;
	if (req->signo < 1 || req->signo > 64)
		return -LX_EINVAL;
	if (s->guest)
		guest_signal(s->guest, (int)req->signo);
	return 0;
}

int64_t ctl_do_resize(struct supervisor *s, const struct ctl_resize_req *req, struct ctl_resize_rep *rep,
		      struct ipc_fds *in, struct ipc_fds *out)
{
	(void)rep;
	(void)in;
	(void)out;
	if (s->guest && s->guest->spec->tty)
		tty_console_resize(s->guest, (uint16_t)MIN(req->rows, 65535u), (uint16_t)MIN(req->columns, 65535u));
	return 0;
}

int64_t ctl_do_service_restarted(struct supervisor *s, const struct ctl_service_restarted_req *req,
				 struct ctl_service_restarted_rep *rep, struct ipc_fds *in,
				 struct ipc_fds *out)
{
	struct ipc_client *client = NULL;
	int fd;

	(void)rep;
	(void)out;
	if (s->guest)
		client = req->which == 0 ? s->guest->fsd : s->guest->netd;
	fd = ipc_fds_take(in, 0);
	if (!client || fd < 0) {
		if (fd >= 0)
			close(fd);
		return -LX_EINVAL;
	}
	return ipc_client_reconnect(client, fd);
}

static void look_at_host(struct boot_host *host)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	host->ncpus = 1;
	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		host->ncpus = (uint32_t)MAX(MIN(CPU_COUNT(&set), 64), 1);
	host->ram = plat_ram_size();
	host->max_mappings = plat_max_mappings();
}

/* Each open file of the guest that lives in fsd, and each of its sockets, has a descriptor here. */
static void raise_file_limit(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0 || l.rlim_cur == l.rlim_max)
		return;
	l.rlim_cur = l.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &l) < 0)
		log_warn("cannot raise the limit of open files");
}

/* The role of a translator: makes, from what a guest's supervisor noted, the file of translations
 * for the next guests of the image.  A mistake in it must not reach further than that file. */
static int translate(void)
{
	int err;

	if (supervisor_confine(false) < 0)
		return BOOT_EXIT_FAILED;
	err = vcpu_aot_make(WISHES_FD, OLD_FD, OUT_FD);
	if (err < 0)
		log_info("cannot make translations: %s", lx_errno_text(plat_errno(-err)));
	return err < 0 ? BOOT_EXIT_FAILED : 0;
}

int main(int argc, char **argv)
{
	static struct supervisor s;
	struct ipc_conn_config conn = {.fd = CTL_FD, .handlers = &ctl_CLI_handlers, .session = &s};
	int err;

	log_setup("carrick-supervisor", LOG_LEVEL_WARN);
	if (fcntl(CTL_FD, F_GETFD) < 0) {
		fprintf(stderr, "carrick-supervisor %s: started by carrick run, not by hand\n", CARRICK_VERSION);
		return BOOT_EXIT_FAILED;
	}
	signal(SIGPIPE, SIG_IGN);
	if (argc == 2 && strcmp(argv[1], "--translate") == 0)
		return translate();
#ifdef __GLIBC__
	/* Left to itself malloc counts the CPUs in /sys, once threads contend, to limit its arenas. */
	(void)mallopt(M_ARENA_MAX, 8);
	/* Before it first shrinks a thread's arena it reads /proc/sys/vm/overcommit_memory: it must not. */
	(void)mallopt(M_TRIM_THRESHOLD, INT32_MAX);
#endif
	ring_open();
	look_at_host(&s.host);
	raise_file_limit();
	if (supervisor_confine(argc == 2 && strcmp(argv[1], "--sandbox=require") == 0) < 0)
		return BOOT_EXIT_FAILED;
	err = ipc_conn_new(&conn, &s.ctl);
	if (err < 0) {
		log_error("cannot serve the control channel: %s", lx_errno_text(err));
		return BOOT_EXIT_FAILED;
	}
	(void)ipc_conn_serve(s.ctl);
	/* INVARIANT: without its monitor there is nobody left to run the guest for. */
	_exit(BOOT_EXIT_FAILED);
}
