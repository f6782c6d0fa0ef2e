// Owned by the template: `copier update` may rewrite it, do not edit.

//! The types of `tvm_plugin.h`, field by field.

use std::ffi::c_char;

use crate::session::Session;
use crate::tensor::Tensor;

/// `TVM_PLUGIN_ABI`: raised when a signature or a layout changes.
pub const ABI: u32 = 2;

pub const NULL: i32 = 0;
pub const BOOL: i32 = 1;
pub const INT: i32 = 2;
pub const FLOAT: i32 = 3;
pub const STRING: i32 = 4;
pub const BYTES: i32 = 5;
pub const TENSOR: i32 = 6;
pub const LIST: i32 = 7;
pub const TICKET: i32 = 8;

/// `tvm_plugin_bytes`: borrowed bytes or UTF-8 text, without a closing zero.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Bytes {
    pub data: *const u8,
    pub size: usize,
}

/// `tvm_plugin_error`: owned by the caller, who frees it with `error_free`.
#[repr(C)]
pub struct Error {
    pub code: i32,
    pub message: *mut c_char,
    pub mend: *mut c_char,
}

/// `tvm_plugin_tensor`: one handle to a tensor.
pub struct TensorHandle(pub(crate) Tensor);

/// `tvm_plugin_session`.
pub struct SessionHandle(pub(crate) std::sync::Mutex<Session>);

/// `tvm_plugin_model`: what it points to is known to the plugin's own functions only.
#[repr(C)]
pub struct ModelHandle {
    _opaque: [u8; 0],
}

/// `tvm_plugin_tensor_view`: where a tensor's elements lie.
#[repr(C)]
pub struct TensorView {
    pub data: *mut u8,
    pub bytes: usize,
    pub shape: *const i64,
    pub rank: usize,
    pub dtype: i32,
    pub writable: i32,
}

/// `tvm_plugin_named_tensor`.
#[repr(C)]
pub struct NamedTensor {
    pub name: Bytes,
    pub tensor: *const TensorHandle,
}

/// `tvm_plugin_result`: owns its tensors.
#[repr(C)]
pub struct Outputs {
    pub outputs: *const NamedTensor,
    pub count: usize,
}

/// `tvm_plugin_list`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct List {
    pub items: *mut Value,
    pub count: usize,
}

/// The union in `tvm_plugin_value`.
#[repr(C)]
#[derive(Clone, Copy)]
pub union Payload {
    pub integer: i64,
    pub number: f64,
    pub bytes: Bytes,
    pub tensor: *mut TensorHandle,
    pub list: List,
}

/// `tvm_plugin_value`: a tagged value.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Value {
    pub tag: i32,
    pub reserved: i32,
    pub payload: Payload,
}

impl Value {
    /// The value without content.
    pub const NULL: Self = Self { tag: NULL, reserved: 0, payload: Payload { integer: 0 } };
}
