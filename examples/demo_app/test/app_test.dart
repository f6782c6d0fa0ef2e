import 'dart:async';

import 'package:demo_app/src/app.dart';
import 'package:demo_app/src/panel.dart';
import 'package:demo_app/src/phoneme_chip.dart';
import 'package:demo_app/src/problem.dart';
import 'package:demo_app/src/services.dart';
import 'package:demo_app/src/waveform.dart';
import 'package:flutter/material.dart';
import 'package:flutter/services.dart';
import 'package:flutter_test/flutter_test.dart';

import 'fakes.dart';

final onLinux = TargetPlatformVariant.only(TargetPlatform.linux);

Future<void> start(
  WidgetTester tester,
  Services services, {
  Size size = const Size(1280, 800),
  Brightness brightness = Brightness.light,
}) async {
  tester.view
    ..physicalSize = size
    ..devicePixelRatio = 1;
  tester.platformDispatcher.platformBrightnessTestValue = brightness;
  addTearDown(tester.view.reset);
  addTearDown(tester.platformDispatcher.clearPlatformBrightnessTestValue);
  await tester.pumpWidget(DemoApp(services: services));
  await tester.pump();
  await tester.pump();
}

Finder get word => find.byType(TextField).first;
Finder get path => find.byType(TextField).last;

Future<void> press(WidgetTester tester, LogicalKeyboardKey key, {bool control = false}) async {
  if (control) await tester.sendKeyDownEvent(LogicalKeyboardKey.controlLeft);
  await tester.sendKeyEvent(key);
  if (control) await tester.sendKeyUpEvent(LogicalKeyboardKey.controlLeft);
  await tester.pump();
}

bool hasFocus(WidgetTester tester, Finder field) => tester
    .widget<EditableText>(find.descendant(of: field, matching: find.byType(EditableText)))
    .focusNode
    .hasFocus;

