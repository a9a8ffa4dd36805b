/*
 * import.h: archives and directories become images of the store.
 */
#ifndef FSD_IMPORT_H
#define FSD_IMPORT_H

#include "fsd/store.h"

enum import_kind {
	IMPORT_AUTO,   /* find out */
	IMPORT_IMAGE,  /* OCI archive or layout directory, docker-archive (`carrick load`) */
	IMPORT_ROOTFS, /* a root file system: tar archive or directory (`carrick import`) */
};

#define IMPORT_NAMES_MAX 8192

struct import {
	int source;   /* file, pipe or directory; borrowed */
	int progress; /* lines of text for the user, or -1; borrowed */
	enum import_kind kind;
	const char *reference; /* name for it; empty: the archive's own, or none */
	const char *platform;  /* "linux/arm64" */
	const char *config;    /* Docker's "config" object for a root file system */
	size_t config_len;
	/* results */
	char digest[DIGEST_TEXT_MAX];
	char names[IMPORT_NAMES_MAX]; /* the references it got, each on a line of its own */
	uint64_t bytes;
};

/* Runs the import; the unpacking happens in a process of its own. */
int import_run(struct store *s, struct import *im, struct fail *f) MUST_CHECK;

#endif
