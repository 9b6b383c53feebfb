/* Frame ink as MNIST does: adjust stroke width and slant, fit it to a box of 20 pixels, and centre its mass. */
#include "digits_vision.h"

#define SIDE 28          /* pixels of a glyph */
#define BOX 20           /* pixels of the longer side of a digit in its glyph */
#define BOX_TOLERANCE 2  /* pixels that a digit may be longer than its box */
#define CENTRE 14.0f     /* of mass, in pixels */
#define MAX_SIDE 60      /* longer digits are shrunk to this */
#define ENLARGED_SIDE 40 /* digits shorter than the box are enlarged to this */
#define MIN_STROKE 1.9f  /* pixels in the box */
#define MAX_STROKE 4.5f  /* pixels in the box */
#define MAX_SHEAR 0.8f   /* pixels across for each pixel down */
#define MIN_SHEAR 0.03f  /* less slant is left as it is */
#define PI 3.14159265f

/* Crop a packed picture to its ink, in place. The ink's position before is stored in from_left and from_top. */
static picture cropped(picture p, int *from_left, int *from_top) {
    const box b = digits_box(p, 255);
    const picture cut = packed(p.pixels, width_of(b), height_of(b));
    for (int y = 0; y < cut.height; y++) {
        for (int x = 0; x < cut.width; x++) {
            *at(cut, x, y) = *at(p, b.left + x, b.top + y);
        }
    }
    *from_left = b.left;
    *from_top = b.top;
    return cut;
}

static picture crop(picture p) {
    int left, top;
    return cropped(p, &left, &top);
}

static picture copied(picture p, uint8_t *pixels) {
    memcpy(pixels, p.pixels, (size_t)area_of(p));
    return packed(pixels, p.width, p.height);
}

/* ---- resizing, like OpenCV ---- */

static float area_sample(picture p, float x0, float x1, float y0, float y1) {
    float sum = 0.0f;
    for (int y = (int)y0; (float)y < y1 && y < p.height; y++) {
        const float down = smaller(y1, (float)y + 1.0f) - larger(y0, (float)y);
        for (int x = (int)x0; (float)x < x1 && x < p.width; x++) {
            sum += down * (smaller(x1, (float)x + 1.0f) - larger(x0, (float)x)) * (float)*at(p, x, y);
        }
    }
    return sum / ((x1 - x0) * (y1 - y0));
}

static void cubic_weights(float t, float weights[4]) {
    const float a = -0.75f, u = 1.0f - t;
    weights[0] = ((a * (t + 1.0f) - 5.0f * a) * (t + 1.0f) + 8.0f * a) * (t + 1.0f) - 4.0f * a;
    weights[1] = ((a + 2.0f) * t - (a + 3.0f)) * t * t + 1.0f;
    weights[2] = ((a + 2.0f) * u - (a + 3.0f)) * u * u + 1.0f;
    weights[3] = 1.0f - weights[0] - weights[1] - weights[2];
}

static float cubic_sample(picture p, float x, float y) {
    const int left = floor_of(x), top = floor_of(y);
    float across[4], down[4], sum = 0.0f;
    cubic_weights(x - (float)left, across);
    cubic_weights(y - (float)top, down);
    for (int j = 0; j < 4; j++) {
        for (int i = 0; i < 4; i++) {
            const int column = clamp(left - 1 + i, 0, p.width - 1), row = clamp(top - 1 + j, 0, p.height - 1);
            sum += down[j] * across[i] * (float)*at(p, column, row);
        }
    }
    return sum;
}

static picture resize(picture p, int width, int height, int shrink, uint8_t *pixels) {
    const float sx = (float)p.width / (float)width, sy = (float)p.height / (float)height;
    const picture resized = packed(pixels, width, height);
    for (int row = 0; row < height; row++) {
        for (int column = 0; column < width; column++) {
            const float x = (float)column, y = (float)row;
            const float right = smaller((x + 1.0f) * sx, (float)p.width),
                        bottom = smaller((y + 1.0f) * sy, (float)p.height);
            *at(resized, column, row) =
                to_byte(shrink ? area_sample(p, x * sx, right, y * sy, bottom)
                               : cubic_sample(p, (x + 0.5f) * sx - 0.5f, (y + 0.5f) * sy - 0.5f));
        }
    }
    return resized;
}

