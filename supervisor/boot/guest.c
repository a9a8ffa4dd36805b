/*
 * guest.c: builds a guest from the monitor's request: sessions with the services, memory, CPU
 * engine, task table, and the first task, whose thread does the rest.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "common/log.h"
#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "common/plat/errno.h"
#include "common/plat/mem.h"
#include "ipc/bulk.h"
#include "ipc/client.h"
#include "ipc/fsd.h"
#include "ipc/netd.h"
#include "supervisor/boot/boot.h"
#include "supervisor/task/cred.h"
#include "supervisor/task/hostthread.h"
#include "supervisor/task/pid.h"
#include "supervisor/task/process.h"
#include "supervisor/task/signal.h"
#include "supervisor/trace/observe.h"
#include "supervisor/vfs/tty.h"
#include "supervisor/vfs/vfs.h"
#include "vcpu/aot.h"

#define DEFAULT_TASKS 16384u
#define GOODBYE_NS    INT64_C(10000000000)

/* What the first tasks' threads work on; stays as long as the guest. */
struct boot {
	struct guest *guest;
	struct task *task;
	struct boot_events events;
	int stdio[3];    /* host descriptors; with a terminal [0] is the relay's socket */
	int32_t command; /* with --init: the command's pid once it has one; atomic */
};

/* Maps a session's shared memory; without it, payloads travel in the messages. */
static struct ipc_bulk *open_bulk(int fd)
{
	struct ipc_bulk *bulk = NULL;

	if (fd < 0)
		return NULL;
	if (ipc_bulk_open(fd, &bulk) < 0)
		bulk = NULL;
	close(fd);
	return bulk;
}

static int connect_services(struct guest *g, struct ipc_fds *fds, const char **why)
{
	int fsd = ipc_fds_take(fds, 0), bulk = ipc_fds_take(fds, 1), netd = ipc_fds_take(fds, 2);

	if (fsd < 0) {
		*why = "the monitor gave no session with carrick-fsd";
		return -LX_EINVAL;
	}
	if (ipc_client_new(fsd, &fsd_service, &g->fsd) < 0) {
		*why = "cannot talk to carrick-fsd";
		return -LX_EIO;
	}
	g->fsd_bulk = open_bulk(bulk);
	g->netd_bulk = open_bulk(ipc_fds_take(fds, 3));
	/* A guest without a network does without netd, too. */
	if (netd >= 0 && ipc_client_new(netd, &netd_service, &g->netd) < 0 && !g->spec->net_none) {
		*why = "cannot talk to carrick-netd";
		return -LX_EIO;
	}
	return 0;
}

static int choose_engine(const struct guest_spec *spec, struct vcpu_options *o)
{
	const char *name = spec->engine;

	*o = (struct vcpu_options){
		.kind = spec->jit_off ? VCPU_ENGINE_SOFT_INTERP : VCPU_ENGINE_SOFT,
		.jit_cache_size = spec->jit_cache,
		.no_window = spec->no_window,
		.window_eager = spec->window_eager,
	};
	if (strcmp(name, "") == 0 || strcmp(name, "soft") == 0)
		return 0;
	if (strcmp(name, "soft-interp") == 0)
		o->kind = VCPU_ENGINE_SOFT_INTERP;
	else if (strcmp(name, "kvm") == 0)
		o->kind = VCPU_ENGINE_KVM;
	else if (strcmp(name, "hvf") == 0)
		o->kind = VCPU_ENGINE_HVF;
	else
		return -LX_EINVAL;
	return 0;
}

/* Somebody watches the guest's calls: traces and reports go to our standard error. */
static int build_observer(struct guest *g)
{
	const char *trace = g->spec->trace;
	enum trace_format format = strcmp(trace, "json") == 0 ? TRACE_JSON : trace[0] ? TRACE_TEXT : TRACE_OFF;

	if (format == TRACE_OFF && !g->spec->compat_report)
		return 0;
	g->observer = observer_new(format, g->spec->compat_report, STDERR_FILENO);
	return g->observer ? 0 : -LX_ENOMEM;
}

