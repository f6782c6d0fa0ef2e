/* What the registrant that Flutter generates does when an app starts, for both plugins. */
package org.example.app

import io.flutter.embedding.engine.plugins.FlutterPlugin

private fun register(plugin: FlutterPlugin) {
    val name = plugin.javaClass.name
    val binding = FlutterPlugin.FlutterPluginBinding()
    try {
        plugin.onAttachedToEngine(binding)
        println("$name: attached")
        plugin.onDetachedFromEngine(binding)
    } catch (error: Exception) {
        println("$name: ${error.message}")
    }
}

fun main() {
    register(com.example.tvm_runtime_flutter.TvmRuntimePlugin())
    register(com.example.g2p_flutter.G2pModelPlugin())
    register(`in`.example.`is`.g2p_flutter.G2pModelPlugin())
}
