// Loaded beside libfaketime, which leaves `syscall` alone: who asks the kernel for the time by that is told the same time.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <time.h>

long syscall(long number, ...) {
    va_list given;
    va_start(given, number);
    long a[6];
    for (int at = 0; at < 6; at++) a[at] = va_arg(given, long);
    va_end(given);
    if (number == SYS_clock_gettime) return clock_gettime(a[0], (struct timespec *)a[1]);
    long (*real)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
