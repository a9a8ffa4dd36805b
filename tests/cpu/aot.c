/*
 * aot.c: the engine of cpu_diff that runs on translations from a file.
 *
 * All cases of a batch are put in place and run once; then what was translated is wished for, a
 * file is made, and a new machine with the same memory runs the cases with the blocks of the
 * file.  The file's blocks were made for another address, so everything in them that depends on
 * where they are has been moved.
 */
#include "tests/cpu/rig.h"

#include "vcpu/aot.h"

#include <sys/mman.h>
#include <unistd.h>

static const struct vcpu_options options = {
    .kind = VCPU_ENGINE_SOFT, .jit_eager = true, .window_eager = true};

static void load_batch(struct rig *rig, struct rig_engine *e, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		rig_load_code(e, i, &rig->cases[i]);
}

/* Translates, in the machine that there is, everything that the cases execute. */
static bool wish(struct rig *rig, struct rig_engine *e, unsigned n, int fd)
{
	struct wire_result unused;

	load_batch(rig, e, n);
	for (unsigned i = 0; i < n; i++)
		rig_run(rig, e, i, &rig->cases[i], false, &unused);
	return vcpu_aot_wish(e->box.engine, fd) >= 0;
}

static void renew(struct rig *rig, struct rig_engine *e)
{
	struct vcpu_jit_stats stats;

	vcpu_jit_stats(e->box.engine, &stats);
	rig->kept += stats.kept;
	vcpu_free(e->v);
	a64_box_release(&e->box);
	rig_machine(e, &options);
}

bool rig_prepare_aot(struct rig *rig, struct rig_engine *e, unsigned n)
{
	int wishes = memfd_create("wishes", MFD_CLOEXEC), file = memfd_create("file", MFD_CLOEXEC);
	bool ok;

	renew(rig, e);
	ok = wishes >= 0 && file >= 0 && wish(rig, e, n, wishes);
	renew(rig, e);
	/* Few blocks are not worth a file. */
	if (ok && lseek(wishes, 0, SEEK_END) > 0)
		ok = vcpu_aot_make(wishes, -1, file) == 0 && vcpu_aot_use(e->box.engine, file) == 0;
	load_batch(rig, e, n);
	close(wishes);
	close(file);
	if (!ok)
		fprintf(stderr, "cpu_diff: no file of translations could be made\n");
	return ok;
}
