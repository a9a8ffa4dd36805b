/*
 * engine.c: life and death of engines and vCPUs, and the way in and out of vcpu_run.
 */
#include "vcpu/soft/soft.h"

#include "vcpu/a64/decode.h"
#include "vcpu/a64/features.h"

#include <errno.h>
#include <sys/mman.h>

/* The table of code pages is address space that costs memory only where it is touched. */
static int reserve_code_table(struct vcpu_engine *e)
{
	uint64_t pages = e->ram.size / PAGE_SIZE;
	uint64_t bytes;

	if (mul_overflows(pages, (uint64_t)sizeof(e->code[0]), &bytes) || bytes == 0)
		return -EINVAL;
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	e->code = p;
	e->code_len = pages;
	return 0;
}

int vcpu_engine_new(const struct vcpu_options *opts, const struct vcpu_ram *ram,
                    struct vcpu_engine **out)
{
	struct vcpu_engine *e;
	int err;

	if (opts->kind != VCPU_ENGINE_SOFT && opts->kind != VCPU_ENGINE_SOFT_INTERP)
		return -ENOTSUP;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->ram = *ram;
	e->ram.size = round_down_u64(ram->size, PAGE_SIZE);
	e->specialise = true;
	e->jit_eager = opts->jit_eager;
	e->code_epoch = 1;
	err = reserve_code_table(e);
	if (err) {
		free(e);
		return err;
	}
	pthread_mutex_init(&e->code_lock, NULL);
	pthread_mutex_init(&e->vcpus_lock, NULL);
	list_init(&e->vcpus);
	a64_decode_init();
	soft_windows_init(e, opts);
	if (opts->kind == VCPU_ENGINE_SOFT) {
		err = soft_jit_new(e, opts->jit_cache_size);
		if (err) {
			vcpu_engine_free(e);
			return err;
		}
	}
	*out = e;
	return 0;
}

void vcpu_engine_free(struct vcpu_engine *e)
{
	soft_windows_release(e);
	soft_code_release(e);
	soft_jit_free(e);
	munmap(e->code, e->code_len * sizeof(e->code[0]));
	pthread_mutex_destroy(&e->vcpus_lock);
	pthread_mutex_destroy(&e->code_lock);
	free(e);
}

void vcpu_engine_features(const struct vcpu_engine *engine, struct vcpu_features *out)
{
	(void)engine;
	out->hwcap = A64_HWCAP;
	out->hwcap2 = A64_HWCAP2;
	out->midr = A64_MIDR;
}

uint64_t vcpu_engine_address_limit(const struct vcpu_engine *engine)
{
	return engine->windows.enabled ? SOFT_WINDOW_LIMIT : 1ULL << 48;
}

const char *vcpu_engine_name(const struct vcpu_engine *engine)
{
	return engine->jit ? "soft" : "soft-interp";
}

#if !SOFT_JIT
void vcpu_jit_stats(struct vcpu_engine *e, struct vcpu_jit_stats *out)
{
	(void)e;
	memset(out, 0, sizeof(*out));
}

bool vcpu_jit_calls(unsigned row, const char **name, uint64_t *count)
{
	(void)row;
	(void)name;
	(void)count;
	return false;
}

void vcpu_jit_each(struct vcpu_engine *e,
                   void (*fn)(void *opaque, const struct vcpu_jit_block *block), void *opaque)
{
	(void)e;
	(void)fn;
	(void)opaque;
}
#endif

static void attach(struct vcpu *v, struct vcpu_space *space)
{
	pthread_mutex_lock(&space->lock);
	v->space = space;
	v->seen_seq = __atomic_load_n(&space->seq, __ATOMIC_RELAXED);
	list_add_tail(&v->in_space, &space->vcpus);
	pthread_mutex_unlock(&space->lock);
}

static void detach(struct vcpu *v)
{
	pthread_mutex_lock(&v->space->lock);
	list_del_init(&v->in_space);
	pthread_mutex_unlock(&v->space->lock);
}

int vcpu_new(struct vcpu_space *space, struct vcpu **out)
{
	size_t bytes = round_up_u64(sizeof(struct vcpu), 64);
	struct vcpu *v = aligned_alloc(64, bytes);

	if (!v)
		return -ENOMEM;
	memset(v, 0, bytes);
	v->engine = space->engine;
	v->tlb_used = true;
	v->targets_used = true;
	v->mxcsr_host = JIT_MXCSR_HOST;
	soft_tlb_flush(v);
	attach(v, space);
	pthread_mutex_lock(&v->engine->vcpus_lock);
	list_add_tail(&v->in_engine, &v->engine->vcpus);
	pthread_mutex_unlock(&v->engine->vcpus_lock);
	*out = v;
	return 0;
}

void vcpu_free(struct vcpu *v)
{
	if (!v)
		return;
	pthread_mutex_lock(&v->engine->vcpus_lock);
	list_del_init(&v->in_engine);
	pthread_mutex_unlock(&v->engine->vcpus_lock);
	detach(v);
	free(v);
}

void vcpu_set_space(struct vcpu *v, struct vcpu_space *space)
{
	/* The thread that gives windows looks at the spaces of all vCPUs. */
	pthread_mutex_lock(&v->engine->vcpus_lock);
	detach(v);
	soft_tlb_flush(v);
	attach(v, space);
	pthread_mutex_unlock(&v->engine->vcpus_lock);
}

struct a64_regs *vcpu_regs(struct vcpu *v)
{
	return &v->cpu.regs;
}

void vcpu_run(struct vcpu *v, struct vcpu_exit *exit)
{
	uint64_t epoch = __atomic_load_n(&v->engine->code_epoch, __ATOMIC_ACQUIRE);

	v->cpu.excl_valid = false;
	/* Entering the guest stores guest_seq with a full barrier behind it, which serves
	 * run_epoch too: either we see a newer epoch, or its maker sees ours. */
	__atomic_store_n(&v->run_epoch, epoch, __ATOMIC_RELAXED);
	soft_enter_guest(v);
	if (UNLIKELY(__atomic_load_n(&v->engine->code_epoch, __ATOMIC_SEQ_CST) != epoch ||
	             v->itlb_epoch != epoch))
		soft_code_sync(v);
	if (UNLIKELY(__atomic_load_n(&v->engine->windows.asleep, __ATOMIC_RELAXED)))
		soft_windows_wake(v->engine);
	if (v->engine->jit && !v->step)
		soft_jit_run(v);
	else
		soft_interp_run(v);
	soft_leave_guest(v);
	__atomic_store_n(&v->run_epoch, 0, __ATOMIC_RELEASE);
	*exit = v->cpu.exit;
}

void vcpu_kick(struct vcpu *v)
{
	__atomic_fetch_or(&v->cpu.poll, SOFT_POLL_KICK, __ATOMIC_SEQ_CST);
}

void vcpu_set_step(struct vcpu *v, bool on)
{
	v->step = on;
}
