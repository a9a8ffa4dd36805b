/* guestinfo.c: how large a machine the guest is shown. */
#include <unistd.h>

#include "supervisor/guest.h"
#include "supervisor/mm/mm.h"
#include "supervisor/spec.h"

#define CPUS_MAX 64u

uint32_t guest_cpu_count(const struct guest *g)
{
	long host = sysconf(_SC_NPROCESSORS_ONLN);
	uint32_t n = host < 1 ? 1 : (uint32_t)MIN(host, (long)CPUS_MAX);
	double asked = g->spec ? g->spec->cpus : 0;

	if (asked > 0 && asked < n) {
		uint32_t whole = (uint32_t)asked;

		n = asked > whole ? whole + 1 : whole;
	}
	return MAX(n, 1u);
}

void guest_memory(const struct guest *g, uint64_t *total, uint64_t *available)
{
	struct arena_stats st = {0};

	arena_get_stats(g->arena, &st);
	*total = st.frames_total * 4096;
	/* Cached pages of files can be dropped for programs. */
	*available = (st.frames_total - MIN(st.frames_total, st.frames_used)) * 4096 +
		     st.frames_cache * 4096;
	*available = MIN(*available, *total);
}
