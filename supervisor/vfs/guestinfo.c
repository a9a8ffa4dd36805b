/* guestinfo.c: how large a machine the guest is shown. */
#include "supervisor/guest.h"
#include "supervisor/mm/mm.h"

uint32_t guest_cpu_count(const struct guest *g)
{
	return MAX(g->ncpus, 1u);
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
