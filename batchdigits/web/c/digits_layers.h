/* In place of the table that `export --c-array` writes for one model: one that the page fills. Layers that are left
 * empty do nothing. digits_network.c includes this file. */
#define MAX_LAYERS 100 /* that a model card allows */
#define HEAD 11        /* numbers before the arrays of a layer */

static layer layers[MAX_LAYERS];
static const unsigned char *digits_model;
int digits_classes;

/* Load a model of up to MAX_LAYERS layers, which stays where it is. Each layer begins at a multiple of 4 bytes and has,
 * in little-endian: int32 side, channels, kernel, stride, padding, output side, units, scales, zero point of the input,
 * zero point of the output, lowest output; int32 multipliers, one for each scale; int32 biases, one for each unit; int8
 * shifts, one for each scale; and int8 weights, units * kernel * kernel * channels. */
void digits_load(const unsigned char *model, int count) {
    size_t at = 0;
    digits_model = model;
    for (int i = 0; i < count; i++) {
        const int32_t *head = (const int32_t *)(model + at);
        const size_t units = (size_t)head[6], scales = (size_t)head[7];
        const size_t window = (size_t)head[2] * (size_t)head[2] * (size_t)head[1];
        const size_t biases = at + 4 * (HEAD + scales), shifts = biases + 4 * units, weights = shifts + scales;
        layers[i] = (layer){.side = head[0],
                            .channels = head[1],
                            .kernel = head[2],
                            .stride = head[3],
                            .padding = head[4],
                            .output_side = head[5],
                            .units = head[6],
                            .weights = weights,
                            .biases = biases,
                            .multipliers = head + HEAD,
                            .shifts = (const int8_t *)(model + shifts),
                            .scales = head[7],
                            .input_zero = head[8],
                            .output_zero = head[9],
                            .output_min = head[10]};
        digits_classes = head[6];
        at = (weights + units * window + 3) / 4 * 4;
    }
}
