/* errno.c: names and texts of the guest's error numbers, for traces and messages. */
#include "common/lx/errno.h"

struct entry {
	const char *name, *text;
};

static const struct entry entries[] = {
#define LX_ERRNO(name, number, text)       [number] = {#name, text},
#define LX_ERRNO_LINUX(name, number, text) [number] = {#name, text},
#include "common/lx/errno.def"
#undef LX_ERRNO
#undef LX_ERRNO_LINUX
};

static const struct entry *find(int64_t number)
{
	uint64_t n = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

	return n < ARRAY_LEN(entries) && entries[n].name ? &entries[n] : NULL;
}

const char *lx_errno_name(int64_t number)
{
	const struct entry *e = find(number);

	return e ? e->name : "E?";
}

const char *lx_errno_text(int64_t number)
{
	const struct entry *e = find(number);

	return e ? e->text : "Unknown error";
}
