// Owned by the template: `copier update` may rewrite it, do not edit.

//! Values, texts and errors on their way across the C interface.

use std::collections::BTreeMap;
use std::ffi::CString;

use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::plugin::abi;
use crate::plugin::value::{Arg, Value};
use crate::tensor::{Tensor, slice};

/// How deep lists may nest: enough for any sensible value, and no danger to the stack.
const DEPTH: usize = 32;

/// The tensors of a call's tickets.
pub(crate) type Tensors = BTreeMap<usize, Tensor>;

/// # Safety
/// `bytes` points to `size` bytes that outlive `'a`, or is null with size 0.
pub(crate) unsafe fn bytes<'a>(bytes: abi::Bytes) -> Result<&'a [u8]> {
    if bytes.data.is_null() && bytes.size > 0 {
        return Err(Error::invalid("a null pointer to bytes"));
    }
    // SAFETY: by contract.
    Ok(unsafe { slice(bytes.data, bytes.size) })
}

/// # Safety
/// As [`bytes`].
pub(crate) unsafe fn text<'a>(text: abi::Bytes) -> Result<&'a str> {
    // SAFETY: by contract.
    std::str::from_utf8(unsafe { bytes(text) }?).map_err(|_| Error::invalid("text must be UTF-8"))
}

/// `count` values as arguments, with the tensors of the tickets among them.
///
/// # Safety
/// `values` points to `count` valid values, which outlive `'a` with all they point to.
pub(crate) unsafe fn args<'a>(
    values: *const abi::Value,
    count: usize,
    tensors: &'a Tensors,
) -> Result<Vec<Arg<'a>>> {
    // SAFETY: by contract.
    unsafe { list(values, count, tensors, DEPTH) }
}

/// # Safety
/// As [`args`].
unsafe fn list<'a>(
    values: *const abi::Value,
    count: usize,
    tensors: &'a Tensors,
    depth: usize,
) -> Result<Vec<Arg<'a>>> {
    // SAFETY: by contract.
    let values = unsafe { values_of(values, count, depth) }?;
    // SAFETY: by contract.
    values.iter().map(|value| unsafe { arg(value, tensors, depth) }).collect()
}

/// # Safety
/// As [`args`].
unsafe fn values_of<'a>(
    values: *const abi::Value,
    count: usize,
    depth: usize,
) -> Result<&'a [abi::Value]> {
    if values.is_null() && count > 0 {
        return Err(Error::invalid("a null pointer to values"));
    }
    if depth == 0 {
        return Err(Error::invalid(format!("lists are nested more than {DEPTH} deep")));
    }
    // SAFETY: by contract.
    Ok(unsafe { slice(values, count) })
}

/// # Safety
/// As [`args`].
unsafe fn arg<'a>(value: &abi::Value, tensors: &'a Tensors, depth: usize) -> Result<Arg<'a>> {
    let payload = value.payload;
    // SAFETY: each arm reads the field that its tag says is live.
    unsafe {
        Ok(match value.tag {
            abi::NULL => Arg::Null,
            abi::BOOL => Arg::Bool(payload.integer != 0),
            abi::INT => Arg::Int(payload.integer),
            abi::FLOAT => Arg::Float(payload.number),
            abi::STRING => Arg::String(text(payload.bytes)?),
            abi::BYTES => Arg::Bytes(bytes(payload.bytes)?),
            abi::TENSOR => Arg::Tensor(
                payload.tensor.as_ref().map(|handle| &handle.0).ok_or_else(null_tensor)?,
            ),
            abi::LIST => {
                Arg::List(list(payload.list.items, payload.list.count, tensors, depth - 1)?)
            }
            abi::TICKET => {
                let tensor = tensors.get(&(payload.integer as usize));
                Arg::Tensor(tensor.ok_or_else(|| Error::invalid("a ticket without a mailbox"))?)
            }
            tag => return Err(Error::invalid(format!("{tag} is not the tag of a value"))),
        })
    }
}

/// The tickets among `count` values.
///
/// # Safety
/// As [`args`].
pub(crate) unsafe fn tickets(values: *const abi::Value, count: usize) -> Result<Vec<usize>> {
    let mut found = Vec::new();
    // SAFETY: by contract.
    unsafe { collect_tickets(values, count, DEPTH, &mut found) }?;
    Ok(found)
}

