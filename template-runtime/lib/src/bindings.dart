// Owned by the template: `copier update` may rewrite it, do not edit.
// Made from include/tvm_plugin.h by `python -m tools.bindings` of tvmplug.

/// The C interface of a model plugin, as `include/tvm_plugin.h` declares it.
library;

import 'dart:ffi';

/// `TVM_PLUGIN_ABI`.
const int tvmPluginAbi = 2;

/// `TVM_PLUGIN_OK` of `tvm_plugin_code`.
const int tvmPluginOk = 0;

/// `TVM_PLUGIN_UNKNOWN` of `tvm_plugin_code`: no component, input or method of that name.
const int tvmPluginUnknown = 1;

/// `TVM_PLUGIN_MISSING` of `tvm_plugin_code`: an input is missing.
const int tvmPluginMissing = 2;

/// `TVM_PLUGIN_DUPLICATE` of `tvm_plugin_code`: an input is given twice.
const int tvmPluginDuplicate = 3;

/// `TVM_PLUGIN_DTYPE` of `tvm_plugin_code`: a tensor's element type is wrong.
const int tvmPluginDtype = 4;

/// `TVM_PLUGIN_SHAPE` of `tvm_plugin_code`: a tensor's shape is wrong.
const int tvmPluginShape = 5;

/// `TVM_PLUGIN_OUT_OF_RANGE` of `tvm_plugin_code`: an index input points outside its table.
const int tvmPluginOutOfRange = 6;

/// `TVM_PLUGIN_PREFIX_TAKEN` of `tvm_plugin_code`: two libraries in the process claim one
/// prefix.
const int tvmPluginPrefixTaken = 7;

/// `TVM_PLUGIN_PIN` of `tvm_plugin_code`: compiled for another TVM than the runtime's.
const int tvmPluginPin = 8;

/// `TVM_PLUGIN_NOT_REGISTERED` of `tvm_plugin_code`: the library holds no compiled functions.
const int tvmPluginNotRegistered = 9;

/// `TVM_PLUGIN_METADATA` of `tvm_plugin_code`: the library's metadata is wrong.
const int tvmPluginMetadata = 10;

/// `TVM_PLUGIN_RUNTIME` of `tvm_plugin_code`: TVM raised an error.
const int tvmPluginRuntime = 11;

/// `TVM_PLUGIN_NOT_WRITABLE` of `tvm_plugin_code`: a tensor's memory is shared.
const int tvmPluginNotWritable = 12;

/// `TVM_PLUGIN_ARGUMENT` of `tvm_plugin_code`: a method's argument is of the wrong type.
const int tvmPluginArgument = 13;

/// `TVM_PLUGIN_PANICKED` of `tvm_plugin_code`: the plugin's code panicked.
const int tvmPluginPanicked = 14;

/// `TVM_PLUGIN_BUSY` of `tvm_plugin_code`: the handle is in use by another thread.
const int tvmPluginBusy = 15;

/// `TVM_PLUGIN_INVALID` of `tvm_plugin_code`: a null pointer, text that is not UTF-8, ....
const int tvmPluginInvalid = 16;

/// `TVM_PLUGIN_MODEL` of `tvm_plugin_code`: an error of the model's own.
const int tvmPluginModel = 17;

/// `TVM_PLUGIN_BOOL` of `tvm_plugin_dtype`.
const int tvmPluginBool = 1;

/// `TVM_PLUGIN_INT8` of `tvm_plugin_dtype`.
const int tvmPluginInt8 = 2;

/// `TVM_PLUGIN_INT16` of `tvm_plugin_dtype`.
const int tvmPluginInt16 = 3;

/// `TVM_PLUGIN_INT32` of `tvm_plugin_dtype`.
const int tvmPluginInt32 = 4;

/// `TVM_PLUGIN_INT64` of `tvm_plugin_dtype`.
const int tvmPluginInt64 = 5;

/// `TVM_PLUGIN_UINT8` of `tvm_plugin_dtype`.
const int tvmPluginUint8 = 6;

/// `TVM_PLUGIN_UINT16` of `tvm_plugin_dtype`.
const int tvmPluginUint16 = 7;

/// `TVM_PLUGIN_UINT32` of `tvm_plugin_dtype`.
const int tvmPluginUint32 = 8;

