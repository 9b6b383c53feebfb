/* Find a closed frame around a cell, with straight, tilted, bent or rounded sides, and the tinted field of a form. */
#include "digits_vision.h"

#define MIN_FILLED_SHARE 0.9f  /* of its box, inside of its outline */
#define MAX_DEPTH 2.0f         /* of the mean thickness of its sides; ink that lies deeper within is none of it */
#define SIDE_EDGE 2            /* pixels by which that is more */
#define MIN_STROKE_SHARE 0.08f /* of its sides; such ink that is so long is a stroke of a digit */
#define MIN_MARGIN_SHARE 0.25f /* of its box's sides; nearer to its middle, no part of a frame lies */

/* Whether nothing of a mask that fills its picture is in the middle. */
static int is_hollow(picture planes, int bit) {
    const int x = round_of(MIN_MARGIN_SHARE * (float)planes.width),
              y = round_of(MIN_MARGIN_SHARE * (float)planes.height);
    return !digits_count(part(planes, box_from(x, y, planes.width - x, planes.height - y)), bit);
}

/* Move a pixel from `free` to `reached` if it is at the border or beside a reached one. Returns whether it was moved.
 */
static int reach(picture planes, int x, int y, int free, int reached) {
    uint8_t *here = at(planes, x, y);
    const int is_border = !x || !y || x == planes.width - 1 || y == planes.height - 1;
    const int beside =
        pixel(planes, x - 1, y) | pixel(planes, x + 1, y) | pixel(planes, x, y - 1) | pixel(planes, x, y + 1);
    if (!(*here & free) || !(is_border || beside & reached)) {
        return 0;
    }
    *here = (uint8_t)((*here & ~free) | reached);
    return 1;
}

/* The area of what is outside of the outline of a mask that fills its picture. Uses the bits FIRST and SECOND. */
static int outer_area(picture planes, int bit) {
    digits_clear(planes, SECOND);
    for (int y = 0; y < planes.height; y++) {
        for (int x = 0; x < planes.width; x++) {
            uint8_t *here = at(planes, x, y);
            *here = (uint8_t)((*here & ~FIRST) | (*here & bit ? 0 : FIRST));
        }
    }
    int area = 0;
    for (int last = -1; area > last;) {
        last = area;
        for (int y = 0; y < planes.height; y++) {
            for (int x = 0; x < planes.width; x++) {
                area += reach(planes, x, y, FIRST, SECOND);
            }
        }
        for (int y = planes.height - 1; y >= 0; y--) {
            for (int x = planes.width - 1; x >= 0; x--) {
                area += reach(planes, x, y, FIRST, SECOND);
            }
        }
    }
    return area;
}

/* Whether strokes run from the sides of a frame into the cell: a digit that touches them. The frame fills its picture and
 * is in THIRD; what is outside of its outline is in SECOND. Uses the bit FIRST. */
static int holds_strokes(picture planes) {
    const int area = digits_count(planes, THIRD), depth = SIDE_EDGE +
        round_of(MAX_DEPTH * (float)area / (float)(2 * (planes.width + planes.height)));
    const int side = 2 * depth + 1;
    if (min_of(planes.width, planes.height) < side) {
        return 0;
    }
    digits_widen(planes, SECOND, FIRST, SECOND, side, side);
    digits_clear(planes, FIRST);
    for (int y = depth; y < planes.height - depth; y++) {
        for (int x = depth; x < planes.width - depth; x++) {
            uint8_t *here = at(planes, x, y);
            *here |= (*here & THIRD) && !(*here & SECOND) ? FIRST : 0;
        }
    }
    const box b = digits_box(planes, FIRST);
    return larger((float)width_of(b) / (float)planes.width, (float)height_of(b) / (float)planes.height) >=
           MIN_STROKE_SHARE;
}

int digits_find_frame(canvas c, const components *parts) {
    const int label = digits_longest(parts);
    if (!label || !digits_is_frame_sized(parts->of[label - 1], c.labels)) {
        return 0;
    }
    const box b = parts->of[label - 1];
    digits_select(c, only(label), THIRD);
    const picture ink = part(c.planes, b);
    const int area = width_of(b) * height_of(b);
    const int is_frame =
        is_hollow(ink, THIRD) && (float)(area - outer_area(ink, THIRD)) >= MIN_FILLED_SHARE * (float)area;
    return is_frame && !holds_strokes(ink) ? label : 0;
}

/* The first or last pixel of a mask in a row; -1 without any. */
static int end_of_row(picture planes, int bit, int y, int last) {
    for (int i = 0; i < planes.width; i++) {
        const int x = last ? planes.width - 1 - i : i;
        if (*at(planes, x, y) & bit) {
            return x;
        }
    }
    return -1;
}

/* Twice the area between the left edge of a picture and one side of the convex hull of a mask: that of the first or of
 * the last pixels of its rows. */
static int area_up_to(picture planes, int bit, int last) {
    uint8_t xs[DIGITS_VIEW], ys[DIGITS_VIEW];
    int count = 0, area = 0;
    for (int y = 0; y < planes.height; y++) {
        const int x = end_of_row(planes, bit, y, last);
        if (x < 0) {
            continue;
        }
        while (count > 1) {
            const int turn = (xs[count - 1] - xs[count - 2]) * (y - ys[count - 2]) -
                             (x - xs[count - 2]) * (ys[count - 1] - ys[count - 2]);
            if (last ? turn > 0 : turn < 0) {
                break;
            }
            count--;
        }
        xs[count] = (uint8_t)x;
        ys[count++] = (uint8_t)y;
    }
    for (int i = 1; i < count; i++) {
        area += (xs[i] + xs[i - 1]) * (ys[i] - ys[i - 1]);
    }
    return area;
}

int digits_is_form(picture planes, int bit) {
    const box b = digits_box(planes, bit);
    if (!digits_is_frame_sized(b, planes)) {
        return 0;
    }
    const picture ink = part(planes, b);
    if ((float)digits_count(ink, bit) > MIN_SOLID_SHARE * (float)area_of(ink)) {
        return 1;
    }
    if (!is_hollow(ink, bit)) {
        return 0;
    }
    /* The convex hull of a frame fills its box, and that of a 0 does not. */
    const int hull = area_up_to(ink, bit, 1) - area_up_to(ink, bit, 0);
    return (float)hull >= 2.0f * MIN_FILLED_SHARE * (float)((ink.width - 1) * (ink.height - 1));
}
