/*
 * dirtar.h: a host directory as a tar stream, so that importing one takes the same way as
 * importing an archive, and gets a true digest.
 */
#ifndef FSD_DIRTAR_H
#define FSD_DIRTAR_H

#include "common/base.h"
#include "fsd/fail.h"

/* Writes the tree below the directory dir as a PAX tar to out.  Owner and mode are those of
 * user.containers.override_stat where a file has it; otherwise the host's, with the user's own
 * numbers becoming 0 for ordinary users.  Links are not followed. */
int dirtar_write(int dir, int out, struct fail *f) MUST_CHECK;

#endif
