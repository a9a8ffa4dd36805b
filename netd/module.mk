netd_SRCS := $(filter-out netd/main.c,$(wildcard netd/*.c))
