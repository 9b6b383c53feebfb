/* From the pixels of a canvas to a grey scan, as batchdigits/vision/grey.py does it for 8 bits. */
#include <math.h>
#include <stdint.h>

#define FLAT_DEVIATION 24.0  /* grey levels: a scan that varies less may have ink of the background's own luma */
#define MIN_CHANNEL_GAIN 2.0 /* a colour that varies this many times as much as luma is taken instead */
#define MAX_CHROMA_NOISE 8.0 /* grey levels of standard deviation on an empty page */
#define MIN_OPAQUE_RANGE 64  /* grey levels: opaque pixels that span more hold a background too */
#define OPAQUE 255

enum { RED, GREEN, BLUE, LUMA };

/* Rec. 601, rounded like OpenCV. */
static int luma(const uint8_t *p) { return (9798 * p[RED] + 19235 * p[GREEN] + 3735 * p[BLUE] + 16384) >> 15; }

static int level_of(const uint8_t *p, int kind) { return kind == LUMA ? luma(p) : p[kind]; }

static int is_opaque(const uint8_t *rgba, int pixels) {
    int lowest = OPAQUE;
    for (int i = 0; i < pixels; i++) {
        lowest &= rgba[4 * (long)i + 3];
    }
    return lowest == OPAQUE;
}

/* The standard deviation of a colour, or of LUMA. */
static double deviation(const uint8_t *rgba, int pixels, int kind) {
    int counts[256] = {0};
    double sum = 0.0, squares = 0.0;
    for (int i = 0; i < pixels; i++) {
        counts[level_of(rgba + 4 * (long)i, kind)]++;
    }
    for (int level = 0; level < 256; level++) {
        sum += (double)level * counts[level];
        squares += (double)level * level * counts[level];
    }
    return sqrt(fmax(squares / pixels - sum / pixels * (sum / pixels), 0.0));
}

/* The colour that shows ink of the background's luma, or LUMA. */
static int clearest(const uint8_t *rgba, int pixels) {
    const double flat = deviation(rgba, pixels, LUMA);
    double highest = fmax(MAX_CHROMA_NOISE, MIN_CHANNEL_GAIN * flat);
    int best = LUMA;
    if (flat >= FLAT_DEVIATION) {
        return LUMA;
    }
    for (int colour = BLUE; colour >= RED; colour--) {
        const double found = deviation(rgba, pixels, colour);
        best = found > highest ? colour : best;
        highest = fmax(highest, found);
    }
    return best;
}

static int level_of_rank(const int counts[256], int rank) {
    int sum = 0, level = 0;
    while (level < 255 && (sum += counts[level]) <= rank) {
        level++;
    }
    return level;
}

/* The grey that shows through: that of the picture's own background if it has one, else the opposite of the ink's. */
static int background(const uint8_t *rgba, int pixels) {
    int solid[256] = {0}, solid_pixels = 0, seen = 0;
    double seen_luma = 0.0;
    for (int i = 0; i < pixels; i++) {
        const uint8_t *p = rgba + 4 * (long)i;
        solid[luma(p)] += p[3] == OPAQUE;
        solid_pixels += p[3] == OPAQUE;
        seen += p[3] > 0;
        seen_luma += p[3] > 0 ? luma(p) : 0;
    }
    if (solid_pixels > pixels / 2) {
        const int last = solid_pixels - 1;
        if (level_of_rank(solid, last) - level_of_rank(solid, 0) > MIN_OPAQUE_RANGE) {
            return (level_of_rank(solid, last / 2) + level_of_rank(solid, last - last / 2)) / 2; /* the median */
        }
    }
    return seen_luma < 128.0 * seen || !seen ? 255 : 0;
}

/* Turn pixels of red, green, blue and alpha, four bytes each, into grey ones of a byte, in place. */
void digits_make_grey(uint8_t *pixels, int count) {
    if (is_opaque(pixels, count)) {
        const int kind = clearest(pixels, count);
        for (int i = 0; i < count; i++) {
            pixels[i] = (uint8_t)level_of(pixels + 4 * (long)i, kind);
        }
        return;
    }
    const int behind = background(pixels, count);
    for (int i = 0; i < count; i++) {
        const uint8_t *p = pixels + 4 * (long)i;
        pixels[i] = (uint8_t)((luma(p) * p[3] + behind * (OPAQUE - p[3]) + OPAQUE / 2) / OPAQUE);
    }
}
