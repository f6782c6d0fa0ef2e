// Serves one RPC client over the runtime: prints the port it listens on, shakes hands as TVM's
// client expects it, and hands the connection to `rpc.ServerLoop`. Clients may upload libraries,
// into the folder it runs in, and load them.
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

// Where an uploaded file lies: "./" and its name, so that a library is looked for nowhere else.
static int Path(void* self, const TVMFFIAny* args, int32_t count, TVMFFIAny* result) {
  const TVMFFIAny* name = &args[0];
  char path[256];
  TVMFFIByteArray bytes = {path, 0};
  (void)self;
  if (count != 1) return -1;
  if (name->type_index == kTVMFFIRawStr) {
    bytes.size = (size_t)snprintf(path, sizeof(path), "./%s", name->v_c_str);
  } else if (name->type_index == kTVMFFISmallStr) {
    bytes.size = (size_t)snprintf(path, sizeof(path), "./%.*s", (int)name->small_str_len,
                                  name->v_bytes);
  } else {
    const TVMFFIByteArray* text = (TVMFFIByteArray*)((char*)name->v_obj + sizeof(TVMFFIObject));
    bytes.size = (size_t)snprintf(path, sizeof(path), "./%.*s", (int)text->size, text->data);
  }
  return TVMFFIStringFromByteArray(&bytes, result);
}

static int Load(void* self, const TVMFFIAny* args, int32_t count, TVMFFIAny* result) {
  TVMFFIAny path = {.type_index = kTVMFFINone};
  if (Path(NULL, args, count, &path) != 0) return -1;
  return TVMFFIFunctionCall(self, &path, 1, result);
}

static void Register(const char* name, TVMFFISafeCallType call, void* self) {
  const TVMFFIByteArray name_bytes = {name, strlen(name)};
  TVMFFIObjectHandle function = NULL;
  TVMFFIFunctionCreate(self, call, NULL, &function);
  TVMFFIFunctionSetGlobal(&name_bytes, function, 1);
}

static TVMFFIObjectHandle Global(const char* name) {
  const TVMFFIByteArray name_bytes = {name, strlen(name)};
  TVMFFIObjectHandle function = NULL;
  TVMFFIFunctionGetGlobal(&name_bytes, &function);
  return function;
}

int main(void) {
  Register("tvm.rpc.server.workpath", Path, NULL);
  Register("tvm.rpc.server.load_module", Load, Global("ffi.ModuleLoadFromFile"));

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

  const TVMFFIObjectHandle loop = Global("rpc.ServerLoop");
  if (loop == NULL) return 3;
  TVMFFIAny argument = {.type_index = kTVMFFIInt};
  argument.v_int64 = connection;
  TVMFFIAny result = {.type_index = kTVMFFINone};
  return TVMFFIFunctionCall(loop, &argument, 1, &result) == 0 ? 0 : 4;
}
