import 'package:demo_app/src/events.dart';
import 'package:demo_app/src/home.dart';
import 'package:demo_app/src/services.dart';
import 'package:demo_app/src/theme.dart';
import 'package:flutter/material.dart';

/// The app: its theme, and its one screen.
class DemoApp extends StatefulWidget {
  /// An app over [services].
  const DemoApp({required this.services, super.key});

  /// What the app does not do itself.
  final Services services;

  @override
  State<DemoApp> createState() => _DemoAppState();
}

class _DemoAppState extends State<DemoApp> {
  ThemeMode _mode = ThemeMode.system;

  void _show(ThemeMode mode) {
    setState(() => _mode = mode);
    reportEvent('theme', {'mode': mode.name});
  }

  @override
  Widget build(BuildContext context) => MaterialApp(
    title: 'tvmplug demo',
    debugShowCheckedModeBanner: false,
    theme: demoTheme(Brightness.light),
    darkTheme: demoTheme(Brightness.dark),
    themeMode: _mode,
    home: Home(services: widget.services, mode: _mode, onMode: _show),
  );
}
