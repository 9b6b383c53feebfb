/* From the pixels of a canvas to a grey scan, as batchdigits/vision/grey.py does it for 8 bits. */
#include <math.h>
#include <stdint.h>

#define FLAT_DEVIATION 24.0  /* grey levels: a scan that varies less may have ink of the background's own luma */
#define MIN_CHANNEL_GAIN 2.0 /* a colour that varies this many times as much as luma is taken instead */
#define MAX_CHROMA_NOISE 8.0 /* grey levels of standard deviation on an empty page */
#define MIN_OPAQUE_RANGE 64  /* grey levels: opaque pixels that span more hold a background too */
#define OPAQUE 255

enum { RED, GREEN, BLUE, LUMA, KINDS };

typedef struct {
    uint64_t sum, squares;
} moments;

typedef struct {
    moments of[KINDS];
    int solid[256];   /* opaque pixels of each luma */
    int solid_pixels; /* their number */
    int seen;         /* pixels that are not quite transparent */
    uint64_t seen_luma;
} statistics;

/* Rec. 601, rounded like OpenCV. */
static int luma(const uint8_t *p) { return (9798 * p[RED] + 19235 * p[GREEN] + 3735 * p[BLUE] + 16384) >> 15; }

static void add(moments *m, int level) {
    m->sum += (unsigned)level;
    m->squares += (unsigned)(level * level);
}

static double deviation(const moments *m, int pixels) {
    const double mean = (double)m->sum / pixels;
    return sqrt(fmax((double)m->squares / pixels - mean * mean, 0.0));
}

static void measure(const uint8_t *rgba, int pixels, statistics *s) {
    for (int i = 0; i < pixels; i++, rgba += 4) {
        const int grey = luma(rgba), alpha = rgba[3];
        for (int colour = RED; colour <= BLUE; colour++) {
            add(&s->of[colour], rgba[colour]);
        }
        add(&s->of[LUMA], grey);
        s->solid[grey] += alpha == OPAQUE;
        s->solid_pixels += alpha == OPAQUE;
        s->seen += alpha > 0;
        s->seen_luma += alpha > 0 ? (unsigned)grey : 0;
    }
}

/* The colour that shows ink of the background's luma, or LUMA. */
static int clearest(const statistics *s, int pixels) {
    const double flat = deviation(&s->of[LUMA], pixels);
    int best = BLUE;
    if (flat >= FLAT_DEVIATION) {
        return LUMA;
    }
    for (int colour = GREEN; colour >= RED; colour--) {
        best = deviation(&s->of[colour], pixels) > deviation(&s->of[best], pixels) ? colour : best;
    }
    return deviation(&s->of[best], pixels) > fmax(MAX_CHROMA_NOISE, MIN_CHANNEL_GAIN * flat) ? best : LUMA;
}

static int level_of_rank(const int counts[256], int rank) {
    int sum = 0, level = 0;
    while (level < 255 && (sum += counts[level]) <= rank) {
        level++;
    }
    return level;
}

/* The grey that shows through: that of the picture's own background if it has one, else the opposite of the ink's. */
static int background(const statistics *s, int pixels) {
    if (s->solid_pixels > pixels / 2) {
        const int last = s->solid_pixels - 1;
        if (level_of_rank(s->solid, last) - level_of_rank(s->solid, 0) > MIN_OPAQUE_RANGE) {
            return (level_of_rank(s->solid, last / 2) + level_of_rank(s->solid, last - last / 2)) / 2; /* the median */
        }
    }
    return (double)s->seen_luma < 128.0 * s->seen || !s->seen ? 255 : 0;
}

/* Turn pixels of red, green, blue and alpha, four bytes each, into grey ones of a byte, in place. */
void digits_make_grey(uint8_t *pixels, int count) {
    statistics s = {.seen = 0};
    measure(pixels, count, &s);
    const int is_opaque = s.solid_pixels == count;
    const int kind = is_opaque ? clearest(&s, count) : LUMA;
    const int behind = is_opaque ? 0 : background(&s, count);
    for (int i = 0; i < count; i++) {
        const uint8_t *p = pixels + 4 * (long)i;
        const int level = kind == LUMA ? luma(p) : p[kind], alpha = p[3];
        pixels[i] = (uint8_t)(is_opaque ? level : (level * alpha + behind * (OPAQUE - alpha) + OPAQUE / 2) / OPAQUE);
    }
}
