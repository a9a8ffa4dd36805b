ipc_SRCS := $(wildcard ipc/*.c)
