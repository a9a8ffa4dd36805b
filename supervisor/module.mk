supervisor_SRCS := $(wildcard $(addprefix supervisor/,spec.c boot/*.c task/*.c mm/*.c vfs/*.c net/*.c sys/*.c trace/*.c))
cli_SRCS := $(filter-out supervisor/cli/main.c,$(wildcard supervisor/cli/*.c))
