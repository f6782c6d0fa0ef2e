// Runs the small model of conftest.py through tvm-ffi's C interface, as the plugins do: prints the
// result for two rows, then the error that a wrong argument gives.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tvm/ffi/c_api.h>

static TVMFFIByteArray Bytes(const char* text) {
  return (TVMFFIByteArray){text, strlen(text)};
}

static TVMFFIAny Text(const char* text) {
  TVMFFIAny any = {.type_index = kTVMFFIRawStr};
  any.v_c_str = text;
  return any;
}

static TVMFFIAny Int(int64_t value) {
  TVMFFIAny any = {.type_index = kTVMFFIInt};
  any.v_int64 = value;
  return any;
}

static void Fail(const char* what) {
  TVMFFIObjectHandle error = NULL;
  TVMFFIErrorMoveFromRaised(&error);
  const TVMFFIErrorCell* cell = (TVMFFIErrorCell*)((char*)error + sizeof(TVMFFIObject));
  printf("%s: %.*s\n", what, (int)cell->kind.size, cell->kind.data);
}

static TVMFFIAny Call(TVMFFIObjectHandle function, TVMFFIAny* arguments, int count) {
  TVMFFIAny result = {.type_index = kTVMFFINone};
  if (TVMFFIFunctionCall(function, arguments, count, &result) != 0) Fail("error");
  return result;
}

// The function of a module, through the registered `ffi.ModuleGetFunction`.
static TVMFFIObjectHandle Function(TVMFFIAny module, const char* name) {
  const TVMFFIByteArray get_name = Bytes("ffi.ModuleGetFunction");
  TVMFFIObjectHandle get = NULL;
  TVMFFIFunctionGetGlobal(&get_name, &get);
  TVMFFIAny query_imports = {.type_index = kTVMFFIBool};
  query_imports.v_int64 = 1;
  TVMFFIAny arguments[] = {module, Text(name), query_imports};
  return Call(get, arguments, 3).v_obj;
}

int main(void) {
  const TVMFFIByteArray system_lib_name = Bytes("ffi.SystemLib");
  TVMFFIObjectHandle system_lib = NULL;
  if (TVMFFIFunctionGetGlobal(&system_lib_name, &system_lib) != 0 || system_lib == NULL) {
    printf("no ffi.SystemLib\n");
    return 1;
  }
  TVMFFIAny prefix = Text("small_");
  const TVMFFIAny library = Call(system_lib, &prefix, 1);
  const TVMFFIAny vm = Call(Function(library, "vm_load_executable"), NULL, 0);
  TVMFFIAny cpu[] = {Int(kDLCPU), Int(0), Int(2)};
  Call(Function(vm, "vm_initialization"), cpu, 3);
  TVMFFIObjectHandle model = Function(vm, "main");

  float* values = aligned_alloc(64, 64);
  for (int i = 0; i < 4; ++i) values[i] = (float)(i + 1);
  int64_t shape[] = {2, 2};
  int64_t strides[] = {2, 1};
  DLTensor tensor = {.data = values,
                     .device = {kDLCPU, 0},
                     .ndim = 2,
                     .dtype = {kDLFloat, 32, 1},
                     .shape = shape,
                     .strides = strides};
  DLManagedTensorVersioned managed = {.version = {DLPACK_MAJOR_VERSION, DLPACK_MINOR_VERSION},
                                      .dl_tensor = tensor};
  TVMFFIAny input = {.type_index = kTVMFFITensor};
  TVMFFITensorFromDLPackVersioned(&managed, 64, 1, (TVMFFIObjectHandle*)&input.v_obj);
  const TVMFFIAny result = Call(model, &input, 1);
  const DLTensor* output = (DLTensor*)((char*)result.v_obj + sizeof(TVMFFIObject));
  for (int i = 0; i < 6; ++i) printf("%g ", ((float*)output->data)[i]);

  TVMFFIAny wrong = Text("no tensor");
  Call(model, &wrong, 1);
  return 0;
}
