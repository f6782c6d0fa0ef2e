// Owned by the template: `copier update` may rewrite it, do not edit.

//! What every exported function does around its body: catch panics, answer, take boxes back.

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, TryLockError};

use crate::error::{Error, Result};
use crate::plugin::abi;
use crate::plugin::convert::give_error;

/// Runs `body` and writes what comes of it: 0 and the result, or the error's code and the error.
///
/// # Safety
/// `out` may be written; `error` too, or it is null.
pub(crate) unsafe fn answer<T>(
    out: *mut T,
    error: *mut *mut abi::Error,
    body: impl FnOnce() -> Result<T>,
) -> i32 {
    let result = catch_unwind(AssertUnwindSafe(|| {
        if out.is_null() { Err(Error::invalid("a null pointer for the result")) } else { body() }
    }));
    let failure = match result {
        Ok(Ok(value)) => {
            // SAFETY: `out` is not null, and may be written by contract.
            unsafe { out.write(value) };
            return 0;
        }
        Ok(Err(failure)) => failure,
        Err(panic) => Error::Panicked { message: panic_message(&*panic) },
    };
    if !error.is_null() {
        // SAFETY: by contract.
        unsafe { error.write(give_error(&failure)) };
    }
    failure.code()
}

/// Takes back a box and disposes of it; null is nothing to do.
///
/// # Safety
/// `pointer` is null or a box of `T` that is used no more.
pub(crate) unsafe fn release<T>(pointer: *mut c_void, dispose: impl FnOnce(Box<T>)) {
    if pointer.is_null() {
        return;
    }
    // SAFETY: by contract.
    let owned = unsafe { Box::from_raw(pointer.cast::<T>()) };
    let _ = catch_unwind(AssertUnwindSafe(|| dispose(owned)));
}

/// A panic while the lock was held leaves what it guards in an unknown state: that handle is done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> Result<MutexGuard<'_, T>> {
    mutex.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => Error::Busy,
        TryLockError::Poisoned(_) => {
            Error::Panicked { message: "in an earlier call on this handle".into() }
        }
    })
}

pub(crate) fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("without a message").to_owned()
}
