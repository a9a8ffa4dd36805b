/*
 * test_import.c: root file systems, OCI and Docker archives into a store, and what hostile or
 * damaged archives meet: a sentence, and a store as it was.
 */
#include <setjmp.h>
#include <stdarg.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/lx/errno.h"
#include "common/plat/fs.h"
#include "fsd/images.h"
#include "fsd/import.h"
#include "fsd/meta.h"
#include "fsd/path.h"
#include "tests/lib/tarbuild.h"

#include <cmocka.h>

static char home[64];
static struct store store;

static int setup(void **state)
{
	struct fail f = {0};

	(void)state;
	snprintf(home, sizeof(home), "/tmp/carrick-store-XXXXXX");
	if (!mkdtemp(home))
		return -1;
	return store_open(&store, home, &f);
}

static int teardown(void **state)
{
	int r = path_remove_contents(store.dir);

	(void)state;
	store_close(&store);
	rmdir(home);
	return r;
}

static unsigned entries(int dir)
{
	DIR *d = fdopendir(openat(dir, ".", O_RDONLY | O_DIRECTORY));
	unsigned n = 0;

	for (struct dirent *e; (e = readdir(d));)
		n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	closedir(d);
	return n;
}

static int import(int fd, enum import_kind kind, const char *name, struct import *im,
                  struct fail *f)
{
	int r;

	*im = (struct import){.source = fd,
	                      .progress = -1,
	                      .kind = kind,
	                      .reference = name,
	                      .platform = "linux/arm64"};
	*f = (struct fail){{0}};
	r = import_run(&store, im, f);
	close(fd);
	assert_int_equal(entries(store.tmp), 0);
	return r;
}

/* Opens the tree of the top layer of an image. */
static int open_top(const char *digest, struct image *img)
{
	assert_int_equal(images_read(&store, digest, img, NULL, NULL), 0);
	return store_open_layer(&store, img->diff_ids[img->layer_count - 1]);
}

static void check_meta(int tree, const char *path, uint32_t mode, uint32_t uid, uint64_t rdev)
{
	struct stat st;
	struct meta m;
	int fd = plat_open_beneath(tree, path, O_RDONLY, 0);

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(meta_read_fd(fd, META_STORE, &st, &m), 0);
	close(fd);
	assert_int_equal(m.mode, mode);
	assert_int_equal(m.uid, uid);
	assert_int_equal(m.rdev, rdev);
	assert_int_equal(st.st_mode & 07077, 0);
}

