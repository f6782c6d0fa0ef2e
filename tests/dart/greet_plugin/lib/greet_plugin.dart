import 'dart:ffi';

export 'src/plugin.dart';

/// What the native library answers.
int answer() => DynamicLibrary.open(
  'libgreet.so',
).lookupFunction<Int32 Function(), int Function()>('greet_answer')();
