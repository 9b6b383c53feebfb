#include "board.h"

#define SYS_WRITE0 0x04
#define SYS_EXIT 0x18
#define STOPPED (0x20026) /* ADP_Stopped_ApplicationExit */
#define FILL 0xA5A5A5A5u

extern uint32_t stack_bottom[], stack_filled[], stack_top[]; /* filled up to the frame of the first function */

static void fill_stack(void) {
    for (volatile uint32_t *word = stack_bottom; word < stack_filled; word++) {
        *word = FILL;
    }
}

uint32_t board_stack(void) {
    const uint32_t *word = stack_bottom;
    while (*word == FILL) {
        word++;
    }
    return (uint32_t)((const char *)stack_top - (const char *)word);
}

#if defined(__riscv)

static long host(long operation, const void *argument) {
    register long a0 __asm__("a0") = operation;
    register const void *a1 __asm__("a1") = argument;
    __asm__ volatile(".balign 16\n.option push\n.option norvc\nslli x0, x0, 0x1f\nebreak\nsrai x0, x0, 7\n.option pop"
                     : "+r"(a0) : "r"(a1) : "memory");
    return a0;
}

uint32_t board_instructions(void) {
    static uint32_t before;
    uint32_t now;
    __asm__ volatile("csrr %0, minstret" : "=r"(now));
    const uint32_t passed = now - before;
    before = now;
    return passed;
}

static void begin(void) {
    fill_stack();
    main();
    const uintptr_t reason[2] = {STOPPED, 0};
    host(SYS_EXIT, sizeof(long) == 8 ? (const void *)reason : (const void *)STOPPED);
}

__attribute__((naked, section(".vectors"), used)) void _start(void) {
    __asm__ volatile(".option push\n.option norelax\nla gp, __global_pointer$\n.option pop\nla sp, stack_top\n"
                     "csrr a0, misa\nandi a0, a0, 0x20\nbeqz a0, 1f\nli a0, 0x6000\ncsrs mstatus, a0\n1: call %0\n"
                     "2: j 2b" : : "i"(begin));
}

#else

#define SYST_CSR (*(volatile uint32_t *)0xE000E010) /* SysTick: control, reload and current value */
#define SYST_RVR (*(volatile uint32_t *)0xE000E014)
#define SYST_CVR (*(volatile uint32_t *)0xE000E018)
#define CPACR (*(volatile uint32_t *)0xE000ED88)

static long host(long operation, const void *argument) {
    register long r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

/* With -icount shift=0 an instruction takes 1 ns of the emulated time, and SysTick counts down once in 40 ns. */
uint32_t board_instructions(void) {
    const uint32_t passed = 0xFFFFFF - SYST_CVR;
    SYST_RVR = 0xFFFFFF;
    SYST_CVR = 0;
    SYST_CSR = 5;
    return passed * 40;
}

static void begin(void) {
#if defined(__ARM_FP)
    CPACR |= 0xFu << 20; /* the floating-point unit */
    __asm__ volatile("dsb\nisb");
#endif
    fill_stack();
    board_instructions();
    main();
    host(SYS_EXIT, (const void *)STOPPED);
}

static void fault(void) {
    board_text("fault\n");
    host(SYS_EXIT, (const void *)0x20023);
}

/* The entry point of the ELF file; the core reads the vectors. */
void _start(void) __attribute__((alias("begin")));

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    stack_top, begin, fault, fault, fault, fault, fault, 0, 0, 0, 0, fault, fault, 0, fault, fault};

#endif

void board_text(const char *text) { host(SYS_WRITE0, text); }

void board_number(const char *name, int32_t number) {
    char digits[14];
    char *first = digits + 12;
    uint32_t rest = number < 0 ? 0u - (uint32_t)number : (uint32_t)number;
    first[0] = ' ';
    first[1] = 0;
    do {
        *--first = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (number < 0) {
        *--first = '-';
    }
    board_text(name);
    board_text(" ");
    board_text(first);
}
