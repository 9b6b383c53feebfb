/* What an emulated board gives a program without an operating system: text to the host, and a count of instructions. */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

void board_text(const char *text);
void board_number(const char *name, int32_t number); /* the name, the number in decimal and a space */
uint32_t board_instructions(void);                   /* since the last call; exact to some dozens on Arm */
uint32_t board_stack(void);                          /* bytes of the stack that were ever used */

int main(void);

#endif
