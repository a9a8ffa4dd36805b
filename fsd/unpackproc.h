/*
 * unpackproc.h: unpacking in a process of its own.  Archives are parsed there, with nothing at
 * hand but the input, one directory and a pipe; a crash or a hang of the parser ends that process.
 */
#ifndef FSD_UNPACKPROC_H
#define FSD_UNPACKPROC_H

#include "fsd/unpack.h"

/* As unpack_layer: source is a tar, or (root file systems) a directory; progress gets lines of text
 * (-1: none). */
int unpackproc_layer(int source, int tree, bool whiteouts, int progress,
                     struct unpack_result *result, struct fail *f) MUST_CHECK;

#endif
