// Owned by the template: `copier update` may rewrite it, do not edit.

//! The one error type: what is wrong, a stable code for it, and what mends it.

use std::fmt;

/// What can go wrong between a plugin's caller and the TVM runtime.
///
/// [`Display`](fmt::Display) says what is wrong and where, [`code`](Error::code) is a number that
/// crosses the C interface and never changes its meaning, [`mend`](Error::mend) is the edit or
/// command that helps.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A component, input, output or method that does not exist.
    Unknown {
        /// What was looked for: `component`, `input`, `output` or `method`.
        what: &'static str,
        /// The name that was asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// An input that was not given.
    Missing {
        /// Its name.
        input: String,
    },
    /// An input that was given twice.
    Duplicate {
        /// Its name.
        input: String,
    },
    /// A tensor of another element type than the component was compiled for.
    Dtype {
        /// Name of the input or output.
        tensor: String,
        /// The element type it must have.
        want: String,
        /// The element type it has.
        got: String,
    },
    /// A tensor of a shape that the component was not compiled for.
    Shape {
        /// Name of the input or output.
        tensor: String,
        /// The shape it must have, dynamic dimensions by name.
        want: String,
        /// The shape it has.
        got: Vec<i64>,
        /// Which rule is broken.
        why: String,
    },
    /// An element of an index input that points outside its table.
    OutOfRange {
        /// Name of the input.
        tensor: String,
        /// Position of the first offending element, in row-major order.
        position: usize,
        /// Its value.
        value: i128,
        /// Lowest value allowed.
        low: i64,
        /// One more than the highest value allowed.
        high: i64,
    },
    /// Two libraries in this process claim the same prefix, or one a prefix of the other's.
    PrefixTaken {
        /// Both libraries and their prefixes.
        message: String,
    },
    /// The plugin was compiled for another TVM than the runtime it is linked with.
    Pin {
        /// Which pin differs: `tvm`, `tvm-ffi` or `tvm-ffi C interface`.
        what: &'static str,
        /// The version that the plugin was compiled for.
        plugin: String,
        /// The version of the runtime.
        runtime: String,
        /// The older side, which is the one to update.
        update: Side,
    },
    /// The runtime has no functions under a component's prefix.
    NotRegistered {
        /// The component's prefix.
        prefix: String,
    },
    /// The metadata compiled into the plugin is malformed or contradicts its library.
    Metadata {
        /// What is wrong with it.
        message: String,
    },
    /// TVM itself raised an error.
    Runtime {
        /// TVM's name for the kind of error.
        kind: String,
        /// TVM's message.
        message: String,
    },
    /// A tensor that cannot be written: another handle shares its memory, or TVM owns it.
    NotWritable,
    /// A method's argument of the wrong type, or the wrong number of arguments.
    Argument {
        /// Name of the argument, or of the method.
        name: String,
        /// What it must be.
        want: String,
        /// What it is.
        got: String,
    },
    /// The plugin's Rust code panicked.
    Panicked {
        /// The panic's message.
        message: String,
    },
    /// Two threads used one handle at the same time.
    Busy,
    /// A null pointer, text that is not UTF-8, or the like, from the other side of the C interface.
    Invalid {
        /// What is wrong.
        message: String,
    },
    /// An error of the model's own, made by its author.
    Model {
        /// What is wrong.
        message: String,
        /// What mends it.
        mend: String,
    },
}

/// The side of a pin mismatch that has to be updated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The model plugin.
    Plugin,
    /// The runtime plugin.
    Runtime,
}

