/* Find the long, thin and nearly straight strokes of a mask: what may be a printed line. */
#include "digits_vision.h"

/* Shares are of the picture's side along which a stroke runs, unless another side is named. */
#define MIN_RUN_SHARE 0.25f      /* its straight runs, which a tilt or a bad print breaks */
#define MAX_THICKNESS_SHARE 0.2f /* of the picture's longer side */
#define MAX_GAP_SHARE 0.14f      /* a gap in it, where another stroke crosses */
#define MIN_FILLED_SHARE 0.6f    /* of its own length: with ink */
#define MIN_THIN_SHARE 0.45f     /* the same, with ink of its own thickness */
#define TILT_SHARE 0.0125f       /* rows that it may rise, either way, within a run */
#define MAX_BEND 0.012f          /* mean deviation from straightness, of its own length */
#define MAX_DEVIATION 0.5f       /* of its thickness: columns that lie off the fitted line are left out */
#define FITS 6
#define THICKNESS_RANK 0.33f  /* of its columns: a digit may cover the middle of a line */
#define MAX_BULGE 1.7f        /* of its thickness: where it is thicker, another stroke meets it */
#define MAX_CORNER_SHARE 0.2f /* how far it may run on through a corner, where thick lines cross */

/* The ink of a stroke in its box: for each column its number of pixels, and whether it is left out. */
typedef struct {
    box where;
    uint8_t sums[DIGITS_VIEW], keep[DIGITS_VIEW];
    uint16_t middles[DIGITS_VIEW]; /* in 1/256 of a pixel */
} ink;

/* Set SECOND where the straight runs of MASK are, without what is thicker than a line. Returns whether there are any.
 */
static int find_runs(picture planes) {
    const int run = max_of(5, round_of(MIN_RUN_SHARE * (float)planes.width));
    const int rows = 2 * max_of(1, round_of(TILT_SHARE * (float)planes.width)) + 1;
    digits_widen(planes, MASK, SECOND, FIRST, 3, rows);
    digits_slide(planes, FIRST, SECOND, run / 2, (run - 1) / 2, ALL_INSIDE);
    digits_slide(planes, SECOND, FIRST, run / 2, (run - 1) / 2, ANY);
    const int tall = max_of(2, round_of(MAX_THICKNESS_SHARE * (float)long_side(planes))) + 1;
    digits_slide(turned(planes), MASK, THIRD, tall / 2, (tall - 1) / 2, ALL);
    digits_slide(turned(planes), THIRD, SECOND, (tall - 1) / 2, tall / 2, ANY);
    int count = 0;
    for (int y = 0; y < planes.height; y++) {
        for (int x = 0; x < planes.width; x++) {
            uint8_t *here = at(planes, x, y);
            const int is_run = *here & FIRST && *here & MASK && !(*here & SECOND);
            *here = (uint8_t)((*here & ~SECOND) | (is_run ? SECOND : 0));
            count += is_run;
        }
    }
    return count > 0;
}

/* Move what is connected with FIRST along THIRD to FIRST. */
static void grow(picture planes) {
    box b = digits_box(planes, FIRST);
    for (int grown = 1; grown;) {
        grown = 0;
        for (int pass = 0; pass < 2; pass++) {
            const int top = max_of(0, b.top - 1), bottom = min_of(planes.height, b.bottom + 1);
            const int left = max_of(0, b.left - 1), right = min_of(planes.width, b.right + 1);
            for (int j = 0; j < bottom - top; j++) {
                for (int i = 0; i < right - left; i++) {
                    const int x = pass ? right - 1 - i : left + i, y = pass ? bottom - 1 - j : top + j;
                    uint8_t *here = at(planes, x, y);
                    if (!(*here & THIRD)) {
                        continue;
                    }
                    int beside = 0;
                    for (int dy = -1; dy <= 1; dy++) {
                        beside |=
                            pixel(planes, x - 1, y + dy) | pixel(planes, x, y + dy) | pixel(planes, x + 1, y + dy);
                    }
                    if (beside & FIRST) {
                        *here = (uint8_t)((*here & ~THIRD) | FIRST);
                        b = box_with(b, x, y);
                        grown = 1;
                    }
                }
            }
        }
    }
}

/* Whether a pixel of the stroke's box is its ink: a run in the component and in a column that is not left out. */
static int is_of(picture planes, const ink *i, int x, int y) {
    return (*at(planes, x, y) & (FIRST | SECOND)) == (FIRST | SECOND) && i->keep[x];
}

/* Count the pixels of each column, and find the box of the ink. */
static void measure(picture planes, ink *i) {
    i->where = box_from(planes.width, planes.height, 0, 0);
    for (int x = 0; x < planes.width; x++) {
        int sum = 0;
        for (int y = 0; y < planes.height; y++) {
            if (is_of(planes, i, x, y)) {
                sum++;
                i->where = box_with(i->where, x, y);
            }
        }
        i->sums[x] = (uint8_t)sum;
    }
}

