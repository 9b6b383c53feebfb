/* Find the digit among the connected components of a mask, without specks and the strokes of neighbours. */
#include "digits_vision.h"

#define MIN_COMPONENT_SHARE 0.15f /* of the digit's length; a shorter component is a speck */
#define EDGE_DEPTH_SHARE 0.05f    /* of a side; what touches an edge and is no deeper is the rest of a line */
#define MAX_STROKES 5             /* components of a digit that lie apart */
#define MIN_LONG_SHARE 0.5f       /* of the longest component; shorter ones in grain are grain */
#define MIN_SHARE_IN_GRAIN 0.2f   /* of the longer side; the same */

/* Whether a component is the rest of a line or of a neighbour's stroke along an edge. */
static int lies_along_edge(box b, picture p) {
    if (short_side(p) < MIN_CELL_SIDE) {
        return 0;
    }
    const int is_level = (float)height_of(b) <= EDGE_DEPTH_SHARE * (float)p.height + 1.0f;
    const int is_upright = (float)width_of(b) <= EDGE_DEPTH_SHARE * (float)p.width + 1.0f;
    return (is_level && (!b.top || b.bottom == p.height)) || (is_upright && (!b.left || b.right == p.width));
}

/* Of a set, the components that have at least a share of the length of the longest of another set. */
static set long_ones(const components *parts, set among, float share, set others) {
    int longest = 0;
    set found = 0;
    for (int label = 1; label <= parts->labels; label++) {
        longest = is_in(others, label) ? max_of(longest, length_of(parts->of[label - 1])) : longest;
    }
    for (int label = 1; label <= parts->labels; label++) {
        const int is_long = (float)length_of(parts->of[label - 1]) >= share * (float)longest;
        found |= is_in(among, label) && is_long ? only(label) : 0;
    }
    return found;
}

static set without_specks(const components *parts, set keep) {
    return long_ones(parts, keep, MIN_COMPONENT_SHARE, keep);
}

/* The components that reach the middle of the picture, as no neighbour's stroke does. */
static set central_ones(picture labels) {
    const int x = labels.width / 4, y = labels.height / 4;
    return digits_present(part(labels, box_from(x, y, labels.width - x, labels.height - y)));
}

/* The components to keep; of too many, the long ones alone; none if those are many, too. */
static set without_grain(const components *parts, set keep, set all, picture p) {
    if (digits_size(keep) <= MAX_COMPONENTS) {
        return keep;
    }
    keep = long_ones(parts, keep, MIN_LONG_SHARE, all);
    for (int label = 1; label <= parts->labels; label++) {
        if ((float)length_of(parts->of[label - 1]) < MIN_SHARE_IN_GRAIN * (float)long_side(p)) {
            keep &= ~only(label);
        }
    }
    return digits_size(keep) <= MAX_STROKES ? keep : 0;
}

/* Only the components in the middle and those near them, without the dashes of a printed line or splashes. */
static set without_scattered(canvas c, const components *parts, set keep) {
    const set main = keep & central_ones(c.labels);
    return main ? main | (keep & digits_near(c, parts, main)) : 0;
}

set digits_find(canvas c, const components *parts) {
    set all = 0, touching = 0;
    for (int label = 1; label <= parts->labels; label++) {
        const box b = parts->of[label - 1];
        all |= lies_along_edge(b, c.labels) ? 0 : only(label);
        touching |= digits_touches(b, c.labels) ? only(label) : 0;
    }
    const set strokes = without_specks(parts, all);
    set everything = without_grain(parts, strokes, all, c.labels);
    if (digits_size(strokes) > MAX_STROKES) {
        everything = without_scattered(c, parts, everything);
    }
    set free = everything & ~touching;
    if (free == everything) {
        return everything;
    }
    const set central = central_ones(c.labels);
    set digit = long_ones(parts, free, MIN_FREE_SHARE, all);
    digit &= central & touching ? central : ~(set)0;
    if (!digit) {
        return everything;
    }
    free = without_specks(parts, free);
    return without_specks(parts, free | (everything & digits_near(c, parts, free)));
}
