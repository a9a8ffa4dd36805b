/*
 * fsd_serve.h: a file server with a lower layer and a writable upper, on a thread of the test
 * program, for tests of those who are its clients.
 */
#ifndef TESTS_LIB_FSD_SERVE_H
#define TESTS_LIB_FSD_SERVE_H

#include "common/base.h"

struct fsd_served;
struct ipc_client;
struct ipc_bulk;

/* The lower layer has: etc/passwd ("root:x:0:0\n"), bin/sh (mode 0755), link -> etc, big (1 MiB of
 * the bytes i*7), many/0 to many/299. */
struct fsd_served *fsd_serve_start(bool strict);
struct ipc_client *fsd_serve_client(struct fsd_served *s);
struct ipc_bulk *fsd_serve_bulk(struct fsd_served *s);
/* Frees the client too. */
void fsd_serve_stop(struct fsd_served *s);

#endif
