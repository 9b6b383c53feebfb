#include "digits_normalise.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* The values are those of batchdigits/vision, whose comments give the reasons. */
#define SIDE 28              /* pixels of a glyph */
#define BOX 20               /* pixels of the longer side of a digit in its glyph */
#define BOX_TOLERANCE 2      /* pixels that a digit may be longer than its box */
#define CENTRE 14.0          /* of mass, in pixels */
#define MAX_SIDE 60          /* longer digits are shrunk to this */
#define ENLARGED_SIDE 40     /* digits shorter than the box are enlarged to this */
#define MIN_STROKE 1.9       /* pixels in the box */
#define MAX_STROKE 4.5       /* pixels in the box */
#define MAX_SHEAR 0.8        /* pixels across for each pixel down */
#define MIN_SHEAR 0.03       /* less slant is left as it is */
#define SMALL_VIEW 40        /* pixels; in a smaller view ink reaches 1 pixel beyond the mask, else 2 */
#define MIN_INK_SHARE 0.025  /* of the view's longer side; shorter ink is dust */
#define MIN_CONTRAST 16.0    /* grey levels from background to ink */
#define CLEAR_CONTRAST 100.0 /* grey levels that are ink however noisy the background is */
#define MIN_SIGNAL 7.0       /* contrast as a multiple of the background's noise */
#define FAINT_LEVEL 52       /* of stretched ink; fainter pixels join no strokes */
#define BROKEN_SHARE 0.08    /* of the longest component's length; what breaks off a stroke may be this short */
#define FAINT_SHARE 0.35     /* of the area; more such pixels are grain */
#define SPECK_SHARE 0.15     /* of the digit's length; shorter components are specks */
#define FREE_SHARE 0.3       /* of the longest component; one this long that does not touch the border is the digit */
#define GAP_SHARE 0.1        /* of a component's length; others this near, or MIN_GAP, belong to it */
#define MIN_GAP 2            /* pixels */
#define MAX_STROKES 5        /* components of a digit that lie apart */
#define MAX_COMPONENTS 20    /* of a digit; more are grain */
#define LONG_SHARE 0.5       /* of the longest component; shorter ones in grain are grain */
#define GRAIN_SHARE 0.2      /* of the longer side; the same */
#define EDGE_SHARE 0.05      /* of a side; what touches an edge and is no deeper is the rest of a line */
#define MIN_CELL 24          /* pixels of the shorter side; a smaller view has no room for lines */
#define PI 3.14159265358979323846

typedef struct {
    uint8_t *pixels; /* height rows of width bytes */
    int width, height;
} picture;

static int area_of(picture p) { return p.width * p.height; }
static int max_of(int a, int b) { return a > b ? a : b; }
static int clamp(int x, int low, int high) { return x < low ? low : x > high ? high : x; }
static int at_least_1(double x) { return x < 1.0 ? 1 : (int)x; }

/* rint() rounds halves to even, like Python and OpenCV. */
static uint8_t to_byte(double x) { return (uint8_t)(x <= 0.0 ? 0.0 : x >= 255.0 ? 255.0 : rint(x)); }

/* A pixel; 0 outside of the picture. */
static int pixel(picture p, int x, int y) {
    return x < 0 || y < 0 || x >= p.width || y >= p.height ? 0 : p.pixels[y * p.width + x];
}

static void count_levels(picture p, int counts[256]) {
    memset(counts, 0, 256 * sizeof counts[0]);
    for (int i = 0; i < area_of(p); i++) {
        counts[p.pixels[i]]++;
    }
}

/* ---- the view ---- */

static int is_mostly_bright(const uint8_t *image, int width, int height, int stride) {
    double sum = 0.0;
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            sum += image[(ptrdiff_t)y * stride + x];
        }
    }
    return sum > 127.5 * (double)width * (double)height;
}

