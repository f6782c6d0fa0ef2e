package io.flutter.embedding.engine.plugins;

import androidx.annotation.NonNull;

/** What Flutter's Android embedding declares of a plugin, as far as the templates use it. */
public interface FlutterPlugin {
  void onAttachedToEngine(@NonNull FlutterPluginBinding binding);

  void onDetachedFromEngine(@NonNull FlutterPluginBinding binding);

  /** What a plugin is handed; the templates' plugins ask it for nothing. */
  class FlutterPluginBinding {}
}