static void test_rootfs(void **state)
{
	static const enum tar_compression kinds[] = {TAR_PLAIN, TAR_GZIP, TAR_ZSTD, TAR_XZ};
	char longname[256], diff_id[DIGEST_TEXT_MAX] = "", buf[300];
	struct import im;
	struct image img;
	struct fail f;

	(void)state;
	memset(longname, 'n', 200);
	longname[200] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct tarbuild t;
		struct stat st;
		int tree, fd;

		tar_begin(&t, kinds[i]);
		tar_add(&t, "./", S_IFDIR | 0755, 0, NULL, NULL);
		tar_add(&t, "bin", S_IFDIR | 0750, 3, NULL, NULL);
		tar_add(&t, "bin/su", S_IFREG | 04755, 0, "program", NULL);
		tar_add(&t, "bin/su2", 0, 0, NULL, "bin/su");
		tar_add(&t, "sh", S_IFLNK | 0777, 0, NULL, "bin/sh");
		tar_add(&t, "mine", S_IFLNK | 0777, 1000, NULL, "/target");
		tar_add(&t, "implied/dir/file", S_IFREG | 0600, 5, "x", NULL);
		tar_add(&t, longname, S_IFREG | 0644, 0, "long", NULL);
		tar_add(&t, "sch\xc3\xb6n", S_IFREG | 0644, 0, "utf8", NULL);
		tar_add_device(&t, "dev/null", S_IFCHR | 0666, 1, 3);
		tar_add_device(&t, "dev/pipe", S_IFIFO | 0600, 0, 0);
		tar_add_xattr_file(&t, "cap", "security.capability", "caps");
		tar_add_xattr_file(&t, "fake", "user.containers.override_stat", "0:0:4755:file");
		tar_add_sparse(&t, "sparse", 8 << 20, 4 << 20, "middle");
		assert_int_equal(import(tar_end(&t), IMPORT_ROOTFS, "r:1", &im, &f), 0);
		tree = open_top(im.digest, &img);
		assert_true(tree >= 0);
		if (i)
			assert_string_equal(diff_id, img.diff_ids[0]);
		snprintf(diff_id, sizeof(diff_id), "%s", img.diff_ids[0]);
		check_meta(tree, "bin", S_IFDIR | 0750, 3, 0);
		check_meta(tree, "bin/su", S_IFREG | 04755, 0, 0);
		check_meta(tree, "bin/su2", S_IFREG | 04755, 0, 0);
		check_meta(tree, "mine", S_IFLNK | 0777, 1000, 0);
		check_meta(tree, "dev/null", S_IFCHR | 0666, 0, meta_makedev(1, 3));
		check_meta(tree, "dev/pipe", S_IFIFO | 0600, 0, 0);
		check_meta(tree, "implied", S_IFDIR | 0755, 0, 0);
		check_meta(tree, longname, S_IFREG | 0644, 0, 0);
		check_meta(tree, "sch\xc3\xb6n", S_IFREG | 0644, 0, 0);
		check_meta(tree, "fake", S_IFREG | 0644, 0, 0);
		assert_int_equal(readlinkat(tree, "sh", buf, sizeof(buf)), 6);
		fd = openat(tree, "cap", O_RDONLY);
		assert_int_equal(plat_fxattr_get(fd, "user.carrick.x.security.capability", buf, 10),
		                 4);
		close(fd);
		assert_int_equal(fstatat(tree, "sparse", &st, 0), 0);
		assert_int_equal(st.st_size, 8 << 20);
		assert_true(st.st_blocks < 1000);
		assert_int_equal(fstatat(tree, "bin", &st, 0), 0);
		assert_int_equal(st.st_mtim.tv_sec, 1000000000);
		close(tree);
	}
	assert_int_equal(entries(store.layers), 1);
}

static void expect_refusal(struct tarbuild *t, const char *word)
{
	unsigned layers = entries(store.layers), blobs = entries(store.blobs);
	struct import im;
	struct fail f;
	int r = import(tar_end(t), IMPORT_ROOTFS, "h:1", &im, &f);

	assert_true(r < 0);
	if (!strstr(f.text, word))
		fail_msg("\"%s\" does not say \"%s\"", f.text, word);
	assert_int_equal(entries(store.layers), layers);
	assert_int_equal(entries(store.blobs), blobs);
}

static void test_hostile(void **state)
{
	struct tarbuild t;
	struct stat st;

	(void)state;
	tar_begin(&t, TAR_PLAIN);
	tar_add(&t, "/etc/passwd", S_IFREG | 0644, 0, "x", NULL);
	expect_refusal(&t, "absolute");
	tar_begin(&t, TAR_PLAIN);
	tar_add(&t, "a/../../carrick-escaped", S_IFREG | 0644, 0, "x", NULL);
	expect_refusal(&t, "..");
	tar_begin(&t, TAR_PLAIN);
	tar_add(&t, "l", S_IFLNK | 0777, 0, NULL, "/tmp");
	tar_add(&t, "l/carrick-escaped", S_IFREG | 0644, 0, "x", NULL);
	expect_refusal(&t, "through a link");
	tar_begin(&t, TAR_PLAIN);
	tar_add(&t, "a", S_IFLNK | 0777, 0, NULL, "b");
	tar_add(&t, "b", S_IFLNK | 0777, 0, NULL, "/tmp");
	tar_add(&t, "a/carrick-escaped", S_IFREG | 0644, 0, "x", NULL);
	expect_refusal(&t, "through a link");
	tar_begin(&t, TAR_PLAIN);
	tar_add(&t, "h", 0, 0, NULL, "../../etc/passwd");
	expect_refusal(&t, "..");
	tar_begin(&t, TAR_PLAIN);
	tar_add(&t, "h", 0, 0, NULL, "not/there");
	expect_refusal(&t, "not in it");
	tar_begin(&t, TAR_PLAIN);
	tar_add(&t, "l", S_IFLNK | 0777, 0, NULL, "/etc");
	tar_add(&t, "h", 0, 0, NULL, "l/passwd");
	expect_refusal(&t, "through a link");
	assert_int_equal(stat("/tmp/carrick-escaped", &st), -1);
	/* A file where a link was replaces the link, not its target. */
	tar_begin(&t, TAR_PLAIN);
	tar_add(&t, "f", S_IFLNK | 0777, 0, NULL, "/tmp/carrick-escaped");
	tar_add(&t, "f", S_IFREG | 0644, 0, "x", NULL);
	{
		struct import im;
		struct fail f;

		assert_int_equal(import(tar_end(&t), IMPORT_ROOTFS, "ok:1", &im, &f), 0);
	}
	assert_int_equal(stat("/tmp/carrick-escaped", &st), -1);
}