/// A result whose error is this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of the model's own: what is wrong, and what mends it.
    ///
    /// ```
    /// let error = tvm_runtime_flutter::Error::model("the word is empty", "pass a word");
    /// assert_eq!(error.to_string(), "the word is empty");
    /// assert_eq!(error.mend(), "pass a word");
    /// ```
    pub fn model(message: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::Model { message: message.into(), mend: mend.into() }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into() }
    }

    pub(crate) fn metadata(message: impl Into<String>) -> Self {
        Self::Metadata { message: message.into() }
    }

    /// A number for this kind of error, the same in every release and on both sides of the C
    /// interface; never 0, which there stands for success.
    #[must_use]
    pub const fn code(&self) -> i32 {
        match self {
            Self::Unknown { .. } => 1,
            Self::Missing { .. } => 2,
            Self::Duplicate { .. } => 3,
            Self::Dtype { .. } => 4,
            Self::Shape { .. } => 5,
            Self::OutOfRange { .. } => 6,
            Self::PrefixTaken { .. } => 7,
            Self::Pin { .. } => 8,
            Self::NotRegistered { .. } => 9,
            Self::Metadata { .. } => 10,
            Self::Runtime { .. } => 11,
            Self::NotWritable => 12,
            Self::Argument { .. } => 13,
            Self::Panicked { .. } => 14,
            Self::Busy => 15,
            Self::Invalid { .. } => 16,
            Self::Model { .. } => 17,
        }
    }

    /// The edit or command that mends it.
    #[must_use]
    pub fn mend(&self) -> String {
        match self {
            Self::Unknown { what, known, .. } => format!("Use one of the {what}s: {}", list(known)),
            Self::Missing { input } => format!("Pass a tensor named `{input}`"),
            Self::Duplicate { input } => format!("Pass `{input}` once"),
            Self::Dtype { tensor, want, .. } => format!("Pass `{tensor}` as {want}"),
            Self::Shape { tensor, want, .. } => format!("Pass `{tensor}` with shape {want}"),
            Self::OutOfRange { low, high, .. } => {
                format!("Keep every element at least {low} and below {high}")
            }
            Self::PrefixTaken { .. } => "Give one of the two plugins another prefix (`tvmplug \
                registry check` lists them all) and build it again"
                .into(),
            Self::Pin { update: Side::Plugin, .. } => "Update the model plugin: `copier update`, \
                then `tvmplug build`"
                .into(),
            Self::Pin { update: Side::Runtime, .. } => "Update the runtime plugin \
                tvm_runtime_flutter: `copier update`, then `tvmplug build`, or raise its version \
                in pubspec.yaml"
                .into(),
            Self::NotRegistered { .. } | Self::Metadata { .. } => {
                "Build the plugin again: `tvmplug build`".into()
            }
            Self::Runtime { .. } => {
                "Run `tvmplug test`; if it passes, this is a fault of the model's code".into()
            }
            Self::NotWritable => "Drop the other handles first, or write to a `deep_copy`".into(),
            Self::Argument { name, want, .. } => format!("Pass {want} for `{name}`"),
            Self::Panicked { .. } => "This is a fault of the plugin: report it; close the model \
                and open it again to go on"
                .into(),
            Self::Busy => "Call one handle from one thread at a time, or open a second one".into(),
            Self::Invalid { .. } => "Correct the call; tvm_plugin.h says what it expects".into(),
            Self::Model { mend, .. } => mend.clone(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { what, name, .. } => write!(f, "there is no {what} named `{name}`"),
            Self::Missing { input } => write!(f, "input `{input}` is missing"),
            Self::Duplicate { input } => write!(f, "input `{input}` is given twice"),
            Self::Dtype { tensor, want, got } => {
                write!(f, "`{tensor}` must be {want}, but it is {got}")
            }
            Self::Shape { tensor, want, got, why } => {
                write!(f, "`{tensor}` must have shape {want}, but it has {got:?}: {why}")
            }
            Self::OutOfRange { tensor, position, value, low, high } => write!(
                f,
                "element {position} of `{tensor}` is {value}, outside the range {low}..{high}"
            ),
            Self::PrefixTaken { message }
            | Self::Metadata { message }
            | Self::Invalid { message }
            | Self::Model { message, .. } => f.write_str(message),
            Self::Pin { what, plugin, runtime, .. } => write!(
                f,
                "the plugin was compiled for {what} {plugin}, but the runtime holds {what} {runtime}"
            ),
            Self::NotRegistered { prefix } => {
                write!(f, "the runtime holds no compiled functions under the prefix `{prefix}`")
            }
            Self::Runtime { kind, message } => write!(f, "TVM raised {kind}: {message}"),
            Self::NotWritable => f.write_str("the tensor's memory is shared and cannot be written"),
            Self::Argument { name, want, got } => {
                write!(f, "`{name}` takes {want}, but it was given {got}")
            }
            Self::Panicked { message } => write!(f, "the plugin panicked: {message}"),
            Self::Busy => f.write_str("the handle is in use by another thread"),
        }
    }
}

impl std::error::Error for Error {}

fn list(names: &[String]) -> String {
    if names.is_empty() { "(none)".into() } else { names.join(", ") }
}
