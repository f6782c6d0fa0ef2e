/* Owned by the template: `copier update` may rewrite it, do not edit. */

/*
 * The C interface of a model plugin.
 *
 * Every function carries the plugin's own prefix, so that any number of plugins live in one
 * process. Declare those of a plugin with its prefix:
 *
 *     #include "tvm_plugin.h"
 *     TVM_PLUGIN_DECLARE(g2p_)
 *
 *     tvm_plugin_model *model = NULL;
 *     tvm_plugin_error *error = NULL;
 *     if (g2p_model_open(&model, &error) != 0) {
 *       fprintf(stderr, "%s. %s\n", error->message, error->mend);
 *       g2p_error_free(error);
 *     }
 *
 * Errors. A function that returns int32_t gives 0 for success and otherwise the error's code (see
 * tvm_plugin_code). It then leaves `*out` as it was and writes an error to `*error`, which the
 * caller frees with PREFIXerror_free; `error` may be NULL. No panic and no exception ever leaves a
 * function.
 *
 * Ownership. What a function writes to `*out` belongs to the caller, who gives it back to the
 * function named for it, of the same plugin; handles mean nothing to another one. All of those
 * accept NULL. What a function takes is borrowed until it returns. Freeing functions may run on any
 * thread, so their addresses serve as finalizers.
 *
 * Mailboxes are for a caller that may end at any moment without giving anything back, such as an
 * isolate of Dart: it only has finalizers. So what it uses is known by numbers, and each number is
 * drawn before anything is put under it: a finalizer is attached to the number first, then the
 * number is given its meaning. A number without a meaning is TVM_PLUGIN_INVALID, or nothing to do
 * for the freeing functions; it never crashes. What a holder of a mailbox was lent lives until its
 * next call, or until it lets go; with the last holder go the mailbox, its tickets and its model.
 *
 * Threads. A session or a model may be used from any thread, by one at a time: a second one gets
 * TVM_PLUGIN_BUSY. Different handles run at the same time. A tensor may be read from several
 * threads. Load all plugins before several threads open sessions: TVM's own tables of compiled
 * functions, which a library's constructors fill, are not locked.
 *
 * C11 or later, C++17 or later.
 */

#ifndef TVM_PLUGIN_H_
#define TVM_PLUGIN_H_

#include <stddef.h>
#include <stdint.h>

/* Raised when a signature or a layout here changes; compare with PREFIXabi_version(). */
#define TVM_PLUGIN_ABI 2u

/* Codes of errors. They never change their meaning. */
typedef enum tvm_plugin_code {
  TVM_PLUGIN_OK = 0,
  TVM_PLUGIN_UNKNOWN = 1,        /* no component, input or method of that name */
  TVM_PLUGIN_MISSING = 2,        /* an input is missing */
  TVM_PLUGIN_DUPLICATE = 3,      /* an input is given twice */
  TVM_PLUGIN_DTYPE = 4,          /* a tensor's element type is wrong */
  TVM_PLUGIN_SHAPE = 5,          /* a tensor's shape is wrong */
  TVM_PLUGIN_OUT_OF_RANGE = 6,   /* an index input points outside its table */
  TVM_PLUGIN_PREFIX_TAKEN = 7,   /* two libraries in the process claim one prefix */
  TVM_PLUGIN_PIN = 8,            /* compiled for another TVM than the runtime's */
  TVM_PLUGIN_NOT_REGISTERED = 9, /* the library holds no compiled functions */
  TVM_PLUGIN_METADATA = 10,      /* the library's metadata is wrong */
  TVM_PLUGIN_RUNTIME = 11,       /* TVM raised an error */
  TVM_PLUGIN_NOT_WRITABLE = 12,  /* a tensor's memory is shared */
  TVM_PLUGIN_ARGUMENT = 13,      /* a method's argument is of the wrong type */
  TVM_PLUGIN_PANICKED = 14,      /* the plugin's code panicked */
  TVM_PLUGIN_BUSY = 15,          /* the handle is in use by another thread */
  TVM_PLUGIN_INVALID = 16,       /* a null pointer, text that is not UTF-8, ... */
  TVM_PLUGIN_MODEL = 17          /* an error of the model's own */
} tvm_plugin_code;

