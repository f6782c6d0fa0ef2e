// A model plugin, loaded and called as an app does: its library is opened at run time, and its C
// functions are found by name. Takes what the Python runners take and prints what they print (see
// timing.py); MODEL is LIBRARY:PREFIX:COMPONENT. The number of threads is set in the environment.
//
// Usage: plugin LIBRARY:PREFIX:COMPONENT THREADS CALLS SECONDS OUT NAME=FILE...

#include <dlfcn.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tvm_plugin.h"
TVM_PLUGIN_DECLARE(any_)  // only for the functions' types

namespace {

constexpr size_t kFewestCalls = 3;
constexpr double kWarmUpSeconds = 0.3;

[[noreturn]] void Fail(const std::string& message) {
  std::fprintf(stderr, "error: %s\n", message.c_str());
  std::exit(1);
}

double Now() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(since).count();
}

double CpuSeconds() {
  rusage used;
  getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

// What /proc/self/status says under a field, in kB.
long Status(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind(field + ":", 0) == 0) return std::stol(line.substr(field.size() + 1));
  }
  Fail("no " + field);
}

// An array file of NumPy's, version 1: a header in Python's own notation, then the elements.
struct Array {
  int32_t dtype = 0;
  std::vector<int64_t> shape;
  std::string elements;
};

