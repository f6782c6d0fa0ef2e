// Owned by the template: `copier update` may rewrite it, do not edit.

//! Finds the TVM runtime of the target and links it.
//!
//! It lies in `TVMPLUG_RUNTIME_LIB_DIR`, or else where `tvmplug build` stages it in this plugin.
//! Shared libraries are linked through a copy in `OUT_DIR`: Cargo puts that folder on the library
//! path of every test it runs, so no binary needs an absolute search path.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::exit;

macro_rules! slice {
    ($name:literal) => {
        concat!("darwin/tvm_runtime_flutter/Frameworks/tvm_runtime.xcframework/", $name)
    };
}

/// What one kind of machine has: where it is staged, and its files.
struct Staged {
    folder: &'static str,
    files: &'static [&'static str],
}

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=TVMPLUG_RUNTIME_LIB_DIR");

    let staged = staged();
    let folder = env::var_os("TVMPLUG_RUNTIME_LIB_DIR").map_or_else(
        || Path::new(&variable("CARGO_MANIFEST_DIR")).join("..").join(staged.folder),
        PathBuf::from,
    );
    if variable("CARGO_CFG_TARGET_VENDOR") == "apple" {
        link_framework(&folder);
    } else {
        link_libraries(&folder, staged.files);
    }
    println!("cargo::metadata=lib_dir={}", folder.display());
}

fn staged() -> Staged {
    let (os, arch) = (variable("CARGO_CFG_TARGET_OS"), variable("CARGO_CFG_TARGET_ARCH"));
    let (folder, files): (_, &[_]) = match (os.as_str(), arch.as_str()) {
        ("macos", _) => (slice!("macos-arm64_x86_64"), &["tvm_runtime"]),
        ("ios", "aarch64") if !variable("TARGET").ends_with("-sim") => {
            (slice!("ios-arm64"), &["tvm_runtime"])
        }
        ("ios", _) => (slice!("ios-arm64_x86_64-simulator"), &["tvm_runtime"]),
        ("android", "aarch64") => ("android/src/main/jniLibs/arm64-v8a", &["libtvm_runtime.so"]),
        ("android", _) => ("android/src/main/jniLibs/x86_64", &["libtvm_runtime.so"]),
        ("windows", _) => ("windows/lib/x64", &["tvm_runtime.lib", "tvm_ffi.lib"]),
        (_, "aarch64") => ("linux/lib/arm64", &["libtvm_runtime.so"]),
        // TVM's own wheels, in two parts; elsewhere one library holds both.
        _ => ("linux/lib/x64", &["libtvm_runtime.so", "libtvm_ffi.so"]),
    };
    Staged { folder, files }
}

fn link_libraries(folder: &Path, files: &[&str]) {
    let out = PathBuf::from(variable("OUT_DIR"));
    for file in files {
        let from = folder.join(file);
        println!("cargo::rerun-if-changed={}", from.display());
        if let Err(reason) = fs::copy(&from, out.join(file)) {
            missing(&from, &reason.to_string(), files);
        }
        let name = file.trim_start_matches("lib").split('.').next().unwrap_or(file);
        println!("cargo::rustc-link-lib=dylib={name}");
    }
    println!("cargo::rustc-link-search=native={}", out.display());
}

fn link_framework(folder: &Path) {
    let library = folder.join("tvm_runtime.framework/tvm_runtime");
    println!("cargo::rerun-if-changed={}", library.display());
    if let Err(reason) = fs::File::open(&library) {
        missing(&library, &reason.to_string(), &["tvm_runtime.framework"]);
    }
    println!("cargo::rustc-link-search=framework={}", folder.display());
    println!("cargo::rustc-link-lib=framework=tvm_runtime");
}

fn missing(library: &Path, reason: &str, files: &[&str]) -> ! {
    fail(&format!(
        "the TVM runtime library {} cannot be read ({reason}). Run `tvmplug build` in the \
         runtime plugin's folder, or set TVMPLUG_RUNTIME_LIB_DIR to the folder that holds {}.",
        library.display(),
        files.join(" and "),
    ))
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| fail(&format!("Cargo did not set {name}")))
}

fn fail(message: &str) -> ! {
    println!("cargo::error={message}");
    exit(1)
}
