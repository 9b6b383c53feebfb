/* Checks the golden vectors: each image must give its glyph within one grey level, and each glyph its exact logits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digits_golden.h"
#include "digits_network.h"
#include "digits_normalise.h"

static digits_workspace workspace;

static int glyph_difference(const digits_golden *golden) {
    uint8_t glyph[DIGITS_PIXELS];
    int largest = 0;
    if (!digits_normalise(golden->image, 28, 28, 28, DIGITS_INK_AUTO, &workspace, glyph)) {
        return 255;
    }
    for (int i = 0; i < DIGITS_PIXELS; i++) {
        const int difference = abs(glyph[i] - golden->glyph[i]);
        largest = difference > largest ? difference : largest;
    }
    return largest;
}

int main(void) {
    int wrong = 0;
    for (int i = 0; i < DIGITS_GOLDEN_COUNT; i++) {
        const digits_golden *golden = &digits_goldens[i];
        int8_t logits[DIGITS_CLASSES];
        digits_run(golden->glyph, logits);
        const int same = memcmp(logits, golden->logits, sizeof logits) == 0;
        const int difference = glyph_difference(golden);
        printf("%2d: a %s, read as %s; glyph within %d, logits %s\n", i, golden->label,
               digits_labels[digits_best(logits)], difference, same ? "equal" : "DIFFER");
        wrong += !same || difference > 1;
    }
    printf("%d of %d golden vectors hold\n", DIGITS_GOLDEN_COUNT - wrong, DIGITS_GOLDEN_COUNT);
    return wrong ? 1 : 0;
}
