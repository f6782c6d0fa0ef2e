/* Calls kernels of TVM's through the C interface of tvm-ffi, with arrays from a file.
 *
 * kernel_runner KERNELS.so CALLS RESULTS
 *
 * Stands in for TVM's runtime: kernels need nothing else of it. A write beside an array, an error
 * that a kernel reports and a missing kernel end it with a message. All numbers in the files are
 * little-endian; `tests/compiler/cpu/kernels.py` writes the one and reads the other.
 */
#include <dlfcn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tvm/ffi/c_api.h>
#include <tvm/ffi/extra/c_env_api.h>
#include <tvm/runtime/c_backend_api.h>

enum { GUARD = 64, ALIGNMENT = 64, TASKS = 3, MAX_SYMBOLS = 4096, UNTOUCHED = 0xA5 };

static void fail(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  exit(1);
}

/* --- what kernels call --- */

static struct {
  const char* name;
  void* address;
} symbols[MAX_SYMBOLS];
static int num_symbols;

int TVMFFIEnvModRegisterSystemLibSymbol(const char* name, void* symbol) {
  if (num_symbols == MAX_SYMBOLS) fail("too many kernels");
  symbols[num_symbols].name = name;
  symbols[num_symbols++].address = symbol;
  return 0;
}

void TVMFFIErrorSetRaisedFromCStrParts(const char* kind, const char** parts, int32_t num_parts) {
  fprintf(stderr, "%s: ", kind);
  for (int32_t i = 0; i < num_parts; ++i) {
    if (parts[i] != NULL) fputs(parts[i], stderr);
  }
  fputc('\n', stderr);
}

static void* aligned(size_t size) {
  void* memory = NULL;
  if (posix_memalign(&memory, ALIGNMENT, size) != 0) fail("out of memory");
  memset(memory, UNTOUCHED, size);
  return memory;
}

void* TVMBackendAllocWorkspace(int device_type, int device_id, uint64_t nbytes, int code, int bits) {
  (void)device_type, (void)device_id, (void)code, (void)bits;
  return aligned(nbytes);
}

int TVMBackendFreeWorkspace(int device_type, int device_id, void* memory) {
  (void)device_type, (void)device_id;
  free(memory);
  return 0;
}

/* One task after the other, in the order that a kernel can rely on the least. */
int TVMBackendParallelLaunch(FTVMParallelLambda lambda, void* closure, int num_task) {
  TVMParallelGroupEnv environment = {NULL, num_task > 0 ? num_task : TASKS};
  for (int task = environment.num_task - 1; task >= 0; --task) {
    int status = lambda(task, &environment, closure);
    if (status != 0) return status;
  }
  return 0;
}

/* --- files --- */

static void read_all(FILE* stream, void* into, size_t size) {
  if (size != 0 && fread(into, 1, size, stream) != size) fail("the file of calls ends too early");
}

static uint64_t read_number(FILE* stream) {
  uint64_t value;
  read_all(stream, &value, sizeof value);
  return value;
}

/* --- calls --- */

typedef struct {
  DLTensor tensor;
  uint8_t* memory; /* a guard, the numbers, a guard */
  uint64_t size;
  uint64_t is_output;
} Array;

static void read_array(FILE* stream, Array* array) {
  memset(array, 0, sizeof *array);
  DLTensor* tensor = &array->tensor;
  array->is_output = read_number(stream);
  tensor->device.device_type = kDLCPU;
  tensor->dtype.code = (uint8_t)read_number(stream);
  tensor->dtype.bits = (uint8_t)read_number(stream);
  tensor->dtype.lanes = 1;
  tensor->ndim = (int32_t)read_number(stream);
  tensor->shape = aligned(sizeof(int64_t) * (size_t)(tensor->ndim + 1));
  read_all(stream, tensor->shape, sizeof(int64_t) * (size_t)tensor->ndim);
  /* TVM 0.27 takes a missing list of strides for a dense array. */
  tensor->strides = NULL;
  array->size = read_number(stream);
  array->memory = aligned(array->size + 2 * GUARD);
  tensor->data = array->memory + GUARD;
  read_all(stream, tensor->data, array->size);
}

static void check_guards(const Array* array, const char* name, uint64_t index) {
  for (uint64_t i = 0; i < GUARD; ++i) {
    if (array->memory[i] != UNTOUCHED || array->memory[GUARD + array->size + i] != UNTOUCHED) {
      fail("%s: wrote outside of argument %d", name, (int)index);
    }
  }
}

static TVMFFISafeCallType find(const char* name) {
  for (int i = 0; i < num_symbols; ++i) {
    if (strcmp(symbols[i].name, name) == 0) return (TVMFFISafeCallType)symbols[i].address;
  }
  fail("there is no kernel %s", name);
  return NULL;
}

static void run_call(FILE* calls, FILE* results) {
  char name[1024] = {0};
  uint64_t length = read_number(calls);
  if (length >= sizeof name) fail("a kernel's name is too long");
  read_all(calls, name, length);
  uint64_t num_arrays = read_number(calls);
  Array* arrays = aligned(num_arrays * sizeof(Array));
  TVMFFIAny* arguments = aligned(num_arrays * sizeof(TVMFFIAny));
  memset(arguments, 0, num_arrays * sizeof(TVMFFIAny));
  for (uint64_t i = 0; i < num_arrays; ++i) {
    read_array(calls, &arrays[i]);
    arguments[i].type_index = kTVMFFIDLTensorPtr;
    arguments[i].v_ptr = &arrays[i].tensor;
  }
  TVMFFIAny result;
  memset(&result, 0, sizeof result);
  if (find(name)(NULL, arguments, (int32_t)num_arrays, &result) != 0) fail("%s failed", name);
  for (uint64_t i = 0; i < num_arrays; ++i) {
    check_guards(&arrays[i], name, i);
    if (arrays[i].is_output &&
        fwrite(arrays[i].tensor.data, 1, arrays[i].size, results) != arrays[i].size) {
      fail("cannot write the results");
    }
    free(arrays[i].memory);
    free(arrays[i].tensor.shape);
  }
  free(arguments);
  free(arrays);
}

int main(int argc, char** argv) {
  if (argc != 4) fail("usage: kernel_runner KERNELS.so CALLS RESULTS");
  if (dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) == NULL) fail("%s", dlerror());
  FILE* calls = fopen(argv[2], "rb");
  FILE* results = fopen(argv[3], "wb");
  if (calls == NULL || results == NULL) fail("cannot open the files");
  uint64_t num_calls = read_number(calls);
  for (uint64_t i = 0; i < num_calls; ++i) run_call(calls, results);
  if (fclose(results) != 0) fail("cannot write the results");
  return 0;
}