Array ReadArray(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string all{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (all.size() < 10 || all.compare(0, 7, "\x93NUMPY\x01") != 0) Fail("no array file: " + path);
  const size_t size = static_cast<uint8_t>(all[8]) | static_cast<uint8_t>(all[9]) << 8;
  const std::string header = all.substr(10, size);
  Array array;
  const auto type = header.substr(header.find("'descr': '") + 10, 3);
  if (type == "<f4") array.dtype = TVM_PLUGIN_FLOAT32;
  if (type == "<i8") array.dtype = TVM_PLUGIN_INT64;
  if (array.dtype == 0) Fail("unknown type " + type + " in " + path);
  const size_t open = header.find('('), close = header.find(')');
  std::stringstream extents(header.substr(open + 1, close - open - 1));
  for (std::string extent; std::getline(extents, extent, ',');) {
    if (extent.find_first_of("0123456789") != std::string::npos) {
      array.shape.push_back(std::stoll(extent));
    }
  }
  array.elements = all.substr(10 + size);
  return array;
}

// The plugin's functions, found under its prefix.
class Plugin {
 public:
  Plugin(const std::string& library, const std::string& prefix) : prefix_(prefix) {
    handle_ = dlopen(library.c_str(), RTLD_LAZY);
    if (handle_ == nullptr) Fail(dlerror());
    Find("session_open", session_open);
    Find("session_run", session_run);
    Find("session_close", session_close);
    Find("result_free", result_free);
    Find("tensor_new", tensor_new);
    Find("tensor_view", tensor_view);
    Find("tensor_free", tensor_free);
  }

  decltype(&any_session_open) session_open;
  decltype(&any_session_run) session_run;
  decltype(&any_session_close) session_close;
  decltype(&any_result_free) result_free;
  decltype(&any_tensor_new) tensor_new;
  decltype(&any_tensor_view) tensor_view;
  decltype(&any_tensor_free) tensor_free;

 private:
  template <typename Function>
  void Find(const char* name, Function& function) {
    function = reinterpret_cast<Function>(dlsym(handle_, (prefix_ + name).c_str()));
    if (function == nullptr) Fail("the library has no " + prefix_ + name);
  }

  std::string prefix_;
  void* handle_;
};

void Check(int32_t code, const tvm_plugin_error* error) {
  if (code != 0) Fail(std::string(error->message) + ". " + error->mend);
}

tvm_plugin_bytes Bytes(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

tvm_plugin_tensor* NewTensor(const Plugin& plugin, const Array& array) {
  tvm_plugin_tensor* tensor = nullptr;
  tvm_plugin_error* error = nullptr;
  Check(plugin.tensor_new(array.dtype, array.shape.data(), array.shape.size(), &tensor, &error),
        error);
  tvm_plugin_tensor_view view;
  Check(plugin.tensor_view(tensor, &view, &error), error);
  if (view.bytes != array.elements.size()) Fail("an array file of another size");
  std::memcpy(view.data, array.elements.data(), view.bytes);
  return tensor;
}

void WriteResults(const Plugin& plugin, const tvm_plugin_result* result, const std::string& out) {
  for (size_t i = 0; i < result->count; ++i) {
    tvm_plugin_tensor_view view;
    tvm_plugin_error* error = nullptr;
    Check(plugin.tensor_view(result->outputs[i].tensor, &view, &error), error);
    if (view.dtype != TVM_PLUGIN_FLOAT32) Fail("a result that is not of 32-bit floats");
    std::ofstream file(out + "/" + std::to_string(i) + ".bin", std::ios::binary);
    file.write(static_cast<const char*>(view.data), static_cast<std::streamsize>(view.bytes));
  }
}

// The libraries beside the plugin's that are loaded, with their sizes, as JSON.
std::string Libraries(const std::string& folder) {
  std::set<std::string> paths;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    const size_t at = line.find('/');
    if (at != std::string::npos && line.compare(at, folder.size(), folder) == 0) {
      paths.insert(line.substr(at));
    }
  }
  std::string told;
  for (const auto& path : paths) {
    struct stat info;
    if (stat(path.c_str(), &info) != 0) continue;
    told += (told.empty() ? "\"" : ", \"") + path.substr(path.rfind('/') + 1) +
            "\": " + std::to_string(info.st_size);
  }
  return "{" + told + "}";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) Fail("usage: plugin LIBRARY:PREFIX:COMPONENT THREADS CALLS SECONDS OUT NAME=FILE...");
  const std::string model = argv[1], out = argv[5];
  const size_t calls = std::stoul(argv[3]);
  const double seconds = std::stod(argv[4]);
  const size_t last = model.rfind(':'), first = model.rfind(':', last - 1);
  const std::string library = model.substr(0, first);
  const std::string prefix = model.substr(first + 1, last - first - 1);
  const std::string component = model.substr(last + 1);
  std::vector<std::string> names;
  std::vector<Array> arrays;
  for (int i = 6; i < argc; ++i) {
    const std::string pair = argv[i];
    names.push_back(pair.substr(0, pair.find('=')));
    arrays.push_back(ReadArray(pair.substr(pair.find('=') + 1)));
  }

  const long before = Status("VmRSS");
  const double started = Now();
  const Plugin plugin(library, prefix);
  const double loaded = Now();
  const long with_library = Status("VmRSS");
  std::ofstream("/proc/self/clear_refs") << "5";  // forget the highest memory so far
  const double reopened = Now();
  tvm_plugin_session* session = nullptr;
  tvm_plugin_error* error = nullptr;
  Check(plugin.session_open(Bytes(component), &session, &error), error);
  std::vector<tvm_plugin_named_tensor> inputs;
  for (size_t i = 0; i < names.size(); ++i) {
    inputs.push_back({Bytes(names[i]), NewTensor(plugin, arrays[i])});
  }
  const double opened = Now();
  tvm_plugin_result* result = nullptr;
  Check(plugin.session_run(session, inputs.data(), inputs.size(), &result, &error), error);
  const double first_s = Now() - opened;
  WriteResults(plugin, result, out);
  plugin.result_free(result);

  const auto call = [&] {
    tvm_plugin_result* each = nullptr;
    Check(plugin.session_run(session, inputs.data(), inputs.size(), &each, &error), error);
    plugin.result_free(each);
  };
  const double until = Now() + std::min(kWarmUpSeconds, seconds);
  while (Now() < until) call();
  std::vector<double> latencies;
  const double began = Now(), cpu = CpuSeconds();
  while (latencies.size() < calls) {
    const double start = Now();
    call();
    const double end = Now();
    latencies.push_back(end - start);
    if (end - began > seconds && latencies.size() >= kFewestCalls) break;
  }
  const double cores = (CpuSeconds() - cpu) / (Now() - began);
  const double library_mb = static_cast<double>(with_library - before) / 1000;
  const double peak_mb = static_cast<double>(Status("VmHWM") - with_library) / 1000;
  const double held_mb = static_cast<double>(Status("VmRSS") - with_library) / 1000;

  std::printf("{\"library_s\": %.9f, \"open_s\": %.9f, \"first_s\": %.9f, \"cores\": %.3f, ",
              loaded - started, opened - reopened, first_s, cores);
  std::printf("\"library_mb\": %.3f, \"peak_mb\": %.3f, \"held_mb\": %.3f, ", library_mb, peak_mb,
              held_mb);
  std::printf("\"libraries\": %s, \"latencies_s\": [",
              Libraries(library.substr(0, library.rfind('/'))).c_str());
  for (size_t i = 0; i < latencies.size(); ++i) {
    std::printf("%s%.9f", i == 0 ? "" : ", ", latencies[i]);
  }
  std::printf("]}\n");
  for (const auto& input : inputs) {
    plugin.tensor_free(const_cast<tvm_plugin_tensor*>(input.tensor));
  }
  plugin.session_close(session);
  return 0;
}
