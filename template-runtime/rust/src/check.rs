// Owned by the template: `copier update` may rewrite it, do not edit.

//! Checks of a call's tensors against the metadata, before TVM sees them.

use std::collections::BTreeMap;

use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::metadata::{Bounds, Component, Extent, TensorSpec};

/// What the checks look at: a tensor's type, shape and bytes.
pub(crate) struct Seen<'a> {
    pub(crate) dtype: DType,
    pub(crate) shape: &'a [i64],
    pub(crate) bytes: &'a [u8],
}

/// Extents of the dynamic dimensions of one call, with the tensor that set each.
pub(crate) type Dims<'a> = BTreeMap<&'a str, (i64, &'a str)>;

/// For each of the component's inputs, the position of the given one of that name.
pub(crate) fn order<'a>(
    component: &Component,
    given: impl Iterator<Item = &'a str> + Clone,
) -> Result<Vec<usize>> {
    for (position, name) in given.clone().enumerate() {
        if !component.inputs.iter().any(|input| input.name == name) {
            return Err(Error::Unknown {
                what: "input",
                name: name.into(),
                known: component.inputs.iter().map(|input| input.name.clone()).collect(),
            });
        }
        if given.clone().take(position).any(|earlier| earlier == name) {
            return Err(Error::Duplicate { input: name.into() });
        }
    }
    let find = |input: &TensorSpec| {
        given
            .clone()
            .position(|name| name == input.name)
            .ok_or_else(|| Error::Missing { input: input.name.clone() })
    };
    component.inputs.iter().map(find).collect()
}

/// Checks one tensor and binds the dynamic dimensions it has.
pub(crate) fn tensor<'a>(
    component: &'a Component,
    spec: &'a TensorSpec,
    seen: &Seen<'_>,
    dims: &mut Dims<'a>,
) -> Result<()> {
    if seen.dtype != spec.dtype {
        return Err(Error::Dtype {
            tensor: spec.name.clone(),
            want: spec.dtype.to_string(),
            got: seen.dtype.to_string(),
        });
    }
    let refuse = |why: String| Error::Shape {
        tensor: spec.name.clone(),
        want: spec.shape_text(),
        got: seen.shape.to_vec(),
        why,
    };
    if seen.shape.len() != spec.shape.len() {
        return Err(refuse(format!("it must have {} dimensions", spec.shape.len())));
    }
    for (axis, (want, &got)) in spec.shape.iter().zip(seen.shape).enumerate() {
        match want {
            Extent::Fixed(want) if got != *want => {
                return Err(refuse(format!("dimension {axis} is {got}")));
            }
            Extent::Fixed(_) => {}
            Extent::Dynamic(name) => {
                let outside = |bounds: &&Bounds| !(bounds.min..=bounds.max).contains(&got);
                if let Some(Bounds { min, max }) = component.dims.get(name).filter(outside) {
                    return Err(refuse(format!("{name} is {got}, outside {min} to {max}")));
                }
                let &mut (bound, by) = dims.entry(name).or_insert((got, &spec.name));
                if bound != got {
                    return Err(refuse(format!("{name} is {got}, but {bound} in `{by}`")));
                }
            }
        }
    }
    spec.range.map_or(Ok(()), |(low, high)| range(spec, seen, low, high))
}

/// Checks that every element of an index input lies in `low..high`: compiled look-ups do not, and
/// an index outside its table ends the process.
fn range(spec: &TensorSpec, seen: &Seen<'_>, low: i64, high: i64) -> Result<()> {
    macro_rules! scan {
        ($type:ty) => {{
            let value = |word: &[u8]| {
                let word = word.try_into().expect("chunks of the type's size");
                i128::from(<$type>::from_ne_bytes(word))
            };
            seen.bytes
                .chunks_exact(size_of::<$type>())
                .map(value)
                .enumerate()
                .find(|(_, value)| !(i128::from(low)..i128::from(high)).contains(value))
        }};
    }
    let offender = match seen.dtype {
        DType::Int8 => scan!(i8),
        DType::Int16 => scan!(i16),
        DType::Int32 => scan!(i32),
        DType::Int64 => scan!(i64),
        DType::UInt8 => scan!(u8),
        DType::UInt16 => scan!(u16),
        DType::UInt32 => scan!(u32),
        DType::UInt64 => scan!(u64),
        other => {
            return Err(Error::metadata(format!("`{}` has a range but is {other}", spec.name)));
        }
    };
    offender.map_or(Ok(()), |(position, value)| {
        Err(Error::OutOfRange { tensor: spec.name.clone(), position, value, low, high })
    })
}
