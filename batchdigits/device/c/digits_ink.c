/* Find the digit of a view: its ink, without printed lines and without what does not belong to it. */
#include "digits_vision.h"

#define MIN_DIGIT_SHARE 0.025f     /* of the view's longer side; shorter ink is dust */
#define MIN_CELL_DIGIT_SHARE 0.15f /* the same, in a cell whose printed lines were removed */
#define MIN_GRAIN_BLUR 0.6f        /* pixels of the blur that removes grain */
#define GRAIN_BLUR 0.01f           /* the same, added, as a share of the view's longer side */

/* Make the mask of the ink and its tone. Returns the contrast; 0 if the ink is not distinct. */
int digits_find_contrast(canvas c, uint8_t tone[256], components *parts) {
    digits_set_over(c.view, c.planes, digits_threshold(c.view, c.planes, 0), MASK, 0);
    digits_label(c, MASK, parts);
    return digits_contrast(c.view, c.planes, 0, tone);
}

static int has_edges(canvas c, const components *parts, const uint8_t tone[256], int contrast) {
    return parts->labels && contrast &&
           digits_has_edges(c.view, c.planes, parts->of[digits_longest(parts) - 1], tone, contrast);
}

/* Look for ink in a view with less background, and then with less grain, too: fields of two greys, as of tinted forms,
 * and strong grain hide ink that a person sees. Returns whether there is any. */
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
        const int contrast = digits_find_contrast(c, tone, parts);
        if (digits_is_ink(c.view, c.planes, 0) && has_edges(c, parts, tone, contrast)) {
            return 1;
        }
    }
    return 0;
}

/* Put the digit among the ink of MASK into DIGIT. Returns whether there is one that is long enough. In an unevenly lit
 * view, what runs from edge to edge is the edge of a shadow. */
static int find_digit(canvas c, float least_share, int is_even, components *parts, box *where) {
    digits_label(c, MASK, parts);
    digits_select(c, digits_find(c, parts), DIGIT);
    *where = digits_box(c.planes, DIGIT);
    const float least = larger(2.0f, least_share * (float)long_side(c.view));
    const int is_shadow = !is_even && (width_of(*where) == c.view.width || height_of(*where) == c.view.height);
    return width_of(*where) && (float)length_of(*where) >= least && !is_shadow && !digits_is_form(c.planes, DIGIT);
}

/* Set what is not ink of the digit, or more than 1 or 2 pixels from it, to 0, and the rest to its tone. */
void digits_cut_out(canvas c, const uint8_t tone[256]) {
    const int side = long_side(c.view) < MIN_DIGIT_SIDE ? 3 : 5;
    digits_widen(c.planes, DIGIT, FIRST, SECOND, side, side);
    for (int i = 0; i < area_of(c.view); i++) {
        c.view.pixels[i] = c.planes.pixels[i] & SECOND ? tone[c.view.pixels[i]] : 0;
    }
}

/* The digit of a cell without its lines; the ink of the cell is in LINES. */
static int find_in_cell(canvas c, int is_even, uint8_t tone[256], components *parts, box *where) {
    digits_copy(c.planes, LINES, MASK);
    if (!find_digit(c, MIN_CELL_DIGIT_SHARE, is_even, parts, where)) {
        return 0;
    }
    digits_contrast(c.view, c.planes, GONE, tone);
    for (int i = 0; i < area_of(c.view); i++) {
        c.view.pixels[i] = c.planes.pixels[i] & GONE ? 0 : c.view.pixels[i];
    }
    return 1;
}

/* The digit among all ink, which is in WHOLE. */
static int find_in_whole(canvas c, int is_even, components *parts, box *where) {
    digits_copy(c.planes, WHOLE, MASK);
    return find_digit(c, MIN_DIGIT_SHARE, is_even, parts, where);
}

/* Find the digit in the ink of MASK, without printed lines; the likelier of both if lines may be strokes. */
static candidate find_in(canvas c, int is_even, int is_ink, uint8_t tone[256], components *parts) {
    candidate f = {0.0f, {0, 0, 0, 0}, {0, 0, 0, 0.0f}};
    digits_copy(c.planes, MASK, WHOLE);
    if (digits_may_be_lines(parts, c.view) || digits_find_ticks(parts, c.view)) {
        if (is_even) {
            digits_remove_level(c.view, c.planes, tone);
        }
        f.cell = digits_find_cell(c, parts);
        digits_copy(c.planes, DIGIT, LINES);
    }
    const float whole = f.cell.is_cell ? f.cell.stroke_prior : 1.0f;
    for (int second = 0; second < 2 && f.prior <= 0.0f; second++) {
        if ((whole > 0.5f) != second) {
            f.prior = is_ink && whole > 0.0f && find_in_whole(c, is_even, parts, &f.where) ? whole : 0.0f;
        } else {
            f.prior = whole < 1.0f && find_in_cell(c, is_even, tone, parts, &f.where) ? 1.0f - whole : 0.0f;
        }
    }
    if (f.prior > 0.0f) {
        digits_cut_out(c, tone);
        f.prior = digits_count(c.view, 255) ? f.prior : 0.0f;
    }
    return f;
}

/* How many borders of a view a box reaches. */
static int borders(box b, picture view) {
    return (b.left == 0) + (b.top == 0) + (b.right == view.width) + (b.bottom == view.height);
}

/* Find the digit that grain hides in an unevenly lit view; what reaches two borders is light. */
static candidate find_in_grain(canvas c, digits_workspace *workspace, uint8_t tone[256], components *parts) {
    candidate f = {0.0f, {0, 0, 0, 0}, {0, 0, 0, 0.0f}};
    if (find_hidden(c, 0, workspace, tone, parts) && find_digit(c, MIN_DIGIT_SHARE, 0, parts, &f.where) &&
        borders(f.where, c.view) < 2) {
        digits_cut_out(c, tone);
        f.prior = digits_count(c.view, 255) ? 1.0f : 0.0f;
    }
    return f;
}

/* Find the digit of a view whose ink is bright; its ink is left in the view. */
candidate digits_find_ink(canvas c, int is_even, digits_workspace *workspace) {
    const candidate none = {0.0f, {0, 0, 0, 0}, {0, 0, 0, 0.0f}};
    uint8_t tone[256];
    components parts;
    const int contrast = digits_find_contrast(c, tone, &parts), is_ink = is_even || digits_is_ink(c.view, c.planes, 0);
    if (parts.total > 1) {
        digits_join_faint(c, tone, &parts);
    }
    if (has_edges(c, &parts, tone, contrast)) {
        const candidate f = find_in(c, is_even, is_ink, tone, &parts);
        return is_ink || f.cell.is_cell ? f : find_in_grain(c, workspace, tone, &parts);
    }
    return find_hidden(c, is_even, workspace, tone, &parts) ? find_in(c, 0, 1, tone, &parts) : none;
}
