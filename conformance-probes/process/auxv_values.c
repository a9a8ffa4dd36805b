/* getauxval(3): what the kernel tells a program. */
#include "../probe.h"

#include <sys/auxv.h>

int main(void)
{
	say("pagesz", getauxval(AT_PAGESZ));
	say("clktck", getauxval(AT_CLKTCK));
	say("secure", getauxval(AT_SECURE));
	say("uid", getauxval(AT_UID));
	say_text("platform", (char *)getauxval(AT_PLATFORM));
	say_bool("random", getauxval(AT_RANDOM) != 0);
	say_bool("vdso", getauxval(AT_SYSINFO_EHDR) != 0);
	say_bool("phdr", getauxval(AT_PHDR) != 0);
	say("phent", getauxval(AT_PHENT));
	say_bool("minsigstksz", getauxval(AT_MINSIGSTKSZ) >= 4000);
	say_bool("hwcap_atomics", getauxval(AT_HWCAP) & (1 << 8));
	say_bool("hwcap_crc", getauxval(AT_HWCAP) & (1 << 7));
	return 0;
}