/* Translations of earlier runs, and where to note what is missing among them. */
static void use_translations(struct guest *g, struct ipc_fds *fds)
{
	int fd = g->spec->aot ? ipc_fds_take(fds, g->spec->aot) : -1, err = 0;

	g->aot_wishes = g->spec->aot_wishes ? ipc_fds_take(fds, g->spec->aot_wishes) : -1;
	if (fd < 0)
		return;
	err = vcpu_aot_use(g->engine, fd);
	close(fd);
	if (err == -EBADMSG)
		log_warn("the translations kept for this image are damaged and not used; they will be made again");
	else if (err < 0)
		log_info("the translations kept for this image are not used: %s", lx_errno_text(plat_errno(-err)));
}

static int build_engine(struct guest *g, const struct boot_host *host, const char **why)
{
	struct vcpu_options options;
	struct vcpu_ram ram;
	int err;

	if (choose_engine(g->spec, &options) < 0) {
		*why = "there is no CPU engine of that name; carrick info lists them";
		return -LX_EINVAL;
	}
	options.host_mappings = host->max_mappings;
	err = arena_new(g->spec->memory ? g->spec->memory : host->ram, &g->arena);
	if (err < 0) {
		*why = "cannot reserve the guest's memory";
		return err;
	}
	arena_ram(g->arena, &ram);
	err = vcpu_engine_new(&options, &ram, &g->engine);
	if (err == -ENOTSUP && g->spec->engine[0] == '\0') {
		options.kind = VCPU_ENGINE_SOFT_INTERP;
		err = vcpu_engine_new(&options, &ram, &g->engine);
	}
	if (err < 0) {
		*why = "this host lacks the CPU engine asked for; carrick info lists those it has";
		return -LX_EOPNOTSUPP;
	}
	arena_set_engine(g->arena, g->engine);
	vcpu_engine_features(g->engine, &g->features);
	return 0;
}

/* As many CPUs as the host has, or as --cpus allows, rounded up. */
static uint32_t cpus_shown(const struct guest_spec *spec, uint32_t host)
{
	uint32_t whole = spec->cpus > 0 && spec->cpus < host ? (uint32_t)spec->cpus : host;

	if (spec->cpus > whole && whole < host)
		whole++;
	return MAX(whole, 1u);
}

static void set_names(struct guest *g)
{
	pthread_mutex_init(&g->uts.lock, NULL);
	snprintf(g->uts.nodename, sizeof(g->uts.nodename), "%s", g->spec->hostname);
	snprintf(g->uts.domainname, sizeof(g->uts.domainname), "%s",
		 g->spec->domainname[0] ? g->spec->domainname : "(none)");
}

static void set_limits(struct tgroup *tg)
{
	static const struct {
		uint64_t cur, max;
	} limits[] = {
		[LX_RLIMIT_CPU] = {LX_RLIM_INFINITY, LX_RLIM_INFINITY},
		[LX_RLIMIT_FSIZE] = {LX_RLIM_INFINITY, LX_RLIM_INFINITY},
		[LX_RLIMIT_DATA] = {LX_RLIM_INFINITY, LX_RLIM_INFINITY},
		[LX_RLIMIT_STACK] = {8u << 20, LX_RLIM_INFINITY},
		[LX_RLIMIT_CORE] = {0, LX_RLIM_INFINITY},
		[LX_RLIMIT_RSS] = {LX_RLIM_INFINITY, LX_RLIM_INFINITY},
		[LX_RLIMIT_NPROC] = {LX_RLIM_INFINITY, LX_RLIM_INFINITY},
		[LX_RLIMIT_NOFILE] = {1024, 524288},
		[LX_RLIMIT_MEMLOCK] = {8u << 20, 8u << 20},
		[LX_RLIMIT_AS] = {LX_RLIM_INFINITY, LX_RLIM_INFINITY},
		[LX_RLIMIT_LOCKS] = {LX_RLIM_INFINITY, LX_RLIM_INFINITY},
		[LX_RLIMIT_SIGPENDING] = {63446, 63446},
		[LX_RLIMIT_MSGQUEUE] = {819200, 819200},
		[LX_RLIMIT_RTTIME] = {LX_RLIM_INFINITY, LX_RLIM_INFINITY},
	};

	for (unsigned i = 0; i < ARRAY_LEN(limits); i++) {
		tg->rlimit[i].cur = limits[i].cur;
		tg->rlimit[i].max = limits[i].max;
	}
}

