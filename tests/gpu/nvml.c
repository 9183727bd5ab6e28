/* A stand-in for libnvidia-ml.so.1. What the GPUs are is read from the file that NVML_STUB names, again whenever it has
   changed; tests/nvml.py writes it. Its lines:

     driver 570.86.10
     gpu 0 name NVIDIA H100          a fact of a GPU: the keys are those of `set_fact`
     process 0 4711 1073741824       a process that uses GPU 0, and its memory (-1: not told)
     error nvmlDeviceGetName 0 15    what a function answers for a GPU (* for all functions, or all GPUs)
     hang nvmlDeviceGetName *        a call that never returns

   Without the file, no driver is loaded. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
  SUCCESS = 0,
  UNINITIALIZED = 1,
  INVALID_ARGUMENT = 2,
  NOT_SUPPORTED = 3,
  NOT_FOUND = 6,
  INSUFFICIENT_SIZE = 7,
  DRIVER_NOT_LOADED = 9,
  TIMEOUT = 10,
  VERSION_MISMATCH = 25,
  MOST_GPUS = 128,
  MOST_PROCESSES = 32,
  MOST_FAULTS = 64,
};
typedef unsigned long long u64;
typedef struct {
  unsigned pid;
  u64 memory;
  unsigned gpu_instance, compute_instance;
} Process;
typedef struct {
  char uuid[96], name[96];
  int is_there, parent, is_split;
  u64 total, used, reserved, ecc, throttle;
  unsigned util, temperature, slowdown, power, limit, fan, sm, memory_clock, received, sent, xid, xid_number;
  int process_count;
  Process processes[MOST_PROCESSES];
} Gpu;
typedef struct {
  char function[64];
  int gpu, code; /* gpu -1: all; code -1: hang */
} Fault;
typedef struct {
  u64 total, free, used;
} Memory;
typedef struct {
  unsigned version;
  u64 total, reserved, free, used;
} Memory2;
typedef struct {
  void *device;
  u64 type, data;
  unsigned gpu_instance, compute_instance;
} Event;
typedef struct {
  unsigned version;
  int sensor, temperature;
} Temperature;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Gpu gpus[MOST_GPUS];
static Fault faults[MOST_FAULTS];
static unsigned seen_xids[MOST_GPUS];
static char driver[80];
static int fault_count, is_loaded;
static struct stat known;

static void set_fact(Gpu *gpu, const char *key, const char *value) {
  u64 number = strtoull(value, NULL, 10);
  gpu->is_there = 1;
  if (!strcmp(key, "uuid")) snprintf(gpu->uuid, sizeof gpu->uuid, "%s", value);
  if (!strcmp(key, "name")) snprintf(gpu->name, sizeof gpu->name, "%s", value);
  if (!strcmp(key, "parent")) gpu->parent = (int)number;
  if (!strcmp(key, "is_split")) gpu->is_split = (int)number;
  if (!strcmp(key, "total")) gpu->total = number;
  if (!strcmp(key, "used")) gpu->used = number;
  if (!strcmp(key, "reserved")) gpu->reserved = number;
  if (!strcmp(key, "ecc")) gpu->ecc = number;
  if (!strcmp(key, "throttle")) gpu->throttle = number;
  if (!strcmp(key, "util")) gpu->util = (unsigned)number;
  if (!strcmp(key, "temperature")) gpu->temperature = (unsigned)number;
  if (!strcmp(key, "slowdown")) gpu->slowdown = (unsigned)number;
  if (!strcmp(key, "power")) gpu->power = (unsigned)number;
  if (!strcmp(key, "limit")) gpu->limit = (unsigned)number;
  if (!strcmp(key, "fan")) gpu->fan = (unsigned)number;
  if (!strcmp(key, "sm")) gpu->sm = (unsigned)number;
  if (!strcmp(key, "memory_clock")) gpu->memory_clock = (unsigned)number;
  if (!strcmp(key, "received")) gpu->received = (unsigned)number;
  if (!strcmp(key, "sent")) gpu->sent = (unsigned)number;
  if (!strcmp(key, "xid")) gpu->xid = (unsigned)number;
  if (!strcmp(key, "xid_number")) gpu->xid_number = (unsigned)number;
}