static picture scaled(picture p, int side, uint8_t *pixels) {
    const float scale = (float)side / (float)long_side(p);
    const int width = max_of(1, round_of((float)p.width * scale)),
              height = max_of(1, round_of((float)p.height * scale));
    return resize(p, width, height, scale < 1.0f, pixels);
}

static void brighten(picture p, float gain) {
    for (int i = 0; i < area_of(p); i++) {
        p.pixels[i] = to_byte(gain * (float)p.pixels[i]);
    }
}

/* ---- stroke width ---- */

/* Twice the mass over the total variation. Differences along x and y overestimate slanted edges by 4 / pi on average.
 */
static float stroke_width(picture p) {
    int32_t mass = 0, variation = 0;
    for (int y = 0; y <= p.height; y++) {
        for (int x = 0; x <= p.width; x++) {
            const int here = pixel(p, x, y), across = here - pixel(p, x - 1, y), down = here - pixel(p, x, y - 1);
            mass += here;
            variation += (across < 0 ? -across : across) + (down < 0 ? -down : down);
        }
    }
    return 2.0f * (float)mass * (4.0f / PI) / (float)max_of(variation, 1);
}

/* Half of the width of OpenCV's ellipse of a radius, in a row that is so far from its middle. */
static int reach_of(int radius, int row) {
    const int square = radius * radius - row * row;
    int reach = 0;
    while (reach * reach + reach < square) { /* the rounded square root */
        reach++;
    }
    return reach;
}

/* Erode (wider = 0) or dilate (wider = 1) with OpenCV's ellipse; pixels beyond the picture do not count. */
static picture erode_or_dilate(picture p, int radius, int wider, uint8_t *pixels) {
    const picture changed = packed(pixels, p.width, p.height);
    for (int y = 0; y < p.height; y++) {
        for (int x = 0; x < p.width; x++) {
            int extreme = wider ? 0 : 255;
            for (int v = max_of(0, y - radius); v <= min_of(p.height - 1, y + radius); v++) {
                const int reach = reach_of(radius, v - y);
                for (int u = max_of(0, x - reach); u <= min_of(p.width - 1, x + reach); u++) {
                    extreme = wider ? max_of(extreme, *at(p, u, v)) : min_of(extreme, *at(p, u, v));
                }
            }
            *at(changed, x, y) = (uint8_t)extreme;
        }
    }
    return changed;
}

/* Add a margin for wider strokes; with a radius of 1, only on sides where the picture does not become longer. */
static picture with_margin(picture p, int radius, uint8_t *pixels) {
    const int right = radius == 1 ? clamp((long_side(p) - p.width) / 2, 0, 1) : radius;
    const int down = radius == 1 ? clamp((long_side(p) - p.height) / 2, 0, 1) : radius;
    const picture wide = packed(pixels, p.width + 2 * right, p.height + 2 * down);
    memset(pixels, 0, (size_t)area_of(wide));
    for (int y = 0; y < p.height; y++) {
        memcpy(at(wide, right, y + down), at(p, 0, y), (size_t)p.width);
    }
    return wide;
}

/* Brighten the ink so that its mean becomes 255. */
static void make_ink_solid(picture p) {
    uint32_t counts[256];
    digits_levels(p, p, 0, counts);
    const int threshold = digits_otsu(counts);
    uint32_t sum = 0, area = 0;
    for (int level = threshold + 1; level < 256; level++) {
        sum += (uint32_t)level * counts[level];
        area += counts[level];
    }
    brighten(p, 255.0f / larger(area ? (float)sum / (float)area : 0.0f, 1.0f));
}

/* Widen or narrow the strokes to a width that MNIST has. `ink` is in workspace->view, and so is the result. */
static picture correct_stroke_width(picture ink, digits_workspace *workspace) {
    const float size = (float)long_side(ink), width = stroke_width(ink) * (float)BOX / size;
    if (width >= MIN_STROKE && width <= MAX_STROKE) {
        return ink;
    }
    const int wider = width < MIN_STROKE;
    const float change = larger(MIN_STROKE - width, width - MAX_STROKE) * size / (float)BOX / 2.0f;
    const int radius = ceil_of(change);
    const float share = change / (float)radius;
    uint8_t *other = (uint8_t *)workspace->scratch;
    const picture before = with_margin(ink, wider ? radius : 0, other);
    const picture changed = erode_or_dilate(before, radius, wider, other + area_of(before));
    for (int i = 0; i < area_of(before); i++) {
        changed.pixels[i] = to_byte((1.0f - share) * (float)before.pixels[i] + share * (float)changed.pixels[i]);
    }
    if (wider && radius > 1) {
        make_ink_solid(changed);
    }
    const picture result = crop(changed);
    return result.width ? copied(result, workspace->view) : ink;
}

