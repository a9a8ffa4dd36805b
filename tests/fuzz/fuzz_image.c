/* fuzz_image.c: the JSON of images: manifest, configuration, index, Docker's manifest, references.
 */
#include "fsd/image.h"
#include "fsd/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;
	static struct image img;
	static struct image_docker docker;
	struct image_choice choice;
	struct reference ref;
	char *out;

	if (size == 0)
		return 0;
	size--;
	switch (data[0] % 6) {
	case 0:
		if (image_parse_manifest(text, size, &img) == 0) {
			/* What was accepted can be written again. */
			out = image_make_manifest(&img);
			free(out);
		}
		break;
	case 1:
		img.layer_count = data[0] / 6 % 3;
		if (image_parse_config(text, size, &img) == 0 && img.layer_count > IMAGE_MAX_LAYERS)
			__builtin_trap();
		break;
	case 2:
		if (image_choose(text, size, "linux/arm64", NULL, &choice) == 0 &&
		    !digest_ok(choice.digest))
			__builtin_trap();
		break;
	case 3:
		if (image_parse_docker(text, size, 0, &docker) == 0 &&
		    docker.layer_count > IMAGE_MAX_LAYERS)
			__builtin_trap();
		break;
	case 4:
		if (image_make_config("linux/arm64/v8", text, size, "sha256:0", &out) == 0)
			free(out);
		break;
	default:
		/* A parsed reference is its own long form. */
		if (reference_parse(text, size, &ref) == 0 && !ref.digest[0]) {
			struct reference again;

			if (reference_parse(ref.full, strlen(ref.full), &again) < 0 ||
			    strcmp(ref.full, again.full) != 0)
				__builtin_trap();
		}
		break;
	}
	return 0;
}
