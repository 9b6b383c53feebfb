#include "digits_classify.h"

#include <string.h>

#include "digits_network.h"

/* 2^n for n from -126 to 127, by the exponent's bits of a float. */
static float power_of_2(int n) {
    const uint32_t bits = (uint32_t)(n + 127) << 23;
    float power;
    memcpy(&power, &bits, sizeof power);
    return power;
}

/* exp(x), within 1 of a million. The one of libm computes in double precision on some boards. */
static float exp_of(float x) {
    x = x < -80.0f ? -80.0f : x > 80.0f ? 80.0f : x;
    const float scaled = x * 1.44269504f;
    const int n = (int)(scaled < 0.0f ? scaled - 0.5f : scaled + 0.5f);
    const float r = (x - (float)n * 0.693359375f) + (float)n * 2.12194440e-4f; /* ln(2) in two parts */
    const float series = 1.0f + r * (1.0f + r * (1.0f / 2 + r * (1.0f / 6 + r * (1.0f / 24 + r * (1.0f / 120 + r / 720)))));
    return series * power_of_2(n);
}

static float real(int logit) { return DIGITS_OUTPUT_SCALE * (float)(logit - DIGITS_OUTPUT_ZERO); }

void digits_decide(const int8_t logits[DIGITS_CLASSES], digits_result_t *result) {
    const int best = digits_best(logits);
    const float top = real(logits[best]);
    float sum = 0.0f;
    for (int i = 0; i < DIGITS_CLASSES; i++) {
        sum += exp_of(real(logits[i]) - top);
    }
    result->label = digits_labels[best];
    result->confidence = 1.0f / sum;
    /* Outliers are one more class, whose logit is 0. */
    result->score = DIGITS_REJECTS ? 1.0f / (sum + exp_of(-top)) : result->confidence;
    result->status = result->score >= DIGITS_REVIEW_THRESHOLD ? DIGITS_OK : DIGITS_REVIEW;
}

int digits_classify_in(digits_workspace *workspace, const uint8_t *grey, int width, int height, int stride,
                       digits_result_t *result) {
    const digits_result_t blank = {"", 0.0f, 0.0f, DIGITS_BLANK};
    uint8_t glyph[DIGITS_PIXELS];
    int8_t logits[DIGITS_CLASSES];
    *result = blank;
    if (!grey || width < 1 || height < 1 || stride < width) {
        return 0;
    }
    if (digits_normalise(grey, width, height, stride, DIGITS_INK, workspace, glyph)) {
        digits_run(glyph, logits);
        digits_decide(logits, result);
    }
    return 1;
}

int digits_classify(const uint8_t *grey, int width, int height, int stride, digits_result_t *result) {
    static digits_workspace workspace;
    return digits_classify_in(&workspace, grey, width, height, stride, result);
}
