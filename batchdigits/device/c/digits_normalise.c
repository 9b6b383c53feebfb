/* From an image to its glyph, in the order in which the image takes the steps. */
#include "digits_normalise.h"
#include "digits_vision.h"

/* Find the digit under one polarity; its ink is left in workspace->view. */
static candidate find_under(scan s, int inverted, int light, int as_uneven, digits_workspace *workspace, picture *ink) {
    int is_even;
    *ink = digits_lit_view(s, inverted, light, as_uneven, workspace, &is_even);
    const canvas c = digits_canvas(*ink, workspace);
    candidate f = digits_find_ink(c, is_even, workspace);
    const int is_shrunk = max_of(s.width, s.height) > DIGITS_VIEW, is_small = length_of(f.where) < MIN_DIGIT_SIDE;
    if (f.prior > 0.0f && is_shrunk && is_small) {
        const surroundings around = digits_surroundings(s, f.where, c.planes);
        if (!digits_look_closer(s, light, &around, inverted, f.cell.is_cell, workspace, ink)) {
            *ink = digits_lit_view(s, inverted, light, as_uneven, workspace, &is_even);
            f = digits_find_ink(digits_canvas(*ink, workspace), is_even, workspace);
        }
    }
    return f;
}

/* Whether a glyph is a filled box, such as the inside of an empty cell under the wrong polarity. */
static int is_solid(const uint8_t glyph[28 * 28]) {
    box b = box_from(28, 28, 0, 0);
    int count = 0;
    for (int i = 0; i < 28 * 28; i++) {
        if (glyph[i] > 127) {
            b = box_with(b, i % 28, i / 28);
            count++;
        }
    }
    return (float)count > MIN_SOLID_SHARE * (float)(width_of(b) * height_of(b));
}

static polarity polarity_of(scan s, int inverted, digits_ink ink, int as_uneven, digits_workspace *workspace) {
    if (ink != DIGITS_INK_AUTO) {
        const polarity given = {(ink == DIGITS_INK_LIGHT) != inverted, 1};
        return given;
    }
    const picture view = digits_view(s, inverted, workspace->view);
    const int threshold = digits_threshold(view, view, 0);
    const int is_even = !as_uneven && digits_is_even(view, threshold, workspace->scratch);
    return digits_polarity(view, threshold, is_even, workspace->scratch);
}

/* Find the glyph of a view, or of one that is taken for unevenly lit; `has_lines` says whether it has printed lines. */
static int find_glyph(scan s, int inverted, digits_ink ink, int as_uneven, digits_workspace *workspace,
                      uint8_t glyph[28 * 28], int *has_lines) {
    const polarity p = polarity_of(s, inverted, ink, as_uneven, workspace);
    float best = 0.0f;
    int has_empty_box = 0, is_unsure = 0;
    *has_lines = 0;
    for (int other = 0; other <= !p.is_sure; other++) {
        picture digit;
        const candidate f = find_under(s, inverted, p.light != other, as_uneven, workspace, &digit);
        const int is_box = f.cell.is_cell && f.cell.is_box;
        *has_lines |= f.cell.is_cell;
        has_empty_box |= is_box && f.prior <= 0.0f;
        is_unsure |= !f.cell.is_cell || f.cell.stroke_prior > 0.0f || f.cell.has_ink;
        if (f.prior > best || (is_box && f.prior > 0.0f)) {
            digits_frame(digit, workspace, glyph);
            best = f.prior;
        }
        if (is_box && f.prior > 0.0f) { /* under the other polarity, the inside of the box would be ink */
            break;
        }
    }
    if (best > 0.0f && !(has_empty_box && is_solid(glyph))) {
        return 1;
    }
    for (int other = 0; other <= !p.is_sure && is_unsure && !as_uneven; other++) {
        int is_even;
        const picture view = digits_lit_view(s, inverted, p.light != other, 0, workspace, &is_even);
        workspace->holds_writing |= digits_holds_writing(digits_canvas(view, workspace)) != 0;
    }
    return 0;
}

int digits_normalise(const uint8_t *image, int width, int height, int stride, digits_ink ink,
                     digits_workspace *workspace, uint8_t glyph[28 * 28]) {
    if (width < 1 || height < 1 || stride < width) {
        return 0;
    }
    const scan s = {image, width, height, stride};
    const int inverted = digits_is_bright(s);
    int has_lines, has_lines_then;
    workspace->holds_writing = 0;
    if (find_glyph(s, inverted, ink, 0, workspace, glyph, &has_lines)) {
        return 1;
    }
    const picture view = digits_view(s, inverted, workspace->view);
    if (workspace->holds_writing || ink != DIGITS_INK_AUTO || short_side(view) < MIN_CELL_SIDE ||
        !digits_is_even(view, digits_threshold(view, view, 0), workspace->scratch)) {
        return 0;
    }
    if ((has_lines || short_side(view) >= MIN_PAGE_SIDE) && !digits_has_shadows(view, workspace->scratch)) {
        return 0;
    }
    /* A shadow inside the view, or one in a small view, may have been taken for its background. Parts of lines that are
     * not found as such under another light are no digit. */
    return find_glyph(s, inverted, ink, 1, workspace, glyph, &has_lines_then) && has_lines_then >= has_lines;
}
