/* From the image to the view, whose longer side has DIGITS_VIEW pixels at most. */
#include "digits_vision.h"

int digits_is_bright(scan s) {
    uint64_t sum = 0;
    for (int y = 0; y < s.height; y++) {
        const uint8_t *row = s.pixels + (ptrdiff_t)y * s.stride;
        for (int x = 0; x < s.width; x++) {
            sum += row[x];
        }
    }
    return 2 * sum > (uint64_t)255 * (uint64_t)s.width * (uint64_t)s.height;
}

picture digits_view(scan s, int inverted, uint8_t *pixels) {
    const int factor = (max_of(s.width, s.height) - 1) / DIGITS_VIEW + 1;
    const picture view = packed(pixels, max_of(1, s.width / factor), max_of(1, s.height / factor));
    const int across = min_of(s.width, factor), down = min_of(s.height, factor);
    const float count = (float)across * (float)down;
    for (int y = 0; y < view.height; y++) {
        for (int x = 0; x < view.width; x++) {
            uint64_t sum = 0;
            for (int j = 0; j < down; j++) {
                const uint8_t *row = s.pixels + ((ptrdiff_t)y * factor + j) * s.stride + (ptrdiff_t)x * factor;
                uint32_t row_sum = 0;
                for (int i = 0; i < across; i++) {
                    row_sum += row[i];
                }
                sum += row_sum;
            }
            const float mean = float_of(sum) / count;
            *at(view, x, y) = (uint8_t)((inverted ? 255.0f - mean : mean) + 0.5f);
        }
    }
    return view;
}

picture digits_lit_view(scan s, int inverted, int light, int as_uneven, digits_workspace *workspace, int *is_even) {
    const picture view = digits_view(s, inverted, workspace->view);
    *is_even = !as_uneven && digits_is_even(view, digits_threshold(view, view, 0), workspace->scratch);
    if (!light) {
        digits_invert(view);
    }
    if (!*is_even) {
        digits_flatten(view, workspace->scratch);
    }
    return view;
}
