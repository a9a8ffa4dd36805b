/*
 * a64_box.c: the small machine of a64_box.h.
 */
#include "tests/lib/a64_box.h"

#include <sys/mman.h>
#include <unistd.h>

static void need(bool ok, const char *what)
{
	if (!ok) {
		perror(what);
		abort();
	}
}

static int resolve(void *opaque, uint64_t va, enum vcpu_access access)
{
	struct a64_box *box = opaque;

	return box->resolve ? box->resolve(box->opaque, va, access) : BOX_REFUSED;
}

bool a64_box_windows;

void a64_box_init(struct a64_box *box, enum vcpu_engine_kind kind, uint64_t ram_bytes)
{
	a64_box_init_cache(box, kind, ram_bytes, 0);
}

void a64_box_init_cache(struct a64_box *box, enum vcpu_engine_kind kind, uint64_t ram_bytes,
                        uint64_t cache_bytes)
{
	struct vcpu_options opts = {.kind = kind,
	                            .jit_eager = true,
	                            .jit_cache_size = cache_bytes,
	                            .no_window = !a64_box_windows,
	                            .window_eager = a64_box_windows};

	a64_box_init_options(box, &opts, ram_bytes);
}

void a64_box_init_options(struct a64_box *box, const struct vcpu_options *opts, uint64_t ram_bytes)
{
	memset(box, 0, sizeof(*box));
	box->ram.memfd = memfd_create("a64_box", MFD_CLOEXEC);
	need(box->ram.memfd >= 0 && ftruncate(box->ram.memfd, (off_t)ram_bytes) == 0, "memfd");
	box->ram.size = ram_bytes;
	box->ram.base =
	    mmap(NULL, ram_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, box->ram.memfd, 0);
	need(box->ram.base != MAP_FAILED, "mmap");
	box->next_frame = PAGE_SIZE; /* frame 0 stays unused: a stray 0 shows */
	box->root = a64_box_frame(box);
	need(vcpu_engine_new(opts, &box->ram, &box->engine) == 0, "vcpu_engine_new");
	need(vcpu_space_new(box->engine, box->root, resolve, box, &box->space) == 0,
	     "vcpu_space_new");
}

void a64_box_release(struct a64_box *box)
{
	vcpu_space_free(box->space);
	vcpu_engine_free(box->engine);
	munmap(box->ram.base, box->ram.size);
	close(box->ram.memfd);
}

uint64_t a64_box_frame(struct a64_box *box)
{
	uint64_t pa = __atomic_fetch_add(&box->next_frame, PAGE_SIZE, __ATOMIC_RELAXED);

	need(pa + PAGE_SIZE <= box->ram.size, "out of frames");
	return pa;
}

static uint64_t *entry(struct a64_box *box, uint64_t va, bool create)
{
	uint64_t table = box->root;

	for (int level = 0;; level++) {
		uint64_t *e = (uint64_t *)(void *)(box->ram.base + table) + pte_index(va, level);

		if (level == 3)
			return e;
		if (!(*e & PTE_VALID)) {
			if (!create)
				return NULL;
			__atomic_store_n(e, a64_box_frame(box) | PTE_VALID | PTE_TABLE,
			                 __ATOMIC_RELEASE);
		}
		table = *e & PTE_ADDR_MASK;
	}
}

uint64_t a64_box_map(struct a64_box *box, uint64_t va, uint64_t pa, uint64_t bits)
{
	if (!pa)
		pa = a64_box_frame(box);
	__atomic_store_n(entry(box, va, true),
	                 pa | PTE_VALID | PTE_TABLE | PTE_AF | PTE_SH_INNER | bits,
	                 __ATOMIC_RELEASE);
	return pa;
}

void a64_box_unmap(struct a64_box *box, uint64_t va)
{
	uint64_t *e = entry(box, va, false);

	if (e)
		__atomic_store_n(e, 0, __ATOMIC_RELEASE);
}

void *a64_box_host(struct a64_box *box, uint64_t va)
{
	uint64_t *e = entry(box, va, false);

	if (!e || !(*e & PTE_VALID))
		return NULL;
	return box->ram.base + (*e & PTE_ADDR_MASK) + (va & (PAGE_SIZE - 1));
}

void a64_box_write(struct a64_box *box, uint64_t va, const void *data, size_t len)
{
	const uint8_t *from = data;

	while (len) {
		size_t room = PAGE_SIZE - (va & (PAGE_SIZE - 1));
		size_t n = MIN(len, room);
		uint8_t *host = a64_box_host(box, va);

		need(host != NULL, "a64_box_write: not mapped");
		memcpy(host, from, n);
		vcpu_ram_changed(box->engine, (uint64_t)(host - box->ram.base), n);
		va += n;
		from += n;
		len -= n;
	}
}

struct vcpu *a64_box_vcpu(struct a64_box *box)
{
	struct vcpu *v;

	need(vcpu_new(box->space, &v) == 0, "vcpu_new");
	return v;
}
