// Owned by the template: `copier update` may rewrite it, do not edit.

//! Links the plugin's system library, whole and once, and hands its metadata to the crate.
//!
//! It lies in `TVMPLUG_SYSTEM_LIB_DIR`, or else where `tvmplug compile` puts it for the target.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::exit;

const METADATA: &str = "system_lib.json";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=TVMPLUG_SYSTEM_LIB_DIR");

    let library = format!("{}_system_lib", variable("CARGO_PKG_NAME"));
    let folder = env::var_os("TVMPLUG_SYSTEM_LIB_DIR").map_or_else(default_folder, PathBuf::from);
    let archive = folder.join(format!("lib{library}.a"));
    let metadata = folder.join(METADATA);
    for file in [&archive, &metadata] {
        println!("cargo::rerun-if-changed={}", file.display());
        if let Err(reason) = fs::File::open(file) {
            fail(&format!(
                "the compiled model {} cannot be read ({reason}). Run `tvmplug build` in the \
                 plugin's folder, or set TVMPLUG_SYSTEM_LIB_DIR to the folder that holds it.",
                file.display()
            ));
        }
    }
    let copy = Path::new(&variable("OUT_DIR")).join(METADATA);
    if let Err(reason) = fs::copy(&metadata, &copy) {
        fail(&format!("{} cannot be written ({reason})", copy.display()));
    }

    println!("cargo::rustc-link-search=native={}", folder.display());
    // Whole: nothing refers to the compiled functions by name, their constructors register them.
    // Not bundled: so it is linked by the linker, once, and not copied into the crate's own archive.
    println!("cargo::rustc-link-lib=static:+whole-archive,-bundle={library}");
    if variable("CARGO_CFG_TARGET_FAMILY") == "unix"
        && variable("CARGO_CFG_TARGET_VENDOR") != "apple"
    {
        // Compiled functions call the C library's mathematics.
        println!("cargo::rustc-link-lib=dylib=m");
        println!("cargo::rustc-link-arg-cdylib=-Wl,-rpath,$ORIGIN");
        // TVM's tables point into this library for good, so it must stay loaded.
        println!("cargo::rustc-link-arg-cdylib=-Wl,-z,nodelete");
    }
}

/// `../build/tvmplug/TARGET`, with the target's name as the toolkit spells it.
fn default_folder() -> PathBuf {
    let triple = variable("TARGET");
    let (os, arch) = (variable("CARGO_CFG_TARGET_OS"), variable("CARGO_CFG_TARGET_ARCH"));
    let arch = match arch.as_str() {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    let target = match triple.as_str() {
        "aarch64-apple-ios" => "ios".into(),
        "aarch64-apple-ios-sim" | "x86_64-apple-ios" => format!("ios-simulator-{arch}"),
        _ => format!("{os}-{arch}"),
    };
    let manifest = variable("CARGO_MANIFEST_DIR");
    Path::new(&manifest).join("../build/tvmplug").join(target)
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| fail(&format!("Cargo did not set {name}")))
}

fn fail(message: &str) -> ! {
    println!("cargo::error={message}");
    exit(1)
}
