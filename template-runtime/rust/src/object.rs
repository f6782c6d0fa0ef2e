// Owned by the template: `copier update` may rewrite it, do not edit.

//! Owned references to TVM objects, calls of TVM functions, and errors raised by them.

use std::ffi::{CStr, c_int};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};
use crate::sys;

/// One strong reference to a TVM object.
#[derive(Debug)]
pub(crate) struct Object(NonNull<sys::Object>);

// SAFETY: TVM counts references atomically and frees an object from whichever thread drops the
// last one. What may be done *through* an object from several threads is for its wrappers to say.
unsafe impl Send for Object {}
// SAFETY: as above; `&Object` alone only reads the immutable header.
unsafe impl Sync for Object {}

impl Object {
    /// Takes over one strong reference.
    ///
    /// # Safety
    /// `handle` is null or a strong reference that nobody else will release.
    pub(crate) unsafe fn from_owned(handle: sys::Handle) -> Option<Self> {
        NonNull::new(handle.cast()).map(Self)
    }

    pub(crate) fn handle(&self) -> sys::Handle {
        self.0.as_ptr().cast()
    }

    pub(crate) fn type_index(&self) -> i32 {
        // SAFETY: a live object starts with its header.
        unsafe { (*self.0.as_ptr()).type_index }
    }

    /// Whether this is the only reference, weak ones included.
    pub(crate) fn is_unique(&self) -> bool {
        // SAFETY: the counter is the header's first field, 8-byte aligned, and TVM only ever
        // touches it atomically. Acquire: what former owners did with the object happened before.
        let count = unsafe { AtomicU64::from_ptr(&raw mut (*self.0.as_ptr()).combined_ref_count) };
        count.load(Ordering::Acquire) == sys::UNIQUE
    }

    /// The fields behind the header.
    ///
    /// # Safety
    /// The object's type is one whose layout is the header followed by `T`.
    pub(crate) unsafe fn body<T>(&self) -> &T {
        // SAFETY: by contract; bodies follow the header directly and live as long as the object.
        unsafe { &*self.0.as_ptr().add(1).cast::<T>() }
    }

    pub(crate) fn as_any(&self) -> sys::Any {
        sys::Any {
            type_index: self.type_index(),
            small_len: 0,
            value: sys::AnyValue { object: self.0.as_ptr() },
        }
    }
}

impl Clone for Object {
    fn clone(&self) -> Self {
        // SAFETY: `self` holds a strong reference. The call can only fail on null.
        unsafe { sys::TVMFFIObjectIncRef(self.handle()) };
        Self(self.0)
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        // SAFETY: this reference is ours to release, and it is released once.
        unsafe { sys::TVMFFIObjectDecRef(self.handle()) };
    }
}

/// An owned result of a call.
pub(crate) struct Value(sys::Any);

impl Value {
    /// The object in it, or nothing for plain values.
    pub(crate) fn into_object(self) -> Option<Object> {
        let any = self.0;
        std::mem::forget(self);
        if any.type_index < sys::STATIC_OBJECT_BEGIN {
            return None;
        }
        // SAFETY: an owned Any of an object type holds one strong reference, which moves on.
        unsafe { Object::from_owned(any.value.object.cast()) }
    }

    /// A view of it, valid while it lives.
    pub(crate) fn as_any(&self) -> sys::Any {
        self.0
    }

    pub(crate) fn as_int(&self) -> Option<i64> {
        if self.0.type_index != sys::INT {
            return None;
        }
        // SAFETY: the tag says that the integer is the live field.
        Some(unsafe { self.0.value.int })
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        // SAFETY: `self` is a live Any and outlives the borrow.
        unsafe { any_text(&self.0) }
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        if self.0.type_index >= sys::STATIC_OBJECT_BEGIN {
            // SAFETY: an owned Any of an object type holds one strong reference.
            unsafe { sys::TVMFFIObjectDecRef(self.0.value.object.cast()) };
        }
    }
}

