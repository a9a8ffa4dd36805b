/* Code written into fresh memory runs after it is made executable. */
#include "../probe.h"

int main(void)
{
	uint32_t *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int (*fn)(void) = (int (*)(void))(uintptr_t)code;

	code[0] = 0x52800540; /* mov w0, #42 */
	code[1] = 0xd65f03c0; /* ret */
	__builtin___clear_cache((char *)code, (char *)(code + 2));
	mprotect(code, 4096, PROT_READ | PROT_EXEC);
	say("first", fn());
	mprotect(code, 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
	code[0] = 0x52800560; /* mov w0, #43 */
	__builtin___clear_cache((char *)code, (char *)(code + 2));
	say("second", fn());
	return 0;
}
