"""Existing plugins, shaped as authors make them: paths and contents, tool by tool."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.adopt.objects import MACOS, RUNTIME, apple_archive, elf_library

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


def read(folder: Path) -> dict[str, bytes]:
    """Read all files below a folder, but git's own."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


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

_ABIS = {"arm64-v8a": "one", "x86_64": "one", "armeabi-v7a": "other"}
# Dynamic runtimes; two processors' are byte for byte the same here, as one compiler makes both.
JNILIBS: Files = {
    "pubspec.yaml": """\
name: g2p_flutter
description: >-
    Phonemes from words.
version: 1.2.0+3
homepage: https://example.com/g2p
environment:
    sdk: ">=3.3.0 <4.0.0"
dependencies:
    flutter:
        sdk: flutter
flutter:
    plugin:
        androidPackage: org.example.speech.g2p
        pluginClass: G2pPlugin
""",
    "README.md": "# g2p\n",
    "CHANGELOG.md": "## 1.2.0\n",
    "lib/g2p.dart": "export 'src/channel.dart';\n",
    "lib/src/channel.dart": "import 'package:flutter/services.dart';\n",
    "android/build.gradle": """\
group 'org.example.speech.g2p'

buildscript {
    repositories { google() }
    dependencies { classpath 'com.android.tools.build:gradle:7.3.0' }
}

apply plugin: 'com.android.library'

android {
    namespace 'org.example.speech.g2p'
    compileSdkVersion 33
    defaultConfig { minSdkVersion 19 }
    sourceSets { main.jniLibs.srcDirs = ['src/main/jniLibs'] }
    packagingOptions {
        pickFirst 'lib/arm64-v8a/libtvm4j_runtime_packed.so'
        pickFirst '**/libtvm4j_runtime_packed.so'
    }
}
""",
    "android/src/main/AndroidManifest.xml": """\
<manifest xmlns:android="http://schemas.android.com/apk/res/android">
    <uses-permission android:name="android.permission.INTERNET" />
</manifest>
""",
    "android/src/main/java/org/example/speech/g2p/G2pPlugin.java": """\
package org.example.speech.g2p;

import io.flutter.embedding.engine.plugins.FlutterPlugin;
import io.flutter.plugin.common.MethodChannel;
import org.apache.tvm.Module;

public class G2pPlugin implements FlutterPlugin {
    static {
        System.loadLibrary("tvm4j_runtime_packed");
    }

    @Override
    public void onAttachedToEngine(FlutterPluginBinding binding) {
        new MethodChannel(binding.getBinaryMessenger(), "g2p");
    }
}
""",
    **{
        f"android/src/main/jniLibs/{abi}/libtvm4j_runtime_packed.so": elf_library(
            *RUNTIME, "__tvm_ffi_g2p_main", "g2p___tvm_ffi__library_bin",
            more=() if which == "one" else ("-O2", "-Wl,--build-id=none"),
        )
        for abi, which in _ABIS.items()
    },
    "android/src/main/jniLibs/arm64-v8a/libg2p_words.so": elf_library("g2p_words"),
}  # fmt: skip

# flutter_rust_bridge's own layout, with the runtime in an XCFramework and a library for Linux.
BRIDGE: Files = {
    "pubspec.yaml": """\
name: vad_flutter
description: "Who speaks when"
version: 0.1.0
publish_to: none
environment:
  sdk: ^3.12.1
  flutter: '>=3.44.2'
dependencies:
  flutter:
    sdk: flutter
  flutter_rust_bridge: 2.11.1
  rust_lib_vad_flutter:
    path: rust_builder
flutter:
  plugin:
    platforms:
      linux:
        ffiPlugin: true
      macos:
        ffiPlugin: true
  assets:
  - assets/vad.so
""",
    "README.md": "# vad\r\n\r\nTwo lines.\r\n",
    "flutter_rust_bridge.yaml": "rust_input: crate::api\nrust_root: rust/\ndart_output: lib/src\n",
    "lib/vad_flutter.dart": """\
import 'src/frb_generated.dart';

Future<void> start() => RustLib.init();
""",
    "lib/src/frb_generated.dart": "// Generated by flutter_rust_bridge.\n",
    "lib/src/plugin.dart": "// The author's own file of that name.\n",
    "rust/Cargo.toml": """\
[package]
name = "rust_lib_vad_flutter"
version = "0.1.0"
edition = "2021"

[lib]
crate-type = ["cdylib", "staticlib"]

[features]
default = ["fast"]
fast = []

[dependencies]
flutter_rust_bridge = "=2.11.1"

[dependencies.tvm-ffi]
path = "../../tvm-ffi/rust/tvm-ffi"

[target.'cfg(target_os = "macos")'.dependencies]
tvm-ffi-sys = "0.1"
""",
    "rust/build.rs": 'fn main() {\n    println!("cargo:rustc-link-lib=dylib=tvm_runtime");\n}\n',
    "rust/src/lib.rs": "pub mod api;\nmod frb_generated;\n",
    "rust/src/frb_generated.rs": "// Generated by flutter_rust_bridge.\n",
    "rust/src/api/mod.rs": "pub mod simple;\n",
    "rust/src/api/simple.rs": """\
#[flutter_rust_bridge::frb(sync)]
pub fn speaks() -> bool {
    tvm_ffi::Module::system_lib().is_some()
}
""",
    "rust_builder/pubspec.yaml": "name: rust_lib_vad_flutter\n",
    "rust_builder/linux/CMakeLists.txt": 'include("../cargokit/cmake/cargokit.cmake")\n',
    "rust_builder/cargokit/build_pod.sh": "#!/bin/sh\n",
    "linux/CMakeLists.txt": """\
cmake_minimum_required(VERSION 3.10)
project(vad_flutter LANGUAGES CXX)
find_package(Threads REQUIRED)
set(vad_flutter_bundled_libraries
  "${CMAKE_CURRENT_SOURCE_DIR}/lib/libtvm_runtime.so"
  PARENT_SCOPE
)
""",
    "linux/lib/libtvm_runtime.so": elf_library(*RUNTIME),
    "assets/vad.so": elf_library("TVMFFIFunctionCall", "TVMBackendAllocWorkspace"),
    "macos/Frameworks/tvm.xcframework/Info.plist": "<plist/>\n",
    "macos/Frameworks/tvm.xcframework/macos-arm64/libtvm_runtime.a": apple_archive(
        *RUNTIME, platform=MACOS
    ),
    "macos/Frameworks/tvm.xcframework/macos-arm64/Headers/tvm.h": "int tvm;\n",
    "macos/vad_flutter.podspec": podspec("vad_flutter", "macos"),
    "macos/vad_flutter/Package.swift": """\
// swift-tools-version: 5.9
import PackageDescription

let package = Package(
  name: "vad_flutter",
  targets: [
    .target(name: "vad_flutter", linkerSettings: [.unsafeFlags(["-Wl,-force_load,libtvm.a"])])
  ]
)
""",
}  # fmt: skip
