/* The same reads as trainwatt's, by a small program: `reads GPUS SECONDS ENERGY_UJ…` ten times a second reads the energy counter of each
 * GPU through NVML and each of the given files, and every fifth time both power fields of each GPU. Prints its CPU seconds over that
 * time and its resident memory in MiB. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef struct { unsigned field, scope; long long time, latency; unsigned type; int code; unsigned long long value; } field_value;
enum { PERIOD_NS = 100000000, POWER_EVERY = 5, MOST = 16 };

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double resident_mib(void)
{
    long pages = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f && fscanf(f, "%ld %ld", &pages, &resident) != 2) resident = 0;
    if (f) fclose(f);
    return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1048576.0;
}

int main(int argc, char **argv)
{
    if (argc < 3) return 2;
    void *nvml = dlopen("libnvidia-ml.so.1", RTLD_NOW);
    if (!nvml) { fprintf(stderr, "%s\n", dlerror()); return 1; }
    int (*init)(unsigned) = (int (*)(unsigned))dlsym(nvml, "nvmlInitWithFlags");
    int (*handle)(unsigned, void **) = (int (*)(unsigned, void **))dlsym(nvml, "nvmlDeviceGetHandleByIndex_v2");
    int (*energy)(void *, unsigned long long *) = (int (*)(void *, unsigned long long *))dlsym(nvml, "nvmlDeviceGetTotalEnergyConsumption");
    int (*fields)(void *, int, field_value *) = (int (*)(void *, int, field_value *))dlsym(nvml, "nvmlDeviceGetFieldValues");
    int gpus = atoi(argv[1]), files = argc - 3, failed = 0, fds[MOST];
    double last = atof(argv[2]), sum = 0;
    void *gpu[MOST];
    if (!init || !handle || !energy || !fields || gpus > MOST || files > MOST || init(0)) return 1;
    for (int i = 0; i < gpus; i++) failed |= handle((unsigned)i, &gpu[i]);
    for (int i = 0; i < files; i++) failed |= (fds[i] = open(argv[3 + i], O_RDONLY)) < 0;
    struct timespec due;
    clock_gettime(CLOCK_MONOTONIC, &due);
    double begin = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (long tick = 0; !failed && seconds(CLOCK_MONOTONIC) - begin < last; tick++) {
        for (int i = 0; i < gpus; i++) {
            unsigned long long mj = 0;
            failed |= energy(gpu[i], &mj);
            sum += 1e-3 * (double)mj;
            for (unsigned field = 185; tick % POWER_EVERY == 0 && field <= 186; field++) {
                field_value value;
                memset(&value, 0, sizeof value);
                value.field = field;
                failed |= fields(gpu[i], 1, &value) || value.code;
                sum += 1e-3 * (double)value.value;
            }
        }
        for (int i = 0; i < files; i++) {
            char text[64] = "";
            failed |= pread(fds[i], text, sizeof text - 1, 0) <= 0;
            sum += 1e-6 * strtod(text, NULL);
        }
        due.tv_nsec += PERIOD_NS;
        if (due.tv_nsec >= 1000000000) { due.tv_nsec -= 1000000000; due.tv_sec++; }
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
    }
    printf("%.6f %.3f\n", seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu, resident_mib());
    return failed || sum <= 0;
}
