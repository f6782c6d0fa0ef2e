// Owned by the template: `copier update` may rewrite it, do not edit.

//! Which library of this process holds which prefix.
//!
//! TVM's table of system libraries lets a second library replace functions of the first, with no
//! more than a warning. So every plugin's library claims its prefix when it is loaded, in a list
//! that all of them share through TVM's table of global functions: the first one to load puts the
//! function [`CLAIMS`] there, the others call it. The code behind it stays loaded for good, since
//! plugins are linked with `-z nodelete`.
//!
//! Two claims of one prefix, or of prefixes of which one starts with the other, are a conflict, and
//! from then on neither library opens a session: either could get the other's functions. Sessions
//! that are open already hold their own functions and go on.

use std::ffi::{CStr, CString, c_int, c_void};
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::library::Library;
use crate::object::{self, Object, any_text, byte_array};
use crate::sys;
use crate::version::library_of;

/// The shared function. `(prefix, owner)` claims, `(prefix)` asks for the conflict of a prefix,
/// `()` lists the owners; each returns a text: an [`Owner`] or a list of them as JSON, a conflict as
/// a sentence, or nothing.
const CLAIMS: &str = "tvmplug.claims.v1";

/// A prefix and the library that claimed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The prefix.
    pub prefix: String,
    /// The plugin's name.
    pub plugin: String,
    /// The file of its library, as far as the system tells.
    pub library: String,
    /// Where in memory the library lies: the same file twice in a process is two libraries.
    pub address: usize,
    /// SHA-256 of its compiled components.
    pub artifact: String,
    /// The conflict it is part of, if any: a sentence that names both libraries.
    #[serde(default)]
    pub conflict: Option<String>,
}

/// Every prefix claimed in this process so far, in the order of loading.
///
/// # Errors
/// [`Error::Runtime`] if TVM fails.
pub fn owners() -> Result<Vec<Owner>> {
    let Some(claims) = object::global(CLAIMS)? else { return Ok(Vec::new()) };
    let json = ask(&claims, &[])?;
    serde_json::from_str(&json).map_err(|error| Error::invalid(format!("list of claims: {error}")))
}

/// Claims the prefix of `library`, making the shared list if this is the first claim.
pub(crate) fn claim(library: &'static Library) -> Result<()> {
    let claims = match object::global(CLAIMS)? {
        Some(claims) => claims,
        None => share()?,
    };
    let metadata = library.metadata().ok();
    let owner = Owner {
        prefix: library.prefix().into(),
        plugin: metadata.map_or_else(String::new, |known| known.plugin.clone()),
        library: library_of(ptr::from_ref(library).cast()).unwrap_or_default(),
        address: library.address(),
        artifact: metadata.map_or_else(String::new, |known| known.archive_sha256.clone()),
        conflict: None,
    };
    let owner = serde_json::to_string(&owner).map_err(|error| Error::invalid(error.to_string()))?;
    ask(&claims, &[library.prefix(), &owner]).map(drop)
}

/// An error if `prefix` is part of a conflict.
pub(crate) fn check(prefix: &str) -> Result<()> {
    let Some(claims) = object::global(CLAIMS)? else { return Ok(()) };
    let conflict = ask(&claims, &[prefix])?;
    if conflict.is_empty() { Ok(()) } else { Err(Error::PrefixTaken { message: conflict }) }
}

fn ask(claims: &Object, words: &[&str]) -> Result<String> {
    let words: Vec<CString> = words
        .iter()
        .map(|word| CString::new(*word).map_err(|_| Error::invalid("a zero byte in a claim")))
        .collect::<Result<_>>()?;
    let mut args: Vec<sys::Any> = words.iter().map(|word| object::text(word)).collect();
    // SAFETY: the function takes texts, which live in `words`.
    let answer = unsafe { object::call(claims, &mut args) }?;
    Ok(answer.as_text().unwrap_or_default().to_owned())
}

/// Puts the function into TVM's table and returns it.
fn share() -> Result<Object> {
    let mut handle = ptr::null_mut();
    // SAFETY: `serve` is a safe call without context that lives as long as the process.
    let function = unsafe {
        object::check(sys::TVMFFIFunctionCreate(ptr::null_mut(), serve, None, &mut handle))?;
        Object::from_owned(handle)
    };
    let function = function.ok_or_else(|| Error::invalid("TVM made no function"))?;
    // SAFETY: name and function are valid; TVM takes a reference of its own.
    object::check(unsafe {
        sys::TVMFFIFunctionSetGlobal(&byte_array(CLAIMS), function.handle(), 0)
    })?;
    Ok(function)
}

/// The list of the library that loaded first; the other libraries' copies of it stay empty.
static OWNERS: Mutex<Vec<Owner>> = Mutex::new(Vec::new());

