// Owned by the template: `copier update` may rewrite it, do not edit.

//! Values that methods take and return.

use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// An argument of a method, borrowed from the caller for the length of the call.
#[derive(Clone, Debug)]
pub enum Arg<'a> {
    /// Nothing.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// Text.
    String(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
    /// A tensor.
    Tensor(&'a Tensor),
    /// Several values.
    List(Vec<Arg<'a>>),
}

/// What a method returns.
#[derive(Clone, Debug)]
pub enum Value {
    /// Nothing.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// Text.
    String(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A tensor; its memory is handed on without a copy.
    Tensor(Tensor),
    /// Several values.
    List(Vec<Value>),
}

impl Arg<'_> {
    /// What kind of value it is, for messages.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::String(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::Tensor(_) => "tensor",
            Self::List(_) => "list",
        }
    }
}

/// A type that a method can take as an argument.
pub trait FromArg<'a>: Sized {
    /// Name of the type in the description of methods: `int`, `string?`, `list<tensor>`.
    fn type_name() -> String;

    /// The argument as this type.
    ///
    /// # Errors
    /// [`Error::Argument`] if it is of another type or does not fit.
    fn from_arg(arg: &Arg<'a>) -> Result<Self>;
}

/// A type that a method can return.
pub trait IntoValue {
    /// Name of the type in the description of methods: `null`, `int`, `list<string>`.
    fn type_name() -> String;

    /// The value.
    fn into_value(self) -> Value;
}

fn refuse<'a, T: FromArg<'a>>(got: &str) -> Error {
    Error::Argument { name: String::new(), want: T::type_name(), got: got.into() }
}

macro_rules! from_arg {
    ($($type:ty: $name:literal, $($pattern:pat => $value:expr),+;)*) => {$(
        impl<'a> FromArg<'a> for $type {
            fn type_name() -> String {
                $name.into()
            }

            fn from_arg(arg: &Arg<'a>) -> Result<Self> {
                match arg {
                    $($pattern => Ok($value),)+
                    other => Err(refuse::<Self>(other.kind())),
                }
            }
        }
    )*};
}

from_arg! {
    bool: "bool", Arg::Bool(value) => *value;
    i64: "int", Arg::Int(value) => *value;
    f64: "float", Arg::Float(value) => *value, Arg::Int(value) => *value as f64;
    f32: "float", Arg::Float(value) => *value as f32, Arg::Int(value) => *value as f32;
    &'a str: "string", Arg::String(value) => value;
    String: "string", Arg::String(value) => (*value).to_owned();
    &'a [u8]: "bytes", Arg::Bytes(value) => value;
    Vec<u8>: "bytes", Arg::Bytes(value) => value.to_vec();
    &'a Tensor: "tensor", Arg::Tensor(value) => value;
    Tensor: "tensor", Arg::Tensor(value) => (*value).clone();
}

macro_rules! whole_numbers {
    ($($type:ty)*) => {$(
        impl<'a> FromArg<'a> for $type {
            fn type_name() -> String {
                "int".into()
            }

            fn from_arg(arg: &Arg<'a>) -> Result<Self> {
                let value = i64::from_arg(arg)?;
                Self::try_from(value).map_err(|_| Error::Argument {
                    name: String::new(),
                    want: format!("an int from {} to {}", Self::MIN, Self::MAX),
                    got: value.to_string(),
                })
            }
        }
    )*};
}

whole_numbers! { i16 u16 i32 u32 u64 usize }

impl<'a, T: FromArg<'a>> FromArg<'a> for Option<T> {
    fn type_name() -> String {
        format!("{}?", T::type_name())
    }

    fn from_arg(arg: &Arg<'a>) -> Result<Self> {
        match arg {
            Arg::Null => Ok(None),
            other => T::from_arg(other).map(Some),
        }
    }
}

impl<'a, T: FromArg<'a>> FromArg<'a> for Vec<T> {
    fn type_name() -> String {
        format!("list<{}>", T::type_name())
    }

    fn from_arg(arg: &Arg<'a>) -> Result<Self> {
        match arg {
            Arg::List(items) => items.iter().map(T::from_arg).collect(),
            other => Err(refuse::<Self>(other.kind())),
        }
    }
}

macro_rules! into_value {
    ($($type:ty: $name:literal, $value:ident => $result:expr;)*) => {$(
        impl IntoValue for $type {
            fn type_name() -> String {
                $name.into()
            }

            fn into_value(self) -> Value {
                let $value = self;
                $result
            }
        }
    )*};
}

into_value! {
    (): "null", _value => Value::Null;
    bool: "bool", value => Value::Bool(value);
    i32: "int", value => Value::Int(value.into());
    i64: "int", value => Value::Int(value);
    u32: "int", value => Value::Int(value.into());
    usize: "int", value => Value::Int(i64::try_from(value).unwrap_or(i64::MAX));
    f32: "float", value => Value::Float(value.into());
    f64: "float", value => Value::Float(value);
    String: "string", value => Value::String(value);
    &str: "string", value => Value::String(value.into());
    Vec<u8>: "bytes", value => Value::Bytes(value);
    Tensor: "tensor", value => Value::Tensor(value);
}

impl<T: IntoValue> IntoValue for Option<T> {
    fn type_name() -> String {
        format!("{}?", T::type_name())
    }

    fn into_value(self) -> Value {
        self.map_or(Value::Null, T::into_value)
    }
}

impl<T: IntoValue> IntoValue for Vec<T> {
    fn type_name() -> String {
        format!("list<{}>", T::type_name())
    }

    fn into_value(self) -> Value {
        Value::List(self.into_iter().map(T::into_value).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_taken_as_floats_but_not_the_other_way_round() {
        assert_eq!(f32::from_arg(&Arg::Int(3)), Ok(3.0));
        assert!(i64::from_arg(&Arg::Float(3.0)).is_err());
    }

    #[test]
    fn a_number_that_does_not_fit_is_refused_with_the_range() {
        assert_eq!(u16::from_arg(&Arg::Int(65535)), Ok(65535));
        let error = u16::from_arg(&Arg::Int(65536)).unwrap_err();
        assert!(error.to_string().contains("an int from 0 to 65535"), "{error}");
        assert!(usize::from_arg(&Arg::Int(-1)).is_err());
    }

    #[test]
    fn null_is_an_absent_option_and_nothing_else() {
        assert_eq!(Option::<&str>::from_arg(&Arg::Null), Ok(None));
        assert_eq!(Option::<&str>::from_arg(&Arg::String("a")), Ok(Some("a")));
        assert!(<&str>::from_arg(&Arg::Null).is_err());
    }

    #[test]
    fn lists_nest_and_bytes_are_not_lists() {
        let nested = Arg::List(vec![Arg::List(vec![Arg::Int(1)]), Arg::List(vec![])]);
        assert_eq!(Vec::<Vec<i64>>::from_arg(&nested), Ok(vec![vec![1], vec![]]));
        assert_eq!(<Vec<Vec<Option<i64>>> as FromArg>::type_name(), "list<list<int?>>");
        assert_eq!(<Vec<u8> as FromArg>::type_name(), "bytes");
        assert!(Vec::<u8>::from_arg(&nested).is_err());
    }
}