/* The lower third of the columns with ink is no thicker than so many pixels. */
static int thickness_of(const ink *i, int width, int *thickest) {
    uint8_t counts[DIGITS_VIEW + 1];
    int filled = 0, thickness = 0;
    memset(counts, 0, sizeof counts);
    *thickest = 0;
    for (int x = 0; x < width; x++) {
        counts[i->sums[x]]++;
        filled += i->sums[x] > 0;
        *thickest = max_of(*thickest, i->sums[x]);
    }
    for (int below = 0; thickness < DIGITS_VIEW && below <= (int)(THICKNESS_RANK * (float)filled);) {
        below += counts[++thickness];
    }
    return thickness;
}

/* Whether a stroke follows a straight line closely, by its moments. */
static int is_straight(picture planes, const ink *i, int thickness) {
    const float bend = MAX_BEND * (float)width_of(i->where);
    if ((float)(height_of(i->where) - 1) <= 2.0f * bend) { /* so few rows bound both the slope and the variance */
        return 1;
    }
    int32_t mass = 0, sum_x = 0, sum_y = 0;
    float across = 0.0f, both = 0.0f, down = 0.0f;
    for (int pass = 0; pass < 2; pass++) {
        for (int y = i->where.top; y < i->where.bottom; y++) {
            for (int x = i->where.left; x < i->where.right; x++) {
                if (!is_of(planes, i, x, y)) {
                    continue;
                }
                if (!pass) {
                    mass++;
                    sum_x += x;
                    sum_y += y;
                } else {
                    const float dx = (float)x - (float)sum_x / (float)mass, dy = (float)y - (float)sum_y / (float)mass;
                    across += dx * dx;
                    both += dx * dy;
                    down += dy * dy;
                }
            }
        }
    }
    if (!mass || across <= 0.0f) {
        return 0;
    }
    const float slope = both / across, variance = (down - slope * both) / (float)mass;
    return size_of(slope) <= MAX_SLOPE && variance <= ((float)(thickness * thickness) + 1.0f) / 12.0f + bend * bend;
}

/* The middle of the ink of each column. */
static void find_middles(picture planes, ink *i) {
    for (int x = i->where.left; x < i->where.right; x++) {
        int sum = 0;
        for (int y = i->where.top; y < i->where.bottom; y++) {
            sum += is_of(planes, i, x, y) ? y : 0;
        }
        i->middles[x] = (uint16_t)(i->sums[x] ? 256 * sum / i->sums[x] : 0);
    }
}

static float middle_of(const ink *i, int x) { return (float)i->middles[x] / 256.0f; }

/* Leave out the columns whose middle does not lie on one line; all of them if that line bends or is too steep. */
static void keep_straight(ink *i, int width, int thickness) {
    float slope = 0.0f, bend = 0.0f;
    int count = 0;
    for (int fit = 0; fit < FITS; fit++) {
        float x_sum = 0.0f, y_sum = 0.0f, across = 0.0f, both = 0.0f, deviations = 0.0f;
        count = 0;
        for (int x = 0; x < width; x++) {
            count += i->keep[x];
            x_sum += i->keep[x] ? (float)x : 0.0f;
            y_sum += i->keep[x] ? middle_of(i, x) : 0.0f;
        }
        if (count < 2) {
            bend = fit ? bend : (float)DIGITS_VIEW;
            break;
        }
        const float x_mean = x_sum / (float)count, y_mean = y_sum / (float)count;
        for (int x = 0; x < width; x++) {
            across += i->keep[x] ? ((float)x - x_mean) * ((float)x - x_mean) : 0.0f;
            both += i->keep[x] ? ((float)x - x_mean) * middle_of(i, x) : 0.0f;
        }
        slope = both / across;
        const int before = count;
        for (int x = 0; x < width; x++) {
            const float deviation = size_of(middle_of(i, x) - y_mean - slope * ((float)x - x_mean));
            if (i->keep[x] && deviation <= MAX_DEVIATION * (float)thickness + 1.5f) {
                deviations += deviation;
            } else {
                count -= i->keep[x];
                i->keep[x] = 0;
            }
        }
        bend = deviations / (float)before - 0.1f * (float)thickness;
        if (count == before) {
            break;
        }
    }
    if (size_of(slope) > MAX_SLOPE || bend > MAX_BEND * (float)count) {
        memset(i->keep, 0, (size_t)width);
    }
}

static int has_ink(picture planes, int x, int top, int bottom) {
    int found = 0;
    for (int y = top; y < bottom; y++) {
        found |= *at(planes, x, y) & MASK;
    }
    return found;
}

/* Whether a stroke runs on in a column, or in one beside it. */
static int runs_on(picture planes, int x, int top, int bottom) {
    return has_ink(planes, x, top, bottom) || (x > 0 && has_ink(planes, x - 1, top, bottom)) ||
           (x + 1 < planes.width && has_ink(planes, x + 1, top, bottom));
}

