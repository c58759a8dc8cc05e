// Notes CLOCK_MONOTONIC right before and after calls that are recorded, for some seconds.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static long long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000ll + time.tv_nsec;
}

int main(int count, char **arguments) {
    FILE *out = fopen(arguments[1], "w");
    for (uint32_t nth = 0; nth < 250; nth++) {
        uint32_t destroy[2] = { nth, 0 };
        long long before = now();
        ioctl(0, _IOWR('d', 0xc0, uint64_t), destroy);
        fprintf(out, "%u %lld %lld\n", nth, before, now());
        usleep(10000);
    }
    return fclose(out);
}
