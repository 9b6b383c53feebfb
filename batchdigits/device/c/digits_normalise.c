/* From an image to its glyph, in the order in which the image takes the steps. */
#include "digits_normalise.h"
#include "digits_vision.h"

/* Find the digit under one polarity; its ink is left in workspace->view. */
static candidate find_under(scan s, int inverted, int light, digits_workspace *workspace, picture *ink) {
    int is_even;
    *ink = digits_lit_view(s, inverted, light, workspace, &is_even);
    const canvas c = digits_canvas(*ink, workspace);
    candidate f = digits_find_ink(c, is_even, workspace);
    const int is_shrunk = max_of(s.width, s.height) > DIGITS_VIEW, is_small = length_of(f.where) < MIN_DIGIT_SIDE;
    if (f.prior > 0.0f && is_shrunk && is_small) {
        const surroundings around = digits_surroundings(s, f.where, c.planes);
        if (!digits_look_closer(s, light, &around, inverted, f.cell.is_cell, workspace, ink)) {
            *ink = digits_lit_view(s, inverted, light, workspace, &is_even);
            f = digits_find_ink(digits_canvas(*ink, workspace), is_even, workspace);
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
        const candidate f = find_under(s, inverted, p.light != other, workspace, &digit);
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
