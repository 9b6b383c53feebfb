/* From an 8-bit grey image of one digit to the glyph that the network takes. C99, no allocation; needs libm.
 *
 * The part of batchdigits' normaliser that a camera over clean, evenly lit paper needs: view, polarity, Otsu's
 * threshold, paper to 0 and ink to 255, stroke width, slant, a box of 20 pixels, the centre of mass in the middle.
 * Left out: uneven light, specks and ruled lines, the second look at a digit that is small in its picture, and the
 * widths of strokes in DIGITS_INK_AUTO, so name the ink where you know it. */
#ifndef DIGITS_NORMALISE_H
#define DIGITS_NORMALISE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Longest side looked at; larger images are shrunk by a whole factor first. Less saves memory: a camera that crops to
 * 28x28 needs no more than -DDIGITS_VIEW=28. */
#ifndef DIGITS_VIEW
#define DIGITS_VIEW 160
#endif

/* Longest side of a digit after the view, which small ones are enlarged to; two copies of it while its strokes are
 * mended; and room for its rows, which undoing slant moves by 0.8 sides. */
#define DIGITS_LARGE (DIGITS_VIEW < 40 ? 40 : DIGITS_VIEW < 60 ? DIGITS_VIEW : 60)
#define DIGITS_MENDED (2 * (DIGITS_LARGE + 6) * (DIGITS_LARGE + 6))
#define DIGITS_SHEARED (DIGITS_LARGE * (DIGITS_LARGE + 2 * ((4 * DIGITS_LARGE + 4) / 5 + 1)))
#define DIGITS_MOST(a, b) ((a) > (b) ? (a) : (b))
#define DIGITS_ROOM DIGITS_MOST(DIGITS_VIEW * DIGITS_VIEW, DIGITS_MOST(DIGITS_MENDED, DIGITS_SHEARED))

typedef enum { DIGITS_INK_AUTO, DIGITS_INK_DARK, DIGITS_INK_LIGHT } digits_ink;

/* Room to work in, the caller's: 51 KB for a view of 160, 9 KB for 28. Its content means nothing between calls. */
typedef struct {
    uint8_t first[DIGITS_ROOM], second[DIGITS_ROOM];
} digits_workspace;

/* Make a glyph, 28 rows of 28 bytes, ink 255 on 0, of an image of `height` rows of `width` bytes, both at least 1.
 * Returns 1, or 0 where there is no ink. */
int digits_normalise(const uint8_t *image, int width, int height, digits_ink ink, digits_workspace *space,
                     uint8_t glyph[28 * 28]);

#ifdef __cplusplus
}
#endif
#endif
