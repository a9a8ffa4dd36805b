vcpu_SRCS := $(wildcard vcpu/*.c vcpu/a64/*.c vcpu/soft/*.c)

# The translator makes x86-64 code.
ifneq ($(filter x86_64-%,$(shell $(CC) -dumpmachine)),)
vcpu_SRCS += $(wildcard vcpu/soft/jit/*.c)
endif

# The lane loops of the SIMD handlers want the full vectoriser.
ifeq ($(MODE),release)
$(foreach f,$(basename $(wildcard vcpu/a64/simd*.c)),$(eval CFLAGS_$(f) := -O3))
endif
