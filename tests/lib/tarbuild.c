/* tarbuild.c: see tarbuild.h. */
#include "tests/lib/tarbuild.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void need(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "tarbuild: %s\n", what);
	exit(99);
}

void tar_begin(struct tarbuild *t, enum tar_compression c)
{
	int fd;

	*t = (struct tarbuild){.path = "/tmp/carrick-tar-XXXXXX"};
	fd = mkstemp(t->path);
	need(fd >= 0, "mkstemp");
	close(fd);
	t->a = archive_write_new();
	archive_write_set_format_pax(t->a);
	if (c == TAR_GZIP)
		archive_write_add_filter_gzip(t->a);
	else if (c == TAR_ZSTD)
		archive_write_add_filter_zstd(t->a);
	else if (c == TAR_XZ)
		archive_write_add_filter_xz(t->a);
	archive_write_set_bytes_in_last_block(t->a, 1);
	need(archive_write_open_filename(t->a, t->path) == ARCHIVE_OK, "open");
}

static struct archive_entry *entry(const char *path, uint32_t mode, uint32_t uid, size_t size)
{
	struct archive_entry *e = archive_entry_new();

	archive_entry_copy_pathname(e, path);
	archive_entry_set_filetype(e, mode & S_IFMT);
	archive_entry_set_perm(e, mode & 07777);
	archive_entry_set_uid(e, uid);
	archive_entry_set_gid(e, uid);
	archive_entry_set_mtime(e, 1000000000, 5);
	archive_entry_set_size(e, (la_int64_t)size);
	return e;
}

static void finish(struct tarbuild *t, struct archive_entry *e, const void *data, size_t len)
{
	need(archive_write_header(t->a, e) >= ARCHIVE_WARN, archive_error_string(t->a));
	if (len)
		need(archive_write_data(t->a, data, len) == (la_ssize_t)len, "data");
	archive_entry_free(e);
}

void tar_add(struct tarbuild *t, const char *path, uint32_t mode, uint32_t uid, const char *content,
             const char *link)
{
	size_t len = content ? strlen(content) : 0;
	struct archive_entry *e = entry(path, mode & S_IFMT ? mode : S_IFREG | mode, uid, len);

	if (link && S_ISLNK(mode))
		archive_entry_copy_symlink(e, link);
	else if (link)
		archive_entry_copy_hardlink(e, link);
	finish(t, e, content, len);
}

void tar_add_device(struct tarbuild *t, const char *path, uint32_t mode, uint32_t major,
                    uint32_t minor)
{
	struct archive_entry *e = entry(path, mode, 0, 0);

	archive_entry_set_rdevmajor(e, major);
	archive_entry_set_rdevminor(e, minor);
	finish(t, e, NULL, 0);
}

void tar_add_xattr_file(struct tarbuild *t, const char *path, const char *name, const char *value)
{
	struct archive_entry *e = entry(path, S_IFREG | 0644, 0, 0);

	archive_entry_xattr_add_entry(e, name, value, strlen(value));
	finish(t, e, NULL, 0);
}

void tar_add_bytes(struct tarbuild *t, const char *path, const void *data, size_t len)
{
	finish(t, entry(path, S_IFREG | 0644, 0, len), data, len);
}

void tar_add_sparse(struct tarbuild *t, const char *path, uint64_t size, uint64_t data_at,
                    const char *data)
{
	struct archive_entry *e = entry(path, S_IFREG | 0644, 0, 0);

	archive_entry_set_size(e, (la_int64_t)size);
	archive_entry_sparse_add_entry(e, (la_int64_t)data_at, (la_int64_t)strlen(data));
	need(archive_write_header(t->a, e) >= ARCHIVE_WARN, archive_error_string(t->a));
	for (uint64_t at = 0; at < data_at; at += 65536) {
		static const char zeros[65536];

		archive_write_data(t->a, zeros, (size_t)MIN((uint64_t)sizeof(zeros), data_at - at));
	}
	archive_write_data(t->a, data, strlen(data));
	archive_entry_free(e);
}

int tar_end(struct tarbuild *t)
{
	int fd;

	need(archive_write_close(t->a) == ARCHIVE_OK, "close");
	archive_write_free(t->a);
	fd = open(t->path, O_RDONLY | O_CLOEXEC);
	need(fd >= 0, t->path);
	unlink(t->path);
	return fd;
}

char *tar_end_memory(struct tarbuild *t, size_t *len)
{
	int fd = tar_end(t);
	struct stat st;
	char *buf;

	need(fstat(fd, &st) == 0, "fstat");
	buf = malloc((size_t)st.st_size + 1);
	need(buf && read(fd, buf, (size_t)st.st_size) == st.st_size, "read");
	close(fd);
	*len = (size_t)st.st_size;
	return buf;
}
