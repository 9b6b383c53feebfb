/* Tell pictures of other writing, such as several digits or a page of text, from those of one digit or none. */
#include "digits_vision.h"

#define MAX_STROKE_SHARE 0.12f /* of the view's longer side; what is wider is no stroke, but a field or a shadow */
#define MIN_STROKE_CONTRAST 40 /* grey levels of a stroke over what is around it */
#define MIN_STROKE_SIGNAL 12   /* the same in median deviations from the median, which grain does not reach */
#define MIN_PART_SHARE 0.06f   /* of the view's side; shorter components are dust */
#define MAX_PART_SHARE 0.5f    /* the same; longer ones are lines */
#define EDGE_SHARE 0.2f        /* of a side; the margin in which the dashes of a box lie */
#define MIN_LENGTH 5           /* pixels; shorter components are dust */
#define MIN_SMALL_LENGTH 3     /* pixels of the longest one of many; the dots of a screened background have 2 */
#define MAX_STROKES 5          /* of one digit, which lie apart */
#define MIN_INK_SHARE 0.02f    /* of the area; so much in more components than a digit has is writing */

/* The grey level over which pixels of a view without its background are strokes. */
static int level_of_strokes(picture view) {
    uint32_t counts[256];
    digits_levels(view, view, 0, counts);
    const uint32_t half = (uint32_t)area_of(view) / 2;
    const int median = digits_rank(counts, (float)half);
    uint32_t within = counts[median];
    int deviation = 0;
    while (within < half) {
        deviation++;
        within += median >= deviation ? counts[median - deviation] : 0;
        within += median + deviation < 256 ? counts[median + deviation] : 0;
    }
    return max_of(MIN_STROKE_CONTRAST, median + MIN_STROKE_SIGNAL * deviation);
}

/* Whether a box reaches the inside of a view, as no dash of a printed box does. */
static int reaches_inside(box b, picture view) {
    const int x = round_of(EDGE_SHARE * (float)view.width), y = round_of(EDGE_SHARE * (float)view.height);
    return b.left < view.width - x && b.right > x && b.top < view.height - y && b.bottom > y;
}

int digits_holds_writing(canvas c) {
    components parts;
    const float side = (float)long_side(c.view);
    if (side < (float)MIN_CELL_SIDE) {
        return 0;
    }
    digits_top_hat(c.view, c.labels, round_of(MAX_STROKE_SHARE * side) | 1);
    digits_set_over(c.view, c.planes, level_of_strokes(c.view), MASK, 0);
    digits_label(c, MASK, &parts);
    int count = parts.total - parts.labels, area = digits_count(c.planes, MASK), longest = 0;
    for (int i = 0; i < parts.labels; i++) {
        const float length = (float)length_of(parts.of[i]);
        if (digits_touches(parts.of[i], c.view) || length > MAX_PART_SHARE * side || !reaches_inside(parts.of[i], c.view)) {
            area -= parts.area[i];
        } else if (length >= larger((float)MIN_LENGTH, MIN_PART_SHARE * side)) {
            return 1;
        } else {
            longest = max_of(longest, (int)length);
            count++;
        }
    }
    return longest >= MIN_SMALL_LENGTH && count > MAX_STROKES && (float)area >= MIN_INK_SHARE * (float)area_of(c.view);
}
