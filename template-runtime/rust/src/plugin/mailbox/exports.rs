// Owned by the template: `copier update` may rewrite it, do not edit.

//! The bodies of a plugin's exported mailbox functions; `tvm_plugin.h` states their contracts.

use std::ffi::c_void;
use std::panic::catch_unwind;
use std::ptr;

use crate::error::Result;
use crate::library::Library;
use crate::plugin::abi::{self, Bytes, TensorView};
use crate::plugin::convert::{layout, text, view_of};
use crate::plugin::guard::answer;
use crate::plugin::mailbox::{self, Callee, Component, ModelCallee};
use crate::plugin::methods::Model;
use crate::tensor::Tensor;

#[must_use]
pub fn mailbox_number() -> usize {
    mailbox::number()
}

/// # Safety
/// As `PREFIXmailbox_open` in `tvm_plugin.h`.
pub unsafe fn mailbox_open(number: usize, error: *mut *mut abi::Error) -> i32 {
    // SAFETY: by contract.
    unsafe { done(error, || mailbox::open(number)) }
}

/// # Safety
/// As `PREFIXmailbox_join` in `tvm_plugin.h`.
pub unsafe fn mailbox_join(number: usize, other: usize, error: *mut *mut abi::Error) -> i32 {
    // SAFETY: by contract.
    unsafe { done(error, || mailbox::join(number, other)) }
}

/// Safe for any number: a finalizer calls it.
pub fn mailbox_close(number: *mut c_void) {
    let _ = catch_unwind(|| mailbox::close(number.addr()));
}

#[must_use]
pub fn mailbox_scratch(number: usize, bytes: usize) -> *mut c_void {
    let lent = catch_unwind(|| mailbox::scratch(number, bytes)).unwrap_or_default();
    lent.map_or(ptr::null_mut(), |memory| memory.as_ptr().cast())
}

/// # Safety
/// As `PREFIXmailbox_start` in `tvm_plugin.h`.
pub unsafe fn mailbox_start<M: Model>(
    library: &'static Library,
    number: usize,
    component: Bytes,
    error: *mut *mut abi::Error,
) -> i32 {
    let start = || {
        if component.data.is_null() {
            let open = move || Ok(Box::new(ModelCallee(M::open(library)?)) as Box<dyn Callee>);
            let threads = library.runs_in_parallel(None).then(M::threads);
            return mailbox::start(number, threads, open);
        }
        // SAFETY: by contract.
        let name = unsafe { text(component) }?.to_owned();
        let threads = library.runs_in_parallel(Some(&name)).then(M::threads);
        let open = move || Ok(Box::new(Component(library.session(&name)?)) as Box<dyn Callee>);
        mailbox::start(number, threads, open)
    };
    // SAFETY: by contract.
    unsafe { done(error, start) }
}

/// # Safety
/// As `PREFIXmailbox_call` in `tvm_plugin.h`.
pub unsafe fn mailbox_call(
    number: usize,
    method: Bytes,
    values: *const abi::Value,
    count: usize,
    out: *mut *const abi::Value,
    error: *mut *mut abi::Error,
) -> i32 {
    // SAFETY: by contract.
    let call = || unsafe { mailbox::call(number, text(method)?, values, count) };
    // SAFETY: by contract.
    unsafe { answer(out, error, call) }
}

/// # Safety
/// As `PREFIXticket_new` in `tvm_plugin.h`.
pub unsafe fn ticket_new(
    mailbox: usize,
    dtype: i32,
    shape: *const i64,
    rank: usize,
    out: *mut usize,
    error: *mut *mut abi::Error,
) -> i32 {
    let new = || {
        // SAFETY: by contract, of which it is a part that all elements are written first.
        let tensor = unsafe {
            let (dtype, shape) = layout(dtype, shape, rank)?;
            Tensor::undefined(dtype, shape)
        }?;
        mailbox::put(mailbox, tensor)
    };
    // SAFETY: by contract.
    unsafe { answer(out, error, new) }
}

/// # Safety
/// As `PREFIXticket_view` in `tvm_plugin.h`.
pub unsafe fn ticket_view(ticket: usize, out: *mut TensorView, error: *mut *mut abi::Error) -> i32 {
    // SAFETY: by contract.
    unsafe { answer(out, error, || mailbox::view(ticket, view_of)) }
}

/// # Safety
/// As `PREFIXticket_keep` in `tvm_plugin.h`.
pub unsafe fn ticket_keep(mailbox: usize, ticket: usize, error: *mut *mut abi::Error) -> i32 {
    // SAFETY: by contract.
    unsafe { done(error, || mailbox::keep(mailbox, ticket)) }
}

/// Safe for any ticket: a finalizer calls it.
pub fn ticket_free(ticket: *mut c_void) {
    let _ = catch_unwind(|| mailbox::free(ticket.addr()));
}

/// As [`answer`], for a function without a result.
///
/// # Safety
/// As [`answer`].
unsafe fn done(error: *mut *mut abi::Error, body: impl FnOnce() -> Result<()>) -> i32 {
    // SAFETY: by contract; the unit may be written.
    unsafe { answer(&mut (), error, body) }
}