/* Shrink by an integer factor, and invert if `inverted`, so that an image and its inverse give the same view. */
static picture make_view(const uint8_t *image, int width, int height, int stride, int inverted, uint8_t *pixels) {
    const int factor = (max_of(width, height) + DIGITS_VIEW - 1) / DIGITS_VIEW;
    const picture view = {pixels, max_of(1, width / factor), max_of(1, height / factor)};
    const int across = width < factor ? width : factor, down = height < factor ? height : factor;
    for (int y = 0; y < view.height; y++) {
        for (int x = 0; x < view.width; x++) {
            double sum = 0.0;
            for (int j = 0; j < down; j++) {
                for (int i = 0; i < across; i++) {
                    sum += image[(ptrdiff_t)(y * factor + j) * stride + x * factor + i];
                }
            }
            const double mean = sum / (across * down);
            pixels[y * view.width + x] = (uint8_t)((inverted ? 255.0 - mean : mean) + 0.5);
        }
    }
    return view;
}

/* ---- background and ink ---- */

/* Otsu's threshold (1979): pixels above it are the lighter class. */
static int otsu(picture p) {
    int counts[256], best = 0;
    double mean = 0.0, weight = 0.0, below = 0.0, best_variance = 0.0;
    count_levels(p, counts);
    for (int i = 0; i < 256; i++) {
        mean += (double)i * counts[i] / area_of(p);
    }
    for (int i = 0; i < 256; i++) {
        const double share = (double)counts[i] / area_of(p);
        weight += share;
        below += i * share;
        if (weight < 1e-7 || weight > 1.0 - 1e-7) {
            continue;
        }
        const double gap = below / weight - (mean - below) / (1.0 - weight);
        const double variance = weight * (1.0 - weight) * gap * gap;
        if (variance > best_variance) {
            best_variance = variance;
            best = i;
        }
    }
    return best;
}

/* The class with more of the border and of the area, shares added, is the background. */
static int ink_is_light(picture view, int threshold) {
    int total = 0, inside = 0;
    for (int y = 0; y < view.height; y++) {
        for (int x = 0; x < view.width; x++) {
            const int light = view.pixels[y * view.width + x] > threshold;
            total += light;
            inside += light && x > 0 && y > 0 && x < view.width - 1 && y < view.height - 1;
        }
    }
    const int inner = max_of(0, view.width - 2) * max_of(0, view.height - 2);
    const double border = 1.0 - 2.0 * (total - inside) / (area_of(view) - inner);
    return border + 1.0 - 2.0 * total / area_of(view) > 0.0;
}

static void stretch(picture p, double floor_, double peak) {
    const double gain = 255.0 / (peak - floor_ > 1.0 ? peak - floor_ : 1.0);
    for (int i = 0; i < area_of(p); i++) {
        p.pixels[i] = to_byte(gain * p.pixels[i] - gain * floor_);
    }
}

static int level_of_rank(const int counts[256], double rank) {
    int sum = 0, level = 0;
    while (level < 256 && (sum += counts[level]) < rank) {
        level++;
    }
    return level;
}

/* Set the background to 0 and the ink's peak to 255 in a picture with light ink, `ink_area` pixels of it. Returns 0 if
 * the ink does not stand out. */
static int remove_background(picture p, int ink_area) {
    int counts[256], lowest = 0, highest = 255;
    count_levels(p, counts);
    while (!counts[lowest]) {
        lowest++;
    }
    while (!counts[highest]) {
        highest--;
    }
    /* The background is even if stretching from the lowest to the highest level leaves most of the area at 0. */
    const double gain = 255.0 / max_of(highest - lowest, 1);
    int zero_area = 0;
    for (int level = lowest; level < 256 && to_byte(gain * (level - lowest)) == 0; level++) {
        zero_area += counts[level];
    }
    if (2 * (area_of(p) - zero_area) < area_of(p)) {
        stretch(p, lowest, highest);
        return highest - lowest >= MIN_CONTRAST;
    }
    /* Otherwise its median and noise come from the darkest pixels: the median less the 16th percentile is one standard
     * deviation. */
    const double background_area = area_of(p) - ink_area;
    const int low = level_of_rank(counts, 0.16 * background_area);
    const int background = level_of_rank(counts, 0.5 * background_area);
    const int peak = level_of_rank(counts, 0.1 * background_area + 0.9 * area_of(p));
    const double noise = background - low, contrast = peak - background;
    stretch(p, background + 2.0 * noise < peak - 1.0 ? background + 2.0 * noise : peak - 1.0, peak);
    return contrast >= MIN_CONTRAST && (contrast >= CLEAR_CONTRAST || contrast >= MIN_SIGNAL * noise);
}

