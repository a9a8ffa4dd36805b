/* System V message queues. */
#include "../probe.h"

#include <sys/ipc.h>
#include <sys/msg.h>

int main(void)
{
	struct {
		long type;
		char text[16];
	} m = {3, "three"};
	int id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);

	say_result("get", id);
	say_result("send", msgsnd(id, &m, 6, 0));
	m.type = 1;
	strcpy(m.text, "one");
	msgsnd(id, &m, 4, 0);
	say_result("none", msgrcv(id, &m, 16, 9, IPC_NOWAIT));
	say_count("by_type", msgrcv(id, &m, 16, 1, 0));
	say_text("text", m.text);
	say_result("too_small", msgrcv(id, &m, 2, 0, 0));
	say_count("cut", msgrcv(id, &m, 2, 0, MSG_NOERROR));
	m.type = 0;
	say_result("bad_type", msgsnd(id, &m, 4, 0));
	say_result("rmid", msgctl(id, IPC_RMID, NULL));
	say_result("gone", msgrcv(id, &m, 16, 0, IPC_NOWAIT));
	return 0;
}
