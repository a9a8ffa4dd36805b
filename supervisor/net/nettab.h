/*
 * nettab.h: the tables of /proc/PID/net as text, from the guest's sockets and from what netd
 * tells about the network.  Formats: proc_pid_net(5).
 */
#ifndef SUPERVISOR_NET_NETTAB_H
#define SUPERVISOR_NET_NETTAB_H

#include "supervisor/vfs/seqbuf.h"

struct guest;

/* tcp, tcp6, udp, udp6: the sockets of a domain and type that are bound or connected.  0, or a
 * negative errno, as the others. */
int nettab_inet(struct guest *g, int domain, int type, struct seqbuf *s) MUST_CHECK;
int nettab_unix(struct seqbuf *s) MUST_CHECK;
int nettab_route(struct guest *g, struct seqbuf *s) MUST_CHECK;
int nettab_dev(struct guest *g, struct seqbuf *s) MUST_CHECK;
int nettab_if_inet6(struct guest *g, struct seqbuf *s) MUST_CHECK;

#endif
