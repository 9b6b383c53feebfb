/* Clang makes an instruction of each of these, but of fmin and fmax, which are in libc.c. */
#ifndef MATH_H
#define MATH_H

double fabs(double x);
double sqrt(double x);
double floor(double x);
double ceil(double x);
double rint(double x);
double fmin(double a, double b);
double fmax(double a, double b);

#endif
