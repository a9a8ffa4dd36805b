/*
 * aot.h: translations kept from one run of an image to the next.
 *
 * A guest starts with the file of earlier runs (vcpu_aot_use) and takes each page's translations
 * from it when the page's bytes are, to the last one, those the translations were made from.
 * When it ends it notes what it had to translate itself (vcpu_aot_wish): the pages' bytes, and
 * where in them blocks began.  From such notes a process of its own makes the next file
 * (vcpu_aot_make).
 *
 * The notes come from a supervisor that its guest may own; the file is what other guests will
 * execute.  So the file is only ever made from bytes of guest code by our own translator, and a
 * lie in the notes costs memory, nothing else.
 */
#ifndef VCPU_AOT_H
#define VCPU_AOT_H

#include "vcpu/vcpu.h"

/* Largest files, in bytes: what is over is left out. */
#define VCPU_AOT_FILE_MAX   (128u << 20)
#define VCPU_AOT_WISHES_MAX (64u << 20)

/*
 * Uses the file, which must not change any more; the descriptor may be closed.  Call it before
 * the engine has spaces.  -ESTALE: made by another build of carrick, or for another host;
 * -EBADMSG: damaged; other negative host errnos.  The engine works as before after any failure.
 */
int vcpu_aot_use(struct vcpu_engine *engine, int fd) MUST_CHECK;

/* Writes what is to be translated beforehand the next time; no vCPU may run.  The number of
 * blocks that the file lacked (nothing is written for none or few), or a negative host errno. */
int64_t vcpu_aot_wish(struct vcpu_engine *engine, int fd);

/* Makes a file out of wishes and the file of earlier runs (-1: none; one that cannot be used
 * counts as none).  Returns 0 or a negative host errno; -ENOTSUP without a translator. */
int vcpu_aot_make(int wishes, int old, int out) MUST_CHECK;

#endif
