// Owned by the template: `copier update` may rewrite it, do not edit.

//! Safe sessions over the one TVM runtime that all model plugins of an app share.
//!
//! A model plugin's crate builds on three things:
//!
//! - [`Session`] runs one compiled component on named [`Tensor`]s, which are checked before TVM sees
//!   them and copied neither on the way in nor on the way out;
//! - [`Model`] and [`methods!`] are what the plugin's author implements: a type that opens sessions,
//!   and the list of its methods that Dart may call;
//! - [`plugin!`] exports both under the plugin's own prefix, as the C interface of `tvm_plugin.h`.
//!
//! Everything that can go wrong is an [`Error`] with a code, a message and what mends it: a wrong
//! shape, an index out of range, a plugin compiled for another TVM, two plugins with one prefix.
//!
//! ```no_run
//! use tvm_runtime_flutter::{Library, Model, Result, Session, Tensor, methods};
//!
//! pub struct Doubler {
//!     double: Session,
//! }
//!
//! impl Model for Doubler {
//!     fn open(library: &'static Library) -> Result<Self> {
//!         Ok(Self { double: library.session("double")? })
//!     }
//! }
//!
//! methods! {
//!     impl Doubler {
//!         fn double(&mut self, x: f32) -> Result<f32>;
//!     }
//! }
//!
//! impl Doubler {
//!     pub fn double(&mut self, x: f32) -> Result<f32> {
//!         let x = Tensor::from_slice(&[1], &[x])?;
//!         let outputs = self.double.run(&[("x", &x)])?;
//!         Ok(outputs.get("y")?.as_slice::<f32>()?[0])
//!     }
//! }
//! ```

#![deny(missing_docs)]

#[cfg(panic = "abort")]
compile_error!(
    "panics must unwind, so that none crosses the C interface: remove panic = \"abort\""
);

mod buffer;
mod check;
mod claim;
mod dtype;
mod error;
#[cfg(feature = "golden")]
pub mod golden;
mod library;
mod metadata;
mod object;
mod pins;
#[doc(hidden)]
pub mod plugin;
mod session;
mod sys;
mod tensor;
#[cfg(test)]
mod tensor_tests;
mod threads;
mod version;
mod vm;

pub use claim::{Owner, owners};
pub use dtype::{DType, Element};
pub use error::{Error, Result, Side};
pub use library::Library;
pub use metadata::{Bounds, Component, Extent, FORMAT, Metadata, TensorSpec};
pub use plugin::methods::{Argument, Method, Methods, Model};
pub use plugin::value::{Arg, FromArg, IntoValue, Value};
pub use session::{Input, Outputs, Session};
pub use tensor::{ALIGNMENT, Tensor};
pub use threads::Threads;
pub use version::{Versions, versions};
