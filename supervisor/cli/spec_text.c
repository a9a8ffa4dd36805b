/* spec_text.c: see spec_text.h. */
#include "supervisor/cli/spec_text.h"

#include "common/base.h"

static json_t *encode_string(const json_t *string)
{
	const char *bytes = json_string_value(string);
	size_t len = json_string_length(string), used = 0;
	char *text = malloc(2 * len + 1);
	json_t *out;

	if (!text)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		uint8_t b = (uint8_t)bytes[i];

		if (b < 0x80) {
			text[used++] = (char)b;
			continue;
		}
		text[used++] = (char)(0xc0 | b >> 6);
		text[used++] = (char)(0x80 | (b & 0x3f));
	}
	out = json_stringn(text, used);
	free(text);
	return out;
}

static json_t *encode(const json_t *value);

static json_t *encode_array(const json_t *array)
{
	json_t *out = json_array(), *item;
	size_t i;

	json_array_foreach(array, i, item) {
		if (json_array_append_new(out, encode(item)) < 0) {
			json_decref(out);
			return NULL;
		}
	}
	return out;
}

static json_t *encode_object(const json_t *object)
{
	json_t *out = json_object(), *item;
	const char *key;

	json_object_foreach((json_t *)(uintptr_t)object, key, item) {
		if (json_object_set_new(out, key, encode(item)) < 0) {
			json_decref(out);
			return NULL;
		}
	}
	return out;
}

/* A copy with encoded strings.  Specifications are three levels deep. */
static json_t *encode(const json_t *value)
{
	if (json_is_string(value))
		return encode_string(value);
	if (json_is_array(value))
		return encode_array(value);
	if (json_is_object(value))
		return encode_object(value);
	return json_copy((json_t *)(uintptr_t)value);
}

char *spec_text(const json_t *spec)
{
	json_t *encoded = encode(spec);
	char *text = encoded ? json_dumps(encoded, JSON_COMPACT) : NULL;

	json_decref(encoded);
	return text;
}
