/*
 * handshake.c: both sides say which version of which service they speak.  There is one version
 * in use at a time: the programs are built and installed together, so a difference means a
 * mixed installation, which the user has to be told about.
 */
#include "ipc/handshake.h"

#include <inttypes.h>

#include "common/log.h"
#include "common/lx/errno.h"

int ipc_hello_send(int fd, const struct ipc_service *service)
{
	struct ipc_writer w;
	size_t done = 0;
	int r;

	ipc_writer_init(&w);
	r = ipc_write_hello(&w, service->name);
	if (r == 0)
		r = ipc_frame_send(fd, w.buf, w.len, &done, NULL, 0, true);
	ipc_writer_release(&w);
	return r;
}

int ipc_hello_check(const struct ipc_service *service, const struct ipc_frame *frame)
{
	struct ipc_bytes name = ipc_bytes_of(service->name);
	struct ipc_envelope env;
	struct ipc_hello hello;
	struct ipc_reader r;

	if (frame->fds.count > 0 || !ipc_read_envelope(&r, frame->body, frame->len, &env) ||
	    !ipc_read_hello(&r, &env, &hello))
		return -LX_EPROTO;
	if (hello.version != IPC_VERSION) {
		log_error("the other side of the %s channel speaks protocol version %" PRIu64
		          ", this program %d: install all carrick programs from one build",
		          service->name, hello.version, IPC_VERSION);
		return -IPC_EVERSION;
	}
	if (hello.service.len != name.len || memcmp(hello.service.data, name.data, name.len) != 0)
		return -LX_EPROTO;
	return 0;
}
