/* Find the ticks of a comb: the low walls at both sides of a form's cell, on a base line or without one. */
#include "digits_vision.h"

/* Shares are of the picture's height, unless its width is named. */
#define MIN_HEIGHT_SHARE 0.05f
#define MAX_HEIGHT_SHARE 0.6f
#define MIN_END_SHARE 0.75f        /* ticks stand in the lower part of a cell */
#define MAX_DIFFERENCE_SHARE 0.05f /* between the heights and between the ends of the two, and one pixel */
#define MAX_WIDTH_DIFFERENCE 1.4f  /* pixels, between the mean widths of the two: a 1 may cling to one */
#define SIDE_SHARE 0.2f            /* of the width: the margin at each side in which a tick lies */
#define MAX_WIDTH_SHARE 0.08f      /* of the width, and two pixels: thin, soft edges and all */
#define MIN_FILLED_SHARE 0.45f     /* of its box: a tick is upright and straight */

static int may_be_tick(box b, int area, picture p) {
    const float rows = (float)p.height, height = (float)height_of(b), width = (float)width_of(b);
    return height >= MIN_HEIGHT_SHARE * rows && height <= MAX_HEIGHT_SHARE * rows && width <= height &&
           width <= MAX_WIDTH_SHARE * (float)p.width + 2.0f && (float)area >= MIN_FILLED_SHARE * width * height &&
           (float)b.bottom >= MIN_END_SHARE * rows;
}

/* The label of the highest tick in the margin at a side; 0 without any. */
static int tick_at(const components *parts, int is_right, picture p) {
    int highest = 0;
    for (int label = 1; label <= parts->labels; label++) {
        const box b = parts->of[label - 1];
        const int is_left = (float)b.right <= SIDE_SHARE * (float)p.width;
        const int is_there = is_right ? (float)b.left >= (1.0f - SIDE_SHARE) * (float)p.width : is_left;
        if (is_there && may_be_tick(b, parts->area[label - 1], p)) {
            highest = !highest || height_of(b) > height_of(parts->of[highest - 1]) ? label : highest;
        }
    }
    return highest;
}

set digits_find_ticks(const components *parts, picture p) {
    if (parts->total > MAX_COMPONENTS || short_side(p) < MIN_CELL_SIDE) {
        return 0;
    }
    const int left = tick_at(parts, 0, p), right = tick_at(parts, 1, p);
    if (!left || !right) {
        return 0;
    }
    const box a = parts->of[left - 1], b = parts->of[right - 1];
    const float most = MAX_DIFFERENCE_SHARE * (float)p.height + 1.0f;
    const float tops = size_of((float)(a.top - b.top)), ends = size_of((float)(a.bottom - b.bottom));
    const float more = size_of((float)(parts->area[left - 1] - parts->area[right - 1]));
    const int is_alike = more <= MAX_WIDTH_DIFFERENCE * (float)height_of(a);
    return larger(tops, ends) <= most && is_alike ? only(left) | only(right) : 0;
}
