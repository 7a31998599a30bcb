/* The tests' fake NVML, and the further functions that other tools call of a driver: with them every tool finds a whole H100.
 * What is constant is said here; a GPU that is lost or unknown answers so through ask(). */
#define OWN_ACTIVITY
#define KEPT "../../benchmarks/_nvml_kept.c"
#include "../fakes/nvml/nvml.c"

typedef struct { unsigned gpu, memory; } utilization;
typedef struct { unsigned long long total, free, used; } memory_info;
typedef struct { unsigned version, sensor; int temperature; } temperature_v1;

static int give(device d, unsigned *out, unsigned what)
{
    int code = ask(d, "constant");
    if (!code) *out = what;
    return code;
}

int nvmlSystemGetDriverVersion(char *s, unsigned n) { snprintf(s, n, "550.54.15"); return users ? OK : UNINITIALIZED; }
int nvmlSystemGetNVMLVersion(char *s, unsigned n) { snprintf(s, n, "12.550.54.15"); return users ? OK : UNINITIALIZED; }
int nvmlSystemGetCudaDriverVersion(int *version) { *version = 12040; return users ? OK : UNINITIALIZED; }
int nvmlSystemGetCudaDriverVersion_v2(int *version) { return nvmlSystemGetCudaDriverVersion(version); }

int nvmlDeviceGetArchitecture(device d, unsigned *out) { return give(d, out, 9); } /* Hopper */
int nvmlDeviceGetComputeMode(device d, unsigned *out) { return give(d, out, 0); }
int nvmlDeviceGetPersistenceMode(device d, unsigned *out) { return give(d, out, 1); }
int nvmlDeviceGetTemperature(device d, unsigned sensor, unsigned *out) { (void)sensor; return give(d, out, 45); }
int nvmlDeviceGetClockInfo(device d, unsigned kind, unsigned *out) { return give(d, out, kind == 2 ? 2619 : 1980); }
int nvmlDeviceGetCurrentClocksEventReasons(device d, unsigned long long *out) { *out = 4; return ask(d, "constant"); }
int nvmlDeviceGetMaxClockInfo(device d, unsigned kind, unsigned *out) { return nvmlDeviceGetClockInfo(d, kind, out); }
int nvmlDeviceGetPowerManagementLimit(device d, unsigned *mw) { return small(d, "limit", mw); }
int nvmlDeviceGetPowerManagementDefaultLimit(device d, unsigned *mw) { return small(d, "limit", mw); }

int nvmlDeviceGetTemperatureV(device d, temperature_v1 *out)
{
    unsigned celsius = 0;
    int code = give(d, &celsius, 45);
    if (!code) out->temperature = (int)celsius;
    return code;
}

int nvmlDeviceGetUtilizationRates(device d, utilization *out)
{
    int code = ask(d, "constant");
    if (!code) *out = (utilization){90, 40};
    return code;
}

int nvmlDeviceGetMemoryInfo(device d, memory_info *out)
{
    int code = ask(d, "constant");
    if (!code) *out = (memory_info){85520809984ULL, 64424509440ULL, 21096300544ULL};
    return code;
}

int nvmlDeviceGetGraphicsRunningProcesses_v3(device d, unsigned *n, process *p)
{
    (void)p;
    *n = 0;
    return ask(d, "constant");
}

int nvmlDeviceGetC2cModeInfoV(device d, void *out) { (void)out; (void)d; return NOT_SUPPORTED; } /* no Grace beside it */
int nvmlDeviceGetSupportedMemoryClocks(device d, unsigned *n, unsigned *mhz) { (void)d; (void)n; (void)mhz; return NOT_SUPPORTED; }
int nvmlDeviceGetSupportedGraphicsClocks(device d, unsigned m, unsigned *n, unsigned *mhz)
{
    (void)d; (void)m; (void)n; (void)mhz;
    return NOT_SUPPORTED;
}
