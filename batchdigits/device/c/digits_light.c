/* Even out the light on a page: find shadows, and remove the background. */
#include "digits_vision.h"

#define BORDER_DEPTH 2            /* pixels from the edge at which the border is sampled */
#define MIN_BORDER_SHARE 0.1f     /* of the border; a smaller part of it is not judged */
#define MAX_BORDER_DEVIATION 0.2f /* of a part's mean from the view's extreme, as a share of the contrast */
#define MAX_STROKE_SHARE 0.25f    /* of the shorter side; anything wider is a shadow */
#define MIN_WIDE_SHARE 0.4f       /* of the longer side; no stroke is so wide */
#define MIN_LIGHT_RANGE 32        /* grey levels of the background, but for a twentieth at either end */
#define MAX_SHADOW 64             /* grey levels; a deeper shadow is not evened out in full */

typedef struct {
    int count[2], sum[2]; /* of the darker and of the lighter pixels */
} border;

static void sample(picture view, int x, int y, int threshold, border *b) {
    const int level = *at(view, x, y), side = level > threshold;
    b->count[side]++;
    b->sum[side] += level;
}

static border sample_border(picture view, int threshold) {
    border b = {{0, 0}, {0, 0}};
    const int right = view.width - 1 - BORDER_DEPTH, bottom = view.height - 1 - BORDER_DEPTH;
    for (int x = BORDER_DEPTH; x <= right; x++) {
        sample(view, x, BORDER_DEPTH, threshold, &b);
        sample(view, x, bottom, threshold, &b);
    }
    for (int y = BORDER_DEPTH; y <= bottom; y++) {
        sample(view, BORDER_DEPTH, y, threshold, &b);
        sample(view, right, y, threshold, &b);
    }
    return b;
}

/* Whether a mask is wider somewhere than any stroke. */
static int is_wide(picture planes, int bit) {
    const int side = round_of(MIN_WIDE_SHARE * (float)long_side(planes));
    digits_narrow(planes, bit, FIRST, SECOND, side, side);
    return digits_count(planes, SECOND) > 0;
}

int digits_is_even(picture view, int threshold, uint16_t *scratch) {
    if (short_side(view) < MIN_PAGE_SIDE) {
        return 1;
    }
    int extreme[2] = {255, 0}, has_both = 1;
    for (int i = 0; i < area_of(view); i++) {
        extreme[0] = min_of(extreme[0], view.pixels[i]);
        extreme[1] = max_of(extreme[1], view.pixels[i]);
    }
    const border b = sample_border(view, threshold);
    for (int side = 0; side < 2; side++) {
        if ((float)b.count[side] > MIN_BORDER_SHARE * (float)(b.count[0] + b.count[1])) {
            const float mean = (float)b.sum[side] / (float)b.count[side];
            const float most = MAX_BORDER_DEVIATION * (float)(extreme[1] - extreme[0]);
            if (size_of(mean - (float)extreme[side]) > most) {
                return 0;
            }
        } else {
            has_both = 0;
        }
    }
    if (!has_both) {
        return 1;
    }
    const picture planes = packed((uint8_t *)scratch, view.width, view.height);
    digits_set_over(view, planes, threshold, MASK, 0);
    for (int i = 0; i < area_of(planes); i++) {
        planes.pixels[i] = planes.pixels[i] & MASK ? MASK : WHOLE;
    }
    return !(is_wide(planes, MASK) && is_wide(planes, WHOLE));
}

/* The least (most = 0) or most of `line[first]` to `line[first + size - 1]`, for each `first` from 0 to `count` - 1. */
static void slide_extreme(const uint8_t *line, int count, int size, int most, uint8_t *out) {
    int extreme = 0;
    for (int first = 0; first < count; first++) {
        const int last = line[first + size - 1];
        if (first && line[first - 1] != extreme) {
            extreme = most ? max_of(extreme, last) : min_of(extreme, last);
        } else {
            extreme = line[first];
            for (int i = 1; i < size; i++) {
                extreme = most ? max_of(extreme, line[first + i]) : min_of(extreme, line[first + i]);
            }
        }
        out[first] = (uint8_t)extreme;
    }
}

#define MAX_LINE (2 * DIGITS_VIEW + 8) /* a row or column with what is added to erode it, and then to dilate it */

/* Copy a row, with `pad` copies of its first and last pixel before and after it. */
static void padded_row(picture p, int y, int pad, uint8_t line[MAX_LINE]) {
    for (int x = -pad; x < p.width + pad; x++) {
        line[x + pad] = *at(p, clamp(x, 0, p.width - 1), y);
    }
}

