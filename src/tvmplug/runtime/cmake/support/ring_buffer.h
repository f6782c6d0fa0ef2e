// Serves TVM 0.27: src/support/ring_buffer.h, which the apache-tvm wheel leaves out.
//
// Written by tvmplug from the uses in src/runtime/rpc: a queue of bytes between a channel and what
// reads messages out of it. The bytes lie in one piece; what was read is dropped when it makes up
// half of them.
#ifndef TVM_SUPPORT_RING_BUFFER_H_
#define TVM_SUPPORT_RING_BUFFER_H_

#include <tvm/ffi/error.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace tvm {
namespace support {

class RingBuffer {
 public:
  size_t bytes_available() const { return bytes_.size() - read_; }

  // Makes room for so many bytes.
  void Reserve(size_t size) { bytes_.reserve(read_ + size); }

  void Read(void* data, size_t size) {
    TVM_FFI_ICHECK_GE(bytes_available(), size) << "a message ends too early";
    if (size != 0) std::memcpy(data, bytes_.data() + read_, size);
    Drop(size);
  }

  void Write(const void* data, size_t size) {
    const char* begin = static_cast<const char*>(data);
    bytes_.insert(bytes_.end(), begin, begin + size);
  }

  // Offers at most `limit` bytes to `take(data, size)`, which returns how many it took.
  template <typename Take>
  size_t ReadWithCallback(Take take, size_t limit) {
    const size_t taken = take(bytes_.data() + read_, std::min(limit, bytes_available()));
    Drop(taken);
    return taken;
  }

  // Has at most `limit` bytes given by `give(data, size)`, which returns how many it gave.
  template <typename Give>
  size_t WriteWithCallback(Give give, size_t limit) {
    const size_t end = bytes_.size();
    bytes_.resize(end + limit);
    size_t given = 0;
    try {
      given = give(bytes_.data() + end, limit);
    } catch (...) {
      bytes_.resize(end);
      throw;
    }
    bytes_.resize(end + given);
    return given;
  }

 private:
  void Drop(size_t size) {
    read_ += size;
    if (2 * read_ >= bytes_.size()) {
      bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(read_));
      read_ = 0;
    }
  }

  std::vector<char> bytes_;
  size_t read_ = 0;  // how many of them were read
};

}  // namespace support
}  // namespace tvm

#endif  // TVM_SUPPORT_RING_BUFFER_H_
