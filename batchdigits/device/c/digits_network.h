/* The network in integers, to the bit as TFLite Micro computes it. C99, no allocation, no library. */
#ifndef DIGITS_NETWORK_H
#define DIGITS_NETWORK_H

#include <stdint.h>

#include "digits_model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The int8 logits of a glyph, 28 rows of 28 bytes, ink 255 on 0. Confidence is the softmax of
 * DIGITS_OUTPUT_SCALE * (logit - DIGITS_OUTPUT_ZERO); where the model's card says that it rejects, a further class
 * with the logit 0 in that softmax is the probability that the glyph is no digit. */
void digits_run(const uint8_t glyph[DIGITS_PIXELS], int8_t logits[DIGITS_CLASSES]);

/* The index of the largest logit, the first one where they tie: digits_labels[] has its name. */
int digits_best(const int8_t logits[DIGITS_CLASSES]);

#ifdef __cplusplus
}
#endif
#endif