/* The background of a view: its morphological opening, which holds no strokes but keeps the edge of a shadow sharp. The
 * view continues beyond its border as it ends there. */
static picture background_of(picture view, uint16_t *scratch) {
    const int side = max_of(1, round_of(MAX_STROKE_SHARE * (float)short_side(view))), pad = side / 2;
    const picture wide = packed((uint8_t *)scratch, view.width + 2 * pad, view.height), columns = turned(wide);
    uint8_t line[MAX_LINE], eroded[MAX_LINE];
    for (int y = 0; y < wide.height; y++) {
        padded_row(view, y, 2 * pad, line);
        slide_extreme(line, wide.width, side, 0, at(wide, 0, y));
    }
    for (int x = 0; x < wide.width; x++) {
        padded_row(columns, x, 2 * pad, line);
        slide_extreme(line, wide.height + 2 * pad, side, 0, eroded);
        slide_extreme(eroded, wide.height, side, 1, line);
        for (int y = 0; y < wide.height; y++) {
            *at(wide, x, y) = line[y];
        }
    }
    for (int y = 0; y < wide.height; y++) {
        memcpy(line, at(wide, 0, y), (size_t)wide.width);
        slide_extreme(line, view.width, side, 1, wide.pixels + y * view.width);
    }
    return packed(wide.pixels, view.width, view.height);
}

float digits_roughness(picture view, uint16_t *scratch) {
    const picture background = background_of(view, scratch);
    int32_t sum = 0;
    for (int y = 0; y < background.height; y++) {
        for (int x = 0; x < background.width; x++) {
            const int here = *at(background, x, y);
            const int across = x ? here - *at(background, x - 1, y) : 0,
                      down = y ? here - *at(background, x, y - 1) : 0;
            sum += (across < 0 ? -across : across) + (down < 0 ? -down : down);
        }
    }
    return (float)sum;
}

int digits_has_shadows(picture view, uint16_t *scratch) {
    const int x = view.width / 5, y = view.height / 5; /* printed frames may be as wide as shadows */
    const picture inside = part(background_of(view, scratch), box_from(x, y, view.width - x, view.height - y));
    const float area = (float)area_of(inside);
    uint32_t counts[256];
    digits_levels(inside, inside, 0, counts);
    return digits_rank(counts, 0.95f * area) - digits_rank(counts, 0.05f * area) > MIN_LIGHT_RANGE;
}

void digits_flatten(picture view, uint16_t *scratch) {
    const picture background = background_of(view, scratch);
    for (int i = 0; i < area_of(view); i++) {
        /* Ink reflects a share of the light, so it is divided by the range that the background leaves to it. */
        const int level = background.pixels[i], range = 255 - min_of(level, 255 - MAX_SHADOW);
        view.pixels[i] = to_byte(255.0f * (float)(view.pixels[i] - level) / (float)range);
    }
}

/* Three of a row's pixels together, with weights of 1, 2 and 1: a variance of half a pixel. */
static void blur_rows(picture p) {
    for (int y = 0; y < p.height; y++) {
        int before = pixel(p, p.width > 1, y);
        for (int x = 0; x < p.width; x++) {
            const int here = *at(p, x, y), next = x + 1 < p.width ? *at(p, x + 1, y) : before;
            *at(p, x, y) = (uint8_t)((before + 2 * here + next + 2) / 4);
            before = here;
        }
    }
}

void digits_blur(picture view, float deviation) {
    for (int times = max_of(1, round_of(2.0f * deviation * deviation)); times > 0; times--) {
        blur_rows(view);
        blur_rows(turned(view));
    }
}

/* The least (most = 0) or most in a window of each row of a picture. */
static void filter_rows(picture from, picture to, int side, int most) {
    uint8_t line[MAX_LINE], out[DIGITS_VIEW];
    for (int y = 0; y < from.height; y++) {
        padded_row(from, y, side / 2, line);
        slide_extreme(line, from.width, side, most, out);
        for (int x = 0; x < from.width; x++) {
            *at(to, x, y) = out[x];
        }
    }
}

void digits_top_hat(picture view, picture other, int side) {
    filter_rows(view, other, side, 0);
    filter_rows(turned(other), turned(other), side, 0);
    filter_rows(other, other, side, 1);
    filter_rows(turned(other), turned(other), side, 1);
    for (int i = 0; i < area_of(view); i++) {
        view.pixels[i] = (uint8_t)(view.pixels[i] - other.pixels[i]);
    }
}
