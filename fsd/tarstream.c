/*
 * tarstream.c: two libarchive readers in a row: `outer` has the filters (gzip, bzip2, xz, zstd) and
 * format raw, `inner` reads the tar that outer yields.
 */
#include "fsd/tarstream.h"

#include <stdio.h>
#include <unistd.h>

#include "common/plat/errno.h"

enum { INPUT_CHUNK = 256 * 1024 };

struct tarstream {
	struct archive *outer, *inner;
	struct digest_state *raw, *tar;
	int fd;
	bool outer_end;
	bool plain; /* no compression: the input is the tar, and one digest will do */
	uint64_t input_bytes;
	uint8_t buf[INPUT_CHUNK];
};

static la_ssize_t read_input(struct archive *a, void *arg, const void **data)
{
	struct tarstream *t = arg;
	ssize_t n;

	do
		n = read(t->fd, t->buf, sizeof(t->buf));
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		archive_set_error(a, errno, "cannot read the archive");
		return -1;
	}
	if (!t->plain)
		digest_update(t->raw, t->buf, (size_t)n);
	t->input_bytes += (uint64_t)n;
	*data = t->buf;
	return n;
}

static la_ssize_t read_tar(struct archive *a, void *arg, const void **data)
{
	struct tarstream *t = arg;
	size_t len = 0;
	la_int64_t offset;
	int r;

	if (t->outer_end)
		return 0;
	do
		r = archive_read_data_block(t->outer, data, &len, &offset);
	while (r == ARCHIVE_OK && len == 0);
	if (r == ARCHIVE_EOF) {
		t->outer_end = true;
		return 0;
	}
	if (r != ARCHIVE_OK) {
		const char *text = archive_error_string(t->outer);

		archive_set_error(a, EINVAL, "%s", text ? text : "the compressed data is damaged");
		return -1;
	}
	digest_update(t->tar, *data, len);
	return (la_ssize_t)len;
}

static int open_outer(struct tarstream *t, struct fail *f)
{
	struct archive_entry *entry;
	int r;

	if (archive_read_support_filter_gzip(t->outer) < ARCHIVE_WARN ||
	    archive_read_support_filter_bzip2(t->outer) < ARCHIVE_WARN ||
	    archive_read_support_filter_xz(t->outer) < ARCHIVE_WARN ||
	    archive_read_support_filter_zstd(t->outer) < ARCHIVE_WARN ||
	    archive_read_support_format_raw(t->outer) != ARCHIVE_OK ||
	    archive_read_support_format_empty(t->outer) != ARCHIVE_OK)
		return fail_set(f, -LX_EIO, "libarchive lacks a compression that images use");
	r = archive_read_open(t->outer, t, NULL, read_input, NULL);
	if (r == ARCHIVE_OK)
		r = archive_read_next_header(t->outer, &entry);
	if (r == ARCHIVE_EOF)
		return fail_set(f, -LX_EINVAL, "the archive is empty");
	if (r < ARCHIVE_WARN)
		return fail_set(f, -LX_EINVAL, "cannot read the archive: %s",
		                archive_error_string(t->outer));
	t->plain = archive_filter_count(t->outer) == 1;
	return 0;
}

struct tarstream *tarstream_new(int fd, struct fail *f)
{
	struct tarstream *t = calloc(1, sizeof(*t));

	if (!t)
		goto no_memory;
	t->fd = fd;
	t->raw = digest_new();
	t->tar = digest_new();
	t->outer = archive_read_new();
	t->inner = archive_read_new();
	if (!t->raw || !t->tar || !t->outer || !t->inner)
		goto no_memory;
	if (open_outer(t, f) < 0)
		goto fail;
	if (archive_read_support_format_tar(t->inner) != ARCHIVE_OK ||
	    archive_read_open(t->inner, t, NULL, read_tar, NULL) != ARCHIVE_OK) {
		fail_set(f, -LX_EINVAL, "this is not a tar archive: %s",
		         archive_error_string(t->inner));
		goto fail;
	}
	return t;
no_memory:
	fail_set(f, -LX_ENOMEM, "out of memory");
fail:
	tarstream_free(t);
	return NULL;
}

void tarstream_free(struct tarstream *t)
{
	if (!t)
		return;
	archive_read_free(t->inner);
	archive_read_free(t->outer);
	digest_free(t->raw);
	digest_free(t->tar);
	free(t);
}

int tarstream_next(struct tarstream *t, struct archive_entry **entry, struct fail *f)
{
	int r = archive_read_next_header(t->inner, entry);

	if (r == ARCHIVE_EOF)
		return 0;
	if (r == ARCHIVE_OK || r == ARCHIVE_WARN)
		return 1;
	return fail_set(f, -LX_EINVAL, "the archive is damaged: %s",
	                archive_error_string(t->inner));
}

int tarstream_data(struct tarstream *t, const void **data, size_t *len, uint64_t *offset,
                   struct fail *f)
{
	la_int64_t at = 0;
	int r = archive_read_data_block(t->inner, data, len, &at);

	if (r == ARCHIVE_EOF)
		return 0;
	if (r < ARCHIVE_WARN || at < 0)
		return fail_set(f, -LX_EINVAL, "the archive is damaged: %s",
		                archive_error_string(t->inner));
	*offset = (uint64_t)at;
	return 1;
}

int tarstream_finish(struct tarstream *t, char digest[DIGEST_TEXT_MAX],
                     char diff_id[DIGEST_TEXT_MAX], uint64_t *input_bytes, struct fail *f)
{
	const void *data;
	la_ssize_t n;

	/* What follows the tar's end belongs to its digest, what follows the compressed data to the
	 * other. */
	do
		n = read_tar(t->inner, t, &data);
	while (n > 0);
	if (n < 0)
		return fail_set(f, -LX_EINVAL, "the archive is damaged: %s",
		                archive_error_string(t->inner));
	do
		n = read_input(t->outer, t, &data);
	while (n > 0);
	if (n < 0)
		return fail_set(f, -LX_EIO, "%s", archive_error_string(t->outer));
	*input_bytes = t->input_bytes;
	if (!digest_finish(t->tar, diff_id) || (!t->plain && !digest_finish(t->raw, digest)))
		return fail_set(f, -LX_ENOMEM, "cannot compute a digest");
	if (t->plain)
		memcpy(digest, diff_id, DIGEST_TEXT_MAX);
	return 0;
}
