/* From an image to its glyph, in the order in which the image takes the steps. */
#include "digits_normalise.h"
#include "digits_vision.h"

#define MIN_DIGIT_SIDE 40           /* pixels; a shorter digit in a shrunken view is cropped from the image again */
#define MIN_DIGIT_SHARE 0.025f      /* of the view's longer side; shorter ink is dust */
#define MIN_CELL_DIGIT_SHARE 0.15f  /* the same, in a cell whose printed lines were removed */
#define CLOSE_UP_MARGIN 0.25f       /* background around a digit that is cropped again, as a share of its length */
#define MIN_GRAIN_BLUR 0.6f         /* pixels of the blur that removes grain */
#define GRAIN_BLUR 0.01f            /* the same, added, as a share of the view's longer side */

/* What was found under one polarity. */
typedef struct {
    float prior;      /* how probable the digit is by the picture alone; 0 without one */
    box where;        /* of the digit, which is in DIGIT */
    cell cell;
} found;

static canvas canvas_of(picture view, digits_workspace *workspace) {
    uint8_t *labels = (uint8_t *)workspace->scratch;
    const canvas c = {view, packed(labels, view.width, view.height),
                      packed(labels + DIGITS_VIEW * DIGITS_VIEW, view.width, view.height)};
    return c;
}

/* ---- ink ---- */

/* Make the mask of the ink and its tone. Returns the contrast; 0 if the ink is not distinct or has no edges. */
static int find_contrast(canvas c, uint8_t tone[256], components *parts, int *is_ink) {
    uint32_t counts[256];
    digits_levels(c.view, c.planes, 0, counts);
    digits_set_over(c.view, c.planes, digits_otsu(counts), MASK, 0);
    const int area = digits_count(c.planes, MASK), contrast = digits_tone(counts, area, tone);
    *is_ink = digits_is_ink(counts, area);
    digits_label(c, MASK, parts);
    return contrast;
}

static int has_edges(canvas c, const components *parts, const uint8_t tone[256], int contrast) {
    return parts->labels && contrast &&
           digits_has_edges(c.view, c.planes, parts->of[digits_longest(parts) - 1], tone, contrast);
}

/* Look for ink in a view with less background, and then with less grain, too: fields of two greys, as of tinted forms, and
 * strong grain hide ink that a person sees. Returns whether there is any. */
static int find_hidden(canvas c, int is_even, digits_workspace *workspace, uint8_t tone[256], components *parts) {
    if (short_side(c.view) < MIN_CELL_SIDE) {
        return 0;
    }
    if (is_even) {
        digits_flatten(c.view, workspace->scratch);
    }
    for (int blurred = 0; blurred < 2; blurred++) {
        if (blurred) {
            digits_blur(c.view, MIN_GRAIN_BLUR + GRAIN_BLUR * (float)long_side(c.view));
        }
        int is_ink;
        const int contrast = find_contrast(c, tone, parts, &is_ink);
        if (is_ink && has_edges(c, parts, tone, contrast)) {
            return 1;
        }
    }
    return 0;
}

/* Put an evenly lit view on a background of 0, without stretching its contrast, and shift its tone accordingly. */
static void remove_level(canvas c, uint8_t tone[256]) {
    uint32_t counts[256];
    memset(counts, 0, sizeof counts);
    int area = 0;
    for (int i = 0; i < area_of(c.view); i++) {
        const int is_dark = !(c.planes.pixels[i] & MASK);
        counts[c.view.pixels[i]] += (uint32_t)is_dark;
        area += is_dark;
    }
    const int level = digits_rank(counts, (float)area / 2.0f);
    for (int i = 0; i < area_of(c.view); i++) {
        c.view.pixels[i] = (uint8_t)max_of(0, c.view.pixels[i] - level);
    }
    for (int i = 0; i < 256; i++) {
        tone[i] = tone[min_of(255, i + level)];
    }
}

/* ---- the digit ---- */

/* Put the digit among the ink of MASK into DIGIT. Returns whether there is one that is long enough. */
static int find_digit(canvas c, float least_share, components *parts, box *where) {
    digits_label(c, MASK, parts);
    digits_select(c, digits_find(c, parts), DIGIT);
    *where = digits_box(c.planes, DIGIT);
    const float least = larger(2.0f, least_share * (float)long_side(c.view));
    return width_of(*where) && (float)length_of(*where) >= least && !digits_is_form(c.planes, DIGIT);
}

