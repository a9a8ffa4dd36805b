/*
 * user.c: whom a container's first program runs as, by Docker's rules: names and numbers looked
 * up in the image's /etc/passwd and /etc/group; a number need not be there.
 */
#include <errno.h>
#include <stdio.h>

#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "supervisor/boot/boot.h"
#include "supervisor/vfs/vfs.h"

#define MAX_FILE (1u << 20)

/* A whole small file as a string, "" when it cannot be read. */
static char *read_text(struct task *t, const char *name)
{
	struct file *f;
	char *text = calloc(1, MAX_FILE + 1);
	int64_t n;

	if (!text || vfs_open(t, LX_AT_FDCWD, name, LX_O_RDONLY | LX_O_NONBLOCK, 0, WALK_FOLLOW, &f) < 0)
		return text;
	n = vfs_read_kernel(f, text, MAX_FILE, 0);
	text[n < 0 ? 0 : n] = '\0';
	file_put(f);
	return text;
}

/* The next line's fields, cut at ':'; false at the end.  line is scratch. */
struct fields {
	char *field[8];
	unsigned n;
};

static bool next_line(const char **at, char line[1024], struct fields *out)
{
	size_t len = strcspn(*at, "\n"), keep = MIN(len, (size_t)1023);
	char *p = line;

	if (!**at)
		return false;
	memcpy(line, *at, keep);
	line[keep] = '\0';
	*at += len + ((*at)[len] == '\n');
	out->n = 0;
	while (p && out->n < ARRAY_LEN(out->field))
		out->field[out->n++] = strsep(&p, ":");
	return true;
}

static bool number(const char *s, uint32_t *out)
{
	char *end;
	unsigned long long v;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	v = strtoull(s, &end, 10);
	if (errno || *end || v > INT32_MAX)
		return false;
	*out = (uint32_t)v;
	return true;
}

/* The user's line by name or number; its name goes to name. */
static bool find_user(const char *passwd, const char *text, struct boot_user *u, char name[256])
{
	char line[1024];
	struct fields f;
	uint32_t id, uid, gid;
	bool numeric = number(text, &id);

	while (next_line(&passwd, line, &f)) {
		if (f.n < 4 || !number(f.field[2], &uid) || !number(f.field[3], &gid))
			continue;
		if (strcmp(f.field[0], text) != 0 && !(numeric && uid == id))
			continue;
		u->uid = uid;
		u->gid = gid;
		snprintf(name, 256, "%s", f.field[0]);
		if (f.n > 5 && f.field[5][0] == '/') {
			free(u->home);
			u->home = strdup(f.field[5]);
		}
		return true;
	}
	if (numeric)
		u->uid = id;
	return numeric;
}

static bool find_group(const char *group, const char *text, uint32_t *gid)
{
	char line[1024];
	struct fields f;
	uint32_t id;
	bool numeric = number(text, gid);

	while (next_line(&group, line, &f)) {
		if (f.n >= 3 && strcmp(f.field[0], text) == 0 && number(f.field[2], &id)) {
			*gid = id;
			return true;
		}
	}
	return numeric;
}

static bool lists(char *members, const char *name)
{
	char *one;

	while ((one = strsep(&members, ",")))
		if (strcmp(one, name) == 0)
			return true;
	return false;
}

/* Every group that lists the user as a member. */
static int add_groups(const char *group, const char *name, struct boot_user *u)
{
	char line[1024];
	struct fields f;
	uint32_t gid, *bigger;

	while (next_line(&group, line, &f)) {
		if (f.n < 4 || !number(f.field[2], &gid) || !lists(f.field[3], name))
			continue;
		if (u->ngroups >= 1024)
			break;
		bigger = realloc(u->groups, (u->ngroups + 1) * sizeof(*bigger));
		if (!bigger)
			return -LX_ENOMEM;
		u->groups = bigger;
		u->groups[u->ngroups++] = gid;
	}
	return 0;
}

/* Fills *out, of which home is set; on failure it is the caller's to release. */
static int look_up(const char *passwd, const char *group, const char *text, struct boot_user *out,
		   struct boot_failure *f)
{
	const char *colon = strchr(text, ':');
	char who[256] = "0", name[256] = "";
	size_t len = colon ? (size_t)(colon - text) : strlen(text);

	if (len >= sizeof(who))
		return boot_fail(f, BOOT_EXIT_FAILED, "the user name is too long");
	if (len) {
		memcpy(who, text, len);
		who[len] = '\0';
	}
	if (!find_user(passwd, who, out, name))
		return boot_fail(f, BOOT_EXIT_FAILED,
				 "unable to find user %s: no matching entries in the image's passwd file", who);
	if (colon && colon[1]) {
		if (!find_group(group, colon + 1, &out->gid))
			return boot_fail(f, BOOT_EXIT_FAILED,
					 "unable to find group %s: no matching entries in the image's group file",
					 colon + 1);
		return 0;
	}
	if ((name[0] && add_groups(group, name, out) < 0) || !out->home)
		return boot_fail(f, BOOT_EXIT_FAILED, "out of memory");
	return 0;
}

int boot_user_parse(const char *passwd, const char *group, const char *text, struct boot_user *out,
		    struct boot_failure *f)
{
	int err;

	*out = (struct boot_user){.home = strdup("/")};
	err = look_up(passwd, group, text, out, f);
	if (err < 0)
		boot_user_release(out);
	return err;
}

int boot_user_lookup(struct task *t, const char *text, struct boot_user *out, struct boot_failure *f)
{
	char *passwd = read_text(t, "/etc/passwd"), *group = read_text(t, "/etc/group");
	int err;

	*out = (struct boot_user){0};
	if (passwd && group)
		err = boot_user_parse(passwd, group, text, out, f);
	else
		err = boot_fail(f, BOOT_EXIT_FAILED, "out of memory");
	free(passwd);
	free(group);
	return err;
}

void boot_user_release(struct boot_user *u)
{
	free(u->home);
	free(u->groups);
	*u = (struct boot_user){0};
}
