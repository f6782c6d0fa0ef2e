/// Two model plugins in one app, over one TVM runtime.
library;

import 'package:demo_app/src/app.dart';
import 'package:demo_app/src/plugins.dart';
import 'package:flutter/widgets.dart';

void main() {
  WidgetsFlutterBinding.ensureInitialized();
  runApp(const DemoApp(services: pluginServices));
}
