##@ Fuzzing
# Fuzzers.  In MODE=fuzz they are libFuzzer's; in every other mode a small main replays the files
# it is given, which is how the committed corpora are tests.
FUZZ_SRCS := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_BINS := $(FUZZ_SRCS:tests/fuzz/%.c=$(B)/tests/fuzz/%)
FUZZ_TIME ?= 60
FUZZ_MAIN := $(if $(filter fuzz,$(MODE)),,$(B)/tests/fuzz/replay.o)

$(B)/tests/fuzz/fuzz_%: $(B)/tests/fuzz/fuzz_%.o $(FUZZ_MAIN) $(B)/libtest.a $(TEST_LIBS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) $(if $(filter fuzz,$(MODE)),-fsanitize=fuzzer) -o $@ $(filter %.o,$^) \
		-Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
		-lcmocka $(sort $(LIBS_ipc) $(LIBS_fsd) $(LIBS_netd) $(LIBS_supervisor) $(LIBS_cli))

.PHONY: fuzz-built
fuzz-built: $(FUZZ_BINS)

.PHONY: fuzz
fuzz: ## run every fuzzer for FUZZ_TIME seconds, starting from its corpus (needs clang)
	$(Q)$(MAKE) --no-print-directory MODE=fuzz fuzz-built
	$(Q)for f in $(FUZZ_SRCS:tests/fuzz/%.c=%); do \
		mkdir -p build/fuzz/corpus/$$f tests/fuzz/corpus/$$f; echo "  FUZZ    $$f"; \
		build/fuzz/tests/fuzz/$$f -max_total_time=$(FUZZ_TIME) -print_final_stats=1 -verbosity=0 \
			-artifact_prefix=build/fuzz/$$f- build/fuzz/corpus/$$f tests/fuzz/corpus/$$f || exit 1; \
	done
