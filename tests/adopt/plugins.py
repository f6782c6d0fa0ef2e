"""Existing plugins, shaped as authors make them: paths and contents, tool by tool."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.adopt.objects import RUNTIME, apple_archive, elf_library

Files = Mapping[str, "str | bytes"]

MIT = """\
MIT License

Copyright (c) 2025 Ada Lovelace

Permission is hereby granted, free of charge, to any person obtaining a copy of this software.
"""


def write(folder: Path, files: Files) -> Path:
    """Write a plugin's files."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def podspec(name: str, platform: str) -> str:
    """A podspec that builds a crate by cargokit and forces runtime and model into the app."""
    flutter = "Flutter" if platform == "ios" else "FlutterMacOS"
    return f"""\
Pod::Spec.new do |s|
  s.name             = '{name}'
  s.version          = '0.3.0'
  s.summary          = 'Speech from text.'
  s.homepage         = 'https://example.com'
  s.license          = {{ :file => '../LICENSE' }}
  s.author           = {{ 'Your Company' => 'email@example.com' }}
  s.source           = {{ :path => '.' }}
  s.source_files     = 'Classes/**/*'
  s.dependency '{flutter}'
  s.dependency 'SSZipArchive', '~> 2.4'
  s.frameworks = 'Metal', 'Foundation'
  s.platform = :ios, '12.0'
  s.swift_version = '5.0'
  s.script_phase = {{
    :name => 'Build Rust library',
    :script => 'sh "$PODS_TARGET_SRCROOT/../cargokit/build_pod.sh" ../rust {name}',
    :execution_position => :before_compile,
    :input_files => ['${{BUILT_PRODUCTS_DIR}}/cargokit_phony'],
    :output_files => ["${{BUILT_PRODUCTS_DIR}}/lib{name}.a"],
  }}
  # -all_load was not enough.
  s.pod_target_xcconfig = {{
    'DEFINES_MODULE' => 'YES',
    'OTHER_LDFLAGS' => '-force_load ${{BUILT_PRODUCTS_DIR}}/lib{name}.a',
  }}
  s.user_target_xcconfig = {{
    'OTHER_LDFLAGS' => '-ObjC -force_load ${{PODS_ROOT}}/../assets/ios/libtvm_runtime.a',
  }}
end
"""