/* A later entry replaces an earlier one of its name, whatever both are. */
static void test_replacement(void **state)
{
	static const uint32_t types[] = {S_IFREG | 0644, S_IFLNK | 0777, S_IFDIR | 0755};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		for (size_t j = 0; j < ARRAY_LEN(types); j++) {
			struct tarbuild t;
			struct import im;
			struct image img;
			struct fail f;
			struct stat st;
			int tree;

			tar_begin(&t, TAR_PLAIN);
			tar_add(&t, "x", types[i], 0, NULL, S_ISLNK(types[i]) ? "/tmp" : NULL);
			tar_add(&t, "x", types[j], 0, NULL, S_ISLNK(types[j]) ? "/tmp" : NULL);
			if (import(tar_end(&t), IMPORT_ROOTFS, "x:1", &im, &f) < 0)
				fail_msg("%zu over %zu: %s", j, i, f.text);
			tree = open_top(im.digest, &img);
			assert_int_equal(fstatat(tree, "x", &st, AT_SYMLINK_NOFOLLOW), 0);
			assert_int_equal(st.st_mode & S_IFMT, types[j] & S_IFMT);
			close(tree);
		}
	}
}

static void refuse_bytes(const char *data, size_t len, const char *word)
{
	char path[] = "/tmp/carrick-tar-XXXXXX";
	int fd = mkstemp(path);
	struct import im;
	struct fail f;

	unlink(path);
	assert_int_equal(write(fd, data, len), (ssize_t)len);
	lseek(fd, 0, SEEK_SET);
	assert_true(import(fd, IMPORT_ROOTFS, "t:1", &im, &f) < 0);
	if (!strstr(f.text, word))
		fail_msg("\"%s\" does not say \"%s\"", f.text, word);
}

static void test_truncated(void **state)
{
	char *big = malloc(1 << 20);
	size_t len;
	char *data;

	(void)state;
	for (size_t i = 0; i < 1 << 20; i++)
		big[i] = (char)(i * 2654435761u >> 13);
	for (enum tar_compression c = TAR_PLAIN; c <= TAR_XZ; c++) {
		struct tarbuild t;

		tar_begin(&t, c);
		tar_add_bytes(&t, "big", big, 1 << 20);
		data = tar_end_memory(&t, &len);
		refuse_bytes(data, len / 2, "");
		free(data);
	}
	free(big);
	refuse_bytes("", 0, "empty");
	refuse_bytes("this is no archive at all, only text\n", 38, "");
}

