/* What src/sys.rs of the runtime crate relies on, checked against the headers of the pinned wheel. */

#include <stddef.h>
#include <tvm/ffi/c_api.h>

#define SAME(expression, number) _Static_assert((expression) == (number), #expression)

SAME(sizeof(TVMFFIObject), 24);
SAME(offsetof(TVMFFIObject, type_index), 8);
SAME(offsetof(TVMFFIObject, deleter), 16);
SAME(sizeof(TVMFFIAny), 16);
SAME(_Alignof(TVMFFIAny), 8);
SAME(offsetof(TVMFFIAny, v_int64), 8);
SAME(sizeof(TVMFFIByteArray), 16);
SAME(offsetof(TVMFFIByteArray, size), 8);
SAME(sizeof(TVMFFIErrorCell), 72);
SAME(offsetof(TVMFFIErrorCell, message), 16);
SAME(sizeof(TVMFFISeqCell), 32);
SAME(offsetof(TVMFFISeqCell, size), 8);
SAME(sizeof(DLDataType), 4);
SAME(sizeof(DLDevice), 8);
SAME(sizeof(DLTensor), 48);
SAME(offsetof(DLTensor, ndim), 16);
SAME(offsetof(DLTensor, dtype), 20);
SAME(offsetof(DLTensor, shape), 24);
SAME(offsetof(DLTensor, byte_offset), 40);
SAME(sizeof(DLManagedTensorVersioned), 80);
SAME(offsetof(DLManagedTensorVersioned, dl_tensor), 32);

SAME(kTVMFFINone, 0);
SAME(kTVMFFIInt, 1);
SAME(kTVMFFIBool, 2);
SAME(kTVMFFIRawStr, 8);
SAME(kTVMFFISmallStr, 11);
SAME(kTVMFFIStaticObjectBegin, 64);
SAME(kTVMFFIStr, 65);
SAME(kTVMFFIFunction, 68);
SAME(kTVMFFITensor, 70);
SAME(kTVMFFIArray, 71);
SAME(kTVMFFIModule, 73);
SAME(kDLCPU, 1);
SAME(kDLInt, 0);
SAME(kDLUInt, 1);
SAME(kDLFloat, 2);
SAME(kDLBfloat, 4);
SAME(kDLBool, 6);

SAME(TVM_FFI_VERSION_MAJOR, 0);
SAME(TVM_FFI_VERSION_MINOR, 1);
_Static_assert(TVM_FFI_VERSION_PATCH >= 16, "sys::C_API");
