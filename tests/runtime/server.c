// Serves one RPC client over the runtime: prints the port it listens on, shakes hands as TVM's
// client expects it, and hands the connection to `rpc.ServerLoop`.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <tvm/ffi/c_api.h>
#include <unistd.h>

enum { kMagic = 0xff271 };

static int Receive(int connection, void* data, size_t size) {
  return recv(connection, data, size, MSG_WAITALL) == (ssize_t)size;
}

int main(void) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof(address);
  bind(listener, (struct sockaddr*)&address, size);
  listen(listener, 1);
  getsockname(listener, (struct sockaddr*)&address, &size);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);

  const int connection = accept(listener, NULL, NULL);
  int32_t magic = 0;
  int32_t length = 0;
  char key[64];
  if (!Receive(connection, &magic, 4) || magic != kMagic || !Receive(connection, &length, 4) ||
      length > (int32_t)sizeof(key) || !Receive(connection, key, (size_t)length)) {
    return 2;
  }
  const char own_key[] = "server:";
  length = (int32_t)strlen(own_key);
  send(connection, &magic, 4, 0);
  send(connection, &length, 4, 0);
  send(connection, own_key, (size_t)length, 0);

  const char name[] = "rpc.ServerLoop";
  const TVMFFIByteArray name_bytes = {name, strlen(name)};
  TVMFFIObjectHandle loop = NULL;
  TVMFFIFunctionGetGlobal(&name_bytes, &loop);
  if (loop == NULL) return 3;
  TVMFFIAny argument = {.type_index = kTVMFFIInt};
  argument.v_int64 = connection;
  TVMFFIAny result = {.type_index = kTVMFFINone};
  return TVMFFIFunctionCall(loop, &argument, 1, &result) == 0 ? 0 : 4;
}
