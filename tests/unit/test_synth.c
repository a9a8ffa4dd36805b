/*
 * test_synth.c: made-up file systems: consistent reads at offsets, listings, lookups, writes,
 * and the texts of procfs that need no process.
 */
#include <setjmp.h>
#include <stdarg.h>

#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "supervisor/guest.h"
#include "supervisor/task/task.h"
#include "supervisor/vfs/file.h"
#include "supervisor/vfs/proc.h"
#include "supervisor/vfs/synth.h"
#include "tests/lib/task_box.h"

#include <cmocka.h>

static unsigned shown;
static char stored[64];

static int show_counter(const struct synth_ctx *c, struct seqbuf *s)
{
	(void)c;
	shown++;
	for (unsigned i = 0; i < 2000; i++)
		seq_printf(s, "%u:%05u\n", shown, i);
	return 0;
}

static int64_t store_text(const struct synth_ctx *c, char *text, size_t n)
{
	(void)c;
	if (n >= sizeof(stored))
		return -LX_EINVAL;
	memcpy(stored, text, n + 1);
	return (int64_t)n;
}

static int failing_show(const struct synth_ctx *c, struct seqbuf *s)
{
	(void)c;
	(void)s;
	return -LX_ESRCH;
}

static const struct synth_node nodes[] = {
	{.name = "counter", .mode = LX_S_IFREG | 0444, .show = show_counter},
	{.name = "number", .mode = LX_S_IFREG | 0444, .show = synth_show_number, .value = 42},
	{.name = "text", .mode = LX_S_IFREG | 0644, .show = synth_show_text, .store = store_text,
	 .text = "words\n"},
	{.name = "failing", .mode = LX_S_IFREG | 0444, .show = failing_show},
	{.name = NULL},
};
static const struct synth_node root = {.name = "/", .mode = LX_S_IFDIR | 0555, .children = nodes};

struct fixture {
	struct task_box *b;
	struct superblock *sb;
};

static int setup(void **state)
{
	static struct fixture f;
	struct synth_id none = {0};

	if (task_box_new(&f.b) < 0 || superblock_new(&f.b->guest, "synth", 1, &f.sb) < 0)
		return -1;
	*state = &f;
	return synth_inode(f.sb, &root, &none, 0, 0, &f.sb->root);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	inode_put(f->sb->root);
	superblock_put(f->sb);
	task_box_free(f->b);
	return 0;
}

/* Opens an entry of the root. */
static struct file *open_entry(struct fixture *f, const char *name)
{
	struct inode *inode;
	struct file *file;

	assert_int_equal(f->sb->root->ops->lookup(f->sb->root, name, &inode), 0);
	assert_int_equal(file_new_inode(inode, NULL, NULL, LX_O_RDWR, name, &file), 0);
	assert_int_equal(inode->ops->open(&f->b->task, inode, file), 0);
	inode_put(inode);
	return file;
}

static int64_t read_at(struct fixture *f, struct file *file, void *buf, size_t n, int64_t *pos)
{
	struct uio u;
	int64_t ret;

	uio_init_kernel(&u, buf, n);
	ret = file->ops->read(&f->b->task, file, &u, pos);
	uio_release(&u);
	return ret;
}

static void reads_at_offsets_agree(void **state)
{
	struct fixture *f = *state;
	struct file *file = open_entry(f, "counter");
	char a[100], b[100];
	int64_t pos = 0, n, total = 0;

	shown = 0;
	while ((n = read_at(f, file, a, sizeof(a), &pos)) > 0)
		total += n;
	assert_int_equal(n, 0);
	assert_int_equal(total, 2000 * 8);
	assert_int_equal(shown, 1);
	/* The same place again: the same text, not made anew. */
	pos = 8 * 100;
	assert_int_equal(read_at(f, file, b, 8, &pos), 8);
	assert_memory_equal(b, "1:00100\n", 8);
	/* From the start it is. */
	pos = 0;
	assert_int_equal(read_at(f, file, b, 8, &pos), 8);
	assert_memory_equal(b, "2:00000\n", 8);
	pos = INT64_MAX;
	assert_int_equal(read_at(f, file, b, 8, &pos), 0);
	file_put(file);
}

