/*
 * admin.c: the handlers of the CLI operations, see ops_fsd.def.  They run on the parent's event
 * loop and are quick; importing and deleting run in forked processes.
 */
#include "fsd/admin.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/evloop.h"
#include "common/log.h"
#include "common/plat/errno.h"
#include "common/plat/process.h"
#include "common/plat/sandbox.h"
#include "fsd/confine.h"
#include "fsd/container.h"
#include "fsd/crash.h"
#include "fsd/images.h"
#include "fsd/import.h"
#include "fsd/mounts.h"
#include "fsd/translations.h"
#include "fsd/worker.h"
#include "ipc/bulk.h"
#include "ipc/fsd.h"
#include "ipc/service.h"

#define IPC_SERVICE fsd
#define IPC_SCHEMA  "ipc/ops_fsd.def"
#define IPC_PEER    CLI
#define IPC_SESSION struct service_client
#include "ipc/gen_handlers.inc"
#define IPC_SERVICE fsd
#define IPC_SCHEMA  "ipc/ops_fsd.def"
#define IPC_PEER    CLI
#include "ipc/gen_dispatch.inc"

const struct ipc_handlers *const admin_handlers = &fsd_CLI_handlers;

enum { FLAG_REMOVE = 1, FLAG_STRICT = 2, FLAG_REQUIRE_SANDBOX = 4 };

/* Text of the last reply; requests of the parent are handled one after the other. */
static char *reply_text;

static struct ipc_bytes keep_text(char *text)
{
	free(reply_text);
	reply_text = text;
	return ipc_bytes_of(text);
}

/* A reply's JSON; -LX_E2BIG if it does not fit its field. */
static int64_t reply_json(json_t *json, size_t max, struct ipc_bytes *out)
{
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	if (!text)
		return -LX_ENOMEM;
	*out = keep_text(text);
	return out->len > max ? -LX_E2BIG : 0;
}

static void copy_text(const struct ipc_bytes *b, char *out, size_t size)
{
	size_t n = MIN((size_t)b->len, size - 1);

	if (n)
		memcpy(out, b->data, n);
	out[n] = '\0';
}

static struct store *store_of(struct service_client *c)
{
	return &((struct admin *)c->data)->store;
}

/* The sentence goes to the service's log; the caller has the number. */
static int64_t refuse(int r, const struct fail *f)
{
	if (f->text[0])
		log_info("%s", f->text);
	return r;
}

/* An import under way in its own process. */
struct import_job {
	struct evwatch watch;
	struct ipc_call *call;
	int answer; /* pipe */
};

struct import_answer {
	int code;
	uint64_t bytes;
	char digest[DIGEST_TEXT_MAX];
	char names[IMPORT_NAMES_MAX];
};

static void import_ended(struct evwatch *w, int64_t status)
{
	struct import_job *job = w->arg;
	struct fsd_image_import_rep rep = {.bytes = 0};
	struct import_answer a;

	(void)status;
	if (read(job->answer, &a, sizeof(a)) != (ssize_t)sizeof(a))
		a = (struct import_answer){.code = -LX_EIO};
	a.digest[DIGEST_TEXT_MAX - 1] = '\0';
	a.names[sizeof(a.names) - 1] = '\0';
	rep.digest = ipc_bytes_of(a.digest);
	rep.names = ipc_bytes_of(a.names);
	rep.bytes = a.bytes;
	fsd_finish_image_import(job->call, a.code, &rep, NULL);
	close(job->answer);
	free(job);
}

/* In the forked process. */
static NORETURN void run_import(struct store *s, struct import *im, int out)
{
	const int keep[] = {im->source, im->progress,  out,        s->dir, s->blobs,
	                    s->layers,  s->containers, s->volumes, s->tmp};
	struct import_answer a = {0};
	struct fail f = {0};

	signal(SIGPIPE, SIG_IGN);
	plat_close_all_but(3, keep, ARRAY_LEN(keep));
	a.code = confine_importer(s, im->source);
	if (a.code == 0)
		a.code = import_run(s, im, &f);
	a.bytes = im->bytes;
	memcpy(a.digest, im->digest, sizeof(a.digest));
	memcpy(a.names, im->names, sizeof(a.names));
	if (a.code < 0 && im->progress >= 0)
		dprintf(im->progress, "error %s\n", f.text);
	/* INVARIANT: the end of a forked child, not of the service. */
	_exit(write(out, &a, sizeof(a)) == (ssize_t)sizeof(a) ? 0 : 1);
}