/* ---- slant and frame ---- */

typedef struct {
    float x, y, slant; /* x and y of the centre of mass; slant in pixels across for each pixel down */
} moments;

static moments moments_of(picture p) {
    uint32_t mass = 0, across = 0, down = 0;
    for (int y = 0; y < p.height; y++) {
        for (int x = 0; x < p.width; x++) {
            const uint32_t ink = *at(p, x, y);
            mass += ink;
            across += (uint32_t)x * ink;
            down += (uint32_t)y * ink;
        }
    }
    moments m = {(float)across / (float)mass, (float)down / (float)mass, 0.0f};
    float both = 0.0f, spread = 0.0f;
    for (int y = 0; y < p.height; y++) {
        const float dy = (float)y - m.y;
        for (int x = 0; x < p.width; x++) {
            const float ink = (float)*at(p, x, y);
            both += ((float)x - m.x) * dy * ink;
            spread += dy * dy * ink;
        }
    }
    m.slant = spread > 0.0f ? both / spread : 0.0f;
    return m;
}

/* Remove the slant about the centre of mass, and update `mass` with its new position. `ink` is in workspace->view, and
 * so is the result. */
static picture deslant(picture ink, moments *mass, digits_workspace *workspace) {
    const float shear = smaller(larger(mass->slant, -MAX_SHEAR), MAX_SHEAR);
    if (size_of(shear) < MIN_SHEAR) {
        return ink;
    }
    const int pad = ceil_of(size_of(shear) * (float)ink.height) + 1;
    const picture sheared = packed((uint8_t *)workspace->scratch, ink.width + 2 * pad, ink.height);
    for (int y = 0; y < sheared.height; y++) {
        for (int x = 0; x < sheared.width; x++) {
            const float from = (float)(x - pad) + shear * ((float)y - mass->y);
            const int left = floor_of(from);
            const float t = from - (float)left;
            const float level = (1.0f - t) * (float)pixel(ink, left, y) + t * (float)pixel(ink, left + 1, y);
            *at(sheared, x, y) = to_byte(level);
        }
    }
    int left, top;
    const picture cut = cropped(sheared, &left, &top);
    mass->x += (float)(pad - left);
    mass->y -= (float)top;
    return copied(cut, workspace->view);
}

static picture fit_box(picture ink, digits_workspace *workspace) {
    if (long_side(ink) >= BOX && long_side(ink) <= BOX + BOX_TOLERANCE) {
        return ink;
    }
    const picture fitted = scaled(ink, BOX, (uint8_t *)workspace->scratch);
    int peak = 0;
    for (int i = 0; i < area_of(fitted); i++) {
        peak = max_of(peak, fitted.pixels[i]);
    }
    if (peak > 0 && peak < 255) {
        brighten(fitted, 255.0f / (float)peak);
    }
    return fitted;
}

void digits_frame(picture ink, digits_workspace *workspace, uint8_t glyph[SIDE * SIDE]) {
    uint8_t *other = (uint8_t *)workspace->scratch;
    ink = crop(ink);
    if (long_side(ink) > MAX_SIDE) {
        ink = copied(scaled(ink, MAX_SIDE, other), workspace->view);
    } else if (long_side(ink) < BOX) {
        ink = copied(scaled(ink, ENLARGED_SIDE, other), workspace->view);
    }
    ink = correct_stroke_width(ink, workspace);
    moments mass = moments_of(ink);
    ink = deslant(ink, &mass, workspace);
    const picture digit = fit_box(ink, workspace);
    const float x = (mass.x + 0.5f) * ((float)digit.width / (float)ink.width) - 0.5f;
    const float y = (mass.y + 0.5f) * ((float)digit.height / (float)ink.height) - 0.5f;
    const int left = clamp(round_of(CENTRE - x), 0, SIDE - digit.width);
    const int top = clamp(round_of(CENTRE - y), 0, SIDE - digit.height);
    memset(glyph, 0, SIDE * SIDE);
    for (int row = 0; row < digit.height; row++) {
        memcpy(glyph + (top + row) * SIDE + left, digit.pixels + row * digit.width, (size_t)digit.width);
    }
}