static void add_process(Gpu *gpu, unsigned pid, long long memory) {
  if (gpu->process_count < MOST_PROCESSES)
    gpu->processes[gpu->process_count++] = (Process){pid, (u64)memory, 0xFFFFFFFF, 0xFFFFFFFF};
}

static void add_fault(const char *function, const char *gpu, int code) {
  if (fault_count == MOST_FAULTS) return;
  Fault *fault = &faults[fault_count++];
  snprintf(fault->function, sizeof fault->function, "%s", function);
  fault->gpu = *gpu == '*' ? -1 : atoi(gpu);
  fault->code = code;
}

static void read_line(char *line) {
  char key[64], text[96], word[16];
  unsigned index, pid;
  long long memory;
  int code;
  line[strcspn(line, "\n")] = 0;
  if (sscanf(line, "driver %79[^\n]", driver) == 1) return;
  if (sscanf(line, "gpu %u %63s %95[^\n]", &index, key, text) == 3 && index < MOST_GPUS) set_fact(&gpus[index], key, text);
  if (sscanf(line, "process %u %u %lld", &index, &pid, &memory) == 3 && index < MOST_GPUS) add_process(&gpus[index], pid, memory);
  if (sscanf(line, "error %63s %15s %d", key, word, &code) == 3) add_fault(key, word, code);
  if (sscanf(line, "hang %63s %15s", key, word) == 2) add_fault(key, word, -1);
}

static void reload(void) {
  const char *path = getenv("NVML_STUB");
  struct stat now;
  char line[512];
  FILE *file;
  if (!path || stat(path, &now)) {
    is_loaded = 0;
    return;
  }
  if (is_loaded && now.st_ino == known.st_ino && !memcmp(&now.st_mtim, &known.st_mtim, sizeof now.st_mtim)) return;
  if (!(file = fopen(path, "r"))) return;
  memset(gpus, 0, sizeof gpus);
  for (int each = 0; each < MOST_GPUS; each++) gpus[each].parent = -1;
  fault_count = 0;
  while (fgets(line, sizeof line, file)) read_line(line);
  fclose(file);
  known = now;
  is_loaded = 1;
}

static int fault(const char *function, int gpu) {
  for (int each = 0; each < fault_count; each++) {
    int is_meant = !strcmp(faults[each].function, function) || *faults[each].function == '*';
    if (is_meant && (faults[each].gpu < 0 || faults[each].gpu == gpu)) return faults[each].code;
  }
  return SUCCESS;
}

/* What each function does first: copy the GPU's facts, and answer the error that it is to answer, or hang. */
static int enter(const char *function, void *handle, Gpu *copy) {
  int index = (int)(long)handle - 1, code;
  pthread_mutex_lock(&lock);
  reload();
  code = is_loaded ? fault(function, index) : UNINITIALIZED;
  if (copy && index >= 0 && index < MOST_GPUS) *copy = gpus[index];
  if (copy && !code && (index < 0 || index >= MOST_GPUS || !gpus[index].is_there)) code = INVALID_ARGUMENT;
  pthread_mutex_unlock(&lock);
  while (code < 0) pause();
  return code;
}
#define ENTER(handle)                            \
  Gpu gpu;                                       \
  int code = enter(__func__, handle, &gpu);      \
  if (code) return code
#define ENTER_LIBRARY                       \
  int code = enter(__func__, NULL, NULL);   \
  if (code) return code

