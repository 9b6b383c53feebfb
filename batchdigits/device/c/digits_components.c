/* The connected components of a mask, and simple questions about them. */
#include "digits_vision.h"

#define UNSEEN 255 /* the label of ink without a label yet */
/* Share of both sides of a picture: a component this large may be a frame inside it. */
#define MIN_FRAME_SHARE 0.6f
#define MIN_SMALL_FRAME_SHARE 0.72f
#define MAX_NARROW_SHARE 0.25f /* width over length of a line that is tilted and doubled; few digits are so narrow */
#define MAX_GAP_SHARE 0.1f     /* of a component's length; others this near, or MIN_GAP, belong to it */
#define MIN_GAP 2              /* pixels */
#define MIN_BROKEN_SHARE 0.08f /* of the longest component's length; what breaks off a stroke may be this short */
#define FAINT_LEVEL 52         /* of stretched ink; fainter pixels join no strokes */
#define MAX_FAINT_SHARE 0.35f  /* of the area; more such pixels are grain */

static int touches_label(picture labels, int x, int y, int label) {
    for (int j = max_of(0, y - 1); j <= min_of(labels.height - 1, y + 1); j++) {
        for (int i = max_of(0, x - 1); i <= min_of(labels.width - 1, x + 1); i++) {
            if (*at(labels, i, j) == label) {
                return 1;
            }
        }
    }
    return 0;
}

/* Give an unseen pixel the label if one beside it has it. Returns whether it did. */
static int spread(picture labels, int x, int y, int label, box *b) {
    uint8_t *here = at(labels, x, y);
    if (*here != UNSEEN || !touches_label(labels, x, y, label)) {
        return 0;
    }
    *here = (uint8_t)label;
    *b = box_with(*b, x, y);
    return 1;
}

/* The component of the pixel (x, y). It grows in sweeps down and up its box, which need no memory. */
static box grow(picture labels, int x, int y, int label) {
    box b = box_from(x, y, x + 1, y + 1);
    *at(labels, x, y) = (uint8_t)label;
    for (int grown = 1; grown;) {
        grown = 0;
        for (int v = max_of(0, b.top - 1); v < min_of(labels.height, b.bottom + 1); v++) {
            for (int u = max_of(0, b.left - 1); u < min_of(labels.width, b.right + 1); u++) {
                grown |= spread(labels, u, v, label, &b);
            }
        }
        for (int v = min_of(labels.height - 1, b.bottom); v >= max_of(0, b.top - 1); v--) {
            for (int u = min_of(labels.width - 1, b.right); u >= max_of(0, b.left - 1); u--) {
                grown |= spread(labels, u, v, label, &b);
            }
        }
    }
    return b;
}

/* Replace a label in a box. Returns how many pixels had it. */
static int relabel(picture labels, box b, int from, int to) {
    int count = 0;
    for (int y = b.top; y < b.bottom; y++) {
        for (int x = b.left; x < b.right; x++) {
            if (*at(labels, x, y) == from) {
                *at(labels, x, y) = (uint8_t)to;
                count++;
            }
        }
    }
    return count;
}

/* Take the label from the shortest component, the last one in a tie; the last one takes over its label. */
static void forget_shortest(picture labels, components *parts) {
    int shortest = parts->labels - 1;
    for (int i = shortest - 1; i >= 0; i--) {
        shortest = length_of(parts->of[i]) < length_of(parts->of[shortest]) ? i : shortest;
    }
    const int last = --parts->labels;
    relabel(labels, parts->of[shortest], shortest + 1, 0);
    relabel(labels, parts->of[last], last + 1, shortest + 1);
    parts->of[shortest] = parts->of[last];
}

void digits_label(canvas c, int bit, components *parts) {
    parts->labels = parts->total = 0;
    for (int y = 0; y < c.labels.height; y++) {
        for (int x = 0; x < c.labels.width; x++) {
            *at(c.labels, x, y) = *at(c.planes, x, y) & bit ? UNSEEN : 0;
        }
    }
    for (int y = 0; y < c.labels.height; y++) {
        for (int x = 0; x < c.labels.width; x++) {
            if (*at(c.labels, x, y) == UNSEEN) {
                parts->of[parts->labels] = grow(c.labels, x, y, parts->labels + 1);
                parts->labels++;
                parts->total++;
                if (parts->labels > MAX_LABELS) {
                    forget_shortest(c.labels, parts);
                }
            }
        }
    }
    for (int i = 0; i < parts->labels; i++) {
        parts->area[i] = (uint16_t)relabel(c.labels, parts->of[i], i + 1, i + 1);
    }
}

int digits_longest(const components *parts) {
    int longest = 0;
    for (int label = 1; label <= parts->labels; label++) {
        longest = !longest || length_of(parts->of[label - 1]) > length_of(parts->of[longest - 1]) ? label : longest;
    }
    return longest;
}

