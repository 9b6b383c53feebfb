/* Tell ink from the grain of its background and from light, and stretch its contrast. */
#include "digits_vision.h"

#define MIN_SIGNAL 7.0f         /* contrast in standard deviations of the background */
#define CERTAIN_CONTRAST 100.0f /* grey levels that no grain reaches */
#define MIN_INK_SIGNAL 5.5f     /* the same as MIN_SIGNAL, where there may be no ink at all */
#define MIN_SEPARATION 0.7f     /* share of the variance between ink and background */
#define MAX_INK_SHARE 0.5f      /* of the area */
#define MIN_PIXELS 30           /* for a judgement */
#define MIN_SHARPNESS 0.2f      /* rise within two pixels at the edges of ink, as a share of its contrast */
/* Pixels of middle grey for each of the mask, and for each of its outline: strokes have fewer, light more. */
#define MAX_BETWEEN 0.6f
#define MAX_BETWEEN_AT_OUTLINE 1.75f

static void stretch(uint8_t tone[256], float floor, float peak) {
    const float gain = 255.0f / larger(peak - floor, 1.0f);
    for (int level = 0; level < 256; level++) {
        tone[level] = to_byte(gain * (float)level - gain * floor);
    }
}

int digits_contrast(picture view, picture planes, int except, uint8_t tone[256]) {
    uint32_t counts[256];
    digits_levels(view, planes, except, counts);
    int least = 0, most = 255;
    uint32_t area = 0, zero_area = 0;
    while (least < 255 && !counts[least]) {
        least++;
    }
    while (most > 0 && !counts[most]) {
        most--;
    }
    stretch(tone, (float)least, (float)most);
    for (int level = 0; level < 256; level++) {
        area += counts[level];
        zero_area += tone[level] ? 0 : counts[level];
    }
    if (2 * (area - zero_area) < area) { /* one level fills most of the view: a background without grain */
        return most - least >= (int)MIN_CONTRAST ? most - least : 0;
    }
    /* The median of the background less its 16th percentile is one standard deviation of its grain. */
    const float dark = (float)(area_of(view) - digits_count(planes, MASK));
    const int low = digits_rank(counts, 0.16f * dark), background = digits_rank(counts, 0.5f * dark);
    const int peak = digits_rank(counts, 0.1f * dark + 0.9f * (float)area);
    const float grain = (float)(background - low), contrast = (float)(peak - background);
    stretch(tone, smaller((float)background + 2.0f * grain, (float)peak - 1.0f), (float)peak);
    const int is_distinct =
        contrast >= MIN_CONTRAST && (contrast >= CERTAIN_CONTRAST || contrast >= MIN_SIGNAL * grain);
    return is_distinct ? peak - background : 0;
}

int digits_is_ink(picture view, picture planes, int except) {
    uint32_t counts[256];
    digits_levels(view, planes, except, counts);
    counts[0] -= (uint32_t)digits_count(planes, except);
    const int bright = digits_count(planes, MASK);
    uint32_t area = 0, sum = 0, dark_sum = 0;
    for (int level = 0; level < 256; level++) {
        area += counts[level];
        sum += (uint32_t)level * counts[level];
    }
    const int dark = (int)area - bright;
    if (area < MIN_PIXELS || bright <= 0 || dark <= 0 || (float)bright > MAX_INK_SHARE * (float)area) {
        return 0;
    }
    const float low = (float)digits_rank(counts, 0.16f * (float)dark);
    const float background = (float)digits_rank(counts, 0.5f * (float)dark);
    const float high = (float)digits_rank(counts, 0.84f * (float)dark);
    const float peak = (float)digits_rank(counts, (float)dark + 0.9f * (float)bright);
    const float grain = larger(larger(background - low, high - background), 0.5f);
    if (peak - background < larger(MIN_CONTRAST, MIN_INK_SIGNAL * grain)) {
        return 0;
    }
    for (int level = digits_rank(counts, (float)dark); level >= 0; level--) {
        dark_sum += (uint32_t)level * counts[level];
    }
    const float mean = (float)sum / (float)area;
    const float gap = (float)(sum - dark_sum) / (float)bright - (float)dark_sum / (float)dark;
    float variance = 0.0f;
    for (int level = 0; level < 256; level++) {
        variance += (float)counts[level] / (float)area * ((float)level - mean) * ((float)level - mean);
    }
    return (float)bright / (float)area * ((float)dark / (float)area) * gap * gap >= MIN_SEPARATION * variance;
}

void digits_remove_level(picture view, picture planes, uint8_t tone[256]) {
    uint32_t counts[256];
    digits_levels(view, planes, MASK, counts);
    const int area = digits_count(planes, MASK);
    counts[0] -= (uint32_t)area;
    const int level = digits_rank(counts, (float)(area_of(view) - area) / 2.0f);
    for (int i = 0; i < area_of(view); i++) {
        view.pixels[i] = (uint8_t)max_of(0, view.pixels[i] - level);
    }
    for (int i = 0; i < 256; i++) {
        tone[i] = tone[min_of(255, i + level)];
    }
}

/* The rise of the view around a pixel, in a part of it. */
static int rise_at(picture view, int x, int y) {
    int least = 255, most = 0;
    for (int j = max_of(0, y - 1); j <= min_of(view.height - 1, y + 1); j++) {
        for (int i = max_of(0, x - 1); i <= min_of(view.width - 1, x + 1); i++) {
            least = min_of(least, *at(view, i, j));
            most = max_of(most, *at(view, i, j));
        }
    }
    return most - least;
}

int digits_has_edges(picture view, picture planes, box where, const uint8_t tone[256], int contrast) {
    if (short_side(view) < MIN_PAGE_SIDE) {
        return 1;
    }
    const box around = box_from(max_of(0, where.left - 1), max_of(0, where.top - 1),
                                min_of(view.width, where.right + 1), min_of(view.height, where.bottom + 1));
    view = part(view, around);
    planes = part(planes, around);
    digits_narrow(planes, MASK, FIRST, SECOND, 3, 3);
    int between = 0, area = 0, outline = 0, rise = 0;
    for (int y = 0; y < view.height; y++) {
        for (int x = 0; x < view.width; x++) {
            const int level = tone[*at(view, x, y)], bits = *at(planes, x, y);
            between += level >= 64 && level <= 191;
            area += (bits & MASK) != 0;
            if (bits & MASK && !(bits & SECOND)) {
                outline++;
                rise += rise_at(view, x, y);
            }
        }
    }
    return (float)between <= MAX_BETWEEN * (float)area || (float)between <= MAX_BETWEEN_AT_OUTLINE * (float)outline ||
           (float)rise >= MIN_SHARPNESS * (float)contrast * (float)outline;
}
