/* Masks and grey levels of pictures. */
#include "digits_vision.h"

void digits_invert(picture p) {
    for (int y = 0; y < p.height; y++) {
        for (int x = 0; x < p.width; x++) {
            *at(p, x, y) = (uint8_t)(255 - *at(p, x, y));
        }
    }
}

void digits_slide(picture planes, int from, int to, int before, int after, coverage kind) {
    for (int y = 0; y < planes.height; y++) {
        int count = 0;
        for (int x = -after; x < planes.width; x++) {
            const int entering = x + after, leaving = x - before - 1;
            count += entering < planes.width && *at(planes, entering, y) & from;
            count -= leaving >= 0 && *at(planes, leaving, y) & from;
            if (x < 0) {
                continue;
            }
            const int inside = min_of(planes.width - 1, entering) - max_of(0, leaving + 1) + 1;
            const int least = kind == ANY ? 1 : kind == ALL ? before + after + 1 : inside;
            uint8_t *here = at(planes, x, y);
            *here = (uint8_t)((*here & ~to) | (count >= least ? to : 0));
        }
    }
}

void digits_widen(picture planes, int from, int via, int to, int width, int height) {
    digits_slide(planes, from, via, width / 2, width / 2, ANY);
    digits_slide(turned(planes), via, to, height / 2, height / 2, ANY);
}

void digits_narrow(picture planes, int from, int via, int to, int width, int height) {
    digits_slide(planes, from, via, width / 2, (width - 1) / 2, ALL_INSIDE);
    digits_slide(turned(planes), via, to, height / 2, (height - 1) / 2, ALL_INSIDE);
}

int digits_count(picture planes, int bit) {
    int count = 0;
    for (int y = 0; y < planes.height; y++) {
        for (int x = 0; x < planes.width; x++) {
            count += (*at(planes, x, y) & bit) != 0;
        }
    }
    return count;
}

void digits_copy(picture planes, int from, int to) { digits_slide(planes, from, to, 0, 0, ANY); }

void digits_clear(picture planes, int bits) {
    for (int y = 0; y < planes.height; y++) {
        for (int x = 0; x < planes.width; x++) {
            *at(planes, x, y) &= (uint8_t)~bits;
        }
    }
}

void digits_set_over(picture view, picture planes, int level, int bit, int except) {
    for (int y = 0; y < view.height; y++) {
        for (int x = 0; x < view.width; x++) {
            uint8_t *here = at(planes, x, y);
            const int is_over = *at(view, x, y) > level && !(*here & except);
            *here = (uint8_t)((*here & ~bit) | (is_over ? bit : 0));
        }
    }
}

box digits_box(picture planes, int bit) {
    box b = box_from(planes.width, planes.height, 0, 0);
    for (int y = 0; y < planes.height; y++) {
        for (int x = 0; x < planes.width; x++) {
            b = *at(planes, x, y) & bit ? box_with(b, x, y) : b;
        }
    }
    return b.right ? b : box_from(0, 0, 0, 0);
}

void digits_levels(picture view, picture planes, int except, uint32_t counts[256]) {
    memset(counts, 0, 256 * sizeof counts[0]);
    for (int y = 0; y < view.height; y++) {
        for (int x = 0; x < view.width; x++) {
            counts[except && *at(planes, x, y) & except ? 0 : *at(view, x, y)]++;
        }
    }
}

int digits_otsu(const uint32_t counts[256]) {
    uint32_t total = 0, darker = 0;
    uint64_t sum = 0, darker_sum = 0;
    for (int level = 0; level < 256; level++) {
        total += counts[level];
        sum += (uint64_t)level * counts[level];
    }
    int best = 0;
    float best_variance = 0.0f;
    for (int level = 0; level < 256; level++) {
        darker += counts[level];
        darker_sum += (uint64_t)level * counts[level];
        if (!darker || darker == total) {
            continue;
        }
        const float gap = float_of(sum * darker - darker_sum * total); /* the darker mean is below the mean */
        const float variance = gap / (float)darker * (gap / (float)(total - darker));
        if (variance > best_variance) {
            best_variance = variance;
            best = level;
        }
    }
    return best;
}

int digits_threshold(picture view, picture planes, int except) {
    uint32_t counts[256];
    digits_levels(view, planes, except, counts);
    return digits_otsu(counts);
}

int digits_rank(const uint32_t counts[256], float rank) {
    uint32_t sum = counts[0];
    int level = 0;
    while (level < 255 && (float)sum < rank) {
        sum += counts[++level];
    }
    return level;
}