/* Element types of tensors. */
typedef enum tvm_plugin_dtype {
  TVM_PLUGIN_BOOL = 1,
  TVM_PLUGIN_INT8 = 2,
  TVM_PLUGIN_INT16 = 3,
  TVM_PLUGIN_INT32 = 4,
  TVM_PLUGIN_INT64 = 5,
  TVM_PLUGIN_UINT8 = 6,
  TVM_PLUGIN_UINT16 = 7,
  TVM_PLUGIN_UINT32 = 8,
  TVM_PLUGIN_UINT64 = 9,
  TVM_PLUGIN_FLOAT16 = 10,
  TVM_PLUGIN_BFLOAT16 = 11,
  TVM_PLUGIN_FLOAT32 = 12,
  TVM_PLUGIN_FLOAT64 = 13
} tvm_plugin_dtype;

/* Tags of values, with the field of the union that is live. */
typedef enum tvm_plugin_tag {
  TVM_PLUGIN_TAG_NULL = 0,
  TVM_PLUGIN_TAG_BOOL = 1,   /* integer, 0 or 1 */
  TVM_PLUGIN_TAG_INT = 2,    /* integer */
  TVM_PLUGIN_TAG_FLOAT = 3,  /* number */
  TVM_PLUGIN_TAG_STRING = 4, /* bytes, UTF-8 */
  TVM_PLUGIN_TAG_BYTES = 5,  /* bytes */
  TVM_PLUGIN_TAG_TENSOR = 6, /* tensor */
  TVM_PLUGIN_TAG_LIST = 7,   /* list */
  TVM_PLUGIN_TAG_TICKET = 8  /* integer, the ticket of a tensor; in calls of a mailbox only */
} tvm_plugin_tag;

#ifdef __cplusplus
#define TVM_PLUGIN_API extern "C"
#else
#define TVM_PLUGIN_API extern
#endif

/* Bytes, or UTF-8 text without a closing zero. `data` may be NULL where `size` is 0. */
typedef struct tvm_plugin_bytes {
  const uint8_t *data;
  size_t size;
} tvm_plugin_bytes;

/* What went wrong and what mends it; UTF-8, zero-terminated. */
typedef struct tvm_plugin_error {
  int32_t code;
  const char *message;
  const char *mend;
} tvm_plugin_error;

/* Handles; what they point to is the plugin's own. */
typedef struct tvm_plugin_tensor tvm_plugin_tensor;
typedef struct tvm_plugin_session tvm_plugin_session;
typedef struct tvm_plugin_model tvm_plugin_model;

/* Where a tensor's elements lie: row-major, on the CPU. Valid while the tensor's handle is. */
typedef struct tvm_plugin_tensor_view {
  void *data;           /* on a 64-byte boundary for tensors made by PREFIXtensor_new */
  size_t bytes;         /* size of the data */
  const int64_t *shape; /* `rank` extents */
  size_t rank;
  int32_t dtype;    /* tvm_plugin_dtype */
  int32_t writable; /* 1 if the data may be written: no other handle shares it, and no call uses it */
} tvm_plugin_tensor_view;

/* An input or an output of a session. */
typedef struct tvm_plugin_named_tensor {
  tvm_plugin_bytes name;
  const tvm_plugin_tensor *tensor;
} tvm_plugin_named_tensor;

/* The outputs of one run in the order of the metadata. Owns its tensors' handles. */
typedef struct tvm_plugin_result {
  const tvm_plugin_named_tensor *outputs;
  size_t count;
} tvm_plugin_result;

struct tvm_plugin_value;

typedef struct tvm_plugin_list {
  struct tvm_plugin_value *items;
  size_t count;
} tvm_plugin_list;

