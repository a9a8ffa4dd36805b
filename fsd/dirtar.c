/* dirtar.c: see dirtar.h.  libarchive walks the disk and writes the tar. */
#include "fsd/dirtar.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/plat/errno.h"
#include "fsd/meta.h"

/* Gives the entry the owner, mode and type that the guest shall see. */
static void apply_meta(struct archive_entry *e)
{
	const struct stat *st = archive_entry_stat(e);
	const char *name;
	const void *value;
	struct meta m;
	size_t size;

	meta_default(META_FOREIGN, st, &m);
	archive_entry_xattr_reset(e);
	while (archive_entry_xattr_next(e, &name, &value, &size) == ARCHIVE_OK) {
		if (strcmp(name, META_XATTR_STAT) != 0)
			continue;
		if (meta_parse(value, size, &m) == 0 && !S_ISREG(m.mode) && S_ISREG(st->st_mode))
			m.mode = (m.mode & 07777) | S_IFREG; /* placeholders of others stay files */
	}
	archive_entry_set_uid(e, m.uid);
	archive_entry_set_gid(e, m.gid);
	archive_entry_set_perm(e, m.mode & 07777);
	archive_entry_set_uname(e, NULL);
	archive_entry_set_gname(e, NULL);
	archive_entry_acl_clear(e);
	archive_entry_set_fflags(e, 0, 0);
}

static int copy_data(struct archive *disk, struct archive *tar, struct fail *f)
{
	static const char zeros[4096];
	la_int64_t at, done = 0;
	const void *data;
	size_t len;
	int r;

	while ((r = archive_read_data_block(disk, &data, &len, &at)) == ARCHIVE_OK) {
		while (done < at) { /* a hole that the entry did not announce */
			size_t n = (size_t)MIN(at - done, (la_int64_t)sizeof(zeros));

			if (archive_write_data(tar, zeros, n) < 0)
				return fail_set(f, -LX_EIO, "%s", archive_error_string(tar));
			done += (la_int64_t)n;
		}
		if (archive_write_data(tar, data, len) < 0)
			return fail_set(f, -LX_EIO, "%s", archive_error_string(tar));
		done = at + (la_int64_t)len;
	}
	return r == ARCHIVE_EOF ? 0 : fail_set(f, -LX_EIO, "%s", archive_error_string(disk));
}

static int write_entry(struct archive *disk, struct archive *tar, struct archive_entry *e,
                       struct fail *f)
{
	const char *path = archive_entry_pathname(e);

	apply_meta(e);
	archive_entry_sparse_clear(e);
	/* "./a" is how the walk names things; the root itself is ".". */
	if (path && strncmp(path, "./", 2) == 0 && path[2])
		archive_entry_copy_pathname(e, path + 2);
	if (archive_write_header(tar, e) < ARCHIVE_WARN)
		return fail_set(f, -LX_EIO, "%s", archive_error_string(tar));
	if (archive_entry_filetype(e) == AE_IFREG && !archive_entry_hardlink(e) &&
	    archive_entry_size(e) > 0)
		return copy_data(disk, tar, f);
	return 0;
}

static int walk(struct archive *disk, struct archive *tar, struct archive_entry_linkresolver *links,
                struct fail *f)
{
	struct archive_entry *e = archive_entry_new(), *spare = NULL;
	int r = 0, got = ARCHIVE_OK;

	while (r == 0 && e) {
		archive_entry_clear(e);
		got = archive_read_next_header2(disk, e);
		if (got == ARCHIVE_EOF)
			break;
		if (got < ARCHIVE_WARN) {
			r = fail_set(f, -LX_EIO, "%s", archive_error_string(disk));
			break;
		}
		if (archive_entry_filetype(e) == AE_IFDIR)
			archive_read_disk_descend(disk);
		archive_entry_linkify(links, &e, &spare);
		if (e)
			r = write_entry(disk, tar, e, f);
	}
	archive_entry_free(e);
	return r;
}

int dirtar_write(int dir, int out, struct fail *f)
{
	struct archive *disk = archive_read_disk_new(), *tar = archive_write_new();
	struct archive_entry_linkresolver *links = archive_entry_linkresolver_new();
	int r = 0;

	if (!disk || !tar || !links)
		r = fail_set(f, -LX_ENOMEM, "out of memory");
	if (r == 0 && fchdir(dir) < 0)
		r = fail_errno(f, plat_errno(errno), "cannot enter the directory");
	if (r == 0) {
		archive_read_disk_set_symlink_physical(disk);
		archive_read_disk_set_behavior(disk, ARCHIVE_READDISK_NO_ACL |
		                                         ARCHIVE_READDISK_NO_FFLAGS);
		archive_write_set_format_pax_restricted(tar);
		archive_entry_linkresolver_set_strategy(links, archive_format(tar));
		if (archive_write_open_fd(tar, out) != ARCHIVE_OK)
			r = fail_set(f, -LX_EIO, "%s", archive_error_string(tar));
	}
	if (r == 0 && archive_read_disk_open(disk, ".") != ARCHIVE_OK)
		r = fail_set(f, -LX_EIO, "%s", archive_error_string(disk));
	if (r == 0)
		r = walk(disk, tar, links, f);
	if (r == 0 && archive_write_close(tar) != ARCHIVE_OK)
		r = fail_set(f, -LX_EIO, "%s", archive_error_string(tar));
	archive_entry_linkresolver_free(links);
	archive_write_free(tar);
	archive_read_free(disk);
	return r;
}
