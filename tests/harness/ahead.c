/* Preloaded into programs of the tests: their clocks are ahead of this machine's by the seconds in the file TEST_CLOCK_AHEAD, a double. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile double *ahead;

__attribute__((constructor)) static void begin(void) {
    const char *name = getenv("TEST_CLOCK_AHEAD");
    int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    void *found = file < 0 ? MAP_FAILED : mmap(0, sizeof(double), PROT_READ, MAP_SHARED, file, 0);
    if (found != MAP_FAILED) ahead = found;
    if (file >= 0) close(file);
}

static int is_of_cpu(clockid_t which) {
    return which == CLOCK_PROCESS_CPUTIME_ID || which == CLOCK_THREAD_CPUTIME_ID || which < 0;
}

int clock_gettime(clockid_t which, struct timespec *to) {
    int failed = (int)syscall(SYS_clock_gettime, which, to);
    if (!failed && ahead && !is_of_cpu(which)) {
        double by = *ahead;
        time_t seconds = (time_t)by;
        to->tv_sec += seconds;
        to->tv_nsec += (long)((by - (double)seconds) * 1e9);
        if (to->tv_nsec >= 1000000000L) {
            to->tv_nsec -= 1000000000L;
            to->tv_sec += 1;
        }
    }
    return failed;
}

/* Python sleeps until a time that it has read from the clock above; the system's clock would reach it only after all the seconds ahead. */
int clock_nanosleep(clockid_t which, int flags, const struct timespec *until, struct timespec *left) {
    struct timespec here = *until;
    if ((flags & TIMER_ABSTIME) && ahead && !is_of_cpu(which)) {
        double by = *ahead;
        time_t seconds = (time_t)by;
        here.tv_sec -= seconds;
        here.tv_nsec -= (long)((by - (double)seconds) * 1e9);
        if (here.tv_nsec < 0) {
            here.tv_nsec += 1000000000L;
            here.tv_sec -= 1;
        }
        if (here.tv_sec < 0) return 0;
    }
    return syscall(SYS_clock_nanosleep, which, flags, &here, left) ? errno : 0;
}

#include "wall_clock.h"