/// The text in an Any, in any of the three forms in which TVM passes text.
///
/// # Safety
/// `any` is a valid Any; what it points to outlives it.
pub(crate) unsafe fn any_text(any: &sys::Any) -> Option<&str> {
    // SAFETY: each arm reads the field its tag says is live; TVM's text ends with a zero byte
    // (raw), lies in the Any (small) or behind an object header (owned).
    let bytes = unsafe {
        match any.type_index {
            sys::RAW_STR => CStr::from_ptr(any.value.text).to_bytes(),
            sys::SMALL_STR => {
                std::slice::from_raw_parts(any.value.bytes.as_ptr(), any.small_len.min(7) as usize)
            }
            sys::STR => bytes_of(&*any.value.object.add(1).cast::<sys::ByteArray>()),
            _ => return None,
        }
    };
    std::str::from_utf8(bytes).ok()
}

pub(crate) const fn none() -> sys::Any {
    sys::Any { type_index: sys::NONE, small_len: 0, value: sys::AnyValue { int: 0 } }
}

pub(crate) const fn int(value: i64) -> sys::Any {
    sys::Any { type_index: sys::INT, small_len: 0, value: sys::AnyValue { int: value } }
}

pub(crate) const fn boolean(value: bool) -> sys::Any {
    sys::Any { type_index: sys::BOOL, small_len: 0, value: sys::AnyValue { int: value as i64 } }
}

/// A view of `text`, valid while `text` lives.
pub(crate) const fn text(text: &CStr) -> sys::Any {
    sys::Any {
        type_index: sys::RAW_STR,
        small_len: 0,
        value: sys::AnyValue { text: text.as_ptr() },
    }
}

pub(crate) const fn byte_array(text: &str) -> sys::ByteArray {
    sys::ByteArray { data: text.as_ptr(), size: text.len() }
}

/// Calls a TVM function.
///
/// # Safety
/// `function` is a function object, and every argument is a valid view of the type that the
/// function takes, alive until the call returns.
pub(crate) unsafe fn call(function: &Object, args: &mut [sys::Any]) -> Result<Value> {
    debug_assert_eq!(function.type_index(), sys::FUNCTION);
    let mut result = Value(none());
    let count = i32::try_from(args.len()).map_err(|_| Error::invalid("too many arguments"))?;
    // SAFETY: by contract; the result starts as None, as TVM demands.
    check(unsafe {
        sys::TVMFFIFunctionCall(function.handle(), args.as_mut_ptr(), count, &mut result.0)
    })?;
    Ok(result)
}

/// A function of TVM's process-wide table.
pub(crate) fn global(name: &str) -> Result<Option<Object>> {
    let mut handle = ptr::null_mut();
    // SAFETY: both pointers are valid for the call, and the result is a strong reference or null.
    unsafe {
        check(sys::TVMFFIFunctionGetGlobal(&byte_array(name), &mut handle))?;
        Ok(Object::from_owned(handle))
    }
}

/// Turns a C return code into a result, taking the raised error from this thread.
pub(crate) fn check(code: c_int) -> Result<()> {
    if code == 0 {
        return Ok(());
    }
    let mut handle = ptr::null_mut();
    // SAFETY: the out pointer is valid; the error moves to us.
    let error = unsafe {
        sys::TVMFFIErrorMoveFromRaised(&mut handle);
        Object::from_owned(handle)
    };
    let Some(error) = error else {
        return Err(Error::Runtime {
            kind: "an error".into(),
            message: format!("without a message, code {code}"),
        });
    };
    // SAFETY: what is raised is an error object: header, then ErrorCell.
    let cell = unsafe { error.body::<sys::ErrorCell>() };
    // SAFETY: the cell's texts live as long as the error object.
    let (kind, message) = unsafe { (bytes_of(&cell.kind), bytes_of(&cell.message)) };
    Err(Error::Runtime {
        kind: String::from_utf8_lossy(kind).into_owned(),
        message: String::from_utf8_lossy(message).into_owned(),
    })
}

/// # Safety
/// The array's bytes are alive as long as `array`.
unsafe fn bytes_of(array: &sys::ByteArray) -> &[u8] {
    if array.data.is_null() {
        return &[];
    }
    // SAFETY: by contract.
    unsafe { std::slice::from_raw_parts(array.data, array.size) }
}
