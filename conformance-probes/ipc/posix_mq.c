/* POSIX message queues: priorities, attributes, errors. */
#include "../probe.h"

#include <mqueue.h>

int main(void)
{
	struct mq_attr a = {.mq_maxmsg = 2, .mq_msgsize = 16}, now;
	char buf[16] = {0};
	unsigned prio;
	mqd_t q = mq_open("/probe", O_CREAT | O_RDWR | O_NONBLOCK, 0600, &a);

	say_result("open", q);
	say_result("low", mq_send(q, "low", 4, 1));
	say_result("high", mq_send(q, "high", 5, 9));
	say_result("full", mq_send(q, "x", 1, 1));
	mq_getattr(q, &now);
	say("count", now.mq_curmsgs);
	say_count("receive", mq_receive(q, buf, 16, &prio));
	say_text("text", buf);
	say("prio", prio);
	say_result("small", mq_receive(q, buf, 4, &prio));
	mq_receive(q, buf, 16, &prio);
	say_result("empty", mq_receive(q, buf, 16, &prio));
	say_result("unlink", mq_unlink("/probe"));
	say_result("missing", mq_open("/probe", O_RDWR));
	say_result("bad_name", mq_open("probe/x", O_CREAT | O_RDWR, 0600, &a));
	return 0;
}