/// `TVM_PLUGIN_UINT64` of `tvm_plugin_dtype`.
const int tvmPluginUint64 = 9;

/// `TVM_PLUGIN_FLOAT16` of `tvm_plugin_dtype`.
const int tvmPluginFloat16 = 10;

/// `TVM_PLUGIN_BFLOAT16` of `tvm_plugin_dtype`.
const int tvmPluginBfloat16 = 11;

/// `TVM_PLUGIN_FLOAT32` of `tvm_plugin_dtype`.
const int tvmPluginFloat32 = 12;

/// `TVM_PLUGIN_FLOAT64` of `tvm_plugin_dtype`.
const int tvmPluginFloat64 = 13;

/// `TVM_PLUGIN_TAG_NULL` of `tvm_plugin_tag`.
const int tvmPluginTagNull = 0;

/// `TVM_PLUGIN_TAG_BOOL` of `tvm_plugin_tag`: integer, 0 or 1.
const int tvmPluginTagBool = 1;

/// `TVM_PLUGIN_TAG_INT` of `tvm_plugin_tag`: integer.
const int tvmPluginTagInt = 2;

/// `TVM_PLUGIN_TAG_FLOAT` of `tvm_plugin_tag`: number.
const int tvmPluginTagFloat = 3;

/// `TVM_PLUGIN_TAG_STRING` of `tvm_plugin_tag`: bytes, UTF-8.
const int tvmPluginTagString = 4;

/// `TVM_PLUGIN_TAG_BYTES` of `tvm_plugin_tag`: bytes.
const int tvmPluginTagBytes = 5;

/// `TVM_PLUGIN_TAG_TENSOR` of `tvm_plugin_tag`: tensor.
const int tvmPluginTagTensor = 6;

/// `TVM_PLUGIN_TAG_LIST` of `tvm_plugin_tag`: list.
const int tvmPluginTagList = 7;

/// `TVM_PLUGIN_TAG_TICKET` of `tvm_plugin_tag`: integer, the ticket of a tensor; in calls of a
/// mailbox only.
const int tvmPluginTagTicket = 8;

/// `tvm_plugin_tensor`, known to its plugin only.

final class TvmPluginTensor extends Opaque {}

/// `tvm_plugin_session`, known to its plugin only.

final class TvmPluginSession extends Opaque {}

/// `tvm_plugin_model`, known to its plugin only.

final class TvmPluginModel extends Opaque {}

/// `tvm_plugin_bytes`. Bytes, or UTF-8 text without a closing zero. `data` may be NULL where
/// `size` is 0.
final class TvmPluginBytes extends Struct {
  /// `data`.
  external Pointer<Uint8> data;

  /// `size`.
  @Size()
  external int size;
}

/// `tvm_plugin_error`. What went wrong and what mends it; UTF-8, zero-terminated.
final class TvmPluginError extends Struct {
  /// `code`.
  @Int32()
  external int code;

  /// `message`.
  external Pointer<Char> message;

  /// `mend`.
  external Pointer<Char> mend;
}

/// `tvm_plugin_tensor_view`. Where a tensor's elements lie: row-major, on the CPU. Valid while
/// the tensor's handle is.
final class TvmPluginTensorView extends Struct {
  /// `data`: on a 64-byte boundary for tensors made by PREFIXtensor_new.
  external Pointer<Void> data;

  /// `bytes`: size of the data.
  @Size()
  external int bytes;

  /// `shape`: `rank` extents.
  external Pointer<Int64> shape;

  /// `rank`.
  @Size()
  external int rank;

  /// `dtype`: tvm_plugin_dtype.
  @Int32()
  external int dtype;

  /// `writable`: 1 if the data may be written: no other handle shares it, and no call uses it.
  @Int32()
  external int writable;
}

/// `tvm_plugin_named_tensor`. An input or an output of a session.
final class TvmPluginNamedTensor extends Struct {
  /// `name`.
  external TvmPluginBytes name;

  /// `tensor`.
  external Pointer<TvmPluginTensor> tensor;
}

/// `tvm_plugin_result`. The outputs of one run in the order of the metadata. Owns its tensors'
/// handles.
final class TvmPluginResult extends Struct {
  /// `outputs`.
  external Pointer<TvmPluginNamedTensor> outputs;

