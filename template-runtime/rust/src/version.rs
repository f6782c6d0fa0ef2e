// Owned by the template: `copier update` may rewrite it, do not edit.

//! Which TVM is pinned, which one is loaded, and whether a plugin fits.

use std::ffi::c_void;

use serde::Serialize;

use crate::error::{Error, Result, Side};
use crate::metadata::Metadata;
use crate::pins;
use crate::sys;

/// The versions of the runtime in this process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Versions {
    /// Version of the runtime plugin.
    pub runtime: String,
    /// Pinned version of TVM.
    pub tvm: String,
    /// Pinned version of TVM-FFI.
    pub tvm_ffi: String,
    /// Version of the C interface, as the loaded library reports it.
    pub tvm_ffi_c_api: String,
    /// The file that the C interface was loaded from, as far as the system tells.
    pub library: Option<String>,
}

/// The versions of the runtime in this process.
///
/// ```
/// let versions = tvm_runtime_flutter::versions();
/// println!("TVM {} from {:?}", versions.tvm, versions.library);
/// ```
#[must_use]
pub fn versions() -> Versions {
    let entry = sys::TVMFFIGetVersion as unsafe extern "C" fn(*mut sys::Version);
    Versions {
        runtime: pins::RUNTIME.into(),
        tvm: pins::TVM.into(),
        tvm_ffi: pins::TVM_FFI.into(),
        tvm_ffi_c_api: text(loaded()),
        library: library_of(entry as *const c_void),
    }
}

/// An error if a plugin was compiled for another TVM than this runtime holds.
pub(crate) fn check(metadata: &Metadata) -> Result<()> {
    pin("tvm", &metadata.tvm, pins::TVM)?;
    pin("tvm-ffi", &metadata.tvm_ffi, pins::TVM_FFI)?;
    c_api(loaded())
}

fn pin(what: &'static str, plugin: &str, runtime: &str) -> Result<()> {
    if plugin == runtime {
        return Ok(());
    }
    let update = if numbers(plugin) < numbers(runtime) { Side::Plugin } else { Side::Runtime };
    Err(Error::Pin { what, plugin: plugin.into(), runtime: runtime.into(), update })
}

/// The C interface is stable within a minor version, and grows with patches.
fn c_api(loaded: sys::Version) -> Result<()> {
    let ours = sys::C_API;
    if (loaded.major, loaded.minor) == (ours.major, ours.minor) && loaded.patch >= ours.patch {
        return Ok(());
    }
    Err(Error::Pin {
        what: "tvm-ffi C interface",
        plugin: text(ours),
        runtime: text(loaded),
        update: if loaded < ours { Side::Runtime } else { Side::Plugin },
    })
}

fn loaded() -> sys::Version {
    let mut version = sys::Version::default();
    // SAFETY: the out pointer is valid.
    unsafe { sys::TVMFFIGetVersion(&mut version) };
    version
}

fn text(version: sys::Version) -> String {
    format!("{}.{}.{}", version.major, version.minor, version.patch)
}

/// The numbers in a version: enough to order releases of one project, `post` and `dev` included.
fn numbers(version: &str) -> Vec<u64> {
    version
        .split(|c: char| !c.is_ascii_digit())
        .filter(|part| !part.is_empty())
        .map(|part| part.parse().unwrap_or(u64::MAX))
        .collect()
}

/// The file that holds the code or data at `address`.
#[cfg(unix)]
pub(crate) fn library_of(address: *const c_void) -> Option<String> {
    use std::ffi::{CStr, c_char, c_int};
    use std::mem::MaybeUninit;

    /// `Dl_info` of `dlfcn.h`, the same on Linux, Android and Apple's systems.
    #[repr(C)]
    struct DlInfo {
        file: *const c_char,
        base: *mut c_void,
        symbol: *const c_char,
        symbol_address: *mut c_void,
    }
    unsafe extern "C" {
        fn dladdr(address: *const c_void, info: *mut DlInfo) -> c_int;
    }

    let mut info = MaybeUninit::<DlInfo>::zeroed();
    // SAFETY: any address may be asked for; all zeros is a valid DlInfo.
    let (found, info) = unsafe { (dladdr(address, info.as_mut_ptr()), info.assume_init()) };
    if found == 0 || info.file.is_null() {
        return None;
    }
    // SAFETY: the loader's own text, which lives as long as the library.
    Some(unsafe { CStr::from_ptr(info.file) }.to_string_lossy().into_owned())
}

/// The file that holds the code or data at `address`: not known on this system.
#[cfg(not(unix))]
pub(crate) fn library_of(_address: *const c_void) -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_side_is_the_one_to_update() {
        let update = |plugin, runtime| match pin("tvm", plugin, runtime) {
            Err(Error::Pin { update, .. }) => Some(update),
            _ => None,
        };
        assert_eq!(update("0.27.0.post1", "0.27.0.post1"), None);
        assert_eq!(update("0.27.0", "0.27.0.post1"), Some(Side::Plugin));
        assert_eq!(update("0.9.0", "0.27.0"), Some(Side::Plugin));
        assert_eq!(update("0.28.0", "0.27.0.post1"), Some(Side::Runtime));
    }

    #[test]
    fn the_c_interface_may_be_newer_by_patches_only() {
        let version = |minor, patch| sys::Version { major: 0, minor, patch };
        let ours = sys::C_API;
        assert!(c_api(version(ours.minor, ours.patch + 1)).is_ok());
        assert!(c_api(version(ours.minor, ours.patch - 1)).is_err());
        assert!(c_api(version(ours.minor + 1, 0)).is_err());
    }

    #[test]
    fn the_loaded_runtime_fits_and_says_where_it_comes_from() {
        assert_eq!(c_api(loaded()), Ok(()));
        assert!(versions().library.unwrap().contains("tvm_ffi"));
    }
}
