// Owned by the template: `copier update` may rewrite it, do not edit.

//! Memory for tensors in the form that TVM takes over: DLPack, with a deleter of ours.

use std::alloc::{self, Layout};
use std::ptr;

use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::object::{Object, check};
use crate::sys;
use crate::tensor::ALIGNMENT;

/// What a tensor made here owns. TVM sees `managed` and hands it back to [`release`].
#[repr(C)]
struct Buffer {
    managed: sys::DLManagedTensorVersioned,
    shape: Vec<i64>,
    /// How `managed.dl_tensor.data` was allocated; nothing for borrowed and empty memory.
    layout: Option<Layout>,
}

/// What new memory holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    Zeros,
    /// Whatever was there: its owner writes all of it before anyone reads it.
    Undefined,
}

/// Aligned memory of `bytes` bytes.
pub(crate) fn allocate(
    dtype: DType,
    shape: &[i64],
    bytes: usize,
    content: Content,
) -> Result<*mut sys::DLManagedTensorVersioned> {
    if bytes == 0 {
        return Ok(managed(dtype, shape, ptr::without_provenance_mut(ALIGNMENT), None));
    }
    let out_of_memory = || Error::invalid(format!("no memory for a tensor of {bytes} bytes"));
    let layout = Layout::from_size_align(bytes, ALIGNMENT).map_err(|_| out_of_memory())?;
    // SAFETY: the layout's size is not zero.
    let data = unsafe {
        match content {
            Content::Zeros => alloc::alloc_zeroed(layout),
            Content::Undefined => alloc::alloc(layout),
        }
    };
    if data.is_null() {
        return Err(out_of_memory());
    }
    Ok(managed(dtype, shape, data, Some(layout)))
}

/// Memory of someone else's.
pub(crate) fn borrow(
    dtype: DType,
    shape: &[i64],
    data: *mut u8,
) -> *mut sys::DLManagedTensorVersioned {
    managed(dtype, shape, data, None)
}

fn managed(
    dtype: DType,
    shape: &[i64],
    data: *mut u8,
    layout: Option<Layout>,
) -> *mut sys::DLManagedTensorVersioned {
    let mut shape = shape.to_vec();
    let dl_tensor = sys::DLTensor {
        data: data.cast(),
        device: sys::Device { device_type: sys::DEVICE_CPU, device_id: 0 },
        ndim: shape.len() as i32,
        dtype: dtype.to_dlpack(),
        shape: shape.as_mut_ptr(),
        strides: ptr::null_mut(),
        byte_offset: 0,
    };
    let managed = sys::DLManagedTensorVersioned {
        version: sys::DLPackVersion { major: 1, minor: 0 },
        manager_ctx: ptr::null_mut(),
        deleter: Some(release),
        flags: 0,
        dl_tensor,
    };
    Box::into_raw(Box::new(Buffer { managed, shape, layout })).cast()
}

/// Frees what [`allocate`] or [`borrow`] made.
///
/// # Safety
/// `managed` comes from one of them and is used no more.
pub(crate) unsafe extern "C" fn release(managed: *mut sys::DLManagedTensorVersioned) {
    // SAFETY: `managed` is the first field of a boxed Buffer.
    let buffer = unsafe { Box::from_raw(managed.cast::<Buffer>()) };
    debug_assert_eq!(buffer.shape.len(), buffer.managed.dl_tensor.ndim as usize);
    if let Some(layout) = buffer.layout {
        // SAFETY: allocated with this layout and freed once.
        unsafe { alloc::dealloc(buffer.managed.dl_tensor.data.cast(), layout) };
    }
}

/// Hands a buffer over to TVM as a tensor object, or frees it if TVM does not take it.
///
/// # Safety
/// `managed` comes from [`allocate`] or [`borrow`] and its memory is valid as long as the object lives.
pub(crate) unsafe fn adopt(managed: *mut sys::DLManagedTensorVersioned) -> Result<Object> {
    let mut handle = ptr::null_mut();
    // SAFETY: by contract. On success TVM owns `managed` and calls its deleter at the end.
    let code = unsafe { sys::TVMFFITensorFromDLPackVersioned(managed, 0, 1, &mut handle) };
    if let Err(error) = check(code) {
        // SAFETY: TVM refused it, so it is still ours.
        unsafe { release(managed) };
        return Err(error);
    }
    // SAFETY: a successful call hands out one strong reference.
    unsafe { Object::from_owned(handle) }.ok_or_else(|| Error::invalid("TVM made no tensor"))
}

/// Size in bytes of a tensor; an error for shapes that no tensor can have.
pub(crate) fn byte_length(dtype: DType, shape: &[i64]) -> Result<usize> {
    let refuse = |why: &str| Error::Shape {
        tensor: "tensor".into(),
        want: "of sizes that memory can hold".into(),
        got: shape.to_vec(),
        why: why.into(),
    };
    if shape.iter().any(|&extent| extent < 0) {
        return Err(refuse("a dimension is negative"));
    }
    shape
        .iter()
        .try_fold(dtype.size() as i64, |bytes, &extent| bytes.checked_mul(extent))
        .and_then(|bytes| isize::try_from(bytes).ok())
        .map(|bytes| bytes as usize)
        .ok_or_else(|| refuse("it is too large"))
}

pub(crate) fn wrong_count(shape: &[i64], count: usize) -> Error {
    Error::Shape {
        tensor: "tensor".into(),
        want: format!("of {count} elements"),
        got: shape.to_vec(),
        why: format!("{count} values were given"),
    }
}
