/* A small libnvidia-ml.so.1 for tests: it says what the text file named by FAKE_NVML says, read anew at each call.
 * A line is "KEY VALUE", with keys as "count", "init" or "0.energy"; KEY_code is the return code of that quantity. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { OK = 0, UNINITIALIZED = 1, INVALID = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, TOO_SMALL = 7, NO_LIBRARY = 12, LOST = 15 };

typedef struct gpu { int index; } *device;
typedef struct { unsigned field, scope; long long time, latency; unsigned type; int code; unsigned long long value; } field_value;
typedef struct { unsigned pid; unsigned long long memory; unsigned gpu_instance, compute_instance; } process;

/* a handle is known until NVML is shut down: each initialisation gives handles of another row */
static struct gpu all_gpus[8][16], all_instances[8][16];
static int users, era, tries, questions[16];
#define gpus all_gpus[era % 8]
#define instances all_instances[era % 8]
int fake_nvml = 1; /* so that a test can tell it from the real one */

#ifdef KEPT
#include KEPT /* a cheaper look() */
#else
static int look(const char *key, char *out, size_t size)
{
    char line[512];
    const char *path = getenv("FAKE_NVML");
    FILE *f = path ? fopen(path, "re") : NULL;
    size_t n = strlen(key);
    int found = 0;
    while (f && !found && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        if (!strncmp(line, key, n) && line[n] == ' ') { snprintf(out, size, "%s", line + n + 1); found = 1; }
    }
    if (f) fclose(f);
    return found;
}
#endif

static long long number(const char *key, long long otherwise)
{
    char text[512];
    return look(key, text, sizeof text) ? atoll(text) : otherwise;
}

static char *key_of(device d, const char *name)
{
    static __thread char key[64];
    snprintf(key, sizeof key, "%d.%s", d->index, name);
    return key;
}

static int known(device d) { return (d >= gpus && d < gpus + 16) || (d >= instances && d < instances + 16); }

/* the return code of asking d for a quantity */
static int ask(device d, const char *name)
{
    char code[48];
    if (!users) return UNINITIALIZED;
    if (!known(d)) return INVALID;
    questions[d->index]++;
    if (number(key_of(d, "lost"), 0)) return LOST;
    snprintf(code, sizeof code, "%s_code", name);
    return (int)number(key_of(d, code), OK);
}

static int text(device d, const char *name, char *out, unsigned size)
{
    int code = ask(d, name);
    return code ? code : look(key_of(d, name), out, size) ? OK : NOT_SUPPORTED;
}

/* a number that is not in the file is not supported */
static int value(device d, const char *name, unsigned long long *out)
{
    char found[64];
    int code = ask(d, name);
    if (code) return code;
    if (!look(key_of(d, name), found, sizeof found)) return NOT_SUPPORTED;
    *out = strtoull(found, NULL, 10);
    return OK;
}

static int small(device d, const char *name, unsigned *out)
{
    unsigned long long v = 0;
    int code = value(d, name, &v);
    if (!code) *out = (unsigned)v;
    return code;
}

/* what a library may do to the process that loads it: the words of FAKE_NVML_DOES */
static void *reap(void *unused) { for (;;) if (waitpid(-1, NULL, 0) < 0) usleep(1000); return unused; }
static void *idle(void *unused) { sigset_t none; sigemptyset(&none); pthread_sigmask(SIG_SETMASK, &none, NULL); for (;;) pause(); return unused; }
static void *crash(void *unused) { while (access(getenv("FAKE_NVML_WHEN"), F_OK)) usleep(1000); raise(SIGSEGV); return unused; }
static void handle(int number) { (void)number; }
static void misbehave(void)
{
    const char *does = getenv("FAKE_NVML_DOES");
    pthread_t thread;
    sigset_t every;
    sigfillset(&every);
    if (!does || tries > 1) return;
    for (int number = 1; number < 32; number++) {
        struct sigaction action = {.sa_flags = strstr(does, "restart") ? SA_RESTART : 0};
        action.sa_handler = strstr(does, "ignore") ? SIG_IGN : strstr(does, "handle") ? handle : SIG_DFL;
        if (strstr(does, "ignore") || strstr(does, "handle") || strstr(does, "default")) sigaction(number, &action, NULL);
    }
    if (strstr(does, "thread")) pthread_create(&thread, NULL, idle, NULL);
    if (strstr(does, "reap")) pthread_create(&thread, NULL, reap, NULL);
    if (strstr(does, "crash")) pthread_create(&thread, NULL, crash, NULL);
    if (strstr(does, "block")) pthread_sigmask(SIG_BLOCK, &every, NULL);
    if (strstr(does, "unmask")) pthread_sigmask(SIG_UNBLOCK, &every, NULL);
    if (strstr(does, "exit")) _exit(0);
}