int digits_touches(box b, picture p) { return !b.left || !b.top || b.right == p.width || b.bottom == p.height; }

int digits_size(set s) {
    int size = 0;
    for (; s; s &= s - 1) {
        size++;
    }
    return size;
}

set digits_present(picture labels) {
    set found = 0;
    for (int y = 0; y < labels.height; y++) {
        for (int x = 0; x < labels.width; x++) {
            const int label = *at(labels, x, y);
            found |= label ? only(label) : 0;
        }
    }
    return found;
}

set digits_having(canvas c, int bit) {
    set found = 0;
    for (int y = 0; y < c.labels.height; y++) {
        for (int x = 0; x < c.labels.width; x++) {
            const int label = *at(c.labels, x, y);
            found |= label && *at(c.planes, x, y) & bit ? only(label) : 0;
        }
    }
    return found;
}

void digits_select(canvas c, set keep, int bit) {
    for (int y = 0; y < c.labels.height; y++) {
        for (int x = 0; x < c.labels.width; x++) {
            uint8_t *here = at(c.planes, x, y);
            *here = (uint8_t)((*here & ~bit) | (is_in(keep, *at(c.labels, x, y)) ? bit : 0));
        }
    }
}

set digits_near(canvas c, const components *parts, set main) {
    int longest = 0;
    for (int label = 1; label <= parts->labels; label++) {
        longest = is_in(main, label) ? max_of(longest, length_of(parts->of[label - 1])) : longest;
    }
    const int side = 2 * max_of(MIN_GAP, round_of(MAX_GAP_SHARE * (float)longest)) + 1;
    digits_select(c, main, FIRST);
    digits_widen(c.planes, FIRST, SECOND, FIRST, side, side);
    return digits_having(c, FIRST);
}

/* Whether some components but the longest may have broken off a stroke. */
static int may_be_broken(const components *parts) {
    int count = 0; /* those without a label are shorter */
    for (int i = 0; i < parts->labels; i++) {
        const int longest = length_of(parts->of[digits_longest(parts) - 1]);
        count += (float)length_of(parts->of[i]) >= MIN_BROKEN_SHARE * (float)longest;
    }
    return count > 1;
}

void digits_join_faint(canvas c, const uint8_t tone[256], components *parts) {
    const int total = parts->total;
    if (!may_be_broken(parts)) {
        return;
    }
    int area = 0;
    for (int y = 0; y < c.view.height; y++) {
        for (int x = 0; x < c.view.width; x++) {
            uint8_t *here = at(c.planes, x, y);
            *here = (uint8_t)((*here & ~FIRST) | (*here & MASK ? FIRST : 0));
            *here |= tone[*at(c.view, x, y)] > FAINT_LEVEL ? MASK : 0;
            area += (*here & MASK) != 0;
        }
    }
    if ((float)area <= MAX_FAINT_SHARE * (float)area_of(c.view)) {
        digits_label(c, MASK, parts);
        if (parts->total < total) {
            return;
        }
    }
    digits_copy(c.planes, FIRST, MASK);
    digits_label(c, MASK, parts);
}

static int is_long(box b, picture p, float share) {
    return (float)width_of(b) >= share * (float)p.width || (float)height_of(b) >= share * (float)p.height;
}

int digits_may_have_more_lines(const components *parts, picture p) {
    for (int i = 0; i < parts->labels; i++) {
        const box b = parts->of[i];
        const int is_narrow = (float)min_of(width_of(b), height_of(b)) <= MAX_NARROW_SHARE * (float)length_of(b);
        if (is_long(b, p, MIN_LENGTH_SHARE) && (is_narrow || digits_touches(b, p))) {
            return 1;
        }
    }
    return 0;
}

int digits_may_be_lines(const components *parts, picture p) {
    if (short_side(p) < MIN_CELL_SIDE) {
        return 0;
    }
    int count = 0, last = 0;
    for (int i = 0; i < parts->labels; i++) {
        if (is_long(parts->of[i], p, short_side(p) < SMALL_SIDE ? MIN_SMALL_FRAME_SHARE : MIN_LENGTH_SHARE)) {
            count++;
            last = i;
        }
    }
    return count > 1 || (count && (digits_touches(parts->of[last], p) || digits_is_frame_sized(parts->of[last], p)));
}

int digits_is_frame_sized(box b, picture p) {
    const float share = short_side(p) < SMALL_SIDE ? MIN_SMALL_FRAME_SHARE : MIN_FRAME_SHARE;
    return short_side(p) >= MIN_CELL_SIDE && (float)width_of(b) >= share * (float)p.width &&
           (float)height_of(b) >= share * (float)p.height;
}
