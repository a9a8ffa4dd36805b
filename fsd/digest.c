/* digest.c: see digest.h. */
#include "fsd/digest.h"

#include <openssl/evp.h>

struct digest_state {
	EVP_MD_CTX *ctx;
	bool failed;
};

struct digest_state *digest_new(void)
{
	struct digest_state *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->ctx = EVP_MD_CTX_new();
	if (!d->ctx || EVP_DigestInit_ex(d->ctx, EVP_sha256(), NULL) != 1) {
		digest_free(d);
		return NULL;
	}
	return d;
}

void digest_free(struct digest_state *d)
{
	if (!d)
		return;
	EVP_MD_CTX_free(d->ctx);
	free(d);
}

void digest_update(struct digest_state *d, const void *data, size_t len)
{
	if (EVP_DigestUpdate(d->ctx, data, len) != 1)
		d->failed = true;
}

bool digest_finish(struct digest_state *d, char out[DIGEST_TEXT_MAX])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char raw[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	char *p = out + strlen(DIGEST_PREFIX);

	if (EVP_DigestFinal_ex(d->ctx, raw, &len) != 1 || len != DIGEST_HEX_LEN / 2 || d->failed)
		return false;
	memcpy(out, DIGEST_PREFIX, strlen(DIGEST_PREFIX));
	for (unsigned i = 0; i < len; i++) {
		*p++ = digits[raw[i] >> 4];
		*p++ = digits[raw[i] & 15];
	}
	*p = '\0';
	return true;
}

bool digest_of(const void *data, size_t len, char out[DIGEST_TEXT_MAX])
{
	struct digest_state *d = digest_new();
	bool ok;

	if (!d)
		return false;
	digest_update(d, data, len);
	ok = digest_finish(d, out);
	digest_free(d);
	return ok;
}

bool digest_ok(const char *text)
{
	size_t prefix = strlen(DIGEST_PREFIX);

	return strncmp(text, DIGEST_PREFIX, prefix) == 0 &&
	       strspn(text + prefix, "0123456789abcdef") == DIGEST_HEX_LEN &&
	       text[prefix + DIGEST_HEX_LEN] == '\0';
}

const char *digest_hex(const char *text)
{
	return text + strlen(DIGEST_PREFIX);
}
