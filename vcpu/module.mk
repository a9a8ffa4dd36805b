vcpu_SRCS := $(wildcard vcpu/*.c vcpu/a64/*.c vcpu/soft/*.c)