/* ---- components ---- */

/* A pixel of a mask has a label in its low bits: 0 for the background, from 1 on for each component, or UNSEEN for ink
 * without a label yet. The high bit is a flag, first for ink over Otsu's threshold, later for what is near. */
#define LABEL 127
#define UNSEEN 127
#define FLAG 128
#define MAX_LABELS 32 /* the longest components; shorter ones are erased */

typedef uint32_t set; /* of components: a bit for each label */

typedef struct {
    int left, right, top, bottom; /* of its box */
} component;

typedef struct {
    component of[MAX_LABELS + 1]; /* the component with label n is at n - 1; the last place is for a new one */
    int labels;                   /* in use */
    int total;                    /* with those that were erased */
} components;

static int is_in(set s, int label) { return label && s >> (label - 1) & 1; }
static int true_length(component c) { return max_of(c.right - c.left, c.bottom - c.top) + 1; }

static int touches_border(component c, picture p) {
    return !c.left || !c.top || c.right == p.width - 1 || c.bottom == p.height - 1;
}

/* The longer side of a component; 0 for the rest of a line or of a neighbour's stroke along an edge. */
static int length_of(component c, picture p) {
    if (p.width >= MIN_CELL && p.height >= MIN_CELL) {
        const int is_level = c.bottom - c.top <= EDGE_SHARE * p.height;
        const int is_upright = c.right - c.left <= EDGE_SHARE * p.width;
        if ((is_level && (!c.top || c.bottom == p.height - 1)) ||
            (is_upright && (!c.left || c.right == p.width - 1))) {
            return 0;
        }
    }
    return true_length(c);
}

static int touches_label(picture mask, int x, int y, int label) {
    for (int j = -1; j <= 1; j++) {
        for (int i = -1; i <= 1; i++) {
            if ((pixel(mask, x + i, y + j) & LABEL) == label) {
                return 1;
            }
        }
    }
    return 0;
}

/* Give an unseen pixel the label if one beside it has it. Returns whether it did. */
static int spread(picture mask, int x, int y, int label, component *c) {
    if ((pixel(mask, x, y) & LABEL) != UNSEEN || !touches_label(mask, x, y, label)) {
        return 0;
    }
    mask.pixels[y * mask.width + x] = (uint8_t)((mask.pixels[y * mask.width + x] & FLAG) | label);
    c->left = x < c->left ? x : c->left;
    c->right = max_of(x, c->right);
    c->top = y < c->top ? y : c->top;
    c->bottom = max_of(y, c->bottom);
    return 1;
}

/* The component of the pixel (x, y). It grows in sweeps down and up its box, which need no memory. */
static component grow(picture mask, int x, int y, int label) {
    component c = {x, x, y, y};
    mask.pixels[y * mask.width + x] = (uint8_t)((mask.pixels[y * mask.width + x] & FLAG) | label);
    for (int grown = 1; grown;) {
        grown = 0;
        for (int v = c.top - 1; v <= c.bottom + 1; v++) {
            for (int u = c.left - 1; u <= c.right + 1; u++) {
                grown |= spread(mask, u, v, label, &c);
            }
        }
        for (int v = c.bottom + 1; v >= c.top - 1; v--) {
            for (int u = c.right + 1; u >= c.left - 1; u--) {
                grown |= spread(mask, u, v, label, &c);
            }
        }
    }
    return c;
}

static void relabel(picture mask, component c, int from, int to) {
    for (int y = c.top; y <= c.bottom; y++) {
        for (int i = y * mask.width + c.left; i <= y * mask.width + c.right; i++) {
            if ((mask.pixels[i] & LABEL) == from) {
                mask.pixels[i] = (uint8_t)((mask.pixels[i] & FLAG) | to);
            }
        }
    }
}

/* Erase the shortest component, the last one in a tie; the last one takes its label. */
static void erase_shortest(picture mask, components *parts) {
    int shortest = parts->labels - 1;
    for (int i = shortest - 1; i >= 0; i--) {
        shortest = length_of(parts->of[i], mask) < length_of(parts->of[shortest], mask) ? i : shortest;
    }
    const int last = --parts->labels;
    relabel(mask, parts->of[shortest], shortest + 1, 0);
    relabel(mask, parts->of[last], last + 1, shortest + 1);
    parts->of[shortest] = parts->of[last];
}

