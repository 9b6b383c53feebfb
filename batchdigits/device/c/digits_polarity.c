/* Find out whether the ink is dark or light, from the area and width of both sides, and from the background's
 * roughness. */
#include "digits_vision.h"

#define MIN_LEAD 0.3f             /* of one polarity over the other; below it neither is sure */
#define MIN_ROUGHNESS_LEAD 0.1f   /* the same, of the logarithm of the backgrounds' roughness */
#define CLEAR_ROUGHNESS_LEAD 0.6f /* the same; a smaller one must agree with the measures of an even page */
#define CLEAR_AREA_LEAD 0.3f      /* excess area of the side with the whole border; above it nothing else is needed */
#define FRAME_AREA_LEAD 0.1f      /* the same; below it, that side may be a frame around a page of the other */
/* Distances are in 1/256 of a pixel: to a pixel beside another, and to one across its corner. */
#define STEP 244
#define DIAGONAL_STEP 351
#define FAR 65535

/* The natural logarithm of a number over 0. */
static float log_of(float x) {
    float halvings = 0.0f;
    for (; x > 1.5f; halvings += 1.0f) {
        x *= 0.5f;
    }
    for (; x < 0.75f; halvings -= 1.0f) {
        x *= 2.0f;
    }
    const float t = (x - 1.0f) / (x + 1.0f), square = t * t;
    return 0.69314718f * halvings + 2.0f * t * (1.0f + square * (1.0f / 3.0f + square * (0.2f + square / 7.0f)));
}

/* The least distance of a pixel by way of three neighbours before it and one beside it, in the order of a sweep. */
static void step(uint16_t *here, int x, int width, int row, int forward) {
    uint32_t least = *here;
    const uint16_t *before = here - forward * row;
    const int has_row = row != 0;
    for (int i = -1; i <= 1; i++) {
        if (has_row && x + i >= 0 && x + i < width) {
            least = (uint32_t)min_of((int)least, before[i] + (i ? DIAGONAL_STEP : STEP));
        }
    }
    if (x - forward >= 0 && x - forward < width) {
        least = (uint32_t)min_of((int)least, here[-forward] + STEP);
    }
    *here = (uint16_t)least;
}

/* The radius in pixels of the largest disc on one side of a threshold. The picture's edge does not bound the disc. */
static float largest_radius(picture view, int threshold, int lighter, uint16_t *distances) {
    const int width = view.width, area = area_of(view);
    uint16_t largest = 0;
    for (int i = 0; i < area; i++) {
        distances[i] = (view.pixels[i] > threshold) == lighter ? FAR : 0;
        step(distances + i, i % width, width, i < width ? 0 : width, 1);
    }
    for (int i = area - 1; i >= 0; i--) {
        step(distances + i, i % width, width, i >= area - width ? 0 : width, -1);
        largest = (uint16_t)max_of(largest, distances[i]);
    }
    return larger((float)largest / 256.0f, 0.5f);
}

static polarity led_by(float lead, float least) {
    const polarity p = {lead > 0.0f, size_of(lead) > least};
    return p;
}

/* The background has most of the border and of the area, and ink is thin. */
static polarity even_polarity(picture view, int threshold, uint16_t *scratch) {
    int total = 0, inside = 0;
    for (int y = 0; y < view.height; y++) {
        for (int x = 0; x < view.width; x++) {
            const int light = *at(view, x, y) > threshold;
            total += light;
            inside += light && x > 0 && y > 0 && x < view.width - 1 && y < view.height - 1;
        }
    }
    const int outer = area_of(view) - max_of(0, view.width - 2) * max_of(0, view.height - 2);
    const float on_border = 1.0f - 2.0f * (float)(total - inside) / (float)outer;
    const float area = 1.0f - 2.0f * (float)total / (float)area_of(view);
    const int has_border = total == inside || total - inside == outer;
    if (has_border && on_border * area > CLEAR_AREA_LEAD) {
        return led_by(on_border, 0.0f);
    }
    if (has_border && on_border * area < FRAME_AREA_LEAD) {
        return led_by(on_border + area, 3.0f); /* a frame of the ink's colour, or bold ink */
    }
    const float darker = largest_radius(view, threshold, 0, scratch);
    const float lighter = largest_radius(view, threshold, 1, scratch);
    return led_by(on_border + area + 2.0f * log_of(darker / lighter), MIN_LEAD);
}

/* Under the wrong polarity the gaps between strokes are taken for ink, and the background holds a fat digit. The lines
 * of a box may mislead this measure, so a small lead must agree with that of an even page. */
static polarity uneven_polarity(picture view, int threshold, uint16_t *scratch) {
    digits_invert(view);
    const float if_dark = digits_roughness(view, scratch);
    digits_invert(view);
    const float if_light = digits_roughness(view, scratch);
    const polarity p = led_by(log_of((if_dark + 1.0f) / (if_light + 1.0f)), MIN_ROUGHNESS_LEAD);
    if (size_of(log_of((if_dark + 1.0f) / (if_light + 1.0f))) > CLEAR_ROUGHNESS_LEAD) {
        return p;
    }
    const polarity even = even_polarity(view, threshold, scratch);
    const polarity both = {p.light, p.is_sure && even.is_sure && even.light == p.light};
    return both;
}

polarity digits_polarity(picture view, int threshold, int is_even, uint16_t *scratch) {
    return (is_even ? even_polarity : uneven_polarity)(view, threshold, scratch);
}
