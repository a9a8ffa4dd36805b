/* meta.c: see meta.h for the formats. */
#include "fsd/meta.h"

#include <stdio.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/log.h"
#include "common/plat/errno.h"
#include "common/plat/fs.h"

uint64_t meta_makedev(uint32_t major, uint32_t minor)
{
	return (minor & 0xffull) | ((major & 0xfffull) << 8) | ((minor & ~0xffull) << 12) |
	       ((major & ~0xfffull) << 32);
}

uint32_t meta_major(uint64_t dev)
{
	return (uint32_t)((dev >> 8 & 0xfff) | (dev >> 32 & ~0xfffull));
}

uint32_t meta_minor(uint64_t dev)
{
	return (uint32_t)((dev & 0xff) | (dev >> 12 & ~0xffull));
}

void meta_default(enum meta_origin origin, const struct stat *st, struct meta *out)
{
	*out = (struct meta){.mode = st->st_mode & (S_IFMT | 07777)};
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		out->rdev = meta_makedev(major(st->st_rdev), minor(st->st_rdev));
	if (origin == META_FOREIGN) {
		uid_t me = geteuid();

		out->uid = me != 0 && st->st_uid == me ? 0 : st->st_uid;
		out->gid = me != 0 && st->st_gid == getegid() ? 0 : st->st_gid;
	}
}

/* A number up to the character end (or the text's end); base 8 or 10. */
static bool take_number(const char **p, const char *limit, char end, unsigned base, uint32_t *out)
{
	uint64_t v = 0;
	const char *s = *p;

	for (; s < limit && *s != end; s++) {
		unsigned digit = (unsigned)(unsigned char)*s - '0';

		if (digit >= base)
			return false;
		v = v * base + digit;
		if (v > UINT32_MAX)
			return false;
	}
	if (s == *p)
		return false;
	*out = (uint32_t)v;
	*p = s < limit ? s + 1 : s;
	return true;
}

static bool parse_type(const char *s, const char *limit, struct meta *m)
{
	static const struct {
		const char *name;
		uint32_t type;
	} types[] = {
	    {"file", S_IFREG},    {"dir", S_IFDIR},    {"symlink", S_IFLNK}, {"pipe", S_IFIFO},
	    {"socket", S_IFSOCK}, {"block-", S_IFBLK}, {"char-", S_IFCHR},
	};
	size_t len = (size_t)(limit - s);

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		size_t n = strlen(types[i].name);
		uint32_t major, minor;

		if (types[i].type != S_IFBLK && types[i].type != S_IFCHR) {
			if (len != n || memcmp(s, types[i].name, n) != 0)
				continue;
			m->mode = (m->mode & 07777) | types[i].type;
			return true;
		}
		if (len <= n || memcmp(s, types[i].name, n) != 0)
			continue;
		s += n;
		if (!take_number(&s, limit, '-', 10, &major) ||
		    !take_number(&s, limit, '\0', 10, &minor))
			return false;
		m->mode = (m->mode & 07777) | types[i].type;
		m->rdev = meta_makedev(major, minor);
		return true;
	}
	return false;
}

int meta_parse(const char *text, size_t len, struct meta *m)
{
	const char *p = text, *limit = text + len;
	struct meta out = *m;
	uint32_t mode;

	if (len && limit[-1] == '\0')
		limit--;
	if (!take_number(&p, limit, ':', 10, &out.uid) ||
	    !take_number(&p, limit, ':', 10, &out.gid) || !take_number(&p, limit, ':', 8, &mode) ||
	    mode > 07777)
		return -LX_EINVAL;
	out.mode = (m->mode & S_IFMT) | mode;
	if (p < limit && !parse_type(p, limit, &out))
		return -LX_EINVAL;
	/* Only a regular file may stand for something else: a directory is a directory. */
	if (!S_ISREG(m->mode) && (out.mode & S_IFMT) != (m->mode & S_IFMT))
		return -LX_EINVAL;
	if (S_ISREG(m->mode) && S_ISDIR(out.mode))
		return -LX_EINVAL;
	*m = out;
	return 0;
}

