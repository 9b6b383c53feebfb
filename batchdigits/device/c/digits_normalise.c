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

/* Make the mask of the ink and its tone. Returns the contrast; 0 if the ink is not distinct. */
static int find_contrast(canvas c, uint8_t tone[256], components *parts) {
    digits_set_over(c.view, c.planes, digits_threshold(c.view, c.planes, 0), MASK, 0);
    digits_label(c, MASK, parts);
    return digits_contrast(c.view, c.planes, 0, tone);
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
        const int contrast = find_contrast(c, tone, parts);
        if (digits_is_ink(c.view, c.planes, 0) && has_edges(c, parts, tone, contrast)) {
            return 1;
        }
    }
    return 0;
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
    digits_copy(c.planes, LINES, MASK);
    if (!find_digit(c, MIN_CELL_DIGIT_SHARE, parts, where)) {
        return 0;
    }
    digits_contrast(c.view, c.planes, GONE, tone);
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

/* Find the digit in the ink of MASK, without printed lines; the likelier of both if lines may be strokes. */
static found find_in(canvas c, int is_even, int is_ink, uint8_t tone[256], components *parts) {
    found f = {0.0f, {0, 0, 0, 0}, {0, 0, 0.0f}};
    digits_copy(c.planes, MASK, WHOLE);
    if (digits_may_be_lines(parts, c.view)) {
        if (is_even) {
            digits_remove_level(c.view, c.planes, tone);
        }
        f.cell = digits_find_cell(c, parts);
        digits_copy(c.planes, DIGIT, LINES);
    }
    const float whole = f.cell.is_cell ? f.cell.stroke_prior : 1.0f;
    for (int second = 0; second < 2 && f.prior <= 0.0f; second++) {
        if ((whole > 0.5f) != second) {
            f.prior = is_ink && whole > 0.0f && find_in_whole(c, parts, &f.where) ? whole : 0.0f;
        } else {
            f.prior = whole < 1.0f && find_in_cell(c, tone, parts, &f.where) ? 1.0f - whole : 0.0f;
        }
    }
    if (f.prior > 0.0f) {
        cut_out(c, tone);
        f.prior = digits_count(c.view, 255) ? f.prior : 0.0f;
    }
    return f;
}

/* Find the digit of a view whose ink is bright; its ink is left in the view. */
static found find_ink(canvas c, int is_even, digits_workspace *workspace) {
    const found none = {0.0f, {0, 0, 0, 0}, {0, 0, 0.0f}};
    uint8_t tone[256];
    components parts;
    const int contrast = find_contrast(c, tone, &parts), is_ink = is_even || digits_is_ink(c.view, c.planes, 0);
    if (parts.total > 1) {
        digits_join_faint(c, tone, &parts);
    }
    if (has_edges(c, &parts, tone, contrast)) {
        return find_in(c, is_even, is_ink, tone, &parts);
    }
    return find_hidden(c, is_even, workspace, tone, &parts) ? find_in(c, 0, 1, tone, &parts) : none;
}

/* ---- the image ---- */

/* A view with its ink bright, its background removed if that is unevenly lit. */
static picture lit_view(scan s, int inverted, int light, digits_workspace *workspace, int *is_even) {
    const picture view = digits_view(s, inverted, workspace->view);
    *is_even = digits_is_even(view, digits_threshold(view, view, 0), workspace->scratch);
    if (!light) {
        digits_invert(view);
    }
    if (!*is_even) {
        digits_flatten(view, workspace->scratch);
    }
    return view;
}

/* Columns and rows of the image around a digit that is small in the view, and what of the view is near the digit, as a bit
 * for each pixel of it. */
typedef struct {
    box where; /* in the view */
    int left, top, right, bottom;
    uint64_t rows[MIN_DIGIT_SIDE + 4];
} surroundings;

static surroundings surroundings_of(scan s, box where, picture planes) {
    const int scale = (max_of(s.width, s.height) - 1) / DIGITS_VIEW + 1;
    const float margin = CLOSE_UP_MARGIN * (float)length_of(where);
    surroundings around;
    around.left = max_of(0, round_of(((float)where.left - margin) * (float)scale));
    around.top = max_of(0, round_of(((float)where.top - margin) * (float)scale));
    around.right = min_of(s.width, round_of(((float)where.right + margin) * (float)scale));
    around.bottom = min_of(s.height, round_of(((float)where.bottom + margin) * (float)scale));
    around.where = box_from(max_of(0, where.left - 2), max_of(0, where.top - 2), min_of(planes.width, where.right + 2),
                            min_of(planes.height, where.bottom + 2));
    digits_widen(planes, DIGIT, FIRST, SECOND, 5, 5);
    for (int y = 0; y < height_of(around.where); y++) {
        around.rows[y] = 0;
        for (int x = 0; x < width_of(around.where); x++) {
            const uint64_t is_near = (*at(planes, around.where.left + x, around.where.top + y) & SECOND) != 0;
            around.rows[y] |= is_near << x;
        }
    }
    return around;
}

/* Set what is not near the digit to 0 in a view of its surroundings, so that lines need not be looked for again. */
static void keep_near(picture view, const surroundings *around, int scale) {
    const int left = around->left / scale, top = around->top / scale;
    const int width = (around->right - 1) / scale + 1 - left, height = (around->bottom - 1) / scale + 1 - top;
    for (int y = 0; y < view.height; y++) {
        for (int x = 0; x < view.width; x++) {
            const int u = left + x * width / view.width - around->where.left;
            const int v = top + y * height / view.height - around->where.top;
            const int is_inside = u >= 0 && v >= 0 && u < width_of(around->where) && v < height_of(around->where);
            if (!is_inside || !(around->rows[v] >> u & 1)) {
                *at(view, x, y) = 0;
            }
        }
    }
}

/* Look at a digit that is small in the view more closely; its ink is left in the view. Returns whether it is found. */
static int look_closer(scan s, int light, const surroundings *around, int inverted, int has_lines,
                       digits_workspace *workspace, picture *ink) {
    const scan near = {s.pixels + (ptrdiff_t)around->top * s.stride + around->left, around->right - around->left,
                       around->bottom - around->top, s.stride};
    int is_even;
    uint8_t tone[256];
    components parts;
    const canvas c = canvas_of(lit_view(near, inverted, light, workspace, &is_even), workspace);
    int contrast = find_contrast(c, tone, &parts);
    if (has_lines) {
        if (is_even) {
            digits_remove_level(c.view, c.planes, tone);
        }
        keep_near(c.view, around, (max_of(s.width, s.height) - 1) / DIGITS_VIEW + 1);
        contrast = find_contrast(c, tone, &parts);
    }
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
    const canvas c = canvas_of(*ink, workspace);
    found f = find_ink(c, is_even, workspace);
    const int is_shrunk = max_of(s.width, s.height) > DIGITS_VIEW, is_small = length_of(f.where) < MIN_DIGIT_SIDE;
    if (f.prior > 0.0f && is_shrunk && is_small) {
        const surroundings around = surroundings_of(s, f.where, c.planes);
        if (!look_closer(s, light, &around, inverted, f.cell.is_cell, workspace, ink)) {
            *ink = lit_view(s, inverted, light, workspace, &is_even);
            f = find_ink(canvas_of(*ink, workspace), is_even, workspace);
        }
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
    const picture view = digits_view(s, inverted, workspace->view);
    const int threshold = digits_threshold(view, view, 0);
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
