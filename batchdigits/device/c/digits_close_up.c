/* Look at a digit that is small in the view more closely: crop it from the image again, and shrink that less. */
#include "digits_vision.h"

#define CLOSE_UP_MARGIN 0.25f /* background around the digit, as a share of its length */

surroundings digits_surroundings(scan s, box where, picture planes) {
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
int digits_look_closer(scan s, int light, const surroundings *around, int inverted, int has_lines,
                       digits_workspace *workspace, picture *ink) {
    const scan near = {s.pixels + (ptrdiff_t)around->top * s.stride + around->left, around->right - around->left,
                       around->bottom - around->top, s.stride};
    int is_even;
    uint8_t tone[256];
    components parts;
    const canvas c = digits_canvas(digits_lit_view(near, inverted, light, 0, workspace, &is_even), workspace);
    int contrast = digits_find_contrast(c, tone, &parts);
    if (has_lines) {
        if (is_even) {
            digits_remove_level(c.view, c.planes, tone);
        }
        keep_near(c.view, around, (max_of(s.width, s.height) - 1) / DIGITS_VIEW + 1);
        contrast = digits_find_contrast(c, tone, &parts);
    }
    digits_select(c, digits_find(c, &parts), DIGIT);
    if (!contrast || !digits_count(c.planes, DIGIT)) {
        return 0;
    }
    digits_cut_out(c, tone);
    *ink = c.view;
    return digits_count(c.view, 255) > 0;
}