/* Set what is not ink of the digit, or more than 1 or 2 pixels from it, to 0, and the rest to its tone. */
static void cut_out(canvas c, const uint8_t tone[256]) {
    const int side = long_side(c.view) < MIN_DIGIT_SIDE ? 3 : 5;
    digits_widen(c.planes, DIGIT, FIRST, SECOND, side, side);
    for (int i = 0; i < area_of(c.view); i++) {
        c.view.pixels[i] = c.planes.pixels[i] & SECOND ? tone[c.view.pixels[i]] : 0;
    }
}

/* The digit of a cell without its lines; the ink of the cell is in LINES. */
static int find_in_cell(canvas c, uint8_t tone[256], components *parts, box *where) {
    uint32_t counts[256];
    digits_copy(c.planes, LINES, MASK);
    if (!find_digit(c, MIN_CELL_DIGIT_SHARE, parts, where)) {
        return 0;
    }
    digits_levels(c.view, c.planes, GONE, counts);
    digits_tone(counts, digits_count(c.planes, LINES), tone);
    for (int i = 0; i < area_of(c.view); i++) {
        c.view.pixels[i] = c.planes.pixels[i] & GONE ? 0 : c.view.pixels[i];
    }
    return 1;
}

/* The digit among all ink, which is in WHOLE. */
static int find_in_whole(canvas c, components *parts, box *where) {
    digits_copy(c.planes, WHOLE, MASK);
    return find_digit(c, MIN_DIGIT_SHARE, parts, where);
}

/* Find the digit of a view whose ink is bright; its ink is left in the view. */
static found find_ink(canvas c, int is_even, digits_workspace *workspace) {
    found f = {0.0f, {0, 0, 0, 0}, {0, 0, 1.0f}};
    uint8_t tone[256];
    components parts;
    int is_ink;
    int contrast = find_contrast(c, tone, &parts, &is_ink);
    is_ink |= is_even;
    if (parts.total > 1) {
        digits_join_faint(c, tone, &parts);
    }
    if (!has_edges(c, &parts, tone, contrast)) {
        if (!find_hidden(c, is_even, workspace, tone, &parts)) {
            return f;
        }
        is_even = 0;
        is_ink = 1;
    }
    if (digits_may_be_lines(&parts, c.view)) {
        if (is_even) {
            remove_level(c, tone);
        }
        f.cell = digits_find_cell(c, &parts);
        digits_copy(c.planes, DIGIT, LINES);
    } else {
        digits_copy(c.planes, MASK, WHOLE);
    }
    const float whole = is_ink ? f.cell.is_cell ? f.cell.stroke_prior : 1.0f : 0.0f, cell = 1.0f - f.cell.stroke_prior;
    if (whole > cell && find_in_whole(c, &parts, &f.where)) {
        f.prior = whole;
    } else if (f.cell.is_cell && cell > 0.0f && find_in_cell(c, tone, &parts, &f.where)) {
        f.prior = cell;
    } else if (whole > 0.0f && whole <= cell && find_in_whole(c, &parts, &f.where)) {
        f.prior = whole;
    }
    if (f.prior > 0.0f) {
        cut_out(c, tone);
        f.prior = digits_count(c.view, 255) ? f.prior : 0.0f;
    }
    return f;
}

/* ---- the image ---- */

/* The part of the image around a digit that is small in the view. */
static scan close_up(scan s, box where) {
    const int scale = (max_of(s.width, s.height) - 1) / DIGITS_VIEW + 1;
    const float margin = CLOSE_UP_MARGIN * (float)length_of(where);
    const int left = max_of(0, round_of(((float)where.left - margin) * (float)scale));
    const int top = max_of(0, round_of(((float)where.top - margin) * (float)scale));
    const int right = min_of(s.width, round_of(((float)where.right + margin) * (float)scale));
    const int bottom = min_of(s.height, round_of(((float)where.bottom + margin) * (float)scale));
    const scan part = {s.pixels + (ptrdiff_t)top * s.stride + left, right - left, bottom - top, s.stride};
    return part;
}