void main() {
  testWidgets('a word is typed into the focused field and submitted by Enter', (tester) async {
    await start(tester, fakeServices());
    expect(hasFocus(tester, word), isTrue);
    tester.testTextInput.enterText('cat');
    await tester.testTextInput.receiveAction(TextInputAction.done);
    await tester.pumpAndSettle();
    expect(find.byType(PhonemeChip), findsNWidgets(3));
    expect(hasFocus(tester, word), isTrue, reason: 'the next word can be typed at once');
    expect(find.bySemanticsLabel('AE, primary stress, as in at'), findsOneWidget);
  }, variant: onLinux);

  testWidgets('a refused word is explained with its mend', (tester) async {
    await start(
      tester,
      fakeServices(
        openPhonemizer: () async =>
            FakePhonemizer({})..refuse = (word) => Problem('$word is no word', 'Type another'),
      ),
    );
    await tester.enterText(word, 'x');
    await tester.tap(find.text('Show'));
    await tester.pumpAndSettle();
    expect(find.text('x is no word'), findsOneWidget);
    expect(find.text('Type another'), findsOneWidget);
  }, variant: onLinux);

  testWidgets('while a model loads its controls wait and progress is shown', (tester) async {
    final opening = Completer<Phonemizer>();
    await start(tester, fakeServices(openPhonemizer: () => opening.future));
    expect(find.text('Loading the model'), findsOneWidget);
    expect(find.bySemanticsLabel('g2p_flutter: Loading'), findsOneWidget);
    final show = find.widgetWithText(FilledButton, 'Show');
    expect(tester.widget<FilledButton>(show).enabled, isFalse);
    expect(find.text('Shown when both models are open'), findsOneWidget);

    opening.complete(FakePhonemizer({}));
    await tester.pumpAndSettle();
    expect(tester.widget<FilledButton>(show).enabled, isTrue);
    expect(find.text('This process holds one TVM runtime'), findsOneWidget);
  }, variant: onLinux);

  testWidgets('a model that cannot be opened can be tried again', (tester) async {
    var broken = true;
    await start(
      tester,
      fakeServices(
        openDetector: () async => broken
            ? throw const Problem('libvad_flutter.so is missing', 'Build the app again')
            : FakeDetector(),
      ),
    );
    expect(find.text('libvad_flutter.so is missing'), findsOneWidget);
    expect(find.text('Build the app again'), findsOneWidget);
    broken = false;
    await tester.tap(find.text('Try again'));
    await tester.pumpAndSettle();
    expect(find.text('libvad_flutter.so is missing'), findsNothing);
  }, variant: onLinux);

  testWidgets('speech is found, shown and told', (tester) async {
    await start(tester, fakeServices());
    await tester.tap(find.text('Find speech'));
    await tester.pumpAndSettle();
    expect(find.text('0.10 s – 0.50 s'), findsOneWidget);
    expect(
      find.bySemanticsLabel(
        'Waveform of tone.wav, 1.00 s. Speech from 0.10 s to 0.50 s, and from 0.60 s to 0.90 s',
      ),
      findsOneWidget,
    );
  }, variant: onLinux);

  testWidgets('listening shows its progress, and Escape ends it', (tester) async {
    await start(tester, fakeServices());
    await press(tester, LogicalKeyboardKey.keyL, control: true);
    for (var passed = 0; passed < 10; passed++) {
      await tester.pump(const Duration(milliseconds: 40));
    }
    expect(find.text('Stop'), findsOneWidget);
    expect(find.textContaining(RegExp(r'^Heard \d+ of 32 chunks$')), findsOneWidget);
    await press(tester, LogicalKeyboardKey.escape);
    await tester.pump(const Duration(milliseconds: 40));
    // Dart ends a cancelled stream outside of the test's clock.
    await tester.runAsync(() => Future<void>.delayed(Duration.zero));
    await tester.pumpAndSettle();
    expect(find.text('Listen live'), findsOneWidget);
    expect(find.textContaining(RegExp(r'^Heard \d+ chunks$')), findsOneWidget);
  }, variant: onLinux);

  testWidgets('a missing clip leaves the app usable', (tester) async {
    await start(
      tester,
      fakeServices(
        bundledClip: () async => throw const Problem('The clip is missing', 'Open your own'),
        clipFile: (path) async => shortClip(),
      ),
    );
    expect(find.text('The clip is missing'), findsOneWidget);
    await tester.enterText(path, '/a.wav');
    await tester.testTextInput.receiveAction(TextInputAction.done);
    await tester.pumpAndSettle();
    expect(find.text('The clip is missing'), findsNothing);
    expect(find.byType(Waveform), findsOneWidget);
  }, variant: onLinux);

  testWidgets('two runtimes in one process are not called one', (tester) async {
    await start(
      tester,
      fakeServices(
        describeRuntime: () async =>
            runtimeWith(['/a/libtvm_runtime.so', '/b/libtvm_runtime.so', '/a/libtvm_ffi.so']),
      ),
    );
    expect(find.text('This process holds 2 TVM runtimes'), findsOneWidget);
  }, variant: onLinux);

  testWidgets('shortcuts lead to the fields, change the theme and are listed', (tester) async {
    await start(tester, fakeServices());
    await press(tester, LogicalKeyboardKey.keyO, control: true);
    expect(hasFocus(tester, path), isTrue);
    await press(tester, LogicalKeyboardKey.keyK, control: true);
    expect(hasFocus(tester, word), isTrue);

    Brightness brightness() => Theme.of(tester.element(word)).brightness;
    await press(tester, LogicalKeyboardKey.keyD, control: true);
    await tester.pumpAndSettle();
    expect(brightness(), Brightness.dark);
    await press(tester, LogicalKeyboardKey.keyD, control: true);
    await tester.pumpAndSettle();
    expect(brightness(), Brightness.light);

    await press(tester, LogicalKeyboardKey.f1);
    await tester.pumpAndSettle();
    expect(find.text('Keyboard shortcuts'), findsOneWidget);
    await press(tester, LogicalKeyboardKey.escape);
    await tester.pumpAndSettle();
    expect(find.text('Keyboard shortcuts'), findsNothing);
  }, variant: onLinux);

  testWidgets('Tab goes through the panels in the order of the screen', (tester) async {
    await start(tester, fakeServices());
    final visited = <Offset>[];
    for (var step = 0; step < 9; step++) {
      visited.add(FocusManager.instance.primaryFocus!.rect.center);
      await press(tester, LogicalKeyboardKey.tab);
    }
    final panels = [
      for (final panel in find.byType(Panel).evaluate())
        tester.getRect(find.byWidget(panel.widget)),
    ];
    final order = [
      for (final place in visited) panels.indexWhere((panel) => panel.contains(place)),
    ];
    // The word panel with its field, button and four words, then the speech panel.
    expect(order, [0, 0, 0, 0, 0, 0, 2, 2, 2]);
  }, variant: onLinux);

  testWidgets('the keyboard\'s place has a ring', (tester) async {
    await start(tester, fakeServices());
    for (final (place, isRinged) in [
      ('Show', (Widget button) => button is FilledButton),
      ('flutterby', (Widget chip) => chip is ActionChip),
    ]) {
      await press(tester, LogicalKeyboardKey.tab);
      await tester.pumpAndSettle();
      final shape = find
          .descendant(
            of: find.ancestor(
              of: find.text(place).last,
              matching: find.byWidgetPredicate(isRinged),
            ),
            matching: find.byType(Material),
          )
          .first;
      final border = tester.widget<Material>(shape).shape! as OutlinedBorder;
      expect(border.side.width, 2, reason: place);
    }
  }, variant: onLinux);

  testWidgets('the theme follows the desktop until one is chosen', (tester) async {
    await start(tester, fakeServices(), brightness: Brightness.dark);
    Brightness brightness() => Theme.of(tester.element(word)).brightness;
    expect(brightness(), Brightness.dark);
    await tester.tap(find.byTooltip('Light (Ctrl D)'));
    await tester.pumpAndSettle();
    expect(brightness(), Brightness.light);
  }, variant: onLinux);

  for (final width in [360.0, 600.0, 959.0, 960.0, 1920.0]) {
    testWidgets('nothing overflows at a width of ${width.round()}', (tester) async {
      await start(tester, fakeServices(), size: Size(width, 700));
      await tester.enterText(word, 'cat');
      await tester.testTextInput.receiveAction(TextInputAction.done);
      await tester.pumpAndSettle();
      await press(tester, LogicalKeyboardKey.keyR, control: true);
      await tester.pumpAndSettle();
      expect(find.text('0.10 s – 0.50 s', skipOffstage: false), findsOneWidget);
      expect(tester.takeException(), isNull);
    }, variant: onLinux);
  }

  testWidgets('what was typed and the focus survive another width of the window', (tester) async {
    await start(tester, fakeServices());
    await tester.enterText(path, '/a.wav');
    await tester.enterText(word, 'cat');
    for (final width in [600.0, 1280.0]) {
      tester.view.physicalSize = Size(width, 800);
      await tester.pumpAndSettle();
      expect(find.text('cat'), findsOneWidget);
      expect(find.text('/a.wav'), findsOneWidget);
      expect(hasFocus(tester, word), isTrue);
    }
  }, variant: onLinux);

  testWidgets('text of twice the size still fits', (tester) async {
    tester.platformDispatcher.textScaleFactorTestValue = 2;
    addTearDown(tester.platformDispatcher.clearTextScaleFactorTestValue);
    await start(tester, fakeServices());
    expect(tester.takeException(), isNull);
  }, variant: onLinux);

  testWidgets('buttons and texts can be told apart', (tester) async {
    final semantics = tester.ensureSemantics();
    for (final brightness in Brightness.values) {
      await start(tester, fakeServices(), brightness: brightness);
      await expectLater(tester, meetsGuideline(labeledTapTargetGuideline));
    }
    semantics.dispose();
  }, variant: onLinux);
}
