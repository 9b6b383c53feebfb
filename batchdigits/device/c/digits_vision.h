/* What the files of the normaliser share: pictures without copies, rounding as in Python, and the steps in the order in
 * which an image takes them. For the use of the library itself; a program includes digits_normalise.h. The values in
 * these files are those of batchdigits/vision, whose comments give the reasons. All arithmetic is in integers or single
 * precision. */
#ifndef DIGITS_VISION_H
#define DIGITS_VISION_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "digits_normalise.h"

#define MIN_CELL_SIDE 24      /* pixels of the shorter side; a smaller view is a tight crop, without room for lines */
#define MIN_PAGE_SIDE 48      /* the same; a smaller view has no room for a shadow */
#define SMALL_SIDE 40         /* the same; a digit fills more of a smaller view */
#define MIN_CONTRAST 16.0f    /* grey levels from background to ink */
#define MIN_FREE_SHARE 0.3f   /* of the longest component; one this long that does not touch the border is the digit */
#define MAX_COMPONENTS 20     /* of a digit; more are grain */
#define MIN_SOLID_SHARE 0.85f /* of the box of a filled field */

/* ---- pictures ---- */

typedef struct {
    uint8_t *pixels;
    int width, height;
    int across, down; /* bytes from a pixel to the next of its row, and of its column */
} picture;

typedef struct {
    int16_t left, top, right, bottom; /* right and bottom are one past the last column and row */
} box;

static inline box box_from(int left, int top, int right, int bottom) {
    const box b = {(int16_t)left, (int16_t)top, (int16_t)right, (int16_t)bottom};
    return b;
}

/* The smallest box with a box and a pixel in it. */
static inline box box_with(box b, int x, int y) {
    return box_from(x < b.left ? x : b.left, y < b.top ? y : b.top, x < b.right ? b.right : x + 1,
                    y < b.bottom ? b.bottom : y + 1);
}

static inline picture packed(uint8_t *pixels, int width, int height) {
    const picture p = {pixels, width, height, 1, width};
    return p;
}

static inline uint8_t *at(picture p, int x, int y) { return p.pixels + y * p.down + x * p.across; }

/* A part of a picture, which shares its pixels. */
static inline picture part(picture p, box b) {
    const picture inner = {at(p, b.left, b.top), b.right - b.left, b.bottom - b.top, p.across, p.down};
    return inner;
}

/* A picture with its rows as columns, which shares its pixels. */
static inline picture turned(picture p) {
    const picture other = {p.pixels, p.height, p.width, p.down, p.across};
    return other;
}

static inline int area_of(picture p) { return p.width * p.height; }
static inline int max_of(int a, int b) { return a > b ? a : b; }
static inline int min_of(int a, int b) { return a < b ? a : b; }
static inline int clamp(int x, int low, int high) { return x < low ? low : x > high ? high : x; }
static inline float larger(float a, float b) { return a > b ? a : b; }
static inline float smaller(float a, float b) { return a < b ? a : b; }
static inline float size_of(float x) { return x < 0.0f ? -x : x; }
static inline int long_side(picture p) { return max_of(p.width, p.height); }
static inline int short_side(picture p) { return min_of(p.width, p.height); }
static inline int width_of(box b) { return b.right - b.left; }
static inline int height_of(box b) { return b.bottom - b.top; }
static inline int length_of(box b) { return max_of(width_of(b), height_of(b)); }
static inline box all_of(picture p) { return box_from(0, 0, p.width, p.height); }

/* The compiler's own conversion takes double precision on boards without a floating-point unit. */
static inline float float_of(uint64_t x) { return (float)(uint32_t)(x >> 32) * 4294967296.0f + (float)(uint32_t)x; }

static inline int floor_of(float x) {
    const int whole = (int)x;
    return (float)whole > x ? whole - 1 : whole;
}

static inline int ceil_of(float x) { return -floor_of(-x); }

/* Rounds halves to even, like Python and OpenCV. */
static inline int round_of(float x) {
    const int whole = floor_of(x);
    const float rest = x - (float)whole;
    return rest > 0.5f || (rest == 0.5f && (whole & 1)) ? whole + 1 : whole;
}