/* An OCI archive of two layers; what is to be wrong is chosen by name. */
static int oci_archive(const char *fault)
{
	char layer_digest[2][DIGEST_TEXT_MAX], diff[2][DIGEST_TEXT_MAX],
	    config_digest[DIGEST_TEXT_MAX];
	char manifest_digest[DIGEST_TEXT_MAX], config[2048], manifest[2048], index[2048], path[128];
	char *layer[2];
	size_t len[2], plain_len;
	struct tarbuild t;

	for (int i = 0; i < 2; i++) {
		for (enum tar_compression c = TAR_PLAIN; c <= TAR_GZIP; c++) {
			char *data;

			tar_begin(&t, c);
			if (i == 0) {
				tar_add(&t, "etc/a", S_IFREG | 0644, 0, "a", NULL);
				tar_add(&t, "etc/b", S_IFREG | 0644, 0, "b", NULL);
				tar_add(&t, "old/c", S_IFREG | 0644, 0, "c", NULL);
			} else {
				tar_add(&t, "etc/.wh.a", S_IFREG | 0644, 0, "", NULL);
				tar_add(&t, "old/.wh..wh..opq", S_IFREG | 0644, 0, "", NULL);
			}
			data = tar_end_memory(&t, c == TAR_PLAIN ? &plain_len : &len[i]);
			assert_true(digest_of(data, c == TAR_PLAIN ? plain_len : len[i],
			                      c == TAR_PLAIN ? diff[i] : layer_digest[i]));
			if (c == TAR_PLAIN)
				free(data);
			else
				layer[i] = data;
		}
	}
	snprintf(config, sizeof(config),
	         "{\"os\":\"linux\",\"architecture\":\"%s\",\"config\":{},\"rootfs\":{\"type\":"
	         "\"layers\","
	         "\"diff_ids\":[\"%s\",\"%s\"]}}",
	         strcmp(fault, "arch") == 0 ? "amd64" : "arm64", diff[0],
	         strcmp(fault, "diff") == 0 ? diff[0] : diff[1]);
	assert_true(digest_of(config, strlen(config), config_digest));
	snprintf(manifest, sizeof(manifest),
	         "{\"schemaVersion\":2,\"config\":{\"digest\":\"%s\",\"size\":%zu},\"layers\":["
	         "{\"digest\":\"%s\",\"size\":%zu},{\"digest\":\"%s\",\"size\":%zu}]}",
	         config_digest, strlen(config), layer_digest[0], len[0], layer_digest[1], len[1]);
	assert_true(digest_of(manifest, strlen(manifest), manifest_digest));
	snprintf(index, sizeof(index),
	         "{\"schemaVersion\":2,\"manifests\":[{\"digest\":\"sha256:%064d\",\"size\":1,"
	         "\"platform\":"
	         "{\"os\":\"linux\",\"architecture\":\"amd64\"}},{\"digest\":\"%s\",\"size\":%zu,"
	         "\"platform\":"
	         "{\"os\":\"linux\",\"architecture\":\"arm64\",\"variant\":\"v8\"},\"annotations\":"
	         "{\"org.opencontainers.image.ref.name\":\"alpine:3\"}}]}",
	         0, manifest_digest, strlen(manifest));
	if (strcmp(fault, "content") == 0)
		layer[1][len[1] / 2] ^= 1;
	tar_begin(&t, TAR_PLAIN);
	tar_add(&t, "oci-layout", S_IFREG | 0644, 0, "{\"imageLayoutVersion\":\"1.0.0\"}", NULL);
	tar_add(&t, "index.json", S_IFREG | 0644, 0, index, NULL);
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "blobs/sha256/%s", digest_hex(layer_digest[i]));
		if (strcmp(fault, "missing") != 0 || i)
			tar_add_bytes(&t, path, layer[i], len[i] - (strcmp(fault, "short") == 0));
		free(layer[i]);
	}
	snprintf(path, sizeof(path), "blobs/sha256/%s", digest_hex(config_digest));
	tar_add(&t, path, S_IFREG | 0644, 0, strcmp(fault, "config") == 0 ? "{}" : config, NULL);
	snprintf(path, sizeof(path), "blobs/sha256/%s", digest_hex(manifest_digest));
	tar_add(&t, path, S_IFREG | 0644, 0, manifest, NULL);
	return tar_end(&t);
}

