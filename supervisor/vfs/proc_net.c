/*
 * proc_net.c: /proc/PID/net: the interfaces that the guest is shown (as the netlink answers do)
 * and the tables whose headings programs look for.  proc_pid_net(5).
 */
#include "supervisor/spec.h"
#include "supervisor/vfs/proc.h"

static const char dev_heading[] =
	"Inter-|   Receive                                                |  Transmit\n"
	" face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs "
	"drop fifo colls carrier compressed\n";

static int show_dev(const struct synth_ctx *c, struct seqbuf *s)
{
	seq_puts(s, dev_heading);
	seq_puts(s, "    lo:       0       0    0    0    0     0          0         0        0"
		    "       0    0    0    0     0       0          0\n");
	if (!c->g->spec || !c->g->spec->net_none)
		seq_puts(s, "  eth0:       0       0    0    0    0     0          0         0        0"
			    "       0    0    0    0     0       0          0\n");
	return 0;
}

#define TEXT(n, content) {.name = n, .mode = LX_S_IFREG | 0444, .show = synth_show_text, .text = content}

#define INET_HEADING \
	"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  " \
	"timeout inode"
#define INET6_HEADING \
	"  sl  local_address                         remote_address                        st " \
	"tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"

const struct synth_node proc_net_nodes[] = {
	TEXT("arp", "IP address       HW type     Flags       HW address            Mask     Device\n"),
	{.name = "dev", .mode = LX_S_IFREG | 0444, .show = show_dev},
	TEXT("if_inet6", "00000000000000000000000000000001 01 80 10 80       lo\n"),
	TEXT("igmp", "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n"),
	TEXT("netlink",
	     "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n"),
	TEXT("packet", "sk       RefCnt Type Proto  Iface R Rmem   User   Inode\n"),
	TEXT("psched", "000003e8 00000040 000f4240 3b9aca00\n"),
	TEXT("raw", INET_HEADING " ref pointer drops\n"),
	TEXT("raw6", INET6_HEADING " ref pointer drops\n"),
	TEXT("route", "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT"
		      "                                                       \n"),
	TEXT("sockstat", "sockets: used 0\nTCP: inuse 0 orphan 0 tw 0 alloc 0 mem 0\n"
			 "UDP: inuse 0 mem 0\nRAW: inuse 0\nFRAG: inuse 0 memory 0\n"),
	TEXT("tcp", INET_HEADING "                                                     \n"),
	TEXT("tcp6", INET6_HEADING "\n"),
	TEXT("udp", INET_HEADING " ref pointer drops             \n"),
	TEXT("udp6", INET6_HEADING " ref pointer drops\n"),
	TEXT("unix", "Num       RefCount Protocol Flags    Type St Inode Path\n"),
	{.name = NULL},
};
