/* Draws a 0 into a frame like a camera's, classifies it, and prints the label. */
#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>

#include <digits_classify.h>

#define WIDTH 64
#define HEIGHT 64

static uint8_t frame[WIDTH * HEIGHT];

static void draw_zero(void) {
    for (int i = 0; i < WIDTH * HEIGHT; i++) {
        const int x = i % WIDTH - WIDTH / 2, y = i / WIDTH - HEIGHT / 2;
        const int level = 2 * x * x + y * y; /* the same on an upright ellipse */
        frame[i] = level >= 300 && level <= 500 ? 30 : 220;
    }
}

int main(void) {
    static const char *const names[] = {"blank", "review", "ok"};
    digits_result_t result;
    draw_zero();
    digits_classify(frame, WIDTH, HEIGHT, WIDTH, &result);
    printk("label %s, %s\n", result.label, names[result.status]);
    return 0;
}
