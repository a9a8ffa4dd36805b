/*
 * The x86-64 emitter against an independent disassembler, and the translator with a cache so
 * small that it is emptied again and again.
 */
#include "tests/lib/a64_box.h"
#include "vcpu/soft/jit/emit_x64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <capstone/capstone.h>

static const char *const names64[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                      "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
static const char *const names32[] = {"eax", "ecx", "edx",  "ebx",  "esp",  "ebp",  "esi",  "edi",
                                      "r8d", "r9d", "r10d", "r11d", "r12d", "r13d", "r14d", "r15d"};
static const char *const names8[] = {"al",  "cl",  "dl",   "bl",   "spl",  "bpl",  "sil",  "dil",
                                     "r8b", "r9b", "r10b", "r11b", "r12b", "r13b", "r14b", "r15b"};

struct bench {
	csh cs;
	uint8_t buffer[64];
	struct emit e;
};

static void begin(struct bench *b)
{
	memset(b->buffer, 0xCC, sizeof(b->buffer));
	b->e = (struct emit){b->buffer, 0};
}

/* What was emitted since begin is one instruction, which reads so. */
static void expect(struct bench *b, const char *format, ...)
{
	char want[128], got[256];
	cs_insn *insn;
	va_list ap;

	va_start(ap, format);
	vsnprintf(want, sizeof(want), format, ap);
	va_end(ap);
	size_t bytes = (size_t)(b->e.at - b->buffer);

	if (cs_disasm(b->cs, b->buffer, bytes, 0, 1, &insn) != 1)
		fail_msg("%s: does not disassemble", want);
	snprintf(got, sizeof(got), "%s %s", insn[0].mnemonic, insn[0].op_str);
	/* The disassembler puts a blank before a comma where a mask could stand. */
	for (char *p; (p = strstr(got, " ,")) != NULL;)
		memmove(p, p + 1, strlen(p));
	assert_string_equal(got, want);
	assert_int_equal(insn[0].size, bytes);
	cs_free(insn, 1);
	begin(b);
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	if (!b || cs_open(CS_ARCH_X86, CS_MODE_64, &b->cs))
		return -1;
	begin(b);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	cs_close(&b->cs);
	free(b);
	return 0;
}

static void registers(void **state)
{
	struct bench *b = *state;

	for (unsigned r = 0; r < 16; r++)
		for (unsigned m = 0; m < 16; m++) {
			em_rr(&b->e, X_ADD, X64, r, m);
			expect(b, "add %s, %s", names64[r], names64[m]);
			em_rr(&b->e, X_CMP, X32, r, m);
			expect(b, "cmp %s, %s", names32[r], names32[m]);
			em_rr(&b->e, X_IMUL, X64, r, m);
			expect(b, "imul %s, %s", names64[r], names64[m]);
			em_rr(&b->e, X_MOVZX8, X8, r, m);
			expect(b, "movzx %s, %s", names32[r], names8[m]);
			em_rr(&b->e, X_CMOV + CC_BE, X64, r, m);
			expect(b, "cmovbe %s, %s", names64[r], names64[m]);
			em_rr(&b->e, X_MOVSXD, X64, r, m);
			expect(b, "movsxd %s, %s", names64[r], names32[m]);
		}
}

/* Every base with no, a short and a long displacement, every index and scale. */
static void memory(void **state)
{
	struct bench *b = *state;

	for (unsigned base = 0; base < 16; base++)
		for (unsigned r = 0; r < 16; r++) {
			em_rm(&b->e, X_LOAD, X64, r, base, 0);
			expect(b, "mov %s, qword ptr [%s]", names64[r], names64[base]);
			em_rm(&b->e, X_STORE, X32, r, base, -0x20);
			expect(b, "mov dword ptr [%s - 0x20], %s", names64[base], names32[r]);
			em_rm(&b->e, X_STORE8, X8, r, base, 0x1234);
			expect(b, "mov byte ptr [%s + 0x1234], %s", names64[base], names8[r]);
			if (r == RSP)
				continue; /* cannot be an index */
			em_rx(&b->e, X_LEA, X64, RAX, base, r, 3, 0x40);
			expect(b, "lea rax, [%s + %s*8 + 0x40]", names64[base], names64[r]);
			em_rx(&b->e, X_LEA, X64, R9, base, r, 1, 0);
			expect(b, "lea r9, [%s + %s*2]", names64[base], names64[r]);
		}
}

static void immediates(void **state)
{
	struct bench *b = *state;

	for (unsigned r = 0; r < 16; r++) {
		em_mov_imm(&b->e, r, 0x12345678);
		expect(b, "mov %s, 0x12345678", names32[r]);
		em_mov_imm(&b->e, r, 0x123456789abcdefULL);
		expect(b, "movabs %s, 0x123456789abcdef", names64[r]);
		em_mov_imm(&b->e, r, (uint64_t)-16);
		expect(b, "mov %s, -0x10", names64[r]);
		em_alu_ri(&b->e, ALU_SUB, X64, r, 0x10);
		expect(b, "sub %s, 0x10", names64[r]);
		em_alu_ri(&b->e, ALU_AND, X32, r, 0x1000);
		expect(b, "and %s, 0x1000", names32[r]);
		em_shift_ri(&b->e, SH_SAR, X64, r, 5);
		expect(b, "sar %s, 5", names64[r]);
		em_shift_cl(&b->e, SH_ROR, X32, r);
		expect(b, "ror %s, cl", names32[r]);
		em_bt_ri(&b->e, X64, r, 40);
		expect(b, "bt %s, 0x28", names64[r]);
		em_bswap(&b->e, X64, r);
		expect(b, "bswap %s", names64[r]);
		em_unary(&b->e, 2, X64, r);
		expect(b, "not %s", names64[r]);
		em_rr(&b->e, X_SETCC + CC_O, X8, 0, r);
		expect(b, "seto %s", names8[r]);
		em_alu_mi(&b->e, ALU_CMP, X32, r, 0x40, 0);
		expect(b, "cmp dword ptr [%s + 0x40], 0", names64[r]);
		em_test_m8i(&b->e, r, 1, 0x40);
		expect(b, "test byte ptr [%s + 1], 0x40", names64[r]);
		em_store_imm(&b->e, r, 8, -1);
		expect(b, "mov qword ptr [%s + 8], -1", names64[r]);
	}
	em_rm(&b->e, X_MOVUPS_LOAD, X32, 3, RBP, 0x200);
	expect(b, "movups xmm3, xmmword ptr [rbp + 0x200]");
	em_rm(&b->e, X_MOVQ_LOAD, X32, 1, RAX, 8);
	expect(b, "movq xmm1, qword ptr [rax + 8]");
	em_rr(&b->e, X_MOVD_LOAD, X32, 1, RCX);
	expect(b, "movd xmm1, ecx");
	em_rr(&b->e, X_LZCNT, X64, R9, RSI);
	expect(b, "lzcnt r9, rsi");
}

static void jumps(void **state)
{
	struct bench *b = *state;
	uint64_t here = em_pc(&b->e);
	uint8_t *later;

	em_jmp(&b->e, here + 0x105);
	expect(b, "jmp 0x105");
	em_jcc(&b->e, CC_A, here - 10);
	expect(b, "ja 0xfffffffffffffff6");
	later = em_jcc_later(&b->e, CC_LE);
	em_there(&b->e, later, here + 0x30);
	expect(b, "jle 0x30");
	em_jmp_mx(&b->e, RBP, RCX, 2, 0x1000);
	expect(b, "jmp qword ptr [rbp + rcx*4 + 0x1000]");
	em_lea_rip(&b->e, RAX, here + 0x107);
	expect(b, "lea rax, [rip + 0x100]");
	/* A displacement that is patched must be aligned. */
	for (unsigned k = 0; k < 8; k++) {
		begin(b);
		b->e.at += k;
		em_align(&b->e, 4, 1);
		assert_int_equal((em_pc(&b->e) + 1) % 4, 0);
		assert_true(b->e.at < b->buffer + k + 4);
	}
	begin(b);
}

/* Forms with three operands, without memory and with it. */
static void three_operands(void **state)
{
	struct bench *b = *state;

	for (unsigned r = 0; r < 16; r++)
		for (unsigned m = 0; m < 16; m++) {
			em_vrr(&b->e, X_MULX, X64, r, RCX, m);
			expect(b, "mulx %s, rcx, %s", names64[r], names64[m]);
			em_vrr(&b->e, 0x660FFE, X32, r, 9, m);
			expect(b, "vpaddd xmm%u, xmm9, xmm%u", r, m);
			em_vrr(&b->e, 0x663800, X32, r, 15, m);
			expect(b, "vpshufb xmm%u, xmm15, xmm%u", r, m);
			em_vrm(&b->e, 0x663896, X64, r, 3, m, 0x40);
			expect(b, "vfmaddsub132pd xmm%u, xmm3, xmmword ptr [%s + 0x40]", r,
			       names64[m]);
		}
	em_vrr(&b->e, X_RORX, X32, RDX, 0, R9);
	em_u8(&b->e, 7);
	expect(b, "rorx edx, r9d, 7");
}

/* The same with an EVEX prefix. */
static void evex(void **state)
{
	struct bench *b = *state;

	for (unsigned r = 0; r < 16; r++)
		for (unsigned m = 0; m < 16; m++) {
			em_err(&b->e, 0x660FFE, X32, r, 9, m);
			expect(b, "vpaddd xmm%u, xmm9, xmm%u", r, m);
			em_err(&b->e, 0x660FD4, X64, r, 3, m);
			expect(b, "vpaddq xmm%u, xmm3, xmm%u", r, m);
		}
	/* Those that it does not know, as an assembler has them. */
	static const uint8_t vprold[] = {0x62, 0xF1, 0x1D, 0x08, 0x72, 0xCB, 0x07};
	static const uint8_t vpternlogd[] = {0x62, 0xF3, 0x2D, 0x08, 0x25, 0xE5, 0xCA};

	em_err(&b->e, 0x660F72, X32, 1, 12, 3);
	em_u8(&b->e, 7);
	assert_memory_equal(b->buffer, vprold, sizeof(vprold));
	begin(b);
	em_err(&b->e, 0x663A25, X32, 4, 10, 5);
	em_u8(&b->e, 0xCA);
	assert_memory_equal(b->buffer, vpternlogd, sizeof(vpternlogd));
	begin(b);
}

/* What tr_crypto.c uses. */
static void cryptography(void **state)
{
	static const struct {
		unsigned op;
		const char *name;
	} plain[] = {{0x6638DC, "aesenc"},     {0x6638DD, "aesenclast"}, {0x6638DE, "aesdec"},
	             {0x6638DF, "aesdeclast"}, {0x6638DB, "aesimc"},     {0x38CA, "sha1msg2"},
	             {0x38CC, "sha256msg1"},   {0x38CD, "sha256msg2"}};
	struct bench *b = *state;

	for (unsigned i = 0; i < ARRAY_LEN(plain); i++) {
		em_rr(&b->e, plain[i].op, X32, 3, 12);
		expect(b, "%s xmm3, xmm12", plain[i].name);
		em_rm(&b->e, plain[i].op, X32, 9, RBP, 0x20);
		expect(b, "%s xmm9, xmmword ptr [rbp + 0x20]", plain[i].name);
	}
	em_rr(&b->e, 0x3ACC, X32, 1, 2);
	em_u8(&b->e, 2);
	expect(b, "sha1rnds4 xmm1, xmm2, 2");
	em_rr(&b->e, 0xF238F1, X64, RAX, RCX);
	expect(b, "crc32 rax, rcx");
	em_rr(&b->e, 0xF238F0, X8, RAX, RCX);
	expect(b, "crc32 eax, cl");
	em_rip(&b->e, 0x660F6F, X32, 9, em_pc(&b->e) + 0x109);
	expect(b, "movdqa xmm9, xmmword ptr [rip + 0x100]");
}

#define CODE  0x400000ULL
#define PAGES 300u

/*
 * Pages of code, each of which adds its number by a chain of blocks and returns; called in
 * turn, they do not fit in the smallest cache together, so that it is emptied under way.
 */
static void small_cache(void **state)
{
	struct a64_box box;
	struct vcpu_jit_stats stats;
	struct vcpu_exit x;

	(void)state;
	a64_box_init_cache(&box, VCPU_ENGINE_SOFT, 16 << 20, 1 << 20);
	for (unsigned p = 0; p < PAGES; p++) {
		uint32_t code[PAGE_SIZE / 4];

		for (unsigned i = 0; i < ARRAY_LEN(code); i++) /* add x0, x0, #p; b .+4 */
			code[i] = i % 2 ? 0x14000001u : 0x91000000u | p << 10;
		code[ARRAY_LEN(code) - 1] = 0xD4000001u; /* svc #0 */
		a64_box_map(&box, CODE + p * PAGE_SIZE, 0, BOX_RX);
		a64_box_write(&box, CODE + p * PAGE_SIZE, code, sizeof(code));
	}
	struct vcpu *v = a64_box_vcpu(&box);
	struct a64_regs *r = vcpu_regs(v);

	for (unsigned round = 0; round < 3; round++)
		for (unsigned p = 0; p < PAGES; p++) {
			r->x[0] = 0;
			r->pc = CODE + p * PAGE_SIZE;
			vcpu_run(v, &x);
			assert_int_equal(x.kind, VCPU_EXIT_SYSCALL);
			assert_int_equal(r->x[0], p * (PAGE_SIZE / 8));
		}
	vcpu_jit_stats(box.engine, &stats);
	assert_true(stats.flushes > 3);
	assert_true(stats.live < stats.blocks);
	vcpu_free(v);
	a64_box_release(&box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(registers, setup, teardown),
	    cmocka_unit_test_setup_teardown(memory, setup, teardown),
	    cmocka_unit_test_setup_teardown(immediates, setup, teardown),
	    cmocka_unit_test_setup_teardown(jumps, setup, teardown),
	    cmocka_unit_test_setup_teardown(three_operands, setup, teardown),
	    cmocka_unit_test_setup_teardown(evex, setup, teardown),
	    cmocka_unit_test_setup_teardown(cryptography, setup, teardown),
	    cmocka_unit_test(small_cache),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