static inline uint8_t to_byte(float x) { return (uint8_t)(x <= 0.0f ? 0 : x >= 255.0f ? 255 : round_of(x)); }

/* A pixel; 0 outside of the picture. */
static inline int pixel(picture p, int x, int y) {
    return x < 0 || y < 0 || x >= p.width || y >= p.height ? 0 : *at(p, x, y);
}

void digits_invert(picture p);

/* ---- masks: one bit of each pixel of a picture of planes ---- */

enum { MASK = 1, WHOLE = 2, GONE = 4, LINES = 8, DIGIT = 16, FIRST = 32, SECOND = 64, THIRD = 128 };

typedef enum { ANY, ALL, ALL_INSIDE } coverage;

/* Set the bit `to` of each pixel if `from` is set in any, or in all, of the pixels of its row from `before` before it
 * to `after` after it; clear it otherwise. Pixels beyond the picture are not set; ALL_INSIDE leaves them out. */
void digits_slide(picture planes, int from, int to, int before, int after, coverage kind);

/* Set the bit `to` where `from` is set within a rectangle, which must have an odd width and height; uses the bit `via`.
 */
void digits_widen(picture planes, int from, int via, int to, int width, int height);

/* Set the bit `to` where `from` is set in the whole of a rectangle; pixels beyond the picture do not count. */
void digits_narrow(picture planes, int from, int via, int to, int width, int height);

int digits_count(picture planes, int bit);
void digits_copy(picture planes, int from, int to);
void digits_clear(picture planes, int bits);

/* Set a bit where the view is over a level, and clear it elsewhere; pixels with the bit `except` count as 0. */
void digits_set_over(picture view, picture planes, int level, int bit, int except);

/* The box of the pixels with a bit; 0 in width and height without any. */
box digits_box(picture planes, int bit);

/* ---- grey levels ---- */

/* Count the pixels of each level; pixels with the bit `except` count as 0. */
void digits_levels(picture view, picture planes, int except, uint32_t counts[256]);

/* Otsu's threshold (1979): pixels above it are the lighter class. */
int digits_otsu(const uint32_t counts[256]);

/* That of a view; pixels with the bit `except` count as 0. */
int digits_threshold(picture view, picture planes, int except);

/* The lowest level of which so many pixels are at or below it. */
int digits_rank(const uint32_t counts[256], float rank);

/* ---- the image and its view ---- */

typedef struct {
    const uint8_t *pixels;
    int width, height, stride;
} scan;

int digits_is_bright(scan s);

/* Shrink by an integer factor, and invert if asked to, so that an image and its inverse give the same view. */
picture digits_view(scan s, int inverted, uint8_t *pixels);

/* A view with its ink bright, its background removed if that is unevenly lit, or taken for that. */
picture digits_lit_view(scan s, int inverted, int light, int as_uneven, digits_workspace *workspace, int *is_even);

/* ---- light and polarity; `scratch` has twice the bytes of the view ---- */

int digits_is_even(picture view, int threshold, uint16_t *scratch);

/* The total variation of the background in grey levels, of a view whose ink is bright. */
float digits_roughness(picture view, uint16_t *scratch);

/* Whether the background of a view whose ink is bright has a shadow, or a spot of light. */
int digits_has_shadows(picture view, uint16_t *scratch);

/* Remove the background of a view whose ink is bright. */
void digits_flatten(picture view, uint16_t *scratch);

/* Leave of a view what is narrower than a square with this odd side; uses another picture of the same size. */
void digits_top_hat(picture view, picture other, int side);

/* Blur about as much as a Gaussian of this standard deviation in pixels. */
void digits_blur(picture view, float deviation);

typedef struct {
    int light, is_sure; /* whether the ink is light */
} polarity;

polarity digits_polarity(picture view, int threshold, int is_even, uint16_t *scratch);

/* ---- contrast ---- */

/* Make the table that sets the background of a view to 0 and the peak of the ink of MASK to 255. Pixels with the bit
 * `except` count as 0. Returns the contrast in grey levels, 0 if the ink is not distinct. */
