/* Every form of memory access on missing, read-only and crossed pages: what the handler sees. */
#include "../probe.h"

#include <sys/ucontext.h>

/* Form, bytes accessed, distance of the access from x9, where alignment is demanded. */
#define FORMS(F)                                                                              \
	F("ldrb w0, [x9]", 1, 0) F("ldrsb x0, [x9]", 1, 0) F("ldrh w0, [x9]", 2, 0)             \
	F("ldrsh w0, [x9]", 2, 0) F("ldr w0, [x9]", 4, 0) F("ldrsw x0, [x9]", 4, 0)             \
	F("ldr x0, [x9]", 8, 0) F("ldr x0, [x9, #32]", 8, 32) F("ldur x0, [x9, #-3]", 8, -3)    \
	F("ldr x0, [x9], #8", 8, 0) F("ldr x0, [x9, #16]!", 8, 16)                              \
	F("ldr x0, [x9, x10]", 8, 4) F("ldr x0, [x9, w10, sxtw #3]", 8, 32)                     \
	F("ldtr x0, [x9]", 8, 0) F("ldrh w0, [x9], #2", 2, 0) F("ldrb w0, [x9, #1]!", 1, 1)     \
	F("strb w0, [x9]", 1, 0) F("strh w0, [x9]", 2, 0) F("str w0, [x9]", 4, 0)               \
	F("str x0, [x9]", 8, 0) F("stur x0, [x9, #-3]", 8, -3) F("str x0, [x9], #8", 8, 0)      \
	F("str x0, [x9, #16]!", 8, 16) F("str x0, [x9, x10]", 8, 4)                             \
	F("sttr x0, [x9]", 8, 0) F("str wzr, [x9], #4", 4, 0)                                   \
	F("ldp w0, w1, [x9]", 8, 0) F("ldp x0, x1, [x9]", 16, 0)                                \
	F("ldp x0, x1, [x9], #16", 16, 0) F("ldp x0, x1, [x9, #16]!", 16, 16)                   \
	F("ldpsw x0, x1, [x9]", 8, 0) F("ldnp x0, x1, [x9]", 16, 0)                             \
	F("stp w0, w1, [x9]", 8, 0) F("stp x0, x1, [x9]", 16, 0)                                \
	F("stp x0, x1, [x9], #16", 16, 0) F("stp x0, x1, [x9, #-16]!", 16, -16)                 \
	F("stnp x0, x1, [x9]", 16, 0)                                                           \
	F("ldr b0, [x9]", 1, 0) F("ldr h0, [x9]", 2, 0) F("ldr s0, [x9]", 4, 0)                 \
	F("ldr d0, [x9]", 8, 0) F("ldr q0, [x9]", 16, 0) F("ldr q0, [x9, #16]!", 16, 16)        \
	F("ldr q0, [x9], #16", 16, 0) F("ldur q0, [x9, #5]", 16, 5)                             \
	F("str b0, [x9]", 1, 0) F("str h0, [x9]", 2, 0) F("str s0, [x9]", 4, 0)                 \
	F("str d0, [x9]", 8, 0) F("str q0, [x9]", 16, 0) F("str q0, [x9, #16]!", 16, 16)        \
	F("str q0, [x9], #16", 16, 0)                                                           \
	F("ldp s0, s1, [x9]", 8, 0) F("ldp d0, d1, [x9]", 16, 0) F("ldp q0, q1, [x9]", 32, 0)   \
	F("ldp q0, q1, [x9], #32", 32, 0) F("stp d0, d1, [x9]", 16, 0)                          \
	F("stp q0, q1, [x9]", 32, 0) F("stp q0, q1, [x9, #32]!", 32, 32)                        \
	F("ld1 {v0.16b}, [x9]", 16, 0) F("ld1 {v0.16b-v3.16b}, [x9], #64", 64, 0)               \
	F("ld2 {v0.4s-v1.4s}, [x9]", 32, 0) F("ld3 {v0.8h-v2.8h}, [x9], #48", 48, 0)            \
	F("ld4 {v0.2d-v3.2d}, [x9]", 64, 0) F("ld1 {v0.s}[2], [x9]", 4, 0)                      \
	F("ld4 {v0.h-v3.h}[5], [x9]", 8, 0) F("ld1r {v0.2d}, [x9]", 8, 0)                       \
	F("ld3r {v0.8b-v2.8b}, [x9], #3", 3, 0)                                                 \
	F("st1 {v0.16b}, [x9]", 16, 0) F("st1 {v0.8b-v2.8b}, [x9], #24", 24, 0)                 \
	F("st2 {v0.4s-v1.4s}, [x9]", 32, 0) F("st3 {v0.8h-v2.8h}, [x9], #48", 48, 0)            \
	F("st4 {v0.2d-v3.2d}, [x9]", 64, 0) F("st1 {v0.b}[9], [x9]", 1, 0)                      \
	F("st2 {v0.d-v1.d}[1], [x9]", 16, 0)                                                    \
	F("ldxrb w0, [x9]", 1, 0) F("ldxr w0, [x9]", 4, 0) F("ldaxr x0, [x9]", 8, 0)            \
	F("ldxp x0, x1, [x9]", 16, 0) F("ldar x0, [x9]", 8, 0) F("stlr x0, [x9]", 8, 0)         \
	F("stlrb w0, [x9]", 1, 0) F("ldxr x1, [x9]; stxr w2, x0, [x9]", 8, 0)                   \
	F("ldaxp x4, x5, [x9]; stlxp w2, x4, x5, [x9]", 16, 0)                                  \
	F("cas x0, x1, [x9]", 8, 0) F("casalb w0, w1, [x9]", 1, 0)                              \
	F("casp x0, x1, x2, x3, [x9]", 16, 0) F("ldadd w0, w1, [x9]", 4, 0)                     \
	F("stset x0, [x9]", 8, 0) F("ldumaxal x0, x1, [x9]", 8, 0) F("swp w0, w1, [x9]", 4, 0)  \
	F("swpb w0, w1, [x9]", 1, 0)                                                            \
	F("dc zva, x9", 64, 0) F("prfm pldl1keep, [x9]", 8, 0) F("prfm pstl1keep, [x9]", 8, 0)