/// The body of [`CLAIMS`].
unsafe extern "C" fn serve(
    _context: *mut c_void,
    args: *const sys::Any,
    count: i32,
    result: *mut sys::Any,
) -> c_int {
    let answer = std::panic::catch_unwind(|| {
        // SAFETY: TVM passes `count` valid arguments that outlive the call.
        let args = unsafe { crate::tensor::slice(args, usize::try_from(count).unwrap_or(0)) };
        // SAFETY: as above.
        let words: Option<Vec<&str>> = args.iter().map(|arg| unsafe { any_text(arg) }).collect();
        let owners = OWNERS.lock().unwrap_or_else(PoisonError::into_inner);
        answer(owners, words.as_deref().unwrap_or(&[]))
    });
    let answer = answer.ok().and_then(Result::ok);
    match answer {
        // SAFETY: `result` is valid and holds None; the text is copied.
        Some(text) => unsafe { sys::TVMFFIStringFromByteArray(&byte_array(&text), result) },
        None => {
            const KIND: &CStr = c"ValueError";
            const MESSAGE: &CStr = c"tvmplug.claims.v1 takes (prefix, owner), (prefix) or nothing";
            // SAFETY: both texts are static.
            unsafe { sys::TVMFFIErrorSetRaisedFromCStr(KIND.as_ptr(), MESSAGE.as_ptr()) };
            -1
        }
    }
}

fn answer(mut owners: MutexGuard<'_, Vec<Owner>>, words: &[&str]) -> Result<String> {
    match words {
        [] => serde_json::to_string(&*owners).map_err(|error| Error::invalid(error.to_string())),
        [prefix] => Ok(owners
            .iter()
            .filter(|owner| owner.prefix == *prefix)
            .find_map(|owner| owner.conflict.clone())
            .unwrap_or_default()),
        [_, owner] => {
            let owner =
                serde_json::from_str(owner).map_err(|error| Error::invalid(error.to_string()))?;
            Ok(add(&mut owners, owner).unwrap_or_default())
        }
        _ => Err(Error::invalid("too many words")),
    }
}

/// Adds a claim; returns the conflict that it makes.
fn add(owners: &mut Vec<Owner>, mut new: Owner) -> Option<String> {
    if owners.iter().any(|owner| owner.address == new.address) {
        return None;
    }
    for owner in owners.iter_mut() {
        if owner.prefix.starts_with(&new.prefix) || new.prefix.starts_with(&owner.prefix) {
            let message = format!(
                "two libraries in this process claim the same compiled functions: {} and {}",
                describe(owner),
                describe(&new)
            );
            owner.conflict.get_or_insert_with(|| message.clone());
            new.conflict.get_or_insert(message);
        }
    }
    let conflict = new.conflict.clone();
    owners.push(new);
    conflict
}

fn describe(owner: &Owner) -> String {
    format!("prefix `{}` of {} ({})", owner.prefix, owner.plugin, owner.library)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(prefix: &str, address: usize) -> Owner {
        Owner {
            prefix: prefix.into(),
            plugin: format!("plugin_{address}"),
            library: format!("/lib/{address}.so"),
            address,
            artifact: String::new(),
            conflict: None,
        }
    }

    #[test]
    fn prefixes_that_do_not_start_each_other_live_together() {
        let mut owners = Vec::new();
        for (address, prefix) in ["g2p_", "vad_", "g2_", "kokoro_"].iter().enumerate() {
            assert_eq!(add(&mut owners, owner(prefix, address)), None);
        }
        assert_eq!(owners.len(), 4);
    }

    #[test]
    fn a_prefix_claimed_twice_is_a_conflict_of_both() {
        let mut owners = Vec::new();
        assert_eq!(add(&mut owners, owner("g2p_", 1)), None);
        let conflict = add(&mut owners, owner("g2p_", 2)).unwrap();
        assert!(conflict.contains("/lib/1.so") && conflict.contains("/lib/2.so"), "{conflict}");
        assert!(owners.iter().all(|owner| owner.conflict.as_ref() == Some(&conflict)));
    }

    #[test]
    fn a_prefix_of_a_prefix_is_a_conflict_in_either_order() {
        for (first, second) in [("g2p_", "g2p_encoder_"), ("g2p_encoder_", "g2p_")] {
            let mut owners = Vec::new();
            add(&mut owners, owner(first, 1));
            assert!(add(&mut owners, owner(second, 2)).is_some());
        }
    }

    #[test]
    fn a_library_that_claims_again_is_no_conflict() {
        let mut owners = Vec::new();
        add(&mut owners, owner("g2p_", 1));
        assert_eq!(add(&mut owners, owner("g2p_", 1)), None);
        assert_eq!(owners.len(), 1);
    }
}
