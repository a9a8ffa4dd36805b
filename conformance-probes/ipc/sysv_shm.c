/* System V shared memory. */
#include "../probe.h"

#include <sys/ipc.h>
#include <sys/shm.h>

int main(void)
{
	struct shmid_ds ds;
	int id = shmget(IPC_PRIVATE, 5000, IPC_CREAT | 0600), status;
	char *p;

	say_result("get", id);
	p = shmat(id, NULL, 0);
	say_bool("at", p != (void *)-1);
	if (fork() == 0) {
		strcpy(p, "child");
		_exit(0);
	}
	wait(&status);
	say_text("content", p);
	say_result("stat", shmctl(id, IPC_STAT, &ds));
	say("size", ds.shm_segsz);
	say("nattch", ds.shm_nattch);
	say_result("rmid", shmctl(id, IPC_RMID, NULL));
	say_result("dt", shmdt(p));
	say_result("gone", shmctl(id, IPC_STAT, &ds));
	say_result("missing_key", shmget(0x7777, 100, 0));
	say_result("dt_bad", shmdt(p));
	return 0;
}