size_t meta_format(const struct meta *m, char out[META_TEXT_MAX])
{
	const char *type = "file";
	char device[48];
	int n;

	switch (m->mode & S_IFMT) {
	case S_IFDIR:
		type = "dir";
		break;
	case S_IFLNK:
		type = "symlink";
		break;
	case S_IFIFO:
		type = "pipe";
		break;
	case S_IFSOCK:
		type = "socket";
		break;
	case S_IFBLK:
	case S_IFCHR:
		snprintf(device, sizeof(device), "%s-%u-%u", S_ISBLK(m->mode) ? "block" : "char",
		         meta_major(m->rdev), meta_minor(m->rdev));
		type = device;
		break;
	default:
		break;
	}
	n = snprintf(out, META_TEXT_MAX, "%u:%u:%o:%s", m->uid, m->gid, m->mode & 07777, type);
	return n < 0 ? 0 : MIN((size_t)n, (size_t)META_TEXT_MAX - 1);
}

/* n is what reading the attribute gave. */
static int finish_read(ssize_t n, const char *text, struct meta *out)
{
	if (n == -LX_ENODATA || n == -LX_EOPNOTSUPP || n == -LX_EBADF || n == -LX_EACCES ||
	    n == -LX_ERANGE)
		return 0;
	if (n < 0)
		return (int)n;
	if (meta_parse(text, (size_t)n, out) < 0)
		log_debug("%s is not understood; the host's mode stands", META_XATTR_STAT);
	return 0;
}

int meta_read_at(int dir, const char *name, enum meta_origin origin, const struct stat *st,
                 struct meta *out)
{
	char text[META_TEXT_MAX];

	meta_default(origin, st, out);
	if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode))
		return 0;
	return finish_read(plat_xattr_get(dir, name, META_XATTR_STAT, text, sizeof(text)), text,
	                   out);
}

int meta_read_fd(int fd, enum meta_origin origin, const struct stat *st, struct meta *out)
{
	char text[META_TEXT_MAX];

	meta_default(origin, st, out);
	if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode))
		return 0;
	return finish_read(plat_fxattr_get(fd, META_XATTR_STAT, text, sizeof(text)), text, out);
}

int meta_write_at(int dir, const char *name, const struct meta *m)
{
	char text[META_TEXT_MAX];
	size_t len = meta_format(m, text);

	return plat_xattr_set(dir, name, META_XATTR_STAT, text, len, 0);
}

int meta_write_fd(int fd, const struct meta *m)
{
	char text[META_TEXT_MAX];
	size_t len = meta_format(m, text);

	return plat_fxattr_set(fd, META_XATTR_STAT, text, len, 0);
}

mode_t meta_host_mode(uint32_t guest_mode)
{
	if (S_ISDIR(guest_mode))
		return 0700;
	return S_ISREG(guest_mode) && (guest_mode & 0111) ? 0700 : 0600;
}

bool meta_is_placeholder(const struct meta *m)
{
	switch (m->mode & S_IFMT) {
	case S_IFREG:
	case S_IFDIR:
		return false;
	case S_IFLNK:
		return m->uid != 0 || m->gid != 0;
	default:
		return true;
	}
}

static bool has_prefix(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static bool reserved(const char *name)
{
	return has_prefix(name, "user.containers.") || has_prefix(name, "user.overlay.") ||
	       has_prefix(name, "user.carrick.");
}

int meta_xattr_to_host(const char *guest, char host[256])
{
	int n;

	if (!has_prefix(guest, "user.") && !has_prefix(guest, "trusted.") &&
	    !has_prefix(guest, "security."))
		return -LX_EOPNOTSUPP;
	if (!strchr(guest, '.')[1])
		return -LX_EINVAL;
	n = snprintf(host, 256, "%s%s",
	             has_prefix(guest, "user.") && !reserved(guest) ? "" : META_XATTR_ESCAPE,
	             guest);
	return n < 0 || n > 255 ? -LX_ERANGE : 0;
}

bool meta_xattr_to_guest(const char *host, const char **guest)
{
	if (has_prefix(host, META_XATTR_ESCAPE)) {
		*guest = host + strlen(META_XATTR_ESCAPE);
		return true;
	}
	*guest = host;
	return has_prefix(host, "user.") && !reserved(host);
}