static int start_import(struct service_client *c, struct import *im)
{
	struct import_job *job = calloc(1, sizeof(*job));
	int p[2], r;
	pid_t pid;

	if (!job || pipe2(p, O_CLOEXEC) < 0) {
		free(job);
		return -LX_ENOMEM;
	}
	pid = fork();
	if (pid == 0)
		run_import(store_of(c), im, p[1]);
	r = pid < 0 ? plat_errno(errno) : 0;
	close(p[1]);
	job->answer = p[0];
	if (r == 0)
		r = evloop_add_process(service_loop(c->service), &job->watch, pid, import_ended,
		                       job);
	if (r == 0) {
		job->call = ipc_conn_defer(c->conn, NULL, NULL);
		r = job->call ? 0 : -LX_ENOMEM;
	}
	if (r < 0) {
		if (pid > 0)
			kill(pid, SIGKILL);
		evloop_del(&job->watch);
		close(p[0]);
		free(job);
	}
	return r;
}

int64_t fsd_do_image_import(struct service_client *c, const struct fsd_image_import_req *req,
                            struct fsd_image_import_rep *rep, struct ipc_fds *in,
                            struct ipc_fds *out)
{
	char reference[REFERENCE_MAX + 1], platform[65];
	struct import im = {
	    .source = in->count > 0 ? in->fd[0] : -1,
	    .progress = in->count > 1 ? in->fd[1] : -1,
	    .kind = (enum import_kind)req->kind,
	    .reference = reference,
	    .platform = platform,
	    .config = (const char *)req->config_json.data,
	    .config_len = req->config_json.len,
	};

	(void)rep;
	(void)out;
	copy_text(&req->reference, reference, sizeof(reference));
	copy_text(&req->platform, platform, sizeof(platform));
	if (!platform[0])
		snprintf(platform, sizeof(platform), "linux/arm64");
	if (im.source < 0 || req->kind > IMPORT_ROOTFS)
		return -LX_EINVAL;
	return start_import(c, &im);
}

int64_t fsd_do_image_list(struct service_client *c, const struct fsd_image_list_req *req,
                          struct fsd_image_list_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	(void)req;
	(void)in;
	(void)out;
	return reply_json(images_list(store_of(c)), 524288, &rep->images_json);
}

int64_t fsd_do_image_config(struct service_client *c, const struct fsd_image_config_req *req,
                            struct fsd_image_config_rep *rep, struct ipc_fds *in,
                            struct ipc_fds *out)
{
	static char digest[DIGEST_TEXT_MAX];
	char reference[REFERENCE_MAX + 1], *config;
	struct image img;
	struct fail f = {0};
	size_t len;
	int r;

	(void)in;
	(void)out;
	copy_text(&req->reference, reference, sizeof(reference));
	r = images_find(store_of(c), reference, digest, &f);
	if (r == 0)
		r = images_read(store_of(c), digest, &img, &config, &len);
	if (r < 0)
		return refuse(r, &f);
	rep->digest = ipc_bytes_of(digest);
	rep->config_json = keep_text(config);
	return rep->config_json.len > 262144 ? -LX_E2BIG : 0;
}

int64_t fsd_do_image_tag(struct service_client *c, const struct fsd_image_tag_req *req,
                         struct fsd_image_tag_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	char reference[REFERENCE_MAX + 1], fresh[REFERENCE_MAX + 1];
	struct fail f = {0};

	(void)rep;
	(void)in;
	(void)out;
	copy_text(&req->reference, reference, sizeof(reference));
	copy_text(&req->new_reference, fresh, sizeof(fresh));
	return refuse(images_tag(store_of(c), reference, fresh, &f), &f);
}

/* Work that holds nobody up, in a process of its own with the store's directories and one more
 * descriptor (or -1). */
typedef void background_fn(struct store *s, int fd, const char *text);

static void in_background(struct service_client *c, background_fn *fn, int fd, const char *text)
{
	struct store *s = store_of(c);
	const int keep[] = {s->dir, s->blobs, s->translations, s->tmp, fd};
	pid_t pid = fork();

	if (pid == 0) {
		/* Its own child's child, so that nobody has to wait for it. */
		if (fork() == 0) {
			plat_close_all_but(3, keep, ARRAY_LEN(keep));
			fn(s, fd, text);
		}
		/* INVARIANT: the end of a forked child, not of the service. */
		_exit(0);
	}
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
}

/* Deletes what was moved to tmp/. */
static void sweep(struct store *s, int fd, const char *text)
{
	(void)fd;
	(void)text;
	store_sweep(s);
}

static void sweep_later(struct service_client *c)
{
	in_background(c, sweep, -1, NULL);
}

static void keep_translations(struct store *s, int fd, const char *digest)
{
	int r = translations_replace(s, digest, fd);

	if (r < 0)
		log_warn("cannot keep the translations of image %s: %s", digest, lx_errno_text(r));
}

