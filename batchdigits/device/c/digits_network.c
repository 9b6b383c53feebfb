#include "digits_network.h"

#include <stddef.h>
#include <string.h>

typedef struct {
    int inputs, units;
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

/* x * multiplier * 2^(shift - 31), rounded after the product and again after the shift, like gemmlowp. */
static int32_t scaled(int32_t x, int32_t multiplier, int shift) {
    const int right = shift < 0 ? -shift : 0;
    const int64_t product = (int64_t)x * ((int64_t)1 << (shift > 0 ? shift : 0)) * multiplier;
    const int64_t nudge = (int64_t)1 << 30;
    const int32_t high = (int32_t)((product + (product >= 0 ? nudge : 1 - nudge)) / ((int64_t)1 << 31));
    const int32_t mask = (int32_t)(((int64_t)1 << right) - 1);
    return (high >> right) + ((high & mask) > (mask >> 1) + (high < 0));
}

static void run_layer(const layer *l, const int8_t *input, int8_t *output) {
    const int8_t *weights = (const int8_t *)digits_model + l->weights;
    for (int unit = 0; unit < l->units; unit++) {
        int32_t sum = l->biases ? bias_at(l->biases, unit) : 0;
        for (int i = 0; i < l->inputs; i++) {
            sum += *weights++ * (input[i] - l->input_zero);
        }
        const int s = l->scales == 1 ? 0 : unit;
        int32_t value = l->output_zero + scaled(sum, l->multipliers[s], l->shifts[s]);
        value = value < l->output_min ? l->output_min : value;
        output[unit] = (int8_t)(value > 127 ? 127 : value);
    }
}

void digits_run(const uint8_t glyph[DIGITS_PIXELS], int8_t logits[DIGITS_CLASSES]) {
    int8_t input[DIGITS_MAX_WIDTH], output[DIGITS_MAX_WIDTH];
    for (int i = 0; i < DIGITS_PIXELS; i++) {
        input[i] = (int8_t)(glyph[i] - 128);
    }
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++) {
        run_layer(&layers[i], input, output);
        memcpy(input, output, (size_t)layers[i].units);
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
