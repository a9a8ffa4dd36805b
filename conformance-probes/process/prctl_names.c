/* prctl(2): names, dumpable, death signal, no_new_privs. */
#include "../probe.h"

#include <sys/prctl.h>

int main(void)
{
	char name[17] = {0};
	int sig = -1;

	say_result("set_name", prctl(PR_SET_NAME, "a name that is too long"));
	prctl(PR_GET_NAME, name);
	say_text("name", name);
	say_count("dumpable", prctl(PR_GET_DUMPABLE));
	say_result("pdeathsig", prctl(PR_SET_PDEATHSIG, SIGUSR1));
	prctl(PR_GET_PDEATHSIG, &sig);
	say("deathsig", sig);
	say_result("bad_signal", prctl(PR_SET_PDEATHSIG, 99));
	say_count("nnp", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	say_result("set_nnp", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	say_count("nnp2", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	say_result("unset_nnp", prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
	say_result("unknown", prctl(12345));
	say_count("seccomp", prctl(PR_GET_SECCOMP));
	return 0;
}
