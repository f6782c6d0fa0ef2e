// Owned by the template: `copier update` may rewrite it, do not edit.

//! Tensors: aligned memory that both this crate and TVM can own.

use std::fmt;

use crate::buffer::{self, Content, adopt, byte_length, wrong_count};
use crate::dtype::{DType, Element};
use crate::error::{Error, Result};
use crate::object::Object;
use crate::sys;

/// Alignment in bytes that compiled functions rely on.
pub const ALIGNMENT: usize = 64;

/// A dense tensor in the memory of the CPU, row-major, counted by reference.
///
/// A tensor made here is filled in place and handed to [`Session::run`](crate::Session::run)
/// without a copy; a tensor that a session returns is TVM's own memory, borrowed without a copy,
/// and can be an input of the next call. [`Clone`] makes another handle to the same memory.
///
/// ```
/// use tvm_runtime_flutter::Tensor;
///
/// let mut frame = Tensor::zeros::<f32>(&[1, 4])?;
/// frame.as_mut_slice::<f32>()?[2] = 0.5;
/// assert_eq!(frame.as_slice::<f32>()?, [0.0, 0.0, 0.5, 0.0]);
/// assert_eq!(frame.shape(), [1, 4]);
/// # Ok::<(), tvm_runtime_flutter::Error>(())
/// ```
///
/// # Threads
/// A tensor is `Send` and `Sync`: its memory is only written through
/// [`as_mut_slice`](Tensor::as_mut_slice), which demands the only handle there is. Compiled
/// functions never write to their inputs; a Relax module that does so on purpose
/// (`call_tir_inplace` on a parameter) must not be used with shared tensors.
#[derive(Clone)]
pub struct Tensor {
    object: Object,
    /// Whether the memory was allocated here, and so may be written by its only owner.
    own: bool,
}

impl Tensor {
    /// A new tensor, all zeros, on a 64-byte boundary.
    ///
    /// # Errors
    /// [`Error::Shape`] for a negative dimension or a size that does not fit the address space.
    pub fn zeros<T: Element>(shape: &[i64]) -> Result<Self> {
        Self::zeros_of(T::DTYPE, shape)
    }

    /// As [`zeros`](Tensor::zeros), with the element type known at run time only.
    ///
    /// # Errors
    /// As [`zeros`](Tensor::zeros).
    pub fn zeros_of(dtype: DType, shape: &[i64]) -> Result<Self> {
        Self::new(dtype, shape, Content::Zeros)
    }

    /// A new tensor, whose elements are what the memory happens to hold.
    ///
    /// # Errors
    /// As [`zeros`](Tensor::zeros).
    ///
    /// # Safety
    /// All elements are written before one is read.
    pub(crate) unsafe fn undefined(dtype: DType, shape: &[i64]) -> Result<Self> {
        Self::new(dtype, shape, Content::Undefined)
    }

    fn new(dtype: DType, shape: &[i64], content: Content) -> Result<Self> {
        let bytes = byte_length(dtype, shape)?;
        let managed = buffer::allocate(dtype, shape, bytes, content)?;
        // SAFETY: `managed` is valid and owns its memory and shape until its deleter runs.
        Ok(Self { object: unsafe { adopt(managed) }?, own: true })
    }

    /// A new tensor with a copy of `values`.
    ///
    /// # Errors
    /// [`Error::Shape`] if `shape` does not have as many elements as `values`.
    pub fn from_slice<T: Element>(shape: &[i64], values: &[T]) -> Result<Self> {
        let mut tensor = Self::zeros::<T>(shape)?;
        let target = tensor.as_mut_slice::<T>()?;
        if target.len() != values.len() {
            return Err(wrong_count(shape, values.len()));
        }
        target.copy_from_slice(values);
        Ok(tensor)
    }

    /// A tensor over memory of the caller's.
    ///
    /// # Safety
    /// The memory stays valid and unchanged while any handle of this tensor may read it.
    pub(crate) unsafe fn over<T: Element>(shape: &[i64], values: &[T]) -> Result<Self> {
        let managed = buffer::borrow(T::DTYPE, shape, values.as_ptr().cast_mut().cast());
        // SAFETY: by contract for the memory; the shape is owned by `managed`.
        Ok(Self { object: unsafe { adopt(managed) }?, own: false })
    }

    /// Takes a tensor object of TVM's, after checking that it is what this type promises.
    pub(crate) fn from_object(object: Object) -> Result<Self> {
        if object.type_index() != sys::TENSOR {
            return Err(Error::metadata("the component returned something that is not a tensor"));
        }
        let tensor = Self { object, own: false };
        let view = tensor.view();
        if view.device.device_type != sys::DEVICE_CPU {
            return Err(Error::metadata(
                "the component returned a tensor outside the CPU's memory",
            ));
        }
        let dtype = DType::from_dlpack(view.dtype).ok_or_else(|| {
            Error::metadata(format!("the component returned elements of type {:?}", view.dtype))
        })?;
        if !tensor.is_compact() || tensor.data().addr() % dtype.size() != 0 {
            return Err(Error::metadata("the component returned a tensor that is not dense"));
        }
        Ok(tensor)
    }

    /// The type of the elements.
    #[must_use]
    pub fn dtype(&self) -> DType {
        DType::from_dlpack(self.view().dtype).expect("checked when the tensor was made")
    }

