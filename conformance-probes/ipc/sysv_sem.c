/* System V semaphores. */
#include "../probe.h"

#include <sys/ipc.h>
#include <sys/sem.h>

int main(void)
{
	struct sembuf up = {0, 1, 0}, down = {0, -1, IPC_NOWAIT}, block = {0, -1, 0};
	int id = semget(IPC_PRIVATE, 2, IPC_CREAT | 0600), status;

	say_result("get", id);
	say_count("initial", semctl(id, 0, GETVAL));
	say_result("nowait", semop(id, &down, 1));
	if (fork() == 0) {
		usleep(100000);
		semop(id, &up, 1);
		_exit(0);
	}
	say_result("block", semop(id, &block, 1));
	wait(&status);
	say_result("setval", semctl(id, 1, SETVAL, 5));
	say_count("value", semctl(id, 1, GETVAL));
	say_result("range", semctl(id, 7, GETVAL));
	say_result("rmid", semctl(id, 0, IPC_RMID));
	say_result("gone", semop(id, &up, 1));
	return 0;
}