/* Label the components of a mask; neighbours along the diagonal are connected. */
static void label_unseen(picture mask, components *parts) {
    parts->labels = parts->total = 0;
    for (int i = 0; i < area_of(mask); i++) {
        if ((mask.pixels[i] & LABEL) == UNSEEN) {
            parts->of[parts->labels] = grow(mask, i % mask.width, i / mask.width, parts->labels + 1);
            parts->labels++;
            parts->total++;
            if (parts->labels > MAX_LABELS) {
                erase_shortest(mask, parts);
            }
        }
    }
}

static void label_flagged(picture mask, components *parts) {
    for (int i = 0; i < area_of(mask); i++) {
        mask.pixels[i] = mask.pixels[i] & FLAG ? FLAG | UNSEEN : 0;
    }
    label_unseen(mask, parts);
}

/* Whether some components but the longest may have broken off a stroke. */
static int may_be_broken(const components *parts) {
    int longest = 0, count = 0; /* those that were erased are shorter */
    for (int i = 0; i < parts->labels; i++) {
        longest = max_of(longest, true_length(parts->of[i]));
    }
    for (int i = 0; i < parts->labels; i++) {
        count += true_length(parts->of[i]) >= BROKEN_SHARE * longest;
    }
    return count > 1;
}

/* Label the components of a mask whose ink is flagged; together with fainter pixels of the stretched ink, if these join
 * strokes that Otsu's threshold breaks. */
static void label_strokes(picture ink, picture mask, components *parts) {
    label_flagged(mask, parts);
    const int total = parts->total;
    if (total < 2 || !may_be_broken(parts)) {
        return;
    }
    int faint_area = 0;
    for (int i = 0; i < area_of(mask); i++) {
        const int is_ink = ink.pixels[i] > FAINT_LEVEL || mask.pixels[i] & FLAG;
        faint_area += is_ink;
        mask.pixels[i] = (uint8_t)((mask.pixels[i] & FLAG) | (is_ink ? UNSEEN : 0));
    }
    if (faint_area > FAINT_SHARE * area_of(mask)) {
        label_flagged(mask, parts);
        return;
    }
    label_unseen(mask, parts);
    if (parts->total > 1 && parts->total >= total) {
        label_flagged(mask, parts);
    }
}

static int count_of(set s) {
    int count = 0;
    for (; s; s >>= 1) {
        count += (int)(s & 1);
    }
    return count;
}

/* The components that reach the middle of the picture, as no neighbour's stroke does. */
static set central_ones(picture mask) {
    set found = 0;
    for (int y = mask.height / 4; y < mask.height - mask.height / 4; y++) {
        for (int x = mask.width / 4; x < mask.width - mask.width / 4; x++) {
            const int label = pixel(mask, x, y) & LABEL;
            found |= label ? (set)1 << (label - 1) : 0;
        }
    }
    return found;
}

/* The components near the main ones, in comparison with the length of those. Pixels near a main one in their row are
 * flagged, and then pixels near a flag in their column are found. */
static set near_ones(picture mask, const components *parts, set main) {
    int longest = 0;
    for (int label = 1; label <= parts->labels; label++) {
        longest = is_in(main, label) ? max_of(longest, true_length(parts->of[label - 1])) : longest;
    }
    const int reach = max_of(MIN_GAP, (int)rint(GAP_SHARE * longest));
    for (int y = 0; y < mask.height; y++) {
        for (int x = -reach, last = -3 * reach; x < mask.width; x++) {
            last = is_in(main, pixel(mask, x + reach, y) & LABEL) ? x + reach : last;
            if (x >= 0) {
                uint8_t *here = mask.pixels + y * mask.width + x;
                *here = (uint8_t)((*here & LABEL) | (last >= x - reach ? FLAG : 0));
            }
        }
    }
    set found = 0;
    for (int x = 0; x < mask.width; x++) {
        for (int y = -reach, last = -3 * reach; y < mask.height; y++) {
            last = pixel(mask, x, y + reach) & FLAG ? y + reach : last;
            const int label = pixel(mask, x, y) & LABEL;
            found |= label && last >= y - reach ? (set)1 << (label - 1) : 0;
        }
    }
    return found;
}

