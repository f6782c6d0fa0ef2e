// Owned by the template: `copier update` may rewrite it, do not edit.

//! Finds the shared libraries of the TVM runtime and links them.
//!
//! They lie in `TVMPLUG_RUNTIME_LIB_DIR`, or else in the plugin's own platform folder. They are
//! linked through a copy in `OUT_DIR`: Cargo puts that folder on the library path of every test it
//! runs, so no binary needs an absolute search path.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::exit;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=TVMPLUG_RUNTIME_LIB_DIR");

    let os = variable("CARGO_CFG_TARGET_OS");
    let (platform, files) = match os.as_str() {
        "macos" | "ios" => ("macos/lib", ["libtvm_runtime.dylib", "libtvm_ffi.dylib"]),
        "windows" => ("windows/lib/x64", ["tvm_runtime.lib", "tvm_ffi.lib"]),
        _ => (linux_folder(), ["libtvm_runtime.so", "libtvm_ffi.so"]),
    };
    let folder = env::var_os("TVMPLUG_RUNTIME_LIB_DIR")
        .map(PathBuf::from)
        .unwrap_or_else(|| Path::new(&variable("CARGO_MANIFEST_DIR")).join("..").join(platform));

    let out = PathBuf::from(variable("OUT_DIR"));
    for file in files {
        let from = folder.join(file);
        println!("cargo::rerun-if-changed={}", from.display());
        if let Err(reason) = fs::copy(&from, out.join(file)) {
            fail(&format!(
                "the TVM runtime library {} cannot be read ({reason}). Run `tvmplug build` in the \
                 runtime plugin's folder, or set TVMPLUG_RUNTIME_LIB_DIR to the folder that holds \
                 {} and {}.",
                from.display(),
                files[0],
                files[1],
            ));
        }
    }
    println!("cargo::rustc-link-search=native={}", out.display());
    println!("cargo::rustc-link-lib=dylib=tvm_runtime");
    println!("cargo::rustc-link-lib=dylib=tvm_ffi");
    println!("cargo::metadata=lib_dir={}", folder.display());
}

fn linux_folder() -> &'static str {
    match variable("CARGO_CFG_TARGET_ARCH").as_str() {
        "aarch64" => "linux/lib/arm64",
        _ => "linux/lib/x64",
    }
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| fail(&format!("Cargo did not set {name}")))
}

fn fail(message: &str) -> ! {
    println!("cargo::error={message}");
    exit(1)
}
