//! Prints sizes, offsets and constants of the C interface as Rust has them, one `C expression = n` a line.

use std::mem::{offset_of, size_of};

use tvm_runtime_flutter::DType;
use tvm_runtime_flutter::plugin::abi;

macro_rules! layout {
    ($($c:literal: $rust:ty { $($c_field:literal: $field:ident),* })*) => {$(
        println!("sizeof({}) = {}", $c, size_of::<$rust>());
        $(println!("offsetof({}, {}) = {}", $c, $c_field, offset_of!($rust, $field));)*
    )*};
}

fn main() {
    layout! {
        "tvm_plugin_bytes": abi::Bytes { "data": data, "size": size }
        "tvm_plugin_error": abi::Error { "code": code, "message": message, "mend": mend }
        "tvm_plugin_tensor_view": abi::TensorView {
            "data": data, "bytes": bytes, "shape": shape, "rank": rank, "dtype": dtype,
            "writable": writable
        }
        "tvm_plugin_named_tensor": abi::NamedTensor { "name": name, "tensor": tensor }
        "tvm_plugin_result": abi::Outputs { "outputs": outputs, "count": count }
        "tvm_plugin_list": abi::List { "items": items, "count": count }
        "tvm_plugin_value": abi::Value { "tag": tag, "reserved": reserved, "as": payload }
    }
    println!("TVM_PLUGIN_ABI = {}", abi::ABI);
    for &dtype in DType::ALL {
        println!("TVM_PLUGIN_{} = {}", dtype.name().to_uppercase(), dtype as i32);
    }
    let tags = [
        ("NULL", abi::NULL),
        ("BOOL", abi::BOOL),
        ("INT", abi::INT),
        ("FLOAT", abi::FLOAT),
        ("STRING", abi::STRING),
        ("BYTES", abi::BYTES),
        ("TENSOR", abi::TENSOR),
        ("LIST", abi::LIST),
        ("TICKET", abi::TICKET),
    ];
    for (name, tag) in tags {
        println!("TVM_PLUGIN_TAG_{name} = {tag}");
    }
}
