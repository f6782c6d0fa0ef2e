/// What the app shows, as JSON lines on stdout, for a program that drives it.
library;

import 'dart:convert';
import 'dart:io';

final bool _wanted = Platform.environment['SPEECH_APP_EVENTS'] == '1';

/// Reports that the app shows [what], with its [details]: one line of JSON.
///
/// Silent unless the app was started with `SPEECH_APP_EVENTS=1` in its environment.
void reportEvent(String what, Map<String, Object?> details) {
  if (!_wanted) return;
  stdout.writeln(jsonEncode({'event': what, ...details}));
}