int nvmlInitWithFlags(unsigned flags)
{
    (void)flags;
    tries++;
    misbehave();
    int code = getenv("FAKE_NVML") ? (int)number("init", OK) : NO_LIBRARY;
    if (!code && !users++) era++;
    return code;
}
int nvmlShutdown(void) { if (!users) return UNINITIALIZED; users--; return OK; }
int fake_users(void) { return users; }
int fake_questions(int index) { return questions[index]; }
int fake_tries(void) { return tries; }
const char *nvmlErrorString(int code) { return code == LOST ? "GPU is lost" : code == NOT_SUPPORTED ? "Not Supported" : "Some Error"; }

int nvmlDeviceGetCount_v2(unsigned *n) { *n = (unsigned)number("count", 0); return users ? (int)number("count_code", OK) : UNINITIALIZED; }
int nvmlDeviceGetHandleByIndex_v2(unsigned i, device *d)
{
    if (i >= 16) return INVALID;
    gpus[i].index = (int)i;
    *d = &gpus[i];
    return ask(*d, "handle");
}

int nvmlDeviceGetHandleByUUID(const char *uuid, device *d)
{
    char found[96];
    for (int i = 0; i < 16; i++) {
        gpus[i].index = instances[i].index = i;
        if (look(key_of(&gpus[i], "uuid"), found, sizeof found) && !strcmp(found, uuid)) { *d = &gpus[i]; return OK; }
        if (look(key_of(&gpus[i], "mig"), found, sizeof found) && !strcmp(found, uuid)) { *d = &instances[i]; return OK; }
    }
    return NOT_FOUND;
}
int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(device instance, device *d)
{
    if (instance < instances || instance >= instances + 16) return INVALID;
    *d = &gpus[instance->index];
    return OK;
}

/* as in nvml.h: only the slices of a MIG instance are told, by a line "1.slices 2" */
struct attributes { unsigned processors, copy, decoder, encoder, jpeg, ofa, gpu_slices, compute_slices; unsigned long long memory_mb; };
int nvmlDeviceGetAttributes_v2(device instance, struct attributes *a)
{
    unsigned slices = 0;
    if (instance < instances || instance >= instances + 16) return INVALID;
    int code = small(&gpus[instance->index], "slices", &slices);
    *a = (struct attributes){ .gpu_slices = slices, .compute_slices = slices };
    return code;
}

int nvmlDeviceGetIndex(device d, unsigned *i) { *i = (unsigned)d->index; return ask(d, "index"); }
int nvmlDeviceGetName(device d, char *s, unsigned n) { return text(d, "name", s, n); }
int nvmlDeviceGetUUID(device d, char *s, unsigned n) { return text(d, "uuid", s, n); }
/* with "energy_since" (ns, monotonic) the counter advances by itself, at the power of "power" */
int nvmlDeviceGetTotalEnergyConsumption(device d, unsigned long long *mj)
{
    struct timespec now;
    int code = value(d, "energy", mj);
    long long since = code ? 0 : number(key_of(d, "energy_since"), 0);
    if (since && !clock_gettime(CLOCK_MONOTONIC, &now))
        *mj += (unsigned long long)((now.tv_sec * 1e9 + now.tv_nsec - since) / 1e9 * number(key_of(d, "power"), 0));
    return code;
}
int nvmlDeviceGetPowerUsage(device d, unsigned *mw) { return small(d, "power", mw); }
int nvmlDeviceGetEnforcedPowerLimit(device d, unsigned *mw) { return small(d, "limit", mw); }
int nvmlDeviceGetPowerManagementLimitConstraints(device d, unsigned *low, unsigned *high) { *low = 0; return small(d, "limit_most", high); }