/* The components of a set that have at least a share of the length of the longest in another set. */
static set long_ones(picture mask, const components *parts, set among, double share, set others) {
    int longest = 0;
    set found = 0;
    for (int label = 1; label <= parts->labels; label++) {
        longest = is_in(others, label) ? max_of(longest, length_of(parts->of[label - 1], mask)) : longest;
    }
    for (int label = 1; label <= parts->labels; label++) {
        const int length = length_of(parts->of[label - 1], mask);
        found |= is_in(among, label) && length && length >= share * longest ? (set)1 << (label - 1) : 0;
    }
    return found;
}

static set without_specks(picture mask, const components *parts, set keep) {
    return long_ones(mask, parts, keep, SPECK_SHARE, keep);
}

/* The components to keep; of too many, the long ones alone; none if those are many, too. */
static set without_grain(picture mask, const components *parts, set keep) {
    if (count_of(keep) <= MAX_COMPONENTS) {
        return keep;
    }
    keep = long_ones(mask, parts, keep, LONG_SHARE, ~(set)0);
    for (int label = 1; label <= parts->labels; label++) {
        if (length_of(parts->of[label - 1], mask) < GRAIN_SHARE * max_of(mask.width, mask.height)) {
            keep &= ~((set)1 << (label - 1));
        }
    }
    return count_of(keep) <= MAX_STROKES ? keep : 0;
}

/* The components that are the digit, without specks, splashes and the strokes of neighbours; none in a page of grain. */
static set digit_of(picture mask, const components *parts) {
    const set all = ~(set)0, central = central_ones(mask), strokes = without_specks(mask, parts, all);
    set everything = without_grain(mask, parts, strokes), touching = 0;
    if (count_of(strokes) > MAX_STROKES) {
        const set main = everything & central;
        everything = main ? main | (everything & near_ones(mask, parts, main)) : 0;
    }
    for (int label = 1; label <= parts->labels; label++) {
        touching |= touches_border(parts->of[label - 1], mask) ? (set)1 << (label - 1) : 0;
    }
    set free_ = everything & ~touching, digit = long_ones(mask, parts, free_, FREE_SHARE, all);
    digit &= central & touching ? central : all;
    if (free_ == everything || !digit) {
        return everything;
    }
    free_ = without_specks(mask, parts, free_);
    return without_specks(mask, parts, free_ | (everything & near_ones(mask, parts, free_)));
}

/* Keep only the digit in a mask whose ink is flagged. */
static void keep_digit(picture ink, picture mask) {
    components parts;
    label_strokes(ink, mask, &parts);
    const set digit = digit_of(mask, &parts);
    for (int i = 0; i < area_of(mask); i++) {
        mask.pixels[i] = (uint8_t)is_in(digit, mask.pixels[i] & LABEL);
    }
}

/* Remove ink that is not on the mask or within 1 or 2 pixels of it. */
static void keep_near(picture ink, picture mask) {
    const int reach = max_of(mask.width, mask.height) < SMALL_VIEW ? 1 : 2;
    for (int y = 0; y < ink.height; y++) {
        for (int x = 0; x < ink.width; x++) {
            int near = 0;
            for (int j = -reach; j <= reach; j++) {
                for (int i = -reach; i <= reach; i++) {
                    near |= pixel(mask, x + i, y + j);
                }
            }
            if (!near) {
                ink.pixels[y * ink.width + x] = 0;
            }
        }
    }
}

/* Crop a picture to its ink, in place. The ink's position before is stored in from_left and from_top. */
static picture cropped(picture p, int *from_left, int *from_top) {
    int left = p.width, right = -1, top = p.height, bottom = -1;
    for (int y = 0; y < p.height; y++) {
        for (int x = 0; x < p.width; x++) {
            if (p.pixels[y * p.width + x]) {
                left = x < left ? x : left;
                right = x > right ? x : right;
                top = y < top ? y : top;
                bottom = y;
            }
        }
    }
    *from_left = left;
    *from_top = top;
    if (right < 0) {
        return (picture){p.pixels, 0, 0};
    }
    const picture cut = {p.pixels, right - left + 1, bottom - top + 1};
    for (int y = 0; y < cut.height; y++) {
        memmove(cut.pixels + y * cut.width, p.pixels + (y + top) * p.width + left, (size_t)cut.width);
    }
    return cut;
}