    /// The dimensions.
    #[must_use]
    pub fn shape(&self) -> &[i64] {
        let view = self.view();
        // SAFETY: a tensor's shape holds `ndim` entries and lives as long as the tensor.
        unsafe { slice(view.shape, view.ndim as usize) }
    }

    /// The number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shape().iter().product::<i64>() as usize
    }

    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements.
    ///
    /// # Errors
    /// [`Error::Dtype`] if they are not of type `T`.
    pub fn as_slice<T: Element>(&self) -> Result<&[T]> {
        self.expect_type::<T>()?;
        // SAFETY: the tensor is dense, of type T, aligned for it, and nobody writes to it while
        // it is borrowed: see `as_mut_slice`.
        Ok(unsafe { slice(self.data().cast(), self.len()) })
    }

    /// The elements, to be written in place.
    ///
    /// # Errors
    /// [`Error::Dtype`] if they are not of type `T`; [`Error::NotWritable`] if the memory is TVM's
    /// or another handle shares it, which includes a session's result that is a view of it.
    pub fn as_mut_slice<T: Element>(&mut self) -> Result<&mut [T]> {
        self.expect_type::<T>()?;
        let length = self.len();
        let data = self.writable()?.cast();
        // SAFETY: as for `as_slice`, and `writable` saw that this handle is the only one.
        Ok(unsafe { slice_mut(data, length) })
    }

    /// The elements as bytes, in the machine's byte order.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        // SAFETY: dense memory of `byte_len` initialised bytes, not written while borrowed.
        unsafe { slice(self.data(), self.byte_len()) }
    }

    /// The elements as bytes, to be written in place.
    ///
    /// # Errors
    /// [`Error::NotWritable`] as for [`as_mut_slice`](Tensor::as_mut_slice).
    pub fn as_bytes_mut(&mut self) -> Result<&mut [u8]> {
        let length = self.byte_len();
        let data = self.writable()?;
        // SAFETY: as for `as_mut_slice`; every bit pattern is valid for every element type but
        // `bool`, which is never read as a Rust `bool`.
        Ok(unsafe { slice_mut(data, length) })
    }

    /// A new tensor with a copy of the elements, which this crate owns and so can write.
    ///
    /// # Errors
    /// None in practice: the shape is known to be good.
    pub fn deep_copy(&self) -> Result<Self> {
        let mut copy = Self::zeros_of(self.dtype(), self.shape())?;
        copy.as_bytes_mut()?.copy_from_slice(self.as_bytes());
        Ok(copy)
    }

    /// Whether [`as_mut_slice`](Tensor::as_mut_slice) would let one write.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.own && self.object.is_unique()
    }

    pub(crate) fn byte_len(&self) -> usize {
        self.len() * self.dtype().size()
    }

    pub(crate) fn data(&self) -> *mut u8 {
        let view = self.view();
        view.data.cast::<u8>().wrapping_add(view.byte_offset as usize)
    }

    /// Whether compiled functions can take it as it is.
    pub(crate) fn is_aligned(&self) -> bool {
        let view = self.view();
        view.byte_offset == 0 && view.data.addr() % ALIGNMENT == 0
    }

    pub(crate) fn object(&self) -> &Object {
        &self.object
    }

    fn view(&self) -> &sys::DLTensor {
        // SAFETY: a tensor object is its header followed by a DLTensor.
        unsafe { self.object.body() }
    }

    fn writable(&mut self) -> Result<*mut u8> {
        if self.is_writable() { Ok(self.data()) } else { Err(Error::NotWritable) }
    }

    fn expect_type<T: Element>(&self) -> Result<()> {
        let got = self.dtype();
        if got == T::DTYPE || (got == DType::Bool && T::DTYPE == DType::UInt8) {
            return Ok(());
        }
        Err(Error::Dtype {
            tensor: "tensor".into(),
            want: T::DTYPE.to_string(),
            got: got.to_string(),
        })
    }

    fn is_compact(&self) -> bool {
        let view = self.view();
        if view.strides.is_null() {
            return true;
        }
        // SAFETY: strides, where there are any, are as many as dimensions.
        let strides: &[i64] = unsafe { slice(view.strides, view.ndim as usize) };
        let mut expected = 1;
        self.is_empty()
            || self.shape().iter().zip(strides).rev().all(|(&extent, &stride)| {
                let fits = extent == 1 || stride == expected;
                expected *= extent;
                fits
            })
    }
}

impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tensor({}, {:?})", self.dtype(), self.shape())
    }
}

/// As `slice::from_raw_parts`, but an empty one may have any pointer, as C code likes it.
///
/// # Safety
/// As `slice::from_raw_parts` for `length` > 0.
pub(crate) unsafe fn slice<'a, T>(data: *const T, length: usize) -> &'a [T] {
    if length == 0 {
        return &[];
    }
    // SAFETY: by contract.
    unsafe { std::slice::from_raw_parts(data, length) }
}

/// # Safety
/// As [`slice`], and nobody else reads or writes the memory.
unsafe fn slice_mut<'a, T>(data: *mut T, length: usize) -> &'a mut [T] {
    if length == 0 {
        return &mut [];
    }
    // SAFETY: by contract.
    unsafe { std::slice::from_raw_parts_mut(data, length) }
}
