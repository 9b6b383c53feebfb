#include "digits_normalise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The numbers are those of batchdigits/vision; the reasons for them stand there. */
#define SIDE 28
#define BOX 20
#define SLACK 2
#define CENTRE 14.0
#define LARGE 60
#define FINE 40
#define THIN 1.9
#define THICK 4.5
#define STEEP 0.8
#define UPRIGHT 0.03
#define DETAIL 40
#define DUST 0.025
#define CONTRAST 16.0
#define SIGNAL 7.0
#define LOUD 100.0
#define PI 3.14159265358979323846

typedef struct {
    uint8_t *pixels; /* height rows of width bytes */
    int width, height;
} picture;

static int area_of(picture p) { return p.width * p.height; }
static int longest(int a, int b) { return a > b ? a : b; }
static int between(int x, int low, int high) { return x < low ? low : x > high ? high : x; }
static int at_least_1(double x) { return x < 1.0 ? 1 : (int)x; }

/* rint() rounds halves to even, as Python and OpenCV do. */
static uint8_t to_byte(double x) { return (uint8_t)(x <= 0.0 ? 0.0 : x >= 255.0 ? 255.0 : rint(x)); }

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

static int is_mostly_bright(const uint8_t *image, int width, int height) {
    double sum = 0.0;
    for (long i = 0; i < (long)width * height; i++) {
        sum += image[i];
    }
    return sum > 127.5 * (double)width * (double)height;
}

/* Shrink by a whole factor, turned so that dark prevails: an image and its inverse are one from here on. */
static picture look(const uint8_t *image, int width, int height, int turned, uint8_t *pixels) {
    const int factor = (longest(width, height) + DIGITS_VIEW - 1) / DIGITS_VIEW;
    const picture view = {pixels, longest(1, width / factor), longest(1, height / factor)};
    const int across = width < factor ? width : factor, down = height < factor ? height : factor;
    for (int y = 0; y < view.height; y++) {
        for (int x = 0; x < view.width; x++) {
            double sum = 0.0;
            for (int j = 0; j < down; j++) {
                for (int i = 0; i < across; i++) {
                    sum += image[(long)(y * factor + j) * width + x * factor + i];
                }
            }
            const double mean = sum / (across * down);
            pixels[y * view.width + x] = (uint8_t)((turned ? 255.0 - mean : mean) + 0.5);
        }
    }
    return view;
}

/* ---- paper and ink ---- */

/* Otsu's threshold (1979): what is above it is the lighter side. */
static int otsu(picture p) {
    int counts[256], best = 0;
    double mean = 0.0, weight = 0.0, below = 0.0, most = 0.0;
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
        if (variance > most) {
            most = variance;
            best = i;
        }
    }
    return best;
}