static picture crop(picture p) {
    int left, top;
    return cropped(p, &left, &top);
}

/* ---- resizing, like OpenCV ---- */

static double area_sample(picture p, double x0, double x1, double y0, double y1) {
    double sum = 0.0;
    for (int y = (int)y0; y < y1 && y < p.height; y++) {
        const double down = fmin(y1, y + 1.0) - fmax(y0, y);
        for (int x = (int)x0; x < x1 && x < p.width; x++) {
            sum += down * (fmin(x1, x + 1.0) - fmax(x0, x)) * p.pixels[y * p.width + x];
        }
    }
    return sum / ((x1 - x0) * (y1 - y0));
}

static void cubic_weights(double t, double weights[4]) {
    const double a = -0.75, u = 1.0 - t;
    weights[0] = ((a * (t + 1.0) - 5.0 * a) * (t + 1.0) + 8.0 * a) * (t + 1.0) - 4.0 * a;
    weights[1] = ((a + 2.0) * t - (a + 3.0)) * t * t + 1.0;
    weights[2] = ((a + 2.0) * u - (a + 3.0)) * u * u + 1.0;
    weights[3] = 1.0 - weights[0] - weights[1] - weights[2];
}

static double cubic_sample(picture p, double x, double y) {
    double across[4], down[4], sum = 0.0;
    cubic_weights(x - floor(x), across);
    cubic_weights(y - floor(y), down);
    for (int j = 0; j < 4; j++) {
        const int row = clamp((int)floor(y) - 1 + j, 0, p.height - 1);
        for (int i = 0; i < 4; i++) {
            sum += down[j] * across[i] * p.pixels[row * p.width + clamp((int)floor(x) - 1 + i, 0, p.width - 1)];
        }
    }
    return sum;
}

static picture resize(picture p, int width, int height, int shrink, uint8_t *pixels) {
    const double sx = (double)p.width / width, sy = (double)p.height / height;
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            pixels[y * width + x] = to_byte(
                shrink ? area_sample(p, x * sx, fmin((x + 1) * sx, p.width), y * sy, fmin((y + 1) * sy, p.height))
                       : cubic_sample(p, (x + 0.5) * sx - 0.5, (y + 0.5) * sy - 0.5));
        }
    }
    return (picture){pixels, width, height};
}

static picture scaled(picture p, int side, uint8_t *pixels) {
    const double scale = (double)side / max_of(p.width, p.height);
    return resize(p, at_least_1(rint(p.width * scale)), at_least_1(rint(p.height * scale)), scale < 1.0, pixels);
}

static void brighten(picture p, double gain) {
    for (int i = 0; i < area_of(p); i++) {
        p.pixels[i] = to_byte(gain * p.pixels[i]);
    }
}

/* ---- stroke width ---- */

/* Twice the mass over the total variation. Differences along x and y overestimate slanted edges by 4 / pi on average. */
static double stroke_width(picture p) {
    double mass = 0.0, variation = 0.0;
    for (int y = 0; y <= p.height; y++) {
        for (int x = 0; x <= p.width; x++) {
            const int here = pixel(p, x, y);
            mass += here;
            variation += abs(here - pixel(p, x - 1, y)) + abs(here - pixel(p, x, y - 1));
        }
    }
    return 2.0 * mass * (4.0 / PI) / (variation > 1.0 ? variation : 1.0);
}

