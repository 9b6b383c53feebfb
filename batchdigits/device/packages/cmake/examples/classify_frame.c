/* Reads a frame as a camera gives it, 160x120 grey bytes, from the standard input, classifies it, and prints a line. */
#include <stdio.h>

#include <digits_classify.h>

#define WIDTH 160
#define HEIGHT 120

static uint8_t frame[WIDTH * HEIGHT];

int main(void) {
    static const char *const names[] = {"blank", "review", "ok"};
    digits_result_t result;
    if (fread(frame, 1, sizeof frame, stdin) != sizeof frame) {
        fputs("a frame has 160x120 bytes\n", stderr);
        return 1;
    }
    digits_classify(frame, WIDTH, HEIGHT, WIDTH, &result);
    printf("%s,%.6f,%.6f,%s\n", result.label, (double)result.confidence, (double)result.score, names[result.status]);
    return 0;
}
