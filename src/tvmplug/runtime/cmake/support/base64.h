// Serves TVM 0.27: src/support/base64.h, which the apache-tvm wheel leaves out.
//
// Written by tvmplug from the uses in src/runtime: streams that encode and decode base64 (RFC 4648)
// over another stream. What they hold is small (a tensor inside a JSON document), so each keeps all
// of it in memory and leaves the coding to tvm-ffi.
#ifndef TVM_SUPPORT_BASE64_H_
#define TVM_SUPPORT_BASE64_H_

#include <tvm/ffi/extra/base64.h>
#include <tvm/support/io.h>

#include <algorithm>
#include <cstring>
#include <string>

namespace tvm {
namespace support {

class Base64InStream : public Stream {
 public:
  using Stream::Read;
  using Stream::Write;

  explicit Base64InStream(Stream* encoded) : encoded_(encoded) {}

  // Reads the other stream to its end; to be called once, before the first Read.
  void InitPosition() {
    std::string text;
    for (char c; encoded_->Read(&c, 1) == 1;) text.push_back(c);
    const ffi::Bytes decoded = ffi::Base64Decode(ffi::String(text));
    bytes_.assign(decoded.data(), decoded.size());
  }

  size_t Read(void* data, size_t size) final {
    size = std::min(size, bytes_.size() - position_);
    std::memcpy(data, bytes_.data() + position_, size);
    position_ += size;
    return size;
  }

  size_t Write(const void*, size_t) final { return 0; }  // it is for reading alone

 private:
  Stream* encoded_;
  std::string bytes_;
  size_t position_ = 0;
};

class Base64OutStream : public Stream {
 public:
  using Stream::Read;
  using Stream::Write;

  explicit Base64OutStream(Stream* encoded) : encoded_(encoded) {}

  size_t Read(void*, size_t) final { return 0; }  // it is for writing alone

  size_t Write(const void* data, size_t size) final {
    bytes_.append(static_cast<const char*>(data), size);
    return size;
  }

  // Encodes what was written; to be called once, after the last Write.
  void Finish() {
    const ffi::String text = ffi::Base64Encode(TVMFFIByteArray{bytes_.data(), bytes_.size()});
    encoded_->Write(text.data(), text.size());
  }

 private:
  Stream* encoded_;
  std::string bytes_;
};

}  // namespace support
}  // namespace tvm

#endif  // TVM_SUPPORT_BASE64_H_
