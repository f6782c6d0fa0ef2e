// Owned by the template: `copier update` may rewrite it, do not edit.

//! The bodies of a plugin's exported C functions; `tvm_plugin.h` states their contracts.
//!
//! Each catches panics, and writes its result or its error through a pointer. Pointers that the
//! header allows to be null are checked; all others must be what the header says.

use std::ffi::{CString, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::{Mutex, OnceLock};

use serde_json::json;

use crate::claim;
use crate::error::{Error, Result};
use crate::library::Library;
use crate::plugin::abi::{self, Bytes, ModelHandle, NamedTensor, SessionHandle, TensorHandle};
use crate::plugin::convert::{
    Tensors, args, free, give, give_handle, layout, null_tensor, text, view_of,
};
use crate::plugin::guard::{answer, lock, release};
use crate::plugin::mailbox;
use crate::plugin::methods::Model;
use crate::plugin::value::Value;
use crate::tensor::{Tensor, slice};
use crate::version::versions;

/// Without a mailbox there are no tickets.
static NO_TENSORS: Tensors = Tensors::new();

/// Runs when the library is loaded. What goes wrong here is kept and told by the first `open`.
pub fn load(library: &'static Library) {
    let _ = catch_unwind(|| library.claim());
}

#[must_use]
pub const fn abi_version() -> u32 {
    abi::ABI
}

#[must_use]
pub const fn metadata(library: &'static Library) -> Bytes {
    let json = library.metadata_json();
    Bytes { data: json.as_ptr(), size: json.len() }
}

#[must_use]
pub fn methods<M: Model>(json: &'static OnceLock<String>) -> Bytes {
    let describe = || {
        catch_unwind(|| serde_json::to_string(&M::describe()).unwrap_or_default())
            .unwrap_or_default()
    };
    let json = json.get_or_init(describe);
    Bytes { data: json.as_ptr(), size: json.len() }
}

/// # Safety
/// As `PREFIXruntime` in `tvm_plugin.h`.
pub unsafe fn runtime(out: *mut abi::Value, error: *mut *mut abi::Error) -> i32 {
    let run = || {
        let owners = claim::owners()?;
        let (holders, tensors, open) = mailbox::held();
        let runtime = json!({
            "versions": versions(),
            "prefixes": owners,
            "mailboxes": { "holders": holders, "tensors": tensors, "open": open },
        });
        Ok(give(Value::String(runtime.to_string()), &mut give_handle))
    };
    // SAFETY: by contract.
    unsafe { answer(out, error, run) }
}

/// # Safety
/// As `PREFIXsession_open` in `tvm_plugin.h`.
pub unsafe fn session_open(
    library: &'static Library,
    component: Bytes,
    out: *mut *mut SessionHandle,
    error: *mut *mut abi::Error,
) -> i32 {
    let open = || {
        // SAFETY: by contract.
        let session = library.session(unsafe { text(component) }?)?;
        Ok(Box::into_raw(Box::new(SessionHandle(Mutex::new(session)))))
    };
    // SAFETY: by contract.
    unsafe { answer(out, error, open) }
}

/// # Safety
/// As `PREFIXsession_run` in `tvm_plugin.h`.
pub unsafe fn session_run(
    session: *mut SessionHandle,
    inputs: *const NamedTensor,
    count: usize,
    out: *mut *mut abi::Outputs,
    error: *mut *mut abi::Error,
) -> i32 {
    let run = || {
        // SAFETY: by contract.
        let session = unsafe { session.as_ref() }
            .ok_or_else(|| Error::invalid("a null pointer to a session"))?;
        if inputs.is_null() && count > 0 {
            return Err(Error::invalid("a null pointer to inputs"));
        }
        // SAFETY: by contract.
        let named = unsafe { slice(inputs, count) }.iter().map(|input| unsafe { named(input) });
        let inputs: Vec<(&str, &Tensor)> = named.collect::<Result<_>>()?;
        let mut session = lock(&session.0)?;
        let outputs = session.run(&inputs)?;
        let names = session.component().outputs.iter().map(|spec| spec.name.as_str());
        Ok(give_outputs(names, outputs.into_tensors()))
    };
    // SAFETY: by contract.
    unsafe { answer(out, error, run) }
}

/// # Safety
/// `input` and what it points to are valid.
unsafe fn named<'a>(input: &NamedTensor) -> Result<(&'a str, &'a Tensor)> {
    // SAFETY: by contract.
    let (name, tensor) = unsafe { (text(input.name)?, input.tensor.as_ref()) };
    Ok((name, &tensor.ok_or_else(null_tensor)?.0))
}

/// Names are those of the metadata, which lives as long as the process.
fn give_outputs(
    names: impl Iterator<Item = &'static str>,
    tensors: Vec<Tensor>,
) -> *mut abi::Outputs {
    let give = |(name, tensor): (&'static str, Tensor)| NamedTensor {
        name: Bytes { data: name.as_ptr(), size: name.len() },
        tensor: Box::into_raw(Box::new(TensorHandle(tensor))),
    };
    let outputs: Box<[NamedTensor]> = names.zip(tensors).map(give).collect();
    let count = outputs.len();
    Box::into_raw(Box::new(abi::Outputs { outputs: Box::into_raw(outputs).cast(), count }))
}