/* Find the ends of a stroke, where it runs on through a corner; gaps of 2 pixels are bridged. */
static void prolong(picture planes, box where, stroke *s) {
    const int most = round_of(MAX_CORNER_SHARE * (float)planes.width);
    int start = where.left, end = where.right;
    while (start > max_of(0, where.left - most) && runs_on(planes, start - 1, where.top, where.bottom)) {
        start--;
    }
    while (end < min_of(planes.width, where.right + most) && runs_on(planes, end, where.top, where.bottom)) {
        end++;
    }
    s->start = (uint8_t)start;
    s->end = (uint8_t)end;
}

/* The straight stroke among the ink of a component, which is in FIRST. Returns whether there is one. */
static int find_straight(picture planes, ink *i, stroke *s) {
    const float least = MIN_LENGTH_SHARE * (float)planes.width;
    memset(i->keep, 1, (size_t)planes.width);
    measure(planes, i);
    if (!i->where.right || (float)width_of(i->where) < least) {
        return 0;
    }
    int thickest;
    const int thickness = thickness_of(i, planes.width, &thickest);
    const float most = MAX_BULGE * (float)thickness + 1.0f;
    for (int x = 0; x < planes.width; x++) {
        i->keep[x] = i->sums[x] && (float)i->sums[x] <= most;
    }
    if (!is_straight(planes, i, thickness)) {
        find_middles(planes, i);
        keep_straight(i, planes.width, thickness);
    }
    int thin = 0, filled = 0, area = 0;
    i->where = box_from(planes.width, planes.height, 0, 0);
    for (int x = 0; x < planes.width; x++) {
        thin += i->keep[x];
        for (int y = 0; i->keep[x] && y < planes.height; y++) {
            if (is_of(planes, i, x, y)) {
                i->where = box_with(i->where, x, y);
                area++;
            }
        }
    }
    for (int x = i->where.left; x < i->where.right; x++) {
        filled += i->sums[x] > 0;
    }
    const float length = (float)width_of(i->where);
    if (length < least || (float)thin < MIN_THIN_SHARE * length || (float)filled < MIN_FILLED_SHARE * length) {
        return 0;
    }
    s->length = (uint8_t)width_of(i->where);
    s->thickness = (uint8_t)thickness;
    s->area = (uint16_t)area;
    s->near = (uint8_t)i->where.top;
    s->far = (uint8_t)i->where.bottom;
    prolong(planes, i->where, s);
    return 1;
}

/* Find the strokes along the rows, and write their numbers to the labels, shifted by so many bits. */
static int find_level(picture labels, picture planes, int shift, stroke *strokes) {
    int count = 0;
    ink i;
    if (!find_runs(planes)) {
        return 0;
    }
    const int bridge = max_of(3, round_of(MAX_GAP_SHARE * (float)planes.width)) | 1;
    digits_widen(planes, SECOND, FIRST, THIRD, bridge, 3);
    digits_clear(planes, FIRST);
    for (int y = 0; y < planes.height; y++) {
        for (int x = 0; x < planes.width && count < MAX_STROKES_ALONG; x++) {
            if (!(*at(planes, x, y) & THIRD)) {
                continue;
            }
            *at(planes, x, y) ^= THIRD | FIRST;
            grow(planes);
            if (find_straight(planes, &i, strokes + count)) {
                count++;
                strokes[count - 1].number = (uint8_t)count;
                for (int v = i.where.top; v < i.where.bottom; v++) {
                    for (int u = i.where.left; u < i.where.right; u++) {
                        *at(labels, u, v) |= (uint8_t)(is_of(planes, &i, u, v) ? count << shift : 0);
                    }
                }
            }
            digits_clear(planes, FIRST);
        }
    }
    return count;
}

void digits_place(stroke *s, int width, int height) {
    s->along = (uint8_t)(s->is_level ? width : height);
    const float middle = (float)(s->near + s->far) / 2.0f / (float)(s->is_level ? height : width);
    s->margin = smaller(middle, 1.0f - middle);
    s->side = (uint8_t)(1 << (2 * s->is_level + (middle > 0.5f)));
}

int digits_find_strokes(canvas c, stroke strokes[MAX_LINES]) {
    for (int y = 0; y < c.labels.height; y++) {
        for (int x = 0; x < c.labels.width; x++) {
            *at(c.labels, x, y) = 0;
        }
    }
    const int level = find_level(c.labels, c.planes, 0, strokes);
    const int count = level + find_level(turned(c.labels), turned(c.planes), 4, strokes + level);
    for (int i = 0; i < count; i++) {
        strokes[i].is_level = i < level;
        digits_place(strokes + i, c.labels.width, c.labels.height);
    }
    return count;
}
