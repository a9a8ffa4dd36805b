/*
 * engines.c: our engines, each with a vCPU in a small machine whose code and data lie where
 * guest.c has them.
 */
#include "tests/cpu/rig.h"

#include <signal.h>
#include <sys/time.h>

/* A case that does not end is as wrong as another result. */
#define WATCHDOG_SECONDS 2

static const struct {
	const char *name;
	struct vcpu_options options;
	bool step, aot;
} kinds[] = {
    {"interp", {.kind = VCPU_ENGINE_SOFT_INTERP}, false, false},
    {"tlb", {.kind = VCPU_ENGINE_SOFT, .jit_eager = true, .no_window = true}, false, false},
    {"window", {.kind = VCPU_ENGINE_SOFT, .jit_eager = true, .window_eager = true}, false, false},
    {"aot", {.kind = VCPU_ENGINE_SOFT, .jit_eager = true, .window_eager = true}, false, true},
    {"step", {.kind = VCPU_ENGINE_SOFT, .jit_eager = true}, true, false},
};

static struct vcpu *volatile running; /* what signals kick */
static volatile bool storm;
static volatile unsigned ticks; /* of the watchdog's timer during one case */

static bool is_listed(const char *list, const char *name)
{
	size_t len = strlen(name);

	if (strcmp(name, kinds[0].name) == 0 ||
	    (strcmp(list, "all") == 0 && strcmp(name, "step") != 0))
		return true;
	for (const char *at = list; (at = strstr(at, name)) != NULL; at += len)
		if ((at == list || at[-1] == ',') && (at[len] == ',' || at[len] == 0))
			return true;
	return false;
}

static bool list_is_known(const char *list)
{
	while (*list) {
		size_t len = strcspn(list, ",");
		bool found = strncmp(list, "all", MAX(len, (size_t)3)) == 0;

		for (unsigned i = 0; i < ARRAY_LEN(kinds); i++)
			found |=
			    strlen(kinds[i].name) == len && strncmp(list, kinds[i].name, len) == 0;
		if (!found) {
			fprintf(stderr, "cpu_diff: unknown engine in \"%s\"\n", list);
			return false;
		}
		list += len + (list[len] == ',');
	}
	return true;
}

static void on_timer(int sig)
{
	(void)sig;
	ticks++;
	if (running && (storm || ticks > WATCHDOG_SECONDS))
		vcpu_kick(running);
}

static void start_timer(long usec)
{
	struct itimerval every = {{usec / 1000000, usec % 1000000},
	                          {usec / 1000000, usec % 1000000}};
	struct sigaction sa = {.sa_handler = on_timer, .sa_flags = SA_RESTART};

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
}

void rig_kick_storm(bool on)
{
	storm = on;
	start_timer(on ? 50 : 1000000);
}

void rig_machine(struct rig_engine *e, const struct vcpu_options *options)
{
	a64_box_init_options(&e->box, options, 16ULL << 20);
	for (uint64_t at = 0; at < WIRE_CODE_SIZE; at += PAGE_SIZE)
		a64_box_map(&e->box, WIRE_CODE + at, 0, BOX_RWX);
	for (uint64_t at = 0; at < WIRE_DATA_SIZE; at += PAGE_SIZE)
		a64_box_map(&e->box, WIRE_DATA + at, 0, BOX_RW);
	e->v = a64_box_vcpu(&e->box);
}

static bool open_engine(struct rig_engine *e, const struct vcpu_options *options)
{
	e->data = malloc(WIRE_DATA_SIZE);
	if (e->data)
		rig_machine(e, options);
	return e->data != NULL;
}

bool rig_open(struct rig *rig, const char *list)
{
	if (!list_is_known(list))
		return false;
	for (unsigned i = 0; i < ARRAY_LEN(kinds); i++) {
		struct rig_engine *e = &rig->engine[rig->engines];

		if (!is_listed(list, kinds[i].name))
			continue;
		e->name = kinds[i].name;
		e->step = kinds[i].step;
		e->aot = kinds[i].aot;
		rig->steps |= e->step;
		if (!open_engine(e, &kinds[i].options))
			return false;
		rig->engines++;
	}
	rig_kick_storm(false);
	return true;
}

void rig_close(struct rig *rig)
{
	for (unsigned i = 0; i < rig->engines; i++) {
		vcpu_free(rig->engine[i].v);
		a64_box_release(&rig->engine[i].box);
		free(rig->engine[i].data);
	}
}

static void to_wire(const struct a64_regs *from, struct wire_regs *to)
{
	memcpy(to->x, from->x, sizeof(to->x));
	to->sp = from->sp;
	to->pc = from->pc;
	to->nzcv = from->nzcv;
	to->fpcr = from->fpcr;
	to->fpsr = from->fpsr;
	memcpy(to->v, from->v, sizeof(to->v));
}

