// Serves TVM 0.27: <tvm/support/io.h>, which the apache-tvm wheel leaves out.
//
// Written by tvmplug from the uses in src/runtime: a binary stream, and the hook through which a
// type says how it is stored (see serializer.h).
#ifndef TVM_SUPPORT_IO_H_
#define TVM_SUPPORT_IO_H_

#include <cstddef>

namespace tvm {
namespace support {

class Stream;

// How T is stored. A specialization sets `enabled` and has
// `static void Write(Stream*, const T&)` and `static bool Read(Stream*, T*)`.
template <typename T, typename Enable = void>
struct Serializer {
  static constexpr bool enabled = false;
};

class Stream {
 public:
  virtual ~Stream() = default;

  // Raw bytes; both return how many were moved.
  virtual size_t Read(void* data, size_t size) = 0;
  virtual size_t Write(const void* data, size_t size) = 0;

  template <typename T>
  bool Read(T* value) {
    static_assert(Serializer<T>::enabled, "T has no Serializer");
    return Serializer<T>::Read(this, value);
  }

  template <typename T>
  void Write(const T& value) {
    static_assert(Serializer<T>::enabled, "T has no Serializer");
    Serializer<T>::Write(this, value);
  }

  // Elements without a count before them.
  template <typename T>
  bool ReadArray(T* values, size_t count) {
    for (T* value = values; value != values + count; ++value) {
      if (!this->Read<T>(value)) return false;
    }
    return true;
  }

  template <typename T>
  void WriteArray(const T* values, size_t count) {
    for (const T* value = values; value != values + count; ++value) this->Write<T>(*value);
  }
};

}  // namespace support
}  // namespace tvm

#endif  // TVM_SUPPORT_IO_H_