  /// `count`.
  @Size()
  external int count;
}

/// `tvm_plugin_list`.
final class TvmPluginList extends Struct {
  /// `items`.
  external Pointer<TvmPluginValue> items;

  /// `count`.
  @Size()
  external int count;
}

/// `tvm_plugin_value`. An argument or a result of a method. Set `reserved` to 0.
final class TvmPluginValue extends Struct {
  /// `tag`: tvm_plugin_tag.
  @Int32()
  external int tag;

  /// `reserved`.
  @Int32()
  external int reserved;

  /// `as`.
  external TvmPluginValueAs as;
}

/// The union in `tvm_plugin_value`.
final class TvmPluginValueAs extends Union {
  /// `integer`.
  @Int64()
  external int integer;

  /// `number`.
  @Double()
  external double number;

  /// `bytes`.
  external TvmPluginBytes bytes;

  /// `tensor`.
  external Pointer<TvmPluginTensor> tensor;

  /// `list`.
  external TvmPluginList list;
}

/// The functions of the plugin whose symbols start with [prefix].
final class TvmPluginFunctions {
  /// Finds a function in [library] when it is used for the first time.
  TvmPluginFunctions(this.library, this.prefix);

  /// The plugin's library.
  final DynamicLibrary library;

  /// What its symbols start with.
  final String prefix;

  /// The names of all functions, without the prefix.
  static const List<String> names = [
    'abi_version',
    'metadata',
    'methods',
    'runtime',
    'session_open',
    'session_run',
    'session_close',
    'result_free',
    'tensor_new',
    'tensor_retain',
    'tensor_view',
    'tensor_free',
    'model_open',
    'model_call',
    'model_close',
    'mailbox_number',
    'mailbox_open',
    'mailbox_join',
    'mailbox_close',
    'mailbox_scratch',
    'mailbox_start',
    'mailbox_call',
    'ticket_new',
    'ticket_view',
    'ticket_keep',
    'ticket_free',
    'value_free',
    'error_free',
  ];

  /// `abi_version`: TVM_PLUGIN_ABI as the plugin was built with. Check it before anything else.
  late final int Function() abiVersion = library.lookupFunction<Uint32 Function(), int Function()>(
    '${prefix}abi_version',
  );

  /// `metadata`: the plugin's system_lib.json; lives as long as the process.
  late final TvmPluginBytes Function() metadata = library
      .lookupFunction<TvmPluginBytes Function(), TvmPluginBytes Function()>('${prefix}metadata');

  /// `methods`: the model's methods as JSON, [{"name", "arguments": [{"name", "type"}],
  /// "result"}], where a type is bool, int, float, string, bytes, tensor, `list<T>`, T? or (result
  /// only) null; lives as long as the process.
  late final TvmPluginBytes Function() methods = library
      .lookupFunction<TvmPluginBytes Function(), TvmPluginBytes Function()>('${prefix}methods');

  /// `runtime`: {"versions": {...}, "prefixes": [...], "mailboxes": {...}} as a string value: the
  /// TVM runtime in this process, which library holds which prefix, and how many holders, tickets
  /// and open models and components the mailboxes of this plugin have.
  late final int Function(Pointer<TvmPluginValue>, Pointer<Pointer<TvmPluginError>>) runtime =
      library.lookupFunction<
        Int32 Function(Pointer<TvmPluginValue>, Pointer<Pointer<TvmPluginError>>),
        int Function(Pointer<TvmPluginValue>, Pointer<Pointer<TvmPluginError>>)
      >('${prefix}runtime');

  /// `session_open`: opens a component.
  late final int Function(
    TvmPluginBytes,
    Pointer<Pointer<TvmPluginSession>>,
    Pointer<Pointer<TvmPluginError>>,
  )
  sessionOpen = library
      .lookupFunction<
        Int32 Function(
          TvmPluginBytes,
          Pointer<Pointer<TvmPluginSession>>,
          Pointer<Pointer<TvmPluginError>>,
        ),
        int Function(
          TvmPluginBytes,
          Pointer<Pointer<TvmPluginSession>>,
          Pointer<Pointer<TvmPluginError>>,
        )
      >('${prefix}session_open');

