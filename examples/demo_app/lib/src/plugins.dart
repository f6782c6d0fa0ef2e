/// The real services: two model plugins and the runtime that they share.
library;

import 'dart:io';
import 'dart:typed_data';

import 'package:demo_app/src/clip.dart';
import 'package:demo_app/src/problem.dart';
import 'package:demo_app/src/process_libraries.dart';
import 'package:demo_app/src/services.dart';
import 'package:flutter/services.dart';
import 'package:g2p_flutter/g2p_flutter.dart';
import 'package:tvm_runtime_flutter/tvm_runtime_flutter.dart';
import 'package:vad_flutter/vad_flutter.dart';

/// What the app uses outside tests of its layout.
const Services pluginServices = Services(
  openPhonemizer: _G2p.open,
  openDetector: _Vad.open,
  bundledClip: _bundledClip,
  clipFile: _clipFile,
  describeRuntime: _describeRuntime,
);

final class _G2p implements Phonemizer {
  const _G2p(this._model);

  static Future<Phonemizer> open() async => _G2p(await G2pModel.open());

  final G2pModel _model;

  @override
  Future<List<String>> phonemes(String word) => _model.phonemes(word);

  @override
  Future<void> close() => _model.close();
}

final class _Vad implements SpeechDetector {
  const _Vad(this._model);

  static Future<SpeechDetector> open() async => _Vad(await VadModel.open());

  final VadModel _model;

  @override
  Future<Float32List> probabilities(Float32List samples) => _model.probabilities(samples);

  @override
  Future<List<Stretch>> segments(Float32List samples, {required double threshold}) =>
      _model.segments(samples, threshold: threshold);

  @override
  Stream<double> listen(Stream<Float32List> sound) => _model.listen(sound);

  @override
  Future<void> close() => _model.close();
}

const String _asset = 'assets/speech.wav';

Future<Clip> _bundledClip() async {
  final ByteData bytes;
  try {
    bytes = await rootBundle.load(_asset);
  } on Object {
    throw const Problem(
      'The clip that comes with the app is missing',
      'Build the app again with $_asset, or open a recording of your own',
    );
  }
  return Clip.fromWav('speech.wav', Uint8List.sublistView(bytes));
}

Future<Clip> _clipFile(String path) async {
  final file = File(path);
  return Clip.fromWav(file.uri.pathSegments.last, await file.readAsBytes());
}

/// Asks one of the plugins, which knows of all: they share the table of who holds which prefix.
Future<RuntimeDescription> _describeRuntime() async {
  final asked = TvmPlugin('g2p_flutter', prefix: 'g2p_');
  final owners = asked.owners.entries.toList()..sort((a, b) => a.value.compareTo(b.value));
  return RuntimeDescription(
    tvm: TvmPins.tvm,
    tvmFfi: TvmRuntime.load().ffiVersion,
    tvmFfiPin: TvmPins.tvmFfi,
    libraries: await mappedTvmLibraries(),
    plugins: [
      for (final MapEntry(key: prefix, value: name) in owners)
        PluginDescription(
          name: name,
          prefix: prefix,
          components: [
            for (final component in TvmPlugin(name, prefix: prefix).components) component.name,
          ],
        ),
    ],
  );
}
