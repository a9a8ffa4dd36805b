vcpu_SRCS := $(wildcard vcpu/*.c vcpu/a64/*.c vcpu/soft/*.c)

# The lane loops of the SIMD handlers want the full vectoriser.
ifeq ($(MODE),release)
$(foreach f,$(basename $(wildcard vcpu/a64/simd*.c)),$(eval CFLAGS_$(f) := -O3))
endif
