/* Preloaded into a redis-server of the tests: its clock says what stands in the file REDIS_TEST_CLOCK, a double of Unix seconds. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile double *told;

__attribute__((constructor)) static void begin(void) {
    const char *name = getenv("REDIS_TEST_CLOCK");
    int file = name ? open(name, O_RDONLY) : -1;
    void *found = file < 0 ? MAP_FAILED : mmap(0, sizeof(double), PROT_READ, MAP_SHARED, file, 0);
    if (found != MAP_FAILED) told = found;
}

int clock_gettime(clockid_t which, struct timespec *to) {
    if (told && which == CLOCK_REALTIME) {
        double now = *told;
        to->tv_sec = (time_t)now;
        to->tv_nsec = (long)((now - (double)to->tv_sec) * 1e9);
        return 0;
    }
    return (int)syscall(SYS_clock_gettime, which, to);
}

#include "wall_clock.h"
