/* rundir.c: see rundir.h. */
#include "common/rundir.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static bool env_path(const char *name, const char **out)
{
	*out = getenv(name);
	return *out != NULL && (*out)[0] == '/';
}

int store_path(char *out, size_t size)
{
	const char *dir;
	int n;

	if (env_path("CARRICK_HOME", &dir))
		n = snprintf(out, size, "%s", dir);
	else if (env_path("XDG_DATA_HOME", &dir))
		n = snprintf(out, size, "%s/carrick", dir);
	else if (env_path("HOME", &dir))
		n = snprintf(out, size, "%s/.local/share/carrick", dir);
	else
		return -ENOENT;
	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

/* FNV-1a, to tell stores apart in a short name; not a defence against anything. */
static uint32_t hash_text(const char *s)
{
	uint32_t h = 2166136261u;

	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 16777619u;
	return h;
}

static int runtime_dir(char *out, size_t size)
{
	const char *dir;
	struct stat st;
	int n;

	if (env_path("CARRICK_RUNTIME_DIR", &dir))
		n = snprintf(out, size, "%s", dir);
	else if (env_path("XDG_RUNTIME_DIR", &dir))
		n = snprintf(out, size, "%s/carrick", dir);
	else
		n = snprintf(out, size, "/tmp/carrick-%u", (unsigned)getuid());
	if (n < 0 || (size_t)n >= size)
		return -ENAMETOOLONG;
	if (mkdir(out, 0700) < 0 && errno != EEXIST)
		return -errno;
	if (lstat(out, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode) || st.st_uid != getuid() || (st.st_mode & 077) != 0)
		return -EPERM;
	return 0;
}

int rundir_socket_path(const char *service, char out[RUNDIR_PATH_MAX])
{
	char dir[RUNDIR_PATH_MAX], store[4096];
	int n, ret = runtime_dir(dir, sizeof(dir));

	if (ret < 0)
		return ret;
	ret = store_path(store, sizeof(store));
	if (ret < 0)
		return ret;
	n = snprintf(out, RUNDIR_PATH_MAX, "%s/%s-%08x.sock", dir, service, hash_text(store));
	return n < 0 || n >= RUNDIR_PATH_MAX ? -ENAMETOOLONG : 0;
}