int nvmlInitWithFlags(unsigned flags) {
  (void)flags;
  int code = enter(__func__, NULL, NULL);
  return code == UNINITIALIZED ? DRIVER_NOT_LOADED : code;
}
int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
int nvmlShutdown(void) { return SUCCESS; }
const char *nvmlErrorString(int code) { return code == 15 ? "GPU is lost" : "stub error"; }
int nvmlSystemGetDriverVersion(char *text, unsigned size) {
  ENTER_LIBRARY;
  snprintf(text, size, "%s", driver);
  return SUCCESS;
}
int nvmlDeviceGetCount_v2(unsigned *count) {
  ENTER_LIBRARY;
  *count = 0;
  for (int each = 0; each < MOST_GPUS; each++) *count += gpus[each].is_there && gpus[each].parent < 0;
  return SUCCESS;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle) {
  *handle = (void *)(long)(index + 1);
  ENTER(*handle);
  return SUCCESS;
}
int nvmlDeviceGetHandleByUUID(const char *uuid, void **handle) {
  ENTER_LIBRARY;
  for (int each = 0; each < MOST_GPUS; each++)
    if (gpus[each].is_there && !strcmp(gpus[each].uuid, uuid)) {
      *handle = (void *)(long)(each + 1);
      return fault(__func__, each);
    }
  return NOT_FOUND;
}
int nvmlDeviceGetMigMode(void *handle, unsigned *current, unsigned *pending) {
  ENTER(handle);
  if (gpu.parent >= 0) return INVALID_ARGUMENT;
  *current = *pending = (unsigned)gpu.is_split;
  return SUCCESS;
}
int nvmlDeviceGetMaxMigDeviceCount(void *handle, unsigned *count) {
  ENTER(handle);
  *count = 7;
  return SUCCESS;
}
int nvmlDeviceGetMigDeviceHandleByIndex(void *handle, unsigned index, void **instance) {
  ENTER(handle);
  for (int each = 0; each < MOST_GPUS; each++)
    if (gpus[each].is_there && gpus[each].parent == (int)(long)handle - 1 && !index--) {
      *instance = (void *)(long)(each + 1);
      return SUCCESS;
    }
  return NOT_FOUND;
}
int nvmlDeviceGetUUID(void *handle, char *text, unsigned size) {
  ENTER(handle);
  snprintf(text, size, "%s", gpu.uuid);
  return SUCCESS;
}
int nvmlDeviceGetName(void *handle, char *text, unsigned size) {
  ENTER(handle);
  snprintf(text, size, "%s", gpu.name);
  return SUCCESS;
}
int nvmlDeviceGetMemoryInfo_v2(void *handle, Memory2 *memory) {
  ENTER(handle);
  if (memory->version != (sizeof *memory | 2 << 24)) return VERSION_MISMATCH;
  if (!gpu.total) return NOT_SUPPORTED;
  memory->total = gpu.total, memory->used = gpu.used, memory->reserved = gpu.reserved;
  memory->free = gpu.total - gpu.used - gpu.reserved;
  return SUCCESS;
}
int nvmlDeviceGetMemoryInfo(void *handle, Memory *memory) {
  ENTER(handle);
  if (!gpu.total) return NOT_SUPPORTED;
  memory->total = gpu.total, memory->used = gpu.used + gpu.reserved;
  memory->free = gpu.total - memory->used;
  return SUCCESS;
}
int nvmlDeviceGetUtilizationRates(void *handle, unsigned *rates) {
  ENTER(handle);
  if (gpu.parent >= 0 || gpu.is_split) return NOT_SUPPORTED;
  rates[0] = gpu.util, rates[1] = 0;
  return SUCCESS;
}
int nvmlDeviceGetTemperatureV(void *handle, Temperature *told) {
  ENTER(handle);
  if (gpu.parent >= 0) return NOT_SUPPORTED;
  told->temperature = (int)gpu.temperature;
  return SUCCESS;
}

