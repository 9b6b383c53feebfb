#include "digits_network.h"

#include <stddef.h>
#include <string.h>

#include "digits_scale.h"

/* The input is square, of side * side values for each channel. A fully connected layer is one window of one value. */
typedef struct {
    int side, channels, kernel, stride, padding, output_side, units;
    size_t weights, biases; /* offsets in digits_model; 0 for no biases */
    const int32_t *multipliers;
    const int8_t *shifts;
    int scales; /* 1 for the layer, or one for each unit */
    int32_t input_zero, output_zero, output_min;
} layer;

#include "digits_layers.h"

static int32_t bias_at(size_t offset, int unit) {
    const unsigned char *b = digits_model + offset + 4 * (size_t)unit;
    return (int32_t)((uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24);
}

#ifdef __GNUC__ /* inlined, its loop would run out of registers on Cortex-M */
__attribute__((noinline))
#endif
static int32_t dot(const int8_t *weights, const int8_t *values, int count, int32_t zero) {
    int32_t sum = 0;
    for (int i = 0; i < count; i++) {
        sum += *weights++ * (*values++ - zero);
    }
    return sum;
}

/* The sum of a unit over the part of its window that is inside the input. */
static int32_t sum_at(const layer *l, const int8_t *input, int unit, int top, int left) {
    const int8_t *weights = (const int8_t *)digits_model + l->weights;
    const int first = left < 0 ? 0 : left, end = left + l->kernel > l->side ? l->side : left + l->kernel;
    int32_t sum = l->biases ? bias_at(l->biases, unit) : 0;
    for (int y = top < 0 ? 0 : top; y < top + l->kernel && y < l->side; y++) {
        const int8_t *row = weights + ((unit * l->kernel + y - top) * l->kernel + first - left) * l->channels;
        const int8_t *values = input + (y * l->side + first) * l->channels;
        sum += dot(row, values, (end - first) * l->channels, l->input_zero);
    }
    return sum;
}

static void run_layer(const layer *l, const int8_t *input, int8_t *output) {
    for (int window = 0; window < l->output_side * l->output_side; window++) {
        const int top = window / l->output_side * l->stride - l->padding;
        const int left = window % l->output_side * l->stride - l->padding;
        for (int unit = 0; unit < l->units; unit++) {
            const int s = l->scales == 1 ? 0 : unit;
            int32_t value = digits_scaled(sum_at(l, input, unit, top, left), l->multipliers[s], l->shifts[s]) + l->output_zero;
            value = value < l->output_min ? l->output_min : value;
            *output++ = (int8_t)(value > 127 ? 127 : value);
        }
    }
}

void digits_run(const uint8_t glyph[DIGITS_PIXELS], int8_t logits[DIGITS_CLASSES]) {
    int8_t input[DIGITS_MAX_WIDTH], output[DIGITS_MAX_WIDTH];
    for (int i = 0; i < DIGITS_PIXELS; i++) {
        input[i] = (int8_t)(glyph[i] - 128);
    }
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++) {
        run_layer(&layers[i], input, output);
        memcpy(input, output, (size_t)(layers[i].output_side * layers[i].output_side * layers[i].units));
    }
    memcpy(logits, input, DIGITS_CLASSES);
}

int digits_best(const int8_t logits[DIGITS_CLASSES]) {
    int best = 0;
    for (int i = 1; i < DIGITS_CLASSES; i++) {
        best = logits[i] > logits[best] ? i : best;
    }
    return best;
}