static void test_oci(void **state)
{
	struct import im;
	struct image img;
	struct stat st;
	struct fail f;
	char flag;
	int tree, fd;

	(void)state;
	assert_int_equal(import(oci_archive(""), IMPORT_AUTO, "", &im, &f), 0);
	assert_string_equal(im.names, "alpine:3");
	tree = open_top(im.digest, &img);
	assert_int_equal(img.layer_count, 2);
	assert_int_equal(fstatat(tree, "etc/a", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISFIFO(st.st_mode));
	fd = openat(tree, "old", O_RDONLY);
	assert_int_equal(plat_fxattr_get(fd, META_XATTR_OPAQUE, &flag, 1), 1);
	close(fd);
	close(tree);
	/* Once more: nothing new. */
	assert_int_equal(import(oci_archive(""), IMPORT_IMAGE, "other:1", &im, &f), 0);
	assert_int_equal(entries(store.layers), 2);
}

static void test_oci_faults(void **state)
{
	static const struct {
		const char *fault, *word;
	} cases[] = {
	    {"content", "damaged"}, {"missing", "cannot read layer"}, {"config", "another content"},
	    {"diff", "another"},    {"arch", "not for linux/arm64"},  {"short", "truncated"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct import im;
		struct fail f;

		assert_true(import(oci_archive(cases[i].fault), IMPORT_IMAGE, "", &im, &f) < 0);
		if (!strstr(f.text, cases[i].word))
			fail_msg("%s: \"%s\"", cases[i].fault, f.text);
		assert_int_equal(entries(store.layers), 0);
		assert_int_equal(entries(store.blobs), 0);
	}
}

static void test_docker(void **state)
{
	char diff[DIGEST_TEXT_MAX], config[1024], *layer;
	struct tarbuild t;
	struct import im;
	struct image img;
	struct fail f;
	size_t len;
	int tree;

	(void)state;
	tar_begin(&t, TAR_PLAIN);
	tar_add(&t, "etc/a", S_IFREG | 0644, 0, "a", NULL);
	layer = tar_end_memory(&t, &len);
	assert_true(digest_of(layer, len, diff));
	snprintf(config, sizeof(config),
	         "{\"os\":\"linux\",\"architecture\":\"arm64\",\"rootfs\":{\"type\":\"layers\","
	         "\"diff_ids\":"
	         "[\"%s\",\"%s\"]}}",
	         diff, diff);
	tar_begin(&t, TAR_GZIP);
	tar_add_bytes(&t, "aaa/layer.tar", layer, len);
	tar_add(&t, "bbb", S_IFDIR | 0755, 0, NULL, NULL);
	tar_add(&t, "bbb/layer.tar", S_IFLNK | 0777, 0, NULL, "../aaa/layer.tar");
	tar_add(&t, "c.json", S_IFREG | 0644, 0, config, NULL);
	tar_add(&t, "manifest.json", S_IFREG | 0644, 0,
	        "[{\"Config\":\"c.json\",\"RepoTags\":[\"busy:1\"],\"Layers\":[\"aaa/"
	        "layer.tar\",\"bbb/layer.tar\"]}]",
	        NULL);
	free(layer);
	assert_int_equal(import(tar_end(&t), IMPORT_IMAGE, "", &im, &f), 0);
	assert_string_equal(im.names, "busy:1");
	tree = open_top(im.digest, &img);
	assert_true(tree >= 0);
	close(tree);
}

static void test_names(void **state)
{
	char digest[DIGEST_TEXT_MAX], first[DIGEST_TEXT_MAX];
	json_t *done = json_array(), *list;
	struct tarbuild t;
	struct import im;
	struct fail f;

	(void)state;
	tar_begin(&t, TAR_PLAIN);
	tar_add(&t, "x", S_IFREG | 0644, 0, "1", NULL);
	assert_int_equal(import(tar_end(&t), IMPORT_ROOTFS, "debian", &im, &f), 0);
	memcpy(first, im.digest, sizeof(first));
	assert_int_equal(images_find(&store, "docker.io/library/debian:latest", digest, &f), 0);
	assert_string_equal(digest, first);
	assert_int_equal(images_find(&store, "debian:13", digest, &f), -LX_ENOENT);
	assert_int_equal(images_tag(&store, "debian", "localhost:5000/my/deb:x", &f), 0);
	assert_int_equal(images_tag(&store, "debian", "Bad Name", &f), -LX_EINVAL);
	{
		char prefix[13];

		snprintf(prefix, sizeof(prefix), "%.12s", digest_hex(first));
		assert_int_equal(images_find(&store, prefix, digest, &f), 0);
		assert_string_equal(digest, first);
		assert_int_equal(images_remove(&store, prefix, false, done, &f), -LX_EBUSY);
	}
	list = images_list(&store);
	assert_int_equal(json_array_size(list), 2);
	json_decref(list);
	assert_int_equal(images_remove(&store, "debian", false, done, &f), 0);
	assert_int_equal(entries(store.layers), 1);
	assert_int_equal(images_remove(&store, "localhost:5000/my/deb:x", false, done, &f), 0);
	store_sweep(&store);
	assert_int_equal(entries(store.layers), 0);
	assert_int_equal(entries(store.blobs), 0);
	assert_int_equal(entries(store.tmp), 0);
	json_decref(done);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_rootfs), TEST(test_hostile),    TEST(test_replacement), TEST(test_truncated),
	    TEST(test_oci),    TEST(test_oci_faults), TEST(test_docker),      TEST(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
