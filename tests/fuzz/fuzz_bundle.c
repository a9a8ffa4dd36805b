/*
 * fuzz_bundle.c: any files as an image: an OCI layout or a docker-archive, unpacked.  The input is
 * up to eight parts, separated by the byte 0xff: first what index.json says, then what
 * manifest.json says, then blobs, which lie where their digests say.  In the two texts the byte
 * 0x80 + N stands for the digest of blob N, and in blob N for those of the blobs behind it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fsd/bundle.h"
#include "fsd/digest.h"
#include "fsd/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PARTS    8
#define FIRST    2 /* blob */
#define TEXT_MAX (1u << 16)

struct part {
	char *text;
	size_t len;
	char digest[DIGEST_TEXT_MAX];
};

static char dir[] = "/tmp/carrick-fuzz-XXXXXX";
static int top = -1;

static void clean(void)
{
	if (top >= 0 && path_remove_contents(top) == 0)
		rmdir(dir);
}

static void write_file(int at, const char *name, const struct part *p)
{
	int fd = openat(at, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, p->text, p->len) != (ssize_t)p->len)
		__builtin_trap();
	close(fd);
}

/* The part's bytes, with digests in the places of their marks. */
static void expand(struct part *parts, unsigned i, const uint8_t *data, size_t size)
{
	struct part *p = &parts[i];

	p->text = malloc(TEXT_MAX);
	if (!p->text)
		__builtin_trap();
	for (size_t k = 0; k < size && p->len + DIGEST_TEXT_MAX < TEXT_MAX; k++) {
		unsigned blob = FIRST + (data[k] & 7u);

		if (data[k] >= 0x80 && blob < PARTS && blob > i && parts[blob].digest[0])
			p->len += (size_t)snprintf(p->text + p->len, DIGEST_TEXT_MAX, "%s",
						   parts[blob].digest);
		else
			p->text[p->len++] = (char)data[k];
	}
	if (!digest_of(p->text, p->len, p->digest))
		__builtin_trap();
}

static unsigned split(const uint8_t *data, size_t size, const uint8_t *start[PARTS], size_t len[PARTS])
{
	unsigned n = 0;

	while (n < PARTS) {
		const uint8_t *end = size ? memchr(data, 0xff, size) : NULL;

		start[n] = data;
		len[n] = end ? (size_t)(end - data) : size;
		n++;
		if (!end)
			break;
		size -= (size_t)(end + 1 - data);
		data = end + 1;
	}
	return n;
}

static void lay_out(int tree, const uint8_t *data, size_t size)
{
	struct part parts[PARTS] = {{0}}, layout = {.text = (char[]){"{\"imageLayoutVersion\":\"1.0.0\"}"}};
	const uint8_t *start[PARTS];
	size_t len[PARTS];
	unsigned n = split(data, size, start, len);
	char name[96];

	if (mkdirat(tree, "blobs", 0700) < 0 || mkdirat(tree, "blobs/sha256", 0700) < 0)
		__builtin_trap();
	for (unsigned i = n; i-- > 0;) {
		expand(parts, i, start[i], len[i]);
		if (i >= FIRST) {
			snprintf(name, sizeof(name), "blobs/sha256/%s", digest_hex(parts[i].digest));
			write_file(tree, name, &parts[i]);
		}
	}
	layout.len = strlen(layout.text);
	if (parts[0].len) {
		write_file(tree, "oci-layout", &layout);
		write_file(tree, "index.json", &parts[0]);
	}
	if (parts[1].len)
		write_file(tree, "manifest.json", &parts[1]);
	for (unsigned i = 0; i < n; i++)
		free(parts[i].text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fail f = {{0}};
	struct bundle b;
	int tree, fd;

	if (top < 0) {
		if (!mkdtemp(dir) || (top = open(dir, O_RDONLY | O_DIRECTORY)) < 0)
			__builtin_trap();
		atexit(clean);
	}
	if (mkdirat(top, "tree", 0700) < 0 || (tree = openat(top, "tree", O_RDONLY | O_DIRECTORY)) < 0)
		__builtin_trap();
	lay_out(tree, data, size);
	if (bundle_is_image(tree)) {
		if (bundle_open(&b, tree, "linux/arm64", 0, &f) == 0) {
			for (unsigned i = 0; i < b.image.layer_count; i++) {
				fd = bundle_open_layer(&b, i, &f);
				if (fd >= 0)
					close(fd);
				else if (!f.text[0])
					__builtin_trap();
			}
		} else if (!f.text[0]) {
			__builtin_trap();
		}
		bundle_release(&b);
	}
	close(tree);
	if (path_remove_tree(top, "tree") < 0)
		__builtin_trap();
	return 0;
}
