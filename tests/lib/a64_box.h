/*
 * a64_box.h: a small machine for tests of the software CPU: RAM in a memfd, page tables, one
 * space, and vCPUs, with a resolver that refuses everything unless a test gives its own.
 */
#ifndef TESTS_LIB_A64_BOX_H
#define TESTS_LIB_A64_BOX_H

#include "vcpu/pte.h"
#include "vcpu/vcpu.h"

#define BOX_REFUSED 77 /* the default resolver's fault code */

/* Page-table bits for the usual kinds of pages. */
#define BOX_RW  (PTE_USER | PTE_UXN)
#define BOX_RO  (PTE_USER | PTE_UXN | PTE_RDONLY)
#define BOX_RX  (PTE_USER | PTE_RDONLY)
#define BOX_RWX (PTE_USER)

struct a64_box {
	struct vcpu_ram ram;
	uint64_t next_frame; /* frames are handed out upwards and never taken back */
	uint64_t root;
	struct vcpu_engine *engine;
	struct vcpu_space *space;
	vcpu_resolve_fn *resolve; /* NULL: refuse */
	void *opaque;
};

/* Boxes made from now on have a window (vcpu_options.window_eager), where their engine can; else
 * they never do. */
extern bool a64_box_windows;

/* Aborts the test program on failure: it is the ground on which tests stand. */
void a64_box_init(struct a64_box *box, enum vcpu_engine_kind kind, uint64_t ram_bytes);
/* The same with a bounded memory for translated code (0: the default). */
void a64_box_init_cache(struct a64_box *box, enum vcpu_engine_kind kind, uint64_t ram_bytes,
                        uint64_t cache_bytes);
/* The same with all options. */
void a64_box_init_options(struct a64_box *box, const struct vcpu_options *opts, uint64_t ram_bytes);
void a64_box_release(struct a64_box *box);
/* A zeroed frame's physical address. */
uint64_t a64_box_frame(struct a64_box *box);
/* Maps va to the frame pa (0: a new one) with those bits; returns pa. */
uint64_t a64_box_map(struct a64_box *box, uint64_t va, uint64_t pa, uint64_t bits);
/* Takes the page away, or changes its bits, with no invalidation. */
void a64_box_unmap(struct a64_box *box, uint64_t va);
/* The host address of a mapped virtual address, NULL if it is not mapped. */
void *a64_box_host(struct a64_box *box, uint64_t va);
/* Copies code or data to mapped memory, page crossings included; tells the engine. */
void a64_box_write(struct a64_box *box, uint64_t va, const void *data, size_t len);
struct vcpu *a64_box_vcpu(struct a64_box *box);

#endif
