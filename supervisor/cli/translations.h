/*
 * translations.h: fetches an image's kept translations for a run, and has better ones made from
 * what the run noted (vcpu/aot.h).
 */
#ifndef SUPERVISOR_CLI_TRANSLATIONS_H
#define SUPERVISOR_CLI_TRANSLATIONS_H

#include "common/base.h"

struct ipc_client;

/* The descriptors of a run; -1 where there is none. */
struct translations {
	int file;   /* what earlier runs left */
	int wishes; /* what this run notes */
	int run;    /* open as long as this process, or until the run is over */
	char digest[128]; /* the image's */
};
#define TRANSLATIONS_NONE {.file = -1, .wishes = -1, .run = -1}

/* Fetches what there is, and starts a process of its own which, once the run is over, has the
 * run's notes translated, if there are any, and stores the result.  It must be started before the
 * monitor's sandbox closes, and nobody waits for it.  Leaves *t as it is when anything fails: a run
 * does without. */
void translations_start(struct translations *t, struct ipc_client *fsd, const char *digest);

/* The run is over. */
void translations_finish(struct translations *t);

#endif
