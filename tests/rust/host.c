/* A host in plain C that links two plugins and uses each through the header alone. */

#include "tvm_plugin.h"

#include <stdio.h>
#include <string.h>

TVM_PLUGIN_DECLARE(alpha_)
TVM_PLUGIN_DECLARE(beta_)

static tvm_plugin_bytes text(const char *content) {
  tvm_plugin_bytes bytes = {(const uint8_t *)content, strlen(content)};
  return bytes;
}

#define RUN(P)                                                                                 \
  do {                                                                                         \
    tvm_plugin_error *error = NULL;                                                            \
    tvm_plugin_session *session = NULL;                                                        \
    tvm_plugin_tensor *x = NULL;                                                               \
    tvm_plugin_tensor_view view;                                                               \
    tvm_plugin_result *result = NULL;                                                          \
    const int64_t shape[] = {2, 3};                                                            \
    if (P##abi_version() != TVM_PLUGIN_ABI) return 1;                                          \
    if (P##session_open(text("scale"), &session, &error) != TVM_PLUGIN_OK) {                   \
      fprintf(stderr, "%s. %s\n", error->message, error->mend);                                \
      P##error_free(error);                                                                    \
      return 1;                                                                                \
    }                                                                                          \
    if (P##tensor_new(TVM_PLUGIN_FLOAT32, shape, 2, &x, NULL) != 0) return 1;                  \
    if (P##tensor_view(x, &view, NULL) != 0 || view.bytes != 24) return 1;                     \
    ((float *)view.data)[5] = 1.5f;                                                            \
    tvm_plugin_named_tensor input = {text("x"), x};                                            \
    if (P##session_run(session, &input, 1, &result, NULL) != 0) return 1;                      \
    if (P##tensor_view(result->outputs[0].tensor, &view, NULL) != 0) return 1;                 \
    printf("%g\n", (double)((const float *)view.data)[5]);                                     \
    P##result_free(result);                                                                    \
    P##tensor_free(x);                                                                         \
    P##session_close(session);                                                                 \
  } while (0)

int main(void) {
  RUN(alpha_);
  RUN(beta_);
  if (alpha_session_open(text("scale"), NULL, NULL) != TVM_PLUGIN_INVALID) return 1;
  if (alpha_session_run(NULL, NULL, 0, NULL, NULL) != TVM_PLUGIN_INVALID) return 1;
  alpha_error_free(NULL);
  alpha_value_free(NULL);
  alpha_model_close(NULL);
  return 0;
}