static int install(struct task *t, struct file *f, int fd)
{
	int64_t got = fd_install(t, f, fd, false);

	if (got < 0)
		file_put(f);
	return got < 0 ? (int)got : 0;
}

/* Standard input, output and error: three host descriptors, or the console three times. */
static int open_stdio(struct boot *b)
{
	struct task *t = b->task;
	struct file *f;
	int err = 0;

	if (t->guest->spec->tty) {
		err = tty_console_open(t, &f);
		for (int fd = 0; err == 0 && fd < 3; fd++)
			err = install(t, fd < 2 ? file_get(f) : f, fd);
		return err < 0 ? err : tty_console_set_controlling(t->guest, t->group);
	}
	for (int fd = 0; err == 0 && fd < 3; fd++) {
		int mode = b->stdio[fd] < 0 ? -1 : fcntl(b->stdio[fd], F_GETFL);

		if (mode < 0)
			continue; /* the monitor's was closed: so is the guest's */
		err = file_new_host(t->guest, b->stdio[fd], (uint32_t)(mode & O_ACCMODE), &f);
		if (err == 0)
			err = install(t, f, fd);
	}
	return err;
}

/* The guest cannot go on: tells the monitor; t finds that it has to leave. */
static void end_failed(struct boot *b, struct task *t, const struct boot_failure *f)
{
	b->events.failed(b->events.opaque, f->status, f->message);
	tgroup_exit(t->group, (int32_t)(f->status & 0xff) << 8);
}

/* With --init: the child that becomes the command. */
static void command_thread(void *arg)
{
	struct task *t = arg;
	struct boot_failure f = {0};

	if (boot_exec(t, &f) < 0)
		end_failed(t->guest->boot, t, &f);
	task_main(t);
}

/* With --init: process 1 is this loop.  It reaps whatever is left to it and ends with the command. */
static void reap_until_command_ends(struct task *t, int32_t command)
{
	struct wait_request any = {.which = WAIT_ANY, .options = LX_WEXITED | LX_WALL};
	struct wait_result r;

	while (!t->exiting) {
		int64_t err = task_wait(t, &any, &r);

		if (err == 0 && r.pid == command)
			tgroup_exit(t->group, r.wait_status & 0x7f ? (128 + (r.wait_status & 0x7f)) << 8
								   : r.wait_status);
		if (err < 0 || r.pid == command)
			signal_deliver(t);
	}
}

static int start_init(struct boot *b, struct boot_failure *f)
{
	struct lx_clone_args args = {.exit_signal = LX_SIGCHLD};
	struct task *t = b->task;
	int64_t pid;

	snprintf(t->comm, sizeof(t->comm), "carrick-init");
	pid = task_clone_running(t, &args, command_thread);
	if (pid < 0)
		return boot_fail(f, BOOT_EXIT_FAILED, "cannot start the command's process");
	__atomic_store_n(&b->command, (int32_t)pid, __ATOMIC_RELEASE);
	reap_until_command_ends(t, (int32_t)pid);
	return 0;
}

static int start_program(struct boot *b, struct boot_failure *f)
{
	int err = boot_mounts(b->task, f);

	if (err == 0 && open_stdio(b) < 0)
		err = boot_fail(f, BOOT_EXIT_FAILED, "cannot open the container's standard descriptors");
	if (err < 0)
		return err;
	return b->guest->spec->init ? start_init(b, f) : boot_exec(b->task, f);
}

static void first_thread(void *arg)
{
	struct boot *b = arg;
	struct boot_failure f = {0};

	if (start_program(b, &f) < 0)
		end_failed(b, b->task, &f);
	task_main(b->task);
}