/* Paper owns the border and most of the area. */
static int ink_is_light(picture view, int threshold) {
    int total = 0, inside = 0;
    for (int y = 0; y < view.height; y++) {
        for (int x = 0; x < view.width; x++) {
            const int light = view.pixels[y * view.width + x] > threshold;
            total += light;
            inside += light && x > 0 && y > 0 && x < view.width - 1 && y < view.height - 1;
        }
    }
    const int inner = longest(0, view.width - 2) * longest(0, view.height - 2);
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

/* Set the paper to 0 and the ink's peak to 255; 0 if the ink does not stand out. */
static int lift(picture bright, int inked) {
    int counts[256], least = 0, most = 255;
    count_levels(bright, counts);
    while (!counts[least]) {
        least++;
    }
    while (!counts[most]) {
        most--;
    }
    /* levels that the widest stretch leaves at 0 */
    const double gain = 255.0 / longest(most - least, 1);
    int paper_area = 0;
    for (int level = least; level < 256 && to_byte(gain * (level - least)) == 0; level++) {
        paper_area += counts[level];
    }
    if (2 * (area_of(bright) - paper_area) < area_of(bright)) {
        stretch(bright, least, most);
        return most - least >= CONTRAST;
    }
    const double papers = area_of(bright) - inked;
    const int low = level_of_rank(counts, 0.16 * papers), paper = level_of_rank(counts, 0.5 * papers);
    const int peak = level_of_rank(counts, 0.1 * papers + 0.9 * area_of(bright));
    const double grain = paper - low, step = peak - paper;
    stretch(bright, paper + 2.0 * grain < peak - 1.0 ? paper + 2.0 * grain : peak - 1.0, peak);
    return step >= CONTRAST && (step >= LOUD || step >= SIGNAL * grain);
}

/* Keep the ink that lies on the mask or close by. */
static void keep_near(picture ink, picture mask) {
    const int reach = longest(mask.width, mask.height) < DETAIL ? 1 : 2;
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

/* Cut a picture down to its ink, in place, and say where in it that began. */
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

/* ---- resizing, as OpenCV does it ---- */

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
        const int row = between((int)floor(y) - 1 + j, 0, p.height - 1);
        for (int i = 0; i < 4; i++) {
            sum += down[j] * across[i] * p.pixels[row * p.width + between((int)floor(x) - 1 + i, 0, p.width - 1)];
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
    const double scale = (double)side / longest(p.width, p.height);
    return resize(p, at_least_1(rint(p.width * scale)), at_least_1(rint(p.height * scale)), scale < 1.0, pixels);
}

static void brighten(picture p, double gain) {
    for (int i = 0; i < area_of(p); i++) {
        p.pixels[i] = to_byte(gain * p.pixels[i]);
    }
}

/* ---- stroke width ---- */

/* Twice the mass over the total variation; steps along x and y overcount a slanted edge, 4 / pi on the mean. */
static double stroke_width(picture p) {
    double mass = 0.0, steps = 0.0;
    for (int y = 0; y <= p.height; y++) {
        for (int x = 0; x <= p.width; x++) {
            const int here = pixel(p, x, y);
            mass += here;
            steps += abs(here - pixel(p, x - 1, y)) + abs(here - pixel(p, x, y - 1));
        }
    }
    return 2.0 * mass * (4.0 / PI) / (steps > 1.0 ? steps : 1.0);
}

/* The least (wider = 0) or the greatest (wider = 1) pixel under OpenCV's ellipse of `size`, everywhere. Beyond the
 * picture there is nothing. */
static picture under_disc(picture p, int size, int wider, uint8_t *pixels) {
    const int r = size / 2;
    for (int y = 0; y < p.height; y++) {
        for (int x = 0; x < p.width; x++) {
            int extreme = wider ? 0 : 255;
            for (int j = 0; j < size; j++) {
                const int dy = j - r, row = y + dy;
                const int reach = r ? (int)rint(r * sqrt((r * r - dy * dy) / (double)(r * r))) : 0;
                for (int i = longest(r - reach, 0); i < (r + reach + 1 < size ? r + reach + 1 : size); i++) {
                    const int column = x + i - r;
                    if (row >= 0 && row < p.height && column >= 0 && column < p.width) {
                        const int here = p.pixels[row * p.width + column];
                        extreme = wider ? longest(extreme, here) : here < extreme ? here : extreme;
                    }
                }
            }
            pixels[y * p.width + x] = (uint8_t)extreme;
        }
    }
    return (picture){pixels, p.width, p.height};
}

/* Paper around ink for wider strokes, but not where one pixel more would make it too long for its box. */
static picture with_room(picture p, int radius, uint8_t *pixels) {
    const int size = longest(p.width, p.height);
    const int right = radius == 1 ? between((size - p.width) / 2, 0, 1) : radius;
    const int down = radius == 1 ? between((size - p.height) / 2, 0, 1) : radius;
    const picture wide = {pixels, p.width + 2 * right, p.height + 2 * down};
    memset(pixels, 0, (size_t)area_of(wide));
    for (int y = 0; y < p.height; y++) {
        memcpy(pixels + (y + down) * wide.width + right, p.pixels + y * p.width, (size_t)p.width);
    }
    return wide;
}

/* Make the mean of the lighter side the peak. */
static void make_solid(picture p) {
    const int threshold = otsu(p);
    double sum = 0.0;
    int inked = 0;
    for (int i = 0; i < area_of(p); i++) {
        if (p.pixels[i] > threshold) {
            sum += p.pixels[i];
            inked++;
        }
    }
    brighten(p, 255.0 / fmax(inked ? sum / inked : 0.0, 1.0));
}

static picture copied(picture p, uint8_t *pixels) {
    memmove(pixels, p.pixels, (size_t)area_of(p));
    return (picture){pixels, p.width, p.height};
}

/* Bring the stroke's width inside of MNIST's limits. `ink` lies in space->first, and so does the result. */
static picture mend_width(picture ink, digits_workspace *space) {
    const int size = longest(ink.width, ink.height);
    const double stroke = stroke_width(ink) * BOX / size;
    if (stroke >= THIN && stroke <= THICK) {
        return ink;
    }
    const int wider = stroke < THIN;
    const double reach = fmax(THIN - stroke, stroke - THICK) * size / BOX / 2.0;
    const int radius = (int)ceil(reach);
    const picture was = with_room(ink, wider ? radius : 0, space->second);
    const picture changed = under_disc(was, 2 * radius + 1, wider, space->second + area_of(was));
    const double share = reach / radius;
    for (int i = 0; i < area_of(was); i++) {
        changed.pixels[i] = to_byte((1.0 - share) * was.pixels[i] + share * changed.pixels[i]);
    }
    if (wider && radius > 1) {
        make_solid(changed);
    }
    const picture mended = crop(changed);
    return mended.width ? copied(mended, space->first) : ink;
}

/* ---- slant and frame ---- */

typedef struct {
    double x, y, slant; /* of the centre of mass; slant: x against y, 0 where there is none */
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

/* Take slant out of ink, about its centre of mass, and say where that is now. `ink` lies in space->first, and so does
 * the result. */
static picture upright(picture ink, moments *mass, digits_workspace *space) {
    const double shear = fmin(fmax(mass->slant, -STEEP), STEEP);
    if (fabs(shear) < UPRIGHT) {
        return ink;
    }
    const int pad = (int)ceil(fabs(shear) * ink.height) + 1;
    const picture sheared = {space->second, ink.width + 2 * pad, ink.height};
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
    return copied(cut, space->first);
}

static picture fit_box(picture ink, digits_workspace *space) {
    const int size = longest(ink.width, ink.height);
    if (size >= BOX && size <= BOX + SLACK) {
        return ink;
    }
    const picture fitted = scaled(ink, BOX, space->second);
    int peak = 0;
    for (int i = 0; i < area_of(fitted); i++) {
        peak = longest(peak, fitted.pixels[i]);
    }
    if (peak > 0 && peak < 255) {
        brighten(fitted, 255.0 / peak);
    }
    return fitted;
}

static void frame(picture ink, digits_workspace *space, uint8_t glyph[SIDE * SIDE]) {
    const int size = longest(ink.width, ink.height);
    if (size > LARGE) {
        ink = copied(scaled(ink, LARGE, space->second), space->first);
    } else if (size < BOX) {
        ink = copied(scaled(ink, FINE, space->second), space->first);
    }
    ink = mend_width(ink, space);
    moments mass = moments_of(ink);
    ink = upright(ink, &mass, space);
    const picture digit = fit_box(ink, space);
    const double x = (mass.x + 0.5) * ((double)digit.width / ink.width) - 0.5;
    const double y = (mass.y + 0.5) * ((double)digit.height / ink.height) - 0.5;
    const int left = between((int)rint(CENTRE - x), 0, SIDE - digit.width);
    const int top = between((int)rint(CENTRE - y), 0, SIDE - digit.height);
    memset(glyph, 0, SIDE * SIDE);
    for (int row = 0; row < digit.height; row++) {
        memcpy(glyph + (top + row) * SIDE + left, digit.pixels + row * digit.width, (size_t)digit.width);
    }
}

int digits_normalise(const uint8_t *image, int width, int height, digits_ink ink, digits_workspace *space,
                     uint8_t glyph[SIDE * SIDE]) {
    const int turned = is_mostly_bright(image, width, height);
    picture view = look(image, width, height, turned, space->first);
    picture mask = {space->second, view.width, view.height};
    const int threshold = otsu(view);
    const int light = ink == DIGITS_INK_AUTO ? ink_is_light(view, threshold) : (ink == DIGITS_INK_LIGHT) != turned;
    int inked = 0;
    for (int i = 0; i < area_of(view); i++) {
        mask.pixels[i] = (view.pixels[i] > threshold) == light;
        inked += mask.pixels[i];
        view.pixels[i] = light ? view.pixels[i] : (uint8_t)(255 - view.pixels[i]);
    }
    if (!inked || !lift(view, inked)) {
        return 0;
    }
    keep_near(view, mask);
    const picture box = crop(mask), digit = crop(view);
    const double dust = fmax(2.0, DUST * longest(view.width, view.height));
    if (!digit.width || longest(box.width, box.height) < dust) {
        return 0;
    }
    frame(digit, space, glyph);
    return 1;
}
