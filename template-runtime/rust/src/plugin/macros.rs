// Owned by the template: `copier update` may rewrite it, do not edit.

/// Lists the methods of a model that its plugin's caller may call by name.
///
/// Each line is a method's signature as the model declares it. Arguments may be `bool`, integers,
/// `f32`, `f64`, `&str`, `String`, `&[u8]`, `Vec<u8>`, `&Tensor`, `Tensor`, `Option` and `Vec` of
/// them; results are a `Result` of `()` or one of the owned ones. See [`Arg`](crate::Arg) and
/// [`Value`](crate::Value).
///
/// ```
/// use tvm_runtime_flutter::{Arg, Methods, Result, Value, methods};
///
/// struct Counter(i64);
///
/// impl Counter {
///     fn add(&mut self, amount: i64) -> Result<i64> {
///         self.0 += amount;
///         Ok(self.0)
///     }
/// }
///
/// methods! {
///     impl Counter {
///         fn add(&mut self, amount: i64) -> Result<i64>;
///     }
/// }
///
/// let value = Counter(40).call("add", &[Arg::Int(2)])?;
/// assert!(matches!(value, Value::Int(42)));
/// assert_eq!(Counter::describe()[0].arguments[0].type_name, "int");
/// # Ok::<(), tvm_runtime_flutter::Error>(())
/// ```
#[macro_export]
macro_rules! methods {
    (impl $model:ty {
        $(
            $(#[$attribute:meta])*
            fn $method:ident(&mut self $(, $argument:ident: $type:ty)* $(,)?) -> $result:ty;
        )*
    }) => {
        impl $crate::Methods for $model {
            fn describe() -> ::std::vec::Vec<$crate::Method> {
                ::std::vec![$($crate::Method {
                    name: ::core::stringify!($method),
                    arguments: ::std::vec![$($crate::Argument {
                        name: ::core::stringify!($argument),
                        type_name: <$type as $crate::FromArg<'_>>::type_name(),
                    }),*],
                    result: <<$result as $crate::plugin::methods::MethodResult>::Value
                        as $crate::IntoValue>::type_name(),
                }),*]
            }

            fn call(
                &mut self,
                method: &str,
                args: &[$crate::Arg<'_>],
            ) -> $crate::Result<$crate::Value> {
                match method {
                    $(::core::stringify!($method) => {
                        const ARGUMENTS: &[&str] = &[$(::core::stringify!($argument)),*];
                        #[allow(unused_mut, unused_variables)]
                        let mut arguments = $crate::plugin::methods::Arguments::new(
                            method, args, ARGUMENTS.len(),
                        )?;
                        let result: $result = self.$method(
                            $(arguments.take::<$type>(::core::stringify!($argument))?),*
                        );
                        let value = $crate::plugin::methods::MethodResult::into_result(result)?;
                        ::core::result::Result::Ok($crate::IntoValue::into_value(value))
                    })*
                    _ => ::core::result::Result::Err(
                        $crate::plugin::methods::unknown::<Self>(method),
                    ),
                }
            }
        }
    };
}

/// Exports a model as a plugin: the C interface of `tvm_plugin.h` under a prefix, and a constructor
/// that claims the prefix when the library is loaded.
///
/// Belongs into the root of the plugin's crate, once. The build script of a model plugin leaves its
/// metadata in `OUT_DIR`, so there it reads
/// `metadata: include_str!(concat!(env!("OUT_DIR"), "/system_lib.json"))`.
///
/// It also defines `pub static LIBRARY: Library` for Rust code that links the crate directly, such
/// as the golden test.
///
/// ```
/// use tvm_runtime_flutter::{Library, Model, Result, methods, plugin};
///
/// struct Greeter;
///
/// impl Model for Greeter {
///     fn open(_: &'static Library) -> Result<Self> {
///         Ok(Self)
///     }
/// }
///
/// methods! {
///     impl Greeter {
///         fn greet(&mut self, name: &str) -> Result<String>;
///     }
/// }
///
/// impl Greeter {
///     fn greet(&mut self, name: &str) -> Result<String> {
///         Ok(format!("Hello {name}"))
///     }
/// }
///
/// plugin! {
///     prefix: "greet_",
///     metadata: r#"{"format": 1, "plugin": "greet_flutter", "prefix": "greet_",
///         "archive_sha256": "", "target": "linux-x64", "tvm": "", "tvm_ffi": "",
///         "components": []}"#,
///     model: Greeter,
/// }
///
/// # fn main() {
/// assert_eq!(LIBRARY.prefix(), "greet_"); // and `greet_model_open` and the others are exported
/// # }
/// ```
#[macro_export]
macro_rules! plugin {
    (prefix: $prefix:literal, metadata: $metadata:expr, model: $model:ty $(,)?) => {
        /// The plugin's compiled components.
        pub static LIBRARY: $crate::Library = $crate::Library::new($prefix, $metadata);

        const _: () = {
            use ::core::ffi::c_void;
            use $crate::plugin::mailbox::exports as mailbox;
            use $crate::plugin::{abi, exports};

            #[used]
            #[cfg_attr(
                not(any(target_vendor = "apple", target_os = "windows")),
                unsafe(link_section = ".init_array")
            )]
            #[cfg_attr(
                target_vendor = "apple",
                unsafe(link_section = "__DATA,__mod_init_func,mod_init_funcs")
            )]
            #[cfg_attr(target_os = "windows", unsafe(link_section = ".CRT$XCU"))]
            static CLAIM: extern "C" fn() = {
                extern "C" fn claim() {
                    exports::load(&LIBRARY);
                }
                claim
            };

            $crate::__exports! { $prefix;
                abi_version() -> u32 { exports::abi_version() }
                metadata() -> abi::Bytes { exports::metadata(&LIBRARY) }
                methods() -> abi::Bytes {
                    static JSON: ::std::sync::OnceLock<::std::string::String> =
                        ::std::sync::OnceLock::new();
                    exports::methods::<$model>(&JSON)
                }
                runtime(out: *mut abi::Value, error: *mut *mut abi::Error) -> i32 {
                    exports::runtime(out, error)
                }
                session_open(
                    component: abi::Bytes,
                    out: *mut *mut abi::SessionHandle,
                    error: *mut *mut abi::Error
                ) -> i32 { exports::session_open(&LIBRARY, component, out, error) }
                session_run(
                    session: *mut abi::SessionHandle,
                    inputs: *const abi::NamedTensor,
                    count: usize,
                    out: *mut *mut abi::Outputs,
                    error: *mut *mut abi::Error
                ) -> i32 { exports::session_run(session, inputs, count, out, error) }
                session_close(session: *mut c_void) -> () { exports::session_close(session) }
                result_free(result: *mut c_void) -> () { exports::result_free(result) }
                tensor_new(
                    dtype: i32,
                    shape: *const i64,
                    rank: usize,
                    out: *mut *mut abi::TensorHandle,
                    error: *mut *mut abi::Error
                ) -> i32 { exports::tensor_new(dtype, shape, rank, out, error) }
                tensor_retain(
                    tensor: *const abi::TensorHandle,
                    out: *mut *mut abi::TensorHandle,
                    error: *mut *mut abi::Error
                ) -> i32 { exports::tensor_retain(tensor, out, error) }
                tensor_view(
                    tensor: *const abi::TensorHandle,
                    out: *mut abi::TensorView,
                    error: *mut *mut abi::Error
                ) -> i32 { exports::tensor_view(tensor, out, error) }
                tensor_free(tensor: *mut c_void) -> () { exports::tensor_free(tensor) }
                model_open(
                    out: *mut *mut abi::ModelHandle,
                    error: *mut *mut abi::Error
                ) -> i32 { exports::model_open::<$model>(&LIBRARY, out, error) }
                model_call(
                    model: *mut abi::ModelHandle,
                    method: abi::Bytes,
                    args: *const abi::Value,
                    count: usize,
                    out: *mut abi::Value,
                    error: *mut *mut abi::Error
                ) -> i32 { exports::model_call::<$model>(model, method, args, count, out, error) }
                model_close(model: *mut c_void) -> () { exports::model_close::<$model>(model) }
                mailbox_number() -> usize { mailbox::mailbox_number() }
                mailbox_open(number: usize, error: *mut *mut abi::Error) -> i32 {
                    mailbox::mailbox_open(number, error)
                }
                mailbox_join(number: usize, other: usize, error: *mut *mut abi::Error) -> i32 {
                    mailbox::mailbox_join(number, other, error)
                }
                mailbox_close(number: *mut c_void) -> () { mailbox::mailbox_close(number) }
                mailbox_scratch(number: usize, bytes: usize) -> *mut c_void {
                    mailbox::mailbox_scratch(number, bytes)
                }
                mailbox_start(
                    number: usize,
                    component: abi::Bytes,
                    error: *mut *mut abi::Error
                ) -> i32 { mailbox::mailbox_start::<$model>(&LIBRARY, number, component, error) }
                mailbox_call(
                    number: usize,
                    method: abi::Bytes,
                    args: *const abi::Value,
                    count: usize,
                    out: *mut *const abi::Value,
                    error: *mut *mut abi::Error
                ) -> i32 { mailbox::mailbox_call(number, method, args, count, out, error) }
                ticket_new(
                    mailbox: usize,
                    dtype: i32,
                    shape: *const i64,
                    rank: usize,
                    out: *mut usize,
                    error: *mut *mut abi::Error
                ) -> i32 { mailbox::ticket_new(mailbox, dtype, shape, rank, out, error) }
                ticket_view(
                    ticket: usize,
                    out: *mut abi::TensorView,
                    error: *mut *mut abi::Error
                ) -> i32 { mailbox::ticket_view(ticket, out, error) }
                ticket_keep(
                    mailbox: usize,
                    ticket: usize,
                    error: *mut *mut abi::Error
                ) -> i32 { mailbox::ticket_keep(mailbox, ticket, error) }
                ticket_free(ticket: *mut c_void) -> () { mailbox::ticket_free(ticket) }
                value_free(value: *mut abi::Value) -> () { exports::value_free(value) }
                error_free(error: *mut c_void) -> () { exports::error_free(error) }
            }
        };
    };
}

/// One exported C function per line; the body runs under the contract of `tvm_plugin.h`.
#[doc(hidden)]
#[macro_export]
macro_rules! __exports {
    ($prefix:literal; $($name:ident($($argument:ident: $type:ty),*) -> $result:ty { $($body:tt)* })*) => {
        $(
            #[allow(unused_unsafe)]
            #[unsafe(export_name = ::core::concat!($prefix, ::core::stringify!($name)))]
            unsafe extern "C" fn $name($($argument: $type),*) -> $result {
                // SAFETY: the caller keeps to tvm_plugin.h, which states each function's contract.
                unsafe { $($body)* }
            }
        )*
    };
}
