// An empty demangler in place of libc++abi's, which is 90 KB of code. Only the message of an uncaught
// exception asks for it, and then prints the name as the linker knows it.
#include <cstddef>

extern "C" __attribute__((visibility("hidden"))) char* __cxa_demangle(const char*, char*, size_t*,
                                                                      int* status) {
  constexpr int kInvalidName = -2;
  if (status != nullptr) *status = kInvalidName;
  return nullptr;
}
