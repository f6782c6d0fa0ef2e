"""A little Dart package that several tests make."""

PUBSPEC = """\
name: sample
publish_to: none
environment:
  sdk: ^3.8.0
  flutter: ">=3.32.0"
dependencies:
  ffi: ^2.1.0
  flutter:
    sdk: flutter
dev_dependencies:
  flutter_test:
    sdk: flutter
"""
LIBRARY = """\
/// The answer.
int get answer => 42;
"""
