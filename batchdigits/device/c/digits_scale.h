/* How sums become outputs, in integers. */
#ifndef DIGITS_SCALE_H
#define DIGITS_SCALE_H

#include <stdint.h>

/* x * multiplier * 2^(shift - 31), rounded after the product and again after the shift, like gemmlowp. */
static int32_t digits_scaled(int32_t x, int32_t multiplier, int shift) {
    const int right = shift < 0 ? -shift : 0;
    const int64_t product = (int64_t)x * ((int64_t)1 << (shift > 0 ? shift : 0)) * multiplier;
    const int64_t nudge = (int64_t)1 << 30;
    const int32_t high = (int32_t)((product + (product >= 0 ? nudge : 1 - nudge)) / ((int64_t)1 << 31));
    const int32_t mask = (int32_t)(((int64_t)1 << right) - 1);
    return (high >> right) + ((high & mask) > (mask >> 1) + (high < 0));
}

#endif
