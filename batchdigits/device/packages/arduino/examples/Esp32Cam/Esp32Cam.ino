/* Reads grey frames of an ESP32-CAM (AI Thinker), classifies the digit in the middle, and prints a line for each. */
#include <digits_classify.h>
#include <esp_camera.h>

static const int SIDE = 96;  // pixels of the square in the middle of a frame

static camera_config_t aiThinker() {
  camera_config_t config = {};
  config.pin_pwdn = 32;
  config.pin_reset = -1;
  config.pin_xclk = 0;
  config.pin_sccb_sda = 26;
  config.pin_sccb_scl = 27;
  config.pin_d7 = 35;
  config.pin_d6 = 34;
  config.pin_d5 = 39;
  config.pin_d4 = 36;
  config.pin_d3 = 21;
  config.pin_d2 = 19;
  config.pin_d1 = 18;
  config.pin_d0 = 5;
  config.pin_vsync = 25;
  config.pin_href = 23;
  config.pin_pclk = 22;
  config.xclk_freq_hz = 20000000;
  config.ledc_timer = LEDC_TIMER_0;
  config.ledc_channel = LEDC_CHANNEL_0;
  config.pixel_format = PIXFORMAT_GRAYSCALE;
  config.frame_size = FRAMESIZE_QQVGA;  // 160x120
  config.fb_count = 1;
  config.fb_location = CAMERA_FB_IN_DRAM;
  config.grab_mode = CAMERA_GRAB_WHEN_EMPTY;
  return config;
}

void setup() {
  Serial.begin(115200);
  const camera_config_t config = aiThinker();
  if (esp_camera_init(&config) != ESP_OK) {
    Serial.println("no camera");
    while (true) {
      delay(1000);
    }
  }
}

void loop() {
  camera_fb_t *frame = esp_camera_fb_get();
  if (!frame) {
    return;
  }
  const int width = frame->width, height = frame->height;
  const uint8_t *middle = frame->buf + (height - SIDE) / 2 * width + (width - SIDE) / 2;
  const uint32_t free_before = ESP.getFreeHeap();
  digits_result_t result;
  digits_classify(middle, SIDE, SIDE, width, &result);
  const uint32_t allocated = free_before - ESP.getFreeHeap();
  esp_camera_fb_return(frame);
  static const char *const NAMES[] = {"blank", "review", "ok"};
  Serial.printf("%s,%.3f,%.3f,%s; %u bytes allocated\n", result.label, result.confidence, result.score,
                NAMES[result.status], (unsigned)allocated);
  delay(500);
}
