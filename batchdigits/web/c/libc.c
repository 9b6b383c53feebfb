/* The functions of the C library that are no instruction of WebAssembly. */
#include <math.h>
#include <string.h>

/* With -mbulk-memory, each of these built-ins is one instruction. */
void *memcpy(void *to, const void *from, size_t bytes) { return __builtin_memcpy(to, from, bytes); }
void *memmove(void *to, const void *from, size_t bytes) { return __builtin_memmove(to, from, bytes); }
void *memset(void *to, int byte, size_t bytes) { return __builtin_memset(to, byte, bytes); }

double fmin(double a, double b) { return a < b || b != b ? a : b; }
double fmax(double a, double b) { return a > b || b != b ? a : b; }