CARGOKIT: Files = {
    "pubspec.yaml": """\
name: kokoro_flutter
description: Speech from text, on the device.
version: 0.3.0
repository: https://github.com/ada/kokoro_flutter

environment:
  sdk: '>=3.3.0 <4.0.0'
  flutter: '>=3.3.0'

dependencies:
  flutter:
    sdk: flutter
  ffi: ^2.1.0 # for the strings

dev_dependencies:
  flutter_test:
    sdk: flutter

flutter:
  plugin:
    platforms:
      android:
        package: com.ada.kokoro_flutter
        pluginClass: KokoroPlugin
      ios:
        pluginClass: KokoroPlugin
      windows:
        ffiPlugin: true
  assets:
    - assets/voices/
    - assets/ios/
""",
    "LICENSE": MIT,
    "README.md": "# Kokoro\n",
    ".gitignore": "/build/\n.dart_tool/\n*.tflite\n.env\n",
    "lib/kokoro_flutter.dart": """\
library;

import 'dart:ffi';

final DynamicLibrary _library = DynamicLibrary.open('libtvm_runtime.so');

/// Speaks.
class Kokoro {
  void speak(String text) => _library.lookup<Void>('kokoro_speak');
}
""",
    "test/kokoro_flutter_test.dart": "void main() {}\n",
    "example/pubspec.yaml": "name: kokoro_example\n",
    "example/lib/main.dart": "void main() {}\n",
    "assets/voices/af.bin": bytes(range(256)),
    "assets/ios/libtvm_runtime.a": apple_archive(*RUNTIME),
    "assets/ios/libtvm_ffi_static.a": apple_archive("TVMFFIErrorMoveFromRaised"),
    "assets/ios/libkokoro_model.a": apple_archive(
        "__tvm_ffi_kokoro_encoder_main", "kokoro_encoder___tvm_ffi__library_bin",
        "__tvm_ffi_kokoro_decoder_main", "kokoro_decoder___tvm_ffi__library_bin",
    ),
    "ios/kokoro_flutter.podspec": podspec("kokoro_flutter", "ios"),
    "ios/Classes/KokoroPlugin.swift": """\
import Flutter

public class KokoroPlugin: NSObject, FlutterPlugin {
  public static func register(with registrar: FlutterPluginRegistrar) {
    let channel = FlutterMethodChannel(name: "kokoro", binaryMessenger: registrar.messenger())
    registrar.addMethodCallDelegate(KokoroPlugin(), channel: channel)
  }
}
""",
    "android/build.gradle": """\
group 'com.ada.kokoro_flutter'
version '1.0'

apply plugin: 'com.android.library'
apply plugin: 'kotlin-android'
apply from: "../cargokit/gradle/plugin.gradle"

android {
    compileSdkVersion 34

    defaultConfig {
        minSdkVersion 21
    }
}

dependencies {
    implementation 'androidx.media3:media3-exoplayer:1.3.1'
}

cargokit {
    manifestDir = "../rust"
    libname = "kokoro_flutter"
}
""",
    "android/settings.gradle": "rootProject.name = 'kokoro_flutter'\n",
    "android/src/main/AndroidManifest.xml": """\
<manifest xmlns:android="http://schemas.android.com/apk/res/android"
  package="com.ada.kokoro_flutter">
</manifest>
""",
    "android/src/main/kotlin/com/ada/kokoro_flutter/KokoroPlugin.kt": """\
package com.ada.kokoro_flutter

import io.flutter.embedding.engine.plugins.FlutterPlugin

class KokoroPlugin : FlutterPlugin {
    override fun onAttachedToEngine(binding: FlutterPlugin.FlutterPluginBinding) {
        System.loadLibrary("kokoro_flutter")
    }

    override fun onDetachedFromEngine(binding: FlutterPlugin.FlutterPluginBinding) {}
}
""",
    "cargokit/LICENSE": "Apache-2.0 and MIT\n",
    "cargokit/build_pod.sh": """\
#!/bin/sh
set -e
export TVM_STATIC_LINK=1
export TVM_FFI_LIB_DIR=/Users/ada/tvm/build-ios/lib
sh "$BASEDIR/run_build_tool.sh" build-pod "$@"
""",
    "cargokit/run_build_tool.sh": "#!/bin/sh\nexport PATH=$HOME/.cargo/bin:$PATH\n",
    "cargokit/gradle/plugin.gradle": "class CargoKitPlugin {}\n",
    "cargokit/cmake/cargokit.cmake": "function(apply_cargokit)\nendfunction()\n",
    "cargokit/build_tool/pubspec.yaml": "name: build_tool\n",
    "cargokit/build_tool/lib/build_tool.dart": "void main() {}\n",
    "rust/cargokit.yaml": "verbose: true\n",
    "rust/Cargo.toml": """\
[package]
name = "kokoro_ffi"
version = "0.3.0"
edition = "2021"

[lib]
name = "kokoro_ffi"
crate-type = ["cdylib", "staticlib"]

[dependencies]
tvm-ffi = "0.1.0-alpha.0"  # the runtime
unicode-normalization = "0.1"

[build-dependencies]
cc = "1"
""",
    "rust/.cargo/config.toml": """\
# For the phone.
[env]
TVM_FFI_LIB_DIR = "/Users/ada/tvm/build-ios/lib"
RUST_LOG = "info"
""",
    "rust/build.rs": """\
use std::env;

fn main() {
    let home = env::var("TVM_HOME").unwrap_or("/Users/ada/tvm".into());
    println!("cargo:rustc-link-search=native={home}/build-ios/lib");
    println!("cargo:rustc-link-lib=static:+whole-archive=tvm_runtime");
}
""",
    "rust/src/lib.rs": """\
mod model;
mod words;

#[no_mangle]
pub extern "C" fn kokoro_speak() {}
""",
    "rust/src/model.rs": """\
use tvm_ffi::Module;

pub fn open() -> Module {
    Module::load_from_file("libtvm_runtime.so").unwrap()
}
""",
    "rust/src/words.rs": "pub fn split() {}\n",
    "tool/build_ios.sh": """\
#!/bin/sh
# Before a release.
TVM_LIBRARY_PATH=~/tvm/build-ios cargo build --release --target aarch64-apple-ios
""",
    "model/convert.py": "print('the author\\'s own')\n",
}  # fmt: skip
