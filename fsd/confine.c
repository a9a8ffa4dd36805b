/* confine.c: see confine.h. */
#include "fsd/confine.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/plat/errno.h"
#include "common/plat/sandbox.h"

/* Capabilities by their kernel numbers (capabilities(7)); only a root-run service has any. */
enum {
	CAP_CHOWN = 0,
	CAP_DAC_OVERRIDE = 1,
	CAP_DAC_READ_SEARCH = 2,
	CAP_FOWNER = 3,
	CAP_FSETID = 4,
	CAP_SYS_ADMIN = 21,
};

/* Root mounts other users' directories into guests: whoever serves those needs root's rights to
 * files. */
#define FILE_CAPABILITIES                                                             \
	(1ull << CAP_CHOWN | 1ull << CAP_DAC_OVERRIDE | 1ull << CAP_DAC_READ_SEARCH | \
	 1ull << CAP_FOWNER | 1ull << CAP_FSETID)

enum { MAX_TREES = 512 };

struct trees {
	struct sandbox_tree tree[MAX_TREES];
	unsigned count;
};

/* Only directories are listed: files and pipes are open already, which no layer takes away. */
static int add(struct trees *t, int fd, bool writable)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode))
		return 0;
	if (t->count == MAX_TREES)
		return -LX_E2BIG;
	t->tree[t->count++] = (struct sandbox_tree){.fd = fd, .writable = writable};
	return 0;
}

static int apply(const char *role, unsigned allow, const struct trees *t, bool namespaces,
                 uint64_t caps, bool require, unsigned *applied)
{
	struct sandbox_profile p = {
	    .role = role,
	    .allow = SANDBOX_ALLOW_BASE | SANDBOX_ALLOW_FILES | allow,
	    .trees = t->tree,
	    .tree_count = t->count,
	    .private_namespaces = namespaces,
	    .keep_capabilities = caps,
	};

	return sandbox_apply(&p, require, applied);
}

int confine_parent(unsigned *applied)
{
	struct trees t = {.count = 0};
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), r;

	if (root < 0)
		return plat_errno(errno);
	r = add(&t, root, true);
	if (r == 0)
		r = apply("fsd",
		          SANDBOX_ALLOW_FORK | SANDBOX_ALLOW_THREADS | SANDBOX_ALLOW_ACCEPT |
		              SANDBOX_ALLOW_PAIRS | SANDBOX_ALLOW_SOCKET_IO | SANDBOX_ALLOW_SANDBOX,
		          &t, false, FILE_CAPABILITIES | 1ull << CAP_SYS_ADMIN, false, applied);
	close(root);
	return r;
}

int confine_importer(const struct store *s, int source)
{
	struct trees t = {.count = 0};
	unsigned applied;
	int r = add(&t, s->dir, true);

	if (r == 0)
		r = add(&t, source, false);
	return r < 0 ? r
	             : apply("fsd import", SANDBOX_ALLOW_FORK | SANDBOX_ALLOW_SANDBOX, &t, true,
	                     FILE_CAPABILITIES, false, &applied);
}

int confine_unpacker(int source, int tree, bool has_child)
{
	struct trees t = {.count = 0};
	unsigned applied;
	int r = add(&t, source, false);

	if (r == 0)
		r = add(&t, tree, true);
	/* Only reading somebody else's directory takes privileges; parsing an archive takes none.
	 */
	return r < 0 ? r
	             : apply("fsd unpacker", has_child ? SANDBOX_ALLOW_FORK : 0, &t, false,
	                     tree < 0 ? FILE_CAPABILITIES : 0, false, &applied);
}

int confine_worker(const struct fsd_session *session, bool require)
{
	struct trees *t = calloc(1, sizeof(*t));
	uint64_t caps = 0;
	unsigned applied;
	int r = t ? 0 : -LX_ENOMEM;

	for (unsigned i = 0; r == 0 && i < session->mount_count; i++) {
		const struct mount *m = &session->mounts[i];

		for (unsigned l = 0; r == 0 && l < m->layer_count; l++) {
			r = add(t, m->layer[l].fd,
			        l == 0 && m->has_upper && !(m->bind && m->readonly));
			if (m->layer[l].origin == META_FOREIGN)
				caps = FILE_CAPABILITIES;
		}
		if (r == 0)
			r = add(t, m->work.temp, true);
		if (r == 0)
			r = add(t, m->work.links, true);
	}
	if (r == 0)
		r = apply("fsd worker", SANDBOX_ALLOW_THREADS, t, true, caps, require, &applied);
	free(t);
	return r;
}
