/* fsd_serve.c: see fsd_serve.h.  Failures of the fixture end the test program. */
#include "tests/lib/fsd_serve.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/bulk.h"
#include "ipc/fsd.h"
#include "ipc/server.h"
#include "tests/lib/fsd_box.h"

struct fsd_served {
	struct fsd_box box;
	struct ipc_conn *conn;
	struct ipc_client *client;
	struct ipc_bulk *bulk;
	int fd;
	pthread_t thread;
};

static void need(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(99);
}

static void *serve(void *arg)
{
	struct fsd_served *s = arg;
	struct ipc_conn_config config = {
		.fd = s->fd, .handlers = &ops_guest_handlers, .session = &s->box.session};

	need(ipc_conn_new(&config, &s->conn) == 0, "ipc_conn_new");
	s->box.session.conn = s->conn;
	(void)ipc_conn_serve(s->conn);
	ipc_conn_free(s->conn);
	return NULL;
}

static void make_file(struct fsd_box *b, const char *path, const char *text, uint32_t mode)
{
	uint64_t handle;
	int fd = -1;

	need(box_open_file(b, path, 0102 /* O_RDWR|O_CREAT */, mode, &handle, &fd) == 0, path);
	if (fd >= 0)
		close(fd);
	need(box_close_file(b, handle) == 0, path);
	if (text[0])
		need(box_write(b, path, 0, text) >= 0, path);
}

static void fill(struct fsd_box *b)
{
	char text[4001], name[32];

	need(box_mkdir(b, "etc", 0755) == 0, "etc");
	need(box_mkdir(b, "bin", 0755) == 0, "bin");
	need(box_mkdir(b, "many", 0755) == 0, "many");
	make_file(b, "etc/passwd", "root:x:0:0\n", 0644);
	make_file(b, "bin/sh", "#!\n", 0755);
	need(box_symlink(b, "etc", "link", 0) == 0, "link");
	make_file(b, "big", "", 0644);
	text[4000] = '\0';
	for (unsigned at = 0; at < 1u << 20; at += 4000) {
		unsigned n = MIN(4000u, (1u << 20) - at);

		for (unsigned i = 0; i < n; i++)
			text[i] = (char)(((at + i) * 7 & 0x3f) + 33);
		text[n] = '\0';
		need(box_write(b, "big", at, text) >= 0, "big");
	}
	for (unsigned i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "many/%u", i);
		make_file(b, name, "", 0644);
	}
}

struct fsd_served *fsd_serve_start(bool strict)
{
	struct fsd_served *s = calloc(1, sizeof(*s));
	int pair[2], bulk_fd;

	need(s != NULL, "calloc");
	box_init(&s->box);
	box_open(&s->box);
	fill(&s->box);
	box_seal(&s->box);
	s->box.strict = strict;
	box_open(&s->box);
	need(ipc_bulk_create(IPC_BULK_SIZE, &s->box.session.bulk, &bulk_fd) == 0, "bulk");
	need(ipc_bulk_open(bulk_fd, &s->bulk) == 0, "bulk");
	close(bulk_fd);
	need(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
	s->fd = pair[0];
	need(pthread_create(&s->thread, NULL, serve, s) == 0, "thread");
	need(ipc_client_new(pair[1], &fsd_service, &s->client) == 0, "client");
	return s;
}

struct ipc_client *fsd_serve_client(struct fsd_served *s)
{
	return s->client;
}

struct ipc_bulk *fsd_serve_bulk(struct fsd_served *s)
{
	return s->bulk;
}

void fsd_serve_stop(struct fsd_served *s)
{
	ipc_client_free(s->client);
	pthread_join(s->thread, NULL);
	ipc_bulk_free(s->bulk);
	ipc_bulk_free(s->box.session.bulk);
	s->box.session.bulk = NULL;
	box_release(&s->box);
	free(s);
}
