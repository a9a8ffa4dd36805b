fsd_SRCS := $(filter-out fsd/main.c,$(wildcard fsd/*.c))
