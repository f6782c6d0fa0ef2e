// Serves TVM 0.27: src/support/socket.h, which the apache-tvm wheel leaves out.
//
// Written by tvmplug from the uses in src/runtime/rpc: TCP over the sockets of POSIX, which all
// targets of tvmplug with RPC have.
#ifndef TVM_SUPPORT_SOCKET_H_
#define TVM_SUPPORT_SOCKET_H_

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <tvm/ffi/error.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace tvm {
namespace support {

// Where to connect to: the first address that a host's name has.
class SockAddr {
 public:
  SockAddr(const char* host, int port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int error = getaddrinfo(host, std::to_string(port).c_str(), &hints, &found);
    TVM_FFI_ICHECK_EQ(error, 0) << host << ": " << gai_strerror(error);
    std::memcpy(&address_, found->ai_addr, found->ai_addrlen);
    size_ = found->ai_addrlen;
    freeaddrinfo(found);
  }

  int ss_family() const { return address_.ss_family; }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address_); }
  socklen_t size() const { return size_; }

  std::string AsString() const {
    char host[NI_MAXHOST];
    char port[NI_MAXSERV];
    const int error = getnameinfo(get(), size_, host, sizeof(host), port, sizeof(port),
                                  NI_NUMERICHOST | NI_NUMERICSERV);
    return error == 0 ? std::string(host) + ":" + port : "an unknown address";
  }

 private:
  sockaddr_storage address_{};
  socklen_t size_ = 0;
};

class Socket {
 public:
  using SockType = int;

  [[noreturn]] static void Error(const char* what) {
    TVM_FFI_THROW(InternalError) << what << ": " << std::strerror(errno);
  }
};

// A handle of a connection: copies are of the same one, and somebody closes it once.
class TCPSocket : public Socket {
 public:
  TCPSocket() = default;
  explicit TCPSocket(SockType descriptor) : descriptor_(descriptor) {}

  void Create(int family) {
    descriptor_ = socket(family, SOCK_STREAM, 0);
    if (descriptor_ == kNone) Error("socket");
    const int on = 1;
    setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));  // messages are small
  }

  bool Connect(const SockAddr& address) {
    return connect(descriptor_, address.get(), address.size()) == 0;
  }

  void Close() {
    close(descriptor_);
    descriptor_ = kNone;
  }

  // Whether there is no connection, or it broke.
  bool BadSocket() const {
    if (descriptor_ == kNone) return true;
    int error = 0;
    socklen_t size = sizeof(error);
    return getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0;
  }

  // Some of the bytes; -1 on an error.
  ssize_t Send(const void* data, size_t size) {
    return Again([&] { return send(descriptor_, data, size, kNoSignal); });
  }
  ssize_t Recv(void* data, size_t size) {
    return Again([&] { return recv(descriptor_, data, size, 0); });
  }

  // All of the bytes; fewer when the connection ends.
  size_t SendAll(const void* data, size_t size) {
    size_t done = 0;
    while (done < size) {
      const ssize_t n = Send(static_cast<const char*>(data) + done, size - done);
      if (n == -1) Error("send");
      done += static_cast<size_t>(n);
    }
    return done;
  }
  size_t RecvAll(void* data, size_t size) {
    size_t done = 0;
    while (done < size) {
      const ssize_t n = Recv(static_cast<char*>(data) + done, size - done);
      if (n == -1) Error("recv");
      if (n == 0) break;
      done += static_cast<size_t>(n);
    }
    return done;
  }

 private:
  static constexpr SockType kNone = -1;
#ifdef MSG_NOSIGNAL
  static constexpr int kNoSignal = MSG_NOSIGNAL;  // a closed connection is an error, not SIGPIPE
#else
  static constexpr int kNoSignal = 0;
#endif

  template <typename Call>
  static ssize_t Again(Call call) {
    ssize_t n;
    do {
      n = call();
    } while (n == -1 && errno == EINTR);
    return n;
  }

  SockType descriptor_ = kNone;
};

}  // namespace support
}  // namespace tvm

#endif  // TVM_SUPPORT_SOCKET_H_
