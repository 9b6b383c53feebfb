/* The network in integer arithmetic, with the same bits as TFLite Micro. C99, no allocation, no library. */
#ifndef DIGITS_NETWORK_H
#define DIGITS_NETWORK_H

#include <stdint.h>

#include "digits_model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Compute the int8 logits of a glyph: 28 rows of 28 bytes, ink 255 on 0. The confidence is the softmax of
 * DIGITS_OUTPUT_SCALE * (logit - DIGITS_OUTPUT_ZERO). If `rejects` is true in the model's card, add one more class with
 * the logit 0 to the softmax: its probability is that of an outlier, a glyph that is not a digit. */
void digits_run(const uint8_t glyph[DIGITS_PIXELS], int8_t logits[DIGITS_CLASSES]);

/* The index of the largest logit, the lowest index in a tie. digits_labels[] has its label. */
int digits_best(const int8_t logits[DIGITS_CLASSES]);

#ifdef __cplusplus
}
#endif
#endif