int64_t fsd_do_image_remove(struct service_client *c, const struct fsd_image_remove_req *req,
                            struct fsd_image_remove_rep *rep, struct ipc_fds *in,
                            struct ipc_fds *out)
{
	char reference[REFERENCE_MAX + 1];
	json_t *done = json_array();
	struct fail f = {0};
	int r;

	(void)in;
	(void)out;
	copy_text(&req->reference, reference, sizeof(reference));
	r = images_remove(store_of(c), reference, req->force, done, &f);
	if (r < 0) {
		json_decref(done);
		return refuse(r, &f);
	}
	sweep_later(c);
	return reply_json(done, 65536, &rep->removed_json);
}

/* A container whose worker runs. */
struct running {
	struct store *store;
	struct container container;
	struct worker_job *job; /* until the worker has been forked */
};

static void worker_ended(void *arg, int status)
{
	struct running *run = arg;

	if (status)
		log_warn("the file server of container %s ended with status %d", run->container.id,
		         status);
	container_done(run->store, &run->container);
	free(run);
}

static int run_worker(int fd, void *arg)
{
	struct running *run = arg;

	return worker_main(fd, run->job);
}

/* Forks the worker, which has the session from then on; the parent's descriptors are closed by
 * the caller. */
static int start_worker(struct service_client *c, struct running *run, struct ipc_fds *out)
{
	struct service_worker w = {.main = run_worker, .ended = worker_ended, .arg = run};
	int keep[400], session, bulk, r;

	r = ipc_bulk_create(IPC_BULK_SIZE, &run->job->session.bulk, &bulk);
	if (r < 0)
		return r;
	keep[0] = run->container.dir; /* the lock */
	w.keep = keep;
	w.keep_count = 1 + mounts_fds(&run->job->session, keep + 1, ARRAY_LEN(keep) - 1);
	r = service_fork(c->service, &w, &session);
	ipc_bulk_free(run->job->session.bulk);
	run->job->session.bulk = NULL;
	if (r < 0) {
		close(bulk);
		return r;
	}
	ipc_fds_add(out, session);
	ipc_fds_add(out, bulk);
	return 0;
}

/* What a container is made from: an image, or the directory that came with the request. */
static int find_source(struct store *s, struct container *c, struct image *img, struct fail *f)
{
	int r;

	if (!c->reference[0])
		return 0;
	r = images_find(s, c->reference, c->digest, f);
	if (r == 0) {
		r = images_read(s, c->digest, img, NULL, NULL);
		if (r < 0)
			fail_errno(f, r, "image %s is damaged", c->reference);
	}
	return r;
}

static int open_session(struct service_client *c, const struct fsd_container_create_req *req,
                        struct ipc_fds *in, const struct image *img, struct running *run,
                        json_t **mounts, struct fail *f)
{
	unsigned first = run->container.reference[0] ? 0 : 1;
	struct mounts_request mr = {
	    .container = &run->container,
	    .image = first ? NULL : img,
	    .root_fd = first ? in->fd[0] : -1,
	    .read_only = req->read_only,
	    .binds = (const char *)req->binds_json.data,
	    .binds_len = req->binds_json.len,
	    .bind_fds = in->fd + first,
	    .bind_count = in->count - first,
	};
	int r = mounts_open(store_of(c), &mr, &run->job->session, mounts, f);

	if (r < 0)
		return r;
	run->job->session.strict = req->flags & FLAG_STRICT;
	if (req->max_handles)
		run->job->session.max_handles = MIN(req->max_handles, 1u << 20);
	run->job->remove = run->container.remove;
	run->job->require_sandbox = req->flags & FLAG_REQUIRE_SANDBOX;
	return 0;
}

int64_t fsd_do_container_create(struct service_client *c,
                                const struct fsd_container_create_req *req,
                                struct fsd_container_create_rep *rep, struct ipc_fds *in,
                                struct ipc_fds *out)
{
	static char id[CONTAINER_ID_LEN + 1], digest[DIGEST_TEXT_MAX];
	struct running *run = calloc(1, sizeof(*run));
	struct image *img = malloc(sizeof(*img));
	json_t *mounts = NULL;
	struct fail f = {0};
	int64_t r;

