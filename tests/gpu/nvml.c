/* A stand-in for libnvidia-ml.so.1. What the GPUs are is read on each call from the file that NVML_STUB names:
   one GPU per line, "uuid|name|total|used|error", where error is the code that its calls return (0: none);
   a line "hang" makes every call wait for ever. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SUCCESS = 0, NOT_SUPPORTED = 3, NOT_FOUND = 6, DRIVER_NOT_LOADED = 9, VERSION_MISMATCH = 25 };

typedef struct {
  char uuid[96], name[96];
  unsigned long long total, used;
  int error;
} Gpu;
typedef struct {
  unsigned long long total, free, used;
} Memory;
typedef struct {
  unsigned version;
  unsigned long long total, reserved, free, used;
} Memory2;

static int load(Gpu *gpus) {
  FILE *file = fopen(getenv("NVML_STUB"), "r");
  char line[512];
  int count = 0;
  if (!file) return -1;
  while (count < 16 && fgets(line, sizeof line, file)) {
    Gpu *gpu = &gpus[count];
    if (!strncmp(line, "hang", 4)) for (;;) pause();
    if (sscanf(line, "%95[^|]|%95[^|]|%llu|%llu|%d", gpu->uuid, gpu->name, &gpu->total, &gpu->used, &gpu->error) == 5) count++;
  }
  fclose(file);
  return count;
}

static int at(void *handle, Gpu *gpu) {
  Gpu gpus[16];
  load(gpus);
  *gpu = gpus[(long)handle - 1];
  return gpu->error;
}

int nvmlInitWithFlags(unsigned flags) {
  Gpu gpus[16];
  (void)flags;
  return load(gpus) < 0 ? DRIVER_NOT_LOADED : SUCCESS;
}
int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
int nvmlShutdown(void) { return SUCCESS; }
const char *nvmlErrorString(int code) { return code == 15 ? "GPU is lost" : "stub error"; }
int nvmlDeviceGetCount_v2(unsigned *count) {
  Gpu gpus[16];
  *count = (unsigned)load(gpus);
  return SUCCESS;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle) {
  Gpu gpu;
  *handle = (void *)(long)(index + 1);
  return at(*handle, &gpu);
}
int nvmlDeviceGetMigMode(void *handle, unsigned *current, unsigned *pending) {
  (void)handle, (void)current, (void)pending;
  return NOT_SUPPORTED;
}
int nvmlDeviceGetUUID(void *handle, char *text, unsigned size) {
  Gpu gpu;
  int error = at(handle, &gpu);
  snprintf(text, size, "%s", gpu.uuid);
  return error;
}
int nvmlDeviceGetName(void *handle, char *text, unsigned size) {
  Gpu gpu;
  int error = at(handle, &gpu);
  snprintf(text, size, "%s", gpu.name);
  return error;
}
int nvmlDeviceGetMemoryInfo_v2(void *handle, Memory2 *memory) {
  Gpu gpu;
  int error = at(handle, &gpu);
  if (memory->version != (sizeof *memory | 2 << 24)) return VERSION_MISMATCH;
  if (!gpu.total) return NOT_SUPPORTED;
  memory->total = gpu.total, memory->used = gpu.used, memory->free = gpu.total - gpu.used, memory->reserved = 0;
  return error;
}
