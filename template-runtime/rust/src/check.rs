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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::Metadata;

    /// A component with a fixed, a shared dynamic and an index dimension.
    fn component() -> Component {
        let json = r#"{
            "format": 1, "plugin": "p", "prefix": "p_", "archive_sha256": "", "target": "linux-x64",
            "tvm": "1", "tvm_ffi": "1", "components": [{
                "name": "c", "prefix": "p_c_", "function": "main",
                "inputs": [
                    {"name": "ids", "dtype": "int64", "shape": [1, "n"], "range": [-1, 5]},
                    {"name": "mask", "dtype": "float32", "shape": ["n"]}],
                "outputs": [{"name": "y", "dtype": "float32", "shape": ["n", "m"]}],
                "dims": {"n": {"min": 1, "max": 4}}}]}"#;
        Metadata::from_json(json).unwrap().components.remove(0)
    }

    fn ids(values: &[i64]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_ne_bytes()).collect()
    }

    /// The outcome for both inputs in turn, `mask` with `mask` elements.
    fn check_inputs(values: &[i64], mask: i64) -> Result<()> {
        let component = component();
        let mut dims = Dims::new();
        let (bytes, shape) = (ids(values), [1, values.len() as i64]);
        let seen = Seen { dtype: DType::Int64, shape: &shape, bytes: &bytes };
        tensor(&component, &component.inputs[0], &seen, &mut dims)?;
        let seen = Seen { dtype: DType::Float32, shape: &[mask], bytes: &[] };
        tensor(&component, &component.inputs[1], &seen, &mut dims)
    }

    #[test]
    fn inputs_that_fit_pass() {
        assert_eq!(check_inputs(&[-1, 0, 4], 3), Ok(()));
    }

    #[test]
    fn bounds_are_inclusive() {
        assert!(check_inputs(&[0], 1).is_ok());
        assert!(check_inputs(&[0; 4], 4).is_ok());
        assert_eq!(check_inputs(&[0; 5], 5).unwrap_err().code(), 5);
        assert_eq!(check_inputs(&[], 0).unwrap_err().code(), 5);
    }

    #[test]
    fn a_dimension_has_one_extent_in_a_call() {
        let error = check_inputs(&[0, 1], 3).unwrap_err();
        assert!(error.to_string().ends_with("n is 3, but 2 in `ids`"), "{error}");
    }

    #[test]
    fn the_first_index_out_of_range_is_named() {
        let error = check_inputs(&[4, 5, -2], 3).unwrap_err();
        assert_eq!(error.to_string(), "element 1 of `ids` is 5, outside the range -1..5");
        assert_eq!(check_inputs(&[i64::MIN], 1).unwrap_err().code(), 6);
    }

    #[test]
    fn an_output_may_have_a_dimension_that_no_input_has() {
        let component = component();
        let mut dims = Dims::new();
        let seen = Seen { dtype: DType::Float32, shape: &[2, 9], bytes: &[] };
        assert_eq!(tensor(&component, &component.outputs[0], &seen, &mut dims), Ok(()));
        assert_eq!(dims["m"], (9, "y"));
    }

    #[test]
    fn inputs_are_put_into_the_order_of_the_metadata() {
        let component = component();
        assert_eq!(order(&component, ["mask", "ids"].into_iter()), Ok(vec![1, 0]));
        assert_eq!(order(&component, ["ids"].into_iter()).unwrap_err().code(), 2);
        assert_eq!(order(&component, ["ids", "ids"].into_iter()).unwrap_err().code(), 3);
        assert_eq!(order(&component, ["ids", "x", "mask"].into_iter()).unwrap_err().code(), 1);
    }
}
