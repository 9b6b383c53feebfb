#include "digits_network.h"

#include <stddef.h>

#include "digits_scale.h"

/* A fully connected layer, or a convolution if it has a kernel. Values between layers are uint8, 0 is no activation. */
typedef struct {
    const uint8_t *codes; /* a weight's position in `levels`: two in a byte, the first in the low half, unit by unit */
    const int32_t *biases;
    const int8_t *shifts; /* one for each unit */
    int32_t multiplier;
    int16_t output_zero;
    uint16_t inputs, units; /* weights of a unit, and units */
    uint8_t side, channels, kernel, stride, padding, output_side;
    uint8_t rows;    /* of a convolution's output: only so many are kept as the next one sees at once */
    uint16_t offset; /* of the output in `memory` */
} layer;

#include "digits_layers.h"

typedef struct {
    const uint8_t *glyph;
    int done[DIGITS_CONVOLUTIONS + 1]; /* rows of each convolution's output so far */
    uint8_t memory[DIGITS_MEMORY];
} state;

static int32_t output_of(const layer *l, int unit, int32_t sum) {
    const int32_t value = l->output_zero + digits_scaled(sum, l->multiplier, l->shifts[unit]);
    return value < -128 ? -128 : value > 127 ? 127 : value;
}

/* The product of `count` values with the weights from number `first` on. */
static int32_t product(const layer *l, size_t first, const uint8_t *values, int count) {
    int32_t sum = 0;
    for (int i = 0; i < count; i++) {
        const size_t n = first + (size_t)i;
        sum += levels[l->codes[n >> 1] >> (n & 1 ? 4 : 0) & 15] * values[i];
    }
    return sum;
}

static const uint8_t *input_row(const state *s, int number, int y) {
    const layer *l = &layers[number];
    if (number == 0) {
        return s->glyph + y * l->side;
    }
    const layer *before = &layers[number - 1];
    return s->memory + before->offset + y % before->rows * l->side * l->channels;
}

static int32_t window_sum(const state *s, int number, int unit, int top, int left) {
    const layer *l = &layers[number];
    int32_t sum = l->biases[unit];
    for (int dy = 0; dy < l->kernel; dy++) {
        if (top + dy < 0 || top + dy >= l->side) {
            continue;
        }
        const uint8_t *row = input_row(s, number, top + dy);
        const int from = left < 0 ? -left : 0;
        const int to = left + l->kernel > l->side ? l->side - left : l->kernel;
        const size_t first = (size_t)unit * l->inputs + (size_t)(dy * l->kernel + from) * l->channels;
        sum += product(l, first, row + (left + from) * l->channels, (to - from) * l->channels);
    }
    return sum;
}

/* Compute the next row of a convolution's output. */
static void convolve_row(state *s, int number) {
    const layer *l = &layers[number];
    const int y = s->done[number]++;
    uint8_t *output = s->memory + l->offset + y % l->rows * l->output_side * l->units;
    for (int x = 0; x < l->output_side; x++) {
        for (int unit = 0; unit < l->units; unit++) {
            const int32_t sum = window_sum(s, number, unit, y * l->stride - l->padding, x * l->stride - l->padding);
            *output++ = (uint8_t)(output_of(l, unit, sum) + 128);
        }
    }
}

/* How many rows of its input a convolution needs for the next row of its output. */
static int rows_needed(const state *s, int number) {
    const layer *l = &layers[number];
    const int end = s->done[number] * l->stride - l->padding + l->kernel;
    return end < l->side ? end : l->side;
}

static void convolve(state *s) {
    const int last = DIGITS_CONVOLUTIONS - 1;
    while (last >= 0 && s->done[last] < layers[last].output_side) {
        int number = last;
        while (number > 0 && s->done[number - 1] < rows_needed(s, number)) {
            number--;
        }
        convolve_row(s, number);
    }
}

void digits_run(const uint8_t glyph[DIGITS_PIXELS], int8_t logits[DIGITS_CLASSES]) {
    state s = {.glyph = glyph};
    convolve(&s);
    const uint8_t *values = DIGITS_CONVOLUTIONS > 0 ? s.memory + layers[DIGITS_CONVOLUTIONS - 1].offset : glyph;
    for (int number = DIGITS_CONVOLUTIONS; number < DIGITS_LAYERS; number++) {
        const layer *l = &layers[number];
        uint8_t *output = s.memory + l->offset;
        for (int unit = 0; unit < l->units; unit++) {
            const int32_t sum = l->biases[unit] + product(l, (size_t)unit * l->inputs, values, l->inputs);
            const int32_t value = output_of(l, unit, sum);
            if (number == DIGITS_LAYERS - 1) {
                logits[unit] = (int8_t)value;
            } else {
                output[unit] = (uint8_t)(value + 128);
            }
        }
        values = output;
    }
}

int digits_best(const int8_t logits[DIGITS_CLASSES]) {
    int best = 0;
    for (int i = 1; i < DIGITS_CLASSES; i++) {
        best = logits[i] > logits[best] ? i : best;
    }
    return best;
}