int nvmlDeviceGetCudaComputeCapability(device d, int *major, int *minor)
{
    char cc[16];
    int code = text(d, "cc", cc, sizeof cc);
    if (!code && sscanf(cc, "%d.%d", major, minor) != 2) code = NOT_SUPPORTED;
    return code;
}

int nvmlDeviceGetMigMode(device d, unsigned *now, unsigned *next)
{
    char found[96];
    int code = ask(d, "mig");
    *now = *next = look(key_of(d, "mig"), found, sizeof found) ? 1 : 0;
    return code;
}

#ifndef OWN_ACTIVITY
/* what a GPU does: "0.busy 60", "0.memory_busy 20" (percent), "0.sm_mhz 1980", "0.memory_mhz 2619", "0.reasons 4" (bits), "0.celsius 45" and
 * "0.used 1048576" (bytes) */
typedef struct { unsigned gpu, memory; } utilization;
int nvmlDeviceGetUtilizationRates(device d, utilization *u)
{
    int code = small(d, "busy", &u->gpu);
    if (!code && small(d, "memory_busy", &u->memory)) u->memory = 0;
    return code;
}
int nvmlDeviceGetClockInfo(device d, unsigned kind, unsigned *mhz) { return small(d, kind == 2 ? "memory_mhz" : "sm_mhz", mhz); }
int nvmlDeviceGetCurrentClocksEventReasons(device d, unsigned long long *reasons) { return value(d, "reasons", reasons); }
int nvmlDeviceGetTemperature(device d, unsigned sensor, unsigned *celsius) { (void)sensor; return small(d, "celsius", celsius); }
typedef struct { unsigned long long total, free, used; } memory_info;
int nvmlDeviceGetMemoryInfo(device d, memory_info *m)
{
    int code = value(d, "used", &m->used);
    m->total = 80ULL << 30;
    m->free = m->total - m->used;
    return code;
}
#endif

/* "0.185 4200" is field 185 in mW; without such a line the field is not supported, and the call succeeds all the same */
int nvmlDeviceGetFieldValues(device d, int n, field_value *values)
{
    int code = ask(d, "fields");
    for (int i = 0; !code && i < n; i++) {
        char name[16];
        snprintf(name, sizeof name, "%u", values[i].field);
        values[i].type = 1; /* unsigned int */
        values[i].value = 0;
        values[i].code = value(d, name, &values[i].value);
    }
    return code;
}

/* "0.pids 12 34" */
int nvmlDeviceGetComputeRunningProcesses_v3(device d, unsigned *n, process *p)
{
    char list[256] = "";
    int code = ask(d, "pids");
    if (code) return code;
    look(key_of(d, "pids"), list, sizeof list);
    unsigned room = *n, have = 0;
    for (char *end, *at = list;; at = end) {
        unsigned long pid = strtoul(at, &end, 10);
        if (end == at) break;
        if (p && have < room) { memset(&p[have], 0, sizeof *p); p[have].pid = (unsigned)pid; }
        have++;
    }
    *n = have;
    return have > room ? TOO_SMALL : OK;
}

/* "0.use 12:60 34:30" is what processes have used in the last sample period, in percent; the driver has a new sample at every call */
typedef struct { unsigned pid; unsigned long long time; unsigned sm, memory, encoder, decoder; } sample;
int nvmlDeviceGetProcessUtilization(device d, sample *s, unsigned *n, unsigned long long since)
{
    char list[256];
    struct timespec now;
    int code = ask(d, "use");
    if (code) return code;
    if (!look(key_of(d, "use"), list, sizeof list)) return NOT_SUPPORTED;
    clock_gettime(CLOCK_REALTIME, &now);
    unsigned long long time = 1000000ULL * (unsigned long long)now.tv_sec + (unsigned long long)now.tv_nsec / 1000;
    unsigned room = *n, have = 0, pid, percent;
    for (char *at = list; time > since && at && sscanf(at, " %u:%u", &pid, &percent) == 2; at = strchr(at + 1, ' ')) {
        if (s && have < room) s[have] = (sample){ .pid = pid, .time = time, .sm = percent };
        have++;
    }
    *n = have;
    return !have ? NOT_FOUND : !s || have > room ? TOO_SMALL : OK;
}