  /// `session_run`: runs it on `count` named tensors, in any order. Neither inputs nor outputs are
  /// copied. An output may be an input of a later run, and outlives the session.
  late final int Function(
    Pointer<TvmPluginSession>,
    Pointer<TvmPluginNamedTensor>,
    int,
    Pointer<Pointer<TvmPluginResult>>,
    Pointer<Pointer<TvmPluginError>>,
  )
  sessionRun = library
      .lookupFunction<
        Int32 Function(
          Pointer<TvmPluginSession>,
          Pointer<TvmPluginNamedTensor>,
          Size,
          Pointer<Pointer<TvmPluginResult>>,
          Pointer<Pointer<TvmPluginError>>,
        ),
        int Function(
          Pointer<TvmPluginSession>,
          Pointer<TvmPluginNamedTensor>,
          int,
          Pointer<Pointer<TvmPluginResult>>,
          Pointer<Pointer<TvmPluginError>>,
        )
      >('${prefix}session_run');

  /// `session_close`: give them back. Handles in a result die with it; retain those that are to
  /// live longer.
  late final void Function(Pointer<TvmPluginSession>) sessionClose = library
      .lookupFunction<
        Void Function(Pointer<TvmPluginSession>),
        void Function(Pointer<TvmPluginSession>)
      >('${prefix}session_close');

  /// `result_free`: give them back. Handles in a result die with it; retain those that are to live
  /// longer.
  late final void Function(Pointer<TvmPluginResult>) resultFree = library
      .lookupFunction<
        Void Function(Pointer<TvmPluginResult>),
        void Function(Pointer<TvmPluginResult>)
      >('${prefix}result_free');

  /// `tensor_new`: a tensor of zeros, to be filled in place (tensor_view).
  late final int Function(
    int,
    Pointer<Int64>,
    int,
    Pointer<Pointer<TvmPluginTensor>>,
    Pointer<Pointer<TvmPluginError>>,
  )
  tensorNew = library
      .lookupFunction<
        Int32 Function(
          Int32,
          Pointer<Int64>,
          Size,
          Pointer<Pointer<TvmPluginTensor>>,
          Pointer<Pointer<TvmPluginError>>,
        ),
        int Function(
          int,
          Pointer<Int64>,
          int,
          Pointer<Pointer<TvmPluginTensor>>,
          Pointer<Pointer<TvmPluginError>>,
        )
      >('${prefix}tensor_new');

  /// `tensor_retain`: another handle to the same memory. While there are two, it is not writable.
  late final int Function(
    Pointer<TvmPluginTensor>,
    Pointer<Pointer<TvmPluginTensor>>,
    Pointer<Pointer<TvmPluginError>>,
  )
  tensorRetain = library
      .lookupFunction<
        Int32 Function(
          Pointer<TvmPluginTensor>,
          Pointer<Pointer<TvmPluginTensor>>,
          Pointer<Pointer<TvmPluginError>>,
        ),
        int Function(
          Pointer<TvmPluginTensor>,
          Pointer<Pointer<TvmPluginTensor>>,
          Pointer<Pointer<TvmPluginError>>,
        )
      >('${prefix}tensor_retain');

  /// `tensor_view`: where its elements lie.
  late final int Function(
    Pointer<TvmPluginTensor>,
    Pointer<TvmPluginTensorView>,
    Pointer<Pointer<TvmPluginError>>,
  )
  tensorView = library
      .lookupFunction<
        Int32 Function(
          Pointer<TvmPluginTensor>,
          Pointer<TvmPluginTensorView>,
          Pointer<Pointer<TvmPluginError>>,
        ),
        int Function(
          Pointer<TvmPluginTensor>,
          Pointer<TvmPluginTensorView>,
          Pointer<Pointer<TvmPluginError>>,
        )
      >('${prefix}tensor_view');

  /// `tensor_free`: gives a handle back; the memory goes with the last one.
  late final void Function(Pointer<TvmPluginTensor>) tensorFree = library
      .lookupFunction<
        Void Function(Pointer<TvmPluginTensor>),
        void Function(Pointer<TvmPluginTensor>)
      >('${prefix}tensor_free');

