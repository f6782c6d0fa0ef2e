import 'dart:io';

import 'package:flutter/material.dart';
import 'package:flutter/services.dart';
import 'package:greet_plugin/greet_plugin.dart';

Future<void> main(List<String> arguments) async {
  WidgetsFlutterBinding.ensureInitialized();
  stdout.writeln('answer ${answer()}, registered ${GreetPlugin.registered}');
  stdout.writeln(
    'asset ${(await rootBundle.loadString('assets/text.txt')).trim()}',
  );
  runApp(
    MaterialApp(
      theme: ThemeData(colorSchemeSeed: Colors.teal),
      darkTheme: ThemeData(
        colorSchemeSeed: Colors.teal,
        brightness: Brightness.dark,
      ),
      home: const _Home(),
    ),
  );
}

class _Home extends StatefulWidget {
  const _Home();

  @override
  State<_Home> createState() => _HomeState();
}

class _HomeState extends State<_Home> {
  String _said = 'Nothing yet';

  void _say(String text) {
    stdout.writeln('said $text');
    setState(() => _said = text);
  }

  @override
  Widget build(BuildContext context) {
    stdout.writeln('brightness ${Theme.of(context).brightness.name}');
    return Scaffold(
      appBar: AppBar(
        title: const Text('Hello'),
        leading: const Icon(Icons.waving_hand),
      ),
      body: Padding(
        padding: const EdgeInsets.all(24),
        child: Column(
          spacing: 24,
          crossAxisAlignment: CrossAxisAlignment.start,
          children: <Widget>[
            TextField(
              autofocus: true,
              decoration: const InputDecoration(
                border: OutlineInputBorder(),
                labelText: 'What to say',
                prefixIcon: Icon(Icons.edit),
              ),
              onSubmitted: _say,
            ),
            Text(_said, style: Theme.of(context).textTheme.headlineMedium),
          ],
        ),
      ),
      floatingActionButton: FloatingActionButton(
        onPressed: () => _say('clicked'),
        child: const Icon(Icons.add),
      ),
    );
  }
}