	if (run)
		run->job = calloc(1, sizeof(*run->job));
	if (!run || !img || !run->job) {
		r = -LX_ENOMEM;
		goto out_free;
	}
	run->store = store_of(c);
	copy_text(&req->name, run->container.name, sizeof(run->container.name));
	copy_text(&req->reference, run->container.reference, sizeof(run->container.reference));
	run->container.remove = req->flags & FLAG_REMOVE;
	r = !run->container.reference[0] && in->count == 0 ? -LX_EINVAL : 0;
	if (r == 0 && (req->flags & FLAG_REQUIRE_SANDBOX))
		r = sandbox_suffices(((struct admin *)c->data)->sandbox_layers) ? 0 : -LX_EOPNOTSUPP;
	if (r == 0)
		r = find_source(run->store, &run->container, img, &f);
	if (r == 0)
		r = container_create(run->store, &run->container, &f);
	if (r < 0)
		goto out_free;
	r = open_session(c, req, in, img, run, &mounts, &f);
	if (r == 0)
		r = start_worker(c, run, out);
	memcpy(id, run->container.id, sizeof(id));
	memcpy(digest, run->container.digest, sizeof(digest));
	session_release(&run->job->session);
	free(run->job);
	run->job = NULL;
	free(img);
	if (r < 0) {
		container_done(run->store, &run->container);
		free(run);
		json_decref(mounts);
		return refuse((int)r, &f);
	}
	rep->id = ipc_bytes_of(id);
	rep->digest = ipc_bytes_of(digest);
	return reply_json(mounts, 65536, &rep->mounts_json);
out_free:
	if (run)
		free(run->job);
	free(run);
	free(img);
	return refuse((int)r, &f);
}

int64_t fsd_do_container_remove(struct service_client *c,
                                const struct fsd_container_remove_req *req,
                                struct fsd_container_remove_rep *rep, struct ipc_fds *in,
                                struct ipc_fds *out)
{
	char id[129];
	struct fail f = {0};
	int r;

	(void)rep;
	(void)in;
	(void)out;
	copy_text(&req->id, id, sizeof(id));
	r = container_remove(store_of(c), id, &f);
	if (r == 0)
		sweep_later(c);
	return refuse(r, &f);
}

int64_t fsd_do_container_list(struct service_client *c, const struct fsd_container_list_req *req,
                              struct fsd_container_list_rep *rep, struct ipc_fds *in,
                              struct ipc_fds *out)
{
	(void)req;
	(void)in;
	(void)out;
	return reply_json(container_list(store_of(c)), 524288, &rep->containers_json);
}

int64_t fsd_do_store_info(struct service_client *c, const struct fsd_store_info_req *req,
                          struct fsd_store_info_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	struct admin *a = c->data;
	json_t *images = images_list(&a->store), *containers = container_list(&a->store);
	struct statvfs v = {0};
	json_t *info;

	(void)req;
	(void)in;
	(void)out;
	if (fstatvfs(a->store.dir, &v) < 0)
		log_warn("cannot ask for the free space of the image store");
	info =
	    json_pack("{s:s, s:i, s:i, s:I}", "path", a->path, "images",
	              (int)json_array_size(images), "containers", (int)json_array_size(containers),
	              "free", (json_int_t)((uint64_t)v.f_bavail * v.f_frsize));
	json_decref(images);
	json_decref(containers);
	return reply_json(info, 65536, &rep->info_json);
}

int64_t fsd_do_translations_get(struct service_client *c,
                                const struct fsd_translations_get_req *req,
                                struct fsd_translations_get_rep *rep, struct ipc_fds *in,
                                struct ipc_fds *out)
{
	char digest[129];
	int fd;

	(void)in;
	copy_text(&req->digest, digest, sizeof(digest));
	fd = translations_open(store_of(c), digest, &rep->size);
	if (fd < 0)
		return fd;
	ipc_fds_add(out, fd);
	return 0;
}

int64_t fsd_do_translations_put(struct service_client *c,
                                const struct fsd_translations_put_req *req,
                                struct fsd_translations_put_rep *rep, struct ipc_fds *in,
                                struct ipc_fds *out)
{
	char digest[129];

	(void)rep;
	(void)out;
	if (in->count < 1)
		return -LX_EINVAL;
	copy_text(&req->digest, digest, sizeof(digest));
	in_background(c, keep_translations, in->fd[0], digest);
	return 0;
}

int64_t fsd_do_crash_keep(struct service_client *c, const struct fsd_crash_keep_req *req,
                          struct fsd_crash_keep_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	struct admin *a = c->data;
	char container[129], name[80], *path;
	size_t size = sizeof(a->path) + sizeof(name) + 16;
	int r;

	(void)out;
	copy_text(&req->container, container, sizeof(container));
	/* It becomes part of a file's name. */
	if (in->count != 1 || strspn(container, "0123456789abcdef") != strlen(container))
		return -LX_EINVAL;
	r = crash_store(&a->store, in->fd[0], container, name);
	path = r < 0 ? NULL : malloc(size);
	if (!path)
		return r < 0 ? r : -LX_ENOMEM;
	snprintf(path, size, "%s/crashes/%s", a->path, name);
	rep->path = keep_text(path);
	return 0;
}
