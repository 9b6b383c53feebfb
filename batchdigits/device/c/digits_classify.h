/* From a grey image of one digit to its label, as `batchdigits classify` gives it: the normaliser, the network, and the
 * rules of the model's card. C99, single precision, no allocation.
 *
 * The workspace of the normaliser takes most of the RAM. Its size follows from DIGITS_VIEW, which digits_normalise.h
 * explains. */
#ifndef DIGITS_CLASSIFY_H
#define DIGITS_CLASSIFY_H

#include <stdint.h>

#include "digits_model.h"
#include "digits_normalise.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Whether the ink is darker than its background. DIGITS_INK_AUTO decides for each image; name the ink if you know it, such
 * as -DDIGITS_INK=DIGITS_INK_DARK. */
#ifndef DIGITS_INK
#define DIGITS_INK DIGITS_INK_AUTO
#endif

typedef enum {
    DIGITS_BLANK,  /* there is no ink */
    DIGITS_REVIEW, /* the score is below DIGITS_REVIEW_THRESHOLD: a person should look */
    DIGITS_OK
} digits_status_t;

typedef struct {
    const char *label;      /* of the class; "" if blank */
    float confidence;       /* probability of the label if the image is a digit, 0-1; 0 if blank */
    float score;            /* probability that it is a digit, and the one that the label names, 0-1; 0 if blank */
    digits_status_t status;
} digits_result_t;

/* Classify an image of `height` rows of `width` grey levels; each row begins `stride` bytes after the one before. Returns
 * 1, or 0 if `grey` is NULL, `width` or `height` is less than 1 or `stride` less than `width`; then the result is blank. */
int digits_classify(const uint8_t *grey, int width, int height, int stride, digits_result_t *result);

/* The same in a workspace of the caller. That of digits_classify is static, so one thread at a time may call it. */
int digits_classify_in(digits_workspace *workspace, const uint8_t *grey, int width, int height, int stride,
                       digits_result_t *result);

/* The result for the logits of a glyph, which digits_run computes. */
void digits_decide(const int8_t logits[DIGITS_CLASSES], digits_result_t *result);

#ifdef __cplusplus
}
#endif
#endif
