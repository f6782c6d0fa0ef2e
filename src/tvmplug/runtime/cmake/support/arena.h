// Serves TVM 0.27: src/support/arena.h, which the apache-tvm wheel leaves out.
//
// Written by tvmplug from the uses in src/runtime/rpc: memory for the parts of one message, given
// back all at once.
#ifndef TVM_SUPPORT_ARENA_H_
#define TVM_SUPPORT_ARENA_H_

#include <cstddef>
#include <memory>
#include <type_traits>
#include <vector>

namespace tvm {
namespace support {

class Arena {
 public:
  // An array without a value; its elements need no destructor.
  template <typename T>
  T* allocate_(int count = 1) {
    static_assert(std::is_trivially_destructible_v<T>, "nobody calls the destructor");
    static_assert(alignof(T) <= alignof(std::max_align_t), "operator new aligns no further");
    pieces_.push_back(std::make_unique<char[]>(sizeof(T) * static_cast<size_t>(count)));
    return reinterpret_cast<T*>(pieces_.back().get());
  }

  void RecycleAll() { pieces_.clear(); }

 private:
  std::vector<std::unique_ptr<char[]>> pieces_;
};

}  // namespace support
}  // namespace tvm

#endif  // TVM_SUPPORT_ARENA_H_
