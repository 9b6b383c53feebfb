/* In place of the header that `export --c-array` writes for one model: the page loads any model at run time. */
#ifndef DIGITS_MODEL_H
#define DIGITS_MODEL_H

#define DIGITS_PIXELS 784
#define DIGITS_MAX_WIDTH 65536 /* values of the widest layer that a model card allows */
#define DIGITS_CLASSES digits_classes

extern int digits_classes;

#endif
