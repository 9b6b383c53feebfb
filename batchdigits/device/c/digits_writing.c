/* Tell pictures of other writing, such as several digits or a page of text, from those of one digit or none. */
#include "digits_vision.h"

#define MAX_STROKE_SHARE 0.12f /* of the view's longer side; what is wider is no stroke, but a field or a shadow */
#define MIN_STROKE_CONTRAST 40 /* grey levels of a stroke over what is around it */
#define MIN_STROKE_SIGNAL 12   /* the same in median deviations from the median, which grain does not reach */
#define MIN_PART_SHARE 0.06f   /* of the view's side; shorter components are dust */
#define MAX_PART_SHARE 0.5f    /* the same; longer ones are lines */
#define MIN_LENGTH 5           /* pixels; shorter components are dust */
/* So many components in the margin, a share of the view's side, at each side are the dots or dashes of a box, if none is
 * wider than this share of the longer side. */
#define MIN_DASHES 2
#define SIDE_SHARE 0.2f
#define MAX_DASH_SHARE 0.11f
#define MIN_SMALL_LENGTH 3     /* pixels of the longest one of many; the dots of a screened background have 2 */
#define MAX_STROKES 5          /* of one digit, which lie apart */
#define MIN_INK_SHARE 0.02f    /* of the area; so much in more components than a digit has is writing */

/* The grey level over which pixels of a view without its background are strokes. */
static int level_of_strokes(canvas c, int except) {
    uint32_t counts[256];
    digits_levels(c.view, c.planes, except, counts);
    const uint32_t half = (uint32_t)area_of(c.view) / 2;
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

static int is_short(box b, float side) { return (float)length_of(b) <= MAX_PART_SHARE * side; }

static int is_wide(box b, float side) { return (float)min_of(width_of(b), height_of(b)) > MAX_DASH_SHARE * side; }

/* Whether a component lies in the margin at a side: left, right, top or bottom. */
static int is_in_margin(box b, int side, picture p) {
    const float x = SIDE_SHARE * (float)p.width, y = SIDE_SHARE * (float)p.height;
    const float right = (1.0f - SIDE_SHARE) * (float)p.width, bottom = (1.0f - SIDE_SHARE) * (float)p.height;
    return side == 0   ? (float)b.right <= x
           : side == 1 ? (float)b.left >= right
           : side == 2 ? (float)b.bottom <= y
                       : (float)b.top >= bottom;
}

/* Whether it lies in those at two sides, as the corner of a box does. */
static int is_in_corner(box b, picture p) {
    return (is_in_margin(b, 0, p) || is_in_margin(b, 1, p)) && (is_in_margin(b, 2, p) || is_in_margin(b, 3, p));
}

int digits_holds_writing(canvas c) {
    digits_top_hat(c.view, c.labels, round_of(MAX_STROKE_SHARE * (float)long_side(c.view)) | 1);
    return digits_are_written(c, 0);
}

int digits_are_written(canvas c, int except) {
    components parts;
    const float side = (float)long_side(c.view);
    if (side < (float)MIN_CELL_SIDE) {
        return 0;
    }
    digits_set_over(c.view, c.planes, level_of_strokes(c, except), THIRD, except);
    digits_label(c, THIRD, &parts);
    set free = 0, in_margins = 0;
    int is_box = 1;
    for (int margin = 0; margin < 4; margin++) {
        int dashes = 0;
        for (int i = 0; i < parts.labels; i++) {
            const box b = parts.of[i];
            free |= is_short(b, side) && !digits_touches(b, c.view) ? only(i + 1) : 0;
            is_box &= !(is_short(b, side) && is_wide(b, side)) || is_in_corner(b, c.view);
            if (is_in(free, i + 1) && is_in_margin(b, margin, c.view)) {
                in_margins |= only(i + 1);
                dashes++;
            }
        }
        is_box &= dashes >= MIN_DASHES;
    }
    int count = is_box ? 0 : parts.total - parts.labels, area = digits_count(c.planes, THIRD), longest = 0;
    for (int i = 0; i < parts.labels; i++) {
        if (!is_in(free, i + 1) || (is_box && is_in(in_margins, i + 1))) {
            area -= parts.area[i];
        } else if ((float)length_of(parts.of[i]) >= larger((float)MIN_LENGTH, MIN_PART_SHARE * side)) {
            return 1;
        } else {
            longest = max_of(longest, length_of(parts.of[i]));
            count++;
        }
    }
    return longest >= MIN_SMALL_LENGTH && count > MAX_STROKES && (float)area >= MIN_INK_SHARE * (float)area_of(c.view);
}