/// # Safety
/// As [`args`].
unsafe fn collect_tickets(
    values: *const abi::Value,
    count: usize,
    depth: usize,
    found: &mut Vec<usize>,
) -> Result<()> {
    // SAFETY: by contract.
    for value in unsafe { values_of(values, count, depth) }? {
        match value.tag {
            // SAFETY: the tag says which field is live.
            abi::TICKET => found.push(unsafe { value.payload.integer } as usize),
            abi::LIST => {
                // SAFETY: as above.
                let abi::List { items, count } = unsafe { value.payload.list };
                // SAFETY: by contract.
                unsafe { collect_tickets(items, count, depth - 1, found) }?;
            }
            _ => {}
        }
    }
    Ok(())
}

pub(crate) fn null_tensor() -> Error {
    Error::invalid("a null pointer to a tensor")
}

/// Hands a value over to the caller, who frees it with [`free`]; `tensor` hands over each tensor.
pub(crate) fn give(
    value: Value,
    tensor: &mut dyn FnMut(Tensor) -> (i32, abi::Payload),
) -> abi::Value {
    let (tag, payload) = match value {
        Value::Null => return abi::Value::NULL,
        Value::Bool(value) => (abi::BOOL, abi::Payload { integer: value.into() }),
        Value::Int(value) => (abi::INT, abi::Payload { integer: value }),
        Value::Float(value) => (abi::FLOAT, abi::Payload { number: value }),
        Value::String(value) => (abi::STRING, give_bytes(value.into_bytes())),
        Value::Bytes(value) => (abi::BYTES, give_bytes(value)),
        Value::Tensor(value) => tensor(value),
        Value::List(values) => {
            let items: Box<[abi::Value]> =
                values.into_iter().map(|value| give(value, tensor)).collect();
            let count = items.len();
            let items = Box::into_raw(items).cast();
            (abi::LIST, abi::Payload { list: abi::List { items, count } })
        }
    };
    abi::Value { tag, reserved: 0, payload }
}

/// Hands over a tensor as a handle of the caller's own.
pub(crate) fn give_handle(tensor: Tensor) -> (i32, abi::Payload) {
    let tensor = Box::into_raw(Box::new(abi::TensorHandle(tensor)));
    (abi::TENSOR, abi::Payload { tensor })
}

fn give_bytes(bytes: Vec<u8>) -> abi::Payload {
    let bytes = bytes.into_boxed_slice();
    let size = bytes.len();
    abi::Payload { bytes: abi::Bytes { data: Box::into_raw(bytes).cast(), size } }
}

/// Frees what [`give`] handed over.
///
/// # Safety
/// `value` comes from [`give`] and is used no more.
pub(crate) unsafe fn free(value: abi::Value) {
    // SAFETY: each arm takes back the box that `give` made for the tag.
    unsafe {
        match value.tag {
            abi::STRING | abi::BYTES => {
                let abi::Bytes { data, size } = value.payload.bytes;
                drop(Box::from_raw(std::ptr::slice_from_raw_parts_mut(data.cast_mut(), size)));
            }
            abi::TENSOR => drop(Box::from_raw(value.payload.tensor)),
            abi::LIST => {
                let abi::List { items, count } = value.payload.list;
                let items = Box::from_raw(std::ptr::slice_from_raw_parts_mut(items, count));
                items.iter().for_each(|item| free(*item));
            }
            _ => {}
        }
    }
}

/// Element type and shape, as a caller passes them.
///
/// # Safety
/// `shape` points to `rank` extents, which outlive `'a`.
pub(crate) unsafe fn layout<'a>(
    dtype: i32,
    shape: *const i64,
    rank: usize,
) -> Result<(DType, &'a [i64])> {
    let dtype = DType::from_number(dtype)
        .ok_or_else(|| Error::invalid(format!("{dtype} is not the number of a dtype")))?;
    if shape.is_null() && rank > 0 {
        return Err(Error::invalid("a null pointer to a shape"));
    }
    // SAFETY: by contract.
    Ok((dtype, unsafe { slice(shape, rank) }))
}

pub(crate) fn view_of(tensor: &Tensor) -> abi::TensorView {
    abi::TensorView {
        data: tensor.data(),
        bytes: tensor.byte_len(),
        shape: tensor.shape().as_ptr(),
        rank: tensor.shape().len(),
        dtype: tensor.dtype() as i32,
        writable: tensor.is_writable().into(),
    }
}

pub(crate) fn give_error(error: &Error) -> *mut abi::Error {
    let text = |text: String| {
        let text = CString::new(text.replace('\0', " ")).expect("zero bytes were replaced");
        text.into_raw()
    };
    Box::into_raw(Box::new(abi::Error {
        code: error.code(),
        message: text(error.to_string()),
        mend: text(error.mend()),
    }))
}
