/* synth.c: inodes, directories and files of made-up file systems (see synth.h). */
#include "supervisor/vfs/synth.h"

#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "supervisor/guest.h"
#include "supervisor/task/task.h"

#define STORE_MAX 65536u

struct synth_inode {
	const struct synth_node *node;
	struct synth_id id;
};

static const struct inode_ops synth_plain_ops, synth_magic_ops, synth_dir_ops;
static const struct file_ops synth_dir_fops, synth_file_fops;

bool inode_is_synth(const struct inode *inode)
{
	return inode->ops == &synth_plain_ops || inode->ops == &synth_magic_ops ||
	       inode->ops == &synth_dir_ops;
}

void synth_context(struct task *t, const struct inode *inode, struct synth_ctx *out)
{
	const struct synth_inode *si = inode->priv;

	*out = (struct synth_ctx){.t = t,
				  .g = inode->sb->guest,
				  .sb = inode->sb,
				  .node = si->node,
				  .id = si->id,
				  .uid = inode->uid,
				  .gid = inode->gid};
}

/* The same name has the same number at each lookup; it does not tell where our code lies. */
static uint64_t synth_ino(const struct synth_node *node, const struct synth_id *id)
{
	uint64_t h = ((uintptr_t)node - (uintptr_t)&synth_dir_ops) * 0x9e3779b97f4a7c15u;

	h = (h ^ (uint32_t)id->pid) * 0xff51afd7ed558ccdu;
	h = (h ^ (uint32_t)id->tid) * 0xc4ceb9fe1a85ec53u;
	h = (h ^ (uint32_t)id->fd) * 0x9e3779b97f4a7c15u;
	return (h >> 16 & 0xffffffffffu) | 1u << 20;
}

int synth_inode(struct superblock *sb, const struct synth_node *node, const struct synth_id *id,
		uint32_t uid, uint32_t gid, struct inode **out)
{
	struct synth_inode *si = calloc(1, sizeof(*si));
	const struct inode_ops *ops = &synth_plain_ops;
	int ret;

	if (!si)
		return -LX_ENOMEM;
	if ((node->mode & LX_S_IFMT) == LX_S_IFDIR)
		ops = &synth_dir_ops;
	else if (node->follow)
		ops = &synth_magic_ops;
	ret = inode_new(sb, ops, NULL, node->mode, out);
	if (ret < 0) {
		free(si);
		return ret;
	}
	si->node = node;
	si->id = *id;
	(*out)->priv = si;
	(*out)->ino = synth_ino(node, id);
	(*out)->uid = uid;
	(*out)->gid = gid;
	(*out)->nlink = ops == &synth_dir_ops ? 2 : 1;
	return 0;
}

/* ---- inodes ---- */

static void synth_release(struct inode *inode)
{
	free(inode->priv);
}

static int synth_lookup(struct inode *dir, const char *name, struct inode **out)
{
	struct synth_ctx c;

	synth_context(NULL, dir, &c);
	for (const struct synth_node *n = c.node->children; n && n->name; n++) {
		if (strcmp(n->name, name) == 0)
			return synth_inode(dir->sb, n, &c.id, dir->uid, dir->gid, out);
	}
	return c.node->lookup ? c.node->lookup(&c, name, out) : -LX_ENOENT;
}

static int synth_readlink(struct task *t, struct inode *inode, char **out)
{
	struct synth_ctx c;

	synth_context(t, inode, &c);
	return c.node->readlink ? c.node->readlink(&c, out) : -LX_EINVAL;
}

static int synth_follow(struct task *t, struct inode *inode, struct mount **mnt,
			struct dentry **dentry)
{
	struct synth_ctx c;

	synth_context(t, inode, &c);
	return c.node->follow(&c, mnt, dentry);
}

/* Mode, owner and times can be asked to change by those who may; nothing changes. */
static int synth_setattr(struct inode *inode, uint32_t mask, const struct vfs_attr *attr,
			 struct file *file)
{
	(void)inode;
	(void)attr;
	(void)file;
	return mask & (VFS_SET_MODE | VFS_SET_UID | VFS_SET_GID) ? -LX_EPERM : 0;
}