  /// `model_open`: opens the model.
  late final int Function(Pointer<Pointer<TvmPluginModel>>, Pointer<Pointer<TvmPluginError>>)
  modelOpen = library
      .lookupFunction<
        Int32 Function(Pointer<Pointer<TvmPluginModel>>, Pointer<Pointer<TvmPluginError>>),
        int Function(Pointer<Pointer<TvmPluginModel>>, Pointer<Pointer<TvmPluginError>>)
      >('${prefix}model_open');

  /// `model_call`: calls one of its methods. Free `*out` with value_free. After
  /// TVM_PLUGIN_PANICKED the model only answers that; close it.
  late final int Function(
    Pointer<TvmPluginModel>,
    TvmPluginBytes,
    Pointer<TvmPluginValue>,
    int,
    Pointer<TvmPluginValue>,
    Pointer<Pointer<TvmPluginError>>,
  )
  modelCall = library
      .lookupFunction<
        Int32 Function(
          Pointer<TvmPluginModel>,
          TvmPluginBytes,
          Pointer<TvmPluginValue>,
          Size,
          Pointer<TvmPluginValue>,
          Pointer<Pointer<TvmPluginError>>,
        ),
        int Function(
          Pointer<TvmPluginModel>,
          TvmPluginBytes,
          Pointer<TvmPluginValue>,
          int,
          Pointer<TvmPluginValue>,
          Pointer<Pointer<TvmPluginError>>,
        )
      >('${prefix}model_call');

  /// `model_close`: gives it back.
  late final void Function(Pointer<TvmPluginModel>) modelClose = library
      .lookupFunction<
        Void Function(Pointer<TvmPluginModel>),
        void Function(Pointer<TvmPluginModel>)
      >('${prefix}model_close');

  /// `mailbox_number`: a number that no holder and no ticket of this plugin has had. Never 0.
  late final int Function() mailboxNumber = library
      .lookupFunction<UintPtr Function(), int Function()>('${prefix}mailbox_number');

  /// `mailbox_open`: makes a mailbox, whose first holder is `number`.
  late final int Function(int, Pointer<Pointer<TvmPluginError>>) mailboxOpen = library
      .lookupFunction<
        Int32 Function(UintPtr, Pointer<Pointer<TvmPluginError>>),
        int Function(int, Pointer<Pointer<TvmPluginError>>)
      >('${prefix}mailbox_open');

  /// `mailbox_join`: makes `number` one more holder of the mailbox that `other` holds.
  late final int Function(int, int, Pointer<Pointer<TvmPluginError>>) mailboxJoin = library
      .lookupFunction<
        Int32 Function(UintPtr, UintPtr, Pointer<Pointer<TvmPluginError>>),
        int Function(int, int, Pointer<Pointer<TvmPluginError>>)
      >('${prefix}mailbox_join');

  /// `mailbox_close`: ends the hold of a number, given as a pointer so that this is a finalizer.
  late final void Function(Pointer<Void>) mailboxClose = library
      .lookupFunction<Void Function(Pointer<Void>), void Function(Pointer<Void>)>(
        '${prefix}mailbox_close',
      );

  /// The address of [mailboxClose], which is a finalizer.
  late final Pointer<NativeFinalizerFunction> mailboxCloseAddress = library.lookup(
    '${prefix}mailbox_close',
  );

  /// `mailbox_scratch`: lends the holder at least `size` bytes, on an 8-byte boundary, for what it
  /// passes to the other functions. Asking again may take the earlier bytes away. NULL where there
  /// is no memory, or `number` holds nothing.
  late final Pointer<Void> Function(int, int) mailboxScratch = library
      .lookupFunction<Pointer<Void> Function(UintPtr, Size), Pointer<Void> Function(int, int)>(
        '${prefix}mailbox_scratch',
      );

  /// `mailbox_start`: opens the component, or the model where `component.data` is NULL, and waits
  /// for it. Once per mailbox.
  late final int Function(int, TvmPluginBytes, Pointer<Pointer<TvmPluginError>>) mailboxStart =
      library.lookupFunction<
        Int32 Function(UintPtr, TvmPluginBytes, Pointer<Pointer<TvmPluginError>>),
        int Function(int, TvmPluginBytes, Pointer<Pointer<TvmPluginError>>)
      >('${prefix}mailbox_start');

