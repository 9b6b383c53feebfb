/* Draws a 1 into a frame like a camera's, classifies it, and prints the label. */
#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>

#include <digits_classify.h>

#define WIDTH 64
#define HEIGHT 64

static uint8_t frame[WIDTH * HEIGHT];

static void draw_one(void) {
    for (int i = 0; i < WIDTH * HEIGHT; i++) {
        const int x = i % WIDTH, y = i / WIDTH;
        frame[i] = x >= 30 && x < 35 && y >= 12 && y < 52 ? 30 : 220;
    }
}

int main(void) {
    static const char *const names[] = {"blank", "review", "ok"};
    digits_result_t result;
    draw_one();
    digits_classify(frame, WIDTH, HEIGHT, WIDTH, &result);
    printk("label %s, %s\n", result.label, names[result.status]);
    return 0;
}
