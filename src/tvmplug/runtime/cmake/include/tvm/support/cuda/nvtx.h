// Serves TVM 0.27: <tvm/support/cuda/nvtx.h>, which the apache-tvm wheel leaves out.
//
// Written by tvmplug from the uses in src/runtime/vm: ranges for NVIDIA's profiler. No target of
// tvmplug has that profiler, so a range does nothing.
#ifndef TVM_SUPPORT_CUDA_NVTX_H_
#define TVM_SUPPORT_CUDA_NVTX_H_

#include <string>

namespace tvm {
namespace support {

class NVTXScopedRange {
 public:
  explicit NVTXScopedRange(const std::string&) {}
  NVTXScopedRange(const NVTXScopedRange&) = delete;
  NVTXScopedRange& operator=(const NVTXScopedRange&) = delete;
};

}  // namespace support
}  // namespace tvm

#endif  // TVM_SUPPORT_CUDA_NVTX_H_