/* An argument or a result of a method. Set `reserved` to 0. */
typedef struct tvm_plugin_value {
  int32_t tag; /* tvm_plugin_tag */
  int32_t reserved;
  union {
    int64_t integer;
    double number;
    tvm_plugin_bytes bytes;
    tvm_plugin_tensor *tensor;
    tvm_plugin_list list;
  } as;
} tvm_plugin_value;

/*
 * The functions of the plugin with the prefix P.
 *
 * abi_version: TVM_PLUGIN_ABI as the plugin was built with. Check it before anything else.
 * metadata:    the plugin's system_lib.json; lives as long as the process.
 * methods:     the model's methods as JSON, [{"name", "arguments": [{"name", "type"}], "result"}],
 *              where a type is bool, int, float, string, bytes, tensor, list<T>, T? or (result only)
 *              null; lives as long as the process.
 * runtime:     {"versions": {...}, "prefixes": [...], "mailboxes": {...}} as a string value: the
 *              TVM runtime in this process, which library holds which prefix, and how many holders,
 *              tickets and open models and components the mailboxes of this plugin have.
 *
 * session_open:  opens a component.
 * session_run:   runs it on `count` named tensors, in any order. Neither inputs nor outputs are
 *                copied. An output may be an input of a later run, and outlives the session.
 * session_close, result_free: give them back. Handles in a result die with it; retain those that
 *                are to live longer.
 *
 * tensor_new:    a tensor of zeros, to be filled in place (tensor_view).
 * tensor_retain: another handle to the same memory. While there are two, it is not writable.
 * tensor_view:   where its elements lie.
 * tensor_free:   gives a handle back; the memory goes with the last one.
 *
 * model_open:  opens the model.
 * model_call:  calls one of its methods. Free `*out` with value_free. After TVM_PLUGIN_PANICKED the
 *              model only answers that; close it.
 * model_close: gives it back.
 *
 * mailbox_number:  a number that no holder and no ticket of this plugin has had. Never 0.
 * mailbox_open:    makes a mailbox, whose first holder is `number`.
 * mailbox_join:    makes `number` one more holder of the mailbox that `other` holds.
 * mailbox_close:   ends the hold of a number, given as a pointer so that this is a finalizer.
 * mailbox_scratch: lends the holder at least `size` bytes, on an 8-byte boundary, for what it
 *                  passes to the other functions. Asking again may take the earlier bytes away.
 *                  NULL where there is no memory, or `number` holds nothing.
 * mailbox_start:   opens the component, or the model where `component.data` is NULL, and waits for
 *                  it. Once per mailbox.
 * mailbox_call:    calls a method of the model, and waits; calls of several holders wait in line.
 *                  It runs on the thread that calls, or, where kernels run in parallel, on one of
 *                  the mailbox's own, since TVM has a pool of workers per thread. Of a component, `args` are the names of its inputs and their
 *                  tensors in turn, `method` means nothing, and the result is the list of its
 *                  outputs in the order of the metadata. Tensors are passed as tickets; those of
 *                  the result are new ones. `*out` is lent to the holder: do not free it.
 *
 * ticket_new:      puts a new tensor into the mailbox, and says its ticket. Its elements are
 *                  undefined: write all of them (ticket_view) before anything reads one.
 * ticket_view:     where its elements lie.
 * ticket_keep:     lets the ticket outlive the mailbox that it is in.
 * ticket_free:     gives a ticket, as a pointer, back; the memory goes with its last user.
 *
 * value_free:  frees what a value holds, lists and tensors in it included, and makes it null. Only
 *              for values that this plugin returned.
 * error_free:  frees an error.
 */
