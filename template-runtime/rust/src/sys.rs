// Owned by the template: `copier update` may rewrite it, do not edit.

//! The part of TVM-FFI's stable C interface (`tvm/ffi/c_api.h`, `dlpack/dlpack.h`) used here.
//!
//! Names are those of the headers without their `TVMFFI` prefix; nothing in it is safe to call.

use std::ffi::{c_char, c_int, c_void};

/// `TVMFFIObjectHandle`.
pub type Handle = *mut c_void;
/// `TVMFFISafeCallType`.
pub type SafeCall = unsafe extern "C" fn(Handle, *const Any, i32, *mut Any) -> c_int;

/// The C interface this crate was written against: what `TVMFFIGetVersion` must be compatible with.
pub const C_API: Version = Version { major: 0, minor: 1, patch: 16 };

pub const NONE: i32 = 0;
pub const INT: i32 = 1;
pub const BOOL: i32 = 2;
pub const RAW_STR: i32 = 8;
pub const SMALL_STR: i32 = 11;
pub const STATIC_OBJECT_BEGIN: i32 = 64;
pub const STR: i32 = 65;
pub const FUNCTION: i32 = 68;
pub const TENSOR: i32 = 70;
pub const ARRAY: i32 = 71;
pub const MODULE: i32 = 73;

pub const DEVICE_CPU: i32 = 1;
/// Value of `combined_ref_count` when one strong reference is all there is.
pub const UNIQUE: u64 = 1 << 32 | 1;

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Version {
    pub major: u32,
    pub minor: u32,
    pub patch: u32,
}

#[repr(C)]
pub struct Object {
    pub combined_ref_count: u64,
    pub type_index: i32,
    pub padding: u32,
    pub deleter: Option<unsafe extern "C" fn(Handle, c_int)>,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Any {
    pub type_index: i32,
    /// Length of a small string, zero otherwise.
    pub small_len: u32,
    pub value: AnyValue,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub union AnyValue {
    pub int: i64,
    pub pointer: *mut c_void,
    pub text: *const c_char,
    pub object: *mut Object,
    pub bytes: [u8; 8],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ByteArray {
    pub data: *const u8,
    pub size: usize,
}

#[repr(C)]
pub struct ErrorCell {
    pub kind: ByteArray,
    pub message: ByteArray,
    pub backtrace: ByteArray,
    pub update_backtrace: Option<unsafe extern "C" fn(Handle, *const ByteArray, i32)>,
    pub cause_chain: Handle,
    pub extra_context: Handle,
}

#[repr(C)]
pub struct SeqCell {
    pub data: *mut Any,
    pub size: i64,
    pub capacity: i64,
    pub data_deleter: Option<unsafe extern "C" fn(*mut c_void)>,
}

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataType {
    pub code: u8,
    pub bits: u8,
    pub lanes: u16,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Device {
    pub device_type: i32,
    pub device_id: i32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct DLTensor {
    pub data: *mut c_void,
    pub device: Device,
    pub ndim: i32,
    pub dtype: DataType,
    pub shape: *mut i64,
    pub strides: *mut i64,
    pub byte_offset: u64,
}

#[repr(C)]
pub struct DLPackVersion {
    pub major: u32,
    pub minor: u32,
}

#[repr(C)]
pub struct DLManagedTensorVersioned {
    pub version: DLPackVersion,
    pub manager_ctx: *mut c_void,
    pub deleter: Option<unsafe extern "C" fn(*mut DLManagedTensorVersioned)>,
    pub flags: u64,
    pub dl_tensor: DLTensor,
}

unsafe extern "C" {
    pub fn TVMFFIGetVersion(out: *mut Version);
    pub fn TVMFFIObjectIncRef(object: Handle) -> c_int;
    pub fn TVMFFIObjectDecRef(object: Handle) -> c_int;
    pub fn TVMFFIFunctionCreate(
        context: *mut c_void,
        call: SafeCall,
        deleter: Option<unsafe extern "C" fn(*mut c_void)>,
        out: *mut Handle,
    ) -> c_int;
    pub fn TVMFFIFunctionGetGlobal(name: *const ByteArray, out: *mut Handle) -> c_int;
    pub fn TVMFFIFunctionSetGlobal(
        name: *const ByteArray,
        f: Handle,
        allow_override: c_int,
    ) -> c_int;
    pub fn TVMFFIFunctionCall(f: Handle, args: *mut Any, count: i32, result: *mut Any) -> c_int;
    pub fn TVMFFIErrorMoveFromRaised(out: *mut Handle);
    pub fn TVMFFIErrorSetRaisedFromCStr(kind: *const c_char, message: *const c_char);
    pub fn TVMFFITensorFromDLPackVersioned(
        from: *mut DLManagedTensorVersioned,
        require_alignment: i32,
        require_contiguous: i32,
        out: *mut Handle,
    ) -> c_int;
    pub fn TVMFFIStringFromByteArray(input: *const ByteArray, out: *mut Any) -> c_int;

    /// Lives in `libtvm_runtime`; see [`KEEP_RUNTIME`].
    fn TVMBackendParallelLaunch() -> c_int;
}

/// Makes `libtvm_runtime` a needed library: nothing here calls into it by name, but its
/// constructors register the virtual machine, and linkers drop libraries that nothing refers to.
#[used]
static KEEP_RUNTIME: unsafe extern "C" fn() -> c_int = TVMBackendParallelLaunch;

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::{align_of, offset_of, size_of};

    /// Sizes and offsets as `sizeof` and `offsetof` give them for the headers on 64-bit targets.
    #[test]
    fn layouts_are_those_of_the_headers() {
        assert_eq!((size_of::<Object>(), offset_of!(Object, type_index)), (24, 8));
        assert_eq!(offset_of!(Object, deleter), 16);
        assert_eq!((size_of::<Any>(), align_of::<Any>(), offset_of!(Any, value)), (16, 8, 8));
        assert_eq!((size_of::<ByteArray>(), offset_of!(ByteArray, size)), (16, 8));
        assert_eq!((size_of::<ErrorCell>(), offset_of!(ErrorCell, message)), (72, 16));
        assert_eq!((size_of::<SeqCell>(), offset_of!(SeqCell, size)), (32, 8));
        assert_eq!((size_of::<DataType>(), size_of::<Device>()), (4, 8));
        assert_eq!((size_of::<DLTensor>(), offset_of!(DLTensor, ndim)), (48, 16));
        assert_eq!((offset_of!(DLTensor, dtype), offset_of!(DLTensor, shape)), (20, 24));
        assert_eq!(offset_of!(DLTensor, byte_offset), 40);
        assert_eq!(size_of::<DLManagedTensorVersioned>(), 80);
        assert_eq!(offset_of!(DLManagedTensorVersioned, dl_tensor), 32);
    }
}