extern const uint32_t form_code[];
#define CODE(text, size, offset) ".balign 8, 0; " text "; .balign 8; "
/* An empty slot is filled with NOPs: 1f 20 03 d5. */
__asm__(".arch armv8.3-a; .pushsection .text.forms, \"ax\"; .balign 8; .globl form_code; form_code: " FORMS(
    CODE) ".popsection");

static const struct {
	const char *text;
	int size, offset;
} forms[] = {
#define ROW(text, size, offset) {text, size, offset},
    FORMS(ROW)
#undef ROW
};

static uint32_t *code;
static char *pages; /* three; the middle one changes */
static uint64_t base;
static uint32_t esr_mask;
static char line[32];

static ucontext_t home;

static void start(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	(void)info;
	home = *uc;
	for (unsigned i = 0; i < 9; i++)
		uc->uc_mcontext.regs[i] = 0;
	uc->uc_mcontext.regs[9] = base;
	uc->uc_mcontext.regs[10] = 4;
	uc->uc_mcontext.pc = (uint64_t)code;
}

/* ESR_EL1 from the frame, without its level. */
static uint32_t esr_of(const ucontext_t *uc)
{
	const struct _aarch64_ctx *head = (const void *)uc->uc_mcontext.__reserved;

	while (head->magic && head->magic != ESR_MAGIC)
		head = (const void *)((const char *)head + head->size);
	return head->magic ? (uint32_t)((const struct esr_context *)head)->esr & esr_mask : 0;
}

static void finish(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	const mcontext_t *m = &uc->uc_mcontext;

	if (sig == SIGTRAP)
		snprintf(line, sizeof(line), "-");
	else
		snprintf(line, sizeof(line), "%s%d%+d%s%s%s%x", sig == SIGBUS ? "bus" : "", info->si_code,
			 (int)((char *)info->si_addr - (pages + 4096)),
			 m->pc == (uint64_t)code ? "" : "+4", m->regs[9] == base ? "" : "!",
			 m->fault_address == (uint64_t)info->si_addr ? ":" : "?", esr_of(uc) >> 2);
	memcpy(&uc->uc_mcontext, &home.uc_mcontext, sizeof(home.uc_mcontext));
}

/* One access at that distance from the middle page. */
static void access_at(const char *what, unsigned form, int at, int prot, uint64_t tag)
{
	mmap(pages + 4096, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	*(volatile char *)(pages + 4096) = 0;
	if (prot < 0)
		munmap(pages + 4096, 4096);
	else
		mprotect(pages + 4096, 4096, prot);
	/* That nothing is permitted may be written into the tables in two ways. */
	esr_mask = prot == PROT_NONE ? ~0x3Fu : ~3u;
	base = ((uint64_t)(pages + 4096) + (uint64_t)at - (uint64_t)forms[form].offset) | tag;
	raise(SIGUSR1);
	printf(" %s:%s", what, line);
}

static void catch(int sig, void (*fn)(int, siginfo_t *, void *))
{
	struct sigaction sa = {.sa_sigaction = fn, .sa_flags = SA_SIGINFO};

	sigaction(sig, &sa, NULL);
}

int main(void)
{
	code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pages = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	catch(SIGUSR1, start);
	catch(SIGTRAP, finish);
	catch(SIGSEGV, finish);
	catch(SIGBUS, finish);
	for (unsigned i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		int half = (forms[i].size + 1) / 2, rw = PROT_READ | PROT_WRITE;

		memcpy(code, form_code + 2 * i, 8);
		code[2] = 0xD4200000;
		__builtin___clear_cache((char *)code, (char *)(code + 3));
		printf("%s=", forms[i].text);
		access_at("missing", i, 64, -1, 0);
		access_at("tagged", i, 64, -1, 0x5AULL << 56);
		access_at("none", i, 64, PROT_NONE, 0);
		access_at("readonly", i, 64, PROT_READ, 0);
		if (forms[i].size > 1 && forms[i].size < 64) {
			access_at("into", i, -half, -1, 0);
			access_at("outof", i, 4096 - half, -1, 0);
			access_at("into_readonly", i, -half, PROT_READ, 0);
			access_at("across", i, -half, rw, 0);
			access_at("odd", i, 65, rw, 0);
		}
		printf("\n");
	}
	return 0;
}
