/* Reads grey frames of an ESP32-CAM (AI Thinker), classifies the digit in the middle, and prints a line for each. */
#include <stdio.h>

#include "digits_classify.h"
#include "esp_camera.h"
#include "esp_heap_caps.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#define SIDE 96 /* pixels of the square in the middle of a frame */

static const camera_config_t AI_THINKER = {
    .pin_pwdn = 32,
    .pin_reset = -1,
    .pin_xclk = 0,
    .pin_sccb_sda = 26,
    .pin_sccb_scl = 27,
    .pin_d7 = 35,
    .pin_d6 = 34,
    .pin_d5 = 39,
    .pin_d4 = 36,
    .pin_d3 = 21,
    .pin_d2 = 19,
    .pin_d1 = 18,
    .pin_d0 = 5,
    .pin_vsync = 25,
    .pin_href = 23,
    .pin_pclk = 22,
    .xclk_freq_hz = 20000000,
    .ledc_timer = LEDC_TIMER_0,
    .ledc_channel = LEDC_CHANNEL_0,
    .pixel_format = PIXFORMAT_GRAYSCALE,
    .frame_size = FRAMESIZE_QQVGA, /* 160x120 */
    .fb_count = 1,
    .fb_location = CAMERA_FB_IN_DRAM,
    .grab_mode = CAMERA_GRAB_WHEN_EMPTY,
};

static void classify_frame(const camera_fb_t *frame) {
    static const char *const names[] = {"blank", "review", "ok"};
    const int width = (int)frame->width, height = (int)frame->height;
    const uint8_t *middle = frame->buf + (height - SIDE) / 2 * width + (width - SIDE) / 2;
    const size_t free_before = heap_caps_get_free_size(MALLOC_CAP_8BIT);
    digits_result_t result;
    digits_classify(middle, SIDE, SIDE, width, &result);
    const size_t allocated = free_before - heap_caps_get_free_size(MALLOC_CAP_8BIT);
    printf("%s,%.3f,%.3f,%s; %u bytes allocated\n", result.label, result.confidence, result.score, names[result.status],
           (unsigned)allocated);
}

void app_main(void) {
    if (esp_camera_init(&AI_THINKER) != ESP_OK) {
        puts("no camera");
        return;
    }
    for (;;) {
        camera_fb_t *frame = esp_camera_fb_get();
        if (frame) {
            classify_frame(frame);
            esp_camera_fb_return(frame);
        }
        vTaskDelay(pdMS_TO_TICKS(500));
    }
}
