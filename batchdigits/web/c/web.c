/* What the page calls beside digits_load and digits_run. */
#include "digits_normalise.h"

static digits_workspace workspace;

/* Memory for a glyph and for the logits of the widest layer, which the page reads and writes. */
uint8_t digits_glyph[28 * 28];
int8_t digits_logits[65536];

/* Make digits_glyph of a grey image. Returns 0 if there is no ink. */
int digits_make_glyph(const uint8_t *image, int width, int height, digits_ink ink) {
    return digits_normalise(image, width, height, width, ink, &workspace, digits_glyph);
}