  /// `mailbox_call`: calls a method of the model, and waits; calls of several holders wait in
  /// line. It runs on the thread that calls, or, where kernels run in parallel, on one of the
  /// mailbox's own, since TVM has a pool of workers per thread. Of a component, `args` are the
  /// names of its inputs and their tensors in turn, `method` means nothing, and the result is the
  /// list of its outputs in the order of the metadata. Tensors are passed as tickets; those of the
  /// result are new ones. `*out` is lent to the holder: do not free it.
  late final int Function(
    int,
    TvmPluginBytes,
    Pointer<TvmPluginValue>,
    int,
    Pointer<Pointer<TvmPluginValue>>,
    Pointer<Pointer<TvmPluginError>>,
  )
  mailboxCall = library
      .lookupFunction<
        Int32 Function(
          UintPtr,
          TvmPluginBytes,
          Pointer<TvmPluginValue>,
          Size,
          Pointer<Pointer<TvmPluginValue>>,
          Pointer<Pointer<TvmPluginError>>,
        ),
        int Function(
          int,
          TvmPluginBytes,
          Pointer<TvmPluginValue>,
          int,
          Pointer<Pointer<TvmPluginValue>>,
          Pointer<Pointer<TvmPluginError>>,
        )
      >('${prefix}mailbox_call');

  /// `ticket_new`: puts a new tensor into the mailbox, and says its ticket. Its elements are
  /// undefined: write all of them (ticket_view) before anything reads one.
  late final int Function(
    int,
    int,
    Pointer<Int64>,
    int,
    Pointer<UintPtr>,
    Pointer<Pointer<TvmPluginError>>,
  )
  ticketNew = library
      .lookupFunction<
        Int32 Function(
          UintPtr,
          Int32,
          Pointer<Int64>,
          Size,
          Pointer<UintPtr>,
          Pointer<Pointer<TvmPluginError>>,
        ),
        int Function(
          int,
          int,
          Pointer<Int64>,
          int,
          Pointer<UintPtr>,
          Pointer<Pointer<TvmPluginError>>,
        )
      >('${prefix}ticket_new');

  /// `ticket_view`: where its elements lie.
  late final int Function(int, Pointer<TvmPluginTensorView>, Pointer<Pointer<TvmPluginError>>)
  ticketView = library
      .lookupFunction<
        Int32 Function(UintPtr, Pointer<TvmPluginTensorView>, Pointer<Pointer<TvmPluginError>>),
        int Function(int, Pointer<TvmPluginTensorView>, Pointer<Pointer<TvmPluginError>>)
      >('${prefix}ticket_view');

  /// `ticket_keep`: lets the ticket outlive the mailbox that it is in.
  late final int Function(int, int, Pointer<Pointer<TvmPluginError>>) ticketKeep = library
      .lookupFunction<
        Int32 Function(UintPtr, UintPtr, Pointer<Pointer<TvmPluginError>>),
        int Function(int, int, Pointer<Pointer<TvmPluginError>>)
      >('${prefix}ticket_keep');

  /// `ticket_free`: gives a ticket, as a pointer, back; the memory goes with its last user.
  late final void Function(Pointer<Void>) ticketFree = library
      .lookupFunction<Void Function(Pointer<Void>), void Function(Pointer<Void>)>(
        '${prefix}ticket_free',
      );

  /// The address of [ticketFree], which is a finalizer.
  late final Pointer<NativeFinalizerFunction> ticketFreeAddress = library.lookup(
    '${prefix}ticket_free',
  );

  /// `value_free`: frees what a value holds, lists and tensors in it included, and makes it null.
  /// Only for values that this plugin returned.
  late final void Function(Pointer<TvmPluginValue>) valueFree = library
      .lookupFunction<
        Void Function(Pointer<TvmPluginValue>),
        void Function(Pointer<TvmPluginValue>)
      >('${prefix}value_free');

  /// `error_free`: frees an error.
  late final void Function(Pointer<TvmPluginError>) errorFree = library
      .lookupFunction<
        Void Function(Pointer<TvmPluginError>),
        void Function(Pointer<TvmPluginError>)
      >('${prefix}error_free');
}
