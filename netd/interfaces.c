/* interfaces.c: the network interfaces as the guest may see them. */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <jansson.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "netd/worker.h"

/* The object of an interface in the list, made when it is met first. */
static json_t *find_or_add(json_t *list, const struct ifaddrs *i)
{
	json_t *item;
	size_t n;

	json_array_foreach(list, n, item)
		if (strcmp(json_string_value(json_object_get(item, "name")), i->ifa_name) == 0)
			return item;
	item = json_pack("{s:s, s:i, s:i, s:[]}", "name", i->ifa_name, "index", (int)if_nametoindex(i->ifa_name),
			 "flags", (int)i->ifa_flags, "addrs");
	json_array_append_new(list, item);
	return item;
}

static unsigned prefix_length(const uint8_t *mask, size_t n)
{
	unsigned bits = 0;

	for (size_t i = 0; i < n; i++)
		bits += (unsigned)__builtin_popcount(mask[i]);
	return bits;
}

static void add_address(json_t *item, const struct ifaddrs *i)
{
	char text[INET6_ADDRSTRLEN];
	bool v6 = i->ifa_addr->sa_family == AF_INET6;
	const void *addr = v6 ? (const void *)&((const struct sockaddr_in6 *)(const void *)i->ifa_addr)->sin6_addr
			      : (const void *)&((const struct sockaddr_in *)(const void *)i->ifa_addr)->sin_addr;
	const uint8_t *mask = NULL;
	unsigned bits = 0;

	if (i->ifa_netmask)
		mask = v6 ? (const uint8_t *)&((const struct sockaddr_in6 *)(const void *)i->ifa_netmask)->sin6_addr
			  : (const uint8_t *)&((const struct sockaddr_in *)(const void *)i->ifa_netmask)->sin_addr;
	if (mask)
		bits = prefix_length(mask, v6 ? 16 : 4);
	if (inet_ntop(i->ifa_addr->sa_family, addr, text, sizeof(text)))
		json_array_append_new(json_object_get(item, "addrs"), json_pack("{s:i, s:s, s:i}", "family", v6 ? 10 : 2,
										"addr", text, "prefix", (int)bits));
}

static void add_hardware(json_t *item, const struct ifaddrs *i)
{
	const struct sockaddr_ll *ll = (const struct sockaddr_ll *)(const void *)i->ifa_addr;
	char text[3 * 8 + 1] = "";

	for (unsigned n = 0; n < ll->sll_halen && n < 8; n++)
		snprintf(text + 3 * n, sizeof(text) - 3 * n, "%s%02x", n ? ":" : "", ll->sll_addr[n]);
	json_object_set_new(item, "type", json_integer(ll->sll_hatype));
	json_object_set_new(item, "mac", json_string(text));
}

static void add_mtus(json_t *list)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	json_t *item;
	size_t n;

	json_array_foreach(list, n, item) {
		struct ifreq ifr = {0};

		snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", json_string_value(json_object_get(item, "name")));
		if (fd >= 0 && ioctl(fd, SIOCGIFMTU, &ifr) == 0)
			json_object_set_new(item, "mtu", json_integer(ifr.ifr_mtu));
	}
	if (fd >= 0)
		close(fd);
}

char *netd_interfaces(void)
{
	json_t *list = json_array();
	struct ifaddrs *all = NULL;
	char *text;

	if (getifaddrs(&all) == 0) {
		for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
			json_t *item = find_or_add(list, i);

			if (!i->ifa_addr)
				continue;
			if (i->ifa_addr->sa_family == AF_PACKET)
				add_hardware(item, i);
			else if (i->ifa_addr->sa_family == AF_INET || i->ifa_addr->sa_family == AF_INET6)
				add_address(item, i);
		}
		freeifaddrs(all);
	}
	add_mtus(list);
	text = json_dumps(list, JSON_COMPACT);
	json_decref(list);
	return text;
}
