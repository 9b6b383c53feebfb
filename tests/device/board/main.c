/* Prints what the library makes of each golden vector: how far the glyph is off, logits, result and instructions. */
#include <stdlib.h>

#include "board.h"
#include "digits_classify.h"
#include "digits_golden.h"
#include "digits_network.h"

static digits_workspace workspace; /* static like the rest, so that the stack is that of the library */
static uint8_t glyph[DIGITS_PIXELS];
static int8_t logits[DIGITS_CLASSES];
static digits_result_t result;

static int glyph_difference(const digits_golden *golden) {
    int largest = 0;
    for (int i = 0; i < DIGITS_PIXELS; i++) {
        const int difference = abs(glyph[i] - golden->glyph[i]);
        largest = difference > largest ? difference : largest;
    }
    return largest;
}

int main(void) {
    for (int i = 0; i < DIGITS_GOLDEN_COUNT; i++) {
        const digits_golden *golden = &digits_goldens[i];
        board_instructions();
        const int found = digits_normalise(golden->image, 28, 28, 28, DIGITS_INK, &workspace, glyph);
        const uint32_t normaliser = board_instructions();
        digits_run(golden->glyph, logits);
        const uint32_t network = board_instructions();
        digits_classify_in(&workspace, golden->image, 28, 28, 28, &result);
        board_number("difference", found ? glyph_difference(golden) : 255);
        for (int class = 0; class < DIGITS_CLASSES; class++) {
            board_number("logit", logits[class]);
        }
        board_number("confidence", (int32_t)(result.confidence * 1e6f + 0.5f));
        board_number("score", (int32_t)(result.score * 1e6f + 0.5f));
        board_number("status", (int32_t)result.status);
        board_number("normaliser", (int32_t)normaliser);
        board_number("network", (int32_t)network);
        board_number("stack", (int32_t)board_stack());
        board_text("label ");
        board_text(result.label);
        board_text("\n");
    }
    return 0;
}