/* A view with its ink bright, its background removed if that is unevenly lit. */
static picture lit_view(scan s, int inverted, int light, digits_workspace *workspace, int *is_even) {
    uint32_t counts[256];
    const picture view = digits_view(s, inverted, workspace->view);
    digits_levels(view, view, 0, counts);
    *is_even = digits_is_even(view, digits_otsu(counts), workspace->scratch);
    if (!light) {
        digits_invert(view);
    }
    if (!*is_even) {
        digits_flatten(view, workspace->scratch);
    }
    return view;
}

/* Look at a digit that is small in the view more closely. Returns whether it is found there. */
static int look_closer(scan s, int inverted, int light, digits_workspace *workspace, picture *ink) {
    int is_even, is_ink;
    uint8_t tone[256];
    components parts;
    const canvas c = canvas_of(lit_view(s, inverted, light, workspace, &is_even), workspace);
    const int contrast = find_contrast(c, tone, &parts, &is_ink);
    digits_select(c, digits_find(c, &parts), DIGIT);
    if (!contrast || !digits_count(c.planes, DIGIT)) {
        return 0;
    }
    cut_out(c, tone);
    *ink = c.view;
    return digits_count(c.view, 255) > 0;
}

/* Find the digit under one polarity; its ink is left in workspace->view. */
static found find_under(scan s, int inverted, int light, digits_workspace *workspace, picture *ink) {
    int is_even;
    *ink = lit_view(s, inverted, light, workspace, &is_even);
    found f = find_ink(canvas_of(*ink, workspace), is_even, workspace);
    const int is_shrunk = max_of(s.width, s.height) > DIGITS_VIEW, is_small = length_of(f.where) < MIN_DIGIT_SIDE;
    if (f.prior > 0.0f && is_shrunk && is_small && !f.cell.is_cell &&
        !look_closer(close_up(s, f.where), inverted, light, workspace, ink)) {
        *ink = lit_view(s, inverted, light, workspace, &is_even);
        f = find_ink(canvas_of(*ink, workspace), is_even, workspace);
    }
    return f;
}

/* Whether a glyph is a filled box, such as the inside of an empty cell under the wrong polarity. */
static int is_solid(uint8_t glyph[28 * 28]) {
    for (int i = 0; i < 28 * 28; i++) {
        glyph[i] = glyph[i] > 127;
    }
    const picture core = packed(glyph, 28, 28);
    const box b = digits_box(core, 1);
    return (float)digits_count(core, 1) > MIN_SOLID_SHARE * (float)(width_of(b) * height_of(b));
}

static polarity polarity_of(scan s, int inverted, digits_ink ink, digits_workspace *workspace) {
    if (ink != DIGITS_INK_AUTO) {
        const polarity given = {(ink == DIGITS_INK_LIGHT) != inverted, 1};
        return given;
    }
    uint32_t counts[256];
    const picture view = digits_view(s, inverted, workspace->view);
    digits_levels(view, view, 0, counts);
    const int threshold = digits_otsu(counts);
    const int is_even = digits_is_even(view, threshold, workspace->scratch);
    return digits_polarity(view, threshold, is_even, workspace->scratch);
}

int digits_normalise(const uint8_t *image, int width, int height, int stride, digits_ink ink,
                     digits_workspace *workspace, uint8_t glyph[28 * 28]) {
    if (width < 1 || height < 1 || stride < width) {
        return 0;
    }
    const scan s = {image, width, height, stride};
    const int inverted = digits_is_bright(s);
    const polarity p = polarity_of(s, inverted, ink, workspace);
    float best = 0.0f;
    int has_empty_box = 0;
    for (int other = 0; other <= !p.is_sure; other++) {
        picture digit;
        const found f = find_under(s, inverted, p.light != other, workspace, &digit);
        const int is_box = f.cell.is_cell && f.cell.is_box;
        has_empty_box |= is_box && f.prior <= 0.0f;
        if (f.prior > best || (is_box && f.prior > 0.0f)) {
            digits_frame(digit, workspace, glyph);
            best = f.prior;
        }
        if (is_box && f.prior > 0.0f) { /* under the other polarity, the inside of the box would be ink */
            break;
        }
    }
    if (has_empty_box && best > 0.0f) {
        uint8_t *copy = (uint8_t *)workspace->scratch;
        memcpy(copy, glyph, 28 * 28);
        return !is_solid(copy);
    }
    return best > 0.0f;
}