/* ---- directories ---- */

struct synth_list {
	char **names;
	uint8_t *types;
	size_t count, cap;
};

int synth_list_add(struct synth_list *l, const char *name, uint32_t type)
{
	if (l->count == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 64;
		char **names = realloc(l->names, cap * sizeof(*names));
		uint8_t *types;

		if (!names)
			return -LX_ENOMEM;
		l->names = names;
		types = realloc(l->types, cap);
		if (!types)
			return -LX_ENOMEM;
		l->types = types;
		l->cap = cap;
	}
	l->names[l->count] = strdup(name);
	if (!l->names[l->count])
		return -LX_ENOMEM;
	l->types[l->count++] = (uint8_t)LX_DT(type);
	return 0;
}

static void list_free(struct synth_list *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->count; i++)
		free(l->names[i]);
	free(l->names);
	free(l->types);
	free(l);
}

static int list_make(const struct synth_ctx *c, struct synth_list **out)
{
	struct synth_list *l = calloc(1, sizeof(*l));
	int ret = l ? 0 : -LX_ENOMEM;

	for (const struct synth_node *n = c->node->children; ret == 0 && n && n->name; n++)
		ret = synth_list_add(l, n->name, n->mode);
	if (ret == 0 && c->node->list)
		ret = c->node->list(c, l);
	if (ret < 0) {
		list_free(l);
		return ret;
	}
	*out = l;
	return 0;
}

/* Positions 0 and 1 are "." and "..", the caller's; pos_lock is held. */
static int synth_readdir(struct task *t, struct file *f, vfs_filldir *fill, void *opaque)
{
	struct synth_list *l = f->priv;
	struct synth_ctx c;
	int ret;

	synth_context(t, f->inode, &c);
	if (!l) {
		ret = list_make(&c, &l);
		if (ret < 0)
			return ret;
		f->priv = l;
	}
	while (f->pos >= 2 && (uint64_t)f->pos - 2 < l->count) {
		size_t i = (size_t)f->pos - 2;

		if (!fill(opaque, l->names[i], strlen(l->names[i]), f->inode->ino + i + 1,
			  l->types[i], (uint64_t)f->pos + 1))
			break;
		f->pos++;
	}
	return 0;
}

static int64_t synth_dir_lseek(struct task *t, struct file *f, int64_t offset, int whence)
{
	(void)t;
	(void)whence;
	if (offset == 0) {
		list_free(f->priv);
		f->priv = NULL;
	}
	return offset;
}

static void synth_dir_release(struct file *f)
{
	list_free(f->priv);
}

/* ---- files ---- */

struct synth_file {
	pthread_mutex_t lock; /* serialises making the text */
	struct seqbuf text;
	bool made;
};

static int synth_make(struct synth_file *sf, const struct synth_ctx *c)
{
	int ret;

	seq_reset(&sf->text);
	ret = c->node->show(c, &sf->text);
	if (ret == 0 && sf->text.failed)
		ret = -LX_ENOMEM;
	sf->made = ret == 0;
	return ret;
}

/* Copies the part out that a read asks for, so that guest memory is touched without the lock. */
static int64_t synth_part(struct synth_file *sf, uint64_t pos, uint64_t want, char **out)
{
	size_t n;

	*out = NULL;
	if (pos >= sf->text.len || want == 0)
		return 0;
	n = (size_t)MIN(want, (uint64_t)STORE_MAX);
	n = MIN(n, sf->text.len - (size_t)pos);
	*out = malloc(n);
	if (!*out)
		return -LX_ENOMEM;
	memcpy(*out, sf->text.data + pos, n);
	return (int64_t)n;
}

static int64_t synth_read(struct task *t, struct file *f, struct uio *u, int64_t *pos)
{
	struct synth_file *sf = f->priv;
	struct synth_ctx c;
	char *part = NULL;
	int64_t ret = 0;

	synth_context(t, f->inode, &c);
	if (!c.node->show)
		return -LX_EINVAL;
	pthread_mutex_lock(&sf->lock);
	if (*pos == 0 || !sf->made)
		ret = synth_make(sf, &c);
	if (ret == 0)
		ret = synth_part(sf, (uint64_t)*pos, u->left, &part);
	pthread_mutex_unlock(&sf->lock);
	if (ret > 0)
		ret = uio_to(u, part, (uint64_t)ret);
	free(part);
	if (ret > 0)
		*pos += ret;
	return ret;
}