/// # Safety
/// As `PREFIXresult_free` in `tvm_plugin.h`.
pub unsafe fn result_free(result: *mut c_void) {
    // SAFETY: by contract; these are the boxes of `give_outputs`.
    unsafe {
        release::<abi::Outputs>(result, |result| {
            let outputs = ptr::slice_from_raw_parts_mut(result.outputs.cast_mut(), result.count);
            for output in &Box::from_raw(outputs) {
                drop(Box::from_raw(output.tensor.cast_mut()));
            }
        });
    }
}

/// # Safety
/// As `PREFIXsession_close` in `tvm_plugin.h`.
pub unsafe fn session_close(session: *mut c_void) {
    // SAFETY: by contract.
    unsafe { release::<SessionHandle>(session, drop) }
}

/// # Safety
/// As `PREFIXtensor_new` in `tvm_plugin.h`.
pub unsafe fn tensor_new(
    dtype: i32,
    shape: *const i64,
    rank: usize,
    out: *mut *mut TensorHandle,
    error: *mut *mut abi::Error,
) -> i32 {
    let new = || {
        // SAFETY: by contract.
        let (dtype, shape) = unsafe { layout(dtype, shape, rank) }?;
        Ok(Box::into_raw(Box::new(TensorHandle(Tensor::zeros_of(dtype, shape)?))))
    };
    // SAFETY: by contract.
    unsafe { answer(out, error, new) }
}

/// # Safety
/// As `PREFIXtensor_retain` in `tvm_plugin.h`.
pub unsafe fn tensor_retain(
    tensor: *const TensorHandle,
    out: *mut *mut TensorHandle,
    error: *mut *mut abi::Error,
) -> i32 {
    let retain = || {
        // SAFETY: by contract.
        let tensor = unsafe { tensor.as_ref() }.ok_or_else(null_tensor)?.0.clone();
        Ok(Box::into_raw(Box::new(TensorHandle(tensor))))
    };
    // SAFETY: by contract.
    unsafe { answer(out, error, retain) }
}

/// # Safety
/// As `PREFIXtensor_view` in `tvm_plugin.h`.
pub unsafe fn tensor_view(
    tensor: *const TensorHandle,
    out: *mut abi::TensorView,
    error: *mut *mut abi::Error,
) -> i32 {
    let view = || {
        // SAFETY: by contract.
        Ok(view_of(&unsafe { tensor.as_ref() }.ok_or_else(null_tensor)?.0))
    };
    // SAFETY: by contract.
    unsafe { answer(out, error, view) }
}

/// # Safety
/// As `PREFIXtensor_free` in `tvm_plugin.h`.
pub unsafe fn tensor_free(tensor: *mut c_void) {
    // SAFETY: by contract.
    unsafe { release::<TensorHandle>(tensor, drop) }
}

/// # Safety
/// As `PREFIXmodel_open` in `tvm_plugin.h`.
pub unsafe fn model_open<M: Model>(
    library: &'static Library,
    out: *mut *mut ModelHandle,
    error: *mut *mut abi::Error,
) -> i32 {
    let open = || Ok(Box::into_raw(Box::new(Mutex::new(M::open(library)?))).cast());
    // SAFETY: by contract.
    unsafe { answer(out, error, open) }
}

/// # Safety
/// As `PREFIXmodel_call` in `tvm_plugin.h`.
pub unsafe fn model_call<M: Model>(
    model: *mut ModelHandle,
    method: Bytes,
    values: *const abi::Value,
    count: usize,
    out: *mut abi::Value,
    error: *mut *mut abi::Error,
) -> i32 {
    let call = || {
        // SAFETY: by contract; `model_open` of the same plugin made the handle for the same M.
        let model = unsafe { model.cast::<Mutex<M>>().as_ref() }
            .ok_or_else(|| Error::invalid("a null pointer to a model"))?;
        // SAFETY: by contract.
        let (method, values) = unsafe { (text(method)?, args(values, count, &NO_TENSORS)?) };
        Ok(give(lock(model)?.call(method, &values)?, &mut give_handle))
    };
    // SAFETY: by contract.
    unsafe { answer(out, error, call) }
}

/// # Safety
/// As `PREFIXmodel_close` in `tvm_plugin.h`.
pub unsafe fn model_close<M: Model>(model: *mut c_void) {
    // SAFETY: by contract.
    unsafe { release::<Mutex<M>>(model, drop) }
}

/// # Safety
/// As `PREFIXvalue_free` in `tvm_plugin.h`.
pub unsafe fn value_free(value: *mut abi::Value) {
    if value.is_null() {
        return;
    }
    // SAFETY: by contract.
    let value = unsafe { ptr::replace(value, abi::Value::NULL) };
    // SAFETY: by contract.
    let _ = catch_unwind(AssertUnwindSafe(|| unsafe { free(value) }));
}

/// # Safety
/// As `PREFIXerror_free` in `tvm_plugin.h`.
pub unsafe fn error_free(error: *mut c_void) {
    // SAFETY: by contract; both texts are those of `give_error`.
    unsafe {
        release::<abi::Error>(error, |error| {
            drop((CString::from_raw(error.message), CString::from_raw(error.mend)));
        });
    }
}
