import 'package:flutter/material.dart';
import 'package:flutter_test/flutter_test.dart';
import 'package:speech_app/src/app.dart';
import 'package:speech_app/src/models.dart';
import 'package:speech_app/src/waveform.dart';

import 'fakes.dart';

final onLinux = TargetPlatformVariant.only(TargetPlatform.linux);

Future<void> start(WidgetTester tester, Future<Models> Function() openModels) async {
  await tester.pumpWidget(SpeechApp(openModels: openModels));
  await tester.pumpAndSettle();
}

void main() {
  testWidgets('a typed text becomes phonemes, and a waveform', (tester) async {
    await start(tester, () async => (phonemizer: FakePhonemizer(), speaker: FakeSpeaker()));
    expect(find.byType(Waveform), findsNothing);
    await tester.enterText(find.byType(TextField), 'hello, world');
    await tester.testTextInput.receiveAction(TextInputAction.done);
    await tester.pumpAndSettle();
    expect(find.text('eng-us-hello, eng-us-world'), findsOneWidget);
    expect(find.byType(Waveform), findsOneWidget);
    expect(find.bySemanticsLabel('Waveform of 0.26 seconds'), findsOneWidget);
    expect(find.textContaining('random'), findsNothing);
  }, variant: onLinux);

  testWidgets('random weights are called noises, before anything is asked', (tester) async {
    await start(
      tester,
      () async => (
        phonemizer: FakePhonemizer(weightsAreRandom: true),
        speaker: FakeSpeaker(weightsAreRandom: true),
      ),
    );
    expect(find.text('Both models have random weights: noises, not speech.'), findsOneWidget);
  }, variant: onLinux);

  testWidgets('another language is chosen and used', (tester) async {
    await start(tester, () async => (phonemizer: FakePhonemizer(), speaker: FakeSpeaker()));
    await tester.tap(find.text('eng-us'));
    await tester.pumpAndSettle();
    await tester.tap(find.text('ger').last);
    await tester.pumpAndSettle();
    await tester.enterText(find.byType(TextField), 'Wort');
    await tester.tap(find.text('Speak'));
    await tester.pumpAndSettle();
    expect(find.text('ger-Wort'), findsOneWidget);
  }, variant: onLinux);

  testWidgets('models that cannot be opened are tried again', (tester) async {
    var broken = true;
    await start(
      tester,
      () async => broken
          ? throw const FormatException('no library')
          : (phonemizer: FakePhonemizer(), speaker: FakeSpeaker()),
    );
    expect(find.textContaining('no library'), findsOneWidget);
    broken = false;
    await tester.tap(find.text('Try again'));
    await tester.pumpAndSettle();
    expect(find.byType(TextField), findsOneWidget);
  }, variant: onLinux);
}