int digits_contrast(picture view, picture planes, int except, uint8_t tone[256]);

/* Whether MASK may be ink, and not the grain of a background. Pixels with the bit `except` do not count. */
int digits_is_ink(picture view, picture planes, int except);

/* Put an evenly lit view on a background of 0, without stretching its contrast, and shift its tone accordingly. */
void digits_remove_level(picture view, picture planes, uint8_t tone[256]);

/* Whether the ink in a box of a view has sharp edges, as light has not. */
int digits_has_edges(picture view, picture planes, box where, const uint8_t tone[256], int contrast);

/* ---- components ---- */

/* The view with its ink bright, and two pictures of the same size: a label for each pixel, and masks. */
typedef struct {
    picture view, labels, planes;
} canvas;

static inline canvas inner(canvas c, box b) {
    const canvas i = {part(c.view, b), part(c.labels, b), part(c.planes, b)};
    return i;
}

static inline canvas digits_canvas(picture view, digits_workspace *workspace) {
    uint8_t *labels = (uint8_t *)workspace->scratch;
    const canvas c = {view, packed(labels, view.width, view.height),
                      packed(labels + DIGITS_VIEW * DIGITS_VIEW, view.width, view.height)};
    return c;
}

#define MAX_LABELS 32 /* of the longest components; shorter ones have none */

typedef uint32_t set; /* of components: a bit for each label */

typedef struct {
    box of[MAX_LABELS + 1]; /* the component with label n is at n - 1; the last place is for a new one */
    uint16_t area[MAX_LABELS + 1];
    int labels, total; /* those with a label; all */
} components;

static inline set only(int label) { return (set)1 << (label - 1); }
static inline int is_in(set s, int label) { return label && s >> (label - 1) & 1; }

/* Label the components of a mask; neighbours along the diagonal are connected. */
void digits_label(canvas c, int bit, components *parts);

int digits_longest(const components *parts); /* the label; 0 without any */
int digits_touches(box b, picture p);        /* the border */
int digits_size(set s);                      /* how many */

/* The components that have a pixel in a part of the labels. */
set digits_present(picture labels);

/* Those that have a pixel with this bit. */
set digits_having(canvas c, int bit);

/* Those near the main ones, in comparison with the length of these. Uses the bits FIRST and SECOND. */
set digits_near(canvas c, const components *parts, set main);

void digits_select(canvas c, set keep, int bit);

/* Add the faint ink of MASK to it if that joins strokes; `parts` are those of the mask. Uses the bit FIRST. */
void digits_join_faint(canvas c, const uint8_t tone[256], components *parts);

int digits_may_be_lines(const components *parts, picture p);
int digits_may_have_more_lines(const components *parts, picture p);
int digits_is_frame_sized(box b, picture p);

/* The components that are the digit, without specks, splashes and the strokes of neighbours; none in a page of grain.
 */
set digits_find(canvas c, const components *parts);

/* ---- ticks, frames and lines ---- */

/* The two ticks of a comb among the components of a picture; none if there are no such. */
set digits_find_ticks(const components *parts, picture p);

/* The label of the component that is a closed frame; 0 if none is. */
int digits_find_frame(canvas c, const components *parts);

/* Whether the ink of a mask is part of a form: a large filled box, or what is left of a frame. */
int digits_is_form(picture planes, int bit);

#define MAX_STROKES_ALONG 15 /* that run in one direction; as many as half a byte can number */
#define MAX_LINES (2 * MAX_STROKES_ALONG)
#define MARGIN_SHARE 0.3f       /* of the side across: the margin of the picture, in which the sides of a box lie */
#define OUTER_MARGIN_SHARE 0.2f /* the same, for a line that only its place in a box tells from a stroke */
#define THIN_SHARE 0.02f        /* of the side along: a line so thin is told from a pen's stroke */
#define RULED_SHARE 0.92f        /* of the side along: a line of this length runs from edge to edge for sure */
#define CORNER_SHARE 0.06f      /* of the side along: how near the end of a line meets an edge, or a line across */
#define MAX_SLOPE 0.14f         /* rise over run, 8 degrees; a perspective or a curved page is within it */
#define MIN_LENGTH_SHARE 0.4f   /* of the side along which a stroke runs */