static void small_files(void **state)
{
	struct fixture *f = *state;
	struct file *file = open_entry(f, "number");
	char buf[32] = {0};
	int64_t pos = 0;
	struct uio u;

	assert_int_equal(read_at(f, file, buf, sizeof(buf), &pos), 3);
	assert_string_equal(buf, "42\n");
	file_put(file);
	file = open_entry(f, "text");
	uio_init_kernel(&u, buf, 3);
	memcpy(buf, "new", 3);
	pos = 0;
	assert_int_equal(file->ops->write(&f->b->task, file, &u, &pos), 3);
	assert_string_equal(stored, "new");
	uio_release(&u);
	file_put(file);
	file = open_entry(f, "failing");
	pos = 0;
	assert_int_equal(read_at(f, file, buf, 3, &pos), -LX_ESRCH);
	file_put(file);
}

static void lookups(void **state)
{
	struct fixture *f = *state;
	struct inode *a, *b;

	assert_int_equal(f->sb->root->ops->lookup(f->sb->root, "none", &a), -LX_ENOENT);
	assert_int_equal(f->sb->root->ops->lookup(f->sb->root, "text", &a), 0);
	assert_int_equal(f->sb->root->ops->lookup(f->sb->root, "text", &b), 0);
	assert_int_equal(a->ino, b->ino);
	assert_true(a->ino != f->sb->root->ino);
	inode_put(a);
	inode_put(b);
}

struct names {
	char text[256];
	unsigned left; /* how many more the caller takes */
};

static bool take_name(void *opaque, const char *name, size_t len, uint64_t ino, uint8_t type,
		      uint64_t next)
{
	struct names *n = opaque;

	(void)ino;
	(void)next;
	assert_int_equal(type, LX_DT(LX_S_IFREG));
	if (n->left == 0)
		return false;
	n->left--;
	snprintf(n->text + strlen(n->text), sizeof(n->text) - strlen(n->text), "%.*s ", (int)len,
		 name);
	return true;
}

static void listings_go_on_where_they_stopped(void **state)
{
	struct fixture *f = *state;
	struct names n = {.left = 2};
	struct file *dir;

	assert_int_equal(file_new_inode(f->sb->root, NULL, NULL, LX_O_RDONLY, "/", &dir), 0);
	assert_int_equal(f->sb->root->ops->open(&f->b->task, f->sb->root, dir), 0);
	dir->pos = 2;
	assert_int_equal(dir->ops->readdir(&f->b->task, dir, take_name, &n), 0);
	assert_string_equal(n.text, "counter number ");
	n.left = 10;
	assert_int_equal(dir->ops->readdir(&f->b->task, dir, take_name, &n), 0);
	assert_string_equal(n.text, "counter number text failing ");
	file_put(dir);
}

static void texts_escape(void **state)
{
	struct seqbuf s = {0};

	(void)state;
	seq_escape(&s, "a b\tc\nd\\e#f", "#");
	seq_write(&s, "", 1);
	assert_string_equal(s.data, "a\\040b\\011c\\012d\\134e\\043f");
	seq_free(&s);
}

static void numbers_parse(void **state)
{
	int64_t v;
	int32_t pid;

	(void)state;
	assert_int_equal(synth_parse_number(" -17\n", &v), 0);
	assert_int_equal(v, -17);
	assert_int_equal(synth_parse_number("0x10", &v), 0);
	assert_int_equal(v, 16);
	assert_int_equal(synth_parse_number("", &v), -LX_EINVAL);
	assert_int_equal(synth_parse_number("12x", &v), -LX_EINVAL);
	assert_int_equal(proc_parse_pid("1234", &pid), 0);
	assert_int_equal(pid, 1234);
	assert_int_equal(proc_parse_pid("0", &pid), 0);
	assert_int_equal(proc_parse_pid("01", &pid), -LX_ENOENT);
	assert_int_equal(proc_parse_pid("1a", &pid), -LX_ENOENT);
	assert_int_equal(proc_parse_pid("", &pid), -LX_ENOENT);
	assert_int_equal(proc_parse_pid("99999999999999999999", &pid), -LX_ENOENT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(reads_at_offsets_agree), TEST(small_files), TEST(lookups),
		TEST(listings_go_on_where_they_stopped), cmocka_unit_test(texts_escape),
		cmocka_unit_test(numbers_parse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
