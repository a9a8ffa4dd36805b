/*
 * proc_net.c: /proc/PID/net: the interfaces that the guest is shown (as the netlink answers do)
 * and the tables whose headings programs look for.  proc_pid_net(5).
 */
#include "common/lx/socket.h"
#include "supervisor/net/nettab.h"
#include "supervisor/vfs/proc.h"

static const char dev_heading[] =
	"Inter-|   Receive                                                |  Transmit\n"
	" face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs "
	"drop fifo colls carrier compressed\n";

static int show_dev(const struct synth_ctx *c, struct seqbuf *s)
{
	seq_puts(s, dev_heading);
	return nettab_dev(c->g, s);
}

static int show_route(const struct synth_ctx *c, struct seqbuf *s)
{
	seq_puts(s, "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT"
		    "                                                       \n");
	return nettab_route(c->g, s);
}

static int show_if_inet6(const struct synth_ctx *c, struct seqbuf *s)
{
	return nettab_if_inet6(c->g, s);
}

static int show_unix(const struct synth_ctx *c, struct seqbuf *s)
{
	(void)c;
	seq_puts(s, "Num       RefCount Protocol Flags    Type St Inode Path\n");
	return nettab_unix(s);
}

#define TEXT(n, content) {.name = n, .mode = LX_S_IFREG | 0444, .show = synth_show_text, .text = content}

#define INET_HEADING \
	"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  " \
	"timeout inode"
#define INET6_HEADING \
	"  sl  local_address                         remote_address                        st " \
	"tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"

static int show_tcp(const struct synth_ctx *c, struct seqbuf *s)
{
	seq_puts(s, INET_HEADING "                                                     \n");
	return nettab_inet(c->g, LX_AF_INET, LX_SOCK_STREAM, s);
}

static int show_tcp6(const struct synth_ctx *c, struct seqbuf *s)
{
	seq_puts(s, INET6_HEADING "\n");
	return nettab_inet(c->g, LX_AF_INET6, LX_SOCK_STREAM, s);
}

static int show_udp(const struct synth_ctx *c, struct seqbuf *s)
{
	seq_puts(s, " " INET_HEADING " ref pointer drops             \n");
	return nettab_inet(c->g, LX_AF_INET, LX_SOCK_DGRAM, s);
}

static int show_udp6(const struct synth_ctx *c, struct seqbuf *s)
{
	seq_puts(s, INET6_HEADING " ref pointer drops\n");
	return nettab_inet(c->g, LX_AF_INET6, LX_SOCK_DGRAM, s);
}

#define FILE_OF(n, f) {.name = n, .mode = LX_S_IFREG | 0444, .show = f}

const struct synth_node proc_net_nodes[] = {
	TEXT("arp", "IP address       HW type     Flags       HW address            Mask     Device\n"),
	FILE_OF("dev", show_dev),
	FILE_OF("if_inet6", show_if_inet6),
	TEXT("igmp", "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n"),
	TEXT("netlink",
	     "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n"),
	TEXT("packet", "sk       RefCnt Type Proto  Iface R Rmem   User   Inode\n"),
	TEXT("psched", "000003e8 00000040 000f4240 3b9aca00\n"),
	TEXT("raw", INET_HEADING " ref pointer drops\n"),
	TEXT("raw6", INET6_HEADING " ref pointer drops\n"),
	FILE_OF("route", show_route),
	TEXT("sockstat", "sockets: used 0\nTCP: inuse 0 orphan 0 tw 0 alloc 0 mem 0\n"
			 "UDP: inuse 0 mem 0\nRAW: inuse 0\nFRAG: inuse 0 memory 0\n"),
	FILE_OF("tcp", show_tcp),
	FILE_OF("tcp6", show_tcp6),
	FILE_OF("udp", show_udp),
	FILE_OF("udp6", show_udp6),
	FILE_OF("unix", show_unix),
	{.name = NULL},
};
