// Owned by the template: `copier update` may rewrite it, do not edit.

//! What an author implements: a model, and the list of its methods.

use serde::Serialize;

use crate::error::{Error, Result};
use crate::library::Library;
use crate::plugin::value::{Arg, FromArg, IntoValue, Value};
use crate::threads::Threads;

/// A plugin's model: what its caller opens and calls.
///
/// Calls on one model come from one thread at a time, not always the same one; two models run at
/// the same time. Hence `Send`: a model owns its sessions and buffers, and shares nothing that
/// changes with other models.
pub trait Model: Methods + Send + Sized + 'static {
    /// Opens the model's components and sets it to its first state.
    ///
    /// # Errors
    /// Whatever [`Library::session`] gives, and the author's own.
    fn open(library: &'static Library) -> Result<Self>;

    /// The threads that its kernels use, if they run in parallel: the fast cores unless said
    /// otherwise.
    #[must_use]
    fn threads() -> Threads {
        Threads::default()
    }
}

/// The methods of a model by name; [`methods!`](crate::methods) implements it.
pub trait Methods {
    /// Names and types, in the order of the list.
    fn describe() -> Vec<Method>;

    /// Calls one of them.
    ///
    /// # Errors
    /// [`Error::Unknown`] and [`Error::Argument`], and what the method gives.
    fn call(&mut self, method: &str, args: &[Arg<'_>]) -> Result<Value>;
}

/// Name and types of one method.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Method {
    /// Its name.
    pub name: &'static str,
    /// Its arguments, in order.
    pub arguments: Vec<Argument>,
    /// Type of its result.
    pub result: String,
}

/// Name and type of one argument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Argument {
    /// Its name.
    pub name: &'static str,
    /// Its type: `bool`, `int`, `float`, `string`, `bytes`, `tensor`, `list<T>` or `T?`.
    #[serde(rename = "type")]
    pub type_name: String,
}

/// What a listed method may return: a [`Result`] of a type that crosses the C interface.
#[doc(hidden)]
pub trait MethodResult {
    type Value: IntoValue;
    fn into_result(self) -> Result<Self::Value>;
}

impl<T: IntoValue> MethodResult for Result<T> {
    type Value = T;

    fn into_result(self) -> Self {
        self
    }
}

/// Arguments of one call, taken in order.
#[doc(hidden)]
pub struct Arguments<'a, 'b>(std::slice::Iter<'b, Arg<'a>>);

impl<'a, 'b> Arguments<'a, 'b> {
    pub fn new(method: &str, args: &'b [Arg<'a>], count: usize) -> Result<Self> {
        if args.len() == count {
            return Ok(Self(args.iter()));
        }
        Err(Error::Argument {
            name: method.into(),
            want: format!("{count} arguments"),
            got: args.len().to_string(),
        })
    }

    pub fn take<T: FromArg<'a>>(&mut self, name: &str) -> Result<T> {
        T::from_arg(self.0.next().unwrap_or(&Arg::Null)).map_err(|error| match error {
            Error::Argument { want, got, .. } => Error::Argument { name: name.into(), want, got },
            other => other,
        })
    }
}

/// The error for a method that is not in the list.
#[doc(hidden)]
pub fn unknown<M: Methods>(name: &str) -> Error {
    Error::Unknown {
        what: "method",
        name: name.into(),
        known: M::describe().iter().map(|method| method.name.into()).collect(),
    }
}
