/* bundle.c: see bundle.h. */
#include "fsd/bundle.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/plat/errno.h"
#include "common/plat/fs.h"
#include "fsd/path.h"
#include "fsd/reference.h"
#include "fsd/store.h"

enum { INDEX_DEPTH = 4 };

static bool has_file(int dir, const char *path)
{
	int fd = plat_open_beneath(dir, path, O_PATH, 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

bool bundle_is_image(int dir)
{
	return has_file(dir, "oci-layout") || has_file(dir, "manifest.json");
}

/* Reads a blob and checks its digest (and size, if it is known). */
static int read_blob(int dir, const char *digest, uint64_t size, char **out, size_t *len,
                     struct fail *f)
{
	char path[DIGEST_TEXT_MAX + 16], actual[DIGEST_TEXT_MAX];
	int r;

	snprintf(path, sizeof(path), "blobs/sha256/%s", digest_hex(digest));
	r = path_read_file(dir, path, STORE_JSON_MAX, out, len);
	if (r == -LX_ENOENT)
		return fail_set(f, r, "the archive lacks the blob %s", digest);
	if (r < 0)
		return fail_errno(f, r, "cannot read the blob %s", digest);
	if (!digest_of(*out, *len, actual))
		r = fail_set(f, -LX_ENOMEM, "cannot compute a digest");
	else if (strcmp(actual, digest) != 0)
		r = fail_set(f, -LX_EBADMSG,
		             "the blob %s has another content (%s): the archive is damaged", digest,
		             actual);
	else if (size && *len != size)
		r = fail_set(f, -LX_EBADMSG, "the blob %s is not of the size the archive says",
		             digest);
	if (r < 0) {
		free(*out);
		*out = NULL;
	}
	return r;
}

/* A name that can be used as it is: with a path or a tag, not only a tag. */
static void take_name(struct bundle *b, const char *name)
{
	struct reference ref;

	if (b->name_count == IMAGE_MAX_TAGS || !strpbrk(name, ":/") ||
	    strlen(name) >= sizeof(b->names[0]) ||
	    reference_parse(name, strlen(name), &ref) < 0)
		return;
	memcpy(b->names[b->name_count++], name, strlen(name) + 1);
}

static void take_names(struct bundle *b)
{
	for (unsigned i = 0; i < b->docker->tag_count; i++)
		take_name(b, b->docker->tags[i]);
}

static int parse_config(struct bundle *b, const char *platform, struct fail *f)
{
	int r = image_parse_config(b->config, b->config_len, &b->image);

	if (r < 0)
		return fail_set(f, r, "the image's configuration is malformed");
	if (!image_matches(&b->image, platform))
		return fail_set(f, -LX_ENOEXEC, "the image is for %s/%s, not for %s", b->image.os,
		                b->image.architecture, platform);
	return 0;
}

static int open_oci(struct bundle *b, const char *platform, unsigned n, struct fail *f)
{
	struct image_choice c;
	char *text, wanted[256];
	const char *name = NULL;
	size_t len;
	int r = path_read_file(b->dir, "index.json", STORE_JSON_MAX, &text, &len);

	if (r < 0)
		return fail_errno(f, r, "cannot read index.json of the archive");
	/* Each name of the outermost index is an image; without names the whole is one. */
	if (image_nth_name(text, len, n, wanted) == 0) {
		name = wanted;
	} else if (n > 0) {
		free(text);
		return -LX_ENOENT;
	}
	for (int depth = 0; r == 0; depth++) {
		r = depth < INDEX_DEPTH ? image_choose(text, len, platform, depth ? NULL : name, &c)
		                        : -LX_EINVAL;
		free(text);
		text = NULL;
		if (r == -LX_ENOENT)
			return fail_set(f, r, "the archive has no image for %s", platform);
		if (r < 0)
			return fail_set(f, r, "the archive's index is malformed");
		if (b->name_count == 0)
			take_name(b, c.ref_name);
		r = read_blob(b->dir, c.digest, c.size, &text, &len, f);
		if (r == 0 && !c.is_index)
			break;
	}
	if (r < 0)
		return r;
	b->manifest = text;
	b->manifest_len = len;
	r = image_parse_manifest(text, len, &b->image);
	if (r < 0)
		return fail_set(f, r,
		                r == -LX_E2BIG ? "the image has too many layers"
		                               : "the image's manifest is malformed");
	r = read_blob(b->dir, b->image.config, b->image.config_size, &b->config, &b->config_len, f);
	return r < 0 ? r : parse_config(b, platform, f);
}

static int read_docker(struct bundle *b, unsigned n, struct fail *f)
{
	char *text;
	size_t len;
	int r = path_read_file(b->dir, "manifest.json", STORE_JSON_MAX, &text, &len);

	if (r < 0)
		return fail_errno(f, r, "cannot read manifest.json of the archive");
	b->docker = malloc(sizeof(*b->docker));
	r = b->docker ? image_parse_docker(text, len, n, b->docker) : -LX_ENOMEM;
	free(text);
	if (r == -LX_ENOENT && n > 0)
		return r;
	if (r < 0)
		return fail_set(f, r, "the archive's manifest.json is malformed");
	return 0;
}

static int open_docker(struct bundle *b, const char *platform, unsigned n, struct fail *f)
{
	int r = read_docker(b, n, f);

	if (r < 0)
		return r;
	take_names(b);
	r = path_read_file(b->dir, b->docker->config, STORE_JSON_MAX, &b->config, &b->config_len);
	if (r < 0)
		return fail_errno(f, r, "cannot read %.200s of the archive", b->docker->config);
	b->image.layer_count = b->docker->layer_count;
	b->image.config_size = b->config_len;
	if (!digest_of(b->config, b->config_len, b->image.config))
		return fail_set(f, -LX_ENOMEM, "cannot compute a digest");
	return parse_config(b, platform, f);
}

int bundle_open(struct bundle *b, int dir, const char *platform, unsigned n, struct fail *f)
{
	bool docker = has_file(dir, "manifest.json");
	int r;

	*b = (struct bundle){.dir = dir};
	if (!has_file(dir, "oci-layout"))
		return docker ? open_docker(b, platform, n, f)
		              : fail_set(
		                    f, -LX_EINVAL,
		                    "this is neither an OCI image nor an archive of `docker save`; "
		                    "for a root file system use `carrick import`");
	r = open_oci(b, platform, n, f);
	/* `docker save` writes both, and all names only here. */
	if (r == 0 && docker && b->name_count == 0 && read_docker(b, n, f) == 0)
		take_names(b);
	free(b->docker);
	b->docker = NULL;
	return r;
}

void bundle_release(struct bundle *b)
{
	free(b->config);
	free(b->manifest);
	free(b->docker);
}

/* Old versions of `docker save` link equal layers: "../ID/layer.tar" from one directory to the
 * next. */
static int open_linked(struct bundle *b, const char *path)
{
	const char *slash = strchr(path, '/');
	char target[512];
	ssize_t n;
	int fd;

	fd = plat_open_beneath(b->dir, path, O_PATH, 0);
	if (fd < 0 || !slash || strchr(slash + 1, '/')) {
		if (fd >= 0)
			close(fd);
		return fd < 0 ? fd : -LX_ELOOP;
	}
	n = readlinkat(fd, "", target, sizeof(target) - 1);
	close(fd);
	if (n <= 3 || strncmp(target, "../", 3) != 0)
		return -LX_ELOOP;
	target[n] = '\0';
	return plat_open_beneath(b->dir, target + 3, O_RDONLY | O_NONBLOCK, 0);
}

int bundle_open_layer(struct bundle *b, unsigned i, struct fail *f)
{
	char oci[DIGEST_TEXT_MAX + 16];
	const char *path = oci;
	struct stat st;
	int fd;

	if (b->docker)
		path = b->docker->layers[i];
	else
		snprintf(oci, sizeof(oci), "blobs/sha256/%s", digest_hex(b->image.layers[i]));
	fd = plat_open_beneath(b->dir, path, O_RDONLY | O_NONBLOCK, 0);
	if (fd == -LX_ELOOP && b->docker)
		fd = open_linked(b, path);
	if (fd < 0)
		return fail_errno(f, fd, "cannot read layer %u of the archive (%.100s)", i + 1,
		                  path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return fail_set(f, -LX_EINVAL, "layer %u of the archive is not a file", i + 1);
	}
	if (!b->docker && (uint64_t)st.st_size != b->image.layer_sizes[i]) {
		close(fd);
		return fail_set(f, -LX_EBADMSG,
		                "layer %u is truncated, or not of the size the archive says",
		                i + 1);
	}
	return fd;
}