/* Functions that answer one number of a GPU as a whole, which a MIG instance does not have. */
#define NUMBER(function, arguments, type, fact)   \
  int function arguments {                        \
    ENTER(handle);                                \
    if (gpu.parent >= 0) return NOT_SUPPORTED;    \
    *(type *)number = (type)(fact);               \
    return SUCCESS;                               \
  }
NUMBER(nvmlDeviceGetTemperature, (void *handle, int sensor, void *number), unsigned, ((void)sensor, gpu.temperature))
NUMBER(nvmlDeviceGetTemperatureThreshold, (void *handle, int kind, void *number), unsigned, ((void)kind, gpu.slowdown))
NUMBER(nvmlDeviceGetPowerUsage, (void *handle, void *number), unsigned, gpu.power)
NUMBER(nvmlDeviceGetEnforcedPowerLimit, (void *handle, void *number), unsigned, gpu.limit)
NUMBER(nvmlDeviceGetFanSpeed, (void *handle, void *number), unsigned, gpu.fan)
NUMBER(nvmlDeviceGetClockInfo, (void *handle, int kind, void *number), unsigned, kind == 1 ? gpu.sm : gpu.memory_clock)
NUMBER(nvmlDeviceGetPcieThroughput, (void *handle, int way, void *number), unsigned, way ? gpu.received : gpu.sent)
NUMBER(nvmlDeviceGetCurrentClocksEventReasons, (void *handle, void *number), u64, gpu.throttle)
NUMBER(nvmlDeviceGetCurrentClocksThrottleReasons, (void *handle, void *number), u64, gpu.throttle)
NUMBER(nvmlDeviceGetSupportedEventTypes, (void *handle, void *number), u64, 8)
NUMBER(nvmlDeviceGetTotalEccErrors, (void *handle, int kind, int counter, void *number), u64, ((void)kind, (void)counter, gpu.ecc))

static int list(const Gpu *gpu, unsigned *count, Process *processes) {
  unsigned room = *count;
  *count = (unsigned)gpu->process_count;
  if (!*count) return SUCCESS;
  if (room < *count || !processes) return INSUFFICIENT_SIZE;
  memcpy(processes, gpu->processes, *count * sizeof *processes);
  return SUCCESS;
}
int nvmlDeviceGetComputeRunningProcesses_v3(void *handle, unsigned *count, Process *processes) {
  ENTER(handle);
  return list(&gpu, count, processes);
}
int nvmlDeviceGetComputeRunningProcesses_v2(void *handle, unsigned *count, Process *processes) {
  ENTER(handle);
  return list(&gpu, count, processes);
}
int nvmlDeviceGetGraphicsRunningProcesses_v3(void *handle, unsigned *count, Process *processes) {
  ENTER(handle);
  (void)processes;
  *count = 0;
  return SUCCESS;
}
int nvmlEventSetCreate(void **set) {
  ENTER_LIBRARY;
  for (int each = 0; each < MOST_GPUS; each++) seen_xids[each] = gpus[each].xid_number;
  *set = &seen_xids;
  return SUCCESS;
}
int nvmlEventSetFree(void *set) { return (void)set, SUCCESS; }
int nvmlDeviceRegisterEvents(void *handle, u64 types, void *set) {
  ENTER(handle);
  (void)types, (void)set;
  return gpu.parent >= 0 ? NOT_SUPPORTED : SUCCESS;
}
int nvmlEventSetWait_v2(void *set, Event *event, unsigned milliseconds) {
  (void)set;
  for (unsigned waited = 0; waited <= milliseconds; waited += 20) {
    ENTER_LIBRARY;
    for (int each = 0; each < MOST_GPUS; each++)
      if (gpus[each].xid_number > seen_xids[each]) {
        seen_xids[each] = gpus[each].xid_number;
        *event = (Event){(void *)(long)(each + 1), 8, gpus[each].xid, 0xFFFFFFFF, 0xFFFFFFFF};
        return SUCCESS;
      }
    nanosleep(&(struct timespec){0, 20000000}, NULL);
  }
  return TIMEOUT;
}
