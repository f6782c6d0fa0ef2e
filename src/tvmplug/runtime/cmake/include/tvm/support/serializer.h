// Serves TVM 0.27: <tvm/support/serializer.h>, which the apache-tvm wheel leaves out.
//
// Written by tvmplug from the uses in src/runtime. The layout is the one that TVM's compiler writes
// into an executable's bytecode: little-endian numbers, a 64-bit count before a sequence, the fields
// of a struct one after the other.
#ifndef TVM_SUPPORT_SERIALIZER_H_
#define TVM_SUPPORT_SERIALIZER_H_

#include <dlpack/dlpack.h>
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/dtype.h>
#include <tvm/ffi/endian.h>
#include <tvm/ffi/string.h>
#include <tvm/support/io.h>

#include <cstdint>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

static_assert(TVM_FFI_IO_NO_ENDIAN_SWAP, "every target of tvmplug is little-endian");

namespace tvm {
namespace support {

// Numbers and enums: their bytes.
template <typename T>
struct Serializer<T, std::enable_if_t<std::is_arithmetic_v<T> || std::is_enum_v<T>>> {
  static constexpr bool enabled = true;
  static void Write(Stream* stream, const T& value) { stream->Write(&value, sizeof(T)); }
  static bool Read(Stream* stream, T* value) { return stream->Read(value, sizeof(T)) == sizeof(T); }
};

// Classes that store themselves: `void Save(Stream*) const` and `bool Load(Stream*)`.
template <typename T>
struct Serializer<T, std::void_t<decltype(std::declval<const T&>().Save(std::declval<Stream*>())),
                                 decltype(std::declval<T&>().Load(std::declval<Stream*>()))>> {
  static constexpr bool enabled = true;
  static void Write(Stream* stream, const T& value) { value.Save(stream); }
  static bool Read(Stream* stream, T* value) { return value->Load(stream); }
};

template <>
struct Serializer<std::string> {
  static constexpr bool enabled = true;

  static void Write(Stream* stream, const std::string& text) {
    stream->Write(static_cast<uint64_t>(text.size()));
    stream->Write(text.data(), text.size());
  }

  static bool Read(Stream* stream, std::string* text) {
    uint64_t size;
    if (!stream->Read(&size)) return false;
    text->resize(size);
    return stream->Read(text->data(), size) == size;
  }
};

template <>
struct Serializer<ffi::String> {
  static constexpr bool enabled = true;

  static void Write(Stream* stream, const ffi::String& text) {
    stream->Write(static_cast<std::string>(text));
  }

  static bool Read(Stream* stream, ffi::String* text) {
    std::string read;
    if (!stream->Read(&read)) return false;
    *text = std::move(read);
    return true;
  }
};

template <typename T>
struct Serializer<std::vector<T>> {
  static constexpr bool enabled = Serializer<T>::enabled;

  static void Write(Stream* stream, const std::vector<T>& values) {
    stream->Write(static_cast<uint64_t>(values.size()));
    stream->WriteArray(values.data(), values.size());
  }

  static bool Read(Stream* stream, std::vector<T>* values) {
    uint64_t size;
    if (!stream->Read(&size)) return false;
    values->resize(size);
    return stream->ReadArray(values->data(), size);
  }
};

template <typename T>
struct Serializer<ffi::Array<T>> {
  static constexpr bool enabled = Serializer<T>::enabled;

  static void Write(Stream* stream, const ffi::Array<T>& values) {
    stream->Write(static_cast<uint64_t>(values.size()));
    for (const T& value : values) stream->Write(value);
  }

  static bool Read(Stream* stream, ffi::Array<T>* values) {
    uint64_t size;
    if (!stream->Read(&size)) return false;
    values->clear();
    for (uint64_t i = 0; i < size; ++i) {
      T value;
      if (!stream->Read(&value)) return false;
      values->push_back(std::move(value));
    }
    return true;
  }
};

template <typename K, typename V>
struct Serializer<std::pair<K, V>> {
  static constexpr bool enabled = Serializer<K>::enabled && Serializer<V>::enabled;

  static void Write(Stream* stream, const std::pair<K, V>& entry) {
    stream->Write(entry.first);
    stream->Write(entry.second);
  }

  static bool Read(Stream* stream, std::pair<K, V>* entry) {
    return stream->Read(&entry->first) && stream->Read(&entry->second);
  }
};

template <typename K, typename V>
struct Serializer<std::unordered_map<K, V>> {
  static constexpr bool enabled = Serializer<K>::enabled && Serializer<V>::enabled;

  static void Write(Stream* stream, const std::unordered_map<K, V>& entries) {
    stream->Write(static_cast<uint64_t>(entries.size()));
    for (const auto& [key, value] : entries) {
      stream->Write(key);
      stream->Write(value);
    }
  }

  static bool Read(Stream* stream, std::unordered_map<K, V>* entries) {
    uint64_t size;
    if (!stream->Read(&size)) return false;
    for (uint64_t i = 0; i < size; ++i) {
      std::pair<K, V> entry;
      if (!stream->Read(&entry)) return false;
      entries->insert(std::move(entry));
    }
    return true;
  }
};

template <>
struct Serializer<DLDataType> {
  static constexpr bool enabled = true;

  static void Write(Stream* stream, const DLDataType& dtype) {
    stream->Write(dtype.code);
    stream->Write(dtype.bits);
    stream->Write(dtype.lanes);
  }

  static bool Read(Stream* stream, DLDataType* dtype) {
    return stream->Read(&dtype->code) && stream->Read(&dtype->bits) && stream->Read(&dtype->lanes);
  }
};

template <>
struct Serializer<DLDevice> {
  static constexpr bool enabled = true;

  static void Write(Stream* stream, const DLDevice& device) {
    stream->Write(static_cast<int32_t>(device.device_type));
    stream->Write(static_cast<int32_t>(device.device_id));
  }

  static bool Read(Stream* stream, DLDevice* device) {
    int32_t type;
    if (!stream->Read(&type) || !stream->Read(&device->device_id)) return false;
    device->device_type = static_cast<DLDeviceType>(type);
    return true;
  }
};

}  // namespace support
}  // namespace tvm

#endif  // TVM_SUPPORT_SERIALIZER_H_