#define TVM_PLUGIN_DECLARE(P)                                                                    \
  TVM_PLUGIN_API uint32_t P##abi_version(void);                                                  \
  TVM_PLUGIN_API tvm_plugin_bytes P##metadata(void);                                             \
  TVM_PLUGIN_API tvm_plugin_bytes P##methods(void);                                              \
  TVM_PLUGIN_API int32_t P##runtime(tvm_plugin_value *out, tvm_plugin_error **error);            \
                                                                                                 \
  TVM_PLUGIN_API int32_t P##session_open(                                                        \
      tvm_plugin_bytes component, tvm_plugin_session **out, tvm_plugin_error **error);           \
  TVM_PLUGIN_API int32_t P##session_run(                                                         \
      tvm_plugin_session *session, const tvm_plugin_named_tensor *inputs, size_t count,          \
      tvm_plugin_result **out, tvm_plugin_error **error);                                        \
  TVM_PLUGIN_API void P##session_close(tvm_plugin_session *session);                             \
  TVM_PLUGIN_API void P##result_free(tvm_plugin_result *result);                                 \
                                                                                                 \
  TVM_PLUGIN_API int32_t P##tensor_new(                                                          \
      int32_t dtype, const int64_t *shape, size_t rank,                                          \
      tvm_plugin_tensor **out, tvm_plugin_error **error);                                        \
  TVM_PLUGIN_API int32_t P##tensor_retain(                                                       \
      const tvm_plugin_tensor *tensor, tvm_plugin_tensor **out, tvm_plugin_error **error);       \
  TVM_PLUGIN_API int32_t P##tensor_view(                                                         \
      const tvm_plugin_tensor *tensor, tvm_plugin_tensor_view *out, tvm_plugin_error **error);   \
  TVM_PLUGIN_API void P##tensor_free(tvm_plugin_tensor *tensor);                                 \
                                                                                                 \
  TVM_PLUGIN_API int32_t P##model_open(tvm_plugin_model **out, tvm_plugin_error **error);        \
  TVM_PLUGIN_API int32_t P##model_call(                                                          \
      tvm_plugin_model *model, tvm_plugin_bytes method, const tvm_plugin_value *args,            \
      size_t count, tvm_plugin_value *out, tvm_plugin_error **error);                            \
  TVM_PLUGIN_API void P##model_close(tvm_plugin_model *model);                                   \
                                                                                                 \
  TVM_PLUGIN_API uintptr_t P##mailbox_number(void);                                              \
  TVM_PLUGIN_API int32_t P##mailbox_open(uintptr_t number, tvm_plugin_error **error);            \
  TVM_PLUGIN_API int32_t P##mailbox_join(                                                        \
      uintptr_t number, uintptr_t other, tvm_plugin_error **error);                              \
  TVM_PLUGIN_API void P##mailbox_close(void *number);                                            \
  TVM_PLUGIN_API void *P##mailbox_scratch(uintptr_t number, size_t size);                        \
  TVM_PLUGIN_API int32_t P##mailbox_start(                                                       \
      uintptr_t number, tvm_plugin_bytes component, tvm_plugin_error **error);                   \
  TVM_PLUGIN_API int32_t P##mailbox_call(                                                        \
      uintptr_t number, tvm_plugin_bytes method, const tvm_plugin_value *args, size_t count,     \
      const tvm_plugin_value **out, tvm_plugin_error **error);                                   \
                                                                                                 \
  TVM_PLUGIN_API int32_t P##ticket_new(                                                          \
      uintptr_t mailbox, int32_t dtype, const int64_t *shape, size_t rank,                       \
      uintptr_t *out, tvm_plugin_error **error);                                                 \
  TVM_PLUGIN_API int32_t P##ticket_view(                                                         \
      uintptr_t ticket, tvm_plugin_tensor_view *out, tvm_plugin_error **error);                  \
  TVM_PLUGIN_API int32_t P##ticket_keep(                                                         \
      uintptr_t mailbox, uintptr_t ticket, tvm_plugin_error **error);                            \
  TVM_PLUGIN_API void P##ticket_free(void *ticket);                                              \
                                                                                                 \
  TVM_PLUGIN_API void P##value_free(tvm_plugin_value *value);                                    \
  TVM_PLUGIN_API void P##error_free(tvm_plugin_error *error);

#endif /* TVM_PLUGIN_H_ */
