/* sanitize.c: see sanitize.h. */
#include "common/plat/sanitize.h"

#if defined(SANITIZE_ADDRESS) || defined(SANITIZE_THREAD)
#include <sanitizer/common_interface_defs.h>

static bool confined;

void sanitize_before_sandbox(void)
{
	__sanitizer_sandbox_arguments args = {.coverage_sandboxed = 0, .coverage_fd = -1};
	char text[64];

	__sanitizer_sandbox_on_notify(&args);
	__sanitizer_symbolize_pc(__builtin_return_address(0), "%f", text, sizeof(text));
	confined = true;
}

#ifdef SANITIZE_ADDRESS
#include <sanitizer/lsan_interface.h>

/* The leak checker asks at exit. */
int __lsan_is_turned_off(void)
{
	return confined;
}
#endif
#endif