/* A long, thin and nearly straight stroke. */
typedef struct {
    float margin; /* its distance from the nearest side of the picture along it, as a share of the side across */
    uint8_t side; /* that side: a bit */
    uint8_t is_level, number; /* the number among those of its direction, from 1 on, as in the labels */
    uint8_t length, thickness;
    uint8_t start, end; /* along it, where it runs on through the corners at its ends */
    uint8_t near, far;  /* rows or columns across it */
    uint8_t along;      /* pixels of the picture's side that it runs along */
    uint16_t area;
} stroke;

#define ALL_SIDES 15

static inline float span_of(const stroke *s) { return (float)(s->end - s->start) / (float)s->along; }

/* Find the strokes of MASK. Their numbers are written to the labels, those of level ones in the low half of a byte and
 * those of upright ones in the high half. Uses the bits FIRST to THIRD. Returns how many there are. */
int digits_find_strokes(canvas c, stroke strokes[MAX_LINES]);

/* Those that are printed lines; `walls` are the sides at which the picture ends with a line that was found before. */
int digits_find_lines(canvas c, int walls, stroke lines[MAX_LINES]);

int digits_sides_of(const stroke *lines, int count);

/* Set the margin and side of a stroke in a picture of this width and height. */
void digits_place(stroke *s, int width, int height);

/* ---- the cell of a form ---- */

typedef struct {
    int is_cell;        /* whether there are printed lines; GONE is the mask of what to remove, and DIGIT of the rest */
    int is_box;         /* whether there is a line at each side */
    int has_ink;        /* whether there is anything in DIGIT */
    float stroke_prior; /* how probable it is that the lines are strokes of the digit, 0-1 */
} cell;

/* Find the printed lines of a view on a background of about 0, with its ink in MASK and `parts` of it. Uses all bits.
 */
cell digits_find_cell(canvas c, components *parts);

/* ---- the digit ---- */

#define MIN_DIGIT_SIDE 40 /* pixels; a shorter digit in a shrunken view is cropped from the image again */

/* What was found under one polarity. */
typedef struct {
    float prior; /* how probable the digit is by the picture alone; 0 without one */
    box where;   /* of the digit, which is in DIGIT */
    cell cell;
} candidate;

/* Make MASK of the ink, and its tone. Returns the contrast; 0 if the ink is not distinct. */
int digits_find_contrast(canvas c, uint8_t tone[256], components *parts);

/* Find the digit of a view whose ink is bright; its ink is left in the view. */
candidate digits_find_ink(canvas c, int is_even, digits_workspace *workspace);

/* Set what is more than 1 or 2 pixels from the mask of the digit to 0, and the rest to its tone. */
void digits_cut_out(canvas c, const uint8_t tone[256]);

/* Columns and rows of the image around a digit that is small in the view, and what of the view is near the digit, as a
 * bit for each pixel of it. */
typedef struct {
    box where; /* in the view */
    int left, top, right, bottom;
    uint64_t rows[MIN_DIGIT_SIDE + 4];
} surroundings;

surroundings digits_surroundings(scan s, box where, picture planes);

/* Find a digit in its surroundings; its ink is the view. Returns whether it is found there. */
int digits_look_closer(scan s, int light, const surroundings *around, int inverted, int has_lines,
                       digits_workspace *workspace, picture *ink);

/* Whether there is writing on a view whose ink is bright and in which no digit was found; the view is lost. */
int digits_holds_writing(canvas c);

/* Whether there is writing among bright strokes on a background of about 0; pixels with the bit `except` count as 0.
 * Labels the components of THIRD, which is lost. */
int digits_are_written(canvas c, int except);

/* ---- the glyph ---- */

/* Frame ink as MNIST does, which is in workspace->view; at least one pixel is over 0. */
void digits_frame(picture ink, digits_workspace *workspace, uint8_t glyph[28 * 28]);

#endif