/* Erode (wider = 0) or dilate (wider = 1) with OpenCV's ellipse of `size`; pixels beyond the picture do not count. */
static picture erode_or_dilate(picture p, int size, int wider, uint8_t *pixels) {
    const int r = size / 2;
    for (int y = 0; y < p.height; y++) {
        for (int x = 0; x < p.width; x++) {
            int extreme = wider ? 0 : 255;
            for (int j = 0; j < size; j++) {
                const int dy = j - r, row = y + dy;
                const int reach = r ? (int)rint(r * sqrt((r * r - dy * dy) / (double)(r * r))) : 0;
                for (int i = max_of(r - reach, 0); i < (r + reach + 1 < size ? r + reach + 1 : size); i++) {
                    const int column = x + i - r;
                    if (row >= 0 && row < p.height && column >= 0 && column < p.width) {
                        const int here = p.pixels[row * p.width + column];
                        extreme = wider ? max_of(extreme, here) : here < extreme ? here : extreme;
                    }
                }
            }
            pixels[y * p.width + x] = (uint8_t)extreme;
        }
    }
    return (picture){pixels, p.width, p.height};
}

/* Add a margin for wider strokes; with a radius of 1, only on sides where the picture does not become longer. */
static picture with_margin(picture p, int radius, uint8_t *pixels) {
    const int size = max_of(p.width, p.height);
    const int right = radius == 1 ? clamp((size - p.width) / 2, 0, 1) : radius;
    const int down = radius == 1 ? clamp((size - p.height) / 2, 0, 1) : radius;
    const picture wide = {pixels, p.width + 2 * right, p.height + 2 * down};
    memset(pixels, 0, (size_t)area_of(wide));
    for (int y = 0; y < p.height; y++) {
        memcpy(pixels + (y + down) * wide.width + right, p.pixels + y * p.width, (size_t)p.width);
    }
    return wide;
}

/* Brighten the ink so that its mean becomes 255. */
static void make_ink_solid(picture p) {
    const int threshold = otsu(p);
    double sum = 0.0;
    int ink_area = 0;
    for (int i = 0; i < area_of(p); i++) {
        if (p.pixels[i] > threshold) {
            sum += p.pixels[i];
            ink_area++;
        }
    }
    brighten(p, 255.0 / fmax(ink_area ? sum / ink_area : 0.0, 1.0));
}

static picture copied(picture p, uint8_t *pixels) {
    memmove(pixels, p.pixels, (size_t)area_of(p));
    return (picture){pixels, p.width, p.height};
}

/* Widen or narrow the strokes to a width that MNIST has. `ink` is in workspace->first, and so is the result. */
static picture correct_stroke_width(picture ink, digits_workspace *workspace) {
    const int size = max_of(ink.width, ink.height);
    const double stroke = stroke_width(ink) * BOX / size;
    if (stroke >= MIN_STROKE && stroke <= MAX_STROKE) {
        return ink;
    }
    const int wider = stroke < MIN_STROKE;
    const double reach = fmax(MIN_STROKE - stroke, stroke - MAX_STROKE) * size / BOX / 2.0;
    const int radius = (int)ceil(reach);
    const picture before = with_margin(ink, wider ? radius : 0, workspace->second);
    const picture changed = erode_or_dilate(before, 2 * radius + 1, wider, workspace->second + area_of(before));
    const double share = reach / radius;
    for (int i = 0; i < area_of(before); i++) {
        changed.pixels[i] = to_byte((1.0 - share) * before.pixels[i] + share * changed.pixels[i]);
    }
    if (wider && radius > 1) {
        make_ink_solid(changed);
    }
    const picture result = crop(changed);
    return result.width ? copied(result, workspace->first) : ink;
}

/* ---- slant and frame ---- */

typedef struct {
    double x, y, slant; /* x and y of the centre of mass; slant in pixels across for each pixel down */
} moments;

static moments moments_of(picture p) {
    double m00 = 0.0, m10 = 0.0, m01 = 0.0, m11 = 0.0, m02 = 0.0;
    for (int y = 0; y < p.height; y++) {
        for (int x = 0; x < p.width; x++) {
            const double ink = p.pixels[y * p.width + x];
            m00 += ink;
            m10 += x * ink;
            m01 += y * ink;
            m11 += (double)x * y * ink;
            m02 += (double)y * y * ink;
        }
    }
    const double x = m10 / m00, y = m01 / m00, mu02 = m02 - m01 * y;
    return (moments){x, y, mu02 > 0.0 ? (m11 - x * m01) / mu02 : 0.0};
}

/* Remove the slant about the centre of mass, and update `mass` with its new position. `ink` is in workspace->first, and
 * so is the result. */
