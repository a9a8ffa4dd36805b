# Comparing the software CPU with other implementations (docs/cpu-tests.md).
##@ The CPU
GUEST_CFLAGS := -std=gnu17 -O2 -static -Wall -Wextra -I.

build/guest/cpu_diff_guest: tests/cpu/guest.c tests/cpu/wire.h
	$(call say,GUEST,$@)
	@mkdir -p $(@D)
	$(Q)$(GUEST_CC) $(GUEST_CFLAGS) -o $@ $<

CPU_TEST_LIBS := $(B)/libtest.a $(B)/libvcpu.a $(B)/libcommon.a
CPU_DIFF_SRCS := $(addprefix tests/cpu/,cpu_diff.c words.c engines.c aot.c compare.c case_text.c peer.c)
$(B)/tests/cpu/cpu_diff: $(call obj,$(CPU_DIFF_SRCS)) $(CPU_TEST_LIBS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
		-lcapstone -lm

COUNT ?= 2000000
SEED ?= 1
.PHONY: cpu-diff
cpu-diff: $(B)/tests/cpu/cpu_diff build/guest/cpu_diff_guest ## compare the CPU with qemu-aarch64 on random programs (COUNT= SEED= ARGS=)
	$(Q)$(B)/tests/cpu/cpu_diff --count $(COUNT) --seed $(SEED) $(ARGS)

WORDS ?= 8
.PHONY: cpu-diff-cases
cpu-diff-cases: $(B)/tests/cpu/cpu_diff build/guest/cpu_diff_guest ## the same on single instructions of every row (WORDS= SEED= ARGS=)
	$(Q)$(B)/tests/cpu/cpu_diff --cases tests/cpu/regressions.txt
	$(Q)$(B)/tests/cpu/cpu_diff --words $(WORDS) --seed $(SEED) $(ARGS)

$(B)/tests/cpu/decode_all: $(B)/tests/cpu/decode_all.o $(CPU_TEST_LIBS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
		-lcapstone -lm

STRIDE ?= 1
.PHONY: cpu-decode
cpu-decode: $(B)/tests/cpu/decode_all ## compare the decoder with capstone on all 2^32 words (STRIDE=)
	$(Q)$(B)/tests/cpu/decode_all --stride $(STRIDE) $(ARGS)

build/guest/kernels: tests/bench/kernels.c tests/bench/kernels_fp.h
	$(call say,GUEST,$@)
	@mkdir -p $(@D)
	$(Q)$(GUEST_CC) -std=gnu17 -O2 -static -nostdlib -ffreestanding -fno-tree-loop-distribute-patterns \
		-Wall -Wextra -o $@ $<

$(B)/tests/bench/cpu_bench: $(B)/tests/bench/cpu_bench.o $(CPU_TEST_LIBS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group -lcapstone -lm

CPU_KERNELS := fib:300 sieve:40 crc:300 list:300 bytecode:200 matmul:600 floats:50000 copy:300 \
	nbody:100000 mandelbrot:40 matmulf:1000 saxpy:30000 fir:20000 stream-copy:200 \
	stream-scale:200 stream-add:200 stream-triad:200
.PHONY: cpu-bench
cpu-bench: $(B)/tests/bench/cpu_bench build/guest/kernels ## time small computations on the software CPU
	$(Q)for k in $(CPU_KERNELS); do printf '%-10s ' $${k%:*}; \
		$(B)/tests/bench/cpu_bench build/guest/kernels $${k%:*} $${k#*:} >/dev/null; done

# test_decode runs them.
test-built: $(B)/tests/cpu/cpu_diff $(B)/tests/cpu/decode_all build/guest/cpu_diff_guest

# Guests that try what only time shows; their short forms are flow tests.
SECONDS ?= 120
ENGINE ?= soft
.PHONY: litmus code_changes signal_storm
litmus: ## memory order, for minutes (SECONDS= ENGINE=)
code_changes: ## code that changes while threads run it (SECONDS= ENGINE=)
signal_storm: ## threads that compute under a storm of signals (SECONDS= ENGINE=)
litmus code_changes signal_storm: %: all build/guest/%
	$(Q)$(B)/carrick run-elf --engine $(ENGINE) build/guest/$@ $(SECONDS)