static int64_t synth_write(struct task *t, struct file *f, struct uio *u, int64_t *pos)
{
	size_t n = (size_t)MIN(u->left, (uint64_t)STORE_MAX);
	struct synth_ctx c;
	char *text;
	int64_t ret;

	synth_context(t, f->inode, &c);
	if (!c.node->store)
		return -LX_EINVAL;
	text = malloc(n + 1);
	if (!text)
		return -LX_ENOMEM;
	ret = n > 0 ? uio_from(u, text, n) : 0;
	if (ret >= 0) {
		text[ret] = '\0';
		ret = c.node->store(&c, text, (size_t)ret);
	}
	free(text);
	if (ret > 0)
		*pos += ret;
	return ret;
}

static int64_t synth_lseek(struct task *t, struct file *f, int64_t offset, int whence)
{
	int64_t to;

	(void)t;
	if (whence != LX_SEEK_SET && whence != LX_SEEK_CUR)
		return -LX_EINVAL;
	if (add_overflows(offset, whence == LX_SEEK_CUR ? f->pos : 0, &to) || to < 0)
		return -LX_EINVAL;
	f->pos = to;
	return to;
}

static void synth_file_release(struct file *f)
{
	struct synth_file *sf = f->priv;

	seq_free(&sf->text);
	pthread_mutex_destroy(&sf->lock);
	free(sf);
}

static int synth_open(struct task *t, struct inode *inode, struct file *file)
{
	struct synth_file *sf;
	struct synth_ctx c;

	synth_context(t, inode, &c);
	if (c.node->fops) {
		file->ops = c.node->fops;
		return 0;
	}
	if ((inode->mode & LX_S_IFMT) == LX_S_IFDIR) {
		file->ops = &synth_dir_fops;
		return 0;
	}
	sf = calloc(1, sizeof(*sf));
	if (!sf)
		return -LX_ENOMEM;
	pthread_mutex_init(&sf->lock, NULL);
	file->ops = &synth_file_fops;
	file->priv = sf;
	return 0;
}

static const struct file_ops synth_dir_fops = {
	.readdir = synth_readdir, .lseek = synth_dir_lseek, .release = synth_dir_release};
static const struct file_ops synth_file_fops = {.read = synth_read,
						.write = synth_write,
						.lseek = synth_lseek,
						.release = synth_file_release};
static const struct inode_ops synth_dir_ops = {.lookup = synth_lookup,
					       .setattr = synth_setattr,
					       .open = synth_open,
					       .release = synth_release};
static const struct inode_ops synth_plain_ops = {.readlink = synth_readlink,
						 .setattr = synth_setattr,
						 .open = synth_open,
						 .release = synth_release};
static const struct inode_ops synth_magic_ops = {.readlink = synth_readlink,
						 .follow = synth_follow,
						 .setattr = synth_setattr,
						 .open = synth_open,
						 .release = synth_release};

/* ---- common bodies ---- */

int synth_show_number(const struct synth_ctx *c, struct seqbuf *s)
{
	seq_printf(s, "%llu\n", (unsigned long long)c->node->value);
	return 0;
}

int synth_show_text(const struct synth_ctx *c, struct seqbuf *s)
{
	seq_puts(s, c->node->text);
	return 0;
}

int synth_parse_number(const char *text, int64_t *out)
{
	char *end;

	while (*text == ' ' || *text == '\t' || *text == '\n')
		text++;
	if (*text != '-' && *text != '+' && (*text < '0' || *text > '9'))
		return -LX_EINVAL;
	*out = strtoll(text, &end, 0);
	while (*end == ' ' || *end == '\t' || *end == '\n')
		end++;
	return *end || end == text ? -LX_EINVAL : 0;
}
