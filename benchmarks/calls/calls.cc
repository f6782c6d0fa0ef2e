// What one call costs: TVM's own virtual machine, and the same component through the plugin's
// C interface, which is the runtime crate's `Session::run`. Both in one process, on one input,
// call by call in turn. Prints one JSON object.
//
// Usage: calls CALLS COMPONENT SHAPE
// where a shape is 1x3x224x224 and the component has one float32 input `x`.

#include <dlfcn.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/extra/module.h>
#include <tvm/ffi/function.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "tvm_plugin.h"
TVM_PLUGIN_DECLARE(calls_)

namespace ffi = tvm::ffi;

namespace {

constexpr DLDevice kCpu{kDLCPU, 0};
constexpr DLDataType kFloat32{kDLFloat, 32, 1};
constexpr int kPooled = 2;  // memory is reused by later calls, as the runtime crate asks for it

double Seconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Medians of each kind of work, call by call in turn, so that whatever else the machine does
// falls on all of them.
std::vector<double> Medians(size_t calls, const std::vector<std::function<void()>>& kinds) {
  std::vector<std::vector<double>> times(kinds.size());
  for (size_t call = 0; call < calls; ++call) {
    for (size_t kind = 0; kind < kinds.size(); ++kind) {
      times[kind].push_back(Seconds(kinds[kind]));
    }
  }
  std::vector<double> medians;
  for (auto& kind : times) {
    std::nth_element(kind.begin(), kind.begin() + kind.size() / 2, kind.end());
    medians.push_back(kind[kind.size() / 2]);
  }
  return medians;
}

void Check(int32_t code, tvm_plugin_error* error) {
  if (code == 0) return;
  std::fprintf(stderr, "error: %s. %s\n", error->message, error->mend);
  std::exit(1);
}

// TVM's own call: the VM of `ffi.SystemLib(prefix)`, with nothing of ours in between.
ffi::Function OpenVm(const std::string& component) {
  const auto system_lib = ffi::Function::GetGlobalRequired("ffi.SystemLib");
  const auto module = system_lib("calls_" + component + "_").cast<ffi::Module>();
  const auto vm = module->GetFunction("vm_load_executable").value()().cast<ffi::Module>();
  vm->GetFunction("vm_initialization").value()(static_cast<int>(kDLCPU), 0, kPooled);
  return vm->GetFunction("main").value();
}

struct Aligned {
  void AllocData(DLTensor* tensor) {
    tensor->data = std::aligned_alloc(64, (ffi::GetDataSize(*tensor) + 63) / 64 * 64);
  }
  void FreeData(DLTensor* tensor) { std::free(tensor->data); }
};

tvm_plugin_tensor* NewTensor(const std::vector<int64_t>& shape, const std::vector<float>& values) {
  tvm_plugin_tensor* tensor = nullptr;
  tvm_plugin_error* error = nullptr;
  Check(calls_tensor_new(TVM_PLUGIN_FLOAT32, shape.data(), shape.size(), &tensor, &error), error);
  tvm_plugin_tensor_view view;
  Check(calls_tensor_view(tensor, &view, &error), error);
  std::memcpy(view.data, values.data(), view.bytes);
  return tensor;
}

std::vector<int64_t> ParseShape(const std::string& text) {
  std::vector<int64_t> shape;
  std::stringstream extents(text);
  for (std::string extent; std::getline(extents, extent, 'x');) shape.push_back(std::stoll(extent));
  return shape;
}

void Measure(size_t calls, const std::string& component, const std::vector<int64_t>& shape) {
  size_t elements = 1;
  for (const int64_t extent : shape) elements *= static_cast<size_t>(extent);
  std::vector<float> values(elements);
  for (size_t i = 0; i < elements; ++i) values[i] = static_cast<float>(i % 101) / 101.0f;

  const ffi::Function vm = OpenVm(component);
  const ffi::Tensor input =
      ffi::Tensor::FromNDAlloc(Aligned(), ffi::Shape(shape), kFloat32, kCpu);
  std::memcpy(input.data_ptr(), values.data(), elements * sizeof(float));

  tvm_plugin_session* session = nullptr;
  tvm_plugin_error* error = nullptr;
  const auto bytes = [](const std::string& text) {
    return tvm_plugin_bytes{reinterpret_cast<const uint8_t*>(text.data()), text.size()};
  };
  Check(calls_session_open(bytes(component), &session, &error), error);
  tvm_plugin_tensor* tensor = NewTensor(shape, values);
  const std::string name = "x";
  const tvm_plugin_named_tensor named{bytes(name), tensor};

  const auto run_vm = [&] { vm(input).cast<ffi::Tensor>(); };
  const auto run_session = [&] {
    tvm_plugin_result* result = nullptr;
    Check(calls_session_run(session, &named, 1, &result, &error), error);
    calls_result_free(result);
  };
  const auto copy = [&] { calls_tensor_free(NewTensor(shape, values)); };
  const double first = Seconds(run_session);
  run_vm();

  const auto medians = Medians(calls, {run_vm, run_session, copy});
  std::printf("{\"rust_first_s\": %.9f, \"vm_s\": %.9f, \"rust_s\": %.9f, \"copy_s\": %.9f}\n", first,
              medians[0], medians[1], medians[2]);
  calls_tensor_free(tensor);
  calls_session_close(session);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: calls CALLS COMPONENT SHAPE\n");
    return 2;
  }
  Measure(std::stoul(argv[1]), argv[2], ParseShape(argv[3]));
  return 0;
}
