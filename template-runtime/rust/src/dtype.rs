// Owned by the template: `copier update` may rewrite it, do not edit.

//! Element types of tensors and the Rust types that match them.

use std::fmt;

use serde::{Deserialize, Deserializer};

use crate::sys;

macro_rules! dtypes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $code:literal, $bits:literal, $number:literal;)*) => {
        /// The type of a tensor's elements.
        ///
        /// Its number (`dtype as i32`) crosses the C interface and never changes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(i32)]
        pub enum DType { $($(#[$doc])* $name = $number,)* }

        impl DType {
            /// Every element type.
            pub const ALL: &[DType] = &[$(DType::$name,)*];

            /// The name that NumPy and the plugin's metadata use.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(DType::$name => $text,)* }
            }

            pub(crate) const fn to_dlpack(self) -> sys::DataType {
                match self {
                    $(DType::$name => sys::DataType { code: $code, bits: $bits, lanes: 1 },)*
                }
            }
        }
    };
}

dtypes! {
    /// 8-bit truth value, 0 or 1.
    Bool = "bool", 6, 8, 1;
    /// Signed 8-bit integer.
    Int8 = "int8", 0, 8, 2;
    /// Signed 16-bit integer.
    Int16 = "int16", 0, 16, 3;
    /// Signed 32-bit integer.
    Int32 = "int32", 0, 32, 4;
    /// Signed 64-bit integer.
    Int64 = "int64", 0, 64, 5;
    /// Unsigned 8-bit integer.
    UInt8 = "uint8", 1, 8, 6;
    /// Unsigned 16-bit integer.
    UInt16 = "uint16", 1, 16, 7;
    /// Unsigned 32-bit integer.
    UInt32 = "uint32", 1, 32, 8;
    /// Unsigned 64-bit integer.
    UInt64 = "uint64", 1, 64, 9;
    /// IEEE half precision; read and written as bytes.
    Float16 = "float16", 2, 16, 10;
    /// Brain floating point; read and written as bytes.
    BFloat16 = "bfloat16", 4, 16, 11;
    /// IEEE single precision.
    Float32 = "float32", 2, 32, 12;
    /// IEEE double precision.
    Float64 = "float64", 2, 64, 13;
}

impl DType {
    /// Size of one element in bytes.
    #[must_use]
    pub const fn size(self) -> usize {
        self.to_dlpack().bits as usize / 8
    }

    /// The type of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|dtype| dtype.name() == name)
    }

    /// The type of that number on the C interface.
    #[must_use]
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.iter().copied().find(|dtype| *dtype as i32 == number)
    }

    pub(crate) fn from_dlpack(dtype: sys::DataType) -> Option<Self> {
        Self::ALL.iter().copied().find(|known| known.to_dlpack() == dtype)
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl<'de> Deserialize<'de> for DType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::from_name(&name)
            .ok_or_else(|| serde::de::Error::custom(format_args!("unknown dtype `{name}`")))
    }
}

/// A Rust type that tensor elements can be read and written as.
///
/// # Safety
/// The type has the size, alignment and bit patterns of its [`DType`]; every bit pattern is valid.
pub unsafe trait Element: Copy + Send + Sync + 'static {
    /// The element type it stands for.
    const DTYPE: DType;
}

macro_rules! elements {
    ($($rust:ty => $dtype:ident,)*) => {
        // SAFETY: primitive numbers without invalid bit patterns, of the size in the table above.
        $(unsafe impl Element for $rust { const DTYPE: DType = DType::$dtype; })*
    };
}

elements! {
    i8 => Int8, i16 => Int16, i32 => Int32, i64 => Int64,
    u8 => UInt8, u16 => UInt16, u32 => UInt32, u64 => UInt64,
    f32 => Float32, f64 => Float64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_numbers_and_dlpack_codes_lead_back_to_the_type() {
        for &dtype in DType::ALL {
            assert_eq!(DType::from_name(dtype.name()), Some(dtype));
            assert_eq!(DType::from_number(dtype as i32), Some(dtype));
            assert_eq!(DType::from_dlpack(dtype.to_dlpack()), Some(dtype));
        }
        assert_eq!(DType::from_name("float8"), None);
        assert_eq!(DType::from_number(0), None);
    }

    #[test]
    fn rust_types_have_the_size_of_their_dtype() {
        assert_eq!(size_of::<i64>(), <i64 as Element>::DTYPE.size());
        assert_eq!(size_of::<f32>(), <f32 as Element>::DTYPE.size());
        assert_eq!(size_of::<u16>(), <u16 as Element>::DTYPE.size());
    }
}