static int make_first_task(struct guest *g, struct boot *b, struct hostthread **host)
{
	static const struct a64_regs no_regs;
	struct fd_table *files;
	struct cred *cred;
	struct mm *mm;
	int err = mm_new(g, &mm);

	if (err == 0)
		err = fd_table_new(&files);
	if (err == 0)
		err = cred_new(&cred);
	if (err < 0)
		return err;
	cred->cap_permitted = cred->cap_effective = cred->cap_bounding = CRED_CONTAINER_CAPS;
	err = task_new_init(g, mm, &no_regs, cred, files, NULL, &b->task, host);
	if (err == 0)
		set_limits(b->task->group);
	return err;
}

static int start_first_task(struct guest *g, struct boot_request *req, const char **why)
{
	struct boot *b = calloc(1, sizeof(*b));
	struct hostthread *host;
	unsigned nfds = g->spec->tty ? 1 : 3;
	int err = -LX_ENOMEM;

	*why = "out of memory";
	if (!b)
		return err;
	g->boot = b;
	b->guest = g;
	b->events = req->events;
	for (unsigned i = 0; i < nfds; i++)
		b->stdio[i] = ipc_fds_take(req->fds, 4 + i);
	err = make_first_task(g, b, &host);
	if (err == 0 && g->spec->tty)
		err = tty_console_new(g, b->stdio[0], (uint16_t)g->spec->rows, (uint16_t)g->spec->columns);
	if (err < 0)
		return err;
	hostthread_start(host, first_thread, b);
	return 0;
}

int guest_boot(struct boot_request *req, const struct boot_host *host, struct guest **out, const char **why)
{
	struct guest *g = calloc(1, sizeof(*g));
	int err;

	*why = "out of memory";
	if (!g)
		return -LX_ENOMEM;
	/* A guest that cannot start leaves with its process: nothing is unwound here. */
	g->spec = req->spec;
	g->ncpus = cpus_shown(g->spec, host->ncpus);
	g->boot_ns = now_ns();
	set_names(g);
	err = plat_random(g->aslr_seed, sizeof(g->aslr_seed));
	if (err == 0)
		err = task_table_new(g->spec->pids ? g->spec->pids : DEFAULT_TASKS, &g->tasks);
	if (err == 0)
		err = connect_services(g, req->fds, why);
	if (err == 0)
		err = build_observer(g);
	if (err == 0)
		err = build_engine(g, host, why);
	if (err == 0) {
		use_translations(g, req->fds);
		err = start_first_task(g, req, why);
	}
	if (err == 0)
		*out = g;
	return err;
}

void guest_signal(struct guest *g, int sig)
{
	struct lx_siginfo info = {.si_signo = sig, .si_code = LX_SI_USER};
	int32_t command = __atomic_load_n(&g->boot->command, __ATOMIC_ACQUIRE);
	struct tgroup *target;

	/* Our own init passes signals on, but for the one that ends everything. */
	target = tgroup_find(g, command && sig != LX_SIGKILL ? command : 1);
	if (!target)
		return;
	pthread_mutex_lock(&target->lock);
	(void)signal_send_locked(target, NULL, sig, &info, true);
	pthread_mutex_unlock(&target->lock);
	tgroup_put(target);
}

int32_t guest_wait(struct guest *g)
{
	struct task_table *tt = g->tasks;
	struct timespec until;
	int32_t status;

	task_table_lock(g);
	while (!tt->init_ended)
		pthread_cond_wait(&tt->changed, &tt->lock);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += GOODBYE_NS / 1000000000;
	while (tt->ntasks > 0 && pthread_cond_timedwait(&tt->changed, &tt->lock, &until) == 0)
		continue;
	if (tt->ntasks > 0)
		log_warn("%u threads of the guest did not end in time", tt->ntasks);
	status = tt->init_status;
	task_table_unlock(g);
	vfs_sync_all(g);
	if (g->spec->tty)
		tty_console_drain(g, 2000);
	return status;
}
