//! A plugin's library, opened as an app opens it: by its file, through `tvm_plugin.h`.
//!
//! Only what the demo calls is declared here; the header in the runtime plugin has it all.

use std::ffi::{CStr, c_char, c_void};
use std::fmt;
use std::path::Path;
use std::ptr;

use libloading::Library;

/// The version of `tvm_plugin.h` that this file follows.
const ABI: u32 = 2;
const FLOAT32: i32 = 12;

const INT: i32 = 2;
const STRING: i32 = 4;
const TENSOR: i32 = 6;
const LIST: i32 = 7;

#[repr(C)]
#[derive(Clone, Copy)]
struct Bytes {
    data: *const u8,
    size: usize,
}

impl Bytes {
    fn borrow(text: &str) -> Self {
        Self { data: text.as_ptr(), size: text.len() }
    }

    unsafe fn text(self) -> String {
        // SAFETY: a plugin hands out `size` bytes that live until the value is freed.
        let bytes = unsafe { std::slice::from_raw_parts(self.data, self.size) };
        String::from_utf8_lossy(bytes).into_owned()
    }
}

#[repr(C)]
struct PluginError {
    code: i32,
    message: *const c_char,
    mend: *const c_char,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct List {
    items: *const RawValue,
    count: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
union Payload {
    integer: i64,
    bytes: Bytes,
    tensor: *mut c_void,
    list: List,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct RawValue {
    tag: i32,
    reserved: i32,
    payload: Payload,
}

#[repr(C)]
struct TensorView {
    data: *mut u8,
    bytes: usize,
    shape: *const i64,
    rank: usize,
    dtype: i32,
    writable: i32,
}

type Out<T> = *mut T;
type Failure = *mut *mut PluginError;

/// What a plugin's model returns, as far as the demo needs it.
#[derive(Debug)]
pub enum Value {
    Int(i64),
    Text(String),
    List(Vec<Value>),
    Other,
}

impl Value {
    unsafe fn read(raw: &RawValue) -> Self {
        // SAFETY: the tag says which field is live.
        unsafe {
            match raw.tag {
                INT => Self::Int(raw.payload.integer),
                STRING => Self::Text(raw.payload.bytes.text()),
                LIST if raw.payload.list.count > 0 => {
                    let List { items, count } = raw.payload.list;
                    let items = std::slice::from_raw_parts(items, count);
                    Self::List(items.iter().map(|item| Self::read(item)).collect())
                }
                LIST => Self::List(Vec::new()),
                _ => Self::Other,
            }
        }
    }
}

/// An error that a plugin reported, with what mends it.
#[derive(Debug)]
pub struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl From<libloading::Error> for Error {
    fn from(error: libloading::Error) -> Self {
        Self(error.to_string())
    }
}

/// One opened plugin and its model.
pub struct Plugin {
    library: Library,
    prefix: &'static str,
    model: *mut c_void,
}

impl Plugin {
    /// Opens the library at `path`, whose functions carry `prefix`, and its model.
    pub fn open(path: &Path, prefix: &'static str) -> Result<Self, Error> {
        // SAFETY: the library's constructors register its functions with the runtime; that is
        // what loading it is for.
        let library = unsafe { Library::new(path) }?;
        let mut plugin = Self { library, prefix, model: ptr::null_mut() };
        let version = plugin.function::<unsafe extern "C" fn() -> u32>("abi_version")?;
        // SAFETY: as the header declares it.
        let found = unsafe { version() };
        if found != ABI {
            return Err(Error(format!("{} speaks ABI {found}, this host {ABI}", path.display())));
        }
        let open = plugin
            .function::<unsafe extern "C" fn(Out<*mut c_void>, Failure) -> i32>("model_open")?;
        // SAFETY: as the header declares it.
        plugin.model = plugin.answer(|out, failure| unsafe { open(out, failure) })?;
        Ok(plugin)
    }

    /// Calls a method with a text.
    pub fn call_with_text(&self, method: &str, text: &str) -> Result<Value, Error> {
        let payload = Payload { bytes: Bytes::borrow(text) };
        self.call(method, RawValue { tag: STRING, reserved: 0, payload })
    }

    /// Calls a method with samples, as a tensor of one dimension.
    pub fn call_with_samples(&self, method: &str, samples: &[f32]) -> Result<Value, Error> {
        let tensor = self.tensor(samples)?;
        let value = RawValue { tag: TENSOR, reserved: 0, payload: Payload { tensor } };
        let result = self.call(method, value);
        let free = self.function::<unsafe extern "C" fn(*mut c_void)>("tensor_free")?;
        // SAFETY: the call is over, and nobody else holds the handle.
        unsafe { free(tensor) };
        result
    }

    /// What the runtime says of itself: its version, its file, and who owns which prefix (JSON).
    pub fn runtime(&self) -> Result<Value, Error> {
        let runtime =
            self.function::<unsafe extern "C" fn(Out<RawValue>, Failure) -> i32>("runtime")?;
        // SAFETY: as the header declares it.
        self.take(self.answer(|out, failure| unsafe { runtime(out, failure) })?)
    }

    fn call(&self, method: &str, argument: RawValue) -> Result<Value, Error> {
        type Call = unsafe extern "C" fn(
            *mut c_void,
            Bytes,
            *const RawValue,
            usize,
            Out<RawValue>,
            Failure,
        ) -> i32;
        let call = self.function::<Call>("model_call")?;
        let method = Bytes::borrow(method);
        // SAFETY: as the header declares it; the argument outlives the call.
        let raw = self.answer(|out, failure| unsafe {
            call(self.model, method, &argument, 1, out, failure)
        })?;
        self.take(raw)
    }

    fn tensor(&self, samples: &[f32]) -> Result<*mut c_void, Error> {
        type New = unsafe extern "C" fn(i32, *const i64, usize, Out<*mut c_void>, Failure) -> i32;
        type View = unsafe extern "C" fn(*const c_void, Out<TensorView>, Failure) -> i32;
        let new = self.function::<New>("tensor_new")?;
        let view = self.function::<View>("tensor_view")?;
        let shape = [samples.len() as i64];
        // SAFETY: as the header declares them; a new tensor is writable and holds the samples.
        unsafe {
            let tensor =
                self.answer(|out, failure| new(FLOAT32, shape.as_ptr(), 1, out, failure))?;
            let view: TensorView = self.answer(|out, failure| view(tensor, out, failure))?;
            assert_eq!(view.bytes, size_of_val(samples));
            ptr::copy_nonoverlapping(samples.as_ptr().cast(), view.data, view.bytes);
            Ok(tensor)
        }
    }

    /// Copies a returned value, then frees the plugin's.
    fn take(&self, mut raw: RawValue) -> Result<Value, Error> {
        let free = self.function::<unsafe extern "C" fn(*mut RawValue)>("value_free")?;
        // SAFETY: the value comes from this plugin and is freed once.
        unsafe {
            let value = Value::read(&raw);
            free(&mut raw);
            Ok(value)
        }
    }

    /// Calls a function that answers through a pointer, and turns its failure into an error.
    fn answer<T>(&self, call: impl FnOnce(Out<T>, Failure) -> i32) -> Result<T, Error> {
        let mut out = std::mem::MaybeUninit::uninit();
        let mut failure = ptr::null_mut();
        if call(out.as_mut_ptr(), &mut failure) == 0 {
            // SAFETY: a function that returns 0 has written its result.
            return Ok(unsafe { out.assume_init() });
        }
        let free = self.function::<unsafe extern "C" fn(*mut c_void)>("error_free")?;
        // SAFETY: a function that fails has written its error, which is freed once.
        unsafe {
            let PluginError { code, message, mend } = ptr::read(failure);
            let text = |text| CStr::from_ptr(text).to_string_lossy().into_owned();
            let error = Error(format!("{} ({code}). {}", text(message), text(mend)));
            free(failure.cast());
            Err(error)
        }
    }

    fn function<T: Copy>(&self, name: &str) -> Result<T, Error> {
        let symbol = format!("{}{name}", self.prefix);
        // SAFETY: each caller names the type that the header declares.
        Ok(*unsafe { self.library.get::<T>(symbol.as_bytes()) }?)
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        if let Ok(close) = self.function::<unsafe extern "C" fn(*mut c_void)>("model_close") {
            // SAFETY: the model was opened by this plugin and is used no more.
            unsafe { close(self.model) };
        }
    }
}
