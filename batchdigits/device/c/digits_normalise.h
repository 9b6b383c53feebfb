/* The normaliser: from an 8-bit grey image of one digit to the glyph that the network takes. C99, no allocation, no
 * double precision, no library but memcpy and memset.
 *
 * It takes the steps of the Python normaliser of batchdigits: shrink the image; find the polarity; remove an unevenly
 * lit background; apply Otsu's threshold; remove printed lines and frames, so that an empty cell is blank; join broken
 * strokes; remove specks and the strokes of neighbours; crop a small digit from the image again; correct stroke width
 * and slant; fit the digit into a box of 20 pixels, and move its centre of mass to the middle. Where the picture does
 * not decide on the polarity, or on what belongs to the digit, it gives the likeliest glyph alone. */
#ifndef DIGITS_NORMALISE_H
#define DIGITS_NORMALISE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The view is the image, shrunk by an integer factor if a side is longer than DIGITS_VIEW pixels. A smaller view needs
 * less memory and time: 96 is nearly as good as 160, and for images of 28x28, 28 is enough. */
#ifndef DIGITS_VIEW
#define DIGITS_VIEW 160
#endif
#if DIGITS_VIEW < 8 || DIGITS_VIEW > 255
#error "DIGITS_VIEW is from 8 to 255"
#endif

/* Bytes of a digit while it becomes a glyph: twice, as its strokes are widened or narrowed, or once, with its rows
 * moved by up to 0.8 of its side to undo slant. DIGITS_MAX_SIDE is its longest side, and with wider strokes
 * DIGITS_WIDE_SIDE. */
#define DIGITS_MAX_SIDE (DIGITS_VIEW < 40 ? 40 : DIGITS_VIEW < 60 ? DIGITS_VIEW : 60)
#define DIGITS_WIDE_SIDE (DIGITS_MAX_SIDE + 2 * ((DIGITS_MAX_SIDE + 19) / 20))
#define DIGITS_STROKES_BYTES (2 * DIGITS_WIDE_SIDE * DIGITS_WIDE_SIDE)
#define DIGITS_SHEARED_BYTES (DIGITS_WIDE_SIDE * (DIGITS_WIDE_SIDE + 2 * ((4 * DIGITS_WIDE_SIDE + 4) / 5 + 1)))
#define DIGITS_MAX(a, b) ((a) > (b) ? (a) : (b))
#define DIGITS_DIGIT_BYTES DIGITS_MAX(DIGITS_STROKES_BYTES, DIGITS_SHEARED_BYTES)

typedef enum { DIGITS_INK_AUTO, DIGITS_INK_DARK, DIGITS_INK_LIGHT } digits_ink;

/* The workspace, which the caller provides: 77 KB for a view of 160, 30 KB for 96, 10 KB for 28. It keeps nothing
 * between calls. The stack takes 5 KB more. */
typedef struct {
    uint8_t view[DIGITS_MAX(DIGITS_VIEW * DIGITS_VIEW, DIGITS_DIGIT_BYTES)];
    uint16_t scratch[DIGITS_MAX(DIGITS_VIEW * DIGITS_VIEW, (DIGITS_DIGIT_BYTES + 1) / 2)];
} digits_workspace;

/* Make a glyph, 28 rows of 28 bytes with ink 255 on 0, from an image of `height` rows of `width` grey levels. Each row
 * begins `stride` bytes after the one before. Returns 1, or 0 if there is no ink, or if `width` or `height` is less
 * than 1 or `stride` less than `width`. */
int digits_normalise(const uint8_t *image, int width, int height, int stride, digits_ink ink,
                     digits_workspace *workspace, uint8_t glyph[28 * 28]);

#ifdef __cplusplus
}
#endif
#endif