static picture deslant(picture ink, moments *mass, digits_workspace *workspace) {
    const double shear = fmin(fmax(mass->slant, -MAX_SHEAR), MAX_SHEAR);
    if (fabs(shear) < MIN_SHEAR) {
        return ink;
    }
    const int pad = (int)ceil(fabs(shear) * ink.height) + 1;
    const picture sheared = {workspace->second, ink.width + 2 * pad, ink.height};
    for (int y = 0; y < sheared.height; y++) {
        for (int x = 0; x < sheared.width; x++) {
            const double from = x - pad + shear * (y - mass->y);
            const int left = (int)floor(from);
            const double t = from - left;
            sheared.pixels[y * sheared.width + x] = to_byte((1.0 - t) * pixel(ink, left, y) + t * pixel(ink, left + 1, y));
        }
    }
    int left, top;
    const picture cut = cropped(sheared, &left, &top);
    mass->x += pad - left;
    mass->y -= top;
    return copied(cut, workspace->first);
}

static picture fit_box(picture ink, digits_workspace *workspace) {
    const int size = max_of(ink.width, ink.height);
    if (size >= BOX && size <= BOX + BOX_TOLERANCE) {
        return ink;
    }
    const picture fitted = scaled(ink, BOX, workspace->second);
    int peak = 0;
    for (int i = 0; i < area_of(fitted); i++) {
        peak = max_of(peak, fitted.pixels[i]);
    }
    if (peak > 0 && peak < 255) {
        brighten(fitted, 255.0 / peak);
    }
    return fitted;
}

static void frame(picture ink, digits_workspace *workspace, uint8_t glyph[SIDE * SIDE]) {
    const int size = max_of(ink.width, ink.height);
    if (size > MAX_SIDE) {
        ink = copied(scaled(ink, MAX_SIDE, workspace->second), workspace->first);
    } else if (size < BOX) {
        ink = copied(scaled(ink, ENLARGED_SIDE, workspace->second), workspace->first);
    }
    ink = correct_stroke_width(ink, workspace);
    moments mass = moments_of(ink);
    ink = deslant(ink, &mass, workspace);
    const picture digit = fit_box(ink, workspace);
    const double x = (mass.x + 0.5) * ((double)digit.width / ink.width) - 0.5;
    const double y = (mass.y + 0.5) * ((double)digit.height / ink.height) - 0.5;
    const int left = clamp((int)rint(CENTRE - x), 0, SIDE - digit.width);
    const int top = clamp((int)rint(CENTRE - y), 0, SIDE - digit.height);
    memset(glyph, 0, SIDE * SIDE);
    for (int row = 0; row < digit.height; row++) {
        memcpy(glyph + (top + row) * SIDE + left, digit.pixels + row * digit.width, (size_t)digit.width);
    }
}

int digits_normalise(const uint8_t *image, int width, int height, int stride, digits_ink ink,
                     digits_workspace *workspace, uint8_t glyph[SIDE * SIDE]) {
    if (width < 1 || height < 1 || stride < width) {
        return 0;
    }
    const int inverted = is_mostly_bright(image, width, height, stride);
    picture view = make_view(image, width, height, stride, inverted, workspace->first);
    picture mask = {workspace->second, view.width, view.height};
    const int threshold = otsu(view);
    const int light = ink == DIGITS_INK_AUTO ? ink_is_light(view, threshold) : (ink == DIGITS_INK_LIGHT) != inverted;
    int ink_area = 0;
    for (int i = 0; i < area_of(view); i++) {
        mask.pixels[i] = (view.pixels[i] > threshold) == light ? FLAG : 0;
        ink_area += mask.pixels[i] > 0;
        view.pixels[i] = light ? view.pixels[i] : (uint8_t)(255 - view.pixels[i]);
    }
    if (!ink_area || !remove_background(view, ink_area)) {
        return 0;
    }
    keep_digit(view, mask);
    keep_near(view, mask);
    const picture box = crop(mask), digit = crop(view);
    const double min_size = fmax(2.0, MIN_INK_SHARE * max_of(view.width, view.height));
    if (!digit.width || max_of(box.width, box.height) < min_size) {
        return 0;
    }
    frame(digit, workspace, glyph);
    return 1;
}
