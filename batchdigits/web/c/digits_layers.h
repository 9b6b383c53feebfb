/* In place of the table that `export --c-array` writes for one model: one that the page fills. Layers that are left
 * empty do nothing. digits_network.c includes this file. */
#define MAX_LAYERS 100 /* that a model card allows */
#define HEAD 6         /* numbers before the arrays of a layer */

static layer layers[MAX_LAYERS];
static const unsigned char *digits_model;
int digits_classes;

/* Load a model of up to MAX_LAYERS layers, which stays where it is. Each layer begins at a multiple of 4 bytes and has,
 * in little-endian: int32 inputs, units, scales, zero point of the input, zero point of the output, lowest output;
 * int32 multipliers, one for each scale; int32 biases, one for each unit; int8 shifts, one for each scale; and int8
 * weights, units * inputs. */
void digits_load(const unsigned char *model, int count) {
    size_t at = 0;
    digits_model = model;
    for (int i = 0; i < count; i++) {
        const int32_t *head = (const int32_t *)(model + at);
        const size_t inputs = (size_t)head[0], units = (size_t)head[1], scales = (size_t)head[2];
        const size_t biases = at + 4 * (HEAD + scales), shifts = biases + 4 * units, weights = shifts + scales;
        layers[i] = (layer){.inputs = head[0],
                            .units = head[1],
                            .weights = weights,
                            .biases = biases,
                            .multipliers = head + HEAD,
                            .shifts = (const int8_t *)(model + shifts),
                            .scales = head[2],
                            .input_zero = head[3],
                            .output_zero = head[4],
                            .output_min = head[5]};
        digits_classes = head[1];
        at = (weights + units * inputs + 3) / 4 * 4;
    }
}
