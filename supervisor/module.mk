supervisor_SRCS := $(wildcard $(addprefix supervisor/,task/*.c mm/*.c vfs/*.c net/*.c sys/*.c client/*.c trace/*.c))
cli_SRCS := $(filter-out supervisor/cli/main.c,$(wildcard supervisor/cli/*.c))