static void from_wire(const struct wire_regs *from, struct a64_regs *to)
{
	memcpy(to->x, from->x, sizeof(to->x));
	to->sp = from->sp;
	to->pc = from->pc;
	to->nzcv = (uint32_t)from->nzcv;
	to->fpcr = (uint32_t)from->fpcr;
	to->fpsr = (uint32_t)from->fpsr;
	memcpy(to->v, from->v, sizeof(to->v));
}

/* The two data pages need not be neighbours in RAM: page tables come between. */
static void copy_data(struct rig_engine *e, void *flat, bool in)
{
	for (uint64_t at = 0; at < WIRE_DATA_SIZE; at += PAGE_SIZE) {
		void *host = a64_box_host(&e->box, WIRE_DATA + at);

		if (in)
			memcpy(host, (char *)flat + at, PAGE_SIZE);
		else
			memcpy((char *)flat + at, host, PAGE_SIZE);
	}
}

static uint32_t signal_of(const struct vcpu_exit *x)
{
	switch (x->kind) {
	case VCPU_EXIT_FAULT:
		return SIGSEGV;
	case VCPU_EXIT_ALIGNMENT:
		return SIGBUS;
	case VCPU_EXIT_UNDEFINED:
		return SIGILL;
	case VCPU_EXIT_BREAKPOINT:
		return SIGTRAP;
	case VCPU_EXIT_KICKED: /* by the watchdog */
		return SIGALRM;
	default:
		return 0;
	}
}

void rig_load_code(struct rig_engine *e, unsigned slot, const struct wire_case *c)
{
	uint32_t words[WIRE_CODE_SLOT / 4];

	for (unsigned i = 0; i < ARRAY_LEN(words); i++)
		words[i] = i < c->insns ? c->code[i] : 0xD4200000;
	a64_box_write(&e->box, wire_pc(slot), words, sizeof(words));
}

static void load_state(struct rig_engine *e, const struct wire_case *c)
{
	wire_fill(c->memory_seed, e->data);
	copy_data(e, e->data, true);
	from_wire(&c->in, vcpu_regs(e->v));
}

void rig_run(struct rig *rig, struct rig_engine *e, unsigned slot, const struct wire_case *c,
             bool fresh, struct wire_result *out)
{
	struct vcpu_exit x;

	if (fresh)
		rig_load_code(e, slot, c);
	load_state(e, c);
	ticks = 0;
	running = e->v;
	vcpu_set_step(e->v, e->step);
	do {
		vcpu_run(e->v, &x);
	} while (x.kind == VCPU_EXIT_STEP ||
	         (x.kind == VCPU_EXIT_KICKED && rig->kicks && ticks < WATCHDOG_SECONDS * 20000u));
	running = NULL;
	to_wire(vcpu_regs(e->v), &out->out);
	copy_data(e, e->data, false);
	out->signal = signal_of(&x);
	out->addr = out->signal == SIGSEGV || out->signal == SIGBUS ? x.addr : out->out.pc;
	out->memory_hash = wire_hash(e->data);
	memcpy(out->data, e->data, WIRE_DATA_SIZE);
}

void rig_before_fault(struct rig *rig, unsigned slot, const struct wire_case *c,
                      struct wire_regs *out)
{
	struct rig_engine *e = &rig->engine[0];
	struct vcpu_exit x;

	rig_load_code(e, slot, c);
	load_state(e, c);
	vcpu_set_step(e->v, true);
	do {
		to_wire(vcpu_regs(e->v), out);
		vcpu_run(e->v, &x);
	} while (x.kind == VCPU_EXIT_STEP || x.kind == VCPU_EXIT_KICKED);
	vcpu_set_step(e->v, false);
}

bool rig_allocated(struct rig *rig, uint32_t word)
{
	struct rig_engine *e = &rig->engine[0];
	struct a64_regs *r = vcpu_regs(e->v);
	struct vcpu_exit x;

	memset(r, 0, sizeof(*r));
	for (unsigned i = 0; i < 31; i++)
		r->x[i] = WIRE_DATA + WIRE_DATA_SIZE / 2;
	r->sp = WIRE_DATA + WIRE_DATA_SIZE / 2;
	r->pc = WIRE_CODE;
	a64_box_write(&e->box, WIRE_CODE, &word, sizeof(word));
	vcpu_set_step(e->v, true);
	do {
		vcpu_run(e->v, &x);
	} while (x.kind == VCPU_EXIT_KICKED);
	vcpu_set_step(e->v, false);
	return x.kind != VCPU_EXIT_UNDEFINED;
}
