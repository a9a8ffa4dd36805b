/* jit_stats.c: see jit_stats.h. */
#include "supervisor/trace/jit_stats.h"

#include <inttypes.h>
#include <stdio.h>

void jit_stats_report(struct vcpu_engine *engine, int fd)
{
	struct vcpu_jit_stats s;

	vcpu_jit_stats(engine, &s);
	dprintf(fd,
		"engine %s\n"
		"blocks translated %" PRIu64 ", of %" PRIu64 " instructions, %" PRIu64 " bytes of code, in %.1f ms\n"
		"blocks taken from earlier runs %" PRIu64 "\n"
		"blocks valid at the end %" PRIu64 "\n"
		"jumps chained %" PRIu64 "\n"
		"targets looked up %" PRIu64 "\n"
		"cache emptied %" PRIu64 " times\n"
		"memory: code %" PRIu64 " KiB, decoded blocks and tables %" PRIu64 " KiB\n"
		"windows %" PRIu64 ", filled %" PRIu64 " times, %" PRIu64 " host faults, emptied %" PRIu64 " times\n",
		vcpu_engine_name(engine), s.blocks, s.insns, s.bytes, (double)s.ns / 1e6, s.kept, s.live, s.links,
		s.misses, s.flushes, s.code_memory >> 10, s.block_memory >> 10, s.windows, s.window_fills,
		s.window_faults, s.window_empties);
}
