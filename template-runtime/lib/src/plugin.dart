// Owned by the template: `copier update` may rewrite it, do not edit.

import 'dart:convert';
import 'dart:ffi';

import 'package:ffi/ffi.dart';

import 'bindings.dart';
import 'codec.dart';
import 'connection.dart';
import 'errors.dart';
import 'library.dart';
import 'mailbox.dart';
import 'model.dart';
import 'pins.dart';
import 'session.dart';
import 'specs.dart';

/// A model plugin: what its library holds, and the way to open it.
final class TvmPlugin {
  /// Describes the plugin [name], whose symbols start with [prefix]. Opens nothing.
  ///
  /// [directory] is the folder that holds its library, next to TVM's; by default the app's own,
  /// which is right in a Flutter app.
  TvmPlugin(this.name, {required this.prefix, this.directory});

  /// Name of the plugin's package.
  final String name;

  /// What the names of its functions start with.
  final String prefix;

  /// The folder with its library, if that is not the app's own.
  final String? directory;

  late final _Loaded _loaded = _Loaded.open(this);

  /// Loads the library, unless that is done. Everything else here does so by itself.
  ///
  /// TVM's tables of compiled functions are not locked while libraries load, so an app loads all
  /// its plugins before it opens one: the class that registers a plugin with Flutter does so.
  ///
  /// Throws a [TvmException] with the code `library` when the library is missing, damaged, of
  /// another version of tvm_runtime_flutter or TVM, or without TVM beside it.
  void load() => _loaded;

  /// The file of the library, for who opens it again with other bindings; loads it like [load].
  ///
  /// On iOS and macOS it is that of the plugin's framework, even where its functions were found in
  /// the whole app, in which other plugins may have functions of the same names.
  String get libraryFile => fileOf(_loaded.path, name);

  /// What was compiled into the library (`system_lib.json`).
  Map<String, Object?> get metadata => _loaded.metadata;

  /// The compiled components.
  List<TvmComponent> get components => _loaded.components;

  /// The model's methods.
  List<TvmMethod> get methods => _loaded.methods;

  /// Versions of the TVM runtime in this process, by name.
  Map<String, String?> get versions => (_loaded.runtime('versions') as Map<String, Object?>).cast();

  /// Which plugin holds which prefix in this process.
  Map<String, String> get owners => {
    for (final owner in (_loaded.runtime('prefixes') as List<Object?>))
      if (owner case {'prefix': final String prefix, 'plugin': final String plugin}) prefix: plugin,
  };

  /// How many isolates hold an open model or session of this plugin (its own and its owner's count
  /// as two), how many tensors Dart holds, and how many models and sessions are open: what leaks
  /// would raise.
  Map<String, int> get held => (_loaded.runtime('mailboxes') as Map<String, Object?>).cast();

  /// Opens the plugin's model in an isolate of its own. Throws a [TvmException].
  Future<TvmModel> openModel() async => TvmModel(await _connect(null), methods);

  /// Opens a [component] in an isolate of its own. Throws a [TvmException].
  Future<TvmSession> openSession(String component) async {
    final spec = components.where((known) => known.name == component).firstOrNull;
    if (spec == null) {
      throw TvmException(
        TvmErrorCode.unknown,
        'there is no component named `$component`',
        'Use one of the components: ${components.map((known) => known.name).join(', ')}',
      );
    }
    return TvmSession(await _connect(component), spec);
  }

  Future<Connection> _connect(String? component) => Connection.open(
    name: component == null ? name : '$name $component',
    prefix: prefix,
    library: _loaded.path,
    plugin: _loaded.native,
    component: component,
  );
}

/// A plugin's library in this isolate.
final class _Loaded {
  _Loaded._(this.path, this.native)
    : metadata = _json(native.functions.metadata()) as Map<String, Object?>,
      methods = List.unmodifiable(TvmMethod.listFromJson(decodeText(native.functions.methods())));

  factory _Loaded.open(TvmPlugin plugin) {
    final TvmPlugin(:name, :prefix, :directory) = plugin;
    final (:library, :path) = openLibrary(
      libraryOf(name),
      package: name,
      symbol: '${prefix}abi_version',
      directory: directory,
    );
    if (!library.providesSymbol('${prefix}abi_version')) {
      throw otherVersion(name, 'it has no ${prefix}abi_version');
    }
    final native = NativePlugin(library, prefix);
    final abi = native.functions.abiVersion();
    if (abi != tvmPluginAbi) {
      throw otherVersion(name, 'its interface has version $abi, this one has $tvmPluginAbi');
    }
    for (final function in TvmPluginFunctions.names) {
      if (!library.providesSymbol('$prefix$function')) {
        throw otherVersion(name, 'it has no $prefix$function');
      }
    }
    final loaded = _Loaded._(path, native);
    for (final (what, found, wanted) in [
      ('TVM', loaded.metadata['tvm'], TvmPins.tvm),
      ('tvm-ffi', loaded.metadata['tvm_ffi'], TvmPins.tvmFfi),
    ]) {
      if (found != wanted) {
        throw otherVersion(name, 'it was compiled for $what $found, the app holds $wanted');
      }
    }
    return loaded;
  }

  final String path;
  final NativePlugin native;
  final Map<String, Object?> metadata;
  final List<TvmMethod> methods;
  late final List<TvmComponent> components = List.unmodifiable(
    TvmComponent.listFromMetadata(metadata),
  );

  /// A part of what `PREFIXruntime` says.
  Object runtime(String part) => using((arena) {
    final value = arena<TvmPluginValue>();
    final error = arena<Pointer<TvmPluginError>>();
    native.check(error, () => native.functions.runtime(value, error));
    final text = decode(value.ref)! as String;
    native.functions.valueFree(value);
    return (jsonDecode(text) as Map<String, Object?>)[part]!;
  });

  static Object? _json(TvmPluginBytes text) => jsonDecode(decodeText(text));
}
